#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey-blob(5): its table and its worked example, by the second implementation, by ours, and by hand as it says."""
import gzip
import io
import os
import re
import tarfile

import blob
import host
from host import rig

PAGE = os.path.join(host.HERE, "..", "..", "man", "latchkey-blob.5")


class Page(host.TestCase):
    def setUp(self):
        super().setUp()
        with open(PAGE, encoding="utf-8") as f:
            self.text = f.read()
        blocks = re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", self.text.split(".Sh EXAMPLES")[1], re.S)
        dump, key, self.pem, self.script = blocks
        offsets = [int(line[:4], 16) for line in dump.splitlines()]
        self.assertEqual(offsets, list(range(0, 16 * len(offsets), 16)))
        self.blob = bytes.fromhex("".join(line[4:] for line in dump.splitlines()))
        self.key = bytes.fromhex(key)

    def test_the_table_has_the_fields_where_they_lie(self):
        rows = re.findall(r"^\.It (\d+) Ta (\d+) Ta ", self.text, re.M)[:len(blob.FIELDS)]
        offsets, at = [], 0
        for code in blob.HEADER.format.lstrip(">").replace("s", "s ").replace("H", "H ").replace("Q", "Q ").replace(
                "I", "I ").split():
            size = blob.struct.calcsize(">" + code)
            offsets.append((str(at), str(size)))
            at += size
        self.assertEqual(rows, offsets)

    def check(self, header, archive):
        self.assertEqual((header["suite"], header["sequence"], header["created"], header["length"]),
                         (1, 7, 1795305600, 103))
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
            member = tar.next()
            self.assertEqual((member.name, member.mode, tar.extractfile(member).read()),
                             ("app.conf", 0o644, b"verbose=yes\n"))
            self.assertIsNone(tar.next())

    def test_the_second_implementation_decodes_the_example(self):
        self.check(*blob.unseal(self.blob, self.write("pub.pem", self.pem), self.key))

    def test_ours_opens_the_example(self):
        argv = ["config", "open", "--policy-key", self.write("pub.pem", self.pem), "--config-key",
                self.write("key", self.key), self.write("b.lkb", self.blob)]
        self.latchkey(*argv, "--archive", self.path("archive"))
        self.check(blob.header(self.blob), self.read("archive"))
        self.latchkey(*argv, "-o", self.path("opened"))
        self.assertEqual(self.read("opened/app.conf"), b"verbose=yes\n")
        done = self.latchkey("config", "show", self.path("b.lkb"))
        self.assertSaid(done, "2026-11-22 00:00:00 UTC")
        self.latchkey("config", "verify", "--policy-key", self.path("pub.pem"), "--target",
                      self.blob[40:72].hex(), self.path("b.lkb"))

    def test_the_commands_do_it_by_hand(self):
        self.write("pub.pem", self.pem)
        self.write("b.lkb", self.blob)
        done = rig.run(["sh", "-ec", f"cd {self.tmp}\n" + self.script.replace("\\e", "\\")],
                       env=dict(os.environ, KEY=self.key.hex()), check=0)
        self.assertEqual(done.stdout, b"Verified OK\nverbose=yes\n")


if __name__ == "__main__":
    host.main()
