/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a stand-in for sys/os/fs.h: the files of the world, and no other. */
#include "sys/os/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

void lk_buf_done(struct lk_buf *buf)
{
	free(buf->data);
	*buf = LK_BUF_NONE;
}

void lk_fd_closep(int *fd)
{
	*fd = -1;
}

int lk_fs_read(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	for (size_t i = 0; i < FAKE_FILES; i++) {
		if (!fake.files[i].path || strcmp(fake.files[i].path, path) != 0)
			continue;
		if (strlen(fake.files[i].text) > cap)
			break;
		ret->data = (uint8_t *)strdup(fake.files[i].text);
		ret->len = strlen(fake.files[i].text);
		return LK_OK;
	}
	return fake_result(LK_E_INPUT, "opening the file", err);
}

int lk_fs_read_regular(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	return lk_fs_read(path, cap, ret, err);
}

int lk_fs_append(const char *path, const void *data, size_t len, struct lk_err *err)
{
	(void)data;
	(void)err;
	fake_event("append %s %zu", path, len);
	return LK_OK;
}

int lk_fs_make_parent(const char *path, struct lk_err *err)
{
	(void)path;
	(void)err;
	return LK_OK;
}

int lk_fs_replace(const char *path, const void *data, size_t len, mode_t mode, struct lk_err *err)
{
	(void)data;
	(void)len;
	(void)err;
	fake_event("replace %s %04o", path, mode);
	return LK_OK;
}

bool lk_fs_is_directory(const char *path)
{
	return fake.dir && strcmp(fake.dir, path) == 0;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return path && strncmp(path, dir, len) == 0 && path[len] == '/';
}

int lk_fs_list(const char *dir, size_t max, char ***ret_names, size_t *ret_n, struct lk_err *err)
{
	char **names;
	size_t n = 0;

	if (fake.list_rc != LK_OK)
		return fake_result(fake.list_rc, "listing", err);
	names = calloc(FAKE_FILES + 1, sizeof(*names));
	if (!names)
		return fake_result(LK_E_SYSTEM, "calloc", err);
	for (size_t i = 0; i < FAKE_FILES && n < max; i++)
		if (is_below(fake.files[i].path, dir))
			names[n++] = strdup(fake.files[i].path);
	*ret_names = names;
	*ret_n = n;
	return LK_OK;
}

void lk_fs_list_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int lk_fs_wait_device(const char *spec, unsigned int timeout_s, char ret[static LK_DEVICE_PATH_MAX],
		      struct lk_err *err)
{
	const struct fake_volume *v = fake_volume_of(spec + strlen("/dev/"));

	(void)timeout_s;
	fake_event("wait %s", spec);
	if (!v || v->device_rc != LK_OK)
		return fake_result(v ? v->device_rc : LK_E_NO_DEVICE, "waiting", err);
	(void)snprintf(ret, LK_DEVICE_PATH_MAX, "%s", spec);
	return LK_OK;
}
