# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The power goes after each TPM command, and at each write that is synced: a second run finishes."""
import os
import unittest

import rig
from device import Device
from power import Cuts


class PowerCut(Cuts):
    def check_installed(self, dev):
        dev.install()
        self.assertIn(b"nothing to do", dev.install().stderr)
        # The record's authorizations are those of the TPM.
        dev.tpm.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", dev.auth("lockout"))
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", dev.auth("owner"), "-s", "8", "0x01800001")
        shown = dev.tpm.tool("tpm2_nvreadpublic", "0x018a0000").stdout
        self.assertIn(b"writelocked", shown)
        value = dev.tpm.tool("tpm2_nvread", "-C", "0x018a0001", "0x018a0001").stdout
        self.assertEqual(int.from_bytes(value, "big"), 1)

    def test_install_finishes_after_a_cut_at_any_command(self):
        dev = Device(self)
        for cut in self.cuts(dev, dev.install_argv()):
            with cut:
                self.check_installed(dev)

    def test_install_finishes_after_a_cut_at_any_write(self):
        dev = Device(self)
        for cut in self.syncs(dev, dev.install_argv()):
            with cut:
                self.check_installed(dev)

    def check_formatted(self, dev):
        """Either it is marked as ready, and opens; or format takes it up."""
        def is_ready():
            dump = rig.run(["cryptsetup", "luksDump", dev.path("disk.img")]).stdout.decode()
            return "Subsystem:     \tlatchkey\n" in dump

        if not is_ready():
            dev.format()
        payload = dev.unseal_by_hand(dev.sign(1), 1)
        self.assertTrue(dev.opens(payload[:-32]))
        recovery = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        self.assertTrue(dev.opens(recovery))
        # A run that began anew has made another header; what the first recorded is kept.
        current = [v for v in dev.record()["volumes"] if not v.get("superseded")]
        self.assertEqual([v["uuid"] for v in current],
                         [rig.run(["cryptsetup", "luksUUID", dev.path("disk.img")]).stdout.decode().strip()])
        self.assertTrue(is_ready())
        self.assertEqual(len(dev.luks()["keyslots"]), 2)

    def installed(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        dev.owner_auth_file()
        return dev

    def test_format_finishes_after_a_cut_at_any_command(self):
        dev = self.installed()
        for cut in self.cuts(dev, dev.format_argv()):
            with cut:
                self.check_formatted(dev)

    def test_format_finishes_after_a_cut_at_any_write(self):
        dev = self.installed()
        for cut in self.syncs(dev, dev.format_argv()):
            with cut:
                self.check_formatted(dev)

    def test_setup_finishes_after_a_cut_at_any_write(self):
        dev = self.installed()
        os.mkdir(dev.path("policies"))
        dev.sign(1, out="policies/1.yaml")
        words = ["setup", "--policy", dev.path("policy.yaml"), "--policies", dev.path("policies"),
                 "--owner-auth", dev.path("owner.auth"), "--record", dev.record_path,
                 "--recipient", dev.path("owner.pem")]
        for cut in self.syncs(dev, words):
            with cut:
                dev.provision(*words)
                self.assertIn(b"nothing to do", dev.provision(*words).stderr)
                self.assertEqual(len(dev.luks()["tokens"]["0"]["policies"]), 1)
                self.check_formatted(dev)

    def test_reseal_leaves_the_recovery_key_and_finishes_after_a_cut_at_any_command(self):
        dev = Device(self).ready()
        self.write("recovery", dev.decrypt(dev.record()["volumes"][0]["recovery-key"]))
        words = ["reseal", "--policy", dev.path("policy.yaml"), "--owner-auth", dev.owner_auth_file(),
                 "--recovery-key-file", dev.path("recovery")]
        for cut in self.cuts(dev, words):
            with cut:
                self.assertTrue(dev.opens(self.read("recovery")))
                dev.provision(*words)
                self.assertTrue(dev.opens(dev.unseal_by_hand(dev.sign(1), 1)[:-32]))
                self.assertEqual(len(dev.luks()["keyslots"]), 2)


if __name__ == "__main__":
    unittest.main()
