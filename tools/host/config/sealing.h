/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns sealing one archive, for one device or for many. */
#ifndef LK_HOST_CONFIG_SEALING_H
#define LK_HOST_CONFIG_SEALING_H

#include "core/config/blob.h"
#include "core/base/stream.h"
#include "outfile.h"
#include "sys/format/archive.h"
#include "sys/crypto/crypto_sign.h"
#include "sys/os/secret.h"

/** Where the archive comes from. */
struct lk_sealing_input {
	const char *path; /* a folder, or an archive */
	bool is_archive;
	enum lk_compression compression; /* of a folder's */
	uint64_t mtime;			 /* of a folder's files */
	const char *over;		 /* what one device has over it; NULL: nothing */
};

/** What all blobs of one call have in common. */
struct lk_sealing {
	struct lk_private_key *key;
	struct lk_secret config_key;
	uint64_t sequence;
	uint64_t created;
	int archive; /* its file */
	uint64_t archive_size;
	bool force; /* replace blobs that are there */
	/* Folder of a folder NAME for each NAME.json, which lies over the input; the archive
	 * is each device's own then. NULL: all have the same. */
	const char *templates;
	const struct lk_sealing_input *input; /* with templates */
};

/** Opens or packs the archive into @s, and checks what is in it. With templates that is
 * done for each device. */
int lk_sealing_prepare(struct lk_sealing *s, const struct lk_sealing_input *input,
		       struct lk_err *err);

/** The archive of the device NAME alone into @ret, whose file the caller closes. */
int lk_sealing_for_one(const struct lk_sealing *s, const char *name, struct lk_sealing *ret,
		       struct lk_err *err);

/** The blob into @file, which is open. @target: all zero for any device. */
int lk_sealing_write(const struct lk_sealing *s, const uint8_t target[static LK_BLOB_ID_SIZE],
		     struct lk_outfile *file, const struct lk_progress *progress,
		     struct lk_err *err);
/** The blob at @path, or nothing. */
int lk_sealing_blob(const struct lk_sealing *s, const uint8_t target[static LK_BLOB_ID_SIZE],
		    const char *path, const struct lk_progress *progress, struct lk_err *err);

/**
 * lk_sealing_fleet - a blob for each *.json of a folder of records
 * @folder: gets NAME.lkb for NAME.json; made when it isn't there
 *
 * One that fails is told of and doesn't keep the others from being made.
 *
 * Return: LK_OK, or the worst that happened.
 */
int lk_sealing_fleet(const struct lk_sealing *s, const char *records, const char *folder,
		     struct lk_err *err);

#endif
