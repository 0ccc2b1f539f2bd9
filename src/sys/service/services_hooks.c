/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the hooks that stand in for a service manager: which are run, how, and for how long. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/service/services_private.h"

#define HOOKS_MAX 64u

/** What is in the folder; the first @n of @all are run. */
struct hooks {
	char **names;
	size_t all;
	size_t n;
};

static void hooks_done(struct hooks *h)
{
	lk_fs_list_free(h->names, h->all);
}
#define HOOKS_NONE  ((struct hooks){ NULL, 0, 0 })
#define OWNED_HOOKS __attribute__((cleanup(hooks_done))) struct hooks

/** Whoever could write it would run what they like as root. */
static int check_writers(const char *path, const struct stat *st, struct lk_err *err)
{
	if ((st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH)))
		return LK_OK;
	return lk_err_set(
		err, LK_E_SYSTEM, 0,
		"%s: hooks are run only where nobody but root can write them (chown root, chmod go-w)",
		path);
}

/** As run-parts(8) does, what nobody may execute is passed over. */
static int keep_program(struct hooks *h, size_t at, struct lk_err *err)
{
	char *name = h->names[at];
	struct stat st;
	int rc;

	if (stat(name, &st))
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "%s: %s", name,
				  strerror(errno));
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return LK_OK;
	rc = check_writers(name, &st, err);
	if (rc != LK_OK)
		return rc;
	h->names[at] = h->names[h->n];
	h->names[h->n++] = name;
	return LK_OK;
}

/** A folder that isn't there has none. */
static int hooks_load(const char *dir, struct hooks *h, struct lk_err *err)
{
	struct stat st;
	int rc;

	if (stat(dir, &st)) {
		if (errno == ENOENT)
			return LK_OK;
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "%s: %s", dir,
				  strerror(errno));
	}
	rc = check_writers(dir, &st, err);
	if (rc == LK_OK)
		rc = lk_fs_list(dir, HOOKS_MAX, &h->names, &h->all, err);
	for (size_t i = 0; rc == LK_OK && i < h->all; i++)
		rc = keep_program(h, i, err);
	return rc == LK_OK ? LK_OK : LK_E_SYSTEM;
}

int lk_hooks_check(const char *dir, bool *ret_any, struct lk_err *err)
{
	OWNED_HOOKS h = HOOKS_NONE;
	int rc = hooks_load(dir, &h, err);

	if (rc == LK_OK)
		*ret_any = h.n > 0;
	return rc;
}

static int spawn(const char *program, const struct lk_unit_action *action, pid_t *ret)
{
	char verb_reload[] = "reload";
	char verb_restart[] = "restart";
	char *argv[] = { strdup(program), action->reload ? verb_reload : verb_restart,
			 strdup(action->unit), NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int e = argv[0] && argv[2] ? 0 : ENOMEM;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	/* A process group of its own, to be ended with all that it started. */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	if (e == 0)
		e = posix_spawn(ret, program, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	free(argv[0]);
	free(argv[2]);
	return e;
}

/** Its wait status; one that takes too long is ended. */
static int wait_for(pid_t pid, bool *ret_in_time)
{
	const struct timespec pause = { 0, 20 * 1000 * 1000 };
	struct timespec start;
	struct timespec now;
	int status = 0;

	*ret_in_time = true;
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec < (time_t)LK_SERVICES_JOB_S) {
			(void)nanosleep(&pause, NULL);
			continue;
		}
		*ret_in_time = false;
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		break;
	}
	return status;
}

static int call(const char *program, const struct lk_unit_action *action, struct lk_err *err)
{
	const char *verb = action->reload ? "reload" : "restart";
	bool in_time;
	pid_t pid;
	int status;
	int e = spawn(program, action, &pid);

	if (e)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)e, "%s can't be run: %s", program,
				  strerror(e));
	status = wait_for(pid, &in_time);
	lk_log(LK_LOG_DEBUG, "%s %s %s: wait status %d%s", program, verb, action->unit, status,
	       in_time ? "" : ", not in time");
	if (!in_time)
		return lk_err_set(err, LK_E_SERVICE, 0,
				  "%s: \"%s %s %s\" didn't end within %u s, and was ended",
				  action->unit, program, verb, action->unit, LK_SERVICES_JOB_S);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return LK_OK;
	return lk_err_set(err, LK_E_SERVICE, 0, "%s: \"%s %s %s\" ended by %s %d", action->unit,
			  program, verb, action->unit, WIFEXITED(status) ? "exit code" : "signal",
			  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int lk_hooks_act(const char *dir, const struct lk_units *units, struct lk_err *err)
{
	OWNED_HOOKS h = HOOKS_NONE;
	struct lk_err one = { 0 };
	int rc = hooks_load(dir, &h, err);

	if (rc != LK_OK)
		return rc;
	for (size_t i = 0; i < units->n; i++)
		for (size_t k = 0; k < h.n; k++)
			rc = lk_first_failure(rc, call(h.names[k], &units->actions[i], &one), &one,
					      err);
	return rc;
}
