# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The C sources are as clang-format 14 leaves them; other versions differ in details."""
import subprocess

import tree


class Format(tree.TestCase):
    def test_c_is_as_clang_format_has_it(self):
        names = tree.sources("src/", "tools/", "tests/", "bench/")
        done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *names], cwd=tree.ROOT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        places = sorted({line.split(": error")[0].rsplit(":", 1)[0]
                         for line in done.stderr.decode().splitlines() if ": error" in line})
        self.assertNone(places, "clang-format would change these")


if __name__ == "__main__":
    tree.main()
