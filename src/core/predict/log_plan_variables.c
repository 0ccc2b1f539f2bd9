/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the events that written EFI variables change. */
#include "core/predict/log_plan_options.h"

#include <string.h>

static enum lk_measured_form form_of(const struct lk_event *event,
				     const struct lk_efi_variable *var, lk_hash_fn hash)
{
	struct lk_event alone = *event;

	alone.data = var->data;
	if (lk_event_data_is_measured(event, hash))
		return LK_FORM_WHOLE;
	return lk_event_data_is_measured(&alone, hash) ? LK_FORM_DATA : LK_FORM_UNKNOWN;
}

/* Always to be seen by the running system (UEFI 2.10, 3.3). */
static bool is_visible(struct lk_bytes name)
{
	static const char *const names[] = { "PK", "KEK", "db", "dbx", "SecureBoot" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lk_utf16_equals(name, names[i]))
			return true;
	return false;
}

/* An empty one, unlike NULL, is data. */
static const uint8_t nothing[1];

static int check_lists(struct lk_bytes lists, struct lk_err *err)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;

	lk_efi_signatures_open(lists, &at);
	while (lk_efi_signatures_next(&at, &sig))
		;
	return at.rest.failed
		       ? lk_log_plan_refuse(err,
					    "db or dbx isn't made of EFI signature lists any more")
		       : LK_OK;
}

/* Hashes of certificates, say: what these make of an image isn't looked at. */
static int check_revoked(struct lk_bytes before, struct lk_bytes now, struct lk_err *err)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;

	lk_efi_signatures_open(now, &at);
	while (lk_efi_signatures_next(&at, &sig))
		if (sig.kind == LK_SIGNATURE_OTHER && !lk_efi_signatures_hold(before, &sig))
			return lk_log_plan_refuse(
				err,
				"dbx (PCR 7) has entries more that are neither SHA-256 hashes of images nor certificates: whether the firmware will still accept the images can't be told");
	return LK_OK;
}

static int plan_setting(struct lk_log_plan *plan, const struct lk_measured *m,
			const struct lk_variable_now *now, struct lk_err *err)
{
	struct lk_bytes data = now->data;

	if (!now->there && !is_visible(m->var.name))
		return LK_OK;
	if (!now->there || !data.len)
		data = (struct lk_bytes){ nothing, 0 };
	if (lk_utf16_equals(m->var.name, "db"))
		plan->db_now = data;
	if (lk_utf16_equals(m->var.name, "dbx"))
		plan->dbx_now = data;
	/* The log's word for what it is now is of no use where no digest is of it. */
	if (m->form == LK_FORM_UNKNOWN)
		return lk_measured_becomes(plan, m, data, err);
	if (lk_bytes_same(data, m->var.data))
		return LK_OK;
	if (plan->db_now.data == data.data || plan->dbx_now.data == data.data)
		LK_TRY(check_lists(data, err));
	if (plan->dbx_now.data == data.data)
		LK_TRY(check_revoked(m->var.data, data, err));
	if (lk_utf16_equals(m->var.name, "SecureBoot"))
		return lk_log_plan_refuse(err, "Secure Boot's state isn't that in the log");
	if (lk_utf16_equals(m->var.name, "PK") && !data.len != !m->var.data.len)
		return lk_log_plan_refuse(
			err, "the platform key (PK) came or went, and with it Secure Boot");
	return lk_measured_becomes(plan, m, data, err);
}

/* What accepted an image has to be found again before anything that is new in
 * db: the firmware takes the first that accepts. */
static int check_authority(const struct lk_log_plan *plan, const struct lk_measured *m,
			   struct lk_bytes db_before, struct lk_err *err)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;
	bool more = false;

	if (!lk_utf16_equals(m->var.name, "db") || !plan->db_now.data ||
	    lk_bytes_same(plan->db_now, db_before))
		return LK_OK;
	if (m->form != LK_FORM_WHOLE || m->var.data.len <= LK_GUID_SIZE)
		return lk_log_plan_refuse(
			err,
			"db changed, and what accepted an image isn't in the log as it is measured");
	lk_efi_signatures_open(plan->db_now, &at);
	while (lk_efi_signatures_next(&at, &sig)) {
		struct lk_bytes entry = { sig.owner.data, LK_GUID_SIZE + sig.data.len };

		if (lk_bytes_same(entry, m->var.data) && !more)
			return LK_OK;
		more |= !lk_efi_signatures_hold(db_before, &sig);
	}
	return lk_log_plan_refuse(
		err,
		more ? "db has something new before what accepted an image in this boot"
		     : "what accepted an image in this boot isn't in db any more: the firmware may refuse it");
}

#define SETTINGS_MAX 64u

struct walk {
	struct lk_log_plan *plan;
	const struct lk_variables *vars;
	struct lk_efi_variable seen[SETTINGS_MAX]; /* settings so far */
	size_t n_seen;
	struct lk_bytes db_before;
	struct lk_measured_options options;
};

/* One that is measured twice was perhaps another in between. */
static int check_once(struct walk *w, const struct lk_efi_variable *var, struct lk_err *err)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (lk_bytes_same(w->seen[i].name, var->name) &&
		    lk_bytes_same(w->seen[i].guid, var->guid))
			return lk_log_plan_refuse(err,
						  "a variable of the firmware is measured twice");
	if (w->n_seen == SETTINGS_MAX)
		return lk_log_plan_refuse(err, "the log has more than 64 settings of the firmware");
	w->seen[w->n_seen++] = *var;
	return LK_OK;
}

static int visit(struct walk *w, const struct lk_event *event, struct lk_err *err)
{
	bool setting = event->type == LK_EV_EFI_VARIABLE_DRIVER_CONFIG;
	struct lk_measured m = { .event = *event };
	struct lk_variable_now now;

	lk_options_watch(event, &w->options);
	if (!setting && !lk_event_is_option(event) && event->type != LK_EV_EFI_VARIABLE_AUTHORITY)
		return LK_OK;
	if (!lk_efi_variable_read(event->data, &m.var))
		return lk_log_plan_refuse(err, "the log has a variable whose lengths aren't right");
	m.form = form_of(event, &m.var, w->plan->hash);
	if (lk_event_is_option(event)) {
		lk_options_take(&m, &w->options);
		return LK_OK;
	}
	if (!setting)
		return check_authority(w->plan, &m, w->db_before, err);
	LK_TRY(check_once(w, &m.var, err));
	if (lk_utf16_equals(m.var.name, "db"))
		w->db_before = m.var.data;
	LK_TRY(lk_variable_read(w->vars, &m.var, &now, err));
	return plan_setting(w->plan, &m, &now, err);
}

int lk_log_plan_variables(struct lk_log_plan *plan, const struct lk_variables *vars,
			  struct lk_err *err)
{
	struct walk w = { .plan = plan, .vars = vars };
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK)
			LK_TRY(visit(&w, &event, err));
	}
	return rc == LK_LOG_END ? lk_options_plan(plan, &w.options, vars, err) : rc;
}

bool lk_log_plan_enforced(const struct lk_log_plan *plan)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, NULL);

	while (rc == LK_OK && lk_event_log_next(&log, &event, NULL) == LK_OK)
		if (event.type == LK_EV_EFI_VARIABLE_AUTHORITY)
			return true;
	return false;
}

bool lk_log_plan_forbidden(const struct lk_log_plan *plan, const struct lk_pe *image)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;
	struct lk_digest digest;

	if (!plan->dbx_now.data || !lk_log_plan_enforced(plan) ||
	    !lk_pe_digest(image, LK_ALG_SHA256, plan->hash, &digest))
		return false;
	lk_efi_signatures_open(plan->dbx_now, &at);
	while (lk_efi_signatures_next(&at, &sig)) {
		if (sig.kind == LK_SIGNATURE_SHA256 &&
		    lk_bytes_same(sig.data, (struct lk_bytes){ digest.data, digest.len }))
			return true;
		if (sig.kind == LK_SIGNATURE_CERTIFICATE &&
		    lk_bytes_contain(image->signatures, sig.data))
			return true;
	}
	return false;
}
