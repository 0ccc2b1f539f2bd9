/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey config init: a commented manifest to edit, for the files of a folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* optind */

#include "command.h"
#include "config/content.h"
#include "core/config/manifest.h"
#include "documents.h"
#include "outfile.h"
#include "sys/format/archive.h"

/* What devices allow unless their settings say otherwise. */
#define MODES 0755u

/* clang-format off: a text */
static const char head[] =
	"# Latchkey manifest: where each file of a configuration goes on the device, whose it is,\n"
	"# and what is restarted for it. Every key is explained in latchkey-userconfig.yaml(5).\n"
	"# Its place is the top of the folder or archive that is sealed, by the name\n"
	"# " LK_MANIFEST_NAME ".\n"
	"latchkey-manifest: 1\n"
	"\n"
	"# For people: one line.\n"
	"#label: \"site 12, November\"\n"
	"\n"
	"# A file that isn't listed goes below the device's default-destination, /opt unless its\n"
	"# settings say otherwise, and belongs to root. Destinations, owners, groups, modes and units\n"
	"# have to be among those that the device's settings allow.\n";
static const char options[] =
	"#   mode: \"0640\"             # the default is that of the file\n"
	"#   owner: root              # or a user that the settings allow\n"
	"#   group: root\n"
	"#   volatile: true           # in memory alone, and decrypted anew at each boot\n"
	"#   copy: true               # a real file there, where others are links: for sshd, sudo, cron ...\n"
	"#   restart: [app.service]   # once all files are in place, where this one has changed\n"
	"#   reload: [other.service]\n";
static const char folders[] =
	"# A folder with all files below it, whatever they are: with \"/\" at its end, and none of them\n"
	"# listed besides. What is said of it holds for each of them.\n"
	"# - path: app/conf.d/\n"
	"#   destination: /opt/app/conf.d/\n";
static const char example[] = "#files:\n"
			      "# - path: app/app.conf\n"
			      "#   destination: /opt/app/app.conf\n";
/* clang-format on */

struct listing {
	FILE *out;
	size_t n;
};

static int list_file(void *ctx, const struct lk_content_file *file, struct lk_err *err)
{
	char destination[sizeof("/opt/") + LK_ARCHIVE_PATH_MAX];
	struct listing *l = ctx;

	(void)err;
	if (strcmp(file->path, LK_MANIFEST_NAME) == 0)
		return LK_OK;
	if (++l->n > LK_MANIFEST_FILES_MAX)
		return LK_OK;
	(void)snprintf(destination, sizeof(destination), "/opt/%s", file->path);
	fputs(" - path: ", l->out);
	lk_print_quoted(l->out, file->path, strlen(file->path));
	fputs("\n   destination: ", l->out);
	lk_print_quoted(l->out, destination, strlen(destination));
	fprintf(l->out, "\n   mode: \"%04o\"\n", (unsigned int)file->mode & MODES);
	return LK_OK;
}

/* As it would be packed: by the same rules, and in the same order. */
static int list_folder(FILE *out, const char *dir, struct lk_err *err)
{
	const struct lk_pack how = { .dir = dir, .first = LK_MANIFEST_NAME };
	struct lk_fd_reader reader = { -1, 0 };
	struct listing l = { out, 0 };
	const struct lk_content_visitor visitor = { list_file, &l };
	const struct lk_source from = lk_fd_source(&reader);
	LK_OWNED_FD fd = -1;
	const struct lk_sink to = lk_fd_sink(&fd);
	int rc = lk_nameless_file(&fd, err);

	if (rc == LK_OK)
		rc = lk_archive_pack(&how, &to, err);
	reader.fd = fd;
	fputs("files:\n", out);
	if (rc == LK_OK)
		rc = lk_content_walk(&from, UINT64_MAX, &visitor, err);
	if (rc == LK_OK && l.n > LK_MANIFEST_FILES_MAX)
		fprintf(out, "# %zu files more, which have no room here and go to the default.\n",
			l.n - LK_MANIFEST_FILES_MAX);
	fputs("# Each entry may have besides, without the \"#\":\n", out);
	return rc;
}

static int write_manifest(const char *dir, const struct lk_output *output, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	char *data = NULL;
	FILE *out = open_memstream(&data, &text.len);
	int rc = LK_OK;

	if (!out)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	fputs(head, out);
	if (dir)
		rc = list_folder(out, dir, err);
	else
		fputs(example, out);
	fputs(options, out);
	fputs(folders, out);
	if (fclose(out) != 0 && rc == LK_OK)
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	text.data = (uint8_t *)data;
	return rc == LK_OK ? lk_write_output(output, (struct lk_bytes){ text.data, text.len }, err)
			   : rc;
}

static int run_config_init(int argc, char **argv, struct lk_err *err)
{
	struct lk_output output = { NULL, false };
	const struct lk_option table[] = {
		{ "output", 'o', true, "FILE", "what to write; - is standard output", &output.path,
		  NULL },
		{ "force", 'f', false, NULL, "replace the output file", NULL, &output.force },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_config_init, table, argc, argv, err);

	return rc == LK_OK ? write_manifest(argv[optind], &output, err) : rc;
}

const struct lk_cli_command lk_cmd_config_init = {
	.words = "config init",
	.operands = "[DIR]",
	.summary = "Write a commented manifest, for the files of a folder",
	.details = "With DIR its files are listed, each to go below /opt.\n",
	.min_operands = 0,
	.max_operands = 1,
	.run = run_config_init,
};
