#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""policy bundle: signed policies in one file; show of it; and signed root keys, which show and verify know."""
import json
import os

import host
import fleets


class Bundle(host.TestCase):
    def setUp(self):
        super().setUp()
        self.key_dir = self.keys()
        self.policy_file = self.policy(keys=self.key_dir)
        self.signed = [self.sign(n) for n in (1, 2)]

    def sign(self, version, keys=None, policy=None):
        out = self.path(f"signed-{version}-{len(os.listdir(self.tmp))}.yaml")
        self.latchkey("policy", "sign", "--policy", policy or self.policy_file, "--key", (keys or self.key_dir) + "/policy-key.pem",
                      "--pcr-values", self.pcrs(), "--version", str(version), "--label", f"of {version}", "-o", out)
        return out

    def bundle(self, *more, check=0):
        return self.latchkey("policy", "bundle", "-o", self.path("b"), *more, check=check)

    def test_a_bundle_has_them_in_order_and_whole(self):
        self.bundle("--policy", self.policy_file, *self.signed)
        shown = json.loads(self.latchkey("policy", "show", "--json", self.path("b")).stdout)
        self.assertEqual([p["version"] for p in shown["policies"]], [1, 2])
        for policy, path in zip(shown["policies"], self.signed):
            self.assertEqual(policy, json.loads(self.latchkey("policy", "show", "--json", path).stdout))
        text = self.latchkey("policy", "show", self.path("b")).stdout.decode()
        self.assertEqual(text.count("signed policy (policy verify"), 2)
        self.assertIn("2 of 2: signed policy", text)

    def test_what_a_medium_has_behind_it_is_not_looked_at(self):
        self.bundle(self.signed[0])
        self.write("stick", self.read("b") + b"\xff" * (2 << 20))
        self.assertEqual(self.latchkey("policy", "show", self.path("stick")).stdout, self.latchkey("policy", "show", self.path("b")).stdout)

    def test_one_that_was_not_written_to_its_end_shows_nothing(self):
        self.bundle(*self.signed)
        whole = self.read("b")
        for n, data in enumerate((whole[:-1], whole[:150], whole[:120] + b"x" + whole[121:])):
            done = self.latchkey("policy", "show", self.write(f"bad-{n}", data), check=3)
            self.assertSaid(done, f"bad-{n}: ")
            self.assertEqual(done.stdout, b"")

    def test_the_same_policy_twice_is_written_once(self):
        done = self.bundle(self.signed[0], self.signed[0])
        self.assertSaid(done, "another file has the same policy; written once")
        self.assertEqual(len(json.loads(self.latchkey("policy", "show", "--json", self.path("b")).stdout)["policies"]), 1)

    def test_nothing_is_written_of_what_is_not_good(self):
        other = self.keys(name="other")
        foreign = self.sign(3, other, self.policy(keys=other, name="other.yaml"))
        self.assertSaid(self.bundle("--policy", self.policy_file, self.signed[0], foreign, check=5), foreign)
        self.assertSaid(self.bundle(self.policy_file, check=3), "policy.yaml")
        self.bundle("--force", self.signed[0])
        os.rename(self.path("b"), self.path("first"))
        self.assertSaid(self.bundle(self.path("first"), check=3), "first: 1:1: this is a bundle of signed policies; a signed policy is expected")
        self.assertSaid(self.latchkey("policy", "verify", "--policy", self.policy_file, self.path("first"), check=3), "this is a bundle of signed")
        self.assertSaid(self.bundle(*self.signed * 513, check=3), "1026 signed policies, and a bundle has at most 1024")
        self.assertNotMade("b")
        self.write("b", "mine")
        self.assertSaid(self.bundle(self.signed[0], check=13), "exists already")
        self.assertEqual(self.read("b"), b"mine")
        os.mkfifo(self.path("pipe"))
        self.assertSaid(self.latchkey("policy", "bundle", "-f", "-o", self.path("pipe"), self.signed[0], check=13), "isn't a file: .*dd if=")
        self.bundle("--force", self.signed[0])

    def test_signed_root_keys_are_shown_and_verified(self):
        record = self.write("unit.json", json.dumps(fleets.record(7)))
        out = self.path("unit.root-key.yaml")
        self.latchkey("policy", "sign-root-key", "--policy", self.policy_file, "--key", self.key_dir + "/policy-key.pem", "--record", record, "-o", out)
        device = fleets.record(7)["device-id"]
        self.assertSaid(self.latchkey("policy", "show", out), f"signed root key .*\n(?s:.*)device-id +{device}\n")
        shown = json.loads(self.latchkey("policy", "show", "--json", out).stdout)
        self.assertEqual(shown["device-id"], device)
        done = self.latchkey("policy", "verify", "--policy", self.policy_file, out, self.signed[0])
        self.assertSaid(done, f'good: ".*unit.root-key.yaml" label "root key of {device}"')
        text = self.read("unit.root-key.yaml").decode()
        at = text.index("signature: ") + 14
        bad = self.write("bad.yaml", text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:])
        self.assertSaid(self.latchkey("policy", "verify", "--policy", self.policy_file, bad, check=5), "refused: ")
        other = self.policy(keys=self.keys(name="other"), name="other.yaml")
        self.assertSaid(self.latchkey("policy", "verify", "--policy", other, out, check=5), "refused: ")


if __name__ == "__main__":
    host.main()
