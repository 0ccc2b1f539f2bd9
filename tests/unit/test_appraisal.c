/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the appraisal, over logs of booted machines. */
#include "event_logs.h"

#include "core/attest/appraisal.h"
#include "core/attest/measured.h"
#include "core/luks/latch_event.h"

#define BANK	 LK_ALG_SHA256
#define QUOTED	 0xffffu
#define LATCH	 15u
#define NONCE_MS 1000u

/** A machine's boot, and all that a verifier has of it. */
struct boot {
	struct lk_buf firmware, ima;
	char measured[4096];
	size_t measured_len;
	struct lk_pcr_values values;
	struct lk_signed_policy policy;
	struct lk_reference reference;
	struct lk_attest quote;
	struct lk_attest_state before;
	struct lk_appraisal_input in;
	struct lk_appraisal out;
};

/* What the latch measures, as latchkey-unseal logs it. */
static void measure(struct boot *b, const char *text)
{
	struct lk_latch_event event = { .pcr = LATCH, .n = 1, .bank[0].alg = BANK };
	struct lk_bytes bytes = { (const uint8_t *)text, strlen(text) };
	struct lk_digest *digest = &event.bank[0].digest;
	struct lk_pcr_replay r = { .values = b->values };

	strcpy(event.text, text);
	assert_true(lk_crypto_hash(BANK, &bytes, 1, digest));
	b->measured_len += lk_latch_event_json(&event, "0123456789abcdef0123456789abcdef", 5,
					       b->measured + b->measured_len,
					       sizeof(b->measured) - b->measured_len);
	assert_true(lk_pcr_replay_extend(&r, LATCH, (struct lk_bytes){ digest->data, 32 },
					 lk_crypto_hash));
	b->values = r.values;
}

/* The value of the kernel's PCR after the first @n entries of its log; the bytes of these. */
static size_t prefix(const struct boot *b, unsigned int n, uint8_t ret[static LK_DIGEST_MAX])
{
	struct lk_pcr_replay r;
	struct lk_ima_log at;
	struct lk_ima_entry entry;
	struct lk_digest digest;

	lk_pcr_replay_init(&r, BANK);
	assert_int_equal(lk_ima_log_open(b->ima.data, b->ima.len, &at, NULL), LK_OK);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(lk_ima_log_next(&at, &entry, NULL), LK_OK);
		assert_true(lk_ima_entry_digest(&entry, BANK, LK_IMA_OWN_HASH, lk_crypto_hash,
						&digest));
		assert_true(lk_pcr_replay_extend(&r, LK_PCR_IMA,
						 (struct lk_bytes){ digest.data, digest.len },
						 lk_crypto_hash));
	}
	memcpy(ret, r.values.value[LK_PCR_IMA], LK_DIGEST_MAX);
	return b->ima.len - at.rest.left;
}

static unsigned int n_entries(const struct boot *b)
{
	struct lk_ima_log at;
	struct lk_ima_entry entry = { .number = 0 };

	assert_int_equal(lk_ima_log_open(b->ima.data, b->ima.len, &at, NULL), LK_OK);
	while (lk_ima_log_next(&at, &entry, NULL) == LK_OK)
		;
	return entry.number;
}

/* Under a policy of PCRs 0, 7 and 10, as it was after @at_unlock entries, and the latch. */
static struct boot *booted(const char *machine, unsigned int at_unlock)
{
	struct boot *b = test_calloc(1, sizeof(*b));
	struct lk_pcr_replay r;

	b->firmware = recorded_file(machine, "firmware");
	b->ima = recorded_file(machine, "ima");
	lk_pcr_replay_init(&r, BANK);
	assert_int_equal(lk_event_log_replay((struct lk_bytes){ b->firmware.data, b->firmware.len },
					     &r, lk_crypto_hash, NULL),
			 LK_OK);
	assert_int_equal(lk_ima_log_replay((struct lk_bytes){ b->ima.data, b->ima.len },
					   LK_IMA_OWN_HASH, &r, lk_crypto_hash, NULL),
			 LK_OK);
	b->values = r.values;
	b->policy = (struct lk_signed_policy){ .version = 6, .version_floor = 0x018a0001 };
	b->policy.pcrs = r.values;
	b->policy.pcrs.sel.mask = 1u << 0 | 1u << 7 | 1u << 10 | 1u << LATCH;
	memset(b->policy.pcrs.value[LATCH], 0, LK_DIGEST_MAX);
	b->policy.digest = (struct lk_digest){ 32, { 1 } };
	(void)prefix(b, at_unlock ? at_unlock : n_entries(b), b->policy.pcrs.value[LK_PCR_IMA]);
	memset(b->values.value[LATCH], 0, LK_DIGEST_MAX);
	measure(b, LK_LATCH_TEXT);
	measure(b, "cryptsetup:root:0");
	b->values.sel = (struct lk_pcr_selection){ BANK, QUOTED };
	b->reference = (struct lk_reference){ .policy = &b->policy,
					      .n_policies = 1,
					      .latch = LATCH,
					      .wants_floors = true,
					      .wants_ima = true };
	b->quote = (struct lk_attest){ .reset_count = 3, .clock = 500 };
	b->in = (struct lk_appraisal_input){
		.quote = &b->quote,
		.values = &b->values,
		.change = LK_BOOT_FIRST,
		.nonce_ms = NONCE_MS,
		.before = &b->before,
		.firmware = { b->firmware.data, b->firmware.len },
		.ima = { b->ima.data, b->ima.len },
		.measured = { (uint8_t *)b->measured, b->measured_len },
		.has_floor = { true, true },
		.floor = { 6, 1 },
		.reference = &b->reference,
		.hash = lk_crypto_hash,
	};
	return b;
}

static void end(struct boot *b)
{
	lk_buf_done(&b->firmware);
	lk_buf_done(&b->ima);
	test_free(b);
}

static bool has_reason(const struct boot *b, enum lk_part part, const char *words)
{
	for (size_t i = 0; i < b->out.n; i++)
		if (b->out.reason[i].part == part && strstr(b->out.reason[i].text, words))
			return true;
	return false;
}

static void expect(struct boot *b, enum lk_verdict verdict, enum lk_part part, const char *words)
{
	assert_int_equal(lk_appraise(&b->in, &b->out, NULL), LK_OK);
	if (b->out.verdict != verdict || b->out.part[part] != verdict ||
	    !has_reason(b, part, words)) {
		for (size_t i = 0; i < b->out.n; i++)
			print_message("%s, %s: %s\n", lk_part_word(b->out.reason[i].part),
				      lk_verdict_word(b->out.reason[i].verdict),
				      b->out.reason[i].text);
		fail_msg("%s for %s", lk_verdict_word(b->out.verdict), words);
	}
}

static void test_a_boot_that_was_signed_for_is_trusted(void **state)
{
	static const char *const machines[] = { "uki-12", "uki-13", "measuring-12",
						"measuring-13" };

	(void)state;
	for (size_t i = 0; i < N_OF(machines); i++) {
		struct boot *b = booted(machines[i], 1);

		expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "signed policy version 6 covers");
		assert_true(has_reason(b, LK_PART_LATCH, "closed by latchkey-unseal"));
		assert_true(has_reason(b, LK_PART_FLOORS, "6, proven by the TPM"));
		assert_ptr_equal(b->out.policy, &b->policy);
		assert_int_equal(b->out.ima_used, b->ima.len);
		assert_true(b->out.good_len > 0);
		assert_int_equal(b->out.state.ima_bytes, b->ima.len);
		end(b);
	}
}

static void test_the_kernels_log_may_be_longer_than_the_quote(void **state)
{
	struct boot *b = booted("measuring-13", 1);
	unsigned int n = n_entries(b) / 2;
	size_t used = prefix(b, n, b->values.value[LK_PCR_IMA]);

	(void)state;
	expect(b, LK_VERDICT_TRUSTED, LK_PART_KERNEL, "gives PCR 10");
	assert_int_equal(b->out.ima_used, used);
	assert_int_equal(b->out.state.ima_entries, n);
	/* The rest comes with the next quote, alone; what has covered the boot still does. */
	b->before = b->out.state;
	b->quote.clock = 900;
	b->in.change = LK_BOOT_SAME;
	b->in.ima = (struct lk_bytes){ b->ima.data + used, b->ima.len - used };
	b->in.ima_from = used;
	b->in.has_floor[0] = b->in.has_floor[1] = false;
	(void)prefix(b, n_entries(b), b->values.value[LK_PCR_IMA]);
	expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "covers this boot");
	assert_int_equal(b->out.state.ima_bytes, b->ima.len);
	assert_int_equal(b->out.state.ima_entries, n_entries(b));
	assert_int_equal(b->out.state.clock, 900);
	/* But not where that policy isn't the owner's any more. */
	b->policy.digest.data[0] = 2;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_BOOT, "PCR 10");
	end(b);
}

/* The digest of the first event of a PCR. */
static void damage_event(struct boot *b, unsigned int pcr)
{
	struct lk_event_log at;
	struct lk_event event;

	assert_int_equal(lk_event_log_open(b->firmware.data, b->firmware.len, &at, NULL), LK_OK);
	do
		assert_int_equal(lk_event_log_next(&at, &event, NULL), LK_OK);
	while (event.pcr != pcr || event.type == LK_EV_NO_ACTION);
	b->firmware.data[event.sha256.data - b->firmware.data] ^= 1;
}

static void test_a_log_that_does_not_replay_is_not_trusted(void **state)
{
	struct boot *b = booted("measuring-13", 1);

	(void)state;
	b->ima.data[b->ima.len / 2] ^= 1;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_KERNEL, "doesn't give the quoted value");
	b->ima.data[b->ima.len / 2] ^= 1;
	b->in.ima.len /= 2;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_KERNEL, "doesn't give the quoted value");
	b->in.ima = (struct lk_bytes){ b->ima.data, b->ima.len };
	damage_event(b, 7);
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_FIRMWARE, "PCR 7");
	assert_int_equal(b->out.good_len, 0);
	end(b);
}

static void test_what_is_not_sent_is_not_known(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->in.firmware.len = 0;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_FIRMWARE, "no firmware log");
	b->in.firmware.len = b->firmware.len;
	b->in.measured.len = 0;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_LATCH, "no log of what closed it");
	b->in.measured.len = b->measured_len;
	b->in.has_floor[1] = false;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_FLOORS, "wasn't proven");
	b->in.has_floor[1] = true;
	b->reference.n_policies = 0;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_BOOT, "nothing is known");
	end(b);
}

static void test_a_device_without_the_kernels_log(void **state)
{
	/* Where nothing was measured after the unlock the value is the policy's. */
	struct boot *b = booted("uki-13", 0);

	(void)state;
	b->in.ima.len = 0;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_KERNEL, "no log of the kernel's");
	b->reference.wants_ima = false;
	expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "covers this boot");
	end(b);
}

static void test_the_latch(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	memset(b->values.value[LATCH], 0, LK_DIGEST_MAX);
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_LATCH, "the latch is open");
	/* Something else first, then the latch's own word: a log of the truth doesn't help. */
	b->measured_len = 0;
	measure(b, "something");
	measure(b, LK_LATCH_TEXT);
	b->in.measured.len = b->measured_len;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_LATCH, "something else than latchkey-unseal");
	/* A log that tells another story. */
	b->values.value[LATCH][0] ^= 1;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_LATCH, "doesn't give the latch's value");
	b->measured[0] = '{';
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_LATCH, "doesn't give the latch's value");
	end(b);
}

static void test_the_floors(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->in.floor[LK_FLOOR_VERSION] = 7;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_BOOT, "retired: the device's floor is 7");
	b->in.floor[LK_FLOOR_VERSION] = 4;
	b->reference.min_floor[LK_FLOOR_VERSION] = 5;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_FLOORS, "is 4, and was 5 before");
	/* And the next quote of that boot has no better word. */
	b->before = b->out.state;
	b->in.change = LK_BOOT_SAME;
	b->in.has_floor[0] = b->in.has_floor[1] = false;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_FLOORS, "policy versions wasn't proven");
	assert_int_equal(b->out.state.floor[LK_FLOOR_VERSION], 5);
	end(b);
}

/* What was proven once is held against each boot after: by leaving it out nothing is gained. */
static void test_a_floor_that_is_left_out(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->reference.wants_floors = false;
	b->in.has_floor[0] = b->in.has_floor[1] = false;
	expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "covers this boot");
	b->in.change = LK_BOOT_NEW;
	b->reference.min_floor[LK_FLOOR_VERSION] = 6;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_FLOORS, "policy versions wasn't proven");
	assert_false(b->out.state.has_floor[LK_FLOOR_VERSION]);
	assert_int_equal(b->out.state.floor[LK_FLOOR_VERSION], 6);
	b->reference.min_floor[LK_FLOOR_VERSION] = 7;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_BOOT, "retired: the device's floor is 7");
	end(b);
}

/* A quote of fewer PCRs says nothing of the others. */
static void test_what_is_not_quoted_is_not_known(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->policy.pcrs.sel.mask &= ~(1u << LK_PCR_IMA);
	b->values.sel.mask &= ~(1u << LATCH);
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_LATCH, "wasn't quoted");
	b->values.sel.mask = QUOTED & ~(1u << LK_PCR_IMA);
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_KERNEL, "wasn't quoted");
	b->reference.wants_ima = false;
	expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "covers this boot");
	end(b);
}

static void test_a_cleared_tpm_is_told_as_one(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->in.change = LK_BOOT_CLEARED;
	b->before.boot = 9;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_BOOT, "cleared");
	assert_int_equal(b->out.state.boot, 3);
	/* Not in the first quote alone. */
	b->before = b->out.state;
	b->in.change = LK_BOOT_SAME;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_BOOT, "cleared");
	b->before = b->out.state;
	b->in.change = LK_BOOT_NEW;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_BOOT, "import its record again");
	/* That is what an import does. */
	b->before.cleared = false;
	expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "covers this boot");
	end(b);
}

static void test_a_kernel_that_another_has_started_is_told_as_one(void **state)
{
	struct boot *b = booted("uki-13", 1);
	struct lk_pcr_replay r;

	(void)state;
	assert_int_equal(lk_appraise(&b->in, &b->out, NULL), LK_OK);
	b->before = b->out.state;
	/* Its log begins anew, on top of the value that was. */
	r = (struct lk_pcr_replay){ .values = b->values };
	assert_int_equal(lk_ima_log_replay((struct lk_bytes){ b->ima.data, b->ima.len },
					   LK_IMA_OWN_HASH, &r, lk_crypto_hash, NULL),
			 LK_OK);
	b->values = r.values;
	b->in.change = LK_BOOT_SAME;
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_KERNEL, "kexec");
	end(b);
}

static void test_a_mismatch_names_the_event_that_changed(void **state)
{
	struct boot *good = booted("uki-13", 1);
	struct boot *now = booted("uki-13-db", 1);

	(void)state;
	assert_int_equal(lk_appraise(&good->in, &good->out, NULL), LK_OK);
	assert_int_equal(good->out.verdict, LK_VERDICT_TRUSTED);
	now->in.good = (struct lk_bytes){ good->out.good, good->out.good_len };
	now->policy = good->policy;
	expect(now, LK_VERDICT_UNTRUSTED, LK_PART_BOOT,
	       "PCR 7 (Secure Boot state and certificates) isn't that of signed policy version 6: ");
	assert_true(has_reason(now, LK_PART_BOOT, "db"));
	/* Once it is signed for, it is trusted again: the newest policy that covers it. */
	struct lk_signed_policy both[2] = { good->policy, now->policy };

	both[1].version = 7;
	both[1].pcrs = now->values;
	both[1].pcrs.sel.mask = 1u << 0 | 1u << 7;
	now->reference.policy = both;
	now->reference.n_policies = 2;
	expect(now, LK_VERDICT_TRUSTED, LK_PART_BOOT, "signed policy version 7 covers");
	end(good);
	end(now);
}

/* A policy of PCRs 0, 7 and 10 has neither image nor command line in it, and PCR 10 follows from these. */
static void test_a_mismatch_below_boot_aggregate_names_its_event(void **state)
{
	struct boot *good = booted("kernel-13", 1);
	struct boot *now = booted("kernel-13-cmdline", 1);

	(void)state;
	assert_int_equal(lk_appraise(&good->in, &good->out, NULL), LK_OK);
	assert_int_equal(good->out.verdict, LK_VERDICT_TRUSTED);
	now->in.good = (struct lk_bytes){ good->out.good, good->out.good_len };
	now->policy = good->policy;
	expect(now, LK_VERDICT_UNTRUSTED, LK_PART_BOOT,
	       "boot_aggregate is another: it follows from PCR");
	assert_true(has_reason(now, LK_PART_BOOT, "another command line"));
	assert_false(has_reason(now, LK_PART_BOOT, "PCR 7 ("));
	end(good);
	end(now);
}

static void test_what_was_learned_is_a_reference_too(void **state)
{
	struct boot *b = booted("uki-13", 1);
	struct lk_pcr_values learned = b->values;

	(void)state;
	learned.sel.mask = 1u << 0 | 1u << 4 | 1u << 7;
	b->reference.n_policies = 0;
	b->reference.equals = &learned;
	expect(b, LK_VERDICT_TRUSTED, LK_PART_BOOT, "were learned");
	learned.value[4][0] ^= 1;
	expect(b, LK_VERDICT_UNTRUSTED, LK_PART_BOOT, "PCR 4");
	end(b);
}

static void test_a_policy_that_was_quoted_in_part_is_not_known(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->values.sel.mask = QUOTED & ~(1u << 7);
	expect(b, LK_VERDICT_UNKNOWN, LK_PART_BOOT, "wasn't quoted");
	end(b);
}

static void test_the_state_is_written_and_read_as_the_same(void **state)
{
	struct boot *b = booted("uki-13", 1);
	uint8_t bytes[LK_ATTEST_STATE_MAX], again[LK_ATTEST_STATE_MAX];
	struct lk_attest_state read;
	size_t len;

	(void)state;
	assert_int_equal(lk_appraise(&b->in, &b->out, NULL), LK_OK);
	len = lk_attest_state_write(&b->out.state, bytes);
	for (size_t i = 0; i < len; i++)
		assert_false(lk_attest_state_read((struct lk_bytes){ bytes, i }, &read));
	assert_true(lk_attest_state_read((struct lk_bytes){ bytes, len }, &read));
	assert_int_equal(lk_attest_state_write(&read, again), len);
	assert_memory_equal(bytes, again, len);
	assert_int_equal(read.ima_bytes, b->ima.len);
	assert_int_equal(read.floor[0], 6);
	bytes[0]++;
	assert_false(lk_attest_state_read((struct lk_bytes){ bytes, len }, &read));
	end(b);
}

static void test_a_failing_hash_is_no_verdict(void **state)
{
	struct boot *b = booted("uki-13", 1);

	(void)state;
	b->in.hash = failing_hash;
	assert_int_equal(lk_appraise(&b->in, &b->out, NULL), LK_E_SYSTEM);
	end(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_boot_that_was_signed_for_is_trusted),
		cmocka_unit_test(test_the_kernels_log_may_be_longer_than_the_quote),
		cmocka_unit_test(test_a_log_that_does_not_replay_is_not_trusted),
		cmocka_unit_test(test_what_is_not_sent_is_not_known),
		cmocka_unit_test(test_a_device_without_the_kernels_log),
		cmocka_unit_test(test_the_latch),
		cmocka_unit_test(test_the_floors),
		cmocka_unit_test(test_a_floor_that_is_left_out),
		cmocka_unit_test(test_what_is_not_quoted_is_not_known),
		cmocka_unit_test(test_a_cleared_tpm_is_told_as_one),
		cmocka_unit_test(test_a_kernel_that_another_has_started_is_told_as_one),
		cmocka_unit_test(test_a_mismatch_names_the_event_that_changed),
		cmocka_unit_test(test_a_mismatch_below_boot_aggregate_names_its_event),
		cmocka_unit_test(test_what_was_learned_is_a_reference_too),
		cmocka_unit_test(test_a_policy_that_was_quoted_in_part_is_not_known),
		cmocka_unit_test(test_the_state_is_written_and_read_as_the_same),
		cmocka_unit_test(test_a_failing_hash_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
