/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libblkid: what a device or file holds that somebody might miss. */
#include "sys/blkid.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void take_value(blkid_probe probe, const char *name, const char *kind,
		       char out[static LK_BLKID_TEXT])
{
	const char *value = NULL;

	if (out[0] == '\0' &&
	    blkid_probe_lookup_value(probe, name, &value, NULL) == 0)
		snprintf(out, LK_BLKID_TEXT, "%s%s", value, kind);
}

int lk_blkid_probe(const char *device, char ret_found[static LK_BLKID_TEXT],
		   struct lk_err *err)
{
	blkid_probe probe = blkid_new_probe_from_filename(device);
	int found;

	if (!probe)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno,
				  "%s: %s", device, strerror(errno));
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
							 BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_FORCE_GPT);
	found = blkid_do_safeprobe(probe);
	ret_found[0] = '\0';
	if (found == 0) {
		take_value(probe, "TYPE", "", ret_found);
		take_value(probe, "PTTYPE", " partition table", ret_found);
		if (ret_found[0] == '\0')
			strcpy(ret_found, "unnamed data");
	}
	blkid_free_probe(probe);
	if (found == -2)
		strcpy(ret_found, "several things at once");
	else if (found < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno,
				  "%s: can't be looked through", device);
	return LK_OK;
}
