/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what lies in the state directory: generations, which is current, and work that was begun. */
#ifndef LK_USERCONFIG_GENERATION_H
#define LK_USERCONFIG_GENERATION_H

#include "core/config/manifest.h"
#include "userconfig.h"

/** Generation 0 holds the files that were there before Latchkey's. */
#define LK_GENERATION_ORIGINAL 0u
#define LK_GENERATION_NEW      ".new"
#define LK_GENERATION_ID_SIZE  21u

/** A generation's folder name: its sequence in 20 digits. */
void lk_generation_id(uint64_t sequence, char ret[static LK_GENERATION_ID_SIZE]);
/** "<state>/generations/<id>/<sub>"; @sub "" for the folder itself. */
void lk_generation_path(const struct lk_uc *uc, uint64_t sequence, const char *sub,
			char ret[static PATH_MAX]);
/** The file or link of @destination in a generation's tree. */
void lk_generation_file(const struct lk_uc *uc, uint64_t sequence, const char *destination,
			char ret[static PATH_MAX]);
/** Where its volatile files lie: "/run/latchkey/userconfig/<id><sub>". */
void lk_generation_volatile(uint64_t sequence, const char *sub, char ret[static PATH_MAX]);

/** @which: "current" or "previous". */
int lk_generation_get(const struct lk_uc *uc, const char *which, bool *ret_present,
		      uint64_t *ret_sequence, struct lk_err *err);
int lk_generation_set(const struct lk_uc *uc, const char *which, uint64_t sequence,
		      struct lk_err *err);
/** The current one; generation 0 is made and becomes it where there is none. */
int lk_generation_begin(const struct lk_uc *uc, uint64_t *ret_sequence, struct lk_err *err);
/** What lk_generation_set leaves where it is killed is removed. */
int lk_generation_sweep(const struct lk_uc *uc, struct lk_err *err);
/** Whether it is 0, current or previous. */
int lk_generation_is_kept(const struct lk_uc *uc, uint64_t sequence, bool *ret, struct lk_err *err);
/** Each that is there, in order, until @fn returns another than LK_OK. */
int lk_generation_each(const struct lk_uc *uc,
		       int (*fn)(void *ctx, uint64_t sequence, struct lk_err *err), void *ctx,
		       struct lk_err *err);
/** Removes all others. */
int lk_generation_prune(const struct lk_uc *uc, struct lk_err *err);

/** What is known of a generation besides its files. */
struct lk_uc_record {
	uint64_t sequence;
	uint64_t created; /* as the blob says */
	uint64_t applied; /* by this device's clock */
	uint64_t files;
	bool has_volatile;
	bool unreadable; /* but for the sequence, which its folder says */
	char label[LK_MANIFEST_LABEL_MAX + 1];
};
/** Into the new generation's folder. */
int lk_uc_record_write(const struct lk_uc *uc, const struct lk_uc_record *rec, struct lk_err *err);
int lk_uc_record_read(const struct lk_uc *uc, uint64_t sequence, struct lk_uc_record *ret,
		      struct lk_err *err);
/** The manifest that a generation came with; an empty one where it has none. */
int lk_uc_manifest_read(const struct lk_uc *uc, uint64_t sequence, struct lk_manifest *ret,
			struct lk_err *err);

/** How far a change from one generation to another is. */
enum lk_uc_stage {
	LK_STAGE_SWITCH, /* links are made; current may point to either */
	LK_STAGE_SETTLE, /* switched: floor, units, tidying are left */
	LK_STAGE_REVERT, /* a unit didn't come back: back to @from */
};
struct lk_uc_pending {
	enum lk_uc_stage stage;
	uint64_t from;
	uint64_t to;
};
int lk_uc_pending_write(const struct lk_uc *uc, const struct lk_uc_pending *p, struct lk_err *err);
int lk_uc_pending_read(const struct lk_uc *uc, bool *ret_present, struct lk_uc_pending *ret,
		       struct lk_err *err);
int lk_uc_pending_clear(const struct lk_uc *uc, struct lk_err *err);

#endif
