# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A TPM that answers TPM2_GetCapability with another capability than was asked for, each in turn, or with more entries:
it is refused before a byte of it is read as what it isn't, and the latch closes."""
import re
import struct
import unittest

import latch
import pin
import proxy
import rig
import volume

SELECTION = struct.pack(">HB", 0x0b, 3) + b"\xff" * 3
# Capability -> the bytes of one entry (TPM 2.0 Library, part 2, 10.10). The entries' bytes are what would be read as others' counts.
ENTRIES = {0: struct.pack(">HI", 0x0b, 0xffffffff), 1: b"\xff\xff\xff\xff", 2: b"\xff\xff\xff\xff", 3: b"\xff\xff\xff\xff",
           4: b"\xff\xff\xff\xff", 5: SELECTION, 6: b"\xff" * 8, 7: struct.pack(">IB", 0xffffffff, 3) + b"\xff" * 3, 8: b"\xff\xff",
           9: struct.pack(">IH", 0x40000001, 0x10), 10: b"\xff" * 12, 0x100: b"\xff" * 4, 0xffffffff: b"\xff" * 4}
# The command's arguments: capability, property, count.
HANDLES, COMMANDS, PROPERTIES = 1, 2, 6


def capability(kind, count, entry=None):
    body = struct.pack(">BII", 0, kind, count) + (entry or ENTRIES[kind]) * min(count, 64)
    return struct.pack(">HII", 0x8001, 10 + len(body), 0) + body


class Liar:
    """Falsifies what a question of one kind is answered."""

    def __init__(self, asked, answer):
        self.asked, self.answer, self.told = asked, answer, 0

    def __call__(self, name, command):
        if name != "GetCapability" or struct.unpack(">I", command[10:14])[0] != self.asked:
            return None
        self.told += 1
        return self.answer


class Early(pin.Case):
    """On the way to a PIN, before the latch."""

    def run_unseal(self, liar):
        bus = proxy.Proxy(self, self.tpm, liar)
        done = rig.run(["env", "SEEN=" + self.path("seen.json"), "unshare", "--mount", "sh", "-c", latch.ALONE, "sh",
                        rig.program("latchkey-unseal"), "--policy", self.policy, "--signed", self.signed, "--tpm", bus.tcti])
        bus.close()
        return done.returncode, done.stderr.decode()

    def is_closed(self):
        text = self.tpm.tool("tpm2_pcrread", "sha256:15").stdout.decode()
        return int(re.search("0x(.*)", text)[1], 16) != 0

    def refused(self, answer):
        self.tpm.restart()
        liar = Liar(PROPERTIES, answer)
        code, said = self.run_unseal(liar)
        self.assertGreater(liar.told, 0)
        # 12: what ESAPI can't unmarshal leaves it unusable; then nothing is opened, and the initramfs halts.
        self.assertIn(code, (4, 12), said)
        self.assertTrue(self.is_closed() if code == 4 else "nothing is opened" in said, said)
        return said

    def test_each_other_selector(self):
        for kind in ENTRIES:
            if kind != PROPERTIES:
                for count in (0, 1, 4):
                    with self.subTest(kind=hex(kind), count=count):
                        self.refused(capability(kind, count))

    def test_more_entries_than_were_asked_for(self):
        said = self.refused(capability(PROPERTIES, 5))
        self.assertIn("doesn't answer what it was asked", said)
        for count in (64, 127, 128, 0xffff, 0xffffffff):
            with self.subTest(count=count):
                self.refused(capability(PROPERTIES, count))

    def test_the_true_answer_is_read(self):
        true = b"".join(struct.pack(">II", p, v) for p, v in ((0x20e, 5), (0x20f, 5), (0x210, 1000), (0x211, 1000)))
        self.tpm.restart()
        answer = struct.pack(">HII", 0x8001, 19 + len(true), 0) + struct.pack(">BII", 0, PROPERTIES, 4) + true
        code, said = self.run_unseal(Liar(PROPERTIES, answer))
        self.assertEqual(code, 6, said)
        self.assertTrue(self.is_closed())


class Provisioning(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)

    def test_each_selector_for_each_question(self):
        for asked in (HANDLES, COMMANDS, PROPERTIES):
            for kind in ENTRIES:
                if kind == asked:
                    continue
                with self.subTest(asked=asked, kind=hex(kind)):
                    liar = Liar(asked, capability(kind, 1))
                    bus = proxy.Proxy(self, self.tpm, liar)
                    done = rig.run([rig.program("latchkey-provision"), "status", "--tpm", bus.tcti])
                    bus.close()
                    self.assertGreater(liar.told, 0)
                    self.assertIn(done.returncode, (1, 4), done.stderr)
                    self.assertEqual(done.stdout.count(b"opens-now"), 0)


if __name__ == "__main__":
    unittest.main()
