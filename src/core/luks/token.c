/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and writing the LUKS2 token. */
#include "core/luks/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"

void lk_token_done(struct lk_token *token)
{
	free(token->policies);
	*token = LK_TOKEN_NONE;
}

static int parse_keyslot(const struct lk_doc *doc, struct lk_token *token, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "keyslots");
	uint64_t slot;
	int rc;

	if (!seq || seq->type != LK_DOC_SEQ || !seq->child || seq->child->next)
		return lk_doc_error(seq ? seq : doc, err, "keyslots: exactly one is expected");
	rc = lk_doc_uint(seq->child, 0, 31, &slot, err);
	if (rc == LK_OK)
		token->keyslot = (int)slot;
	return rc;
}

static int parse_handle(const struct lk_doc *doc, struct lk_token *token, struct lk_err *err)
{
	uint64_t handle;
	int rc = lk_doc_get_uint(doc, "handle", 0x81000000, 0x81ffffff, &handle, err);

	if (rc != LK_OK)
		return rc;
	token->handle = (uint32_t)handle;
	lk_hints_from_doc(doc, &token->hints);
	return LK_OK;
}

static int parse_policies(const struct lk_doc *doc, struct lk_token *token, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "policies");
	size_t n = 0;

	if (!seq || seq->type != LK_DOC_SEQ)
		return lk_doc_error(seq ? seq : doc, err, "policies: expected a list");
	for (const struct lk_doc *i = seq->child; i; i = i->next)
		n++;
	if (n > LK_TOKEN_POLICIES_MAX)
		return lk_doc_error(seq, err, "policies: %zu, at most %u", n,
				    LK_TOKEN_POLICIES_MAX);
	if (n == 0)
		return LK_OK;
	token->policies = calloc(n, sizeof(*token->policies));
	if (!token->policies)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		int rc = lk_signed_policy_from_doc(i, &token->policies[token->n_policies], err);

		if (rc != LK_OK)
			return rc;
		token->n_policies++;
	}
	return LK_OK;
}

int lk_token_from_doc(const struct lk_doc *doc, struct lk_token *ret, struct lk_err *err)
{
	static const char *const known[] = { "type",	   "keyslots", "version",
					     "handle",	   "root-key", "sealed",
					     "remembered", "policies", "signed-root-key",
					     NULL };
	const struct lk_doc *root_key = lk_doc_get(doc, "signed-root-key");
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	uint64_t version;
	int rc = lk_doc_expect_keys(doc, known, err);

	if (rc == LK_OK)
		rc = lk_doc_get_uint(doc, "version", 1, 1, &version, err);
	if (rc == LK_OK)
		rc = parse_keyslot(doc, &token, err);
	if (rc == LK_OK)
		rc = parse_handle(doc, &token, err);
	if (rc == LK_OK)
		rc = parse_policies(doc, &token, err);
	if (rc != LK_OK)
		return rc;
	/* A bad one is as if it weren't there: who wants one refuses then. */
	if (root_key)
		(void)lk_signed_root_key_from_doc(root_key, &token.root_key, NULL);
	*ret = token;
	token = LK_TOKEN_NONE;
	return LK_OK;
}

char *lk_token_to_json(const struct lk_token *token)
{
	size_t cap = 512 + LK_SIGNED_ROOT_KEY_TEXT + LK_HINTS_JSON_MAX +
		     token->n_policies * LK_SIGNED_POLICY_TEXT_MAX;
	char *out = malloc(cap);
	size_t n;

	if (!out)
		return NULL;
	n = (size_t)snprintf(out, cap,
			     "{\"type\":\"" LK_TOKEN_TYPE
			     "\",\"keyslots\":[\"%d\"],\"version\":1,\"handle\":\"0x%08x\",",
			     token->keyslot, token->handle);
	n += lk_hints_write(&token->hints, out + n);
	if (token->root_key.signature_len) {
		n += (size_t)snprintf(out + n, cap - n, ",\"signed-root-key\":");
		n += lk_signed_root_key_write(&token->root_key, true, out + n);
	}
	n += (size_t)snprintf(out + n, cap - n, ",\"policies\":[");
	for (size_t i = 0; i < token->n_policies; i++) {
		if (i)
			out[n++] = ',';
		if (lk_signed_policy_write(&token->policies[i], true, out + n,
					   LK_SIGNED_POLICY_TEXT_MAX) != LK_OK) {
			free(out);
			return NULL;
		}
		n += strlen(out + n);
	}
	(void)snprintf(out + n, cap - n, "]}");
	return out;
}
