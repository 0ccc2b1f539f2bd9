# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a signed policy opens is what its owner meant: the policyRef is bound to the selection. Files of format 1, whose
reference isn't, are read, refused for anything new, and changed over."""
import json
import unittest

import rig
from device import Device

SHARED = "latchkey:luks"
CLOSED = "15:sha256=" + "77" * 32


def old(text):
    return text.replace("latchkey-policy: 2", "latchkey-policy: 1")


class Reference(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()
        self.dev.policy()

    def policy_file(self, name, edits=(), form=2):
        text = self.read("policy.yaml").decode()
        for a, b in edits:
            self.assertIn(a, text)
            text = text.replace(a, b)
        return self.write(name, old(text) if form == 1 else text)

    def volumes_file(self, form):
        """The manual's second file, for data volumes; and in it fewer PCRs."""
        return self.policy_file("volumes.yaml", [("latch: 15", "latch: none"), ("pcrs: [0, 7, 10]", "pcrs: [0, 7]"),
                                                 ("0x8100a001", "0x8100a005")], form)

    def unseal(self, policy="policy.yaml"):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path(policy), "--tpm", self.dev.tpm.tcti])
        self.said = done.stderr.decode()
        return done.returncode

    def close_latch_and_move_pcr_10(self):
        self.dev.tpm.tool("tpm2_pcrextend", CLOSED)
        self.dev.tpm.tool("tpm2_pcrextend", "10:sha256=" + "88" * 32)

    def old_device(self):
        """As format 1 left it, with a signed policy that opens."""
        self.write("policy.yaml", old(self.read("policy.yaml").decode()))
        self.shared = ("--shared-policy-ref", SHARED)
        self.dev.format(*self.shared)
        signed = self.dev.sign(1, *self.shared)
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), signed, *self.shared)
        self.assertEqual(self.unseal(), 0, self.said)
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        return signed

    def test_a_policy_of_another_selection_does_not_open_after_the_latch(self):
        self.dev.format()
        root = self.dev.sign(1)
        self.assertEqual(len(self.dev.unseal_by_hand(root, 1)), 64)
        self.close_latch_and_move_pcr_10()
        self.volumes_file(2)
        other = self.dev.sign(1, policy="volumes.yaml", out="other.yaml")
        with self.assertRaises(AssertionError) as refused:
            self.dev.unseal_by_hand(other, 1, selection="sha256:0,7")
        self.assertIn("policy check failed", str(refused.exception).lower().replace("a policy", "policy"))
        # The TPM knows the policy as signed: what doesn't fit is the reference.
        self.assertNotIn("policyauthorize", str(refused.exception).lower())

    def test_with_a_shared_reference_it_does(self):
        """What the test above would do, were the reference not bound; and why format 1 is refused."""
        self.old_device()
        self.close_latch_and_move_pcr_10()
        self.volumes_file(1)
        other = self.dev.sign(1, *self.shared, policy="volumes.yaml", out="other.yaml")
        self.assertEqual(len(self.dev.unseal_by_hand(other, 1, selection="sha256:0,7")), 64)

    def test_format_1_is_refused_for_anything_new_and_nothing_changes(self):
        signed = self.old_device()
        policy, disk = self.path("policy.yaml"), self.read("disk.img")
        self.dev.owner_auth_file()
        provision = [["policy", "add", "--policy", policy, signed],
                     ["reseal", "--policy", policy, "--owner-auth", self.path("owner.auth"), "--recovery-key-file", self.path("recovery")],
                     ["setup", "--policy", policy, "--owner-auth", self.path("owner.auth"), "--no-recovery-key"],
                     ["will-it-boot", "--policy", policy],
                     [*self.dev.format_argv(), "--overwrite", self.path("disk.img"), "--replace-object"]]
        sign = ["--policy", policy, "--pcr-values", self.path("pcrs.json"), "--version", "2", "-o", self.path("new")]
        desk = [["policy", "sign", *sign, "--key", self.path("keys", "policy-key.pem")], ["policy", "digest", *sign],
                ["policy", "attach", *sign, "--signature", self.path("nothing")]]
        runs = [(self.dev.provision, argv) for argv in provision]
        runs += [(lambda *argv, check: rig.run([rig.program("latchkey"), *argv], check=check), argv) for argv in desk]
        for run, argv in runs:
            with self.subTest(argv[:2]):
                said = run(*argv, check=13).stderr.decode()
                self.assertIn("every volume sealed to it", said)
                self.assertIn(f'--shared-policy-ref "{SHARED}"', said)
                said = run(*argv, "--shared-policy-ref", SHARED + ":2", check=2).stderr.decode()
                self.assertIn("give exactly that", said)
        self.assertEqual(self.read("disk.img"), disk)
        with self.assertRaises(FileNotFoundError):
            self.read("new")
        # What opens still opens.
        self.assertEqual(self.unseal(), 0, self.said)

    def test_a_floor_is_raised_with_it_and_what_that_leaves_is_said(self):
        """It takes policies away and gives nothing, so a refusal would be the worse of both."""
        self.old_device()
        said = self.dev.provision("floor", "raise", "--policy", self.path("policy.yaml"), "--to", "1", "--yes", "1").stderr.decode()
        self.assertIn("is of format 1, whose policy-ref isn't bound", said)
        self.assertEqual(self.unseal(), 0, self.said)
        self.write("volumes.yaml", self.read("policy.yaml").decode().replace("latchkey-policy: 1", "latchkey-policy: 2"))
        said = self.dev.provision("floor", "raise", "--policy", self.path("volumes.yaml"), "--to", "1", "--yes", "1").stderr.decode()
        self.assertNotIn("format 1", said)

    def test_format_2_takes_no_shared_reference(self):
        said = self.dev.format("--shared-policy-ref", SHARED, check=2).stderr.decode()
        self.assertIn("leave the option out", said)
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))

    def status(self, policy="policy.yaml"):
        argv = ["status", "--policy", self.path(policy)]
        return json.loads(self.dev.provision(*argv, "--json").stdout), self.dev.provision(*argv).stdout.decode()

    def test_an_installation_changes_over(self):
        """As latchkey-policy(5), FORMAT 1, says."""
        self.old_device()
        told, words = self.status()
        self.assertTrue(told["shared-policy-ref"])
        self.assertEqual(told["references"], [{"policy-ref": SHARED, "policies": 1, "shared": True}])
        self.assertIn("SHARED", words)
        self.assertTrue(told["volumes"][0]["opens-now"])
        text = self.read("policy.yaml").decode()
        new = self.write("new.yaml", text.replace("latchkey-policy: 1", "latchkey-policy: 2").replace("0x8100a001", "0x8100a002"))
        self.dev.owner_auth_file()
        self.dev.provision("reseal", "--policy", new, "--volume", "root", "--owner-auth", self.path("owner.auth"),
                           "--recovery-key-file", self.path("recovery"))
        self.assertEqual(self.unseal(), 0, self.said)
        signed = self.dev.sign(1, policy="new.yaml", out="signed-new.yaml")
        self.dev.provision("policy", "add", "--policy", new, "--volume", "root", signed)
        self.assertEqual((self.unseal("new.yaml"), self.unseal()), (0, 0), self.said)
        told, words = self.status("new.yaml")
        self.assertTrue(told["shared-policy-ref"])
        self.assertEqual([r["shared"] for r in told["references"]], [False, True])
        self.dev.provision("remove", "--policy", self.path("policy.yaml"), "--volume", "root", "--owner-auth", self.path("owner.auth"),
                           "--yes", "root")
        self.assertEqual(self.unseal("new.yaml"), 0, self.said)
        self.assertNotEqual(self.unseal(), 0)
        told, words = self.status("new.yaml")
        self.assertFalse(told["shared-policy-ref"])
        self.assertNotIn("SHARED", words)


if __name__ == "__main__":
    unittest.main()
