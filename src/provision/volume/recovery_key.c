/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns recovery-key renew: a new recovery key in place of one that was typed or leaked. */
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "install/record.h"
#include "root_key.h"
#include "sys/os/log.h"

/* The numbers of the new keyslot and the old one are in the header's mark, and
 * the number of the keyslot that the record's key opens is in the record: so a
 * run after a power cut knows which of the two keyslots nobody needs. At every
 * moment the record has a key that opens the volume. */

struct renewal {
	const struct lk_options *opts;
	struct lk_target target;
	struct lk_tpm *tpm;
	struct lk_volume_header *header;
	struct lk_json *record;
	struct lk_json *entry; /* the volume's, in the record */
	struct lk_secret present;
	struct lk_secret volume_key;
	struct lk_secret key; /* the new one */
	int old_keyslot;
	int keyslot;
};

static void renewal_done(struct renewal *r)
{
	lk_volume_header_free(r->header);
	lk_json_free(r->record);
	lk_secret_done(&r->present);
	lk_secret_done(&r->volume_key);
	lk_secret_done(&r->key);
	lk_tpm_free(r->tpm);
}

static int check_options(const struct lk_options *o, struct lk_err *err)
{
	if (o->value[LK_OPT_RECOVERY_KEY_FILE] && o->value[LK_OPT_RECORD] &&
	    o->value[LK_OPT_RECIPIENT])
		return LK_OK;
	return lk_err_set(err, LK_E_USAGE, 0,
			  "--recovery-key-file, --record and --recipient are needed");
}

static int names_keyslot(const struct lk_token *token, void *data, struct lk_err *err)
{
	(void)err;
	return token->keyslot == *(const int *)data ? LK_E_REFUSED : LK_OK;
}

static int open_volume(struct renewal *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_RECOVERY_KEY_FILE];
	const char *mark;
	int rc;

	LK_TRY(lk_recovery_key_read(path, &r->present, err));
	LK_TRY(lk_volume_header_open(r->target.device, &r->header, err));
	mark = lk_volume_header_subsystem(r->header);
	if (strcmp(mark, LK_MARK_FORMAT) == 0)
		return lk_err_set(err, LK_E_HEADER, 0,
				  "the volume isn't finished: run format again");
	if (strncmp(mark, LK_MARK_RESEAL, strlen(LK_MARK_RESEAL)) == 0)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"a reseal of this volume was cut short: run that again first; nothing was changed");
	rc = lk_volume_header_opened_by(r->header,
					(struct lk_bytes){ r->present.data, r->present.len },
					&r->old_keyslot, &r->volume_key, err);
	if (rc == LK_E_VOLUME)
		lk_err_prefix(err, "--recovery-key-file %s", path);
	if (rc == LK_OK && lk_token_each(r->header, names_keyslot, &r->old_keyslot, NULL) != LK_OK)
		rc = lk_err_set(
			err, LK_E_REFUSED, 0,
			"--recovery-key-file %s: this opens keyslot %d, which is the TPM's, and not a recovery key's; nothing was changed",
			path, r->old_keyslot);
	return rc;
}

static int open_record(struct renewal *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_RECORD];
	const struct lk_record_volume vol = { .target = &r->target,
					      .uuid = lk_volume_header_uuid(r->header) };

	LK_TRY(lk_record_check(r->opts, r->tpm, err));
	LK_TRY(lk_record_of_tpm(path, r->tpm, &r->record, err));
	r->entry = lk_record_find_volume(r->record, vol.uuid);
	if (!r->entry)
		r->entry = lk_record_volume_entry(r->record, &vol, err);
	return r->entry ? LK_OK : LK_E_SYSTEM;
}

static int finish_renewal(struct renewal *r, int needless, struct lk_err *err)
{
	/* The number comes from a disk: what the TPM uses is never removed. */
	if (lk_token_each(r->header, names_keyslot, &needless, NULL) == LK_OK)
		LK_TRY(lk_volume_header_kill_keyslot(r->header, needless, err));
	return lk_volume_header_mark(r->header, NULL, LK_MARK_DONE, err);
}

/**
 * What a run that was cut short has left. @ret_done: it had got so far that
 * removing the old keyslot was all that lacked.
 */
static int take_up(struct renewal *r, bool *ret_done, struct lk_err *err)
{
	const char *mark = lk_volume_header_subsystem(r->header);
	uint64_t recorded = UINT64_MAX;
	int new, old;

	*ret_done = false;
	if (sscanf(mark, LK_MARK_RENEW "%d/%d", &new, &old) != 2 || new < 0 || old < 0)
		return LK_OK;
	(void)lk_json_get_uint(r->entry, "recovery-keyslot", &recorded);
	*ret_done = r->old_keyslot == new || (recorded == (uint64_t) new && r->old_keyslot == old);
	if (*ret_done)
		return finish_renewal(r, old, err);
	/* Nobody has the key of the new keyslot: it never came into the record. */
	return finish_renewal(r, new, err);
}

static int add_keyslot(struct lk_volume_header *h, struct renewal *r, struct lk_err *err)
{
	const struct lk_bytes key = { r->key.data, r->key.len };

	r->keyslot = lk_volume_header_free_keyslot(h);
	if (r->keyslot < 0)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"no keyslot is free: remove one that nobody needs (cryptsetup luksKillSlot); nothing was changed");
	return lk_volume_header_add_keyslot(h, &r->volume_key, r->keyslot, key, err);
}

/** On a copy of the header in memory, before the disk is touched. */
static int rehearse(struct renewal *r, struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER copy = NULL;
	LK_OWNED_FD fd = -1;

	LK_TRY(lk_volume_header_copy(r->target.device, &fd, &copy, err));
	if (add_keyslot(copy, r, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "the header has no room for another keyslot, and nothing was changed");
	return LK_E_REFUSED;
}

static int record_key(struct renewal *r, struct lk_err *err)
{
	static const char *const keys[] = { "recovery-key", "recovery-keyslot", NULL };

	(void)lk_record_retire(r->entry, "recovery-keys-before", keys);
	lk_json_set_uint(r->entry, "recovery-keyslot", (uint64_t)r->keyslot);
	LK_TRY(lk_record_set_secret(r->entry, "recovery-key", r->opts->value[LK_OPT_RECIPIENT],
				    &r->key, err));
	return lk_record_save(r->opts->value[LK_OPT_RECORD], r->record, err);
}

/** Read anew from the disk: the new key opens the volume. */
static int prove(struct renewal *r, struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER h = NULL;
	LK_OWNED_SECRET key = LK_SECRET_NONE;

	LK_TRY(lk_volume_header_open(r->target.device, &h, err));
	return lk_volume_header_key(h, r->keyslot, (struct lk_bytes){ r->key.data, r->key.len },
				    &key, err);
}

static int replace_key(struct renewal *r, struct lk_err *err)
{
	char mark[sizeof(LK_MARK_RENEW) + 24];

	LK_TRY(lk_recovery_key_make(r->tpm, &r->key, err));
	LK_TRY(rehearse(r, err));
	(void)snprintf(mark, sizeof(mark), LK_MARK_RENEW "%d/%d", r->keyslot, r->old_keyslot);
	LK_TRY(lk_volume_header_mark(r->header, NULL, mark, err));
	LK_TRY(add_keyslot(r->header, r, err));
	LK_TRY(prove(r, err));
	LK_TRY(record_key(r, err));
	return finish_renewal(r, r->old_keyslot, err);
}

static int renew(struct renewal *r, struct lk_err *err)
{
	bool done = false;

	LK_TRY(check_options(r->opts, err));
	LK_TRY(lk_target_load(r->opts, &r->target, err));
	LK_TRY(open_volume(r, err));
	LK_TRY(lk_tpm_open_ours(r->opts, &r->target.pf, &r->tpm, err));
	LK_TRY(open_record(r, err));
	LK_TRY(take_up(r, &done, err));
	if (!done)
		LK_TRY(replace_key(r, err));
	lk_log(LK_LOG_INFO,
	       done ? "volume %s: the change of its recovery key that was cut short is finished; the key is in %s"
		    : "volume %s has a new recovery key, in %s; the one before doesn't open it any more",
	       r->target.vol->name, r->opts->value[LK_OPT_RECORD]);
	return LK_OK;
}

static int run_recovery_key_renew(const struct lk_options *opts, struct lk_err *err)
{
	struct renewal r = { .opts = opts };
	int rc = renew(&r, err);

	if (rc != LK_OK && r.header)
		lk_err_prefix(err, "volume %s", r.target.vol->name);
	renewal_done(&r);
	return rc;
}

const struct lk_command lk_cmd_recovery_key_renew = {
	.cli.words = "recovery-key renew",
	.cli.summary = "a new recovery key in place of one that was typed or leaked",
	.cli.operands = "",
	.cli.required = "--recovery-key-file FILE --record FILE --recipient FILE",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(RECOVERY_KEY_FILE) |
		   LK_OPT_BIT(RECORD) | LK_OPT_BIT(RECIPIENT),
	.run = run_recovery_key_renew,
};
