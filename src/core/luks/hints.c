/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and writing what an unlock remembers. */
#include "core/luks/hints.h"

#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"

static void read_handle(const struct lk_doc *map, const char *key,
			uint8_t out[static LK_HINT_HANDLE_MAX], size_t *ret_len)
{
	if (lk_doc_get_hex(map, key, out, LK_HINT_HANDLE_MAX, ret_len, NULL) != LK_OK)
		*ret_len = 0;
}

static void read_remembered(const struct lk_doc *map, struct lk_hints *ret)
{
	uint8_t policy[LK_DIGEST_MAX];
	uint8_t ticket[LK_TICKET_MAX];
	size_t policy_len;
	size_t ticket_len;

	if (!map || map->type != LK_DOC_MAP ||
	    lk_doc_get_hex(map, "policy", policy, sizeof(policy), &policy_len, NULL) != LK_OK ||
	    lk_doc_get_hex(map, "ticket", ticket, sizeof(ticket), &ticket_len, NULL) != LK_OK ||
	    !policy_len || !ticket_len)
		return;
	ret->policy.len = (uint16_t)policy_len;
	memcpy(ret->policy.data, policy, policy_len);
	ret->ticket_len = ticket_len;
	memcpy(ret->ticket, ticket, ticket_len);
}

static void read_events(const struct lk_doc *map, struct lk_hints *ret)
{
	if (!map || map->type != LK_DOC_MAP ||
	    lk_doc_get_hex(map, "events", ret->events, sizeof(ret->events), &ret->events_len,
			   NULL) != LK_OK)
		ret->events_len = 0;
}

void lk_hints_from_doc(const struct lk_doc *map, struct lk_hints *ret)
{
	const struct lk_doc *remembered = lk_doc_get(map, "remembered");

	*ret = (struct lk_hints){ 0 };
	read_handle(map, "root-key", ret->root_key, &ret->root_key_len);
	read_handle(map, "sealed", ret->sealed, &ret->sealed_len);
	read_remembered(remembered, ret);
	read_events(remembered, ret);
}

static size_t put_text(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len + 1);
	return len;
}

static size_t put_hex(char *out, const uint8_t *data, size_t len)
{
	lk_hex_encode(data, len, out);
	return 2 * len;
}

static size_t put_ticket(char *out, const struct lk_hints *hints)
{
	size_t n = put_text(out, "\"policy\":\"");

	n += put_hex(out + n, hints->policy.data, hints->policy.len);
	n += put_text(out + n, "\",\"ticket\":\"");
	n += put_hex(out + n, hints->ticket, hints->ticket_len);
	return n + put_text(out + n, "\"");
}

size_t lk_hints_write(const struct lk_hints *hints, char out[static LK_HINTS_JSON_MAX])
{
	size_t n = put_text(out, "\"root-key\":\"");

	n += put_hex(out + n, hints->root_key, hints->root_key_len);
	n += put_text(out + n, "\",\"sealed\":\"");
	n += put_hex(out + n, hints->sealed, hints->sealed_len);
	n += put_text(out + n, "\"");
	if (!hints->ticket_len && !hints->events_len)
		return n;
	n += put_text(out + n, ",\"remembered\":{");
	if (hints->ticket_len)
		n += put_ticket(out + n, hints);
	if (hints->events_len) {
		n += put_text(out + n, hints->ticket_len ? ",\"events\":\"" : "\"events\":\"");
		n += put_hex(out + n, hints->events, hints->events_len);
		n += put_text(out + n, "\"");
	}
	return n + put_text(out + n, "}");
}

static bool update_handle(uint8_t *have, size_t *have_len, const uint8_t *got, size_t got_len)
{
	if (!got_len || (*have_len == got_len && memcmp(have, got, got_len) == 0))
		return false;
	memcpy(have, got, got_len);
	*have_len = got_len;
	return true;
}

bool lk_hints_update(struct lk_hints *hints, const struct lk_hints *learned)
{
	bool changed = update_handle(hints->root_key, &hints->root_key_len, learned->root_key,
				     learned->root_key_len);

	changed |= update_handle(hints->sealed, &hints->sealed_len, learned->sealed,
				 learned->sealed_len);
	if (!learned->ticket_len)
		return changed;
	if (!lk_digest_equal(&hints->policy, &learned->policy)) {
		hints->policy = learned->policy;
		changed = true;
	}
	changed |= update_handle(hints->ticket, &hints->ticket_len, learned->ticket,
				 learned->ticket_len);
	return changed;
}

bool lk_hints_set_events(struct lk_hints *hints, struct lk_bytes events)
{
	return update_handle(hints->events, &hints->events_len, events.data, events.len);
}

size_t lk_learned_write(const struct lk_hints *hints, char out[static LK_LEARNED_MAX])
{
	size_t n = put_text(out, "{\"latchkey-learned\":1,");
	struct lk_hints learned = *hints;

	learned.events_len = 0;
	n += lk_hints_write(&learned, out + n);
	return n + put_text(out + n, "}\n");
}

/* There, not empty, and yet nothing came of it. */
static bool is_bad(const struct lk_doc *map, const char *key, size_t len)
{
	const struct lk_doc *node = lk_doc_get(map, key);

	return node && !len && !(node->type == LK_DOC_SCALAR && !node->len);
}

int lk_learned_from_doc(const struct lk_doc *doc, struct lk_hints *ret, struct lk_err *err)
{
	static const char *const known[] = { "latchkey-learned", "root-key", "sealed", "remembered",
					     NULL };
	struct lk_hints out;
	uint64_t version;

	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-learned", 1, 1, &version, err));
	lk_hints_from_doc(doc, &out);
	if (is_bad(doc, "root-key", out.root_key_len) || is_bad(doc, "sealed", out.sealed_len) ||
	    is_bad(doc, "remembered", out.ticket_len))
		return lk_doc_error(
			doc, err,
			"a handle or ticket isn't pairs of hexadecimal digits: this isn't what latchkey-unseal leaves");
	*ret = out;
	return LK_OK;
}
