/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the limit of opening a LUKS2 volume: libcryptsetup alone, timed from crypt_init to the volume key. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libcryptsetup.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Usage: luks_open FILE KEYSLOT < PASSPHRASE. Prints milliseconds: header, keyslot. */
int main(int argc, char **argv)
{
	char passphrase[64], key[64];
	struct crypt_device *cd = NULL;
	size_t size, key_size = sizeof(key);
	double began, loaded;

	if (argc != 3)
		return 2;
	size = fread(passphrase, 1, sizeof(passphrase), stdin);
	began = now_ms();
	if (crypt_init(&cd, argv[1]) < 0 || crypt_load(cd, CRYPT_LUKS2, NULL) < 0)
		return 1;
	loaded = now_ms();
	if (crypt_volume_key_get(cd, atoi(argv[2]), key, &key_size, passphrase, size) < 0)
		return 1;
	printf("%.3f %.3f\n", loaded - began, now_ms() - loaded);
	crypt_free(cd);
	return 0;
}
