/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a verifier answers. */
#include <string.h>

#include "core/attest/message.h"
#include "core/attest/refusal.h"
#include "core/base/json_read.h"
#include "core/base/json_text.h"

static int read_fields(struct lk_bytes text, struct lk_json_field *fields, size_t n,
		       struct lk_err *err)
{
	int rc = lk_json_read(text, false, fields, n, err);

	if (rc != LK_OK && err)
		err->code = LK_REFUSAL_MESSAGE;
	return rc;
}

static void put_reasons(struct lk_json_text *j, const struct lk_attest_answer *answer)
{
	if (!answer->n)
		return;
	lk_json_text_open(j, "reasons", '[');
	for (size_t i = 0; i < answer->n; i++) {
		lk_json_text_open(j, NULL, '{');
		lk_json_text_string(j, "part", answer->reason[i].part);
		lk_json_text_string(j, "verdict", answer->reason[i].verdict);
		lk_json_text_string(j, "text", answer->reason[i].text);
		lk_json_text_close(j, '}');
	}
	lk_json_text_close(j, ']');
}

size_t lk_attest_answer_write(const struct lk_attest_answer *answer, char *out, size_t cap)
{
	struct lk_json_text j = { .data = out, .cap = cap };

	lk_json_text_open(&j, NULL, '{');
	if (answer->verdict[0])
		lk_json_text_string(&j, "verdict", answer->verdict);
	if (answer->error[0])
		lk_json_text_string(&j, "error", answer->error);
	if (answer->text[0])
		lk_json_text_string(&j, "text", answer->text);
	if (answer->has_next) {
		lk_json_text_open(&j, "next", '{');
		lk_json_text_uint(&j, "boot", answer->next.boot);
		lk_json_text_uint(&j, "ima-from", answer->next.ima_from);
		lk_json_text_close(&j, '}');
	}
	put_reasons(&j, answer);
	lk_json_text_close(&j, '}');
	return j.full ? 0 : j.len;
}

static int read_reasons(struct lk_bytes array, struct lk_attest_answer *ret, struct lk_err *err)
{
	struct lk_bytes object;
	int rc = LK_OK;

	while (ret->n < LK_ANSWER_REASONS_MAX) {
		struct lk_answer_reason *reason = &ret->reason[ret->n];
		struct lk_json_field f[] = {
			{ .key = "part", .kind = LK_JSON_TEXT, .max = LK_ATTEST_ANSWER_MAX },
			{ .key = "verdict", .kind = LK_JSON_TEXT, .max = LK_ATTEST_ANSWER_MAX },
			{ .key = "text", .kind = LK_JSON_TEXT, .max = LK_ATTEST_ANSWER_MAX },
		};

		rc = lk_json_array_next(&array, &object, err);
		if (rc != LK_OK)
			break;
		LK_TRY(read_fields(object, f, 3, err));
		lk_json_text_unescape(f[0].text, reason->part, sizeof(reason->part));
		lk_json_text_unescape(f[1].text, reason->verdict, sizeof(reason->verdict));
		lk_json_text_unescape(f[2].text, reason->text, sizeof(reason->text));
		ret->n++;
	}
	return rc == LK_JSON_END ? LK_OK : rc;
}

static int read_next(const struct lk_json_field *object, struct lk_attest_answer *ret,
		     struct lk_err *err)
{
	struct lk_json_field f[] = {
		{ .key = "boot", .kind = LK_JSON_UINT, .max = UINT32_MAX },
		{ .key = "ima-from", .kind = LK_JSON_UINT, .max = UINT32_MAX },
	};

	if (!object->present)
		return LK_OK;
	LK_TRY(read_fields(object->text, f, 2, err));
	ret->has_next = true;
	ret->next = (struct lk_attest_next){ (uint32_t)f[0].number, f[1].number };
	return LK_OK;
}

int lk_attest_answer_read(struct lk_bytes text, struct lk_attest_answer *ret, struct lk_err *err)
{
	struct lk_json_field f[] = {
		{ .key = "verdict", .kind = LK_JSON_TEXT, .max = LK_ANSWER_WORD_MAX },
		{ .key = "error", .kind = LK_JSON_TEXT, .max = LK_ANSWER_WORD_MAX },
		{ .key = "text", .kind = LK_JSON_TEXT, .max = LK_ATTEST_ANSWER_MAX },
		{ .key = "next", .kind = LK_JSON_OBJECT, .max = 256 },
		{ .key = "reasons", .kind = LK_JSON_ARRAY, .max = LK_ATTEST_ANSWER_MAX },
	};

	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		f[i].optional = true;
	memset(ret, 0, sizeof(*ret));
	LK_TRY(read_fields(text, f, sizeof(f) / sizeof(f[0]), err));
	lk_json_text_unescape(f[0].text, ret->verdict, sizeof(ret->verdict));
	lk_json_text_unescape(f[1].text, ret->error, sizeof(ret->error));
	lk_json_text_unescape(f[2].text, ret->text, sizeof(ret->text));
	LK_TRY(read_next(&f[3], ret, err));
	return f[4].present ? read_reasons(f[4].text, ret, err) : LK_OK;
}
