#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The attestation key that install makes: what it is, by the stock tools; who it is made for, and when it goes."""
import hashlib
import json
import unittest

import rig
from device import Device, der_signature

AK = "0x8101a000"
SIGN_ONLY = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign"


class AttestationKey(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)

    def handles(self):
        return self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout.decode().lower()

    def test_it_is_what_the_record_says_and_a_primary_key_of_the_endorsement_hierarchy(self):
        dev = self.dev
        dev.install()
        ak = dev.record()["ak"]
        shown = dev.tpm.tool("tpm2_readpublic", "-c", AK, "-q", self.path("qualified")).stdout.decode()
        self.assertIn(f"name: {ak['name']}", shown)
        self.assertIn(f"value: {SIGN_ONLY}", shown)
        self.assertRegex(shown, "scheme:\n +value: ecdsa")
        public = bytes.fromhex(ak["public"])
        name = b"\x00\x0b" + hashlib.sha256(public).digest()
        self.assertEqual(name.hex(), ak["name"])
        self.assertEqual(self.read("qualified"), b"\x00\x0b" + hashlib.sha256(b"\x40\x00\x00\x0b" + name).digest())

    def test_the_stock_tool_verifies_what_it_quotes(self):
        dev = self.dev
        dev.install()
        dev.tpm.tool("tpm2_readpublic", "-c", AK, "-f", "pem", "-o", self.path("ak.pem"))
        dev.tpm.tool("tpm2_quote", "-c", AK, "-l", "sha256:0,7,10", "-q", "00112233", "-g", "sha256", "-m",
                     self.path("quote"), "-s", self.path("signature"), "-o", self.path("pcrs"))
        rig.run(["tpm2_checkquote", "-u", self.path("ak.pem"), "-m", self.path("quote"), "-s", self.path("signature"),
                 "-f", self.path("pcrs"), "-g", "sha256", "-q", "00112233"], check=0)

    def test_a_device_of_before_gets_it_by_another_run(self):
        dev = self.dev
        dev.install()
        owner = dev.auth("owner")
        dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-P", owner, "-c", AK)
        had = dev.record()
        ak = had.pop("ak")
        self.write("record.json", json.dumps(had))
        said = dev.install().stderr.decode()
        self.assertIn("this device has no attestation key: install with --owner-auth makes it", said)
        self.assertEqual(dev.record(), had)
        self.write("wrong", "wrong\n")
        dev.install("--owner-auth", self.path("wrong"), check=5)
        self.assertEqual(dev.record(), had)
        self.assertNotIn(AK, self.handles())
        said = dev.install("--owner-auth", dev.owner_auth_file()).stderr.decode()
        self.assertIn("the attestation key is in the record now", said)
        # The same TPM, the same key.
        self.assertEqual(dev.record().pop("ak"), ak)
        self.assertEqual({k: v for k, v in dev.record().items() if k != "ak"}, had)

    def test_a_record_without_it_gets_it_without_an_authorization(self):
        dev = self.dev
        dev.install()
        had = dev.record()
        self.write("record.json", json.dumps({k: v for k, v in had.items() if k != "ak"}))
        dev.install()
        self.assertEqual(dev.record(), had)

    def test_it_signs_what_the_record_says(self):
        """By the stock tools; a record of before gets the proof by another run, and one that has it is left as it is."""
        dev = self.dev
        dev.install()
        had = dev.record()
        proof = had["proof"]
        dev.tpm.tool("tpm2_readpublic", "-c", AK, "-f", "pem", "-o", self.path("ak.pem"))
        spki = rig.run(["openssl", "pkey", "-pubin", "-outform", "DER"], stdin=had["ek"]["public"].encode(), check=0).stdout
        over = hashlib.sha256(b"latchkey:record\0" + bytes.fromhex(had["ak"]["name"]) + spki).digest()
        self.assertEqual(proof["over"], over.hex())
        for key, name in (("storage-root-key", had["objects"]["storage-root-key"]["name"]), ("config-key", had["objects"]["config-key"]["name"]),
                          ("policy-key", had["objects"]["policy-key"]["name"]), ("version-floor", had["objects"]["version-floor"]["name"]),
                          ("sequence-floor", had["objects"]["sequence-floor"]["name"])):
            attest, raw = bytes.fromhex(proof[key]["attest"]), bytes.fromhex(proof[key]["signature"])
            self.assertIn(over, attest)
            self.assertIn(bytes.fromhex(name), attest)
            half = int.from_bytes(raw[4:6], "big")
            r, s = raw[6:6 + half].rjust(32, b"\0"), raw[8 + half:].rjust(32, b"\0")
            self.write("attest", attest)
            self.write("signature", der_signature(r + s))
            rig.run(["openssl", "dgst", "-sha256", "-verify", self.path("ak.pem"), "-signature", self.path("signature"), self.path("attest")], check=0)
        self.assertIn(b"installed already: nothing to do", dev.install().stderr)
        self.assertEqual(dev.record(), had)
        self.write("record.json", json.dumps({k: v for k, v in had.items() if k != "proof"}))
        dev.tpm.measure(pcrs=(10,))
        self.assertIn(b"the record is signed by the attestation key now", dev.install().stderr)
        self.assertNotEqual(dev.record()["pcrs"]["sha256"]["10"], had["pcrs"]["sha256"]["10"])
        self.assertIn("quote", dev.record()["proof"])

    def test_something_else_at_its_place_is_left_there(self):
        dev = self.dev
        for attributes in ("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign",
                           SIGN_ONLY.replace("|noda|restricted|sign", "|restricted|decrypt")):
            kind = "ecc256" if "decrypt" in attributes else "ecc256:ecdsa-sha256"
            dev.tpm.tool("tpm2_createprimary", "-C", "e", "-G", kind, "-a", attributes, "-c", self.path("x.ctx"))
            dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("x.ctx"), AK)
            before = self.handles()
            said = dev.install(check=13).stderr.decode()
            self.assertIn("where the attestation key belongs, holds something else", said)
            self.assertEqual(self.handles(), before)
            dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", AK)
            dev.tpm.tool("tpm2_flushcontext", "-t")

    def test_a_key_of_the_owners_hierarchy_is_none(self):
        dev = self.dev
        dev.tpm.tool("tpm2_createprimary", "-C", "o", "-G", "ecc256:ecdsa-sha256:null", "-a", SIGN_ONLY, "-c",
                     self.path("x.ctx"))
        dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("x.ctx"), AK)
        self.assertIn("isn't a primary one of the endorsement hierarchy", dev.install(check=13).stderr.decode())

    def test_remove_and_decommission_take_it_away(self):
        dev = self.dev
        dev.install()
        owner = dev.owner_auth_file()
        said = dev.provision("remove", "--installation", "--owner-auth", owner, check=13).stderr.decode()
        self.assertIn(f"the attestation key {AK}", said)
        self.assertIn(AK, self.handles())
        dev.provision("remove", "--installation", "--owner-auth", owner, "--yes", "installation")
        self.assertNotIn(AK, self.handles())
        dev.install("--owner-auth", owner)
        self.assertIn(AK, self.handles())
        self.write("lockout.auth", dev.auth("lockout") + "\n")
        argv = ["decommission", "--owner-auth", owner, "--lockout-auth", self.path("lockout.auth")]
        self.assertIn(f"{AK}, the attestation key", dev.provision(*argv, check=13).stderr.decode())
        dev.provision(*argv, "--yes", "decommission")
        self.assertNotIn(AK, self.handles())


if __name__ == "__main__":
    unittest.main()
