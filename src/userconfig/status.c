/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig status: what is in place, and what this device would take. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "core/config/blob.h"
#include "copies.h"
#include "generation.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_places.h"
#include "sys/tpm/tpm_config.h"

/** What there is to say. */
struct state {
	bool has_current, has_previous, pending;
	struct lk_uc_record current, previous;
	struct lk_uc_pending change;
	bool proven; /* something says whose TPM it has to be */
	uint64_t floor;
	char device[2 * LK_BLOB_ID_SIZE + 1];
	char policy_key[2 * LK_BLOB_ID_SIZE + 1];
};

static int read_generation(const struct lk_uc *uc, const char *which, bool *ret_present,
			   struct lk_uc_record *ret, struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc = lk_generation_get(uc, which, ret_present, &ret->sequence, err);

	/* Its name says what matters most. */
	if (rc == LK_OK && *ret_present &&
	    lk_uc_record_read(uc, ret->sequence, ret, &why) != LK_OK) {
		lk_log(LK_LOG_ERR, "%s", why.msg);
		ret->unreadable = true;
	}
	return rc;
}

static int read_disk(const struct lk_uc *uc, struct state *s, struct lk_err *err)
{
	int rc = read_generation(uc, "current", &s->has_current, &s->current, err);

	if (rc == LK_OK)
		rc = read_generation(uc, "previous", &s->has_previous, &s->previous, err);
	if (rc == LK_OK)
		rc = lk_uc_pending_read(uc, &s->pending, &s->change, err);
	return rc;
}

static int read_tpm(const struct lk_uc *uc, struct state *s, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	struct lk_policy_key key;
	struct lk_name root;
	uint8_t id[LK_BLOB_ID_SIZE];
	int rc = lk_uc_tpm(uc, &s->proven, &tpm, err);

	if (rc == LK_OK)
		rc = lk_uc_policy_key(uc, tpm, &key, err);
	if (rc == LK_OK)
		rc = lk_policy_key_id(&key, lk_crypto_hash, id, err);
	if (rc == LK_OK)
		lk_hex_encode(id, sizeof(id), s->policy_key);
	if (rc == LK_OK)
		rc = lk_tpm_root_name(tpm, &root, err);
	if (rc == LK_OK)
		rc = lk_device_id(&root, lk_crypto_hash, id, err);
	if (rc == LK_OK)
		lk_hex_encode(id, sizeof(id), s->device);
	if (rc == LK_OK)
		rc = lk_tpm_floor_read(tpm, LK_NV_SEQUENCE_FLOOR, &s->floor, err);
	return rc;
}

static void print_generation(const char *what, bool present, const struct lk_uc_record *r)
{
	time_t applied = (time_t)r->applied;
	char when[32] = "";
	struct tm tm;

	printf("%s", what);
	if (!present) {
		printf("none\n");
		return;
	}
	if (r->sequence == LK_GENERATION_ORIGINAL) {
		lk_print_shown(stdout, r->label);
		putchar('\n');
		return;
	}
	if (r->unreadable) {
		printf("%" PRIu64 ", of which the record can't be read\n", r->sequence);
		return;
	}
	if (gmtime_r(&applied, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	printf("%" PRIu64 "%s", r->sequence, r->label[0] ? ", " : "");
	lk_print_shown(stdout, r->label);
	printf(", %" PRIu64 " file%s, applied %s\n", r->files, r->files == 1 ? "" : "s", when);
}

static int print_changed(void *ctx, const char *destination, enum lk_tree_kind kind,
			 struct lk_err *err)
{
	(void)ctx;
	(void)err;
	printf("%s", kind == LK_TREE_NONE ? "missing:    " : "changed:    ");
	lk_print_shown(stdout, destination);
	printf(", a copy\n");
	return LK_OK;
}

static int add_changed(void *ctx, const char *destination, enum lk_tree_kind kind,
		       struct lk_err *err)
{
	struct lk_json *obj = lk_json_add_object(ctx);

	(void)err;
	lk_json_set_text(obj, "destination", destination);
	lk_json_set_bool(obj, "missing", kind == LK_TREE_NONE);
	return LK_OK;
}

/* Of the copies that are in place. */
static void each_changed(const struct lk_uc *uc, const struct state *s,
			 const struct lk_tree_visitor *visitor)
{
	struct lk_err why = { 0 };

	if (s->has_current && lk_copies_changed(uc, s->current.sequence, visitor, &why) != LK_OK)
		lk_log(LK_LOG_WARNING, "copies: %s", why.msg);
}

static void print_text(const struct lk_uc *uc, const struct state *s, int tpm_rc)
{
	const struct lk_tree_visitor changed = { print_changed, NULL };

	print_generation("current:    ", s->has_current, &s->current);
	print_generation("previous:   ", s->has_previous, &s->previous);
	each_changed(uc, s, &changed);
	if (s->pending)
		printf("unfinished: from %" PRIu64 " to %" PRIu64
		       "; the next \"apply\" finishes it\n",
		       s->change.from, s->change.to);
	if (tpm_rc != LK_OK)
		return;
	printf("floor:      %" PRIu64 " (a new blob needs a higher sequence)\n"
	       "device ID:  %s\npolicy key: %s\n",
	       s->floor, s->device, s->policy_key);
	if (!s->proven)
		printf("not proven: nothing here says whose TPM this has to be, so somebody on its bus may have\n"
		       "            said the last three lines; see latchkey-device(5)\n");
}

static void set_generation(struct lk_json *json, const char *key, bool present,
			   const struct lk_uc_record *r)
{
	struct lk_json *obj;

	if (!present)
		return;
	obj = lk_json_set_object(json, key);
	lk_json_set_uint(obj, "sequence", r->sequence);
	if (r->unreadable)
		return;
	lk_json_set_text(obj, "label", r->label);
	lk_json_set_uint(obj, "created", r->created);
	lk_json_set_uint(obj, "applied", r->applied);
	lk_json_set_uint(obj, "files", r->files);
}

static int print_json(const struct lk_uc *uc, const struct state *s, int tpm_rc, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_tree_visitor changed = { add_changed, NULL };
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	set_generation(json, "current", s->has_current, &s->current);
	set_generation(json, "previous", s->has_previous, &s->previous);
	changed.ctx = lk_json_set_array(json, "changed");
	each_changed(uc, s, &changed);
	lk_json_set_bool(json, "unfinished", s->pending);
	if (tpm_rc == LK_OK) {
		lk_json_set_uint(json, "sequence-floor", s->floor);
		lk_json_set_text(json, "device-id", s->device);
		lk_json_set_text(json, "policy-key-id", s->policy_key);
		lk_json_set_bool(json, "proven", s->proven);
	}
	rc = lk_json_write(json, &text, err);
	if (rc == LK_OK)
		(void)fwrite(text.data, 1, text.len, stdout);
	return rc;
}

int lk_uc_status(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_UC uc = NULL;
	struct lk_err why = { 0 };
	struct state s = { 0 };
	int tpm_rc, rc = lk_uc_open(opts, false, &uc, err);

	if (rc == LK_OK)
		rc = read_disk(uc, &s, err);
	if (rc != LK_OK)
		return rc;
	/* What the disk says is worth telling without a TPM, too. */
	tpm_rc = read_tpm(uc, &s, &why);
	if (opts->json)
		rc = print_json(uc, &s, tpm_rc, err);
	else
		print_text(uc, &s, tpm_rc);
	if (rc == LK_OK && tpm_rc != LK_OK)
		rc = lk_err_set(err, why.rc, why.code, "%s", why.msg);
	return rc;
}
