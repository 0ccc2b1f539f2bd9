#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Signed root keys from the desk into the token: what is signed holds against openssl, another device's is refused, and
a PIN is set only where it will be known whose TPM takes it."""
import hashlib
import json
import os
import re
import struct
import unittest

import rig
from device import Device, der_signature


def signed_bytes(field):
    """latchkey-policy(5)."""
    name, ref = bytes.fromhex(field["name"]), field["policy-ref"].encode()
    return (b"latchkey:signed-root-key:1\0" + struct.pack(">H", len(name)) + name + bytes.fromhex(field["device-id"])
            + struct.pack(">H", len(ref)) + ref)


def fields(text):
    return dict(re.findall(r'^([a-z-]+): "?(.*?)"?$', text, re.M))


class Page(rig.TestCase):
    def test_the_pages_example_is_right(self):
        """Its policy key is the number 1."""
        page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "man", "latchkey-policy.5")
        with open(page, encoding="utf-8") as f:
            text = f.read()
        example = fields(text[text.rindex("latchkey-root-key: 1"):].split(".Ed")[0])
        pem = re.findall(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", text, re.S)[0]
        self.write("key.pem", "\n".join(line.strip() for line in pem.splitlines()) + "\n")
        self.write("tbs", signed_bytes(example))
        self.write("sig", der_signature(bytes.fromhex(example["signature"])))
        rig.run(["openssl", "dgst", "-sha384", "-verify", self.path("key.pem"), "-signature", self.path("sig"), self.path("tbs")], check=0)
        self.assertEqual(example["device-id"], hashlib.sha256(bytes.fromhex(example["name"])).hexdigest())


class Desk(rig.TestCase):
    curve = "p384"

    def setUp(self):
        super().setUp()
        self.dev = Device(self, curve=self.curve)
        self.dev.install()
        self.dev.policy()

    def sign(self, *argv, check=0, out="root.yaml"):
        return rig.run([rig.program("latchkey"), "policy", "sign-root-key", "--policy", self.path("policy.yaml"), "--key",
                        self.path("keys", "policy-key.pem"), *(argv or ["--record", self.dev.record_path]), "-o", self.path(out)],
                       check=check)

    def test_what_is_signed_holds_against_openssl(self):
        self.sign()
        field = fields(self.read("root.yaml").decode())
        self.assertEqual(field["name"], self.dev.record()["objects"]["storage-root-key"]["name"])
        self.assertEqual(field["device-id"], self.dev.record()["device-id"])
        self.assertEqual(field["key"], self.dev.record()["objects"]["policy-key"]["key-name"])
        self.write("tbs", signed_bytes(field))
        self.write("sig", der_signature(bytes.fromhex(field["signature"])))
        rig.run(["openssl", "dgst", "-" + self.dev.hash, "-verify", self.path("keys", "policy-key.pub.pem"), "-signature",
                 self.path("sig"), self.path("tbs")], check=0)

    def test_outputs_and_usage(self):
        self.sign()
        before = self.read("root.yaml")
        self.assertIn(b"--force", self.sign(check=13).stderr)
        self.assertEqual(self.read("root.yaml"), before)
        self.sign("--record", self.dev.record_path, "--force")
        self.sign("--record", self.dev.record_path, "--records", self.tmp, check=2)
        self.write("bad.json", "{}")
        self.assertIn(b"provisioning record", self.sign("--record", self.path("bad.json"), check=3, out="none.yaml").stderr)
        self.assertFalse(os.path.exists(self.path("none.yaml")))

    def test_a_folder_of_records(self):
        os.mkdir(self.path("records"))
        os.mkdir(self.path("signed"))
        for name in ("a.json", "b.json"):
            self.write("records/" + name, json.dumps(self.dev.record()))
        self.write("records/c.json", "{}")
        self.write("records/notes.txt", "")
        self.assertIn(b"c.json", self.sign("--records", self.path("records"), out="signed", check=3).stderr)
        self.assertEqual(sorted(os.listdir(self.path("signed"))), ["a.root-key.yaml", "b.root-key.yaml"])
        self.assertIn(b"a folder", self.sign("--records", self.path("records"), out="none", check=3).stderr)

    def test_another_key_signs_nothing(self):
        rig.run([rig.program("latchkey"), "keygen", self.path("other")], check=0)
        done = rig.run([rig.program("latchkey"), "policy", "sign-root-key", "--policy", self.path("policy.yaml"), "--key",
                        self.path("other", "policy-key.pem"), "--record", self.dev.record_path, "-o", self.path("none.yaml")], check=5)
        self.assertIn(b"not the private half", done.stderr)
        self.assertFalse(os.path.exists(self.path("none.yaml")))


class DeskP256(Desk):
    curve = "p256"


class Token(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()

    sign = Desk.sign

    def token(self):
        return self.dev.luks()["tokens"]["0"]

    def add(self, *files, check=0):
        return self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), *files, check=check)

    def status(self):
        return json.loads(self.dev.provision("status", "--json", "--policy", self.path("policy.yaml")).stdout)["volumes"][0]

    def test_from_the_record_to_a_boot_that_wants_it(self):
        self.dev.policy(root_key="root-key: signed\n")
        self.dev.format()
        policy = self.dev.sign(1)
        self.add(policy)
        self.assertIn("has to be signed, and its token has none", self.status()["root-key"])
        self.assertFalse(self.status()["opens-now"])
        argv = [rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"), "--tpm", self.dev.tpm.tcti]
        said = rig.run(argv, check=7).stderr
        self.assertIn(b"sign-root-key", said)
        self.assertIn(b"reseal isn't needed", said)
        self.sign()
        self.assertIn(b"volume root: its token has the signed root key", self.add(self.path("root.yaml"), policy).stderr)
        self.assertEqual(self.token()["signed-root-key"]["name"], self.dev.record()["objects"]["storage-root-key"]["name"])
        self.assertEqual(len(self.token()["policies"]), 1)
        self.assertEqual(self.status()["root-key"], "signed for this TPM")
        self.assertTrue(self.status()["opens-now"])
        rig.run(argv, check=0)
        # What writes the token afterwards keeps it.
        self.add(self.dev.sign(2, out="second.yaml"))
        self.assertIn("signed-root-key", self.token())
        rig.run(argv, check=0)

    def test_another_devices_or_anothers_is_refused_and_nothing_changed(self):
        self.dev.policy()
        self.dev.format()
        self.sign()
        other = self.dev.record()
        name = "000b" + "22" * 32
        other["objects"]["storage-root-key"]["name"] = name
        other["device-id"] = hashlib.sha256(bytes.fromhex(name)).hexdigest()
        self.write("other.json", json.dumps(other))
        self.sign("--record", self.path("other.json"), out="other.yaml")
        before = self.read("disk.img")
        text = self.read("root.yaml").decode()
        self.write("flipped.yaml", re.sub(r'signature: "(..)', lambda m: f'signature: "{int(m[1], 16) ^ 1:02x}', text))
        for name, word in (("other.yaml", b"for another device"), ("flipped.yaml", b"signature")):
            self.assertIn(word, self.add(self.path("root.yaml"), self.path(name), check=5).stderr)
            self.assertEqual(self.read("disk.img"), before)

    def test_a_pin_wants_it_and_nothing_is_made_without(self):
        self.write("pin", "12 34 56\n")
        self.dev.policy("    pin: true\n")
        done = self.dev.format("--pin-file", self.path("pin"), check=3)
        self.assertIn(b"whose TPM takes it", done.stderr)
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))
        self.assertNotIn(b"8100A001", self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout.upper())
        self.dev.policy("    pin: true\n", root_key="root-key: signed\n")
        self.dev.format("--pin-file", self.path("pin"))
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        before = self.read("disk.img")
        self.dev.policy("    pin: true\n")
        done = self.dev.provision("reseal", "--policy", self.path("policy.yaml"), "--volume", "root", "--recovery-key-file",
                                  self.path("recovery"), "--owner-auth", self.dev.owner_auth_file(), "--pin-file", self.path("pin"), check=3)
        self.assertIn(b"whose TPM takes it", done.stderr)
        self.assertEqual(self.read("disk.img"), before)

    def test_reseal_keeps_what_is_still_right(self):
        self.dev.policy()
        self.dev.format()
        self.sign()
        self.add(self.path("root.yaml"))
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        argv = ["reseal", "--policy", self.path("policy.yaml"), "--volume", "root", "--recovery-key-file", self.path("recovery"),
                "--owner-auth", self.dev.owner_auth_file()]
        self.dev.provision(*argv)
        self.assertIn("signed-root-key", json.dumps(self.dev.luks()["tokens"]))
        with open(self.path("policy.yaml")) as f:
            text = f.read()
        self.write("policy.yaml", re.sub(r"^policy-ref: .*", 'policy-ref: "another"', text, flags=re.M))
        self.assertIn(b"its signed root key isn't for this TPM and policy file", self.dev.provision(*argv).stderr)
        self.assertNotIn("signed-root-key", json.dumps(self.dev.luks()["tokens"]))

    def test_status_says_what_is_risked_without(self):
        self.dev.policy()
        self.dev.format()
        self.assertIn("not pinned: somebody on the TPM's bus could read the passphrase", self.status()["root-key"])
        self.dev.policy(root_key=self.dev.root_key())
        self.assertEqual(self.status()["root-key"], "pinned by the policy file")


if __name__ == "__main__":
    unittest.main()
