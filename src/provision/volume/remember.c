/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns remember: what an unlock had to ask the TPM for goes into the volume's token, for the next boot. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "volume/remember_events.h"
#include "sys/format/document.h"
#include "sys/os/log.h"

struct remember {
	const struct lk_options *opts;
	struct lk_policy_file pf;
	bool found;
	struct lk_event_memory events;
};

/** Of one volume: what its unlock left, and what comes of it. */
struct memory {
	const char *name;
	char learned_path[PATH_MAX];
	char booted_path[PATH_MAX];
	char brought_path[PATH_MAX];
	bool learned; /* there is such a file */
	bool booted;
	bool brought;
	struct lk_signed_policy policy; /* that was brought, and has opened it */
	bool keeps_policy;		/* is new */
	struct lk_hints hints;
	bool asks_less; /* is new */
	bool events;
};

static int look(const char *dir, const char *name, const char *ending, char path[static PATH_MAX],
		struct lk_err *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s%s", dir, name, ending) >= PATH_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: too long", path);
	return LK_OK;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* As policy add takes one: it lay where early boot alone writes, and is believed all the
 * same because of its signature alone. */
static int read_brought(const struct remember *r, struct memory *m, struct lk_err *err)
{
	if (!m->brought)
		return LK_OK;
	LK_TRY(lk_signed_policy_load(m->brought_path, &r->pf, &m->policy, err));
	LK_TRY(lk_signed_policy_check_extended(&m->policy, &r->pf, 0, err));
	return LK_OK;
}

/* It goes before what is remembered: that names it as the one that opens. */
static int take_brought(struct memory *m, struct lk_token *token, struct lk_err *err)
{
	size_t before = token->n_policies;

	if (!m->brought || lk_policies_has(token, &m->policy))
		return LK_OK;
	LK_TRY(lk_policies_append(token, &m->policy, err));
	m->keeps_policy = true;
	return lk_policies_make_room(token, before, &before, err);
}

static int find_opened(const struct memory *m, const struct lk_token *token,
		       const struct lk_signed_policy **ret, struct lk_err *err)
{
	struct lk_booted booted;

	LK_TRY(lk_document_booted(m->booted_path, &booted, err));
	for (size_t i = 0; i < token->n_policies; i++) {
		*ret = &token->policies[i];
		if (lk_digest_equal(&(*ret)->digest, &booted.policy))
			return LK_OK;
	}
	return lk_err_set(err, LK_E_REFUSED, 0,
			  "the signed policy that opened it isn't in its token");
}

/** That there is nothing to compare with costs a refusal's words alone. */
static void take_events(struct remember *r, struct memory *m, struct lk_token *token)
{
	uint8_t bytes[LK_REFERENCE_MAX];
	struct lk_writer w = lk_writer_init(bytes, sizeof(bytes));
	const struct lk_signed_policy *sp = NULL;
	struct lk_pcr_values opened;
	struct lk_err err = { 0 };
	int rc = find_opened(m, token, &sp, &err);

	if (rc == LK_OK) {
		opened = sp->pcrs;
		if (r->pf.latch != LK_NO_PCR)
			opened.sel.mask &= ~(1u << r->pf.latch);
		rc = lk_remember_events(&r->events, r->opts, &opened, &w, &err);
	}
	if (rc == LK_OK)
		m->events = lk_hints_set_events(&token->hints, (struct lk_bytes){ w.data, w.len });
	else
		lk_log(LK_LOG_INFO, "volume %s: this boot's events aren't remembered: %s", m->name,
		       err.msg);
}

/** The header is only written to when something is new. */
static int store(struct remember *r, const struct lk_target *target, struct memory *m,
		 struct lk_err *err)
{
	LK_OWNED_POLICIES p = LK_POLICIES_NONE;
	struct lk_err no_room = { 0 };

	LK_TRY(lk_policies_load(target, &p, err));
	LK_TRY(take_brought(m, &p.token, err));
	if (m->learned)
		m->asks_less = lk_hints_update(&p.token.hints, &m->hints);
	if (m->booted)
		take_events(r, m, &p.token);
	if (!m->events)
		return m->asks_less || m->keeps_policy ? lk_token_store(p.header, &p.token, err)
						       : LK_OK;
	if (lk_token_store_whole(p.header, &p.token, &no_room) == LK_OK)
		return LK_OK;
	lk_log(LK_LOG_INFO, "volume %s: this boot's events aren't remembered: %s", m->name,
	       no_room.msg);
	m->events = false;
	p.token.hints.events_len = 0;
	return m->asks_less || m->keeps_policy ? lk_token_store(p.header, &p.token, err) : LK_OK;
}

static void say(const struct memory *m)
{
	if (m->keeps_policy)
		lk_log(LK_LOG_INFO,
		       "volume %s: its token has the signed policy version %u (\"%s\"), which was brought",
		       m->name, m->policy.version, m->policy.label);
	if (m->asks_less)
		lk_log(LK_LOG_INFO, "volume %s: the next unlock asks the TPM less", m->name);
	if (m->events)
		lk_log(LK_LOG_INFO,
		       "volume %s: this boot's events are remembered, to compare a refused boot with",
		       m->name);
	if (!m->asks_less && !m->events && !m->keeps_policy)
		lk_log(LK_LOG_INFO, "volume %s: known already", m->name);
}

static const char *dir_of(const struct remember *r, enum lk_opt opt, const char *otherwise)
{
	return r->opts->value[opt] ? r->opts->value[opt] : otherwise;
}

static int remember_one(struct remember *r, const char *name, struct lk_err *err)
{
	struct lk_target target;
	struct memory m = { .name = name };

	const char *learned = dir_of(r, LK_OPT_LEARNED, LK_LEARNED_DIR);

	LK_TRY(look(learned, name, ".json", m.learned_path, err));
	LK_TRY(look(learned, name, LK_LEARNED_POLICY, m.brought_path, err));
	LK_TRY(look(dir_of(r, LK_OPT_BOOTED, LK_BOOTED_DIR), name, ".json", m.booted_path, err));
	m.learned = is_there(m.learned_path);
	m.brought = is_there(m.brought_path);
	m.booted = is_there(m.booted_path);
	if (!m.learned && !m.booted && !m.brought)
		return LK_OK;
	r->found = true;
	if (m.booted && r->opts->value[LK_OPT_BOOTED])
		LK_TRY(lk_document_booted(m.booted_path, &(struct lk_booted){ 0 }, err));
	if (m.learned)
		LK_TRY(lk_document_learned(m.learned_path, &m.hints, err));
	LK_TRY(read_brought(r, &m, err));
	LK_TRY(lk_target_resolve(&r->pf, name, r->opts->value[LK_OPT_DEVICE], &target, err));
	LK_TRY(store(r, &target, &m, err));
	say(&m);
	/* A file that stays costs the next run a look. */
	if (m.learned)
		(void)unlink(m.learned_path);
	if (m.brought)
		(void)unlink(m.brought_path);
	return LK_OK;
}

static int remember_all(struct remember *r, struct lk_err *err)
{
	const char *only = r->opts->value[LK_OPT_VOLUME];
	int first = LK_OK;

	/* One volume's trouble is no reason to forget the others. */
	for (size_t i = 0; i < r->pf.n_volumes; i++) {
		const char *name = r->pf.volumes[i].name;
		struct lk_err one = { 0 };
		int rc;

		if (only && strcmp(only, name) != 0)
			continue;
		rc = remember_one(r, name, &one);
		if (rc == LK_OK)
			continue;
		if (first == LK_OK) {
			first = rc;
			*err = one;
		} else {
			lk_log(LK_LOG_ERR, "%s", one.msg);
		}
	}
	return first;
}

static int check_dir(const char *option, const char *dir, struct lk_err *err)
{
	if (!dir || lk_fs_check_directory(dir, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "--%s", option);
	return LK_E_INPUT;
}

static int run_remember(const struct lk_options *opts, struct lk_err *err)
{
	struct remember r = { .opts = opts };
	int rc;

	LK_TRY(lk_policy_file_load(opts->value[LK_OPT_POLICY], &r.pf, err));
	LK_TRY(lk_check_volume_options(opts, &r.pf, err));
	LK_TRY(check_dir("learned", opts->value[LK_OPT_LEARNED], err));
	LK_TRY(check_dir("booted", opts->value[LK_OPT_BOOTED], err));
	rc = lk_remember_check_logs(&r.events, opts, err);
	if (rc == LK_OK)
		rc = remember_all(&r, err);
	lk_event_memory_done(&r.events);
	if (rc == LK_OK && !r.found)
		lk_log(LK_LOG_INFO, "nothing was learned in this boot");
	return rc;
}

const struct lk_command lk_cmd_remember = {
	.cli.words = "remember",
	.cli.summary = "put what this boot's unlock learned into the volumes' tokens",
	.cli.operands = "",
	.options = LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) |
		   LK_OPT_BIT(LEARNED) | LK_OPT_BIT(BOOTED) | LK_OPT_BIT(LOG) | LK_OPT_BIT(IMA_LOG),
	.run = run_remember,
};
