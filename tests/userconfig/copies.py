#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Folders in a manifest, and copies: real files at their destinations, put there whole; what somebody has changed is noticed and never lost."""
import os
import stat
import unittest

import rig
from attack import Case, changing_calls, inject, manifest
from cuts import Cut
from receiver import STATE, UPLOAD, archive, entry


def copy(name, data=b"", more="", prefix="opt"):
    return f"path: {name}, destination: /{prefix}/{name}, copy: true{more}"


def config(*names_and_data, lines=None):
    """Copies of these files, or what the manifest's lines say of them."""
    return archive(manifest(*(lines if lines is not None else (copy(n) for n, _ in names_and_data))),
                   *(entry(n, d) for n, d in names_and_data))


class Copies(Case):
    def setUp(self):
        super().setUp()
        self.sequence = 1

    def apply(self, content, **options):
        self.sequence += 1
        return self.dev.apply(self.dev.seal(content, self.sequence), **options)

    def kept(self, *parts):
        return self.dev.at(STATE, "generations", f"{0:020}", *parts)

    def is_file(self, path):
        return stat.S_ISREG(os.lstat(self.dev.at(path)).st_mode)

    def write(self, path, data):
        with open(self.dev.at(path), "wb") as f:
            f.write(data)

    def test_it_is_a_real_file_with_mode_and_owner(self):
        self.dev.settings("owners: [root, app]\ngroups: [root, app]\n")
        done = self.apply(archive(manifest(copy("deep/x", more=', mode: "0640", owner: app, group: app'),
                                           "path: y, destination: /opt/y"), entry("deep/x", b"X"), entry("y", b"Y")))
        self.assertIn("is in place", done.stderr.decode())
        st = os.lstat(self.dev.at("opt/deep/x"))
        self.assertTrue(stat.S_ISREG(st.st_mode))
        self.assertEqual((st.st_mode & 0o7777, st.st_uid, st.st_gid, st.st_nlink), (0o640, 1234, 1234, 1))
        self.assertTrue(os.path.islink(self.dev.at("opt/y")))
        self.dev.run("check")
        self.assertEqual(self.dev.status()["changed"], [])

    def test_from_one_configuration_to_the_next_and_back(self):
        self.apply(config(("x", b"one"), ("gone", b"g")))
        inode = os.stat(self.dev.at("opt/x")).st_ino
        self.apply(config(("x", b"two"), ("new", b"n")))
        self.assertEqual((self.dev.get("opt/x"), self.dev.get("opt/new"), self.dev.get("opt/gone")), (b"two", b"n", None))
        self.assertNotEqual(os.stat(self.dev.at("opt/x")).st_ino, inode, "it was written over, and not replaced")
        self.dev.run("check")
        for content, has in ((b"one", (None, b"g")), (b"two", (b"n", None))):
            self.dev.run("rollback")
            self.assertEqual((self.dev.get("opt/x"), self.dev.get("opt/new"), self.dev.get("opt/gone")), (content, *has))
            self.assertTrue(self.is_file("opt/x"))
            self.dev.run("check")

    def test_a_link_becomes_a_copy_and_a_copy_a_link(self):
        self.apply(archive(entry("x", b"a link"), entry("app/conf", b"c")))
        self.assertTrue(os.path.islink(self.dev.at("opt/x")))
        self.apply(config(("x", b"a copy"), ("app/conf", b"c")))
        self.assertEqual(self.dev.get("opt/x"), b"a copy")
        self.assertTrue(self.is_file("opt/x") and self.is_file("opt/app/conf"))
        self.dev.run("check")
        self.apply(archive(entry("x", b"a link again")))
        self.assertEqual(self.dev.get("opt/x"), b"a link again")
        self.assertTrue(os.path.islink(self.dev.at("opt/x")))
        self.dev.run("check")
        self.assertFalse(os.path.exists(self.kept("tree/opt/x")), "a copy of ours was kept for an original")
        self.dev.run("rollback")
        self.assertTrue(self.is_file("opt/x"))
        self.assertEqual(self.dev.get("opt/x"), b"a copy")
        self.dev.run("check")

    def test_what_was_there_comes_back_as_a_real_file(self):
        self.write("opt/was", b"original")
        os.chmod(self.dev.at("opt/was"), 0o600)
        os.chown(self.dev.at("opt/was"), 77, 78)
        self.apply(config(("was", b"ours")))
        self.assertEqual(self.dev.get("opt/was"), b"ours")
        self.apply(archive(entry("other", b"o")))
        st = os.lstat(self.dev.at("opt/was"))
        self.assertEqual((self.dev.get("opt/was"), st.st_mode, st.st_uid, st.st_gid), (b"original", stat.S_IFREG | 0o600, 77, 78))
        self.dev.run("check")
        self.apply(config(("was", b"ours again")))
        self.assertEqual(self.dev.get("opt/was"), b"ours again")
        self.dev.run("rollback")
        self.assertEqual((self.dev.get("opt/was"), self.is_file("opt/was")), (b"original", True))
        self.dev.run("check")

    def test_the_very_same_file_of_the_administrators_is_not_taken_for_ours(self):
        self.write("opt/was", b"alike")
        self.apply(config(("was", b"alike")))
        self.apply(archive(entry("other", b"o")))
        self.assertEqual(self.dev.get("opt/was"), b"alike")

    def test_rolled_back_to_what_was_there_before_all(self):
        self.write("opt/was", b"original")
        self.apply(config(("was", b"ours"), ("x", b"x")))
        rig.run(["rm", "-rf", self.dev.at(STATE)], check=0)
        for name in ("was", "x"):
            os.unlink(self.dev.at("opt", name))
        self.write("opt/was", b"original")
        self.apply(config(("was", b"ours"), ("x", b"x")))
        self.dev.run("rollback")
        self.assertEqual((self.dev.get("opt/was"), self.is_file("opt/was"), self.dev.get("opt/x")), (b"original", True, None))
        self.apply(archive(entry("other", b"o")))
        self.assertEqual(self.dev.get("opt/was"), b"original")
        self.dev.run("check")

    def test_a_changed_copy_is_noticed_kept_and_replaced(self):
        self.write("opt/x", b"original")
        self.apply(config(("x", b"one")))
        self.write("opt/x", b"administrator's")
        self.assertEqual(self.dev.status()["changed"], [{"destination": "/opt/x", "missing": False}])
        self.assertIn("changed:    /opt/x, a copy", self.dev.run("status").stdout.decode())
        self.assertIn("/opt/x: the copy that was put there has been changed", self.dev.run("check", check=11).stderr.decode())
        said = self.apply(config(("x", b"two"))).stderr.decode()
        self.assertIn("/opt/x was replaced by another file since configuration", said)
        self.assertEqual(self.dev.get("opt/x"), b"two")
        with open(self.kept("tree/opt/x"), "rb") as f:
            self.assertEqual(f.read(), b"administrator's")
        with open(self.kept("earlier/opt/x.1"), "rb") as f:
            self.assertEqual(f.read(), b"original")
        self.dev.run("check")
        self.apply(archive(entry("other", b"o")))
        self.assertEqual((self.dev.get("opt/x"), self.is_file("opt/x")), (b"administrator's", True))

    def test_nine_are_kept_and_then_none_is_lost(self):
        self.apply(config(("x", b"0")))
        for n in range(11):
            self.write("opt/x", b"changed %d" % n)
            if n == 10:
                break
            self.apply(config(("x", b"%d" % (n + 1))))
        before = self.dev.snapshot()
        said = self.apply(config(("x", b"last")), check=13).stderr.decode()
        self.assertIn("nine files that were there before are kept", said)
        after = {p: v for p, v in self.dev.snapshot().items() if ".refused" not in p}
        self.assertEqual(after, before)
        self.dev.run("check", check=11)

    def test_the_blob_again_puts_a_changed_copy_right_and_keeps_it(self):
        blob = self.dev.seal(config(("x", b"one")), 2)
        self.dev.apply(blob)
        for spoil in (lambda p: self.write("opt/x", b"evil"), os.unlink, lambda p: os.chmod(p, 0o666)):
            spoil(self.dev.at("opt/x"))
            self.dev.apply(blob)
            self.assertEqual(self.dev.get("opt/x"), b"one")
            self.dev.run("check")

    def test_a_changed_copy_that_is_not_brought_any_more_stays(self):
        self.apply(config(("x", b"one")))
        self.write("opt/x", b"administrator's")
        said = self.apply(archive(entry("other", b"o"))).stderr.decode()
        self.assertIn("/opt/x was changed since configuration", said)
        self.assertEqual(self.dev.get("opt/x"), b"administrator's")
        self.dev.run("check")

    def test_what_is_no_file_is_refused_before_anything_changes(self):
        for make in (lambda p: os.symlink("/etc/shadow", p), os.mkdir, os.mkfifo):
            make(self.dev.at("opt/x"))
            before = self.seen()
            self.apply(config(("x", b"one"), ("y", b"y")), check=13)
            self.unchanged(before)
            rig.run(["rm", "-rf", self.dev.at("opt/x"), self.dev.at(UPLOAD, "config.lkb.refused"),
                     self.dev.at(UPLOAD, "config.lkb.refused.txt")], check=0)
            self.sequence -= 1

    def test_a_full_disk_is_found_before_the_switch(self):
        """Where copies go is another file system than where generations lie."""
        os.mkdir(self.dev.at("opt/small"))
        self.apply(config(("small/x", b"one"), ("y", b"y1")))
        inside = (f"mount -t tmpfs -o size=64k none {self.dev.at('opt/small')} && cp -a {self.path('x')} {self.dev.at('opt/small/x')} && "
                  "exec \"$@\"")
        rig.run(["cp", "-a", self.dev.at("opt/small/x"), self.path("x")], check=0)
        self.sequence += 1
        blob = self.dev.seal(config(("small/x", os.urandom(200000)), ("y", b"y2")), self.sequence)
        said = self.dev.apply(blob, check=11, prefix=("unshare", "--mount", "sh", "-ec", inside, "sh")).stderr.decode()
        self.assertIn("No space left", said)
        self.assertEqual((self.dev.get("opt/small/x"), self.dev.get("opt/y")), (b"one", b"y1"))
        self.assertFalse(self.dev.status()["unfinished"])
        self.assertEqual(self.dev.counter(), self.dev.floor + self.sequence - 1)
        self.dev.apply()
        self.assertEqual(self.dev.get("opt/y"), b"y2")

    def test_a_mark_of_somebody_elses_is_found(self):
        self.apply(archive(manifest(copy("x"), "path: y, destination: /opt/y"), entry("x", b"x"), entry("y", b"y")))
        marks = self.dev.at(STATE, "current/copies/opt")
        os.unlink(os.path.join(marks, "x"))
        self.assertIn("/opt/x", self.dev.run("check", check=11).stderr.decode())
        self.write(os.path.join(marks, "x"), b"")
        self.dev.run("check")
        self.write(os.path.join(marks, "y"), b"")
        self.assertIn("/opt/y", self.dev.run("check", check=11).stderr.decode())

    def test_dry_run_says_so(self):
        self.dev.upload(self.dev.seal(config(("x", b"x")), 2))
        self.assertRegex(self.dev.apply(None, "--dry-run").stdout.decode(), r"/opt/x  0644 0:0  1 bytes, a copy")
        self.assertIsNone(self.dev.get("opt/x"))

    def test_a_folder_with_copies_does_not_become_a_file_at_once(self):
        self.apply(config(("d/x", b"x")))
        before = self.seen()
        self.apply(archive(entry("d", b"a file")), check=13)
        for name in ("config.lkb.refused", "config.lkb.refused.txt"):
            os.unlink(self.dev.at(UPLOAD, name))
        self.assertEqual(self.seen(), before)
        self.apply(config(("d/x", b"x"), ("d/y", b"y")))
        self.apply(config(("f", b"f")))
        self.assertFalse(os.path.exists(self.dev.at("opt/d")))
        self.apply(archive(entry("d", b"a file")))
        # A link becomes a folder with copies in it.
        self.apply(config(("d/x", b"x")))
        self.assertTrue(self.is_file("opt/d/x"))
        self.dev.run("check")


class Folders(Case):
    LINE = 'path: conf.d/, destination: /opt/conf.d/, mode: "0640"'

    def setUp(self):
        super().setUp()
        self.sequence = 1

    def apply(self, line, *names, check=0):
        self.sequence += 1
        return self.dev.apply(self.dev.seal(archive(manifest(*((line,) if isinstance(line, str) else line)),
                                                    *(entry(n, n.encode()) for n in names)), self.sequence), check=check)

    def test_each_file_of_it_goes_there(self):
        for copies in ("", ", copy: true"):
            self.apply(self.LINE + copies, "conf.d/a", "conf.d/deep/er/b", "conf.dx")
            for name in ("a", "deep/er/b"):
                self.assertEqual(self.dev.get(f"opt/conf.d/{name}"), f"conf.d/{name}".encode())
                self.assertEqual(os.stat(self.dev.at("opt/conf.d", name)).st_mode & 0o777, 0o640)
                self.assertEqual(os.path.islink(self.dev.at("opt/conf.d", name)), not copies)
            self.assertEqual(self.dev.get("opt/conf.dx"), b"conf.dx")
            self.dev.run("check")
            self.apply(self.LINE + copies, "conf.d/a", "conf.d/new")
            self.assertEqual((self.dev.get("opt/conf.d/new"), self.dev.get("opt/conf.d/deep/er/b")), (b"conf.d/new", None))
            self.assertFalse(os.path.exists(self.dev.at("opt/conf.d/deep")))
            self.dev.run("check")
            self.dev.run("rollback")
            self.assertEqual(self.dev.get("opt/conf.d/deep/er/b"), b"conf.d/deep/er/b")

    def test_it_may_be_a_prefix_itself_and_a_file_from_elsewhere_may_join(self):
        self.apply(("path: all/, destination: /opt", "path: one, destination: /opt/more"), "all/x", "all/y/z", "one")
        self.assertEqual((self.dev.get("opt/x"), self.dev.get("opt/y/z"), self.dev.get("opt/more")), (b"all/x", b"all/y/z", b"one"))

    def test_units_hold_for_each_file_of_it(self):
        self.dev.settings("units: [app.service]\n")
        line = self.LINE + ", restart: [app.service]"
        self.assertIn("1 unit concerned", self.apply(line, "conf.d/a").stderr.decode())
        self.assertIn("1 unit concerned", self.apply(line, "conf.d/b").stderr.decode())
        self.assertIn("0 units concerned", self.apply(line, "conf.d/b", "other").stderr.decode())

    def test_refused_as_a_whole(self):
        for lines, names, word in (
                ((self.LINE, "path: conf.d/a, destination: /opt/x"), ("conf.d/a",), "below another file's"),
                (("path: conf.d/a, destination: /opt/x", self.LINE), ("conf.d/a",), "lies below it"),
                ((self.LINE, "path: conf.d/deep/, destination: /opt/x/"), ("conf.d/deep/a",), "below another file's"),
                ((self.LINE, "path: conf.d, destination: /opt/x"), ("conf.d/a",), "the same"),
                ((self.LINE, "path: a, destination: /opt/conf.d/a"), ("a", "conf.d/a"), "would go to"),
                ((self.LINE, "path: a, destination: /opt/conf.d"), ("a", "conf.d/a"), "lies below it"),
                ((self.LINE,), ("conf.dx",), "no file in it"),
                (("path: conf.d/, destination: /srv/",), ("conf.d/a",), "prefixes"),
                (("path: conf.d/, destination: /opt/../etc/",), ("conf.d/a",), "destination"),
                (("path: /, destination: /opt/",), ("a",), "path"),
                (("path: ./, destination: /opt/",), ("a",), "path"),
                (("path: conf.d//, destination: /opt/",), ("conf.d/a",), "path"),
                (("path: conf.d/a, destination: /opt/x/",), ("conf.d/a",), "only where the path is a folder's"),
                (("path: conf.d/, destination: /opt/x, copy: true, volatile: true",), ("conf.d/a",), "can't be both"),
                (("path: conf.d/, destination: /opt/x, copy: yes",), ("conf.d/a",), "copy"),
                (("path: conf.d/, destination: /opt/%s" % "/".join(["d" * 200] * 5),), ("conf.d/" + "x" * 200,), "at most 1024"),
        ):
            with self.subTest(lines=lines):
                self.refuse(self.dev.seal(archive(manifest(*lines), *(entry(n, b"x") for n in names)), 2), 3, word)


class Cuts(Cut):
    """The power goes at each step (LATCHKEY_LONG=1: at every one): links all at once, each copy whole; and the next run finishes."""
    COPIES = ("opt/x", "opt/y", "opt/was")
    OTHERS = ("opt/link", "opt/turn")

    def view(self):
        return [(p, self.dev.get(p)) for p in self.COPIES + self.OTHERS]

    def each_cut_of(self, one, two):
        """A copy is the old or the new; between the switch and the last of them there may be both."""
        self.dev.apply(self.dev.seal(one))
        blob = self.dev.seal(two, 2)
        self.keep()
        old = self.view()
        self.dev.apply(blob)
        new = self.view()
        self.back()
        self.dev.upload(blob)
        self.keep()
        places = changing_calls(self.dev, "apply")
        if not os.environ.get("LATCHKEY_LONG"):
            # What puts things in place, and of the rest every twelfth.
            renames = [p for p in places if p[0] == "renameat"]
            places = renames[-12:] + [p for p in places if p not in renames][::12]
        shown = {"old": 0, "mixed": 0, "new": 0}
        for call, when in places:
            with self.subTest(call=call, when=when):
                self.back()
                done = self.dev.run("apply", check=None, prefix=inject(call, when, "signal=SIGKILL"))
                self.assertIn(done.returncode, (-9, 137), done.stderr)
                between = self.view()
                for a, b, c in zip(between, old, new):
                    self.assertIn(a, (b, c))
                shown["old" if between == old else "new" if between == new else "mixed"] += 1
                self.dev.apply()
                self.assertEqual(self.view(), new)
                self.assertEqual(self.litter(), [])
                self.assertEqual(self.dev.counter(), self.dev.floor + 2)
                self.dev.run("check")
        print(f"\n{self.id()}: {len(places)} cuts, {shown} right after", flush=True)
        self.assertGreater(shown["old"], 0)
        self.assertGreater(shown["new"], 0)

    def test_copies_links_and_turns(self):
        with open(self.dev.at("opt/was"), "w") as f:
            f.write("original")
        self.each_cut_of(config(("x", b"one"), ("y", b"gone"), ("turn", b"a copy"), ("link", b"1"),
                                lines=(copy("x"), copy("y"), copy("turn"), "path: link, destination: /opt/link")),
                         config(("x", b"two"), ("was", b"ours"), ("turn", b"a link"), ("link", b"2"),
                                lines=(copy("x"), copy("was"), "path: turn, destination: /opt/turn", "path: link, destination: /opt/link")))


del Cut

if __name__ == "__main__":
    unittest.main()
