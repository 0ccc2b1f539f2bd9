/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns comparing a kernel's configuration with what volumes and PCR 10 need. */
#include "core/policy/kernel_config.h"

#include <stdio.h>
#include <string.h>

/* A line of its own: "OPTION=y", or with @module "=m" too. */
static bool has(struct lk_bytes text, const char *option, bool module)
{
	size_t len = strlen(option);

	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t line = end ? (size_t)(end - text.data) : text.len;

		if (line == len + 2 && memcmp(text.data, option, len) == 0 &&
		    text.data[len] == '=' &&
		    (text.data[len + 1] == 'y' || (module && text.data[len + 1] == 'm')))
			return true;
		line += end != NULL;
		text = (struct lk_bytes){ text.data + line, text.len - line };
	}
	return false;
}

static bool has_driver(struct lk_bytes text)
{
	static const char *const drivers[] = { "CONFIG_TCG_CRB",     "CONFIG_TCG_TIS",
					       "CONFIG_TCG_TIS_SPI", "CONFIG_TCG_TIS_I2C",
					       "CONFIG_TCG_ATMEL",   "CONFIG_TCG_FTPM_TEE" };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (has(text, drivers[i], false))
			return true;
	return false;
}

static bool wants_integrity(const struct lk_policy_file *pf)
{
	for (size_t i = 0; pf && i < pf->n_volumes; i++)
		if (pf->volumes[i].format.integrity != LK_INTEGRITY_NONE)
			return true;
	return false;
}

static void add_lack(char out[static LK_KERNEL_LACKS_MAX], const char *what)
{
	size_t at = strlen(out);

	(void)snprintf(out + at, LK_KERNEL_LACKS_MAX - at, "%s%s", at ? ", " : "", what);
}

bool lk_kernel_config_lacks(struct lk_bytes text, const struct lk_policy_file *pf,
			    char out[static LK_KERNEL_LACKS_MAX])
{
	bool ima = !pf || pf->pcrs.mask & 1u << LK_PCR_IMA;

	out[0] = '\0';
	if (!has(text, "CONFIG_DM_CRYPT", true))
		add_lack(out, "CONFIG_DM_CRYPT");
	if (wants_integrity(pf) && !has(text, "CONFIG_DM_INTEGRITY", true))
		add_lack(out, "CONFIG_DM_INTEGRITY");
	if (ima && !has(text, "CONFIG_IMA", false))
		add_lack(out, "CONFIG_IMA=y");
	if (ima && !has_driver(text))
		add_lack(out, "CONFIG_TCG_CRB=y or CONFIG_TCG_TIS=y");
	return out[0] != '\0';
}
