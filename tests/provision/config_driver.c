/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what Python can't reach: the calls of sys/tpm/tpm_config.h, one a run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "sys/tpm/tpm_config.h"

#define HEX_MAX 256u

static void print_hex(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	putchar('\n');
}

static size_t from_hex(const char *text, uint8_t out[static HEX_MAX])
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len && i < HEX_MAX; i++) {
		const char byte[3] = { text[2 * i], text[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return len;
}

static int policy_key(struct lk_tpm *tpm, char **args, struct lk_err *err)
{
	uint8_t spki[LK_SPKI_MAX];
	struct lk_policy_key key;
	int rc = lk_tpm_policy_key(tpm, &key, err);

	(void)args;
	if (rc == LK_OK)
		print_hex(spki, lk_policy_key_to_spki(&key, spki));
	return rc;
}

static int root_name(struct lk_tpm *tpm, char **args, struct lk_err *err)
{
	struct lk_name name;
	int rc = lk_tpm_root_name(tpm, &name, err);

	(void)args;
	if (rc == LK_OK)
		print_hex(name.data, name.len);
	return rc;
}

static int unwrap(struct lk_tpm *tpm, char **args, struct lk_err *err)
{
	LK_OWNED_SECRET plain = LK_SECRET_NONE;
	uint8_t iv[HEX_MAX] = { 0 };
	uint8_t data[HEX_MAX] = { 0 };
	struct lk_bytes wrapped = { data, from_hex(args[1], data) };
	int rc;

	from_hex(args[0], iv);
	rc = lk_tpm_config_unwrap(tpm, iv, wrapped, &plain, err);
	if (rc == LK_OK)
		print_hex(plain.data, plain.len);
	return rc;
}

static int zero_block(struct lk_tpm *tpm, char **args, struct lk_err *err)
{
	uint8_t block[16];
	int rc = lk_tpm_config_zero_block(tpm, block, err);

	(void)args;
	if (rc == LK_OK)
		print_hex(block, sizeof(block));
	return rc;
}

static int raise_to(struct lk_tpm *tpm, char **args, struct lk_err *err)
{
	return lk_tpm_counter_raise(tpm, (uint32_t)strtoul(args[0], NULL, 0),
				    strtoull(args[1], NULL, 0), err);
}

static const struct {
	const char *name;
	int n_args;
	int (*run)(struct lk_tpm *tpm, char **args, struct lk_err *err);
} calls[] = {
	{ "policy-key", 0, policy_key }, { "root-name", 0, root_name }, { "unwrap", 2, unwrap },
	{ "zero-block", 0, zero_block }, { "raise", 2, raise_to },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(calls) / sizeof(*calls); i++) {
		LK_OWNED_TPM tpm = NULL;
		struct lk_err err = { 0 };
		int rc;

		if (strcmp(argv[2], calls[i].name) != 0 || argc != 3 + calls[i].n_args)
			continue;
		rc = lk_tpm_open(argv[1], 5, &tpm, &err);
		if (rc == LK_OK)
			rc = calls[i].run(tpm, argv + 3, &err);
		if (rc != LK_OK)
			fprintf(stderr, "%s\n", err.msg);
		return lk_exit_code(rc);
	}
	return 2;
}
