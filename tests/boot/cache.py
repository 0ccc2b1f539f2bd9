# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the cache of the boot tests: entries named by what went into them, made once, and whole or not at all."""

import fcntl
import functools
import hashlib
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ROOT = Path(os.environ.get("LATCHKEY_CACHE", Path.home() / ".cache" / "latchkey")) / "boot"
KEEP = 3 * 24 * 3600


def say(text):
    """One line of progress, on stderr so that it never mixes with results."""
    print(f"boot: {text}", file=sys.stderr, flush=True)


def run(*argv, **options):
    """Run a program to its end; what it printed is shown only when it fails."""
    options.setdefault("stdin", subprocess.DEVNULL)
    argv = [str(arg) for arg in argv]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)[:300]}: exit {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def digest(*parts):
    """Name for a cache entry: a hash over texts, bytes, functions as they are written, and the names and content of files and folders."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for path in _files(part):
                total.update(b"%s\0%o\0" % (str(path.relative_to(part.parent)).encode(), path.stat().st_mode))
                total.update(hashlib.sha256(path.read_bytes()).digest())
        else:
            # Not the function's code object, whose nested ones show as addresses: another in each run.
            part = inspect.getsource(part) if inspect.isfunction(part) else part
            raw = part if isinstance(part, bytes) else repr(part).encode()
            total.update(hashlib.sha256(raw).digest())
    return total.hexdigest()[:16]


USED = {}  # what the scenario that runs depends on: label to digest


def known(label):
    """Marks a function that says, by a digest, which state something is in that machines are made of. It is asked once a run, so that
    who edits sources meanwhile gets one state of them or the other. label: with the function's arguments in it.
    """
    def mark(function):
        once = functools.cache(function)

        @functools.wraps(function)
        def ask(*args):
            value = once(*args)
            USED[label.format(*args)] = str(value)
            return value
        ASKED[label.split(" ")[0]] = ask
        return ask
    return mark


ASKED = {}


def ask(label):
    """The digest that the label has now."""
    name, *args = label.split(" ")
    return str(ASKED[name](*args))


@known("tree {}")
def tree(name):
    """A file or folder of the source tree."""
    return digest(SOURCE / name)


def _files(path):
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


@contextmanager
def locked(name):
    """Hold the cache's lock of that name; the lock goes when the process does."""
    ROOT.mkdir(parents=True, exist_ok=True)
    with open(ROOT / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_unused():
    """By the time of change, which os.utime sets too; unpacking a Debian sets its folder's time of modification long back."""
    for old in ROOT.iterdir():
        try:
            if old.stat().st_ctime < time.time() - KEEP:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        except FileNotFoundError:
            pass  # another run's doing


def entry(name, key, make):
    """The folder `name-key`, made by make(folder) when it isn't there yet. Entries that nobody used for days go."""
    folder = ROOT / f"{name}-{key}"
    with locked(name):
        if folder.exists():
            os.utime(folder)
            return folder
        say(f"making {folder.name}")
        work = Path(tempfile.mkdtemp(prefix=f"{name}.new.", dir=ROOT))
        try:
            work.chmod(0o755)
            make(work)
            work.rename(folder)
            _forget_unused()
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder
