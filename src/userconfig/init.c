/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig init: commented settings to edit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "userconfig.h"

static void write_list(FILE *f, const char *key, const struct lk_uc_name *list, size_t n)
{
	fprintf(f, "#%s: [", key);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? ", " : "", list[i].text);
	fputs("]\n", f);
}

static void write_places(FILE *f, const struct lk_userconfig_file *s)
{
	fprintf(f,
		"\n# Where blobs arrive, and by what name. Someone else may write there.\n"
		"#upload-directory: %s\n#blob-name: %s\n",
		s->upload_directory.text, s->blob_name.text);
	fprintf(f,
		"\n# Where the configuration that is in force lies, and the one before it.\n"
		"#state-directory: %s\n",
		s->state_directory.text);
	fputs("\n# Files are placed below these, and nowhere else.\n#prefixes: [", f);
	for (size_t i = 0; i < s->n_prefixes; i++)
		fprintf(f, "%s%s", i ? ", " : "", s->prefixes[i].text);
	fprintf(f,
		"]\n\n# Where a file goes that no manifest speaks of; within a prefix.\n"
		"#default-destination: %s\n"
		"\n# Volumes that must be mounted before anything is written there, beside those of\n"
		"# /etc/fstab.\n#mount-points: []\n",
		s->default_destination.text);
}

static void write_allowed(FILE *f, const struct lk_userconfig_file *s)
{
	fputs("\n# Whom files may belong to, and which mode bits they may have.\n", f);
	write_list(f, "owners", s->owners, s->n_owners);
	write_list(f, "groups", s->groups, s->n_groups);
	fprintf(f, "#modes: \"%04o\"\n", s->modes);
	fputs("\n# Units that a manifest may restart or reload, by their exact names, as in\n"
	      "# [app.service]; [\"*\"] is any.\n",
	      f);
	write_list(f, "units", s->units, s->n_units);
	fprintf(f,
		"\n# Programs that restart and reload where systemd doesn't run.\n#hooks: %s\n"
		"\n# Seconds for which a unit has to stay up; else the configuration before comes back.\n"
		"#settle: %u\n",
		s->hooks.text, s->settle);
}

static void write_limits(FILE *f, const struct lk_userconfig_file *s)
{
	fprintf(f,
		"\n# The largest blob, the largest file and all files together, unpacked; and entries.\n"
		"#max-blob: %llu MiB\n#max-file: %llu MiB\n#max-total: %llu MiB\n#max-files: %llu\n"
		"\n# How far above the TPM's floor a blob's sequence may be.\n#sequence-step: %u\n",
		(unsigned long long)s->max_blob >> 20, (unsigned long long)s->max_file >> 20,
		(unsigned long long)s->max_total >> 20, (unsigned long long)s->max_files,
		s->sequence_step);
}

static int make_text(struct lk_buf *ret, struct lk_err *err)
{
	struct lk_userconfig_file defaults;
	char *data = NULL;
	FILE *f = open_memstream(&data, &ret->len);

	if (!f)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_userconfig_file_defaults(&defaults);
	fputs("# Settings of latchkey-userconfig; every key is explained in latchkey-userconfig.yaml(5).\n"
	      "# What is commented out is the default.\nlatchkey-userconfig: 1\n",
	      f);
	write_places(f, &defaults);
	write_allowed(f, &defaults);
	write_limits(f, &defaults);
	if (fclose(f) != 0)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	ret->data = (uint8_t *)data;
	return LK_OK;
}

int lk_uc_init(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	char path[PATH_MAX];
	int rc = make_text(&text, err);

	if (opts->config)
		lk_uc_join(path, opts->config, "");
	else
		lk_uc_join(path, opts->root ? opts->root : "", LK_UC_SETTINGS);
	if (rc == LK_OK && !opts->config)
		rc = lk_fs_make_parent(path, err);
	if (rc == LK_OK)
		rc = lk_fs_write_new(path, text.data, text.len, 0644, err);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO, "%s is written; see latchkey-userconfig.yaml(5)", path);
	return rc;
}
