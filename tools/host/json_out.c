/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns json-c: what commands print for programs to read. */
#include "json_out.h"

#include "core/policy/policy_file_words.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/json_text.h"
#include "core/policy/policy_ref.h"
#include "sys/crypto/crypto.h"

#define STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

/* Takes @value over, NULL too: what memory had no room for shows in print(). */
static void add_member(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) != 0)
		json_object_put(value);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	add_member(object, key, json_object_new_string(text));
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

static struct json_object *options_of(const struct lk_volume *vol)
{
	struct json_object *options = json_object_new_array();
	const char *word;

	for (unsigned int i = 0; (word = lk_volume_option_words[i]); i++)
		if (vol->options & 1u << i)
			json_object_array_add(options, json_object_new_string(word));
	return options;
}

static void add_volume_key(struct json_object *o, const struct lk_volume *vol,
			   enum lk_volume_key key)
{
	const char *name = lk_volume_key_name(key);

	switch (key) {
	case LK_VOLUME_KEY_NAME:
		add_text(o, name, vol->name);
		break;
	case LK_VOLUME_KEY_DEVICE:
		add_text(o, name, vol->device);
		break;
	case LK_VOLUME_KEY_HANDLE:
		add_handle(o, name, vol->handle);
		break;
	case LK_VOLUME_KEY_UUID:
		if (*vol->uuid)
			add_text(o, name, vol->uuid);
		break;
	case LK_VOLUME_KEY_CIPHER:
		add_text(o, name, vol->format.cipher);
		break;
	case LK_VOLUME_KEY_SIZE:
		add_member(o, name, json_object_new_int((int)vol->format.key_bits));
		break;
	case LK_VOLUME_KEY_SECTOR:
		add_member(o, name, json_object_new_int((int)vol->format.sector_size));
		break;
	case LK_VOLUME_KEY_INTEGRITY:
		add_text(o, name, lk_integrity_words[vol->format.integrity]);
		break;
	case LK_VOLUME_KEY_OPTIONS:
		add_member(o, name, options_of(vol));
		break;
	case LK_VOLUME_KEY_ON_FAILURE:
		add_text(o, name, lk_on_failure_words[vol->on_failure]);
		break;
	case LK_VOLUME_KEY_PIN:
		add_member(o, name, json_object_new_boolean(vol->pin));
		break;
	case LK_VOLUME_KEY_COUNT:
		break;
	}
}

static struct json_object *signed_from_of(const struct lk_policy_file *pf)
{
	struct json_object *places = json_object_new_array();

	for (size_t i = 0; i < pf->n_signed_from; i++)
		json_object_array_add(places, json_object_new_string(pf->signed_from[i]));
	return places;
}

static struct json_object *volumes_of(const struct lk_policy_file *pf)
{
	struct json_object *volumes = json_object_new_array();

	for (size_t i = 0; i < pf->n_volumes; i++) {
		struct json_object *o = json_object_new_object();

		for (unsigned int key = 0; key < LK_VOLUME_KEY_COUNT; key++)
			add_volume_key(o, &pf->volumes[i], (enum lk_volume_key)key);
		json_object_array_add(volumes, o);
	}
	return volumes;
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

static struct json_object *root_of(const struct lk_policy_file *pf)
{
	struct json_object *root = json_object_new_object();

	for (unsigned int key = 0; key < LK_ROOT_KEY_COUNT; key++) {
		const char *name = lk_root_key_name((enum lk_root_key)key);

		switch ((enum lk_root_key)key) {
		case LK_ROOT_KEY_HANDLE:
			add_handle(root, name, pf->root_handle);
			break;
		case LK_ROOT_KEY_NAME:
			if (pf->root_name.len)
				add_hex(root, name,
					(struct lk_bytes){ pf->root_name.data, pf->root_name.len });
			break;
		case LK_ROOT_KEY_COUNT:
			break;
		}
	}
	return root;
}

static uint32_t latch_of(const struct lk_policy_file *pf)
{
	return pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
}

static void add_ref(struct json_object *o, const struct lk_policy_file *pf)
{
	struct lk_bytes name = lk_policy_ref_name(pf);
	char line[LK_POLICY_REF_LINE_MAX];

	add_member(o, lk_policy_file_key_name(LK_POLICY_KEY_REF),
		   json_object_new_string_len((const char *)name.data, (int)name.len));
	add_member(o, "reference",
		   json_object_new_string_len((const char *)pf->policy_ref,
					      (int)pf->policy_ref_len));
	if (pf->format < 2)
		return;
	lk_policy_ref_line(pf, line);
	add_text(o, "bound-to", line);
}

/** Whether it is one word, or a time limit, and so added. */
static bool add_plain_setting(struct json_object *o, const struct lk_policy_file *pf,
			      enum lk_policy_file_key key)
{
	const char *name = lk_policy_file_key_name(key);
	const char *word = lk_policy_file_word(pf, key);
	unsigned int seconds = 0;

	if (word)
		add_text(o, name, word);
	else if (lk_policy_file_time_limit(pf, key, &seconds))
		add_member(o, name, json_object_new_int((int)seconds));
	else
		return false;
	return true;
}

static void add_setting(struct json_object *o, const struct lk_policy_file *pf,
			enum lk_policy_file_key key)
{
	const char *name = lk_policy_file_key_name(key);

	if (add_plain_setting(o, pf, key))
		return;
	switch (key) {
	case LK_POLICY_KEY_FORMAT:
		add_member(o, name, json_object_new_int((int)pf->format));
		break;
	case LK_POLICY_KEY_KEY:
		add_key(o, &pf->key);
		break;
	case LK_POLICY_KEY_REF:
		add_ref(o, pf);
		break;
	case LK_POLICY_KEY_PCRS:
		add_member(o, name, pcr_list(pf->pcrs.mask & ~latch_of(pf)));
		break;
	case LK_POLICY_KEY_LATCH:
		if (latch_of(pf))
			add_member(o, name, json_object_new_int((int)pf->latch));
		else
			add_text(o, name, "none");
		break;
	case LK_POLICY_KEY_FLOOR:
		if (pf->version_floor)
			add_handle(o, name, pf->version_floor);
		else
			add_text(o, name, "none");
		break;
	case LK_POLICY_KEY_NO_TPM:
		add_member(o, name, json_object_new_boolean(pf->prompt_without_tpm));
		break;
	case LK_POLICY_KEY_SIGNED_FROM:
		add_member(o, name, signed_from_of(pf));
		break;
	case LK_POLICY_KEY_ROOT:
		add_member(o, name, root_of(pf));
		break;
	case LK_POLICY_KEY_VOLUMES:
		add_member(o, name, volumes_of(pf));
		break;
	case LK_POLICY_KEY_BANK:
	case LK_POLICY_KEY_ON_FAILURE:
	case LK_POLICY_KEY_AFTER_PROMPT:
	case LK_POLICY_KEY_TIMEOUT_TPM:
	case LK_POLICY_KEY_TIMEOUT_DEVICE:
	case LK_POLICY_KEY_TIMEOUT_PROMPT:
	case LK_POLICY_KEY_TIMEOUT_SIGNED:
	case LK_POLICY_KEY_COUNT:
		break;
	}
}

int lk_json_print_policy_file(const struct lk_policy_file *pf, struct lk_err *err)
{
	struct json_object *o = json_object_new_object();

	for (unsigned int key = 0; key < LK_POLICY_KEY_COUNT; key++)
		add_setting(o, pf, (enum lk_policy_file_key)key);
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
	add_member(o, "good", json_object_new_boolean(v->rc == LK_OK));
	if (v->rc != LK_OK) {
		add_text(o, "reason", v->reason);
		return o;
	}
	add_member(o, "version", json_object_new_int64(v->version));
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
