/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the checks of a LUKS2 header's JSON. */
#include "core/luks_header.h"
#include "fuzz.h"

static const struct lk_luks_areas areas = { 16384, 16777216 };

/* What an accepted header may not hold, looked for in the bluntest way. */
static void check_accepted(const struct lk_doc *root)
{
	const struct lk_doc *segments = lk_doc_get(root, "segments");
	const struct lk_doc *segment = lk_doc_get(segments, "0");
	const struct lk_doc *config = lk_doc_get(root, "config");

	INVARIANT(strcmp(lk_doc_get(segment, "encryption")->text,
			 "aes-xts-plain64") == 0);
	INVARIANT(!lk_doc_get(segment, "flags"));
	INVARIANT(!lk_doc_get(config, "requirements"));
	for (const struct lk_doc *k = lk_doc_get(root, "keyslots")->child; k;
	     k = k->next->next)
		INVARIANT(strcmp(lk_doc_get(k->next, "type")->text, "luks2") ==
			  0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lk_volume vol = {
		.name = "root",
		.format = { .cipher = "aes-xts-plain64",
			    .key_bits = 512,
			    .sector_size = 512 },
		.options = LK_VOL_DISCARD,
	};
	LK_OWNED_YAML yaml = parse_document(data, size);
	struct lk_err err = { 0 };
	uint64_t keyslots;
	int rc;

	if (!yaml)
		return 0;
	rc = lk_luks_header_check(lk_yaml_root(yaml), &vol, &areas, &err);
	if (rc == LK_OK)
		check_accepted(lk_yaml_root(yaml));
	else
		check_error(rc, LK_E_HEADER, &err);
	rc = lk_luks_header_keyslots_size(lk_yaml_root(yaml), &keyslots, &err);
	if (rc == LK_OK)
		INVARIANT(keyslots <= 128u * 1024u * 1024u);
	else
		check_error(rc, LK_E_HEADER, &err);
	return 0;
}
