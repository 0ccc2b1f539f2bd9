/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns log show --json. */
#include <stdio.h>
#include <string.h>

#include "core/bootlog/event_text.h"
#include "core/bootlog/event_type.h"
#include "log/log_show.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"

/* The document is written piece by piece: a log has as many events as it likes. */
static int write_piece(const struct lk_json *piece, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_json_write(piece, &text, err));
	(void)fwrite(text.data, 1, text.len - 1, stdout);
	return LK_OK;
}

static int write_element(const struct lk_json *element, bool *first, struct lk_err *err)
{
	printf(*first ? "\n" : ",\n");
	*first = false;
	return write_piece(element, err);
}

static int no_memory(struct lk_err *err)
{
	return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
}

static void set_bytes(struct lk_json *o, const char *key, struct lk_bytes b)
{
	if (b.len)
		lk_json_set_hex(o, key, b.data, b.len);
}

static void set_event(struct lk_json *o, const struct lk_event *event,
		      const struct lk_shown_logs *shown)
{
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
	lk_json_set_text(o, "words", lk_words_key(lk_event_words(event, shown)));
	digests = lk_json_set_object(o, "digests");
	set_bytes(digests, "sha1", event->sha1);
	set_bytes(digests, "sha256", event->sha256);
	set_bytes(digests, "sha384", event->sha384);
	set_bytes(digests, "sha512", event->sha512);
	lk_json_set_bool(o, "extended", event->type != LK_EV_NO_ACTION);
	lk_json_set_bool(o, "data-measured", lk_event_data_is_measured(event, lk_crypto_hash));
	lk_json_set_hex(o, "data", event->data.data, event->data.len);
}

static int write_events(const struct lk_shown_logs *shown, struct lk_err *err)
{
	struct lk_event_log log = shown->firmware;
	struct lk_event event;
	bool first = true;
	int rc = LK_OK;

	printf("\"firmware-log\": [");
	while (rc == LK_OK && shown->opened && lk_event_log_next(&log, &event, NULL) == LK_OK) {
		LK_OWNED_JSON o = lk_json_object();

		if (!o)
			return no_memory(err);
		set_event(o, &event, shown);
		rc = write_element(o, &first, err);
	}
	printf("\n],\n");
	return rc;
}

static void set_entry(struct lk_json *o, const struct lk_ima_entry *entry,
		      const struct lk_shown_logs *shown)
{
	struct lk_text_out words;

	lk_ima_entry_text(entry, &words);
	lk_json_set_uint(o, "number", entry->number);
	lk_json_set_uint(o, "offset", entry->offset);
	lk_json_set_uint(o, "pcr", entry->pcr);
	lk_json_set_text(o, "template", entry->template);
	lk_json_set_text(o, "text", words.text);
	lk_json_set_text(o, "words", lk_words_key(lk_entry_words(entry, shown)));
	lk_json_set_bool(o, "violation", entry->violation);
	set_bytes(o, "template-sha1", entry->template_sha1);
	lk_json_set_bool(o, "sha1-right", lk_ima_entry_is_whole(entry, lk_crypto_hash));
	if (*entry->alg) {
		lk_json_set_text(o, "algorithm", entry->alg);
		set_bytes(o, "digest", entry->digest);
	}
}

static int write_entries(const struct lk_shown_logs *shown, struct lk_err *err)
{
	const struct lk_buf *buf = &shown->files->ima;
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	bool first = true;
	int rc = LK_OK;
	bool opened = lk_ima_log_open(buf->data, buf->len, &log, NULL) == LK_OK;

	printf("\"ima-log\": [");
	while (rc == LK_OK && opened && lk_ima_log_next(&log, &entry, NULL) == LK_OK) {
		LK_OWNED_JSON o = lk_json_object();

		if (!o)
			return no_memory(err);
		set_entry(o, &entry, shown);
		rc = write_element(o, &first, err);
	}
	printf("\n],\n");
	return rc;
}

static int write_format(const struct lk_shown_logs *shown, struct lk_err *err)
{
	LK_OWNED_JSON o = lk_json_object();

	if (!o)
		return no_memory(err);
	lk_json_set_text(o, "kind",
			 shown->confidential   ? "ccel"
			 : shown->firmware.old ? "tpm-1.2"
					       : "tpm-2.0");
	lk_json_set_uint(o, "padding", shown->padding);
	printf("\"firmware-log-format\": ");
	LK_TRY(write_piece(o, err));
	printf(",\n");
	return LK_OK;
}

/* Why a log can't be read further; the events before it are there. */
static int write_end(const char *key, const struct lk_err *end, struct lk_err *err)
{
	LK_OWNED_JSON o = NULL;

	if (end->rc == LK_OK)
		return LK_OK;
	o = lk_json_object();
	if (!o)
		return no_memory(err);
	lk_json_set_text(o, "message", end->msg);
	printf("\"%s\": ", key);
	LK_TRY(write_piece(o, err));
	printf(",\n");
	return LK_OK;
}

static void add_pcr(struct lk_json *o, const struct lk_shown_bank *bank, unsigned int pcr)
{
	const struct lk_explanation *e = &bank->explanation;
	size_t size = lk_alg_size(e->pcrs.values.sel.bank);

	lk_json_set_hex(o, "replayed", e->pcrs.values.value[pcr], size);
	if (bank->values->sel.mask & 1u << pcr)
		lk_json_set_hex(o, "value", bank->values->value[pcr], size);
	lk_json_set_text(o, "result", lk_explained_word(e->what[pcr]));
	if (e->missing[pcr])
		lk_json_set_uint(o, "events-without-digest", e->missing[pcr]);
	if (e->altered[pcr])
		lk_json_set_uint(o, "altered-event", e->altered[pcr]);
	if (e->altered_entry[pcr])
		lk_json_set_uint(o, "altered-entry", e->altered_entry[pcr]);
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

static int write_banks(const struct lk_shown_logs *shown, struct lk_err *err)
{
	LK_OWNED_JSON all = lk_json_object();

	if (!all)
		return no_memory(err);
	for (unsigned int i = 0; i < shown->n_banks; i++)
		add_bank(all, &shown->banks[i]);
	printf("\"banks\": ");
	return write_piece(all, err);
}

int lk_log_show_json(const struct lk_shown_logs *shown, struct lk_err *err)
{
	printf("{\n");
	if (shown->files->firmware.data) {
		LK_TRY(write_events(shown, err));
		if (shown->opened)
			LK_TRY(write_format(shown, err));
		LK_TRY(write_end("firmware-log-error", &shown->firmware_end, err));
	}
	if (shown->files->have_ima) {
		LK_TRY(write_entries(shown, err));
		LK_TRY(write_end("ima-log-error", &shown->ima_end, err));
	}
	LK_TRY(write_banks(shown, err));
	printf("\n}\n");
	return LK_OK;
}
