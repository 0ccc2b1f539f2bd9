#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey-attest quote: its files are what the stock tool verifies, and a refusal leaves none."""
import hashlib
import os
import struct
import unittest

import rig
from device import Device

NONCE = "00112233445566778899aabbccddeeff"


class ByHand(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.write("firmware", b"a log")
        self.write("ima", b"another")
        self.write("none", b"")

    def quote(self, *more, check=0, **logs):
        firmware, ima, measured = (logs.get(name, self.path(name)) for name in ("firmware", "ima", "none"))
        return rig.run([rig.program("latchkey-attest"), "quote", "--tpm", self.dev.tpm.tcti, "--nonce", NONCE, "-o",
                        self.path("out"), "--firmware-log", firmware, "--ima-log", ima,
                        "--measured-log", measured, *more], check=check)

    def checkquote(self, nonce=NONCE, quote="out/quote", check=0):
        return rig.run(["tpm2_checkquote", "-u", self.path("out/ak.pem"), "-m", self.path(quote), "-s",
                        self.path("out/signature"), "-g", "sha256", "-q", nonce], check=check)

    def test_the_stock_tool_verifies_it(self):
        self.dev.install()
        self.quote()
        self.checkquote()
        self.checkquote(nonce="00", check=1)
        damaged = bytearray(self.read("out/quote"))
        damaged[-1] ^= 1
        self.write("damaged", bytes(damaged))
        self.checkquote(quote="damaged", check=1)

    def test_values_key_and_logs_are_what_was_quoted(self):
        self.dev.install()
        self.quote()
        self.assertEqual(self.read("out/nonce").hex(), NONCE)
        self.assertTrue(self.read("out/quote").endswith(hashlib.sha256(self.read("out/values")).digest()))
        self.assertEqual(len(self.read("out/values")), 16 * 32)
        self.assertEqual(self.read("out/ak.tpmt").hex(), self.dev.record()["ak"]["public"])
        self.assertEqual(self.read("out/firmware-log"), b"a log")
        self.assertEqual(self.read("out/ima-log"), b"another")
        self.assertFalse(os.path.exists(self.path("out/measurements")))

    def test_pcrs_bank_and_log_are_those_asked_for(self):
        self.dev.install()
        self.quote("--bank", "sha384", "--pcrs", "0,7", "--no-ima")
        self.assertEqual(len(self.read("out/values")), 2 * 48)
        self.assertIn(struct.pack(">IHB3s", 1, 0x0c, 3, b"\x81\x00\x00"), self.read("out/quote"))
        self.assertFalse(os.path.exists(self.path("out/ima-log")))

    def test_a_log_that_was_named_and_cannot_be_read_leaves_no_folder(self):
        self.dev.install()
        for name, option in (("firmware", "--firmware-log"), ("ima", "--ima-log"), ("none", "--measured-log")):
            said = self.quote(check=3, **{name: self.path("misspelt")}).stderr.decode()
            self.assertIn(f"{option} {self.path('misspelt')}: can't open: No such file", said)
            self.quote(check=11, **{name: self.tmp})
            self.assertFalse(os.path.exists(self.path("out")))
        self.quote()

    def test_both_floors_are_certified_over_the_same_nonce(self):
        self.dev.install()
        self.quote()
        for name, key in (("version-floor", "version-floor"), ("sequence-floor", "sequence-floor")):
            attest = self.read(f"out/{name}")
            self.assertEqual(attest[:6], bytes.fromhex("ff5443478014"))
            self.assertIn(bytes.fromhex(NONCE), attest)
            self.assertIn(bytes.fromhex(self.dev.record()["objects"][key]["name"]), attest)
            value = self.dev.record()["objects"][key]["value"]
            self.assertEqual(attest[-12:], struct.pack(">HHQ", 0, 8, value))
            # The stock tool reads no NV certification; the signature is one like any other.
            raw = self.read(f"out/{name}.signature")
            self.assertEqual(raw[:4], bytes.fromhex("0018000b"))
            self.write("der", der(raw[6:38], raw[40:72]))
            rig.run(["openssl", "dgst", "-sha256", "-verify", self.path("out/ak.pem"), "-signature", self.path("der"),
                     self.path(f"out/{name}")], check=0)

    def test_refusals_leave_no_folder(self):
        self.assertIn(b"no attestation key at 0x8101a000", self.quote(check=7).stderr)
        self.dev.install()
        for words in (["--nonce", "0011"], ["--nonce", "xyz"], ["--nonce", "00" * 33], ["--bank", "sha1"],
                      ["--pcrs", "24"]):
            argv = [rig.program("latchkey-attest"), "quote", "--tpm", self.dev.tpm.tcti, "-o", self.path("out")]
            rig.run(argv + ([] if "--nonce" in words else ["--nonce", NONCE]) + words, check=2)
        self.assertFalse(os.path.exists(self.path("out")))
        rig.run([rig.program("latchkey-attest"), "quote", "--tpm", self.dev.tpm.tcti], check=2)

    def test_a_folder_that_is_there_is_left_as_it_is(self):
        self.dev.install()
        os.mkdir(self.path("out"))
        self.quote(check=13)
        self.assertEqual(os.listdir(self.path("out")), [])


def der(r, s):
    def number(v):
        v = v.lstrip(b"\0") or b"\0"
        v = b"\0" + v if v[0] & 0x80 else v
        return bytes([2, len(v)]) + v
    body = number(r) + number(s)
    return bytes([0x30, len(body)]) + body


if __name__ == "__main__":
    unittest.main()
