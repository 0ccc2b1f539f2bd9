/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of unified kernel images. */
#include "images.h"

#include "core/predict/uki.h"

#define SECTION(name, text)                                                                        \
	{                                                                                          \
		name, text, sizeof(text) - 1                                                       \
	}

static const struct lk_bytes unsigned_image = { NULL, 0 };

static void make(struct made *m, const struct part *parts, size_t n)
{
	put_image(m, parts, n, unsigned_image);
}

static int read_made(const struct made *m, struct lk_uki *ret, struct lk_err *err)
{
	return lk_uki_read((struct lk_bytes){ m->data, m->len }, ret, err);
}

static void refused(const struct part *parts, size_t n, int rc, const char *said)
{
	struct lk_err err = { 0 };
	struct lk_uki uki;
	struct made m;

	make(&m, parts, n);
	poison(&uki, sizeof(uki));
	assert_int_equal(read_made(&m, &uki, &err), rc);
	assert_true(is_poisoned(&uki, sizeof(uki)));
	if (!strstr(err.msg, said))
		fail_msg("\"%s\" isn't in: %s", said, err.msg);
}

/* All that could be in one, in an order that isn't the measured one. */
static const struct part all[] = {
	SECTION(".sbat", "S"),	      SECTION(".sdmagic", STUB_257), SECTION(".uname", "U"),
	SECTION(".pcrsig", "{}"),     SECTION(".pcrpkey", "K"),	     SECTION(".osrel", "ID=x\n"),
	SECTION(".cmdline", "quiet"), SECTION(".initrd", "12345"),   SECTION(".ucode", "micro"),
	SECTION(".linux", "kernel"),  SECTION(".splash", "P"),	     SECTION(".dtb", "D"),
};

static void measured(const struct part *parts, size_t n, const char *want)
{
	struct lk_uki uki;
	struct made m;
	char got[128] = "";

	make(&m, parts, n);
	assert_int_equal(read_made(&m, &uki, NULL), LK_OK);
	for (size_t i = 0; i < uki.n_sections; i++)
		strcat(got, uki.names[i]);
	assert_string_equal(got, want);
}

static void test_each_stubs_sections_are_measured_in_its_order(void **s)
{
	struct part old[N_OF(all)];

	(void)s;
	measured(all, N_OF(all), ".linux.osrel.cmdline.initrd.ucode.splash.dtb.uname.sbat.pcrpkey");
	memcpy(old, all, sizeof(old));
	old[1].content = STUB_252;
	measured(old, N_OF(old), ".linux.osrel.cmdline.initrd.splash.dtb.pcrpkey");
}

static void test_what_is_not_known_is_refused(void **s)
{
	struct part parts[4] = { SECTION(".sdmagic", STUB_257), SECTION(".linux", "k"),
				 SECTION(".cmdline", "c"), SECTION(".profile", "p") };

	(void)s;
	refused(parts, 1, LK_E_INPUT, "no section .linux");
	refused(parts + 1, 2, LK_E_REFUSED, "hasn't systemd's stub");
	refused(parts, 4, LK_E_REFUSED, "several profiles");
	parts[3].name = ".linux";
	refused(parts, 4, LK_E_REFUSED, "two sections of one name");
	parts[0].content = "#### LoaderInfo: systemd-stub 258.1-1 ####";
	refused(parts, 3, LK_E_REFUSED, "systemd-stub 258, and only");
	parts[0].content = "#### LoaderInfo: systemd-stub 25x.1-1 ####";
	refused(parts, 3, LK_E_REFUSED, "no version");
	parts[0].content = "#### LoaderInfo: systemd-boot 257.1-1 ####";
	refused(parts, 3, LK_E_REFUSED, "hasn't systemd's stub");
	parts[0].len = 8;
	refused(parts, 3, LK_E_REFUSED, "hasn't systemd's stub");
}

static void test_a_section_longer_in_memory_is_refused(void **s)
{
	static const struct part parts[] = { SECTION(".sdmagic", STUB_257),
					     SECTION(".linux", "kernel") };
	struct lk_uki uki;
	struct made m;

	(void)s;
	make(&m, parts, 2);
	m.data[IMAGE_SECTIONS + 40 + 8] = 7;
	assert_int_equal(read_made(&m, &uki, NULL), LK_E_REFUSED);
	m.data[IMAGE_SECTIONS + 40 + 8] = 5;
	assert_int_equal(read_made(&m, &uki, NULL), LK_OK);
	assert_int_equal(lk_uki_section(&uki, ".linux").len, 5);
	assert_int_equal(lk_uki_section(&uki, ".initrd").len, 0);
}

static void command_line(const char *text, size_t len, int rc, const char *want)
{
	const struct part parts[] = { SECTION(".sdmagic", STUB_257),
				      SECTION(".linux", "kernel"),
				      { ".cmdline", text, len } };
	struct lk_load_options options;
	struct lk_uki uki;
	struct made m;

	make(&m, parts, len ? 3 : 2);
	assert_int_equal(read_made(&m, &uki, NULL), LK_OK);
	assert_int_equal(lk_uki_load_options(&uki, &options, NULL), rc);
	if (rc != LK_OK)
		return;
	assert_int_equal(options.len, 2 * (strlen(want) + 1));
	for (size_t i = 0; i < options.len; i++)
		assert_int_equal(options.data[i], i % 2 ? 0 : (uint8_t)want[i / 2]);
}

static void test_the_command_line_is_tidied_as_the_stub_does(void **s)
{
	char longest[LK_UKI_CMDLINE_MAX + 1];

	(void)s;
	command_line("quiet ro", 8, LK_OK, "quiet ro");
	command_line(" quiet\tro \n", 11, LK_OK, "quiet ro");
	command_line("quiet\0ro", 8, LK_OK, "quiet");
	command_line(" \n", 2, LK_E_REFUSED, NULL);
	command_line("", 0, LK_E_REFUSED, NULL);
	command_line("\xc3\xa9", 2, LK_E_REFUSED, NULL);
	memset(longest, 'x', sizeof(longest));
	command_line(longest, sizeof(longest), LK_E_REFUSED, NULL);
}

static void initrd_is(const struct part *parts, size_t n, const char *want, size_t len)
{
	const struct lk_bytes bytes = { (const uint8_t *)want, len };
	struct lk_digest digest, sum;
	struct lk_uki uki;
	struct made m;

	make(&m, parts, n);
	assert_int_equal(read_made(&m, &uki, NULL), LK_OK);
	assert_true(lk_uki_initrd_digest(&uki, LK_ALG_SHA384, lk_crypto_hash, &digest));
	assert_true(lk_crypto_hash(LK_ALG_SHA384, &bytes, 1, &sum));
	assert_true(lk_digest_equal(&digest, &sum));
}

#define ZERO "00000000"
#define FOLDER                                                                                     \
	"070701"                                                                                   \
	"00000001"                                                                                 \
	"0000416d" ZERO ZERO "00000001" ZERO ZERO ZERO ZERO ZERO ZERO "00000007" ZERO              \
	".extra\0\0\0\0"
#define FILE_OF(size, name_size)                                                                   \
	"070701"                                                                                   \
	"00000002"                                                                                 \
	"00008124" ZERO ZERO "00000001" ZERO size ZERO ZERO ZERO ZERO name_size ZERO
#define TRAILER                                                                                    \
	"070701" ZERO ZERO ZERO ZERO "00000001" ZERO ZERO ZERO ZERO ZERO ZERO "0000000B" ZERO      \
	"TRAILER!!!\0\0\0\0"

static void test_the_initrd_is_put_together_as_the_stub_does(void **s)
{
	struct part parts[] = { SECTION(".sdmagic", STUB_252), SECTION(".linux", "kernel"),
				SECTION(".initrd", "12345"), SECTION(".osrel", "ID=x\n"),
				SECTION(".pcrpkey", "KEY!") };
	static const char release[] =
		"12345\0\0\0" FOLDER FILE_OF("00000005",
					     "00000012") ".extra/os-release\0ID=x\n\0\0\0" TRAILER;
	static const char key[] = "12345\0\0\0" FOLDER
		FILE_OF("00000004",
			"0000001f") ".extra/tpm2-pcr-public-key.pem\0\0\0\0KEY!" TRAILER;

	(void)s;
	initrd_is(parts, 4, "12345", 5);
	initrd_is(parts, 5, key, sizeof(key) - 1);
	parts[0].content = STUB_257;
	initrd_is(parts, 4, release, sizeof(release) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_stubs_sections_are_measured_in_its_order),
		cmocka_unit_test(test_what_is_not_known_is_refused),
		cmocka_unit_test(test_a_section_longer_in_memory_is_refused),
		cmocka_unit_test(test_the_command_line_is_tidied_as_the_stub_does),
		cmocka_unit_test(test_the_initrd_is_put_together_as_the_stub_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
