/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the rules of the policy file. */
#include "support.h"

#include <dirent.h>
#include <stdio.h>

#include "core/policy/policy_file.h"
#include "core/policy/policy_ref.h"
#include "sys/crypto/crypto.h"

#define BYTES16 "000102030405060708090a0b0c0d0e0f"
#define NAME33	"0b" BYTES16 BYTES16
#define NAME34	"00" NAME33
#define NAME50	"000c" BYTES16 BYTES16 BYTES16

static int parse_into(const uint8_t *data, size_t len, struct lk_policy_file *ret,
		      struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_yaml_parse(data, len, &yaml, err);

	if (rc == LK_OK)
		rc = lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, ret, err);
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
	assert_int_equal(pf.format, 2);
	assert_int_equal(pf.policy_ref_len, 30);
	/* printf 'bank=sha256 pcrs=0,7,10 latch=15 floor=0x018a0001' | sha256sum */
	assert_memory_equal(pf.policy_ref, "latchkey:luks:158cb629cec8ce3f", 30);
	assert_int_equal(lk_policy_ref_name(&pf).len, 13);
	assert_int_equal(pf.pcrs.bank, LK_ALG_SHA256);
	assert_int_equal(pf.pcrs.mask, 0x8481);
	assert_int_equal(pf.latch, 15);
	assert_int_equal(pf.version_floor, 0x018a0001);
	assert_false(pf.prompt_without_tpm);
	assert_int_equal(pf.timeout_tpm, 10);
	assert_int_equal(pf.timeout_device, 30);
	assert_int_equal(pf.timeout_prompt, 0);
	assert_int_equal(pf.after_prompt, LK_ON_FAILURE_FAIL);
	assert_int_equal(pf.n_signed_from, 0);
	assert_int_equal(pf.timeout_signed, 10);
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
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME50 " }" },
		{ "latch: 15", "latch: 15\nroot-key: signed" },
		{ "pcrs: [0, 7, 10]", "pcrs: [17, 22]" },
		{ "on-failure: fail", "on-failure: prompt" },
		{ "on-failure: fail", "on-failure: halt" },
		{ "on-failure: fail", "on-failure: reboot" },
		{ "[discard]", "[discard]\n    on-failure: reboot" },
		{ "latch: 15", "latch: 15\nsigned-from: []\ntimeout-signed: 0" },
		{ "latch: 15", "latch: 15\nsigned-from: [/dev/sdb1, UUID=a, LABEL=b, PARTUUID=c]" },
		{ "latch: 15", "latch: 15\nsigned-from: ['PARTLABEL=\xc3\xa9 \\ \" %s']" },
		{ "latch: 15", "latch: 15\ntimeout-prompt: 86400\nafter-prompt: reboot" },
		{ "latch: 15", "latch: 15\nafter-prompt: halt" },
		{ "[discard]", "[]" },
		{ "[discard]", "[read-only, same-cpu-crypt]" },
		{ "[discard]", "[discard]\n    on-failure: prompt" },
		{ "[discard]", "[discard]\n    sector-size: 4096" },
		{ "[discard]", "[discard]\n    integrity: hmac-sha256" },
		{ "[discard]", "[discard]\n    cipher: aes-cbc-essiv:sha256\n    key-size: 256" },
		{ "[discard]", "[discard]\n    uuid: 01234567-89ab-cdef-0123-456789abcdef" },
		{ "[discard]", "[discard]\n    uuid: 01234567-89AB-CDEF-0123-456789ABCDEF" },
		{ "PARTLABEL=root", "\"PARTLABEL=Linux filesystem\"" },
		{ "PARTLABEL=root", "LABEL=a/b" },
		{ "policy-ref: \"latchkey:luks\"\n", "" },
		{ "\"latchkey:luks\"", "\"123456789012345\"" },
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
		{ "latchkey-policy: 2", "latchkey-policy: 3" },
		{ "latchkey-policy: 2", "latchkey-policy: 0" },
		{ "latchkey-policy: 2\n", "" },
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
		{ "latch: 15", "latch: 15\nroot-key: sealed" },
		{ "latch: 15", "latch: 15\nroot-key: [signed]" },
		{ "latch: 15", "latch: 15\nroot-key: { name: " NAME34 BYTES16 " }" },
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
		{ "[discard]", "[discard]\n    uuid: 01234567-89AG-cdef-0123-456789abcdef" },
		{ "[discard]", "[discard]\n    uuid: 01234567" },
		{ "[discard]",
		  "[discard]\n  - name: root\n    device: /dev/x\n    handle: 0x8100a002" },
		{ "[discard]",
		  "[discard]\n  - name: other\n    device: /dev/x\n    handle: 0x8100a001" },
		{ "[discard]", "[discard]\n  - x" },
		{ "\"latchkey:luks\"", "\"\"" },
		{ "\"latchkey:luks\"", "\"1234567890123456\"" },
		{ "\"latchkey:luks\"", "\"a b\"" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (parse_swapped(edits[i].from, edits[i].to) != LK_E_INPUT)
			fail_msg("taken: %s instead of %s", edits[i].to, edits[i].from);
}

static void edited(const char *from, const char *to, struct lk_policy_file *ret)
{
	LK_OWNED_BUF good = data_file("policy/good-policy.yaml");
	char *text = swapped((const char *)good.data, from, to);

	assert_int_equal(parse_into((const uint8_t *)text, strlen(text), ret, NULL), LK_OK);
	free(text);
}

static struct lk_bytes ref_of(const struct lk_policy_file *pf)
{
	return (struct lk_bytes){ pf->policy_ref, pf->policy_ref_len };
}

static void test_each_part_of_the_selection_makes_another_reference(void **s)
{
	static const struct {
		const char *from, *to, *line;
	} edits[] = {
		{ "on-failure: fail", "on-failure: halt",
		  "bank=sha256 pcrs=0,7,10 latch=15 floor=0x018a0001" },
		{ "bank: sha256", "bank: sha384",
		  "bank=sha384 pcrs=0,7,10 latch=15 floor=0x018a0001" },
		{ "[0, 7, 10]", "[10, 0]", "bank=sha256 pcrs=0,10 latch=15 floor=0x018a0001" },
		{ "latch: 15", "latch: none",
		  "bank=sha256 pcrs=0,7,10 latch=none floor=0x018a0001" },
		/* The same PCRs in all, and another meaning. */
		{ "[0, 7, 10]\nlatch: 15", "[0, 7, 10, 15]\nlatch: none",
		  "bank=sha256 pcrs=0,7,10,15 latch=none floor=0x018a0001" },
		{ "latch: 15", "latch: 14", "bank=sha256 pcrs=0,7,10 latch=14 floor=0x018a0001" },
		{ "0x018a0001", "none", "bank=sha256 pcrs=0,7,10 latch=15 floor=none" },
		{ "0x018a0001", "0x018a0003", "bank=sha256 pcrs=0,7,10 latch=15 floor=0x018a0003" },
	};
	static struct lk_policy_file pf[N_OF(edits)];
	char line[LK_POLICY_REF_LINE_MAX];

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++) {
		edited(edits[i].from, edits[i].to, &pf[i]);
		lk_policy_ref_line(&pf[i], line);
		assert_string_equal(line, edits[i].line);
		assert_true(lk_policy_ref_is_bound(ref_of(&pf[i])));
		for (size_t k = 0; k < i; k++)
			assert_false(lk_bytes_same(ref_of(&pf[i]), ref_of(&pf[k])));
	}
}

static void test_the_longest_line_has_room(void **s)
{
	static struct lk_policy_file pf;
	char line[LK_POLICY_REF_LINE_MAX];

	(void)s;
	edited("[0, 7, 10]",
	       "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 22]", &pf);
	lk_policy_ref_line(&pf, line);
	assert_string_equal(
		line,
		"bank=sha256 pcrs=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,17,18,19,20,21,22 latch=15 floor=0x018a0001");
}

static void test_format_1_is_read_and_not_used_for_anything_new(void **s)
{
	LK_OWNED_BUF old = data_file("policy/format-1-policy.yaml");
	static struct lk_policy_file pf;
	struct lk_err err = { 0 };

	(void)s;
	assert_int_equal(parse_into(old.data, old.len, &pf, NULL), LK_OK);
	assert_int_equal(pf.format, 1);
	assert_int_equal(pf.policy_ref_len, 13);
	assert_false(lk_policy_ref_is_bound(ref_of(&pf)));
	assert_int_equal(lk_policy_ref_check(&pf, NULL, &err), LK_E_REFUSED);
	assert_non_null(strstr(err.msg, "--shared-policy-ref \"latchkey:luks\""));
	assert_int_equal(lk_policy_ref_check(&pf, "latchkey:luk", &err), LK_E_USAGE);
	assert_int_equal(lk_policy_ref_check(&pf, "latchkey:luks2", &err), LK_E_USAGE);
	assert_int_equal(lk_policy_ref_check(&pf, "latchkey:luks", &err), LK_OK);
}

static void test_format_2_has_nothing_to_share(void **s)
{
	static struct lk_policy_file pf;

	(void)s;
	edited("latch: 15", "latch: 15", &pf);
	assert_int_equal(lk_policy_ref_check(&pf, NULL, NULL), LK_OK);
	assert_int_equal(lk_policy_ref_check(&pf, "latchkey:luks", NULL), LK_E_USAGE);
}

static void test_what_a_bound_reference_looks_like(void **s)
{
	static const char *const no[] = { "",
					  "latchkey:luks",
					  ":0123456789abcdef",
					  "a-0123456789abcdef",
					  "a:0123456789abcdeF",
					  "a:0123456789abcdeg",
					  "1234567890123456:0123456789abcdef" };

	(void)s;
	for (size_t i = 0; i < N_OF(no); i++)
		assert_false(lk_policy_ref_is_bound(
			(struct lk_bytes){ (const uint8_t *)no[i], strlen(no[i]) }));
	assert_true(lk_policy_ref_is_bound(
		(struct lk_bytes){ (const uint8_t *)"a:0123456789abcdef", 18 }));
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
		cmocka_unit_test(test_each_part_of_the_selection_makes_another_reference),
		cmocka_unit_test(test_the_longest_line_has_room),
		cmocka_unit_test(test_format_1_is_read_and_not_used_for_anything_new),
		cmocka_unit_test(test_format_2_has_nothing_to_share),
		cmocka_unit_test(test_what_a_bound_reference_looks_like),
		cmocka_unit_test(test_a_prompt_needs_a_latch),
		cmocka_unit_test(test_every_committed_bad_file_is_refused),
		cmocka_unit_test(test_a_policy_file_cut_before_its_options_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
