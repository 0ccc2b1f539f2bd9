#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A device with two slots: each root has a state directory of its own, so that configuration goes back with its slot (latchkey-slots(7))."""
import os
import shutil
import unittest

import rig
from attack import Case
from receiver import STATE, UPLOAD, files


class Slots(Case):
    """Slot A is configured; slot B was just written, and has none."""

    def setUp(self):
        super().setUp()
        self.a = self.dev.root
        self.b = self.path("b")
        shutil.copytree(self.a, self.b, symlinks=True)
        self.one, self.two, self.three = (self.dev.seal(files(app__conf=word), n) for n, word in ((2, b"one"), (3, b"two"), (4, b"three")))
        self.apply(self.a, self.one)

    def apply(self, slot, blob=None, check=0, real=True):
        self.dev.root = slot
        return self.dev.apply(blob, check=check, real=real)

    def reads(self, slot, word):
        self.dev.root = slot
        self.assertEqual(self.dev.get("/opt/app/conf"), word)
        if word != b"running":
            self.dev.run("check")

    def carry_over(self):
        """As the page has it: the state directory is copied, and its blob uploaded again."""
        shutil.rmtree(os.path.join(self.b, STATE), ignore_errors=True)
        os.makedirs(os.path.dirname(os.path.join(self.b, STATE)), exist_ok=True)
        rig.run(["cp", "-a", os.path.join(self.a, STATE), os.path.join(self.b, STATE)], check=0)
        shutil.copy(os.path.join(self.b, STATE, "current", "blob"), os.path.join(self.b, UPLOAD, "config.lkb"))

    def test_what_one_slot_was_sent_the_other_one_has_not(self):
        """And a boot of the old slot is as it was, though the TPM's floor is above it."""
        self.reads(self.b, b"running")
        self.apply(self.b, self.two)
        self.reads(self.b, b"two")
        before = self.dev.counter()
        for _ in range(2):
            self.apply(self.a)
            self.reads(self.a, b"one")
        self.assertEqual(self.dev.counter(), before)
        self.reads(self.b, b"two")

    def test_a_new_slot_takes_over_what_the_old_one_has(self):
        before = self.dev.counter()
        self.carry_over()
        self.apply(self.b)
        self.reads(self.b, b"one")
        self.assertEqual(self.dev.counter(), before)
        self.reads(self.a, b"one")
        self.apply(self.b, self.two)
        self.reads(self.b, b"two")
        self.reads(self.a, b"one")

    def test_both_take_the_same_blob_the_other_slot_first(self):
        """Tried on the other root it leaves the floor, and so can be taken by the running one."""
        self.carry_over()
        self.apply(self.b)
        self.apply(self.b, self.two, real=False)
        self.apply(self.a, self.two)
        self.reads(self.a, b"two")
        self.reads(self.b, b"two")

    def test_after_going_back_only_a_newer_one_is_taken(self):
        self.apply(self.b, self.two)
        self.apply(self.a, self.two, check=5)
        self.reads(self.a, b"one")
        self.assertIn("floor", self.dev.refused())
        self.apply(self.a, self.three)
        self.reads(self.a, b"three")
        self.reads(self.b, b"two")


if __name__ == "__main__":
    unittest.main()
