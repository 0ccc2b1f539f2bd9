#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The device file, and somebody on the TPM's bus with a root key of his own: he sees no secret and nothing is changed."""
import hashlib
import json
import os
import struct
import unittest

import rig
from device import Device
from interposing import Interposer, sized, unsized


class Case(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)

    def yaml(self, path=None):
        with open(path or self.dev.device_file) as f:
            return f.read()

    def names(self):
        record = self.dev.record()
        return record["objects"]["storage-root-key"]["name"], record["objects"]["policy-key"]["key-name"]


class File(Case):
    def test_install_writes_it_and_the_record_makes_it_again(self):
        self.dev.install()
        root, key = self.names()
        self.dev.tpm.tool("tpm2_readpublic", "-c", "0x81000001", "-n", self.path("n"))
        self.assertEqual(self.read("n").hex(), root)
        want = (f"latchkey-device: 1\ndevice-id: \"{hashlib.sha256(bytes.fromhex(root)).hexdigest()}\"\n"
                f"root-key:\n  name: \"{root}\"\npolicy-key:\n  name: \"{key}\"\n")
        self.assertEqual(self.yaml(), want)
        self.assertEqual(os.stat(self.dev.device_file).st_mode & 0o777, 0o644)
        self.dev.header("device", "--record", self.dev.record_path, "--output", self.path("again.yaml"))
        self.assertEqual(self.yaml(self.path("again.yaml")), want)
        self.assertEqual(self.dev.header("device", "--record", self.dev.record_path, "--output", "-").stdout.decode(), want)
        done = rig.run([rig.program("latchkey"), "device", self.dev.record_path, "-o", "-"], check=0)
        self.assertEqual(done.stdout.decode(), want)

    def test_the_policy_keys_name_is_what_the_stock_tools_calculate(self):
        self.dev.install()
        self.dev.tpm.tool("tpm2_loadexternal", "-C", "o", "-G", "ecc384:ecdsa-sha384", "-g", "sha384", "-u",
                          self.path("keys/policy-key.pub.pem"), "-c", self.path("k"), "-n", self.path("key.name"))
        self.assertEqual(self.read("key.name").hex(), self.names()[1])

    def test_a_record_of_before_gives_what_it_has(self):
        self.dev.install()
        record = self.dev.record()
        del record["objects"]["policy-key"]["key-name"]
        self.write("old.json", json.dumps(record))
        text = self.dev.header("device", "--record", self.path("old.json"), "--output", "-").stdout.decode()
        self.assertIn(self.names()[0], text)
        self.assertNotIn("policy-key", text)
        self.write("device.yaml", text)
        self.dev.policy()
        self.dev.format()

    def test_what_is_no_record_makes_none(self):
        self.dev.install()
        record = self.dev.record()
        other = dict(record, **{"device-id": "00" * 32})
        short = json.loads(json.dumps(record))
        short["objects"]["storage-root-key"]["name"] = "000b00"
        for name, text, word in (("empty", "{}", "is this a provisioning record"), ("id", json.dumps(other), "device-id: not the SHA-256"),
                                 ("name", json.dumps(short), "not a TPM Name"), ("policy", self.yaml(self.dev.policy()), "policy file"),
                                 ("device", self.yaml(), "a device file")):
            with self.subTest(name):
                self.write("bad.json", text)
                for argv in ([rig.program("latchkey-provision"), "device", "--record", self.path("bad.json"), "--output"],
                             [rig.program("latchkey"), "device", self.path("bad.json"), "-o"]):
                    done = rig.run([*argv, self.path("none.yaml")], check=3)
                    self.assertIn(word, done.stderr.decode())
                    self.assertFalse(os.path.exists(self.path("none.yaml")))

    def test_another_devices_is_kept_and_its_own_stays_untouched(self):
        other = "000b" + "11" * 32
        self.write("device.yaml", f"latchkey-device: 1\ndevice-id: \"{hashlib.sha256(bytes.fromhex(other)).hexdigest()}\"\n"
                                  f"root-key: {{name: \"{other}\"}}\n")
        before = self.yaml()
        done = self.dev.install()
        self.assertIn(b"the earlier one is", done.stderr)
        self.assertEqual(self.yaml(self.dev.device_file + ".old"), before)
        self.assertIn(self.names()[0], self.yaml())
        os.unlink(self.dev.device_file + ".old")
        stat = os.stat(self.dev.device_file)
        self.dev.install()
        self.assertEqual(os.stat(self.dev.device_file).st_mtime_ns, stat.st_mtime_ns)
        self.assertFalse(os.path.exists(self.dev.device_file + ".old"))

    def test_a_place_that_cant_be_written_is_a_warning(self):
        self.write("file", "")
        done = self.dev.install("--device-file", self.path("file/device.yaml"))
        self.assertIn(b"the device file isn't written", done.stderr)
        self.assertIn(b"latchkey-provision device --record", done.stderr)
        self.assertTrue(self.dev.record()["auths"]["owner"])
        self.dev.install()
        self.assertIn(self.names()[0], self.yaml())


class Refused(Case):
    """Installed, formatted, with a signed policy; then somebody comes to the bus."""

    def setUp(self):
        super().setUp()
        self.dev.ready()
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        self.owner = self.dev.owner_auth_file()

    def commands(self):
        policy = ["--policy", self.path("policy.yaml")]
        return {"floor": ["floor", "raise", *policy, "--to", "2", "--yes", "2"],
                "reseal": ["reseal", *policy, "--volume", "root", "--recovery-key-file", self.path("recovery"), "--owner-auth", self.owner],
                "remove": ["remove", *policy, "--volume", "root", "--owner-auth", self.owner, "--yes", "root"],
                "installation": ["remove", "--installation", "--owner-auth", self.owner, "--yes", "installation"],
                "format": ["format", *policy, "--volume", "root", "--owner-auth", self.owner, "--no-recovery-key",
                           "--overwrite", self.path("disk.img"), "--replace-object"]}

    def state(self):
        tool = self.dev.tpm.tool
        return (hashlib.sha256(self.read("disk.img")).digest(), tool("tpm2_getcap", "handles-persistent").stdout,
                tool("tpm2_readpublic", "-c", "0x8100a001").stdout, tool("tpm2_nvread", "-C", "0x018a0001", "0x018a0001").stdout)

    def refused(self, bus, word, *, device_file=True):
        before = self.state()
        for name, argv in self.commands().items():
            with self.subTest(name):
                bus.names.clear()
                done = self.dev.provision(*argv, check=7, tcti=bus.tcti, device_file=device_file)
                self.assertIn(word, done.stderr.decode())
                self.assertEqual(self.state(), before)
                self.assertEqual(bus.seen, {})
                self.assertNotIn("StartAuthSession", bus.names)

    def test_he_is_refused_and_nothing_is_changed(self):
        bus = Interposer(self, self.dev.tpm)
        self.refused(bus, "the TPM's storage root key isn't the one")
        for argv in (["status"], ["pcrs"], ["policy", "add", "--policy", self.path("policy.yaml"), self.path("signed.yaml")]):
            done = self.dev.provision(*argv, check=7, tcti=bus.tcti)
            self.assertIn(b"somebody on its bus answers for it", done.stderr)

    def test_without_a_name_they_are_refused_too(self):
        os.rename(self.dev.device_file, self.path("away.yaml"))
        bus = Interposer(self, self.dev.tpm)
        self.refused(bus, "latchkey-provision device --record record.json", device_file=False)
        done = self.dev.provision("status", "--json", device_file=False)
        self.assertFalse(json.loads(done.stdout)["proven"])
        done = self.dev.provision("pcrs", device_file=False)
        self.assertIn(b"these values aren't proven", done.stderr)
        done = self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.path("signed.yaml"), device_file=False)
        self.assertIn(b"isn't proven", done.stderr)

    def test_the_control_reads_what_is_sealed(self):
        """With a device file that names his key he has the passphrase of a new volume."""
        bus = Interposer(self, self.dev.tpm)
        bus.learn_root()
        self.write("his.yaml", f"latchkey-device: 1\ndevice-id: \"{hashlib.sha256(bus.name).hexdigest()}\"\n"
                               f"root-key: {{name: \"{bus.name.hex()}\"}}\n")
        bus.guess = [self.dev.auth("owner").encode()]
        self.dev.provision(*self.commands()["reseal"], "--device-file", self.path("his.yaml"), tcti=bus.tcti, check=None)
        self.assertTrue(any(len(s) > 64 for s in bus.seen.get("Create", [])), bus.seen)

    def test_a_forged_floor_is_refused(self):
        """With the real root key he can't calculate an HMAC: neither the floor nor PCR values can be made up."""
        for name, argv in (("NV_Read", self.commands()["floor"]), ("PCR_Read", ["pcrs"])):
            with self.subTest(name):
                before = self.state()
                bus = Interposer(self, self.dev.tpm)
                bus.on_command = lambda n, c: self.flip(bus, n, c, name)
                done = self.dev.provision(*argv, check=1, tcti=bus.tcti)
                self.assertIn(b"between this program and the TPM has changed it", done.stderr)
                self.assertEqual(done.stdout, b"")
                self.assertEqual(self.state(), before)

    @staticmethod
    def flip(bus, name, command, which):
        answer = bus.direct(command)
        return answer[:40] + bytes([answer[40] ^ 1]) + answer[41:] if name == which else answer

    def test_status_says_that_it_is_proven(self):
        self.assertTrue(json.loads(self.dev.provision("status", "--json").stdout)["proven"])
        self.assertIn(b"proven               yes", self.dev.provision("status").stdout)


if __name__ == "__main__":
    unittest.main()
