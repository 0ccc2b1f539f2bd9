/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the signed policies of a volume's token as a set, and the floor under their versions. */
#include "volume/policies.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root_key.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"

/* Of the header's 124 KiB of JSON; keyslots and the like take the rest. */
#define TOKEN_TEXT_MAX (112u * 1024u)

void lk_policies_done(struct lk_policies *p)
{
	lk_token_done(&p->token);
	lk_volume_header_free(p->header);
	lk_fd_closep(&p->lock);
}

/* libcryptsetup's directory for its own locks, which last for one read or one
 * write. Who isn't root has plain files alone, which no unit changes. */
#define LOCK_DIR "/run/cryptsetup"

static int take_lock(int *ret, struct lk_err *err)
{
	int fd;

	(void)mkdir(LOCK_DIR, 0700);
	fd = open(LOCK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && geteuid() != 0)
		return LK_OK;
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		lk_fd_closep(&fd);
		return lk_err_set(err, LK_E_IO, 0, LOCK_DIR ": can't lock it");
	}
	*ret = fd;
	return LK_OK;
}

int lk_policies_load(const struct lk_target *target, struct lk_policies *p, struct lk_err *err)
{
	LK_TRY(take_lock(&p->lock, err));
	return lk_policies_load_beside(target, p, err);
}

int lk_policies_load_beside(const struct lk_target *target, struct lk_policies *p,
			    struct lk_err *err)
{
	int rc = lk_volume_header_open(target->device, &p->header, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_token_load(p->header, target->vol->handle, &p->token, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "volume %s", target->vol->name);
	return rc;
}

bool lk_policies_has(const struct lk_token *token, const struct lk_signed_policy *sp)
{
	for (size_t i = 0; i < token->n_policies; i++) {
		const struct lk_signed_policy *at = &token->policies[i];

		if (at->version == sp->version && lk_digest_equal(&at->digest, &sp->digest))
			return true;
	}
	return false;
}

int lk_policies_opener(const char *booted, const struct lk_volume *vol,
		       const struct lk_token *token, const struct lk_signed_policy **ret,
		       struct lk_err *err)
{
	struct lk_booted said;
	char path[PATH_MAX];

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "%s/%s.json", booted ? booted : LK_BOOTED_DIR,
		       vol->name);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return LK_OK;
	LK_TRY(lk_document_booted(path, &said, err));
	for (size_t i = 0; i < token->n_policies; i++)
		if (lk_digest_equal(&token->policies[i].digest, &said.policy))
			*ret = &token->policies[i];
	return LK_OK;
}

int lk_policies_append(struct lk_token *token, const struct lk_signed_policy *sp,
		       struct lk_err *err)
{
	struct lk_signed_policy *more =
		realloc(token->policies, (token->n_policies + 1) * sizeof(*more));

	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	token->policies = more;
	more[token->n_policies++] = *sp;
	return LK_OK;
}

static int is_too_much(const struct lk_token *token, bool *ret, struct lk_err *err)
{
	char *json;

	*ret = token->n_policies > LK_TOKEN_POLICIES_MAX;
	if (*ret)
		return LK_OK;
	json = lk_token_to_json(token);
	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	*ret = strlen(json) > TOKEN_TEXT_MAX;
	free(json);
	return LK_OK;
}

/** Where the newest of the first @n is; past the end when there is none. */
static size_t find_newest(const struct lk_token *token, size_t n)
{
	size_t newest = token->n_policies;

	for (size_t i = 0; i < n; i++)
		if (newest == token->n_policies ||
		    token->policies[i].version >= token->policies[newest].version)
			newest = i;
	return newest;
}

static bool opened_last(const struct lk_token *token, size_t i)
{
	return token->hints.ticket_len &&
	       lk_digest_equal(&token->policies[i].digest, &token->hints.policy);
}

/** Where the lowest version is but for @but and the one that opened the volume
 * last; the earliest of equals. Past the end when there is none. */
static size_t find_lowest(const struct lk_token *token, size_t but)
{
	size_t lowest = token->n_policies;

	for (size_t i = 0; i < token->n_policies; i++)
		if (i != but && !opened_last(token, i) &&
		    (lowest == token->n_policies ||
		     token->policies[i].version < token->policies[lowest].version))
			lowest = i;
	return lowest;
}

int lk_policies_make_room(struct lk_token *token, size_t n_before, size_t *ret_kept,
			  struct lk_err *err)
{
	size_t kept = n_before;
	bool too_much = false;
	int rc = is_too_much(token, &too_much, err);

	if (rc == LK_OK && too_much && token->hints.events_len) {
		token->hints.events_len = 0;
		rc = is_too_much(token, &too_much, err);
	}
	while (rc == LK_OK && too_much && token->n_policies > 1) {
		size_t at = find_lowest(token, find_newest(token, kept));

		if (at == token->n_policies)
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"the token has no room beside the policies that have opened the volume");
		memmove(&token->policies[at], &token->policies[at + 1],
			(token->n_policies - at - 1) * sizeof(*token->policies));
		token->n_policies--;
		if (at < kept)
			kept--;
		rc = is_too_much(token, &too_much, err);
	}
	if (rc == LK_OK)
		*ret_kept = kept;
	return rc;
}

int lk_floor_load(struct lk_tpm *tpm, const struct lk_policy_file *pf, struct lk_floor *ret,
		  struct lk_err *err)
{
	struct lk_floor floor = { pf->version_floor != 0, 0 };
	int rc = floor.known ? lk_tpm_floor_read(tpm, pf->version_floor, &floor.value, err) : LK_OK;

	if (rc == LK_OK)
		*ret = floor;
	return rc;
}

void lk_floor_warn(const struct lk_floor *floor, const struct lk_signed_policy *sp)
{
	if (floor->known && sp->version < floor->value)
		lk_log(LK_LOG_WARNING,
		       "signed policy version %" PRIu32 " is under the TPM's version floor %" PRIu64
		       ": the TPM accepts it no more; sign one of version %" PRIu64 " or more",
		       sp->version, floor->value, floor->value);
}

int lk_policies_ask_tpm(const struct lk_options *opts, const struct lk_target *target,
			struct lk_floor *ret, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	struct lk_err why = { 0 };
	bool known = false;
	int rc;

	*ret = (struct lk_floor){ false, 0 };
	rc = lk_tpm_open(opts->value[LK_OPT_TPM], 0, &tpm, &why);
	if (rc == LK_OK)
		LK_TRY(lk_tpm_pin_ours(tpm, opts, &target->pf, &known, err));
	if (rc == LK_OK && !known)
		lk_log(LK_LOG_WARNING,
		       "what the TPM says isn't proven: nothing here says whose it has to be; see latchkey-device(5)");
	if (rc == LK_OK)
		rc = lk_volume_check_sealed(tpm, &target->pf, target->vol, &why);
	if (rc == LK_E_OBJECT) {
		lk_log(LK_LOG_WARNING, "%s", why.msg);
		rc = LK_OK;
	}
	if (rc == LK_OK)
		rc = lk_floor_load(tpm, &target->pf, ret, &why);
	if (rc == LK_OK)
		return LK_OK;
	if (lk_option_given(opts, LK_OPT_TPM))
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	lk_log(LK_LOG_INFO, "not compared with the TPM: %s", why.msg);
	return LK_OK;
}
