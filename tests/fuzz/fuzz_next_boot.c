/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of what the next boot is found by: any log's images, with any EFI variables. */
#include "core/predict/boot_chain.h"
#include "core/predict/log_plan_text.h"
#include "core/predict/log_plan_variables.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

/* One after the other, each with its length; then there are no more. */
static int next_variable(void *data, struct lk_bytes guid, struct lk_bytes name,
			 struct lk_variable_now *ret, struct lk_err *err)
{
	struct lk_reader *rest = data;
	size_t len = lk_read_le16(rest);

	(void)err;
	INVARIANT(guid.len == LK_GUID_SIZE && name.len % 2 == 0);
	if (len > rest->left)
		len = rest->left;
	ret->there = !rest->failed;
	ret->data = lk_read_bytes(rest, len);
	return LK_OK;
}

static void check_file(struct lk_bytes path)
{
	char file[LK_DEVICE_FILE_MAX];

	if (!lk_device_path_file(path, file))
		return;
	INVARIANT(file[0] == '/' && !strstr(file, "/.."));
	INVARIANT(strlen(file) < sizeof(file));
	(void)lk_boot_entry_is(path, file + 1);
}

static void check_chain(struct lk_bytes log)
{
	struct lk_boot_chain chain;
	struct lk_err err = { 0 };

	if (lk_boot_chain_read(log, &chain, &err) != LK_OK) {
		INVARIANT(err.msg[0]);
		return;
	}
	INVARIANT(chain.n <= LK_BOOT_IMAGES_MAX);
	for (size_t i = 0; i < chain.n; i++)
		INVARIANT(chain.images[i].file[0] == '/');
}

static void check_plan(struct lk_bytes log, struct lk_reader *rest)
{
	const struct lk_variables vars = { next_variable, rest };
	struct lk_log_plan plan;
	struct lk_err err = { 0 };

	lk_log_plan_init(&plan, log, lk_crypto_hash);
	if (lk_log_plan_variables(&plan, &vars, &err) != LK_OK)
		INVARIANT(err.msg[0]);
	INVARIANT(plan.n <= LK_PLAN_CHANGES_MAX);
	for (size_t i = 0; i < plan.n; i++) {
		struct lk_plan_words words;

		(void)lk_plan_change_text(&plan, i, LK_ALG_SHA256, &words);
		INVARIANT(words.text.len < sizeof(words.text.text));
	}
}

/* The size of the firmware's log in 2 bytes; it; and the variables. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_reader r = lk_reader_init(data, size);
	size_t log_size = lk_read_le16(&r);
	struct lk_bytes log = lk_read_bytes(&r, log_size);
	struct lk_bytes rest = { r.data, r.left };
	struct lk_boot_start start = { rest, rest, rest };
	struct lk_err err = { 0 };
	unsigned int option;
	bool other;

	if (r.failed)
		return 0;
	check_file(rest);
	check_file(lk_load_option_path(rest));
	check_file(lk_image_event_path(rest));
	if (lk_boot_start_option(&start, 1, &option, &other, &err) != LK_OK)
		INVARIANT(err.msg[0]);
	check_chain(log);
	(void)lk_boot_logged_option(log, 1);
	(void)lk_load_option_data(rest);
	(void)lk_device_path_same_volume(rest, lk_load_option_path(rest));
	(void)lk_device_path_same_volume(lk_load_option_path(rest), lk_image_event_path(rest));
	check_plan(log, &r);
	return 0;
}
