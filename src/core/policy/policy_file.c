/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the rules of the policy file. */
#include "core/policy/policy_file.h"

#include "core/policy/device_file.h"

#include <stdio.h>
#include <string.h>

#include "core/base/device_tag.h"
#include "core/policy/policy_file_refused.h"
#include "core/policy/policy_file_words.h"
#include "core/policy/policy_ref.h"

static const char *const policy_keys[] = { LK_POLICY_KEYS(LK_KEY_NAME) NULL };
static const char *const root_keys[] = { LK_ROOT_KEYS(LK_KEY_NAME) NULL };
static const char *const volume_keys[] = { LK_VOLUME_KEYS(LK_KEY_NAME) NULL };

static int parse_key(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const char *pem;

	LK_TRY(lk_doc_get_text(doc, "policy-key", 1024, &pem, err));
	if (lk_policy_key_from_pem(pem, strlen(pem), &pf->key, err) != LK_OK) {
		struct lk_err why = err ? *err : (struct lk_err){ 0 };

		return lk_doc_error(lk_doc_get(doc, "policy-key"), err, "policy-key: %.500s",
				    why.msg);
	}
	return LK_OK;
}

static int parse_pcrs(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "pcrs");

	LK_TRY(lk_doc_get_bank(doc, "bank", &pf->pcrs.bank, err));
	if (!seq || seq->type != LK_DOC_SEQ || !seq->child)
		return lk_doc_error(seq ? seq : doc, err,
				    "pcrs: expected a list of PCRs, as in [0, 7, 10]");
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		uint64_t pcr;

		LK_TRY(lk_doc_uint(i, 0, LK_PCR_COUNT - 1, &pcr, err));
		if (pf->pcrs.mask & 1u << pcr)
			return lk_doc_error(i, err, "pcrs: %s is named twice", i->text);
		if (pcr == 16 || pcr == 23)
			return lk_doc_error(
				i, err,
				"pcrs: %s can be reset by anyone, so it would enforce nothing",
				i->text);
		pf->pcrs.mask |= 1u << pcr;
	}
	return LK_OK;
}

static int parse_latch(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const struct lk_doc *node = lk_doc_get(doc, "latch");
	uint64_t pcr;

	if (node && node->type == LK_DOC_SCALAR && strcmp(node->text, "none") == 0) {
		pf->latch = LK_NO_PCR;
		return LK_OK;
	}
	/* A PCR that the firmware or the kernel extends would be closed, or
	 * open again, by somebody else; 16 and 23 can be reset. */
	LK_TRY(lk_doc_get_uint(doc, "latch", 11, 15, &pcr, err));
	if (pf->pcrs.mask & 1u << pcr)
		return lk_doc_error(node, err,
				    "latch: PCR %s is in pcrs too; it is added by itself",
				    node->text);
	pf->latch = (unsigned int)pcr;
	pf->pcrs.mask |= 1u << pcr;
	return LK_OK;
}

static int parse_floor(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const struct lk_doc *node = lk_doc_get(doc, "version-floor");
	uint64_t index;

	if (node && node->type == LK_DOC_SCALAR && strcmp(node->text, "none") == 0)
		return LK_OK;
	LK_TRY(lk_doc_get_uint(doc, "version-floor", 0x01000000, 0x01ffffff, &index, err));
	pf->version_floor = (uint32_t)index;
	return LK_OK;
}

static int parse_root_key(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const struct lk_doc *root = lk_doc_get(doc, "root-key");
	uint64_t handle = 0x81000001;

	pf->root_handle = (uint32_t)handle;
	if (!root)
		return LK_OK;
	pf->root_signed = root->type == LK_DOC_SCALAR && strcmp(root->text, "signed") == 0;
	if (pf->root_signed)
		return LK_OK;
	if (root->type != LK_DOC_MAP)
		return lk_doc_error(root, err,
				    "root-key: expected signed, or a map with name or handle");
	LK_TRY(lk_doc_expect_keys(root, root_keys, err));
	if (lk_doc_get(root, "handle"))
		LK_TRY(lk_doc_get_uint(root, "handle", 0x81000000, 0x81ffffff, &handle, err));
	pf->root_handle = (uint32_t)handle;
	if (!lk_doc_get(root, "name"))
		return LK_OK;
	return lk_doc_get_name(root, "name", &pf->root_name, err);
}

static int copy_text(const struct lk_doc *map, const char *key, char *out, size_t cap,
		     struct lk_err *err)
{
	const char *text;

	LK_TRY(lk_doc_get_text(map, key, cap - 1, &text, err));
	if (!*text)
		return lk_doc_error(lk_doc_get(map, key), err, "%s is empty", key);
	memcpy(out, text, strlen(text) + 1);
	return LK_OK;
}

static bool all_of(const char *text, const char *chars)
{
	return text[strspn(text, chars)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static int parse_place(const struct lk_doc *map, struct lk_volume *vol, struct lk_err *err)
{
	uint64_t handle;

	LK_TRY(copy_text(map, "name", vol->name, sizeof(vol->name), err));
	if (!all_of(vol->name, LOWER UPPER DIGIT "_-.+") || strcmp(vol->name, "control") == 0 ||
	    vol->name[0] == '.')
		return lk_doc_error(lk_doc_get(map, "name"), err,
				    "name: letters, digits and _ - . + only, and not \"control\"");
	LK_TRY(copy_text(map, "device", vol->device, sizeof(vol->device), err));
	if (!lk_device_spec_is(vol->device))
		return lk_doc_error(
			lk_doc_get(map, "device"), err,
			"device: an absolute path, or UUID=, LABEL=, PARTUUID= or PARTLABEL= with a value");
	LK_TRY(lk_doc_get_uint(map, "handle", 0x8100a001, 0x8100afff, &handle, err));
	vol->handle = (uint32_t)handle;
	if (!lk_doc_get(map, "uuid"))
		return LK_OK;
	LK_TRY(copy_text(map, "uuid", vol->uuid, sizeof(vol->uuid), err));
	for (char *c = vol->uuid; *c; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	if (strlen(vol->uuid) != 36 || !all_of(vol->uuid, "abcdef" DIGIT "-"))
		return lk_doc_error(lk_doc_get(map, "uuid"), err,
				    "uuid: 36 characters, as cryptsetup luksUUID prints");
	return LK_OK;
}

static int parse_cipher(const struct lk_doc *map, struct lk_volume_format *f, struct lk_err *err)
{
	uint64_t bits;

	(void)snprintf(f->cipher, sizeof(f->cipher), "aes-xts-plain64");
	if (lk_doc_get(map, "cipher"))
		LK_TRY(copy_text(map, "cipher", f->cipher, sizeof(f->cipher), err));
	if (!all_of(f->cipher, LOWER DIGIT "-:()") || strstr(f->cipher, "null") ||
	    !strchr(f->cipher, '-'))
		return lk_doc_error(
			lk_doc_get(map, "cipher"), err,
			"cipher: expected one such as aes-xts-plain64; a null cipher is never accepted");
	f->key_bits = 512;
	if (!lk_doc_get(map, "key-size"))
		return LK_OK;
	LK_TRY(lk_doc_get_uint(map, "key-size", 128, 512, &bits, err));
	if (bits % 128)
		return lk_doc_error(lk_doc_get(map, "key-size"), err,
				    "key-size: 128, 256, 384 or 512 bits");
	f->key_bits = (unsigned int)bits;
	return LK_OK;
}

static int parse_format(const struct lk_doc *map, struct lk_volume_format *f, struct lk_err *err)
{
	uint64_t sector;
	unsigned int word;

	LK_TRY(parse_cipher(map, f, err));
	f->sector_size = 512;
	if (lk_doc_get(map, "sector-size")) {
		LK_TRY(lk_doc_get_uint(map, "sector-size", 512, 4096, &sector, err));
		if (sector & (sector - 1))
			return lk_doc_error(lk_doc_get(map, "sector-size"), err,
					    "sector-size: 512, 1024, 2048 or 4096 bytes");
		f->sector_size = (unsigned int)sector;
	}
	if (lk_doc_get(map, "integrity")) {
		LK_TRY(lk_doc_get_word(map, "integrity", lk_integrity_words, &word, err));
		f->integrity = word ? LK_INTEGRITY_HMAC_SHA256 : LK_INTEGRITY_NONE;
	}
	return LK_OK;
}

static int parse_options(const struct lk_doc *map, struct lk_volume *vol, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(map, "options");

	if (!seq)
		return LK_OK;
	if (seq->type != LK_DOC_SEQ)
		return lk_doc_error(seq, err, "options: expected a list, as in [discard]");
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		unsigned int w = 0;

		while (lk_volume_option_words[w] &&
		       (i->type != LK_DOC_SCALAR ||
			strcmp(lk_volume_option_words[w], i->text) != 0))
			w++;
		if (!lk_volume_option_words[w])
			return lk_doc_error(
				i, err,
				"options: \"%.64s\" is not one of: discard, read-only, no-read-workqueue, no-write-workqueue, same-cpu-crypt, submit-from-crypt-cpus",
				i->type == LK_DOC_SCALAR ? i->text : "");
		vol->options |= 1u << w;
	}
	return LK_OK;
}

/* A prompt without a latch would hand an open TPM to whoever answers it. */
static int check_prompt(const struct lk_doc *at, const struct lk_policy_file *pf,
			enum lk_on_failure what, struct lk_err *err)
{
	if (what == LK_ON_FAILURE_PROMPT && pf->latch == LK_NO_PCR)
		return lk_doc_error(
			at, err,
			"on-failure: prompt needs a latch: without one, whoever swaps the disk could unseal the secret after the prompt");
	return LK_OK;
}

static int parse_volume(const struct lk_doc *map, struct lk_policy_file *pf, struct lk_err *err)
{
	struct lk_volume vol = { .on_failure = pf->on_failure };
	unsigned int word;

	LK_TRY(lk_doc_expect_keys(map, volume_keys, err));
	LK_TRY(parse_place(map, &vol, err));
	LK_TRY(parse_format(map, &vol.format, err));
	LK_TRY(parse_options(map, &vol, err));
	if (lk_doc_get(map, "on-failure")) {
		LK_TRY(lk_doc_get_word(map, "on-failure", lk_on_failure_words, &word, err));
		vol.on_failure = (enum lk_on_failure)word;
		LK_TRY(check_prompt(lk_doc_get(map, "on-failure"), pf, vol.on_failure, err));
	}
	if (lk_doc_get(map, "pin"))
		LK_TRY(lk_doc_get_bool(map, "pin", &vol.pin, err));
	for (size_t i = 0; i < pf->n_volumes; i++)
		if (strcmp(pf->volumes[i].name, vol.name) == 0 ||
		    pf->volumes[i].handle == vol.handle)
			return lk_doc_error(map, err,
					    "volumes: name and handle must be this volume's alone");
	pf->volumes[pf->n_volumes++] = vol;
	return LK_OK;
}

static int parse_volumes(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "volumes");

	if (!seq || seq->type != LK_DOC_SEQ)
		return lk_doc_error(seq ? seq : doc, err, "volumes: expected a list");
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		if (pf->n_volumes == LK_VOLUMES_MAX)
			return lk_doc_error(i, err, "volumes: at most %u are allowed",
					    LK_VOLUMES_MAX);
		LK_TRY(parse_volume(i, pf, err));
	}
	return LK_OK;
}

/* Format 1: the bytes as they stand. They can't be those of format 2, which
 * would open what is sealed to another selection. */
static int parse_plain_ref(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	const char *ref;

	LK_TRY(lk_doc_get_text(doc, "policy-ref", LK_POLICY_REF_MAX, &ref, err));
	pf->policy_ref_len = strlen(ref);
	memcpy(pf->policy_ref, ref, pf->policy_ref_len);
	if (lk_policy_ref_is_bound((struct lk_bytes){ pf->policy_ref, pf->policy_ref_len }))
		return lk_doc_error(
			lk_doc_get(doc, "policy-ref"), err,
			"policy-ref: a reference that ends like one of format 2 (\":\" and 16 digits) can't stand in a file of format 1");
	return LK_OK;
}

/* Format 2: a name, which the selection joins; after it was read. */
static int parse_bound_ref(const struct lk_doc *doc, lk_hash_fn hash, struct lk_policy_file *pf,
			   struct lk_err *err)
{
	const struct lk_doc *node = lk_doc_get(doc, "policy-ref");
	const char *name = LK_POLICY_REF_DEFAULT;

	if (node) {
		LK_TRY(lk_doc_get_text(doc, "policy-ref", LK_POLICY_REF_MAX, &name, err));
		if (!*name || !all_of(name, LOWER UPPER DIGIT "_-.:+"))
			return lk_doc_error(
				node, err,
				"policy-ref: a name of letters, digits and _ - . : + is expected");
		if (strlen(name) > LK_POLICY_REF_NAME_MAX)
			return lk_doc_error(
				node, err,
				"policy-ref: at most %u characters: with \":\" and 16 digits the reference has %u bytes, and a TPM may take no more",
				LK_POLICY_REF_NAME_MAX, LK_POLICY_REF_BOUND_MAX);
	}
	if (lk_policy_ref_bind(pf, name, hash) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

static int parse_settings(const struct lk_doc *doc, struct lk_policy_file *pf, struct lk_err *err)
{
	unsigned int word;

	LK_TRY(parse_pcrs(doc, pf, err));
	LK_TRY(parse_latch(doc, pf, err));
	LK_TRY(parse_floor(doc, pf, err));
	LK_TRY(lk_doc_get_word(doc, "on-failure", lk_on_failure_words, &word, err));
	pf->on_failure = (enum lk_on_failure)word;
	LK_TRY(check_prompt(lk_doc_get(doc, "on-failure"), pf, pf->on_failure, err));
	if (lk_doc_get(doc, "prompt-without-tpm"))
		LK_TRY(lk_doc_get_bool(doc, "prompt-without-tpm", &pf->prompt_without_tpm, err));
	pf->timeout_tpm = 10;
	pf->timeout_device = 30;
	LK_TRY(lk_policy_file_seconds(doc, "timeout-tpm", LK_TIMEOUT_MAX, &pf->timeout_tpm, err));
	LK_TRY(lk_policy_file_seconds(doc, "timeout-device", LK_TIMEOUT_MAX, &pf->timeout_device,
				      err));
	LK_TRY(lk_policy_file_parse_refused(doc, pf, err));
	return parse_root_key(doc, pf, err);
}

const char *lk_policy_file_key_name(enum lk_policy_file_key key)
{
	return policy_keys[key];
}

const char *lk_root_key_name(enum lk_root_key key)
{
	return root_keys[key];
}

const char *lk_volume_key_name(enum lk_volume_key key)
{
	return volume_keys[key];
}

int lk_policy_file_from_doc(const struct lk_doc *doc, lk_hash_fn hash, struct lk_policy_file *ret,
			    struct lk_err *err)
{
	struct lk_policy_file pf = { 0 };
	uint64_t format;

	LK_TRY(lk_doc_expect_keys(doc, policy_keys, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-policy", 1, 2, &format, err));
	pf.format = (unsigned int)format;
	LK_TRY(parse_key(doc, &pf, err));
	LK_TRY(parse_settings(doc, &pf, err));
	LK_TRY(pf.format == 1 ? parse_plain_ref(doc, &pf, err)
			      : parse_bound_ref(doc, hash, &pf, err));
	LK_TRY(parse_volumes(doc, &pf, err));
	*ret = pf;
	return LK_OK;
}

const struct lk_volume *lk_policy_file_volume(const struct lk_policy_file *pf, const char *name)
{
	for (size_t i = 0; i < pf->n_volumes; i++)
		if (strcmp(pf->volumes[i].name, name) == 0)
			return &pf->volumes[i];
	return NULL;
}
