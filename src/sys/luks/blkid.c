/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libblkid: what a device or file holds that somebody might miss. */
#include "sys/luks/blkid.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/reach.h"
#include "sys/luks/luks_format.h"

#define CHUNK	   (64u * 1024u)
#define BEGIN	   (LK_LUKS_KEYSLOTS / CHUNK)
#define END_CHUNKS 16u /* a MiB */
#define SAMPLES	   64u /* in between */
#define PLACES	   (BEGIN + 2 * END_CHUNKS + SAMPLES)

static void take_value(blkid_probe probe, const char *name, const char *kind,
		       char out[static LK_BLKID_TEXT])
{
	const char *value = NULL;

	if (out[0] == '\0' && blkid_probe_lookup_value(probe, name, &value, NULL) == 0)
		snprintf(out, LK_BLKID_TEXT, "%s%s", value, kind);
}

int lk_blkid_probe(const char *device, char ret_found[static LK_BLKID_TEXT], struct lk_err *err)
{
	blkid_probe probe = blkid_new_probe_from_filename(device);
	char why[LK_REACH_MAX];
	int found;

	if (!probe)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno, "%s: can't open: %s",
				  device, lk_reach_why(device, errno, why));
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
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
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't be looked through",
				  device);
	return LK_OK;
}

/** The chunks that are looked at: before the keyslots, after them, the end. */
static uint64_t place(unsigned int i, uint64_t chunks)
{
	const uint64_t data = LK_LUKS_DATA / CHUNK;

	if (i < BEGIN)
		return i;
	i -= BEGIN;
	if (i < END_CHUNKS)
		return data + i;
	i -= END_CHUNKS;
	if (i < END_CHUNKS)
		return chunks - 1 - i;
	return data + (chunks - data) * (i - END_CHUNKS) / SAMPLES;
}

static bool is_blank(const uint8_t *data, size_t len)
{
	if (data[0] != 0 && data[0] != 0xff)
		return false;
	return memcmp(data, data + 1, len - 1) == 0;
}

int lk_device_is_blank(const char *device, bool *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = open(device, O_RDONLY | O_CLOEXEC);
	uint8_t data[CHUNK];
	bool blank = true;
	uint64_t size;
	int rc = lk_fs_size(device, &size, err);

	if (rc != LK_OK)
		return rc;
	if (fd < 0 || size < LK_LUKS_DATA + END_CHUNKS * CHUNK)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno,
				  "%s: can't be looked through", device);
	for (unsigned int i = 0; blank && i < PLACES; i++) {
		off_t at = (off_t)(place(i, size / CHUNK) * CHUNK);

		if (pread(fd, data, CHUNK, at) != CHUNK)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno,
					  "%s: can't be read at %llu", device,
					  (unsigned long long)at);
		blank = is_blank(data, CHUNK);
	}
	*ret = blank;
	return LK_OK;
}
