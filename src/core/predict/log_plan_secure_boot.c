/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the events of PCR 7 that another db, another signer or Secure Boot off changes. */
#include "core/predict/boot_course.h"
#include "core/bootlog/efi_variable.h"
#include "core/predict/log_plan.h"
#include "core/predict/log_plan_measured.h"

/*
 * Secure Boot as the log has it. A certificate is measured when it accepts
 * its first image, right before that image is.
 */
struct settings {
	struct lk_measured state, db;
	struct lk_measured own; /* that came with the image asked about */
	unsigned int n_own;
	bool own_accepts, earlier_accepts;
	bool later;	    /* images, or what accepted them */
	bool any;	    /* authority at all */
	bool shim;	    /* accepts images too, in an order of its own */
	bool drivers;	    /* of plug-in cards, which are accepted or not like images */
	const char *unsure; /* what speaks against reading the settings out of the log */
};

/* Firmware puts the owner before the certificate, shim doesn't. */
static bool accepts(const struct lk_efi_variable *authority, struct lk_bytes signatures)
{
	struct lk_bytes inner = authority->data;

	if (lk_bytes_contain(signatures, inner))
		return true;
	if (inner.len <= LK_GUID_SIZE)
		return false;
	inner.data += LK_GUID_SIZE;
	inner.len -= LK_GUID_SIZE;
	return lk_bytes_contain(signatures, inner);
}

static bool is_image(const struct lk_event *event)
{
	return event->type == LK_EV_EFI_BOOT_SERVICES_APPLICATION ||
	       event->type == LK_EV_EFI_BOOT_SERVICES_DRIVER ||
	       event->type == LK_EV_EFI_RUNTIME_SERVICES_DRIVER;
}

/* The question that the log is read for. */
struct asking {
	unsigned int image;	    /* the image's event; 0: none */
	struct lk_bytes signatures; /* of what comes in its place */
	lk_hash_fn hash;
};

/* What came before it was of this one. */
static void take_image(const struct lk_event *event, unsigned int asked, struct settings *s)
{
	s->later |= event->number > asked;
	if (event->number >= asked)
		return;
	s->earlier_accepts |= s->own_accepts;
	s->own_accepts = false;
	s->n_own = 0;
}

static void take_authority(const struct lk_measured *v, bool accepted, unsigned int asked,
			   struct settings *s)
{
	s->any = true;
	s->shim |= !lk_utf16_equals(v->var.name, "db");
	if (v->event.number > asked) {
		s->later = true;
		return;
	}
	s->own = *v;
	s->own_accepts = accepted;
	s->n_own++;
}

static void take_setting(const struct lk_measured *v, struct settings *s)
{
	struct lk_measured *slot = NULL;

	if (lk_utf16_equals(v->var.name, "SecureBoot"))
		slot = &s->state;
	else if (lk_utf16_equals(v->var.name, "db"))
		slot = &s->db;
	if (!slot)
		return;
	if (slot->event.number)
		s->unsure = "SecureBoot or db is measured twice (PCR 7)";
	*slot = *v;
}

/* What a variable is and says is believed where its digest is that of its data. */
static void take_variable(const struct lk_event *event, const struct asking *a, struct settings *s)
{
	bool authority = event->type == LK_EV_EFI_VARIABLE_AUTHORITY;
	struct lk_measured v = { .event = *event, .form = LK_FORM_WHOLE };

	if (event->pcr != LK_PCR_SECURE_BOOT ||
	    (!authority && event->type != LK_EV_EFI_VARIABLE_DRIVER_CONFIG))
		return;
	if (!lk_event_data_is_measured(event, a->hash) ||
	    !lk_efi_variable_read(event->data, &v.var))
		s->unsure =
			"the log has no Secure Boot variables that are all measured as they stand in it (PCR 7)";
	else if (authority)
		take_authority(&v, accepts(&v.var, a->signatures), a->image, s);
	else
		take_setting(&v, s);
}

static void take_secure_boot_event(const struct lk_event *event, const struct asking *a,
				   struct settings *s)
{
	s->shim |= event->type == LK_EV_IPL && event->pcr == LK_PCR_SHIM;
	s->drivers |= event->type == LK_EV_EFI_BOOT_SERVICES_DRIVER ||
		      event->type == LK_EV_EFI_RUNTIME_SERVICES_DRIVER;
	if (is_image(event))
		take_image(event, a->image, s);
	else
		take_variable(event, a, s);
}

/*
 * Only from events whose data are what was measured. @asked: the image's event,
 * 0 for none; @signatures: of what comes in its place.
 */
static int read_settings(const struct lk_log_plan *plan, unsigned int asked,
			 struct lk_bytes signatures, struct settings *ret, struct lk_err *err)
{
	const struct asking a = { asked, signatures, plan->hash };
	struct settings s = { .n_own = 0 };
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK)
			take_secure_boot_event(&event, &a, &s);
	}
	if (rc != LK_LOG_END)
		return rc;
	if (s.unsure)
		return lk_log_plan_refuse(err, s.unsure);
	if (!s.state.event.number || !s.db.event.number)
		return lk_log_plan_refuse(
			err,
			"the log has no Secure Boot variables that are measured as they stand in it (PCR 7)");
	*ret = s;
	return LK_OK;
}

static int change_variable(struct lk_log_plan *plan, const struct lk_measured *v,
			   const struct lk_bytes data[2], const char *what, struct lk_err *err)
{
	struct lk_plan_change *change = NULL;

	LK_TRY(lk_log_plan_add(plan, &v->event, &change, err));
	change->what = what;
	return lk_measured_digest(plan, v,
				  &(struct lk_measured_now){ v->var.name, { data[0], data[1] } },
				  change, err);
}

static int check_lists(struct lk_bytes old, struct lk_bytes lists, struct lk_err *err)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;
	unsigned int n = 0;

	lk_efi_signatures_open(lists, &at);
	while (lk_efi_signatures_next(&at, &sig)) {
		if (lk_efi_signatures_hold(old, &sig))
			return lk_log_plan_refuse(
				err,
				"db has one of these signatures already, and what firmware makes of that isn't known");
		n++;
	}
	if (at.rest.failed || !n)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"no EFI signature lists, such as cert-to-efi-sig-list makes of a certificate");
	return LK_OK;
}

int lk_log_plan_db(struct lk_log_plan *plan, struct lk_bytes lists, struct lk_err *err)
{
	const struct lk_bytes none = { NULL, 0 };
	struct settings s;

	LK_TRY(read_settings(plan, 0, none, &s, err));
	if (s.shim)
		return lk_log_plan_refuse(
			err,
			"shim looks for what accepts an image in db before it looks at its own certificate and MokList, so that another db may change what it measures as well (PCR 7)");
	LK_TRY(check_lists(s.db.var.data, lists, err));
	plan->db_more = lists;
	return change_variable(plan, &s.db, (struct lk_bytes[2]){ s.db.var.data, lists },
			       "Secure Boot's db", err);
}

static bool is_on(const struct settings *s)
{
	return s->state.var.data.len == 1 && s->state.var.data.data[0] == 1;
}

int lk_log_plan_secure_boot_off(struct lk_log_plan *plan, struct lk_err *err)
{
	static const uint8_t off = 0;
	const struct lk_bytes none = { NULL, 0 };
	struct lk_boot_course c;
	struct settings s;

	LK_TRY(lk_boot_course_follow(plan->log, plan->hash, &c, err));
	LK_TRY(read_settings(plan, 0, none, &s, err));
	if (!is_on(&s))
		return lk_log_plan_refuse(err, "Secure Boot is off in the log already");
	if (s.shim || c.loader_measures)
		return lk_log_plan_refuse(
			err,
			"what shim and GRUB measure without Secure Boot isn't known (PCRs 7, 8, 9 and 14)");
	if (s.drivers)
		return lk_log_plan_refuse(
			err,
			"drivers of plug-in cards are measured (PCR 2), and whether there are more, which Secure Boot kept out, isn't known");
	if (c.unsure)
		return lk_log_plan_refuse(err, c.unsure);
	/* Its stub has the firmware start the kernel then. */
	plan->needs_uki = c.sections;
	plan->secure_boot_off = true;
	LK_TRY(change_variable(plan, &s.state, (struct lk_bytes[2]){ { &off, 1 }, none },
			       "Secure Boot", err));
	/* Nothing is accepted for a reason any more. */
	return lk_log_plan_remove(plan, LK_PCR_SECURE_BOOT, LK_EV_EFI_VARIABLE_AUTHORITY,
				  "why an image was accepted", err);
}

/* Certificates of the db to come that the image's signatures hold; the first
 * of them. */
static unsigned int find_signers(const struct lk_log_plan *plan, const struct settings *s,
				 struct lk_bytes signatures, struct lk_efi_signature *ret)
{
	const struct lk_bytes lists[2] = { plan->db_now.data ? plan->db_now : s->db.var.data,
					   plan->db_more };
	struct lk_efi_signature sig;
	unsigned int n = 0;

	for (size_t i = 0; i < 2; i++) {
		struct lk_efi_signatures at;

		lk_efi_signatures_open(lists[i], &at);
		while (lk_efi_signatures_next(&at, &sig)) {
			if (sig.kind != LK_SIGNATURE_CERTIFICATE ||
			    !lk_bytes_contain(signatures, sig.data) ||
			    (n && lk_bytes_same(sig.data, ret->data)))
				continue;
			if (!n++)
				*ret = sig;
		}
	}
	return n;
}

/* In place of what accepted the old image, or after what accepted others. */
static int change_authority(struct lk_log_plan *plan, const struct settings *s,
			    const struct lk_efi_signature *signer, struct lk_err *err)
{
	static const char what[] = "the certificate that accepts the image";
	const struct lk_bytes data[2] = { signer->owner, signer->data };
	struct lk_plan_change *change = NULL;

	if (s->n_own)
		return change_variable(plan, &s->own, data, what, err);
	LK_TRY(lk_log_plan_add(plan, NULL, &change, err));
	change->pcr = LK_PCR_SECURE_BOOT;
	change->what = what;
	/* It is db's entry that is measured, under db's name. */
	return lk_measured_digest(plan, &s->db,
				  &(struct lk_measured_now){ s->db.var.name, { data[0], data[1] } },
				  change, err);
}

/* Whether PCR 7 is the same with the new image. */
static bool stays_accepted(const struct settings *s, unsigned int n_signers)
{
	if (n_signers > 1)
		return false;
	return s->n_own ? s->n_own == 1 && s->own_accepts : s->earlier_accepts;
}

int lk_log_plan_signed(struct lk_log_plan *plan, const struct lk_event *old,
		       const struct lk_pe *image, struct lk_err *err)
{
	struct lk_efi_signature signer = { .data = { NULL, 0 } };
	struct settings s;
	unsigned int n;

	if (plan->secure_boot_off)
		return LK_OK;
	LK_TRY(read_settings(plan, old->number, image->signatures, &s, err));
	if (!is_on(&s))
		return LK_OK;
	/* In an order of its own: db, MokList, its own certificate; and levels of
	 * revocation that nothing in the log tells of. */
	if (s.shim)
		return lk_log_plan_refuse(
			err,
			"shim accepts images by keys that the log doesn't have (MokList), and what it would measure of another image isn't known (PCRs 7 and 14)");
	n = find_signers(plan, &s, image->signatures, &signer);
	if (stays_accepted(&s, n))
		return LK_OK;
	if (!image->signatures.len)
		return lk_log_plan_refuse(err, "the image isn't signed, and Secure Boot is on");
	if (!n)
		return lk_log_plan_refuse(
			err,
			"the image's signature holds none of the certificates that accepted images in the log, nor one of db (PCR 7)");
	if (!s.any || s.later || s.n_own > 1 || s.earlier_accepts || n > 1)
		return lk_log_plan_refuse(
			err,
			"which certificate accepts the image, and which of those in the log are measured then, isn't known (PCR 7)");
	return change_authority(plan, &s, &signer, err);
}
