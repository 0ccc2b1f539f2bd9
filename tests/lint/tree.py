# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what lint checks share: the sources of the tree and what is built of them."""
import functools
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("LATCHKEY_BUILD", os.path.join(ROOT, "build"))
PROGRAMS = {"latchkey": "tools/host/latchkey", "latchkey-unseal": "src/unseal/latchkey-unseal",
            "latchkey-provision": "src/provision/latchkey-provision",
            "latchkey-userconfig": "src/userconfig/latchkey-userconfig",
            "latchkey-attest": "src/attest/latchkey-attest", "latchkey-verifier": "src/verifier/latchkey-verifier"}


def from_git():
    """Files that git knows, or would take; None without git or its folder, as in a release tarball."""
    try:
        out = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        return None
    return out.stdout.decode().split("\0") if out.returncode == 0 else None


def from_disk():
    """The same by what lies there: all but what builds leave."""
    found = []
    for directory, dirs, files in os.walk(ROOT):
        top = directory == ROOT
        dirs[:] = [d for d in dirs if d != "__pycache__" and (d == ".ci" or not (top and d.startswith((".", "build"))))]
        found += [os.path.relpath(os.path.join(directory, f), ROOT) for f in files if not (top and f == ".git")]
    return found


@functools.cache
def committed():
    """The files of the tree."""
    names = from_git()
    return sorted(n for n in set(from_disk() if names is None else names) if n and os.path.isfile(os.path.join(ROOT, n)))


def sources(*places, endings=(".c", ".h")):
    """C files under any of @places."""
    return [n for n in committed() if n.endswith(endings) and n.startswith(places)]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def includes(name):
    """(line, what) of each include."""
    for number, line in enumerate(read(name).splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if m:
            yield number, m.group(1)


def programs():
    """Name and path of each program that is built."""
    for name, path in PROGRAMS.items():
        full = os.path.join(BUILD, path)
        if os.path.exists(full):
            yield name, full


def objects():
    """(source, object file) of each C source of the programs that was compiled."""
    found = {}
    for top in ("src", "tools"):
        for directory, _, files in os.walk(os.path.join(BUILD, top)):
            for name in files:
                if name.endswith(".c.o"):
                    path = os.path.join(directory, name)
                    source = re.sub(r"CMakeFiles/[^/]*\.dir/(?:__/)*", "", os.path.relpath(path, BUILD))[:-2]
                    found.setdefault(source, path)
    return sorted((s, p) for s, p in found.items() if os.path.exists(os.path.join(ROOT, s)))


class TestCase(unittest.TestCase):
    maxDiff = None

    def assertNone(self, found, rule):
        """Fails with every place at once."""
        if found:
            self.fail(f"{rule}:\n  " + "\n  ".join(found))


def main():
    sys.dont_write_bytecode = True
    unittest.main()
