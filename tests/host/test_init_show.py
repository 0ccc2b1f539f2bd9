#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""policy init writes what the other commands read; show and --help tell the truth."""
import json
import os
import re
import subprocess

import host
import policy_files
import rig

COMMANDS = ("keygen", "policy init", "policy sign", "policy show", "policy verify",
            "policy digest", "policy attach", "policy predict", "log show")
MAN = os.path.join(host.HERE, "..", "..", "man", "latchkey.1")


def keys_of_the_page(section):
    """Keys of a section of latchkey-policy(5), without those of a list within the list."""
    with open(os.path.join(host.HERE, "..", "..", "man", "latchkey-policy.5")) as f:
        text = re.split(r"(?m)^\.S[hs] ", f.read().split(section + "\n", 1)[1])[0]
    keys, depth = set(), 0
    for line in text.splitlines():
        depth += line.startswith(".Bl") - line.startswith(".El")
        if depth == 1 and line.startswith(".It Cm "):
            keys |= set(line[7:].replace(" ,", "").split())
    return keys


class Init(host.TestCase):
    def shown(self, path):
        return json.loads(self.latchkey("policy", "show", "--json", path).stdout)

    def test_defaults(self):
        shown = self.shown(self.policy())
        self.assertEqual((shown["bank"], shown["pcrs"], shown["latch"], shown["policy-ref"],
                          shown["version-floor"], shown["volumes"]),
                         ("sha256", [0, 7, 10], 15, "latchkey:luks", "0x018a0001", []))

    def test_options(self):
        shown = self.shown(self.policy("--bank", "sha384", "--pcrs", "4,9", "--latch", "none",
                                       "--policy-ref", "site-7.data"))
        self.assertEqual((shown["bank"], shown["pcrs"], shown["latch"], shown["policy-ref"]),
                         ("sha384", [4, 9], "none", "site-7.data"))
        self.assertEqual((shown["bound-to"], shown["reference"]),
                         ("bank=sha384 pcrs=4,9 latch=none floor=0x018a0001",
                          policy_files.reference("site-7.data", bank="sha384", pcrs=(4, 9), latch="none")))

    def test_its_example_volume_is_right_once_the_comment_is_taken_away(self):
        for options in ([], ["--latch", "none"]):
            with self.subTest(options):
                path = self.policy(*options, keys=self.keys(name=f"k{len(options)}"),
                                   name=f"p{len(options)}.yaml")
                with open(path) as f:
                    head, example = f.read().split("volumes: []\n")
                self.assertTrue(all(line.startswith("#   ") for line in example.splitlines()))
                text = head + "volumes:\n" + re.sub("(?m)^# ", "", example)
                volume = self.shown(self.write("edited.yaml", text))["volumes"][0]
                self.assertEqual((volume["name"], volume["device"], volume["handle"],
                                  volume["sector-size"], volume["on-failure"], volume["pin"]),
                                 ("root", "PARTLABEL=root", "0x8100a001", 4096, "fail", False))

    def test_its_example_volume_has_the_answer_above(self):
        """Uncommented whole, it overrides nothing that was edited above it."""
        for answer in ("fail", "prompt", "halt"):
            with self.subTest(answer):
                with open(self.policy(keys=self.keys(name="k" + answer), name=answer + ".yaml")) as f:
                    head, example = f.read().split("volumes: []\n")
                text = head.replace("\non-failure: fail", f"\non-failure: {answer}") + "volumes:\n" + re.sub("(?m)^# ", "", example)
                self.assertEqual(self.shown(self.write("edited.yaml", text))["volumes"][0]["on-failure"], answer)

    def test_a_private_key_is_told_from_a_public_one(self):
        keys = self.keys()
        wrong = {"private key": keys + "/policy-key.pem", "certificate": self.path("cert.pem")}
        host.rig.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", self.path("rsa"),
                      "-out", self.path("cert.pem")], check=0)
        for what, path in wrong.items():
            done = self.latchkey("policy", "init", "--policy-key", path, "-o", self.path("out"), check=3)
            self.assertSaid(done, f"{path}: this is a {what}.*public")
            self.assertNotMade("out")
        self.assertSaid(self.latchkey("policy", "init", "--policy-key", self.path("rsa"), "-o", self.path("out"), check=3), "this is a private key")
        self.assertNotMade("out")

    def test_a_selection_says_whether_a_fleet_can_share_it(self):
        one, many = self.policy(), self.policy("--fleet", keys=self.path("keys"), name="fleet.yaml")
        self.assertEqual(self.shown(many)["pcrs"], [0, 4, 7, 11])
        for path, said in ((one, "each machine's own, by PCR 10, unless"), (many, "machines of one model and firmware can share them")):
            with open(path, encoding="utf-8") as f:
                self.assertIn(f"# Signed policies over these: {said}", f.read())
            self.assertSaid(self.latchkey("policy", "show", path), f"(?m)^signed policies +{said}")
            done = self.latchkey("policy", "sign", "--policy", path, "--key", self.path("keys/policy-key.pem"), "--pcr-values", self.pcrs(),
                                 "--version", "1", "-o", path + ".signed")
            self.assertEqual(b"each machine's own" in done.stderr, path == one)
        with open(self.pcrs("sha256", "no-image.json"), encoding="ascii") as f:
            values = json.load(f)
        values["sha256"]["11"] = "00" * 32
        zeros = self.write("no-image.json", json.dumps(values))
        sign = ("policy", "sign", "--policy", many, "--key", self.path("keys/policy-key.pem"), "--pcr-values", zeros, "--version", "1", "-o",
                self.path("zeros.yaml"))
        self.assertSaid(self.latchkey(*sign, check=13), "PCR 11 of bank sha256: nobody has extended it.*--unextended 11")
        self.assertNotMade("zeros.yaml")
        self.latchkey(*sign, "--unextended", "11")
        self.assertSaid(self.latchkey("policy", "init", "--fleet", "--pcrs", "0", "--policy-key", self.path("keys/policy-key.pub.pem"), "-o",
                                      self.path("x"), check=2), "--fleet and --pcrs exclude")

    def test_what_would_not_be_read_is_not_written(self):
        keys = self.keys()
        for code, options in ((2, ["--bank", "sha1"]), (2, ["--pcrs", "0,24"]),
                              (2, ["--pcrs", ""]), (2, ["--pcrs", "1,1"]), (2, ["--latch", "x"]),
                              (2, ["--latch", "24"]), (3, ["--latch", "16"]),
                              (3, ["--pcrs", "0,15"]), (3, ["--policy-ref", "x" * 16]), (3, ["--policy-ref", ""]),
                              (3, ["--policy-ref", os.fsdecode(b"\xff")])):
            with self.subTest(options):
                self.latchkey("policy", "init", "--policy-key", keys + "/policy-key.pub.pem",
                              *options, "-o", self.path("out"), check=code)
                self.assertNotMade("out")

    def test_a_policy_ref_stays_one_value(self):
        done = self.latchkey("policy", "init", "--policy-key", os.path.join(self.keys(), "policy-key.pub.pem"),
                             "--policy-ref", 'x"\nbank: a', "-o", self.path("out"), check=3)
        self.assertIn(b"policy-ref: a name of letters", done.stderr)
        self.assertNotMade("out")

    def test_the_reference_is_what_stock_tools_make(self):
        """As latchkey-policy(5) says, by the page's own words."""
        with open(os.path.join(host.HERE, "..", "..", "man", "latchkey-policy.5")) as f:
            command = re.search(r"^printf .*cut -c 1-16$", f.read(), re.M).group(0).replace("\\", "")
        shown = self.shown(self.policy())
        self.assertIn(shown["bound-to"], command)
        digits = host.rig.run(["sh", "-c", command], check=0).stdout.decode().strip()
        self.assertEqual(shown["reference"], "latchkey:luks:" + digits)
        plain = self.latchkey("policy", "show", self.path("policy.yaml")).stdout.decode()
        self.assertIn(f'  reference         "latchkey:luks:{digits}"', plain)
        self.assertIn("  bound to          " + shown["bound-to"], plain)

    def test_format_1_is_shown_as_shared(self):
        path = self.write("old", policy_files.format_1()[0])
        shown = self.shown(path)
        self.assertEqual((shown["latchkey-policy"], shown["policy-ref"], shown["reference"], shown.get("bound-to")),
                         (1, "latchkey:luks", "latchkey:luks", None))
        self.assertIn("shared by all", self.latchkey("policy", "show", path).stdout.decode())

    def test_a_policy_ref_with_a_control_character_is_refused(self):
        done = self.latchkey("policy", "init", "--policy-key",
                             os.path.join(self.keys(), "policy-key.pub.pem"),
                             "--policy-ref", "\x1b[31m", "-o", self.path("out"), check=3)
        self.assertIn(b"control character", done.stderr)
        self.assertNotMade("out")

    def test_show_has_every_field_of_a_policy_file(self):
        text = policy_files.policy_file().replace("    options: [discard]\n", """\
    uuid: 01234567-89ab-cdef-0123-456789abcdef
    cipher: aes-xts-plain64
    key-size: 256
    sector-size: 4096
    integrity: hmac-sha256
    options: [discard, submit-from-crypt-cpus]
    on-failure: prompt
    pin: true
""") + """prompt-without-tpm: true
timeout-tpm: 1
timeout-device: 600
root-key: {handle: 0x81000005, name: 000b%s}
""" % ("ab" * 32)
        path = self.write("p", text)
        shown = self.shown(path)
        self.assertEqual(shown["volumes"], [{
            "name": "root", "device": "PARTLABEL=root", "handle": "0x8100a001",
            "uuid": "01234567-89ab-cdef-0123-456789abcdef", "cipher": "aes-xts-plain64",
            "key-size": 256, "sector-size": 4096, "integrity": "hmac-sha256",
            "options": ["discard", "submit-from-crypt-cpus"], "on-failure": "prompt", "pin": True}])
        # What can be written, and nothing else, by the page: curve, Name, reference and what it is bound to follow from that.
        self.assertEqual(set(shown) - {"curve", "policy-key-name", "reference", "bound-to"}, keys_of_the_page("POLICY FILE"))
        self.assertEqual(set(shown["volumes"][0]), keys_of_the_page("Volumes"))
        self.assertEqual(shown["root-key"], {"handle": "0x81000005", "name": "000b" + "ab" * 32})
        self.assertEqual((shown["timeout-tpm"], shown["timeout-device"],
                          shown["prompt-without-tpm"]), (1, 600, True))
        self.assertEqual(shown["policy-key-name"],
                         policy_files.key_name(policy_files.G).hex())
        plain = self.latchkey("policy", "show", path).stdout.decode()
        for word in keys_of_the_page("Volumes") - {"name"} | keys_of_the_page("POLICY FILE") - {"latchkey-policy", "pcrs"}:
            self.assertRegex(plain, f"(?m)^ *{word} ")
        for word in ("submit-from-crypt-cpus", "hmac-sha256", "0x81000005", "prompt", "600 s",
                     "Secure Boot", policy_files.key_name(policy_files.G).hex()):
            self.assertIn(word, plain)

    def test_show_of_a_signed_policy_in_json_is_the_mapping_itself(self):
        signed = policy_files.signed_policy()
        shown = self.shown(self.write("s", signed))
        again = self.shown(self.write("j", json.dumps(shown)))
        self.assertEqual(again, shown)
        self.assertEqual(shown["pcrs"]["7"], "22" * 32)


class Help(host.TestCase):
    def options(self, words):
        text = self.latchkey(*words.split(), "--help").stdout.decode()
        return text, set(re.findall(r"--[a-z][a-z-]+", text.split("Options:")[1].split("\n\n")[0]))

    def test_every_command_and_option_is_in_the_man_page(self):
        with open(MAN) as f:
            page = f.read().replace("\\-", "-")
        general = self.latchkey("--help").stdout.decode()
        for words in COMMANDS:
            with self.subTest(words):
                self.assertIn("  " + words, general)
                self.assertRegex(page, "(Cm|Nm|Ic) .*" + words)
                text, options = self.options(words)
                self.assertTrue(text.startswith("Usage: latchkey " + words))
                for option in options - {"--help"}:
                    self.assertIn("Fl -" + option[2:], page)

    def test_help_lines_fit_a_terminal(self):
        for words in ("", *COMMANDS):
            for line in self.latchkey(*words.split(), "--help").stdout.decode().splitlines():
                if not line.startswith("Usage:"):
                    self.assertLessEqual(len(line), 80, line)

    def test_version(self):
        self.assertRegex(self.latchkey("--version").stdout.decode(), r"^latchkey \d+\.\d+\.\d+ \(testing build: .*\)\n$")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([host.LATCHKEY, "policy", "show",
                                   self.write("p", policy_files.policy_file())], stdout=full,
                                  stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 11)

    def test_nor_is_anything_asked_of_any_program_that_does_not_arrive(self):
        for name in ("latchkey", "latchkey-unseal", "latchkey-provision", "latchkey-userconfig"):
            for words in ("--help", "--version", "status --help", "policy --help", "--print-exit-codes"):
                with self.subTest(name, words=words):
                    argv = [rig.program(name), *words.split()]
                    arrives = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                    with open("/dev/full", "w") as full:
                        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE)
                    self.assertEqual(done.returncode, 11 if arrives.returncode == 0 else arrives.returncode, done.stderr)
                    if arrives.returncode == 0:
                        self.assertTrue(arrives.stdout)
                        self.assertIn(b"standard output can't be written", done.stderr)


if __name__ == "__main__":
    host.main()
