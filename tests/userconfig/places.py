#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Places that aren't as they should be: destinations, full disks, and an upload directory that somebody else owns."""
import os
import shutil
import signal
import socket
import subprocess
import time
import unittest

import rig
from attack import ASIDE, BLOB, Case, changing_calls, inject
from receiver import STATE, UPLOAD, archive, entry, files


def mount(test, what, *options):
    rig.run(["mount", "-t", "tmpfs", *options, "tmpfs", what], check=0)
    test.addCleanup(rig.run, ["umount", "-l", what])


class Destinations(Case):
    def test_what_is_no_file_is_not_replaced(self):
        at = self.dev.at
        os.mkdir(at("opt/folder"))
        os.mkfifo(at("opt/fifo"))
        os.symlink("factory", at("opt/link"))
        os.symlink("../../../etc/shadow", at("opt/dangling"))
        os.symlink("app/conf", at("opt/near"))
        os.symlink(os.readlink(at("opt/app/conf")), at("opt/stolen"))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(at("opt/socket"))
            for name, word in (("folder", "a folder"), ("fifo", "no file"), ("link", "another symbolic link"),
                               ("dangling", "another symbolic link"), ("near", "another symbolic link"),
                               ("stolen", "another symbolic link"), ("socket", "no file")):
                with self.subTest(name):
                    self.refuse(self.dev.seal(archive(entry(name, b"x")), 2), 13, f"/opt/{name}", word)

    def test_links_and_files_on_the_way(self):
        at = self.dev.at
        os.mkdir(self.path("outside"))
        os.symlink(self.path("outside"), at("opt/out"))
        os.symlink("app", at("opt/inside"))
        for name, word in (("out/x", "link"), ("out/y/z", "link"), ("inside/x", "link"), ("factory/x", "Not a directory")):
            with self.subTest(name):
                self.refuse(self.dev.seal(archive(entry(name, b"x")), 2), 13, f"/opt/{name}", word)
        self.assertEqual(os.listdir(self.path("outside")), [])

    def test_a_file_too_large_to_be_kept(self):
        self.dev.settings("max-file: 1 KiB\n")
        with open(self.dev.at("opt/big"), "w") as f:
            f.write("x" * 1025)
        self.refuse(self.dev.seal(files(big=b"x", first=b"y"), 2), 13, "/opt/big", "too large to be kept")

    def test_a_folder_that_becomes_a_link_while_it_runs(self):
        """Nothing is written through it, and the configuration before stays."""
        os.mkdir(self.path("outside"))
        os.mkdir(self.dev.at("opt/real"))
        self.dev.upload(self.dev.seal(archive(entry("real/x", b"x")), 2))
        run = stopped(self, "syncfs", 1)
        os.rename(self.dev.at("opt/real"), self.dev.at("opt/aside"))
        os.symlink(self.path("outside"), self.dev.at("opt/real"))
        self.assertEqual(run(), 13)
        self.assertEqual(os.listdir(self.path("outside")), [])
        self.assertEqual(self.dev.get("opt/app/conf"), b"running")
        self.assertEqual(self.dev.counter(), self.dev.floor + 1)
        self.dev.run("check")


def stopped_child(parent, trace):
    """The traced process, once it stands still; None before, and where it hasn't begun or is over."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children") as f:
            children = f.read().split()
        for child in children:
            with open(f"/proc/{child}/status") as status:
                state = status.read().split("State:\t")[1][0]
            with open(trace) as t:
                if state in "tT" and "stopped by SIGSTOP" in t.read():
                    return int(child)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def stopped(test, call, when):
    """Applies, and stops before the nth call; what is returned lets it go on, and gives its exit code."""
    trace = test.path("trace")
    # Before strace empties its log it tries out ptrace on a child of its own, which stands still for a moment: with the log of the
    # call before, which says that a process stopped, that child would be taken for the program.
    if os.path.exists(trace):
        os.unlink(trace)
    process = subprocess.Popen(
        [*inject(call, when, "signal=SIGSTOP", trace),
         rig.program("latchkey-userconfig"), "apply", "--raise-floor", "--root", test.dev.root, "--tpm", test.dev.tpm.tcti],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    test.addCleanup(process.stderr.close)
    victim, deadline = None, time.monotonic() + 300
    while victim is None and process.poll() is None and time.monotonic() < deadline:
        victim = stopped_child(process.pid, trace)
        time.sleep(0.01)
    test.assertIsNotNone(victim, "it didn't come to that call")

    def go_on():
        """Again and again: a signal that comes between strace's line and its PTRACE_LISTEN is lost."""
        for _ in range(300):
            try:
                os.kill(victim, signal.SIGCONT)
            except ProcessLookupError:
                pass
            try:
                test.said_last = process.communicate(timeout=0.2)[1].decode()
                return process.returncode
            except subprocess.TimeoutExpired:
                continue
        return test.fail("it doesn't go on")
    return go_on


class Races(Case):
    def test_what_is_applied_is_what_was_verified(self):
        """The upload is written over, or exchanged, at each point where it is read or its copy is."""
        good = self.dev.seal(files(app__conf=b"g" * 300000), 2)
        evil = self.dev.seal(files(app__conf=b"e" * 300000), 2, key=self.other_key())
        shutil.copytree(self.dev.root, self.path("before"), symlinks=True)
        for call, when in (("pread64", 3), ("pwrite64", 2), ("mkdirat", 4), ("syncfs", 1), ("symlinkat", 1)):
            for how in ("over", "instead"):
                with self.subTest(call=call, how=how):
                    self.dev.upload(good)
                    run = stopped(self, call, when)
                    path = self.dev.upload_path
                    if how == "over":
                        with open(path, "r+b") as f:
                            f.write(evil)
                    else:
                        with open(path + ".new", "wb") as f:
                            f.write(evil)
                        os.rename(path + ".new", path)
                    code = run()
                    shown = self.dev.get("opt/app/conf")
                    self.assertIn((code, shown[:1]), ((0, b"g"), (5, b"r"), (3, b"r")), self.said_last)
                    if how == "instead":
                        self.assertEqual(code, 0)
                        self.assertEqual(self.dev.get(BLOB), evil, "a new upload is for the next run")
                    self.back()

    def back(self):
        """As before, but for the TPM's floor, which is a counter: the blob is sealed anew."""
        if self.dev.counter() == self.dev.floor + 1:
            shutil.rmtree(self.dev.root)
            shutil.copytree(self.path("before"), self.dev.root, symlinks=True)
            return
        self.dev.tpm.stop()
        shutil.rmtree(self.dev.tpm.dir)
        shutil.copytree(self.path("tpm-before"), self.dev.tpm.dir)
        self.dev.tpm.start()
        shutil.rmtree(self.dev.root)
        shutil.copytree(self.path("before"), self.dev.root, symlinks=True)

    def other_key(self):
        self.dev.tpm.stop()
        shutil.copytree(self.dev.tpm.dir, self.path("tpm-before"))
        self.dev.tpm.start()
        rig.run([rig.program("latchkey"), "keygen", self.path("theirs")], check=0)
        return self.path("theirs", "policy-key.pem")

    def test_an_upload_directory_renamed_by_its_owner(self):
        for when in (1, 3):
            with self.subTest(when):
                folder = self.dev.at(UPLOAD)
                self.dev.upload(self.dev.seal(files(app__conf=b"%d" % when), 1 + when))
                run = stopped(self, "pwrite64", when)
                os.rename(folder, folder + ".away")
                os.symlink("/etc", folder)
                self.assertEqual(run(), 0)
                self.assertEqual(self.dev.get("opt/app/conf"), b"%d" % when)
                self.assertEqual(os.listdir(folder + ".away"), [], "the blob is removed where it was")
                os.unlink(folder)
                os.rename(folder + ".away", folder)


class Uploads(Case):
    def test_a_directory_that_is_a_link(self):
        folder, blob = self.dev.at(UPLOAD), self.dev.seal(files(app__conf=b"x"), 2)
        os.rename(folder, folder + ".real")
        os.symlink("mnt.real", folder)
        with open(folder + ".real/config.lkb", "wb") as f:
            f.write(blob)
        self.leave(13, "the upload directory is a symbolic link")

    def test_a_link_on_the_way(self):
        os.rename(self.dev.at("home/update"), self.dev.at("home/real"))
        os.symlink("real", self.dev.at("home/update"))
        self.dev.upload(self.dev.seal(files(app__conf=b"x"), 2))
        self.leave(13, "a symbolic link is in the way")

    def test_another_file_system(self):
        mount(self, self.dev.at(UPLOAD), "-o", "size=1m")
        self.refuse(self.dev.seal(files(a=b"x"), 1), 5, "floor")
        self.dev.apply(self.dev.seal(files(app__conf=b"x"), 2))
        self.assertEqual(self.dev.get("opt/app/conf"), b"x")
        self.assertEqual(os.listdir(self.dev.at(UPLOAD)), [])

    def test_a_blob_that_is_no_file(self):
        path, outside = self.dev.upload_path, self.write("outside", "secret")

        def bound():
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)

        for name, make, word in (
                ("link", lambda: os.symlink(outside, path), "a symbolic link"),
                ("dangling link", lambda: os.symlink("nowhere", path), "a symbolic link"),
                ("FIFO", lambda: os.mkfifo(path), "a device, FIFO or socket"),
                ("socket", bound, "a device, FIFO or socket"),
                ("device", lambda: os.mknod(path, 0o20666, os.makedev(1, 5)), "a device, FIFO or socket"),
                ("folder", lambda: os.mkdir(path), "a folder")):
            with self.subTest(name):
                before = self.seen()
                make()
                mode = os.lstat(path).st_mode
                self.said(self.dev.apply(check=13), [word])
                self.assertIn(word, self.dev.refused())
                self.assertFalse(os.path.lexists(path))
                self.assertEqual(os.lstat(self.dev.at(ASIDE[0])).st_mode, mode)
                self.unchanged(before, floor=False)
                rig.run(["rm", "-rf", *map(self.dev.at, ASIDE)])
        self.assertEqual(self.read("outside"), b"secret")

    def test_sizes(self):
        self.dev.settings("max-blob: 16 KiB\n")
        self.refuse(self.dev.seal(os.urandom(20000), 2), 3, "16384 are allowed")
        good = bytearray(self.dev.seal(files(app__conf=b"x"), 2))
        good[32:40] = (1 << 39).to_bytes(8, "big")
        before = self.seen()
        with open(self.dev.upload_path, "wb") as f:
            f.write(good)
            f.truncate((1 << 39) + 300)
        self.said(self.dev.apply(check=3), ["16384 are allowed"])
        self.assertIn("16384 are allowed", self.dev.refused())
        os.unlink(self.dev.at(ASIDE[0]))
        self.unchanged(before)

    def test_what_the_uploader_planted_is_not_followed(self):
        outside = self.write("outside", "untouched")
        blob = self.dev.seal(files(a=b"x"), 1)
        aside, reason = map(self.dev.at, ASIDE)
        os.symlink(outside, aside)
        os.symlink(outside, reason)
        self.refuse(blob, 5, "floor")
        self.assertEqual(self.read("outside"), b"untouched")
        os.link(outside, reason)
        self.refuse(blob, 5, "floor")
        self.assertEqual(self.read("outside"), b"untouched")
        self.assertEqual(os.stat(outside).st_mode & 0o777, 0o644)

    def test_folders_where_it_would_be_put_aside(self):
        """The bad blob is gone all the same: it doesn't come again at each boot."""
        for name in ASIDE:
            with self.subTest(name):
                os.makedirs(self.dev.at(name, "full"))
                before = self.seen()
                self.dev.apply(self.dev.seal(files(a=b"x"), 1), check=5)
                self.assertFalse(os.path.lexists(self.dev.upload_path))
                self.assertEqual(sorted(os.listdir(self.dev.at(UPLOAD))), sorted(map(os.path.basename, ASIDE)))
                self.dev.apply()
                self.unchanged({p: v for p, v in before.items() if not p.startswith(self.dev.at(BLOB))} |
                               {p: v for p, v in self.seen().items() if p.startswith(self.dev.at(BLOB))})
                rig.run(["rm", "-rf", *map(self.dev.at, ASIDE)])

    def test_a_full_upload_directory(self):
        mount(self, self.dev.at(UPLOAD), "-o", "size=64k,nr_inodes=2")
        self.dev.apply(self.dev.seal(files(a=b"x"), 1), check=5)
        self.assertEqual(os.listdir(self.dev.at(UPLOAD)), ["config.lkb.refused"])

    def test_names_as_of_ours_that_the_uploader_planted(self):
        folder, outside = self.dev.at(UPLOAD), self.write("outside", "untouched")
        os.symlink(outside, os.path.join(folder, ".latchkey-00000000000000ff"))
        os.symlink(outside, os.path.join(folder, ".latchkey-00000000000000ff.txt"))
        os.mkdir(os.path.join(folder, ".latchkey-0000000000000001"))
        with open(os.path.join(folder, ".latchkey-not-ours"), "w") as f:
            f.write("theirs")
        self.dev.apply(check=13)
        self.assertEqual(self.read("outside"), b"untouched")
        self.assertEqual(sorted(os.listdir(folder)), sorted([
            ".latchkey-0000000000000001", ".latchkey-not-ours", "config.lkb.refused", "config.lkb.refused.txt"]))


class FullDisks(Case):
    """The state directory lies on a small file system of its own."""

    def setUp(self):
        super().setUp()
        mount(self, self.dev.at("var/lib/latchkey"), "-o", "size=6m")
        os.mkdir(self.dev.at(STATE))
        for folder in ("opt/app",):
            shutil.rmtree(self.dev.at(folder))
        self.dev.apply(self.dev.seal(files(app__conf=b"running"), 2))
        self.blob = self.dev.seal(archive(entry("app/conf", os.urandom(1 << 20)), entry("more", b"m")), 3)

    def unchanged(self, before, floor=True):
        super().unchanged(before, False)
        self.assertEqual(self.dev.counter(), self.dev.floor + 2)

    def fill(self, left):
        path = self.dev.at("var/lib/latchkey/ballast")
        st = os.statvfs(os.path.dirname(path))
        with open(path, "wb") as f:
            f.write(bytes(max(0, st.f_bavail * st.f_frsize - left)))

    def works_after_all(self):
        os.unlink(self.dev.at("var/lib/latchkey/ballast"))
        self.dev.apply()
        self.assertEqual(self.dev.get("opt/more"), b"m")
        self.assertFalse(os.path.lexists(self.dev.upload_path))

    def test_found_beforehand(self):
        self.dev.upload(self.blob)
        self.fill(3 << 20)
        self.leave(11, "the disk is full", "are needed")
        self.works_after_all()

    def test_no_room_for_the_copy(self):
        self.dev.upload(self.blob)
        for left in (0, 4096, 300 << 10):
            self.fill(left)
            self.leave(11, "No space left")
            os.unlink(self.dev.at("var/lib/latchkey/ballast"))
        self.fill(0)
        self.works_after_all()

    def test_in_mid_write(self):
        """What a file system says it has free isn't what it has: each call may be the one that fails."""
        self.dev.upload(self.blob)
        shutil.copytree(self.dev.root, self.path("kept"), symlinks=True)
        calls = [c for c in changing_calls(self.dev, "apply") if c[0] not in ("fchmod", "fchown")]
        self.reset()
        for call, when in calls:
            with self.subTest(call=call, when=when):
                self.fail_once(call, when)
        print(f"\n{len(calls)} failing calls", flush=True)

    def fail_once(self, call, when):
        """Nothing comes of it but an error, and the next run finishes."""
        before = self.seen()
        done = self.dev.run("apply", check=None, prefix=inject(call, when, "error=ENOSPC"))
        self.assertIsNone(self.dev.refused())
        self.assertIn(done.returncode, (0, 11), done.stderr)
        self.assertIn("No space left", done.stderr.decode())
        if done.returncode and self.dev.get("opt/app/conf") == b"running":
            self.assertTrue(os.path.lexists(self.dev.upload_path))
            after = {p: v for p, v in self.seen().items() if p in before and not p.endswith("/lock")}
            self.assertEqual({p: before[p] for p in after}, after)
        self.dev.apply()
        self.assertEqual(self.dev.get("opt/more"), b"m")
        self.assertFalse(os.path.lexists(self.dev.upload_path))
        self.reset()

    def reset(self):
        """Files as they were before, and a blob for the TPM's floor of now."""
        for path in (STATE, "opt", "home", "run"):
            shutil.rmtree(self.dev.at(path))
            shutil.copytree(self.path("kept", path), self.dev.at(path), symlinks=True)
        with open(self.dev.at(BLOB), "wb") as f:
            f.write(b"")
        above = self.dev.counter() - self.dev.floor + 1
        self.dev.upload(self.dev.seal(archive(entry("app/conf", os.urandom(1 << 20)), entry("more", b"m")), above))


if __name__ == "__main__":
    unittest.main()
