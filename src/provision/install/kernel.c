/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns install's look at the configuration of the kernel that runs. */
#include <limits.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "core/policy/kernel_config.h"
#include "install/install.h"
#include "sys/os/log.h"

/* Where distributions leave it; /proc/config.gz is compressed, and few kernels have it. */
static int read_config(char path[static PATH_MAX], struct lk_buf *ret)
{
	static const struct {
		const char *before;
		const char *after;
	} places[] = { { "/boot/config-", "" },
		       { "/usr/lib/modules/", "/config" },
		       { "/lib/modules/", "/config" } };
	struct utsname name;
	int rc = LK_E_IO;

	if (uname(&name) != 0)
		return LK_E_SYSTEM;
	for (size_t i = 0; rc != LK_OK && i < sizeof(places) / sizeof(places[0]); i++) {
		(void)snprintf(path, PATH_MAX, "%s%s%s", places[i].before, name.release,
			       places[i].after);
		rc = lk_fs_read_regular(path, LK_KERNEL_CONFIG_MAX, ret, NULL);
	}
	return rc;
}

void lk_install_look_at_kernel(const struct lk_options *opts)
{
	const char *policy =
		lk_option_given(opts, LK_OPT_POLICY) ? opts->value[LK_OPT_POLICY] : NULL;
	LK_OWNED_BUF text = LK_BUF_NONE;
	char lacks[LK_KERNEL_LACKS_MAX];
	char path[PATH_MAX];
	struct lk_policy_file pf;

	if (policy && lk_policy_file_load(policy, &pf, NULL) != LK_OK)
		return;
	if (read_config(path, &text) != LK_OK)
		return;
	if (lk_kernel_config_lacks((struct lk_bytes){ text.data, text.len }, policy ? &pf : NULL,
				   lacks))
		lk_log(LK_LOG_WARNING,
		       "%s lacks %s: if devices run this kernel, it can't open volumes, or PCR 10 is zero in every boot; see latchkey-initramfs(7)",
		       path, lacks);
}
