#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Reports: signed ones hold under python3-cryptography and under openssl, a page of its own needs nothing else."""
import base64
import hashlib
import json
import os
import re
import time
import unittest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import attesting
import rig


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(token, public, curve_hash=hashes.SHA256()):
    """Header and claims; by no code of ours."""
    signed, signature = token.rsplit(".", 1)
    raw = unbase64(signature)
    half = len(raw) // 2
    der = utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
    public.verify(der, signed.encode(), ec.ECDSA(curve_hash))
    return [json.loads(unbase64(part)) for part in signed.split(".")]


class Reports(attesting.TestCase):
    def setUp(self):
        super().setUp()
        self.good, self.bad = self.learned("good", "bad")
        self.never = self.known("<b>never\u202e")
        self.verifier.start()
        self.bad.boot(attesting.firmware(image=b"another image"))
        for device in (self.good, self.bad):
            self.verifier.attest(device)

    def out(self, *argv, check=0):
        return self.verifier.run(*argv, check=check).stdout.decode()

    def public(self):
        return serialization.load_pem_public_key(self.out("report-key").encode())

    def test_a_signed_report_holds_and_a_changed_one_does_not(self):
        token = self.out("report", "--jwt").strip()
        header, claims = verify(token, self.public())
        self.assertEqual((header["alg"], header["typ"]), ("ES256", "JWT"))
        self.assertLess(abs(claims["iat"] - time.time()), 60)
        self.assertEqual({claims["submods"][d.id]["ear.status"] for d in (self.good,)}, {"affirming"})
        self.assertEqual(claims["submods"][self.bad.id]["ear.status"], "contraindicated")
        self.assertEqual(claims["submods"][self.never.id]["ear.status"], "none")
        self.assertEqual(claims["submods"][self.bad.id]["latchkey.name"], "bad")
        self.assertIn("latchkey-verifier", claims["ear.verifier-id"]["build"])
        head, body, signature = token.split(".")
        other = base64.urlsafe_b64encode(unbase64(body).replace(b"contraindicated", b"affirming")).decode().rstrip("=")
        with self.assertRaises(InvalidSignature):
            verify(f"{head}.{other}.{signature}", self.public())

    def test_the_same_by_openssl(self):
        signed, signature = self.out("report", "--jwt", "good").strip().rsplit(".", 1)
        raw = unbase64(signature)
        der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        self.write("signed", signed)
        self.write("key.pem", self.out("report-key"))
        with open(self.path("signature"), "wb") as f:
            f.write(der)
        rig.run(["openssl", "dgst", "-sha256", "-verify", self.path("key.pem"), "-signature", self.path("signature"), self.path("signed")], check=0)

    def test_the_key_is_made_once_and_named_by_its_thumbprint(self):
        path = os.path.join(self.verifier.state, "report-key.pem")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        jwk = json.loads(self.out("report-key", "--json"))
        numbers = self.public().public_numbers()
        self.assertEqual((unbase64(jwk["x"]), unbase64(jwk["y"])), (numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")))
        text = json.dumps({k: jwk[k] for k in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        self.assertEqual(unbase64(jwk["kid"]), hashlib.sha256(text.encode()).digest())
        self.assertEqual(verify(self.out("report", "--jwt").strip(), self.public())[0]["kid"], jwk["kid"])
        self.assertEqual(self.out("report-key", "--json"), self.out("report-key", "--json"))

    def test_a_key_of_the_operator_s_on_p_384(self):
        key = ec.generate_private_key(ec.SECP384R1())
        path = os.path.join(self.verifier.state, "report-key.pem")
        with open(path, "wb") as f:
            f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        header, _ = verify(self.out("report", "--jwt").strip(), key.public_key(), hashes.SHA384())
        self.assertEqual(header["alg"], "ES384")
        with open(path, "wb") as f:
            f.write(b"no key\n")
        self.assertIn(b"report-key.pem", self.verifier.run("report", "--jwt", check=3).stderr)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), b"no key\n")

    def test_a_page_that_stands_alone(self):
        for argv in ((), ("bad",)):
            text = self.out("report", "--html", *argv)
            self.assertNotRegex(text, r"<script|<link|<img|src=|href=|@import|url\(")
            self.assertIn("<style>", text)
            self.assertIn("PCR 4", text)
            self.assertNotIn("\u202e", text)
        text = self.out("report", "--html")
        self.assertIn("3 devices: 1 trusted, 0 unknown, 1 untrusted, 1 never seen", text)
        self.assertIn("&lt;b&gt;never", text)

    def test_the_server_gives_the_same(self):
        status, headers, token = self.verifier.page("/report.jwt")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/jwt"))
        self.assertEqual(len(verify(token, self.public())[1]["submods"]), 3)
        one = verify(self.verifier.page(f"/devices/{self.bad.id}/report.jwt")[2], self.public())[1]
        self.assertEqual(list(one["submods"]), [self.bad.id])
        status, headers, text = self.verifier.page("/report.html")
        self.assertIn("attachment", headers["Content-Disposition"])
        self.assertIn("All devices", text)
        self.assertEqual(len(json.loads(self.verifier.page("/report.json")[2])["devices"]), 3)
        self.assertEqual(json.loads(self.verifier.page(f"/devices/{self.bad.id}/report.json")[2])["verdict"], "untrusted")
        pem = re.search(r"-----BEGIN.*-----END PUBLIC KEY-----\n", self.verifier.page("/reports")[2], re.S)[0]
        self.assertEqual(pem, self.out("report-key"))

    def test_what_is_asked_for_wrongly(self):
        self.verifier.run("report", "--jwt", "--html", check=2)
        self.verifier.run("report", "nobody", check=7)
        self.verifier.run("report", "good", "bad", check=2)
        self.assertRegex(self.out("report", "bad"), r"^untrusted .* bad\n$")


if __name__ == "__main__":
    unittest.main()
