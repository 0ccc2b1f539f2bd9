/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the five functions of libudev that libdevmapper calls, to ask whether udev runs: then device nodes are udev's to make, and
 * libdevmapper waits for it by a cookie, without which systemd would never see the volume; else libdevmapper makes them. */
#ifndef LK_SYSROOT_LIBUDEV_H
#define LK_SYSROOT_LIBUDEV_H

#include <unistd.h>

struct udev;
struct udev_queue;

static inline struct udev *udev_new(void)
{
	return (struct udev *)"udev";
}

static inline struct udev_queue *udev_queue_new(struct udev *udev)
{
	return (struct udev_queue *)udev;
}

/* The same file that libudev looks for. */
static inline int udev_queue_get_udev_is_active(struct udev_queue *queue)
{
	(void)queue;
	return access("/run/udev/control", F_OK) == 0;
}

static inline void udev_queue_unref(struct udev_queue *queue)
{
	(void)queue;
}

static inline void udev_unref(struct udev *udev)
{
	(void)udev;
}

#endif
