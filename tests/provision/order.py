# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Commands in the wrong order, another handle, another bank, a TPM that was cleared: what is said of the TPM is what the
TPM says, and what to run first is named."""
import json
import os
import re
import unittest

import rig
from device import Device

INSTALL = 'run "latchkey-provision install" first'


class Order(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.write("auth", "owner-one\n")

    def said(self, *argv, code):
        done = self.dev.provision(*argv, check=code)
        text = done.stderr.decode()
        self.assertNotIn("isn't the one", text)
        self.assertNotIn("not the TPM's", text)
        return text

    def on_volume(self, command, *more, code):
        return self.said(*command.split(), "--policy", self.path("policy.yaml"), *more, code=code)

    def nothing(self):
        return [self.dev.tpm.tool("tpm2_getcap", what).stdout for what in ("handles-persistent", "handles-nv-index")]

    def test_before_install(self):
        self.dev.policy()
        disk = self.read("disk.img")
        auth = ["--owner-auth", self.path("auth")]
        key = ["--recovery-key-file", self.write("key", "x\n")]
        for command, more in (("format", ["--no-recovery-key"]), ("setup", ["--no-recovery-key"])):
            self.assertIn(INSTALL, self.on_volume(command, *more, code=7))
            self.assertIn(INSTALL, self.on_volume(command, *more, *auth, code=7))
        self.assertIn(INSTALL, self.on_volume("floor raise", "--to", "2", code=7))
        self.assertIn("nothing was removed", self.said("remove", "--installation", "--yes", "installation", code=7))
        for command, more in (("reseal", key), ("remove --volume root --yes root", []), ("policy list", [])):
            argv = [a for a in more] + (auth if command != "policy list" else [])
            done = rig.run([rig.program("latchkey-provision"), *command.split(), "--policy", self.path("policy.yaml"), *argv])
            self.assertEqual(done.returncode, 9, done.stderr)
            self.assertIn(b'"latchkey-provision format" makes one', done.stderr)
        self.assertEqual(self.read("disk.img"), disk)
        self.assertEqual(self.nothing(), [b"", b""])
        self.assertIn("storage-root-key     missing", self.dev.provision("status").stdout.decode())

    def test_reseal_after_a_clear_and_before_install(self):
        self.dev.ready()
        key = self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"])
        self.write("key", key)
        disk = self.read("disk.img")
        auth = self.dev.owner_auth_file()
        self.dev.tpm.tool("tpm2_clear", "-c", "p")
        more = ["--recovery-key-file", self.path("key")]
        self.assertIn("latchkey-provision install", self.on_volume("reseal", *more, "--owner-auth", auth, code=7))
        self.assertIn(INSTALL, self.on_volume("reseal", *more, code=7))
        self.assertEqual(self.read("disk.img"), disk)

    def test_policies_under_the_floor_of_a_cleared_tpm_are_not_called_good(self):
        self.dev.ready()
        add = ["policy", "add", "--policy", self.path("policy.yaml")]
        self.dev.provision(*add, self.dev.sign(1))
        self.write("key", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        # A TPM whose counters have been higher.
        self.dev.provision("floor", "raise", "--policy", self.path("policy.yaml"), "--to", "4", "--yes", "4")
        self.dev.tpm.tool("tpm2_clear", "-c", "p")
        os.rename(self.dev.record_path, self.path("old.json"))
        os.rename(self.path("fapi"), self.path("old"))
        self.dev.install()
        floor = self.dev.record()["objects"]["version-floor"]["value"]
        done = self.dev.provision("reseal", "--policy", self.path("policy.yaml"), "--recovery-key-file", self.path("key"),
                                  "--owner-auth", self.dev.owner_auth_file()).stderr.decode()
        good = 1 if floor <= 1 else 0
        self.assertEqual(good, 0)
        self.assertIn("0 of its signed policies are still good: add some", done)
        self.assertIn(f"1 of its signed policies are under the TPM's version floor {floor}: the TPM refuses them", done)

    def test_the_handle_of_another_policy_file(self):
        self.dev.ready()
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))
        text = self.read("policy.yaml").decode()
        self.write("other.yaml", text.replace("0x8100a001", "0x8100a007"))
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("other.yaml"), "--tpm",
                        self.dev.tpm.tcti], check=7).stderr.decode()
        self.assertIn("the policy file says handle 0x8100a007, and by its token the volume is sealed at 0x8100a001", done)
        self.assertIn("see whether the policy file names the right handle", done)
        self.assertNotIn("exchanged", done)

    def status(self):
        done = self.dev.provision("status", "--policy", self.path("policy.yaml"), "--json")
        return json.loads(done.stdout)["volumes"][0]

    def test_status_says_why_it_does_not_open(self):
        self.dev.ready()
        self.assertIn("no signed policy", self.status()["why-not"])
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))
        volume = self.status()
        self.assertEqual((volume["opens-now"], "why-not" in volume), (True, False))
        self.dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "11" * 32)
        self.assertIn("PCR values of now", self.status()["why-not"])

    def test_status_where_the_bank_of_the_policy_is_not_active(self):
        self.dev.ready()
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))
        self.dev.tpm.tool("tpm2_pcrallocate", "-Q", "sha256:none+sha384:all")
        self.dev.tpm.restart()
        volume = self.status()
        self.assertFalse(volume["opens-now"])
        self.assertIn("PCR bank sha256 isn't active", volume["why-not"])
        text = self.dev.provision("status", "--policy", self.path("policy.yaml")).stdout.decode()
        self.assertRegex(text, r"(?m)^opens-now +no: PCR bank sha256 isn't active")

    def test_what_lies_at_our_places_is_not_taken_for_ours(self):
        tool = self.dev.tpm.tool
        for index in ("0x018a0000", "0x018a0001", "0x018a0002"):
            tool("tpm2_nvdefine", "-C", "o", "-s", "16", "-a", "ownerread|ownerwrite", index)
            self.write("zero", bytes(16))
            tool("tpm2_nvwrite", "-C", "o", "-i", self.path("zero"), index)
        tool("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", self.path("x.ctx"))
        tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("x.ctx"), "0x8100a000")
        tool("tpm2_flushcontext", "-t")
        text = self.dev.provision("status").stdout.decode()
        for what in ("policy-key", "config-key", "version-floor", "sequence-floor"):
            self.assertRegex(text, rf"(?m)^{what} +something else")
        before = self.nothing()
        self.assertIn("nothing was removed", self.said("remove", "--installation", "--yes", "installation", code=13))
        tool("tpm2_evictcontrol", "-C", "o", "-c", "0x8100a000")
        self.assertIn("nothing was removed", self.said("remove", "--installation", "--yes", "installation", code=13))
        self.assertEqual(self.nothing()[1], before[1])


if __name__ == "__main__":
    unittest.main()
