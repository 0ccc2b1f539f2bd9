#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What is kept is put in place again only as it was signed and agreed; and who uploads has no hand in what is kept."""
import os
import shutil
import stat
import subprocess
import unittest

import rig
from attack import Case
from receiver import STATE, UPLOAD, archive, entry, files

OTHER = 4321


class Kept(Case):
    """An original file, and two configurations; the second is in place."""

    def setUp(self):
        super().setUp()
        with open(self.dev.at("opt/was"), "w") as f:
            f.write("original")
        self.one = self.dev.seal(files(app__conf=b"one", was=b"one"), 2)
        self.two = self.dev.seal(files(app__conf=b"two"), 3)
        self.dev.apply(self.one)
        self.dev.apply(self.two)
        self.dev.run("check")

    def generation(self, n, *parts):
        return self.dev.at(STATE, "generations", f"{n and self.dev.floor + n:020}", *parts)

    def copy_state(self, name):
        shutil.rmtree(self.path(name), ignore_errors=True)
        rig.run(["cp", "-a", self.dev.at(STATE), self.path(name)], check=0)

    def restore(self, name):
        shutil.rmtree(self.dev.at(STATE))
        rig.run(["cp", "-a", self.path(name), self.dev.at(STATE)], check=0)

    def ways_to_spoil(self, n):
        tree = self.generation(n, "tree/opt")
        conf = os.path.join(tree, "app/conf")
        record = self.generation(n, "agreed")

        def edit(path, old, new):
            with open(path, "rb") as f:
                text = f.read()
            self.assertIn(old, text)
            with open(path, "wb") as f:
                f.write(text.replace(old, new, 1))

        def more():
            with open(os.path.join(tree, "evil"), "w") as f:
                f.write("evil")

        def instead():
            os.unlink(conf)
            os.symlink("/etc/shadow", conf)

        def swapped():
            with open(self.generation(n, "blob"), "wb") as f:
                f.write(self.dev.seal(files(app__conf=b"never applied"), n))

        return (("content", lambda: edit(conf, b"o", b"O"), "/opt/app/conf"),
                ("longer", lambda: edit(conf, b"o", b"oooo"), "/opt/app/conf"),
                ("a terabyte", lambda: os.truncate(conf, 1 << 40), "/opt/app/conf"),
                ("mode", lambda: os.chmod(conf, 0o666), "another mode"),
                ("owner", lambda: os.chown(conf, OTHER, OTHER), "another owner"),
                ("missing", lambda: os.unlink(conf), "missing"),
                ("a link", instead, "/opt/app/conf"),
                ("a FIFO", lambda: (os.unlink(conf), os.mkfifo(conf)), "/opt/app/conf"),
                ("one more", more, "/opt/evil"),
                ("no record", lambda: os.unlink(record), "no record of what was agreed"),
                ("a changed record", lambda: edit(record, b"\t644\t", b"\t666\t"), "isn't what this device has written"),
                ("an empty record", lambda: os.truncate(record, 0), "agreed"),
                ("another's record", lambda: shutil.copy(self.generation(n ^ 1, "agreed"), record), "another configuration"),
                ("another blob", swapped, "isn't the one that was applied"),
                ("no blob", lambda: os.unlink(self.generation(n, "blob")), "blob"))

    def test_rollback_puts_nothing_back_that_was_changed(self):
        self.copy_state("whole")
        before = self.dev.snapshot("opt")
        for name, spoil, word in self.ways_to_spoil(2):
            with self.subTest(name):
                spoil()
                done = self.dev.run("rollback", check=None)
                self.assertIn(done.returncode, (5, 11), done.stderr)
                self.assertIn(word, done.stderr.decode())
                self.assertIn("isn't put back", done.stderr.decode())
                self.assertEqual(self.dev.snapshot("opt"), before)
                self.assertEqual(self.dev.counter(), self.dev.floor + 3)
                self.assertFalse(self.dev.status()["unfinished"])
                self.dev.run("check")
                self.restore("whole")
        self.assertRegex(self.dev.run("rollback").stderr.decode(), r"configuration \d+ is in place again, instead of configuration \d+: 2 files changed")
        self.assertEqual(self.dev.get("/opt/app/conf"), b"one")

    def test_the_blob_uploaded_again_puts_it_right(self):
        """Of the configuration before, so that rollback has it again; and of the one that is in place."""
        for n, blob, name in ((2, self.one, "previous"), (3, self.two, "current")):
            self.copy_state("whole")
            for way, spoil, _ in self.ways_to_spoil(n):
                if "record" in way:
                    continue
                with self.subTest(name, way=way):
                    spoil()
                    self.dev.apply(blob)
                    self.assertFalse(os.path.lexists(self.dev.upload_path))
                    self.assertEqual(self.dev.counter(), self.dev.floor + 3)
                    self.assertEqual(self.dev.get("/opt/app/conf"), b"two")
                    self.dev.run("check")
                    if way == "content":
                        self.dev.run("rollback")
                        self.assertEqual(self.dev.get("/opt/app/conf"), b"one")
                        self.dev.run("rollback")
                    self.restore("whole")

    def test_check_says_what_helps(self):
        with open(self.generation(3, "tree/opt/app/conf"), "w") as f:
            f.write("evil")
        said = self.dev.run("check", check=11).stderr.decode()
        self.assertIn("/opt/app/conf: isn't what configuration", said)
        self.assertIn("apply the blob that brought it again", said)
        self.dev.apply(self.two)
        self.dev.run("check")

    def test_an_old_blob_is_refused_as_before(self):
        self.refuse(self.one, 5, "not above this device's floor", floor=False)
        self.refuse(self.dev.seal(files(app__conf=b"other"), 3), 5, "not above this device's floor", floor=False)

    def test_originals_that_were_changed_are_not_put_back(self):
        """The next configuration comes all the same; the file that was kept stays where it can be looked at."""
        kept = self.generation(0, "tree/opt/was")
        self.assertEqual(self.dev.get("/opt/was"), b"original")
        for spoil in (lambda: os.truncate(kept, 1 << 40), lambda: os.chmod(kept, 0o644) or open(kept, "w").close(),
                      lambda: (os.unlink(kept), os.mkfifo(kept)), lambda: (os.unlink(kept), os.symlink("/dev/zero", kept)),
                      lambda: os.unlink(kept), lambda: os.unlink(self.generation(0, "agreed"))):
            self.copy_state("whole")
            spoil()
            self.dev.apply(self.dev.seal(files(app__conf=b"three"), self.dev.counter() - self.dev.floor + 1))
            self.assertEqual(self.dev.get("/opt/app/conf"), b"three")
            self.assertIsNone(self.dev.get("/opt/was"))
            self.restore("whole")

    def test_rolled_back_to_what_was_there(self):
        shutil.rmtree(self.dev.at(STATE))
        shutil.rmtree(self.dev.at("opt"))
        os.mkdir(self.dev.at("opt"))
        with open(self.dev.at("opt/conf"), "w") as f:
            f.write("factory")
        self.dev.apply(self.dev.seal(files(conf=b"new"), 4))
        kept = self.generation(0, "tree/opt/conf")
        os.chmod(kept, 0o600)
        self.assertIn("/opt/conf", self.dev.run("rollback", check=5).stderr.decode())
        self.assertEqual(self.dev.get("/opt/conf"), b"new")
        os.chmod(kept, 0o644)
        self.dev.run("rollback")
        self.assertEqual(self.dev.get("/opt/conf"), b"factory")


class Uploader(Case):
    """Another user owns the upload folder, where a configuration has destinations."""
    SETTINGS = "max-file: 1 MiB\nmax-total: 2 MiB\n"

    def setUp(self):
        super().setUp()
        os.chmod(self.tmp, 0o755)
        os.chown(self.dev.at(UPLOAD), OTHER, OTHER)
        self.place = self.dev.at(UPLOAD, "conf")
        self.sequence = 1

    def blob(self, *names):
        self.sequence += 1
        lines = "".join(f"  - {{path: {n}, destination: /{UPLOAD}/{n}}}\n" for n in names)
        return self.dev.seal(archive(entry("latchkey-manifest.yaml", b"latchkey-manifest: 1\n" + (
            ("files:\n" + lines).encode() if names else b"")), entry("base", b"b"), *(entry(n, b"ours") for n in names)),
            self.sequence)

    def as_other(self, script):
        process = subprocess.Popen(["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", "bash", "-c",
                                    script], cwd=self.dev.at(UPLOAD), stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        return process

    def made(self, script):
        self.as_other(script + "; echo done").wait()

    def applied(self, *names, aside=None):
        self.dev.apply(self.blob(*names))
        for name in names:
            self.assertEqual(self.dev.get(f"{UPLOAD}/{name}"), b"ours")
        if aside is not None:
            self.assertEqual(aside, os.path.lexists(self.place + ".replaced"))
        self.assertEqual(self.dev.counter(), self.dev.floor + self.sequence)
        self.dev.run("check")

    def test_what_is_kept_of_his_is_roots(self):
        self.made("echo theirs > conf; chmod 6777 conf")
        self.applied("conf", aside=False)
        for place, dirs, names in os.walk(self.dev.at(STATE)):
            for name in dirs + names:
                st = os.lstat(os.path.join(place, name))
                self.assertEqual((st.st_uid, st.st_gid), (0, 0), name)
                if not os.path.islink(os.path.join(place, name)):
                    self.assertEqual(st.st_mode & 0o6022, 0, name)
        self.applied()
        self.assertEqual(self.dev.get(f"{UPLOAD}/conf"), b"theirs\n")
        self.dev.run("rollback")
        self.dev.run("check")

    def test_what_can_not_be_kept_bars_no_configuration(self):
        for name, script in (("sparse", "truncate -s 1T conf"), ("too large", "head -c 1100000 /dev/zero > conf"),
                             ("FIFO", "mkfifo conf"), ("link", "ln -s /etc/shadow conf"), ("folder", "mkdir -p conf/x"),
                             ("loop", "ln -s conf conf")):
            with self.subTest(name):
                self.made(script)
                self.applied("conf", aside=True)
                self.applied()
                self.assertFalse(os.path.lexists(self.place))
                rig.run(["rm", "-rf", self.place + ".replaced"], check=0)

    def test_nor_where_the_names_for_it_are_taken(self):
        """He has made them all; or the file's own name leaves no room for an ending."""
        for name, script in (("conf", "mkdir conf.replaced conf.replaced.{1..40}"), ("n" * 255, "true")):
            with self.subTest(name):
                self.made(f"mkfifo {name}; {script}")
                self.applied(name)
                self.applied()
                aside = [n for n in os.listdir(self.dev.at(UPLOAD)) if n.startswith(".latchkey-") and n.endswith(".replaced")]
                self.assertEqual(len(aside), 1)
                self.assertTrue(stat.S_ISFIFO(os.lstat(self.dev.at(UPLOAD, aside[0])).st_mode))
                self.dev.apply()
                os.unlink(self.dev.at(UPLOAD, aside[0]))

    def test_many_files_are_bounded_together(self):
        self.made("for i in 1 2 3 4; do head -c 900000 /dev/zero > f$i; done")
        self.applied("f1", "f2", "f3", "f4")
        kept = sum(os.path.getsize(os.path.join(place, n)) for place, _, names in
                   os.walk(self.dev.at(STATE, "generations", f"{0:020}", "tree")) for n in names)
        self.assertLessEqual(kept, 2 << 20)

    def test_a_file_that_grows_and_vanishes_while_it_is_read(self):
        """He appends, truncates, removes and replaces it all the time."""
        for script in ("while :; do head -c 100000 /dev/zero >> conf; done",
                       "while :; do truncate -s 1T conf; truncate -s 5 conf; done",
                       "while :; do echo x > conf; rm -f conf; done",
                       "while :; do mkfifo conf; rm -f conf; ln -s /dev/zero conf; rm -f conf; done"):
            with self.subTest(script):
                hostile = self.as_other("ulimit -f 4000; echo go; " + script + " 2>/dev/null")
                for _ in range(3):
                    done = self.dev.apply(self.blob("conf"), check=None)
                    self.assertIn(done.returncode, (0, 11, 13), done.stderr)
                    self.assertFalse(self.dev.status()["unfinished"])
                    total = sum(os.path.getsize(os.path.join(place, n)) for place, _, names in
                                os.walk(self.dev.at(STATE)) for n in names if not os.path.islink(os.path.join(place, n)))
                    self.assertLess(total, 8 << 20)
                hostile.kill()
                hostile.wait()
                rig.run(["sh", "-c", f"rm -rf {self.place}*"], check=0)
                self.dev.apply(self.blob("conf"))
                self.assertEqual(self.dev.get(f"{UPLOAD}/conf"), b"ours")


if __name__ == "__main__":
    unittest.main()
