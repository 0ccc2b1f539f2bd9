/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making and reading references, and events of a PCR by both logs. */
#include "core/bootlog/boot_reference.h"

#include <stdlib.h>
#include <string.h>

#define VERSION	 1u
#define MORE_BIT 0x80u

static int hash_failed(struct lk_err *err)
{
	return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
}

static void add_event(const struct lk_boot_event *event, struct lk_bytes digest,
		      struct lk_pcr_events *to)
{
	if (to->n == LK_PCR_EVENTS_MAX) {
		to->more = true;
		return;
	}
	to->event[to->n] = *event;
	memcpy(to->event[to->n].digest, digest.data, LK_REFERENCE_DIGEST);
	to->digest[to->n].len = (uint16_t)digest.len;
	memcpy(to->digest[to->n].data, digest.data, digest.len);
	to->n++;
}

static int read_firmware(const struct lk_boot_view *view, unsigned int pcr,
			 struct lk_pcr_events *to, struct lk_err *err)
{
	enum lk_alg bank = view->explained.pcrs.values.sel.bank;
	struct lk_event_log log;
	struct lk_event e;
	int rc = lk_event_log_open(view->logs.firmware.data, view->logs.firmware.len, &log, err);

	while (rc == LK_OK) {
		struct lk_boot_event event = { 0 };

		rc = lk_event_log_next(&log, &e, err);
		if (rc != LK_OK || e.pcr != pcr || e.type == LK_EV_NO_ACTION ||
		    !lk_event_digest(&e, bank).len)
			continue;
		event.number = e.number;
		event.kind = (uint8_t)lk_event_kind(&e);
		event.signatures = (uint16_t)lk_event_signatures(&e, view->hash);
		add_event(&event, lk_event_digest(&e, bank), to);
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

static int read_ima(const struct lk_boot_view *view, unsigned int pcr, struct lk_pcr_events *to,
		    struct lk_err *err)
{
	const struct lk_explanation *x = &view->explained;
	struct lk_ima_log log;
	struct lk_ima_entry e;
	struct lk_digest digest;
	int rc = lk_ima_log_open(view->logs.ima.data, view->logs.ima.len, &log, err);

	while (rc == LK_OK) {
		struct lk_boot_event event = { .ima = true };

		rc = lk_ima_log_next(&log, &e, err);
		if (rc != LK_OK || e.pcr != pcr)
			continue;
		if (to->more || (x->beginning && e.number > x->beginning))
			return LK_OK;
		if (!lk_ima_entry_digest(&e, x->pcrs.values.sel.bank, x->how, view->hash, &digest))
			return hash_failed(err);
		event.number = e.number;
		event.kind = (uint8_t)lk_ima_entry_kind(&e);
		event.signatures = LK_SIGNATURES_UNKNOWN;
		add_event(&event, (struct lk_bytes){ digest.data, digest.len }, to);
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

int lk_pcr_events_read(const struct lk_boot_view *view, unsigned int pcr, struct lk_pcr_events *ret,
		       struct lk_err *err)
{
	ret->n = 0;
	ret->more = false;
	LK_TRY(read_firmware(view, pcr, ret, err));
	if (view->logs.ima.data && view->explained.ima_pcrs & 1u << pcr)
		LK_TRY(read_ima(view, pcr, ret, err));
	return LK_OK;
}

/* Those whose values the logs give; LK_E_REFUSED where they give another. */
static int choose_pcrs(const struct lk_boot_view *view, const struct lk_pcr_values *opened,
		       uint32_t *ret, struct lk_err *err)
{
	const struct lk_explanation *x = &view->explained;
	bool aggregate =
		x->aggregate == LK_AGGREGATE_RIGHT || x->aggregate == LK_AGGREGATE_RIGHT_OLD;
	uint32_t mask = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(opened->sel.mask & 1u << i))
			continue;
		if (x->what[i] == LK_UNEXPLAINED || x->what[i] == LK_UNEXPLAINED_ALTERED)
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"the logs don't explain PCR %u of the signed policy that opened it",
				i);
		if (x->what[i] != LK_UNEXPLAINED_NO_EVENT)
			mask |= 1u << i;
	}
	if (aggregate && mask & 1u << LK_PCR_IMA)
		mask |= (1u << (x->aggregate == LK_AGGREGATE_RIGHT ? LK_IMA_BOOT_PCRS
								   : LK_IMA_BOOT_PCRS_OLD)) -
			1u;
	*ret = mask;
	return LK_OK;
}

/* Room for those first whose changes are told apart best, and least for those
 * that boot loaders fill. */
static void share_out(uint32_t mask, const size_t have[static LK_PCR_COUNT],
		      size_t ret[static LK_PCR_COUNT])
{
	static const uint8_t order[] = { 7,  4,	 0,  2,	 1,  3,	 5,  6,	 11, 12, 13, 14,
					 15, 16, 23, 17, 18, 19, 20, 21, 22, 10, 9,  8 };
	size_t left = LK_REFERENCE_EVENTS_MAX;

	for (size_t i = 0; i < sizeof(order); i++) {
		unsigned int pcr = order[i];
		size_t n = mask & 1u << pcr ? have[pcr] : 0;

		if (n > LK_REFERENCE_PCR_EVENTS_MAX)
			n = LK_REFERENCE_PCR_EVENTS_MAX;
		ret[pcr] = n < left ? n : left;
		left -= ret[pcr];
	}
}

static void write_pcr(unsigned int pcr, const uint8_t *value, const struct lk_pcr_events *events,
		      size_t n, struct lk_writer *w)
{
	bool more = events->more || n < events->n;

	lk_write_u8(w, (uint8_t)(pcr | (more ? MORE_BIT : 0)));
	lk_write_bytes(w, value, LK_REFERENCE_DIGEST);
	lk_write_be16(w, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		lk_write_u8(w, events->event[i].kind);
		lk_write_be16(w, events->event[i].signatures);
		lk_write_bytes(w, events->event[i].digest, LK_REFERENCE_DIGEST);
	}
}

static int write_all(const struct lk_boot_view *view, const struct lk_pcr_values *opened,
		     struct lk_pcr_events *events, struct lk_writer *w, struct lk_err *err)
{
	size_t have[LK_PCR_COUNT] = { 0 };
	size_t share[LK_PCR_COUNT];
	uint32_t mask = 0;

	LK_TRY(choose_pcrs(view, opened, &mask, err));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(mask & 1u << i))
			continue;
		LK_TRY(lk_pcr_events_read(view, i, events, err));
		have[i] = events->n;
	}
	share_out(mask, have, share);
	lk_write_u8(w, VERSION);
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		const struct lk_pcr_values *values =
			opened->sel.mask & 1u << i ? opened : &view->explained.pcrs.values;

		if (!(mask & 1u << i))
			continue;
		LK_TRY(lk_pcr_events_read(view, i, events, err));
		write_pcr(i, values->value[i], events, share[i], w);
	}
	return w->failed ? lk_err_set(err, LK_E_SYSTEM, 0, "no room") : LK_OK;
}

int lk_boot_reference_make(const struct lk_boot_view *view, const struct lk_pcr_values *opened,
			   struct lk_writer *ret, struct lk_err *err)
{
	struct lk_pcr_events *events = malloc(sizeof(*events));
	int rc;

	if (!events)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = write_all(view, opened, events, ret, err);
	free(events);
	return rc;
}

static bool read_pcr(struct lk_reader *r, unsigned int *last, struct lk_boot_reference *ref)
{
	uint8_t number = lk_read_u8(r);
	unsigned int pcr = number & ~MORE_BIT;
	struct lk_bytes value = lk_read_bytes(r, LK_REFERENCE_DIGEST);
	size_t n = lk_read_be16(r);
	struct lk_reference_pcr *to;

	if (r->failed || pcr >= LK_PCR_COUNT || pcr < *last || n > LK_REFERENCE_EVENTS_MAX - ref->n)
		return false;
	*last = pcr + 1;
	to = &ref->pcr[pcr];
	*to = (struct lk_reference_pcr){
		.present = true, .more = number & MORE_BIT, .first = ref->n, .n = n
	};
	memcpy(to->value, value.data, LK_REFERENCE_DIGEST);
	for (size_t i = 0; i < n; i++) {
		struct lk_boot_event *event = &ref->event[ref->n++];
		struct lk_bytes digest;

		event->kind = lk_read_u8(r);
		event->signatures = lk_read_be16(r);
		digest = lk_read_bytes(r, LK_REFERENCE_DIGEST);
		if (r->failed || event->kind >= LK_KIND_COUNT)
			return false;
		memcpy(event->digest, digest.data, LK_REFERENCE_DIGEST);
	}
	return true;
}

bool lk_boot_reference_parse(struct lk_bytes bytes, struct lk_boot_reference *ret)
{
	struct lk_reader r = lk_reader_init(bytes.data, bytes.len);
	struct lk_boot_reference ref = { .n = 0 };
	unsigned int last = 0;

	if (lk_read_u8(&r) != VERSION)
		return false;
	while (r.left && !r.failed)
		if (!read_pcr(&r, &last, &ref))
			return false;
	if (!lk_reader_done(&r))
		return false;
	*ret = ref;
	return true;
}
