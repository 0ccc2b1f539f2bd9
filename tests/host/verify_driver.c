/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns letting Python call what verifies blobs and policies: a line each of key, message and signature. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/ecdsa_der.h"
#include "sys/crypto/crypto.h"

#define LINE_MAX_LEN (256u * 1024u)

/* A view of decoded bytes, in an allocation of just their size. */
static struct lk_bytes unhex(const char *word)
{
	size_t len = strlen(word), got = 0;
	uint8_t *out = malloc(len / 2 + 1);

	/* "-" is nothing. */
	if (!out || (strcmp(word, "-") != 0 && !lk_hex_decode(word, len, out, len / 2, &got)))
		exit(125);
	return (struct lk_bytes){ realloc(out, got + 1), got };
}

static int verify_der(const struct lk_policy_key *key, const struct lk_digest *digest,
		      struct lk_bytes der, struct lk_err *err)
{
	uint8_t raw[2 * LK_COORD_MAX];
	size_t len = 0;
	int rc = lk_ecdsa_der_decode(der, key->curve, raw, &len, err);

	if (rc != LK_OK)
		return rc;
	return lk_crypto_verify(key, digest, (struct lk_bytes){ raw, len }, err);
}

static int judge(const char *form, struct lk_bytes spki, struct lk_bytes msg,
		 struct lk_bytes signature)
{
	struct lk_err err = { 0 };
	struct lk_policy_key key;
	struct lk_digest digest;
	int rc = lk_policy_key_from_spki(spki.data, spki.len, &key, &err);

	if (rc != LK_OK)
		return rc;
	if (!lk_crypto_hash(lk_curve_hash(key.curve), &msg, 1, &digest))
		return LK_E_SYSTEM;
	return !strcmp(form, "der") ? verify_der(&key, &digest, signature, &err)
				    : lk_crypto_verify(&key, &digest, signature, &err);
}

static void free_bytes(struct lk_bytes b)
{
	free((void *)(uintptr_t)b.data);
}

int main(void)
{
	char *line = malloc(LINE_MAX_LEN);

	while (line && fgets(line, LINE_MAX_LEN, stdin)) {
		const char *words[4] = { NULL };
		char *save = NULL;
		struct lk_bytes b[3];

		for (int i = 0; i < 4; i++)
			words[i] = strtok_r(i ? NULL : line, " \n", &save);
		if (!words[3])
			return 125;
		for (int i = 0; i < 3; i++)
			b[i] = unhex(words[i + 1]);
		printf("%d\n", lk_exit_code(judge(words[0], b[0], b[1], b[2])));
		for (int i = 0; i < 3; i++)
			free_bytes(b[i]);
	}
	free(line);
	return 0;
}
