/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and replaying the kernel's IMA log. */
#include "core/bootlog/ima_log.h"

#include <assert.h>
#include <string.h>

#include "core/base/text.h"

/* IMA_EVENT_NAME_LEN_MAX + 1: "ima" hashes the name with zeros up to here. */
#define OLD_NAME_SIZE 256u

static int bad(const struct lk_ima_entry *entry, struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, 0, "IMA log: entry %u at offset %zu: %s", entry->number,
			  entry->offset, what);
}

int lk_ima_log_open(const uint8_t *data, size_t len, struct lk_ima_log *ret, struct lk_err *err)
{
	/* "10 " and the hexadecimal digits of a SHA-1. */
	bool ascii =
		len > 3 && data[0] >= '0' && data[0] <= '9' && (data[1] == ' ' || data[2] == ' ');

	if (ascii)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"this is an IMA log in ascii: take binary_runtime_measurements, which lies beside it");
	*ret = (struct lk_ima_log){ lk_reader_init(data, len), len, 0 };
	return LK_OK;
}

static bool is_template(const struct lk_ima_entry *entry, const char *name)
{
	return !strcmp(entry->template, name);
}

/* A field as all templates but "ima" have it: length, bytes. */
static struct lk_bytes read_field(struct lk_reader *r)
{
	return lk_read_bytes(r, lk_read_le32(r));
}

/* "sha256:", NUL, digest; before it "ima:" or "verity:" in the v2 templates. */
static bool take_digest(struct lk_bytes field, bool v2, struct lk_ima_entry *entry)
{
	const uint8_t *end = memchr(field.data, '\0', field.len);
	const uint8_t *begin = field.data;
	const uint8_t *colon;
	size_t len;

	if (!end || end == begin || end[-1] != ':')
		return false;
	if (v2) {
		colon = memchr(begin, ':', (size_t)(end - begin));
		begin = colon + 1;
	}
	len = (size_t)(end - begin);
	if (len < 2 || len - 1 > LK_IMA_ALG_NAME_MAX || memchr(begin, ':', len - 1))
		return false;
	memcpy(entry->alg, begin, len - 1);
	entry->alg[len - 1] = '\0';
	if (!lk_text_is_visible(entry->alg))
		return false;
	entry->digest.data = end + 1;
	entry->digest.len = field.len - (size_t)(end + 1 - field.data);
	len = lk_alg_size(lk_alg_from_name(entry->alg));
	return !len || entry->digest.len == len;
}

/* A string with its NUL, and no other. */
static bool take_name(struct lk_bytes field, struct lk_ima_entry *entry)
{
	const uint8_t *end = memchr(field.data, '\0', field.len);

	if (!end || (size_t)(end - field.data) + 1 != field.len)
		return false;
	entry->name = (struct lk_bytes){ field.data, field.len - 1 };
	return true;
}

/* Which fields come after digest and name, each a letter: sig, buf, or any
 * other; NULL for a template that isn't known. */
static const char *more_fields(const struct lk_ima_entry *entry)
{
	static const struct {
		const char *template, *fields;
	} known[] = {
		{ "ima-ng", "" },	  { "ima-sig", "s" }, { "ima-buf", "b" },
		{ "ima-modsig", "s--" },  { "ima-ngv2", "" }, { "ima-sigv2", "s" },
		{ "evm-sig", "s------" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_template(entry, known[i].template))
			return known[i].fields;
	return NULL;
}

static int take_fields(struct lk_ima_entry *entry, struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(entry->data.data, entry->data.len);
	const char *more = more_fields(entry);
	bool v2 = is_template(entry, "ima-ngv2") || is_template(entry, "ima-sigv2");
	struct lk_bytes digest, name;

	if (!more)
		return LK_OK;
	digest = read_field(&r);
	name = read_field(&r);
	for (; *more; more++) {
		struct lk_bytes field = read_field(&r);

		if (*more == 's')
			entry->signature = field;
		else if (*more == 'b')
			entry->buffer = field;
	}
	if (!lk_reader_done(&r) || !digest.len || !name.len)
		return bad(entry, err, "its fields aren't as long as they say");
	if (!take_digest(digest, v2, entry))
		return bad(entry, err,
			   "a digest without the name of its algorithm, or of a wrong size");
	if (!take_name(name, entry))
		return bad(entry, err, "a name that doesn't end as one");
	return LK_OK;
}

/* "ima": the digest bare, the name without its NUL, no length of the whole. */
static bool read_oldest(struct lk_reader *r, struct lk_ima_entry *entry)
{
	struct lk_bytes field;

	entry->data.data = r->data;
	entry->digest = lk_read_bytes(r, LK_IMA_SHA1_SIZE);
	field = read_field(r);
	if (r->failed || field.len >= OLD_NAME_SIZE || memchr(field.data, '\0', field.len))
		return false;
	entry->name = field;
	memcpy(entry->alg, "sha1", sizeof("sha1"));
	entry->data.len = (size_t)(r->data - entry->data.data);
	return true;
}

static int read_entry(struct lk_reader *r, struct lk_ima_entry *entry, struct lk_err *err)
{
	static const uint8_t zeros[LK_IMA_SHA1_SIZE] = { 0 };
	struct lk_bytes name;

	entry->pcr = lk_read_le32(r);
	entry->template_sha1 = lk_read_bytes(r, LK_IMA_SHA1_SIZE);
	name = read_field(r);
	if (r->failed)
		return bad(entry, err, "the log ends in it");
	if (entry->pcr >= LK_PCR_COUNT)
		return bad(entry, err, "there is no such PCR");
	if (!name.len || name.len > LK_IMA_TEMPLATE_MAX || memchr(name.data, '\0', name.len))
		return bad(entry, err, "a template's name of more than 64 bytes, or none");
	memcpy(entry->template, name.data, name.len);
	entry->violation = !memcmp(entry->template_sha1.data, zeros, LK_IMA_SHA1_SIZE);
	if (is_template(entry, "ima"))
		return read_oldest(r, entry)
			       ? LK_OK
			       : bad(entry, err,
				     "the log ends in it, or its name is longer than the kernel's are");
	entry->data = read_field(r);
	if (r->failed)
		return bad(entry, err, "the log ends in it");
	return take_fields(entry, err);
}

int lk_ima_log_next(struct lk_ima_log *log, struct lk_ima_entry *ret, struct lk_err *err)
{
	struct lk_reader r = log->rest;
	struct lk_ima_entry entry = { .offset = log->size - r.left, .number = log->number + 1 };

	if (r.left == 0)
		return LK_LOG_END;
	LK_TRY(read_entry(&r, &entry, err));
	log->rest = r;
	log->number = entry.number;
	*ret = entry;
	return LK_OK;
}

bool lk_ima_is_boot_aggregate(const struct lk_ima_entry *entry)
{
	static const char name[] = "boot_aggregate";

	return entry->name.len == sizeof(name) - 1 &&
	       !memcmp(entry->name.data, name, sizeof(name) - 1);
}

static bool hash_oldest(const struct lk_ima_entry *entry, enum lk_alg bank, lk_hash_fn hash,
			struct lk_digest *ret)
{
	uint8_t name[OLD_NAME_SIZE] = { 0 };
	const struct lk_bytes parts[] = { entry->digest, { name, sizeof(name) } };

	if (entry->name.len)
		memcpy(name, entry->name.data, entry->name.len);
	return hash(bank, parts, 2, ret);
}

bool lk_ima_entry_is_whole(const struct lk_ima_entry *entry, lk_hash_fn hash)
{
	struct lk_digest sum;
	bool done = is_template(entry, "ima") ? hash_oldest(entry, LK_ALG_SHA1, hash, &sum)
					      : hash(LK_ALG_SHA1, &entry->data, 1, &sum);

	return entry->violation || (done && sum.len == LK_IMA_SHA1_SIZE &&
				    !memcmp(sum.data, entry->template_sha1.data, LK_IMA_SHA1_SIZE));
}

bool lk_ima_entry_digest(const struct lk_ima_entry *entry, enum lk_alg bank, enum lk_ima_extend how,
			 lk_hash_fn hash, struct lk_digest *ret)
{
	struct lk_digest digest = { .len = (uint16_t)lk_alg_size(bank) };

	if (entry->violation) {
		/* A value that no content has, so that it can't be undone. */
		memset(digest.data, 0xff, how == LK_IMA_OWN_HASH ? digest.len : LK_IMA_SHA1_SIZE);
		*ret = digest;
		return true;
	}
	if (how == LK_IMA_PADDED_SHA1) {
		memcpy(digest.data, entry->template_sha1.data, LK_IMA_SHA1_SIZE);
		*ret = digest;
		return true;
	}
	if (is_template(entry, "ima"))
		return hash_oldest(entry, bank, hash, ret);
	return hash(bank, &entry->data, 1, ret);
}

int lk_ima_log_replay(struct lk_bytes log, enum lk_ima_extend how, struct lk_pcr_replay *r,
		      lk_hash_fn hash, struct lk_err *err)
{
	struct lk_ima_log at;
	struct lk_ima_entry entry;
	struct lk_digest digest;
	int rc = lk_ima_log_open(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		rc = lk_ima_log_next(&at, &entry, err);
		if (rc != LK_OK)
			break;
		if (!lk_ima_entry_digest(&entry, r->values.sel.bank, how, hash, &digest) ||
		    !lk_pcr_replay_extend(r, entry.pcr,
					  (struct lk_bytes){ digest.data, digest.len }, hash))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

bool lk_ima_boot_aggregate(const struct lk_pcr_values *pcrs, unsigned int n, lk_hash_fn hash,
			   struct lk_digest *ret)
{
	size_t size = lk_alg_size(pcrs->sel.bank);
	struct lk_bytes parts[LK_IMA_BOOT_PCRS];

	assert(n <= LK_IMA_BOOT_PCRS);
	for (unsigned int i = 0; i < n; i++)
		parts[i] = (struct lk_bytes){ pcrs->value[i], size };
	return hash(pcrs->sel.bank, parts, n, ret);
}
