/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading flavors: the document, its policy file, and its signed policies, each verified. */
#include "verifier/flavor/flavor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/policy_file.h"
#include "verifier/flavor/flavor_parts.h"
#include "sys/crypto/crypto.h"
#include "sys/format/yaml.h"

#define FOLDER_MAX 1024u

void lk_vf_flavor_done(struct lk_vf_flavor *f)
{
	free(f->text);
	free(f->policy_file);
	free(f->policies);
	*f = (struct lk_vf_flavor){ .n = 0 };
}

struct lk_reference lk_vf_flavor_reference(const struct lk_vf_flavor *f)
{
	return (struct lk_reference){
		.policy = f->policies,
		.n_policies = f->n,
		.latch = f->latch,
		.equals = f->has_equals ? &f->equals : NULL,
		.wants_floors = f->wants_floors,
		.wants_ima = f->wants_ima,
	};
}

static int read_equals(const struct lk_doc *map, struct lk_vf_flavor *f, struct lk_err *err)
{
	static const char *const known[] = { "bank", "values", NULL };
	static const char *const banks[] = { "sha256", "sha384", NULL };
	const struct lk_doc *values = lk_doc_get(map, "values");
	unsigned int bank;

	if (map->type != LK_DOC_MAP)
		return lk_doc_error(map, err, "equals has a bank and values");
	LK_TRY(lk_doc_expect_keys(map, known, err));
	LK_TRY(lk_doc_get_word(map, "bank", banks, &bank, err));
	if (!values || values->type != LK_DOC_MAP)
		return lk_doc_error(map, err,
				    "values has a PCR's number and its value in each line");
	f->equals.sel.bank = bank ? LK_ALG_SHA384 : LK_ALG_SHA256;
	for (const struct lk_doc *k = values->child; k; k = k->next->next) {
		size_t len, size = lk_alg_size(f->equals.sel.bank);
		uint64_t pcr;

		LK_TRY(lk_doc_uint(k, 0, LK_PCR_COUNT - 1, &pcr, err));
		LK_TRY(lk_doc_get_hex(values, k->text, f->equals.value[pcr], size, &len, err));
		if (len != size)
			return lk_doc_error(k, err, "a value of this bank has %zu bytes", size);
		f->equals.sel.mask |= 1u << pcr;
	}
	f->has_equals = f->equals.sel.mask != 0;
	return LK_OK;
}

static int read_wish(const struct lk_doc *map, const char *key, bool *ret, struct lk_err *err)
{
	static const char *const words[] = { "optional", "required", NULL };
	unsigned int word = 0;

	if (lk_doc_get(map, key))
		LK_TRY(lk_doc_get_word(map, key, words, &word, err));
	*ret = word == 1;
	return LK_OK;
}

int lk_vf_flavor_from_doc(const struct lk_doc *map, struct lk_vf_flavor *f, struct lk_err *err)
{
	static const char *const known[] = {
		"latchkey-flavor", "policy-file", "signed-policies", "equals", "floors", "ima", NULL
	};
	uint64_t version;

	LK_TRY(lk_doc_expect_kind(map, known[0], err));
	LK_TRY(lk_doc_expect_keys(map, known, err));
	LK_TRY(lk_doc_get_uint(map, known[0], 1, 1, &version, err));
	if (lk_doc_get(map, "equals"))
		LK_TRY(read_equals(lk_doc_get(map, "equals"), f, err));
	LK_TRY(read_wish(map, "floors", &f->wants_floors, err));
	LK_TRY(read_wish(map, "ima", &f->wants_ima, err));
	if (!lk_doc_get(map, "policy-file") != !lk_doc_get(map, "signed-policies"))
		return lk_doc_error(
			map, err,
			"policy-file and signed-policies belong together: the file has the key that signed the policies");
	if (!f->has_equals && !lk_doc_get(map, "policy-file"))
		return lk_doc_error(
			map, err,
			"a flavor without policy-file and signed-policies, and without equals, says nothing");
	return LK_OK;
}

int lk_vf_flavor_policy_file(const char *text, struct lk_vf_flavor *f, struct lk_policy_file *ret,
			     struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;

	LK_TRY(lk_yaml_parse((const uint8_t *)text, strlen(text), &yaml, err));
	LK_TRY(lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, ret, err));
	f->latch = ret->latch == LK_NO_PCR ? LK_PCR_NONE : ret->latch;
	return LK_OK;
}

int lk_vf_flavor_add_policy(struct lk_vf_flavor *f, const struct lk_policy_file *pf,
			    struct lk_bytes text, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_signed_policy sp, *grown;
	struct lk_digest tbs;

	LK_TRY(lk_yaml_parse(text.data, text.len, &yaml, err));
	LK_TRY(lk_signed_policy_from_doc(lk_yaml_root(yaml), &sp, err));
	LK_TRY(lk_signed_policy_check(&sp, pf, lk_crypto_hash, err));
	if (lk_signed_policy_tbs(&sp, lk_crypto_hash, &tbs) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	LK_TRY(lk_crypto_verify(&pf->key, &tbs, (struct lk_bytes){ sp.signature, sp.signature_len },
				err));
	for (size_t i = 0; i < f->n; i++)
		if (lk_digest_equal(&f->policies[i].digest, &sp.digest))
			return LK_OK;
	if (f->n == LK_REFERENCE_POLICIES_MAX)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"a flavor has at most %u signed policies: leave out what is retired",
			LK_REFERENCE_POLICIES_MAX);
	grown = realloc(f->policies, (f->n + 1) * sizeof(*grown));
	if (!grown)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a signed policy");
	f->policies = grown;
	f->policies[f->n++] = sp;
	return LK_OK;
}

int lk_vf_flavor_seal(struct lk_vf_flavor *f, struct lk_err *err)
{
	struct lk_bytes parts[LK_REFERENCE_POLICIES_MAX + 2];
	size_t n = 0;

	parts[n++] = (struct lk_bytes){ (const uint8_t *)(f->text ? f->text : ""),
					f->text ? strlen(f->text) : 0 };
	parts[n++] = (struct lk_bytes){ (const uint8_t *)(f->policy_file ? f->policy_file : ""),
					f->policy_file ? strlen(f->policy_file) : 0 };
	for (size_t i = 0; i < f->n; i++)
		parts[n++] =
			(struct lk_bytes){ f->policies[i].digest.data, f->policies[i].digest.len };
	if (!lk_crypto_hash(LK_ALG_SHA256, parts, n, &f->digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

/* Files that a flavor names. */

static void beside(const char *file, const char *name, char ret[static FOLDER_MAX])
{
	const char *slash = name[0] == '/' ? NULL : strrchr(file, '/');

	(void)snprintf(ret, FOLDER_MAX, "%.*s%s", slash ? (int)(slash - file + 1) : 0, file, name);
	/* "signed/" and "signed" are one folder, whose files have one name. */
	for (size_t n = strlen(ret); n > 1 && ret[n - 1] == '/'; n--)
		ret[n - 1] = '\0';
}

static char *take_text(struct lk_buf *buf)
{
	char *text = (char *)buf->data;

	*buf = LK_BUF_NONE;
	return text;
}

static int add_file(struct lk_vf_flavor *f, const struct lk_policy_file *pf, const char *path,
		    struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	int rc;

	LK_TRY(lk_fs_read(path, LK_POLICY_FILE_MAX, &buf, err));
	rc = lk_vf_flavor_add_policy(f, pf, (struct lk_bytes){ buf.data, buf.len }, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

static int add_path(struct lk_vf_flavor *f, const struct lk_policy_file *pf, const char *path,
		    struct lk_err *err)
{
	char **names = NULL;
	size_t n = 0;
	int rc = LK_OK;

	if (!lk_fs_is_directory(path))
		return add_file(f, pf, path, err);
	LK_TRY(lk_fs_list(path, 4096, &names, &n, err));
	for (size_t i = 0; i < n && rc == LK_OK; i++)
		rc = add_file(f, pf, names[i], err);
	lk_fs_list_free(names, n);
	return rc;
}

static int list_error(const struct lk_doc *at, const char *file, const char *what,
		      struct lk_err *err)
{
	const int rc = lk_doc_error(at, err, "%s", what);

	lk_err_prefix(err, "%s", file);
	return rc;
}

static int read_named(const struct lk_doc *map, const char *file, struct lk_vf_flavor *f,
		      struct lk_err *err)
{
	static const char what[] = "signed-policies is a list of files or folders";
	const struct lk_doc *list = lk_doc_get(map, "signed-policies");
	LK_OWNED_BUF buf = LK_BUF_NONE;
	struct lk_policy_file pf;
	char path[FOLDER_MAX];
	const char *name;

	if (!list)
		return LK_OK;
	if (list->type != LK_DOC_SEQ)
		return list_error(list, file, what, err);
	if (lk_doc_get_text(map, "policy-file", 512, &name, err) != LK_OK) {
		lk_err_prefix(err, "%s", file);
		return LK_E_INPUT;
	}
	beside(file, name, path);
	LK_TRY(lk_fs_read(path, LK_POLICY_FILE_MAX, &buf, err));
	f->policy_file = take_text(&buf);
	if (lk_vf_flavor_policy_file(f->policy_file, f, &pf, err) != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return LK_E_INPUT;
	}
	for (const struct lk_doc *n = list->child; n; n = n->next) {
		if (n->type != LK_DOC_SCALAR || n->len > 512)
			return list_error(n, file, what, err);
		beside(file, n->text, path);
		LK_TRY(add_path(f, &pf, path, err));
	}
	if (!f->n)
		return list_error(list, file,
				  "there is no signed policy in what signed-policies names", err);
	return LK_OK;
}

int lk_vf_flavor_read(const char *path, struct lk_vf_flavor *ret, struct lk_err *err)
{
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	LK_OWNED_YAML yaml = NULL;
	LK_OWNED_BUF buf = LK_BUF_NONE;
	int rc;

	LK_TRY(lk_fs_read(path, LK_VF_FLAVOR_MAX, &buf, err));
	rc = lk_yaml_parse(buf.data, buf.len, &yaml, err);
	if (rc == LK_OK)
		rc = lk_vf_flavor_from_doc(lk_yaml_root(yaml), &f, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	LK_TRY(read_named(lk_yaml_root(yaml), path, &f, err));
	f.text = take_text(&buf);
	LK_TRY(lk_vf_flavor_seal(&f, err));
	*ret = f;
	f = (struct lk_vf_flavor){ .n = 0 };
	return LK_OK;
}
