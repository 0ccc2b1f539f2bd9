/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns pictures of a process: preloaded, it writes all memory that is written to into the folder LK_DUMP, where another program is
 * begun, where the process ends, and where a passphrase is in use. */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static char smaps[4u << 20];
static unsigned int n_dumps;

/* All of a file, by system calls alone: nothing is to be allocated here. */
static size_t slurp(const char *path, char *to, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && len < cap - 1) {
		n = read(fd, to + len, cap - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		(void)close(fd);
	to[len] = '\0';
	return len;
}

static void put(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n = 1;

	while (len && (n = write(fd, p, len)) > 0) {
		p += n;
		len -= (size_t)n;
	}
}

static int create(const char *dir, const char *point, const char *ending)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%d-%u-%s.%s", dir, (int)getpid(), n_dumps, point,
		       ending);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* A region's line, and after it the one with its flags. */
static void region(int mem, int map, const char *line, const char *flags)
{
	unsigned long start, end;
	char perms[8], text[512];
	int ours;

	if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3 || perms[0] != 'r' ||
	    perms[1] != 'w')
		return;
	ours = start <= (uintptr_t)smaps && (uintptr_t)smaps < end;
	if (ours)
		return;
	(void)snprintf(text, sizeof(text), "%ld %lu %.*s|%.*s\n", (long)lseek(mem, 0, SEEK_CUR),
		       end - start, (int)strcspn(line, "\n"), line, (int)strcspn(flags, "\n"),
		       flags);
	put(map, text, strlen(text));
	put(mem, (const void *)start, end - start);
}

static void dump(const char *point)
{
	const char *dir = getenv("LK_DUMP");
	struct rlimit core = { 1, 1 };
	char text[128];
	int mem, map;

	if (!dir)
		return;
	n_dumps++;
	mem = create(dir, point, "mem");
	map = create(dir, point, "map");
	(void)getrlimit(RLIMIT_CORE, &core);
	(void)snprintf(text, sizeof(text), "core %lu dumpable %d\n", (unsigned long)core.rlim_max,
		       prctl(PR_GET_DUMPABLE));
	put(map, text, strlen(text));
	(void)slurp("/proc/self/smaps", smaps, sizeof(smaps));
	for (char *line = smaps, *flags; (flags = strstr(line, "\nVmFlags:")) != NULL;) {
		region(mem, map, line, flags + 9);
		line = strchr(flags + 1, '\n');
		if (!line)
			break;
		line++;
	}
	(void)close(mem);
	(void)close(map);
}

/* Calls behind which another program is. */
int execve(const char *path, char *const argv[], char *const envp[])
{
	int (*real)(const char *, char *const[], char *const[]) = dlsym(RTLD_NEXT, "execve");

	dump("exec");
	return real(path, argv, envp);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
		    const posix_spawnattr_t *, char *const[], char *const[]) =
		dlsym(RTLD_NEXT, "posix_spawn");

	dump("spawn");
	return real(pid, path, actions, attr, argv, envp);
}

pid_t fork(void)
{
	pid_t (*real)(void) = dlsym(RTLD_NEXT, "fork");

	dump("fork");
	return real();
}

/* A passphrase is in use: where it lies then is looked at too. libcryptsetup's header isn't included for this alone. */
int crypt_volume_key_get(void *cd, int keyslot, char *key, size_t *key_size, const char *passphrase,
			 size_t passphrase_size);
int crypt_volume_key_get(void *cd, int keyslot, char *key, size_t *key_size, const char *passphrase,
			 size_t passphrase_size)
{
	int (*real)(void *, int, char *, size_t *, const char *, size_t) =
		dlsym(RTLD_NEXT, "crypt_volume_key_get");

	dump("use");
	return real(cd, keyslot, key, key_size, passphrase, passphrase_size);
}

__attribute__((destructor)) static void at_exit(void)
{
	dump("exit");
}
