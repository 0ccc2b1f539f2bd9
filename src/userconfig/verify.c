/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns comparing what is kept with what vouches for it. */
#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "copies.h"
#include "deploy.h"
#include "generation.h"
#include "keep.h"
#include "core/config/manifest.h"
#include "sys/crypto/crypto_stream.h"
#include "sys/format/archive.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"

#define CHUNK (16u * 1024u)

/** A generation beside its record. */
struct comparing {
	const struct lk_uc *uc;
	uint64_t sequence;
	struct lk_verification *v;
	struct lk_agreed agreed; /* what the blob brought */
	struct lk_agreed kept;	 /* what was there before */
	bool *seen;		 /* of agreed: in the tree */
	bool *signed_for;	 /* of agreed: in the blob */
};

static int differs(struct comparing *c, const char *destination, const char *how,
		   struct lk_err *err)
{
	c->v->wrong++;
	if (!c->v->all)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "%s: %s; it isn't what configuration %" PRIu64 " brought",
				  destination, how, c->sequence);
	lk_log(LK_LOG_ERR, "%s: isn't what configuration %" PRIu64 " brought: %s", destination,
	       c->sequence, how);
	return LK_OK;
}

static const char *difference(const struct lk_agreed_file *want, const struct lk_agreed_file *is)
{
	if (is->size != want->size)
		return "another size";
	if (memcmp(is->digest, want->digest, sizeof(is->digest)) != 0)
		return "another content";
	if (is->mode != want->mode)
		return "another mode";
	return is->uid != want->uid || is->gid != want->gid ? "another owner or group" : NULL;
}

/* A file against the @n records of its place, of which one has to fit. */
static int compare(struct comparing *c, const char *path, const struct lk_agreed_file *want,
		   size_t n, struct lk_err *err)
{
	struct lk_agreed_file is = { .path = NULL };
	struct lk_err why = { 0 };
	const char *how = NULL;
	uint64_t max = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		max = want[i].size > max ? want[i].size : max;
	rc = lk_keep_measure(c->uc, path, -1, max, &is, &why);
	if (rc == LK_E_SYSTEM)
		return lk_err_set(err, rc, why.code, "%s", why.msg);
	if (rc != LK_OK)
		return differs(c, want->destination, why.msg, err);
	for (size_t i = 0; i < n; i++) {
		how = difference(&want[i], &is);
		if (!how)
			return LK_OK;
	}
	return differs(c, want->destination, how, err);
}

/* The link to where a volatile file lies; and, where that is asked for, the file. */
static int compare_volatile(struct comparing *c, const char *path,
			    const struct lk_agreed_file *want, struct lk_err *err)
{
	char target[PATH_MAX], text[LK_TREE_LINK_MAX], is[LK_TREE_LINK_MAX];
	int rc;

	lk_generation_volatile(c->sequence, want->destination, target);
	rc = lk_deploy_relative(path, target, text, err);
	if (rc == LK_OK)
		rc = lk_tree_read_link(c->uc->at, path, is, err);
	if (rc != LK_OK)
		return rc;
	if (strcmp(text, is) != 0)
		return differs(c, want->destination, "isn't the link to memory", err);
	return c->v->with_volatile ? compare(c, target, want, 1, err) : LK_OK;
}

/* Of files that were kept: one that is about to be kept anew is no matter. */
static bool is_left_over(const struct comparing *c, const char *destination)
{
	enum lk_tree_kind kind = LK_TREE_NONE;

	return c->sequence == LK_GENERATION_ORIGINAL &&
	       lk_tree_kind(c->uc->at, destination, &kind, NULL) == LK_OK && kind == LK_TREE_FILE;
}

static int see_in_tree(void *ctx, const char *destination, enum lk_tree_kind kind,
		       struct lk_err *err)
{
	struct comparing *c = ctx;
	const struct lk_agreed_file *f;
	char path[PATH_MAX];
	size_t n = 0;

	lk_generation_file(c->uc, c->sequence, destination, path);
	f = lk_agreed_find(&c->agreed, destination, &n);
	if (f) {
		bool copy = false;

		c->seen[f - c->agreed.files] = true;
		LK_TRY(lk_copies_has(c->uc, c->sequence, destination, &copy, err));
		if (copy != f->is_copy)
			return differs(c, destination,
				       copy ? "it is marked as a copy"
					    : "it isn't marked as a copy",
				       err);
		return f->is_volatile ? compare_volatile(c, path, f, err)
				      : compare(c, path, f, 1, err);
	}
	f = kind == LK_TREE_FILE ? lk_agreed_find(&c->kept, destination, &n) : NULL;
	if (f && !is_left_over(c, destination))
		return compare(c, path, f, n, err);
	return f || is_left_over(c, destination)
		       ? LK_OK
		       : differs(c, destination, "nothing of that name was brought or kept", err);
}

static int hash_content(const struct lk_source *data, struct lk_digest *ret, struct lk_err *err)
{
	LK_OWNED_HASHER hasher = NULL;
	uint8_t buf[CHUNK];
	size_t len = 1;
	int rc = lk_hasher_new(LK_ALG_SHA256, &hasher, err);

	while (rc == LK_OK && len) {
		rc = data->read(data->ctx, buf, sizeof(buf), &len, err);
		if (rc == LK_OK && len)
			rc = lk_hasher_update(hasher, buf, len, err);
	}
	lk_wipe(buf, sizeof(buf));
	return rc == LK_OK ? lk_hasher_final(hasher, ret, err) : rc;
}

/* What the record says of the content is held against what was signed. */
static int see_in_blob(void *ctx, const struct lk_archive_entry *entry,
		       const struct lk_source *data, struct lk_err *err)
{
	struct comparing *c = ctx;
	char path[LK_ARCHIVE_PATH_MAX + 1];
	struct lk_digest d;
	int rc;

	if (entry->kind != LK_ARCHIVE_FILE || !entry->path)
		return LK_OK;
	rc = lk_archive_path_check(entry->path, path, err);
	if (rc != LK_OK || strcmp(path, LK_MANIFEST_NAME) == 0)
		return rc;
	rc = hash_content(data, &d, err);
	for (size_t i = 0; rc == LK_OK && i < c->agreed.n_files; i++)
		if (strcmp(c->agreed.files[i].path, path) == 0 &&
		    memcmp(c->agreed.files[i].digest, d.data, LK_AGREED_DIGEST) == 0) {
			c->signed_for[i] = true;
			return LK_OK;
		}
	return rc == LK_OK ? differs(c, path, "the record says otherwise of it", err) : rc;
}

static int compare_with_blob(struct comparing *c, const struct lk_admitted *blob,
			     struct lk_err *err)
{
	const struct lk_archive_visitor visitor = { see_in_blob, c };
	LK_OWNED_BLOB_CONTENT content = NULL;
	struct lk_source from;
	int rc = lk_blob_content_open(blob->blob, &blob->content_key, NULL, &content, err);

	if (rc != LK_OK)
		return rc;
	from = lk_blob_content_source(content);
	return lk_archive_read(&from, &visitor, err);
}

/* Is it the record of this blob, and of a configuration that was in place here? */
static int check_record(const struct comparing *c, const struct lk_admitted *blob,
			struct lk_err *err)
{
	if (!lk_digest_equal(&c->agreed.blob, lk_verified_blob_digest(blob->blob)))
		return lk_err_set(err, LK_E_POLICY, 0,
				  "the blob that lies there isn't the one that was applied");
	if (c->agreed.tried && c->uc->real)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"it was only tried (--root without --raise-floor), and never applied");
	if (!c->agreed.tried && c->sequence > blob->floor)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "sequence %" PRIu64 " is above this device's floor %" PRIu64
				  ": it was never applied",
				  c->sequence, blob->floor);
	return LK_OK;
}

static int compare_tree(struct comparing *c, struct lk_err *err)
{
	const struct lk_tree_visitor visitor = { see_in_tree, c };
	char path[PATH_MAX];
	int rc;

	lk_generation_path(c->uc, c->sequence, "tree", path);
	rc = lk_tree_walk(c->uc->at, path, &visitor, err);
	for (size_t i = 0; rc == LK_OK && i < c->agreed.n_files; i++)
		if (!c->seen[i] || !c->signed_for[i])
			rc = differs(c, c->agreed.files[i].destination,
				     c->seen[i] ? "nothing of it was signed" : "it is missing",
				     err);
	return rc;
}

static int verify_signed(struct comparing *c, struct lk_agreement_key *ret_key, struct lk_err *err)
{
	LK_OWNED_ADMITTED blob = LK_ADMITTED_NONE;
	int rc = lk_admit_stored(c->uc, c->sequence, lk_admission_of_kept(c->uc), &blob, err);

	if (rc == LK_OK)
		rc = lk_agreement_read(c->uc, &blob.agreement, c->sequence, &c->agreed, err);
	if (rc == LK_OK)
		rc = check_record(c, &blob, err);
	if (rc == LK_OK)
		rc = lk_keep_read_record(c->uc, &blob.agreement, &c->kept, err);
	if (rc != LK_OK)
		return rc;
	c->seen = calloc(2 * c->agreed.n_files + 1, sizeof(*c->seen));
	if (!c->seen)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	c->signed_for = c->seen + c->agreed.n_files;
	rc = compare_with_blob(c, &blob, err);
	if (rc == LK_OK)
		rc = compare_tree(c, err);
	if (rc == LK_OK && ret_key) {
		*ret_key = blob.agreement;
		blob.agreement = LK_AGREEMENT_KEY_NONE;
	}
	return rc;
}

static int verify_kept(struct comparing *c, struct lk_agreement_key *ret_key, struct lk_err *err)
{
	LK_OWNED_AGREEMENT_KEY key = LK_AGREEMENT_KEY_NONE;
	struct lk_policy_key policy_key;
	LK_OWNED_TPM tpm = NULL;
	int rc = lk_admit_open_tpm(c->uc, &tpm, &policy_key, err);

	if (rc == LK_OK)
		rc = lk_agreement_key(tpm, &key, err);
	if (rc == LK_OK)
		rc = lk_keep_read_record(c->uc, &key, &c->kept, err);
	if (rc == LK_OK)
		rc = compare_tree(c, err);
	if (rc == LK_OK && ret_key) {
		*ret_key = key;
		key = LK_AGREEMENT_KEY_NONE;
	}
	return rc;
}

int lk_verify(const struct lk_uc *uc, uint64_t sequence, struct lk_verification *v,
	      struct lk_agreement_key *ret_key, struct lk_err *err)
{
	struct comparing c = { .uc = uc,
			       .sequence = sequence,
			       .v = v,
			       .agreed = LK_AGREED_NONE,
			       .kept = LK_AGREED_NONE };
	int rc = sequence == LK_GENERATION_ORIGINAL ? verify_kept(&c, ret_key, err)
						    : verify_signed(&c, ret_key, err);

	lk_agreed_done(&c.agreed);
	lk_agreed_done(&c.kept);
	free(c.seen);
	return rc;
}
