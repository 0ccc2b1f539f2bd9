/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns status: what the verifier has answered last. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "attest.h"
#include "core/base/json_text.h"
#include "sys/os/log.h"

static void when_text(uint64_t when, char out[static 32])
{
	time_t t = (time_t)when;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&t, &tm))
		(void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void show_text(const struct lk_at_state *s)
{
	char when[32];

	when_text(s->when, when);
	printf(s->answer.error[0] ? "refused: " : "verdict: ");
	lk_print_shown(stdout, s->answer.error[0] ? s->answer.error : s->answer.verdict);
	printf("\nserver:  ");
	lk_print_shown(stdout, s->server);
	printf("\nwhen:    %s\nboot:    %u\n", when, s->next.boot);
	if (s->answer.error[0]) {
		printf("  ");
		lk_print_shown(stdout, s->answer.text);
		printf("\n");
	}
	for (size_t i = 0; i < s->answer.n; i++) {
		const struct lk_answer_reason *r = &s->answer.reason[i];

		printf("  ");
		lk_print_shown(stdout, r->part);
		printf(", ");
		lk_print_shown(stdout, r->verdict);
		printf(": ");
		lk_print_shown(stdout, r->text);
		printf("\n");
	}
}

static int show_json(const struct lk_at_state *s, struct lk_err *err)
{
	char *text = malloc(2 * LK_ATTEST_ANSWER_MAX);
	struct lk_json_text j = { .data = text, .cap = 2 * LK_ATTEST_ANSWER_MAX };
	char when[32];

	if (!text)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	when_text(s->when, when);
	lk_json_text_open(&j, NULL, '{');
	if (s->answer.error[0]) {
		lk_json_text_string(&j, "refused", s->answer.error);
		lk_json_text_string(&j, "text", s->answer.text);
	} else {
		lk_json_text_string(&j, "verdict", s->answer.verdict);
	}
	lk_json_text_string(&j, "server", s->server);
	lk_json_text_string(&j, "when", when);
	lk_json_text_uint(&j, "boot", s->next.boot);
	lk_json_text_open(&j, "reasons", '[');
	for (size_t i = 0; i < s->answer.n; i++) {
		lk_json_text_open(&j, NULL, '{');
		lk_json_text_string(&j, "part", s->answer.reason[i].part);
		lk_json_text_string(&j, "verdict", s->answer.reason[i].verdict);
		lk_json_text_string(&j, "text", s->answer.reason[i].text);
		lk_json_text_close(&j, '}');
	}
	lk_json_text_close(&j, ']');
	lk_json_text_close(&j, '}');
	printf("%.*s\n", (int)j.len, text);
	free(text);
	return LK_OK;
}

int lk_at_status(const struct lk_at_options *opts, struct lk_err *err)
{
	struct lk_at_state *s = malloc(sizeof(*s));
	int rc;

	if (!s)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = lk_at_state_load(opts->state, s, err);
	if (rc == LK_OK && !s->when)
		rc = lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"%s: no verifier has answered this device yet; \"latchkey-attest run\" asks one",
			opts->state);
	if (rc == LK_OK && opts->json)
		rc = show_json(s, err);
	else if (rc == LK_OK)
		show_text(s);
	if (rc == LK_OK && (fflush(stdout) || ferror(stdout)))
		rc = lk_err_set(err, LK_E_IO, 0, "standard output can't be written");
	/* The reasons are shown already. */
	if (rc == LK_OK)
		rc = lk_at_judge(&s->answer, NULL);
	if (rc == LK_E_REFUSED)
		rc = lk_err_set(err, rc, 0, "the verifier took nothing from this device");
	else if (rc == LK_E_POLICY)
		rc = lk_err_set(err, rc, 0, "the verifier doesn't trust this boot");
	else if (rc == LK_E_UNKNOWN && s->when)
		rc = lk_err_set(err, rc, 0, "the verifier can't say whether this boot is right");
	free(s);
	return rc;
}
