# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns reading strace's log (-f -yy): the system calls that a program made, the files and the sockets that it touched by them."""
import re

# Memory, the process itself, and descriptors that are open already.
QUIET = set("""
    execve exit exit_group brk mmap munmap mprotect madvise mlock mlockall munlock mlock2 capget mincore arch_prctl set_tid_address set_robust_list
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack prctl prlimit64 setrlimit getrlimit getrandom clock_gettime clock_nanosleep nanosleep
    restart_syscall uname sysinfo getpid gettid getuid geteuid getgid getegid getpriority setpriority sched_yield futex
    read write readv writev pread64 pwrite64 lseek close fcntl ioctl fstat fstatfs ftruncate fsync fdatasync flock poll ppoll
    fchmod fchown umask memfd_create
""".split())
# By name; what they touch is looked at by its path.
PATHS = set("open openat openat2 access faccessat faccessat2 stat lstat statx newfstatat readlink readlinkat statfs".split())
# libdevmapper's cookie, by which udev says that a node is made.
COOKIE = {"semget", "semctl", "semop", "semtimedop"}
# Who reads what --signed or a stick brings does so in a process of its own.
READER = {"close_range", "dup2", "fork", "kill", "pipe2", "wait4"}
SOCKETS = {"socket", "connect", "sendto", "recvfrom", "sendmsg", "recvmsg", "setsockopt", "getsockopt", "getsockname", "getpeername", "shutdown"}

LINE = re.compile(r"^(?:\[pid +)?\d+\]? +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")
DESCRIPTOR = re.compile(r"\b\d+<((?:/[^<>]*|[A-Za-z_]+:\[[^\]]*\]|[A-Za-z_]+:[^<>]*(?:->[^<>]*)?))(?:<(?:char|block) [\d:]+>)?>")
FIRST_PATH = re.compile(r'^(?:(?:AT_FDCWD|-100|\d+)(?:<([^<>]*)>)?, )?"([^"]*)"')


class Touched:
    """calls: names of system calls; files: absolute paths; sockets: as strace shows their ends."""

    def __init__(self, log):
        self.calls, self.files, self.sockets, self.connects = set(), set(), set(), set()
        for line in log.splitlines():
            if not re.search(r"^\d+ +(\+\+\+|---)", line):
                self._read(line)
        assert self.calls, log[:2000]

    def _read(self, line):
        m = LINE.match(line)
        assert m, f"not strace's: {line[:300]}"
        call, arguments = m.groups()
        self.calls.add(call)
        for end in DESCRIPTOR.findall(arguments):
            (self.files if end[0] == "/" else self.sockets).add(end)
        path = FIRST_PATH.match(arguments)
        # Without a name it is the descriptor that is meant, which is noted already.
        if path and path[2] and call not in QUIET:
            self.files.add(path[2] if path[2][0] == "/" else f"{path[1] or ''}/{path[2]}")
        if call == "connect":
            self.connects.add(arguments.split("> ", 1)[-1])

    def strange_calls(self, *more):
        return sorted(self.calls - QUIET.union(PATHS, *more))

    def strange_files(self, allowed):
        """Those that none of these patterns stands for, wholly."""
        return sorted(f for f in self.files if not any(re.fullmatch(a, f) for a in allowed))
