/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns halting and rebooting. */
#include "unseal/ending.h"

#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "core/policy/boot_argument.h"
#include "core/policy/policy_file_refused.h"
#include "sys/boot/reboots.h"
#include "sys/format/document.h"
#include "sys/os/log.h"

/* Whoever writes the command line can't have more than a prompt that ends sooner or later. */
unsigned int lk_ending_prompt_seconds(const struct lk_policy_file *pf)
{
	char value[8];
	unsigned long seconds;

	if (!lk_unseal_boot_argument(LK_ARG_TIMEOUT_PROMPT, value, sizeof(value)))
		return pf->timeout_prompt;
	seconds = strtoul(value, NULL, 10);
	if (value[0] && value[strspn(value, "0123456789")] == '\0' &&
	    seconds <= LK_TIMEOUT_PROMPT_MAX)
		return (unsigned int)seconds;
	lk_log(LK_LOG_WARNING,
	       "kernel command line: " LK_ARG_TIMEOUT_PROMPT ": seconds, 0 to %u, are expected",
	       LK_TIMEOUT_PROMPT_MAX);
	return pf->timeout_prompt;
}

static const char *find_closed(const struct lk_policy_file *pf, const struct lk_target *targets,
			       size_t n, enum lk_on_failure what)
{
	for (size_t i = 0; i < n; i++)
		if (targets[i].rc != LK_OK && lk_policy_file_ending(pf, targets[i].vol) == what)
			return targets[i].vol->name;
	return NULL;
}

static void halt(const char *name, const char *why)
{
	lk_log(LK_LOG_ERR, "%s: halting, %s", name, why);
	sync();
	(void)reboot((int)RB_HALT_SYSTEM);
}

static void reboot_counted(const char *name)
{
	struct lk_err err = { 0 };
	unsigned int count;

	lk_reboots_mount();
	if (lk_reboots_count(LK_EFIVARS_DIR, &count, &err) != LK_OK) {
		lk_log(LK_LOG_ERR, "%s: not rebooting once more: %s", name, err.msg);
		halt(name, "in place of the reboot that the policy file wants");
		return;
	}
	lk_log(LK_LOG_ERR, "%s: rebooting, as the policy file says (%u of %u in a row)", name,
	       count, LK_REBOOTS_MAX);
	sync();
	(void)reboot((int)RB_AUTOBOOT);
}

void lk_ending_act(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n)
{
	const char *to_halt = find_closed(pf, targets, n, LK_ON_FAILURE_HALT);
	const char *to_reboot = find_closed(pf, targets, n, LK_ON_FAILURE_REBOOT);

	if (to_halt)
		halt(to_halt, "as the policy file says");
	else if (to_reboot)
		reboot_counted(to_reboot);
}

void lk_ending_opened(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n)
{
	bool opened = false;

	for (size_t i = 0; i < n; i++)
		opened = opened ||
			 (targets[i].rc == LK_OK &&
			  lk_policy_file_ending(pf, targets[i].vol) == LK_ON_FAILURE_REBOOT);
	if (!opened || find_closed(pf, targets, n, LK_ON_FAILURE_REBOOT))
		return;
	lk_reboots_mount();
	lk_reboots_forget(LK_EFIVARS_DIR);
}

/* A halt by one volume's wish goes before a reboot by another's, as in lk_ending_act(). */
void lk_ending_crashed(const char *policy)
{
	struct lk_policy_file pf;
	const struct lk_volume *to_reboot = NULL;
	struct lk_err err = { 0 };
	int rc = lk_document_early_policy_file(policy, &pf, &err);

	if (rc != LK_OK) {
		lk_log(LK_LOG_ERR, "%s", err.msg);
		halt("unfinished run", "since the policy file can't be read");
		return;
	}
	for (size_t i = 0; i < pf.n_volumes; i++) {
		if (lk_policy_file_ending(&pf, &pf.volumes[i]) == LK_ON_FAILURE_HALT) {
			halt(pf.volumes[i].name, "as the policy file says");
			return;
		}
		if (lk_policy_file_ending(&pf, &pf.volumes[i]) == LK_ON_FAILURE_REBOOT &&
		    !to_reboot)
			to_reboot = &pf.volumes[i];
	}
	if (to_reboot)
		reboot_counted(to_reboot->name);
	else
		halt("unfinished run", "since no volume of the policy file asks for a reboot");
}
