/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what libdevmapper's configure would find out. Names are mangled as Debian's libdevmapper does. */
#define UDEV_SYNC_SUPPORT 1
#define DM_IOCTLS 1
#define DM_LIB_VERSION "1.02.205 (latchkey)"
#define DEFAULT_DM_NAME_MANGLING DM_STRING_MANGLING_AUTO
#define DEFAULT_DM_RUN_DIR "/run"
#define DM_DEVICE_UID 0
#define DM_DEVICE_GID 6
#define DM_DEVICE_MODE 0660
#define DM_CONTROL_NODE_UMASK 0177
#define HAVE_SYS_IPC_H 1
#define HAVE_SYS_SEM_H 1
