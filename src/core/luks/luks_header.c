/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the checks of a LUKS2 header's JSON (LUKS2 On-Disk Format 1.1.3, 3). */
#include "core/luks/luks_header.h"

#include <stdio.h>
#include <string.h>

/* A refusal: what a field of the header says and why that won't do. */
#define refuse_header(err, ...) lk_err_set(err, LK_E_HEADER, 0, __VA_ARGS__)

static const struct lk_doc *get_map(const struct lk_doc *in, const char *key)
{
	const struct lk_doc *node = in ? lk_doc_get(in, key) : NULL;

	return node && node->type == LK_DOC_MAP ? node : NULL;
}

static const char *get_text(const struct lk_doc *in, const char *key)
{
	const struct lk_doc *node = in ? lk_doc_get(in, key) : NULL;

	return node && node->type == LK_DOC_SCALAR ? node->text : "";
}

static int get_number(const struct lk_doc *in, const char *key, uint64_t max, uint64_t *ret,
		      struct lk_err *err)
{
	if (!in || lk_doc_get_uint(in, key, 0, max, ret, NULL) != LK_OK)
		return refuse_header(err, "%s \"%.40s\": missing, not a number or above %llu", key,
				     get_text(in, key), (unsigned long long)max);
	return LK_OK;
}

size_t lk_volume_key_size(const struct lk_volume_format *format)
{
	size_t integrity = format->integrity == LK_INTEGRITY_HMAC_SHA256 ? 32 : 0;

	return format->key_bits / 8 + integrity;
}

int lk_luks_header_keyslots_size(const struct lk_doc *json, uint64_t *ret, struct lk_err *err)
{
	return get_number(get_map(json, "config"), "keyslots_size", 128u * 1024u * 1024u, ret, err);
}

static int check_config(const struct lk_doc *json, const struct lk_volume *vol, struct lk_err *err)
{
	static const struct {
		const char *flag;
		enum lk_volume_option option;
	} flags[] = {
		{ "allow-discards", LK_VOL_DISCARD },
		{ "no-read-workqueue", LK_VOL_NO_READ_WORKQUEUE },
		{ "no-write-workqueue", LK_VOL_NO_WRITE_WORKQUEUE },
		{ "same-cpu-crypt", LK_VOL_SAME_CPU_CRYPT },
		{ "submit-from-crypt-cpus", LK_VOL_SUBMIT_FROM_CRYPT_CPUS },
	};
	const struct lk_doc *config = get_map(json, "config");
	const struct lk_doc *list;

	if (!config)
		return refuse_header(err, "config is missing");
	if (lk_doc_get(config, "requirements"))
		return refuse_header(
			err,
			"it has requirements: reencryption is under way, or something that Latchkey doesn't know");
	list = lk_doc_get(config, "flags");
	if (list && list->type != LK_DOC_SEQ)
		return refuse_header(err, "flags isn't a list");
	for (const struct lk_doc *f = list ? list->child : NULL; f; f = f->next) {
		bool allowed = false;

		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (strcmp(f->text, flags[i].flag) == 0 && vol->options & flags[i].option)
				allowed = true;
		if (!allowed)
			return refuse_header(err,
					     "flag \"%.40s\" isn't among the policy file's options",
					     f->text);
	}
	return LK_OK;
}

int lk_luks_header_areas_end(const struct lk_doc *json, uint64_t *ret, struct lk_err *err)
{
	const struct lk_doc *slots = get_map(json, "keyslots");
	uint64_t end = 0;

	if (!slots)
		return refuse_header(err, "keyslots: missing");
	for (const struct lk_doc *i = slots->child; i; i = i->next->next) {
		const struct lk_doc *area = get_map(i->next, "area");
		uint64_t offset;
		uint64_t size;

		LK_TRY(get_number(area, "offset", INT64_MAX, &offset, err));
		LK_TRY(get_number(area, "size", INT64_MAX, &size, err));
		if (offset + size > end)
			end = offset + size;
	}
	*ret = end;
	return LK_OK;
}

static int check_integrity(const struct lk_doc *segment, enum lk_integrity want, struct lk_err *err)
{
	const char *type = get_text(get_map(segment, "integrity"), "type");
	bool has = lk_doc_get(segment, "integrity") != NULL;

	if (want == LK_INTEGRITY_NONE && has)
		return refuse_header(err, "integrity \"%.40s\"; the policy file has none", type);
	if (want == LK_INTEGRITY_HMAC_SHA256 && strcmp(type, "hmac(sha256)") != 0)
		return refuse_header(err, "integrity \"%.40s\"; the policy file wants hmac-sha256",
				     has ? type : "none");
	return LK_OK;
}

static int check_segment(const struct lk_doc *json, const struct lk_volume_format *want,
			 const struct lk_luks_areas *areas, struct lk_err *err)
{
	const struct lk_doc *segments = get_map(json, "segments");
	const struct lk_doc *segment = get_map(segments, "0");
	const char *cipher = get_text(segment, "encryption");
	uint64_t sector;
	uint64_t offset;

	if (!segment || segments->child->next->next)
		return refuse_header(err, "exactly one segment is expected");
	if (strcmp(get_text(segment, "type"), "crypt") != 0)
		return refuse_header(err, "segment type \"%.40s\" isn't crypt",
				     get_text(segment, "type"));
	if (lk_doc_get(segment, "flags"))
		return refuse_header(err, "the segment has flags: reencryption is under way");
	if (strcmp(cipher, want->cipher) != 0)
		return refuse_header(err, "cipher \"%.40s\"; the policy file wants %s", cipher,
				     want->cipher);
	/* Another tweak with another offset would show a shifted part of the
	 * volume, rightly decrypted, as the whole of it. */
	if (strcmp(get_text(segment, "iv_tweak"), "0") != 0)
		return refuse_header(err, "iv_tweak \"%.40s\" isn't 0",
				     get_text(segment, "iv_tweak"));
	if (strcmp(get_text(segment, "size"), "dynamic") != 0)
		return refuse_header(err,
				     "segment size \"%.40s\": expected the whole device (dynamic)",
				     get_text(segment, "size"));
	LK_TRY(get_number(segment, "offset", INT64_MAX, &offset, err));
	if (offset < areas->end)
		return refuse_header(err, "the data begins at %llu, within the header",
				     (unsigned long long)offset);
	LK_TRY(get_number(segment, "sector_size", 4096, &sector, err));
	if (sector != want->sector_size)
		return refuse_header(err, "sector size %u; the policy file wants %u",
				     (unsigned int)sector, want->sector_size);
	return check_integrity(segment, want->integrity, err);
}

/** What every keyslot and digest costs that may be tried, one after the other. */
struct costs {
	uint64_t iterations;
	uint64_t work; /* KiB times passes */
};

static int add_iterations(const struct lk_doc *of, struct costs *costs, struct lk_err *err)
{
	uint64_t n;

	LK_TRY(get_number(of, "iterations", LK_KDF_ITERATIONS_MAX, &n, err));
	costs->iterations += n;
	if (costs->iterations > LK_KDF_ITERATIONS_MAX)
		return refuse_header(
			err,
			"with those before it pbkdf2 of %llu iterations would take too long; at most %u in all",
			(unsigned long long)costs->iterations, LK_KDF_ITERATIONS_MAX);
	return LK_OK;
}

static int check_kdf(const struct lk_doc *kdf, struct costs *costs, struct lk_err *err)
{
	const char *type = get_text(kdf, "type");
	uint64_t n;
	uint64_t memory;
	uint64_t cpus;

	if (strcmp(type, "pbkdf2") == 0)
		return add_iterations(kdf, costs, err);
	if (strcmp(type, "argon2i") != 0 && strcmp(type, "argon2id") != 0)
		return refuse_header(err, "kdf \"%.40s\" is unknown", type);
	LK_TRY(get_number(kdf, "time", LK_KDF_WORK_MAX_KIB, &n, err));
	LK_TRY(get_number(kdf, "memory", LK_KDF_MEMORY_MAX_KIB, &memory, err));
	LK_TRY(get_number(kdf, "cpus", LK_KDF_CPUS_MAX, &cpus, err));
	costs->work += n * memory;
	if (costs->work > LK_KDF_WORK_MAX_KIB)
		return refuse_header(
			err,
			"%s with %u passes over %u KiB would, with the keyslots before it, take too long; at most %u KiB in all",
			type, (unsigned int)n, (unsigned int)memory, LK_KDF_WORK_MAX_KIB);
	return LK_OK;
}

static int check_area(const struct lk_doc *slot, const struct lk_luks_areas *areas,
		      struct lk_err *err)
{
	const struct lk_doc *area = get_map(slot, "area");
	uint64_t offset;
	uint64_t size;

	if (strcmp(get_text(area, "type"), "raw") != 0)
		return refuse_header(err, "area type \"%.40s\" isn't raw", get_text(area, "type"));
	if (strncmp(get_text(area, "encryption"), "aes-", 4) != 0)
		return refuse_header(err, "area encryption \"%.40s\" isn't AES",
				     get_text(area, "encryption"));
	LK_TRY(get_number(area, "key_size", 64, &size, err));
	LK_TRY(get_number(area, "offset", INT64_MAX, &offset, err));
	LK_TRY(get_number(area, "size", INT64_MAX, &size, err));
	if (offset < 2 * areas->header_size || offset > areas->copied ||
	    size > areas->copied - offset || offset + size > areas->end)
		return refuse_header(err, "area from %llu, %llu bytes: out of bounds",
				     (unsigned long long)offset, (unsigned long long)size);
	return LK_OK;
}

struct keyslot_terms {
	size_t key_size;
	const struct lk_luks_areas *areas;
	struct costs *costs;
};

static int check_keyslot(const struct lk_doc *slot, const struct keyslot_terms *terms,
			 struct lk_err *err)
{
	uint64_t size;

	if (strcmp(get_text(slot, "type"), "luks2") != 0)
		return refuse_header(err, "type \"%.40s\" isn't luks2", get_text(slot, "type"));
	LK_TRY(get_number(slot, "key_size", 1024, &size, err));
	if (size != terms->key_size)
		return refuse_header(err, "volume key of %u bits; the policy file wants %u",
				     (unsigned int)size * 8, (unsigned int)terms->key_size * 8);
	LK_TRY(check_kdf(get_map(slot, "kdf"), terms->costs, err));
	return check_area(slot, terms->areas, err);
}

static int check_keyslots(const struct lk_doc *json, const struct lk_volume_format *want,
			  const struct lk_luks_areas *areas, struct costs *costs,
			  struct lk_err *err)
{
	const struct keyslot_terms terms = { lk_volume_key_size(want), areas, costs };
	const struct lk_doc *slots = get_map(json, "keyslots");

	if (!slots || !slots->child)
		return refuse_header(err, "it has no keyslots");
	for (const struct lk_doc *k = slots->child; k; k = k->next->next) {
		int rc = check_keyslot(k->next, &terms, err);

		if (rc != LK_OK) {
			lk_err_prefix(err, "keyslot %.8s", k->text);
			return rc;
		}
	}
	return LK_OK;
}

static int check_digests(const struct lk_doc *json, struct costs *costs, struct lk_err *err)
{
	const struct lk_doc *digests = get_map(json, "digests");

	if (!digests || !digests->child || digests->child->next->next)
		return refuse_header(err, "exactly one digest is expected");
	for (const struct lk_doc *k = digests->child; k; k = k->next->next) {
		if (strcmp(get_text(k->next, "type"), "pbkdf2") != 0)
			return refuse_header(err, "digest \"%.40s\" is unknown",
					     get_text(k->next, "type"));
		LK_TRY(add_iterations(k->next, costs, err));
	}
	return LK_OK;
}

int lk_luks_header_costs_check(const struct lk_doc *json, struct lk_err *err)
{
	const struct lk_doc *slots = get_map(json, "keyslots");
	const struct lk_doc *digests = get_map(json, "digests");
	struct costs costs = { 0, 0 };

	for (const struct lk_doc *k = slots ? slots->child : NULL; k; k = k->next->next) {
		const struct lk_doc *kdf = get_map(k->next, "kdf");
		int rc = kdf ? check_kdf(kdf, &costs, err) : LK_OK;

		if (rc != LK_OK) {
			lk_err_prefix(err, "keyslot %.8s", k->text);
			return rc;
		}
	}
	for (const struct lk_doc *k = digests ? digests->child : NULL; k; k = k->next->next)
		LK_TRY(add_iterations(k->next, &costs, err));
	return LK_OK;
}

int lk_luks_header_check(const struct lk_doc *json, const struct lk_volume *vol,
			 const struct lk_luks_areas *areas, struct lk_err *err)
{
	struct costs costs = { 0, 0 };

	LK_TRY(check_config(json, vol, err));
	LK_TRY(check_segment(json, &vol->format, areas, err));
	LK_TRY(check_keyslots(json, &vol->format, areas, &costs, err));
	return check_digests(json, &costs, err);
}
