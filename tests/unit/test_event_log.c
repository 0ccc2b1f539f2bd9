/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the firmware's event log: reading it, and replaying it. */
#include "event_logs.h"

#define SHA256 0x000b
#define OTHER  0x1234 /* known to the log alone, 7 bytes */

/* A log of SHA-256 and of an algorithm that nobody knows. */
static void begin(struct made *m)
{
	m->len = 0;
	put_number(m, 0, 4);
	put_number(m, LK_EV_NO_ACTION, 4);
	put_number(m, 0, 8);
	put_number(m, 0, 8);
	put_number(m, 0, 4);
	put_number(m, 37, 4);
	put(m, "Spec ID Event03", 16);
	put_number(m, 0, 8);
	put_number(m, 2, 4);
	put_number(m, SHA256, 2);
	put_number(m, 32, 2);
	put_number(m, OTHER, 2);
	put_number(m, 7, 2);
	put_number(m, 0, 1);
}

static void event(struct made *m, uint32_t pcr, uint32_t type, const char *data, size_t len)
{
	const uint8_t digest[32] = { 0x5a };

	put_number(m, pcr, 4);
	put_number(m, type, 4);
	put_number(m, 2, 4);
	put_number(m, OTHER, 2);
	put(m, "1234567", 7);
	put_number(m, SHA256, 2);
	put(m, digest, sizeof(digest));
	put_number(m, len, 4);
	put(m, data, len);
}

/* To its end; the message in @err. */
static int walk(const uint8_t *data, size_t len, struct lk_err *err)
{
	struct lk_event_log log;
	struct lk_event e;
	int rc;

	poison(&log, sizeof(log));
	rc = lk_event_log_open(data, len, &log, err);
	if (rc != LK_OK)
		assert_true(is_poisoned(&log, sizeof(log)));
	while (rc == LK_OK) {
		poison(&e, sizeof(e));
		rc = lk_event_log_next(&log, &e, err);
		assert_true(rc == LK_OK || is_poisoned(&e, sizeof(e)));
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

static int walk_made(const struct made *m, struct lk_err *err)
{
	uint8_t *exact = malloc(m->len);
	int rc;

	assert_non_null(exact);
	memcpy(exact, m->data, m->len);
	rc = walk(exact, m->len, err);
	free(exact);
	return rc;
}

static void refused(const struct made *m, const char *said)
{
	struct lk_err err = { 0 };

	assert_int_equal(walk_made(m, &err), LK_E_INPUT);
	if (!strstr(err.msg, said))
		fail_msg("\"%s\" isn't in: %s", said, err.msg);
}

static void explain(const char *machine, enum lk_alg bank, struct lk_explanation *ret)
{
	LK_OWNED_BUF firmware = recorded_file(machine, "firmware");
	LK_OWNED_BUF ima = recorded_file(machine, "ima");
	const struct lk_logs logs = { { firmware.data, firmware.len }, { ima.data, ima.len } };
	struct lk_pcr_values values = recorded_values(machine, bank);
	struct lk_err err = { 0 };

	if (lk_log_explain(&logs, &values, lk_crypto_hash, ret, &err) != LK_OK)
		fail_msg("%s: %s", machine, err.msg);
}

static void test_recorded_logs_explain_every_pcr_that_they_extend(void **s)
{
	(void)s;
	for (size_t i = 0; i < 2 * N_RECORDED; i++) {
		const char *machine = recorded[i / 2];
		struct lk_explanation e;

		explain(machine, i % 2 ? LK_ALG_SHA384 : LK_ALG_SHA256, &e);
		for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++)
			if (e.what[pcr] != LK_EXPLAINED && e.what[pcr] != LK_EXPLAINED_UNTOUCHED)
				fail_msg("%s: PCR %u", machine, pcr);
		assert_int_equal(e.pcrs.extended & 0x6ff, 0x6ff);
		assert_int_equal(e.ima_pcrs, 1u << 10);
		assert_int_equal(lk_explanation_contradicted(&e), 0);
	}
}

static void test_boot_aggregate_follows_from_the_firmware_log(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		bool sha1 = !strcmp(recorded[i], "oldest-12");
		struct lk_explanation e;

		explain(recorded[i], LK_ALG_SHA256, &e);
		assert_int_equal(e.aggregate, sha1 ? LK_AGGREGATE_OTHER_BANK : LK_AGGREGATE_RIGHT);
		explain(recorded[i], LK_ALG_SHA384, &e);
		assert_int_equal(e.aggregate, LK_AGGREGATE_OTHER_BANK);
	}
}

/* Debian 12's kernel has no SHA-384 when IMA begins, Debian 13's has. */
static void test_how_the_kernel_extends_is_found_out(void **s)
{
	struct lk_explanation e;

	(void)s;
	explain("uki-12", LK_ALG_SHA256, &e);
	assert_int_equal(e.how, LK_IMA_OWN_HASH);
	explain("uki-12", LK_ALG_SHA384, &e);
	assert_int_equal(e.how, LK_IMA_PADDED_SHA1);
	explain("uki-13", LK_ALG_SHA384, &e);
	assert_int_equal(e.how, LK_IMA_OWN_HASH);
}

static void test_a_changed_event_contradicts_its_pcr_alone(void **s)
{
	LK_OWNED_BUF firmware = recorded_file("uki-13", "firmware");
	struct lk_pcr_values values = recorded_values("uki-13", LK_ALG_SHA256);
	const struct lk_logs logs = { { firmware.data, firmware.len }, { NULL, 0 } };
	struct lk_explanation e;
	struct lk_event_log log;
	struct lk_event at = { 0 };

	(void)s;
	assert_int_equal(lk_event_log_open(firmware.data, firmware.len, &log, NULL), LK_OK);
	while (at.pcr != 4)
		assert_int_equal(lk_event_log_next(&log, &at, NULL), LK_OK);
	firmware.data[at.sha256.data - firmware.data] ^= 1;
	assert_int_equal(lk_log_explain(&logs, &values, lk_crypto_hash, &e, NULL), LK_OK);
	assert_int_equal(lk_explanation_contradicted(&e), 1u << 4);
	assert_int_equal(e.what[10], LK_UNEXPLAINED_NO_EVENT);
	assert_int_equal(e.what[15], LK_EXPLAINED_UNTOUCHED);
}

/* Whether a cut at @n leaves nothing but zeros of the event that begins at @last. */
static bool leaves_zeros(const struct lk_buf *log, size_t last, size_t n)
{
	for (size_t i = last; i < n; i++)
		if (log->data[i])
			return false;
	return n > last;
}

/* As many as there are events, and no other: where one ends, a log may end, and
 * the zeros that the next begins with look like padding. */
static void test_a_log_cut_anywhere_but_between_events_is_refused(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		LK_OWNED_BUF log = recorded_file(recorded[i], "firmware");
		struct lk_event_log at;
		struct lk_event e;
		size_t whole = 0;
		size_t parsed = 0;

		assert_int_equal(lk_event_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_event_log_next(&at, &e, NULL) == LK_OK) {
			whole++;
			for (size_t n = e.offset + 1; n < e.offset + 16 && e.offset; n++)
				whole += leaves_zeros(&log, e.offset, n);
		}
		for (size_t n = 0; n <= log.len; n++) {
			uint8_t *cut = malloc(n ? n : 1);

			assert_non_null(cut);
			memcpy(cut, log.data, n);
			parsed += walk(cut, n, NULL) == LK_OK;
			free(cut);
		}
		assert_int_equal(parsed, whole);
		assert_true(whole > 20);
	}
}

static void refuse_lengths(const struct lk_buf *log, const struct lk_event *e)
{
	/* Size of the data; number of digests, or of algorithms. */
	const size_t at[] = { (size_t)(e->data.data - log->data) - 4,
			      e->number == 1 ? 32 + 24 : e->offset + 8 };

	for (size_t i = 0; i < N_OF(at); i++) {
		struct lk_err err = { 0 };
		char place[64];
		uint8_t *copy = malloc(log->len);

		assert_non_null(copy);
		memcpy(copy, log->data, log->len);
		overwrite_length(copy, at[i]);
		assert_int_equal(walk(copy, log->len, &err), LK_E_INPUT);
		(void)snprintf(place, sizeof(place), "event %u at offset %zu:", e->number,
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
		LK_OWNED_BUF log = recorded_file(recorded[i], "firmware");
		struct lk_event_log at;
		struct lk_event e;

		assert_int_equal(lk_event_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_event_log_next(&at, &e, NULL) == LK_OK)
			refuse_lengths(&log, &e);
	}
}

static void test_algorithms_that_the_table_alone_knows_are_passed_over(void **s)
{
	struct lk_event_log log;
	struct lk_event e;
	struct made m;

	(void)s;
	begin(&m);
	event(&m, 4, LK_EV_SEPARATOR, "abc", 3);
	assert_int_equal(walk_made(&m, NULL), LK_OK);
	assert_int_equal(lk_event_log_open(m.data, m.len, &log, NULL), LK_OK);
	assert_true(lk_event_log_has_bank(&log, LK_ALG_SHA256));
	assert_false(lk_event_log_has_bank(&log, LK_ALG_SHA384));
	assert_int_equal(lk_event_log_next(&log, &e, NULL), LK_OK);
	assert_int_equal(lk_event_log_next(&log, &e, NULL), LK_OK);
	assert_int_equal(e.sha256.len, 32);
	assert_int_equal(e.sha256.data[0], 0x5a);
	assert_int_equal(e.sha384.len, 0);
	assert_int_equal(e.data.len, 3);
	assert_int_equal(lk_event_log_next(&log, &e, NULL), LK_LOG_END);
}

static void test_a_digest_of_no_known_algorithm_is_refused_by_name(void **s)
{
	struct made m;

	(void)s;
	begin(&m);
	event(&m, 4, LK_EV_SEPARATOR, "", 0);
	m.data[69 + 12] = 0x35;
	refused(&m,
		"event 2 at offset 69: a digest of algorithm 0x1235, which the Spec ID event doesn't name");
	begin(&m);
	event(&m, 4, LK_EV_SEPARATOR, "", 0);
	m.data[69 + 12 + 9] = 0x34;
	m.data[69 + 12 + 10] = 0x12;
	refused(&m, "algorithm 0x1234, which is there twice");
}

static void test_a_spec_id_event_that_cannot_be_is_refused(void **s)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *said;
	} bad[] = {
		{ 56, 0, "no hash algorithm" },
		{ 56, 17, "more than 16" },
		{ 56, 3, "ends in its table" },
		{ 56, 1, "isn't as long as it says" },
		{ 62, 31, "a wrong size" },
		{ 66, 0, "a wrong size" },
		{ 68, 1, "isn't as long as it says" },
		{ 28, 23, "too short" },
		{ 46, '2', "in the old format" },
		{ 4, LK_EV_SEPARATOR, "in the old format" },
		{ 0, 24, "Spec ID" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct made m;

		begin(&m);
		m.data[bad[i].at] = bad[i].value;
		if (bad[i].at == 0) {
			/* The index of the Spec ID event itself means nothing. */
			assert_int_equal(walk_made(&m, NULL), LK_OK);
			continue;
		}
		refused(&m, bad[i].said);
	}
}

static void test_no_event_log_at_all_is_said_to_be_none(void **s)
{
	struct made m = { .len = 0 };

	(void)s;
	refused(&m, "no event log");
	put(&m, "#!/bin/sh\necho this is a script, and no log\n", 43);
	refused(&m, "no event log");
}

static void test_only_what_is_not_measured_may_name_another_pcr(void **s)
{
	struct made m;

	(void)s;
	begin(&m);
	event(&m, 0xffffffff, LK_EV_NO_ACTION, "", 0);
	assert_int_equal(walk_made(&m, NULL), LK_OK);
	event(&m, 24, LK_EV_SEPARATOR, "", 0);
	refused(&m, "event 3 at offset 128: there is no such PCR");
}

static int replay(const struct made *m, enum lk_alg bank, lk_hash_fn hash, struct lk_pcr_replay *r)
{
	lk_pcr_replay_init(r, bank);
	return lk_event_log_replay((struct lk_bytes){ m->data, m->len }, r, hash, NULL);
}

static void test_startup_locality_is_what_pcr_0_begins_with(void **s)
{
	static const uint8_t extended[64] = { [31] = 3, [32] = 0x5a };
	struct lk_bytes part = { extended, sizeof(extended) };
	struct lk_pcr_replay r;
	struct lk_digest want;
	struct made m;

	(void)s;
	begin(&m);
	event(&m, 0, LK_EV_NO_ACTION, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&m, LK_ALG_SHA256, lk_crypto_hash, &r), LK_OK);
	assert_int_equal(r.values.value[0][31], 3);
	assert_int_equal(r.extended, 0);
	event(&m, 0, LK_EV_SEPARATOR, "", 0);
	assert_int_equal(replay(&m, LK_ALG_SHA256, lk_crypto_hash, &r), LK_OK);
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &part, 1, &want));
	assert_memory_equal(r.values.value[0], want.data, 32);
	assert_int_equal(r.extended, 1);
	/* Too late, and so again. */
	event(&m, 0, LK_EV_NO_ACTION, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&m, LK_ALG_SHA256, lk_crypto_hash, &r), LK_E_INPUT);
	begin(&m);
	event(&m, 0, LK_EV_NO_ACTION, "StartupLocality\0\5", 17);
	assert_int_equal(replay(&m, LK_ALG_SHA256, lk_crypto_hash, &r), LK_E_INPUT);
}

static void test_replay_needs_the_banks_digest_and_a_hash(void **s)
{
	struct lk_pcr_replay r;
	struct made m;

	(void)s;
	begin(&m);
	event(&m, 17, LK_EV_SEPARATOR, "", 0);
	assert_int_equal(replay(&m, LK_ALG_SHA256, lk_crypto_hash, &r), LK_OK);
	assert_int_equal(r.values.value[18][0], 0xff);
	assert_int_equal(r.values.value[23][0], 0);
	assert_int_equal(replay(&m, LK_ALG_SHA384, lk_crypto_hash, &r), LK_E_INPUT);
	assert_int_equal(replay(&m, LK_ALG_SHA256, failing_hash, &r), LK_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_logs_explain_every_pcr_that_they_extend),
		cmocka_unit_test(test_boot_aggregate_follows_from_the_firmware_log),
		cmocka_unit_test(test_how_the_kernel_extends_is_found_out),
		cmocka_unit_test(test_a_changed_event_contradicts_its_pcr_alone),
		cmocka_unit_test(test_a_log_cut_anywhere_but_between_events_is_refused),
		cmocka_unit_test(test_each_length_of_2_to_the_32_less_1_is_refused_by_place),
		cmocka_unit_test(test_algorithms_that_the_table_alone_knows_are_passed_over),
		cmocka_unit_test(test_a_digest_of_no_known_algorithm_is_refused_by_name),
		cmocka_unit_test(test_a_spec_id_event_that_cannot_be_is_refused),
		cmocka_unit_test(test_no_event_log_at_all_is_said_to_be_none),
		cmocka_unit_test(test_only_what_is_not_measured_may_name_another_pcr),
		cmocka_unit_test(test_startup_locality_is_what_pcr_0_begins_with),
		cmocka_unit_test(test_replay_needs_the_banks_digest_and_a_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
