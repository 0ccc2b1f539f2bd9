#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""scripts/build-sysroot stops, names what is wrong and builds nothing: source packages that aren't the pinned ones or aren't to be
had, a mirror out of reach, an interruption. No mirror is asked but for what the cache lacks."""
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time

import rig

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CACHE = os.environ.get("LATCHKEY_CACHE", os.path.expanduser("~/.cache/latchkey"))
NOWHERE = "file:/nonexistent"
# Stands in for apt-get: its mirror is the folder $FILES, which may lack a package.
APT = """#!/bin/sh
case "$*" in
*update*) exit 0 ;;
esac
for name; do :; done
name=${name%%=*}
ls "$FILES/$name"_* > /dev/null 2>&1 || { echo "E: Unable to find a source package for $name"; exit 100; }
cp "$FILES/$name"_* .
"""


def setUpModule():
    rig.run([os.path.join(TOP, "scripts/build-sysroot"), "--fetch"], timeout=600, check=0)


class Case(rig.TestCase):
    """A copy of the recipe, and a cache with the source packages."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("scripts"))
        shutil.copy(os.path.join(TOP, "scripts/build-sysroot"), self.path("scripts"))
        shutil.copytree(os.path.join(TOP, "cmake"), self.path("cmake"))
        os.makedirs(self.path("cache/sysroot"))
        self.pins = "cmake/sysroot/sources"
        self.names = re.findall(r"^[0-9a-f]{64}  (.+)$", self.read(self.pins).decode(), re.M)
        self.assertGreater(len(self.names), 10)
        self.link_files("cache/sources")

    def link_files(self, folder):
        os.makedirs(self.path(folder))
        for name in self.names:
            os.symlink(os.path.join(CACHE, "sources", name), self.path(folder, name))

    def start(self, *args, **env):
        env = {**os.environ, "LATCHKEY_CACHE": self.path("cache"), "LATCHKEY_MIRROR": NOWHERE, **env}
        return subprocess.Popen([self.path("scripts/build-sysroot"), *args], env=env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)

    def run_it(self, *args, **env):
        process = self.start(*args, **env)
        out, said = process.communicate(timeout=120)
        return process.returncode, out, said.decode()

    def refused(self, *says, **env):
        code, out, said = self.run_it(**env)
        self.assertEqual(code, 1, said)
        for word in says:
            self.assertIn(word, said)
        self.assert_nothing_built(out, said)

    def assert_nothing_built(self, out, said):
        self.assertNotIn("building", said)
        self.assertEqual(out, b"")
        self.assertEqual([n for n in os.listdir(self.path("cache/sysroot")) if n != "lock"], [])

    def spoil(self, folder, name):
        path = self.path(folder, name)
        with open(path, "rb") as f:
            data = bytearray(f.read())
        data[len(data) // 2] ^= 1
        os.unlink(path)
        self.write(os.path.join(folder, name), bytes(data))


class Cached(Case):
    def test_untouched_packages_are_taken(self):
        code, _, said = self.run_it("--fetch")
        self.assertEqual(code, 0, said)

    def test_a_bit_of_any_file(self):
        for name in self.names:
            with self.subTest(name):
                self.spoil("cache/sources", name)
                self.refused(f"{name} isn't the file that is pinned", "nothing was built", "delete it")
                os.unlink(self.path("cache/sources", name))
                os.symlink(os.path.join(CACHE, "sources", name), self.path("cache/sources", name))

    def test_a_changed_checksum(self):
        text = self.read(self.pins).decode()
        digit = text.index(self.names[3]) - 3
        self.write(self.pins, text[:digit] + f"{int(text[digit], 16) ^ 1:x}" + text[digit + 1:])
        self.refused(f"{self.names[3]} isn't the file that is pinned")

    def test_a_checksum_that_isnt_one(self):
        text = self.read(self.pins).decode()
        at = text.index(self.names[0])
        self.write(self.pins, text[:at - 4] + text[at - 2:])
        self.refused("cmake/sysroot/sources, line", self.names[0])


class Fetched(Case):
    """One file isn't in the cache."""

    def setUp(self):
        super().setUp()
        self.missing = next(n for n in self.names if n.startswith("openssl") and n.endswith("orig.tar.gz"))
        os.unlink(self.path("cache/sources", self.missing))

    def apt(self):
        os.mkdir(self.path("bin"))
        os.chmod(self.write("bin/apt-get", APT), 0o755)
        self.link_files("mirror")
        return {"PATH": self.path("bin") + ":" + os.environ["PATH"], "FILES": self.path("mirror"), "LATCHKEY_MIRROR": "http://a.mirror"}

    def test_a_mirror_that_isnt_there(self):
        self.refused(NOWHERE, "can't be read", self.path("cache/sources"))

    def test_a_mirror_that_doesnt_answer(self):
        self.refused("http://127.0.0.1:9/debian", "can't be read", LATCHKEY_MIRROR="http://127.0.0.1:9/debian")

    def test_a_mirror_that_has_another_version(self):
        env = self.apt()
        for name in self.names:
            if name.startswith("openssl"):
                os.unlink(self.path("mirror", name))
        version = re.search(r"^package openssl (.+)$", self.read(self.pins).decode(), re.M)[1]
        self.refused(f"openssl {version} can't be fetched from http://a.mirror", "Unable to find a source package for openssl",
                     "snapshot", **env)

    def test_a_mirror_that_serves_another_file(self):
        env = self.apt()
        self.spoil("mirror", self.missing)
        self.refused(f"{self.missing} isn't the file that is pinned", **env)
        self.assertFalse(os.path.lexists(self.path("cache/sources", self.missing)))

    def test_a_mirror_that_serves_what_is_pinned(self):
        code, _, said = self.run_it("--fetch", **self.apt())
        self.assertEqual(code, 0, said)
        self.assertTrue(os.path.exists(self.path("cache/sources", self.missing)))


class Runs(Case):
    def test_an_interrupted_one_leaves_nothing(self):
        process = self.start()
        self.wait_for(self.path("cache", "sysroot", "work", "src", "musl", "configure"))
        os.killpg(process.pid, signal.SIGINT)
        out, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("interrupted", said.decode())
        self.assert_nothing_built(out, said.decode())

    def test_a_killed_one_doesnt_bar_the_next(self):
        process = self.start()
        self.wait_for(self.path("cache", "sysroot", "work", "src", "musl"))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        self.assertTrue(os.path.exists(self.path("cache/sysroot/work")))
        code, _, said = self.run_it("--fetch")
        self.assertEqual(code, 0, said)
        self.assertFalse(os.path.exists(self.path("cache/sysroot/work")))

    def test_the_second_of_two_waits(self):
        with open(self.path("cache/sysroot/lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = self.start("--fetch")
            self.assertIn(b"waiting for another run", process.stderr.readline())
            self.assertIsNone(process.poll())
            self.assertFalse(os.path.exists(self.path("cache/sysroot/work")))
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)

    def wait_for(self, path):
        for _ in range(6000):
            if os.path.exists(path):
                return
            time.sleep(0.01)
        self.fail(f"{path} never came")

    def test_a_path_that_tools_would_take_apart(self):
        self.refused("letters, digits", LATCHKEY_CACHE=self.path("a cache"))
        self.assertFalse(os.path.exists(self.path("a cache")))

    def test_a_tool_that_isnt_installed(self):
        os.mkdir(self.path("few"))
        for name in ("sh", "dirname", "gcc", "sed", "env"):
            os.symlink(shutil.which(name), self.path("few", name))
        self.refused("not installed:", "ninja", "scripts/packages static", PATH=self.path("few"))


if __name__ == "__main__":
    rig.unittest.main()
