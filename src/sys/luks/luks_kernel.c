/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking the kernel, before a volume is made, for the targets and ciphers that it will take. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/if_alg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sys/luks/luks_format.h"

#define CONTROL	    "/dev/mapper/control"
#define MODULES_MAX (16u * 1024u * 1024u)

/** Asking for a target's version loads its module, where there is one (kernel 5.4 and later). */
static int has_target(int control, const char *name)
{
	union {
		struct dm_ioctl head;
		char room[1024];
	} request;

	memset(&request, 0, sizeof(request));
	request.head.version[0] = DM_VERSION_MAJOR;
	request.head.data_size = sizeof(request);
	request.head.data_start = sizeof(request.head);
	(void)snprintf(request.head.name, sizeof(request.head.name), "%s", name);
	if (ioctl(control, DM_GET_TARGET_VERSION, &request) == 0)
		return 1;
	return errno == EINVAL ? 0 : -1;
}

/**
 * Without the node nothing can be asked, but who maps may make it (libdevmapper
 * does) and load the module: this kernel has it, or a module of it.
 */
static bool may_come(void)
{
	LK_OWNED_BUF modules = LK_BUF_NONE;
	struct utsname kernel;
	char path[sizeof(kernel.release) + 64];

	if (access("/sys/class/misc/device-mapper", F_OK) == 0 || uname(&kernel) != 0)
		return true;
	(void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", kernel.release);
	return lk_fs_read(path, MODULES_MAX, &modules, NULL) == LK_OK &&
	       strstr((const char *)modules.data, "/dm-mod.ko");
}

static int check_targets(bool integrity, struct lk_err *err)
{
	static const char *const names[] = { "crypt", "integrity" };
	LK_OWNED_FD control = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (control < 0 && errno == ENOENT && may_come())
		return LK_OK;
	if (control < 0)
		return lk_err_set(
			err, LK_E_IO, (uint32_t)errno,
			"%s can't be opened (%s): this kernel has no device-mapper, or may not be asked for it; nothing was changed",
			CONTROL, strerror(errno));
	for (unsigned int i = 0; i < (integrity ? 2u : 1u); i++)
		if (has_target(control, names[i]) == 0)
			return lk_err_set(
				err, LK_E_IO, 0,
				"this kernel has no dm-%s, nor a module of it (dm-%s): the volume could not be %s; nothing was changed",
				names[i], names[i], i ? "made with integrity" : "opened");
	return LK_OK;
}

/** Whether the kernel's crypto API has it, or loads it; what can't be asked is taken for a yes. */
static bool has_algorithm(const char *type, const char *name)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG };
	LK_OWNED_FD fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true;
	(void)snprintf((char *)address.salg_type, sizeof(address.salg_type), "%s", type);
	(void)snprintf((char *)address.salg_name, sizeof(address.salg_name), "%s", name);
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno != ENOENT;
}

/** "aes-xts-plain64" is "xts(aes)" there; other spellings aren't asked for. */
static int check_ciphers(const struct lk_volume_format *f, struct lk_err *err)
{
	char cipher[32], mode[32], name[72];

	if (sscanf(f->cipher, "%31[a-z0-9]-%31[a-z0-9]-", cipher, mode) == 2) {
		(void)snprintf(name, sizeof(name), "%s(%s)", mode, cipher);
		if (!has_algorithm("skcipher", name))
			return lk_err_set(
				err, LK_E_IO, 0,
				"cipher %s: this kernel has no %s, nor a module of it; nothing was changed",
				f->cipher, name);
	}
	if (f->integrity == LK_INTEGRITY_HMAC_SHA256 && !has_algorithm("hash", "hmac(sha256)"))
		return lk_err_set(
			err, LK_E_IO, 0,
			"integrity: this kernel has no hmac(sha256), nor a module of it; nothing was changed");
	return LK_OK;
}

int lk_volume_check_kernel(const char *device, const struct lk_volume *vol, struct lk_err *err)
{
	const struct lk_volume_format *f = &vol->format;
	bool integrity = f->integrity == LK_INTEGRITY_HMAC_SHA256;
	struct stat st;

	if (stat(device, &st) != 0)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno, "%s: %s", device,
				  strerror(errno));
	/* A plain file holds a header, and is mapped on another machine. */
	if (!S_ISBLK(st.st_mode) && !integrity)
		return LK_OK;
	if (!S_ISBLK(st.st_mode))
		return lk_err_set(
			err, LK_E_IO, 0,
			"%s: integrity needs a block device, device-mapper and the kernel's dm-integrity, and this is a plain file; nothing was changed",
			device);
	if (check_targets(integrity, err) == LK_OK && check_ciphers(f, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "volume %s", vol->name);
	return LK_E_IO;
}
