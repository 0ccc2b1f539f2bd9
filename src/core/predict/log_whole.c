/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns looking for the separators of a firmware log. */
#include "core/predict/log_whole.h"

#include <string.h>

#define SEPARATED_PCRS 8u
#define SEPARATOR_SIZE 4u

struct separators {
	uint32_t seen, twice, bad; /* PCRs */
};

static bool is_filled(struct lk_bytes data, uint8_t with)
{
	for (size_t i = 0; i < data.len; i++)
		if (data.data[i] != with)
			return false;
	return data.len == SEPARATOR_SIZE;
}

static void take_separator(const struct lk_event *event, lk_hash_fn hash, struct separators *s)
{
	uint32_t bit = 1u << event->pcr;

	s->twice |= s->seen & bit;
	s->seen |= bit;
	if ((!is_filled(event->data, 0) && !is_filled(event->data, 0xff)) ||
	    !lk_event_data_is_measured(event, hash))
		s->bad |= bit;
}

static int refuse_log(struct lk_err *err, const char *what, uint32_t pcrs, const char *why)
{
	char list[LK_PCR_MASK_TEXT];

	lk_pcr_mask_format(pcrs, list);
	return lk_err_set(err, LK_E_REFUSED, 0, "can't be predicted: %s has %s in PCR %s", what,
			  why, list);
}

int lk_log_check_whole(struct lk_bytes bytes, const char *what, lk_hash_fn hash, struct lk_err *err)
{
	const uint32_t all = (1u << SEPARATED_PCRS) - 1;
	struct separators s = { 0 };
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(bytes.data, bytes.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK && event.type == LK_EV_SEPARATOR && event.pcr < SEPARATED_PCRS)
			take_separator(&event, hash, &s);
	}
	if (rc != LK_LOG_END)
		return rc;
	if (s.seen != all)
		return refuse_log(
			err, what, all & ~s.seen,
			"no separator, with which the firmware ends its part (is the log cut?),");
	if (s.twice)
		return refuse_log(err, what, s.twice, "more than one separator");
	if (s.bad)
		return refuse_log(
			err, what, s.bad,
			"a separator of an error, or one whose digest isn't that of its data,");
	return LK_OK;
}

/* The next boot option of a log, or LK_LOG_END. */
static int next_option(struct lk_event_log *log, struct lk_event *ret, struct lk_err *err)
{
	int rc;

	do
		rc = lk_event_log_next(log, ret, err);
	while (rc == LK_OK && ret->type != LK_EV_EFI_VARIABLE_BOOT &&
	       ret->type != LK_EV_EFI_VARIABLE_BOOT2);
	return rc;
}

static bool is_same_digest(struct lk_bytes a, struct lk_bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

int lk_log_check_options(struct lk_bytes bytes, struct lk_bytes other_bytes, struct lk_err *err)
{
	struct lk_event_log log, other;
	struct lk_event a, b;
	int more, others;

	LK_TRY(lk_event_log_open(bytes.data, bytes.len, &log, err));
	LK_TRY(lk_event_log_open(other_bytes.data, other_bytes.len, &other, err));
	do {
		more = next_option(&log, &a, err);
		others = next_option(&other, &b, err);
		if (more < 0 || others < 0)
			return more < 0 ? more : others;
		if (more != others ||
		    (more == LK_OK && (a.pcr != b.pcr || !is_same_digest(a.sha256, b.sha256) ||
				       !is_same_digest(a.sha384, b.sha384))))
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"can't be predicted: the new firmware's log is of a machine with other boot options, which are measured with the firmware's settings (PCR 1)");
	} while (more == LK_OK);
	return LK_OK;
}

int lk_log_check_bank(struct lk_bytes bytes, const char *what, enum lk_alg bank, struct lk_err *err)
{
	struct lk_event_log log;

	LK_TRY(lk_event_log_open(bytes.data, bytes.len, &log, err));
	if (lk_event_log_has_bank(&log, bank))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"can't be predicted: %s has no digests of bank %s, of which there are PCR values",
		what, lk_alg_name(bank));
}
