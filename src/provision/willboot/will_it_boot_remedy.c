/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns will-it-boot's advice: commands that can be typed as they stand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/paths.h"
#include "core/base/text.h"
#include "willboot/will_it_boot.h"

/* What a refused unlock leaves: the PCR values of its moment. */
#define THEN_FILE "then.json"
#define IMAGE	  (LK_OPT_BIT(UKI) | LK_OPT_BIT(KERNEL) | LK_OPT_BIT(INITRD) | LK_OPT_BIT(CMDLINE))
/* PCRs that files to boot leave alone; EFI variables are in them. */
#define NO_FILES_PCRS 0xcfu

static bool is_safe(const char *text)
{
	return *text &&
	       strspn(text,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") ==
		       strlen(text);
}

/* A word for the shell, and nothing for the terminal: names are the disk's. */
static void put_word(FILE *f, const char *text)
{
	bool plain = lk_text_is_visible(text);

	if (is_safe(text)) {
		fprintf(f, " %s", text);
		return;
	}
	fputs(plain ? " '" : " $'", f);
	for (; *text; text++)
		if (plain && *text == '\'')
			fprintf(f, "'\\''");
		else if (plain)
			fputc(*text, f);
		else if (*text < ' ' || *text > '~' || strchr("'\\", *text))
			fprintf(f, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, f);
	fputc('\'', f);
}

static void put_option(FILE *f, enum lk_opt opt, const char *value)
{
	fprintf(f, " --%s", lk_option_name(opt));
	if (value)
		put_word(f, value);
}

static void put_given(FILE *f, const struct lk_options *opts, uint64_t which)
{
	for (unsigned int i = 0; i < LK_OPT_COUNT; i++)
		if (opts->given & which & UINT64_C(1) << i)
			put_option(f, i, i < LK_OPT_VALUES ? opts->value[i] : NULL);
}

/* The image that was looked at, and what was said of IMA or has to be. */
static void put_boot(FILE *f, const struct lk_options *opts, const struct lk_boot_verdict *b)
{
	if (b->boot->is_image && !(opts->given & IMAGE))
		put_option(f, LK_OPT_UKI, b->boot->name);
	if (lk_option_given(opts, LK_OPT_IMA_UNCHANGED) || b->coverage.why.rc == LK_E_REFUSED)
		put_option(f, LK_OPT_IMA_UNCHANGED, NULL);
}

static void put_ask(FILE *f, const struct lk_volume_verdict *v, const struct lk_boot_verdict *b)
{
	const uint64_t own = LK_OPT_BIT(VOLUME) | LK_OPT_BIT(JSON) | LK_OPT_BIT(PREDICTED) |
			     LK_OPT_BIT(IMA_UNCHANGED);

	fprintf(f, "latchkey-provision will-it-boot");
	put_option(f, LK_OPT_VOLUME, v->vol->name);
	put_given(f, v->opts, ~own);
	put_boot(f, v->opts, b);
	put_option(f, LK_OPT_PREDICTED, THEN_FILE);
	fprintf(f, "; ");
}

static void put_predict(FILE *f, const struct lk_volume_verdict *v, const struct lk_boot_verdict *b)
{
	const struct lk_options *opts = v->opts;
	const char *log = opts->value[LK_OPT_LOG];
	const char *ima = opts->value[LK_OPT_IMA_LOG];
	const char *pcrs = opts->value[LK_OPT_PCRS];

	if (!log && !ima)
		ima = LK_BOOT_LOG_IMA;
	fprintf(f, "latchkey policy predict");
	put_option(f, LK_OPT_LOG, log ? log : LK_BOOT_LOG_FIRMWARE);
	if (ima)
		put_option(f, LK_OPT_IMA_LOG, ima);
	put_option(f, LK_OPT_PCRS, pcrs ? pcrs : LK_SEEN_FILE);
	put_given(f, opts, IMAGE | LK_OPT_BIT(FIRMWARE_LOG));
	put_boot(f, opts, b);
	fprintf(f, " -o " THEN_FILE "; ");
}

/* Above all others, so that a floor or a retirement can tell it from them. */
static uint64_t next_version(const struct lk_volume_verdict *v)
{
	uint64_t highest = v->highest;

	if (v->floor.known && v->floor.value > highest)
		highest = v->floor.value;
	return highest < UINT32_MAX ? highest + 1 : UINT32_MAX;
}

static void put_sign(FILE *f, const struct lk_volume_verdict *v, const char *values)
{
	uint64_t version = next_version(v);

	fprintf(f, "latchkey policy sign");
	put_option(f, LK_OPT_POLICY, v->opts->value[LK_OPT_POLICY]);
	fprintf(f, " --key keys/policy-key.pem --pcr-values");
	put_word(f, values);
	fprintf(f,
		" --version %" PRIu64 " --label \"version %" PRIu64
		"\" -o new.yaml; latchkey-provision policy add",
		version, version);
	put_given(f, v->opts, LK_OPT_BIT(POLICY) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(TPM));
	put_option(f, LK_OPT_VOLUME, v->vol->name);
	fprintf(f, " new.yaml");
}

static bool changes_variables(const struct lk_log_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (NO_FILES_PCRS & 1u << plan->changes[i].pcr)
			return true;
	return false;
}

/* Only where the moment of the unlock is known the values are, too. */
static void put_commands(FILE *f, const struct lk_volume_verdict *v,
			 const struct lk_boot_verdict *b)
{
	bool predicted = true;

	if (b->coverage.then.sel.mask) {
		put_ask(f, v, b);
	} else if (!changes_variables(&b->boot->plan) &&
		   (b->boot->plan.n || lk_option_given(v->opts, LK_OPT_FIRMWARE_LOG))) {
		put_predict(f, v, b);
	} else {
		if (b->boot->plan.n)
			fprintf(f,
				"no signed policy opened it in this boot, so its PCR values can't be told before the next one: have the recovery key ready, and in that boot: ");
		predicted = false;
	}
	put_sign(f, v, predicted ? THEN_FILE : LK_SEEN_FILE);
	if (b->coverage.why.rc == LK_E_REFUSED && predicted)
		fprintf(f,
			" # --ima-unchanged: only if IMA measures the same files then as in this boot");
}

void lk_boot_remedy(const struct lk_volume_verdict *v, struct lk_boot_verdict *b)
{
	FILE *f;

	if (b->boot->forbidden.rc != LK_OK) {
		(void)snprintf(b->remedy, sizeof(b->remedy),
			       "install an image that Secure Boot's dbx doesn't name");
		return;
	}
	f = fmemopen(b->remedy, sizeof(b->remedy) - 1, "w");
	if (!f)
		return;
	put_commands(f, v, b);
	/* Half a command is none. */
	if (fclose(f) != 0)
		b->remedy[0] = '\0';
}
