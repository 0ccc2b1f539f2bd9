#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""HMAC and CMS of the library, checked by Python's hmac and by openssl."""
import hmac

import host
from host import rig

SECRET = b'{"recovery-key": "\x00 \xff bytes, not text\r\n"}\n'


class Crypto(host.TestCase):
    def test_hmac(self):
        for alg in ("sha256", "sha384"):
            for key in ("k", "k" * 64, "k" * 300):
                for data in (b"", b"latchkey:volume-identity", bytes(5000)):
                    done = rig.run([host.DRIVER, "hmac", alg, key], stdin=data, check=0)
                    self.assertEqual(done.stdout.decode().strip(),
                                     hmac.new(key.encode(), data, alg).hexdigest())


class Cms(host.TestCase):
    KEYS = {
        "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    }

    def key(self, kind):
        rig.run(["openssl", "genpkey", *self.KEYS[kind], "-out", self.path("key")], check=0)
        rig.run(["openssl", "pkey", "-in", self.path("key"), "-pubout", "-out", self.path("pub")],
                check=0)
        rig.run(["openssl", "req", "-x509", "-new", "-key", self.path("key"), "-subj", "/CN=a",
                 "-out", self.path("cert")], check=0)

    def decrypt(self, message, *more, check=0):
        return rig.run(["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", message, *more],
                       check=check).stdout

    def test_openssl_decrypts_it(self):
        for kind in self.KEYS:
            self.key(kind)
            for recipient in ("pub", "cert"):
                with self.subTest(kind=kind, recipient=recipient):
                    done = rig.run([host.DRIVER, "cms", self.path(recipient)], stdin=SECRET,
                                   check=0)
                    message = self.write("message", done.stdout)
                    key = ["-inkey", self.path("key")]
                    self.assertEqual(self.decrypt(message, *key), SECRET)
                    if recipient == "cert":
                        self.assertEqual(self.decrypt(message, *key, "-recip", self.path("cert")),
                                         SECRET)

    def test_it_is_aes_256_and_not_for_others(self):
        self.key("p384")
        message = self.write("message", rig.run([host.DRIVER, "cms", self.path("pub")],
                                                stdin=SECRET, check=0).stdout)
        text = rig.run(["openssl", "cms", "-cmsout", "-print", "-inform", "PEM", "-in", message],
                       check=0).stdout.decode()
        self.assertIn("aes-256-cbc", text)
        self.assertIn("dhSinglePass-stdDH-sha256kdf-scheme", text)
        self.key("p384")
        done = rig.run(["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", message, "-inkey",
                        self.path("key")])
        self.assertNotEqual(done.stdout, SECRET)

    def test_rsa_is_oaep(self):
        self.key("rsa")
        message = self.write("message", rig.run([host.DRIVER, "cms", self.path("cert")],
                                                stdin=SECRET, check=0).stdout)
        text = rig.run(["openssl", "cms", "-cmsout", "-print", "-inform", "PEM", "-in", message],
                       check=0).stdout.decode()
        self.assertIn("rsaesOaep", text)

    def test_what_cannot_receive_is_named(self):
        rig.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path("ed")], check=0)
        rig.run(["openssl", "pkey", "-in", self.path("ed"), "-pubout", "-out",
                 self.path("ed.pub")], check=0)
        for path, code in ((self.write("empty", ""), 3), (self.write("text", "hello"), 3),
                           (self.path("missing"), 3), (self.path("ed.pub"), 1)):
            with self.subTest(path):
                done = rig.run([host.DRIVER, "cms", path], stdin=SECRET, check=code)
                self.assertIn(path.encode(), done.stderr)
                self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    host.main()
