/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier import: provisioning records into the database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attest/attest_key.h"
#include "core/base/text.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "verifier.h"

#define RECORDS_MAX 2000000u
#define BATCH	    500u
#define PUBLIC_MAX  4096u

struct importing {
	const struct lk_vf_options *o;
	struct lk_store *store;
	struct counts {
		size_t n_new, n_same, n_changed;
	} batch, done; /* with what isn't committed, and without */
	size_t in_batch;
};

/* DER of a PEM text. */
static bool pem_body(const char *pem, uint8_t out[static PUBLIC_MAX], size_t *ret_len)
{
	const char *begin = strstr(pem, "-----BEGIN PUBLIC KEY-----");
	const char *from = begin ? strchr(begin, '\n') : NULL;
	const char *to = from ? strstr(from, "-----END") : NULL;

	while (from && to && from < to && (*from == '\n' || *from == '\r'))
		from++;
	return to && to > from &&
	       lk_base64_decode(from, (size_t)(to - from), out, PUBLIC_MAX, ret_len);
}

static int hash_id(struct lk_bytes of, char ret[static LK_VF_ID_TEXT], struct lk_err *err)
{
	struct lk_digest digest;

	if (!lk_crypto_hash(LK_ALG_SHA256, &of, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_hex_encode(digest.data, digest.len, ret);
	return LK_OK;
}

/* By the endorsement key; a record without one has its attestation key for it. */
static int find_id(const struct lk_json *record, struct lk_bytes ak, char ret[static LK_VF_ID_TEXT],
		   struct lk_err *err)
{
	const char *pem = lk_json_get_text(lk_json_get(record, "ek"), "public");
	uint8_t der[PUBLIC_MAX];
	size_t len;

	if (!pem)
		return hash_id(ak, ret, err);
	if (!pem_body(pem, der, &len))
		return lk_err_set(err, LK_E_INPUT, 0, "ek.public is no public key in PEM");
	return hash_id((struct lk_bytes){ der, len }, ret, err);
}

/* Public area and Name, which have to belong together. */
static int find_key(const struct lk_json *record, struct lk_vf_import *im,
		    uint8_t ak[static LK_VF_AK_MAX], struct lk_err *err)
{
	const struct lk_json *key = lk_json_get(record, "ak");
	const char *hex = lk_json_get_text(key, "public");
	const char *name = lk_json_get_text(key, "name");
	struct lk_attest_key parsed;
	char computed[2 * LK_NAME_MAX + 1];
	size_t len;

	if (!key || !hex)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"the record has no attestation key (ak.public): install makes one, where it is newer than the record");
	if (!lk_hex_decode(hex, strlen(hex), ak, LK_VF_AK_MAX, &len))
		return lk_err_set(err, LK_E_INPUT, 0, "ak.public isn't hexadecimal, or too long");
	im->ak = (struct lk_bytes){ ak, len };
	LK_TRY(lk_attest_key_parse(im->ak, lk_crypto_hash, &parsed, err));
	lk_hex_encode(parsed.name.data, parsed.name.len, computed);
	if (name && strcmp(name, computed) != 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"ak: the Name isn't that of the public area beside it: the record was changed");
	im->ak_name = parsed.name;
	return LK_OK;
}

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
	LK_OWNED_JSON record = NULL;
	uint8_t ak[LK_VF_AK_MAX];

	LK_TRY(lk_json_parse((const char *)buf->data, buf->len, &record, err));
	LK_TRY(find_key(record, &im, ak, err));
	LK_TRY(find_id(record, im.ak, im.id, err));
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
	struct importing in = { .o = o };
	struct lk_err later = { 0 };
	int rc = LK_OK;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	in.store = store;
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
