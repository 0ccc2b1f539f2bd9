# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A new PCR selection: the new way in is made beside the old one, tried, and the old one taken away; whatever fails,
one of them opens. The TPM itself refuses what was signed for the old selection."""
import json
import os
import re
import shutil
import unittest

import rig
from device import Bus, Device, copy_tree

NEW_REF = "latchkey:luks:2"
# Every command in turn takes a while; a larger step is for the impatient.
STEP = int(os.environ.get("LATCHKEY_CUT_STEP", "1"))


class Selection(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.old = self.dev.path("policy.yaml")
        self.signed = self.dev.sign(1)
        self.add(self.old, self.signed)
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        self.dev.owner_auth_file()
        self.new = self.changed("new.yaml", ref=NEW_REF, handle="0x8100a002")

    def changed(self, name, *, pcrs="0, 4, 7, 10", ref=None, handle=None, form=2):
        """The policy file with another selection."""
        text = re.sub(r"^pcrs: .*$", f"pcrs: [{pcrs}]", self.read("policy.yaml").decode(), flags=re.M)
        text = text.replace("latchkey-policy: 2", f"latchkey-policy: {form}")
        if ref:
            text = re.sub(r"^policy-ref: .*$", f'policy-ref: "{ref}"', text, flags=re.M)
        return self.write(name, text.replace("0x8100a001", handle or "0x8100a001"))

    def add(self, policy, *signed, check=0):
        return self.dev.provision("policy", "add", "--policy", policy, *signed, check=check).stderr.decode()

    def reseal_argv(self, policy):
        return ["reseal", "--policy", policy, "--owner-auth", self.path("owner.auth"), "--recovery-key-file", self.path("recovery")]

    def reseal(self, policy, check=0):
        return self.dev.provision(*self.reseal_argv(policy), check=check).stderr.decode()

    def unseal(self, policy):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", policy, "--tpm", self.dev.tpm.tcti])
        self.said = done.stderr.decode()
        return done.returncode

    def sign_new(self):
        return self.dev.sign(1, out="signed-new.yaml", policy="new.yaml")

    def by_hand(self, signed, handle):
        """What tpm2-tools get out of it with the old selection."""
        shown = self.dev.tpm.tool("tpm2_readpublic", "-c", handle)
        self.assertEqual(shown.returncode, 0)
        tool = self.dev.tpm.tool

        def at_handle(*argv, **options):
            return tool(*[handle if a == "0x8100a001" else a for a in argv], **options)

        self.dev.tpm.tool = at_handle
        try:
            return self.dev.unseal_by_hand(signed, 1)
        finally:
            self.dev.tpm.tool = tool

    def test_add_verify_remove(self):
        tokens = self.dev.luks()["tokens"]
        self.assertEqual(self.unseal(self.old), 0, self.said)
        said = self.reseal(self.new)
        self.assertIn("opens by what it was sealed to before as well", said)
        # Beside: the old way is as it was.
        self.assertEqual(self.dev.luks()["tokens"]["0"], tokens["0"])
        self.assertEqual(len(self.dev.luks()["keyslots"]), 3)
        self.assertEqual(self.unseal(self.old), 0, self.said)
        self.assertEqual(self.unseal(self.new), 5)
        self.add(self.new, self.sign_new())
        self.assertEqual((self.unseal(self.new), self.unseal(self.old)), (0, 0), self.said)
        # What only the new selection sees.
        self.dev.tpm.tool("tpm2_pcrextend", "4:sha256=" + "11" * 32)
        self.assertEqual(self.unseal(self.new), 5)
        self.assertIn("PCR 4", self.said)
        self.assertEqual(self.unseal(self.old), 0)
        self.dev.tpm.restart()
        payload = self.by_hand(self.signed, "0x8100a001")
        done = self.dev.provision("remove", "--policy", self.old, "--volume", "root", "--owner-auth", self.path("owner.auth"), "--yes", "root")
        self.assertIn(b"stays sealed for another policy file", done.stderr)
        self.assertEqual(self.unseal(self.new), 0, self.said)
        self.assertNotEqual(self.unseal(self.old), 0)
        self.assertFalse(self.dev.opens(payload[:-32]))
        self.assertEqual(len(self.dev.luks()["keyslots"]), 2)
        self.assertEqual([t["handle"] for t in self.dev.luks()["tokens"].values()], ["0x8100a002"])
        self.assertTrue(self.dev.opens(self.read("recovery")))

    def test_the_tpm_refuses_the_old_policies_for_the_new_object(self):
        self.reseal(self.new)
        self.by_hand(self.signed, "0x8100a001")
        with self.assertRaises(AssertionError) as refused:
            self.by_hand(self.signed, "0x8100a002")
        self.assertIn("policy check failed", str(refused.exception).lower().replace("a policy", "policy"))

    def test_the_same_name_is_another_reference_with_another_selection(self):
        self.reseal(self.changed("same.yaml", handle="0x8100a002"))
        with self.assertRaises(AssertionError):
            self.by_hand(self.signed, "0x8100a002")

    def test_with_the_same_shared_policy_ref_they_would_open_it_and_so_it_is_refused(self):
        """Format 1, where the reference is the text that stands there."""
        shared = ("--shared-policy-ref", "latchkey:luks")
        old = self.write("old.yaml", self.read("policy.yaml").decode().replace("latchkey-policy: 2", "latchkey-policy: 1"))
        self.dev.provision(*self.reseal_argv(old), *shared)
        self.dev.provision("policy", "add", "--policy", old, self.dev.sign(1, *shared, policy="old.yaml", out="old-signed.yaml"), *shared)
        for handle in ("0x8100a001", "0x8100a002"):
            with self.subTest(handle=handle):
                before = self.read("disk.img")
                same = self.changed("same.yaml", handle=handle, form=1)
                said = self.dev.provision(*self.reseal_argv(same), *shared, check=13).stderr.decode()
                self.assertIn("policy-ref: it has to be a new one", said)
                self.assertIn("sha256:0,7,10,15, and not sha256:0,4,7,10,15", said)
                self.assertEqual(self.read("disk.img"), before)
        # Not where the TPM refuses them by their version.
        self.dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        self.dev.provision(*self.reseal_argv(self.changed("same.yaml", form=1)), *shared)

    def test_in_place_the_old_one_ends_with_it(self):
        new = self.changed("new.yaml", ref=NEW_REF)
        self.assertIn("0 of its signed policies are still good: add some", self.reseal(new))
        self.assertEqual(self.unseal(self.old), 5)
        self.add(new, self.sign_new())
        self.assertEqual(self.unseal(new), 0, self.said)
        self.assertEqual(len(self.dev.luks()["keyslots"]), 2)
        with self.assertRaises(AssertionError):
            self.by_hand(self.signed, "0x8100a001")

    def test_what_changed_is_said(self):
        """A policy file with another selection, and nothing else done."""
        same = self.changed("same.yaml")
        listed = self.dev.header("policy", "list", "--policy", same).stdout.decode()
        self.assertIn("DOESN'T VERIFY (pcrs: 0,7,10,15, the policy file (with its latch) wants 0,4,7,10,15)", listed)
        as_json = json.loads(self.dev.header("policy", "list", "--json", "--policy", same).stdout)["policies"][0]
        self.assertFalse(as_json["verifies"])
        self.assertIn("pcrs: 0,7,10,15", as_json["why-not"])
        status = json.loads(self.dev.provision("status", "--json", "--policy", same).stdout)["volumes"][0]
        self.assertEqual((status["policies"], status["policies-verifying"], status["opens-now"]), (1, 0, False))
        self.assertIn("pcrs: 0,7,10,15", self.add(same, self.signed, check=5))
        self.assertEqual(self.unseal(same), 5)
        self.assertIn("pcrs: 0,7,10,15, the policy file (with its latch) wants 0,4,7,10,15", self.said)
        # One with another handle has no token yet.
        self.assertIn("no latchkey token for handle 0x8100a002, but one for 0x8100a001", self.add(self.new, self.sign_new(), check=9))

    def test_anothers_object_is_left_alone(self):
        self.dev.new_disk("second.img")
        other = self.write("other.yaml", self.read("policy.yaml").decode().replace("0x8100a001", "0x8100a002"))
        argv = self.dev.format_argv()
        argv[argv.index("--policy") + 1] = other
        keep = self.read("record.json")
        self.dev.provision(*argv, "--device", self.path("second.img"))
        self.write("record.json", keep)
        before = self.dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a002").stdout
        self.assertIn("0x8100a002 holds an object", self.reseal(self.new, check=13))
        self.assertEqual(self.dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a002").stdout, before)

    def save(self):
        """What each cut begins with; the command line, and signed policies for afterwards."""
        self.signed_new = self.sign_new()
        self.saved = self.tmp + ".saved"
        self.dev.tpm.stop()
        copy_tree(self.tmp, self.saved)
        self.addCleanup(shutil.rmtree, self.saved, True)
        return [rig.program("latchkey-provision"), *self.dev.whose(*self.reseal_argv(self.new))]

    def restore(self):
        self.dev.tpm.stop()
        copy_tree(self.saved, self.tmp)
        self.dev.tpm.start()

    def check_cut(self):
        self.dev.tpm.restart()
        self.assertEqual(self.unseal(self.old), 0, self.said)
        self.assertTrue(self.dev.opens(self.read("recovery")))
        self.reseal(self.new)
        self.add(self.new, self.signed_new)
        self.assertEqual((self.unseal(self.new), self.unseal(self.old)), (0, 0), self.said)
        self.assertEqual(len(self.dev.luks()["keyslots"]), 3)

    def test_a_cut_at_any_command_leaves_the_old_way_and_is_finished(self):
        argv = self.save()
        self.dev.tpm.start()
        whole = Bus(self.dev.tpm)
        self.assertEqual(whole.run(argv), 0, whole.text)
        for commands in range(0, whole.seen, STEP):
            self.restore()
            bus = Bus(self.dev.tpm, commands)
            self.assertNotEqual(bus.run(argv), 0)
            with self.subTest(commands=commands, of=whole.seen):
                self.check_cut()

    def test_a_cut_at_any_write_too(self):
        argv = self.save()
        for count in range(1, 100):
            self.restore()
            done = rig.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
                            f"inject=fsync:signal=KILL:when={count}", *argv, "--tpm", self.dev.tpm.tcti])
            if done.returncode == 0:
                self.assertGreater(count, 3)
                return
            with self.subTest(fsync=count):
                self.check_cut()


if __name__ == "__main__":
    unittest.main()
