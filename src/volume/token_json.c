/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the way from a token's JSON to a token. */
#include "volume/token_json.h"

#include "sys/format/yaml.h"

int lk_token_from_json(const uint8_t *json, size_t len, struct lk_token *ret, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;

	LK_TRY(lk_yaml_parse(json, len, &yaml, err));
	return lk_token_from_doc(lk_yaml_root(yaml), ret, err);
}
