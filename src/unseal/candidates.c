/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which signed policies are worth trying. */
#include <stdlib.h>
#include <string.h>

#include "sys/crypto.h"
#include "sys/yaml.h"
#include "unseal/unseal.h"

#define SIGNED_FILE_MAX 65536u

static void add(const struct lk_policy_file *pf, const struct lk_token *from,
		struct lk_candidates *c)
{
	for (size_t i = 0; i < from->n_policies; i++) {
		const struct lk_signed_policy *sp = &from->policies[i];

		if (lk_signed_policy_check(sp, pf, lk_crypto_hash,
					   &c->last_refused) == LK_OK)
			c->list[c->n++] = sp;
		else
			c->n_refused++;
	}
}

int lk_candidates_from(const struct lk_policy_file *pf,
		       const struct lk_token *files,
		       const struct lk_token *token, struct lk_candidates *ret,
		       struct lk_err *err)
{
	size_t total = files->n_policies + token->n_policies;
	struct lk_candidates c = { 0 };

	c.list = calloc(total + 1, sizeof(struct lk_signed_policy *));
	if (!c.list)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	add(pf, files, &c);
	add(pf, token, &c);
	*ret = c;
	return LK_OK;
}

static int load_file(const char *path, struct lk_token *into,
		     struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_fs_read(path, SIGNED_FILE_MAX, &buf, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_yaml_parse(buf.data, buf.len, &yaml, err);
	if (rc == LK_OK)
		rc = lk_signed_policy_from_doc(lk_yaml_root(yaml),
					       &into->policies
							[into->n_policies],
					       err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	else
		into->n_policies++;
	return rc;
}

int lk_candidates_load(const char *path, struct lk_token *ret,
		       struct lk_err *err)
{
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	char **names = NULL;
	size_t n = 1;
	int rc = LK_OK;

	if (lk_fs_is_directory(path))
		rc = lk_fs_list(path, LK_TOKEN_POLICIES_MAX, &names, &n, err);
	if (rc != LK_OK)
		return rc;
	token.policies = calloc(n + 1, sizeof(*token.policies));
	if (!token.policies)
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	for (size_t i = 0; i < n && rc == LK_OK; i++)
		rc = load_file(names ? names[i] : path, &token, err);
	if (names)
		lk_fs_list_free(names, n);
	if (rc != LK_OK)
		return rc;
	*ret = token;
	token = LK_TOKEN_NONE;
	return LK_OK;
}
