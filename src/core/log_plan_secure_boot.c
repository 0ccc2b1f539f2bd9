/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the events of PCR 7 that another db, another signer or Secure Boot off changes. */
#include <string.h>

#include "core/efi_variable.h"
#include "core/log_plan.h"

#define PCR_SECURE_BOOT	 7u
#define PCR_KERNEL_IMAGE 11u

static int refuse(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_REFUSED, 0, "can't be predicted: %s", what);
}

struct variable {
	struct lk_event event; /* number 0: not in the log */
	struct lk_efi_variable var;
};

/* Secure Boot as the log has it. */
struct settings {
	struct variable state, db, authority;
	unsigned int n_authorities;
	bool accepts; /* an authority is in the image's signatures */
};

/* Whether @needle lies in @hay anywhere. */
static bool contains(struct lk_bytes hay, struct lk_bytes needle)
{
	const uint8_t *at = hay.data;
	size_t left = hay.len;

	while (needle.len && left >= needle.len) {
		const uint8_t *found =
			memchr(at, needle.data[0], left - needle.len + 1);

		if (!found)
			return false;
		if (!memcmp(found, needle.data, needle.len))
			return true;
		left -= (size_t)(found + 1 - at);
		at = found + 1;
	}
	return false;
}

/* Firmware puts the owner before the certificate, shim doesn't. */
static bool accepts(const struct lk_efi_variable *authority,
		    struct lk_bytes signatures)
{
	struct lk_bytes inner = authority->data;

	if (contains(signatures, inner))
		return true;
	if (inner.len <= LK_GUID_SIZE)
		return false;
	inner.data += LK_GUID_SIZE;
	inner.len -= LK_GUID_SIZE;
	return contains(signatures, inner);
}

static void take(const struct lk_event *event, struct lk_bytes signatures,
		 struct settings *s)
{
	struct variable v = { .event = *event };

	if (event->pcr != PCR_SECURE_BOOT ||
	    !lk_efi_variable_read(event->data, &v.var))
		return;
	if (event->type == LK_EV_EFI_VARIABLE_AUTHORITY) {
		s->authority = v;
		s->n_authorities++;
		s->accepts |= accepts(&v.var, signatures);
	} else if (event->type == LK_EV_EFI_VARIABLE_DRIVER_CONFIG) {
		if (lk_utf16_equals(v.var.name, "SecureBoot"))
			s->state = v;
		else if (lk_utf16_equals(v.var.name, "db"))
			s->db = v;
	}
}

/* Only from events whose data are what was measured. */
static int read_settings(const struct lk_log_plan *plan,
			 struct lk_bytes signatures, struct settings *ret,
			 struct lk_err *err)
{
	struct settings s = { .n_authorities = 0 };
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK &&
		    lk_event_data_is_measured(&event, plan->hash))
			take(&event, signatures, &s);
	}
	if (rc != LK_LOG_END)
		return rc;
	if (!s.state.event.number || !s.db.event.number)
		return refuse(err, "the log has no Secure Boot variables that "
				   "are measured as they stand in it (PCR 7)");
	*ret = s;
	return LK_OK;
}

static void put_le64(uint8_t *out, uint64_t v)
{
	for (unsigned int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

/* The variable's event with other data, in two parts. */
static int change_variable(struct lk_log_plan *plan, const struct variable *v,
			   const struct lk_bytes data[2], const char *what,
			   struct lk_err *err)
{
	/* As in UEFI_VARIABLE_DATA: lengths of the name and of the data. */
	size_t name_size =
		v->event.data.len - LK_GUID_SIZE - 16 - v->var.data.len;
	struct lk_plan_change *change;
	uint8_t lengths[16];
	struct lk_bytes parts[5];

	LK_TRY(lk_log_plan_add(plan, &v->event, &change, err));
	change->what = what;
	put_le64(lengths, name_size / 2);
	put_le64(lengths + 8, data[0].len + data[1].len);
	parts[0] = v->var.guid;
	parts[1] = (struct lk_bytes){ lengths, sizeof(lengths) };
	parts[2] = (struct lk_bytes){ v->var.name.data, name_size };
	parts[3] = data[0];
	parts[4] = data[1];
	return lk_log_plan_digest(plan, parts, 5, change, err);
}

static bool is_in(struct lk_bytes lists, const struct lk_efi_signature *wanted)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;

	lk_efi_signatures_open(lists, &at);
	while (lk_efi_signatures_next(&at, &sig))
		if (sig.kind == wanted->kind &&
		    sig.data.len == wanted->data.len &&
		    !memcmp(sig.owner.data, wanted->owner.data, LK_GUID_SIZE) &&
		    !memcmp(sig.data.data, wanted->data.data, sig.data.len))
			return true;
	return false;
}

static int check_lists(struct lk_bytes old, struct lk_bytes lists,
		       struct lk_err *err)
{
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;
	unsigned int n = 0;

	lk_efi_signatures_open(lists, &at);
	while (lk_efi_signatures_next(&at, &sig)) {
		if (is_in(old, &sig))
			return refuse(err, "db has one of these signatures "
					   "already, and what firmware makes "
					   "of that isn't known");
		n++;
	}
	if (at.rest.failed || !n)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "no EFI signature lists, such as "
				  "cert-to-efi-sig-list makes of a "
				  "certificate");
	return LK_OK;
}

int lk_log_plan_db(struct lk_log_plan *plan, struct lk_bytes lists,
		   struct lk_err *err)
{
	const struct lk_bytes none = { NULL, 0 };
	struct settings s;

	LK_TRY(read_settings(plan, none, &s, err));
	LK_TRY(check_lists(s.db.var.data, lists, err));
	plan->db_more = lists;
	return change_variable(plan, &s.db,
			       (struct lk_bytes[2]){ s.db.var.data, lists },
			       "Secure Boot's db", err);
}

static bool is_on(const struct settings *s)
{
	return s->state.var.data.len == 1 && s->state.var.data.data[0] == 1;
}

/* A stub asks the firmware then; whether it is one, its sections tell. */
static int ask_for_uki(struct lk_log_plan *plan, struct lk_err *err)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		plan->needs_uki |= rc == LK_OK && event.type == LK_EV_IPL &&
				   event.pcr == PCR_KERNEL_IMAGE;
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

int lk_log_plan_secure_boot_off(struct lk_log_plan *plan, struct lk_err *err)
{
	static const uint8_t off = 0;
	const struct lk_bytes none = { NULL, 0 };
	struct settings s;

	LK_TRY(read_settings(plan, none, &s, err));
	if (!is_on(&s))
		return refuse(err, "Secure Boot is off in the log already");
	plan->secure_boot_off = true;
	LK_TRY(change_variable(plan, &s.state,
			       (struct lk_bytes[2]){ { &off, 1 }, none },
			       "Secure Boot", err));
	LK_TRY(ask_for_uki(plan, err));
	/* Nothing is accepted for a reason any more. */
	return lk_log_plan_remove(plan, PCR_SECURE_BOOT,
				  LK_EV_EFI_VARIABLE_AUTHORITY,
				  "why an image was accepted", err);
}

/* The first certificate of the db to come that the image's signatures hold. */
static bool find_signer(const struct lk_log_plan *plan,
			const struct settings *s, struct lk_bytes signatures,
			struct lk_efi_signature *ret)
{
	const struct lk_bytes lists[2] = { s->db.var.data, plan->db_more };

	for (size_t i = 0; i < 2; i++) {
		struct lk_efi_signatures at;

		lk_efi_signatures_open(lists[i], &at);
		while (lk_efi_signatures_next(&at, ret))
			if (ret->kind == LK_SIGNATURE_CERTIFICATE &&
			    contains(signatures, ret->data))
				return true;
	}
	return false;
}

int lk_log_plan_signed(struct lk_log_plan *plan, const struct lk_pe *image,
		       struct lk_err *err)
{
	struct lk_efi_signature signer;
	struct settings s;

	if (plan->secure_boot_off)
		return LK_OK;
	LK_TRY(read_settings(plan, image->signatures, &s, err));
	if (!is_on(&s) || s.accepts)
		return LK_OK;
	if (!image->signatures.len)
		return refuse(err, "the image isn't signed, and Secure Boot is "
				   "on");
	if (s.n_authorities != 1 ||
	    !lk_utf16_equals(s.authority.var.name, "db") ||
	    !find_signer(plan, &s, image->signatures, &signer))
		return refuse(err, "the image's signature holds none of the "
				   "certificates that accepted images in the "
				   "log, nor one of db (PCR 7)");
	return change_variable(plan, &s.authority,
			       (struct lk_bytes[2]){ signer.owner,
						     signer.data },
			       "the certificate that accepts the image", err);
}
