/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier import: provisioning records into the database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "verifier/device/record.h"
#include "sys/os/log.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"

#define RECORDS_MAX 2000000u
#define BATCH	    500u

struct importing {
	const struct lk_vf_options *o;
	struct lk_store *store;
	struct lk_ek_ca *ca;
	struct counts {
		size_t n_new, n_same, n_changed;
	} batch, done; /* with what isn't committed, and without */
	size_t in_batch;
};

/* The file's name without folder and ending. */
static void name_of(const char *path, char ret[static LK_VF_NAME_MAX])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *end = strstr(name, ".json");
	int len = end && !end[5] && end > name ? (int)(end - name) : (int)strlen(name);

	(void)snprintf(ret, LK_VF_NAME_MAX, "%.*s", len, name);
	/* A cut through a character would be no text. */
	for (size_t n = strlen(ret); n && !lk_text_is_visible(ret); n--)
		ret[n - 1] = '\0';
	if (!ret[0])
		(void)snprintf(ret, LK_VF_NAME_MAX, "unnamed");
}

static int commit(struct importing *in, struct lk_err *err)
{
	if (!in->in_batch)
		return LK_OK;
	in->in_batch = 0;
	LK_TRY(lk_store_commit(in->store, err));
	in->done = in->batch;
	return LK_OK;
}

/* A server writes too: no transaction is longer than a moment. */
static int put(struct importing *in, const struct lk_vf_import *im, const char *path,
	       struct lk_err *err)
{
	enum lk_vf_imported what;
	int rc;

	if (in->in_batch == 0)
		LK_TRY(lk_store_begin(in->store, err));
	rc = lk_vf_device_import(in->store, im, &what, err);
	/* A record that is refused has written nothing; after an error of the database nothing of the batch is sure. */
	if (rc == LK_E_REFUSED && in->in_batch)
		return rc;
	if (rc != LK_OK) {
		lk_store_rollback(in->store);
		in->in_batch = 0;
		return rc;
	}
	in->batch.n_new += what == LK_VF_IMPORT_NEW;
	in->batch.n_same += what == LK_VF_IMPORT_SAME;
	in->batch.n_changed += what == LK_VF_IMPORT_CHANGED || what == LK_VF_IMPORT_OTHER_KEY;
	/* Whoever can bring a record could put a key of his own in a device's place. */
	if (what == LK_VF_IMPORT_OTHER_KEY)
		lk_log(LK_LOG_WARNING,
		       "%s: device %.16s... has another attestation key than before, and begins anew: make sure that its TPM was cleared, or its key made again, by you",
		       path, im->id);
	return ++in->in_batch < BATCH ? LK_OK : commit(in, err);
}

static int import_record(struct importing *in, const char *path, struct lk_buf *buf,
			 struct lk_err *err)
{
	struct lk_vf_import im = { .flavor = in->o->flavor, .now = lk_vf_now() };
	const struct lk_vf_record_terms terms = { .unproven = in->o->unproven, .ca = in->ca };
	LK_OWNED_JSON record = NULL;
	struct lk_vf_record r;

	LK_TRY(lk_json_parse((const char *)buf->data, buf->len, &record, err));
	LK_TRY(lk_vf_record_read(record, &terms, &r, err));
	memcpy(im.id, r.id, sizeof(im.id));
	im.ak_name = r.ak_name;
	im.ak = (struct lk_bytes){ r.ak, r.ak_len };
	im.proof = r.proof;
	memcpy(im.floor, r.floor, sizeof(im.floor));
	name_of(path, im.name);
	im.record = (const char *)buf->data;
	return put(in, &im, path, err);
}

static int import_one(struct importing *in, const char *path, struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	int rc;

	LK_TRY(lk_fs_read(path, LK_VF_RECORD_MAX, &buf, err));
	rc = import_record(in, path, &buf, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

static int import_path(struct importing *in, const char *path, struct lk_err *err)
{
	char **names = NULL;
	size_t n = 0, records = 0;
	int rc = LK_OK;

	if (!lk_fs_is_directory(path))
		return import_one(in, path, err);
	LK_TRY(lk_fs_list(path, RECORDS_MAX, &names, &n, err));
	for (size_t i = 0; i < n && rc == LK_OK; i++) {
		size_t len = strlen(names[i]);

		if (len <= 5 || strcmp(names[i] + len - 5, ".json") != 0)
			continue;
		records++;
		rc = import_one(in, names[i], err);
	}
	lk_fs_list_free(names, n);
	if (rc == LK_OK && !records)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: no record (*.json) in it", path);
	return rc;
}

int lk_vf_import(const struct lk_vf_options *o, struct lk_err *err)
{
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	LK_OWNED_EK_CA ca = NULL;
	struct importing in = { .o = o };
	struct lk_err later = { 0 };
	int rc = LK_OK;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	in.store = store;
	if (settings.ek_ca[0])
		LK_TRY(lk_ek_ca_open(settings.ek_ca, &ca, err));
	in.ca = ca;
	for (int i = 0; i < o->n && rc == LK_OK; i++)
		rc = import_path(&in, o->operands[i], err);
	/* Of a record that is refused, those before it are in. */
	if (commit(&in, rc == LK_OK ? err : &later) != LK_OK && rc == LK_OK)
		return err->rc;
	printf("%zu new, %zu changed, %zu as before\n", in.done.n_new, in.done.n_changed,
	       in.done.n_same);
	/* One may come later; a name that is misspelt never comes. */
	return rc == LK_OK && o->flavor ? lk_vf_say_flavor(store, o->flavor, err) : rc;
}
