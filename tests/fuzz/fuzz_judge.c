/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of a device's requests to the verifier, one after the other, against a database in memory. What a mutation would break
 * (nonce, digests, signature) is made right again behind it, so that what comes after is reached. */
#include "core/attest/attest_key.h"
#include "core/attest/measured.h"
#include "core/attest/refusal.h"
#include "core/policy/policy_digest.h"
#include "fuzz.h"
#include "verifier/judge/judge.h"
#include "judge_fakes.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"

#define STEPS_MAX 12u

/* Of a step: what is right in it, and what isn't. */
enum {
	FLAG_SELECTION = 1, /* the PCRs that were asked for */
	FLAG_REPLAYED = 2,  /* the values are those of the logs that are sent */
	FLAG_VALUES = 4,    /* and are sent */
	FLAG_VERSION = 8,
	FLAG_SEQUENCE = 16,
	FLAG_GO_ON = 32, /* boot and offset are those that the verifier has asked for */
	FLAG_BAD_SIGNATURE = 64,
	FLAG_BAD_NONCE = 128
};
/* What the device gets wrong in what it has signed. */
enum {
	WRONG_SIGNER = 1,
	WRONG_NONCE,
	WRONG_BANK,
	WRONG_SIZE,
	WRONG_VALUES,
	WRONG_COUNT,
	WRONG_INDEX,
};

static const uint8_t nonce_key[LK_NONCE_KEY_SIZE];
static int64_t now_ms;
static bool signature_is_good;

int64_t lk_fuzz_now(void)
{
	return now_ms;
}

int lk_fuzz_verify_key(void *ctx, const struct lk_policy_key *key, const struct lk_digest *digest,
		       struct lk_bytes signature, struct lk_err *err)
{
	(void)ctx;
	INVARIANT(key && digest->len == 32 && signature.len == LK_ECDSA_P256_SIZE);
	return signature_is_good ? LK_OK : lk_err_set(err, LK_E_POLICY, 0, "not that key's");
}

int lk_fuzz_verify(const struct lk_policy_key *key, const struct lk_digest *digest,
		   struct lk_bytes signature, struct lk_err *err)
{
	(void)err;
	INVARIANT(key && digest->len && signature.len);
	return LK_OK;
}

struct fuzzed {
	struct lk_store *store;
	struct lk_vf_judge judge;
	struct lk_attest_key key;
	struct lk_pcr_values values; /* of the last quote */
	struct lk_attest_next next;
	uint8_t wrong;
	uint8_t nonce[LK_NONCE_SIZE];
	uint8_t quote[LK_ATTEST_MAX], floor[LK_FLOOR_COUNT][LK_ATTEST_MAX];
	uint8_t signature[LK_TPMT_SIGNATURE_MAX];
	size_t signature_len;
};

static struct lk_bytes take(struct lk_reader *r)
{
	size_t len = lk_read_le16(r);

	return lk_read_bytes(r, len < r->left ? len : r->left);
}

/* @asked: PCRs that the verifier asks for. */
static void begin(struct fuzzed *f, uint32_t asked)
{
	static const uint8_t point[32] = { 1 };
	struct lk_vf_import im = { .name = "one", .record = "{}", .now = 1 };
	enum lk_vf_imported what;
	uint8_t ak[LK_VF_AK_MAX];
	struct lk_writer w = lk_writer_init(ak, sizeof(ak));
	struct lk_err err = { 0 };

	lk_write_be16(&w, 0x23);
	lk_write_be16(&w, LK_ALG_SHA256);
	lk_write_be32(&w, LK_AK_ATTRIBUTES);
	for (unsigned int i = 0; i < 6; i++)
		lk_write_be16(&w, (uint16_t[]){ 0, 0x10, 0x18, 0x0b, 3, 0x10 }[i]);
	for (unsigned int i = 0; i < 2; i++) {
		lk_write_be16(&w, sizeof(point));
		lk_write_bytes(&w, point, sizeof(point));
	}
	im.ak = (struct lk_bytes){ ak, w.len };
	INVARIANT(lk_attest_key_parse(im.ak, lk_crypto_hash, &f->key, &err) == LK_OK);
	im.ak_name = f->key.name;
	memset(im.id, 'a', sizeof(im.id) - 1);
	INVARIANT(lk_store_open(":memory:", &f->store, &err) == LK_OK);
	INVARIANT(lk_vf_device_import(f->store, &im, &what, &err) == LK_OK);
	f->judge = (struct lk_vf_judge){
		.store = f->store,
		.flavors = lk_vf_flavors_new(),
		.nonces = { { nonce_key, sizeof(nonce_key) }, lk_crypto_hmac },
		.pcrs = { LK_ALG_SHA256, asked ? asked : 0xffff },
	};
	INVARIANT(f->judge.flavors);
	w = lk_writer_init(f->signature, sizeof(f->signature));
	for (unsigned int i = 0; i < 4; i++) {
		lk_write_be16(&w, (uint16_t[]){ 0x18, 0x0b, 32, 32 }[i]);
		if (i > 1)
			lk_write_bytes(&w, point, sizeof(point));
	}
	f->signature_len = w.len;
}

/* The clock info is the step's. */
static struct lk_writer begin_attest(struct fuzzed *f, uint16_t kind, struct lk_bytes clock,
				     uint8_t *out)
{
	const struct lk_name *signer =
		f->wrong == WRONG_SIGNER ? &f->key.name : &f->key.qualified_name;
	struct lk_writer w = lk_writer_init(out, LK_ATTEST_MAX);

	lk_write_be32(&w, 0xff544347);
	lk_write_be16(&w, kind);
	lk_write_be16(&w, signer->len);
	lk_write_bytes(&w, signer->data, signer->len);
	lk_write_be16(&w, sizeof(f->nonce));
	lk_write_bytes(&w, f->nonce, sizeof(f->nonce) - 1);
	lk_write_u8(&w, (uint8_t)(f->nonce[sizeof(f->nonce) - 1] ^ (f->wrong == WRONG_NONCE)));
	lk_write_bytes(&w, clock.data, clock.len);
	lk_write_be64(&w, 7);
	return w;
}

static size_t make_values(const struct lk_pcr_values *v, uint8_t out[static LK_PCR_COUNT * 32])
{
	size_t len = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(v->sel.mask >> i & 1))
			continue;
		memcpy(out + len, v->value[i], 32);
		len += 32;
	}
	return len;
}

static struct lk_signed_attest make_quote(struct fuzzed *f, struct lk_bytes clock,
					  struct lk_bytes values)
{
	struct lk_writer w = begin_attest(f, LK_ATTEST_QUOTE, clock, f->quote);
	struct lk_digest digest;

	INVARIANT(lk_crypto_hash(LK_ALG_SHA256, &values, 1, &digest));
	lk_write_be32(&w, 1);
	lk_write_be16(&w, f->wrong == WRONG_BANK ? LK_ALG_SHA384 : LK_ALG_SHA256);
	lk_write_u8(&w, 3);
	for (unsigned int i = 0; i < 3; i++)
		lk_write_u8(&w, (uint8_t)(f->values.sel.mask >> (8 * i)));
	if (f->wrong == WRONG_SIZE)
		digest.len--;
	lk_write_be16(&w, digest.len);
	lk_write_bytes(&w, digest.data, digest.len);
	return (struct lk_signed_attest){ { f->quote, w.len }, { f->signature, f->signature_len } };
}

static struct lk_signed_attest make_floor(struct fuzzed *f, unsigned int which,
					  struct lk_bytes clock, uint64_t value)
{
	struct lk_writer w = begin_attest(f, LK_ATTEST_NV, clock, f->floor[which]);
	struct lk_name name;

	INVARIANT(lk_floor_name(0x018a0001u + which + (f->wrong == WRONG_INDEX), lk_crypto_hash,
				&name) == LK_OK);
	lk_write_be16(&w, name.len);
	lk_write_bytes(&w, name.data, name.len);
	lk_write_be16(&w, 0);
	lk_write_be16(&w, 8);
	lk_write_be64(&w, value);
	return (struct lk_signed_attest){ { f->floor[which], w.len },
					  { f->signature, f->signature_len } };
}

/* What the logs come to, as far as they are well-formed; else the values of before. */
static void replay(struct fuzzed *f, const struct lk_attest_request *req)
{
	struct lk_pcr_replay r;
	bool latched;

	if (!req->firmware.len && !req->ima.len && !req->measured.len)
		return;
	lk_pcr_replay_init(&r, LK_ALG_SHA256);
	if (req->firmware.len &&
	    lk_event_log_replay(req->firmware, &r, lk_crypto_hash, NULL) != LK_OK)
		return;
	if (req->ima.len &&
	    lk_ima_log_replay(req->ima, LK_IMA_OWN_HASH, &r, lk_crypto_hash, NULL) != LK_OK)
		return;
	if (req->measured.len &&
	    lk_measured_replay(req->measured, 15, &r, lk_crypto_hash, &latched, NULL) != LK_OK)
		return;
	memcpy(f->values.value, r.values.value, sizeof(f->values.value));
}

static void device_of(struct fuzzed *f, struct lk_vf_device *ret)
{
	struct lk_err err = { 0 };

	INVARIANT(lk_vf_device_by_key(f->store, &f->key.name, ret, &err) == LK_OK);
}

/* What is shown and answered of it later. */
static void check_kept(struct fuzzed *f, const struct lk_vf_device *d)
{
	LK_OWNED_VF_FINDINGS found = { LK_BUF_NONE, LK_BUF_NONE };
	LK_OWNED_JSON json = NULL;

	INVARIANT(lk_vf_findings_get(f->store, d->number, &found, NULL) == LK_OK);
	INVARIANT(lk_json_parse((const char *)found.reasons.data, found.reasons.len, &json, NULL) ==
		  LK_OK);
	INVARIANT(lk_json_is_array(lk_json_get(json, "reasons")));
}

static void check_answer(const struct lk_attest_answer *a, unsigned int status)
{
	struct lk_attest_answer *again = calloc(1, sizeof(*again));
	char *text = malloc(8 * LK_ATTEST_ANSWER_MAX);
	size_t len = text ? lk_attest_answer_write(a, text, 8 * LK_ATTEST_ANSWER_MAX) : 0;

	INVARIANT(again && len);
	INVARIANT(lk_attest_answer_read((struct lk_bytes){ (uint8_t *)text, len }, again, NULL) ==
		  LK_OK);
	INVARIANT((status == 200) == (a->verdict[0] != '\0'));
	INVARIANT((status == 400 || status == 403) == (a->error[0] != '\0'));
	INVARIANT(!a->error[0] || a->text[0]);
	INVARIANT(a->has_next == (status == 200 || status == 409));
	free(text);
	free(again);
}

static void send(struct fuzzed *f, uint8_t *text, size_t len)
{
	struct lk_attest_answer *a = calloc(1, sizeof(*a));
	struct lk_vf_device before, after;
	struct lk_err err = { 0 };
	unsigned int status = 0;

	device_of(f, &before);
	INVARIANT(a && lk_store_begin(f->store, &err) == LK_OK);
	INVARIANT(lk_vf_judge(&f->judge, text, len, &status, a, &err) == LK_OK);
	INVARIANT(status == 200 || status == 400 || status == 403 || status == 409);
	check_answer(a, status);
	if (status == 200)
		INVARIANT(lk_store_commit(f->store, &err) == LK_OK);
	device_of(f, &after);
	if (status == 200) {
		INVARIANT(signature_is_good && after.state.any && after.seen > before.seen);
		INVARIANT(after.boot != before.boot || after.clock != before.clock ||
			  after.nonce != before.nonce);
		check_kept(f, &after);
	} else {
		/* Before anything is rolled back: a refusal has written nothing. */
		INVARIANT(!memcmp(&before.state, &after.state, sizeof(before.state)));
		INVARIANT(before.seen == after.seen && before.verdict == after.verdict);
		lk_store_rollback(f->store);
	}
	if (a->has_next)
		f->next = a->next;
	free(a);
}

/* The values as they are sent. */
static struct lk_bytes sent_values(const struct fuzzed *f, uint8_t *values, size_t len)
{
	if (f->wrong == WRONG_VALUES)
		values[0] ^= 1;
	return (struct lk_bytes){ values, len - (len && f->wrong == WRONG_COUNT) };
}

/* Flags, what is wrong, the clock info (17 bytes), what the clock moves, floors, the PCRs, and the logs. */
static void attest(struct fuzzed *f, struct lk_reader *r)
{
	uint8_t flags = lk_read_u8(r), wrong = lk_read_u8(r);
	struct lk_bytes clock = lk_read_bytes(r, 17);
	uint32_t later = lk_read_be32(r);
	uint64_t floors[LK_FLOOR_COUNT] = { lk_read_be16(r), lk_read_be16(r) };
	struct lk_attest_request req = { .ak = f->key.name };
	uint8_t chance[LK_NONCE_RANDOM_SIZE] = { 0 }, values[LK_PCR_COUNT * 32];
	struct lk_err err = { 0 };
	uint8_t *text;
	size_t len, room;

	f->values.sel = (struct lk_pcr_selection){ LK_ALG_SHA256, lk_read_be32(r) & 0xffffffu };
	if (flags & FLAG_SELECTION)
		f->values.sel = f->judge.pcrs;
	f->wrong = wrong;
	req.boot = flags & FLAG_GO_ON ? f->next.boot : lk_read_be32(r);
	req.ima_from = flags & FLAG_GO_ON ? f->next.ima_from : lk_read_be32(r);
	req.firmware = take(r);
	req.ima = take(r);
	req.measured = take(r);
	if (r->failed)
		return;
	now_ms += later;
	if (flags & FLAG_REPLAYED)
		replay(f, &req);
	INVARIANT(lk_nonce_make(&f->judge.nonces, (uint64_t)now_ms, chance, f->nonce, &err) ==
		  LK_OK);
	f->nonce[0] ^= flags & FLAG_BAD_NONCE ? 1 : 0;
	signature_is_good = !(flags & FLAG_BAD_SIGNATURE);
	req.nonce = (struct lk_bytes){ f->nonce, sizeof(f->nonce) };
	len = make_values(&f->values, values);
	req.quote = make_quote(f, clock, (struct lk_bytes){ values, len });
	if (flags & FLAG_VALUES)
		req.values = sent_values(f, values, len);
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++)
		if (flags & (FLAG_VERSION << i))
			req.floor[i] = make_floor(f, i, clock, floors[i]);
	room = lk_attest_request_size(&req);
	text = malloc(room);
	INVARIANT(text);
	len = lk_attest_request_write(&req, (char *)text, room);
	INVARIANT(len);
	send(f, text, len);
	free(text);
}

static void send_text(struct fuzzed *f, struct lk_bytes text)
{
	uint8_t *copy = malloc(text.len + 1);

	INVARIANT(copy);
	if (text.len)
		memcpy(copy, text.data, text.len);
	send(f, copy, text.len);
	free(copy);
}

/* A flavor's document, and a policy file whose owner has signed the values of the last quote. */
static void learn(struct fuzzed *f, struct lk_bytes document, struct lk_bytes policy_file)
{
	LK_OWNED_VF_FLAVOR flavor = { .latch = LK_PCR_NONE };
	LK_OWNED_YAML yaml = NULL;
	struct lk_policy_file pf;
	struct lk_err err = { 0 };

	flavor.text = strndup((const char *)document.data, document.len);
	INVARIANT(flavor.text);
	if (lk_yaml_parse((const uint8_t *)flavor.text, strlen(flavor.text), &yaml, &err) !=
		    LK_OK ||
	    lk_vf_flavor_from_doc(lk_yaml_root(yaml), &flavor, &err) != LK_OK) {
		check_error(LK_E_INPUT, LK_E_INPUT, &err);
		return;
	}
	if (policy_file.len) {
		flavor.policy_file = strndup((const char *)policy_file.data, policy_file.len);
		INVARIANT(flavor.policy_file);
		if (lk_vf_flavor_policy_file(flavor.policy_file, &flavor, &pf, &err) != LK_OK)
			return;
		flavor.policies = calloc(1, sizeof(*flavor.policies));
		INVARIANT(flavor.policies);
		f->values.sel.bank = pf.pcrs.bank;
		if (lk_signed_policy_prepare(&pf, &f->values, pf.version_floor ? 6 : 0, "fuzzed",
					     lk_crypto_hash, flavor.policies, &err) != LK_OK)
			return;
		flavor.policies->signature_len = 2 * lk_curve_size(pf.key.curve);
		flavor.n = 1;
	}
	INVARIANT(lk_store_begin(f->store, &err) == LK_OK);
	INVARIANT(lk_vf_flavor_put(f->store, LK_VF_FLAVOR_DEFAULT, &flavor, now_ms, &err) == LK_OK);
	INVARIANT(lk_store_commit(f->store, &err) == LK_OK);
	lk_vf_flavors_refresh(f->judge.flavors, f->store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_reader r = lk_reader_init(data, size);
	struct fuzzed *f = calloc(1, sizeof(*f));

	INVARIANT(f);
	now_ms = 1000000;
	signature_is_good = true;
	begin(f, lk_read_le16(&r));
	for (unsigned int i = 0; i < STEPS_MAX && r.left; i++) {
		struct lk_bytes one, two;

		switch (lk_read_u8(&r)) {
		case 't':
			send_text(f, take(&r));
			break;
		case 'f':
			one = take(&r);
			two = take(&r);
			learn(f, one, two);
			break;
		default:
			attest(f, &r);
		}
	}
	lk_vf_flavors_free(f->judge.flavors);
	lk_store_free(f->store);
	free(f);
	return 0;
}
