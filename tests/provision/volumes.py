# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Signed policies in the token, status, pcrs, reseal and remove."""
import json
import re
import os
import unittest

import rig
from device import Device


class Policies(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()

    def policy_command(self, *argv, check=0):
        return self.dev.header("policy", *argv[:1], "--policy", self.dev.path("policy.yaml"),
                               *argv[1:], check=check)

    def versions(self):
        listed = json.loads(self.policy_command("list", "--json").stdout)["policies"]
        return [p["version"] for p in listed]

    def test_add_list_and_retire(self):
        first = self.dev.sign(1, label="kernel one", out="one.yaml")
        second = self.dev.sign(2, label="kernel two", out="two.yaml")
        self.policy_command("add", first, second)
        self.assertEqual(self.versions(), [1, 2])
        self.assertEqual([p["version"] for p in self.dev.luks()["tokens"]["0"]["policies"]], [1, 2])
        self.policy_command("add", first)
        self.assertEqual(self.versions(), [1, 2])
        self.assertIn(b"kernel two", self.policy_command("list").stdout)
        self.policy_command("retire", "1")
        self.assertEqual(self.versions(), [2])
        self.policy_command("retire", "no such", check=3)
        before = self.read("disk.img")
        self.assertIn(b"empty", self.policy_command("retire", "", check=2).stderr)
        self.assertEqual(self.read("disk.img"), before)
        done = self.policy_command("retire", "kernel two")
        self.assertIn(b"doesn't open unattended", done.stderr)
        self.assertEqual(self.versions(), [])

    def second_volume(self):
        """Another volume of the policy file, on a disk of its own."""
        dev = self.dev
        dev.new_disk("data.img")
        os.unlink(dev.path("init.yaml"))
        dev.policy(f"  - name: data\n    device: {dev.path('data.img')}\n    handle: 0x8100a002\n")
        dev.provision("format", "--policy", dev.path("policy.yaml"), "--volume", "data", "--owner-auth", dev.owner_auth_file(),
                      "--record", dev.record_path, "--recipient", dev.path("owner.pem"))

    def in_token(self, disk):
        return [p["version"] for p in self.dev.luks(disk)["tokens"]["0"]["policies"]]

    def test_several_volumes_at_once(self):
        self.second_volume()
        one, two = self.dev.sign(1, out="one.yaml"), self.dev.sign(2, out="two.yaml")
        both = ("--volume", "root", "--volume", "data")
        said = self.policy_command("add", *both, one).stderr
        self.assertIn(b"volume root: 1 added, 1 in the token", said)
        self.assertIn(b"volume data: 1 added, 1 in the token", said)
        self.policy_command("add", "--volume", "data", two)
        said = self.policy_command("add", *both, one, two).stderr
        self.assertIn(b"volume root: 1 added, 2 in the token", said)
        self.assertIn(b"volume data: 0 added, 2 in the token", said)
        self.assertEqual((self.in_token("disk.img"), self.in_token("data.img")), ([1, 2], [1, 2]))
        self.assertIn(b"given twice", self.policy_command("add", "--volume", "root", "--volume", "root", one, check=2).stderr)
        self.assertIn(b"--device", self.policy_command("add", *both, "--device", self.dev.path("disk.img"), one, check=2).stderr)
        self.assertIn(b"given twice", self.policy_command("list", *both, check=2).stderr)

    def test_several_volumes_get_it_or_none(self):
        """Found out before the first is written; or else taken back."""
        self.second_volume()
        one = self.dev.sign(1, out="one.yaml")
        both = ("--volume", "root", "--volume", "data")
        before = self.read("disk.img")
        bad = self.write("bad.yaml", self.read("one.yaml").replace(b"version: 1\n", b"version: 2\n"))
        self.policy_command("add", *both, one, bad, check=5)
        self.assertEqual(self.read("disk.img"), before)
        self.policy_command("add", "--volume", "root", "--volume", "no-such", one, check=3)
        self.assertEqual(self.read("disk.img"), before)
        os.rename(self.dev.path("data.img"), self.dev.path("away.img"))
        said = self.policy_command("add", *both, one, check=8).stderr
        self.assertIn(b"nothing was added to any volume", said)
        self.dev.new_disk("data.img")
        said = self.policy_command("add", *both, one, check=9).stderr
        self.assertIn(b"nothing was added to any volume", said)
        self.assertEqual(self.read("disk.img"), before)

    def test_one_under_the_floor_is_told_wherever_it_is_met(self):
        dev, policy = self.dev, self.dev.path("policy.yaml")
        one, two = dev.sign(1, out="one.yaml"), dev.sign(2, out="two.yaml")
        self.policy_command("add", one, two)
        dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        said = dev.provision("policy", "add", "--policy", policy, one).stderr.decode()
        self.assertIn("there already", said)
        self.assertIn("version 1 is under the TPM's version floor 2", said)
        said = dev.provision("policy", "retire", "--policy", policy, "2").stderr.decode()
        self.assertIn("version 1 is under the TPM's version floor 2", said)
        self.assertIn("root doesn't open unattended any more", said)
        # Nor by one of another policy file.
        self.policy_command("add", two)
        self.assertNotIn("doesn't open", dev.provision("policy", "retire", "--policy", policy, "1").stderr.decode())

    def test_the_list_explains_its_columns(self):
        self.policy_command("add", self.dev.sign(1))
        digest = self.dev.luks()["tokens"]["0"]["policies"][0]["digest"]
        self.assertIn(f"  {digest[:16]}  verifies  test".encode(), self.policy_command("list").stdout)
        self.assertIn(b"first 8 bytes of the digest", self.policy_command("list", "--help").stdout)

    def test_what_does_not_verify_is_not_added(self):
        good = self.dev.sign(1)
        text = self.read("signed.yaml").decode()
        signature = text.split("signature:")[1].split()[0].strip('"')
        flipped = signature[:-1] + ("0" if signature[-1] != "0" else "1")
        bad = {
            "signature": text.replace(signature, flipped),
            "version": text.replace("version: 1\n", "version: 2\n"),
            "ref": text.replace("latchkey:luks", "latchkey:other"),
        }
        before = self.read("disk.img")
        for what, content in bad.items():
            with self.subTest(what=what):
                self.assertNotEqual(content, text)
                path = self.write("bad.yaml", content)
                self.policy_command("add", path, check=5)
                # Nor does a good one beside it: it is all or none.
                self.policy_command("add", good, path, check=5)
                self.assertEqual(self.read("disk.img"), before)
        self.policy_command("add", self.write("cut.yaml", text[:200]), check=3)
        self.assertEqual(self.read("disk.img"), before)

    def test_a_policy_of_another_key_is_not_added(self):
        dev = self.dev
        os.rename(dev.path("keys"), dev.path("ours"))
        os.rename(dev.path("init.yaml"), dev.path("init-ours.yaml"))
        rig.run([rig.program("latchkey"), "keygen", dev.path("keys")], check=0)
        dev.policy(name="other.yaml")
        signed = dev.sign(1, policy="other.yaml")
        self.policy_command("add", signed, check=5)

    def test_status_tells_whether_it_would_open(self):
        dev = self.dev

        def status():
            done = dev.provision("status", "--json", "--policy", dev.path("policy.yaml"))
            return json.loads(done.stdout)

        self.assertEqual(status()["volumes"][0]["policies-fitting-now"], 0)
        self.policy_command("add", dev.sign(1))
        volume = status()["volumes"][0]
        self.assertEqual((volume["policies-fitting-now"], volume["state"], volume["sealed-object"]),
                         (1, "formatted", "present"))
        self.assertEqual(status()["objects"]["policy-key"], "locked")
        dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "11" * 32)
        self.assertEqual(status()["volumes"][0]["policies-fitting-now"], 0)
        text = dev.provision("status", "--policy", dev.path("policy.yaml")).stdout
        self.assertIn(b"policies-fitting-now 0", text)

    def test_pcrs_are_those_that_the_stock_tool_reads(self):
        dev = self.dev
        dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "11" * 32)
        for bank in ("sha256", "sha384"):
            said = dev.provision("pcrs", "--bank", bank).stdout
            ours = re.sub(rb" *#.*", b"", said).split()  # PCR 11 is marked: nobody has extended it
            theirs = dev.tpm.tool("tpm2_pcrread", bank).stdout.split()
            self.assertEqual(ours, theirs)
            values = json.loads(dev.provision("pcrs", "--json", "--bank", bank).stdout)[bank]
            self.assertEqual(len(values), 24)
            self.assertIn(f"0x{values['7'].upper()}".encode(), theirs)

    def recovery_file(self):
        if not os.path.exists(self.path("recovery")):
            self.write("recovery",
                       self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        return self.dev.path("recovery")

    def reseal(self, check=0):
        dev = self.dev
        return dev.provision("reseal", "--policy", dev.path("policy.yaml"), "--owner-auth",
                             dev.owner_auth_file(), "--recovery-key-file", self.recovery_file(),
                             check=check)

    def test_reseal_replaces_passphrase_and_object(self):
        dev = self.dev
        signed = dev.sign(1)
        self.policy_command("add", signed)
        old = dev.unseal_by_hand(signed, 1)
        self.reseal()
        new = dev.unseal_by_hand(signed, 1)
        self.assertFalse(dev.opens(old[:-32]))
        self.assertTrue(dev.opens(new[:-32]))
        self.assertEqual(old[64:], new[64:])
        self.assertTrue(dev.opens(self.read("recovery")))
        self.assertEqual(len(dev.luks()["keyslots"]), 2)
        self.assertEqual(self.versions(), [1])

    def test_reseal_in_a_new_tpm_for_a_new_key(self):
        dev = self.dev
        self.recovery_file()
        keep = self.read("record.json")
        dev.tpm.stop()
        dev.tpm = self.swtpm("second")
        for name in ("keys", "fapi"):
            os.rename(dev.path(name), dev.path("old-" + name))
        os.unlink(dev.path("init.yaml"))
        rig.run([rig.program("latchkey"), "keygen", dev.path("keys")], check=0)
        # Another TPM is another device, with a record of its own.
        self.assertIn(b"belongs to another device", dev.install(check=13).stderr)
        self.assertEqual(self.read("record.json"), keep)
        os.rename(dev.record_path, dev.path("record-before.json"))
        dev.install()
        dev.policy()
        self.reseal()
        signed = dev.sign(1)
        self.policy_command("add", signed)
        self.assertTrue(dev.opens(dev.unseal_by_hand(signed, 1)[:-32]))

    def test_reseal_with_a_wrong_key_changes_nothing(self):
        dev = self.dev
        self.write("wrong", "not the recovery key\n")
        before = self.read("disk.img")
        dev.provision("reseal", "--policy", dev.path("policy.yaml"), "--owner-auth",
                      dev.owner_auth_file(), "--recovery-key-file", dev.path("wrong"), check=10)
        self.assertEqual(self.read("disk.img"), before)

    def test_remove_names_what_is_lost_and_wants_the_name(self):
        dev = self.dev
        argv = ["remove", "--policy", dev.path("policy.yaml"), "--volume", "root", "--owner-auth",
                dev.owner_auth_file()]
        before = self.read("disk.img")
        done = dev.provision(*argv, check=13)
        self.assertIn(b"0x8100a001", done.stderr)
        dev.provision(*argv, "--yes", "other", check=13)
        self.assertEqual(self.read("disk.img"), before)
        dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001")
        dev.provision(*argv, "--yes", "root")
        self.assertNotEqual(dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001", check=None).returncode, 0)
        self.assertEqual(list(dev.luks()["keyslots"]), ["1"])
        self.assertEqual(dev.luks()["tokens"], {})
        recovery = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        self.assertTrue(dev.opens(recovery))

    def test_remove_installation_allows_another_install(self):
        dev = self.dev
        argv = ["remove", "--installation", "--owner-auth", dev.owner_auth_file()]
        dev.provision(*argv, check=13)
        dev.provision(*argv, "--yes", "installation")
        indices = dev.tpm.tool("tpm2_getcap", "handles-nv-index").stdout.decode().lower()
        self.assertNotIn("0x18a", indices)
        dev.install("--owner-auth", dev.path("owner.auth"))
        self.assertEqual(dev.auth("owner") + "\n", self.read("owner.auth").decode())


if __name__ == "__main__":
    unittest.main()
