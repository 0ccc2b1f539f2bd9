/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making a volume whose passphrase is sealed in the TPM, from whichever step is left. */
#include "install/format_volume.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/policy/recovery_key.h"
#include "install/record.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"

/* Header, keyslots, record, object, token: in this order, so that a cut leaves
 * a header marked as unfinished until all of it is there. The mark carries the
 * Name of the object that this run makes persistent, by which a later run
 * knows its leftover from another volume's object. */

#define KEYSLOT_TPM	 0
#define KEYSLOT_RECOVERY 1
#define NAME_LABEL_BYTES 23u /* of the Name's digest; a label has 47 characters */

#define SIZE_LEAST_INTEGRITY (8u * 1024u * 1024u)
#define SIZE_LEAST	     (4u * 1024u * 1024u) /* the header takes two of these MiB */

void lk_format_done(struct lk_format *f)
{
	lk_volume_header_free(f->header);
	lk_secret_done(&f->passphrase);
	lk_secret_done(&f->volume_key);
	lk_secret_done(&f->pin);
}

static void name_label(const struct lk_name *name, char out[static 2 * NAME_LABEL_BYTES + 1])
{
	lk_hex_encode(name->data + 2, NAME_LABEL_BYTES, out);
}

/** Whether a header's label names @name; one of all zeros names none. */
static bool label_is(const struct lk_volume_header *h, const struct lk_name *name)
{
	char label[2 * NAME_LABEL_BYTES + 1];

	if (name->len < 2 + NAME_LABEL_BYTES)
		return false;
	name_label(name, label);
	return strcmp(lk_volume_header_label(h), label) == 0;
}

int lk_format_check_options(const struct lk_options *o, struct lk_err *err)
{
	bool key = o->value[LK_OPT_RECORD] && o->value[LK_OPT_RECIPIENT];

	if (key == lk_option_given(o, LK_OPT_NO_RECOVERY_KEY))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"give --record and --recipient for a recovery key, or --no-recovery-key");
	return LK_OK;
}

int lk_format_check_size(const struct lk_format *f, struct lk_err *err)
{
	uint64_t size;
	bool integrity = f->target.vol->format.integrity == LK_INTEGRITY_HMAC_SHA256;
	unsigned int least = integrity ? SIZE_LEAST_INTEGRITY : SIZE_LEAST;

	LK_TRY(lk_fs_size(f->target.device, &size, err));
	if (size >= least)
		return LK_OK;
	return lk_err_set(err, LK_E_NO_DEVICE, 0, "%s has %llu bytes; a volume%s needs at least %u",
			  f->target.device, (unsigned long long)size,
			  integrity ? " with integrity" : "", least);
}

static int check_object(struct lk_format *f, struct lk_err *err)
{
	uint32_t handle = f->target.vol->handle;
	struct lk_tpm_public pub;
	int rc;

	if (handle < LK_HANDLE_VOLUME_MIN || handle > LK_HANDLE_VOLUME_MAX)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "volume %s: handle 0x%08x isn't between 0x%08x and 0x%08x",
				  f->target.vol->name, handle, LK_HANDLE_VOLUME_MIN,
				  LK_HANDLE_VOLUME_MAX);
	rc = lk_tpm_read_public(f->tpm, handle, &pub, err);
	if (rc == LK_OK && !pub.present)
		rc = lk_tpm_check_room(f->tpm, 1, 0, err);
	if (rc != LK_OK || !pub.present)
		return rc;
	f->leftover = f->unfinished && label_is(f->header, &pub.name);
	if (f->leftover || lk_option_given(f->opts, LK_OPT_REPLACE_OBJECT))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"0x%08x holds an object, perhaps another volume's: \"format --replace-object\" would destroy it",
		handle);
}

/** Everything but the last mark is there: a volume that may be in use. */
static bool is_all_there(struct lk_format *f)
{
	return f->leftover && lk_token_load(f->header, f->target.vol->handle, NULL, NULL) == LK_OK;
}

int lk_format_look(struct lk_format *f, struct lk_err *err)
{
	if (!lk_volume_header_exists(f->target.device))
		return LK_OK;
	int rc = lk_volume_header_open(f->target.device, &f->header, err);

	if (rc == LK_OK)
		f->unfinished = strcmp(lk_volume_header_subsystem(f->header), LK_MARK_FORMAT) == 0;
	return rc;
}

static void show_progress(uint64_t done, uint64_t size, void *data)
{
	unsigned int *last = data;
	unsigned int percent = size ? (unsigned int)(done * 100 / size) : 100;

	if (percent == *last || !isatty(STDERR_FILENO))
		return;
	*last = percent;
	fprintf(stderr, "\rwiping: %u %%%s", percent, percent == 100 ? "\n" : "");
}

static int make_header(struct lk_format *f, struct lk_err *err)
{
	unsigned int percent = 101;
	const struct lk_format_request req = {
		.device = f->target.device,
		.vol = f->target.vol,
		.subsystem = LK_MARK_FORMAT,
		.progress = show_progress,
		.progress_data = &percent,
	};
	struct lk_bytes pass;
	int rc = lk_tpm_random(f->tpm, &f->passphrase, LK_PASSPHRASE_SIZE, err);

	lk_volume_header_free(f->header);
	f->header = NULL;
	if (rc == LK_OK)
		rc = lk_volume_format(&req, &f->header, err);
	if (rc != LK_OK)
		return rc;
	pass = (struct lk_bytes){ f->passphrase.data, f->passphrase.len };
	rc = lk_volume_header_add_keyslot(f->header, NULL, KEYSLOT_TPM, pass, err);
	if (rc == LK_OK)
		rc = lk_volume_header_key(f->header, KEYSLOT_TPM, pass, &f->volume_key, err);
	return rc;
}

static int record_volume(struct lk_format *f, const struct lk_secret *recovery, struct lk_err *err)
{
	const char *path = f->opts->value[LK_OPT_RECORD];
	const struct lk_record_volume vol = {
		.target = &f->target,
		.uuid = lk_volume_header_uuid(f->header),
		.object = f->object,
	};
	LK_OWNED_JSON record = NULL;
	struct lk_json *entry;

	if (!path)
		return LK_OK;
	LK_TRY(lk_record_of_tpm(path, f->tpm, &record, err));
	entry = lk_record_volume_entry(record, &vol, err);
	if (!entry)
		return LK_E_SYSTEM;
	if (recovery) {
		lk_json_set_uint(entry, "recovery-keyslot", KEYSLOT_RECOVERY);
		LK_TRY(lk_record_set_secret(entry, "recovery-key", f->opts->value[LK_OPT_RECIPIENT],
					    recovery, err));
	}
	return lk_record_save(path, record, err);
}

/** In the record before it opens anything. */
static int add_recovery_key(struct lk_format *f, struct lk_err *err)
{
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	int rc;

	if (lk_option_given(f->opts, LK_OPT_NO_RECOVERY_KEY))
		return LK_OK;
	rc = lk_recovery_key_make(f->tpm, &key, err);
	if (rc == LK_OK)
		rc = record_volume(f, &key, err);
	if (rc != LK_OK)
		return rc;
	return lk_volume_header_add_keyslot(f->header, &f->volume_key, KEYSLOT_RECOVERY,
					    (struct lk_bytes){ key.data, key.len }, err);
}

static int put_object(struct lk_format *f, struct lk_err *err)
{
	const struct lk_seal_request req = { f->tpm, &f->target, &f->passphrase, &f->volume_key,
					     &f->pin };
	LK_OWNED_NEW_OBJECT obj = { 0 };
	char label[2 * NAME_LABEL_BYTES + 1];
	uint32_t handle = f->target.vol->handle;
	int rc = lk_seal_volume(&req, &obj, err);

	if (rc != LK_OK)
		return rc;
	f->object = obj.name;
	name_label(&obj.name, label);
	rc = lk_volume_header_mark(f->header, label, LK_MARK_FORMAT, err);
	/* What is there is a leftover, or may be lost: see check_object. */
	if (rc == LK_OK)
		rc = lk_tpm_evict(f->tpm, handle, err);
	if (rc == LK_OK)
		rc = lk_tpm_persist(f->tpm, &obj, handle, err);
	return rc;
}

static int finish_format(struct lk_format *f, struct lk_err *err)
{
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	const struct lk_volume_proof proof = {
		.device = f->target.device,
		.keyslot = KEYSLOT_TPM,
		.passphrase = &f->passphrase,
		.volume_key = &f->volume_key,
		.handle = f->target.vol->handle,
		.object = &f->object,
	};
	int rc;

	token.keyslot = KEYSLOT_TPM;
	rc = lk_token_set_handles(f->tpm, f->target.vol->handle, &token, err);
	if (rc == LK_OK)
		rc = record_volume(f, NULL, err);
	if (rc == LK_OK)
		rc = lk_token_store(f->header, &token, err);
	if (rc == LK_OK)
		rc = lk_volume_prove(f->tpm, &proof, err);
	return rc;
}

static int make_volume(struct lk_format *f, struct lk_err *err)
{
	int rc = make_header(f, err);

	if (rc == LK_OK)
		rc = add_recovery_key(f, err);
	if (rc == LK_OK)
		rc = put_object(f, err);
	if (rc == LK_OK)
		rc = finish_format(f, err);
	return rc;
}

/** A rotated key is legitimate; a policy file of another device looks the same. */
static void compare_policy_key(const struct lk_format *f)
{
	const struct lk_policy_key *wanted = &f->target.pf.key;
	uint8_t ours[LK_SPKI_MAX], theirs[LK_SPKI_MAX];
	size_t len = lk_policy_key_to_spki(wanted, ours);
	struct lk_policy_key installed;
	struct lk_err why = { 0 };

	if (lk_tpm_policy_key(f->tpm, &installed, &why) != LK_OK)
		lk_log(LK_LOG_WARNING, "the policy file's key isn't compared with the TPM's: %s",
		       why.msg);
	else if (lk_policy_key_to_spki(&installed, theirs) != len || memcmp(ours, theirs, len) != 0)
		lk_log(LK_LOG_WARNING,
		       "volume %s: the policy file's key isn't the one that is installed in this TPM (NV index 0x%08x): only policies signed by the policy file's key will open it",
		       f->target.vol->name, LK_NV_POLICY_KEY);
}

int lk_format_volume(struct lk_format *f, struct lk_err *err)
{
	int rc = lk_check_tpm(f->tpm, &f->target.pf, err);

	if (rc == LK_OK)
		rc = check_object(f, err);
	if (rc == LK_OK && !is_all_there(f))
		rc = lk_record_check(f->opts, f->tpm, err);
	if (rc == LK_OK && !is_all_there(f))
		rc = lk_volume_check_kernel(f->target.device, f->target.vol, err);
	/* Asked for before anything is written. */
	if (rc == LK_OK && !is_all_there(f))
		rc = lk_volume_pin(f->opts, &f->target, &f->pin, err);
	if (rc == LK_OK)
		compare_policy_key(f);
	if (rc == LK_OK && !is_all_there(f))
		rc = make_volume(f, err);
	if (rc == LK_OK)
		rc = lk_volume_header_mark(f->header, "", LK_MARK_DONE, err);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO,
		       "volume %s is ready on %s (UUID %s); it opens %s once a signed policy is added",
		       f->target.vol->name, f->target.device, lk_volume_header_uuid(f->header),
		       f->target.vol->pin ? "with its PIN" : "unattended");
	return rc;
}
