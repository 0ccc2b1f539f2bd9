/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libcryptsetup for provisioning: making a LUKS2 volume and changing its header. */
#ifndef LK_SYS_LUKS_LUKS_FORMAT_H
#define LK_SYS_LUKS_LUKS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/policy/policy_file.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"

/** A LUKS2 header on a device, to be changed in place. */
struct lk_volume_header;
void lk_volume_header_free(struct lk_volume_header *h);
static inline void lk_volume_header_freep(struct lk_volume_header **p)
{
	lk_volume_header_free(*p);
}
#define LK_OWNED_VOLUME_HEADER                                                                     \
	__attribute__((cleanup(lk_volume_header_freep))) struct lk_volume_header *

/** Where keyslots begin in what we format, and where they end. */
#define LK_LUKS_KEYSLOTS (256u * 1024u)
#define LK_LUKS_DATA	 (2u * 1024u * 1024u)

/** Told how far a wipe has come, now and then. */
typedef void (*lk_progress_fn)(uint64_t done, uint64_t size, void *data);

/**
 * lk_volume_format - a new LUKS2 header; what the device holds is lost
 * @vol: cipher, key size, sector size and integrity
 * @subsystem: mark of unfinished work, in the header from its first write on
 *
 * Metadata of 128 KiB, data at 2 MiB, PBKDF2 at the least cost for keyslots
 * and digest. With integrity the whole device is wiped, so that each sector
 * has a tag. No keyslot yet: until one is added the volume key is only here.
 *
 * Return: LK_OK, LK_E_NO_DEVICE, LK_E_INPUT, LK_E_IO or LK_E_SYSTEM.
 */
struct lk_format_request {
	const char *device;
	const struct lk_volume *vol;
	const char *subsystem;
	lk_progress_fn progress; /* may be NULL */
	void *progress_data;
};
int lk_volume_format(const struct lk_format_request *req, struct lk_volume_header **ret,
		     struct lk_err *err);

/**
 * lk_volume_check_kernel - can a volume of this kind be made and mapped here?
 *
 * Asks device-mapper for its targets and the kernel for ciphers; a module that can be
 * loaded counts. Without integrity a plain file needs none of it.
 *
 * Return: LK_OK, LK_E_IO with what is missing, or another error. Nothing is changed.
 */
int lk_volume_check_kernel(const char *device, const struct lk_volume *vol, struct lk_err *err);

/**
 * lk_volume_header_copy - the header in memory, to rehearse a change on
 * @ret_fd: what @ret lies in; to be closed after it
 */
int lk_volume_header_copy(const char *device, int *ret_fd, struct lk_volume_header **ret,
			  struct lk_err *err);
/** The first bytes of a device, to put them back where a format fails. */
int lk_volume_beginning_save(const char *device, size_t len, struct lk_buf *ret,
			     struct lk_err *err);
int lk_volume_beginning_restore(const char *device, const struct lk_buf *saved, struct lk_err *err);

/** LK_E_HEADER when there is no LUKS2 header. */
int lk_volume_header_open(const char *device, struct lk_volume_header **ret, struct lk_err *err);
/** Whether a LUKS2 header is there at all; nothing else is an error. */
bool lk_volume_header_exists(const char *device);

const char *lk_volume_header_uuid(const struct lk_volume_header *h);
/** Label and subsystem, which carry the state of unfinished work. A @label of NULL
 * leaves the one that is there. */
const char *lk_volume_header_label(const struct lk_volume_header *h);
const char *lk_volume_header_subsystem(const struct lk_volume_header *h);
#define LK_VOLUME_LABEL_MAX 47u
int lk_volume_header_mark(struct lk_volume_header *h, const char *label, const char *subsystem,
			  struct lk_err *err);

/** Volume key of a passphrase; LK_E_VOLUME when it opens nothing. */
int lk_volume_header_key(struct lk_volume_header *h, int keyslot, struct lk_bytes passphrase,
			 struct lk_secret *ret, struct lk_err *err);
/**
 * lk_volume_header_add_keyslot - a passphrase for the volume key
 * @volume_key: NULL right after lk_volume_format
 * @keyslot: number; must be free
 */
int lk_volume_header_add_keyslot(struct lk_volume_header *h, const struct lk_secret *volume_key,
				 int keyslot, struct lk_bytes passphrase, struct lk_err *err);
/** The keyslot that a passphrase opens, and the volume key; LK_E_VOLUME where it opens none. */
int lk_volume_header_opened_by(struct lk_volume_header *h, struct lk_bytes passphrase,
			       int *ret_keyslot, struct lk_secret *ret, struct lk_err *err);
/** A free keyslot's number, or -1. */
int lk_volume_header_free_keyslot(struct lk_volume_header *h);
/** Keyslots in use. */
unsigned int lk_volume_header_count_keyslots(struct lk_volume_header *h);
/** Wipes a keyslot; one that is free already is LK_OK. */
int lk_volume_header_kill_keyslot(struct lk_volume_header *h, int keyslot, struct lk_err *err);

/** Number of the next token of our type after @after (-1: the first); -1: none. */
int lk_volume_header_next_token(struct lk_volume_header *h, int after);
/** Its JSON. */
int lk_volume_header_token(struct lk_volume_header *h, int token, struct lk_buf *ret,
			   struct lk_err *err);
/** Writes a token in one go, -1: a new one; @json NULL removes it. */
int lk_volume_header_set_token(struct lk_volume_header *h, int token, const char *json,
			       struct lk_err *err);

#endif
