/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of a boot's images, of the boot option that comes next, and of files in device paths. */
#include "event_logs.h"

#include "core/predict/boot_chain.h"

static void put_file_node(struct made *m, const char *name)
{
	size_t len = strlen(name) + 1;

	put_number(m, 0x0404, 2);
	put_number(m, 4 + 2 * len, 2);
	for (size_t i = 0; i < len; i++)
		put_number(m, (uint8_t)name[i], 2);
}

static struct lk_bytes end_path(struct made *m)
{
	put_number(m, 0xff7f, 2);
	put_number(m, 4, 2);
	return (struct lk_bytes){ m->data, m->len };
}

static void test_a_file_of_a_path(void **s)
{
	char file[LK_DEVICE_FILE_MAX];
	struct made m = { .len = 0 };

	(void)s;
	put_file_node(&m, "\\EFI\\BOOT");
	put_file_node(&m, "BOOTX64.EFI");
	assert_true(lk_device_path_file(end_path(&m), file));
	assert_string_equal(file, "/EFI/BOOT/BOOTX64.EFI");
	for (size_t cut = 0; cut < m.len; cut++)
		(void)lk_device_path_file((struct lk_bytes){ m.data, cut }, file);
}

static void test_no_file_of_a_path(void **s)
{
	static const char *const bad[] = { "", "\\", "\\EFI\\..\\x", "\\a/b", "\\a\nb", "\\a\x7f" };
	char file[LK_DEVICE_FILE_MAX];
	char name[300];

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct made m = { .len = 0 };

		put_file_node(&m, bad[i]);
		assert_false(lk_device_path_file(end_path(&m), file));
		assert_string_equal(file, "");
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned int kind = 0x0403; kind <= 0x0404; kind++) {
		struct made m = { .len = 0 };

		if (kind == 0x0403) {
			put_number(&m, 0x0304, 2); /* a vendor's */
			put_number(&m, 20, 2);
			put_number(&m, 0, 8);
			put_number(&m, 0, 8);
			put_file_node(&m, "kernel");
		} else {
			put_file_node(&m, name);
		}
		assert_false(lk_device_path_file(end_path(&m), file));
	}
}

static void test_images_of_recorded_boots(void **s)
{
	static const struct {
		const char *machine;
		size_t n;
		bool sections, no_file;
	} table[] = {
		{ "uki-13", 1, true, false },
		{ "insecure-12", 1, true, false },
		{ "kernel-13", 0, false, true },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		LK_OWNED_BUF log = recorded_file(table[i].machine, "firmware");
		struct lk_boot_chain chain;

		assert_int_equal(lk_boot_chain_read((struct lk_bytes){ log.data, log.len }, &chain,
						    NULL),
				 LK_OK);
		assert_int_equal(chain.n, table[i].n);
		assert_int_equal(chain.sections, table[i].sections);
		assert_int_equal(chain.no_file, table[i].no_file);
		assert_int_equal(chain.tries, 1);
		assert_false(chain.grub || chain.shim);
		if (chain.n)
			assert_string_equal(chain.images[0].file, "/EFI/BOOT/BOOTX64.EFI");
	}
}

static void test_the_option_that_comes_next(void **s)
{
	static const uint8_t one[] = { 1, 0 }, two[] = { 2, 0 };
	static const uint8_t order[] = { 1, 0, 2, 0 }, swapped[] = { 2, 0, 1, 0 };
	static const struct {
		struct lk_boot_start start;
		unsigned int tries;
		int rc;
		unsigned int option;
		bool other;
	} table[] = {
		{ { { order, 4 }, { one, 2 }, { NULL, 0 } }, 1, LK_OK, 1, false },
		{ { { swapped, 4 }, { one, 2 }, { NULL, 0 } }, 1, LK_OK, 2, true },
		{ { { order, 4 }, { one, 2 }, { two, 2 } }, 1, LK_OK, 2, true },
		{ { { order, 4 }, { two, 2 }, { two, 2 } }, 2, LK_OK, 2, false },
		/* The first failed in this boot. */
		{ { { order, 4 }, { two, 2 }, { NULL, 0 } }, 2, LK_OK, 2, false },
		{ { { order, 4 }, { two, 2 }, { NULL, 0 } }, 1, LK_OK, 1, true },
		{ { { order, 4 }, { NULL, 0 }, { NULL, 0 } }, 1, LK_E_REFUSED, 0, false },
		{ { { order, 1 }, { one, 2 }, { NULL, 0 } }, 1, LK_E_REFUSED, 0, false },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct lk_err err;
		unsigned int option;
		bool other;

		assert_int_equal(lk_boot_start_option(&table[i].start, table[i].tries, &option,
						      &other, &err),
				 table[i].rc);
		if (table[i].rc != LK_OK)
			continue;
		assert_int_equal(option, table[i].option);
		assert_int_equal(other, table[i].other);
	}
}

static void test_names_of_entries(void **s)
{
	static const struct {
		const char *entry, *file;
		bool same;
	} table[] = {
		{ "one.efi", "one.efi", true },
		{ "ONE.efi", "one.EFI", true },
		{ "one.efi", "one+3.efi", true },
		{ "one+3-1.efi", "one+2-2.efi", false },
		{ "one", "one", true },
		{ "one", "one.efi", false },
		{ "one.efi", "one-1.efi", false },
		{ "one-6.1.0.efi", "one-6.1.0+3.efi", true },
		{ "one", "two", false },
		{ "on", "one", false },
		{ "", "one", false },
		{ "", "", false },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct made m = { .len = 0 };

		for (const char *c = table[i].entry; *c; c++)
			put_number(&m, (uint8_t)*c, 2);
		put_number(&m, 0, 2);
		assert_int_equal(lk_boot_entry_is((struct lk_bytes){ m.data, m.len },
						  table[i].file),
				 table[i].same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_of_a_path),
		cmocka_unit_test(test_no_file_of_a_path),
		cmocka_unit_test(test_images_of_recorded_boots),
		cmocka_unit_test(test_the_option_that_comes_next),
		cmocka_unit_test(test_names_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
