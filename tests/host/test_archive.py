#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The archive reader, against archives of Python's tarfile, GNU tar and by hand."""
import gzip
import hashlib
import io
import os
import subprocess
import tarfile

import host
from host import rig

DRIVER = os.path.join(rig.BUILD, "tests", "host", "archive-driver")
NFD = "gru\u0308n/\u2713.conf"  # as a Mac writes it: u and a diaeresis
C = dict(os.environ, LC_ALL="C", LANG="C")


def tar(*entries, form=tarfile.PAX_FORMAT, pax=None):
    """Each entry is (name, bytes), or a TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, pax_headers=pax or {}) as archive:
        for e in entries:
            if isinstance(e, tarfile.TarInfo):
                archive.addfile(e)
                continue
            info = tarfile.TarInfo(e[0])
            info.size = len(e[1])
            archive.addfile(info, io.BytesIO(e[1]))
    return out.getvalue()


def header(name, size, kind=b"0", magic=b"ustar\x0000"):
    """A header by hand, with its sum."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:257 + len(magic)] = magic
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def pax(**records):
    out = b""
    for key, value in records.items():
        body = b" " + key.replace("_", ".").encode() + b"=" + value + b"\n"
        n = len(body)
        while n != len(body) + len(str(n)):
            n = len(body) + len(str(n))
        out += str(n).encode() + body
    return header(b"PaxHeader", len(out), b"x") + padded(out)


END = bytes(1024)


class Archive(host.TestCase):
    def read_archive(self, data, *argv, check=0, env=C):
        return rig.run([DRIVER, *argv], stdin=data, check=check, env=env)

    def entries(self, data, *argv, env=C):
        lines = self.read_archive(data, *argv, env=env).stdout.decode().splitlines()
        return [(w[0], int(w[1], 8), int(w[2]), bytes.fromhex(w[3] if len(w) > 3 else ""), *w[4:])
                for w in (line.split(" ") for line in lines)]

    def refused(self, data, pattern, *argv):
        done = self.read_archive(data, *argv, check=3)
        self.assertRegex(done.stderr.decode(), pattern)

    def test_content_in_all_forms_and_pieces(self):
        body = bytes(range(256)) * 700
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            data = tar(("a/b", body), ("empty", b""), form=form)
            zstd = rig.run(["zstd", "-q"], stdin=data, check=0).stdout
            for packed in (data, gzip.compress(data), zstd):
                for piece in ("1", "777", "65536"):
                    got = self.entries(packed, piece)
                    self.assertEqual(got[0][2:], (len(body), b"a/b", str(len(body)),
                                                  hashlib.sha256(body).hexdigest()))
                    self.assertEqual([e[3] for e in got], [b"a/b", b"empty"])
                self.assertEqual(len(self.entries(packed, "65536", "skip")), 2)

    def test_names_are_the_bytes_that_were_written_in_every_locale(self):
        long = "\u00fc" * 120 + "/" + NFD
        for env in (C, dict(C, LC_ALL="C.UTF-8"), dict(C, LC_ALL="en_US.ISO-8859-1")):
            for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
                for name in (NFD, long):
                    got = self.entries(tar((name, b"x"), form=form), env=env)
                    self.assertEqual(got[0][3], name.encode())
                    self.assertEqual(got[0][4], "1")
        for name in (b"\xff\xfe", b"a\xc3"):  # not UTF-8: handed on, for who judges
            got = self.entries(pax(path=name) + header(b"other", 0) + END)
            self.assertEqual(got[0][3], name)

    def test_kinds(self):
        kinds = {"symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE, "device": tarfile.CHRTYPE,
                 "fifo": tarfile.FIFOTYPE, "directory": tarfile.DIRTYPE}
        for word, kind in kinds.items():
            info = tarfile.TarInfo("name")
            info.type, info.linkname, info.mode = kind, "target", 0o6755
            self.assertEqual(self.entries(tar(info))[0][:2], (word, 0o6755))
        info.type = tarfile.BLKTYPE
        self.assertEqual(self.entries(tar(info))[0][0], "device")

    def test_holes_of_sparse_files_are_zeros(self):
        """GNU's old form and its pax forms, with holes before, between and after."""
        path = self.path("sparse")
        with open(path, "wb") as f:
            f.truncate(3 << 20)
            for at in (1 << 20, 2 << 20):
                f.seek(at)
                f.write(b"data" * 1024)
        want = hashlib.sha256(self.read("sparse")).hexdigest()
        for form in (["--format=gnu"], ["--format=pax", "--sparse-version=0.0"],
                     ["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"]):
            data = rig.run(["tar", "-C", self.tmp, "-S", *form, "-cf", "-", "sparse"], check=0).stdout
            self.assertLess(len(data), 1 << 20)
            got = self.entries(data)
            self.assertEqual((got[0][2], got[0][4], got[0][5]), (3 << 20, str(3 << 20), want), form)

    def test_every_truncation_is_refused(self):
        data = tar(("a", b"x" * 600), (NFD, b"y" * 10), ("c", b""))
        end = len(data.rstrip(b"\0"))
        end += -end % 512 + 1024
        zstd = rig.run(["zstd", "-q"], stdin=data, check=0).stdout
        for name, whole, least in (("tar", data, end), ("gzip", gzip.compress(data), None),
                                   ("zstd", zstd, None)):
            least = least or len(whole)
            for n in range(least):
                if n > 64 and n % 13 and n % 512:
                    continue
                done = rig.run([DRIVER], stdin=whole[:n], env=C)
                self.assertEqual(done.returncode, 3, f"{name} cut at {n}: {done.stderr}")
        self.read_archive(data[:end])

    def test_what_comes_after_the_end_is_refused(self):
        data = tar(("a", b"x"))
        zstd = rig.run(["zstd", "-q"], stdin=data, check=0).stdout
        for packed in (data, gzip.compress(data), zstd):
            for tail in (b"x", b"trailing bytes\n" * 100, data):
                self.refused(packed + tail, "after|Unknown frame|zstd")
        self.refused(data + gzip.compress(data), "after its end")
        self.refused(header(b"a", 0) + bytes(512) + header(b"b", 0) + END, "after its end")
        self.refused(header(b"a", 0) + bytes(512), "cut short")
        self.refused(gzip.compress(data + bytes(8 << 20)), "after its end")
        self.read_archive(data + bytes(512))
        # Several members one after the other are one stream (RFC 1952, 2.2).
        self.read_archive(gzip.compress(data[:700]) + gzip.compress(data[700:]))

    def test_other_formats_and_damage_are_refused(self):
        for name, data in (("nothing", b""), ("text", b"hello world\n"), ("zip", b"PK\3\4" + bytes(600)),
                           ("cpio", b"070701" + b"0" * 600), ("random", os.urandom(4096)),
                           ("twice", gzip.compress(gzip.compress(tar(("a", b"x"))))),
                           ("xz", b"\xfd7zXZ\0" + bytes(600)), ("bzip2", b"BZh91AY&SY" + bytes(600)),
                           ("sum", tar(("a", b"x")).replace(b"0000644", b"0000645", 1)),
                           ("malformed pax", header(b"x", 10, b"x") + padded(b"nonsense\n!") + header(b"a", 0) + END),
                           ("negative", header(b"a", 0)[:124] + b"\xff" * 12 + header(b"a", 0)[136:] + END)):
            with self.subTest(name):
                self.refused(data, ".")

    def test_memory_is_bounded_whatever_a_header_holds(self):
        """Each of these makes libarchive keep what it reads, as long as it may."""
        many = b"\n0\n0" * (3 << 20)
        sparse = pax(GNU_sparse_major=b"1", GNU_sparse_minor=b"0", GNU_sparse_name=b"s",
                     GNU_sparse_realsize=b"10")
        bombs = {
            "long name": header(b"././@LongLink", 64 << 20, b"L", b"ustar  \0") + b"n" * (64 << 20),
            "names upon names": (header(b"././@LongLink", 65536, b"L", b"ustar  \0") + b"n" * 65536) * 600,
            "pax": pax(path=b"p" * (900 << 10)) * 50,
            "global pax": (header(b"g", 1 << 19, b"g") + b"1" * (1 << 19)) * 50,
            "sparse map": sparse + header(b"s", len(many) + 512) + b"3000000" + many,
            "size of nothing": pax(GNU_sparse_major=b"1", GNU_sparse_minor=b"0", GNU_sparse_name=b"s",
                                   GNU_sparse_realsize=b"0") + header(b"s", 64 << 20) + padded(b"0\n")
                               + bytes(64 << 20),
        }
        driver = [host.DRIVER, "maxrss", self.path("rss"), DRIVER]
        for name, data in bombs.items():
            with self.subTest(name):
                packed = self.write("bomb", gzip.compress(data + header(b"a", 0) + END))
                with open(packed, "rb") as f:
                    done = subprocess.run(driver, stdin=f, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.PIPE, check=False, env=C)
                self.assertEqual(done.returncode, 3, done.stderr)
                if not host.sanitized():
                    self.assertLess(int(self.read("rss")), 40 << 10)

    def test_a_name_of_64_kib_comes_whole_to_who_refuses_it(self):
        name = "n" * 65536
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            self.assertEqual(self.entries(tar((name, b""), form=form))[0][3], name.encode())


if __name__ == "__main__":
    host.main()
