/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what Python can't reach: library calls of ours, and the memory a program takes. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_sign.h"

static int cms(const char *recipient)
{
	LK_OWNED_BUF plain = LK_BUF_NONE;
	LK_OWNED_BUF out = LK_BUF_NONE;
	struct lk_err err = { 0 };
	int rc = lk_fs_read("-", 65536, &plain, &err);

	if (rc == LK_OK)
		rc = lk_cms_encrypt(recipient, (struct lk_bytes){ plain.data, plain.len }, &out,
				    &err);
	if (rc == LK_OK)
		fwrite(out.data, 1, out.len, stdout);
	else
		fprintf(stderr, "%s\n", err.msg);
	return lk_exit_code(rc);
}

static int hmac(const char *alg, const char *key)
{
	LK_OWNED_BUF data = LK_BUF_NONE;
	struct lk_digest digest;

	if (lk_fs_read("-", 65536, &data, NULL) != LK_OK ||
	    !lk_crypto_hmac(lk_alg_from_name(alg),
			    (struct lk_bytes){ (const uint8_t *)key, strlen(key) },
			    (struct lk_bytes){ data.data, data.len }, &digest))
		return 1;
	for (size_t i = 0; i < digest.len; i++)
		printf("%02x", digest.data[i]);
	printf("\n");
	return 0;
}

/*
 * Runs a program and writes its largest resident size, in KiB, to a file. Not
 * left to Python: a child counts the pages of whoever forked it.
 */
static int maxrss(const char *file, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();
	FILE *f;

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 126;
	f = fopen(file, "w");
	if (!f || fprintf(f, "%ld\n", usage.ru_maxrss) < 0 || fclose(f) != 0)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "cms"))
		return cms(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "hmac"))
		return hmac(argv[2], argv[3]);
	if (argc > 3 && !strcmp(argv[1], "maxrss"))
		return maxrss(argv[2], argv + 3);
	return 2;
}
