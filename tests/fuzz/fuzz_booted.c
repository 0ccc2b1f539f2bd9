/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the booted record, of what an unlock has learned, and of what is read of systemd-boot's loader.conf. */
#include "core/luks/booted.h"
#include "core/luks/hints.h"
#include "core/predict/loader_conf.h"
#include "fuzz.h"

static void check_loader_conf(struct lk_bytes text)
{
	struct lk_bytes pattern = { NULL, 0 };
	struct lk_err err = { 0 };
	int rc = lk_loader_conf_read(text, &pattern, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_REFUSED, &err);
		return;
	}
	INVARIANT(!pattern.data || (pattern.data >= text.data &&
				    pattern.data + pattern.len <= text.data + text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = NULL;
	LK_OWNED_YAML again = NULL;
	struct lk_booted booted, same;
	struct lk_hints learned;
	char text[LK_BOOTED_MAX];
	struct lk_err err = { 0 };
	int rc;

	check_loader_conf((struct lk_bytes){ data, size });
	yaml = parse_document(data, size);
	if (!yaml)
		return 0;
	rc = lk_learned_from_doc(lk_yaml_root(yaml), &learned, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	rc = lk_booted_from_doc(lk_yaml_root(yaml), &booted, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return 0;
	}
	INVARIANT(lk_booted_write(&booted, text) < sizeof(text));
	again = parse_document((const uint8_t *)text, strlen(text));
	INVARIANT(again && lk_booted_from_doc(lk_yaml_root(again), &same, NULL) == LK_OK);
	INVARIANT(same.version == booted.version && lk_digest_equal(&same.policy, &booted.policy));
	return 0;
}
