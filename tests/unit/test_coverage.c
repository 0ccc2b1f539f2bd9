/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of whether a deployed policy covers a boot; tests/provision has all of will-it-boot. */
#include "event_logs.h"

#include "core/predict/coverage.h"

struct world {
	struct lk_buf firmware, ima;
	struct lk_pcr_values now[LK_PLAN_BANKS];
	struct lk_log_plan plan;
	struct lk_signed_policy policies[3];
	struct lk_deployed deployed[3];
	struct lk_coverage_input in;
	struct lk_coverage c;
	struct lk_err err;
};

static void begin(struct world *w, const char *machine)
{
	memset(w, 0, sizeof(*w));
	w->firmware = recorded_file(machine, "firmware");
	w->ima = recorded_file(machine, "ima");
	w->in = (struct lk_coverage_input){
		.predict = { .logs = { { w->firmware.data, w->firmware.len },
				       { w->ima.data, w->ima.len } },
			     .plan = &w->plan,
			     .hash = lk_crypto_hash,
			     .sha1 = lk_crypto_sha1 },
		.pcrs = { LK_ALG_SHA256, 1u << 0 | 1u << 7 | 1u << 10 },
		.deployed = w->deployed,
	};
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		w->now[i] = recorded_values(machine, i ? LK_ALG_SHA384 : LK_ALG_SHA256);
		w->in.predict.values[i] = &w->now[i];
	}
	lk_log_plan_init(&w->plan, w->in.predict.logs.firmware, lk_crypto_hash);
}

static void end(struct world *w)
{
	lk_buf_done(&w->firmware);
	lk_buf_done(&w->ima);
}

/* One with the values of now. */
static struct lk_signed_policy *deploy(struct world *w)
{
	struct lk_signed_policy *sp = &w->policies[w->in.n];

	sp->pcrs = w->now[0];
	sp->pcrs.sel = w->in.pcrs;
	sp->version = 1;
	sp->digest = (struct lk_digest){ .len = 32, .data = { (uint8_t)(w->in.n + 1) } };
	w->deployed[w->in.n++].policy = sp;
	return sp;
}

static void answers(struct world *w, enum lk_answer answer)
{
	assert_int_equal(lk_coverage_find(&w->in, &w->c, &w->err), LK_OK);
	assert_int_equal(w->c.answer, answer);
}

/* The values after the plan, with as many entries of IMA's log. */
static void take_then(struct world *w, unsigned int entries, struct lk_pcr_values *ret)
{
	struct lk_prediction_input in = w->in.predict;
	struct lk_pcr_values then[LK_PLAN_BANKS];

	in.ima_unchanged = true;
	in.ima_entries = entries;
	assert_int_equal(lk_log_predict(&in, then, &w->err), LK_OK);
	*ret = then[0];
	ret->sel = w->in.pcrs;
}

static void change(struct world *w)
{
	static const uint8_t text[] = "quiet another";

	assert_int_equal(lk_log_plan_cmdline(&w->plan, (struct lk_bytes){ text, sizeof(text) - 1 },
					     &w->err),
			 LK_OK);
}

static void test_an_unchanged_boot(void **s)
{
	struct world w;

	(void)s;
	begin(&w, "kernel-13");
	answers(&w, LK_ANSWER_NO);
	assert_null(w.c.policy);
	deploy(&w);
	answers(&w, LK_ANSWER_YES);
	assert_ptr_equal(w.c.policy, &w.deployed[0]);
	assert_int_equal(w.c.changed, 0);
	w.deployed[0].under_floor = true;
	answers(&w, LK_ANSWER_NO);
	assert_int_equal(w.c.differing, 0);
	end(&w);
}

static void test_the_policy_that_opened_it_has_to_be_of_these_logs(void **s)
{
	struct lk_digest booted = { .len = 32, .data = { 1 } };
	struct world w;

	(void)s;
	begin(&w, "kernel-13");
	deploy(&w);
	w.in.booted = &booted;
	answers(&w, LK_ANSWER_YES);
	w.deployed[0].under_floor = true;
	answers(&w, LK_ANSWER_NO);
	w.deployed[0].under_floor = false;
	w.policies[0].pcrs.value[10][0] ^= 1;
	answers(&w, LK_ANSWER_NO);
	end(&w);
}

static void test_a_change_is_followed_into_pcr_10(void **s)
{
	struct world w;

	(void)s;
	begin(&w, "kernel-13");
	deploy(&w);
	change(&w);
	answers(&w, LK_ANSWER_NO);
	assert_int_equal(w.c.differing, 1u << 10);
	assert_int_equal(w.c.changed, 1u << 9 | 1u << 10);
	assert_true(w.c.follows);
	take_then(&w, 0, &deploy(&w)->pcrs);
	answers(&w, LK_ANSWER_YES);
	assert_ptr_equal(w.c.policy, &w.deployed[1]);
	end(&w);
}

static void test_the_unlock_tells_how_much_ima_had_measured(void **s)
{
	struct lk_digest booted = { .len = 32, .data = { 1 } };
	struct world w;

	(void)s;
	begin(&w, "measuring-13");
	take_then(&w, 3, &deploy(&w)->pcrs);
	w.in.booted = &booted;
	answers(&w, LK_ANSWER_YES);
	/* Changed by a firmware that is another: nothing of IMA's is refused. */
	w.in.predict.new_firmware = (struct lk_bytes){ w.firmware.data, w.firmware.len };
	answers(&w, LK_ANSWER_YES);
	assert_true(w.c.at_known_moment);
	assert_int_equal(w.c.entries, 3);
	assert_int_equal(w.c.then.sel.mask & 1u << 10, 1u << 10);
	/* At any other moment it covers nothing. */
	w.in.booted = NULL;
	answers(&w, LK_ANSWER_YES);
	w.in.booted = &booted;
	take_then(&w, 4, &deploy(&w)->pcrs);
	w.policies[0].pcrs.value[0][0] ^= 1;
	w.policies[1].digest.data[0] = 9;
	w.in.deployed = &w.deployed[1];
	w.in.n = 1;
	answers(&w, LK_ANSWER_YES);
	assert_false(w.c.at_known_moment);
	end(&w);
}

static void test_what_ima_measures_of_new_files_is_not_known(void **s)
{
	struct world w;

	(void)s;
	begin(&w, "violation-13");
	take_then(&w, 3, &deploy(&w)->pcrs);
	change(&w);
	/* A policy of this boot's boot_aggregate can be none for another. */
	answers(&w, LK_ANSWER_NO);
	assert_true(w.c.follows);
	take_then(&w, 3, &deploy(&w)->pcrs);
	answers(&w, LK_ANSWER_UNKNOWN);
	assert_int_equal(w.c.why.rc, LK_E_REFUSED);
	assert_non_null(strstr(w.c.why.msg, "--ima-unchanged"));
	w.in.predict.ima_unchanged = true;
	answers(&w, LK_ANSWER_YES);
	/* Without PCR 10 it doesn't matter. */
	w.in.predict.ima_unchanged = false;
	w.in.pcrs.mask = 1u << 0 | 1u << 9;
	w.policies[0].pcrs = w.policies[1].pcrs = w.now[0];
	answers(&w, LK_ANSWER_NO);
	assert_int_equal(w.c.differing, 1u << 9);
	end(&w);
}

static void test_a_pcr_without_a_value(void **s)
{
	struct world w;

	(void)s;
	begin(&w, "kernel-13");
	deploy(&w);
	w.now[0].sel.mask &= ~(1u << 7);
	answers(&w, LK_ANSWER_UNKNOWN);
	assert_non_null(strstr(w.c.why.msg, "PCR 7"));
	w.now[0].sel.mask = 0;
	assert_int_not_equal(lk_coverage_find(&w.in, &w.c, &w.err) == LK_OK &&
				     w.c.answer == LK_ANSWER_YES,
			     true);
	end(&w);
}

static void test_a_log_that_does_not_explain_the_values(void **s)
{
	struct world w;

	(void)s;
	begin(&w, "kernel-13");
	deploy(&w);
	w.now[0].value[4][0] ^= 1;
	assert_int_equal(lk_coverage_find(&w.in, &w.c, &w.err), LK_E_POLICY);
	end(&w);
}

static void test_answers_together(void **s)
{
	(void)s;
	for (int a = LK_ANSWER_YES; a <= LK_ANSWER_UNKNOWN; a++)
		for (int b = LK_ANSWER_YES; b <= LK_ANSWER_UNKNOWN; b++) {
			enum lk_answer both = lk_answer_both((enum lk_answer)a, (enum lk_answer)b);

			assert_int_equal(both == LK_ANSWER_YES,
					 a == LK_ANSWER_YES && b == LK_ANSWER_YES);
			assert_int_equal(both == LK_ANSWER_NO,
					 a == LK_ANSWER_NO || b == LK_ANSWER_NO);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_unchanged_boot),
		cmocka_unit_test(test_the_policy_that_opened_it_has_to_be_of_these_logs),
		cmocka_unit_test(test_a_change_is_followed_into_pcr_10),
		cmocka_unit_test(test_the_unlock_tells_how_much_ima_had_measured),
		cmocka_unit_test(test_what_ima_measures_of_new_files_is_not_known),
		cmocka_unit_test(test_a_pcr_without_a_value),
		cmocka_unit_test(test_a_log_that_does_not_explain_the_values),
		cmocka_unit_test(test_answers_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
