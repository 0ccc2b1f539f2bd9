/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what libcryptsetup's configure would find out: musl, OpenSSL 3, a device-mapper library of this age, and none of the
 * options that early boot has no use for. The kernel's own ciphers (ENABLE_AF_ALG) aren't asked: that may load modules, which
 * move PCR 10. */
#define PACKAGE_VERSION "2.7.5"
#define _(text) (text)

#define HAVE_BYTESWAP_H 1
#define HAVE_ENDIAN_H 1
#define HAVE_EXPLICIT_BZERO 1
#define HAVE_SYS_STATVFS_H 1
#define HAVE_SYS_SYSMACROS_H 1
#define HAVE_DECL_O_CLOEXEC 1
#define HAVE_DECL_JSON_OBJECT_DEEP_COPY 1
#define HAVE_DECL_JSON_OBJECT_OBJECT_ADD_EX 1
#define HAVE_DECL_DM_DEVICE_GET_NAME 1
#define HAVE_DECL_DM_DEVICE_GET_TARGET_VERSION 1
#define HAVE_DECL_DM_DEVICE_HAS_HOLDERS 1
#define HAVE_DECL_DM_DEVICE_HAS_MOUNTED_FS 1
#define HAVE_DECL_DM_TASK_DEFERRED_REMOVE 1
#define HAVE_DECL_DM_TASK_RETRY_REMOVE 1
#define HAVE_DECL_DM_TASK_SECURE_DATA 1
#define HAVE_DECL_DM_UDEV_DISABLE_DISK_RULES_FLAG 1
#define HAVE_DECL_DM_UDEV_DISABLE_LIBRARY_FALLBACK 1
#define HAVE_DECL_OSSL_GET_MAX_THREADS 1

#define KERNEL_KEYRING 1
#define USE_UDEV 1
#define USE_INTERNAL_ARGON2 1
#define USE_INTERNAL_PBKDF2 0
#define USE_LUKS2_REENCRYPTION 0

/* What would be written; nothing is. */
#define DEFAULT_RNG "/dev/urandom"
#define DEFAULT_LUKS_FORMAT "LUKS2"
#define DEFAULT_LUKS1_HASH "sha256"
#define DEFAULT_LUKS1_CIPHER "aes"
#define DEFAULT_LUKS1_MODE "xts-plain64"
#define DEFAULT_LUKS1_ITER_TIME 2000
#define DEFAULT_LUKS1_KEYBITS 256
#define DEFAULT_LUKS2_PBKDF "pbkdf2"
#define DEFAULT_LUKS2_ITER_TIME 2000
#define DEFAULT_LUKS2_MEMORY_KB 1048576
#define DEFAULT_LUKS2_PARALLEL_THREADS 4
#define DEFAULT_LUKS2_KEYSLOT_CIPHER "aes-xts-plain64"
#define DEFAULT_LUKS2_KEYSLOT_KEYBITS 512
#define DEFAULT_LUKS2_LOCK_PATH "/run/cryptsetup"
#define DEFAULT_LUKS2_LOCK_DIR_PERMS 0700
#define DEFAULT_KEYFILE_SIZE_MAXKB 8192
#define DEFAULT_LOOPAES_CIPHER "aes"
#define DEFAULT_LOOPAES_KEYBITS 256
