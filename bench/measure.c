/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns running a program once in another root, and what that took: it is small itself, since a child's size begins as its parent's. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

/* Usage: measure RESULT ROOT PROGRAM [ARGUMENT ...]. Writes: exit status, milliseconds, largest resident KiB of any process, CPU milliseconds. */
int main(int argc, char **argv)
{
	struct rusage used;
	double began, took;
	FILE *result;
	int status;
	pid_t child;

	if (argc < 4 || !(result = fopen(argv[1], "we")))
		return 2;
	began = now_ms();
	child = fork();
	if (child == 0) {
		if (chroot(argv[2]) == 0 && chdir("/") == 0)
			execv(argv[3], argv + 3);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child)
		return 1;
	took = now_ms() - began;
	fprintf(result, "%d %.3f %ld %.3f\n",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), took,
		used.ru_maxrss, ms(used.ru_utime) + ms(used.ru_stime));
	return fclose(result) ? 1 : 0;
}
