#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The power goes at every step that changes a file system, and after every TPM command: the old or the new, whole."""
import os
import shutil
import unittest

import rig
from attack import BLOB, changing_calls, inject, manifest
from device import copy_tree
from proxy import Proxy
from receiver import STATE, archive, entry, spare

DESTINATIONS = ("opt/conf", "opt/deep/er/conf", "opt/deep/new", "opt/secret", "opt/second", "opt/kept")
VOLATILE = 'path: secret, destination: /opt/secret, mode: "0600", volatile: true'


def one(secret=b"s1"):
    return archive(manifest(VOLATILE), entry("conf", b"one" * 5000), entry("deep/er/conf", b"deep one"),
                   entry("deep/new", b"new one"), entry("secret", secret), entry("kept", b"same"))


def two():
    return archive(manifest(VOLATILE), entry("conf", b"two" * 7000), entry("second", b"second"),
                   entry("secret", b"s2"), entry("kept", b"same"))


class Cut(rig.TestCase):
    """A device as it is before a run is kept, and put back for each cut."""

    def setUp(self):
        super().setUp()
        self.dev = spare(self)
        os.makedirs(self.dev.at("opt/deep/er"))
        for name, text in (("conf", "factory"), ("deep/er/conf", "deep factory" * 9000)):
            with open(self.dev.at("opt", name), "w") as f:
                f.write(text)
        os.chmod(self.dev.at("opt/conf"), 0o640)
        os.chown(self.dev.at("opt/conf"), 1234, 1234)

    def keep(self):
        self.dev.tpm.stop()
        copy_tree(self.dev.tpm.dir, self.path("kept-tpm"))
        shutil.rmtree(self.path("kept-root"), ignore_errors=True)
        shutil.copytree(self.dev.root, self.path("kept-root"), symlinks=True)
        for place, dirs, names in os.walk(self.dev.root):
            for name in dirs + names:
                st = os.lstat(os.path.join(place, name))
                os.chown(os.path.join(self.path("kept-root"), os.path.relpath(os.path.join(place, name), self.dev.root)),
                         st.st_uid, st.st_gid, follow_symlinks=False)
        self.dev.tpm.start()

    def back(self):
        self.dev.tpm.stop()
        copy_tree(self.path("kept-tpm"), self.dev.tpm.dir)
        shutil.rmtree(self.dev.root)
        rig.run(["cp", "-a", self.path("kept-root"), self.dev.root], check=0)
        self.dev.tpm.start()

    def view(self):
        """What each destination shows: its content, mode and owner."""
        seen = []
        for name in DESTINATIONS:
            data = self.dev.get(name)
            st = os.stat(self.dev.at(name)) if data is not None else None
            seen.append(st and (data, st.st_mode, st.st_uid, st.st_gid))
        return seen

    def litter(self):
        """Names that only a run under way may have."""
        found = []
        for folder in ("opt", "home", STATE):
            for place, dirs, names in os.walk(self.dev.at(folder)):
                found += [os.path.join(place, n) for n in dirs + names
                          if n.startswith(".") or n == "pending.json" or ".refused" in n]
        return found

    def finish(self):
        self.dev.apply()

    def each_cut(self, argv, new, floor):
        """Cut at each call: before it is made, and thereby after the one before."""
        self.keep()
        old = self.view()
        places = changing_calls(self.dev, *argv)
        self.assertEqual(self.view(), new)
        shown = {"old": 0, "new": 0}
        for call, when in places:
            with self.subTest(call=call, when=when):
                self.back()
                done = self.dev.run(*argv, check=None, prefix=inject(call, when, "signal=SIGKILL"))
                self.assertIn(done.returncode, (-9, 137), done.stderr)
                between = self.view()
                self.assertIn(between, (old, new), "a mix")
                shown["new" if between == new else "old"] += 1
                self.finish()
                self.whole(new, floor)
        print(f"\n{self.id()}: {len(places)} cuts, {shown} right after", flush=True)
        self.assertGreater(shown["old"], 0)
        self.assertGreater(shown["new"], 0)

    def whole(self, new, floor):
        self.assertEqual(self.view(), new)
        self.assertEqual(self.litter(), [])
        self.assertFalse(os.path.lexists(self.dev.upload_path))
        self.assertEqual(self.dev.counter(), floor)
        generations = os.listdir(self.dev.at(STATE, "generations"))
        volatile = os.path.join(self.dev.root, "run/latchkey/userconfig")
        kept = {os.path.basename(os.readlink(self.dev.at(STATE, w))) for w in ("current", "previous")}
        self.assertEqual(set(generations), kept | {f"{0:020}"})
        self.assertLessEqual({n.split(".")[0] for n in os.listdir(volatile)}, kept)


class Syscalls(Cut):
    def shows(self, blobs):
        """The view when it is applied without a cut."""
        self.keep()
        for blob in blobs:
            self.dev.apply(blob)
        view = self.view()
        self.back()
        return view

    def test_first_apply(self):
        blob = self.dev.seal(one())
        new = self.shows([blob])
        self.dev.upload(blob)
        self.each_cut(("apply",), new, self.dev.floor + 1)

    def test_second_apply(self):
        self.dev.apply(self.dev.seal(one()))
        blob = self.dev.seal(two(), 2)
        new = self.shows([blob])
        self.dev.upload(blob)
        self.each_cut(("apply",), new, self.dev.floor + 2)

    def test_roll_back(self):
        self.dev.apply(self.dev.seal(one()))
        new = self.view()
        self.dev.apply(self.dev.seal(two(), 2))
        self.finish = lambda: self.dev.apply() if self.view() == new else self.dev.run("rollback")
        self.each_cut(("rollback",), new, self.dev.floor + 2)


class Commands(Cut):
    def test_after_each_tpm_command(self):
        """The TPM goes silent, and the machine with it."""
        for form in (None, "sealed"):
            if form:
                self.dev.tpm.stop()
                shutil.rmtree(self.tmp)
                os.mkdir(self.tmp)
                self.dev = spare(self, form=form)
            self.dev.apply(self.dev.seal(one()))
            self.dev.upload(self.dev.seal(two(), 4))
            self.keep()
            old = self.view()
            bus = Proxy(self, self.dev.tpm)
            self.dev.apply(tcti=bus.tcti)
            new, commands = self.view(), len(bus.names)
            bus.close()
            for n in range(commands + 1):
                with self.subTest(form=form, commands=n):
                    self.back()
                    self.cut_after(n, old, new)
            print(f"\n{form or 'cipher'}: {commands} TPM commands, each cut", flush=True)

    def cut_after(self, n, old, new):
        count = [0]

        def on_command(_name, _command):
            count[0] += 1
            if count[0] > n:
                raise OSError("power")

        bus = Proxy(self, self.dev.tpm, on_command)
        self.dev.apply(tcti=bus.tcti, check=None)
        bus.close()
        self.assertIn(self.view(), (old, new), "a mix")
        self.assertIsNone(self.dev.refused())
        self.dev.apply()
        self.whole(new, self.dev.floor + 4)


class Boots(Cut):
    def test_rolled_back_after_a_boot_with_volatile_files(self):
        """They are decrypted again before the switch: nothing is missing for a moment."""
        self.dev.apply(self.dev.seal(one()))
        new = self.view()
        self.dev.apply(self.dev.seal(two(), 2))
        shutil.rmtree(self.dev.at("run/latchkey"))
        self.dev.apply()
        old = self.view()
        done = self.dev.run("rollback", tcti="swtpm:host=127.0.0.1,port=1", check=4)
        self.assertNotIn("finishing", done.stderr.decode())
        self.assertEqual(self.view(), old)
        self.dev.run("rollback")
        self.assertEqual(self.view(), new)

    def test_an_original_that_was_copied_in_part_is_not_taken_for_whole(self):
        """Another configuration comes after the cut, which has nothing for that place."""
        self.dev.upload(self.dev.seal(one()))
        self.keep()
        whole = self.view()
        for call, when in (c for c in changing_calls(self.dev, "apply") if c[0] in ("write", "renameat", "symlinkat")):
            self.back()
            self.dev.run("apply", check=None, prefix=inject(call, when, "signal=SIGKILL"))
            if self.view() != whole:
                break
            self.dev.apply(self.dev.seal(archive(entry("other", b"x")), 2))
            self.assertEqual(self.view(), whole, (call, when))
            self.dev.run("rollback")
            self.assertEqual(self.view(), whole, (call, when))

    def test_an_upload_that_was_moved_away_is_one_again(self):
        moved = os.path.join(os.path.dirname(self.dev.at(BLOB)), ".latchkey-0123456789abcdef")
        blob = self.dev.seal(archive(entry("second", b"x")))
        with open(moved, "wb") as f:
            f.write(blob)
        with open(moved + ".txt", "w") as f:
            f.write("cut")
        self.dev.apply()
        self.assertEqual(self.dev.get("opt/second"), b"x")
        self.assertEqual(self.litter(), [])

    def test_a_newer_upload_goes_before_one_that_was_moved_away(self):
        moved = os.path.join(os.path.dirname(self.dev.at(BLOB)), ".latchkey-0123456789abcdef")
        with open(moved, "wb") as f:
            f.write(self.dev.seal(archive(entry("second", b"old"))))
        self.dev.apply(self.dev.seal(archive(entry("second", b"new"))))
        self.assertEqual(self.dev.get("opt/second"), b"new")
        self.assertEqual(self.litter(), [])


if __name__ == "__main__":
    unittest.main()
