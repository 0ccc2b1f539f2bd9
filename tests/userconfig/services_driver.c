/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what Python can't reach: lk_services_act, and whether systemd is said to run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "sys/service/services.h"

#define ACTIONS_MAX 16

/* In libsystemd's place: where tests run, it isn't for them to say. */
int sd_booted(void)
{
	return getenv("LK_TEST_BOOTED") != NULL;
}

/* Arguments: HOOKS SETTLE restart:UNIT|reload:UNIT... */
int main(int argc, char **argv)
{
	struct lk_unit_action actions[ACTIONS_MAX];
	LK_OWNED_SERVICES s = NULL;
	struct lk_err err = { 0 };
	size_t n = 0;
	int rc;

	if (argc < 3)
		return 2;
	for (int i = 3; i < argc && n < ACTIONS_MAX; i++) {
		const char *colon = strchr(argv[i], ':');

		if (!colon)
			return 2;
		actions[n++] = (struct lk_unit_action){ colon + 1, argv[i][2] == 'l' };
	}
	rc = lk_services_open(argv[1], &s, &err);
	if (rc == LK_OK && !lk_services_any(s))
		puts("nobody to ask");
	if (rc == LK_OK)
		rc = lk_services_act(s, actions, n, (unsigned int)strtoul(argv[2], NULL, 10), &err);
	if (rc != LK_OK)
		fprintf(stderr, "%s\n", err.msg);
	return lk_exit_code(rc);
}
