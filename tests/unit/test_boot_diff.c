/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of what is remembered of a boot, and of the event that makes a later one differ. */
#include <stdlib.h>

#include "event_logs.h"

#include "core/bootlog/boot_diff.h"
#include "core/luks/hints.h"
#include "core/base/text.h"

#define POLICY_PCRS (1u << 0 | 1u << 7 | 1u << 10)
#define BANK	    LK_ALG_SHA256

/** A boot that was, and one that is, by their logs. */
struct boots {
	struct lk_buf good[2], now[2]; /* firmware, ima */
	struct lk_pcr_values signed_values;
	uint8_t bytes[LK_REFERENCE_MAX];
	size_t len;
	struct lk_boot_diff_input in;
	struct lk_text_out text;
	struct lk_boot_diff diff;
};

static struct lk_logs logs_of(const struct lk_buf *buf)
{
	return (struct lk_logs){ { buf[0].data, buf[0].len }, { buf[1].data, buf[1].len } };
}

/* What both logs come to, whatever a TPM said. */
static struct lk_pcr_values values_of(const struct lk_logs *logs)
{
	struct lk_pcr_replay r;

	lk_pcr_replay_init(&r, BANK);
	assert_int_equal(lk_event_log_replay(logs->firmware, &r, lk_crypto_hash, NULL), LK_OK);
	assert_int_equal(lk_ima_log_replay(logs->ima, LK_IMA_OWN_HASH, &r, lk_crypto_hash, NULL),
			 LK_OK);
	return r.values;
}

static void explain(const struct lk_logs *logs, const struct lk_pcr_values *values,
		    struct lk_boot_view *view)
{
	view->logs = *logs;
	view->hash = lk_crypto_hash;
	assert_int_equal(lk_log_explain(logs, values, lk_crypto_hash, &view->explained, NULL),
			 LK_OK);
}

/* Remembered is the boot of @good, under a policy of PCRs @mask. */
static struct boots *begin(const char *good, const char *now, uint32_t mask)
{
	struct boots *b = test_calloc(1, sizeof(*b));
	struct lk_boot_view view;
	struct lk_logs logs;
	struct lk_writer w = lk_writer_init(b->bytes, sizeof(b->bytes));

	for (unsigned int i = 0; i < 2; i++) {
		b->good[i] = recorded_file(good, i ? "ima" : "firmware");
		b->now[i] = recorded_file(now, i ? "ima" : "firmware");
	}
	logs = logs_of(b->good);
	b->signed_values = values_of(&logs);
	b->signed_values.sel.mask = mask;
	explain(&logs, &b->signed_values, &view);
	assert_int_equal(lk_boot_reference_make(&view, &b->signed_values, &w, NULL), LK_OK);
	b->len = w.len;
	assert_true(
		lk_boot_reference_parse((struct lk_bytes){ b->bytes, b->len }, &b->in.reference));
	b->in.remembered = true;
	b->in.hashes = LK_BOOT_DIFF_HASHES;
	return b;
}

static void end(struct boots *b)
{
	for (unsigned int i = 0; i < 2; i++) {
		lk_buf_done(&b->good[i]);
		lk_buf_done(&b->now[i]);
	}
	test_free(b);
}

/* The TPM says what the logs of now come to. */
static const char *words(struct boots *b, unsigned int pcr)
{
	struct lk_logs logs = logs_of(b->now);
	struct lk_pcr_values seen = values_of(&logs);

	explain(&logs, &seen, &b->in.view);
	if (b->signed_values.sel.mask & 1u << pcr)
		assert_int_equal(lk_boot_diff_find(&b->in, &b->signed_values, pcr, &b->diff, NULL),
				 LK_OK);
	else
		assert_int_equal(lk_boot_diff_below(&b->in, pcr, &b->diff, NULL), LK_OK);
	lk_boot_diff_text(&b->in.view, &b->diff, &b->text);
	return b->text.text;
}

static void said(struct boots *b, unsigned int pcr, const char *want)
{
	const char *text = words(b, pcr);

	if (strncmp(text, want, strlen(want)) != 0)
		fail_msg("PCR %u: \"%s\" doesn't begin with \"%s\"", pcr, text, want);
}

static void test_another_machines_boot_is_told_apart(void **s)
{
	struct boots *b = begin("uki-13", "uki-12", POLICY_PCRS | 1u << 11);

	(void)s;
	said(b, 10, "boot_aggregate is another: it follows from PCRs 4,9");
	said(b, 4, "another boot image, sha256 099cf8851e10eee3");
	assert_non_null(strstr(b->text.text, " \"\\EFI\\BOOT\\BOOTX64.EFI\""));
	said(b, 9, "another initrd, sha256 daa292b1d1f65708");
	said(b, 11, "changed: unified kernel image: bytes of section \".linux\"");
	end(b);
}

static void test_secure_boot_off_is_said(void **s)
{
	struct boots *b = begin("uki-12", "insecure-12", POLICY_PCRS);

	(void)s;
	said(b, 7, "Secure Boot is off, and was on");
	said(b, 10, "boot_aggregate is another: it follows from PCRs ");
	assert_true(b->diff.follows & 1u << 7);
	end(b);
	b = begin("insecure-12", "uki-12", POLICY_PCRS);
	said(b, 7, "Secure Boot is on, and was off");
	end(b);
}

static void test_files_that_ima_measured_more_are_named(void **s)
{
	struct boots *b = begin("uki-13", "measuring-13", POLICY_PCRS);

	(void)s;
	/* Another image too, so that boot_aggregate comes first. */
	said(b, 10, "boot_aggregate is another");
	end(b);
	b = begin("measuring-13", "measuring-13", POLICY_PCRS);
	/* The good boot had fewer entries at its unlock. */
	b->in.reference.pcr[10].n = 3;
	memset(b->signed_values.value[10], 7, LK_DIGEST_MAX);
	memset(b->in.reference.pcr[10].value, 7, LK_REFERENCE_DIGEST);
	said(b, 10, "4 events are new, the first: file \"/tmp/busybox\"");
	assert_true(b->diff.ima && b->diff.event == 4);
	end(b);
}

/* Events of PCR 7 in the logs: SecureBoot, PK, KEK, db, dbx, separator,
 * authority. What the reference has is changed, in place of the log. */
static struct lk_boot_event *remembered(struct boots *b, unsigned int pcr, size_t i)
{
	memset(b->signed_values.value[pcr], 9, LK_DIGEST_MAX);
	memset(b->in.reference.pcr[pcr].value, 9, LK_REFERENCE_DIGEST);
	return &b->in.reference.event[b->in.reference.pcr[pcr].first + i];
}

static void test_signature_lists_say_how_many_more(void **s)
{
	static const struct {
		size_t at;
		uint16_t before;
		const char *want;
	} cases[] = {
		{ 3, 0,
		  "the Secure Boot database db has a certificate more (now 1 certificate, 0 hashes: \"SnakeOil\")" },
		{ 3, 1, "the Secure Boot database db is another, with as many entries" },
		{ 3, 3, "the Secure Boot database db has 2 certificates fewer" },
		{ 4, 0,
		  "the Secure Boot revocation list dbx has a hash more (now 0 certificates, 1 hash)" },
		{ 4, 400, "the Secure Boot revocation list dbx has 399 hashes fewer" },
		{ 2, 0, "the Secure Boot key list KEK has a certificate more" },
		{ 1, LK_SIGNATURES_UNKNOWN, "the Secure Boot platform key PK is another" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
		struct lk_boot_event *e = remembered(b, 7, cases[i].at);

		e->signatures = cases[i].before;
		e->digest[0] ^= 1;
		said(b, 7, cases[i].want);
		assert_int_equal(b->diff.change, LK_CHANGE_OTHER);
		end(b);
	}
}

static void test_what_changed_into_another_kind_is_no_list(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	struct lk_boot_event *e = remembered(b, 7, 3);

	(void)s;
	e->kind = LK_KIND_AUTHORITY;
	e->digest[0] ^= 1;
	said(b, 7, "the Secure Boot database db is another");
	assert_int_equal(b->diff.before, LK_SIGNATURES_UNKNOWN);
	end(b);
}

static void test_new_and_missing_events(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	struct lk_boot_event *e = remembered(b, 7, 2);
	struct lk_reference_pcr *p = &b->in.reference.pcr[7];

	(void)s;
	/* KEK wasn't there. */
	memmove(e, e + 1, (p->n - 3) * sizeof(*e));
	p->n--;
	said(b, 7, "new: Secure Boot variable \"KEK\"");
	assert_int_equal(b->diff.n, 1);
	/* The authority wasn't either, which comes later. */
	p->n--;
	said(b, 7, "new: Secure Boot variable \"KEK\"");
	end(b);

	b = begin("uki-12", "uki-12", POLICY_PCRS);
	e = remembered(b, 7, 3);
	p = &b->in.reference.pcr[7];
	memmove(e + 1, e, (p->n - 3) * sizeof(*e)); /* over PCR 8's none */
	e->kind = LK_KIND_DRIVER;
	memset(e->digest, 0x77, sizeof(e->digest));
	p->n++;
	said(b, 7, "missing: a driver");
	assert_int_equal(b->diff.event, 0);
	end(b);

	b = begin("uki-12", "uki-12", POLICY_PCRS);
	(void)remembered(b, 7, 0);
	b->in.reference.pcr[7].n -= 2;
	said(b, 7, "2 events are new, the first: separator");
	end(b);
}

static void test_an_end_that_was_cut_off_accuses_nobody(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);

	(void)s;
	(void)remembered(b, 7, 0);
	b->in.reference.pcr[7].n = 3;
	b->in.reference.pcr[7].more = true;
	said(b, 7, "the events that are remembered are the same");
	end(b);
}

static void test_without_a_memory_only_what_the_values_allow(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	struct lk_logs logs = logs_of(b->good);
	struct lk_boot_view view;
	struct lk_pcr_replay r;

	(void)s;
	b->in.remembered = false;
	/* Signed: PCR 7 without dbx, its fifth. */
	explain(&logs, &b->signed_values, &view);
	assert_int_equal(lk_pcr_events_read(&view, 7, &b->in.events, NULL), LK_OK);
	lk_pcr_replay_init(&r, BANK);
	for (size_t i = 0; i < b->in.events.n; i++) {
		const struct lk_digest *d = &b->in.events.digest[i];

		if (i != 4)
			assert_true(lk_pcr_replay_extend(&r, 7,
							 (struct lk_bytes){ d->data, d->len },
							 lk_crypto_hash));
	}
	memcpy(b->signed_values.value[7], r.values.value[7], LK_DIGEST_MAX);
	said(b, 7, "new: Secure Boot variable \"dbx\"");
	assert_true(b->diff.by_value);
	/* And PCR 10 follows, whatever else. */
	memset(b->signed_values.value[10], 1, LK_DIGEST_MAX);
	said(b, 10, "boot_aggregate is another: it follows from PCR 7 at least");
	memcpy(b->signed_values.value[7], b->in.view.explained.pcrs.values.value[7], LK_DIGEST_MAX);
	said(b, 10, "boot_aggregate is another by one of PCRs ");
	assert_non_null(strstr(b->text.text, "partition table (GPT) (PCR 5)"));
	assert_int_equal(b->diff.told, LK_TOLD_BELOW);
	assert_int_equal(b->diff.follows & b->signed_values.sel.mask, 0);
	/* Never extended. */
	memset(b->signed_values.value[7], 0, LK_DIGEST_MAX);
	said(b, 7, "7 events are new, the first: Secure Boot is on");
	memset(b->signed_values.value[7], 1, LK_DIGEST_MAX);
	said(b, 7, "no event can be named: no good boot is remembered");
	b->in.remembered = true;
	said(b, 7, "no event can be named: the boot that is remembered is another");
	/* No endless work. */
	b->in.hashes = 3;
	memcpy(b->signed_values.value[7], r.values.value[7], LK_DIGEST_MAX);
	said(b, 7, "no event can be named");
	end(b);
}

static void test_values_beside_the_log_are_said_to_be(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	struct lk_logs logs = logs_of(b->now);
	struct lk_pcr_values seen = values_of(&logs);
	struct lk_boot_diff diff;

	(void)s;
	seen.value[7][0] ^= 1;
	explain(&logs, &seen, &b->in.view);
	assert_int_equal(lk_boot_diff_find(&b->in, &b->signed_values, 7, &diff, NULL), LK_OK);
	assert_int_equal(diff.told, LK_TOLD_BESIDE);
	b->signed_values.value[7][1] ^= 1;
	assert_int_equal(lk_boot_diff_find(&b->in, &b->signed_values, 7, &diff, NULL), LK_OK);
	assert_int_equal(diff.told, LK_TOLD_UNEXPLAINED);
	end(b);
}

/* Of each recorded machine. */
static void test_a_boot_compared_with_itself_differs_in_nothing(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct boots *b = begin(recorded[i], recorded[i], POLICY_PCRS);

		assert_true(b->len > 1 && b->len < 700);
		for (unsigned int pcr = 0; pcr < LK_IMA_BOOT_PCRS; pcr++) {
			said(b, pcr, "");
			/* The oldest kernel's boot_aggregate is SHA-1's. */
			if (pcr == 0 || pcr == 7 || b->in.reference.pcr[pcr].present)
				assert_int_equal(b->diff.told, LK_TOLD_SAME);
			else
				assert_int_equal(b->diff.told, LK_TOLD_NOTHING);
		}
		end(b);
	}
}

static void test_nothing_is_remembered_of_an_unexplained_boot(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	struct lk_logs logs = logs_of(b->good);
	struct lk_boot_view view;
	uint8_t bytes[LK_REFERENCE_MAX];
	struct lk_writer w = lk_writer_init(bytes, sizeof(bytes));
	struct lk_err err = { 0 };

	(void)s;
	b->signed_values.value[7][0] ^= 1;
	explain(&logs, &b->signed_values, &view);
	assert_int_equal(lk_boot_reference_make(&view, &b->signed_values, &w, &err), LK_E_REFUSED);
	assert_non_null(strstr(err.msg, "PCR 7"));
	assert_int_equal(w.len, 0);
	end(b);
}

static void test_pcrs_below_are_remembered_where_boot_aggregate_vouches(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", 1u << 7);

	(void)s;
	assert_false(b->in.reference.pcr[4].present);
	end(b);
	b = begin("uki-12", "uki-12", 1u << 10);
	assert_true(b->in.reference.pcr[4].present);
	assert_false(b->in.reference.pcr[11].present);
	end(b);
}

/* Room is shared: a boot loader's thousand commands don't push out the rest. */
static void test_the_most_events_fit(void **s)
{
	struct made m = { .len = 0 };
	struct lk_buf head = recorded_file("uki-12", "firmware");
	struct lk_boot_view view = { .hash = lk_crypto_hash };
	struct lk_pcr_values values;
	struct lk_boot_reference ref;
	uint8_t bytes[LK_REFERENCE_MAX];
	struct lk_writer w = lk_writer_init(bytes, sizeof(bytes));
	static uint8_t log[1u << 17];
	size_t len = 69; /* the Spec ID event of both banks */

	(void)s;
	memcpy(log, head.data, len);
	lk_buf_done(&head);
	for (unsigned int i = 0; i < 900; i++) {
		m.len = 0;
		put_number(&m, i < 600 ? 8 : i % 3, 4);
		put_number(&m, LK_EV_IPL, 4);
		put_number(&m, 1, 4);
		put_number(&m, BANK, 2);
		for (unsigned int j = 0; j < 8; j++)
			put_number(&m, i * 31 + j, 4);
		put_number(&m, 0, 4);
		memcpy(log + len, m.data, m.len);
		len += m.len;
	}
	view.logs.firmware = (struct lk_bytes){ log, len };
	{
		struct lk_pcr_replay r;

		lk_pcr_replay_init(&r, BANK);
		assert_int_equal(lk_event_log_replay(view.logs.firmware, &r, lk_crypto_hash, NULL),
				 LK_OK);
		values = r.values;
	}
	values.sel.mask = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 8;
	explain(&view.logs, &values, &view);
	assert_int_equal(lk_boot_reference_make(&view, &values, &w, NULL), LK_OK);
	assert_true(lk_boot_reference_parse((struct lk_bytes){ bytes, w.len }, &ref));
	assert_int_equal(ref.n, LK_REFERENCE_EVENTS_MAX);
	assert_int_equal(ref.pcr[0].n, LK_REFERENCE_PCR_EVENTS_MAX);
	assert_true(ref.pcr[0].more && ref.pcr[8].more);
	assert_int_equal(ref.pcr[8].n, 0);
}

static void test_references_that_are_none(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	static uint8_t big[LK_REFERENCE_MAX + 64];
	struct lk_boot_reference ref;
	struct lk_writer w = lk_writer_init(big, sizeof(big));

	(void)s;
	poison(&ref, sizeof(ref));
	for (size_t n = 0; n < b->len; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		struct lk_boot_reference r2;

		assert_non_null(cut);
		memcpy(cut, b->bytes, n);
		/* Between two PCRs it is one, with fewer. */
		if (lk_boot_reference_parse((struct lk_bytes){ cut, n }, &r2))
			assert_true(n == 1 || r2.n < b->in.reference.n);
		free(cut);
	}
	for (unsigned int v = 0; v < 256; v++) {
		b->bytes[0] = (uint8_t)v;
		if (v != 1)
			assert_false(lk_boot_reference_parse((struct lk_bytes){ b->bytes, b->len },
							     &ref));
	}
	/* 257 events; and a number of them that isn't there. */
	lk_write_u8(&w, 1);
	lk_write_u8(&w, 7);
	lk_write_be32(&w, 0);
	lk_write_be16(&w, 257);
	for (unsigned int i = 0; i < 257; i++) {
		lk_write_u8(&w, 0);
		lk_write_be16(&w, 0);
		lk_write_be32(&w, i);
	}
	assert_false(w.failed);
	assert_false(lk_boot_reference_parse((struct lk_bytes){ big, w.len }, &ref));
	big[6] = 1;
	big[7] = 0;
	assert_true(lk_boot_reference_parse((struct lk_bytes){ big, w.len - 7 }, &b->in.reference));
	big[6] = big[7] = 0xff;
	assert_false(lk_boot_reference_parse((struct lk_bytes){ big, w.len }, &ref));
	/* A kind that there isn't; PCRs twice, or that there aren't. */
	big[6] = 0;
	big[7] = 1;
	big[8] = LK_KIND_COUNT;
	assert_false(lk_boot_reference_parse((struct lk_bytes){ big, 15 }, &ref));
	big[8] = 0;
	assert_true(lk_boot_reference_parse((struct lk_bytes){ big, 15 }, &b->in.reference));
	memcpy(big + 15, big + 1, 14);
	assert_false(lk_boot_reference_parse((struct lk_bytes){ big, 29 }, &ref));
	big[15] = 24;
	assert_false(lk_boot_reference_parse((struct lk_bytes){ big, 29 }, &ref));
	assert_true(is_poisoned(&ref, sizeof(ref)));
	end(b);
}

/* From a log that nobody vouches for: bounded, and fit for a terminal. */
static void test_names_are_cut_and_digests_stay(void **s)
{
	struct made path = { .len = 0 };
	struct lk_event event = {
		.pcr = 4,
		.type = LK_EV_EFI_BOOT_SERVICES_APPLICATION,
		.sha256 = { (const uint8_t *)"0123456789abcdef0123456789abcdef", 32 },
	};
	struct lk_event_change c = { .event = &event, .kind = LK_KIND_IMAGE, .n = 1, .bank = BANK };
	struct lk_text_out text;

	(void)s;
	for (unsigned int i = 0; i < 24; i++)
		put_number(&path, 0, 1);
	put_number(&path, 2004, 8);
	put_number(&path, 0x0404, 2);
	put_number(&path, 2004, 2);
	for (unsigned int i = 0; i < 1000; i++)
		put_number(&path, i % 3 ? 0x20ac : 0x1b, 2);
	event.data = (struct lk_bytes){ path.data, path.len };
	for (unsigned int how = 0; how < 2; how++) {
		c.change = how ? LK_CHANGE_NEW : LK_CHANGE_OTHER;
		lk_event_change_text(&c, lk_crypto_hash, &text);
		assert_true(lk_text_is_visible(text.text));
		assert_non_null(strstr(text.text, "..."));
		assert_non_null(strstr(text.text, "sha256 3031323334353637"));
		assert_non_null(strstr(text.text, "\xe2\x82\xac\\x1b"));
		assert_true(text.len > 300);
	}
}

static void test_hashes_that_fail_are_errors(void **s)
{
	struct boots *b = begin("uki-12", "measuring-12", POLICY_PCRS);
	struct lk_boot_diff diff;
	struct lk_err err = { 0 };

	(void)s;
	(void)words(b, 7);
	b->in.view.hash = failing_hash;
	b->in.remembered = false;
	assert_int_equal(lk_boot_diff_find(&b->in, &b->signed_values, 10, &diff, &err),
			 LK_E_SYSTEM);
	end(b);
}

static void test_hints_carry_it_and_learned_files_do_not(void **s)
{
	struct boots *b = begin("uki-12", "uki-12", POLICY_PCRS);
	static char json[LK_LEARNED_MAX + 2];
	struct lk_hints hints = { 0 };
	struct lk_hints again;
	struct lk_bytes events = { b->bytes, b->len };
	char *text;

	(void)s;
	assert_true(lk_hints_set_events(&hints, events));
	assert_false(lk_hints_set_events(&hints, events));
	json[0] = '{';
	(void)lk_hints_write(&hints, json + 1);
	strcat(json, "}");
	{
		LK_OWNED_YAML yaml = doc_of(json);

		lk_hints_from_doc(lk_yaml_root(yaml), &again);
	}
	assert_int_equal(again.events_len, b->len);
	assert_memory_equal(again.events, b->bytes, b->len);
	assert_int_equal(again.ticket_len, 0);
	/* Malformed: as if it weren't there, and nothing else is lost. */
	text = swapped(json, "\"events\":\"01", "\"events\":\"0g");
	{
		LK_OWNED_YAML yaml = doc_of(text);

		lk_hints_from_doc(lk_yaml_root(yaml), &again);
		assert_int_equal(again.events_len, 0);
	}
	free(text);
	(void)lk_learned_write(&hints, json);
	assert_null(strstr(json, "events"));
	/* The largest has room. */
	memset(&hints, 0xff, sizeof(hints));
	hints.root_key_len = hints.sealed_len = LK_HINT_HANDLE_MAX;
	hints.ticket_len = LK_TICKET_MAX;
	hints.policy.len = LK_DIGEST_MAX;
	hints.events_len = LK_REFERENCE_MAX;
	assert_true(lk_hints_write(&hints, json) < LK_HINTS_JSON_MAX);
	end(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_machines_boot_is_told_apart),
		cmocka_unit_test(test_secure_boot_off_is_said),
		cmocka_unit_test(test_files_that_ima_measured_more_are_named),
		cmocka_unit_test(test_signature_lists_say_how_many_more),
		cmocka_unit_test(test_what_changed_into_another_kind_is_no_list),
		cmocka_unit_test(test_new_and_missing_events),
		cmocka_unit_test(test_an_end_that_was_cut_off_accuses_nobody),
		cmocka_unit_test(test_without_a_memory_only_what_the_values_allow),
		cmocka_unit_test(test_values_beside_the_log_are_said_to_be),
		cmocka_unit_test(test_a_boot_compared_with_itself_differs_in_nothing),
		cmocka_unit_test(test_nothing_is_remembered_of_an_unexplained_boot),
		cmocka_unit_test(test_pcrs_below_are_remembered_where_boot_aggregate_vouches),
		cmocka_unit_test(test_the_most_events_fit),
		cmocka_unit_test(test_references_that_are_none),
		cmocka_unit_test(test_names_are_cut_and_digests_stay),
		cmocka_unit_test(test_hashes_that_fail_are_errors),
		cmocka_unit_test(test_hints_carry_it_and_learned_files_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
