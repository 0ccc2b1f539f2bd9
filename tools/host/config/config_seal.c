/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey config seal. */
#include <unistd.h> /* optind */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "key/keys.h"
#include "outfile.h"
#include "config/record.h"
#include "config/sealing.h"
#include "sys/os/fs.h"
#include "sys/os/progress.h"
#include "config/target.h"

/** A day in the year 9999, which every reader of tar archives can show. */
#define TIME_MAX UINT64_C(253370764800)

struct seal_args {
	const char *key;
	const char *passphrase_file;
	const char *config_key;
	const char *sequence;
	const char *target;
	const char *record;
	const char *records;
	const char *templates;
	const char *compress;
	const char *mtime;
	const char *created;
	bool from_archive;
	struct lk_output output;
};

static int check_args(const struct seal_args *a, struct lk_err *err)
{
	int targets = (a->target != NULL) + (a->record != NULL) + (a->records != NULL);

	if (targets > 1)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--target, --record and --records exclude each other");
	if (a->templates && (!a->records || a->from_archive))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--templates is for --records, and for a folder that is packed: each device's own files lie over it");
	if (a->from_archive && (a->compress || a->mtime))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--compress and --mtime are for folders; an archive is sealed as it is");
	return LK_OK;
}

static int compression(const char *word, enum lk_compression *ret, struct lk_err *err)
{
	static const char *const words[] = { [LK_COMPRESS_NONE] = "none",
					     [LK_COMPRESS_GZIP] = "gzip",
					     [LK_COMPRESS_ZSTD] = "zstd" };

	*ret = LK_COMPRESS_ZSTD;
	if (!word)
		return LK_OK;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		*ret = (enum lk_compression)i;
		if (!strcmp(word, words[i]))
			return LK_OK;
	}
	return lk_err_set(err, LK_E_USAGE, 0, "--compress %.80s: expected none, gzip or zstd",
			  word);
}

static int read_numbers(const struct seal_args *a, struct lk_sealing *s,
			struct lk_sealing_input *input, struct lk_err *err)
{
	static const uint64_t sequences[2] = { 1, UINT64_MAX };
	static const uint64_t times[2] = { 0, TIME_MAX };
	int rc = lk_option_number64("sequence", a->sequence, sequences, &s->sequence, err);

	s->created = (uint64_t)time(NULL);
	if (rc == LK_OK && a->created)
		rc = lk_option_number64("created", a->created, times, &s->created, err);
	if (rc == LK_OK && a->mtime)
		rc = lk_option_number64("mtime", a->mtime, times, &input->mtime, err);
	if (rc == LK_OK)
		rc = compression(a->compress, &input->compression, err);
	return rc;
}

static int find_target(const struct seal_args *a, const struct lk_sealing *s,
		       uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	struct lk_record record;
	int rc = LK_OK;

	memset(ret, 0, LK_BLOB_ID_SIZE);
	if (a->target)
		return lk_target_read(a->target, ret, err);
	if (!a->record)
		return LK_OK;
	rc = lk_record_read(a->record, &record, err);
	if (rc == LK_OK)
		rc = lk_record_fits(&record, a->record, s->sequence, s->config_key.len, err);
	if (rc == LK_OK)
		memcpy(ret, record.device, LK_BLOB_ID_SIZE);
	return rc;
}

/* With --records; the folder may be there already, or be made. */
static int check_folder(const char *path, struct lk_err *err)
{
	if (!strcmp(path, "-"))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--output -: standard output won't do; with --records it has to be a folder");
	if (access(path, F_OK) == 0 && !lk_fs_is_directory(path))
		return lk_err_set(err, LK_E_IO, ENOTDIR,
				  "%s isn't a folder; with --records the blobs go to one", path);
	return LK_OK;
}

static bool is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && (!path[len] || path[len] == '/' || len == 1);
}

/* The next sealing would pack the blob of this one. */
static int check_outside(const char *output, const char *packed, struct lk_err *err)
{
	char folder[PATH_MAX], place[PATH_MAX], above[PATH_MAX];
	bool within;

	if (strlen(output) >= sizeof(above))
		return lk_err_set(err, LK_E_USAGE, 0, "the path is too long");
	if (!realpath(packed, folder))
		return LK_OK; /* said where it is opened */
	strcpy(above, output);
	within = realpath(dirname(above), place) && is_within(place, folder);
	/* A file there is replaced; only a folder leads elsewhere. */
	if (lk_fs_is_directory(output))
		within = realpath(output, place) && is_within(place, folder);
	if (!within)
		return LK_OK;
	return lk_err_set(err, LK_E_USAGE, 0,
			  "--output %s lies in %s, which is packed: write it elsewhere", output,
			  packed);
}

static int check_output(const struct seal_args *a, const char *packed, struct lk_err *err)
{
	int rc = a->records ? check_folder(a->output.path, err) : lk_outfile_check(&a->output, err);

	if (rc == LK_OK && lk_fs_is_directory(packed))
		rc = check_outside(a->output.path, packed, err);
	if (rc == LK_OK && a->templates)
		rc = lk_fs_check_directory(a->templates, err);
	if (rc == LK_OK && a->templates)
		rc = check_outside(a->output.path, a->templates, err);
	return rc;
}

static int seal_single(const struct seal_args *a, const struct lk_sealing *s,
		       const uint8_t target[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	LK_OWNED_PROGRESS meter;

	lk_progress_begin(&meter, "sealing");
	return lk_sealing_blob(s, target, a->output.path, &meter.progress, err);
}

/* What can be refused at a glance is, before a folder of gigabytes is packed. */
static int seal(const struct seal_args *a, struct lk_sealing *s, struct lk_sealing_input *input,
		struct lk_err *err)
{
	uint8_t target[LK_BLOB_ID_SIZE];
	int rc = read_numbers(a, s, input, err);

	if (rc == LK_OK)
		rc = check_output(a, input->path, err);
	if (rc == LK_OK)
		rc = lk_load_config_key(a->config_key, &s->config_key, err);
	if (rc == LK_OK)
		rc = find_target(a, s, target, err);
	if (rc == LK_OK)
		rc = lk_load_private_key(a->key, a->passphrase_file, &s->key, err);
	if (rc == LK_OK)
		rc = lk_sealing_prepare(s, input, err);
	if (rc != LK_OK)
		return rc;
	if (a->records)
		return lk_sealing_fleet(s, a->records, a->output.path, err);
	return seal_single(a, s, target, err);
}

/* clang-format off: a table */
#define SEAL_OPTIONS(a)                                                                                 \
	{ "key", 'k', true, "KEY", "private key: PEM file or OpenSSL store URI", &(a).key, NULL },      \
		{ "config-key",	   'c', true, "FILE", "configuration key of the devices",               \
		  &(a).config_key, NULL },                                                              \
		{ "sequence", 's', true, "N", "above that of every blob before", &(a).sequence, NULL }, \
		{ "target", 't', false, "ID", "for this device alone, by its ID", &(a).target, NULL },  \
		{ "record",    'r', false, "FILE", "the same, by its provisioning record",              \
		  &(a).record, NULL },                                                                  \
		{ "records",	0,   false, "DIR", "a blob for each record (*.json) in DIR",            \
		  &(a).records, NULL },                                                                 \
		{ "templates",                                                                          \
		  0,                                                                                    \
		  false,                                                                                \
		  "DIR",                                                                                \
		  "with --records: DIR/NAME over it for NAME.json",                                     \
		  &(a).templates,                                                                       \
		  NULL },                                                                               \
		{ "from-archive",                                                                       \
		  'a',                                                                                  \
		  false,                                                                                \
		  NULL,                                                                                 \
		  "seal this archive: tar, bare, gzip or zstd",                                         \
		  NULL,                                                                                 \
		  &(a).from_archive },                                                                  \
		{ "compress", 'z', false, "HOW", "none, gzip or zstd (default)", &(a).compress, NULL }, \
		{ "mtime",    0,   false, "SECONDS", "time of the packed files; default 0",             \
		  &(a).mtime, NULL },                                                                   \
		{ "created",	0,   false, "SECONDS", "time of the blob; default now",                 \
		  &(a).created, NULL },                                                                 \
		{ "passphrase-file",                                                                    \
		  0,                                                                                    \
		  false,                                                                                \
		  "FILE",                                                                               \
		  "the key's passphrase or PIN, instead of asking",                                     \
		  &(a).passphrase_file,                                                                 \
		  NULL },                                                                               \
		{ "output",                                                                             \
		  'o',                                                                                  \
		  true,                                                                                 \
		  "FILE",                                                                               \
		  "blob to write; with --records, folder of blobs",                                     \
		  &(a).output.path,                                                                     \
		  NULL },                                                                               \
	{                                                                                               \
		"force", 'f', false, NULL, "replace what is there", NULL, &(a).output.force             \
	}
/* clang-format on */

static int run_config_seal(int argc, char **argv, struct lk_err *err)
{
	struct seal_args args = { 0 };
	struct lk_sealing sealing = { .config_key = LK_SECRET_NONE, .archive = -1 };
	struct lk_sealing_input input = { .mtime = 0 };
	const struct lk_option options[] = { SEAL_OPTIONS(args), LK_OPTIONS_END };
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_config_seal, options, argc, argv, err);

	if (rc == LK_OK)
		rc = check_args(&args, err);
	if (rc == LK_OK)
		rc = lk_secret_harden_process(err);
	if (rc != LK_OK)
		return rc;
	input.path = argv[optind];
	input.is_archive = args.from_archive;
	sealing.force = args.output.force;
	sealing.templates = args.templates;
	sealing.input = &input;
	rc = seal(&args, &sealing, &input, err);
	lk_private_key_free(sealing.key);
	lk_secret_done(&sealing.config_key);
	lk_fd_closep(&sealing.archive);
	return rc;
}

const struct lk_cli_command lk_cmd_config_seal = {
	.words = "config seal",
	.operands = "DIR|ARCHIVE",
	.summary = "Pack, encrypt and sign a configuration: make a blob",
	.details = "Without --target, --record or --records any device with these\n"
		   "keys takes it. latchkey-manifest.yaml in DIR says where the\n"
		   "files go. The same DIR gives the same archive each time.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_config_seal,
};
