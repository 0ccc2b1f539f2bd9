/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading bundles of signed policies from devices that may hang, lie or be pulled. */
#include "unseal/brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/device_tag.h"
#include "core/policy/boot_argument.h"
#include "core/policy/policy_bundle.h"
#include "sys/crypto/crypto.h"
#include "sys/format/yaml.h"
#include "sys/os/log.h"
#include "sys/os/medium.h"
#include "sys/os/partitions.h"
#include "volume/opened.h"

/** A bundle on its way from its bytes to the policies that are of use. */
struct taking {
	const struct lk_policy_file *pf;
	const struct lk_pcr_values *now;
	struct lk_token into;
	size_t others; /* passed over */
	size_t fit;
	struct lk_err last; /* why the last one was */
};

static bool is_signed(const struct lk_signed_policy *sp, const struct lk_policy_file *pf,
		      struct lk_err *err)
{
	struct lk_bytes signature = { sp->signature, sp->signature_len };
	struct lk_digest tbs;

	return lk_signed_policy_tbs(sp, lk_crypto_hash, &tbs) == LK_OK &&
	       lk_crypto_verify(&pf->key, &tbs, signature, err) == LK_OK;
}

/* One that fits is verified here: beside a forged one of a higher version the TPM would
 * never be asked about the owner's. Those that don't fit are for the diagnosis. */
static void take_line(struct taking *t, struct lk_bytes line)
{
	struct lk_signed_policy *sp = &t->into.policies[t->into.n_policies];
	LK_OWNED_YAML yaml = NULL;
	bool fits;

	if (lk_yaml_parse(line.data, line.len, &yaml, &t->last) != LK_OK ||
	    lk_signed_policy_from_doc(lk_yaml_root(yaml), sp, &t->last) != LK_OK ||
	    lk_signed_policy_check(sp, t->pf, lk_crypto_hash, &t->last) != LK_OK) {
		t->others++;
		return;
	}
	fits = t->now && !lk_pcr_differing(&sp->pcrs, t->now, t->pf->pcrs.mask);
	if (fits && !is_signed(sp, t->pf, &t->last)) {
		t->others++;
		return;
	}
	t->fit += fits;
	t->into.n_policies++;
}

/* The first read may have brought more than the first line. */
static int read_body(struct lk_medium *m, const struct lk_policy_bundle *b, struct lk_bytes start,
		     struct lk_buf *ret, struct lk_err *err)
{
	size_t have = start.len - LK_POLICY_BUNDLE_HEAD;
	size_t more = 0;

	ret->data = malloc(b->len + 1);
	if (!ret->data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (have > b->len)
		have = b->len;
	memcpy(ret->data, start.data + LK_POLICY_BUNDLE_HEAD, have);
	ret->len = have;
	LK_TRY(lk_medium_read(m, ret->data + have, b->len - have, &more, err));
	ret->len += more;
	return LK_OK;
}

static int read_bundle(const char *path, int64_t end, struct taking *t, struct lk_err *err)
{
	LK_OWNED_MEDIUM m = LK_MEDIUM_NONE;
	LK_OWNED_BUF text = LK_BUF_NONE;
	uint8_t start[LK_POLICY_BUNDLE_PREVIEW];
	struct lk_policy_bundle b;
	struct lk_bytes body, line;
	size_t len;

	LK_TRY(lk_medium_open(path, LK_POLICY_BUNDLE_MAX, end, &m, err));
	LK_TRY(lk_medium_read(&m, start, sizeof(start), &len, err));
	LK_TRY(lk_policy_bundle_head((struct lk_bytes){ start, len }, &b, err));
	LK_TRY(read_body(&m, &b, (struct lk_bytes){ start, len }, &text, err));
	body = (struct lk_bytes){ text.data, text.len };
	LK_TRY(lk_policy_bundle_check(&b, body, lk_crypto_hash, err));
	t->into.policies = calloc(b.n, sizeof(*t->into.policies));
	if (!t->into.policies)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	while (lk_policy_bundle_next(&body, &line))
		take_line(t, line);
	return LK_OK;
}

static void say_taken(const char *what, const struct taking *t)
{
	if (t->others)
		lk_log(LK_LOG_WARNING,
		       "%s: %zu of its signed policies are passed over; the last: %.300s", what,
		       t->others, t->last.msg);
	lk_log(LK_LOG_INFO, "%s: %zu signed policies are for this policy file%s", what,
	       t->into.n_policies,
	       !t->now	? ""
	       : t->fit ? ", and this boot is one of theirs"
			: ", and none of them is for this boot");
}

/* What was said of it already isn't said again. */
static int take_device(const char *what, const char *path, struct taking *t, int64_t end,
		       struct lk_signed_files *files, struct lk_err *said)
{
	struct lk_err err = { 0 };
	int rc = read_bundle(path, end, t, &err);

	if (rc != LK_OK) {
		if (strcmp(err.msg, said->msg) != 0)
			lk_log(LK_LOG_WARNING, "%s: %s; passed over", what, err.msg);
		*said = err;
		lk_token_done(&t->into);
		return rc;
	}
	say_taken(what, t);
	files->brought[files->n_brought++] = t->into;
	return LK_OK;
}

static void add_place(struct lk_brought *b, const char *spec)
{
	memcpy(b->places[b->n_places++], spec, strlen(spec) + 1);
}

/* Whoever writes the command line can name what he likes: what is read there is signed. */
static void add_argument(struct lk_brought *b)
{
	char spec[LK_DEVICE_SPEC_MAX];

	if (!lk_unseal_boot_argument(LK_ARG_SIGNED, spec, sizeof(spec)))
		return;
	if (lk_device_spec_is(spec))
		add_place(b, spec);
	else
		lk_log(LK_LOG_WARNING,
		       "kernel command line: " LK_ARG_SIGNED
		       ": an absolute path is expected, or UUID=, LABEL=, PARTUUID= or PARTLABEL=");
}

bool lk_brought_begin(struct lk_brought *b, const struct lk_policy_file *pf)
{
	*b = (struct lk_brought){ .pf = pf, .seconds = pf->timeout_signed };
	add_argument(b);
	for (size_t i = 0; i < pf->n_signed_from; i++)
		add_place(b, pf->signed_from[i]);
	b->end = lk_medium_now() + (int64_t)b->seconds * 1000;
	return b->n_places > 0;
}

/* Return: the device, where it is one to be read now; or NULL. */
static struct lk_brought_device *to_be_read(struct lk_brought *b, const char *path)
{
	struct lk_brought_device *d;

	for (size_t i = 0; i < b->n_read; i++)
		if (strcmp(b->read[i].path, path) == 0)
			return b->read[i].left && lk_medium_now() >= b->read[i].next ? &b->read[i]
										     : NULL;
	if (b->n_read == LK_BROUGHT_DEVICES)
		return NULL;
	d = &b->read[b->n_read++];
	*d = (struct lk_brought_device){ .left = LK_BROUGHT_TRIES };
	(void)snprintf(d->path, sizeof(d->path), "%s", path);
	return d;
}

/* Return: whether a device was read that had something. */
static bool look_at(struct lk_brought *b, size_t place, const struct lk_pcr_values *now,
		    struct lk_signed_files *files)
{
	struct lk_partitions found;

	lk_partitions_find(b->places[place], &found);
	for (size_t i = 0; i < found.n; i++) {
		struct taking t = { .pf = b->pf, .now = now, .into = LK_TOKEN_NONE };
		char what[LK_DEVICE_SPEC_MAX + LK_DEVICE_PATH_MAX + 4];
		struct lk_brought_device *d;

		b->there[place] = true;
		d = files->n_brought < LK_BROUGHT_MAX ? to_be_read(b, found.path[i]) : NULL;
		if (!d)
			continue;
		(void)snprintf(what, sizeof(what), "%s (%s)", b->places[place], found.path[i]);
		if (take_device(what, d->path, &t, b->end, files, &d->said) != LK_OK) {
			d->left--;
			d->next = lk_medium_now() + LK_BROUGHT_AGAIN_MS;
			continue;
		}
		d->left = 0;
		if (t.into.n_policies)
			return true;
	}
	return false;
}

bool lk_brought_next(struct lk_brought *b, const struct lk_pcr_values *now,
		     struct lk_signed_files *files)
{
	const struct timespec pause = { 0, 50 * 1000 * 1000 };

	do {
		for (size_t i = 0; i < b->n_places; i++)
			if (look_at(b, i, now, files))
				return true;
		(void)nanosleep(&pause, NULL);
	} while (lk_medium_now() < b->end);
	for (size_t i = 0; i < b->n_places; i++)
		if (!b->there[i])
			lk_log(LK_LOG_INFO,
			       "no signed policies from %s: it wasn't there within %u s",
			       b->places[i], b->seconds);
	return false;
}

static bool is_bundle(const char *path)
{
	LK_OWNED_MEDIUM m = LK_MEDIUM_NONE;
	uint8_t start[sizeof(LK_POLICY_BUNDLE_WORD)];
	size_t len = 0;

	return lk_medium_open(path, sizeof(start), lk_medium_now() + 1000, &m, NULL) == LK_OK &&
	       lk_medium_read(&m, start, sizeof(start), &len, NULL) == LK_OK &&
	       lk_policy_bundle_is((struct lk_bytes){ start, len });
}

bool lk_brought_by_hand(const char *spec, const struct lk_policy_file *pf,
			struct lk_signed_files *files)
{
	struct taking t = { .pf = pf, .into = LK_TOKEN_NONE };
	int64_t end = lk_medium_now() + (int64_t)pf->timeout_signed * 1000;
	bool tag = lk_device_tag_is(spec);
	char path[LK_DEVICE_PATH_MAX];
	struct lk_err err = { 0 }, said = { 0 };
	int rc;

	if (!tag && !lk_medium_is_device(spec) && !is_bundle(spec))
		return false;
	rc = lk_fs_wait_device(spec, pf->timeout_signed, path, &err);
	if (rc != LK_OK)
		lk_log(LK_LOG_WARNING, "%s; passed over", err.msg);
	else
		rc = take_device(spec, path, &t, end, files, &said);
	if (rc != LK_OK)
		(void)lk_err_set(&files->bad, LK_E_INPUT, 0,
				 "%.200s: no bundle of signed policies could be read there", spec);
	return true;
}

void lk_brought_keep(const char *dir, const struct lk_target *t)
{
	char text[LK_SIGNED_POLICY_TEXT_MAX];
	struct lk_err err = { 0 };

	for (size_t i = 0; i < t->token.n_policies; i++)
		if (lk_digest_equal(&t->token.policies[i].digest, &t->used->digest))
			return;
	if (lk_signed_policy_write(t->used, true, text, sizeof(text)) != LK_OK ||
	    lk_opened_store(dir, t->vol, LK_LEARNED_POLICY, text, &err) != LK_OK)
		lk_log(LK_LOG_WARNING,
		       "%s: the signed policy that opened it isn't kept for its token: %s",
		       t->vol->name, err.msg);
}
