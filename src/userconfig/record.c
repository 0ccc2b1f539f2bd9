/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the small documents in the state directory: records of generations, and work that was begun. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "sys/os/fs.h"
#include "sys/format/json.h"
#include "sys/os/tree.h"
#include "sys/format/yaml.h"

#define PENDING	 "pending.json"
#define FILE_MAX LK_MANIFEST_SIZE_MAX

/* Nothing here decides over access: who writes the state directory writes the
 * configuration too. It is read strictly for the sake of clear errors. */
static int read_document(const struct lk_uc *uc, const char *path, struct lk_yaml **ret,
			 struct lk_err *err)
{
	LK_OWNED_BUF text = { malloc(FILE_MAX + 1), 0 };
	LK_OWNED_FD fd = -1;

	if (!text.data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	LK_TRY(lk_tree_open_file(uc->at, path, &fd, err));
	LK_TRY(lk_tree_read(fd, text.data, FILE_MAX + 1, &text.len, err));
	return lk_yaml_parse(text.data, text.len, ret, err);
}

int lk_uc_record_write(const struct lk_uc *uc, const struct lk_uc_record *rec, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_uint(json, "latchkey-generation", 1);
	lk_json_set_uint(json, "sequence", rec->sequence);
	lk_json_set_uint(json, "created", rec->created);
	lk_json_set_uint(json, "applied", rec->applied);
	lk_json_set_uint(json, "files", rec->files);
	lk_json_set_bool(json, "volatile", rec->has_volatile);
	lk_json_set_text(json, "label", rec->label);
	rc = lk_json_write(json, &text, err);
	if (rc == LK_OK)
		rc = lk_uc_store(uc, "generations/" LK_GENERATION_NEW "/record.json", text.data,
				 text.len, err);
	return rc;
}

static int take_record(const struct lk_doc *doc, struct lk_uc_record *rec, struct lk_err *err)
{
	static const char *const known[] = { "latchkey-generation",
					     "sequence",
					     "created",
					     "applied",
					     "files",
					     "volatile",
					     "label",
					     NULL };
	const char *label = NULL;
	int rc = lk_doc_expect_keys(doc, known, err);

	if (rc == LK_OK)
		rc = lk_doc_get_uint(doc, "sequence", 0, UINT64_MAX, &rec->sequence, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(doc, "created", 0, UINT64_MAX, &rec->created, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(doc, "applied", 0, UINT64_MAX, &rec->applied, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(doc, "files", 0, UINT64_MAX, &rec->files, err);
	if (rc == LK_OK)
		rc = lk_doc_get_bool(doc, "volatile", &rec->has_volatile, err);
	if (rc == LK_OK)
		rc = lk_doc_get_text(doc, "label", LK_MANIFEST_LABEL_MAX, &label, err);
	if (rc == LK_OK)
		(void)snprintf(rec->label, sizeof(rec->label), "%s", label);
	return rc;
}

int lk_uc_record_read(const struct lk_uc *uc, uint64_t sequence, struct lk_uc_record *ret,
		      struct lk_err *err)
{
	struct lk_uc_record rec = { .sequence = sequence };
	LK_OWNED_YAML yaml = NULL;
	char path[PATH_MAX];
	int rc = LK_OK;

	if (sequence == LK_GENERATION_ORIGINAL) {
		(void)snprintf(rec.label, sizeof(rec.label), "what was there before");
	} else {
		lk_generation_path(uc, sequence, "record.json", path);
		rc = read_document(uc, path, &yaml, err);
		if (rc == LK_OK)
			rc = take_record(lk_yaml_root(yaml), &rec, err);
		if (rc != LK_OK)
			lk_err_prefix(err, "%s", path);
	}
	if (rc == LK_OK)
		*ret = rec;
	return rc;
}

int lk_uc_manifest_read(const struct lk_uc *uc, uint64_t sequence, struct lk_manifest *ret,
			struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	enum lk_tree_kind kind;
	char path[PATH_MAX];
	int rc;

	lk_generation_path(uc, sequence, "manifest.yaml", path);
	rc = lk_tree_kind(uc->at, path, &kind, err);
	if (rc != LK_OK || kind == LK_TREE_NONE)
		return rc;
	rc = read_document(uc, path, &yaml, err);
	if (rc == LK_OK)
		rc = lk_manifest_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

static const char *const stages[] = {
	[LK_STAGE_SWITCH] = "switch",
	[LK_STAGE_SETTLE] = "settle",
	[LK_STAGE_REVERT] = "revert",
	NULL,
};

int lk_uc_pending_write(const struct lk_uc *uc, const struct lk_uc_pending *p, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_text(json, "stage", stages[p->stage]);
	lk_json_set_uint(json, "from", p->from);
	lk_json_set_uint(json, "to", p->to);
	rc = lk_json_write(json, &text, err);
	if (rc == LK_OK)
		rc = lk_uc_store(uc, PENDING, text.data, text.len, err);
	return rc;
}

int lk_uc_pending_read(const struct lk_uc *uc, bool *ret_present, struct lk_uc_pending *ret,
		       struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_uc_pending p;
	enum lk_tree_kind kind;
	unsigned int stage = 0;
	char path[PATH_MAX];
	int rc;

	lk_uc_state(uc, PENDING, path);
	rc = lk_tree_kind(uc->at, path, &kind, err);
	if (rc != LK_OK)
		return rc;
	*ret_present = kind != LK_TREE_NONE;
	if (!*ret_present)
		return LK_OK;
	rc = read_document(uc, path, &yaml, err);
	if (rc == LK_OK)
		rc = lk_doc_get_word(lk_yaml_root(yaml), "stage", stages, &stage, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(lk_yaml_root(yaml), "from", 0, UINT64_MAX, &p.from, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(lk_yaml_root(yaml), "to", 0, UINT64_MAX, &p.to, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	p.stage = (enum lk_uc_stage)stage;
	*ret = p;
	return LK_OK;
}

int lk_uc_pending_clear(const struct lk_uc *uc, struct lk_err *err)
{
	char path[PATH_MAX];
	int rc;

	lk_uc_state(uc, PENDING, path);
	rc = lk_tree_remove(uc->at, path, err);
	if (rc == LK_OK)
		rc = lk_tree_sync_dir(uc->at, uc->settings.state_directory.text, err);
	return rc;
}
