/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading EFI variables. */
#include "sys/boot/efivars.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sys/os/reach.h"

#define VARIABLE_MAX (1024u * 1024u)
#define ATTRIBUTES   4u
#define NAME_MAX_LEN 128u

struct lk_efivar {
	struct lk_efivar *next;
	struct lk_buf bytes;
};

void lk_efivars_done(struct lk_efivars *vars)
{
	while (vars->list) {
		struct lk_efivar *next = vars->list->next;

		lk_buf_done(&vars->list->bytes);
		free(vars->list);
		vars->list = next;
	}
}

int lk_efivars_check(const struct lk_efivars *vars, struct lk_err *err)
{
	DIR *dir = opendir(vars->dir);
	struct dirent *entry = NULL;
	char why[LK_REACH_MAX];

	if (!dir && errno != ENOENT)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't list: %s", vars->dir,
				  lk_reach_why(vars->dir, errno, why));
	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	if (dir)
		(void)closedir(dir);
	if (entry)
		return LK_OK;
	return lk_err_set(
		err, LK_E_IO, (uint32_t)errno,
		"%s: no EFI variables there: not mounted, or this system wasn't started by UEFI",
		vars->dir);
}

static int keep(struct lk_efivars *vars, struct lk_buf *bytes, struct lk_err *err)
{
	struct lk_efivar *var = calloc(1, sizeof(*var));

	if (!var)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	*var = (struct lk_efivar){ vars->list, *bytes };
	*bytes = LK_BUF_NONE;
	vars->list = var;
	return LK_OK;
}

int lk_efivars_read(struct lk_efivars *vars, const char *name, const uint8_t *guid,
		    struct lk_variable_now *ret, struct lk_err *err)
{
	LK_OWNED_BUF bytes = LK_BUF_NONE;
	struct lk_text_out vendor;
	char path[PATH_MAX];

	*ret = (struct lk_variable_now){ .there = false };
	lk_text_out_init(&vendor);
	lk_text_add_guid(&vendor, guid);
	if (snprintf(path, sizeof(path), "%s/%s-%s", vars->dir, name, vendor.text) >=
	    (int)sizeof(path))
		return lk_err_set(err, LK_E_INPUT, 0, "%.80s...: too long", path);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return LK_OK;
	LK_TRY(lk_fs_check_regular(path, err));
	LK_TRY(lk_fs_read(path, VARIABLE_MAX, &bytes, err));
	if (bytes.len < ATTRIBUTES)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: shorter than a variable's attributes",
				  path);
	ret->data = (struct lk_bytes){ bytes.data + ATTRIBUTES, bytes.len - ATTRIBUTES };
	ret->there = true;
	return keep(vars, &bytes, err);
}

static bool is_among(const char *name, const char *const known[])
{
	for (; *known; known++)
		if (!strcmp(name, *known))
			return true;
	return false;
}

int lk_efivars_find_other(const struct lk_efivars *vars, const uint8_t *guid, const char *begin,
			  const char *const known[], char ret[static LK_EFIVAR_NAME_MAX],
			  struct lk_err *err)
{
	DIR *dir = opendir(vars->dir);
	struct lk_text_out vendor;
	struct dirent *entry;

	ret[0] = '\0';
	if (!dir)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't list", vars->dir);
	lk_text_out_init(&vendor);
	lk_text_add_guid(&vendor, guid);
	while (!ret[0] && (entry = readdir(dir))) {
		char *name = entry->d_name;
		size_t len = strlen(name);

		if (len <= vendor.len + 1 ||
		    strcasecmp(name + len - vendor.len, vendor.text) != 0 ||
		    strncmp(name, begin, strlen(begin)) != 0)
			continue;
		name[len - vendor.len - 1] = '\0';
		if (!is_among(name, known))
			(void)snprintf(ret, LK_EFIVAR_NAME_MAX, "%s", name);
	}
	(void)closedir(dir);
	return LK_OK;
}

int lk_efivars_read_any(void *data, struct lk_bytes guid, struct lk_bytes name,
			struct lk_variable_now *ret, struct lk_err *err)
{
	char ascii[NAME_MAX_LEN + 1];
	size_t n = name.len / 2;

	if (n > NAME_MAX_LEN || guid.len != LK_GUID_SIZE)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "the log has a variable with too long a name");
	for (size_t i = 0; i < n; i++) {
		char c = (char)name.data[2 * i];

		if (name.data[2 * i + 1] || c <= ' ' || c > '~' || c == '/')
			return lk_err_set(err, LK_E_INPUT, 0,
					  "the log has a variable whose name can't be looked for");
		ascii[i] = c;
	}
	ascii[n] = '\0';
	return lk_efivars_read(data, ascii, guid.data, ret, err);
}
