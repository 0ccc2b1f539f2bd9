/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey keygen: the policy key pair and the configuration key. */
#include "command.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "documents.h"
#include "outfile.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_sign.h"
#include "sys/os/secret_line.h"

struct keygen {
	const char *dir;
	enum lk_curve curve;
	size_t config_bytes;
	bool encrypt;
	struct lk_secret passphrase;
};

enum { PRIVATE, PUBLIC, CONFIG, N_FILES };
static const struct {
	const char *name;
	mode_t mode;
} files[N_FILES] = {
	[PRIVATE] = { "policy-key.pem", 0600 },
	[PUBLIC] = { "policy-key.pub.pem", 0644 },
	[CONFIG] = { "config-key.bin", 0600 },
};

static int path_of(const char *dir, int file, char out[static PATH_MAX], struct lk_err *err)
{
	if (snprintf(out, PATH_MAX, "%s/%s", dir, files[file].name) >= PATH_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "the path is too long");
	return LK_OK;
}

/* Before a key is made or a passphrase asked for, not only while writing. */
static int refuse_existing(const char *dir, struct lk_err *err)
{
	char path[PATH_MAX];
	struct stat st;

	for (int i = 0; i < N_FILES; i++) {
		int rc = path_of(dir, i, path, err);

		if (rc != LK_OK)
			return rc;
		if (lstat(path, &st) == 0)
			return lk_err_set(err, LK_E_REFUSED, 0,
					  "%s exists already: keys are never overwritten", path);
	}
	return LK_OK;
}

static int write_into(const char *dir, const struct lk_bytes data[N_FILES], struct lk_err *err)
{
	char path[PATH_MAX];
	int rc = LK_OK;
	int done = 0;

	for (; done < N_FILES; done++) {
		rc = path_of(dir, done, path, err);
		if (rc == LK_OK)
			rc = lk_fs_write_new(path, data[done].data, data[done].len,
					     files[done].mode, err);
		if (rc != LK_OK)
			break;
	}
	while (rc != LK_OK && done-- > 0)
		if (path_of(dir, done, path, NULL) == LK_OK)
			(void)unlink(path);
	return rc;
}

/** The folder's name appears when all that is in it is on the disk. */
static int write_folder(const char *dir, const struct lk_bytes data[N_FILES], struct lk_err *err)
{
	char temporary[PATH_MAX], parent[PATH_MAX], path[PATH_MAX];
	size_t len = strlen(dir);
	int rc;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (snprintf(temporary, sizeof(temporary), "%.*s" LK_TEMPORARY, (int)len, dir) >= PATH_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "the path is too long");
	if (!mkdtemp(temporary))
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't make this folder: %s",
				  dir, strerror(errno));
	rc = write_into(temporary, data, err);
	if (rc == LK_OK && rename(temporary, dir) != 0) {
		rc = lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", dir, strerror(errno));
		for (int i = 0; i < N_FILES; i++)
			if (path_of(temporary, i, path, NULL) == LK_OK)
				(void)unlink(path);
	}
	if (rc != LK_OK) {
		(void)rmdir(temporary);
		return rc;
	}
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)len, dir);
	return lk_outfile_sync_folder(dirname(parent), err);
}

/* All of them or none: half a set of keys looks like a whole one later. */
static int write_files(const char *dir, const struct lk_bytes data[N_FILES], struct lk_err *err)
{
	struct stat st;

	return stat(dir, &st) == 0 ? write_into(dir, data, err) : write_folder(dir, data, err);
}

static int make_keys(const struct keygen *kg, struct lk_policy_key *ret_public, struct lk_err *err)
{
	LK_OWNED_PRIVATE_KEY key = NULL;
	LK_OWNED_SECRET pem = LK_SECRET_NONE;
	LK_OWNED_SECRET config = LK_SECRET_NONE;
	LK_OWNED_BUF public = LK_BUF_NONE;
	int rc;

	rc = lk_private_key_generate(kg->curve, &key, err);
	if (rc != LK_OK)
		return rc;
	*ret_public = *lk_private_key_public(key);
	rc = lk_policy_key_to_pem(ret_public, &public, err);
	if (rc == LK_OK)
		rc = lk_private_key_to_pem(key, kg->encrypt ? &kg->passphrase : NULL, &pem, err);
	if (rc == LK_OK)
		rc = lk_random(&config, kg->config_bytes, err);
	if (rc != LK_OK)
		return rc;
	return write_files(kg->dir,
			   (const struct lk_bytes[N_FILES]){
				   [PRIVATE] = { pem.data, pem.len },
				   [PUBLIC] = { public.data, public.len },
				   [CONFIG] = { config.data, config.len } },
			   err);
}

static int get_passphrase(struct keygen *kg, const char *file, struct lk_err *err)
{
	if (file)
		return lk_secret_read_line(file, LK_PASSPHRASE_MAX, &kg->passphrase, err);
	return lk_passphrase_ask("New passphrase of the policy key: ", true, &kg->passphrase, err);
}

static int set_kinds(struct keygen *kg, const char *curve, const char *bits, struct lk_err *err)
{
	if (curve && strcmp(curve, "p384") != 0 && strcmp(curve, "p256") != 0)
		return lk_err_set(err, LK_E_USAGE, 0, "--curve %.80s: expected p384 or p256",
				  curve);
	if (bits && strcmp(bits, "256") != 0 && strcmp(bits, "128") != 0)
		return lk_err_set(err, LK_E_USAGE, 0, "--config-bits %.80s: expected 256 or 128",
				  bits);
	kg->curve = curve && !strcmp(curve, "p256") ? LK_CURVE_P256 : LK_CURVE_P384;
	kg->config_bytes = bits && !strcmp(bits, "128") ? 16 : 32;
	return LK_OK;
}

static int keygen(struct keygen *kg, const char *passphrase_file, struct lk_err *err)
{
	struct lk_policy_key public;
	struct lk_name name;
	int rc;

	rc = lk_secret_harden_process(err);
	if (rc == LK_OK)
		rc = refuse_existing(kg->dir, err);
	if (rc == LK_OK && kg->encrypt)
		rc = get_passphrase(kg, passphrase_file, err);
	if (rc == LK_OK)
		rc = make_keys(kg, &public, err);
	if (rc != LK_OK)
		return rc;
	if (lk_policy_key_name(&public, lk_crypto_hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	printf("policy key, Name ");
	lk_print_hex(stdout, name.data, name.len);
	printf("\n");
	return LK_OK;
}

static int run_keygen(int argc, char **argv, struct lk_err *err)
{
	const char *curve = NULL, *bits = NULL, *file = NULL;
	bool ask = false;
	struct keygen kg = { .passphrase = LK_SECRET_NONE };
	const struct lk_option options[] = {
		{ "curve", 0, false, "CURVE", "p384 (default), or p256 for TPMs without it", &curve,
		  NULL },
		{ "config-bits", 0, false, "BITS", "256 (default), or 128 for TPMs without it",
		  &bits, NULL },
		{ "passphrase", 0, false, NULL, "encrypt the private key; ask for the passphrase",
		  NULL, &ask },
		{ "passphrase-file", 0, false, "FILE",
		  "encrypt it with the passphrase in this file", &file, NULL },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_keygen, options, argc, argv, err);

	if (rc == LK_OK)
		rc = set_kinds(&kg, curve, bits, err);
	if (rc != LK_OK)
		return rc;
	if (ask && file)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--passphrase and --passphrase-file exclude each other");
	kg.dir = argv[optind];
	kg.encrypt = ask || file;
	rc = keygen(&kg, file, err);
	lk_secret_done(&kg.passphrase);
	return rc;
}

const struct lk_cli_command lk_cmd_keygen = {
	.words = "keygen",
	.operands = "DIR",
	.summary = "Make the policy key pair and the configuration key",
	.details = "Writes policy-key.pem (private; keep it off the devices),\n"
		   "policy-key.pub.pem and config-key.bin (secret). Nothing is\n"
		   "overwritten, and there are all three or none.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_keygen,
};
