/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of predictions from recorded logs; booted machines are held against them in tests/boot. */
#include "images.h"

#include "core/bootlog/efi_variable.h"
#include "core/predict/log_predict.h"

/* What the recorded machines were started with by the emulator. */
#define CMDLINE                                                                                    \
	"console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0 "                            \
	"cryptomgr.notests initrd=initrd"

struct machine {
	struct lk_buf firmware, ima, other;
	struct lk_pcr_values values[LK_PLAN_BANKS];
	struct lk_log_plan plan;
	struct lk_prediction_input in;
	struct lk_err err;
	bool inner; /* a kernel that is an image itself */
};

static void begin(struct machine *m, const char *name)
{
	memset(m, 0, sizeof(*m));
	m->firmware = recorded_file(name, "firmware");
	m->ima = recorded_file(name, "ima");
	m->in = (struct lk_prediction_input){
		.logs = { { m->firmware.data, m->firmware.len }, { m->ima.data, m->ima.len } },
		.plan = &m->plan,
		.hash = lk_crypto_hash,
		.sha1 = lk_crypto_sha1,
	};
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		m->values[i] = recorded_values(name, i ? LK_ALG_SHA384 : LK_ALG_SHA256);
		m->in.values[i] = &m->values[i];
	}
	lk_log_plan_init(&m->plan, m->in.logs.firmware, lk_crypto_hash);
}

static void end(struct machine *m)
{
	lk_buf_done(&m->firmware);
	lk_buf_done(&m->ima);
	lk_buf_done(&m->other);
}

/* The PCRs that change, the same in both banks. */
static uint32_t changed(struct machine *m, struct lk_pcr_values then[LK_PLAN_BANKS])
{
	uint32_t mask[LK_PLAN_BANKS];

	if (lk_log_predict(&m->in, then, &m->err) != LK_OK)
		fail_msg("%s", m->err.msg);
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		assert_int_equal(then[i].sel.mask, 0xffffff);
		mask[i] = lk_pcr_differing(&m->values[i], &then[i], 0xffffff);
	}
	assert_int_equal(mask[0], mask[1]);
	return mask[0];
}

static void changes(struct machine *m, int rc, uint32_t pcrs)
{
	struct lk_pcr_values then[LK_PLAN_BANKS];

	if (rc != LK_OK)
		fail_msg("%s", m->err.msg);
	assert_int_equal(changed(m, then), pcrs);
	end(m);
}

static void refuses(struct machine *m, int rc, int want, const char *said)
{
	struct lk_pcr_values then[LK_PLAN_BANKS];

	poison(then, sizeof(then));
	if (rc == LK_OK)
		rc = lk_log_predict(&m->in, then, &m->err);
	assert_int_equal(rc, want);
	assert_true(is_poisoned(then, sizeof(then)));
	if (!strstr(m->err.msg, said))
		fail_msg("\"%s\" isn't in: %s", said, m->err.msg);
	end(m);
}

#define PCR(n) (1u << (n))

static void test_without_a_change_all_stays_as_it_is(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct machine m;

		begin(&m, recorded[i]);
		changes(&m, LK_OK, 0);
	}
}

static int cmdline(struct machine *m, const char *text)
{
	return lk_log_plan_cmdline(&m->plan, text_bytes(text), &m->err);
}

static void test_a_command_line_is_in_pcr_9(void **s)
{
	struct machine m;

	(void)s;
	begin(&m, "kernel-12");
	changes(&m, cmdline(&m, CMDLINE), 0);
	begin(&m, "kernel-13");
	changes(&m, cmdline(&m, CMDLINE), 0);
	begin(&m, "kernel-13");
	changes(&m, cmdline(&m, CMDLINE " x"), PCR(9) | PCR(10));
	begin(&m, "kernel-13");
	refuses(&m, cmdline(&m, "\xc3\xa9"), LK_E_REFUSED, "isn't ASCII");
	begin(&m, "uki-13");
	refuses(&m, cmdline(&m, "quiet"), LK_E_REFUSED, "--uki");
}

static void test_behind_grub_images_and_command_lines_are_not_known(void **s)
{
	static const char *const machines[] = { "grub-12", "grub-13" };

	(void)s;
	for (size_t i = 0; i < N_OF(machines); i++) {
		struct machine m;

		begin(&m, machines[i]);
		refuses(&m, cmdline(&m, "quiet"), LK_E_REFUSED, "as GRUB does");
		begin(&m, machines[i]);
		refuses(&m, lk_log_plan_secure_boot_off(&m.plan, &m.err), LK_E_REFUSED,
			"shim and GRUB");
	}
}

static void test_an_initrd_is_in_pcr_9_and_a_kernel_in_pcr_4(void **s)
{
	static const struct part parts[] = { { ".text", "code", 4 } };
	const struct lk_bytes none = { NULL, 0 };
	struct made image;
	struct lk_pe pe;
	struct machine m;

	(void)s;
	put_image(&image, parts, 1, none);
	assert_int_equal(lk_pe_read((struct lk_bytes){ image.data, image.len }, &pe, NULL), LK_OK);
	begin(&m, "loader-13-off");
	changes(&m, lk_log_plan_initrd(&m.plan, text_bytes("initrd"), &m.err), PCR(9) | PCR(10));
	begin(&m, "loader-13-off");
	changes(&m, lk_log_plan_kernel(&m.plan, &pe, &m.err), PCR(4) | PCR(10));
	begin(&m, "loader-13");
	refuses(&m, lk_log_plan_kernel(&m.plan, &pe, &m.err), LK_E_REFUSED, "isn't signed");
	begin(&m, "kernel-12");
	refuses(&m, lk_log_plan_initrd(&m.plan, text_bytes("initrd"), &m.err), LK_E_REFUSED,
		"emulator");
	begin(&m, "kernel-12");
	refuses(&m, lk_log_plan_kernel(&m.plan, &pe, &m.err), LK_E_REFUSED, "emulator");
	begin(&m, "uki-12");
	refuses(&m, lk_log_plan_kernel(&m.plan, &pe, &m.err), LK_E_REFUSED, "--uki");
}

/* The certificate that accepted the image in the log. */
static struct lk_bytes signer(const struct machine *m)
{
	struct lk_event_log log;
	struct lk_event e = { 0 };
	struct lk_efi_variable var;

	assert_int_equal(lk_event_log_open(m->firmware.data, m->firmware.len, &log, NULL), LK_OK);
	while (e.type != LK_EV_EFI_VARIABLE_AUTHORITY)
		assert_int_equal(lk_event_log_next(&log, &e, NULL), LK_OK);
	assert_true(lk_efi_variable_read(e.data, &var));
	return (struct lk_bytes){ var.data.data + 16, var.data.len - 16 };
}

static struct part uki_parts[] = {
	{ ".sdmagic", STUB_257, sizeof(STUB_257) - 1 },
	{ ".linux", "kernel", 6 },
	{ ".initrd", "initrd", 6 },
	{ ".cmdline", "quiet", 5 },
};

static int plan_uki(struct machine *m, struct made *image, struct lk_bytes signatures)
{
	struct lk_uki uki;

	static const struct part inner[] = { { ".text", "code", 4 } };
	struct made kernel;

	if (m->plan.secure_boot_off || m->inner) {
		put_image(&kernel, inner, 1, (struct lk_bytes){ NULL, 0 });
		uki_parts[1].content = (const char *)kernel.data;
		uki_parts[1].len = kernel.len;
	}
	put_image(image, uki_parts, N_OF(uki_parts), signatures);
	uki_parts[1].content = "kernel";
	uki_parts[1].len = 6;
	assert_int_equal(lk_uki_read((struct lk_bytes){ image->data, image->len }, &uki, NULL),
			 LK_OK);
	return lk_log_plan_uki(&m->plan, &uki, &m->err);
}

static void test_a_unified_kernel_image_is_in_pcrs_4_9_and_11(void **s)
{
	struct lk_pcr_values then[LK_PLAN_BANKS];
	struct lk_pcr_replay r;
	struct made image;
	struct machine m;

	(void)s;
	begin(&m, "uki-13");
	assert_int_equal(plan_uki(&m, &image, signer(&m)), LK_OK);
	assert_true(m.plan.kernel && m.plan.boot_files);
	assert_int_equal(changed(&m, then), PCR(4) | PCR(9) | PCR(10) | PCR(11));
	lk_pcr_replay_init(&r, LK_ALG_SHA384);
	for (size_t i = 0; i < 6; i++) {
		static const char *const order[] = { ".linux", "kernel",  ".cmdline",
						     "quiet",  ".initrd", "initrd" };
		const struct lk_bytes bytes = { (const uint8_t *)order[i],
						strlen(order[i]) + (i % 2 ? 0 : 1) };
		struct lk_digest d;

		assert_true(lk_crypto_hash(LK_ALG_SHA384, &bytes, 1, &d));
		assert_true(lk_pcr_replay_extend(&r, 11, (struct lk_bytes){ d.data, d.len },
						 lk_crypto_hash));
	}
	assert_memory_equal(then[1].value[11], r.values.value[11], 48);
	end(&m);
}

static void test_an_image_has_to_be_signed_where_secure_boot_is_on(void **s)
{
	const struct lk_bytes none = { NULL, 0 };
	struct made image;
	struct machine m;

	(void)s;
	begin(&m, "uki-12");
	refuses(&m, plan_uki(&m, &image, none), LK_E_REFUSED, "isn't signed");
	begin(&m, "uki-12");
	refuses(&m, plan_uki(&m, &image, text_bytes("somebody else")), LK_E_REFUSED,
		"none of the certificates");
	begin(&m, "insecure-12");
	m.inner = true;
	changes(&m, plan_uki(&m, &image, none), PCR(4) | PCR(9) | PCR(10) | PCR(11));
	begin(&m, "kernel-12");
	refuses(&m, plan_uki(&m, &image, none), LK_E_REFUSED, "no unified kernel image");
}

/* EFI_SIGNATURE_LIST of one certificate. */
static void put_list(struct made *m, const char *certificate)
{
	static const uint8_t x509[16] = { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
					  0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 };
	size_t size = 16 + strlen(certificate);

	m->len = 0;
	put(m, x509, 16);
	put_number(m, 28 + size, 4);
	put_number(m, 0, 4);
	put_number(m, size, 4);
	put(m, "0123456789abcdef", 16);
	put(m, certificate, strlen(certificate));
}

static int plan_db(struct machine *m, const struct made *lists)
{
	return lk_log_plan_db(&m->plan, (struct lk_bytes){ lists->data, lists->len }, &m->err);
}

static void test_a_certificate_more_in_db_is_in_pcr_7(void **s)
{
	struct made lists, image;
	struct machine m;

	(void)s;
	put_list(&lists, "another certificate");
	begin(&m, "uki-12");
	changes(&m, plan_db(&m, &lists), PCR(7) | PCR(10));
	/* Who signs with it changes also what is measured of the signer. */
	begin(&m, "uki-12");
	assert_int_equal(plan_db(&m, &lists), LK_OK);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(plan_uki(&m, &image, text_bytes("by another certificate")), LK_OK);
	assert_int_equal(m.plan.changes[1].pcr, 7);
	changes(&m, LK_OK, PCR(4) | PCR(7) | PCR(9) | PCR(10) | PCR(11));
}

static void test_lists_that_are_none_or_there_already_are_refused(void **s)
{
	struct made lists;
	struct machine m;
	struct lk_efi_variable var;
	struct lk_event_log log;
	struct lk_event e;

	(void)s;
	put_list(&lists, "another certificate");
	lists.len--;
	begin(&m, "uki-12");
	refuses(&m, plan_db(&m, &lists), LK_E_INPUT, "no EFI signature lists");
	lists.len = 0;
	begin(&m, "uki-12");
	refuses(&m, plan_db(&m, &lists), LK_E_INPUT, "no EFI signature lists");
	begin(&m, "uki-12");
	assert_int_equal(lk_event_log_open(m.firmware.data, m.firmware.len, &log, NULL), LK_OK);
	do
		assert_int_equal(lk_event_log_next(&log, &e, NULL), LK_OK);
	while (!lk_efi_variable_read(e.data, &var) || !lk_utf16_equals(var.name, "db"));
	put(&lists, var.data.data, var.data.len);
	refuses(&m, plan_db(&m, &lists), LK_E_REFUSED, "already");
}

static void test_secure_boot_off_is_in_pcr_7(void **s)
{
	struct made image;
	struct machine m;
	const struct lk_bytes none = { NULL, 0 };

	(void)s;
	begin(&m, "uki-12");
	refuses(&m, lk_log_plan_secure_boot_off(&m.plan, &m.err), LK_E_REFUSED,
		"name the image with --uki");
	begin(&m, "uki-12");
	assert_int_equal(lk_log_plan_secure_boot_off(&m.plan, &m.err), LK_OK);
	changes(&m, plan_uki(&m, &image, none), PCR(4) | PCR(7) | PCR(9) | PCR(10) | PCR(11));
	begin(&m, "insecure-12");
	refuses(&m, lk_log_plan_secure_boot_off(&m.plan, &m.err), LK_E_REFUSED,
		"off in the log already");
}

static void test_another_firmware_is_as_its_own_log_has_it(void **s)
{
	struct lk_pcr_values other = recorded_values("insecure-12", LK_ALG_SHA256);
	struct lk_pcr_values then[LK_PLAN_BANKS];
	struct machine m;

	(void)s;
	begin(&m, "uki-12");
	m.other = recorded_file("insecure-12", "firmware");
	m.in.new_firmware = (struct lk_bytes){ m.other.data, m.other.len };
	assert_int_equal(changed(&m, then), PCR(0) | PCR(10));
	assert_memory_equal(then[0].value[0], other.value[0], 32);
	end(&m);
}

static void test_measured_files_make_a_prediction_a_promise(void **s)
{
	struct machine m;
	struct made image;

	(void)s;
	begin(&m, "violation-13");
	refuses(&m, cmdline(&m, CMDLINE), LK_E_REFUSED, "IMA has measured files");
	begin(&m, "violation-13");
	m.in.ima_unchanged = true;
	changes(&m, cmdline(&m, CMDLINE), PCR(9) | PCR(10));
	begin(&m, "measuring-12");
	m.in.ima_unchanged = true;
	changes(&m, plan_uki(&m, &image, signer(&m)), PCR(4) | PCR(9) | PCR(10) | PCR(11));
	begin(&m, "kernel-12");
	refuses(&m, cmdline(&m, CMDLINE " ima_policy=tcb"), LK_E_REFUSED, "tells IMA");
	/* Another db changes no file. */
	begin(&m, "measuring-12");
	put_list(&image, "another certificate");
	changes(&m, plan_db(&m, &image), PCR(7) | PCR(10));
}

static void test_a_log_that_explains_nothing_predicts_nothing(void **s)
{
	struct machine m;

	(void)s;
	begin(&m, "kernel-13");
	m.values[1].value[5][0] ^= 1;
	refuses(&m, cmdline(&m, CMDLINE), LK_E_POLICY, "what PCR 5 of bank sha384 holds");
	begin(&m, "kernel-13");
	m.values[0].sel.mask = 0;
	refuses(&m, cmdline(&m, CMDLINE), LK_E_REFUSED, "boot_aggregate");
	begin(&m, "kernel-13");
	m.in.hash = failing_hash;
	refuses(&m, LK_OK, LK_E_SYSTEM, "hashing failed");
}

static void test_what_is_extended_elsewhere_is_left_out(void **s)
{
	struct lk_pcr_values then[LK_PLAN_BANKS];
	struct machine m;

	(void)s;
	begin(&m, "kernel-13");
	m.values[0].value[15][0] = 1;
	m.in.logs.ima.data = NULL;
	assert_int_equal(lk_log_predict(&m.in, then, NULL), LK_OK);
	assert_int_equal(then[0].sel.mask, 0xffffff & ~(PCR(15) | PCR(10)));
	assert_int_equal(then[1].sel.mask, 0xffffff & ~PCR(10));
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_change_all_stays_as_it_is),
		cmocka_unit_test(test_a_command_line_is_in_pcr_9),
		cmocka_unit_test(test_behind_grub_images_and_command_lines_are_not_known),
		cmocka_unit_test(test_an_initrd_is_in_pcr_9_and_a_kernel_in_pcr_4),
		cmocka_unit_test(test_a_unified_kernel_image_is_in_pcrs_4_9_and_11),
		cmocka_unit_test(test_an_image_has_to_be_signed_where_secure_boot_is_on),
		cmocka_unit_test(test_a_certificate_more_in_db_is_in_pcr_7),
		cmocka_unit_test(test_lists_that_are_none_or_there_already_are_refused),
		cmocka_unit_test(test_secure_boot_off_is_in_pcr_7),
		cmocka_unit_test(test_another_firmware_is_as_its_own_log_has_it),
		cmocka_unit_test(test_measured_files_make_a_prediction_a_promise),
		cmocka_unit_test(test_a_log_that_explains_nothing_predicts_nothing),
		cmocka_unit_test(test_what_is_extended_elsewhere_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
