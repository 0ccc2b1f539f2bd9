/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy show: both kinds of document in words. */
#include <unistd.h> /* optind */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "core/policy/policy_ref.h"
#include "core/policy/policy_file_words.h"
#include "documents.h"
#include "json_out.h"
#include "policy/show.h"
#include "sys/crypto/crypto.h"

#define WIDTH LK_SHOW_WIDTH

static void show_options(unsigned int options)
{
	const char *word;

	for (unsigned int i = 0; (word = lk_volume_option_words[i]); i++)
		if (options & 1u << i)
			printf("%s ", word);
	printf("%s\n", options ? "" : "none");
}

static void show_volume_key(const struct lk_volume *vol, enum lk_volume_key key)
{
	const char *name = lk_volume_key_name(key);

	printf("  %-*s", WIDTH - 2, key == LK_VOLUME_KEY_NAME ? "volume" : name);
	switch (key) {
	case LK_VOLUME_KEY_NAME:
		printf("%s\n", vol->name);
		break;
	case LK_VOLUME_KEY_DEVICE:
		lk_print_quoted(stdout, vol->device, strlen(vol->device));
		printf("\n");
		break;
	case LK_VOLUME_KEY_HANDLE:
		printf("0x%08x\n", vol->handle);
		break;
	case LK_VOLUME_KEY_UUID:
		printf("%s\n", *vol->uuid ? vol->uuid : "any");
		break;
	case LK_VOLUME_KEY_CIPHER:
		printf("%s\n", vol->format.cipher);
		break;
	case LK_VOLUME_KEY_SIZE:
		printf("%u bits\n", vol->format.key_bits);
		break;
	case LK_VOLUME_KEY_SECTOR:
		printf("%u bytes\n", vol->format.sector_size);
		break;
	case LK_VOLUME_KEY_INTEGRITY:
		printf("%s\n", lk_integrity_words[vol->format.integrity]);
		break;
	case LK_VOLUME_KEY_OPTIONS:
		show_options(vol->options);
		break;
	case LK_VOLUME_KEY_ON_FAILURE:
		printf("%s\n", lk_on_failure_words[vol->on_failure]);
		break;
	case LK_VOLUME_KEY_PIN:
		printf("%s\n", vol->pin ? "true: a person has to type one too" : "false");
		break;
	case LK_VOLUME_KEY_COUNT:
		break;
	}
}

static void show_signed_from(const char *name, const struct lk_policy_file *pf)
{
	lk_show_key(name);
	if (!pf->n_signed_from)
		printf("nowhere: the token alone");
	for (size_t i = 0; i < pf->n_signed_from; i++) {
		printf("%s", i ? ", " : "");
		lk_print_quoted(stdout, pf->signed_from[i], strlen(pf->signed_from[i]));
	}
	printf("\n");
}

static void show_volumes(const struct lk_policy_file *pf)
{
	lk_show_key("volumes");
	printf("%zu\n", pf->n_volumes);
	for (size_t i = 0; i < pf->n_volumes; i++)
		for (unsigned int key = 0; key < LK_VOLUME_KEY_COUNT; key++)
			show_volume_key(&pf->volumes[i], (enum lk_volume_key)key);
}

static void show_selection(const struct lk_policy_file *pf)
{
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
	char shared[LK_PCR_SHARED_TEXT];

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (pf->pcrs.mask & ~latch & 1u << i)
			printf("PCR %-*u%s\n", WIDTH - 4, i, lk_pcr_meaning(i));
	lk_pcr_shared_text(pf->pcrs.mask & ~latch, shared);
	lk_show_key("signed policies");
	printf("%s\n", shared);
}

static void show_ref(const char *key, const struct lk_policy_file *pf)
{
	struct lk_bytes name = lk_policy_ref_name(pf);
	char line[LK_POLICY_REF_LINE_MAX];

	lk_show_quoted(key, (const char *)name.data, name.len);
	lk_show_quoted("  reference", (const char *)pf->policy_ref, pf->policy_ref_len);
	lk_show_key("  bound to");
	if (pf->format >= 2) {
		lk_policy_ref_line(pf, line);
		printf("%s\n", line);
	} else {
		printf("nothing: shared by all that is signed and sealed with it (format 1)\n");
	}
}

static void show_latch(const char *key, const struct lk_policy_file *pf)
{
	lk_show_key(key);
	if (pf->latch == LK_NO_PCR)
		printf("none\n");
	else
		printf("PCR %u: zero until the volumes are open\n", pf->latch);
}

static void show_policy_key(const char *key, const struct lk_policy_key *public)
{
	struct lk_name name;

	lk_show_key(key);
	printf("%s\n", lk_curve_name(public->curve));
	if (lk_policy_key_name(public, lk_crypto_hash, &name) == LK_OK)
		lk_show_hex("  its Name", name.data, name.len);
}

static void show_root(const struct lk_policy_file *pf)
{
	for (unsigned int key = 0; key < LK_ROOT_KEY_COUNT; key++)
		switch ((enum lk_root_key)key) {
		case LK_ROOT_KEY_HANDLE:
			lk_show_key(lk_policy_file_key_name(LK_POLICY_KEY_ROOT));
			printf("0x%08x\n", pf->root_handle);
			break;
		case LK_ROOT_KEY_NAME:
			if (pf->root_name.len)
				lk_show_hex("  its Name", pf->root_name.data, pf->root_name.len);
			else
				printf("%-*sany\n", WIDTH, "  its Name");
			break;
		case LK_ROOT_KEY_COUNT:
			break;
		}
}

/** Whether it is one word, or a time limit, and so shown. */
static bool show_plain_setting(const struct lk_policy_file *pf, enum lk_policy_file_key key)
{
	const char *word = lk_policy_file_word(pf, key);
	unsigned int seconds = 0;

	if (!word && !lk_policy_file_time_limit(pf, key, &seconds))
		return false;
	lk_show_key(lk_policy_file_key_name(key));
	if (word)
		printf("%s\n", word);
	else if (seconds || key != LK_POLICY_KEY_TIMEOUT_PROMPT)
		printf("%u s\n", seconds);
	else
		printf("none: it waits for as long as it takes\n");
	return true;
}

static void show_setting(const struct lk_policy_file *pf, enum lk_policy_file_key key)
{
	const char *name = lk_policy_file_key_name(key);

	if (show_plain_setting(pf, key))
		return;
	switch (key) {
	case LK_POLICY_KEY_FORMAT:
		printf("policy file, format %u\n", pf->format);
		break;
	case LK_POLICY_KEY_KEY:
		show_policy_key(name, &pf->key);
		break;
	case LK_POLICY_KEY_REF:
		show_ref(name, pf);
		break;
	case LK_POLICY_KEY_PCRS:
		show_selection(pf);
		break;
	case LK_POLICY_KEY_LATCH:
		show_latch(name, pf);
		break;
	case LK_POLICY_KEY_FLOOR:
		lk_show_floor(name, pf->version_floor);
		break;
	case LK_POLICY_KEY_NO_TPM:
		lk_show_key(name);
		printf("%s\n",
		       pf->prompt_without_tpm ? "true" : "false: then it is as on-failure says");
		break;
	case LK_POLICY_KEY_SIGNED_FROM:
		show_signed_from(name, pf);
		break;
	case LK_POLICY_KEY_ROOT:
		show_root(pf);
		break;
	case LK_POLICY_KEY_VOLUMES:
		show_volumes(pf);
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

static int show_policy_file(const struct lk_policy_file *pf)
{
	for (unsigned int key = 0; key < LK_POLICY_KEY_COUNT; key++)
		show_setting(pf, (enum lk_policy_file_key)key);
	return LK_OK;
}

static int show_doc(const struct lk_doc *doc, bool json, struct lk_err *err)
{
	struct lk_signed_policy sp;
	struct lk_policy_file pf;
	int rc;

	if (lk_doc_get(doc, "latchkey-signed-policy")) {
		rc = lk_signed_policy_from_doc(doc, &sp, err);
		if (rc != LK_OK)
			return rc;
		if (json)
			return lk_json_print_signed_policy(&sp, err);
		lk_show_signed_policy(&sp);
		return LK_OK;
	}
	if (lk_doc_get(doc, "latchkey-root-key"))
		return lk_show_signed_root_key(doc, json, err);
	LK_TRY(lk_doc_expect_kind(doc, "latchkey-policy", err));
	if (!lk_doc_get(doc, "latchkey-policy"))
		return lk_doc_error(
			doc, err,
			"neither a policy file nor a signed policy or root key: no key latchkey-policy, latchkey-signed-policy or latchkey-root-key");
	rc = lk_policy_file_from_doc(doc, lk_crypto_hash, &pf, err);
	if (rc != LK_OK)
		return rc;
	return json ? lk_json_print_policy_file(&pf, err) : show_policy_file(&pf);
}

static int run_policy_show(int argc, char **argv, struct lk_err *err)
{
	bool json = false, is_bundle = false;
	LK_OWNED_YAML yaml = NULL;
	const struct lk_option options[] = {
		{ "json", 'j', false, NULL, "JSON, for programs", NULL, &json }, LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_show, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	if (strcmp(argv[optind], "-") != 0)
		LK_TRY(lk_show_bundle(argv[optind], json, &is_bundle, err));
	if (is_bundle)
		return LK_OK;
	rc = lk_document_read(argv[optind], LK_POLICY_FILE_MAX, &yaml, err);
	if (rc != LK_OK)
		return rc;
	rc = show_doc(lk_yaml_root(yaml), json, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", argv[optind]);
	return rc;
}

const struct lk_cli_command lk_cmd_policy_show = {
	.words = "policy show",
	.operands = "FILE",
	.summary = "Show a policy file, a signed policy or root key, or a bundle",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_policy_show,
};
