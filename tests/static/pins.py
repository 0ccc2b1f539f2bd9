#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A source package that isn't the pinned one stops scripts/build-sysroot, which names it; nothing is built of it."""
import os
import re
import shutil

import rig

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CACHE = os.environ.get("LATCHKEY_CACHE", os.path.expanduser("~/.cache/latchkey"))


class Pins(rig.TestCase):
    """A copy of the recipe, and a cache with copies of the source packages."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("scripts"))
        shutil.copy(os.path.join(TOP, "scripts/build-sysroot"), self.path("scripts"))
        shutil.copytree(os.path.join(TOP, "cmake"), self.path("cmake"))
        os.makedirs(self.path("cache/sources"))
        self.pins = "cmake/sysroot/sources"
        self.names = re.findall(r"^[0-9a-f]{64}  (.+)$", self.read(self.pins).decode(), re.M)
        self.assertGreater(len(self.names), 10)
        for name in self.names:
            os.symlink(os.path.join(CACHE, "sources", name), self.path("cache/sources", name))

    def run_it(self, *args, mirror="file:/nonexistent"):
        env = dict(os.environ, LATCHKEY_CACHE=self.path("cache"), LATCHKEY_MIRROR=mirror, TMPDIR=self.tmp)
        return rig.run([self.path("scripts/build-sysroot"), *args], env=env)

    def refused(self, *says):
        done = self.run_it()
        said = done.stderr.decode()
        self.assertEqual(done.returncode, 1, said)
        for word in says:
            self.assertIn(word, said)
        self.assertNotIn("building", said)
        self.assertEqual(done.stdout, b"")
        left = [n for n in os.listdir(self.path("cache/sysroot")) if n != "lock"]
        self.assertEqual(left, [])

    def test_untouched_packages_are_taken(self):
        done = self.run_it("--fetch")
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def test_a_bit_of_any_file(self):
        for name in self.names:
            with self.subTest(name):
                path = self.path("cache/sources", name)
                with open(path, "rb") as f:
                    data = bytearray(f.read())
                data[len(data) // 2] ^= 1
                os.unlink(path)
                self.write(f"cache/sources/{name}", bytes(data))
                self.refused(name, "isn't the file that is pinned")
                os.unlink(path)
                os.symlink(os.path.join(CACHE, "sources", name), path)

    def test_a_changed_checksum(self):
        text = self.read(self.pins).decode()
        digit = text.index(self.names[3]) - 3
        changed = text[:digit] + f"{int(text[digit], 16) ^ 1:x}" + text[digit + 1:]
        self.write(self.pins, changed)
        self.refused(self.names[3], "isn't the file that is pinned")

    def test_a_checksum_that_isnt_one(self):
        text = self.read(self.pins).decode()
        at = text.index(self.names[0])
        self.write(self.pins, text[:at - 4] + text[at - 2:])
        done = self.run_it()
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.names[0], done.stderr.decode())

    def test_a_file_that_is_nowhere(self):
        os.unlink(self.path("cache/sources", self.names[0]))
        self.refused("can't be read")


if __name__ == "__main__":
    rig.unittest.main()
