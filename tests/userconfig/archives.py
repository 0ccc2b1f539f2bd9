#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Signed blobs whose archive or manifest brings what it may not: refused whole, before a file of it is written."""
import bz2
import gzip
import io
import lzma
import os
import tarfile
import time
import unittest
import zipfile
import zlib

import rig
from attack import Case, manifest, with_manifest
from receiver import MANIFEST, archive, entry, files

SANITIZED = b"__asan_init" in open(rig.program("latchkey-userconfig"), "rb").read()
# Address space in which the program has to judge the worst of archives.
BOUNDED = () if SANITIZED else ("prlimit", "--as=200000000")


def zstd(data):
    return rig.run(["zstd", "-q", "-c"], stdin=data, check=0).stdout


class Entries(Case):
    def judge(self, cases):
        for name, content, code, *words in cases:
            with self.subTest(name):
                self.refuse(self.dev.seal(content, 2), code, *words, floor=False, prefix=BOUNDED)
        self.unchanged(self.seen())

    def test_names(self):
        good = entry("good", b"1")
        self.judge([(n, archive(good, entry(n, b"x")), 3, w) for n, w in (
            ("../x", '".."'), ("a/../../x", '".."'), ("a/..", '".."'), ("..", '".."'), ("/etc/x", "absolute"),
            ("//x", "absolute"), ("a//x", "empty"), ("a/./x", '"."'), ("./../x", '".."'),
            ("a\nb", "isn't seen"), ("a\x7fb", "isn't seen"), ("a\u202eb", "isn't seen"), ("a\u200bb", "isn't seen"), ("a" * 256, "255 bytes"),
            ("a/" * 32 + "x", "32 components"), ("a" * 200 + "/" + "b/" * 500, "1024 bytes"),
            (("d" * 200 + "/") * 320 + "x", "1024 bytes"), ("x" * 65536, "1024 bytes"))])

    def test_a_name_of_a_mebibyte_and_names_that_are_not_text(self):
        raw = tarfile.TarInfo("x")
        raw.pax_headers = {"path": "n" * (1 << 20)}
        bad = archive(entry("aXb", b"x"), form=tarfile.USTAR_FORMAT)
        head = bytearray(bad[:512].replace(b"aXb", b"a\xffb"))
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        self.judge([("a mebibyte", archive((raw, b"")), 3, "Special header too large"),
                    ("not UTF-8", bytes(head) + bad[512:], 3, "UTF-8")])

    def test_kinds_and_modes(self):
        good, t = entry("good", b"1"), tarfile
        kinds = (("symbolic link within", dict(type=t.SYMTYPE, linkname="good"), "a symbolic link to"),
                 ("symbolic link out", dict(type=t.SYMTYPE, linkname="../../etc"), "a symbolic link to"),
                 ("hard link within", dict(type=t.LNKTYPE, linkname="good"), "a hard link to"),
                 ("hard link out", dict(type=t.LNKTYPE, linkname="/etc/passwd"), "a hard link to"),
                 ("character device", dict(type=t.CHRTYPE, devmajor=1, devminor=3), "a device"),
                 ("block device", dict(type=t.BLKTYPE, devmajor=8), "a device"),
                 ("FIFO", dict(type=t.FIFOTYPE), "a FIFO"),
                 ("set-user-id", dict(mode=0o4755), "set-id or sticky"),
                 ("set-group-id", dict(mode=0o2755), "set-id or sticky"),
                 ("sticky", dict(mode=0o1755), "set-id or sticky"),
                 ("set-id folder", dict(type=t.DIRTYPE, mode=0o2755), "set-id or sticky"))
        self.judge([(n, archive(good, entry("bad", **f)), 3, '"bad', w) for n, f, w in kinds])

    def test_names_that_meet(self):
        link = entry("l", type=tarfile.SYMTYPE, linkname="../../etc")
        self.judge([
            ("twice", archive(entry("a", b"1"), entry("a", b"2")), 3, "twice"),
            ("twice, once with ./", archive(entry("a", b"1"), entry("./a", b"2")), 3, "twice"),
            ("file, then folder", archive(entry("a", b"1"), entry("a/", type=tarfile.DIRTYPE)), 3, '"a"'),
            ("folder, then file", archive(entry("a/", type=tarfile.DIRTYPE), entry("a", b"1")), 3, "a directory is"),
            ("below a file", archive(entry("a", b"1"), entry("a/b", b"2")), 3, "below a file"),
            ("file where a file has a parent", archive(entry("a/b", b"2"), entry("a", b"1")), 3, "a directory is"),
            ("through a link", archive(link, entry("l/passwd", b"x")), 3, "a symbolic link"),
            ("through a link that comes later", archive(entry("l/passwd", b"x"), link), 3, "a symbolic link")])

    def test_a_million_entries(self):
        block = archive(entry("d/", type=tarfile.DIRTYPE))[:512] * 1000
        member = gzip.compress(block, 9, mtime=0)
        start = time.monotonic()
        self.judge([("one folder", member * 1000 + gzip.compress(bytes(1024)), 3, "too many entries")])
        names = b"".join(archive(entry(f"f{n:07}"))[:512] for n in range(5000))
        self.judge([("many files", gzip.compress(names + bytes(1024), 1), 3, "too many entries")])
        self.assertLess(time.monotonic() - start, 60)

    def test_bombs(self):
        big = entry("zeros", bytes(20 << 20))
        many = [entry(f"zeros{n}", bytes(1 << 20)) for n in range(20)]
        pax = tarfile.TarInfo("x")
        pax.pax_headers = {"comment": "c" * (60 << 20)}
        self.judge([
            ("gzip 1000:1", gzip.compress(archive(big)), 3, "than a blob of this size unpacks to"),
            ("zstd 1000:1", zstd(archive(big)), 3, "than a blob of this size unpacks to"),
            ("many files", gzip.compress(archive(*many)), 3, "than a blob of this size unpacks to"),
            ("over max-file", zstd(archive(entry("zeros", bytes(65 << 20)))), 3, "than a file may have"),
            ("a header", gzip.compress(archive((pax, b""))), 3, "Special header too large"),
            ("zeros behind", gzip.compress(archive(entry("a", b"1")) + bytes(20 << 20)), 3, "archive: bytes after"),
            ("a directory that has content", gzip.compress(archive((big_directory(), bytes(20 << 20)))), 3)])

    def test_names_with_a_zero_byte_inside(self):
        """libarchive would give the name up to it."""
        good, raw = entry("good", b"1"), tarfile.TarInfo("x")
        raw.pax_headers = {"path": "x\0y"}
        head = bytearray(archive(entry("aXb", b""), form=tarfile.USTAR_FORMAT).replace(b"aXb", b"a\0b"))
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head[:512])
        long = archive(entry("n" * 150, b"x"), form=tarfile.GNU_FORMAT).replace(b"n" * 150, b"n" * 70 + b"\0" + b"n" * 79, 1)
        self.judge([("pax", archive(good, (raw, b"")), 3, "a zero byte within a name"),
                    ("ustar", bytes(head), 3, "a zero byte within a name"),
                    ("GNU", long, 3, "a zero byte within a name"),
                    ("pax, packed", zstd(archive(good, (raw, b""))), 3, "a zero byte within a name")])

    def test_windows_that_a_decompressor_would_allocate(self):
        """A few hundred bytes that ask for 128 MiB; zstd's levels up to 19 ask for 8 at most."""
        tar = archive(entry("a", b"A"))
        long = lambda *how: rig.run(["zstd", "-q", "-c", *how], stdin=tar, check=0).stdout
        self.judge([("--long=27", long("--long=27"), 3, "a window of 134217728 bytes"),
                    ("--ultra", long("--ultra", "-22"), 3, "window"),
                    ("in a second frame", zstd(tar[:700]) + rig.run(["zstd", "-q", "-c", "--long=27"], stdin=tar[700:],
                                                                    check=0).stdout, 3, "window"),
                    ("a skippable frame", bytes.fromhex("502a4d1804000000") + b"skip" + zstd(tar), 3)])
        self.dev.apply(self.dev.seal(rig.run(["zstd", "-q", "-c", "-19"], stdin=archive(entry("a", os.urandom(9 << 20))),
                                             check=0).stdout, 2), prefix=BOUNDED)
        self.assertEqual(len(self.dev.get("/opt/a")), 9 << 20)

    def test_what_is_no_whole_tar(self):
        tar = archive(entry("a", b"1" * 5000), entry("b", b"2"))
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as z:
            z.writestr("a", "1")
        cpio = b"".join(b"070701" + b"".join(b"%08x" % n for n in (1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name), 0))
                        + name + data for mode, size, name, data in (
                            (0o100644, 4, b"ab\0\0\0\0", b"data"), (0, 0, b"TRAILER!!!\0\0\0\0", b"")))
        deflate = zlib.compressobj(wbits=31)
        half = deflate.compress(tar) + deflate.flush(zlib.Z_SYNC_FLUSH)
        self.judge([
            ("text", b"hello\n" * 500, 3, "archive"), ("zeros", bytes(10240), 3),
            ("zip", zipped.getvalue(), 3, "archive"), ("cpio", cpio, 3, "archive"),
            ("xz", lzma.compress(tar), 3, "archive"),
            ("bzip2", bz2.compress(tar), 3, "archive"),
            ("gzip in gzip", gzip.compress(gzip.compress(tar)), 3, "archive: compressed more than once"),
            ("gzip in zstd", zstd(gzip.compress(tar)), 3, "archive: compressed more than once"),
            ("cut in a file", tar[:3000], 3, "archive"), ("cut in a header", tar[:700], 3, "archive"),
            ("cut between", tar[:512 + 5120], 3, "archive: cut short"),
            ("no end", tar[:512 + 5120 + 1024], 3, "archive: cut short"),
            ("cut gzip", gzip.compress(tar)[:-9], 3, "archive"), ("endless gzip", half, 3, "archive"),
            ("cut zstd", zstd(tar)[:-5], 3, "archive"),
            ("bytes behind", tar + b"x", 3, "archive: bytes after"),
            ("a tar behind", tar + tar, 3, "archive: bytes after"),
            ("bytes behind gzip", gzip.compress(tar) + b"x" * 20, 3, "archive")])

    def test_sparse_files(self):
        with open(self.path("hole"), "wb") as f:
            f.truncate(1 << 40)
            f.seek(1 << 39)
            f.write(b"x")
        for form in ("gnu", "posix"):
            tar = rig.run(["tar", "-C", self.tmp, "-S", f"--format={form}", "-cf", "-", "hole"], check=0).stdout
            self.judge([(form, tar, 3, "bytes than a file may have")])


def big_directory():
    info = tarfile.TarInfo("d/")
    info.type, info.size = tarfile.DIRTYPE, 20 << 20
    return info


class Manifests(Case):
    SETTINGS = "prefixes: [/opt, /home, /run, /var]\nunits: [app.service]\n"

    def test_manifests(self):
        ok = "path: a, destination: /opt/a"
        m = entry(MANIFEST, b"latchkey-manifest: 1\n")
        text = lambda t: archive(entry(MANIFEST, t), entry("a", b"A"))
        cases = [
            ("not first", archive(entry("a", b"A"), m), "first file"),
            ("twice", archive(m, m, entry("a", b"A")), "twice"),
            ("twice by ./", archive(m, (entry("./" + MANIFEST, m[1])), entry("a", b"A")), "twice"),
            ("alone", archive(m), "no files"),
            ("empty", text(b""), "0 bytes"),
            ("too large", text(b"latchkey-manifest: 1\n" + b"#" * (256 << 10)), "262144 are allowed"),
            ("no YAML", text(b"{"), MANIFEST), ("zeros", text(bytes(10)), MANIFEST),
            ("unknown key", text(b"latchkey-manifest: 1\nrun: x\n"), "run"),
            ("version", text(b"latchkey-manifest: 2\n"), "latchkey-manifest"),
            ("unknown key of a file", with_manifest(ok + ", suid: true"), "suid"),
            ("not in the archive", with_manifest("path: b, destination: /opt/b"), "b is not in the archive"),
            ("a folder's path", archive(manifest("path: d, destination: /opt/d"), entry("d/", type=b"5"),
                                        entry("a", b"A")), "d is not in the archive"),
            ("destination twice", archive(manifest(ok, "path: b, destination: /opt/a"), entry("a"), entry("b")),
             "destination"),
            ("destination below", archive(manifest(ok, "path: b, destination: /opt/a/b"), entry("a"), entry("b")),
             "destination"),
            ("meets a default", archive(manifest("path: a, destination: /opt/b"), entry("a"), entry("b")),
             "b would go to /opt/b, and a to /opt/b"),
            ("below a default", archive(manifest("path: a, destination: /opt/b/c"), entry("b"), entry("a")), "opt/b/c")]
        for name, content, word in cases:
            with self.subTest(name):
                self.refuse(self.dev.seal(content, 2), 3, word, floor=False)
        self.unchanged(self.seen())

    def test_a_manifest_that_nobody_would_read(self):
        """A folder further down, or in another spelling: the secret would lie on the disk, and in another place."""
        text = b"latchkey-manifest: 1\nfiles:\n  - {path: app/token, destination: /opt/token, volatile: true}\n"
        for name in ("update/" + MANIFEST, "a/b/c/" + MANIFEST, "./d/" + MANIFEST, "latchkey-manifest.yml",
                     "Latchkey-Manifest.YAML", "latchkey_manifest.yaml", "d/latchkey-manifest"):
            for first in (True, False):
                with self.subTest(name, first=first):
                    both = [entry(name, text), entry("d/app/token", b"s3cret")]
                    self.refuse(self.dev.seal(archive(*(both if first else both[::-1])), 2), 3,
                                "a manifest has to be at the top", "tar -C", floor=False)
        self.unchanged(self.seen())

    def test_a_file_of_that_name_that_the_manifest_speaks_of(self):
        name = "docs/" + MANIFEST
        self.dev.apply(self.dev.seal(archive(manifest(f"path: {name}, destination: /opt/m"), entry(name, b"x")), 2))
        self.assertEqual(self.dev.get("/opt/m"), b"x")

    def test_what_settings_do_not_allow(self):
        upload = "/home/update/upload/mnt"
        places = (("/etc/passwd", "prefixes"), ("/opt", "prefixes"), ("/optional/a", "prefixes"),
                  ("/opt/../etc/a", "destination"), ("/opt//a", "destination"), ("opt/a", "destination"),
                  ("/opt/a/", "destination"), ("/var/lib/latchkey/userconfig/a", ""), ("/var/lib", ""),
                  ("/var/lib/latchkey/userconfig", ""), ("/run/latchkey/userconfig/a", "own folder"),
                  ("/run/latchkey/userconfig", ""), ("/run/latchkey", ""), (upload + "/config.lkb", "uploaded blob"),
                  (upload + "/config.lkb.refused.txt", "uploaded blob"), (upload, ""), ("/home/update/upload", ""),
                  ("/home/update/upload/.latchkey-0123456789abcdef", ""))
        cases = [(d, f"path: a, destination: {d}", w) for d, w in places]
        cases += [(x, "path: a, destination: /opt/a, " + x, w) for x, w in (
            ("owner: app", "owners"), ("owner: 0", "owners"), ("group: app", "groups"), ('mode: "0777"', "modes"),
            ('mode: "0775"', "modes"), ('mode: "4755"', "mode"), ("restart: [ssh.service]", "units"),
            ("reload: [ssh.service]", "units"), ("restart: [/etc/x]", "restart"), ("restart: [-.mount]", "restart"))]
        for name, line, word in cases:
            with self.subTest(name):
                self.refuse(self.dev.seal(with_manifest(line), 2), 3, word, floor=False)
        self.unchanged(self.seen())

    def test_no_such_user(self):
        self.dev.settings("owners: [root, ghost]\ngroups: [root, ghosts]\n")
        for word in ("owner: ghost", "group: ghosts"):
            self.refuse(self.dev.seal(with_manifest("path: a, destination: /opt/a, " + word), 2), 3,
                        word.replace(":", ""), "no such")


if __name__ == "__main__":
    unittest.main()
