/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the rules of the policy file. */
#include "support.h"

#include <dirent.h>
#include <stdio.h>

#include "core/policy/policy_file.h"

#define BYTES16 "000102030405060708090a0b0c0d0e0f"
#define NAME33	"0b" BYTES16 BYTES16
#define NAME34	"00" NAME33

static int parse_into(const uint8_t *data, size_t len, struct lk_policy_file *ret,
		      struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_yaml_parse(data, len, &yaml, err);

	if (rc == LK_OK)
		rc = lk_policy_file_from_doc(lk_yaml_root(yaml), ret, err);
	return rc;
}

/* Parses, and sees that a failure leaves the output alone. */
static int parse(const uint8_t *data, size_t len)
{
	struct lk_policy_file *pf = malloc(sizeof(*pf));
	struct lk_err err = { 0 };
	int rc;

	assert_non_null(pf);
	poison(pf, sizeof(*pf));
	rc = parse_into(data, len, pf, &err);
	if (rc != LK_OK) {
		assert_int_equal(rc, LK_E_INPUT);
		assert_int_equal(err.rc, LK_E_INPUT);
		assert_true(is_poisoned(pf, sizeof(*pf)));
		/* "<line>:<column>: " */
		assert_true(err.msg[0] >= '1' && err.msg[0] <= '9');
	}
	free(pf);
	return rc;
}

static int parse_swapped(const char *from, const char *to)
{
	LK_OWNED_BUF good = data_file("policy/good-policy.yaml");
	char *text = swapped((const char *)good.data, from, to);
	int rc = parse((const uint8_t *)text, strlen(text));

	free(text);
	return rc;
}

static void test_each_field_is_read(void **s)
{
	LK_OWNED_BUF good = data_file("policy/good-policy.yaml");
	struct lk_policy_file pf;
	const struct lk_volume *vol = &pf.volumes[0];

	(void)s;
	assert_int_equal(parse_into(good.data, good.len, &pf, NULL), LK_OK);
	assert_int_equal(pf.key.curve, LK_CURVE_P384);
	assert_int_equal(pf.policy_ref_len, 13);
	assert_memory_equal(pf.policy_ref, "latchkey:luks", 13);
	assert_int_equal(pf.pcrs.bank, LK_ALG_SHA256);
	assert_int_equal(pf.pcrs.mask, 0x8481);
	assert_int_equal(pf.latch, 15);
	assert_int_equal(pf.version_floor, 0x018a0001);
	assert_false(pf.prompt_without_tpm);
	assert_int_equal(pf.timeout_tpm, 10);
	assert_int_equal(pf.timeout_device, 30);
	assert_int_equal(pf.root_handle, 0x81000001);
	assert_int_equal(pf.root_name.len, 0);
	assert_int_equal(pf.n_volumes, 1);
	assert_string_equal(vol->name, "root");
	assert_string_equal(vol->device, "PARTLABEL=root");
	assert_int_equal(vol->handle, 0x8100a001);
	assert_string_equal(vol->uuid, "");
	assert_string_equal(vol->format.cipher, "aes-xts-plain64");
	assert_int_equal(vol->format.key_bits, 512);
	assert_int_equal(vol->format.sector_size, 512);
	assert_int_equal(vol->format.integrity, LK_INTEGRITY_NONE);
	assert_int_equal(vol->options, LK_VOL_DISCARD);
	assert_int_equal(vol->on_failure, LK_ON_FAILURE_FAIL);
	assert_ptr_equal(lk_policy_file_volume(&pf, "root"), vol);
	assert_null(lk_policy_file_volume(&pf, "roo"));
	assert_null(lk_policy_file_volume(&pf, ""));
}

static void test_what_the_man_page_allows_is_taken(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "latch: 15", "latch: none" },
		{ "latch: 15", "latch: 11" },
		{ "0x018a0001", "none" },
		{ "latch: 15", "latch: 15\nprompt-without-tpm: true" },
		{ "latch: 15", "latch: 15\ntimeout-tpm: 0\ntimeout-device: 600" },
		{ "latch: 15", "latch: 15\nroot-key: {}" },
		{ "latch: 15", "latch: 15\nroot-key: { handle: 0x81000002 }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME34 " }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME34 BYTES16 " }" },
		{ "pcrs: [0, 7, 10]", "pcrs: [17, 22]" },
		{ "on-failure: fail", "on-failure: prompt" },
		{ "on-failure: fail", "on-failure: halt" },
		{ "[discard]", "[]" },
		{ "[discard]", "[read-only, same-cpu-crypt]" },
		{ "[discard]", "[discard]\n    on-failure: prompt" },
		{ "[discard]", "[discard]\n    sector-size: 4096" },
		{ "[discard]", "[discard]\n    integrity: hmac-sha256" },
		{ "[discard]", "[discard]\n    cipher: aes-cbc-essiv:sha256\n    key-size: 256" },
		{ "[discard]", "[discard]\n    uuid: 01234567-89ab-cdef-0123-456789abcdef" },
		{ "\"latchkey:luks\"", "\"\"" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (parse_swapped(edits[i].from, edits[i].to) != LK_OK)
			fail_msg("refused: %s", edits[i].to);
}

static void test_what_breaks_a_rule_is_refused(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "latchkey-policy: 1", "latchkey-policy: 2" },
		{ "latchkey-policy: 1\n", "" },
		{ "bank: sha256", "bank: sha1" },
		{ "pcrs: [0, 7, 10]", "pcrs: [0, 7, 24]" },
		{ "pcrs: [0, 7, 10]", "pcrs: [0, 7, 7]" },
		{ "pcrs: [0, 7, 10]", "pcrs: [0, 7, 15]" },
		{ "pcrs: [0, 7, 10]", "pcrs: []" },
		{ "pcrs: [0, 7, 10]", "pcrs: 7" },
		{ "pcrs: [0, 7, 10]", "pcrs: [[0]]" },
		{ "pcrs: [0, 7, 10]", "pcrs: [0, 7, 16]" },
		{ "pcrs: [0, 7, 10]", "pcrs: [23]" },
		{ "latch: 15", "latch: 10" },
		{ "latch: 15", "latch: 16" },
		{ "latch: 15", "latch: None" },
		{ "latch: 15\n", "" },
		{ "0x018a0001", "0x008a0001" },
		{ "0x018a0001", "0x02000000" },
		{ "on-failure: fail", "on-failure: shell" },
		{ "on-failure: fail\n", "" },
		{ "latch: 15", "latch: 15\ntimeout-tpm: 601" },
		{ "latch: 15", "latch: 15\nprompt-without-tpm: 1" },
		{ "latch: 15", "latch: 15\nroot-key: { handle: 0x80000000 }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: 000b }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: 0" NAME33 " }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME33 " }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME34 BYTES16 "00 }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME34 "00 }" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME33 BYTES16 " }" },
		{ "latch: 15", "latch: 15\nroot-key: { x: 1 }" },
		{ "name: root", "name: control" },
		{ "name: root", "name: ../root" },
		{ "name: root", "name: .." },
		{ "name: root", "name: \"\"" },
		{ "name: root", "name: \"a b\"" },
		{ "device: PARTLABEL=root", "device: \"\"" },
		{ "0x8100a001", "0x81800000" },
		{ "0x8100a001", "0x80ffffff" },
		{ "[discard]", "discard" },
		{ "[discard]", "[[]]" },
		{ "[discard]", "[discard, shell]" },
		{ "[discard]", "[discard]\n    cipher: cipher_null-ecb" },
		{ "[discard]", "[discard]\n    cipher: null-ecb" },
		{ "[discard]", "[discard]\n    cipher: aes" },
		{ "[discard]", "[discard]\n    key-size: 160" },
		{ "[discard]", "[discard]\n    sector-size: 520" },
		{ "[discard]", "[discard]\n    integrity: poly1305" },
		{ "[discard]", "[discard]\n    uuid: 01234567-89AB-cdef-0123-456789abcdef" },
		{ "[discard]", "[discard]\n    uuid: 01234567" },
		{ "[discard]",
		  "[discard]\n  - name: root\n    device: /dev/x\n    handle: 0x8100a002" },
		{ "[discard]",
		  "[discard]\n  - name: other\n    device: /dev/x\n    handle: 0x8100a001" },
		{ "[discard]", "[discard]\n  - x" },
		{ "\"latchkey:luks\"", "\"0123456789012345678901234567890123456789012345678\"" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (parse_swapped(edits[i].from, edits[i].to) != LK_E_INPUT)
			fail_msg("taken: %s instead of %s", edits[i].to, edits[i].from);
}

static void test_a_prompt_needs_a_latch(void **s)
{
	(void)s;
	assert_int_equal(
		parse_swapped("latch: 15\nversion-floor: 0x018a0001\non-failure: fail",
			      "latch: none\nversion-floor: 0x018a0001\non-failure: prompt"),
		LK_E_INPUT);
	assert_int_equal(parse_swapped("latch: 15\nversion-floor: 0x018a0001\non-failure: fail",
				       "latch: none\nversion-floor: 0x018a0001\non-failure: halt"),
			 LK_OK);
}

static void test_every_committed_bad_file_is_refused(void **s)
{
	unsigned int n = 0;
	DIR *dir = opendir(LK_TEST_DATA "/policy");

	(void)s;
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		LK_OWNED_BUF buf = LK_BUF_NONE;
		char name[300];

		if (strncmp(e->d_name, "bad-", 4) != 0 ||
		    strncmp(e->d_name, "bad-signed-", 11) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "policy/%s", e->d_name);
		buf = data_file(name);
		if (parse(buf.data, buf.len) != LK_E_INPUT)
			fail_msg("%s was taken", name);
		n++;
	}
	closedir(dir);
	assert_true(n > 30);
}

/* options, the last line, may be missing: then the cut is a policy file too,
 * of a volume without discard. No cut before that is one. */
static void test_a_policy_file_cut_before_its_options_is_refused(void **s)
{
	static const char handle[] = "handle: 0x8100a001";
	LK_OWNED_BUF good = data_file("policy/good-policy.yaml");
	const char *text = (const char *)good.data;
	size_t least = (size_t)(strstr(text, handle) - text) + strlen(handle);

	(void)s;
	assert_int_equal(shortest_that_parses(text, good.len, parse), least);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_is_read),
		cmocka_unit_test(test_what_the_man_page_allows_is_taken),
		cmocka_unit_test(test_what_breaks_a_rule_is_refused),
		cmocka_unit_test(test_a_prompt_needs_a_latch),
		cmocka_unit_test(test_every_committed_bad_file_is_refused),
		cmocka_unit_test(test_a_policy_file_cut_before_its_options_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
