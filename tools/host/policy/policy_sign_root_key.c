/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy sign-root-key: the owner's word on which TPM a device has, for one or for a folder of records. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "core/policy/signed_root_key.h"
#include "documents.h"
#include "key/keys.h"
#include "key/signing.h"
#include "sys/crypto/crypto.h"
#include "sys/format/device.h"
#include "sys/os/log.h"

#define RECORDS_MAX 1000000u

struct signer {
	struct lk_policy_file pf;
	struct lk_private_key *key;
	struct lk_output output;
	const char *records;
};

static int sign_record(const struct signer *s, const char *record, const struct lk_output *out,
		       struct lk_err *err)
{
	char text[LK_SIGNED_ROOT_KEY_TEXT];
	struct lk_signed_root_key sr;
	struct lk_device_file device;
	struct lk_digest tbs;
	size_t len;

	LK_TRY(lk_document_device_of_record(record, &device, err));
	LK_TRY(lk_signed_root_key_prepare(&s->pf, &device, lk_crypto_hash, &sr, err));
	if (lk_signed_root_key_tbs(&sr, lk_crypto_hash, &tbs) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	LK_TRY(lk_private_key_sign(s->key, &tbs, sr.signature, &sr.signature_len, err));
	LK_TRY(lk_crypto_verify(&s->pf.key, &tbs,
				(struct lk_bytes){ sr.signature, sr.signature_len }, err));
	len = lk_signed_root_key_write(&sr, false, text);
	return lk_write_output(out, (struct lk_bytes){ (uint8_t *)text, len }, err);
}

static bool is_record(const char *path)
{
	size_t len = strlen(path);

	return len > 5 && strcmp(path + len - 5, ".json") == 0;
}

static int sign_into_folder(const struct signer *s, const char *record, struct lk_err *err)
{
	const char *slash = strrchr(record, '/');
	const char *name = slash ? slash + 1 : record;
	char path[PATH_MAX];
	struct lk_output out = { path, s->output.force };

	if (snprintf(path, sizeof(path), "%s/%.*s.root-key.yaml", s->output.path,
		     (int)strlen(name) - 5, name) >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long",
				  s->output.path);
	return sign_record(s, record, &out, err);
}

/* One device's trouble keeps no other from its own; the first is the exit code. */
static int sign_folder(const struct signer *s, struct lk_err *err)
{
	char **names = NULL;
	size_t n = 0, found = 0;
	int first = LK_OK;

	if (!lk_fs_is_directory(s->output.path))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "%s: with --records the output is a folder that is there",
				  s->output.path);
	LK_TRY(lk_fs_list(s->records, RECORDS_MAX, &names, &n, err));
	for (size_t i = 0; i < n; i++) {
		struct lk_err one = { 0 };

		if (!is_record(names[i]))
			continue;
		found++;
		if (sign_into_folder(s, names[i], &one) == LK_OK)
			continue;
		if (first == LK_OK)
			*err = one;
		else
			lk_log(LK_LOG_ERR, "%s", one.msg);
		if (first == LK_OK)
			first = one.rc;
	}
	lk_fs_list_free(names, n);
	if (!found)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: no record (*.json) in it", s->records);
	return first;
}

static int run_policy_sign_root_key(int argc, char **argv, struct lk_err *err)
{
	const char *policy = NULL, *uri = NULL, *passphrase_file = NULL, *record = NULL;
	LK_OWNED_PRIVATE_KEY key = NULL;
	struct signer s = { 0 };
	const struct lk_option options[] = {
		{ "policy", 'p', true, "FILE", "policy file of the devices", &policy, NULL },
		{ "key", 'k', true, "KEY", "private key: PEM file or OpenSSL store URI", &uri,
		  NULL },
		{ "passphrase-file", 0, false, "FILE",
		  "the key's passphrase or PIN, instead of asking", &passphrase_file, NULL },
		{ "record", 'r', false, "FILE", "record of the one device", &record, NULL },
		{ "records", 0, false, "DIR", "records of many (*.json)", &s.records, NULL },
		{ "output", 'o', true, "FILE",
		  "what to write; with --records a folder, for NAME.root-key.yaml", &s.output.path,
		  NULL },
		{ "force", 0, false, NULL, "replace what is there", NULL, &s.output.force },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_sign_root_key, options, argc, argv, err);

	if (rc == LK_OK && !record == !s.records)
		rc = lk_err_set(err, LK_E_USAGE, 0, "give --record or --records");
	if (rc == LK_OK)
		rc = lk_secret_harden_process(err);
	if (rc == LK_OK)
		rc = lk_document_policy_file(policy, &s.pf, err);
	if (rc == LK_OK)
		rc = lk_load_private_key(uri, passphrase_file, &key, err);
	if (rc == LK_OK)
		rc = lk_signing_expect_key(key, uri, &s.pf, err);
	if (rc != LK_OK)
		return rc;
	s.key = key;
	return s.records ? sign_folder(&s, err) : sign_record(&s, record, &s.output, err);
}

const struct lk_cli_command lk_cmd_policy_sign_root_key = {
	.words = "policy sign-root-key",
	.operands = "",
	.summary = "Sign which TPM a device has",
	.details = "Of the record that latchkey-provision install has left, which has\n"
		   "to come from the factory line and nobody else. The device takes the\n"
		   "file by latchkey-provision policy add; early boot then talks to that\n"
		   "TPM alone. See root-key in latchkey-policy(5).\n",
	.run = run_policy_sign_root_key,
};
