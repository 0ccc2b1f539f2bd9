# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The power goes after each TPM command, and at each write that is synced: a second run finishes."""
import os
import shutil
import subprocess
import sys
import unittest

import rig
from device import Bus, Device, copy_tree

# Every command in turn takes minutes; a larger step is for the impatient.
STEP = int(os.environ.get("LATCHKEY_CUT_STEP", "1"))


class PowerCut(rig.TestCase):
    def save(self, dev):
        dev.tpm.stop()
        copy_tree(self.tmp, self.tmp + ".saved")
        self.addCleanup(shutil.rmtree, self.tmp + ".saved", True)

    def restore(self, dev):
        """The device as it was saved, switched on."""
        dev.tpm.stop()
        copy_tree(self.tmp + ".saved", self.tmp)
        dev.tpm.start()

    def argv(self, words):
        return [rig.program("latchkey-provision"), *words]

    def cuts(self, dev, words):
        """For each TPM command of @words: the state that a cut there leaves, as a subtest."""
        self.save(dev)
        dev.tpm.start()
        whole = Bus(dev.tpm)
        self.assertEqual(whole.run(self.argv(words)), 0, whole.text)
        self.assertGreater(whole.seen, 20)
        for commands in range(0, whole.seen, STEP):
            bus = self.cut_at(dev, words, commands)
            if not bus.cut:
                # On a busy machine a connection may fail of itself; twice in a row is more than that.
                print(f"not cut at {commands}, once more: {bus.text}", file=sys.stderr)
                bus = self.cut_at(dev, words, commands)
            self.assertTrue(bus.cut, bus.text)
            dev.tpm.restart()
            yield self.subTest(commands=commands, of=whole.seen)

    def cut_at(self, dev, words, commands):
        self.restore(dev)
        bus = Bus(dev.tpm, commands)
        self.assertNotEqual(bus.run(self.argv(words)), 0)
        return bus

    def syncs(self, dev, words):
        """For each fsync of @words: killed right after it."""
        self.save(dev)
        for count in range(1, 400):
            self.restore(dev)
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
                 f"inject=fsync:signal=KILL:when={count}", *self.argv(words), "--tpm", dev.tpm.tcti],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            if done.returncode == 0:
                self.assertGreater(count, 3)
                return
            dev.tpm.restart()
            yield self.subTest(fsync=count)

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
