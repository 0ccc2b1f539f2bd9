#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A file that becomes a folder, a folder that becomes a file, and folders that are left empty."""
import os
import unittest

from attack import Case
from cuts import Cut
from receiver import archive, entry, files


class Turns(Case):
    """app/conf is in place."""

    def links(self, folder="opt"):
        """Every link below the folder, and every folder."""
        found = {}
        for place, dirs, names in os.walk(self.dev.at(folder)):
            for name in dirs + names:
                path = os.path.join(place, name)
                found[os.path.relpath(path, self.dev.root)] = os.path.islink(path)
        return found

    def test_a_file_becomes_a_folder_and_back(self):
        self.dev.apply(self.dev.seal(files(app__conf__deep__x=b"x", app__conf__y=b"y"), 2))
        self.assertEqual((self.dev.get("opt/app/conf/deep/x"), self.dev.get("opt/app/conf/y")), (b"x", b"y"))
        self.assertEqual(self.links(), {"opt/app": False, "opt/factory": False, "opt/app/conf": False,
                                        "opt/app/conf/deep": False, "opt/app/conf/deep/x": True, "opt/app/conf/y": True})
        self.dev.run("check")
        self.dev.apply(self.dev.seal(files(app__conf=b"a file again"), 3))
        self.assertEqual(self.dev.get("opt/app/conf"), b"a file again")
        self.assertEqual(self.links(), {"opt/app": False, "opt/factory": False, "opt/app/conf": True})
        self.dev.run("check")
        for _ in range(2):
            self.dev.run("rollback")
            self.assertEqual(self.dev.get("opt/app/conf/deep/x"), b"x")
            self.dev.run("check")
            self.dev.run("rollback")
            self.assertEqual(self.dev.get("opt/app/conf"), b"a file again")
            self.dev.run("check")
        self.dev.apply(self.dev.seal(files(app=b"the folder above"), 4))
        self.assertEqual(self.links(), {"opt/app": True, "opt/factory": False})
        self.dev.apply(self.dev.seal(files(app__conf__z=b"z"), 5))
        self.assertEqual(self.dev.get("opt/app/conf/z"), b"z")
        self.dev.run("check")

    def test_folders_that_were_made_go_with_the_last_file(self):
        os.mkdir(self.dev.at("opt/admins"))
        self.dev.apply(self.dev.seal(files(a__b__c__one=b"1", a__two=b"2", admins__x=b"x"), 2))
        self.dev.apply(self.dev.seal(files(a__two=b"2"), 3))
        self.assertEqual(self.links(), {"opt/admins": False, "opt/factory": False, "opt/a": False, "opt/a/two": True})
        self.dev.apply(self.dev.seal(files(a=b"a file"), 4))
        self.assertEqual(self.dev.get("opt/a"), b"a file")
        self.dev.apply(self.dev.seal(files(other=b"o"), 5))
        self.assertEqual(self.links(), {"opt/admins": False, "opt/factory": False, "opt/other": True})

    def test_a_folder_with_something_of_others_in_it_stays(self):
        self.dev.apply(self.dev.seal(files(a__b=b"1"), 2))
        with open(self.dev.at("opt/a/theirs"), "w") as f:
            f.write("theirs")
        before = self.links()
        said = self.dev.apply(self.dev.seal(files(a=b"a file"), 3), check=13).stderr.decode()
        self.assertIn("/opt/a: a folder", said)
        self.assertEqual(self.links(), before)
        self.assertEqual(self.dev.counter(), self.dev.floor + 2)
        self.assertEqual(self.dev.get("opt/a/b"), b"1")
        self.dev.apply(self.dev.seal(files(c=b"c"), 3))
        self.assertEqual(self.dev.get("opt/a/theirs"), b"theirs")
        self.assertFalse(os.path.lexists(self.dev.at("opt/a/b")))

    def test_originals_come_back_where_a_folder_was(self):
        with open(self.dev.at("opt/was"), "w") as f:
            f.write("original")
        self.dev.apply(self.dev.seal(files(was=b"ours"), 2))
        self.dev.apply(self.dev.seal(files(was__x=b"x"), 3))
        self.assertEqual(self.dev.get("opt/was/x"), b"x")
        self.dev.run("check")
        self.dev.apply(self.dev.seal(files(other=b"o"), 4))
        self.dev.run("check")
        self.dev.apply(self.dev.seal(files(was=b"ours again"), 5))
        self.assertEqual(self.dev.get("opt/was"), b"ours again")


class Cuts(Cut):
    """The power goes at each step of such a turn: the old or the new, whole."""

    def view(self):
        seen = []
        for name in ("opt/x", "opt/x/y", "opt/x/z/deep", "opt/kept"):
            try:
                seen.append(self.dev.get(name))
            except (IsADirectoryError, NotADirectoryError):
                seen.append("another kind")
        return seen

    def turn(self, one, two):
        self.dev.apply(self.dev.seal(one))
        blob = self.dev.seal(two, 2)
        self.keep()
        self.dev.apply(blob)
        new = self.view()
        self.back()
        self.dev.upload(blob)
        os.makedirs(self.dev.at("run/latchkey/userconfig"), exist_ok=True)
        self.each_cut(("apply",), new, self.dev.floor + 2)

    FILE = archive(entry("x", b"a file"), entry("kept", b"k"))
    FOLDER = archive(entry("x/y", b"y"), entry("x/z/deep", b"z"), entry("kept", b"k"))

    def test_a_file_that_becomes_a_folder(self):
        self.turn(self.FILE, self.FOLDER)

    def test_a_folder_that_becomes_a_file(self):
        self.turn(self.FOLDER, self.FILE)


del Cut

if __name__ == "__main__":
    unittest.main()
