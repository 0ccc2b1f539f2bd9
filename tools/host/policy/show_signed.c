/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what policy show has for a signed policy, and how it puts a key and a value in a line. */
#include "policy/show.h"

#include <stdio.h>
#include <string.h>

#include "documents.h"

void lk_show_key(const char *key)
{
	printf("%-*s", LK_SHOW_WIDTH, key);
}

void lk_show_quoted(const char *key, const char *text, size_t len)
{
	lk_show_key(key);
	lk_print_quoted(stdout, text, len);
	printf("\n");
}

void lk_show_hex(const char *key, const uint8_t *data, size_t len)
{
	lk_show_key(key);
	lk_print_hex(stdout, data, len);
	printf("\n");
}

void lk_show_floor(const char *key, uint32_t index)
{
	lk_show_key(key);
	if (index)
		printf("0x%08x\n", index);
	else
		printf("none\n");
}

static void show_values(const struct lk_pcr_values *values)
{
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(values->sel.mask & 1u << i))
			continue;
		printf("PCR %-*u", LK_SHOW_WIDTH - 4, i);
		lk_print_hex(stdout, values->value[i], lk_alg_size(values->sel.bank));
		printf("  %s\n", lk_pcr_meaning(i));
	}
}

static void show_unextended(uint32_t mask)
{
	char pcrs[LK_PCR_MASK_TEXT];

	lk_show_key("unextended");
	lk_pcr_mask_format(mask, pcrs);
	printf("%s%s\n", mask ? pcrs : "none",
	       mask ? ": nobody extends these, and that is meant" : "");
}

static void show_signed_key(const struct lk_signed_policy *sp, enum lk_signed_key key)
{
	switch (key) {
	case LK_SIGNED_KEY_FORMAT:
		printf("signed policy (policy verify checks it, this doesn't)\n");
		break;
	case LK_SIGNED_KEY_LABEL:
		lk_show_quoted("label", sp->label, strlen(sp->label));
		break;
	case LK_SIGNED_KEY_VERSION:
		if (sp->version_floor)
			printf("%-*s%u\n", LK_SHOW_WIDTH, "version", sp->version);
		break;
	case LK_SIGNED_KEY_REF:
		lk_show_quoted("policy-ref", (const char *)sp->policy_ref, sp->policy_ref_len);
		break;
	case LK_SIGNED_KEY_BANK:
		printf("%-*s%s\n", LK_SHOW_WIDTH, "bank", lk_alg_name(sp->pcrs.sel.bank));
		break;
	case LK_SIGNED_KEY_PCRS:
		show_values(&sp->pcrs);
		break;
	case LK_SIGNED_KEY_UNEXTENDED:
		show_unextended(sp->unextended);
		break;
	case LK_SIGNED_KEY_FLOOR:
		lk_show_floor("version-floor", sp->version_floor);
		break;
	case LK_SIGNED_KEY_DIGEST:
		lk_show_hex("digest", sp->digest.data, sp->digest.len);
		break;
	case LK_SIGNED_KEY_KEY:
		lk_show_hex("key", sp->key.data, sp->key.len);
		break;
	case LK_SIGNED_KEY_SIGNATURE:
		lk_show_hex("signature", sp->signature, sp->signature_len);
		break;
	case LK_SIGNED_KEY_COUNT:
		break;
	}
}

void lk_show_signed_policy(const struct lk_signed_policy *sp)
{
	for (unsigned int key = 0; key < LK_SIGNED_KEY_COUNT; key++)
		show_signed_key(sp, (enum lk_signed_key)key);
}
