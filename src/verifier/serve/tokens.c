/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tokens for reading: made from chance, shown once, kept as their SHA-256 alone. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "verifier/serve/server.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"

#define TOKEN_BYTES  32u
#define TOKEN_DIGITS (2u * TOKEN_BYTES)

/* Of chance, so that a plain hash is enough: there is nothing to guess. */
static int hash_token(const char *token, struct lk_digest *ret, struct lk_err *err)
{
	const struct lk_bytes parts[] = { { (const uint8_t *)"latchkey token", 14 },
					  { (const uint8_t *)token, strlen(token) } };

	if (!lk_crypto_hash(LK_ALG_SHA256, parts, 2, ret))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

static int found_row(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	(void)c;
	(void)err;
	*(bool *)ctx = true;
	return LK_OK;
}

int lk_vf_token_check(struct lk_store *s, const char *token, bool *ret, struct lk_err *err)
{
	static const char sql[] = "SELECT added FROM tokens WHERE hash = $1";
	struct lk_digest digest;
	bool found = false;

	LK_TRY(hash_token(token, &digest, err));
	const struct lk_value args[] = { lk_value_bytes(
		(struct lk_bytes){ digest.data, digest.len }) };

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 1, args, found_row, &found }, NULL, err));
	*ret = found;
	return LK_OK;
}

static int add(struct lk_store *store, const char *label, const char *token, struct lk_err *err)
{
	static const char sql[] = "INSERT INTO tokens (hash, label, added) VALUES ($1, $2, $3) "
				  "ON CONFLICT DO NOTHING";
	struct lk_digest digest;
	uint64_t changed;

	LK_TRY(hash_token(token, &digest, err));
	const struct lk_value args[] = { lk_value_bytes(
						 (struct lk_bytes){ digest.data, digest.len }),
					 lk_value_text(label), lk_value_int(lk_vf_now()) };

	LK_TRY(lk_store_run(store, &(struct lk_query){ sql, 3, args, NULL, NULL }, &changed, err));
	if (!changed)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "there is a token \"%s\" already; remove that first", label);
	return LK_OK;
}

int lk_vf_token_add(const struct lk_vf_options *o, struct lk_err *err)
{
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	uint8_t chance[TOKEN_BYTES];
	char token[TOKEN_DIGITS + 1];

	if (!lk_text_is_visible(o->operands[0]) || strlen(o->operands[0]) >= LK_VF_NAME_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "a token's label is short and visible text");
	LK_TRY(lk_vf_open(o, &settings, &store, err));
	if (!lk_crypto_random(chance, sizeof(chance)))
		return lk_err_set(err, LK_E_SYSTEM, 0, "no random bytes are to be had");
	lk_hex_encode(chance, sizeof(chance), token);
	LK_TRY(add(store, o->operands[0], token, err));
	printf("%s\n", token);
	return LK_OK;
}

static int print_token(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	char label[LK_VF_NAME_MAX], added[LK_VF_TIME_TEXT];

	(void)ctx;
	(void)err;
	printf("%s  ", lk_vf_time(c[1].number, added));
	lk_print_shown(stdout, lk_value_copy(&c[0], label, sizeof(label)));
	putchar('\n');
	return LK_OK;
}

int lk_vf_token_list(const struct lk_vf_options *o, struct lk_err *err)
{
	static const char sql[] = "SELECT label, added FROM tokens ORDER BY label";
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	return lk_store_run(store, &(struct lk_query){ sql, 0, NULL, print_token, NULL }, NULL,
			    err);
}

int lk_vf_token_remove(const struct lk_vf_options *o, struct lk_err *err)
{
	static const char sql[] = "DELETE FROM tokens WHERE label = $1";
	const struct lk_value args[] = { lk_value_text(o->operands[0]) };
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	uint64_t changed;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	LK_TRY(lk_store_run(store, &(struct lk_query){ sql, 1, args, NULL, NULL }, &changed, err));
	if (!changed)
		return lk_err_set(err, LK_E_OBJECT, 0, "there is no token \"%s\"", o->operands[0]);
	return LK_OK;
}
