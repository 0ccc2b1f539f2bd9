# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""remember: what an unlock has learned goes into the token, and the next one asks the TPM less."""
import json
import os
import unittest

import boots
import bundle
import proxy
import rig
from device import Device

SHORT = ["StartAuthSession", "PolicyPCR", "PolicyNV", "PolicyAuthorize", "Unseal"]
LONG = SHORT[:3] + ["LoadExternal", "VerifySignature", "FlushContext"] + SHORT[3:]


class Remember(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))
        self.learned = self.path("learned")
        self.file = os.path.join(self.learned, "root.json")

    def unseal(self):
        bus = proxy.Proxy(self, self.dev.tpm)
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"),
                        "--learn", self.learned, "--tpm", bus.tcti])
        self.assertEqual(done.returncode, 0, done.stderr)
        return bus.names

    def remember(self, *more, check=0):
        return self.dev.header("remember", "--policy", self.path("policy.yaml"), "--learned", self.learned, *more,
                               check=check).stderr.decode()

    def token(self):
        return self.dev.luks()["tokens"]["0"]

    def test_the_next_unlock_takes_the_short_way(self):
        self.assertEqual(self.unseal(), LONG)
        before = self.token()
        self.assertIn("root: the next unlock asks the TPM less", self.remember())
        self.assertEqual(self.unseal(), SHORT)
        self.assertFalse(os.path.exists(self.file))
        # Nothing else in the token is another.
        after = self.token()
        self.assertEqual(after.pop("remembered")["policy"], before["policies"][0]["digest"])
        self.assertEqual(after, before)
        self.assertIn("nothing was learned", self.remember())

    def test_what_is_known_is_not_written_again(self):
        self.unseal()
        keep = self.read("learned/root.json")
        self.remember()
        before = self.read("disk.img")
        self.write("learned/root.json", keep)
        self.assertIn("known already", self.remember())
        self.assertEqual(self.read("disk.img"), before)

    def brought(self, signed):
        """As latchkey-unseal leaves one that isn't in the token."""
        with open(signed) as f:
            self.write("learned/root.signed", bundle.as_json(f.read()))

    def test_a_policy_that_was_brought_goes_into_the_token(self):
        self.unseal()
        self.brought(self.dev.sign(2))
        self.assertIn("its token has the signed policy version 2", self.remember())
        self.assertEqual([p["version"] for p in self.token()["policies"]], [1, 2])
        self.assertIn("remembered", self.token())
        self.assertEqual(os.listdir(self.learned), [])
        os.unlink(self.dev.sign(2))
        self.brought(self.dev.sign(2))
        before = self.read("disk.img")
        self.assertIn("known already", self.remember())
        self.assertEqual(self.read("disk.img"), before)

    def test_a_brought_policy_that_is_not_the_owners_changes_nothing(self):
        self.unseal()
        os.unlink(self.file)
        with open(self.dev.sign(2)) as f:
            good = bundle.as_json(f.read())
        before = self.read("disk.img")
        for bad, code in ((good.replace('"version": "2"', '"version": "3"'), 5), (good[:-3], 3), ("", 3), ("[]", 3),
                          (json.dumps({**json.loads(good), "signature": "11" * 96}), 5)):
            with self.subTest(bad=bad[:20]):
                self.write("learned/root.signed", bad)
                self.assertIn("root.signed", self.remember(check=code))
                self.assertEqual(self.read("disk.img"), before)
        self.assertTrue(os.path.exists(self.path("learned/root.signed")))

    def test_policies_added_later_leave_it(self):
        self.unseal()
        self.remember()
        kept = self.token()["remembered"]
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(2))
        self.assertEqual(self.token()["remembered"], kept)
        self.assertEqual(self.unseal(), SHORT)

    def test_only_root_can_read_it(self):
        self.unseal()
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)

    def test_bad_files_change_nothing(self):
        self.unseal()
        good = json.loads(self.read("learned/root.json"))
        before = self.read("disk.img")
        for bad in ("", "{", "[]", "7", json.dumps({**good, "latchkey-learned": 2}), json.dumps({**good, "more": 1}),
                    json.dumps({**good, "root-key": "zz"}), json.dumps({**good, "sealed": []}),
                    json.dumps({**good, "remembered": {"policy": "11", "ticket": "zz"}}),
                    "x" * (1 << 20), "\0"):
            with self.subTest(bad=bad[:20]):
                self.write("learned/root.json", bad)
                self.assertIn("root.json", self.remember(check=3))
                self.assertEqual(self.read("disk.img"), before)
        self.assertTrue(os.path.exists(self.file))

    def test_what_is_wrong_is_named(self):
        self.unseal()
        self.assertIn('no volume "data"', self.remember("--volume", "data", check=3))
        rig.run(["cryptsetup", "luksErase", "-q", self.path("disk.img")], check=0)
        rig.run(["cryptsetup", "token", "remove", "--token-id", "0", self.path("disk.img")], check=0)
        self.remember(check=9)
        os.unlink(self.path("disk.img"))
        self.assertIn("disk.img", self.remember(check=8))
        self.assertTrue(os.path.exists(self.file))

    def test_a_directory_that_isnt_there(self):
        self.assertIn(f"--learned: {self.learned}: can't open: No such file", self.remember(check=3))
        # Without one by name it is as after a boot that left nothing.
        if not os.path.exists("/run/latchkey/learned"):
            self.assertIn(b"nothing was learned", self.dev.header("remember", "--policy", self.path("policy.yaml")).stderr)

    def test_what_is_named_by_hand_and_is_bad_is_an_error(self):
        """Of the boot itself it would be one boot less to compare with."""
        self.unseal()
        os.mkdir(self.path("booted"))
        before = self.read("disk.img")
        machine = os.path.join(boots.DATA, "uki-13")
        with open(os.path.join(machine, "firmware"), "rb") as f:
            firmware = f.read()
        cut, whole = self.write("cut", firmware[:-1]), self.write("whole", firmware)
        for said, options in (("no-such-log", ("--log", self.path("no-such-log"))), (cut, ("--log", cut)),
                              ("no-such-ima", ("--log", whole, "--ima-log", self.path("no-such-ima"))),
                              (whole, ("--log", whole, "--ima-log", whole))):
            with self.subTest(options):
                self.assertIn(said, self.remember("--booted", self.path("booted"), *options, check=3))
        for bad in ("", "{}", '{"latchkey-booted": 2, "version": 1, "policy": ""}'):
            with self.subTest(bad):
                self.write("booted/root.json", bad)
                self.assertIn("booted/root.json", self.remember("--booted", self.path("booted"), "--log", whole, check=3))
        self.assertEqual(self.read("disk.img"), before)
        os.unlink(self.path("booted/root.json"))
        self.remember("--booted", self.path("booted"), "--log", whole)

    def test_two_at_once_lose_nothing(self):
        """Each reads the token and writes it back: beside a remember, policies are added."""
        self.unseal()
        learned = json.loads(self.read("learned/root.json"))
        signed = [self.dev.sign(n, out=f"s{n}.yaml") for n in range(2, 8)]
        for name in signed:
            learned["remembered"]["ticket"] = os.urandom(64).hex()
            self.write("learned/root.json", json.dumps(learned))
            running = rig.subprocess.Popen([rig.program("latchkey-provision"), "remember", "--policy", self.path("policy.yaml"),
                                            "--learned", self.learned], stderr=rig.subprocess.PIPE)
            self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), name)
            self.assertIn(b"asks the TPM less", running.communicate(timeout=60)[1])
        self.assertEqual(len(self.token()["policies"]), 7)
        self.assertEqual(self.token()["remembered"], learned["remembered"])


if __name__ == "__main__":
    unittest.main()
