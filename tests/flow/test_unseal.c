/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the order in which latchkey-unseal does things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sys/crypto/crypto.h"
#include "sys/format/yaml.h"
#include "unseal/ending.h"
#include "unseal/unseal.h"
#include "world.h"

#define POLICY "/etc/latchkey/policy.yaml"

/** What a test says of the policy file. */
struct setting {
	const char *latch;		/* NULL: 15 */
	const char *on_failure;		/* NULL: fail */
	const char *each[FAKE_VOLUMES]; /* a volume's own, or NULL */
	bool prompt_without_tpm;
	const char *root_key; /* NULL: not said */
	size_t n;	      /* volumes, 1 unless said otherwise */
};

#define PINNED "{ name: \"000b1111111111111111111111111111111111111111111111111111111111111111\" }"

static const char head[] = "latchkey-policy: 1\n"
			   "policy-key: |\n"
			   "  -----BEGIN PUBLIC KEY-----\n"
			   "  MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY\n"
			   "  WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8\n"
			   "  6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f\n"
			   "  -----END PUBLIC KEY-----\n"
			   "policy-ref: test\nbank: sha256\npcrs: [0, 7]\nversion-floor: none\n";

static char policy_text[4096];
static char *token_text;

static void write_policy(const struct setting *set)
{
	static const char *const names[FAKE_VOLUMES] = { "root", "data", "more", "last" };
	size_t n = (size_t)
		snprintf(policy_text, sizeof(policy_text),
			 "%s%s%s\nlatch: %s\non-failure: %s\nprompt-without-tpm: %s\nvolumes:\n",
			 head, set->root_key ? "root-key: " : "",
			 set->root_key ? set->root_key : "", set->latch ? set->latch : "15",
			 set->on_failure ? set->on_failure : "fail",
			 set->prompt_without_tpm ? "true" : "false");

	fake.n_volumes = set->n ? set->n : 1;
	for (size_t i = 0; i < fake.n_volumes; i++) {
		fake.volumes[i] = (struct fake_volume){ .name = names[i],
							.handle = 0x8100a001 + (uint32_t)i,
							.payload_len = 96,
							.typed = "typed" };
		n += (size_t)snprintf(policy_text + n, sizeof(policy_text) - n,
				      "  - { name: %s, device: /dev/%s, handle: 0x%08x%s%s }\n",
				      names[i], names[i], fake.volumes[i].handle,
				      set->each[i] ? ", on-failure: " : "",
				      set->each[i] ? set->each[i] : "");
	}
	fake.files[0].path = POLICY;
	fake.files[0].text = policy_text;
}

static struct lk_policy_file read_policy(void)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_policy_file pf = { 0 };
	struct lk_err err = { 0 };

	if (lk_yaml_parse((const uint8_t *)policy_text, strlen(policy_text), &yaml, &err) !=
		    LK_OK ||
	    lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, &pf, &err) != LK_OK)
		fail_msg("%s", err.msg);
	return pf;
}

/* A signed policy for the boot whose PCRs are all @value. */
static struct lk_signed_policy make_signed(int value)
{
	struct lk_policy_file pf = read_policy();
	struct lk_pcr_values v = { .sel = pf.pcrs };
	struct lk_signed_policy sp;

	memset(v.value, value, sizeof(v.value));
	assert_int_equal(lk_signed_policy_prepare(&pf, &v, 0, "", lk_crypto_hash, &sp, NULL),
			 LK_OK);
	sp.signature_len = 96;
	return sp;
}

/* The same as a file's text. */
static const char *signed_text(int value)
{
	static char text[LK_SIGNED_POLICY_TEXT_MAX];
	struct lk_signed_policy sp = make_signed(value);

	assert_int_equal(lk_signed_policy_write(&sp, false, text, sizeof(text)), LK_OK);
	return text;
}

/* A token with signed policies for boots whose PCRs are all @first, @first + 1
 * and so on. */
static char *make_token(uint8_t first, size_t n)
{
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;

	token.keyslot = 1;
	token.handle = 0x8100a001;
	token.hints.sealed_len = token.hints.root_key_len = 8;
	token.policies = calloc(n + 1, sizeof(*token.policies));
	assert_non_null(token.policies);
	for (size_t i = 0; i < n; i++)
		token.policies[token.n_policies++] = make_signed(first + (int)i);
	return lk_token_to_json(&token);
}

/* A world in which everything goes well. */
static void world(const struct setting *set)
{
	fake_reset();
	write_policy(set);
	free(token_text);
	token_text = make_token(0x11, 1);
	for (size_t i = 0; i < fake.n_volumes; i++)
		fake.volumes[i].token = token_text;
	memset(fake.pcrs.value, 0x11, sizeof(fake.pcrs.value));
	memset(fake.pcrs.value[15], 0, sizeof(fake.pcrs.value[15])); /* open */
}

static bool is_before_all(int place, const char *event)
{
	return fake_first(event) < 0 || fake_first(event) > place;
}

/* Nothing is mapped, asked or opened before this: the latch closed, or without
 * that, the TPM let go of. -1 where no TPM was there. */
static int point_of_safety(void)
{
	int closed = fake_first("extend 15 by closed");

	return closed >= 0 ? closed : fake_last("tpm close");
}

/* None at first, and none later. */
static void no_tpm(void)
{
	fake.tpm_rc[0] = fake.tpm_rc[1] = LK_E_NO_TPM;
}

/* Runs, and sees what must hold however it went. */
static int run_with(const struct lk_unseal_options *o)
{
	int rc = lk_unseal_run(o);
	int safe = point_of_safety();

	assert_int_equal(fake.secrets, 0);
	assert_int_equal(fake.tpms, 0);
	assert_int_equal(fake_count("tpm close"), fake_count("tpm open"));
	assert_int_equal(fake_count("extend 15 by ?"), 0);
	assert_true(is_before_all(fake_last("header "), "unseal "));
	assert_true(is_before_all(fake_last("unseal "), "keyslot "));
	assert_true(fake_count("extend 15 by closed") <= 1);
	if (o->dry_run) {
		assert_int_equal(fake_count("extend "), 0);
		return rc;
	}
	assert_true(is_before_all(safe, "keyslot "));
	assert_true(is_before_all(safe, "map "));
	assert_true(is_before_all(safe, "ask "));
	assert_true(fake_last("unseal ") <= safe);
	return rc;
}

static int run(void)
{
	const struct lk_unseal_options o = { .policy = POLICY, .tcti = "device:/dev/tpm0" };

	return run_with(&o);
}

static void test_one_volume_is_opened_in_the_order_of_the_design(void **s)
{
	static const char *const order[] = {
		"tpm open 10",
		"wait /dev/root",
		"header root",
		"unseal root",
		"extend 15 by closed, proven by root",
		"append /run/log/systemd/tpm2-measure.log",
		"tpm forget",
		"keyslot root 1",
		"extend 15 by root in 1 banks",
		"append /run/log/systemd/tpm2-measure.log",
		"map root",
		"replace /run/latchkey/opened/root",
		"log 6 root: /dev/root is open",
		"replace /run/latchkey/learned/root.json",
		"replace /run/latchkey/booted/root.json",
		"tpm close",
	};

	(void)s;
	world(&(struct setting){ 0 });
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake.n_events, sizeof(order) / sizeof(order[0]));
	for (size_t i = 0; i < fake.n_events; i++)
		assert_int_equal(strncmp(fake.events[i], order[i], strlen(order[i])), 0);
}

static void test_all_unseals_come_before_the_latch_and_all_keyslots_after(void **s)
{
	int latch;

	(void)s;
	world(&(struct setting){ .n = 3 });
	assert_int_equal(run(), LK_OK);
	latch = fake_first("extend 15 by closed");
	assert_int_equal(fake_count("unseal "), 3);
	assert_int_equal(fake_count("keyslot "), 3);
	assert_int_equal(fake_count("map "), 3);
	assert_true(fake_last("header ") < fake_first("unseal "));
	assert_true(fake_last("unseal ") < latch);
	assert_true(latch < fake_first("keyslot "));
	assert_true(fake_last("keyslot ") < fake_first("map "));
}

static void test_each_volume_key_is_measured_before_any_is_mapped(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 3 });
	fake.other_bank = true;
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("extend "), 4);
	assert_int_equal(fake_count("extend 15 by closed, proven by root"), 1);
	assert_int_equal(fake_count("extend 15 by root in 2 banks"), 1);
	assert_int_equal(fake_count("extend 15 by data in 2 banks"), 1);
	assert_int_equal(fake_count("extend 15 by more in 2 banks"), 1);
	assert_true(fake_first("extend ") == fake_first("extend 15 by closed"));
	assert_true(fake_last("extend ") < fake_first("map "));
	assert_int_equal(fake_count("append "), 4);
}

static void test_a_key_that_is_not_ours_is_not_measured(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 2 });
	fake.volumes[0].replaced = true;
	assert_int_equal(run(), LK_E_VOLUME);
	assert_int_equal(fake_count("extend "), 2);
	assert_int_equal(fake_count("extend 15 by data"), 1);
}

static void test_measuring_that_fails_costs_a_warning_only(void **s)
{
	static const int why[] = { LK_E_SYSTEM, LK_E_NO_TPM };

	(void)s;
	for (size_t i = 0; i < 2; i++) {
		world(&(struct setting){ .n = 2 });
		fake.extend_rc = why[i];
		fake.extend_fails_at = 2; /* the first after the latch */
		assert_int_equal(run(), LK_OK);
		assert_int_equal(fake_count("not extended 15 by root"), 1);
		assert_int_equal(fake_count("extend 15 by data"), 1);
		assert_int_equal(fake_count("log 4 root: its volume key isn't measured"), 1);
		assert_int_equal(fake_count("append "), 2);
		assert_int_equal(fake_count("map "), 2);
	}
}

static void test_without_a_latch_nothing_is_extended(void **s)
{
	const struct lk_unseal_options o = { .policy = POLICY, .tcti = "device:/dev/tpm0" };

	(void)s;
	world(&(struct setting){ .latch = "none" });
	assert_int_equal(lk_unseal_run(&o), LK_OK);
	assert_int_equal(fake_count("extend "), 0);
	assert_int_equal(fake_count("map root"), 1);
	world(&(struct setting){ .latch = "none" });
	no_tpm();
	assert_int_equal(lk_unseal_run(&o), LK_E_NO_TPM);
	assert_int_equal(fake.tpm_opens, 1);
}

static void test_the_latch_closes_in_the_session_of_the_first_volume_unsealed(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 3 });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("extend 15 by closed, proven by data"), 1);
	assert_int_equal(fake_count("prove "), 0);
	/* What a wrong handle leads to forgets the first one's session. */
	world(&(struct setting){ .n = 2 });
	fake.volumes[1].unseal_rc[0] = LK_E_OBJECT;
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("tpm forget"), 2);
	assert_int_equal(fake_count("extend 15 by closed, proven by data"), 1);
}

static void test_a_latch_that_no_root_key_proves_is_no_reason_to_prompt(void **s)
{
	(void)s;
	for (int without = 0; without < 2; without++) {
		world(&(struct setting){ .on_failure = "prompt",
					 .prompt_without_tpm = without,
					 .root_key = PINNED });
		fake.volumes[0].unseal_rc[0] = fake.volumes[0].unseal_rc[1] = LK_E_OBJECT;
		fake.prove_rc = LK_E_OBJECT;
		fake.answers[0] = "typed";
		assert_int_equal(run(), without ? LK_OK : LK_E_OBJECT);
		assert_int_equal(fake_count("prove 0x81000001"), 1);
		assert_int_equal(fake_count("extend 15 by closed, unproven"), 1);
		assert_int_equal(fake_count("ask "), without);
	}
	/* The pinned key's own TPM proves it, whatever it refused before. */
	world(&(struct setting){ .on_failure = "prompt", .root_key = PINNED });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("extend 15 by closed, proven by root key"), 1);
	assert_int_equal(fake_count("ask "), 1);
}

static void test_nothing_unsealed_closes_the_latch(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("extend "), 1);
	assert_int_equal(fake_count("extend 15 by closed, unproven"), 1);
	assert_int_equal(fake_count("prove "), 0);
}

static void test_what_the_library_remembers_goes_before_the_long_work(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.forget_rc = LK_E_SYSTEM;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_SYSTEM);
	assert_int_equal(fake_count("extend 15 by closed"), 1);
	assert_int_equal(fake_count("keyslot "), 0);
	assert_int_equal(fake_count("map "), 0);
	assert_int_equal(fake_count("ask "), 0);
}

static void test_a_latch_that_fails_opens_nothing_and_never_prompts(void **s)
{
	static const int why[] = { LK_E_SYSTEM, LK_E_NO_TPM };

	(void)s;
	for (size_t i = 0; i < 2; i++) {
		world(&(struct setting){
			.n = 2, .on_failure = "prompt", .prompt_without_tpm = true });
		fake.extend_rc = why[i];
		fake.answers[0] = "typed";
		assert_int_equal(run(), LK_E_LATCH);
		assert_int_equal(fake_count("not extended "), 1);
		assert_int_equal(fake_count("append "), 0);
		assert_int_equal(fake_count("keyslot "), 0);
		assert_int_equal(fake_count("map "), 0);
		assert_int_equal(fake_count("ask "), 0);
	}
}

static void test_a_latch_that_fails_halts_where_the_policy_says_so(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "halt" });
	fake.extend_rc = LK_E_SYSTEM;
	assert_int_equal(run(), LK_E_LATCH);
	assert_int_equal(fake_count("map "), 0);
	assert_int_equal(fake_count("reboot"), 1);
}

static void test_nothing_unsealed_closes_the_latch_all_the_same(void **s)
{
	static const int why[] = { LK_E_POLICY, LK_E_LOCKED, LK_E_NO_DEVICE };

	(void)s;
	for (size_t i = 0; i < 3; i++) {
		world(&(struct setting){ 0 });
		fake.volumes[0].unseal_rc[0] = why[i];
		if (why[i] == LK_E_NO_DEVICE)
			fake.volumes[0].device_rc = LK_E_NO_DEVICE;
		assert_int_equal(run(), why[i]);
		assert_int_equal(fake_count("extend 15 by closed"), 1);
		assert_int_equal(fake_count("map "), 0);
		assert_int_equal(fake_count("ask "), 0);
		assert_int_equal(fake_count("keyslot "), 0);
	}
}

static void test_a_prompt_comes_after_the_latch(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("extend "), 1);
	assert_true(fake_first("extend ") < fake_first("ask "));
	assert_true(fake_first("ask ") < fake_first("map root"));
	assert_int_equal(fake.secrets_when_asked, 0);
}

/* "Where one is typed, all are" holds over the runs of a boot: volumes.yaml's beside the root. */
static void test_nobody_is_asked_after_the_tpm_has_opened_a_volume_in_this_boot(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.dir = LK_BOOTED_DIR;
	fake.files[2].path = LK_BOOTED_DIR "/other.json";
	fake.files[2].text = "{}";
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("ask "), 0);
	assert_int_equal(fake_count("map "), 0);
	assert_int_equal(fake_count("extend "), 1);
	/* One that can't be listed may hold one. */
	world(&(struct setting){ .on_failure = "prompt" });
	fake.dir = LK_BOOTED_DIR;
	fake.list_rc = LK_E_IO;
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("ask "), 0);
}

static void test_a_prompt_ends_after_three_wrong_answers(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = fake.answers[1] = fake.answers[2] = "wrong";
	fake.answers[3] = "typed";
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("ask "), 3);
	assert_int_equal(fake_count("map "), 0);
}

static void test_a_recovery_key_is_tried_in_its_written_form(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.volumes[0].typed = "cbdef-ghijk-lnrtu-vvutr-nlkji-hgfed-bccbd-efghi";
	fake.answers[0] = "CBDEFGHIJKLNRTUVVUTRNLKJIHGFEDBCCBDEFGHI";
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("keyslot root -1"), 1);
	assert_int_equal(fake_count("map root"), 1);
}

static void test_a_prompt_that_fails_otherwise_says_why(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY); /* nobody answers */
	assert_int_equal(fake_count("ask "), 1);
	assert_int_equal(fake_count("log 3 root: not opened: asking failed"), 1);
	assert_int_equal(fake_count("map "), 0);
}

static void test_fail_never_prompts(void **s)
{
	static const int why[] = { LK_E_POLICY, LK_E_LOCKED, LK_E_OBJECT, LK_E_NO_TPM,
				   LK_E_SYSTEM };

	(void)s;
	for (size_t i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		world(&(struct setting){ .prompt_without_tpm = true });
		for (size_t j = 0; j < 8; j++)
			fake.volumes[0].unseal_rc[j] = why[i];
		fake.answers[0] = "typed";
		assert_int_equal(run(), why[i]);
		assert_int_equal(fake_count("ask "), 0);
		assert_int_equal(fake_count("map "), 0);
	}
}

static void test_halt_halts_after_the_latch_and_never_prompts(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "halt" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("ask "), 0);
	assert_int_equal(fake_count("reboot"), 1);
	assert_true(fake_first("extend ") < fake_first("reboot"));
	assert_true(fake_first("sync") < fake_first("reboot"));
}

static void test_reboot_is_counted_after_the_latch_and_forgotten_once_opened(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "reboot" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("ask "), 0);
	assert_int_equal(fake_count("reboot 0x1234567"), 1);
	assert_true(fake_first("extend ") < fake_first("count"));
	assert_true(fake_first("count") < fake_first("reboot"));
	assert_int_equal(fake_count("forget"), 0);
	world(&(struct setting){ .on_failure = "reboot" });
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("reboot"), 0);
	assert_int_equal(fake_count("forget"), 1);
	assert_true(fake_first("map root") < fake_first("efivars mounted"));
	world(&(struct setting){ .on_failure = "halt" });
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("efivars mounted"), 0);
}

static void test_a_reboot_that_can_not_be_counted_is_a_halt(void **s)
{
	static const int why[] = { LK_E_IO, LK_E_REFUSED };

	(void)s;
	for (size_t i = 0; i < 2; i++) {
		world(&(struct setting){ .on_failure = "reboot" });
		fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
		fake.reboots_rc = why[i];
		assert_int_equal(run(), LK_E_POLICY);
		assert_int_equal(fake_count("reboot 0x1234567"), 0);
		assert_int_equal(fake_count("reboot 0xcdef0123"), 1);
	}
}

static void test_a_halt_goes_before_a_reboot(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 2, .on_failure = "reboot", .each = { NULL, "halt" } });
	fake.volumes[0].unseal_rc[0] = fake.volumes[1].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("count"), 0);
	assert_int_equal(fake_count("reboot 0xcdef0123"), 1);
}

static void test_a_prompt_has_a_time_limit_and_something_after_it(void **s)
{
	static const struct {
		const char *latch; /* more lines follow it */
		const char *cmdline;
		const char *limit;
		const char *end;
	} cases[] = {
		{ "15\ntimeout-prompt: 60", NULL, "limit 60", NULL },
		{ "15\ntimeout-prompt: 60\nafter-prompt: reboot", NULL, "limit 60",
		  "reboot 0x1234567" },
		{ "15\nafter-prompt: halt", NULL, NULL, "reboot 0xcdef0123" },
		{ "15", "ro rd.latchkey.timeout-prompt=7\n", "limit 7", NULL },
		{ "15\ntimeout-prompt: 60", "rd.latchkey.timeout-prompt=0", NULL, NULL },
		{ "15\ntimeout-prompt: 60", "rd.latchkey.timeout-prompt=-1", "limit 60", NULL },
		{ "15\ntimeout-prompt: 60", "rd.latchkey.timeout-prompt=86401", "limit 60", NULL },
		{ "15\ntimeout-prompt: 60", "rd.latchkey.timeout-prompt=", "limit 60", NULL },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world(&(struct setting){ .on_failure = "prompt", .latch = cases[i].latch });
		fake.files[1].path = cases[i].cmdline ? "/proc/cmdline" : NULL;
		fake.files[1].text = cases[i].cmdline;
		fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
		assert_int_equal(run(), LK_E_POLICY);
		assert_int_equal(fake_count("ask "), 1);
		assert_int_equal(fake_count("limit "), cases[i].limit ? 1 : 0);
		if (cases[i].limit)
			assert_int_equal(fake_count(cases[i].limit), 1);
		assert_int_equal(fake_count("reboot "), cases[i].end ? 1 : 0);
		if (cases[i].end)
			assert_true(fake_first("ask ") < fake_first(cases[i].end));
		assert_int_equal(fake_count("map "), 0);
	}
}

/* Each update of the other slot would leave the next one fewer reboots. */
static void test_a_closed_volume_that_wants_no_reboot_keeps_no_count(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 2, .on_failure = "reboot", .each = { NULL, "fail" } });
	fake.volumes[1].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("map "), 1);
	assert_int_equal(fake_count("reboot"), 0);
	assert_int_equal(fake_count("forget"), 1);
	world(&(struct setting){ .n = 2, .on_failure = "reboot", .each = { "fail", NULL } });
	fake.volumes[1].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("reboot 0x1234567"), 1);
	assert_int_equal(fake_count("forget"), 0);
}

static void test_after_a_crash_the_policy_file_says_how_the_boot_ends(void **s)
{
	static const struct {
		struct setting setting;
		const char *end;
		unsigned int counted;
	} cases[] = {
		{ { .on_failure = "reboot" }, "reboot 0x1234567", 1 },
		{ { .on_failure = "fail" }, "reboot 0xcdef0123", 0 },
		{ { .on_failure = "prompt" }, "reboot 0xcdef0123", 0 },
		{ { .on_failure = "prompt", .latch = "15\nafter-prompt: reboot" },
		  "reboot 0x1234567",
		  1 },
		{ { .n = 2, .on_failure = "fail", .each = { NULL, "reboot" } },
		  "reboot 0x1234567",
		  1 },
		{ { .n = 2, .on_failure = "reboot", .each = { NULL, "halt" } },
		  "reboot 0xcdef0123",
		  0 },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world(&cases[i].setting);
		lk_ending_crashed(POLICY);
		assert_int_equal(fake_count("reboot "), 1);
		assert_int_equal(fake_count(cases[i].end), 1);
		assert_int_equal(fake_count("count"), cases[i].counted);
		assert_int_equal(fake_count("tpm "), 0);
		assert_int_equal(fake_count("map "), 0);
	}
	world(&cases[0].setting);
	fake.reboots_rc = LK_E_REFUSED;
	lk_ending_crashed(POLICY);
	assert_int_equal(fake_count("reboot 0xcdef0123"), 1);
	lk_ending_crashed("/none");
	assert_int_equal(fake_count("reboot 0xcdef0123"), 2);
}

static void test_a_key_that_is_typed_in_time_ends_it_well(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt",
				 .latch = "15\ntimeout-prompt: 60\nafter-prompt: reboot" });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("reboot "), 0);
	assert_int_equal(fake_count("forget"), 1);
}

static void test_without_a_tpm_nothing_is_opened_and_nobody_asked(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	no_tpm();
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_NO_TPM);
	assert_int_equal(fake_count("tpm missing 10"), 1);
	assert_int_equal(fake_count("tpm missing 0"), 1);
	assert_int_equal(fake_count("ask "), 0);
	assert_int_equal(fake_count("map "), 0);
	assert_int_equal(fake_count("keyslot "), 0);
}

static void test_prompt_without_tpm_asks_without_a_tpm(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt", .prompt_without_tpm = true });
	no_tpm();
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("ask "), 1);
	assert_int_equal(fake_count("map root"), 1);
	assert_int_equal(fake_count("extend "), 0);
}

static void test_a_tpm_that_stays_silent_is_as_good_as_none(void **s)
{
	(void)s;
	for (int without = 0; without < 2; without++) {
		world(&(struct setting){ .on_failure = "prompt", .prompt_without_tpm = without });
		fake.volumes[0].unseal_rc[0] = LK_E_NO_TPM;
		fake.extend_rc = LK_E_NO_TPM;
		fake.answers[0] = "typed";
		assert_int_equal(run(), without ? LK_OK : LK_E_NO_TPM);
		assert_int_equal(fake_count("ask "), without);
		assert_int_equal(fake_count("map root"), without);
		assert_int_equal(fake_count("extend "), 0);
	}
}

static void test_a_tpm_silent_for_a_while_closes_the_latch_yet(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.volumes[0].unseal_rc[0] = LK_E_NO_TPM;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("extend 15 by closed"), 1);
	assert_int_equal(fake_count("ask "), 1);
}

static void test_a_tpm_silent_after_an_answer_must_close_the_latch(void **s)
{
	static const int answers[] = { LK_OK, LK_E_POLICY, LK_E_AGAIN, LK_E_LOCKED, LK_E_OBJECT };

	(void)s;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		world(&(struct setting){
			.n = 2, .on_failure = "prompt", .prompt_without_tpm = true });
		for (size_t j = 0; j < 8; j++)
			fake.volumes[0].unseal_rc[j] = answers[i];
		fake.volumes[1].unseal_rc[0] = LK_E_NO_TPM;
		fake.extend_rc = LK_E_NO_TPM;
		fake.answers[0] = fake.answers[1] = "typed";
		assert_int_equal(run(), LK_E_LATCH);
		assert_int_equal(fake_count("keyslot "), 0);
		assert_int_equal(fake_count("map "), 0);
		assert_int_equal(fake_count("ask "), 0);
	}
}

static void test_a_tpm_that_refuses_the_latch_is_not_a_silent_one(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt", .prompt_without_tpm = true });
	fake.volumes[0].unseal_rc[0] = LK_E_NO_TPM;
	fake.extend_rc = LK_E_SYSTEM;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_LATCH);
	assert_int_equal(fake_count("ask "), 0);
}

static void test_a_tpm_that_comes_up_late_closes_the_latch(void **s)
{
	(void)s;
	for (int without = 0; without < 2; without++) {
		world(&(struct setting){ .on_failure = "prompt", .prompt_without_tpm = without });
		fake.tpm_rc[0] = LK_E_NO_TPM;
		fake.answers[0] = "typed";
		assert_int_equal(run(), LK_OK);
		assert_int_equal(fake_count("tpm missing 10"), 1);
		assert_int_equal(fake_count("tpm open 0"), 1);
		assert_true(fake_first("header ") < fake_first("tpm open 0"));
		assert_int_equal(fake_count("unseal "), 0);
		assert_int_equal(fake_count("extend 15 by closed, unproven"), 1);
		assert_int_equal(fake_count("ask "), 1);
	}
	world(&(struct setting){ .on_failure = "prompt", .prompt_without_tpm = true });
	fake.tpm_rc[0] = LK_E_NO_TPM;
	fake.extend_rc = LK_E_SYSTEM;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_LATCH);
	assert_int_equal(fake_count("ask "), 0);
}

static void test_one_volume_that_fails_keeps_no_other_closed(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 3 });
	fake.volumes[1].header_rc = LK_E_HEADER;
	assert_int_equal(run(), LK_E_HEADER);
	assert_int_equal(fake_count("map root"), 1);
	assert_int_equal(fake_count("map data"), 0);
	assert_int_equal(fake_count("map more"), 1);
	assert_int_equal(fake_count("unseal data"), 0);
}

static void test_another_volume_key_than_the_sealed_one_is_refused(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.volumes[0].replaced = true;
	assert_int_equal(run(), LK_E_VOLUME);
	assert_int_equal(fake_count("extend 15 by closed"), 1);
	assert_int_equal(fake_count("map "), 0);
}

static void test_a_payload_of_another_length_opens_no_keyslot(void **s)
{
	static const size_t lengths[] = { 0, 1, 32, 63, 65, 95, 97, 128 };

	(void)s;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		world(&(struct setting){ 0 });
		fake.volumes[0].payload_len = lengths[i];
		assert_int_equal(run(), LK_E_OBJECT);
		assert_int_equal(fake_count("keyslot "), 0);
		assert_int_equal(fake_count("map "), 0);
	}
}

static void test_moving_pcrs_are_tried_again_with_a_bound(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.volumes[0].unseal_rc[0] = LK_E_AGAIN;
	fake.volumes[0].unseal_rc[1] = LK_E_AGAIN;
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("unseal "), 3);
	world(&(struct setting){ 0 });
	for (size_t j = 0; j < 8; j++)
		fake.volumes[0].unseal_rc[j] = LK_E_AGAIN;
	assert_int_equal(run(), LK_E_AGAIN);
	assert_int_equal(fake_count("unseal "), 4);
}

static void test_a_refusal_is_not_tried_again(void **s)
{
	static const int why[] = { LK_E_POLICY, LK_E_LOCKED, LK_E_NO_TPM };

	(void)s;
	for (size_t i = 0; i < 3; i++) {
		world(&(struct setting){ 0 });
		fake.volumes[0].unseal_rc[0] = why[i];
		assert_int_equal(run(), why[i]);
		assert_int_equal(fake_count("unseal "), 1);
	}
}

static void test_a_false_remembered_handle_leads_to_the_long_way(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.volumes[0].unseal_rc[0] = LK_E_OBJECT;
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("unseal root remembered"), 1);
	assert_int_equal(fake_count("tpm forget"), 2); /* of these one later */
	assert_int_equal(fake_count("unseal root"), 2);
	assert_true(fake_first("unseal ") < fake_first("tpm forget"));
	assert_true(fake_first("tpm forget") < fake_last("unseal "));
}

static void test_a_token_that_is_no_token_is_refused_after_the_latch(void **s)
{
	static const char *const tokens[] = { NULL, "", "{}", "[", "{\"a\":" };

	(void)s;
	for (size_t i = 0; i < 5; i++) {
		world(&(struct setting){ 0 });
		fake.volumes[0].token = tokens[i];
		assert_int_equal(run(), LK_E_POLICY);
		assert_int_equal(fake_count("unseal "), 0);
		assert_int_equal(fake_count("extend 15 by closed"), 1);
		assert_int_equal(fake_count("map "), 0);
	}
}

static void test_among_several_policies_the_measured_one_is_used(void **s)
{
	char *token;

	(void)s;
	world(&(struct setting){ 0 });
	token = make_token(0x10, 3); /* 10, 11, 12 */
	fake.volumes[0].token = token;
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("pcr read"), 1);
	free(token);
}

static void test_no_policy_for_this_boot_asks_nothing_of_the_tpm(void **s)
{
	char *token;

	(void)s;
	world(&(struct setting){ 0 });
	token = make_token(0x20, 3);
	fake.volumes[0].token = token;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("unseal "), 0);
	assert_int_equal(fake_count("map "), 0);
	free(token);
}

static void test_a_dry_run_maps_nothing_latches_nothing_and_asks_nobody(void **s)
{
	const struct lk_unseal_options o = { .policy = POLICY,
					     .tcti = "device:/dev/tpm0",
					     .dry_run = true };

	(void)s;
	world(&(struct setting){ .n = 2, .on_failure = "prompt" });
	fake.volumes[1].unseal_rc[0] = LK_E_POLICY;
	fake.answers[0] = "typed";
	assert_int_equal(run_with(&o), LK_E_POLICY);
	assert_int_equal(fake_count("unseal "), 2);
	assert_int_equal(fake_count("extend "), 0);
	assert_int_equal(fake_count("map "), 0);
	assert_int_equal(fake_count("ask "), 0);
}

static void test_only_the_volume_asked_for_is_touched(void **s)
{
	struct lk_unseal_options o = { .policy = POLICY,
				       .tcti = "device:/dev/tpm0",
				       .volume = "data" };

	(void)s;
	world(&(struct setting){ .n = 2 });
	assert_int_equal(run_with(&o), LK_OK);
	assert_int_equal(fake_count("header root"), 0);
	assert_int_equal(fake_count("map data"), 1);
	world(&(struct setting){ .n = 2 });
	o.volume = "none";
	assert_int_equal(run_with(&o), LK_E_USAGE);
	assert_int_equal(fake_count("tpm open"), 0);
}

static void test_a_volume_that_is_there_already_is_left_alone(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.volumes[0].mapped_before = true;
	assert_int_equal(run(), LK_OK);
	assert_int_equal(fake_count("unseal "), 0);
	assert_int_equal(fake_count("map "), 0);
	assert_int_equal(fake_count("extend 15 by closed"), 1);
}

static void test_a_bad_policy_file_touches_neither_tpm_nor_disk(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.files[0].text = "latchkey-policy: 3\n";
	assert_int_equal(run(), LK_E_INPUT);
	assert_int_equal(fake.n_events, 1); /* what the log says */
	world(&(struct setting){ 0 });
	fake.files[0].path = "/elsewhere";
	assert_int_equal(run(), LK_E_INPUT);
	assert_int_equal(fake.n_events, 1);
}

static void test_mapping_that_fails_is_told_and_nobody_asked(void **s)
{
	(void)s;
	world(&(struct setting){ .on_failure = "prompt" });
	fake.volumes[0].map_rc = LK_E_IO;
	fake.answers[0] = "typed";
	assert_int_equal(run(), LK_E_IO);
	assert_int_equal(fake_count("extend 15 by closed"), 1);
	assert_int_equal(fake_count("map root"), 1);
	assert_int_equal(fake_count("ask "), 0);
}

/* Runs with signed policies given as files. */
static int run_signed(const char *path)
{
	const struct lk_unseal_options o = { .policy = POLICY,
					     .signed_policies = path,
					     .tcti = "device:/dev/tpm0" };

	return run_with(&o);
}

static void test_a_bad_signed_file_is_passed_over_where_there_is_another(void **s)
{
	(void)s;
	/* The token has one. */
	world(&(struct setting){ 0 });
	fake.files[1].path = "/signed.yaml";
	fake.files[1].text = "a: [";
	assert_int_equal(run_signed("/signed.yaml"), LK_OK);
	assert_int_equal(fake_count("log 4 /signed.yaml: "), 1);
	assert_int_equal(fake_count("map root"), 1);
	/* Another file has one, and the token none. */
	for (size_t bad = 1; bad <= 2; bad++) {
		char *empty;

		world(&(struct setting){ 0 });
		empty = make_token(0x11, 0);
		fake.volumes[0].token = empty;
		fake.dir = "/signed";
		fake.files[1].path = "/signed/a.yaml";
		fake.files[2].path = "/signed/b.yaml";
		fake.files[bad].text = "{}";
		fake.files[3 - bad].text = signed_text(0x11);
		assert_int_equal(run_signed("/signed"), LK_OK);
		assert_int_equal(fake_count("log 4 "), 1);
		assert_int_equal(fake_count("map root"), 1);
		free(empty);
	}
}

static void test_a_bad_signed_file_is_the_reason_where_nothing_else_is(void **s)
{
	char *empty;

	(void)s;
	for (size_t i = 0; i < 4; i++) {
		world(&(struct setting){ 0 });
		empty = make_token(0x11, 0);
		fake.volumes[0].token = empty;
		fake.dir = i % 2 ? "/signed" : NULL;
		fake.list_rc = i == 3 ? LK_E_INPUT : LK_OK;
		fake.files[1].path = i == 1 ? "/signed/a" : "/signed";
		fake.files[1].text = "latchkey-signed-policy: 9\n";
		if (i == 2)
			fake.files[1].path = NULL; /* not even there */
		/* Not as a policy file that is malformed: the latch is closed. */
		assert_int_equal(run_signed("/signed"), LK_E_POLICY);
		assert_int_equal(fake_count("log 4 "), 1);
		assert_int_equal(fake_count("unseal "), 0);
		assert_int_equal(fake_count("extend 15 by closed"), 1);
		assert_int_equal(fake_count("map "), 0);
		free(empty);
	}
}

static void test_an_empty_directory_of_signed_files_is_no_error(void **s)
{
	(void)s;
	world(&(struct setting){ 0 });
	fake.dir = "/signed";
	assert_int_equal(run_signed("/signed"), LK_OK);
	assert_int_equal(fake_count("log 4 "), 0);
}

static void test_beside_a_prompt_every_volume_is_asked_for(void **s)
{
	(void)s;
	for (size_t bad = 0; bad < 3; bad++) {
		world(&(struct setting){ .n = 3, .on_failure = "prompt" });
		fake.volumes[bad].unseal_rc[0] = LK_E_POLICY;
		fake.answers[0] = fake.answers[1] = fake.answers[2] = "typed";
		assert_int_equal(run(), LK_OK);
		assert_int_equal(fake_count("ask "), 3);
		assert_int_equal(fake_count("map "), 3);
		assert_true(fake_first("ask ") < fake_first("map "));
		assert_int_equal(fake.secrets_when_asked, 0);
	}
}

static void test_beside_a_prompt_nothing_is_opened_by_the_tpm(void **s)
{
	(void)s;
	world(&(struct setting){ .n = 2, .on_failure = "prompt" });
	fake.volumes[1].replaced = true; /* a thief's, who knows its phrase */
	fake.volumes[0].typed = "the owner's";
	fake.answers[0] = fake.answers[1] = fake.answers[2] = fake.answers[3] = "typed";
	assert_int_equal(run(), LK_E_VOLUME);
	assert_int_equal(fake_count("log 3 root: not opened: the TPM would"), 1);
	assert_int_equal(fake_count("ask "), 4);
	assert_int_equal(fake_count("map root"), 0);
	assert_int_equal(fake_count("map data"), 1);
}

static void test_beside_a_prompt_what_may_not_be_asked_for_stays_closed(void **s)
{
	static const char *const own[] = { "fail", "halt" };

	(void)s;
	for (size_t i = 0; i < 2; i++) {
		world(&(struct setting){ .n = 2, .on_failure = "prompt", .each = { own[i] } });
		fake.volumes[1].unseal_rc[0] = LK_E_POLICY;
		fake.answers[0] = fake.answers[1] = "typed";
		assert_int_equal(run(), LK_E_VOLUME);
		assert_int_equal(fake_count("ask "), 1);
		assert_int_equal(fake_count("map root"), 0);
		assert_int_equal(fake_count("map data"), 1);
		assert_int_equal(fake_count("reboot"), i);
	}
}

static void test_a_failure_that_is_not_prompted_for_closes_no_other(void **s)
{
	(void)s;
	/* Its own on-failure is fail. */
	world(&(struct setting){ .n = 3, .on_failure = "prompt", .each = { NULL, "fail" } });
	fake.volumes[1].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count("ask "), 0);
	assert_int_equal(fake_count("map "), 2);
	/* There is no header that a passphrase could open. */
	world(&(struct setting){ .n = 3, .on_failure = "prompt" });
	fake.volumes[1].header_rc = LK_E_HEADER;
	fake.volumes[2].device_rc = LK_E_NO_DEVICE;
	assert_int_equal(run(), LK_E_HEADER);
	assert_int_equal(fake_count("ask "), 0);
	assert_int_equal(fake_count("map root"), 1);
}

static void test_values_that_cannot_be_had_are_not_to_be_signed(void **s)
{
	static const char remedy[] = "log 3 root: if this boot is as it should";

	(void)s;
	world(&(struct setting){ 0 });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count(remedy), 1);
	assert_int_equal(fake_count("replace " LK_SEEN_FILE " 0644"), 1);
	world(&(struct setting){ 0 });
	fake.volumes[0].unseal_rc[0] = LK_E_POLICY;
	fake.pcr_rc = LK_E_POLICY;
	assert_int_equal(run(), LK_E_POLICY);
	assert_int_equal(fake_count(remedy), 0);
	assert_int_equal(fake_count("replace " LK_SEEN_FILE), 0);
	assert_int_equal(fake_count("replace " LK_DIAGNOSIS_FILE " 0644"), 1);
	assert_int_equal(fake_count("log 3 root: not opened: reading PCRs"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_volume_is_opened_in_the_order_of_the_design),
		cmocka_unit_test(test_all_unseals_come_before_the_latch_and_all_keyslots_after),
		cmocka_unit_test(test_each_volume_key_is_measured_before_any_is_mapped),
		cmocka_unit_test(test_a_key_that_is_not_ours_is_not_measured),
		cmocka_unit_test(test_measuring_that_fails_costs_a_warning_only),
		cmocka_unit_test(test_without_a_latch_nothing_is_extended),
		cmocka_unit_test(test_the_latch_closes_in_the_session_of_the_first_volume_unsealed),
		cmocka_unit_test(test_a_latch_that_no_root_key_proves_is_no_reason_to_prompt),
		cmocka_unit_test(test_nothing_unsealed_closes_the_latch),
		cmocka_unit_test(test_what_the_library_remembers_goes_before_the_long_work),
		cmocka_unit_test(test_a_latch_that_fails_opens_nothing_and_never_prompts),
		cmocka_unit_test(test_a_latch_that_fails_halts_where_the_policy_says_so),
		cmocka_unit_test(test_nothing_unsealed_closes_the_latch_all_the_same),
		cmocka_unit_test(test_a_prompt_comes_after_the_latch),
		cmocka_unit_test(
			test_nobody_is_asked_after_the_tpm_has_opened_a_volume_in_this_boot),
		cmocka_unit_test(test_a_prompt_ends_after_three_wrong_answers),
		cmocka_unit_test(test_a_recovery_key_is_tried_in_its_written_form),
		cmocka_unit_test(test_a_prompt_that_fails_otherwise_says_why),
		cmocka_unit_test(test_fail_never_prompts),
		cmocka_unit_test(test_halt_halts_after_the_latch_and_never_prompts),
		cmocka_unit_test(test_reboot_is_counted_after_the_latch_and_forgotten_once_opened),
		cmocka_unit_test(test_a_reboot_that_can_not_be_counted_is_a_halt),
		cmocka_unit_test(test_a_halt_goes_before_a_reboot),
		cmocka_unit_test(test_a_prompt_has_a_time_limit_and_something_after_it),
		cmocka_unit_test(test_a_closed_volume_that_wants_no_reboot_keeps_no_count),
		cmocka_unit_test(test_after_a_crash_the_policy_file_says_how_the_boot_ends),
		cmocka_unit_test(test_a_key_that_is_typed_in_time_ends_it_well),
		cmocka_unit_test(test_without_a_tpm_nothing_is_opened_and_nobody_asked),
		cmocka_unit_test(test_prompt_without_tpm_asks_without_a_tpm),
		cmocka_unit_test(test_a_tpm_that_stays_silent_is_as_good_as_none),
		cmocka_unit_test(test_a_tpm_silent_for_a_while_closes_the_latch_yet),
		cmocka_unit_test(test_a_tpm_silent_after_an_answer_must_close_the_latch),
		cmocka_unit_test(test_a_tpm_that_refuses_the_latch_is_not_a_silent_one),
		cmocka_unit_test(test_a_tpm_that_comes_up_late_closes_the_latch),
		cmocka_unit_test(test_one_volume_that_fails_keeps_no_other_closed),
		cmocka_unit_test(test_another_volume_key_than_the_sealed_one_is_refused),
		cmocka_unit_test(test_a_payload_of_another_length_opens_no_keyslot),
		cmocka_unit_test(test_moving_pcrs_are_tried_again_with_a_bound),
		cmocka_unit_test(test_a_refusal_is_not_tried_again),
		cmocka_unit_test(test_a_false_remembered_handle_leads_to_the_long_way),
		cmocka_unit_test(test_a_token_that_is_no_token_is_refused_after_the_latch),
		cmocka_unit_test(test_among_several_policies_the_measured_one_is_used),
		cmocka_unit_test(test_no_policy_for_this_boot_asks_nothing_of_the_tpm),
		cmocka_unit_test(test_a_dry_run_maps_nothing_latches_nothing_and_asks_nobody),
		cmocka_unit_test(test_only_the_volume_asked_for_is_touched),
		cmocka_unit_test(test_a_volume_that_is_there_already_is_left_alone),
		cmocka_unit_test(test_a_bad_policy_file_touches_neither_tpm_nor_disk),
		cmocka_unit_test(test_mapping_that_fails_is_told_and_nobody_asked),
		cmocka_unit_test(test_a_bad_signed_file_is_passed_over_where_there_is_another),
		cmocka_unit_test(test_a_bad_signed_file_is_the_reason_where_nothing_else_is),
		cmocka_unit_test(test_an_empty_directory_of_signed_files_is_no_error),
		cmocka_unit_test(test_beside_a_prompt_every_volume_is_asked_for),
		cmocka_unit_test(test_beside_a_prompt_nothing_is_opened_by_the_tpm),
		cmocka_unit_test(test_beside_a_prompt_what_may_not_be_asked_for_stays_closed),
		cmocka_unit_test(test_a_failure_that_is_not_prompted_for_closes_no_other),
		cmocka_unit_test(test_values_that_cannot_be_had_are_not_to_be_signed),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(token_text);
	return failed;
}
