#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What crosses the TPM's bus: the commands of each run, no secret, and nothing that may be changed there."""
import os
import unittest

import rig
from proxy import Proxy
from receiver import files, spare

POLICY_KEY = ["NV_ReadPublic", "ReadPublic", "StartAuthSession", "NV_Read"]
FLOOR = ["NV_ReadPublic", "NV_Read"]
USES = {"cipher": ["ReadPublic", "EncryptDecrypt2"], "sealed": ["ReadPublic", "Unseal"]}


class Traffic(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = spare(self)

    def names(self, command, *argv, check=0):
        bus = Proxy(self, self.dev.tpm)
        self.dev.run(command, *argv, check=check, tcti=bus.tcti)
        bus.close()
        return bus.names

    def commands(self, form):
        """One session for all, one increment for each step of the sequence; two keys: of the content, and of the record."""
        dev = self.dev
        self.assertEqual(self.names("apply"), [], "nothing was uploaded")
        for sequence, steps, target in ((1, 1, bytes(32)), (4, 3, bytes.fromhex(dev.status()["device-id"]))):
            dev.upload(dev.seal(files(a=b"%d" % sequence), sequence, target=target))
            self.assertEqual(self.names("apply"), POLICY_KEY + FLOOR + 2 * USES[form] + ["NV_ReadPublic", "NV_Read"]
                             + steps * ["NV_Increment"] + ["NV_Read", "FlushContext"])
        self.assertEqual(self.names("check"), POLICY_KEY + FLOOR + 2 * USES[form] + ["FlushContext"])
        self.assertEqual(self.names("status"), POLICY_KEY + FLOOR + ["FlushContext"])
        self.assertEqual(self.names("rollback"), POLICY_KEY + FLOOR + 2 * USES[form] + ["FlushContext"])
        dev.upload(dev.seal(files(a=b"old"), 2))
        self.assertEqual(self.names("apply", check=5), POLICY_KEY + FLOOR + ["FlushContext"], "no key for an old one")
        dev.upload(b"no blob")
        self.assertEqual(self.names("apply", check=3), POLICY_KEY + ["FlushContext"])

    def test_commands_with_a_cipher_object(self):
        self.commands("cipher")

    def test_commands_with_a_sealed_object(self):
        self.dev.tpm.stop()
        rig.run(["find", self.tmp, "-mindepth", "1", "-delete"], check=0)
        self.dev = spare(self, form="sealed")
        self.commands("sealed")

    def test_no_session_is_left(self):
        for code, blob in ((0, self.dev.seal(files(a=b"1"))), (5, self.dev.seal(files(a=b"1"))[:-1] + b"\0"),
                           (5, self.dev.seal(files(a=b"2"), 2, config_secret=os.urandom(32)))):
            self.dev.apply(blob, check=None)
            self.assertEqual(self.dev.tpm.tool("tpm2_getcap", "handles-loaded-session").stdout, b"", code)

    def test_no_key_crosses_the_bus(self):
        for form in ("cipher", "sealed"):
            with self.subTest(form):
                self.dev.tpm.stop()
                rig.run(["find", self.tmp, "-mindepth", "1", "-delete"], check=0)
                self.dev = spare(self, form=form)
                key = os.urandom(32)
                self.dev.apply(self.dev.seal(files(a=b"1"), content_key=key))
                seen = self.dev.tpm.traffic()
                self.assertGreater(len(seen), 1000)
                for secret in (key, self.dev.config_key):
                    self.assertNotIn(secret[:16], seen)

    def test_a_floor_changed_on_its_way_brings_no_old_blob_back(self):
        """Who sits on the bus answers that the floor is low, at each time that it is read."""
        old = self.dev.seal(files(a=b"old"), 1)
        self.dev.apply(self.dev.seal(files(a=b"new"), 3))
        for which in range(4):
            with self.subTest(which):
                bus = Proxy(self, self.dev.tpm, lambda name, command, left=[which]: self.lie(bus, name, command, left))
                done = self.dev.apply(old, check=None, tcti=bus.tcti)
                bus.close()
                self.assertIn(done.returncode, (1, 5), done.stderr)
                self.assertEqual(self.dev.get("/opt/a"), b"new")
                self.assertEqual(self.dev.counter(), self.dev.floor + 3)

    def lie(self, bus, name, command, left):
        if name != "NV_Read":
            return None
        left[0] -= 1
        answer = bytearray(bus.direct(command))
        if left[0] < 0 and int.from_bytes(answer[14:16], "big") == 8:
            answer[16:24] = bytes(8)
        return bytes(answer)


if __name__ == "__main__":
    unittest.main()
