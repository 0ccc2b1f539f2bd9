# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""floor raise: the TPM refuses old signed policies from then on; what would lock everybody out is asked about."""
import json
import os
import re
import unittest

import rig
from device import Device


class Floor(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.first = self.floor()
        self.add(self.first, self.first + 3)
        os.mkdir(self.path("booted"))

    def add(self, *versions):
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"),
                        *[self.dev.sign(v, out=f"s{v}.yaml") for v in versions])

    def floor(self):
        """By a tool that isn't ours."""
        return int.from_bytes(self.dev.tpm.tool("tpm2_nvread", "-C", "0x018a0001", "0x018a0001").stdout, "big")

    def booted(self, version, name="root", **fields):
        self.write(f"booted/{name}.json", json.dumps({"latchkey-booted": 1, "version": version, "policy": "11" * 48, **fields}))

    def raise_floor(self, *more, check=0):
        return self.dev.provision("floor", "raise", "--policy", self.path("policy.yaml"), "--booted", self.path("booted"), *more,
                                  check=check).stderr.decode()

    def unseal(self, code):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"), "--tpm", self.dev.tpm.tcti])
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode()

    def test_to_the_version_that_booted(self):
        self.booted(self.first + 3)
        self.assertIn(f"floor is {self.first + 3} now (it was {self.first})", self.raise_floor())
        self.assertEqual(self.floor(), self.first + 3)
        self.unseal(0)
        self.assertIn("nothing to raise", self.raise_floor())

    def test_the_tpm_itself_refuses_what_is_under_it(self):
        self.dev.header("policy", "retire", "--policy", self.path("policy.yaml"), str(self.first + 3))
        self.unseal(0)
        self.raise_floor("--to", str(self.first + 1), "--yes", str(self.first + 1))
        self.assertIn(f"under the TPM's version floor {self.first + 1}", self.unseal(5))

    def test_what_would_lock_everybody_out_is_asked_about(self):
        before = self.floor()
        to = str(self.first + 4)
        said = self.raise_floor("--to", to, check=13)
        self.assertIn(f"root: it has no signed policy of version {to} or more", said)
        self.assertIn("not confirmed", said)
        self.raise_floor("--to", to, "--yes", "root", check=13)
        self.assertEqual(self.floor(), before)
        self.raise_floor("--to", to, "--yes", to)
        self.assertEqual(self.floor(), self.first + 4)

    def digest(self, version):
        return next(p["digest"] for p in self.dev.luks()["tokens"]["0"]["policies"] if p["version"] == version)

    def test_a_policy_for_another_boot_leaves_this_one_closed(self):
        """The volume has one of that version; but not for the machine as it is."""
        self.dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "11" * 32)
        self.add(self.first + 9)
        self.booted(self.first + 3, policy=self.digest(self.first + 3))
        to = str(self.first + 5)
        said = self.raise_floor("--to", to, check=13)
        self.assertIn(f"root: no signed policy of version {to} or more is for the boot that opened it now", said)
        self.assertEqual(self.floor(), self.first)
        # To what opened it: nothing is lost.
        self.assertNotIn("root:", self.raise_floor())
        self.raise_floor("--to", to, "--yes", to)
        self.assertEqual(self.floor(), self.first + 5)

    def test_what_the_floor_has_closed_already_is_said_as_well(self):
        to = str(self.first + 4)
        self.raise_floor("--to", to, "--yes", to)
        said = self.raise_floor("--to", str(self.first + 1))
        self.assertIn("nothing to raise", said)
        self.assertIn(f"root: it has no signed policy of version {to} or more", said)

    def test_another_policy_files_token_counts_too(self):
        token = json.loads(rig.run(["cryptsetup", "token", "export", "--token-id", "0", self.path("disk.img")], check=0).stdout)
        token.update(handle="0x8100a005", policies=token["policies"][:1])
        rig.run(["cryptsetup", "token", "import", "--json-file", "-", self.path("disk.img")], stdin=json.dumps(token).encode(), check=0)
        said = self.raise_floor("--to", str(self.first + 1), check=13)
        self.assertIn("root: 1 of its tokens, for other policy files with this counter", said)
        self.assertEqual(self.floor(), self.first)

    def test_a_policy_that_doesnt_verify_counts_for_nothing(self):
        text = self.read(f"s{self.first + 3}.yaml").decode()
        forged = json.loads(rig.run(["cryptsetup", "token", "export", "--token-id", "0", self.path("disk.img")], check=0).stdout)
        for policy in forged["policies"]:
            policy["signature"] = re.sub("^.", lambda m: "1" if m[0] == "0" else "0", policy["signature"])
        self.assertIn("signature", text)
        rig.run(["cryptsetup", "token", "remove", "--token-id", "0", self.path("disk.img")], check=0)
        rig.run(["cryptsetup", "token", "import", "--token-id", "0", "--json-file", "-", self.path("disk.img")],
                stdin=json.dumps(forged).encode(), check=0)
        self.booted(self.first + 1)
        self.assertIn("no signed policy of version", self.raise_floor(check=13))

    def test_a_volume_that_cant_be_looked_into_is_asked_about(self):
        self.booted(self.first + 1)
        os.rename(self.path("disk.img"), self.path("away.img"))
        self.assertIn("can't be known", self.raise_floor(check=13))
        self.assertEqual(self.floor(), self.first)

    def test_bounded(self):
        for to, code in ((self.first + 257, 13), (2 ** 32 - 1, 13), (2 ** 32, 2), (-1, 2), ("x", 2), ("", 2)):
            with self.subTest(to=to):
                self.raise_floor("--to", str(to), "--yes", str(to), check=code)
                self.assertEqual(self.floor(), self.first)

    def test_versions_begin_at_one(self):
        self.assertIn("--to 0: versions begin at 1", self.raise_floor("--to", "0", check=2))

    def test_help_says_what_is_taken(self):
        self.assertIn(b"--yes VERSION", self.dev.header("floor", "raise", "--help").stdout)
        self.assertIn(b"--yes NAME", self.dev.header("remove", "--help").stdout)

    def test_of_several_volumes_the_lowest_version_counts(self):
        text = self.read("policy.yaml").decode()
        other = text[text.index("  - name: root"):].replace("root", "data").replace("0x8100a001", "0x8100a002")
        self.write("policy.yaml", text + other)
        # Both on one disk, with a token for each handle.
        token = dict(self.dev.luks()["tokens"]["0"], handle="0x8100a002")
        rig.run(["cryptsetup", "token", "import", "--json-file", "-", self.path("disk.img")], stdin=json.dumps(token).encode(), check=0)
        self.booted(self.first + 3)
        self.booted(self.first + 1, "data")
        self.raise_floor()
        self.assertEqual(self.floor(), self.first + 1)

    def test_without_a_boot_that_was_opened_nothing_is_raised(self):
        self.assertIn("say to which version", self.raise_floor(check=13))
        self.booted(self.first + 1, "other")
        self.raise_floor(check=13)
        self.assertEqual(self.floor(), self.first)

    def test_bad_files(self):
        for bad in ("", "{}", "[]", json.dumps({"latchkey-booted": 2, "version": 3, "policy": ""}), "x" * 5000):
            with self.subTest(bad=bad[:20]):
                self.write("booted/root.json", bad)
                self.assertIn("root.json", self.raise_floor(check=3))
        self.booted(self.first + 1, more=1)
        self.raise_floor(check=3)
        self.booted(2 ** 32)
        self.raise_floor(check=3)
        self.assertEqual(self.floor(), self.first)

    def test_a_policy_file_without_a_floor(self):
        text = self.read("policy.yaml").decode()
        self.write("policy.yaml", re.sub("^version-floor:.*\n", "version-floor: none\n", text, flags=re.M))
        self.assertIn("has no version-floor", self.raise_floor("--to", "5", check=3))


if __name__ == "__main__":
    unittest.main()
