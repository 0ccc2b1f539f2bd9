/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig drop-ins: what the units' sandbox and watch have to know of the settings, for systemd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "userconfig.h"

#define NAME "50-latchkey-settings.conf"

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The units may write the defaults of the settings as they are shipped. */
static bool is_shipped(const struct lk_userconfig_file *defaults, const char *path)
{
	for (size_t i = 0; i < defaults->n_prefixes; i++)
		if (lies_in(path, defaults->prefixes[i].text))
			return true;
	return lies_in(path, defaults->upload_directory.text) ||
	       lies_in(path, defaults->state_directory.text);
}

/* Characters that are written twice, and those that get a backslash: systemd.unit(5) has
 * specifiers, systemd.service(5) variables, systemd.syntax(7) quotes. */
static void put_escaped(FILE *f, const char *path, const char *twice, const char *quoted)
{
	for (; *path; path++) {
		if (strchr(twice, *path))
			fputc(*path, f);
		else if (strchr(quoted, *path))
			fputc('\\', f);
		fputc(*path, f);
	}
}

/* One that lacks is made first: a sandbox has no way to a folder that isn't there. */
static void put_place(FILE *f, const char *path)
{
	fputs("ExecStartPre=-+/usr/bin/mkdir -p -m 0755 -- \"", f);
	put_escaped(f, path, "%$", "\"\\");
	fputs("\"\nReadWritePaths=\"-", f);
	put_escaped(f, path, "%", "\"\\");
	fputs("\"\n", f);
}

/* The text is at @data once the stream is closed, and not before. */
static int written(FILE *f, char **data, struct lk_buf *ret, struct lk_err *err)
{
	if (fclose(f) != 0) {
		free(*data);
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	ret->data = (uint8_t *)*data;
	return LK_OK;
}

static int service_text(const struct lk_userconfig_file *s,
			const struct lk_userconfig_file *defaults, struct lk_buf *ret,
			bool *ret_any, struct lk_err *err)
{
	char *data = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);
	const char *const others[] = { s->upload_directory.text, s->state_directory.text };
	int rc;

	if (!f)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	fputs("# Of " LK_UC_SETTINGS ".\n[Service]\n", f);
	for (size_t i = 0; i < s->n_prefixes + 2; i++) {
		const char *path =
			i < s->n_prefixes ? s->prefixes[i].text : others[i - s->n_prefixes];

		if (is_shipped(defaults, path))
			continue;
		put_place(f, path);
		*ret_any = true;
	}
	rc = written(f, &data, ret, err);
	ret->len = len;
	return rc;
}

static int path_text(const struct lk_userconfig_file *s, const struct lk_userconfig_file *defaults,
		     struct lk_buf *ret, bool *ret_any, struct lk_err *err)
{
	char *data = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);
	int rc;

	if (!f)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	*ret_any = strcmp(s->upload_directory.text, defaults->upload_directory.text) != 0 ||
		   strcmp(s->blob_name.text, defaults->blob_name.text) != 0;
	fputs("# Of " LK_UC_SETTINGS ".\n[Path]\nPathChanged=\nPathChanged=", f);
	put_escaped(f, s->upload_directory.text, "%", "");
	fputc('/', f);
	put_escaped(f, s->blob_name.text, "%", "");
	fputc('\n', f);
	rc = written(f, &data, ret, err);
	ret->len = len;
	return rc;
}

/* No quotes are for a watched path: where it ends in what systemd takes away, or joins with the next line. */
static int check_watched(const struct lk_userconfig_file *s, struct lk_err *err)
{
	const char *name = s->blob_name.text;
	char last = name[strlen(name) - 1];

	if (last != ' ' && last != '\\')
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, 0,
			  LK_UC_SETTINGS
			  ": blob-name: systemd can't watch a name with such an end");
}

static int put(int folder, const char *unit, const struct lk_buf *text, struct lk_err *err)
{
	char path[PATH_MAX];
	const struct lk_tree_file file = { path, 0644, geteuid(), getegid() };
	LK_OWNED_FD fd = -1;

	(void)snprintf(path, sizeof(path), "%s.d/" NAME, unit);
	LK_TRY(lk_tree_remove(folder, path, err));
	LK_TRY(lk_tree_create(folder, &file, &fd, err));
	return lk_tree_write(fd, text->data, text->len, err);
}

static int write_all(const struct lk_userconfig_file *s, const struct lk_userconfig_file *defaults,
		     int folder, struct lk_err *err)
{
	static const char *const services[] = { "latchkey-userconfig.service",
						"latchkey-userconfig-upload.service" };
	LK_OWNED_BUF service = LK_BUF_NONE;
	LK_OWNED_BUF watch = LK_BUF_NONE;
	bool writes = false, watches = false;

	LK_TRY(check_watched(s, err));
	LK_TRY(service_text(s, defaults, &service, &writes, err));
	LK_TRY(path_text(s, defaults, &watch, &watches, err));
	for (size_t i = 0; writes && i < sizeof(services) / sizeof(services[0]); i++)
		LK_TRY(put(folder, services[i], &service, err));
	return watches ? put(folder, "latchkey-userconfig.path", &watch, err) : LK_OK;
}

int lk_uc_drop_ins(const struct lk_uc_options *opts, struct lk_err *err)
{
	struct lk_userconfig_file *defaults;
	LK_OWNED_UC uc = NULL;
	LK_OWNED_FD folder = -1;
	int rc;

	LK_TRY(lk_uc_open(opts, false, &uc, err));
	LK_TRY(lk_tree_open_root(opts->folder, &folder, err));
	defaults = calloc(1, sizeof(*defaults));
	if (!defaults)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_userconfig_file_defaults(defaults);
	rc = write_all(&uc->settings, defaults, folder, err);
	free(defaults);
	return rc;
}
