/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns json-c: what commands print for programs to read. */
#include "json_out.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/json_text.h"
#include "core/policy/policy_ref.h"
#include "sys/crypto/crypto.h"
#include "words.h"

#define STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

/* Takes @value over, NULL too: what memory had no room for shows in print(). */
static void add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) != 0)
		json_object_put(value);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	add(object, key, json_object_new_string(text));
}

static void add_handle(struct json_object *object, const char *key, uint32_t handle)
{
	char text[11];

	(void)snprintf(text, sizeof(text), "0x%08x", handle);
	add_text(object, key, text);
}

static void add_hex(struct json_object *object, const char *key, struct lk_bytes data)
{
	char hex[2 * LK_SPKI_MAX + 1];

	lk_hex_encode(data.data, data.len, hex);
	add_text(object, key, hex);
}

static int print(struct json_object *object, struct lk_err *err)
{
	size_t len = 0;
	const char *text = json_object_to_json_string_length(object, STYLE, &len);
	char *out = text ? malloc(LK_JSON_ESCAPED_MAX(len)) : NULL;
	bool done = out != NULL;

	if (done) {
		(void)fwrite(out, 1, lk_json_escape_hidden(text, len, out), stdout);
		putchar('\n');
	}
	free(out);
	json_object_put(object);
	return done ? LK_OK : lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
}

static struct json_object *pcr_list(uint32_t mask)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			json_object_array_add(list, json_object_new_int((int)i));
	return list;
}

static struct json_object *volume(const struct lk_volume *vol)
{
	struct json_object *o = json_object_new_object();
	struct json_object *options = json_object_new_array();
	const char *word;

	add_text(o, "name", vol->name);
	add_text(o, "device", vol->device);
	add_handle(o, "handle", vol->handle);
	if (*vol->uuid)
		add_text(o, "uuid", vol->uuid);
	add_text(o, "cipher", vol->format.cipher);
	add(o, "key-size", json_object_new_int((int)vol->format.key_bits));
	add(o, "sector-size", json_object_new_int((int)vol->format.sector_size));
	add_text(o, "integrity", lk_integrity_word(vol->format.integrity));
	for (unsigned int i = 0; (word = lk_volume_option_word(i)); i++)
		if (vol->options & 1u << i)
			json_object_array_add(options, json_object_new_string(word));
	add(o, "options", options);
	add_text(o, "on-failure", lk_on_failure_word(vol->on_failure));
	return o;
}

static void add_key(struct json_object *o, const struct lk_policy_key *key)
{
	uint8_t spki[LK_SPKI_MAX];
	size_t len = lk_policy_key_to_spki(key, spki);
	struct lk_name name;

	add_text(o, "curve", lk_curve_name(key->curve));
	add_hex(o, "policy-key", (struct lk_bytes){ spki, len });
	if (lk_policy_key_name(key, lk_crypto_hash, &name) == LK_OK)
		add_hex(o, "policy-key-name", (struct lk_bytes){ name.data, name.len });
}

static void add_settings(struct json_object *o, const struct lk_policy_file *pf)
{
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;

	struct lk_bytes name = lk_policy_ref_name(pf);
	char line[LK_POLICY_REF_LINE_MAX];

	add(o, "policy-ref", json_object_new_string_len((const char *)name.data, (int)name.len));
	add(o, "reference",
	    json_object_new_string_len((const char *)pf->policy_ref, (int)pf->policy_ref_len));
	if (pf->format >= 2) {
		lk_policy_ref_line(pf, line);
		add_text(o, "bound-to", line);
	}
	add_text(o, "bank", lk_alg_name(pf->pcrs.bank));
	add(o, "pcrs", pcr_list(pf->pcrs.mask & ~latch));
	if (latch)
		add(o, "latch", json_object_new_int((int)pf->latch));
	else
		add_text(o, "latch", "none");
	if (pf->version_floor)
		add_handle(o, "version-floor", pf->version_floor);
	else
		add_text(o, "version-floor", "none");
	add(o, "prompt-without-tpm", json_object_new_boolean(pf->prompt_without_tpm));
	add(o, "timeout-tpm", json_object_new_int((int)pf->timeout_tpm));
	add(o, "timeout-device", json_object_new_int((int)pf->timeout_device));
}

int lk_json_print_policy_file(const struct lk_policy_file *pf, struct lk_err *err)
{
	struct json_object *o = json_object_new_object();
	struct json_object *root = json_object_new_object();
	struct json_object *volumes = json_object_new_array();

	add(o, "latchkey-policy", json_object_new_int((int)pf->format));
	add_key(o, &pf->key);
	add_settings(o, pf);
	add_handle(root, "handle", pf->root_handle);
	if (pf->root_name.len)
		add_hex(root, "name", (struct lk_bytes){ pf->root_name.data, pf->root_name.len });
	add(o, "root-key", root);
	for (size_t i = 0; i < pf->n_volumes; i++)
		json_object_array_add(volumes, volume(&pf->volumes[i]));
	add(o, "volumes", volumes);
	return print(o, err);
}

int lk_json_print_signed_policy(const struct lk_signed_policy *sp, struct lk_err *err)
{
	char text[LK_SIGNED_POLICY_TEXT_MAX];
	struct json_object *o;

	if (lk_signed_policy_write(sp, true, text, sizeof(text)) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the signed policy is too long");
	o = json_tokener_parse(text);
	if (!o)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	return print(o, err);
}

static struct json_object *verdict(const struct lk_verdict *v)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "file", v->path);
	add(o, "good", json_object_new_boolean(v->rc == LK_OK));
	if (v->rc != LK_OK) {
		add_text(o, "reason", v->reason);
		return o;
	}
	add(o, "version", json_object_new_int64(v->version));
	add_text(o, "label", v->label);
	return o;
}

int lk_json_print_verdicts(const struct lk_verdict *verdicts, size_t n, struct lk_err *err)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, verdict(&verdicts[i]));
	return print(list, err);
}
