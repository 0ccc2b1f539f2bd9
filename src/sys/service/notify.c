/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns sd_notify(3), sd_listen_fds(3) and the watchdog. */
#include "sys/service/notify.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

int lk_notify_socket(const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), found = -1;

	for (int i = 0; i < n; i++) {
		if (found < 0 && strcmp(names[i], name) == 0)
			found = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	return found;
}

void lk_notify(const char *state)
{
	(void)sd_notify(0, state);
}

void lk_notify_alive(void)
{
	uint64_t microseconds;

	/* A second is less than half of any watchdog's time that makes sense. */
	if (sd_watchdog_enabled(0, &microseconds) > 0)
		(void)sd_notify(0, "WATCHDOG=1");
}
