/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of LUKS2 tokens: what is read is written and read as the same. */
#include "core/luks/token.h"
#include "fuzz.h"

static void check(const struct lk_token *token)
{
	LK_OWNED_TOKEN again = LK_TOKEN_NONE;
	LK_OWNED_YAML yaml = NULL;
	char *text = lk_token_to_json(token);

	INVARIANT(token->keyslot >= 0 && token->keyslot < 32);
	INVARIANT(text);
	yaml = parse_document((const uint8_t *)text, strlen(text));
	INVARIANT(yaml);
	INVARIANT(lk_token_from_doc(lk_yaml_root(yaml), &again, NULL) == LK_OK);
	INVARIANT(token->keyslot == again.keyslot);
	INVARIANT(token->handle == again.handle);
	INVARIANT(token->hints.root_key_len == again.hints.root_key_len);
	INVARIANT(token->hints.sealed_len == again.hints.sealed_len);
	INVARIANT(memcmp(token->hints.root_key, again.hints.root_key, token->hints.root_key_len) ==
		  0);
	INVARIANT(memcmp(token->hints.sealed, again.hints.sealed, token->hints.sealed_len) == 0);
	INVARIANT(lk_digest_equal(&token->hints.policy, &again.hints.policy));
	INVARIANT(token->hints.ticket_len == again.hints.ticket_len);
	INVARIANT(memcmp(token->hints.ticket, again.hints.ticket, token->hints.ticket_len) == 0);
	INVARIANT(token->n_policies == again.n_policies);
	for (size_t i = 0; i < token->n_policies; i++)
		INVARIANT(memcmp(&token->policies[i], &again.policies[i],
				 sizeof(*token->policies)) == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return 0;
	rc = lk_token_from_doc(lk_yaml_root(yaml), &token, &err);
	if (rc == LK_OK) {
		check(&token);
		return 0;
	}
	check_error(rc, LK_E_INPUT, &err);
	INVARIANT(token.n_policies == 0 && !token.policies);
	return 0;
}
