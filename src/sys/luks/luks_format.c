/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libcryptsetup for provisioning: making a LUKS2 volume and changing its header. */
#include "sys/luks/luks_format.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/luks/luks_area.h"
#include "core/luks/luks_header.h"
#include "core/luks/token.h"
#include "sys/format/yaml.h"
#include "sys/os/fs.h"
#include "sys/os/reach.h"

#define METADATA_SIZE	 (LK_LUKS_KEYSLOTS / 2) /* two copies */
#define SECTOR		 512u
#define INTEGRITY_KEY	 32u /* hmac-sha256 */
#define WIPE_BLOCK	 (1024u * 1024u)
#define ITERATIONS_LEAST 1000u /* what libcryptsetup allows */
#define VOLUME_KEY_MAX	 160u
/* The header, and what dm-integrity writes behind it when it is set up. */
#define BEGINNING (LK_LUKS_DATA + 1024u * 1024u)

struct lk_volume_header {
	struct crypt_device *cd;
	char message[256]; /* libcryptsetup's last error */
};

/** Every secret that it protects has full entropy: a slow KDF gains nothing. */
static const struct crypt_pbkdf_type pbkdf = {
	.type = CRYPT_KDF_PBKDF2,
	.hash = "sha256",
	.iterations = ITERATIONS_LEAST,
	.flags = CRYPT_PBKDF_NO_BENCHMARK,
};

static void keep_message(int level, const char *msg, void *data)
{
	struct lk_volume_header *h = data;

	if (level == CRYPT_LOG_ERROR) {
		snprintf(h->message, sizeof(h->message), "%s", msg);
		h->message[strcspn(h->message, "\n")] = '\0';
	}
}

static int header_error(const struct lk_volume_header *h, int code, enum lk_rc rc, const char *step,
			struct lk_err *err)
{
	return lk_err_set(err, rc, (uint32_t)-code, "%s: %s", step,
			  h->message[0] ? h->message : strerror(-code));
}

void lk_volume_header_free(struct lk_volume_header *h)
{
	if (!h)
		return;
	crypt_free(h->cd);
	free(h);
}

static int header_new(const char *device, struct lk_volume_header **ret, struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER h = calloc(1, sizeof(*h));
	/* libcryptsetup's own word for a lacking permission is "Block device
	 * required". Not blocking: what is there may be a pipe. */
	LK_OWNED_FD fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char why[LK_REACH_MAX];
	struct stat st;
	int n;

	if (fd < 0)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno, "%s: can't open: %s",
				  device, lk_reach_why(device, errno, why));
	if (fstat(fd, &st) != 0 || !(S_ISBLK(st.st_mode) || S_ISREG(st.st_mode)))
		return lk_err_set(err, LK_E_NO_DEVICE, 0, "%s: neither a block device nor a file",
				  device);
	if (!h)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	n = crypt_init(&h->cd, device);
	if (n)
		return header_error(h, n, LK_E_NO_DEVICE, device, err);
	crypt_set_log_callback(h->cd, keep_message, h);
	n = crypt_set_pbkdf_type(h->cd, &pbkdf);
	if (n)
		return header_error(h, n, LK_E_SYSTEM, "PBKDF2", err);
	*ret = h;
	h = NULL;
	return LK_OK;
}

struct wipe {
	const struct lk_format_request *req;
};

static int wipe_progress(uint64_t size, uint64_t offset, void *data)
{
	const struct lk_format_request *req = ((struct wipe *)data)->req;

	if (req->progress)
		req->progress(offset, size, req->progress_data);
	return 0;
}

/** Gives every sector a tag: reading one that has none is an error. */
static int wipe_integrity(struct lk_volume_header *h, const struct lk_format_request *req,
			  bool *ret_began, struct lk_err *err)
{
	struct wipe wipe = { req };
	char name[64];
	char path[128];
	int n;

	snprintf(name, sizeof(name), "latchkey-wipe-%ld", (long)getpid());
	snprintf(path, sizeof(path), "%s/%s", crypt_get_dir(), name);
	n = crypt_activate_by_volume_key(h->cd, name, NULL, 0,
					 CRYPT_ACTIVATE_PRIVATE | CRYPT_ACTIVATE_NO_JOURNAL);
	if (n < 0)
		return header_error(h, n, LK_E_IO, "mapping for the wipe", err);
	*ret_began = true;
	n = crypt_wipe(h->cd, path, CRYPT_WIPE_ZERO, 0, 0, WIPE_BLOCK, 0, wipe_progress, &wipe);
	if (crypt_deactivate(h->cd, name) && n == 0)
		n = -EBUSY;
	return n ? header_error(h, n, LK_E_IO, "wiping", err) : LK_OK;
}

static int split_cipher(const char *text, char *cipher, size_t size, const char **ret_mode)
{
	const char *dash = strchr(text, '-');

	if (!dash || (size_t)(dash - text) >= size)
		return -1;
	memcpy(cipher, text, (size_t)(dash - text));
	cipher[dash - text] = '\0';
	*ret_mode = dash + 1;
	return 0;
}

static int set_layout(struct lk_volume_header *h, struct lk_err *err)
{
	int n = crypt_set_metadata_size(h->cd, METADATA_SIZE, LK_LUKS_DATA - 2 * METADATA_SIZE);

	if (n == 0)
		n = crypt_set_data_offset(h->cd, LK_LUKS_DATA / SECTOR);
	return n ? header_error(h, n, LK_E_SYSTEM, "header layout", err) : LK_OK;
}

static int make_header(struct lk_volume_header *h, const struct lk_format_request *req,
		       struct lk_err *err)
{
	const struct lk_volume_format *f = &req->vol->format;
	bool tagged = f->integrity == LK_INTEGRITY_HMAC_SHA256;
	struct crypt_params_luks2 params = {
		.pbkdf = &pbkdf,
		.integrity = tagged ? "hmac(sha256)" : NULL,
		.sector_size = f->sector_size,
		.subsystem = req->subsystem,
	};
	size_t key_len = f->key_bits / 8 + (tagged ? INTEGRITY_KEY : 0);
	const char *mode = NULL;
	char cipher[32];
	int n;

	if (split_cipher(f->cipher, cipher, sizeof(cipher), &mode))
		return lk_err_set(err, LK_E_INPUT, 0, "cipher \"%s\": no mode", f->cipher);
	n = crypt_format(h->cd, CRYPT_LUKS2, cipher, mode, NULL, NULL, key_len, &params);
	return n ? header_error(h, n, LK_E_IO, "making the LUKS2 header", err) : LK_OK;
}

int lk_volume_format(const struct lk_format_request *req, struct lk_volume_header **ret,
		     struct lk_err *err)
{
	bool tagged = req->vol->format.integrity == LK_INTEGRITY_HMAC_SHA256;
	LK_OWNED_VOLUME_HEADER h = NULL;
	LK_OWNED_BUF before = LK_BUF_NONE;
	bool wiping = false;
	int rc;

	LK_TRY(lk_volume_check_kernel(req->device, req->vol, err));
	LK_TRY(lk_volume_beginning_save(req->device, BEGINNING, &before, err));
	LK_TRY(header_new(req->device, &h, err));
	LK_TRY(set_layout(h, err));
	rc = make_header(h, req, err);
	if (rc == LK_OK && tagged)
		rc = wipe_integrity(h, req, &wiping, err);
	/* Until the wipe nothing is written but the beginning. */
	if (rc != LK_OK && !wiping && lk_volume_beginning_restore(req->device, &before, NULL))
		lk_err_prefix(err, "%s: what it held can't be put back", req->device);
	if (rc != LK_OK)
		return rc;
	*ret = h;
	h = NULL;
	return LK_OK;
}

/* A disk may have been in other hands: what libcryptsetup would make gigabytes of
 * is refused here as it is in early boot. Both copies lie within twice the largest. */
static int check_areas(const char *device, struct lk_err *err)
{
	LK_OWNED_FD fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	LK_OWNED_BUF areas = { malloc(2 * (size_t)LK_LUKS_COPY_MAX), 0 };
	ssize_t n = -1;

	if (!areas.data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (fd >= 0)
		n = lk_fs_read_full(fd, areas.data, 2 * (size_t)LK_LUKS_COPY_MAX);
	if (n < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't be read: %s", device,
				  strerror(errno));
	if (lk_luks_areas_check((struct lk_bytes){ areas.data, (size_t)n }, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "%s: LUKS2 header refused", device);
	return LK_E_HEADER;
}

/* Trying a passphrase costs what the header says. */
static int check_costs(struct lk_volume_header *h, const char *device, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	const char *json = NULL;
	struct lk_err why = { 0 };
	int rc = LK_E_HEADER;

	if (crypt_dump_json(h->cd, &json, 0) >= 0 && json)
		rc = lk_yaml_parse((const uint8_t *)json, strlen(json), &yaml, &why);
	if (rc == LK_OK)
		rc = lk_luks_header_costs_check(lk_yaml_root(yaml), &why);
	if (rc == LK_OK || rc == LK_E_SYSTEM)
		return rc == LK_OK ? LK_OK : lk_err_set(err, LK_E_SYSTEM, 0, "%s", why.msg);
	return lk_err_set(err, LK_E_HEADER, 0, "%s: LUKS2 header refused: %s", device,
			  why.msg[0] ? why.msg : "its JSON can't be had");
}

int lk_volume_header_open(const char *device, struct lk_volume_header **ret, struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER h = NULL;
	int rc = header_new(device, &h, err);
	int n;

	if (rc == LK_OK)
		rc = check_areas(device, err);
	if (rc != LK_OK)
		return rc;
	n = crypt_load(h->cd, CRYPT_LUKS2, NULL);
	if (n)
		return lk_err_set(
			err, LK_E_HEADER, (uint32_t)-n,
			"%s: no usable LUKS2 header (\"latchkey-provision format\" makes one on a new volume)",
			device);
	LK_TRY(check_costs(h, device, err));
	/* crypt_load resets it to the default for new keyslots. */
	n = crypt_set_pbkdf_type(h->cd, &pbkdf);
	if (n)
		return header_error(h, n, LK_E_SYSTEM, "PBKDF2", err);
	*ret = h;
	h = NULL;
	return LK_OK;
}

bool lk_volume_header_exists(const char *device)
{
	LK_OWNED_VOLUME_HEADER h = NULL;

	return lk_volume_header_open(device, &h, NULL) == LK_OK;
}

const char *lk_volume_header_uuid(const struct lk_volume_header *h)
{
	return crypt_get_uuid(h->cd);
}

const char *lk_volume_header_label(const struct lk_volume_header *h)
{
	const char *text = crypt_get_label(h->cd);

	return text ? text : "";
}

const char *lk_volume_header_subsystem(const struct lk_volume_header *h)
{
	const char *text = crypt_get_subsystem(h->cd);

	return text ? text : "";
}

int lk_volume_header_mark(struct lk_volume_header *h, const char *label, const char *subsystem,
			  struct lk_err *err)
{
	char same[LK_VOLUME_LABEL_MAX + 1];
	int n;

	/* libcryptsetup clears its own text, which this is, before it copies. */
	(void)snprintf(same, sizeof(same), "%s", lk_volume_header_label(h));
	n = crypt_set_label(h->cd, label ? label : same, subsystem);

	return n ? header_error(h, n, LK_E_IO, "marking the header", err) : LK_OK;
}

int lk_volume_header_key(struct lk_volume_header *h, int keyslot, struct lk_bytes passphrase,
			 struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	size_t len = VOLUME_KEY_MAX;
	int rc = lk_secret_init(&key, len, err);
	int n;

	if (rc != LK_OK)
		return rc;
	n = crypt_volume_key_get(h->cd, keyslot < 0 ? CRYPT_ANY_SLOT : keyslot, (char *)key.data,
				 &len, (const char *)passphrase.data, passphrase.len);
	if (n == -EPERM || n == -ENOENT)
		return lk_err_set(err, LK_E_VOLUME, (uint32_t)-n,
				  "the passphrase doesn't open the volume");
	if (n < 0)
		return header_error(h, n, LK_E_IO, "reading a keyslot", err);
	key.len = len;
	*ret = lk_secret_take(&key);
	return LK_OK;
}

int lk_volume_header_add_keyslot(struct lk_volume_header *h, const struct lk_secret *volume_key,
				 int keyslot, struct lk_bytes passphrase, struct lk_err *err)
{
	const char *key = volume_key ? (const char *)volume_key->data : NULL;
	int n = crypt_keyslot_add_by_volume_key(h->cd, keyslot, key,
						volume_key ? volume_key->len : 0,
						(const char *)passphrase.data, passphrase.len);

	return n < 0 ? header_error(h, n, LK_E_IO, "adding a keyslot", err) : LK_OK;
}

static bool in_use(struct lk_volume_header *h, int keyslot)
{
	crypt_keyslot_info info = crypt_keyslot_status(h->cd, keyslot);

	return info != CRYPT_SLOT_INACTIVE && info != CRYPT_SLOT_INVALID;
}

int lk_volume_header_opened_by(struct lk_volume_header *h, struct lk_bytes passphrase,
			       int *ret_keyslot, struct lk_secret *ret, struct lk_err *err)
{
	int max = crypt_keyslot_max(CRYPT_LUKS2);
	int rc = LK_E_VOLUME;

	for (int i = 0; i < max && rc == LK_E_VOLUME; i++) {
		if (in_use(h, i))
			rc = lk_volume_header_key(h, i, passphrase, ret, err);
		if (rc == LK_OK)
			*ret_keyslot = i;
	}
	return rc == LK_E_VOLUME
		       ? lk_err_set(err, LK_E_VOLUME, 0, "the passphrase doesn't open the volume")
		       : rc;
}

int lk_volume_header_free_keyslot(struct lk_volume_header *h)
{
	int max = crypt_keyslot_max(CRYPT_LUKS2);

	for (int i = 0; i < max; i++)
		if (crypt_keyslot_status(h->cd, i) == CRYPT_SLOT_INACTIVE)
			return i;
	return -1;
}

unsigned int lk_volume_header_count_keyslots(struct lk_volume_header *h)
{
	int max = crypt_keyslot_max(CRYPT_LUKS2);
	unsigned int count = 0;

	for (int i = 0; i < max; i++)
		count += in_use(h, i);
	return count;
}

int lk_volume_header_kill_keyslot(struct lk_volume_header *h, int keyslot, struct lk_err *err)
{
	int n = 0;

	if (in_use(h, keyslot))
		n = crypt_keyslot_destroy(h->cd, keyslot);
	return n ? header_error(h, n, LK_E_IO, "removing a keyslot", err) : LK_OK;
}

int lk_volume_header_next_token(struct lk_volume_header *h, int after)
{
	int max = crypt_token_max(CRYPT_LUKS2);
	const char *type = NULL;

	for (int i = after + 1; i < max; i++) {
		crypt_token_info info = crypt_token_status(h->cd, i, &type);

		if (info != CRYPT_TOKEN_INACTIVE && info != CRYPT_TOKEN_INVALID && type &&
		    strcmp(type, LK_TOKEN_TYPE) == 0)
			return i;
	}
	return -1;
}

int lk_volume_header_token(struct lk_volume_header *h, int token, struct lk_buf *ret,
			   struct lk_err *err)
{
	const char *json = NULL;
	int n = crypt_token_json_get(h->cd, token, &json);
	uint8_t *copy;

	if (n < 0)
		return header_error(h, n, LK_E_HEADER, "reading the token", err);
	copy = (uint8_t *)strdup(json);
	if (!copy)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	*ret = (struct lk_buf){ copy, strlen(json) };
	return LK_OK;
}

static bool has_token_slot(struct lk_volume_header *h)
{
	int max = crypt_token_max(CRYPT_LUKS2);

	for (int i = 0; i < max; i++)
		if (crypt_token_status(h->cd, i, NULL) == CRYPT_TOKEN_INACTIVE)
			return true;
	return false;
}

int lk_volume_header_set_token(struct lk_volume_header *h, int token, const char *json,
			       struct lk_err *err)
{
	int n;

	if (json && token < 0 && !has_token_slot(h))
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"no token slot is free: all %d of the header are taken; \"cryptsetup luksDump\" shows them, and \"cryptsetup token remove --token-id N\" takes away one that nobody needs",
			crypt_token_max(CRYPT_LUKS2));
	n = crypt_token_json_set(h->cd, token < 0 ? CRYPT_ANY_TOKEN : token, json);

	if (n == -ENOSPC)
		return lk_err_set(
			err, LK_E_REFUSED, (uint32_t)-n,
			"the header has no room for more; retire signed policies that aren't needed (policy retire)");
	return n < 0 ? header_error(h, n, LK_E_IO, "writing the token", err) : LK_OK;
}
