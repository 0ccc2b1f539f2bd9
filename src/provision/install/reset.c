/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reset: a device as it was before its first configuration and encryption, or as much of that as is asked for. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "install/record.h"
#include "install/remove.h"
#include "root_key.h"
#include "sys/luks/blkid.h"
#include "sys/luks/wipe.h"
#include "sys/os/log.h"

extern char **environ;

/* In an order in which a second run takes up what a cut has left: the record first, by which
 * the recovery key isn't lost whatever comes; then a mark in the header; then the TPM's
 * object, which the header tells; and last the header. */

struct resetting {
	const struct lk_options *opts;
	struct lk_target target;
	struct lk_volume_header *header; /* NULL: there is none any more */
	struct lk_token token;
	bool has_token;
};

static void resetting_done(struct resetting *r)
{
	lk_volume_header_free(r->header);
	lk_token_done(&r->token);
}
#define OWNED_RESETTING __attribute__((cleanup(resetting_done))) struct resetting

static bool has_mark_of_ours(const struct lk_volume_header *h)
{
	const char *mark = lk_volume_header_subsystem(h);

	return strncmp(mark, LK_MARK_DONE, strlen(LK_MARK_DONE)) == 0;
}

/* A header that was overwritten by hand leaves what nobody can tell from random data. */
static int look_at_rest(struct resetting *r, struct lk_err *err)
{
	char found[LK_BLKID_TEXT];

	LK_TRY(lk_blkid_probe(r->target.device, found, err));
	return !found[0] ? LK_OK
			 : lk_err_set(err, LK_E_REFUSED, 0,
				      "%s holds %s, and no volume of ours; nothing was changed",
				      r->target.device, found);
}

static int look(struct resetting *r, struct lk_err *err)
{
	LK_TRY(lk_target_load(r->opts, &r->target, err));
	LK_TRY(lk_device_check_unused(r->target.device, err));
	/* What is marked isn't opened: from a second copy a first would be made again. */
	if (lk_device_is_reset(r->target.device) || !lk_volume_header_exists(r->target.device))
		return look_at_rest(r, err);
	LK_TRY(lk_volume_header_open(r->target.device, &r->header, err));
	r->has_token = lk_token_load(r->header, r->target.vol->handle, &r->token, NULL) == LK_OK;
	if (r->has_token)
		return LK_OK;
	/* Ours, but which? A wrong --device would cost two volumes: this one, and the named one's object. */
	if (lk_token_count(r->header))
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"%s holds a volume of ours that is sealed at another handle than volume %s (UUID %s): name it by its own name and policy file; nothing was changed",
			r->target.device, r->target.vol->name, lk_volume_header_uuid(r->header));
	if (has_mark_of_ours(r->header))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"volume %s: %s holds a LUKS2 volume that isn't ours (UUID %s); nothing was changed",
		r->target.vol->name, r->target.device, lk_volume_header_uuid(r->header));
}

static void announce(const struct resetting *r)
{
	const struct lk_options *o = r->opts;

	fprintf(stderr,
		"Volume %s on %s%s%s: ALL ITS DATA WILL BE LOST, and no recovery key brings them back.\n",
		r->target.vol->name, r->target.device, r->header ? ", UUID " : "",
		r->header ? lk_volume_header_uuid(r->header) : ", which has no header any more");
	if (!lk_option_given(o, LK_OPT_KEEP_OBJECT))
		fprintf(stderr, "The TPM's passphrase at 0x%08x will be lost.\n",
			r->target.vol->handle);
	if (lk_option_given(o, LK_OPT_INSTALLATION))
		fprintf(stderr,
			"So will the installation in the TPM: policy key, configuration key, floors, attestation key.\n");
	if (!lk_option_given(o, LK_OPT_KEEP_CONFIGURATION))
		fprintf(stderr,
			"So will every configuration that was applied, and what was uploaded.\n");
}

static int open_tpm(const struct resetting *r, struct lk_tpm **ret, struct lk_err *err)
{
	LK_TRY(lk_tpm_open_ours(r->opts, &r->target.pf, ret, err));
	return lk_use_owner_auth(*ret, r->opts, err);
}

static bool needs_tpm(const struct lk_options *o)
{
	return !lk_option_given(o, LK_OPT_KEEP_OBJECT) || lk_option_given(o, LK_OPT_INSTALLATION);
}

/* All that can be refused is, before anything is changed. */
static int check(const struct resetting *r, struct lk_err *err)
{
	const char *record = r->opts->value[LK_OPT_RECORD];
	LK_OWNED_TPM tpm = NULL;

	if (needs_tpm(r->opts))
		LK_TRY(open_tpm(r, &tpm, err));
	if (lk_option_given(r->opts, LK_OPT_INSTALLATION))
		LK_TRY(lk_installation_check(tpm, err));
	if (!record) {
		lk_log(LK_LOG_WARNING,
		       "no --record: it goes on to show this volume as one that is in use");
		return LK_OK;
	}
	LK_TRY(lk_fs_check_regular(record, err));
	if (tpm)
		LK_TRY(lk_record_of_tpm(record, tpm, NULL, err));
	return lk_record_try(record, NULL, err);
}

static int program(const struct lk_options *o, char ret[static PATH_MAX], struct lk_err *err)
{
	const char *given = o->value[LK_OPT_USERCONFIG];
	ssize_t n;
	char *slash;

	if (given) {
		(void)snprintf(ret, PATH_MAX, "%s", given);
		return LK_OK;
	}
	n = readlink("/proc/self/exe", ret, PATH_MAX - sizeof("latchkey-userconfig"));
	ret[n > 0 ? n : 0] = '\0';
	slash = strrchr(ret, '/');
	if (!slash)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno,
				  "where this program lies can't be found out");
	strcpy(slash + 1, "latchkey-userconfig");
	if (access(ret, X_OK) == 0)
		return LK_OK;
	return lk_err_set(
		err, LK_E_IO, (uint32_t)errno,
		"%s: %s: it takes the configuration back (--userconfig names another; --keep-configuration leaves that); nothing was changed",
		ret, strerror(errno));
}

/* It has the upload's and the configuration's folders in its hands, and is a program of its own. */
static int reset_configuration(const struct lk_options *o, struct lk_err *err)
{
	char path[PATH_MAX], tpm[] = "--tpm", root[] = "--root", file[] = "--device-file",
			     command[] = "reset", yes[] = "--yes", word[] = "configuration";
	char *argv[12] = { path, command, yes, word };
	size_t n = 4;
	int e, status = 0;
	pid_t pid;

	LK_TRY(program(o, path, err));
	if (lk_option_given(o, LK_OPT_TPM)) {
		argv[n++] = tpm;
		argv[n++] = (char *)(uintptr_t)o->value[LK_OPT_TPM];
	}
	if (o->value[LK_OPT_ROOT]) {
		argv[n++] = root;
		argv[n++] = (char *)(uintptr_t)o->value[LK_OPT_ROOT];
	}
	if (o->value[LK_OPT_DEVICE_FILE]) {
		argv[n++] = file;
		argv[n++] = (char *)(uintptr_t)o->value[LK_OPT_DEVICE_FILE];
	}
	e = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (e == 0 && waitpid(pid, &status, 0) != pid)
		e = errno;
	if (e != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)e, "%s: %s; nothing was changed", path,
				  strerror(e));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return LK_OK;
	return lk_err_set(
		err, LK_E_IO, 0,
		"%s reset didn't succeed (exit code %d): the volume, the TPM and the record are as they were",
		path, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* By its UUID; where the header is gone already, by its name. */
static int mark_record(const struct resetting *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_RECORD];
	const char *uuid = r->header ? lk_volume_header_uuid(r->header) : NULL;
	LK_OWNED_JSON record = NULL;
	bool existed = false, changed = false;
	struct lk_json *volumes;

	if (!path)
		return LK_OK;
	LK_TRY(lk_record_load(path, &record, &existed, err));
	volumes = lk_json_get(record, "volumes");
	for (size_t i = 0; i < lk_json_count(volumes); i++) {
		struct lk_json *entry = lk_json_at(volumes, i);
		const char *is = lk_json_get_text(entry, uuid ? "uuid" : "name");

		if (!is || strcmp(is, uuid ? uuid : r->target.vol->name) != 0 ||
		    lk_json_is_true(entry, "superseded"))
			continue;
		lk_record_supersede(entry);
		lk_json_set_bool(entry, "reset", true);
		changed = true;
	}
	return changed ? lk_record_save(path, record, err) : LK_OK;
}

/* Without a token the record may tell whose the object is. */
static bool is_of_record(const struct resetting *r, const struct lk_tpm_public *pub)
{
	const char *uuid = r->header ? lk_volume_header_uuid(r->header) : NULL;
	const struct lk_options *o = r->opts;
	char hex[2 * sizeof(pub->name.data) + 1];
	LK_OWNED_JSON record = NULL;
	struct lk_json *volumes;
	bool existed;

	if (!o->value[LK_OPT_RECORD] ||
	    lk_record_load(o->value[LK_OPT_RECORD], &record, &existed, NULL) != LK_OK)
		return false;
	lk_hex_encode(pub->name.data, pub->name.len, hex);
	volumes = lk_json_get(record, "volumes");
	for (size_t i = 0; i < lk_json_count(volumes); i++) {
		const struct lk_json *entry = lk_json_at(volumes, i);
		const char *name = lk_json_get_text(entry, "name");
		const char *object = lk_json_get_text(entry, "object-name");
		const char *is = lk_json_get_text(entry, "uuid");

		if (name && object && strcmp(name, r->target.vol->name) == 0 &&
		    strcmp(object, hex) == 0 && (!uuid || (is && strcmp(is, uuid) == 0)))
			return true;
	}
	return false;
}

static int evict(const struct resetting *r, struct lk_tpm *tpm, struct lk_err *err)
{
	uint32_t handle = r->target.vol->handle;
	struct lk_tpm_public pub;

	LK_TRY(lk_tpm_read_public(tpm, handle, &pub, err));
	if (pub.present && (r->has_token ? lk_token_is_of(&r->token, &pub) : is_of_record(r, &pub)))
		return lk_tpm_evict(tpm, handle, err);
	if (pub.present)
		lk_log(LK_LOG_WARNING,
		       "0x%08x holds an object of which nothing says that it is this volume's, and it is left there; \"latchkey-provision remove --handle 0x%08x\" takes it away, and \"setup\" needs the place",
		       handle, handle);
	return LK_OK;
}

static int reset_tpm(const struct resetting *r, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;

	if (!needs_tpm(r->opts))
		return LK_OK;
	LK_TRY(open_tpm(r, &tpm, err));
	if (!lk_option_given(r->opts, LK_OPT_KEEP_OBJECT)) {
		LK_TRY(evict(r, tpm, err));
		/* What an interrupted reseal may have left. */
		LK_TRY(lk_tpm_evict(tpm, lk_token_spare_handle(r->target.vol->handle), err));
	}
	return LK_OK;
}

static int reset_installation(const struct resetting *r, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;

	if (!lk_option_given(r->opts, LK_OPT_INSTALLATION))
		return LK_OK;
	LK_TRY(open_tpm(r, &tpm, err));
	return lk_installation_remove(tpm, err);
}

static int reset(struct resetting *r, struct lk_err *err)
{
	if (!lk_option_given(r->opts, LK_OPT_KEEP_CONFIGURATION))
		LK_TRY(reset_configuration(r->opts, err));
	LK_TRY(mark_record(r, err));
	if (r->header)
		LK_TRY(lk_volume_header_mark(r->header, NULL, LK_MARK_RESET, err));
	LK_TRY(reset_tpm(r, err));
	/* The kernel gives the device to one at a time. */
	lk_volume_header_free(r->header);
	r->header = NULL;
	LK_TRY(lk_device_wipe(r->target.device, err));
	return reset_installation(r, err);
}

static int run_reset(const struct lk_options *opts, struct lk_err *err)
{
	OWNED_RESETTING r = { .opts = opts, .token = LK_TOKEN_NONE };

	LK_TRY(look(&r, err));
	announce(&r);
	LK_TRY(lk_confirm(opts, r.target.vol->name, err));
	LK_TRY(check(&r, err));
	LK_TRY(reset(&r, err));
	lk_log(LK_LOG_INFO,
	       "volume %s is reset: %s has no header and no keyslot any more, and \"latchkey-provision setup\" makes a new volume of it",
	       r.target.vol->name, r.target.device);
	return LK_OK;
}

const struct lk_command lk_cmd_reset = {
	.cli.words = "reset",
	.cli.summary = "a volume and all configuration as before the first boot; its data is lost",
	.cli.operands = "",
	.cli.required = "--volume NAME --record FILE --owner-auth FILE",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(OWNER_AUTH) |
		   LK_OPT_BIT(RECORD) | LK_OPT_BIT(INSTALLATION) | LK_OPT_BIT(KEEP_OBJECT) |
		   LK_OPT_BIT(KEEP_CONFIGURATION) | LK_OPT_BIT(ROOT) | LK_OPT_BIT(USERCONFIG) |
		   LK_OPT_BIT(YES),
	.run = run_reset,
};
