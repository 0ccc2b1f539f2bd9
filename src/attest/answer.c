/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a server is believed by, and what it says when it takes nothing. */
#include <stdlib.h>

#include "attest.h"
#include "core/base/text.h"

struct lk_http_server lk_at_server(const struct lk_attest_settings *settings)
{
	return (struct lk_http_server){
		.url = settings->server,
		.ca = settings->ca[0] ? settings->ca : NULL,
		.pin = settings->pin[0] ? settings->pin : NULL,
	};
}

static int say_refusal(const char *server, const struct lk_http_answer *answer,
		       const struct lk_attest_answer *a, struct lk_err *err)
{
	char shown[LK_TEXT_SHOWN_MAX + 4], word[LK_TEXT_SHOWN_MAX + 4];
	const enum lk_rc rc = answer->status >= 500 ? LK_E_IO : LK_E_REFUSED;

	if (!a->error[0])
		return lk_err_set(err, rc, (uint32_t)answer->status,
				  "%s answers with HTTP status %ld", server, answer->status);
	return lk_err_set(err, rc, (uint32_t)answer->status, "%s refuses this device (%s): %s",
			  server, lk_text_show(a->error, word), lk_text_show(a->text, shown));
}

int lk_at_refused(const char *server, const struct lk_http_answer *answer,
		  struct lk_attest_answer *ret, struct lk_err *err)
{
	struct lk_attest_answer *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (lk_attest_answer_read((struct lk_bytes){ answer->body.data, answer->body.len }, a,
				  NULL) != LK_OK)
		a->error[0] = '\0';
	rc = say_refusal(server, answer, a, err);
	/* What a proxy answers, or a server that has no database, is no answer of the verifier's. */
	if (ret && rc == LK_E_REFUSED && a->error[0])
		*ret = *a;
	free(a);
	return rc;
}
