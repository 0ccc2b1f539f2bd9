/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns EFI variables as event logs hold them: their parts, signature lists, and words for them. */
#ifndef LK_CORE_BOOTLOG_EFI_VARIABLE_H
#define LK_CORE_BOOTLOG_EFI_VARIABLE_H

#include "core/base/text_out.h"

/** UEFI_VARIABLE_DATA; all bytes lie in the event. */
struct lk_efi_variable {
	struct lk_bytes guid; /* LK_GUID_SIZE */
	struct lk_bytes name; /* UTF-16, without a NUL */
	struct lk_bytes data;
};

/** False when a length isn't right or something is left over. */
bool lk_efi_variable_read(struct lk_bytes event, struct lk_efi_variable *ret);
/** The same, with what is left over counted: old shims leave some bytes of chance. */
bool lk_efi_variable_read_any(struct lk_bytes event, struct lk_efi_variable *ret,
			      size_t *ret_stray);

enum lk_signature_kind {
	LK_SIGNATURE_CERTIFICATE, /* X.509, DER */
	LK_SIGNATURE_SHA256,	  /* of an image */
	LK_SIGNATURE_OTHER,
};

/** One entry of a list. */
struct lk_efi_signature {
	enum lk_signature_kind kind;
	struct lk_bytes type;  /* LK_GUID_SIZE; what kind is of */
	struct lk_bytes owner; /* LK_GUID_SIZE */
	struct lk_bytes data;
};

/** A place in EFI_SIGNATURE_LISTs, one after the other (UEFI 2.10, 32.4.1). */
struct lk_efi_signatures {
	struct lk_reader rest;
	struct lk_reader list;
	enum lk_signature_kind kind;
	struct lk_bytes type;
	size_t entry_size;
};

void lk_efi_signatures_open(struct lk_bytes data, struct lk_efi_signatures *ret);
/** The next; false at the end, and then @s->rest.failed says whether it is one. */
bool lk_efi_signatures_next(struct lk_efi_signatures *s, struct lk_efi_signature *ret);
/** Whether an entry of that type, owner and data is among them. */
bool lk_efi_signatures_hold(struct lk_bytes lists, const struct lk_efi_signature *wanted);

/** Whose names mean something: by name and GUID, since names are anybody's. */
enum lk_variable_owner {
	LK_VARIABLE_GLOBAL, /* EFI_GLOBAL_VARIABLE: SecureBoot, PK, KEK, BootOrder, ... */
	LK_VARIABLE_IMAGES, /* EFI_IMAGE_SECURITY_DATABASE_GUID: db, dbx, ... */
	LK_VARIABLE_SHIM,
	LK_VARIABLE_OTHER,
};
enum lk_variable_owner lk_efi_variable_owner(const struct lk_efi_variable *var);

/** Whether an EV_EFI_VARIABLE_AUTHORITY tells what an image was accepted by: shim also
 * logs its revocation level and its settings as such. */
bool lk_efi_variable_accepts(const struct lk_efi_variable *var);

/**
 * lk_efi_variable_text - what a variable says
 * @authority: it is of an EV_EFI_VARIABLE_AUTHORITY
 * @named: its name is measured; else the words say only what the log calls it
 */
void lk_efi_variable_text(const struct lk_efi_variable *var, bool authority, bool named,
			  struct lk_text_out *out);

#endif
