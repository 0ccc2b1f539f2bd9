/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the kernel's IMA log. */
#include "event_logs.h"

#define NG_DIGEST                                                                                  \
	"sha256:\0"                                                                                \
	"0123456789abcdef0123456789abcdef"
#define NG_LEN 40u

static void begin(struct made *m, const char *template)
{
	m->len = 0;
	put_number(m, 10, 4);
	put(m, "sha1 of the template", 20);
	put_number(m, strlen(template), 4);
	put(m, template, strlen(template));
}

static void field(struct made *m, const void *data, size_t len)
{
	put_number(m, len, 4);
	put(m, data, len);
}

/* An entry of a template that begins with digest and name. */
static void entry(struct made *m, const char *template, const char *digest, size_t digest_len,
		  const char *more)
{
	struct made inner = { .len = 0 };

	field(&inner, digest, digest_len);
	field(&inner, "a name", 7);
	if (more)
		field(&inner, more, strlen(more));
	begin(m, template);
	field(m, inner.data, inner.len);
}

static int walk(const uint8_t *data, size_t len, struct lk_ima_entry *last, struct lk_err *err)
{
	struct lk_ima_log log;
	int rc = lk_ima_log_open(data, len, &log, err);

	while (rc == LK_OK) {
		struct lk_ima_entry e;

		poison(&e, sizeof(e));
		rc = lk_ima_log_next(&log, &e, err);
		assert_true(rc == LK_OK || is_poisoned(&e, sizeof(e)));
		if (rc == LK_OK && last)
			*last = e;
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

static int parse(const uint8_t *data, size_t len)
{
	return walk(data, len, NULL, NULL);
}

static void refused(const struct made *m, const char *said)
{
	struct lk_err err = { 0 };

	assert_int_equal(walk(m->data, m->len, NULL, &err), LK_E_INPUT);
	if (!strstr(err.msg, said))
		fail_msg("\"%s\" isn't in: %s", said, err.msg);
}

static bool is(struct lk_bytes b, const char *text)
{
	return b.len == strlen(text) && !memcmp(b.data, text, b.len);
}

static void test_fields_of_each_template_are_found(void **s)
{
	static const struct {
		const char *template, *digest;
		size_t len;
		const char *more;
	} good[] = {
		{ "ima-ng", NG_DIGEST, NG_LEN, NULL },
		{ "ima-sig", NG_DIGEST, NG_LEN, "more" },
		{ "ima-sig", NG_DIGEST, NG_LEN, "" },
		{ "ima-buf", NG_DIGEST, NG_LEN, "more" },
		{ "ima-ngv2", "ima:" NG_DIGEST, NG_LEN + 4, NULL },
		{ "ima-sigv2", "verity:" NG_DIGEST, NG_LEN + 7, "more" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(good); i++) {
		struct lk_ima_entry e;
		struct made m;

		entry(&m, good[i].template, good[i].digest, good[i].len, good[i].more);
		assert_int_equal(walk(m.data, m.len, &e, NULL), LK_OK);
		assert_string_equal(e.template, good[i].template);
		assert_string_equal(e.alg, "sha256");
		assert_true(is(e.digest, "0123456789abcdef0123456789abcdef"));
		assert_true(is(e.name, "a name"));
		assert_int_equal(e.pcr, 10);
		assert_false(e.violation);
		if (good[i].more)
			assert_true(is(strstr(e.template, "buf") ? e.buffer : e.signature,
				       good[i].more));
	}
}

static void test_a_template_that_is_not_known_is_replayed_all_the_same(void **s)
{
	struct lk_ima_entry e;
	struct lk_digest digest, want;
	struct made m;

	(void)s;
	begin(&m, "d-ng|n-ng|x");
	field(&m, "anything", 8);
	assert_int_equal(walk(m.data, m.len, &e, NULL), LK_OK);
	assert_int_equal(e.name.len, 0);
	assert_true(
		lk_ima_entry_digest(&e, LK_ALG_SHA384, LK_IMA_OWN_HASH, lk_crypto_hash, &digest));
	assert_true(lk_crypto_hash(LK_ALG_SHA384,
				   &(struct lk_bytes){ (const uint8_t *)"anything", 8 }, 1, &want));
	assert_true(lk_digest_equal(&digest, &want));
	assert_false(
		lk_ima_entry_digest(&e, LK_ALG_SHA384, LK_IMA_OWN_HASH, failing_hash, &digest));
}

static void test_the_oldest_template_hashes_its_name_with_zeros_after_it(void **s)
{
	uint8_t all[20 + 256] = "01234567890123456789a file";
	struct lk_bytes part = { all, sizeof(all) };
	struct lk_ima_entry e;
	struct lk_digest digest, want;
	struct made m;

	(void)s;
	begin(&m, "ima");
	put(&m, all, 20);
	field(&m, "a file", 6);
	assert_int_equal(walk(m.data, m.len, &e, NULL), LK_OK);
	assert_string_equal(e.alg, "sha1");
	assert_true(is(e.name, "a file"));
	assert_true(
		lk_ima_entry_digest(&e, LK_ALG_SHA256, LK_IMA_OWN_HASH, lk_crypto_hash, &digest));
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &part, 1, &want));
	assert_true(lk_digest_equal(&digest, &want));
	/* As long as the kernel's can't be. */
	begin(&m, "ima");
	put(&m, all, 20);
	field(&m, all, 256);
	refused(&m, "longer than the kernel's are");
}

static void test_a_violation_is_extended_as_ones(void **s)
{
	static const uint8_t zeros[20] = { 0 };
	uint8_t want[48] = { 0 };
	struct lk_ima_entry e;
	struct lk_digest digest;
	struct made m;

	(void)s;
	entry(&m, "ima-ng", NG_DIGEST, NG_LEN, NULL);
	memcpy(m.data + 4, zeros, sizeof(zeros));
	assert_int_equal(walk(m.data, m.len, &e, NULL), LK_OK);
	assert_true(e.violation);
	assert_true(
		lk_ima_entry_digest(&e, LK_ALG_SHA384, LK_IMA_PADDED_SHA1, failing_hash, &digest));
	memset(want, 0xff, 20);
	assert_int_equal(digest.len, 48);
	assert_memory_equal(digest.data, want, 48);
	assert_true(lk_ima_entry_digest(&e, LK_ALG_SHA384, LK_IMA_OWN_HASH, failing_hash, &digest));
	memset(want, 0xff, 48);
	assert_memory_equal(digest.data, want, 48);
}

static void test_malformed_entries_are_refused_by_place(void **s)
{
	struct made m;

	(void)s;
	entry(&m, "ima-ng", NG_DIGEST, NG_LEN, "x");
	refused(&m, "entry 1 at offset 0: its fields");
	entry(&m, "ima-sig", NG_DIGEST, NG_LEN, NULL);
	refused(&m, "its fields");
	entry(&m, "ima-ng", NG_DIGEST, NG_LEN - 1, NULL);
	refused(&m, "a wrong size");
	entry(&m, "ima-ng", "sha256", 6, NULL);
	refused(&m, "without the name of its algorithm");
	entry(&m, "ima-ng", ":\0a", 3, NULL);
	refused(&m, "without the name of its algorithm");
	entry(&m, "ima-ngv2", NG_DIGEST, NG_LEN, NULL);
	refused(&m, "without the name of its algorithm");
	entry(&m, "ima-ng", "a:sha256:\0x", 11, NULL);
	refused(&m, "without the name of its algorithm");
	entry(&m, "ima-ng", "seventeen-letters:\0x", 20, NULL);
	refused(&m, "without the name of its algorithm");
	/* It is shown to people. */
	entry(&m, "ima-ng", "sha\x1b[1m:\0x", 10, NULL);
	refused(&m, "without the name of its algorithm");
	entry(&m, "ima-ng", "sha\xa7:\0x", 7, NULL);
	refused(&m, "without the name of its algorithm");
	entry(&m, "ima-ng", NG_DIGEST, NG_LEN, NULL);
	m.data[m.len - 1] = 'x';
	refused(&m, "a name that doesn't end");
	m.data[m.len - 1] = 0;
	m.data[m.len - 3] = 0;
	refused(&m, "a name that doesn't end");
	entry(&m, "ima-ng", NG_DIGEST, NG_LEN, NULL);
	m.data[0] = 24;
	refused(&m, "no such PCR");
	entry(&m, "", NG_DIGEST, NG_LEN, NULL);
	refused(&m, "a template's name");
}

static void test_the_ascii_form_is_recognized_and_refused(void **s)
{
	static const char *const lines[] = {
		"10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng",
		"9 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(lines); i++) {
		struct made m = { .len = 0 };

		put(&m, lines[i], strlen(lines[i]));
		refused(&m, "binary_runtime_measurements");
	}
}

static void test_a_log_cut_anywhere_but_between_entries_is_refused(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		LK_OWNED_BUF log = recorded_file(recorded[i], "ima");
		struct lk_ima_entry last;
		size_t parsed = 0;

		assert_int_equal(walk(log.data, log.len, &last, NULL), LK_OK);
		for (size_t n = 1; n <= log.len; n++) {
			uint8_t *cut = malloc(n);

			assert_non_null(cut);
			memcpy(cut, log.data, n);
			parsed += parse(cut, n) == LK_OK;
			free(cut);
		}
		assert_int_equal(parsed, last.number);
	}
}

/* Every four bytes that are a length: all that, set so, leave more than is
 * there. */
static void refuse_lengths(const struct lk_buf *log, const struct lk_ima_entry *e)
{
	size_t name = e->offset + 24;
	size_t data = (size_t)(e->data.data - log->data);
	bool oldest = !strcmp(e->template, "ima");
	const size_t at[] = { name, oldest ? data + 20 : data - 4, oldest ? name : data };

	for (size_t i = 0; i < N_OF(at); i++) {
		struct lk_err err = { 0 };
		char place[64];
		uint8_t *copy = malloc(log->len);

		assert_non_null(copy);
		memcpy(copy, log->data, log->len);
		overwrite_length(copy, at[i]);
		assert_int_equal(walk(copy, log->len, NULL, &err), LK_E_INPUT);
		(void)snprintf(place, sizeof(place), "entry %u at offset %zu:", e->number,
			       e->offset);
		if (!strstr(err.msg, place))
			fail_msg("\"%s\" isn't in: %s", place, err.msg);
		free(copy);
	}
}

static void test_each_length_of_2_to_the_32_less_1_is_refused_by_place(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		LK_OWNED_BUF log = recorded_file(recorded[i], "ima");
		struct lk_ima_log at;
		struct lk_ima_entry e;

		assert_int_equal(lk_ima_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_ima_log_next(&at, &e, NULL) == LK_OK)
			refuse_lengths(&log, &e);
	}
}

static void test_recorded_logs_have_what_they_were_recorded_for(void **s)
{
	static const struct {
		const char *machine, *template, *name;
		bool violation;
	} want[] = {
		{ "measuring-12", "ima-ng", "/tmp/busybox", false },
		{ "measuring-12", "ima-buf", "kernel_version", false },
		{ "measuring-13", "ima-sig", "/tmp/busybox", false },
		{ "violation-13", "ima-sig", "/tmp/a_name_with_spaces", false },
		{ "violation-13", "ima-sig", "/tmp/open", true },
		{ "oldest-12", "ima", "/tmp/busybox", false },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(want); i++) {
		LK_OWNED_BUF log = recorded_file(want[i].machine, "ima");
		struct lk_ima_log at;
		struct lk_ima_entry e;
		bool found = false;

		assert_int_equal(lk_ima_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_ima_log_next(&at, &e, NULL) == LK_OK)
			found |= !strcmp(e.template, want[i].template) &&
				 is(e.name, want[i].name) && e.violation == want[i].violation;
		if (!found)
			fail_msg("%s: no %s %s", want[i].machine, want[i].template, want[i].name);
	}
}

/* What came after the values were read doesn't contradict them. */
static void test_a_log_that_has_grown_since_is_told_from_a_wrong_one(void **s)
{
	LK_OWNED_BUF firmware = recorded_file("measuring-13", "firmware");
	LK_OWNED_BUF ima = recorded_file("measuring-13", "ima");
	struct lk_pcr_values values = recorded_values("measuring-13", LK_ALG_SHA384);
	struct lk_logs logs = { { firmware.data, firmware.len }, { ima.data, ima.len } };
	uint8_t *longer = malloc(ima.len + 100);
	struct lk_explanation e;
	struct made m;

	(void)s;
	assert_non_null(longer);
	entry(&m, "ima-ng", NG_DIGEST, NG_LEN, NULL);
	memcpy(longer, ima.data, ima.len);
	memcpy(longer + ima.len, m.data, m.len);
	logs.ima = (struct lk_bytes){ longer, ima.len + m.len };
	assert_int_equal(lk_log_explain(&logs, &values, lk_crypto_hash, &e, NULL), LK_OK);
	assert_int_equal(e.what[10], LK_EXPLAINED_BY_BEGINNING);
	assert_int_equal(e.beginning, e.n_entries - 1);
	/* The first entry's template data: boot_aggregate itself. */
	longer[60] ^= 1;
	assert_int_equal(lk_log_explain(&logs, &values, lk_crypto_hash, &e, NULL), LK_OK);
	assert_int_equal(e.what[10], LK_UNEXPLAINED);
	assert_int_equal(lk_explanation_contradicted(&e), 1u << 10);
	free(longer);
}

static void test_systemds_phases_are_recognized(void **s)
{
	LK_OWNED_BUF firmware = recorded_file("uki-13", "firmware");
	struct lk_pcr_values values = recorded_values("uki-13", LK_ALG_SHA256);
	const struct lk_logs logs = { { firmware.data, firmware.len }, { NULL, 0 } };
	struct lk_pcr_replay r = { .values = values };
	struct lk_explanation e;

	(void)s;
	for (unsigned int i = 0; i < 2; i++) {
		struct lk_bytes word = { (const uint8_t *)lk_boot_phase(i),
					 strlen(lk_boot_phase(i)) };
		struct lk_digest digest;

		assert_true(lk_crypto_hash(LK_ALG_SHA256, &word, 1, &digest));
		assert_true(lk_pcr_replay_extend(&r, 11,
						 (struct lk_bytes){ digest.data, digest.len },
						 lk_crypto_hash));
	}
	assert_int_equal(lk_log_explain(&logs, &r.values, lk_crypto_hash, &e, NULL), LK_OK);
	assert_int_equal(e.what[11], LK_EXPLAINED_WITH_PHASES);
	assert_int_equal(e.phases, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_of_each_template_are_found),
		cmocka_unit_test(test_a_template_that_is_not_known_is_replayed_all_the_same),
		cmocka_unit_test(test_the_oldest_template_hashes_its_name_with_zeros_after_it),
		cmocka_unit_test(test_a_violation_is_extended_as_ones),
		cmocka_unit_test(test_malformed_entries_are_refused_by_place),
		cmocka_unit_test(test_the_ascii_form_is_recognized_and_refused),
		cmocka_unit_test(test_a_log_cut_anywhere_but_between_entries_is_refused),
		cmocka_unit_test(test_each_length_of_2_to_the_32_less_1_is_refused_by_place),
		cmocka_unit_test(test_recorded_logs_have_what_they_were_recorded_for),
		cmocka_unit_test(test_a_log_that_has_grown_since_is_told_from_a_wrong_one),
		cmocka_unit_test(test_systemds_phases_are_recognized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
