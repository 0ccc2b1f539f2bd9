/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libcryptsetup: the header copy, volume keys, mappings. */
#include "sys/luks/luks.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/luks/luks_area.h"
#include "core/luks/luks_header.h"
#include "sys/crypto/crypto.h"
#include "sys/format/yaml.h"
#include "sys/os/log.h"
#include "sys/os/reach.h"

#define HEADER_COPY_MAX (16u * 1024u * 1024u)

struct lk_luks {
	struct crypt_device *cd;
	int copy; /* memfd that holds the header */
	struct lk_luks_areas areas;
	uint64_t device_size;
	char last[256]; /* what libcryptsetup said last */
};

static void on_log(int level, const char *msg, void *usrptr)
{
	struct lk_luks *luks = usrptr;

	if (!luks || level != CRYPT_LOG_ERROR)
		return;
	(void)snprintf(luks->last, sizeof(luks->last), "%s", msg);
	luks->last[strcspn(luks->last, "\n")] = '\0';
}

void lk_luks_free(struct lk_luks *luks)
{
	if (!luks)
		return;
	crypt_free(luks->cd);
	lk_fd_closep(&luks->copy);
	free(luks);
}

/* On to @end, from @have, up to which the device was read; fewer at its end. -1 with errno. */
static ssize_t read_on(int fd, uint8_t *data, size_t have, size_t end)
{
	ssize_t n = have < end ? lk_fs_read_full(fd, data + have, end - have) : 0;

	return n < 0 ? -1 : (ssize_t)have + n;
}

/** How much of the device is header, and how much of that is to be read. */
struct extent {
	size_t whole;
	size_t used; /* up to the end of the last keyslot that there is */
};

/*
 * By one copy's own word. Where that can't be had (a damaged copy: libcryptsetup
 * may still find the other) it is the most that we copy.
 */
static struct extent copy_extent(const uint8_t *head, size_t size)
{
	const struct extent most = { HEADER_COPY_MAX, HEADER_COPY_MAX };
	const uint8_t *json = head + LK_LUKS_BINARY_SIZE;
	LK_OWNED_YAML yaml = NULL;
	uint64_t keyslots;
	uint64_t end;

	if (lk_yaml_parse(json, strnlen((const char *)json, size - LK_LUKS_BINARY_SIZE), &yaml,
			  NULL) != LK_OK ||
	    lk_luks_header_keyslots_size(lk_yaml_root(yaml), &keyslots, NULL) != LK_OK ||
	    lk_luks_header_areas_end(lk_yaml_root(yaml), &end, NULL) != LK_OK ||
	    2 * size + keyslots > HEADER_COPY_MAX || end > 2 * size + keyslots)
		return most;
	return (struct extent){ (size_t)(2 * size + keyslots),
				end < 2 * size ? 2 * size : (size_t)end };
}

/* A power cut may have left the copies with other keyslots each, and libcryptsetup
 * takes the newer one. @data: both copies, of @size each. */
static struct extent header_extent(const uint8_t *data, size_t size)
{
	const struct lk_bytes both = { data, 2 * size };
	struct extent ret = { HEADER_COPY_MAX, HEADER_COPY_MAX };
	struct extent second;

	if (lk_luks_area_check((struct lk_bytes){ data, size }, 0, NULL) != LK_OK ||
	    !lk_luks_is_second(both, size) || lk_luks_area_check(both, size, NULL) != LK_OK)
		return ret;
	ret = copy_extent(data, size);
	/* As it is but after a power cut. */
	if (memcmp(data + LK_LUKS_BINARY_SIZE, data + size + LK_LUKS_BINARY_SIZE,
		   size - LK_LUKS_BINARY_SIZE) == 0)
		return ret;
	second = copy_extent(data + size, size);
	ret.whole = second.whole > ret.whole ? second.whole : ret.whole;
	ret.used = second.used > ret.used ? second.used : ret.used;
	return ret;
}

/* LUKS2 of either copy? A clear word for what people really have instead. */
static int check_magic(const uint8_t *data, size_t len, const char *device, struct lk_err *err)
{
	const struct lk_bytes all = { data, len };

	if (lk_luks_is_first(all) && data[7] == 1)
		return lk_err_set(err, LK_E_HEADER, 0,
				  "%s: LUKS1; only LUKS2 is opened (see cryptsetup convert)",
				  device);
	if (lk_luks_is_first(all))
		return LK_OK;
	for (size_t at = LK_LUKS_SECOND_OFFSET; at <= LK_LUKS_COPY_MAX; at *= 2)
		if (lk_luks_is_second(all, at))
			return LK_OK;
	return lk_err_set(err, LK_E_HEADER, 0, "%s: no LUKS2 header", device);
}

/* What isn't read stays zeros. @ret->whole is cut at the device's end. */
static int read_header(int fd, const char *device, uint8_t *data, struct extent *ret,
		       struct lk_err *err)
{
	struct extent extent = { HEADER_COPY_MAX, HEADER_COPY_MAX };
	ssize_t n = read_on(fd, data, 0, LK_LUKS_BINARY_SIZE);
	off_t size;
	size_t copy = n > 0 ? lk_luks_copy_size(data, (size_t)n) : 0;

	if (n > 0 && copy) {
		n = read_on(fd, data, (size_t)n, 2 * copy);
		if (n == (ssize_t)(2 * copy))
			extent = header_extent(data, copy);
	}
	if (n > 0)
		n = read_on(fd, data, (size_t)n, extent.used);
	size = n < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't read: %s", device,
				  strerror(errno));
	ret->used = (size_t)n;
	ret->whole = (uint64_t)size < extent.whole ? (size_t)size : extent.whole;
	LK_TRY(check_magic(data, (size_t)n, device, err));
	if (lk_luks_areas_check((struct lk_bytes){ data, (size_t)n }, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "%s: LUKS2 header refused", device);
	return LK_E_HEADER;
}

/* From here on nobody but us can change what the header says. */
static int copy_header(struct lk_luks *luks, const char *device, struct lk_err *err)
{
	/* Not blocking: what is there may be a pipe that nobody writes. */
	LK_OWNED_FD fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	struct extent extent = { 0, 0 };
	char why[LK_REACH_MAX];
	uint8_t *data;
	int rc;

	if (fd < 0)
		return lk_err_set(err, errno == ENOENT ? LK_E_NO_DEVICE : LK_E_IO, (uint32_t)errno,
				  "%s: can't open: %s", device, lk_reach_why(device, errno, why));
	if (fstat(fd, &st) != 0 || !(S_ISBLK(st.st_mode) || S_ISREG(st.st_mode)))
		return lk_err_set(err, LK_E_HEADER, 0, "%s: neither a block device nor a file",
				  device);
	luks->copy = memfd_create("luks2-header", MFD_CLOEXEC);
	if (luks->copy < 0 || ftruncate(luks->copy, HEADER_COPY_MAX) != 0)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "no memory for the header: %s",
				  strerror(errno));
	data = mmap(NULL, HEADER_COPY_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, luks->copy, 0);
	if (data == MAP_FAILED)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "no memory for the header: %s",
				  strerror(errno));
	rc = read_header(fd, device, data, &extent, err);
	munmap(data, HEADER_COPY_MAX);
	if (rc != LK_OK)
		return rc;
	if (ftruncate(luks->copy, (off_t)extent.whole) != 0)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "%s", strerror(errno));
	luks->areas.copied = extent.used;
	luks->device_size = (uint64_t)lseek(fd, 0, SEEK_END);
	return LK_OK;
}

static int refuse_header(struct lk_luks *luks, const char *device, struct lk_err *err)
{
	return lk_err_set(err, LK_E_HEADER, 0, "%s: LUKS2 header refused: %s", device,
			  luks->last[0] ? luks->last : "damaged, or not understood");
}

static int load(struct lk_luks *luks, const char *device, struct lk_err *err)
{
	char path[32];
	int rc;

	/* Token plugins would be loaded from the file system by name. */
	crypt_token_external_disable();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", luks->copy);
	crypt_set_log_callback(NULL, on_log, NULL); /* it would print */
	rc = crypt_init_data_device(&luks->cd, path, device);
	if (rc == -EINVAL || rc == -ENOTBLK)
		return lk_err_set(err, LK_E_HEADER, 0, "%s: too small, or not usable as a device",
				  device);
	if (rc < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)-rc, "%s: not usable as a device: %s",
				  device, strerror(-rc));
	crypt_set_log_callback(luks->cd, on_log, luks);
	if (crypt_load(luks->cd, CRYPT_LUKS2, NULL) < 0)
		return refuse_header(luks, device, err);
	return LK_OK;
}

static int header_size(struct lk_luks *luks, struct lk_err *err)
{
	uint64_t metadata;
	uint64_t keyslots;

	if (crypt_get_metadata_size(luks->cd, &metadata, &keyslots) < 0)
		return lk_err_set(err, LK_E_HEADER, 0, "no sizes");
	luks->areas.header_size = metadata;
	luks->areas.end = 2 * metadata + keyslots;
	return LK_OK;
}

static int check(struct lk_luks *luks, const struct lk_volume *vol, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	const char *json = NULL;
	const char *uuid = crypt_get_uuid(luks->cd);
	int rc = header_size(luks, err);

	if (rc != LK_OK)
		return rc;
	if (!uuid || strlen(uuid) != 36 || uuid[strspn(uuid, "0123456789abcdef-")] != '\0')
		return lk_err_set(err, LK_E_HEADER, 0,
				  "its UUID isn't one: 36 characters, lower case");
	if (vol->uuid[0] && strcmp(uuid, vol->uuid) != 0)
		return lk_err_set(err, LK_E_HEADER, 0, "UUID %.40s; the policy file pins %s", uuid,
				  vol->uuid);
	if (crypt_dump_json(luks->cd, &json, 0) < 0 || !json)
		return lk_err_set(err, LK_E_HEADER, 0, "its JSON can't be had");
	rc = lk_yaml_parse((const uint8_t *)json, strlen(json), &yaml, err);
	if (rc != LK_OK) {
		if (err && rc == LK_E_INPUT)
			err->rc = LK_E_HEADER;
		return rc == LK_E_INPUT ? LK_E_HEADER : rc;
	}
	LK_TRY(lk_luks_header_check(lk_yaml_root(yaml), vol, &luks->areas, err));
	if (crypt_get_data_offset(luks->cd) >= luks->device_size / 512)
		return lk_err_set(err, LK_E_HEADER, 0,
				  "the data begins at %llu, and the device ends before that",
				  (unsigned long long)crypt_get_data_offset(luks->cd) * 512);
	return LK_OK;
}

int lk_luks_open(const char *device, const struct lk_volume *vol, struct lk_luks **ret,
		 struct lk_err *err)
{
	LK_OWNED_LUKS luks = calloc(1, sizeof(*luks));
	int rc;

	if (!luks)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	luks->copy = -1;
	rc = copy_header(luks, device, err);
	if (rc == LK_OK)
		rc = load(luks, device, err);
	if (rc != LK_OK)
		return rc;
	rc = check(luks, vol, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s: LUKS2 header refused", device);
		return rc;
	}
	*ret = luks;
	luks = NULL;
	return LK_OK;
}

const char *lk_luks_uuid(const struct lk_luks *luks)
{
	return crypt_get_uuid(luks->cd);
}

int lk_luks_token(const struct lk_luks *luks, unsigned int n, struct lk_buf *ret,
		  struct lk_err *err)
{
	for (int i = 0; i < crypt_token_max(CRYPT_LUKS2); i++) {
		const char *type = NULL;
		const char *json;
		crypt_token_info info = crypt_token_status(luks->cd, i, &type);

		if (info == CRYPT_TOKEN_INACTIVE || info == CRYPT_TOKEN_INVALID || !type ||
		    strcmp(type, "latchkey") != 0 || n--)
			continue;
		if (crypt_token_json_get(luks->cd, i, &json) < 0)
			break;
		ret->data = (uint8_t *)strdup(json);
		if (!ret->data)
			return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
		ret->len = strlen(json);
		return LK_OK;
	}
	return lk_err_set(
		err, LK_E_HEADER, 0,
		"the LUKS2 header has no token of type latchkey: not formatted by latchkey-provision, or not to the end, or removed (\"latchkey-provision status\" tells which; its reseal makes one)");
}

int lk_luks_volume_key(const struct lk_luks *luks, int keyslot, struct lk_bytes passphrase,
		       struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	int size = crypt_get_volume_key_size(luks->cd);
	size_t key_size = size > 0 ? (size_t)size : 0;
	int rc = lk_secret_init(&key, key_size, err);

	if (rc != LK_OK)
		return rc;
	rc = crypt_volume_key_get(luks->cd, keyslot < 0 ? CRYPT_ANY_SLOT : keyslot,
				  (char *)key.data, &key_size, (const char *)passphrase.data,
				  passphrase.len);
	if (keyslot < 0)
		lk_log(LK_LOG_DEBUG, "keyslots tried one after the other: %s",
		       rc >= 0 ? "one opens" : strerror(-rc));
	else
		lk_log(LK_LOG_DEBUG, "keyslot %d tried: %s", keyslot,
		       rc >= 0 ? "it opens" : strerror(-rc));
	if (rc == -EPERM || rc == -ENOENT)
		return lk_err_set(err, LK_E_VOLUME, (uint32_t)-rc,
				  "the passphrase opens no keyslot of this volume");
	/* A hash, cipher or number of the header's that nothing here can do. */
	if (rc == -EINVAL || rc == -ENOTSUP)
		return lk_err_set(err, LK_E_HEADER, (uint32_t)-rc,
				  "keyslot: what the LUKS2 header says of it can't be done: %s%s%s",
				  strerror(-rc), luks->last[0] ? ": " : "", luks->last);
	if (rc < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)-rc, "keyslot: %s%s%s", strerror(-rc),
				  luks->last[0] ? ": " : "", luks->last);
	key.len = key_size;
	*ret = lk_secret_take(&key);
	return LK_OK;
}

int lk_luks_identity(const struct lk_secret *volume_key,
		     uint8_t ret[static LK_VOLUME_IDENTITY_SIZE], struct lk_err *err)
{
	static const char text[] = "latchkey:volume-identity";
	struct lk_digest mac;

	if (!lk_crypto_hmac(LK_ALG_SHA256, (struct lk_bytes){ volume_key->data, volume_key->len },
			    (struct lk_bytes){ (const uint8_t *)text, sizeof(text) - 1 }, &mac))
		return lk_err_set(err, LK_E_SYSTEM, 0, "HMAC failed");
	memcpy(ret, mac.data, LK_VOLUME_IDENTITY_SIZE);
	lk_wipe(&mac, sizeof(mac));
	return LK_OK;
}

static uint32_t activation_flags(unsigned int options)
{
	static const struct {
		enum lk_volume_option option;
		uint32_t flag;
	} flags[] = {
		{ LK_VOL_DISCARD, CRYPT_ACTIVATE_ALLOW_DISCARDS },
		{ LK_VOL_READ_ONLY, CRYPT_ACTIVATE_READONLY },
		{ LK_VOL_NO_READ_WORKQUEUE, CRYPT_ACTIVATE_NO_READ_WORKQUEUE },
		{ LK_VOL_NO_WRITE_WORKQUEUE, CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE },
		{ LK_VOL_SAME_CPU_CRYPT, CRYPT_ACTIVATE_SAME_CPU_CRYPT },
		{ LK_VOL_SUBMIT_FROM_CRYPT_CPUS, CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS },
	};
	uint32_t ret = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (options & flags[i].option)
			ret |= flags[i].flag;
	return ret;
}

int lk_luks_map(struct lk_luks *luks, const struct lk_volume *vol,
		const struct lk_secret *volume_key, struct lk_err *err)
{
	int rc = crypt_activate_by_volume_key(luks->cd, vol->name, (const char *)volume_key->data,
					      volume_key->len, activation_flags(vol->options));

	if (rc < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)-rc, "mapping %s failed: %s%s%s",
				  vol->name, strerror(-rc), luks->last[0] ? ": " : "", luks->last);
	return LK_OK;
}

bool lk_luks_is_mapped(const char *name)
{
	static const char kind[] = "CRYPT-LUKS2-";
	char path[160];
	LK_OWNED_BUF uuid = LK_BUF_NONE;
	struct stat st;

	(void)snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	if (stat(path, &st) != 0 || !S_ISBLK(st.st_mode))
		return false;
	/* A logical volume of that name isn't it, whoever made it. */
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/uuid", major(st.st_rdev),
		       minor(st.st_rdev));
	return lk_fs_read(path, 4096, &uuid, NULL) == LK_OK &&
	       strncmp((const char *)uuid.data, kind, strlen(kind)) == 0;
}

int lk_luks_unmap(const char *name, struct lk_err *err)
{
	int rc = crypt_deactivate(NULL, name);

	if (rc < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)-rc, "unmapping %s failed: %s", name,
				  strerror(-rc));
	return LK_OK;
}
