#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Bad files get their exit code, the place that is wrong, and no output."""
import os

import host
import policy_files

RSS_KIB = 16 * 1024


class BadInput(host.TestCase):
    def measured(self, *argv, check):
        """Runs latchkey and looks at the memory it took."""
        done = host.rig.run([host.DRIVER, "maxrss", self.path("rss"), host.LATCHKEY, *argv],
                            check=check)
        if not host.sanitized():
            self.assertLess(int(self.read("rss")), RSS_KIB)
        return done

    def refuse_policy_file(self, data, said):
        path = self.write("bad.yaml", data)
        done = self.measured("policy", "digest", "--policy", path, "--pcr-values", self.pcrs(),
                             "--version", "3", "-o", self.path("out"), check=3)
        self.assertSaid(done, "latchkey: " + path + ".*" + said)
        self.assertNotMade("out")
        self.assertSaid(self.measured("policy", "show", path, check=3), said)
        self.assertSaid(self.measured("policy", "verify", "--policy", path, path, check=3), said)

    def test_the_files_that_are_kept_are_those_that_are_made(self):
        kept = {}
        for name in os.listdir(policy_files.FOLDER):
            with open(os.path.join(policy_files.FOLDER, name), "rb") as f:
                kept[name] = f.read()
        self.assertEqual(kept, policy_files.kept_files())

    def test_a_good_policy_file_is_read(self):
        path = self.write("good.yaml", policy_files.policy_file())
        self.latchkey("policy", "show", path)
        self.latchkey("policy", "digest", "--policy", path, "--pcr-values", self.pcrs(),
                      "--version", "3", "-o", self.path("out"))

    def test_bad_policy_files(self):
        for name, (data, said) in policy_files.bad_policy_files().items():
            with self.subTest(name):
                self.refuse_policy_file(data, said)

    def test_huge_policy_files(self):
        for name, (data, said) in policy_files.huge_files().items():
            with self.subTest(name):
                self.refuse_policy_file(data, said)

    def test_a_good_signed_policy_is_good(self):
        done = self.latchkey("policy", "verify", "--policy",
                             self.write("p", policy_files.policy_file()),
                             self.write("s", policy_files.signed_policy()))
        self.assertSaid(done, "^good: ")

    def test_bad_signed_policies(self):
        policy = self.write("policy.yaml", policy_files.policy_file())
        for name, (data, code, said) in policy_files.bad_signed_policies().items():
            with self.subTest(name):
                path = self.write("bad.yaml", data)
                done = self.measured("policy", "verify", "--policy", policy, path, check=code)
                self.assertRegex(done.stderr.decode(), "bad.yaml.*" + said)
                self.assertNotIn(b"good:", done.stdout)

    def test_huge_signed_policies(self):
        policy = self.write("policy.yaml", policy_files.policy_file())
        for name, (data, said) in policy_files.huge_files().items():
            with self.subTest(name):
                path = self.write("bad.yaml", data)
                self.measured("policy", "verify", "--policy", policy, path, check=3)

    def test_a_key_off_its_curve_verifies_nothing(self):
        signed = policy_files.signed_policy()
        policy = policy_files.off_curve_policy_file()
        name = policy_files.key_name((policy_files.G[0] + 1, policy_files.G[1]))
        signed = signed.replace(policy_files.key_name(policy_files.G).hex(), name.hex())
        done = self.latchkey("policy", "verify", "--policy", self.write("p", policy),
                             self.write("s", signed), check=5)
        self.assertSaid(done, "curve")

    def test_of_several_one_bad_is_enough(self):
        policy = self.write("policy.yaml", policy_files.policy_file())
        good = self.write("good", policy_files.signed_policy())
        wrong = self.write("wrong", policy_files.signed_policy(private=2))
        broken = self.write("broken", "a: [")
        done = self.latchkey("policy", "verify", "--policy", policy, good, wrong, check=5)
        self.assertSaid(done, "good: .*\nrefused: .*")
        self.latchkey("policy", "verify", "--policy", policy, wrong, broken, good, check=3)

    def test_bad_pcr_values(self):
        policy = self.write("policy.yaml", policy_files.policy_file())
        cases = {
            "another bank": ('{"sha384": {"0": "00"}}', "sha256"),
            "inactive bank": ("sha1:\nsha256:\n", "sha256"),
            "short digest": ('{"sha256": {"0": "00"}}', "PCR 0"),
            "no PCR 10": ('{"sha256": {"0": "%s", "7": "%s"}}' % ("00" * 32, "00" * 32),
                          "PCR 10"),
            "PCR 24": ('{"sha256": {"24": "%s"}}' % ("00" * 32), "24"),
            "not a map": ("[1, 2]", "sha256"),
            "binary, a digest too few": (bytes(64), "64 bytes"),
            "binary, a byte too many": (bytes(97), "97 bytes"),
            "empty": (b"", "empty"),
            "too large": (bytes(1 << 20), "at most"),
        }
        for name, (data, said) in cases.items():
            with self.subTest(name):
                path = self.write("pcrs", data)
                done = self.measured("policy", "digest", "--policy", policy, "--pcr-values", path,
                                     "--version", "3", "-o", self.path("out"), check=3)
                self.assertSaid(done, path + ".*" + said)
                self.assertNotMade("out")

    def test_bad_public_keys(self):
        good = policy_files.pem(policy_files.G)
        cases = {
            "empty": "", "text": "hello\n", "private": good.replace("PUBLIC", "PRIVATE"),
            "more after it": good + "\nmore\n", "cut": good[:100], "huge": good * 100,
        }
        for name, data in cases.items():
            with self.subTest(name):
                path = self.write("pub.pem", data)
                done = self.measured("policy", "init", "--policy-key", path, "-o",
                                     self.path("out"), check=3)
                self.assertSaid(done, path)
                self.assertNotMade("out")

    def test_other_curves_are_refused(self):
        for curve, more in (("secp521r1", []), ("secp256k1", []),
                            ("secp384r1", ["-param_enc", "explicit"]),
                            ("secp384r1", ["-conv_form", "compressed"])):
            with self.subTest(curve=curve, more=more):
                host.rig.run(["openssl", "ecparam", "-name", curve, "-genkey", "-noout",
                              "-out", self.path("key")], check=0)
                host.rig.run(["openssl", "ec", "-in", self.path("key"), "-pubout", *more,
                              "-out", self.path("pub")], check=0)
                done = self.latchkey("policy", "init", "--policy-key", self.path("pub"), "-o",
                                     self.path("out"), check=3)
                self.assertSaid(done, "P-384 or P-256")
                self.assertNotMade("out")

    def test_missing_files_are_named(self):
        missing = self.path("missing")
        for argv in (["policy", "show", missing],
                     ["policy", "verify", "--policy", missing, missing],
                     ["policy", "init", "--policy-key", missing, "-o", self.path("out")]):
            with self.subTest(argv):
                self.assertSaid(self.latchkey(*argv, check=3), missing)
        self.assertNotMade("out")

    def test_wrong_command_lines(self):
        cases = [[], ["nonsense"], ["policy"], ["policy", "nonsense"], ["keygen"],
                 ["keygen", "a", "b"], ["keygen", "--curve", "p521", self.path("k")],
                 ["keygen", "--config-bits", "64", self.path("k")],
                 ["keygen", "--passphrase", "--passphrase-file", "f", self.path("k")],
                 ["keygen", "--bogus", self.path("k")], ["policy", "show"],
                 ["policy", "verify", "--policy", "p"], ["policy", "verify", "s"],
                 ["policy", "init", "--policy-key", "a", "--policy-key", "b", "-o", "c"],
                 ["policy", "show", "--json=x", "f"], ["policy", "sign", "--policy"],
                 ["policy", "digest", "--policy", "-", "--pcr-values", "-", "-o", "x"]]
        for argv in cases:
            with self.subTest(argv):
                done = self.latchkey(*argv, check=2)
                self.assertSaid(done, "--help")
                self.assertEqual(done.stdout, b"")
        self.assertNotMade("k")

    def test_an_argument_too_many_is_named(self):
        self.assertSaid(self.latchkey("keygen", self.path("k"), "extra", check=2), "latchkey: extra: nothing more is expected")
        self.assertNotMade("k")

    def test_wrong_versions_and_labels(self):
        policy = self.write("policy.yaml", policy_files.policy_file())
        no_floor = self.write("no-floor.yaml", policy_files.policy_file().replace(
            "version-floor: 0x018a0001", "version-floor: none"))
        common = ["--pcr-values", self.pcrs(), "-o", self.path("out")]
        for code, argv in (
                (2, ["--policy", policy]),
                (2, ["--policy", policy, "--version", "0"]),
                (2, ["--policy", policy, "--version", "-1"]),
                (2, ["--policy", policy, "--version", "4294967296"]),
                (2, ["--policy", policy, "--version", "1x"]),
                (2, ["--policy", policy, "--version", ""]),
                (2, ["--policy", no_floor, "--version", "1"]),
                (2, ["--policy", policy, "--version", "1", "--label", "x" * 129])):
            with self.subTest(argv):
                self.latchkey("policy", "digest", *argv, *common, check=code)
                self.assertNotMade("out")
        for label in (b"\xff", b"\xc3("):
            with self.subTest(label):
                self.latchkey("policy", "digest", "--policy", policy, "--version", "1", "--label",
                              os.fsdecode(label), "--unsigned", self.path("u"), *common, check=3)
                self.assertNotMade("out", "u")


if __name__ == "__main__":
    host.main()
