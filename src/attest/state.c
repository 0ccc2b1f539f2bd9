/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the file in which a run leaves what the next one needs, and status shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest.h"
#include "core/base/json_read.h"
#include "core/base/json_text.h"

#define STATE_MAX 65536u

static int parse(struct lk_bytes text, struct lk_at_state *ret, struct lk_err *err)
{
	struct lk_json_field f[] = {
		{ .key = "boot", .kind = LK_JSON_UINT, .max = UINT32_MAX },
		{ .key = "ima-from", .kind = LK_JSON_UINT, .max = UINT32_MAX },
		{ .key = "digest", .kind = LK_JSON_STRING, .max = 2 * LK_DIGEST_MAX },
		{ .key = "measured", .kind = LK_JSON_UINT, .max = UINT32_MAX },
		{ .key = "server", .kind = LK_JSON_STRING, .max = LK_ATTEST_SERVER_MAX },
		{ .key = "when", .kind = LK_JSON_UINT, .max = INT64_MAX },
		{ .key = "firmware", .kind = LK_JSON_UINT, .max = UINT32_MAX, .optional = true },
		{ .key = "answer", .kind = LK_JSON_OBJECT, .max = LK_ATTEST_ANSWER_MAX },
	};
	struct lk_at_state *s = ret;
	size_t len = 0;

	LK_TRY(lk_json_read(text, false, f, 8, err));
	if (!lk_hex_decode((const char *)f[2].text.data, f[2].text.len, s->digest.data,
			   sizeof(s->digest.data), &len))
		return LK_E_INPUT;
	s->digest.len = (uint16_t)len;
	s->next = (struct lk_attest_next){ (uint32_t)f[0].number, f[1].number };
	s->measured = f[3].number;
	memcpy(s->server, f[4].text.data, f[4].text.len);
	s->server[f[4].text.len] = '\0';
	s->when = f[5].number;
	s->firmware = f[6].number;
	LK_TRY(lk_attest_answer_read(f[7].text, &s->answer, err));
	s->any = true;
	return LK_OK;
}

int lk_at_state_load(const char *path, struct lk_at_state *ret, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	memset(ret, 0, sizeof(*ret));
	if (access(path, F_OK) != 0)
		return LK_OK;
	LK_TRY(lk_fs_read(path, STATE_MAX, &text, err));
	/* What is damaged costs one message with everything in it. */
	if (parse((struct lk_bytes){ text.data, text.len }, ret, NULL) != LK_OK)
		memset(ret, 0, sizeof(*ret));
	return LK_OK;
}

int lk_at_state_save(const char *path, const struct lk_at_state *s, struct lk_err *err)
{
	char *answer = malloc(LK_ATTEST_ANSWER_MAX + 1);
	char *text = malloc(STATE_MAX);
	struct lk_json_text j = { .data = text, .cap = STATE_MAX };
	size_t len = 0;
	int rc = LK_E_SYSTEM;

	if (answer && text)
		len = lk_attest_answer_write(&s->answer, answer, LK_ATTEST_ANSWER_MAX);
	if (len) {
		lk_json_text_open(&j, NULL, '{');
		lk_json_text_uint(&j, "boot", s->next.boot);
		lk_json_text_uint(&j, "ima-from", s->next.ima_from);
		lk_json_text_hex(&j, "digest", (struct lk_bytes){ s->digest.data, s->digest.len });
		lk_json_text_uint(&j, "measured", s->measured);
		lk_json_text_string(&j, "server", s->server);
		lk_json_text_uint(&j, "when", s->when);
		lk_json_text_uint(&j, "firmware", s->firmware);
		lk_json_text_raw(&j, "answer", (struct lk_bytes){ (uint8_t *)answer, len });
		lk_json_text_close(&j, '}');
	}
	if (!len || j.full)
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	else if ((rc = lk_fs_make_parent(path, err)) == LK_OK)
		rc = lk_fs_replace(path, text, j.len, 0644, err);
	free(answer);
	free(text);
	return rc;
}
