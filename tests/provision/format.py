# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Format: the header, the sealed object and the record, checked with the stock tools."""
import os
import re
import unittest

import rig
from device import Device


class Format(rig.TestCase):
    def test_stock_tools_unseal_a_passphrase_that_opens_the_volume(self):
        for curve in ("p384", "p256"):
            with self.subTest(curve=curve):
                dev = Device(self, curve=curve, config_bits=128).ready()
                payload = dev.unseal_by_hand(dev.sign(1), 1)
                self.assertEqual(len(payload), 64)
                self.assertTrue(dev.opens(payload[:-32]))
                self.assertFalse(dev.opens(payload[:31] + b"x"))
                self.check_identity(dev, payload)
                dev.tpm.stop()
                for name in ("keys", "tpm", "fapi"):
                    os.rename(dev.path(name), dev.path(f"{name}-{curve}"))
                for name in ("record.json", "disk.img", "init.yaml"):
                    os.unlink(dev.path(name))

    def check_identity(self, dev, payload):
        """The other 32 bytes are HMAC-SHA-256, keyed by the volume key."""
        self.write("passphrase", payload[:-32])
        rig.run(["cryptsetup", "luksDump", "--batch-mode", "--dump-volume-key",
                 "--volume-key-file", dev.path("volume.key"), "--key-file", dev.path("passphrase"),
                 dev.path("disk.img")], check=0)
        key = self.read("volume.key")
        mac = rig.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}",
                       "-binary"], stdin=b"latchkey:volume-identity", check=0).stdout
        self.assertEqual(payload[-32:], mac)
        os.unlink(dev.path("volume.key"))

    def test_a_policy_under_the_floor_does_not_unseal(self):
        dev = Device(self).ready()
        signed = dev.sign(1)
        dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        with self.assertRaises(AssertionError):
            dev.unseal_by_hand(signed, 1)

    def test_sealed_object_is_bound_to_the_policy_alone(self):
        dev = Device(self).ready()
        shown = dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001").stdout.decode()
        self.assertRegex(shown, r"value: fixedtpm\|fixedparent\|adminwithpolicy\|noda\n")
        self.assertRegex(shown, r"name-alg:\s+value: sha384")
        self.assertIn(dev.record()["volumes"][0]["object-name"], shown)
        self.assertNotEqual(dev.tpm.tool("tpm2_unseal", "-c", "0x8100a001", check=None).returncode, 0)

    def test_header_has_the_least_cost_and_small_areas(self):
        dev = Device(self).ready()
        luks = dev.luks()
        for slot in luks["keyslots"].values():
            self.assertEqual((slot["kdf"]["type"], slot["kdf"]["hash"], slot["kdf"]["iterations"]),
                             ("pbkdf2", "sha256", 1000))
        self.assertEqual(luks["digests"]["0"]["iterations"], 1000)
        self.assertEqual(luks["segments"]["0"]["offset"], str(2 << 20))
        self.assertEqual(luks["segments"]["0"]["encryption"], "aes-xts-plain64")
        self.assertEqual(luks["config"]["json_size"], str((128 << 10) - 4096))
        token = luks["tokens"]["0"]
        self.assertEqual((token["type"], token["keyslots"], token["handle"], token["policies"]),
                         ("latchkey", ["0"], "0x8100a001", []))
        self.assertEqual(dev.record()["volumes"][0]["uuid"],
                         rig.run(["cryptsetup", "luksUUID", dev.path("disk.img")]).stdout.decode().strip())

    def test_what_the_policy_file_says_is_in_the_header(self):
        dev = Device(self)
        dev.install()
        dev.policy("    sector-size: 4096\n    key-size: 256\n")
        dev.format()
        self.assertEqual(dev.luks()["segments"]["0"]["sector_size"], 4096)
        self.assertEqual(dev.luks()["keyslots"]["0"]["key_size"], 32)

    def test_recovery_key_is_readable_and_opens_the_volume(self):
        dev = Device(self).ready()
        key = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        self.assertRegex(key.decode(), r"^([cbdefghijklnrtuv]{5}-){7}[cbdefghijklnrtuv]{5}$")
        self.assertTrue(dev.opens(key))

    def test_no_recovery_key_has_to_be_said(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        argv = ["format", "--policy", dev.path("policy.yaml"), "--owner-auth", dev.owner_auth_file()]
        dev.provision(*argv, check=2)
        dev.provision(*argv, "--no-recovery-key", "--record", dev.record_path, "--recipient",
                      dev.path("owner.pem"), check=2)
        dev.provision(*argv, "--no-recovery-key")
        self.assertEqual(list(dev.luks()["keyslots"]), ["0"])

    def test_latchkey_unseal_would_open_it(self):
        dev = Device(self).ready()
        signed = dev.sign(1)
        dev.header("policy", "add", "--policy", dev.path("policy.yaml"), signed)
        rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", dev.path("policy.yaml"),
                 "--tpm", dev.tpm.tcti], check=0)

    def test_anything_recognizable_is_refused(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        makers = {"ext4": ["mkfs.ext4", "-q"], "swap": ["mkswap"],
                  "LUKS": ["cryptsetup", "luksFormat", "-q", "--pbkdf", "pbkdf2",
                           "--pbkdf-force-iterations", "1000", "--key-file", dev.record_path]}
        for kind, maker in makers.items():
            with self.subTest(kind=kind):
                dev.new_disk("disk.img")
                rig.run([*maker, dev.path("disk.img")], check=0)
                before = self.read("disk.img")
                done = dev.format(check=13)
                self.assertIn(kind.encode(), done.stderr)
                self.assertEqual(self.read("disk.img"), before)
                dev.format("--overwrite", "/dev/another", check=13)
                self.assertEqual(self.read("disk.img"), before)
        table = bytearray(512)
        table[446:462] = bytes([0, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0])
        table[510:] = b"\x55\xaa"
        with open(dev.path("disk.img"), "r+b") as f:
            f.truncate(0)
            f.truncate(32 << 20)
            f.write(table)
        self.assertIn(b"partition table", dev.format(check=13).stderr)
        dev.format("--overwrite", dev.path("disk.img"))

    def test_an_occupied_handle_is_refused(self):
        dev = Device(self).ready()
        dev.new_disk("second.img")
        before = dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001").stdout
        argv = dev.format_argv() + ["--device", dev.path("second.img")]
        self.assertIn(b"0x8100a001", dev.provision(*argv, check=13).stderr)
        self.assertEqual(dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001").stdout, before)
        self.assertEqual(self.read("second.img"), bytes(32 << 20))
        dev.provision(*argv, "--replace-object")
        self.assertNotEqual(dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001").stdout, before)

    def test_without_install_it_is_refused(self):
        dev = Device(self)
        dev.policy()
        dev.provision("format", "--policy", dev.path("policy.yaml"), "--no-recovery-key", check=7)
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))

    def test_a_missing_owner_auth_is_asked_for_before_anything_is_written(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        argv = dev.format_argv()
        at = argv.index("--owner-auth")
        done = dev.provision(*argv[:at], *argv[at + 2:], check=2)
        self.assertIn(b"give --owner-auth", done.stderr)
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))

    def test_wrong_owner_auth_leaves_no_ready_volume(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        self.write("wrong", "not the auth\n")
        argv = dev.format_argv()
        argv[argv.index("--owner-auth") + 1] = dev.path("wrong")
        self.assertNotEqual(dev.provision(*argv, check=None).returncode, 0)
        self.assertFalse(re.search(rb'"type":"latchkey"', self.read("disk.img")))
        dev.format()

    def test_missing_device_and_volume(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        dev.format("--device", dev.path("nothing"), check=8)
        argv = dev.format_argv()
        argv[argv.index("--volume") + 1] = "other"
        dev.provision(*argv, check=3)

    def test_no_secret_crosses_the_bus(self):
        dev = Device(self).ready()
        signed = dev.sign(1)
        recovery = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        dev.tpm.stop()
        traffic = dev.tpm.traffic()
        dev.tpm.restart()
        payload = dev.unseal_by_hand(signed, 1)
        for secret in (payload, payload[:-32], payload[:16], payload[-32:], recovery,
                       dev.auth("owner").encode()):
            self.assertFalse(secret in traffic)
        # By hand it does cross the bus: the search would have found it.
        dev.tpm.stop()
        self.assertTrue(payload in dev.tpm.traffic())


if __name__ == "__main__":
    unittest.main()
