/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the look at a tar archive's names as they are written: libarchive gives them as C strings, cut at a zero byte. */
#ifndef LK_CORE_CONFIG_TAR_NAMES_H
#define LK_CORE_CONFIG_TAR_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"

#define LK_TAR_BLOCK   512u
#define LK_TAR_KEY_MAX 24u

enum lk_tar_stage {
	LK_TAR_HEADER,
	LK_TAR_PAX,    /* records of an extended header */
	LK_TAR_NAME,   /* GNU's long name */
	LK_TAR_SPARSE, /* blocks of GNU's sparse map */
	LK_TAR_DATA,   /* nothing in it is looked at */
	LK_TAR_OVER,   /* after the end, or after what is refused for its kind */
};

/** One record of an extended header: "LENGTH KEY=VALUE\n". */
struct lk_tar_record {
	uint64_t len;  /* as it says */
	uint64_t seen; /* bytes of it so far */
	unsigned int part;
	size_t n_key;
	char key[LK_TAR_KEY_MAX];
	uint64_t number; /* of the value, where it is one */
};

/** Where an archive is; all zero is its start. */
struct lk_tar_names {
	enum lk_tar_stage stage;
	uint8_t block[LK_TAR_BLOCK];
	size_t n;
	uint64_t at;
	uint64_t body;	  /* bytes left of what follows a header */
	uint64_t padding; /* up to the next block, after them */
	uint64_t data;	  /* bytes of the entry, once its sparse map is over */
	bool any;	  /* a header was there before */
	bool ended;	  /* the long name has had its zero byte */
	bool local;	  /* the extended header is for one entry */
	bool has_size;
	uint64_t size; /* from the extended header */
	struct lk_tar_record record;
};

/**
 * lk_tar_names_see - the next bytes of a tar archive (ustar, pax, GNU), unpacked
 *
 * What is no header at all is left to who reads the archive.
 *
 * Return: LK_OK, or LK_E_INPUT for a name with a zero byte inside, and for
 * what isn't a header where one has to be.
 */
int lk_tar_names_see(struct lk_tar_names *t, const uint8_t *data, size_t len, struct lk_err *err);

#endif
