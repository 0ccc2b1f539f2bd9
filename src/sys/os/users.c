/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns looking up users and groups in a system's own files. */
#include "sys/os/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "sys/os/tree.h"

/* UINT32_MAX is "no change" to chown(2), and so no owner. */
static bool parse_number(const char *text, uint32_t *ret)
{
	uint64_t v = 0;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	for (const char *p = text; *p; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (v >= UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static int open_list(int at, const char *path, FILE **ret, struct lk_err *err)
{
	int fd = -1;
	int rc = lk_tree_open_file(at, path, &fd, err);

	if (rc != LK_OK)
		return rc;
	*ret = fdopen(fd, "r");
	if (*ret)
		return LK_OK;
	close(fd);
	return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
}

int lk_user_id(int at, const char *name, uid_t *ret, struct lk_err *err)
{
	const struct passwd *entry = NULL;
	FILE *list = NULL;
	uint32_t number = 0;
	int rc = LK_OK;

	if (strcmp(name, "root") == 0 || parse_number(name, &number)) {
		*ret = number;
		return LK_OK;
	}
	rc = open_list(at, "/etc/passwd", &list, err);
	if (rc != LK_OK)
		return rc;
	while ((entry = fgetpwent(list)) && strcmp(entry->pw_name, name) != 0)
		;
	if (entry)
		*ret = entry->pw_uid;
	else
		rc = lk_err_set(err, LK_E_INPUT, 0, "owner %s: no such user in /etc/passwd", name);
	(void)fclose(list);
	return rc;
}

int lk_group_id(int at, const char *name, gid_t *ret, struct lk_err *err)
{
	const struct group *entry = NULL;
	FILE *list = NULL;
	uint32_t number = 0;
	int rc = LK_OK;

	if (strcmp(name, "root") == 0 || parse_number(name, &number)) {
		*ret = number;
		return LK_OK;
	}
	rc = open_list(at, "/etc/group", &list, err);
	if (rc != LK_OK)
		return rc;
	while ((entry = fgetgrent(list)) && strcmp(entry->gr_name, name) != 0)
		;
	if (entry)
		*ret = entry->gr_gid;
	else
		rc = lk_err_set(err, LK_E_INPUT, 0, "group %s: no such group in /etc/group", name);
	(void)fclose(list);
	return rc;
}
