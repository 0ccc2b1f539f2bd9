/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns looking for devices by udev's links and by the kernel's list of partitions. */
#include "sys/os/partitions.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_DIR  "/sys/class/block"
#define UEVENT_MAX 4096u
#define PARTLABEL  "PARTLABEL="

static void add_partition(struct lk_partitions *ret, const char *path)
{
	char *real = realpath(path, NULL);
	bool known = !real || strlen(real) >= LK_DEVICE_PATH_MAX;

	for (size_t i = 0; !known && i < ret->n; i++)
		known = strcmp(ret->path[i], real) == 0;
	if (!known && ret->n < LK_PARTITIONS_MAX)
		memcpy(ret->path[ret->n++], real, strlen(real) + 1);
	free(real);
}

/* The kernel's "PARTNAME=label" as a line of its own. */
static bool is_named(const char *device, const char *label)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	char path[512];
	char line[256];

	if (snprintf(path, sizeof(path), BLOCK_DIR "/%s/uevent", device) >= (int)sizeof(path) ||
	    snprintf(line, sizeof(line), "\nPARTNAME=%s\n", label) >= (int)sizeof(line) ||
	    strchr(label, '\n') || lk_fs_read_regular(path, UEVENT_MAX, &text, NULL) != LK_OK)
		return false;
	return strstr((const char *)text.data, line) != NULL;
}

static void find_labelled(const char *label, struct lk_partitions *ret)
{
	DIR *dir = opendir(BLOCK_DIR);
	struct dirent *entry;
	char path[LK_DEVICE_PATH_MAX];

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && is_named(entry->d_name, label) &&
		    snprintf(path, sizeof(path), "/dev/%s", entry->d_name) < (int)sizeof(path))
			add_partition(ret, path);
	if (dir)
		(void)closedir(dir);
}

void lk_partitions_find(const char *spec, struct lk_partitions *ret)
{
	char path[LK_DEVICE_PATH_MAX];

	ret->n = 0;
	if (lk_fs_wait_device(spec, 0, path, NULL) == LK_OK)
		add_partition(ret, path);
	if (strncmp(spec, PARTLABEL, strlen(PARTLABEL)) == 0)
		find_labelled(spec + strlen(PARTLABEL), ret);
}
