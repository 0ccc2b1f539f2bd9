/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns trying what a digest may be of. */
#include "core/bootlog/event_vouch.h"

#include <string.h>

#include "core/bootlog/efi_variable.h"

/* Of alignment, that old shims measure behind a variable. */
#define STRAY_MAX	 8u
#define SECTION_NAME_MAX 16u

struct attempt {
	struct lk_bytes digest;
	enum lk_alg bank;
	lk_hash_fn hash;
	bool failed; /* a hash did */
};

static struct attempt attempt_at(const struct lk_event *event, enum lk_alg bank, lk_hash_fn hash)
{
	return (struct attempt){ lk_event_digest(event, bank), bank, hash, false };
}

static bool is_of(struct attempt *a, struct lk_bytes bytes)
{
	struct lk_digest sum;

	if (!a->hash(a->bank, &bytes, 1, &sum)) {
		a->failed = true;
		return false;
	}
	return a->digest.len == sum.len && !memcmp(sum.data, a->digest.data, sum.len);
}

static struct lk_bytes first(struct lk_bytes data, size_t len)
{
	return (struct lk_bytes){ data.data, len < data.len ? len : data.len };
}

static struct lk_bytes after(struct lk_bytes data, size_t len)
{
	return (struct lk_bytes){ data.data + len, data.len - len };
}

/* With its NULs, with fewer or with none. */
static bool is_of_text(struct attempt *a, struct lk_bytes text)
{
	for (unsigned int nuls = 0;; nuls++) {
		if (is_of(a, text))
			return true;
		if (nuls == 2 || !text.len || text.data[text.len - 1])
			return false;
		text.len--;
	}
}

static enum lk_vouched altered(const struct attempt *a)
{
	return a->failed ? LK_VOUCHED_NOT : LK_VOUCHED_ALTERED;
}

static enum lk_vouched vouch_text(struct attempt *a, struct lk_bytes text)
{
	return is_of_text(a, text) ? LK_VOUCHED_ALL : altered(a);
}

static enum lk_vouched vouch_variable(struct attempt *a, struct lk_bytes data)
{
	struct lk_efi_variable var;
	size_t stray;

	if (is_of(a, data))
		return LK_VOUCHED_ALL;
	if (!lk_efi_variable_read_any(data, &var, &stray))
		return altered(a);
	for (size_t i = 1; i <= stray && i <= STRAY_MAX; i++)
		if (is_of(a, first(data, data.len - i)))
			return LK_VOUCHED_ALL;
	return is_of(a, var.data) ? LK_VOUCHED_VALUE : altered(a);
}

/* Boot loaders measure a text, and log it with a word before it. */
static enum lk_vouched vouch_loader(struct attempt *a, const struct lk_event *event)
{
	static const char *const before[] = { "grub_cmd: ", "kernel_cmdline: ", "module_cmdline: ",
					      "grub_cmd ", "grub_kernel_cmdline " };

	struct lk_bytes data = event->data;

	if (is_of_text(a, data))
		return LK_VOUCHED_ALL;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		size_t len = strlen(before[i]);

		if (data.len >= len && !memcmp(data.data, before[i], len))
			return vouch_text(a, after(data, len));
	}
	/* A word that isn't known, and what comes after it is what was measured. */
	if (event->pcr == LK_PCR_COMMANDS) {
		const uint8_t *space = data.len ? memchr(data.data, ' ', data.len) : NULL;

		if (space && is_of_text(a, after(data, (size_t)(space + 1 - data.data))))
			return LK_VOUCHED_VALUE;
	}
	/* Into that PCR they measure such texts alone. */
	return event->pcr == LK_PCR_COMMANDS && data.len ? altered(a) : LK_VOUCHED_NOT;
}

/* TCG_PCClientTaggedEvent: also what it holds alone, without the tag. */
static enum lk_vouched vouch_tagged(struct attempt *a, struct lk_bytes data)
{
	const size_t header = 8;

	if (is_of(a, data))
		return LK_VOUCHED_ALL;
	return data.len > header && is_of(a, after(data, header)) ? LK_VOUCHED_VALUE
								  : LK_VOUCHED_NOT;
}

static bool is_error(struct attempt *a)
{
	static const uint8_t one[] = { 1, 0, 0, 0 };

	return is_of(a, (struct lk_bytes){ one, sizeof(one) });
}

enum lk_vouched lk_event_vouched(const struct lk_event *event, enum lk_alg bank, lk_hash_fn hash)
{
	struct attempt a = attempt_at(event, bank, hash);

	if (!a.digest.len || event->type == LK_EV_NO_ACTION)
		return LK_VOUCHED_NOT;
	switch (event->type) {
	case LK_EV_SEPARATOR:
		return is_of(&a, event->data) || is_error(&a) ? LK_VOUCHED_ALL : altered(&a);
	case LK_EV_ACTION:
	case LK_EV_EFI_ACTION:
	case LK_EV_OMIT_BOOT_DEVICE_EVENTS:
	case LK_EV_S_CRTM_VERSION:
		return vouch_text(&a, event->data);
	case LK_EV_EFI_GPT_EVENT:
		return is_of(&a, event->data) ? LK_VOUCHED_ALL : altered(&a);
	case LK_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case LK_EV_EFI_VARIABLE_BOOT:
	case LK_EV_EFI_VARIABLE_BOOT2:
	case LK_EV_EFI_VARIABLE_AUTHORITY:
	case LK_EV_EFI_SPDM_DEVICE_POLICY:
	case LK_EV_EFI_SPDM_DEVICE_AUTHORITY:
		return vouch_variable(&a, event->data);
	case LK_EV_IPL:
		return lk_event_is_section_name(event, hash) ? LK_VOUCHED_ALL
							     : vouch_loader(&a, event);
	case LK_EV_EVENT_TAG:
		return vouch_tagged(&a, event->data);
	default:
		return is_of_text(&a, event->data) ? LK_VOUCHED_ALL : LK_VOUCHED_NOT;
	}
}

/* Banks to judge by; the number of them. */
static unsigned int banks_of(const struct lk_event *event, enum lk_alg ret[static 2])
{
	unsigned int n = 0;

	if (event->sha256.len)
		ret[n++] = LK_ALG_SHA256;
	if (event->sha384.len)
		ret[n++] = LK_ALG_SHA384;
	if (!n && event->sha1.len)
		ret[n++] = LK_ALG_SHA1;
	return n;
}

enum lk_vouched lk_event_vouched_by_all(const struct lk_event *event, lk_hash_fn hash)
{
	enum lk_alg banks[2];
	unsigned int n = banks_of(event, banks);
	enum lk_vouched worst = n ? LK_VOUCHED_ALL : LK_VOUCHED_NOT;

	for (unsigned int i = 0; i < n; i++) {
		enum lk_vouched one = lk_event_vouched(event, banks[i], hash);

		worst = one < worst ? one : worst;
	}
	return worst;
}

bool lk_event_is_error_separator(const struct lk_event *event, lk_hash_fn hash)
{
	enum lk_alg banks[2];
	unsigned int n = banks_of(event, banks);
	bool error = n && event->type == LK_EV_SEPARATOR;

	for (unsigned int i = 0; i < n && error; i++) {
		struct attempt a = attempt_at(event, banks[i], hash);

		error = is_error(&a);
	}
	return error;
}

/* The ASCII of UTF-16 with its NUL, all of @data; 0: it is nothing such. */
static size_t narrow(struct lk_bytes data, uint8_t ret[static SECTION_NAME_MAX])
{
	size_t len = data.len / 2;

	if (data.len % 2 || !len || len > SECTION_NAME_MAX)
		return 0;
	for (size_t i = 0; i < len; i++) {
		bool last = i + 1 == len;

		if (data.data[2 * i + 1] || !data.data[2 * i] != last)
			return 0;
		ret[i] = data.data[2 * i];
	}
	return len;
}

bool lk_event_is_section_name(const struct lk_event *event, lk_hash_fn hash)
{
	uint8_t name[SECTION_NAME_MAX];
	enum lk_alg banks[2];
	unsigned int n = banks_of(event, banks);
	size_t len = narrow(event->data, name);
	bool is_name = n && len && event->type == LK_EV_IPL && event->pcr == LK_PCR_KERNEL_IMAGE;

	for (unsigned int i = 0; i < n && is_name; i++) {
		struct attempt a = attempt_at(event, banks[i], hash);

		is_name = is_of(&a, (struct lk_bytes){ name, len });
	}
	return is_name;
}
