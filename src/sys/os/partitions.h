/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which devices a device's name stands for now, without waiting for any. */
#ifndef LK_SYS_OS_PARTITIONS_H
#define LK_SYS_OS_PARTITIONS_H

#include <stddef.h>

#include "sys/os/fs.h"

#define LK_PARTITIONS_MAX 8u

/** Paths without links, each once. */
struct lk_partitions {
	size_t n;
	char path[LK_PARTITIONS_MAX][LK_DEVICE_PATH_MAX];
};

/**
 * lk_partitions_find - devices that are there and are meant by @spec
 * @spec: path, or UUID=, LABEL=, PARTUUID=, PARTLABEL=
 * @ret: may be empty; what is there beyond its room is left out
 *
 * By udev's link, which names one device. Of PARTLABEL= also by the kernel's own
 * list: a stick may have the label that a partition of the disk has, and there may
 * be no udev.
 */
void lk_partitions_find(const char *spec, struct lk_partitions *ret);

#endif
