#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Every header compiles alone, with each compiler that is here."""
import os
import subprocess

import tree

# Where a program's own headers are looked for, besides src.
OWN = {"src/provision/": "src/provision", "tools/host/": "tools/host", "tests/unit/": "tests/unit",
       "tests/fake/": "tests/fake", "tests/fuzz/": "tests/fuzz"}


def flags():
    """Directories of the libraries, where they aren't the compiler's own."""
    out = subprocess.run(["pkg-config", "--cflags", "yaml-0.1", "libcrypto", "tss2-esys", "tss2-fapi",
                          "libcryptsetup", "json-c", "blkid", "libarchive", "cmocka"],
                         stdout=subprocess.PIPE, check=True)
    return out.stdout.decode().split()


class Headers(tree.TestCase):
    def check(self, compiler):
        bad, common = [], flags()
        headers = tree.sources("src/", "tools/", "tests/", endings=(".h",))
        for name in headers:
            argv = [compiler, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                    "-Wno-unused-function", "-fsyntax-only", "-I", "src", *common]
            for place, directory in OWN.items():
                if name.startswith(place):
                    argv += ["-I", directory]
            # Included twice: the guard is tried too.
            text = f'#include "{os.path.join(tree.ROOT, name)}"\n' * 2
            done = subprocess.run(argv + ["-x", "c", "-"], input=text.encode(), cwd=tree.ROOT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                bad.append(f"{name}: {done.stdout.decode(errors='replace')}")
        self.assertGreater(len(headers), 30)
        self.assertNone(bad, f"headers that {compiler} doesn't compile alone")

    def test_with_gcc(self):
        self.check("gcc")

    def test_with_clang(self):
        self.check("clang")

    def test_each_has_the_guard_of_its_path(self):
        bad = []
        for name in tree.sources("src/", "tools/", endings=(".h",)):
            text = tree.read(name)
            word = os.path.basename(name).replace(".", "_").upper()
            first = [line for line in text.splitlines() if line.startswith("#")][:2]
            if (len(first) < 2 or not first[0].startswith("#ifndef LK_") or word not in first[0]
                    or first[1] != first[0].replace("#ifndef", "#define")):
                bad.append(name)
        self.assertNone(bad, "headers without #ifndef LK_..." )


if __name__ == "__main__":
    tree.main()
