/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and replaying the firmware's event log. */
#include "core/bootlog/event_log.h"

#include <string.h>

#define SHA1_SIZE      20u
#define ALG_SHA512     0x000du
#define SIGNATURE_SIZE 16u
/* Localities 0, 3 and, where a dynamic root of trust came first, 4. */
#define LOCALITY_MAX 4u

static const char spec_id[SIGNATURE_SIZE] = "Spec ID Event03";
static const char locality_id[SIGNATURE_SIZE] = "StartupLocality";

/* @event: what is known of it; of its place the number and the offset. */
static int bad(const struct lk_event *event, struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, 0, "event %u at offset %zu: %s", event->number,
			  event->offset, what);
}

/* TPM_ALG_ID (TPM 2.0 Part 2, 6.3). */
static const struct {
	uint16_t id, size;
	const char *name;
} known_algs[] = {
	{ LK_ALG_SHA1, 20, "sha1" },	 { LK_ALG_SHA256, 32, "sha256" },
	{ LK_ALG_SHA384, 48, "sha384" }, { ALG_SHA512, 64, "sha512" },
	{ 0x0012, 32, "sm3_256" },	 { 0x0027, 32, "sha3_256" },
	{ 0x0028, 48, "sha3_384" },	 { 0x0029, 64, "sha3_512" },
};

#define N_KNOWN (sizeof(known_algs) / sizeof(known_algs[0]))

const char *lk_event_alg_name(uint16_t id)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (known_algs[i].id == id)
			return known_algs[i].name;
	return NULL;
}

/* Digest sizes are the algorithm's, so the table can't say otherwise. */
static bool size_is_right(const struct lk_event_alg *alg)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (known_algs[i].id == alg->id)
			return known_algs[i].size == alg->size;
	return alg->size;
}

static const struct lk_event_alg *find_alg(const struct lk_event_log *log, uint16_t id)
{
	for (size_t i = 0; i < log->n_algs; i++)
		if (log->algs[i].id == id)
			return &log->algs[i];
	return NULL;
}

/* TCG_EfiSpecIDEventStruct (10.4.5.1), after its signature. */
static int read_spec_id(struct lk_reader *r, struct lk_event_log *log, const struct lk_event *event,
			struct lk_err *err)
{
	uint32_t n;

	(void)lk_read_bytes(r, 8); /* class, version, size of UINTN */
	n = lk_read_le32(r);
	if (r->failed)
		return bad(event, err, "the Spec ID event is too short");
	if (n == 0 || n > LK_EVENT_ALGS_MAX)
		return bad(event, err,
			   "the Spec ID event names no hash algorithm, or more than 16");
	for (uint32_t i = 0; i < n; i++) {
		struct lk_event_alg alg;

		alg.id = lk_read_le16(r);
		alg.size = lk_read_le16(r);
		if (r->failed)
			return bad(event, err,
				   "the Spec ID event ends in its table of hash algorithms");
		if (!size_is_right(&alg) || find_alg(log, alg.id))
			return bad(
				event, err,
				"the Spec ID event gives a hash algorithm twice, or with a wrong size");
		log->algs[log->n_algs++] = alg;
	}
	(void)lk_read_bytes(r, lk_read_u8(r)); /* the vendor's */
	if (!lk_reader_done(r))
		return bad(event, err, "the Spec ID event isn't as long as it says");
	return LK_OK;
}

/* TCG_PCClientPCREvent: the form of the first event, and of whole old logs. */
static bool read_old_event(struct lk_reader *r, struct lk_event *event)
{
	event->pcr = lk_read_le32(r);
	event->type = lk_read_le32(r);
	event->sha1 = lk_read_bytes(r, SHA1_SIZE);
	event->data = lk_read_bytes(r, lk_read_le32(r));
	return !r->failed;
}

/* @signature: SIGNATURE_SIZE bytes, or their beginning as a string. */
static bool is_spec_id(const struct lk_event *event, const char *signature)
{
	size_t len = strnlen(signature, SIGNATURE_SIZE - 1);

	return event->type == LK_EV_NO_ACTION && event->data.len >= SIGNATURE_SIZE &&
	       !memcmp(event->data.data, signature, len + (len == SIGNATURE_SIZE - 1));
}

/* @event: the first, in the old form. What is wrong with it, or LK_OK. */
static int check_first(const struct lk_event *event, struct lk_err *err)
{
	bool any = is_spec_id(event, "Spec ID Event0");

	if (is_spec_id(event, spec_id))
		return LK_OK;
	if (any || event->pcr < LK_PCR_COUNT)
		return bad(
			event, err,
			"no \"Spec ID Event03\": this is no event log of a TPM 2.0, or one in the old format with SHA-1 digests alone, which explain no PCR of the SHA-256 or SHA-384 bank");
	return bad(event, err, "this is no event log");
}

/* Where the last bytes begin that are all zero, or all 0xff. */
static size_t find_tail(const uint8_t *data, size_t len)
{
	size_t tail = len;

	if (!len || (data[len - 1] != 0x00 && data[len - 1] != 0xff))
		return len;
	while (tail && data[tail - 1] == data[len - 1])
		tail--;
	return tail;
}

/* All that is left is one of the two bytes that unused room is filled with. */
static bool is_padding(const struct lk_event_log *log)
{
	return log->rest.left && log->size - log->rest.left >= log->tail;
}

static int open_log(const uint8_t *data, size_t len, bool old_too, struct lk_event_log *ret,
		    struct lk_err *err)
{
	struct lk_event_log log = {
		.rest = lk_reader_init(data, len),
		.size = len,
		.tail = find_tail(data, len),
	};
	struct lk_reader r = log.rest;
	struct lk_event first = { .number = 1 };

	if (is_padding(&log) || !read_old_event(&r, &first))
		return bad(&first, err, "the log ends in its first event, or this is no event log");
	log.first_index = first.pcr;
	if (old_too && first.pcr < LK_PCR_COUNT && !is_spec_id(&first, spec_id)) {
		log.old = true;
		log.algs[log.n_algs++] = (struct lk_event_alg){ LK_ALG_SHA1, SHA1_SIZE };
		*ret = log;
		return LK_OK;
	}
	LK_TRY(check_first(&first, err));
	r = lk_reader_init(first.data.data + SIGNATURE_SIZE, first.data.len - SIGNATURE_SIZE);
	LK_TRY(read_spec_id(&r, &log, &first, err));
	*ret = log;
	return LK_OK;
}

int lk_event_log_open(const uint8_t *data, size_t len, struct lk_event_log *ret, struct lk_err *err)
{
	return open_log(data, len, false, ret, err);
}

int lk_event_log_open_any(const uint8_t *data, size_t len, struct lk_event_log *ret,
			  struct lk_err *err)
{
	return open_log(data, len, true, ret, err);
}

static int check_pcr(const struct lk_event *event, struct lk_err *err)
{
	if (event->pcr >= LK_PCR_COUNT && event->type != LK_EV_NO_ACTION)
		return bad(event, err, "there is no such PCR");
	return LK_OK;
}

/* TPML_DIGEST_VALUES. */
static int read_digests(const struct lk_event_log *log, struct lk_reader *r, struct lk_event *event,
			struct lk_err *err)
{
	uint32_t n = lk_read_le32(r);
	uint32_t seen = 0;

	if (n > log->n_algs)
		return bad(event, err, "more digests than the log has hash algorithms");
	for (uint32_t i = 0; i < n && !r->failed; i++) {
		uint16_t id = lk_read_le16(r);
		const struct lk_event_alg *alg = find_alg(log, id);
		struct lk_bytes digest;

		if (r->failed)
			break;
		if (!alg || seen & 1u << (alg - log->algs))
			return lk_err_set(
				err, LK_E_INPUT, 0,
				"event %u at offset %zu: a digest of algorithm 0x%04x, which %s",
				event->number, event->offset, id,
				alg ? "is there twice" : "the Spec ID event doesn't name");
		seen |= 1u << (alg - log->algs);
		digest = lk_read_bytes(r, alg->size);
		if (id == LK_ALG_SHA1)
			event->sha1 = digest;
		else if (id == LK_ALG_SHA256)
			event->sha256 = digest;
		else if (id == LK_ALG_SHA384)
			event->sha384 = digest;
		else if (id == ALG_SHA512)
			event->sha512 = digest;
	}
	return LK_OK;
}

/* TCG_PCR_EVENT2 (10.2.2). */
static int read_event(const struct lk_event_log *log, struct lk_reader *r, struct lk_event *event,
		      struct lk_err *err)
{
	event->pcr = lk_read_le32(r);
	event->type = lk_read_le32(r);
	LK_TRY(read_digests(log, r, event, err));
	event->data = lk_read_bytes(r, lk_read_le32(r));
	if (r->failed)
		return bad(event, err, "the log ends in it");
	return check_pcr(event, err);
}

int lk_event_log_next(struct lk_event_log *log, struct lk_event *ret, struct lk_err *err)
{
	struct lk_reader r = log->rest;
	struct lk_event event = { .offset = log->size - r.left, .number = log->number + 1 };

	if (r.left == 0 || is_padding(log))
		return LK_LOG_END;
	if (log->number == 0 && !log->old) {
		(void)read_old_event(&r, &event); /* open has seen to it */
		event.sha1 = (struct lk_bytes){ NULL, 0 };
	} else if (log->old) {
		if (!read_old_event(&r, &event))
			return bad(&event, err, "the log ends in it");
		LK_TRY(check_pcr(&event, err));
	} else {
		LK_TRY(read_event(log, &r, &event, err));
	}
	log->rest = r;
	log->number = event.number;
	*ret = event;
	return LK_OK;
}

size_t lk_event_log_padding(const struct lk_event_log *log)
{
	return is_padding(log) ? log->rest.left : 0;
}

struct lk_bytes lk_event_digest(const struct lk_event *event, enum lk_alg bank)
{
	if (bank == LK_ALG_SHA1)
		return event->sha1;
	return bank == LK_ALG_SHA384 ? event->sha384 : event->sha256;
}

bool lk_event_log_has_bank(const struct lk_event_log *log, enum lk_alg bank)
{
	return find_alg(log, (uint16_t)bank) != NULL;
}

bool lk_event_startup_locality(const struct lk_event *event, uint8_t *ret)
{
	if (event->type != LK_EV_NO_ACTION || event->data.len != SIGNATURE_SIZE + 1 ||
	    memcmp(event->data.data, locality_id, SIGNATURE_SIZE) != 0)
		return false;
	*ret = event->data.data[SIGNATURE_SIZE];
	return true;
}

bool lk_event_data_is_measured(const struct lk_event *event, lk_hash_fn hash)
{
	static const enum lk_alg banks[] = { LK_ALG_SHA256, LK_ALG_SHA384 };
	bool any = false;

	for (size_t i = 0; i < 2; i++) {
		struct lk_bytes digest = lk_event_digest(event, banks[i]);
		struct lk_digest sum;

		if (!digest.len)
			continue;
		any = true;
		if (!hash(banks[i], &event->data, 1, &sum) ||
		    memcmp(sum.data, digest.data, digest.len) != 0)
			return false;
	}
	return any;
}

/* Intel's firmware begins with its own configuration, of SHA-384 alone, and
 * leaves index 0 to the machine's image. */
bool lk_event_log_is_confidential(const struct lk_event_log *log)
{
	static const char *const words[] = { "TdxTable", "td_hob", "td_payload", "TDVF" };
	struct lk_event_log at = *log;
	struct lk_event event;

	if (log->old)
		return false;
	if (log->first_index == 1)
		return true;
	if (log->n_algs != 1 || !lk_event_log_has_bank(log, LK_ALG_SHA384))
		return false;
	while (lk_event_log_next(&at, &event, NULL) == LK_OK)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (lk_bytes_contain(event.data,
					     (struct lk_bytes){ (const uint8_t *)words[i],
								strlen(words[i]) }))
				return true;
	return false;
}

static int set_locality(const struct lk_event *event, uint8_t locality, struct lk_pcr_replay *r,
			struct lk_err *err)
{
	uint8_t *last = &r->values.value[0][lk_alg_size(r->values.sel.bank) - 1];

	if (locality > LOCALITY_MAX || r->extended & 1u || *last)
		return bad(
			event, err,
			"a startup locality that can't be, or that comes after PCR 0 was extended");
	*last = locality;
	return LK_OK;
}

int lk_event_replay(const struct lk_event *event, struct lk_pcr_replay *r, lk_hash_fn hash,
		    struct lk_err *err)
{
	enum lk_alg bank = r->values.sel.bank;
	struct lk_bytes digest = lk_event_digest(event, bank);
	uint8_t locality;

	if (lk_event_startup_locality(event, &locality))
		return set_locality(event, locality, r, err);
	if (event->type == LK_EV_NO_ACTION)
		return LK_OK;
	if (!digest.len)
		return lk_err_set(err, LK_E_INPUT, 0, "event %u at offset %zu: no digest of %s",
				  event->number, event->offset, lk_alg_name(bank));
	if (!lk_pcr_replay_extend(r, event->pcr, digest, hash))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

int lk_event_log_replay(struct lk_bytes log, struct lk_pcr_replay *r, lk_hash_fn hash,
			struct lk_err *err)
{
	struct lk_event_log at;
	struct lk_event event;
	int rc = lk_event_log_open(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&at, &event, err);
		if (rc == LK_OK)
			rc = lk_event_replay(&event, r, hash, err);
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}
