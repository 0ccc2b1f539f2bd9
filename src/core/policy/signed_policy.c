/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns signed policies: reading, preparing, checking and writing them. */
#include "core/policy/signed_policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/policy/pcr_text.h"
#include "core/policy/policy_digest.h"
#include "core/policy/unextended.h"

static int parse_pcrs(const struct lk_doc *doc, struct lk_signed_policy *sp, struct lk_err *err)
{
	const struct lk_doc *pcrs = lk_doc_get(doc, "pcrs");
	enum lk_alg bank;

	LK_TRY(lk_doc_get_bank(doc, "bank", &bank, err));
	if (!pcrs || pcrs->type != LK_DOC_MAP || !pcrs->child)
		return lk_doc_error(pcrs ? pcrs : doc, err,
				    "pcrs: expected PCR numbers with their values");
	return lk_pcr_values_from_map(pcrs, bank, &sp->pcrs, err);
}

/* The signature doesn't cover it, and needn't: the values that it is of are signed. */
static int parse_unextended(const struct lk_doc *doc, struct lk_signed_policy *sp,
			    struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "unextended");

	if (!seq)
		return LK_OK;
	if (seq->type != LK_DOC_SEQ || !seq->child)
		return lk_doc_error(seq, err, "unextended: expected a list of PCRs, as in [10]");
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		uint64_t pcr;

		LK_TRY(lk_doc_uint(i, 0, LK_PCR_COUNT - 1, &pcr, err));
		if (sp->unextended & 1u << pcr)
			return lk_doc_error(i, err, "unextended: %s is named twice", i->text);
		if (!lk_pcrs_unextended(&sp->pcrs, 1u << pcr))
			return lk_doc_error(
				i, err,
				"unextended: PCR %s isn't in pcrs, or its value there is of one that was extended",
				i->text);
		sp->unextended |= 1u << pcr;
	}
	return LK_OK;
}

static int parse_floor(const struct lk_doc *doc, struct lk_signed_policy *sp, struct lk_err *err)
{
	const struct lk_doc *node = lk_doc_get(doc, "version-floor");
	uint64_t v;

	if (node && node->type == LK_DOC_SCALAR && strcmp(node->text, "none") == 0) {
		if (lk_doc_get(doc, "version"))
			return lk_doc_error(lk_doc_get(doc, "version"), err,
					    "version: has no meaning without version-floor");
		return LK_OK;
	}
	LK_TRY(lk_doc_get_uint(doc, "version-floor", 0x01000000, 0x01ffffff, &v, err));
	sp->version_floor = (uint32_t)v;
	LK_TRY(lk_doc_get_uint(doc, "version", 1, UINT32_MAX, &v, err));
	sp->version = (uint32_t)v;
	return LK_OK;
}

static int parse_proof(const struct lk_doc *doc, struct lk_signed_policy *sp, struct lk_err *err)
{
	size_t len;
	size_t hash;

	LK_TRY(lk_doc_get_hex(doc, "key", sp->key.data, LK_NAME_MAX, &len, err));
	if (len != 34 && len != 50)
		return lk_doc_error(lk_doc_get(doc, "key"), err,
				    "key: a Name of 34 or 50 bytes is expected");
	sp->key.len = (uint16_t)len;
	hash = len - 2;
	LK_TRY(lk_doc_get_hex(doc, "digest", sp->digest.data, LK_DIGEST_MAX, &len, err));
	if (len != hash)
		return lk_doc_error(lk_doc_get(doc, "digest"), err,
				    "digest: %zu bytes; the key's is %zu", len, hash);
	sp->digest.len = (uint16_t)len;
	LK_TRY(lk_doc_get_hex(doc, "signature", sp->signature, LK_SIGNATURE_MAX, &len, err));
	if (len != 2 * hash)
		return lk_doc_error(lk_doc_get(doc, "signature"), err,
				    "signature: r and s of %zu bytes each are expected", hash);
	sp->signature_len = len;
	return LK_OK;
}

int lk_signed_policy_from_doc(const struct lk_doc *doc, struct lk_signed_policy *ret,
			      struct lk_err *err)
{
	static const char *const known[] = { LK_SIGNED_KEYS(LK_KEY_NAME) NULL };
	struct lk_signed_policy sp = { 0 };
	const char *text;
	uint64_t format;

	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-signed-policy", 1, 1, &format, err));
	if (lk_doc_get(doc, "label")) {
		LK_TRY(lk_doc_get_text(doc, "label", LK_LABEL_MAX, &text, err));
		memcpy(sp.label, text, strlen(text) + 1);
	}
	LK_TRY(lk_doc_get_text(doc, "policy-ref", LK_POLICY_REF_MAX, &text, err));
	sp.policy_ref_len = strlen(text);
	memcpy(sp.policy_ref, text, sp.policy_ref_len);
	LK_TRY(parse_pcrs(doc, &sp, err));
	LK_TRY(parse_unextended(doc, &sp, err));
	LK_TRY(parse_floor(doc, &sp, err));
	LK_TRY(parse_proof(doc, &sp, err));
	*ret = sp;
	return LK_OK;
}

static int approved_digest(enum lk_alg alg, const struct lk_signed_policy *sp, lk_hash_fn hash,
			   struct lk_digest *ret)
{
	struct lk_digest digest;

	lk_policy_start(alg, &digest);
	LK_TRY(lk_policy_pcr(alg, &sp->pcrs, hash, &digest));
	if (sp->version_floor)
		LK_TRY(lk_policy_nv_floor(alg, sp->version_floor, sp->version, hash, &digest));
	*ret = digest;
	return LK_OK;
}

/* Takes the selection's values out of @all; the latch PCR's is zero when the
 * disk is opened, however closed it is where the values were read. */
static int select_values(const struct lk_policy_file *pf, const struct lk_pcr_values *all,
			 struct lk_pcr_values *ret, struct lk_err *err)
{
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
	uint32_t missing = pf->pcrs.mask & ~latch & ~all->sel.mask;

	if (all->sel.bank != pf->pcrs.bank || missing) {
		char text[LK_PCR_MASK_TEXT];

		lk_pcr_mask_format(missing ? missing : pf->pcrs.mask, text);
		return lk_err_set(err, LK_E_INPUT, 0, "the PCR values lack PCR %s of bank %s", text,
				  lk_alg_name(pf->pcrs.bank));
	}
	*ret = (struct lk_pcr_values){ .sel = pf->pcrs };
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (pf->pcrs.mask & ~latch & 1u << i)
			memcpy(ret->value[i], all->value[i], sizeof(ret->value[i]));
	return LK_OK;
}

int lk_signed_policy_expect_version(const struct lk_policy_file *pf, uint32_t version,
				    struct lk_err *err)
{
	if (pf->version_floor && version == 0)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"a version of 1 or more is needed: the policy file has a version floor");
	if (!pf->version_floor && version != 0)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"a version has no meaning: the policy file says version-floor: none");
	return LK_OK;
}

int lk_signed_policy_prepare(const struct lk_policy_file *pf, const struct lk_pcr_values *values,
			     uint32_t version, const char *label, lk_hash_fn hash,
			     struct lk_signed_policy *ret, struct lk_err *err)
{
	enum lk_alg alg = lk_curve_hash(pf->key.curve);
	struct lk_signed_policy sp = { .version = version, .version_floor = pf->version_floor };

	LK_TRY(lk_signed_policy_expect_version(pf, version, err));
	if (strlen(label) > LK_LABEL_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "the label is longer than %u bytes",
				  LK_LABEL_MAX);
	memcpy(sp.label, label, strlen(label) + 1);
	memcpy(sp.policy_ref, pf->policy_ref, sizeof(sp.policy_ref));
	sp.policy_ref_len = pf->policy_ref_len;
	LK_TRY(select_values(pf, values, &sp.pcrs, err));
	if (approved_digest(alg, &sp, hash, &sp.digest) != LK_OK ||
	    lk_policy_key_name(&pf->key, hash, &sp.key) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	*ret = sp;
	return LK_OK;
}

static int check_fields(const struct lk_signed_policy *sp, const struct lk_policy_file *pf,
			const struct lk_name *name, struct lk_err *err)
{
	char want[LK_PCR_MASK_TEXT];
	char have[LK_PCR_MASK_TEXT];

	if (sp->key.len != name->len || memcmp(sp->key.data, name->data, name->len) != 0)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "key: made for another policy key than the policy file's");
	if (sp->pcrs.sel.bank != pf->pcrs.bank)
		return lk_err_set(err, LK_E_POLICY, 0, "bank: %s, the policy file wants %s",
				  lk_alg_name(sp->pcrs.sel.bank), lk_alg_name(pf->pcrs.bank));
	if (sp->pcrs.sel.mask != pf->pcrs.mask) {
		lk_pcr_mask_format(sp->pcrs.sel.mask, have);
		lk_pcr_mask_format(pf->pcrs.mask, want);
		return lk_err_set(err, LK_E_POLICY, 0,
				  "pcrs: %s, the policy file (with its latch) wants %s", have,
				  want);
	}
	if (sp->version_floor != pf->version_floor)
		return lk_err_set(err, LK_E_POLICY, 0, "version-floor: not the policy file's");
	/* Last: in format 2 it differs with each of the others, which say more. */
	if (sp->policy_ref_len != pf->policy_ref_len ||
	    memcmp(sp->policy_ref, pf->policy_ref, pf->policy_ref_len) != 0)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "policy-ref: signed for \"%.*s\", the policy file wants \"%.*s\"",
				  (int)sp->policy_ref_len, (const char *)sp->policy_ref,
				  (int)pf->policy_ref_len, (const char *)pf->policy_ref);
	return LK_OK;
}

int lk_signed_policy_check(const struct lk_signed_policy *sp, const struct lk_policy_file *pf,
			   lk_hash_fn hash, struct lk_err *err)
{
	struct lk_digest digest;
	struct lk_name name;

	if (lk_policy_key_name(&pf->key, hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	LK_TRY(check_fields(sp, pf, &name, err));
	if (approved_digest(lk_curve_hash(pf->key.curve), sp, hash, &digest) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (!lk_digest_equal(&digest, &sp->digest))
		return lk_err_set(err, LK_E_POLICY, 0,
				  "digest: not that of the PCR values and version beside it");
	return LK_OK;
}

int lk_signed_policy_check_extended(const struct lk_signed_policy *sp,
				    const struct lk_policy_file *pf, uint32_t consent,
				    struct lk_err *err)
{
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;

	return lk_unextended_check(&sp->pcrs, pf->pcrs.mask & ~latch, consent | sp->unextended,
				   err);
}

int lk_signed_policy_tbs(const struct lk_signed_policy *sp, lk_hash_fn hash, struct lk_digest *ret)
{
	enum lk_alg alg = sp->key.len == 50 ? LK_ALG_SHA384 : LK_ALG_SHA256;
	struct lk_bytes ref = { sp->policy_ref, sp->policy_ref_len };

	return lk_policy_signed_digest(alg, &sp->digest, ref, hash, ret);
}

/** Text that grows into a caller's buffer; too much is remembered. */
struct text {
	char *out;
	size_t cap;
	size_t len;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->failed)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->out + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->cap - t->len)
		t->failed = true;
	else
		t->len += (size_t)n;
}

static void put_hex(struct text *t, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(t, "%02x", data[i]);
}

/* The character at @s if it is one that YAML folds as a line end, passes over
 * as a byte order mark or doesn't take, unless it is escaped; else 0. */
static unsigned int needs_escape(const char *s, size_t left)
{
	static const struct {
		char utf8[4];
		unsigned int code;
	} chars[] = {
		{ "\xe2\x80\xa8", 0x2028 }, { "\xe2\x80\xa9", 0x2029 }, { "\xef\xbb\xbf", 0xfeff },
		{ "\xef\xbf\xbe", 0xfffe }, { "\xef\xbf\xbf", 0xffff },
	};

	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++)
		if (left >= 3 && memcmp(s, chars[i].utf8, 3) == 0)
			return chars[i].code;
	return 0;
}

/* Double-quoted as JSON has it, which YAML reads alike. */
static void put_quoted(struct text *t, const char *s, size_t len)
{
	put(t, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned int code = needs_escape(s + i, len - i);

		if (code) {
			put(t, "\\u%04x", code);
			i += 2;
		} else if (c == '"' || c == '\\')
			put(t, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			put(t, "\\u%04x", c);
		else
			put(t, "%c", c);
	}
	put(t, "\"");
}

static void put_pcrs(struct text *t, const struct lk_pcr_values *v, bool json)
{
	bool first = true;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(v->sel.mask & 1u << i))
			continue;
		put(t, json ? "%s\"%u\":\"" : "%s  %u: \"", json && !first ? "," : "", i);
		put_hex(t, v->value[i], lk_alg_size(v->sel.bank));
		put(t, json ? "\"" : "\"\n");
		first = false;
	}
}

/* As a sequence in one line, which both forms have. */
static void put_unextended(struct text *t, uint32_t mask, bool json)
{
	char list[LK_PCR_MASK_TEXT];

	if (!mask)
		return;
	lk_pcr_mask_format(mask, list);
	put(t, json ? "\"unextended\":[%s]," : "unextended: [%s]\n", list);
}

/* The members in one order, each as `"key":value,` or `key: value` and a line
 * end: the two forms differ in nothing else. */
static void put_key(struct text *t, const char *key, bool json)
{
	put(t, json ? "\"%s\":" : "%s: ", key);
}

static void put_hex_member(struct text *t, const char *key, struct lk_bytes v, bool json)
{
	put_key(t, key, json);
	put(t, "\"");
	put_hex(t, v.data, v.len);
	put(t, "\"");
}

int lk_signed_policy_write(const struct lk_signed_policy *sp, bool json, char *out, size_t cap)
{
	struct text t = { out, cap, 0, false };
	const char *end = json ? "," : "\n";

	put(&t, json ? "{\"latchkey-signed-policy\":1," : "latchkey-signed-policy: 1\n");
	put_key(&t, "label", json);
	put_quoted(&t, sp->label, strlen(sp->label));
	put(&t, "%s", end);
	if (sp->version_floor)
		put(&t, json ? "\"version\":%u," : "version: %u\n", sp->version);
	put_key(&t, "policy-ref", json);
	put_quoted(&t, (const char *)sp->policy_ref, sp->policy_ref_len);
	put(&t, "%s", end);
	put(&t, json ? "\"bank\":\"%s\",\"pcrs\":{" : "bank: %s\npcrs:\n",
	    lk_alg_name(sp->pcrs.sel.bank));
	put_pcrs(&t, &sp->pcrs, json);
	put(&t, json ? "}," : "");
	put_unextended(&t, sp->unextended, json);
	if (sp->version_floor)
		put(&t, json ? "\"version-floor\":\"0x%08x\"," : "version-floor: 0x%08x\n",
		    sp->version_floor);
	else
		put(&t, json ? "\"version-floor\":\"none\"," : "version-floor: none\n");
	put_hex_member(&t, "digest", (struct lk_bytes){ sp->digest.data, sp->digest.len }, json);
	put(&t, "%s", end);
	put_hex_member(&t, "key", (struct lk_bytes){ sp->key.data, sp->key.len }, json);
	put(&t, "%s", end);
	put_hex_member(&t, "signature", (struct lk_bytes){ sp->signature, sp->signature_len },
		       json);
	put(&t, json ? "}" : "\n");
	return t.failed ? LK_E_SYSTEM : LK_OK;
}
