# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a LUKS2 header says and nobody vouches for, on a provisioned device: what a lie in each field costs, as SECURITY.md has it."""
import json

import luks2
import rig
from device import Device


class Fields(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.disk = self.dev.path("disk.img")
        self.dev.provision("policy", "add", "--policy", self.dev.path("policy.yaml"), self.dev.sign(1))
        self.recovery = self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"])
        self.write("recovery", self.recovery)
        self.whole = self.read("disk.img")

    def unseal(self):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.dev.path("policy.yaml"), "--tpm", self.dev.tpm.tcti])
        self.said = done.stderr.decode()
        return done.returncode

    def changed(self, change):
        self.write("disk.img", self.whole)
        luks2.change(self.disk, change)

    def mark(self, subsystem, label=""):
        rig.run(["cryptsetup", "config", self.disk, "--label", label, "--subsystem", subsystem], check=0)

    def recovery_slot(self):
        said = rig.run(["cryptsetup", "open", "--test-passphrase", "-v", "--key-file", "-", "--keyfile-size", len(self.recovery), self.disk],
                       stdin=self.recovery, check=0).stdout.decode()
        return int(said.split("Key slot ")[1].split()[0])

    def test_labels_and_marks_decide_nothing_in_early_boot(self):
        for mark, label in (("latchkey-unfinished", ""), ("latchkey-reseal-0/1@8100a001", "x"), ("anything", "root"), ("latchkey-renew-1/0", "")):
            self.mark(mark, label)
            self.assertEqual(self.unseal(), 0, self.said)

    def test_a_number_of_a_keyslot_leads_to_another_and_then_to_all(self):
        for number in range(2):
            self.changed(lambda d, n=number: [t.update(keyslots=[str(n)]) for t in d["tokens"].values()])
            self.assertEqual(self.unseal(), 0, self.said)

    def test_what_a_keyslot_says_opens_nothing_else(self):
        def every(part, **fields):
            return lambda d: [k[part].update(fields) for k in d["keyslots"].values()]
        for name, change in {"salt": every("kdf", salt="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "iterations": every("kdf", iterations=1001),
                             "hash": every("af", hash="sha512"),
                             "area": lambda d: [k["area"].update(encryption="aes-cbc-essiv:sha256", key_size=32) for k in d["keyslots"].values()]}.items():
            with self.subTest(name):
                self.changed(change)
                self.assertIn(self.unseal(), (9, 10), self.said)

    def test_a_digest_that_takes_another_key_does_not_make_it_the_right_one(self):
        """The keyslots of another volume, with the passphrase of this one: libcryptsetup is content, the sealed identity isn't."""
        passphrase = self.dev.unseal_by_hand(self.dev.path("signed.yaml"), 1)[:32]
        tokens = self.dev.luks()["tokens"]
        rig.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                 "--key-size", "512", "--sector-size", str(self.dev.luks()["segments"]["0"]["sector_size"]), "--key-file", "-",
                 "--keyfile-size", len(passphrase), self.disk], stdin=passphrase, check=0)
        for token in tokens.values():
            token["keyslots"] = ["0"]
            rig.run(["cryptsetup", "token", "import", self.disk], stdin=json.dumps(token).encode(), check=0)
        self.assertEqual(self.unseal(), 10, self.said)
        self.assertIn("another volume key than the one it was sealed with", self.said)

    def test_a_mark_of_unfinished_work_costs_the_data_at_most(self):
        """A volume that has all its parts is only marked as done; one without its token isn't made anew over an object that may be in use."""
        argv = self.dev.format_argv()
        self.mark("latchkey-unfinished")
        before = self.dev.luks()
        self.dev.provision(*argv, check=None)
        self.assertEqual(self.dev.luks()["digests"], before["digests"], "the volume key is another")
        self.assertEqual(self.unseal(), 0, self.said)
        self.write("disk.img", self.whole)
        for number in before["tokens"]:
            rig.run(["cryptsetup", "token", "remove", "--token-id", number, self.disk], check=0)
        self.mark("latchkey-unfinished")
        before = self.read("disk.img")
        said = self.dev.provision(*argv, check=13).stderr.decode()
        self.assertIn("holds an object, perhaps another volume's", said)
        self.assertEqual(self.read("disk.img"), before)
        self.assertTrue(self.dev.opens(self.recovery))

    def test_a_mark_of_a_reseal_never_names_the_recovery_key(self):
        slot = self.recovery_slot()
        for mark in (f"latchkey-reseal-{slot}/{slot}@8100a001", f"latchkey-reseal-7/{slot}@8100a001", f"latchkey-reseal-{slot}/7@8100a002"):
            with self.subTest(mark):
                self.mark(mark)
                self.dev.provision("reseal", "--policy", self.dev.path("policy.yaml"), "--owner-auth", self.dev.owner_auth_file(),
                                   "--recovery-key-file", self.path("recovery"))
                self.assertTrue(self.dev.opens(self.recovery))
                self.assertEqual(self.unseal(), 0, self.said)


if __name__ == "__main__":
    rig.unittest.main()
