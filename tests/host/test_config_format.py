#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The blob's format against a second implementation: Python and the openssl program (tests/support/blob.py)."""
import io
import itertools
import os
import tarfile

import blob
import config
import host


def tar(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Format(config.TestCase):
    def pairs(self):
        """Key folders: each curve with each size of configuration key."""
        for curve, bits in itertools.product(("p384", "p256"), ("256", "128")):
            name = f"{curve}-{bits}"
            self.latchkey("keygen", "--curve", curve, "--config-bits", bits, self.path(name))
            yield curve, bits, self.path(name)

    def keys_of(self, keys):
        with open(keys + "/config-key.bin", "rb") as f:
            return keys + "/policy-key.pub.pem", f.read()

    def test_ours_is_opened_by_the_other(self):
        folder = self.folder()
        for curve, bits, keys in self.pairs():
            with self.subTest(curve=curve, bits=bits):
                self.seal(folder, "--created", "1700000000", "--target", "ab" * 32, "--force",
                          keys=keys, sequence="18446744073709551615")
                public, key = self.keys_of(keys)
                header, content = blob.unseal(self.read("blob.lkb"), public, key)
                self.assertEqual(header["suite"], {"p384": 1, "p256": 2}[curve])
                self.assertEqual((header["sequence"], header["created"], header["target"]),
                                 (2**64 - 1, 1700000000, b"\xab" * 32))
                self.assertEqual(content, self.archive_of(keys=keys))

    def test_the_others_is_accepted_by_ours(self):
        archive = tar(**{"app.conf": b"a=b\n", "empty": b"", "large": os.urandom(300000)})
        for curve, bits, keys in self.pairs():
            with self.subTest(curve=curve, bits=bits):
                _, key = self.keys_of(keys)
                made = blob.seal(archive, keys + "/policy-key.pem", key, sequence=9, created=5,
                                 target=b"\x01" * 32)
                self.write("blob.lkb", made)
                self.verify("blob.lkb", "--target", "01" * 32, keys=keys)
                self.assertEqual(self.archive_of(keys=keys), archive)
                self.open_to(out="opened-" + curve + bits, keys=keys)
                self.assertEqual(self.tree("opened-" + curve + bits)["app.conf"], (0o644, b"a=b\n"))
                shown = self.shown()
                self.assertEqual((shown["sequence"], shown["created"], shown["target"],
                                  shown["content-size"], shown["size"], shown["verified"]),
                                 (9, 5, "01" * 32, len(archive), len(made), False))
                self.assertEqual(shown["config-key-id"], blob.config_key_id(key).hex())

    def test_counters_that_overflow_count_on(self):
        """The IV is one 128-bit number: carries go through all of it."""
        _, key = self.keys_of(self.key_dir)
        archive = tar(a=os.urandom(5000))
        for iv in (b"\xff" * 16, b"\0" * 8 + b"\xff" * 8, b"\0" * 12 + b"\xff" * 4):
            self.write("blob.lkb", blob.seal(archive, self.key_dir + "/policy-key.pem", key, iv=iv))
            self.assertEqual(self.archive_of(), archive)

    def test_each_blob_has_keys_and_ivs_of_its_own(self):
        folder, seen = self.folder(), set()
        for _ in range(8):
            self.seal(folder, "--force", "--created", "0")
            h = blob.header(self.read("blob.lkb"))
            seen |= {h["wrap_iv"], h["iv"], h["wrapped"], h["check"]}
        self.assertEqual(len(seen), 32)

    def test_devices_are_known_by_the_name_of_their_root_key(self):
        record = self.record("record.json", number=7)
        self.seal(self.folder(), "--record", record, sequence="2")
        want = blob.device_id(bytes.fromhex("000b" + f"{7:064x}")).hex()
        self.assertEqual(self.shown()["target"], want)

    def refuse(self, code, pattern, **fields):
        _, key = self.keys_of(self.key_dir)
        made = blob.seal(tar(a=b"b"), self.key_dir + "/policy-key.pem", key, **fields)
        self.write("blob.lkb", made)
        self.assertSaid(self.verify(check=code), pattern)

    def test_a_signed_header_that_is_wrong_is_refused_with_its_offset(self):
        for code, pattern, fields in (
                (3, "offset 0", {"magic": b"\x89LKB\n\n\x1a\n"}), (3, "offset 8.*version 2", {"version": 2}),
                (3, "offset 10.*suite 3", {"suite": 3}), (3, "offset 12", {"reserved": 1}),
                (3, "offset 16.*sequence", {"sequence": 0}), (3, "offset 32|cut short|after", {"length": 0}),
                (3, "offset 32", {"length": 2**40 + 1}), (3, "cut short", {"length": 2**40}),
                (5, "offset 72", {"policy_key": bytes(32)}), (5, "offset 10.*curve", {"suite": 2,
                                                                                     "wrapped": bytes(16)})):
            with self.subTest(**fields):
                self.refuse(code, self.path("blob.lkb") + ": .*" + f"({pattern})", **fields)

    def test_bytes_after_a_short_wrapped_key_are_refused(self):
        self.latchkey("keygen", "--curve", "p256", self.path("p256"))
        _, key = self.keys_of(self.path("p256"))
        made = blob.seal(tar(a=b"b"), self.path("p256") + "/policy-key.pem", key,
                         wrapped=bytes(31) + b"\1")
        self.write("blob.lkb", made)
        self.assertSaid(self.verify(keys=self.path("p256"), check=3), "offset 168")

    def test_a_wrong_content_key_check_is_refused_before_anything_is_written(self):
        _, key = self.keys_of(self.key_dir)
        made = blob.seal(tar(a=b"b"), self.key_dir + "/policy-key.pem", key, check=bytes(16))
        self.write("blob.lkb", made)
        self.verify()
        self.open_to(check=5)
        self.assertNotMade("opened")

    def test_archives_that_break_the_rules_leave_no_file(self):
        _, key = self.keys_of(self.key_dir)
        evil = io.BytesIO()
        with tarfile.open(fileobj=evil, mode="w") as archive:
            info = tarfile.TarInfo("first")
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
            info = tarfile.TarInfo("link")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc"
            archive.addfile(info)
        for archive, pattern in ((evil.getvalue(), "link"), (tar(**{"../up": b""}), r"\.\."),
                                 (tar(**{"/etc/x": b""}), "/etc/x"), (tar(a=b"x")[:700], "cut short|Truncated"),
                                 (b"hello", "archive")):
            self.write("blob.lkb", blob.seal(archive, self.key_dir + "/policy-key.pem", key))
            self.assertSaid(self.open_to(check=3), self.path("blob.lkb") + ": .*" + pattern)
            self.assertNothingLeft("blob.lkb")


if __name__ == "__main__":
    host.main()
