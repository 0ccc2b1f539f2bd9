/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of what a digest covers, by event type and bank. */
#include "event_logs.h"

#include "core/bootlog/efi_variable.h"
#include "core/bootlog/event_text.h"
#include "core/bootlog/event_vouch.h"

static bool failing(enum lk_alg alg, const struct lk_bytes *parts, size_t n, struct lk_digest *ret)
{
	(void)alg, (void)parts, (void)n, (void)ret;
	return false;
}

static struct lk_bytes bytes_of(const char *text)
{
	return (struct lk_bytes){ (const uint8_t *)text, strlen(text) };
}

/* An event of which @measured was, in both banks. */
struct made_event {
	struct lk_event event;
	struct lk_digest sha1, sha256, sha384;
};

static void make(struct made_event *m, uint32_t type, const char *data, const char *measured)
{
	struct lk_bytes bytes = bytes_of(measured);

	*m = (struct made_event){ .event = { .pcr = 4, .type = type, .data = bytes_of(data) } };
	assert_true(lk_crypto_hash(LK_ALG_SHA1, &bytes, 1, &m->sha1));
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &bytes, 1, &m->sha256));
	assert_true(lk_crypto_hash(LK_ALG_SHA384, &bytes, 1, &m->sha384));
	m->event.sha256 = (struct lk_bytes){ m->sha256.data, m->sha256.len };
	m->event.sha384 = (struct lk_bytes){ m->sha384.data, m->sha384.len };
}

static void test_each_bank_is_asked(void **s)
{
	struct made_event m, other;

	(void)s;
	make(&m, LK_EV_EFI_ACTION, "action", "action");
	make(&other, LK_EV_EFI_ACTION, "action", "another");
	assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_ALL);
	assert_true(lk_event_data_is_measured(&m.event, lk_crypto_hash));
	m.event.sha384 = other.event.sha384;
	assert_int_equal(lk_event_vouched(&m.event, LK_ALG_SHA256, lk_crypto_hash), LK_VOUCHED_ALL);
	assert_int_equal(lk_event_vouched(&m.event, LK_ALG_SHA384, lk_crypto_hash),
			 LK_VOUCHED_ALTERED);
	assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_ALTERED);
	assert_false(lk_event_data_is_measured(&m.event, lk_crypto_hash));
}

static void test_sha1_counts_where_there_is_nothing_else(void **s)
{
	struct made_event m;

	(void)s;
	make(&m, LK_EV_EFI_ACTION, "action", "action");
	m.event.sha256.len = m.event.sha384.len = 0;
	assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_NOT);
	m.event.sha1 = (struct lk_bytes){ m.sha1.data, m.sha1.len };
	assert_int_equal(m.sha1.len, 20);
	assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_ALL);
	m.event.data = bytes_of("other");
	assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_ALTERED);
}

static void test_a_hash_that_fails_vouches_for_nothing_and_accuses_nobody(void **s)
{
	static const uint32_t types[] = {
		LK_EV_SEPARATOR,      LK_EV_EFI_ACTION,
		LK_EV_EFI_GPT_EVENT,  LK_EV_EFI_VARIABLE_DRIVER_CONFIG,
		LK_EV_S_CRTM_VERSION, LK_EV_IPL,
		LK_EV_EVENT_TAG,      LK_EV_EFI_BOOT_SERVICES_APPLICATION
	};

	(void)s;
	for (size_t i = 0; i < N_OF(types); i++) {
		struct made_event m;

		make(&m, types[i], "data", "data");
		assert_int_equal(lk_event_vouched_by_all(&m.event, failing), LK_VOUCHED_NOT);
		assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_ALL);
	}
}

static void test_what_is_not_extended_is_never_measured(void **s)
{
	struct made_event m;

	(void)s;
	make(&m, LK_EV_NO_ACTION, "note", "note");
	assert_int_equal(lk_event_vouched_by_all(&m.event, lk_crypto_hash), LK_VOUCHED_NOT);
}

/* Recorded machines alter nothing; each event of theirs whose data are turned
 * over is altered, or was only told of. */
static void test_recorded_logs_are_unaltered_until_they_are_altered(void **s)
{
	unsigned int caught = 0, told = 0;

	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		LK_OWNED_BUF log = recorded_file(recorded[i], "firmware");
		struct lk_event_log at;
		struct lk_event e;

		assert_int_equal(lk_event_log_open(log.data, log.len, &at, NULL), LK_OK);
		while (lk_event_log_next(&at, &e, NULL) == LK_OK) {
			enum lk_vouched vouched = lk_event_vouched_by_all(&e, lk_crypto_hash);
			struct lk_text_out text;

			assert_int_not_equal(vouched, LK_VOUCHED_ALTERED);
			if (!e.data.len || e.type == LK_EV_NO_ACTION)
				continue;
			log.data[e.data.data - log.data + (ptrdiff_t)e.data.len - 1] ^= 0x40;
			if (vouched == LK_VOUCHED_NOT) {
				told++;
				continue;
			}
			lk_event_text(&e, lk_crypto_hash, &text);
			if (lk_event_vouched_by_all(&e, lk_crypto_hash) == LK_VOUCHED_ALTERED) {
				caught++;
				assert_non_null(strstr(text.text, "NOT what was measured"));
			} else {
				/* A section's name, or what any loader may log so. */
				assert_int_equal(e.type, LK_EV_IPL);
				assert_int_equal(lk_event_vouched_by_all(&e, lk_crypto_hash),
						 LK_VOUCHED_NOT);
			}
		}
	}
	assert_true(caught > 200 && told > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_bank_is_asked),
		cmocka_unit_test(test_sha1_counts_where_there_is_nothing_else),
		cmocka_unit_test(test_a_hash_that_fails_vouches_for_nothing_and_accuses_nobody),
		cmocka_unit_test(test_what_is_not_extended_is_never_measured),
		cmocka_unit_test(test_recorded_logs_are_unaltered_until_they_are_altered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
