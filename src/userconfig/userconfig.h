/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what every command of latchkey-userconfig works with: settings, the file system's root, the lock, the TPM's name. */
#ifndef LK_USERCONFIG_USERCONFIG_H
#define LK_USERCONFIG_USERCONFIG_H

#include <limits.h>
#include <stdbool.h>

#include "core/base/paths.h"
#include "core/base/rc.h"
#include "core/config/userconfig_file.h"
#include "core/policy/policy_key.h"
#include "sys/tpm/tpm.h"

struct lk_uc_options {
	const char *config;	 /* NULL: LK_UC_SETTINGS, or defaults without it */
	const char *blob;	 /* NULL: the upload directory's */
	const char *root;	 /* NULL: / */
	const char *device_file; /* NULL: LK_DEVICE_FILE, or the policy file's root-key */
	const char *tcti;
	bool dry_run;
	bool raise_floor; /* with --root: not a try, but this device's own system */
	bool json;
	const char *folder; /* operand of drop-ins */
	const char *yes;    /* the answer of reset */
};

/** A mount point without a volume. */
struct lk_uc_unmounted {
	const char *named_by;
	char point[LK_UC_PATH_MAX + 1];
};

/** One run of the program. All paths are beneath @at. */
struct lk_uc {
	const struct lk_uc_options *opts;
	struct lk_userconfig_file settings;
	int at;	   /* the root folder */
	int lock;  /* held until the end; -1: reading only */
	bool live; /* the root is the running system's */
	bool real; /* so is what is applied: the TPM's floor is raised for it */
	struct lk_uc_unmounted *unmounted; /* of what the settings name */
	size_t n_unmounted;
};
void lk_uc_close(struct lk_uc *uc);
static inline void lk_uc_closep(struct lk_uc **p)
{
	lk_uc_close(*p);
}
#define LK_OWNED_UC __attribute__((cleanup(lk_uc_closep))) struct lk_uc *

/**
 * lk_uc_open - settings and root
 * @write: make the state directory where it lacks, and lock it against other runs
 */
int lk_uc_open(const struct lk_uc_options *opts, bool write, struct lk_uc **ret,
	       struct lk_err *err);
/** For a time in which others may go first; whatever they did, they left it whole. */
void lk_uc_unlock(struct lk_uc *uc);
int lk_uc_lock(struct lk_uc *uc, struct lk_err *err);
/**
 * lk_uc_repair - what is damaged in the state directory is taken out, with a warning
 *
 * Links that aren't links or point to no generation, and folders that are none: they
 * would be in the way of every configuration to come. lk_uc_lock() does it.
 */
int lk_uc_repair(const struct lk_uc *uc, struct lk_err *err);
/** The same of the lock's own file, before it is taken. */
int lk_uc_repair_lock(const struct lk_uc *uc, struct lk_err *err);
/**
 * lk_uc_within - where a file of this system's own lies
 * @ret: with --root what a process in that root would open, its links followed
 *	beneath it and nowhere else
 */
int lk_uc_within(const struct lk_uc *uc, const char *path, bool *ret_present,
		 char ret[static PATH_MAX], struct lk_err *err);

/* mounts.c */
/** LK_E_IO where the state directory lies on a volume that isn't mounted. Drop-ins ask for none. */
int lk_uc_find_unmounted(struct lk_uc *uc, struct lk_err *err);
bool lk_uc_is_mounted(const struct lk_uc *uc, const char *path);
/** LK_E_IO where it isn't: a file there would be hidden once it is. */
int lk_uc_check_mounted(const struct lk_uc *uc, const char *path, struct lk_err *err);

/* device.c */
/**
 * lk_uc_tpm - the TPM that device file or policy file say it has to be
 * @ret_proven: where what it says is shown and nothing more: whether anything says
 *	whose it has to be; NULL: without that it is LK_E_OBJECT
 *
 * What it finds wrong is never LK_E_INPUT, LK_E_POLICY or LK_E_REFUSED: it isn't the
 * blob's fault.
 */
int lk_uc_tpm(const struct lk_uc *uc, bool *ret_proven, struct lk_tpm **ret, struct lk_err *err);
/** Whose signature counts: the policy file's key where there is one, else the
 * device file's; the TPM's has to be the same. */
int lk_uc_policy_key(const struct lk_uc *uc, struct lk_tpm *tpm, struct lk_policy_key *ret,
		     struct lk_err *err);

/**
 * Both parts in one. What is too long is cut: settings and archive rules keep
 * paths far below PATH_MAX, and a path that is cut isn't found.
 */
void lk_uc_join(char ret[static PATH_MAX], const char *a, const char *b);
/** "<state directory>/<name>" */
void lk_uc_state(const struct lk_uc *uc, const char *name, char ret[static PATH_MAX]);
/** A small file in the state directory, replaced in one step and synced. */
int lk_uc_store(const struct lk_uc *uc, const char *name, const void *data, size_t len,
		struct lk_err *err);

/* The commands. */
int lk_uc_apply(const struct lk_uc_options *opts, struct lk_err *err);
int lk_uc_check(const struct lk_uc_options *opts, struct lk_err *err);
int lk_uc_status(const struct lk_uc_options *opts, struct lk_err *err);
int lk_uc_init(const struct lk_uc_options *opts, struct lk_err *err);
int lk_uc_drop_ins(const struct lk_uc_options *opts, struct lk_err *err);
int lk_uc_reset(const struct lk_uc_options *opts, struct lk_err *err);
int lk_uc_rollback(const struct lk_uc_options *opts, struct lk_err *err);

#endif
