/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of which certificate is measured when another image takes an image's place. */
#include "images.h"

#include "core/predict/log_plan.h"

#define CHARS(text) (text), strlen(text)

static void put_event(struct made *log, uint32_t pcr, uint32_t type, const struct made *data)
{
	const struct lk_bytes bytes = { data->data, data->len };
	struct lk_digest sum;

	assert_true(lk_crypto_hash(LK_ALG_SHA256, &bytes, 1, &sum));
	put_number(log, pcr, 4);
	put_number(log, type, 4);
	put_number(log, 1, 4);
	put_number(log, 0x000b, 2);
	put(log, sum.data, sum.len);
	put_number(log, data->len, 4);
	put(log, data->data, data->len);
}

static void put_variable(struct made *m, const char *name, const struct made *data)
{
	m->len = 0;
	put(m, "0123456789abcdef", 16);
	put_number(m, strlen(name), 8);
	put_number(m, data->len, 8);
	for (const char *p = name; *p; p++)
		put_number(m, (uint8_t)*p, 2);
	put(m, data->data, data->len);
}

/* An entry of db: whose certificate is "signed by A", "signed by B" and so on. */
static void put_entry(struct made *m, char who)
{
	put(m, CHARS("owner of certif."));
	put(m, CHARS("signed by "));
	put(m, &who, 1);
}

static void put_db(struct made *m, const char *who)
{
	static const uint8_t x509[16] = { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
					  0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 };

	for (m->len = 0; *who; who++) {
		put(m, x509, 16);
		put_number(m, 28 + 27, 4);
		put_number(m, 0, 4);
		put_number(m, 27, 4);
		put_entry(m, *who);
	}
}

static void put_settings(struct made *log, const char *db)
{
	struct made data = { .data = { 1 }, .len = 1 }, variable;

	log->len = 0;
	put_number(log, 0, 4);
	put_number(log, LK_EV_NO_ACTION, 4);
	for (size_t i = 0; i < 5; i++)
		put_number(log, 0, 4);
	put_number(log, 33, 4);
	put(log, "Spec ID Event03", 16);
	put_number(log, 0, 8);
	put_number(log, 1, 4);
	put_number(log, 0x000b, 2);
	put_number(log, 32, 2);
	put_number(log, 0, 1);
	put_variable(&variable, "SecureBoot", &data);
	put_event(log, 7, LK_EV_EFI_VARIABLE_DRIVER_CONFIG, &variable);
	put_db(&data, db);
	put_variable(&variable, "db", &data);
	put_event(log, 7, LK_EV_EFI_VARIABLE_DRIVER_CONFIG, &variable);
}

/* i: an image, d: a driver; A to Z: who accepted what comes then; s: shim did. */
static void put_course(struct made *log, const char *course)
{
	struct made data, variable;

	for (const char *p = course; *p; p++) {
		data.len = 0;
		if (*p == 'i') {
			put_event(log, 4, LK_EV_EFI_BOOT_SERVICES_APPLICATION, &data);
		} else if (*p == 'd') {
			put_event(log, 2, LK_EV_EFI_BOOT_SERVICES_DRIVER, &data);
		} else {
			put_entry(&data, *p);
			put_variable(&variable, *p == 's' ? "Shim" : "db", &data);
			put_event(log, 7, LK_EV_EFI_VARIABLE_AUTHORITY, &variable);
		}
	}
}

struct boot {
	struct made log;
	struct lk_log_plan plan;
	struct lk_err err;
};

/* The image of event @old becomes one that these signed. */
static int sign(struct boot *b, const char *course, unsigned int old, const char *signers)
{
	const struct lk_event event = { .number = old };
	struct lk_pe image = { .signatures = { NULL, 0 } };
	struct made signatures = { .len = 0 };

	memset(&b->plan, 0, sizeof(b->plan));
	put_settings(&b->log, "AB");
	put_course(&b->log, course);
	for (; *signers; signers++) {
		put(&signatures, CHARS("PKCS#7 signed by "));
		put(&signatures, signers, 1);
	}
	image.signatures = (struct lk_bytes){ signatures.data, signatures.len };
	lk_log_plan_init(&b->plan, (struct lk_bytes){ b->log.data, b->log.len }, lk_crypto_hash);
	return lk_log_plan_signed(&b->plan, &event, &image, &b->err);
}

static void stays(const char *course, unsigned int old, const char *signers)
{
	struct boot b;

	if (sign(&b, course, old, signers) != LK_OK)
		fail_msg("%s: %s", course, b.err.msg);
	assert_int_equal(b.plan.n, 0);
}

static void refuses(const char *course, unsigned int old, const char *signers, const char *said)
{
	struct boot b;

	assert_int_equal(sign(&b, course, old, signers), LK_E_REFUSED);
	if (!strstr(b.err.msg, said))
		fail_msg("\"%s\" isn't in: %s", said, b.err.msg);
}

/* @event: that becomes the certificate's, 0 for one more. */
static void becomes(const char *course, unsigned int old, char signer, unsigned int event)
{
	const char signers[2] = { signer, '\0' };
	struct made entry = { .len = 0 }, variable;
	struct lk_bytes bytes;
	struct lk_digest sum;
	struct boot b;

	if (sign(&b, course, old, signers) != LK_OK)
		fail_msg("%s: %s", course, b.err.msg);
	put_entry(&entry, signer);
	put_variable(&variable, "db", &entry);
	bytes = (struct lk_bytes){ variable.data, variable.len };
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &bytes, 1, &sum));
	assert_int_equal(b.plan.n, 1);
	assert_int_equal(b.plan.changes[0].event, event);
	assert_int_equal(b.plan.changes[0].pcr, 7);
	assert_memory_equal(b.plan.changes[0].digest[0].data, sum.data, 32);
}

/* The settings are events 1 to 3, so that a course begins with 4. */

static void test_the_same_signer_changes_nothing(void **s)
{
	(void)s;
	stays("Ai", 5, "A");
	stays("Aii", 6, "A");
	stays("Adi", 6, "A");
	stays("AiBi", 7, "B");
}

static void test_the_only_image_takes_its_certificate_with_it(void **s)
{
	(void)s;
	becomes("Ai", 5, 'B', 4);
}

static void test_the_certificate_of_a_loader_before_it_stays(void **s)
{
	(void)s;
	becomes("Aii", 6, 'B', 0);
	becomes("Adi", 6, 'B', 0);
}

static void test_what_accepts_it_is_not_guessed(void **s)
{
	static const char unknown[] = "which certificate accepts";

	(void)s;
	/* The one that the loader has is not measured again. */
	refuses("AiBi", 7, "A", unknown);
	refuses("AiBi", 5, "B", unknown);
	refuses("Aii", 5, "B", unknown);
	refuses("ABi", 6, "B", unknown);
	refuses("Ai", 5, "AB", unknown);
	refuses("i", 4, "A", unknown);
	refuses("Ai", 5, "C", "none of the certificates");
	refuses("Ai", 5, "", "isn't signed");
}

/* Its keys (MokList) and its levels of revocation aren't in the log. */
static void test_behind_shim_nothing_is_known(void **s)
{
	(void)s;
	refuses("Ais", 5, "s", "shim accepts images by keys");
	refuses("Ais", 5, "A", "shim accepts images by keys");
	refuses("Aisi", 7, "A", "shim accepts images by keys");
	refuses("AisCi", 8, "s", "shim accepts images by keys");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_signer_changes_nothing),
		cmocka_unit_test(test_the_only_image_takes_its_certificate_with_it),
		cmocka_unit_test(test_the_certificate_of_a_loader_before_it_stays),
		cmocka_unit_test(test_what_accepts_it_is_not_guessed),
		cmocka_unit_test(test_behind_shim_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
