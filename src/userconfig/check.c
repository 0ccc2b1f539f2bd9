/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig check: is what is in place what the signed blob brought? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit.h"
#include "deploy.h"
#include "generation.h"
#include "plan.h"
#include "sys/format/archive.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "sys/os/users.h"

#define CHUNK (16u * 1024u)

/** A comparison of an archive with a generation's files. */
struct checking {
	const struct lk_uc *uc;
	const struct lk_plan *plan;
	uint64_t sequence;
	size_t next;
	unsigned int wrong;
};

static bool same_content(const struct lk_source *data, int fd, struct lk_err *err)
{
	uint8_t want[CHUNK], is[CHUNK + 1];
	bool same = true;

	while (same) {
		size_t len = 0, got = 0;

		if (data->read(data->ctx, want, sizeof(want), &len, err) != LK_OK)
			return false;
		while (got < len + (len == 0)) {
			ssize_t n = read(fd, is + got, len + (len == 0) - got);

			if (n <= 0)
				break;
			got += (size_t)n;
		}
		same = got == len && memcmp(want, is, len) == 0;
		if (len == 0)
			break;
	}
	return same;
}

static bool same_file(struct checking *c, const struct lk_plan_file *f,
		      const struct lk_source *data, struct lk_err *err)
{
	char path[PATH_MAX];
	LK_OWNED_FD fd = -1;
	struct stat st;

	if (f->is_volatile)
		lk_generation_volatile(c->sequence, f->destination, path);
	else
		lk_generation_file(c->uc, c->sequence, f->destination, path);
	if (lk_tree_open_file(c->uc->at, path, &fd, err) != LK_OK || fstat(fd, &st) != 0)
		return false;
	return (st.st_mode & 07777) == f->mode && st.st_uid == f->uid && st.st_gid == f->gid &&
	       same_content(data, fd, err);
}

static int see(void *ctx, const struct lk_archive_entry *entry, const struct lk_source *data,
	       struct lk_err *err)
{
	struct checking *c = ctx;
	char path[LK_ARCHIVE_PATH_MAX + 1];
	struct lk_err why = { 0 };
	int rc = entry->kind == LK_ARCHIVE_FILE ? lk_archive_path_check(entry->path, path, err)
						: LK_OK;

	if (rc != LK_OK || entry->kind != LK_ARCHIVE_FILE || strcmp(path, LK_MANIFEST_NAME) == 0)
		return rc;
	if (c->next >= c->plan->n_files)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the archive isn't what it was");
	if (!same_file(c, &c->plan->files[c->next], data, &why)) {
		c->wrong++;
		lk_log(LK_LOG_ERR, "%s: isn't what configuration %" PRIu64 " brought%s%s",
		       c->plan->files[c->next].destination, c->sequence, why.msg[0] ? ": " : "",
		       why.msg);
	}
	c->next++;
	return LK_OK;
}

static int check_files(struct checking *c, const struct lk_admitted *blob, struct lk_err *err)
{
	const struct lk_archive_visitor visitor = { see, c };
	LK_OWNED_BLOB_CONTENT content = NULL;
	struct lk_source from;
	int rc = lk_blob_content_open(blob->blob, &blob->content_key, NULL, &content, err);

	if (rc != LK_OK)
		return rc;
	from = lk_blob_content_source(content);
	return lk_archive_read(&from, &visitor, err);
}

static int check_generation(const struct lk_uc *uc, uint64_t sequence, unsigned int *ret_wrong,
			    struct lk_err *err)
{
	LK_OWNED_ADMITTED blob = LK_ADMITTED_NONE;
	LK_OWNED_PLAN plan = LK_PLAN_NONE;
	struct checking c = { .uc = uc, .plan = &plan, .sequence = sequence };
	int rc = lk_admit_stored(uc, sequence, lk_admission_of_kept(uc), &blob, err);

	if (rc == LK_OK)
		rc = lk_plan_read(uc, &blob, &plan, err);
	if (rc == LK_OK)
		rc = check_files(&c, &blob, err);
	if (rc == LK_OK)
		*ret_wrong += c.wrong;
	return rc;
}

/* What can't be right, but may become so: an upload directory that is mounted
 * later, a user that a package brings. */
static void warn_of_settings(const struct lk_uc *uc)
{
	const struct lk_userconfig_file *s = &uc->settings;
	enum lk_tree_kind kind = LK_TREE_NONE;
	struct lk_err why = { 0 };

	if (lk_tree_kind(uc->at, s->upload_directory.text, &kind, NULL) != LK_OK ||
	    kind != LK_TREE_DIR)
		lk_log(LK_LOG_WARNING, "upload-directory: %s isn't a folder",
		       s->upload_directory.text);
	for (size_t i = 0; i < s->n_owners; i++)
		if (lk_user_id(uc->at, s->owners[i].text, &(uid_t){ 0 }, &why) != LK_OK)
			lk_log(LK_LOG_WARNING, "owners: %s", why.msg);
	for (size_t i = 0; i < s->n_groups; i++)
		if (lk_group_id(uc->at, s->groups[i].text, &(gid_t){ 0 }, &why) != LK_OK)
			lk_log(LK_LOG_WARNING, "groups: %s", why.msg);
}

int lk_uc_check(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_UC uc = NULL;
	bool present = false;
	uint64_t current = 0;
	unsigned int wrong = 0;
	int rc = lk_uc_open(opts, false, &uc, err);

	if (rc == LK_OK && lk_commit_is_pending(uc))
		rc = lk_err_set(
			err, LK_E_IO, 0,
			"a change is unfinished; \"latchkey-userconfig apply\" finishes it or takes it back");
	if (rc == LK_OK)
		warn_of_settings(uc);
	if (rc == LK_OK)
		rc = lk_generation_get(uc, "current", &present, &current, err);
	if (rc == LK_OK && present)
		rc = lk_deploy_verify(uc, current, &wrong, err);
	if (rc == LK_OK && present && current != LK_GENERATION_ORIGINAL)
		rc = check_generation(uc, current, &wrong, err);
	if (rc != LK_OK)
		return rc;
	if (wrong)
		return lk_err_set(
			err, LK_E_IO, 0,
			"%u difference%s; roll back and forth, or apply a new blob, to put things right",
			wrong, wrong == 1 ? "" : "s");
	if (!present || current == LK_GENERATION_ORIGINAL)
		printf("the settings are good; no configuration is in place\n");
	else
		printf("the settings are good; configuration %" PRIu64
		       " is in place as it was signed\n",
		       current);
	return LK_OK;
}
