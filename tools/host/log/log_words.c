/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether a line's words are measured, and the words for that and for what explains a PCR. */
#include "log/log_show.h"
#include "sys/crypto/crypto.h"

const char *lk_explained_word(enum lk_explained v)
{
	static const char *const words[] = {
		[LK_EXPLAINED] = "explained",
		[LK_EXPLAINED_UNTOUCHED] = "untouched",
		[LK_EXPLAINED_WITH_PHASES] = "explained-with-phases",
		[LK_EXPLAINED_BY_BEGINNING] = "explained-by-beginning",
		[LK_UNEXPLAINED_NO_EVENT] = "no-event",
		[LK_UNEXPLAINED] = "not-explained",
		[LK_UNEXPLAINED_NO_VALUE] = "no-value",
		[LK_UNEXPLAINED_ALTERED] = "altered",
		[LK_UNEXPLAINED_INCOMPLETE] = "incomplete",
	};

	return words[v];
}

const char *lk_aggregate_word(enum lk_aggregate v)
{
	static const char *const words[] = {
		[LK_AGGREGATE_NONE] = "none",
		[LK_AGGREGATE_RIGHT] = "right",
		[LK_AGGREGATE_RIGHT_OLD] = "right-without-8-and-9",
		[LK_AGGREGATE_WRONG] = "wrong",
		[LK_AGGREGATE_OTHER_BANK] = "other-bank",
	};

	return words[v];
}

const char *lk_words_name(enum lk_words words)
{
	static const char *const names[LK_WORDS_COUNT] = {
		[LK_WORDS_MEASURED] = "measured", [LK_WORDS_VALUE] = "value",
		[LK_WORDS_UNPROVEN] = "unproven", [LK_WORDS_UNMEASURED] = "unmeasured",
		[LK_WORDS_ALTERED] = "ALTERED",
	};

	return names[words];
}

const char *lk_words_key(enum lk_words words)
{
	return words == LK_WORDS_ALTERED ? "altered" : lk_words_name(words);
}

/* Altered data say nothing of the digests, which give the value all the same. */
static bool is_refuted(const struct lk_shown_logs *shown, unsigned int pcr)
{
	for (unsigned int i = 0; i < shown->n_banks; i++) {
		enum lk_explained what = shown->banks[i].explanation.what[pcr];

		if (what == LK_UNEXPLAINED || what == LK_UNEXPLAINED_INCOMPLETE)
			return true;
	}
	return false;
}

/* PCR values are known, and none is of a bank that the event has a digest of. */
static bool is_beside(const struct lk_event *event, const struct lk_shown_logs *shown)
{
	bool compared = false;

	for (unsigned int i = 0; i < shown->n_banks; i++) {
		const struct lk_explanation *e = &shown->banks[i].explanation;

		if (e->what[event->pcr] == LK_UNEXPLAINED_NO_VALUE)
			continue;
		if (lk_event_digest(event, e->pcrs.values.sel.bank).len)
			return false;
		compared = true;
	}
	return compared;
}

enum lk_words lk_event_words(const struct lk_event *event, const struct lk_shown_logs *shown)
{
	enum lk_vouched vouched = lk_event_vouched_by_all(event, lk_crypto_hash);

	if (vouched == LK_VOUCHED_ALTERED)
		return LK_WORDS_ALTERED;
	if (vouched == LK_VOUCHED_NOT)
		return LK_WORDS_UNMEASURED;
	if (event->pcr < LK_PCR_COUNT && (is_refuted(shown, event->pcr) || is_beside(event, shown)))
		return LK_WORDS_UNPROVEN;
	return vouched == LK_VOUCHED_VALUE ? LK_WORDS_VALUE : LK_WORDS_MEASURED;
}

/* Where a bank's value is explained by the kernel's own hash of the data, the
 * SHA-1 beside these counts for nothing; else it is what may have been extended. */
static bool is_proven_by_hash(const struct lk_shown_logs *shown, unsigned int pcr)
{
	bool any = false;

	for (unsigned int i = 0; i < shown->n_banks; i++) {
		const struct lk_explanation *e = &shown->banks[i].explanation;

		if (e->what[pcr] == LK_UNEXPLAINED_NO_VALUE)
			continue;
		if (e->how == LK_IMA_PADDED_SHA1)
			return false;
		any |= e->what[pcr] == LK_EXPLAINED || e->what[pcr] == LK_EXPLAINED_BY_BEGINNING;
	}
	return any;
}

/* Entries after those that the value is of. */
static bool is_later(const struct lk_ima_entry *entry, const struct lk_shown_logs *shown)
{
	for (unsigned int i = 0; i < shown->n_banks; i++) {
		const struct lk_explanation *e = &shown->banks[i].explanation;

		if (e->what[entry->pcr] == LK_EXPLAINED_BY_BEGINNING &&
		    entry->number > e->beginning)
			return true;
	}
	return false;
}

enum lk_words lk_entry_words(const struct lk_ima_entry *entry, const struct lk_shown_logs *shown)
{
	if (entry->violation)
		return LK_WORDS_UNMEASURED;
	if (!is_proven_by_hash(shown, entry->pcr) && !lk_ima_entry_is_whole(entry, lk_crypto_hash))
		return LK_WORDS_ALTERED;
	if (is_refuted(shown, entry->pcr) || is_later(entry, shown))
		return LK_WORDS_UNPROVEN;
	return LK_WORDS_MEASURED;
}
