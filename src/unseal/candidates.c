/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which signed policies are worth trying. */
#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

/* A token is bounded by the header that it lies in; a folder is not. */
#define FILES_MAX 512u

static void add_candidates(const struct lk_policy_file *pf, const struct lk_token *from,
			   struct lk_candidates *c)
{
	for (size_t i = 0; i < from->n_policies; i++) {
		const struct lk_signed_policy *sp = &from->policies[i];

		if (lk_signed_policy_check(sp, pf, lk_crypto_hash, &c->last_refused) == LK_OK)
			c->list[c->n++] = sp;
		else {
			c->n_refused++;
			lk_log(LK_LOG_DEBUG, "signed policy version %u (\"%s\"): passed over: %s",
			       sp->version, sp->label, c->last_refused.msg);
		}
	}
}

int lk_candidates_from(const struct lk_policy_file *pf, const struct lk_signed_files *files,
		       const struct lk_token *token, struct lk_candidates *ret, struct lk_err *err)
{
	size_t total = files->token.n_policies + token->n_policies;
	struct lk_candidates c = { 0 };

	for (size_t i = 0; i < files->n_brought; i++)
		total += files->brought[i].n_policies;
	c.list = calloc(total + 1, sizeof(struct lk_signed_policy *));
	if (!c.list)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	add_candidates(pf, &files->token, &c);
	for (size_t i = 0; i < files->n_brought; i++)
		add_candidates(pf, &files->brought[i], &c);
	add_candidates(pf, token, &c);
	*ret = c;
	return LK_OK;
}

void lk_signed_files_done(struct lk_signed_files *files)
{
	lk_token_done(&files->token);
	for (size_t i = 0; i < files->n_brought; i++)
		lk_token_done(&files->brought[i]);
	files->n_brought = 0;
}

static int load_file(const char *path, struct lk_token *into, struct lk_err *err)
{
	int rc = lk_document_early_signed_policy(path, &into->policies[into->n_policies], err);

	if (rc == LK_OK)
		into->n_policies++;
	return rc;
}

static void pass_over(struct lk_signed_files *files, const struct lk_err *err)
{
	lk_log(LK_LOG_WARNING, "%s; passed over", err->msg);
	files->bad = *err;
}

static void load_files(char **names, size_t n, struct lk_signed_files *ret)
{
	struct lk_err err = { 0 };

	ret->token.policies = calloc(n + 1, sizeof(*ret->token.policies));
	if (!ret->token.policies) {
		(void)lk_err_set(&err, LK_E_SYSTEM, 0, "out of memory");
		pass_over(ret, &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (load_file(names[i], &ret->token, &err) != LK_OK)
			pass_over(ret, &err);
}

void lk_candidates_load(const char *path, struct lk_signed_files *ret)
{
	char **names = NULL;
	struct lk_err err = { 0 };
	size_t n = 0;
	char *one;

	if (!lk_fs_is_directory(path)) {
		one = strdup(path);
		load_files(&one, one ? 1 : 0, ret);
		free(one);
		return;
	}
	if (lk_fs_list(path, FILES_MAX, &names, &n, &err) != LK_OK) {
		pass_over(ret, &err);
		return;
	}
	load_files(names, n, ret);
	lk_fs_list_free(names, n);
}
