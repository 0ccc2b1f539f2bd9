# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Volumes that are sealed with a PIN, and given another one."""
import json
import os
import re
import subprocess
import sys
import unittest

import rig
from device import Device

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tpm"))
from pin import auth, on_terminal  # noqa: E402


class Pin(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()
        self.dev.policy("    pin: true\n    on-failure: fail\n", root_key=self.dev.root_key())
        self.write("pin", "12 34 56\n")

    def unseal(self, *pins):
        return on_terminal([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"), "--tpm",
                            self.dev.tpm.tcti], pins)

    def add_policy(self):
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))

    def without_a_pin(self):
        self.write("policy.yaml", re.sub(".*pin: true\n", "", self.read("policy.yaml").decode()))

    def nothing_was_made(self):
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))
        self.assertNotIn("8100A001", self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout.decode().upper())

    def test_it_opens_with_the_pin_and_not_without(self):
        self.dev.format("--pin-file", self.path("pin"))
        self.add_policy()
        code, shown = self.unseal("12 34 56")
        self.assertEqual(code, 0, shown)
        code, shown = self.unseal("123456", "12 34 57", "")
        self.assertEqual(code, 15, shown)
        shown = self.dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001").stdout.decode()
        self.assertIn("value: fixedtpm|fixedparent|adminwithpolicy\n", shown)
        self.assertIn("present", self.dev.provision("status", "--policy", self.path("policy.yaml")).stdout.decode())
        # Neither the program nor the stock tools get by without it.
        self.without_a_pin()
        code, shown = self.unseal()
        self.assertEqual(code, 7, shown)

    def test_a_pin_that_is_typed(self):
        argv = [rig.program("latchkey-provision"), *self.dev.format_argv(), "--tpm", self.dev.tpm.tcti]
        code, shown = on_terminal(argv, ["12 34 56", "12 34 57"])
        self.assertEqual(code, 3, shown)
        self.assertIn("aren't the same", shown)
        self.nothing_was_made()
        code, shown = on_terminal(argv, ["12 34 56", "12 34 56"])
        self.assertEqual(code, 0, shown)
        self.assertNotIn("12 34", shown)
        self.add_policy()
        self.assertEqual(self.unseal("12 34 56")[0], 0)

    def test_in_lockout_nothing_is_overwritten(self):
        self.dev.format("--pin-file", self.path("pin"))
        self.add_policy()
        before = self.read("disk.img")
        self.dev.tpm.tool("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000", "-p",
                          self.dev.auth("lockout").strip())
        self.assertEqual(self.unseal("wrong")[0], 6)
        argv = self.dev.format_argv() + ["--pin-file", self.path("pin"), "--overwrite", self.path("disk.img"), "--replace-object"]
        said = self.dev.provision(*argv, check=6).stderr.decode()
        self.assertIn("dictionary-attack lockout", said)
        self.assertIn("nothing was changed", said)
        self.assertEqual(self.read("disk.img"), before)

    def status(self):
        argv = ["status", "--policy", self.path("policy.yaml")]
        return (json.loads(self.dev.provision(*argv, "--json").stdout)["volumes"][0], self.dev.provision(*argv).stdout.decode())

    def test_status_says_that_a_pin_is_needed_and_not_in_lockout(self):
        said = self.dev.format("--pin-file", self.path("pin")).stderr.decode()
        self.assertIn("it opens with its PIN once a signed policy is added", said)
        self.add_policy()
        volume, text = self.status()
        self.assertEqual((volume["opens-now"], volume["needs-pin"]), (True, True))
        self.assertIn("opens-now            yes, with its PIN\n", text)
        self.dev.tpm.tool("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000", "-p",
                          self.dev.auth("lockout").strip())
        self.assertEqual(self.unseal("wrong")[0], 6)
        volume, text = self.status()
        self.assertEqual((volume["opens-now"], volume["needs-pin"]), (False, True))
        self.assertIn("opens-now            no: the TPM is in dictionary-attack lockout", text)
        # One without a PIN isn't the lockout's business.
        self.without_a_pin()
        self.assertFalse(self.status()[0]["needs-pin"])

    def test_what_ends_a_lockout_works_as_it_is_typed(self):
        """With a line end in the file, too, which tpm2-tools would take for a part of the authorization."""
        self.dev.format("--pin-file", self.path("pin"))
        self.add_policy()
        auth = self.dev.auth("lockout").strip()
        argv = self.dev.format_argv() + ["--pin-file", self.path("pin"), "--overwrite", self.path("disk.img"), "--replace-object"]
        for text in (auth, auth + "\n"):
            with self.subTest(text=len(text)):
                self.dev.tpm.tool("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000", "-p", auth)
                self.assertEqual(self.unseal("wrong")[0], 6)
                said = self.dev.provision(*argv, check=6).stderr.decode()
                line = re.search(r"ends it at once: (.*)", said)[1]
                self.write("lockout.auth", text)
                done = subprocess.run(["sh", "-c", line], cwd=self.tmp, env=dict(os.environ, TPM2TOOLS_TCTI=self.dev.tpm.tcti),
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout)
                code, shown = self.unseal("12 34 56")
                self.assertEqual(code, 0, shown)

    def test_what_is_no_pin_makes_nothing(self):
        for text in ("123\n", "1" * 129 + "\n", "\n", "1234\n5678\n"):
            with self.subTest(text=text[:8]):
                self.write("pin", text)
                self.dev.format("--pin-file", self.path("pin"), check=3)
                self.nothing_was_made()
        said = self.dev.format(check=2).stderr.decode()
        self.assertIn("give --pin-file", said)
        self.dev.format("--pin-file", self.path("nowhere"), check=3)
        self.nothing_was_made()

    def test_a_pin_that_nobody_asked_for(self):
        self.without_a_pin()
        self.assertIn("wants a PIN for no volume", self.dev.format("--pin-file", self.path("pin"), check=2).stderr.decode())
        self.nothing_was_made()

    def test_another_pin_by_reseal(self):
        self.dev.format("--pin-file", self.path("pin"))
        self.add_policy()
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        self.write("pin", "another one\n")
        reseal = ["reseal", "--policy", self.path("policy.yaml"), "--owner-auth", self.dev.owner_auth_file(),
                  "--recovery-key-file", self.path("recovery")]
        self.dev.provision(*reseal, check=2)
        self.assertEqual(self.unseal("12 34 56")[0], 0)
        self.dev.provision(*reseal, "--pin-file", self.path("pin"))
        self.assertEqual(self.unseal("12 34 56", "another one")[0], 0)
        # And away with it.
        self.without_a_pin()
        self.dev.provision(*reseal)
        code, shown = self.unseal()
        self.assertEqual(code, 0, shown)

    def test_setup_makes_it_where_a_file_is_given(self):
        os.mkdir(self.path("policies"))
        argv = ["setup", "--policy", self.path("policy.yaml"), "--policies", self.path("policies"), "--owner-auth",
                self.dev.owner_auth_file(), "--record", self.dev.record_path, "--recipient", self.path("owner.pem")]
        self.dev.sign(1, out="policies/1.yaml")
        self.dev.provision(*argv, check=2)
        self.nothing_was_made()
        self.dev.provision(*argv, "--pin-file", self.path("pin"))
        self.assertEqual(self.unseal("12 34 56")[0], 0)

    def test_the_authorization_is_what_the_manual_says(self):
        self.dev.format("--pin-file", self.path("pin"))
        signed = self.dev.sign(1)
        payload = self.dev.unseal_by_hand(signed, 1, auth=auth("12 34 56"))
        self.assertTrue(self.dev.opens(payload[:-32]))


if __name__ == "__main__":
    unittest.main()
