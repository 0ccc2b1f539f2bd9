/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns why a file, folder or device can't be used, in words for a person. */
#include "sys/os/reach.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/** The first folder on the way to @path that may not be entered, or @path itself. */
static void find_closed(const char *path, char out[static PATH_MAX])
{
	const char *slash = path[0] == '/' ? path + 1 : path;

	while ((slash = strchr(slash, '/'))) {
		(void)snprintf(out, PATH_MAX, "%.*s", (int)(slash - path), path);
		if (access(out, X_OK) != 0 && errno == EACCES)
			return;
		slash++;
	}
	(void)snprintf(out, PATH_MAX, "%s", path);
}

static void say_permission(const char *path, int error, char out[static LK_REACH_MAX])
{
	char closed[PATH_MAX];
	struct stat st;

	if (geteuid() == 0) {
		(void)snprintf(
			out, LK_REACH_MAX,
			"%s, although this program runs as root: the file system or a security module of the kernel refuses",
			strerror(error));
		return;
	}
	find_closed(path, closed);
	if (stat(closed, &st) != 0)
		(void)snprintf(out, LK_REACH_MAX,
			       "%s: this program runs as user %u; run it as root", strerror(error),
			       (unsigned int)geteuid());
	else
		(void)snprintf(
			out, LK_REACH_MAX,
			"%s: %.160s is user %u's and group %u's (mode %04o), and this program runs as user %u; run it as root",
			strerror(error), closed, (unsigned int)st.st_uid, (unsigned int)st.st_gid,
			(unsigned int)st.st_mode & 07777, (unsigned int)geteuid());
}

const char *lk_reach_why(const char *path, int error, char out[static LK_REACH_MAX])
{
	switch (error) {
	case EACCES:
	case EPERM:
		say_permission(path, error, out);
		break;
	case EBUSY:
		(void)snprintf(out, LK_REACH_MAX, "%s: another program has it open",
			       strerror(error));
		break;
	case ENXIO:
	case ENODEV:
		(void)snprintf(out, LK_REACH_MAX, "%s: there is no device behind this node",
			       strerror(error));
		break;
	default:
		(void)snprintf(out, LK_REACH_MAX, "%s", strerror(error));
		break;
	}
	return out;
}

/** By the kernel's word; where sysfs isn't mounted every device may be one. */
static bool is_tpm(const struct stat *st)
{
	char link[80];
	char target[PATH_MAX];
	const char *name;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(st->st_rdev),
		       minor(st->st_rdev));
	if (access(link, F_OK) != 0)
		return access("/sys/dev/char", F_OK) != 0;
	(void)strcat(link, "/subsystem");
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	name = strrchr(target, '/');
	return name && strncmp(name + 1, "tpm", 3) == 0;
}

static const char *kind_of_file(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a folder";
	case S_IFBLK:
		return "a block device";
	case S_IFCHR:
		return "another device";
	default:
		return "something else";
	}
}

enum lk_reach lk_reach_tpm(const char *path, char why[static LK_REACH_MAX])
{
	struct stat st;

	if (stat(path, &st) != 0 && errno == ENOENT) {
		(void)snprintf(
			why, LK_REACH_MAX,
			"there is no such node: the kernel has found no TPM (see whether it is enabled in the firmware's settings, and whether its driver is loaded)");
		return LK_REACH_NOT_YET;
	}
	if (stat(path, &st) != 0) {
		(void)lk_reach_why(path, errno, why);
		return LK_REACH_NOT_YET;
	}
	if (!S_ISCHR(st.st_mode) || !is_tpm(&st)) {
		(void)snprintf(why, LK_REACH_MAX, "this is %s, and not a TPM",
			       kind_of_file(st.st_mode));
		return LK_REACH_NEVER;
	}
	if (access(path, R_OK | W_OK) != 0) {
		(void)lk_reach_why(path, errno, why);
		return LK_REACH_NOT_YET;
	}
	return LK_REACH_USABLE;
}
