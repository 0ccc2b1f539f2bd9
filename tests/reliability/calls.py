#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Each system call of a run fails, by an error that it may have."""
import os
import re

import faults
import rig

ERRORS = {"openat": "EMFILE EACCES EIO ENOENT", "openat2": "EMFILE EIO", "read": "EIO EINTR", "write": "ENOSPC EIO EINTR",
          "pread64": "EIO", "pwrite64": "ENOSPC EIO", "fsync": "EIO ENOSPC", "fdatasync": "EIO", "syncfs": "EIO",
          "renameat": "EIO ENOSPC", "renameat2": "EIO ENOSPC", "rename": "EIO ENOSPC", "unlinkat": "EIO", "unlink": "EIO",
          "mkdirat": "ENOSPC EACCES", "mkdir": "ENOSPC EACCES", "symlinkat": "ENOSPC", "linkat": "ENOSPC", "mmap": "ENOMEM",
          "mlock": "ENOMEM EPERM", "mlock2": "ENOMEM", "madvise": "EINVAL", "mprotect": "ENOMEM", "getrandom": "EINTR EIO",
          "socket": "EMFILE", "connect": "ECONNREFUSED", "sendto": "EPIPE", "recvfrom": "ECONNRESET", "poll": "EINTR EINVAL",
          "newfstatat": "EIO EACCES", "fstat": "EIO", "statx": "EIO", "lseek": "EINVAL", "ftruncate": "ENOSPC EIO",
          "fallocate": "ENOSPC", "fchmod": "EPERM", "fchown": "EPERM", "flock": "EWOULDBLOCK EINTR", "ioctl": "ENOTTY EIO",
          "getdents64": "EIO", "dup": "EMFILE", "pipe2": "EMFILE", "clone": "EAGAIN", "fcntl": "EINVAL", "close": "EIO",
          "prctl": "EINVAL", "readlinkat": "EIO"}
QUIET = ("env", f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0")


class Calls(faults.Case):
    def counts(self, run):
        """How often each call is made, and how often before main is reached: the loader's own aren't ours to answer for."""
        trace = self.path("trace")
        rig.run([*QUIET, "strace", "-qq", "-o", trace, *run.argv()], check=0)
        counts, before = {}, None
        with open(trace, errors="replace") as f:
            for line in f:
                name = re.match(r"(\w+)\(", line)
                if not name:
                    continue
                # The last that the loader does.
                if name[1] == "prlimit64" or (name[1] == "munmap" and before is None):
                    before = dict(counts)
                counts[name[1]] = counts.get(name[1], 0) + 1
        return {c: (before or {}).get(c, 0) for c in counts}, counts

    def test_no_crash_and_nothing_lost(self):
        for run in self.runs():
            kept = faults.Kept(run.dev)
            before, counts = self.counts(run)
            kept.back()
            ways = [(call, n, error) for call, errors in ERRORS.items() for error in errors.split()
                    for n in range(before.get(call, 0) + 1, counts.get(call, 0) + 1)]
            self.assertGreater(len(ways), 50)
            for call, n, error in faults.thin(ways, 60 if not run.changes else 14):
                place = f"{call} {n}: {error}"
                done = rig.run([*QUIET, "strace", "-qq", "-o", "/dev/null", f"--trace={call}",
                                f"--inject={call}:error={error}:when={n}", *run.argv()])
                if b"error while loading shared libraries" in done.stderr or done.returncode == 127:
                    continue
                self.ended(done, place)
                if run.changes:
                    self.holds(run, place)
                    kept.back()
            self.holds(run, "at the end")


if __name__ == "__main__":
    rig.unittest.main()
