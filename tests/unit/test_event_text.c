/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of events in words: recorded ones, and what could be in a bad one. */
#include "event_logs.h"

#include "core/bootlog/cert_name.h"
#include "core/bootlog/device_path.h"
#include "core/bootlog/efi_variable.h"
#include "core/bootlog/event_text.h"
#include "core/bootlog/event_type.h"

/* An event whose data are what was measured, as far as events of that type say so. */
static void words_of(uint32_t pcr, uint32_t type, const struct made *data, struct lk_text_out *ret)
{
	struct lk_event e = { .pcr = pcr, .type = type, .data = { data->data, data->len } };
	struct lk_digest digest;

	assert_true(lk_crypto_hash(LK_ALG_SHA256, &e.data, 1, &digest));
	e.sha256 = (struct lk_bytes){ digest.data, digest.len };
	lk_event_text(&e, lk_crypto_hash, ret);
}

/* Each in the log of that machine, with that type's name. */
static void test_recorded_events_are_told_in_words(void **s)
{
	static const struct {
		const char *machine, *type, *text;
	} want[] = {
		{ "uki-13", "EV_EFI_VARIABLE_DRIVER_CONFIG", "Secure Boot is on" },
		{ "insecure-12", "EV_EFI_VARIABLE_DRIVER_CONFIG", "Secure Boot is off" },
		{ "uki-13", "EV_EFI_VARIABLE_DRIVER_CONFIG",
		  "Secure Boot variable \"db\": 1 certificate, 0 hashes: \"SnakeOil\"" },
		{ "uki-13", "EV_EFI_VARIABLE_DRIVER_CONFIG",
		  "Secure Boot variable \"dbx\": 0 certificates, 1 hash" },
		{ "uki-13", "EV_EFI_VARIABLE_AUTHORITY",
		  "an image was accepted because of \"db\": certificate \"SnakeOil\"" },
		{ "uki-13", "EV_SEPARATOR", "separator: the Secure Boot settings end" },
		{ "uki-13", "EV_EFI_BOOT_SERVICES_APPLICATION",
		  "boot image \"\\EFI\\BOOT\\BOOTX64.EFI\"" },
		{ "kernel-13", "EV_EFI_BOOT_SERVICES_APPLICATION",
		  "boot image of vendor path 1428f772-b64a-441e-b8c3-9ebdd7f893c7 \"kernel\"" },
		{ "uki-13", "EV_EFI_VARIABLE_BOOT", "boot order 0001 0000 0002" },
		{ "uki-13", "EV_EFI_VARIABLE_BOOT",
		  "boot option \"Boot0001\": \"UEFI Non-Block Boot Device\" by its device" },
		{ "uki-13", "EV_IPL", "unified kernel image: name of section \".linux\"" },
		{ "uki-13", "EV_IPL", "unified kernel image: bytes of section \".cmdline\"" },
		{ "uki-13", "EV_EVENT_TAG", "command line, as the kernel was given it" },
		{ "uki-12", "EV_EVENT_TAG", "initrd, as the kernel loaded it" },
		{ "uki-13", "EV_EFI_ACTION",
		  "the firmware says \"Exit Boot Services Invocation\"" },
		{ "uki-13", "EV_EFI_PLATFORM_FIRMWARE_BLOB",
		  "firmware code at 0x900000, 12582912 bytes" },
		{ "uki-13", "EV_S_CRTM_VERSION", "firmware version \"\"" },
		{ "uki-13", "EV_NO_ACTION",
		  "note, not measured: \"Spec ID Event03\", specification 2.0 errata 0, a client, 64 bits, digests of sha256 sha384" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(want); i++) {
		LK_OWNED_BUF log = recorded_file(want[i].machine, "firmware");
		struct lk_event_log at;
		struct lk_event e;
		bool found = false;

		assert_int_equal(lk_event_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_event_log_next(&at, &e, NULL) == LK_OK) {
			struct lk_text_out out;

			lk_event_text(&e, lk_crypto_hash, &out);
			found |= !strcmp(out.text, want[i].text) &&
				 !strcmp(lk_event_type_name(e.type), want[i].type);
		}
		if (!found)
			fail_msg("%s: no %s", want[i].machine, want[i].text);
	}
}

static void said(uint32_t pcr, uint32_t type, const char *data, size_t len, const char *want)
{
	struct made m = { .len = 0 };
	struct lk_text_out out;

	put(&m, data, len);
	words_of(pcr, type, &m, &out);
	assert_string_equal(out.text, want);
}

static void test_other_boot_loaders_events_are_told_in_words(void **s)
{
	(void)s;
	said(8, LK_EV_IPL, "grub_cmd: set a=1", 18, "boot loader command \"grub_cmd: set a=1\"");
	said(9, LK_EV_IPL, "(hd0)/vmlinuz", 14, "file that the boot loader read \"(hd0)/vmlinuz\"");
	said(12, LK_EV_IPL, "q\0u\0i\0e\0t\0\0\0", 12, "kernel command line \"quiet\"");
	said(14, LK_EV_IPL, "MokList", 8, "shim's \"MokList\"");
	said(5, LK_EV_IPL, "x", 1, "boot loader \"x\"");
	said(12, LK_EV_EVENT_TAG, "\x2a\x58\xbc\xf5\x04\0\0\0a\0b\0", 12,
	     "tagged event 0xf5bc582a: \"ab\"");
	said(0, LK_EV_EFI_PLATFORM_FIRMWARE_BLOB2, "\3abc\0\0\1\0\0\0\0\0\2\0\0\0\0\0\0\0", 20,
	     "firmware code \"abc\" at 0x10000, 2 bytes");
	said(0, LK_EV_NO_ACTION, "StartupLocality\0\3", 17, "the TPM was started at locality 3");
	said(4, LK_EV_SEPARATOR, "\1\0\0\0", 4, "separator: the firmware had an error");
	said(4, LK_EV_SEPARATOR, "WBCL", 5, "separator \"WBCL\"");
	said(4, LK_EV_S_CRTM_CONTENTS, "", 0, "the firmware's first code");
	said(4, LK_EV_EFI_HANDOFF_TABLES2, "", 0, "tables that the firmware hands over");
	said(4, 0x0b, "", 0, "EV_TABLE_OF_DEVICES, 0 bytes");
	said(4, 0x14, "abc", 3, "unknown event, 3 bytes: \"abc\"");
	said(4, 0x14, "a\1c", 3, "unknown event, 3 bytes");
	assert_null(lk_event_type_name(0x8000000f));
	assert_null(lk_event_type_name(0x7fffffff));
}

static void test_what_is_cut_off_is_said_to_be(void **s)
{
	(void)s;
	said(9, LK_EV_EVENT_TAG, "\x2a", 1, "tagged event that is cut off");
	said(4, LK_EV_EFI_BOOT_SERVICES_APPLICATION, "", 0, "boot image, whose path is cut off");
	said(4, LK_EV_EFI_BOOT_SERVICES_DRIVER, "", 0, "driver, whose path is cut off");
	said(5, LK_EV_EFI_GPT_EVENT, "EFI PART", 8, "partition table that is cut off");
	said(0, LK_EV_EFI_PLATFORM_FIRMWARE_BLOB, "12345678", 8,
	     "firmware code at a place that is cut off");
	said(7, LK_EV_EFI_VARIABLE_DRIVER_CONFIG, "", 0, "variable whose lengths aren't right");
}

static void test_control_characters_never_reach_a_terminal(void **s)
{
	(void)s;
	said(8, LK_EV_IPL,
	     "a\x1b[31m\n\"\xff\xc2\x9b"
	     "b",
	     12, "boot loader command \"a\\x1b[31m\\x0a\\\"\\xff\\u009bb\"");
	said(12, LK_EV_IPL, "a\0\x1b\0\"\0\x9b\0\x0\xd8\xe9\0\x20\xac\0\0", 16,
	     "kernel command line \"a\\x1b\\\"\\u009b\\ud800\xc3\xa9\xea\xb0\xa0\"");
}

static void test_long_text_ends_in_dots(void **s)
{
	struct made m = { .len = 0 };
	struct lk_text_out out;

	(void)s;
	for (int i = 0; i < 1000; i++)
		put(&m, "x", 1);
	words_of(8, LK_EV_IPL, &m, &out);
	assert_true(out.full && out.len < LK_TEXT_OUT_MAX);
	assert_string_equal(out.text + out.len - 4, "x...");
	lk_text_add(&out, "more");
	assert_string_equal(out.text + out.len - 4, "x...");
}

static const uint8_t global_guid[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
static const uint8_t images_guid[16] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
					 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };
static const uint8_t shim_guid[16] = { 0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43,
				       0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23 };

/* With the owner that such a name has. */
static void put_variable(struct made *m, const char *name, const void *data, size_t len)
{
	static const char *const of_images[] = { "db", "dbx" };
	static const char *const of_shim[] = { "Shim", "SbatLevel", "MokListTrusted", "MokList" };
	const uint8_t *guid = global_guid;

	for (size_t i = 0; i < N_OF(of_images); i++)
		if (!strcmp(name, of_images[i]))
			guid = images_guid;
	for (size_t i = 0; i < N_OF(of_shim); i++)
		if (!strcmp(name, of_shim[i]))
			guid = shim_guid;
	put(m, guid, 16);
	put_number(m, strlen(name), 8);
	put_number(m, len, 8);
	for (const char *p = name; *p; p++)
		put_number(m, (uint8_t)*p, 2);
	put(m, data, len);
}

static void variable_said(const char *name, const void *data, size_t len, const char *want)
{
	struct made m = { .len = 0 };
	struct lk_text_out out;

	put_variable(&m, name, data, len);
	words_of(7, LK_EV_EFI_VARIABLE_DRIVER_CONFIG, &m, &out);
	assert_string_equal(out.text, want);
}

static void test_variables_are_told_in_words(void **s)
{
	(void)s;
	variable_said("SecureBoot", "\1", 1, "Secure Boot is on");
	variable_said("SecureBoot", "", 0, "Secure Boot is off");
	variable_said("AuditMode", "\1", 1, "Secure Boot's \"AuditMode\" is 1");
	variable_said(
		"db", "x", 1,
		"Secure Boot variable \"db\": 0 certificates, 0 hashes, and then malformed bytes");
	variable_said("Boot00zz", "", 0, "variable \"Boot00zz\": 0 bytes");
	variable_said("Boot00A1", "", 0, "boot option \"Boot00A1\": \"\"");
	variable_said("SbatLevel", "sbat", 4, "variable \"SbatLevel\": 4 bytes");
}

static void test_authorities_are_certificates_or_hashes(void **s)
{
	static const uint8_t hash[48] = { [16] = 0xab };
	struct made m = { .len = 0 };
	struct lk_text_out out;

	(void)s;
	put_variable(&m, "db", hash, sizeof(hash));
	words_of(7, LK_EV_EFI_VARIABLE_AUTHORITY, &m, &out);
	assert_string_equal(
		out.text,
		"an image was accepted because of \"db\": the image's SHA-256 ab00000000000000000000000000000000000000000000000000000000000000");
	m.len = 0;
	put_variable(&m, "Shim", "abc", 3);
	words_of(7, LK_EV_EFI_VARIABLE_AUTHORITY, &m, &out);
	assert_string_equal(out.text, "an image was accepted because of \"Shim\": 3 bytes");
}

/* Lengths one too long or too short, and those that would wrap. */
static void test_variables_with_wrong_lengths_are_refused(void **s)
{
	static const size_t at[] = { 16, 24 };
	struct lk_efi_variable var;

	(void)s;
	for (size_t i = 0; i < N_OF(at); i++) {
		for (int change = 0; change < 4; change++) {
			struct made m = { .len = 0 };

			put_variable(&m, "name", "data", 4);
			if (change < 2)
				m.data[at[i]] = (uint8_t)(m.data[at[i]] + 2 * change - 1);
			else
				memset(m.data + at[i] + (change == 3 ? 7 : 0), 0xff,
				       change == 3 ? 1 : 8);
			poison(&var, sizeof(var));
			assert_false(
				lk_efi_variable_read((struct lk_bytes){ m.data, m.len }, &var));
			assert_true(is_poisoned(&var, sizeof(var)));
		}
	}
}

static struct lk_bytes recorded_certificate(const struct lk_buf *log)
{
	struct lk_event_log at;
	struct lk_event e = { 0 };
	struct lk_efi_variable var;

	assert_int_equal(lk_event_log_open(log->data, log->len, &at, NULL), LK_OK);
	while (e.type != LK_EV_EFI_VARIABLE_AUTHORITY)
		assert_int_equal(lk_event_log_next(&at, &e, NULL), LK_OK);
	assert_true(lk_efi_variable_read(e.data, &var));
	return (struct lk_bytes){ var.data.data + 16, var.data.len - 16 };
}

static void test_a_certificates_name_is_found_or_it_is_none(void **s)
{
	LK_OWNED_BUF log = recorded_file("uki-13", "firmware");
	struct lk_bytes der = recorded_certificate(&log);
	struct lk_bytes name;

	(void)s;
	assert_true(lk_cert_name(der, &name));
	assert_int_equal(name.len, 8);
	assert_memory_equal(name.data, "SnakeOil", 8);
	/* Its outermost length says how much there has to be. */
	for (size_t n = 0; n < der.len; n++)
		assert_false(lk_cert_name((struct lk_bytes){ der.data, n }, &name));
}

static void put_path_node(struct made *m, unsigned int kind, const char *data, size_t len)
{
	put_number(m, kind >> 8, 1);
	put_number(m, kind & 0xff, 1);
	put_number(m, len + 4, 2);
	put(m, data, len);
}

static void path_said(const struct made *m, const char *want)
{
	struct lk_text_out out;

	lk_text_out_init(&out);
	lk_device_path_text((struct lk_bytes){ m->data, m->len }, &out);
	assert_string_equal(out.text, want);
}

static void test_device_paths_are_told_in_words(void **s)
{
	char partition[38] = { 2 };
	struct made m = { .len = 0 };

	(void)s;
	path_said(&m, " without a path");
	put_path_node(&m, 0x0101, "\0\1", 2);
	path_said(&m, " by its device");
	memcpy(partition + 20, "0123456789abcdef", 16);
	partition[37] = 2;
	put_path_node(&m, 0x0401, partition, sizeof(partition));
	put_path_node(&m, 0x0404, "a\0\0\0", 4);
	path_said(&m, " on partition 2 33323130-3534-3736-3839-616263646566 \"a\"");
	put_path_node(&m, 0x7fff, "", 0);
	put_path_node(&m, 0x0404, "b\0\0\0", 4);
	path_said(&m, " on partition 2 33323130-3534-3736-3839-616263646566 \"a\"");
	m.len = 0;
	put_path_node(&m, 0x0318, "http://a/b", 10);
	put_path_node(&m, 0x030b, "", 0);
	put_path_node(&m, 0x0103, "\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0", 20);
	path_said(&m, " from \"http://a/b\" over the network in memory at 0x100 to 0x200");
	/* A length that is shorter than the header would never end. */
	m.len = 0;
	put_path_node(&m, 0x0404, "a\0\0\0", 4);
	m.data[2] = 3;
	path_said(&m, " by its device");
	m.data[2] = 9;
	path_said(&m, " by its device");
}

static void test_the_kernels_entries_are_told_in_words(void **s)
{
	static const struct {
		const char *machine, *text;
	} want[] = {
		{ "uki-12", "boot_aggregate: the PCRs before the kernel, in sha256" },
		{ "measuring-12", "data \"kernel_version\"" },
		{ "violation-13", "file \"/tmp/a_name_with_spaces\"" },
		{ "violation-13", "violation: changed while it was measured, file \"/tmp/open\"" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(want); i++) {
		LK_OWNED_BUF log = recorded_file(want[i].machine, "ima");
		struct lk_ima_log at;
		struct lk_ima_entry e;
		bool found = false;

		assert_int_equal(lk_ima_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_ima_log_next(&at, &e, NULL) == LK_OK) {
			struct lk_text_out out;

			lk_ima_entry_text(&e, &out);
			found |= !strcmp(out.text, want[i].text);
		}
		if (!found)
			fail_msg("%s: no %s", want[i].machine, want[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_events_are_told_in_words),
		cmocka_unit_test(test_other_boot_loaders_events_are_told_in_words),
		cmocka_unit_test(test_what_is_cut_off_is_said_to_be),
		cmocka_unit_test(test_control_characters_never_reach_a_terminal),
		cmocka_unit_test(test_long_text_ends_in_dots),
		cmocka_unit_test(test_variables_are_told_in_words),
		cmocka_unit_test(test_authorities_are_certificates_or_hashes),
		cmocka_unit_test(test_variables_with_wrong_lengths_are_refused),
		cmocka_unit_test(test_a_certificates_name_is_found_or_it_is_none),
		cmocka_unit_test(test_device_paths_are_told_in_words),
		cmocka_unit_test(test_the_kernels_entries_are_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
