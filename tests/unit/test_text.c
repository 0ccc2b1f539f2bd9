/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of text from outside: names, modes, sizes, and how it is shown. */
#include "support.h"

#include "core/base/text.h"

static void test_visible_text_is_utf8_without_what_is_not_seen(void **s)
{
	static const char *const plain[] = {
		"",
		"a b",
		"~!",
		"\xc2\xa0",
		"\xc3\xa9",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xe2\x82\xac",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbd",
	};
	static const char *const others[] = {
		"\xf4\x8f\xbf\xbf",
		"a\xe2\x80\xae",
		"\n",
		"\t",
		"a\x1b[31m",
		"\x7f",
		"\xc2\x80",
		"\xc2\x9f",
		"\x80",
		"\xbf",
		"\xc3",
		"\xc3(",
		"\xc0\xaf",
		"\xc1\x81",
		"\xe0\x80\xaf",
		"\xe2\x82",
		"\xe2\x82(",
		"\xed\xa0\x80",
		"\xf0\x80\x80\xaf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf0\x90\x80",
		"\xff",
		"\xfe",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(plain); i++)
		if (!lk_text_is_visible(plain[i]))
			fail_msg("refused: %zu", i);
	for (size_t i = 0; i < N_OF(others); i++)
		if (lk_text_is_visible(others[i]))
			fail_msg("taken: %zu", i);
}

static void test_what_is_shown_is_plain_and_bounded(void **s)
{
	char text[1000];
	char shown[LK_TEXT_SHOWN_MAX + 4];

	(void)s;
	assert_string_equal(lk_text_show("a\xc3\xa9z", shown), "a\xc3\xa9z");
	assert_string_equal(lk_text_show("a\x1b\n\xc3"
					 "b\xff",
					 shown),
			    "a\\x1b\\x0a\\xc3b\\xff");
	for (size_t n = 0; n < sizeof(text) - 2; n++) {
		/* Two bytes a character after the first: none is cut. */
		text[0] = 'x';
		for (size_t i = 1; i < n; i += 2)
			memcpy(text + i, "\xc3\xa9", 2);
		text[n ? n | 1 : 0] = '\0';
		(void)lk_text_show(text, shown);
		assert_true(lk_text_is_visible(shown));
		assert_true(strlen(shown) <= LK_TEXT_SHOWN_MAX + 3);
		if (strlen(text) <= LK_TEXT_SHOWN_MAX)
			assert_string_equal(text, shown);
		else
			assert_non_null(strstr(shown, "..."));
	}
}

static void test_what_a_terminal_obeys_or_hides_is_escaped(void **s)
{
	static const struct {
		const char *text, *shown;
	} want[] = {
		{ "\xc2\x9b"
		  "31m",
		  "\\u009b31m" },
		{ "\xe2\x80\xae", "\\u202e" },	       /* right to left */
		{ "\xe2\x81\xa6", "\\u2066" },	       /* an isolate */
		{ "\xd8\x9c", "\\u061c" },	       /* Arabic letter mark */
		{ "\xe2\x80\x8b", "\\u200b" },	       /* no width */
		{ "\xe2\x80\xa8", "\\u2028" },	       /* a line's end */
		{ "\xe2\x80\xa9", "\\u2029" },	       /* a paragraph's */
		{ "\xef\xbb\xbf", "\\ufeff" },	       /* byte order mark */
		{ "\xc2\xad", "\\u00ad" },	       /* soft hyphen */
		{ "\xef\xbf\xbf", "\\uffff" },	       /* no character */
		{ "\xf3\xa0\x81\x81", "\\U000e0041" }, /* a tag */
		{ "\xd8\x80", "\\u0600" },	       /* a sign that spans the digits after it */
		{ "\xf0\x93\x90\xb0", "\\U00013430" }, /* a joiner of hieroglyphs */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
		{ "\xe6\x97\xa5", "\xe6\x97\xa5" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(want); i++) {
		char shown[LK_TEXT_SHOWN_MAX + 4];

		assert_string_equal(lk_text_show(want[i].text, shown), want[i].shown);
		assert_int_equal(lk_text_is_visible(want[i].text),
				 strcmp(want[i].text, want[i].shown) == 0);
		assert_true(lk_text_is_visible(shown));
	}
}

static void test_a_code_point_is_read_as_it_is_written(void **s)
{
	(void)s;
	for (uint32_t c = 1; c < 0x110000; c++) {
		uint32_t back = 0;
		char utf8[4];
		size_t n = lk_text_encode(c, utf8);

		if (c >= 0xd800 && c <= 0xdfff)
			assert_int_equal(lk_text_decode((const uint8_t *)utf8, n, &back), 0);
		else if (lk_text_decode((const uint8_t *)utf8, n, &back) != n || back != c)
			fail_msg("%x", c);
	}
}

static void test_accounts(void **s)
{
	static const char *const good[] = { "root", "_apt", "a",    "systemd-oom",
					    "A.b",  "0",    "1000", "4294967294" };
	static const char *const bad[] = {
		"",	"-a",  ".a",	     "1a",	   "00",
		"01",	"-1",  "4294967295", "4294967296", "18446744073709551616",
		"a b",	"a:b", "a/b",	     "\xc3\xa9",   "a\n",
		"root "
	};

	(void)s;
	for (size_t i = 0; i < N_OF(good); i++)
		if (!lk_text_is_account(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < N_OF(bad); i++)
		if (lk_text_is_account(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void test_units(void **s)
{
	static const char *const good[] = { "app.service", "nginx", "a@b.socket",
					    "dev-disk-by\\x2duuid.device", "x:y_z.timer" };
	static const char *const bad[] = { "",
					   ".",
					   "..",
					   ".service",
					   "-r",
					   "--root.service",
					   "a b.service",
					   "a/b.service",
					   "*",
					   "a*.service",
					   "a\n",
					   "\xc3\xa9.service",
					   "a;b" };

	(void)s;
	for (size_t i = 0; i < N_OF(good); i++)
		if (!lk_text_is_unit(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < N_OF(bad); i++)
		if (lk_text_is_unit(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void test_modes(void **s)
{
	static const char *const bad[] = { "",	    "0",     "644",   "00644",	  "0688", "1755",
					   "4755",  "7777",  "0x1f",  "064 ",	  " 644", "-644",
					   "0o644", "0644x", "0644 ", "rw-r--r--" };
	uint32_t mode = 12345;

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++)
		if (lk_text_to_mode(bad[i], &mode))
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(mode, 12345);
	assert_true(lk_text_to_mode("0640", &mode) && mode == 0640);
	assert_true(lk_text_to_mode("0000", &mode) && mode == 0);
	assert_true(lk_text_to_mode("0777", &mode) && mode == 0777);
	assert_true(lk_text_to_mode("0123", &mode) && mode == 0123);
}

static void test_sizes(void **s)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = {
		{ "0", 0 },
		{ "65536", 65536 },
		{ "1 KiB", 1024 },
		{ "64 MiB", 64u << 20 },
		{ "3 GiB", UINT64_C(3) << 30 },
		{ "18446744073709551615", UINT64_MAX },
		{ "17179869183 GiB", UINT64_C(17179869183) << 30 },
	};
	static const char *const bad[] = {
		"",
		" ",
		"MiB",
		" MiB",
		"-1",
		"+1",
		"01",
		"00",
		"0x10",
		"1.5 MiB",
		"1 MB",
		"1 M",
		"1MiB",
		"1  MiB",
		"1 MiB ",
		"1 mib",
		"1 TiB",
		"64 MiB 1",
		"18446744073709551616",
		"17179869184 GiB",
		"18014398509481984 KiB",
		"99999999999999999999999",
	};
	uint64_t size = 12345;

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++)
		if (lk_text_to_size(bad[i], &size))
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(size, 12345);
	for (size_t i = 0; i < N_OF(good); i++)
		if (!lk_text_to_size(good[i].text, &size) || size != good[i].size)
			fail_msg("%s", good[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visible_text_is_utf8_without_what_is_not_seen),
		cmocka_unit_test(test_what_is_shown_is_plain_and_bounded),
		cmocka_unit_test(test_what_a_terminal_obeys_or_hides_is_escaped),
		cmocka_unit_test(test_a_code_point_is_read_as_it_is_written),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
