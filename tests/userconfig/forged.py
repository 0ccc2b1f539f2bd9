#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Whoever writes the state directory can bring back what this device had: not count its floor up, not write elsewhere."""
import json
import os
import shutil
import unittest

import rig
from attack import Case
from receiver import STATE, files


class State(Case):
    """Two configurations were applied; the second is in place."""

    def setUp(self):
        super().setUp()
        self.dev.apply(self.dev.seal(files(app__conf=b"second"), 2))
        self.outside = self.path("outside")
        os.mkdir(self.outside)
        self.write("outside/file", "untouched")

    def state(self, *parts):
        return self.dev.at(STATE, *parts)

    def generation(self, n, *parts):
        return self.state("generations", f"{self.dev.floor + n:020}", *parts)

    def pending(self, **fields):
        with open(self.state("pending.json"), "w") as f:
            json.dump({"stage": "settle", "from": self.dev.floor + 1, "to": self.dev.floor + 2, **fields}, f)

    def point(self, which, to):
        os.unlink(self.state(which))
        os.symlink(to, self.state(which))

    def harmless(self, floor=2):
        self.assertEqual(self.dev.counter(), self.dev.floor + floor)
        self.assertEqual(self.read("outside/file"), b"untouched")
        self.assertEqual(os.listdir(self.outside), ["file"])

    def heals(self, sequence=3):
        """A new blob gets in, and then all is well."""
        self.dev.apply(self.dev.seal(files(app__conf=b"third"), sequence), check=None)
        self.assertEqual(self.dev.get("opt/app/conf"), b"third")
        self.dev.run("check")
        self.assertFalse(self.dev.status()["unfinished"])
        self.harmless(sequence)

    def test_a_change_to_a_huge_sequence(self):
        """There is no blob of it, or it isn't signed, or it is another's: the floor stays."""
        huge = (1 << 63) + 5
        folder = self.state("generations", f"{huge:020}")
        for name, blob, code in (("none", None, 11), ("garbage", os.urandom(400), 3),
                                 ("ours of another sequence", self.read_blob(2), 5),
                                 ("another key's", self.theirs(huge - self.dev.floor), 5)):
            with self.subTest(name):
                shutil.copytree(self.generation(2), folder)
                os.unlink(folder + "/blob")
                if blob is not None:
                    with open(folder + "/blob", "wb") as f:
                        f.write(blob)
                self.pending(to=huge)
                self.point("current", f"generations/{huge:020}")
                done = self.dev.apply(check=code)
                self.assertIn("taken back", done.stderr.decode())
                self.harmless()
                self.assertFalse(os.path.exists(folder))
                self.assertEqual(os.readlink(self.state("current")), f"generations/{self.dev.floor + 1:020}")
                self.dev.run("rollback", check=None)
                self.point("current", f"generations/{self.dev.floor + 1:020}")
                if not os.path.exists(self.generation(2)):
                    shutil.copytree(self.generation(1), self.generation(2))
        self.heals()

    def read_blob(self, n):
        with open(self.generation(n, "blob"), "rb") as f:
            return f.read()

    def theirs(self, sequence):
        rig.run([rig.program("latchkey"), "keygen", self.path("theirs")], check=0)
        return self.dev.seal(files(app__conf=b"evil"), sequence, key=self.path("theirs", "policy-key.pem"))

    def test_a_signed_blob_that_was_never_applied(self):
        """It is one of ours, and above the floor: as if it had been uploaded."""
        shutil.copytree(self.generation(2), self.generation(9))
        with open(self.generation(9, "blob"), "wb") as f:
            f.write(self.dev.seal(files(app__conf=b"ninth"), 9))
        self.pending(to=self.dev.floor + 9)
        self.point("current", f"generations/{self.dev.floor + 9:020}")
        self.dev.apply()
        self.harmless(9)

    def test_another_devices_blob(self):
        with open(self.generation(2, "blob"), "wb") as f:
            f.write(self.dev.seal(files(app__conf=b"second"), 2, target=os.urandom(32)))
        self.assertIn("for another device", self.dev.run("check", check=5).stderr.decode())
        self.pending()
        self.assertIn("for another device", self.dev.apply(check=5).stderr.decode())
        self.harmless()
        self.assertEqual(self.dev.get("opt/app/conf"), b"running")
        self.heals()

    def spoil(self, path, text):
        with open(path, "w") as f:
            f.write(text)
        self.assertIn(os.path.basename(path), self.dev.run("status", check=None).stderr.decode())
        done = self.dev.apply(check=None)
        self.assertIn(os.path.basename(path), done.stderr.decode())
        self.harmless()
        self.assertEqual(self.dev.get("opt/app/conf"), b"second")
        return done.returncode

    def test_a_change_that_can_not_be_read(self):
        """What is in place is in place; nothing bars the next one."""
        for text in ("", "{", "[]", "\0", '{"stage":"settle"}', '{"stage":"boom","from":1,"to":2}',
                     '{"stage":"settle","from":-1,"to":2}', '{"stage":"settle","from":1,"to":1e30}',
                     '{"stage":"settle","from":1,"to":18446744073709551616}', "x" * 400000):
            with self.subTest(text[:60]):
                self.assertEqual(self.spoil(self.state("pending.json"), text), 0)
                self.assertFalse(self.dev.status()["unfinished"])
        os.symlink(self.outside, self.state("pending.json"))
        self.dev.apply()
        self.harmless()
        self.heals()

    def test_a_record_that_can_not_be_read(self):
        for text in ("", "{", "[]", '{"sequence":"x"}', "x" * 400000):
            with self.subTest(text[:60]):
                self.assertEqual(self.spoil(self.generation(2, "record.json"), text), 3)
        self.heals()

    def test_a_bad_record_or_manifest_does_not_bar_the_next_configuration(self):
        for name in ("record.json", "manifest.yaml"):
            with open(self.generation(2, name), "w") as f:
                f.write("{")
        self.heals()

    def test_current_points_elsewhere(self):
        """Nobody follows it; the next blob takes it out, says so, and gets in."""
        sequence = 3
        for target in ("/etc", self.outside, "../../../../opt", "generations/../../x", "generations/1", "generations",
                       f"generations/{1 << 64:020}", f"generations/{self.dev.floor + 2:020}/tree"):
            with self.subTest(target):
                self.point("current", target)
                for command in ("status", "check"):
                    self.assertEqual(self.dev.run(command, check=None).returncode, 3, command)
                content = f"{sequence}".encode()
                self.dev.upload(self.dev.seal(files(app__conf=content), sequence))
                self.assertIn("/current: damaged", self.dev.apply().stderr.decode())
                self.assertIsNone(self.dev.refused(), "it isn't the blob's fault")
                self.assertEqual(self.dev.get("opt/app/conf"), content)
                self.harmless(sequence)
                sequence += 1
        self.heals(sequence)

    def test_current_points_to_what_is_not_there(self):
        self.point("current", f"generations/{77:020}")
        self.heals()
        self.dev.run("rollback")
        self.assertIsNone(self.dev.get("opt/app/conf"))

    def test_links_in_place_of_folders(self):
        """Nobody goes through them: the blob gets in, or waits for somebody to look."""
        sequence = 3
        for name in ("generations", "generations/.new", "generations/LAST", "generations/LAST/tree", f"generations/{0:020}/tree"):
            with self.subTest(name):
                place = self.state(name.replace("LAST", f"{self.dev.floor + sequence - 1:020}"))
                kept = self.path("kept-" + name.replace("/", "-"))
                if os.path.lexists(place):
                    os.rename(place, kept)
                os.symlink(self.outside, place)
                content = f"{sequence}".encode()
                self.dev.upload(self.dev.seal(files(app__conf=content), sequence))
                self.dev.apply(check=None)
                self.assertIsNone(self.dev.refused(), "it isn't the blob's fault")
                if self.dev.counter() == self.dev.floor + sequence:
                    self.assertEqual(self.dev.get("opt/app/conf"), content)
                    self.harmless(sequence)
                    sequence += 1
                    continue
                self.harmless(sequence - 1)
                if os.path.lexists(place):
                    os.unlink(place)
                if os.path.exists(kept):
                    os.rename(kept, place)
        # What the last one lost is told of once.
        self.dev.apply(check=None)
        self.heals(self.dev.counter() - self.dev.floor + 1)

    def test_a_state_directory_that_is_a_link(self):
        os.rename(self.state(), self.path("kept"))
        os.symlink(self.outside, self.state())
        self.dev.upload(self.dev.seal(files(app__conf=b"third"), 3))
        self.assertIn("symbolic link", self.dev.apply(check=13).stderr.decode())
        self.assertIsNone(self.dev.refused())
        self.harmless()

    def test_the_lock_is_a_link(self):
        """It isn't followed, and no longer in the way."""
        os.unlink(self.state("lock"))
        os.symlink(self.outside + "/lock", self.state("lock"))
        self.assertIn("/lock: damaged", self.dev.apply().stderr.decode())
        self.harmless()
        self.heals()

    def test_a_tree_with_more_in_it(self):
        """A file that the blob didn't bring is a finding, and nothing is put outside of the prefixes for it."""
        os.makedirs(self.generation(2, "tree/etc"))
        with open(self.generation(2, "tree/etc/evil"), "w") as f:
            f.write("x")
        self.assertIn("/etc/evil", self.dev.run("check", check=11).stderr.decode())
        self.dev.run("rollback")
        self.dev.run("rollback", check=None)
        self.assertFalse(os.path.lexists(self.dev.at("etc/evil")), "outside of the prefixes")

    def test_a_tree_with_links_and_devices_in_it(self):
        tree = self.generation(1, "tree/opt")
        os.symlink(self.outside, tree + "/link")
        os.mkfifo(tree + "/fifo")
        self.dev.run("rollback", check=None)
        self.dev.apply(check=None)
        self.harmless()
        self.heals()


if __name__ == "__main__":
    unittest.main()
