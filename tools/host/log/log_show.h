/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what log show has found out, for its two ways to say it. */
#ifndef LK_HOST_LOG_LOG_SHOW_H
#define LK_HOST_LOG_LOG_SHOW_H

#include "core/bootlog/event_vouch.h"
#include "sys/boot/boot_logs.h"

/** One explanation a bank; those without values have a mask of 0. */
struct lk_shown_bank {
	const struct lk_pcr_values *values;
	struct lk_explanation explanation;
};

struct lk_shown_logs {
	const struct lk_boot_logs *files;
	bool have_values;
	/* Of the firmware's log, where it could be opened. */
	bool opened;
	bool confidential; /* a CCEL: no PCR is explained by it */
	struct lk_event_log firmware;
	size_t padding;
	/* Why a log can't be read further, with its name; rc LK_OK: it was to its end. */
	struct lk_err firmware_end;
	struct lk_err ima_end;
	struct lk_shown_bank banks[LK_PCR_BANKS];
	unsigned int n_banks;
};

/** "explained", "not-explained", ...: for programs. */
const char *lk_explained_word(enum lk_explained v);
const char *lk_aggregate_word(enum lk_aggregate v);

/** Whether a line's words are what was measured. */
enum lk_words {
	LK_WORDS_MEASURED,
	LK_WORDS_VALUE,	     /* a variable's value is, and its name isn't */
	LK_WORDS_UNPROVEN,   /* they fit their digest, which the PCR's value refutes */
	LK_WORDS_UNMEASURED, /* the digest is of something that they only tell of */
	LK_WORDS_ALTERED,    /* the digest is of other data */
	LK_WORDS_COUNT
};
enum lk_words lk_event_words(const struct lk_event *event, const struct lk_shown_logs *shown);
enum lk_words lk_entry_words(const struct lk_ima_entry *entry, const struct lk_shown_logs *shown);
/** "measured", "value", ...: in a column. */
const char *lk_words_name(enum lk_words words);
/** The same for programs, in small letters. */
const char *lk_words_key(enum lk_words words);

/** @shown: banks that the log has, at most LK_PCR_BANKS. */
int lk_log_show_json(const struct lk_shown_logs *shown, struct lk_err *err);
void lk_log_show_text(const struct lk_shown_logs *shown);

#endif
