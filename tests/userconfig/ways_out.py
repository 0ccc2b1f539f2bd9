#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A try changes nothing outside of its folder, and no configuration leads where the next run can't go on."""
import os
import shutil
import subprocess
import threading
import time
import unittest

import rig
from attack import ALL, Case, manifest
from receiver import STATE, archive, entry, files, spare


class Tries(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = spare(self)

    def outside(self):
        """All of the test's folder but the tried one, and the TPM."""
        found = {}
        for place, _, names in os.walk(self.tmp):
            for path in (os.path.join(place, n) for n in names):
                if not path.startswith((self.dev.root, self.dev.tpm.dir)):
                    with open(path, "rb") as f:
                        found[path] = f.read()
        return found

    def test_a_try_leaves_the_floor_and_the_blob_can_still_be_applied(self):
        blob, before = self.dev.seal(files(a=b"1")), self.outside()
        self.dev.upload(blob)
        self.dev.apply(real=False)
        self.assertEqual(self.dev.get("/opt/a"), b"1")
        self.assertEqual(self.dev.counter(), self.dev.floor)
        self.assertIn("in place as it was signed", self.dev.run("check").stdout.decode())
        self.dev.apply(self.dev.seal(files(a=b"2"), 2), real=False)
        self.dev.run("rollback", real=False)
        self.assertEqual(self.dev.get("/opt/a"), b"1")
        self.assertEqual(self.dev.counter(), self.dev.floor)
        self.assertEqual(self.outside(), before)
        for folder in (STATE, "opt"):
            shutil.rmtree(self.dev.at(folder))
        self.dev.apply(blob)
        self.assertEqual(self.dev.counter(), self.dev.floor + 1)

    def test_raise_floor_is_of_use_with_a_root_alone(self):
        done = rig.run([rig.program("latchkey-userconfig"), "apply", "--raise-floor"], check=2)
        self.assertIn("--root", done.stderr.decode())

    def test_a_dry_run_writes_nothing_at_all(self):
        """Neither on a device that never had a configuration, nor on one that has: no lock, no copy, no folder."""
        self.dev.upload(self.dev.seal(files(a=b"1")))
        for _ in range(2):
            before = self.dev.snapshot(*ALL)
            self.assertIn("/opt/", self.dev.run("apply", "--dry-run").stdout.decode())
            self.assertEqual(self.dev.snapshot(*ALL), before)
            self.dev.apply()
            self.dev.upload(self.dev.seal(files(b=b"2"), 2))


class Settings(rig.TestCase):
    def test_settings_to_edit(self):
        """With all comments taken away they are the defaults; what is there isn't overwritten."""
        dev = spare(self)
        path = dev.at("etc/latchkey/userconfig.yaml")
        rig.run([rig.program("latchkey-userconfig"), "init", "--root", dev.root], check=0)
        dev.run("check")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write("".join(line[1:] if line.startswith("#") and not line.startswith("# ") else line
                            for line in text.splitlines(True)))
        dev.apply(dev.seal(files(a=b"1")))
        done = rig.run([rig.program("latchkey-userconfig"), "init", "--root", dev.root], check=13)
        self.assertIn("userconfig.yaml", done.stderr.decode())
        for key in ("upload-directory", "blob-name", "state-directory", "default-destination", "prefixes", "owners",
                    "groups", "modes", "units", "hooks", "max-blob", "max-total", "max-file", "max-files", "settle",
                    "sequence-step"):
            self.assertIn(f"\n#{key}: ", text)


class Writers(rig.TestCase):
    """Somebody uploads a byte now and then."""

    def setUp(self):
        super().setUp()
        self.dev = spare(self)
        self.dev.settings("max-blob: 64 KiB\n")
        self.go_on = threading.Event()

    def write_slowly(self):
        with open(self.dev.upload_path, "ab", buffering=0) as f:
            f.write(b"x")
            while not self.go_on.wait(0.2):
                f.write(b"x")

    def start(self):
        self.dev.upload(self.dev.seal(files(a=b"slow"), 3))
        writer = threading.Thread(target=self.write_slowly)
        writer.start()
        self.addCleanup(writer.join)
        self.addCleanup(self.go_on.set)
        run = subprocess.Popen([rig.program("latchkey-userconfig"), "apply", "--root", self.dev.root, "--raise-floor",
                                "--tpm", self.dev.tpm.tcti], stderr=subprocess.PIPE)
        self.addCleanup(run.stderr.close)
        line = run.stderr.readline().decode()
        self.assertIn("still being written: waiting", line)
        return run

    def test_the_administrator_goes_first(self):
        run = self.start()
        mine = self.write("mine.lkb", self.dev.seal(files(a=b"mine"), 1))
        self.dev.run("apply", "--blob", mine)
        self.assertEqual(self.dev.get("/opt/a"), b"mine")
        self.assertIsNone(run.poll(), "it still waits")
        self.dev.run("rollback")
        self.assertIsNone(self.dev.get("/opt/a"))
        self.go_on.set()
        self.assertEqual(run.wait(120), 3, "with bytes after its end it is no blob")
        self.assertTrue(self.dev.refused())
        self.assertIsNone(self.dev.get("/opt/a"))
        self.assertEqual(self.dev.counter(), self.dev.floor + 1)

    def test_too_large_ends_it_at_once(self):
        run = self.start()
        began = time.monotonic()
        with open(self.dev.upload_path, "ab") as f:
            f.write(bytes(70000))
        self.assertEqual(run.wait(60), 3)
        self.assertLess(time.monotonic() - began, 50, "it waits no minute for the writer")
        self.assertIn("at most 65536 are allowed (max-blob)", self.dev.refused())
        self.assertEqual(self.dev.counter(), self.dev.floor)

    def test_a_run_that_waits_for_another_says_so(self):
        os.makedirs(self.dev.at(STATE))
        held = subprocess.Popen(["flock", self.dev.at(STATE, "lock"), "sh", "-c", "echo held; sleep 1"],
                                stdout=subprocess.PIPE)
        held.stdout.readline()
        said = self.dev.apply(self.dev.seal(files(a=b"1"))).stderr.decode()
        held.wait()
        held.stdout.close()
        self.assertIn("another run of latchkey-userconfig is under way: waiting", said)
        self.assertEqual(self.dev.get("/opt/a"), b"1")


class ManyUnits(Case):
    SETTINGS = 'units: ["*"]\n'

    def sealed(self, sequence, prefix, n=100):
        """Each file has a unit for a restart and one for a reload."""
        lines = (f"path: {prefix}{i}, destination: /opt/{prefix}{i}, restart: [{prefix}{i}.service], "
                 f"reload: [{prefix}r{i}.service]" for i in range(n))
        return self.dev.seal(archive(manifest(*lines), *(entry(f"{prefix}{i}", b"%d" % sequence) for i in range(n))),
                             sequence)

    def test_units_of_two_manifests_together(self):
        """More than any table has room for, in the old and the new one: applied, rolled back, and finished after a cut."""
        self.dev.apply(self.sealed(2, "a"))
        done = self.dev.apply(self.sealed(3, "b"))
        self.assertIn("400 units concerned", done.stderr.decode())
        self.assertEqual(self.dev.counter(), self.dev.floor + 3)
        self.dev.run("rollback")
        self.dev.run("check")
        with open(self.dev.at(STATE, "pending.json"), "w") as f:
            f.write('{"stage":"settle","from":%d,"to":%d}' % (self.dev.floor + 3, self.dev.floor + 2))
        self.dev.apply(self.sealed(4, "c", 140))
        self.assertFalse(self.dev.status()["unfinished"])
        self.assertEqual(self.dev.get("/opt/c139"), b"4")


if __name__ == "__main__":
    unittest.main()
