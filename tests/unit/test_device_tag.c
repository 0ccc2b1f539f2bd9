/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of device tags: as people write them, and as udev and libblkid do. */
#include "support.h"

#include <dlfcn.h>
#include <stdio.h>

#include "core/base/device_tag.h"

#define UPPER "01234567-89AB-CDEF-0123-456789ABCDEF"
#define LOWER "01234567-89ab-cdef-0123-456789abcdef"

static void test_where_udev_has_the_link(void **s)
{
	static const char *const pairs[][2] = {
		{ "PARTLABEL=root", "/dev/disk/by-partlabel/root" },
		{ "PARTLABEL=Linux filesystem", "/dev/disk/by-partlabel/Linux\\x20filesystem" },
		{ "PARTLABEL=Linux\\x20filesystem", "/dev/disk/by-partlabel/Linux\\x20filesystem" },
		{ "LABEL=a/b", "/dev/disk/by-label/a\\x2fb" },
		{ "LABEL=a\\b", "/dev/disk/by-label/a\\x5cb" },
		{ "LABEL=\\x2", "/dev/disk/by-label/\\x5cx2" },
		{ "LABEL=../../sda", "/dev/disk/by-label/..\\x2f..\\x2fsda" },
		{ "LABEL=\"$(x)\"", "/dev/disk/by-label/\\x22\\x24\\x28x\\x29\\x22" },
		{ "LABEL=Größe", "/dev/disk/by-label/Größe" },
		{ "LABEL=\xc3(", "/dev/disk/by-label/\\xc3\\x28" },
		{ "LABEL=#+-.:=@_", "/dev/disk/by-label/#+-.:=@_" },
		{ "LABEL=ABC", "/dev/disk/by-label/ABC" },
		{ "UUID=" UPPER, "/dev/disk/by-uuid/" LOWER },
		{ "UUID=" LOWER, "/dev/disk/by-uuid/" LOWER },
		{ "PARTUUID=" UPPER, "/dev/disk/by-partuuid/" LOWER },
		{ "PARTUUID=0C2F91AB-01", "/dev/disk/by-partuuid/0c2f91ab-01" },
		/* A FAT file system's, which udev has in capitals. */
		{ "UUID=12AB-34CD", "/dev/disk/by-uuid/12AB-34CD" },
	};
	char out[256];

	(void)s;
	for (size_t i = 0; i < N_OF(pairs); i++) {
		assert_true(lk_device_tag_is(pairs[i][0]));
		assert_true(lk_device_tag_link(pairs[i][0], out, sizeof(out)));
		assert_string_equal(out, pairs[i][1]);
		/* No room for the last byte. */
		assert_false(lk_device_tag_link(pairs[i][0], out, strlen(pairs[i][1])));
	}
}

static void test_what_is_no_tag(void **s)
{
	static const char *const no[] = { "",	      "UUID",	"UUID=", "LABEL=",
					  "/dev/sda", "uuid=x", "ID=x" };
	char out[64];

	(void)s;
	for (size_t i = 0; i < N_OF(no); i++) {
		assert_false(lk_device_tag_is(no[i]));
		assert_false(lk_device_tag_link(no[i], out, sizeof(out)));
	}
}

/* Each byte, alone and between letters, by libblkid, which every build has. */
static void test_libblkid_encodes_the_same(void **s)
{
	void *lib = dlopen("libblkid.so.1", RTLD_NOW);
	int (*encode)(const char *, char *, size_t);
	char in[64], want[256], out[256];

	(void)s;
	assert_non_null(lib);
	*(void **)&encode = dlsym(lib, "blkid_encode_string");
	assert_non_null(encode);
	for (unsigned int c = 1; c < 256; c++) {
		(void)snprintf(in, sizeof(in), "LABEL=a%c%c z", (char)c, (char)c);
		assert_int_equal(encode(in + 6, want, sizeof(want)), 0);
		assert_true(lk_device_tag_link(in, out, sizeof(out)));
		assert_string_equal(out + strlen("/dev/disk/by-label/"), want);
	}
	dlclose(lib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_udev_has_the_link),
		cmocka_unit_test(test_what_is_no_tag),
		cmocka_unit_test(test_libblkid_encodes_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
