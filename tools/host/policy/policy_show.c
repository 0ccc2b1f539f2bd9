/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy show: both kinds of document in words. */
#include <unistd.h> /* optind */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "core/policy/policy_ref.h"
#include "documents.h"
#include "json_out.h"
#include "sys/crypto/crypto.h"
#include "words.h"

static void show_text(const char *what, const char *text)
{
	printf("%-16s", what);
	lk_print_quoted(stdout, text, strlen(text));
	printf("\n");
}

static void show_hex(const char *what, const uint8_t *data, size_t len)
{
	printf("%-16s", what);
	lk_print_hex(stdout, data, len);
	printf("\n");
}

static void show_floor(uint32_t index)
{
	if (index)
		printf("%-16s0x%08x\n", "version floor", index);
	else
		printf("%-16snone\n", "version floor");
}

static void show_volume(const struct lk_volume *vol)
{
	const char *word;

	printf("volume %s\n", vol->name);
	printf("  %-14s", "device");
	lk_print_quoted(stdout, vol->device, strlen(vol->device));
	printf("\n  %-14s0x%08x\n", "handle", vol->handle);
	if (*vol->uuid)
		printf("  %-14s%s\n", "uuid", vol->uuid);
	printf("  %-14s%s, %u bits, sectors of %u bytes, integrity %s\n", "format",
	       vol->format.cipher, vol->format.key_bits, vol->format.sector_size,
	       lk_integrity_word(vol->format.integrity));
	printf("  %-14s", "options");
	for (unsigned int i = 0; (word = lk_volume_option_word(i)); i++)
		if (vol->options & 1u << i)
			printf("%s ", word);
	printf("%s\n  %-14s%s\n", vol->options ? "" : "none", "on failure",
	       lk_on_failure_word(vol->on_failure));
}

static void show_selection(const struct lk_policy_file *pf)
{
	printf("%-16s%s\n", "bank", lk_alg_name(pf->pcrs.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (pf->pcrs.mask & 1u << i)
			printf("PCR %-12u%s\n", i,
			       i == pf->latch ? "the latch: zero until the volumes are open"
					      : lk_pcr_meaning(i));
	if (pf->latch == LK_NO_PCR)
		printf("%-16snone\n", "latch");
}

static void show_ref(const struct lk_policy_file *pf)
{
	char line[LK_POLICY_REF_LINE_MAX];

	printf("%-16s", "policyRef");
	lk_print_quoted(stdout, (const char *)pf->policy_ref, pf->policy_ref_len);
	if (pf->format >= 2) {
		lk_policy_ref_line(pf, line);
		printf("\n%-16s%s\n", "bound to", line);
	} else {
		printf("\n%-16snothing: shared by all that is signed and sealed with it (format 1)\n",
		       "bound to");
	}
}

static int show_policy_file(const struct lk_policy_file *pf, struct lk_err *err)
{
	struct lk_name name;

	if (lk_policy_key_name(&pf->key, lk_crypto_hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	printf("policy file\n%-16s%s\n", "policy key", lk_curve_name(pf->key.curve));
	show_hex("its Name", name.data, name.len);
	show_ref(pf);
	show_selection(pf);
	show_floor(pf->version_floor);
	printf("%-16s%u s for the TPM, %u s for a device\n", "time limits", pf->timeout_tpm,
	       pf->timeout_device);
	printf("%-16s%s\n", "without TPM", pf->prompt_without_tpm ? "prompt" : "as on failure");
	printf("%-16s0x%08x\n", "root key", pf->root_handle);
	if (pf->root_name.len)
		show_hex("its Name", pf->root_name.data, pf->root_name.len);
	for (size_t i = 0; i < pf->n_volumes; i++)
		show_volume(&pf->volumes[i]);
	if (!pf->n_volumes)
		printf("no volumes yet\n");
	return LK_OK;
}

static int show_signed_policy(const struct lk_signed_policy *sp)
{
	printf("signed policy (policy verify checks it, this doesn't)\n");
	show_text("label", sp->label);
	if (sp->version_floor)
		printf("%-16s%u\n", "version", sp->version);
	show_floor(sp->version_floor);
	printf("%-16s", "policyRef");
	lk_print_quoted(stdout, (const char *)sp->policy_ref, sp->policy_ref_len);
	printf("\n%-16s%s\n", "bank", lk_alg_name(sp->pcrs.sel.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(sp->pcrs.sel.mask & 1u << i))
			continue;
		printf("PCR %-12u", i);
		lk_print_hex(stdout, sp->pcrs.value[i], lk_alg_size(sp->pcrs.sel.bank));
		printf("  %s\n", lk_pcr_meaning(i));
	}
	show_hex("approved policy", sp->digest.data, sp->digest.len);
	show_hex("key", sp->key.data, sp->key.len);
	show_hex("signature", sp->signature, sp->signature_len);
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
		return json ? lk_json_print_signed_policy(&sp, err) : show_signed_policy(&sp);
	}
	LK_TRY(lk_doc_expect_kind(doc, "latchkey-policy", err));
	if (!lk_doc_get(doc, "latchkey-policy"))
		return lk_doc_error(
			doc, err,
			"neither a policy file nor a signed policy: no key latchkey-policy or latchkey-signed-policy");
	rc = lk_policy_file_from_doc(doc, lk_crypto_hash, &pf, err);
	if (rc != LK_OK)
		return rc;
	return json ? lk_json_print_policy_file(&pf, err) : show_policy_file(&pf, err);
}

static int run(int argc, char **argv, struct lk_err *err)
{
	bool json = false;
	LK_OWNED_YAML yaml = NULL;
	const struct lk_option options[] = {
		{ "json", 'j', false, NULL, "JSON, for programs", NULL, &json }, LK_OPTIONS_END
	};
	int rc = lk_command_parse(&lk_cmd_policy_show, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_document_read(argv[optind], LK_POLICY_FILE_MAX, &yaml, err);
	if (rc != LK_OK)
		return rc;
	rc = show_doc(lk_yaml_root(yaml), json, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", argv[optind]);
	return rc;
}

const struct lk_command lk_cmd_policy_show = {
	.words = "policy show",
	.operands = "FILE",
	.summary = "Show a policy file or a signed policy",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
