#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Somebody on the TPM's bus with a root key of his own, in the running system: what he forges is refused, nothing is applied."""
import hashlib
import os
import struct
import subprocess
import unittest

import blob
import rig
from interposing import Interposer, sized, unsized
from receiver import files, spare


def device_yaml(root, key=None):
    text = f"latchkey-device: 1\ndevice-id: \"{hashlib.sha256(root).hexdigest()}\"\nroot-key:\n  name: \"{root.hex()}\"\n"
    return text + (f"policy-key:\n  name: \"{key.hex()}\"\n" if key else "")


class Attack(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = spare(self)
        self.theirs = self.path("theirs.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-out", self.theirs],
                       check=True, stderr=subprocess.DEVNULL)
        self.spki = blob.openssl("pkey", "-in", self.theirs, "-pubout", "-outform", "DER")
        self.device_file = self.dev.at("etc/latchkey/device.yaml")
        self.before = self.dev.snapshot()

    def forge_policy_key(self, name, params):
        if name != "NV_Read":
            return params
        content, rest = unsized(params)
        return sized(self.spki) + rest if len(content) == len(self.spki) else params

    def forge_floor(self, name, params):
        content, rest = unsized(params) if name == "NV_Read" else (b"", b"")
        return sized(struct.pack(">Q", self.dev.floor)) + rest if len(content) == 8 else params

    def write_device_file(self, root, key=None):
        with open(self.device_file, "w") as f:
            f.write(device_yaml(root, key))

    def refused(self, bus, data, *words, code=7):
        """Nothing is applied, no floor has moved, the blob stays, and the configuration key has seen nothing."""
        floor = self.dev.counter()
        before = self.dev.snapshot("opt", "etc")
        done = self.dev.apply(data, check=code, tcti=bus.tcti)
        for word in words:
            self.assertIn(word, done.stderr.decode())
        self.assertEqual(self.dev.snapshot("opt", "etc"), before)
        self.assertEqual(self.dev.counter(), floor)
        self.assertEqual(self.dev.get(self.dev.upload_path[len(self.dev.root):]), data)
        self.assertIsNone(self.dev.refused())
        self.assertNotIn("EncryptDecrypt2", bus.names)
        self.assertNotIn("NV_Increment", bus.names)
        os.unlink(self.dev.upload_path)
        return done

    def foreign(self):
        return self.dev.seal(files(evil=b"root's"), key=self.theirs)

    def test_he_succeeds_where_his_own_key_is_the_one_that_is_named(self):
        """The control: what the device file keeps from happening."""
        bus = Interposer(self, self.dev.tpm, forge=self.forge_policy_key)
        bus.learn_root()
        self.write_device_file(bus.name)
        self.dev.apply(self.foreign(), tcti=bus.tcti)
        self.assertEqual(self.dev.get("opt/evil"), b"root's")

    def test_a_forged_policy_key_is_refused(self):
        bus = Interposer(self, self.dev.tpm, forge=self.forge_policy_key)
        self.refused(bus, self.foreign(), "the TPM's storage root key isn't the one", "device.yaml names",
                     "somebody on its bus answers for it", "nothing was changed")
        self.assertNotIn("StartAuthSession", bus.names)

    def test_a_forged_floor_brings_no_retired_blob_back(self):
        old = self.dev.seal(files(app=b"old"))
        self.dev.apply(old)
        self.dev.apply(self.dev.seal(files(app=b"new"), 2))
        bus = Interposer(self, self.dev.tpm, forge=self.forge_floor)
        self.refused(bus, old, "the TPM's storage root key isn't the one")
        self.assertEqual(self.dev.get("opt/app"), b"new")
        bus.learn_root()
        self.write_device_file(bus.name)
        done = self.dev.apply(old, tcti=bus.tcti, check=None)
        self.assertNotIn(b"not above this device's floor", done.stderr, "the control is worth nothing")

    def test_forged_answers_without_the_key_are_refused(self):
        """With the real root key he can't calculate an HMAC."""
        for name, forge in (("key", self.forge_policy_key), ("floor", self.forge_floor)):
            with self.subTest(name):
                bus = Interposer(self, self.dev.tpm)
                bus.on_command = lambda n, c: self.flip(bus, n, c)
                done = self.refused(bus, self.foreign(), "between this program and the TPM has changed it", code=1)
                self.assertNotIn(b"evil", done.stdout)

    @staticmethod
    def flip(bus, name, command):
        answer = bus.direct(command)
        if name == "NV_Read":
            answer = answer[:20] + bytes([answer[20] ^ 1]) + answer[21:]
        return answer

    def test_without_a_name_nothing_is_applied_and_the_command_is_said(self):
        os.unlink(self.device_file)
        bus = Interposer(self, self.dev.tpm)
        self.refused(bus, self.dev.seal(files(app=b"new")), "latchkey-provision device --record record.json")
        self.assertEqual(bus.names, [])
        self.dev.run("check", check=0)
        self.assertIn(b"not proven", self.dev.run("status").stdout)
        self.assertFalse(self.dev.status()["proven"])

    def test_a_bad_device_file_is_no_reason_to_look_elsewhere(self):
        for text in ("", "latchkey-device: 2\n", "latchkey-policy: 1\n"):
            with open(self.device_file, "w") as f:
                f.write(text)
            self.refused(Interposer(self, self.dev.tpm), self.dev.seal(files(app=b"new")), "device.yaml")

    def test_the_policy_files_name_serves_where_there_is_no_device_file(self):
        name = self.dev.record()["objects"]["storage-root-key"]["name"]
        os.unlink(self.device_file)
        with open(self.dev.policy()) as f:
            text = f.read()
        with open(self.dev.at("etc/latchkey/policy.yaml"), "w") as f:
            f.write(text.replace("volumes:", f"root-key:\n  name: \"{name}\"\nvolumes:"))
        self.refused(Interposer(self, self.dev.tpm), self.foreign(), "policy.yaml names")
        self.dev.apply(self.dev.seal(files(app=b"new")))
        self.assertEqual(self.dev.get("opt/app"), b"new")

    def test_the_policy_files_key_is_the_one_and_the_tpm_must_agree(self):
        rig.run(["openssl", "pkey", "-in", self.theirs, "-pubout", "-out", self.path("theirs.pub.pem")], check=0)
        rig.run([rig.program("latchkey"), "policy", "init", "--policy-key", self.path("theirs.pub.pem"), "-o",
                 self.dev.at("etc/latchkey/policy.yaml")], check=0)
        bus = Interposer(self, self.dev.tpm)
        bus.on_command = None
        for data in (self.foreign(), self.dev.seal(files(app=b"new"))):
            self.refused(bus, data, "isn't policy-key in")
        os.unlink(self.dev.at("etc/latchkey/policy.yaml"))
        root = bytes.fromhex(self.dev.record()["objects"]["storage-root-key"]["name"])
        self.write_device_file(root, b"\0\x0c" + bytes(48))
        self.refused(bus, self.dev.seal(files(app=b"new")), "isn't that of policy-key in")
        self.write_device_file(root, bytes.fromhex(self.dev.record()["objects"]["policy-key"]["key-name"]))
        self.dev.apply(self.dev.seal(files(app=b"new")))


if __name__ == "__main__":
    unittest.main()
