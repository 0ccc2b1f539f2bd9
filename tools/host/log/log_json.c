/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns log show --json. */
#include <stdio.h>
#include <string.h>

#include "core/bootlog/event_text.h"
#include "log/log_show.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"

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

static void set_bytes(struct lk_json *o, const char *key, struct lk_bytes b)
{
	if (b.len)
		lk_json_set_hex(o, key, b.data, b.len);
}

static void add_event(struct lk_json *list, const struct lk_event *event)
{
	struct lk_json *o = lk_json_add_object(list);
	struct lk_json *digests;
	struct lk_text_out words;
	const char *type = lk_event_type_name(event->type);

	lk_event_text(event, lk_crypto_hash, &words);
	lk_json_set_uint(o, "number", event->number);
	lk_json_set_uint(o, "offset", event->offset);
	lk_json_set_uint(o, "pcr", event->pcr);
	lk_json_set_handle(o, "type-id", event->type);
	if (type)
		lk_json_set_text(o, "type", type);
	lk_json_set_text(o, "text", words.text);
	digests = lk_json_set_object(o, "digests");
	set_bytes(digests, "sha256", event->sha256);
	set_bytes(digests, "sha384", event->sha384);
	lk_json_set_bool(o, "extended", event->type != LK_EV_NO_ACTION);
	lk_json_set_bool(o, "data-measured", lk_event_data_is_measured(event, lk_crypto_hash));
	lk_json_set_hex(o, "data", event->data.data, event->data.len);
}

static void add_events(struct lk_json *list, const struct lk_buf *buf)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(buf->data, buf->len, &log, NULL);

	while (rc == LK_OK && lk_event_log_next(&log, &event, NULL) == LK_OK)
		add_event(list, &event);
}

static void add_entry(struct lk_json *list, const struct lk_ima_entry *entry)
{
	struct lk_json *o = lk_json_add_object(list);
	struct lk_text_out words;

	lk_ima_entry_text(entry, &words);
	lk_json_set_uint(o, "number", entry->number);
	lk_json_set_uint(o, "offset", entry->offset);
	lk_json_set_uint(o, "pcr", entry->pcr);
	lk_json_set_text(o, "template", entry->template);
	lk_json_set_text(o, "text", words.text);
	lk_json_set_bool(o, "violation", entry->violation);
	if (*entry->alg) {
		lk_json_set_text(o, "algorithm", entry->alg);
		set_bytes(o, "digest", entry->digest);
	}
}

static void add_entries(struct lk_json *list, const struct lk_buf *buf)
{
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	int rc = lk_ima_log_open(buf->data, buf->len, &log, NULL);

	while (rc == LK_OK && lk_ima_log_next(&log, &entry, NULL) == LK_OK)
		add_entry(list, &entry);
}

static void add_pcr(struct lk_json *o, const struct lk_shown_bank *bank, unsigned int pcr)
{
	const struct lk_explanation *e = &bank->explanation;
	size_t size = lk_alg_size(e->pcrs.values.sel.bank);

	lk_json_set_hex(o, "replayed", e->pcrs.values.value[pcr], size);
	if (bank->values->sel.mask & 1u << pcr)
		lk_json_set_hex(o, "value", bank->values->value[pcr], size);
	lk_json_set_text(o, "result", lk_explained_word(e->what[pcr]));
}

static void add_bank(struct lk_json *all, const struct lk_shown_bank *bank)
{
	const struct lk_explanation *e = &bank->explanation;
	struct lk_json *o = lk_json_set_object(all, lk_alg_name(e->pcrs.values.sel.bank));
	struct lk_json *pcrs = lk_json_set_object(o, "pcrs");

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		char number[4];

		(void)snprintf(number, sizeof(number), "%u", i);
		add_pcr(lk_json_set_object(pcrs, number), bank, i);
	}
	lk_json_set_text(o, "boot-aggregate", lk_aggregate_word(e->aggregate));
	lk_json_set_text(o, "ima-extends", e->how == LK_IMA_OWN_HASH ? "own-hash" : "padded-sha1");
	lk_json_set_bool(o, "contradicted", lk_explanation_contradicted(e) != 0);
}

int lk_log_show_json(const struct lk_boot_logs *files, const struct lk_shown_bank *banks,
		     unsigned int n, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_json *all;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	add_events(lk_json_set_array(json, "firmware-log"), &files->firmware);
	if (files->have_ima)
		add_entries(lk_json_set_array(json, "ima-log"), &files->ima);
	all = lk_json_set_object(json, "banks");
	for (unsigned int i = 0; i < n; i++)
		add_bank(all, &banks[i]);
	LK_TRY(lk_json_write(json, &text, err));
	(void)fwrite(text.data, 1, text.len, stdout);
	return LK_OK;
}
