/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of EFI variables that were written since the boot; tests/provision holds the predicted values against another implementation. */
#include "event_logs.h"

#include "core/predict/log_plan_text.h"
#include "core/predict/log_plan_variables.h"

/* The variables of a recorded log, and one that was written since. */
struct store {
	struct lk_buf log;
	const char *name; /* NULL: none was */
	struct lk_bytes data;
	bool gone;
	int rc;
	struct lk_log_plan plan;
	struct lk_err err;
};

static int read_store(void *data, struct lk_bytes guid, struct lk_bytes name,
		      struct lk_variable_now *ret, struct lk_err *err)
{
	struct store *s = data;
	struct lk_event_log log;
	struct lk_event event;
	struct lk_efi_variable var;

	assert_int_equal(guid.len, LK_GUID_SIZE);
	if (s->rc != LK_OK)
		return lk_err_set(err, LK_E_IO, 0, "can't read it");
	if (s->name && lk_utf16_equals(name, s->name)) {
		*ret = (struct lk_variable_now){ !s->gone, s->data };
		return LK_OK;
	}
	assert_int_equal(lk_event_log_open(s->log.data, s->log.len, &log, NULL), LK_OK);
	while (lk_event_log_next(&log, &event, NULL) == LK_OK)
		if ((event.type == LK_EV_EFI_VARIABLE_DRIVER_CONFIG ||
		     event.type == LK_EV_EFI_VARIABLE_BOOT) &&
		    lk_efi_variable_read(event.data, &var) && lk_bytes_same(var.name, name))
			*ret = (struct lk_variable_now){ true, var.data };
	return LK_OK;
}

static int plan(struct store *s)
{
	const struct lk_variables vars = { read_store, s };

	lk_log_plan_init(&s->plan, (struct lk_bytes){ s->log.data, s->log.len }, lk_crypto_hash);
	return lk_log_plan_variables(&s->plan, &vars, &s->err);
}

static void says(const struct store *s, size_t change, const char *words)
{
	struct lk_plan_words said;

	assert_true(lk_plan_change_text(&s->plan, change, LK_ALG_SHA256, &said));
	if (!strstr(said.text.text, words))
		fail_msg("%s", said.text.text);
}

static void test_variables_as_they_were_change_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct store s = { .log = recorded_file(recorded[i], "firmware") };

		assert_int_equal(plan(&s), LK_OK);
		assert_int_equal(s.plan.n, 0);
		assert_non_null(s.plan.db_now.data);
		lk_buf_done(&s.log);
	}
}

static void test_one_that_was_written(void **state)
{
	static const struct {
		const char *name, *words;
		struct lk_bytes data;
		uint32_t pcr;
		bool gone;
	} table[] = {
		{ "KEK", "KEK is another", { (const uint8_t *)"x", 1 }, 7, false },
		{ "KEK", "KEK", { NULL, 0 }, 7, true },
		{ "Boot0002", "Boot0002", { (const uint8_t *)"x", 1 }, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct store s = { .log = recorded_file("uki-12", "firmware"),
				   .name = table[i].name,
				   .data = table[i].data,
				   .gone = table[i].gone };

		assert_int_equal(plan(&s), LK_OK);
		assert_int_equal(s.plan.n, 1);
		assert_int_equal(s.plan.changes[0].pcr, table[i].pcr);
		says(&s, 0, table[i].words);
		lk_buf_done(&s.log);
	}
}

static void test_an_order_that_is_another(void **state)
{
	/* 0001 0000 0002 before. */
	static const uint8_t swapped[] = { 1, 0, 2, 0, 0, 0 };
	static const uint8_t shorter[] = { 1, 0 };
	static const uint8_t twice[] = { 1, 0, 0, 0, 2, 0, 1, 0 };
	static const struct {
		struct lk_bytes order;
		size_t n, removed, added;
	} table[] = {
		{ { swapped, 6 }, 3, 0, 0 },
		{ { shorter, 2 }, 3, 2, 0 },
		{ { twice, 8 }, 2, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct store s = { .log = recorded_file("uki-12", "firmware"),
				   .name = "BootOrder",
				   .data = table[i].order };
		size_t removed = 0, added = 0;

		assert_int_equal(plan(&s), LK_OK);
		assert_int_equal(s.plan.n, table[i].n);
		for (size_t k = 0; k < s.plan.n; k++) {
			removed += s.plan.changes[k].removed;
			added += s.plan.changes[k].after != 0;
			assert_int_equal(s.plan.changes[k].pcr, 1);
		}
		assert_int_equal(removed, table[i].removed);
		assert_int_equal(added, table[i].added);
		says(&s, 0, "boot order");
		lk_buf_done(&s.log);
	}
}

static void test_what_cannot_be_told_is_refused(void **state)
{
	static const uint8_t unknown[] = { 1, 0, 9, 0 };
	static const uint8_t odd[] = { 1, 0, 0 };
	static const struct {
		const char *name, *said;
		struct lk_bytes data;
		bool gone;
	} table[] = {
		{ "PK", "platform key", { NULL, 0 }, true },
		{ "SecureBoot", "state", { (const uint8_t *)"\0", 1 }, false },
		{ "SecureBoot", "state", { NULL, 0 }, true },
		{ "dbx", "signature lists", { (const uint8_t *)"x", 1 }, false },
		{ "db", "signature lists", { (const uint8_t *)"x", 1 }, false },
		{ "db", "isn't in db any more", { NULL, 0 }, true },
		{ "BootOrder", "isn't there", { unknown, 4 }, false },
		{ "BootOrder", "isn't known", { odd, 3 }, false },
		{ "BootOrder", "isn't known", { odd, 0 }, false },
		{ "BootOrder", "gone", { NULL, 0 }, true },
		{ "Boot0000", "gone", { NULL, 0 }, true },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct store s = { .log = recorded_file("uki-12", "firmware"),
				   .name = table[i].name,
				   .data = table[i].data,
				   .gone = table[i].gone };

		assert_int_equal(plan(&s), LK_E_REFUSED);
		if (!strstr(s.err.msg, table[i].said))
			fail_msg("%s: %s", table[i].name, s.err.msg);
		lk_buf_done(&s.log);
	}
}

static void test_one_that_cannot_be_read(void **state)
{
	struct store s = { .log = recorded_file("uki-12", "firmware"), .rc = LK_E_IO };

	(void)state;
	assert_int_equal(plan(&s), LK_E_IO);
	lk_buf_done(&s.log);
}

static void test_a_log_that_is_cut(void **state)
{
	struct store s = { .log = recorded_file("uki-12", "firmware") };

	(void)state;
	for (s.log.len--; s.log.len % 64; s.log.len--)
		assert_int_not_equal(plan(&s), LK_OK);
	lk_buf_done(&s.log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables_as_they_were_change_nothing),
		cmocka_unit_test(test_one_that_was_written),
		cmocka_unit_test(test_an_order_that_is_another),
		cmocka_unit_test(test_what_cannot_be_told_is_refused),
		cmocka_unit_test(test_one_that_cannot_be_read),
		cmocka_unit_test(test_a_log_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
