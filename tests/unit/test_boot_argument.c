/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of finding an argument on the kernel's command line. */
#include "support.h"

#include "core/policy/boot_argument.h"

#define NAME "rd.latchkey.signed"

static const char *value_of(const char *text, size_t cap)
{
	static char out[512];
	struct lk_bytes bytes = { (const uint8_t *)text, strlen(text) };

	poison(out, sizeof(out));
	if (lk_boot_argument(bytes, NAME, out, cap))
		return out;
	assert_true(is_poisoned(out, sizeof(out)));
	return NULL;
}

static void test_values_as_people_write_them(void **s)
{
	static const struct {
		const char *text;
		const char *value;
	} cases[] = {
		{ "quiet " NAME "=PARTLABEL=a ro\n", "PARTLABEL=a" },
		{ NAME "=/dev/sdb1", "/dev/sdb1" },
		{ NAME "=\"PARTLABEL=a b\" ro", "PARTLABEL=a b" },
		{ "\"" NAME "=PARTLABEL=a b\" ro", "PARTLABEL=a b" },
		{ NAME "=PARTLABEL=\"a b\"", "PARTLABEL=a b" },
		{ NAME "=a " NAME "=b", "b" },
		{ NAME "=", "" },
		{ NAME "=\"never closed", "never closed" },
		{ NAME, NULL },
		{ "x" NAME "=a", NULL },
		{ NAME "x=a", NULL },
		{ "a=\" " NAME "=a \"", NULL },
		{ "", NULL },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(cases); i++) {
		const char *value = value_of(cases[i].text, 256);

		if (!cases[i].value)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
	}
}

static void test_a_value_without_room_is_none(void **s)
{
	static char text[4096] = NAME "=";

	(void)s;
	assert_null(value_of(NAME "=1234", 4));
	assert_non_null(value_of(NAME "=123", 4));
	memset(text + strlen(text), 'x', 3000);
	assert_null(value_of(text, 512));
	assert_null(value_of(NAME "=good " NAME "=12345678", 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_as_people_write_them),
		cmocka_unit_test(test_a_value_without_room_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
