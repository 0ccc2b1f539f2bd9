/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a volume's token within its header: one for each handle that it is sealed at. */
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "volume/token_json.h"

/** What a header has of our tokens; numbers are -1 where there is none. */
struct found {
	int number;	/* of the handle that was asked for */
	int damaged;	/* one that can't be read */
	uint32_t other; /* the handle of another, or 0 */
	struct lk_err why;
};

static int read_token(struct lk_volume_header *h, int number, struct lk_token *ret,
		      struct lk_err *err)
{
	LK_OWNED_BUF json = LK_BUF_NONE;

	LK_TRY(lk_volume_header_token(h, number, &json, err));
	return lk_token_from_json(json.data, json.len, ret, err);
}

static int find_token(struct lk_volume_header *h, uint32_t handle, struct lk_token *ret,
		      struct found *f)
{
	*f = (struct found){ .number = -1, .damaged = -1 };
	for (int n = lk_volume_header_next_token(h, -1); n >= 0;
	     n = lk_volume_header_next_token(h, n)) {
		LK_OWNED_TOKEN token = LK_TOKEN_NONE;
		int rc = read_token(h, n, &token, &f->why);

		if (rc == LK_E_SYSTEM)
			return rc;
		if (rc != LK_OK) {
			f->damaged = n;
		} else if (token.handle != handle) {
			f->other = token.handle;
		} else {
			f->number = n;
			if (ret)
				*ret = token;
			if (ret)
				token = LK_TOKEN_NONE;
			return LK_OK;
		}
	}
	return LK_OK;
}

static int not_found(struct lk_volume_header *h, uint32_t handle, const struct found *f,
		     struct lk_err *err)
{
	if (strcmp(lk_volume_header_subsystem(h), LK_MARK_FORMAT) == 0)
		return lk_err_set(
			err, LK_E_HEADER, 0,
			"the volume isn't finished: \"latchkey-provision format\" takes it up again, without --overwrite");
	if (f->damaged >= 0)
		return lk_err_set(
			err, LK_E_HEADER, 0,
			"the header's latchkey token is damaged (%.300s): \"latchkey-provision reseal\" makes it anew with the recovery key; then add the signed policies again",
			f->why.msg);
	if (f->other)
		return lk_err_set(
			err, LK_E_HEADER, 0,
			"the header has no latchkey token for handle 0x%08x, but one for 0x%08x: is it another policy file's? \"latchkey-provision reseal\" makes one for this with the recovery key",
			handle, f->other);
	return lk_err_set(
		err, LK_E_HEADER, 0,
		"the header has no latchkey token: \"latchkey-provision reseal\" makes it with the recovery key; then add the signed policies");
}

int lk_token_load(struct lk_volume_header *h, uint32_t handle, struct lk_token *ret,
		  struct lk_err *err)
{
	struct found f;

	if (find_token(h, handle, ret, &f) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "%s", f.why.msg);
	return f.number >= 0 ? LK_OK : not_found(h, handle, &f, err);
}

int lk_token_store_whole(struct lk_volume_header *h, const struct lk_token *token,
			 struct lk_err *err)
{
	struct found f;
	char *json;
	int rc;

	if (find_token(h, token->handle, NULL, &f) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "%s", f.why.msg);
	json = lk_token_to_json(token);
	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	/* One that can't be read serves nobody: its place is taken. */
	rc = lk_volume_header_set_token(h, f.number >= 0 ? f.number : f.damaged, json, err);
	free(json);
	return rc;
}

/* Whether there is more room after it. */
static bool forget_events_of_another(struct lk_volume_header *h, uint32_t handle)
{
	for (int n = lk_volume_header_next_token(h, -1); n >= 0;
	     n = lk_volume_header_next_token(h, n)) {
		LK_OWNED_TOKEN token = LK_TOKEN_NONE;

		if (read_token(h, n, &token, NULL) != LK_OK || token.handle == handle ||
		    !token.hints.events_len)
			continue;
		token.hints.events_len = 0;
		return lk_token_store_whole(h, &token, NULL) == LK_OK;
	}
	return false;
}

int lk_token_store(struct lk_volume_header *h, const struct lk_token *token, struct lk_err *err)
{
	struct lk_token less = *token;
	int rc = lk_token_store_whole(h, token, err);

	/* A header that others made may be small. */
	if (rc != LK_OK && less.hints.events_len) {
		less.hints.events_len = 0;
		rc = lk_token_store_whole(h, &less, err);
	}
	while (rc != LK_OK && forget_events_of_another(h, token->handle))
		rc = lk_token_store_whole(h, &less, err);
	return rc;
}

bool lk_token_is_of(const struct lk_token *token, const struct lk_tpm_public *object)
{
	const struct lk_bytes sealed = { token->hints.sealed, token->hints.sealed_len };

	return !sealed.len ||
	       lk_bytes_contain(sealed, (struct lk_bytes){ object->name.data, object->name.len });
}

int lk_token_remove(struct lk_volume_header *h, uint32_t handle, struct lk_err *err)
{
	struct found f;

	if (find_token(h, handle, NULL, &f) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "%s", f.why.msg);
	/* Without its keyslot it can't be read any more. */
	if (f.number < 0)
		f.number = f.damaged;
	return f.number < 0 ? LK_OK : lk_volume_header_set_token(h, f.number, NULL, err);
}

int lk_token_each(struct lk_volume_header *h, lk_token_fn fn, void *data, struct lk_err *err)
{
	int rc = LK_OK;

	for (int n = lk_volume_header_next_token(h, -1); rc == LK_OK && n >= 0;
	     n = lk_volume_header_next_token(h, n)) {
		LK_OWNED_TOKEN token = LK_TOKEN_NONE;

		if (read_token(h, n, &token, NULL) == LK_OK)
			rc = fn(&token, data, err);
	}
	return rc;
}

static int count(const struct lk_token *token, void *data, struct lk_err *err)
{
	(void)token;
	(void)err;
	++*(unsigned int *)data;
	return LK_OK;
}

unsigned int lk_token_count(struct lk_volume_header *h)
{
	unsigned int n = 0;

	(void)lk_token_each(h, count, &n, NULL);
	return n;
}
