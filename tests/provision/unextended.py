# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""PCRs that nobody has extended: refused wherever they would open a volume, unless they are named."""
import json
import os
import unittest

import rig
from device import Device

OPENED = ["--policy", "policy.yaml", "--dry-run"]


class Case(rig.TestCase):
    measured = True

    def setUp(self):
        super().setUp()
        self.dev = Device(self)

    def start(self, pcrs):
        """A boot that extends these alone."""
        self.dev.tpm.restart(measured=False)
        if pcrs:
            self.dev.tpm.measure(pcrs)

    def latchkey(self, *argv, check=0):
        return rig.run([rig.program("latchkey"), *argv], check=check)

    def sign(self, *more, check=0, out="signed.yaml", force=False):
        dev = self.dev
        self.write("pcrs.json", dev.provision("pcrs", "--json").stdout)
        return self.latchkey("policy", "sign", "--policy", dev.path("policy.yaml"), "--key", dev.path("keys", "policy-key.pem"),
                             "--pcr-values", dev.path("pcrs.json"), "--version", "1", "-o", dev.path(out), "--force", *more, check=check)

    def unseal(self, *argv):
        done = rig.run([rig.program("latchkey-unseal"), "--policy", self.dev.path("policy.yaml"), "--dry-run", "--tpm", self.dev.tpm.tcti,
                        *argv])
        return done.returncode, (done.stdout + done.stderr).decode()


class Deployed(Case):
    def test_a_bank_that_firmware_leaves_alone(self):
        """The whole way: signed, added, opened; and what another firmware finds."""
        dev = self.dev.ready()
        self.start(())
        self.assertIn(b"PCR 0,7,10 of bank sha256: nobody has extended it", self.sign(check=13).stderr)
        self.assertFalse(os.path.exists(dev.path("signed.yaml")))
        self.sign("--unextended", "0,7,10")
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.path("signed.yaml"))
        self.assertEqual(dev.luks()["tokens"]["0"]["policies"][0]["unextended"], [0, 7, 10])
        code, said = self.unseal()
        self.assertEqual(code, 0, said)
        self.assertEqual(said.count("nobody has extended it in this boot"), 1, said)
        self.assertIn("PCR 0,7,10 of bank sha256: nobody", said)
        # Extended, it isn't the one that was signed; and no word of it.
        dev.tpm.measure()
        code, said = self.unseal()
        self.assertEqual(code, 5, said)
        self.assertNotIn("nobody has extended", said)

    def test_a_policy_without_consent_is_added_by_name_alone(self):
        dev = self.dev.ready()
        self.start((0, 7))
        self.sign("--unextended", "10")
        text = self.read("signed.yaml").decode()
        without = self.write("without.yaml", text.replace("unextended: [10]\n", ""))
        add = ("policy", "add", "--policy", dev.path("policy.yaml"))
        before = self.read("disk.img")
        self.assertIn(b"without.yaml: PCR 10 of bank sha256: nobody has extended it", dev.provision(*add, without, check=13).stderr)
        for list_, said in (("7", b"PCR 7 of bank sha256 was extended"), ("4", b"PCR 4 isn't one"), ("10,15", b"PCR 15 isn't one"),
                            ("x", b"--unextended")):
            self.assertIn(said, dev.provision(*add, "--unextended", list_, without, check=2).stderr)
        self.assertEqual(self.read("disk.img"), before)
        dev.provision(*add, "--unextended", "10", without)
        self.assertEqual(self.unseal()[0], 0)

    def test_with_nothing_left_out_there_is_no_word(self):
        dev = self.dev.ready()
        self.sign()
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.path("signed.yaml"))
        code, said = self.unseal()
        self.assertEqual(code, 0, said)
        self.assertNotIn("extended", said)

    def test_where_it_is_refused_the_console_says_it_too(self):
        self.dev.ready()
        self.start((0, 7))
        code, said = self.unseal()
        self.assertEqual(code, 5, said)
        self.assertEqual(said.count("PCR 10 of bank sha256: nobody has extended it in this boot"), 1, said)


class Shown(Case):
    def test_pcrs_marks_them(self):
        self.start((0, 7))
        for bank in ("sha256", "sha384"):
            shown = json.loads(self.dev.provision("pcrs", "--bank", bank, "--json").stdout)
            self.assertEqual(shown["unextended"], [1, 2, 3, 4, 5, 6, 10, 11])
            lines = self.dev.provision("pcrs", "--bank", bank).stdout.decode().splitlines()
            self.assertEqual([int(line.split(":")[0]) for line in lines if "# nobody has extended it" in line], [1, 2, 3, 4, 5, 6, 10, 11])
        self.start((*rig.MEASURED, 11))
        self.assertEqual(json.loads(self.dev.provision("pcrs", "--json").stdout)["unextended"], [])
        self.assertNotIn(b"#", self.dev.provision("pcrs").stdout)

    def test_the_marked_text_is_read_as_values(self):
        self.start((0, 7))
        policy = self.dev.policy()
        for form in ("--json", None):
            self.write("values", self.dev.provision("pcrs", *([form] if form else [])).stdout)
            self.latchkey("policy", "sign", "--policy", policy, "--key", self.dev.path("keys", "policy-key.pem"), "--pcr-values",
                          self.dev.path("values"), "--version", "1", "--unextended", "10", "--force", "-o", self.dev.path("signed.yaml"))


class Install(Case):
    def test_a_policy_file_says_what_has_to_be_extended(self):
        dev = self.dev
        policy = dev.policy()
        self.start((0, 7))
        before = dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout + dev.tpm.tool("tpm2_getcap", "handles-nv-index").stdout
        said = dev.install("--policy", policy, check=13).stderr
        self.assertIn(f"{policy}: PCR 10 of bank sha256: nobody has extended it".encode(), said)
        for list_ in ("7", "12"):
            dev.install("--policy", policy, "--unextended", list_, check=2)
        dev.install("--unextended", "10", check=2)
        self.assertEqual(dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout + dev.tpm.tool("tpm2_getcap", "handles-nv-index").stdout, before)
        self.assertFalse(os.path.exists(dev.record_path))
        said = dev.install("--policy", policy, "--unextended", "10").stderr
        self.assertIn(b"signed policies over PCRs 0,7,10: each machine's own, by PCR 10, unless disks and boot options are alike", said)

    def test_a_fleets_selection_counts_on_an_image(self):
        """And says that machines can share it; nothing is changed where it is refused."""
        dev = self.dev
        policy = dev.path("fleet.yaml")
        self.latchkey("policy", "init", "--fleet", "--policy-key", dev.path("keys", "policy-key.pub.pem"), "-o", policy)
        self.start((0, 4, 7))
        said = dev.install("--policy", policy, check=13).stderr
        self.assertIn(b"PCR 11 of bank sha256: nobody has extended it", said)
        self.assertFalse(os.path.exists(dev.record_path))
        self.start((0, 4, 7, 11))
        said = dev.install("--policy", policy).stderr
        self.assertIn(b"signed policies over PCRs 0,4,7,11: machines of one model and firmware can share them", said)

    def test_without_one_it_warns_of_each_bank(self):
        self.start((0, 7))
        said = self.dev.install().stderr.decode()
        for bank in ("sha256", "sha384"):
            self.assertIn(f"bank {bank}: nobody has extended PCR 4,10 in this boot", said)
        self.assertIn("no --policy: of the selections that", said)
        self.start(rig.MEASURED)
        self.assertNotIn("nobody has extended", self.dev.install().stderr.decode())


if __name__ == "__main__":
    unittest.main()
