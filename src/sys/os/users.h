/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns names of users and groups: the files of the system beneath a root, and no name service. */
#ifndef LK_SYS_OS_USERS_H
#define LK_SYS_OS_USERS_H

#include <sys/types.h>

#include "core/base/rc.h"

/*
 * @at: root folder, whose /etc/passwd and /etc/group are read
 * @name: a name, or a decimal number, which stands for itself
 *
 * Return: LK_OK, LK_E_INPUT for a name that isn't there, LK_E_IO.
 */
int lk_user_id(int at, const char *name, uid_t *ret, struct lk_err *err);
int lk_group_id(int at, const char *name, gid_t *ret, struct lk_err *err);

#endif
