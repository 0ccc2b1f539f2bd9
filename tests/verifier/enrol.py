#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Enrolment: a TPM proves that both of its keys are its own; the stock tools on either side; each refusal with its own word."""
import base64
import datetime
import json
import os
import sqlite3
import struct
import sys
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

import attesting
import rig
from attesting import b64, sized
from device import Device

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attest"))
from stand_in import Server  # noqa: E402

EK_USAGE = ObjectIdentifier("2.23.133.8.1")
TCG_NAMES = ("2.23.133.2.1", "id:00001014"), ("2.23.133.2.2", "model"), ("2.23.133.2.3", "id:0001")
EK_ATTRIBUTES = 0x000300B2
DER = serialization.Encoding.DER


class TestCase(attesting.TestCase):
    def enrol(self, check=0, **server):
        ca = server.get("ca", os.path.join(self.verifier.state, "ca.pem"))
        self.write("attest.yaml", f"latchkey-attest: 1\nserver: {server.get('url') or f'https://127.0.0.1:{self.verifier.port}'}\nca: {ca}\n")
        return rig.run([rig.program("latchkey-attest"), "enrol", "--config", self.path("attest.yaml"), "--tpm", self.dev.tpm.tcti], check=check).stderr.decode()

    def settings(self, more):
        with open(self.verifier.settings, "a", encoding="utf-8") as f:
            f.write(more)

    def devices(self):
        return json.loads(self.verifier.run("devices", "--json").stdout)["devices"]

    def shown(self, which="record"):
        return json.loads(self.verifier.run("show", "--json", which).stdout)


class Tpm(TestCase):
    """A software TPM with a certificate of a maker of its own."""

    def setUp(self):
        super().setUp()
        self.dev = Device(self, ek_cert=True)
        self.maker = os.path.join(self.dev.tpm.dir, "ca", "issuercert.pem")

    def chain_into_nv(self):
        """The maker's intermediate, in two indices with padding behind it; the root alone is the operator's."""
        der = rig.run(["openssl", "x509", "-in", self.maker, "-outform", "DER"], check=0).stdout
        for index, part in ((0x01C00100, der[:500]), (0x01C00101, der[500:] + b"\xff" * 20)):
            self.write("part", part)
            self.dev.tpm.tool("tpm2_nvdefine", hex(index), "-C", "o", "-s", str(len(part)), "-a", "ownerwrite|ownerread|authread|no_da")
            self.dev.tpm.tool("tpm2_nvwrite", hex(index), "-C", "o", "-i", self.path("part"))
        return os.path.join(self.dev.tpm.dir, "ca", "swtpm-localca-rootca-cert.pem")

    def test_a_device_that_is_in_the_records(self):
        self.settings(f"ek-ca: {self.chain_into_nv()}\n")
        self.dev.install()
        self.assertIn("BEGIN CERTIFICATE", self.dev.record()["ek"]["chain"])
        self.verifier.run("import", self.dev.record_path)
        before = self.shown()
        self.assertEqual((before["proven"], before["certified"], before["enrolled"]), (True, True, False))
        self.verifier.start()
        self.assertIn("enrolled: ", self.enrol())
        self.assertEqual(self.shown(), {**before, "enrolled": True})
        # An import of the same record leaves it; the stock tool's other key makes no other device of it.
        self.verifier.run("import", self.dev.record_path)
        self.assertTrue(self.shown()["enrolled"])
        self.verifier.run("retire", "record")
        self.assertIn("retired-device", self.enrol(check=13))

    def test_the_high_range(self):
        """Without the RSA certificate of the low range it is the ECC P-384 key of template H-3."""
        self.dev.tpm.tool("tpm2_nvundefine", "0x1c00002", "-C", "p")
        self.settings(f"ek-ca: {self.maker}\n")
        self.dev.install("--ek-ca", self.maker)
        self.assertEqual(self.dev.record()["ek"]["template"], "ecc-p384-high")
        self.verifier.run("import", self.dev.record_path)
        self.verifier.start()
        self.enrol()
        self.assertEqual((self.shown()["certified"], self.shown()["enrolled"]), (True, True))

    def test_a_device_in_no_record(self):
        self.dev.install()
        rig.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other",
                         "-keyout", self.path("other.key"), "-out", self.path("other.pem")], check=0)
        for more, ca, says, code, state in (("", None, "unknown-device", 13, None),
                                            ("enrol: held\n", self.path("other.pem"), "certificate-without-path", 13, None),
                                            ("enrol: certificate\n", self.path("other.pem"), "certificate-without-path", 13, None),
                                            ("enrol: held\n", self.maker, "holds this device until", 0, "held"),
                                            ("enrol: certificate\n", self.maker, "enrolled: ", 0, "in"),
                                            ("enrol: first-seen\n", None, "enrolled: ", 0, "in")):
            with self.subTest(more=more, ca=ca):
                folder = os.path.join(self.tmp, f"v{len(os.listdir(self.tmp))}")
                os.mkdir(folder)
                self.verifier = attesting.Verifier(folder, more=more + (f"ek-ca: {ca}\n" if ca else ""))
                self.verifier.start()
                try:
                    self.assertIn(says, self.enrol(check=code))
                    found = self.devices()
                    self.assertEqual(len(found), 1 if state else 0)
                    if state == "held":
                        self.assertTrue(found[0]["held"])
                        self.assertIn("held-device", self.attest(check=13))
                        self.verifier.run("approve", found[0]["name"])
                    if state:
                        self.assertNotIn("held", self.devices()[0])
                        self.attest(check=16)
                        # The factory's record takes the place of the device's own word.
                        self.assertIn(b"1 changed", self.verifier.run("import", self.dev.record_path).stdout)
                        self.assertTrue(self.shown()["proven"])
                finally:
                    self.verifier.stop()

    def attest(self, check):
        for name in ("firmware", "ima", "measured"):
            self.write(name, b"")
        return rig.run([rig.program("latchkey-attest"), "run", "--config", self.path("attest.yaml"), "--state", self.path("s.json"), "--tpm", self.dev.tpm.tcti,
                        "--firmware-log", self.path("firmware"), "--ima-log", self.path("ima"), "--measured-log", self.path("measured")],
                       check=check).stderr.decode()

    def test_certificate_needs_an_authority(self):
        self.settings("enrol: certificate\n")
        self.assertIn("ek-ca has to name", self.verifier.run("devices", check=3).stderr.decode())


class StockTools(TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()
        tool = self.dev.tpm.tool
        tool("tpm2_createek", "-c", self.path("ek.ctx"), "-G", "ecc", "-u", self.path("ek.pub"))
        tool("tpm2_readpublic", "-c", "0x8101a000", "-n", self.path("ak.name"))

    def test_tpm2_activatecredential_opens_ours(self):
        self.verifier.run("import", self.dev.record_path)
        self.verifier.start()
        request = {"ek": b64(self.read("ek.pub")[2:]), "ak": b64(bytes.fromhex(self.dev.record()["ak"]["public"]))}
        status, _, answer = self.verifier.post("/v1/enrol", request)
        self.assertEqual(status, 200, answer)
        self.write("credential", struct.pack(">II", 0xBADCC0DE, 1) + sized(base64.b64decode(answer["credential"])) + sized(base64.b64decode(answer["secret"])))
        tool = self.dev.tpm.tool
        tool("tpm2_startauthsession", "--policy-session", "-S", self.path("session"))
        tool("tpm2_policysecret", "-S", self.path("session"), "-c", "e")
        tool("tpm2_activatecredential", "-c", "0x8101a000", "-C", self.path("ek.ctx"), "-i", self.path("credential"), "-o", self.path("secret"),
             "-P", f"session:{self.path('session')}")
        status, _, answer = self.verifier.post("/v1/enrol", {**request, "activated": b64(self.read("secret"))})
        self.assertEqual((status, answer), (200, {"state": "enrolled"}))
        self.assertTrue(self.shown()["enrolled"])

    def test_ours_opens_that_of_tpm2_makecredential(self):
        server = Server(self)
        self.addCleanup(server.stop)
        secret = os.urandom(32)
        self.write("secret", secret)
        rig.run(["tpm2_makecredential", "--tcti", "none", "-u", self.path("ek.pub"), "-s", self.path("secret"),
                 "-n", self.read("ak.name").hex(), "-o", self.path("credential")], check=0)
        made = self.read("credential")[8:]
        n = int.from_bytes(made[:2], "big")
        answer = {"credential": b64(made[2:2 + n]), "secret": b64(made[4 + n:])}
        server.answers = [(200, answer), (200, {"state": "enrolled"})]
        self.enrol(url=server.url, ca=server.cert)
        sent = [r for p, r, _ in server.requests if p == "/v1/enrol"]
        self.assertEqual(base64.b64decode(sent[1]["activated"]), secret)
        self.assertEqual(base64.b64decode(sent[0]["ek"]), self.read("ek.pub")[2:])
        # One for another object is refused by the TPM, and nothing more is sent.
        rig.run(["tpm2_makecredential", "--tcti", "none", "-u", self.path("ek.pub"), "-s", self.path("secret"),
                 "-n", "000b" + "11" * 32, "-o", self.path("credential")], check=0)
        made = self.read("credential")[8:]
        n = int.from_bytes(made[:2], "big")
        server.answers = [(200, {"credential": b64(made[2:2 + n]), "secret": b64(made[4 + n:])})]
        del server.requests[:]
        self.assertIn("isn't for this TPM's endorsement key and its attestation key", self.enrol(url=server.url, ca=server.cert, check=5))
        self.assertEqual(len(server.requests), 1)


class Maker:
    """A TPM maker's authority, and endorsement certificates of all kinds."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.issue("maker", self.key.public_key(), self.key, "maker", ca=True)

    @staticmethod
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])

    def issue(self, subject, key, signer, issuer, ca=False, san=TCG_NAMES, critical=True, usage=EK_USAGE, agreement=True, days=100,
              below=None):
        now = datetime.datetime.utcnow()
        b = x509.CertificateBuilder().subject_name(self.name(subject)).issuer_name(self.name(issuer)).public_key(key).serial_number(x509.random_serial_number())
        b = b.not_valid_before(now - datetime.timedelta(days=200)).not_valid_after(now + datetime.timedelta(days=days))
        b = b.add_extension(x509.BasicConstraints(ca, below), critical=True)
        off = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
                             "encipher_only", "decipher_only"), False)
        b = b.add_extension(x509.KeyUsage(**{**off, "key_cert_sign": ca, "key_agreement": agreement and not ca, "digital_signature": not agreement and not ca}), critical=True)
        if not ca:
            if san:
                names = x509.Name([x509.NameAttribute(ObjectIdentifier(o), v) for o, v in san])
                b = b.add_extension(x509.SubjectAlternativeName([x509.DirectoryName(names)]), critical=critical)
            if usage:
                b = b.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return b.sign(signer, hashes.SHA256())

    def chain(self, depth):
        """Authorities below this one, the lowest last; and that one's key."""
        made, key, issuer = [], self.key, "maker"
        for n in range(depth):
            own = ec.generate_private_key(ec.SECP256R1())
            made.append(self.issue(f"level {n}", own.public_key(), key, issuer, ca=True))
            key, issuer = own, f"level {n}"
        return made, key, issuer


class Refusals(TestCase):
    """Devices in software: of the first message alone the server can tell what it refuses."""

    def setUp(self):
        super().setUp()
        self.maker = Maker()
        self.write("maker.pem", self.maker.certificate.public_bytes(serialization.Encoding.PEM))
        self.settings(f"enrol: held\nek-ca: {self.path('maker.pem')}\n")
        self.verifier.start()
        self.device = attesting.Device("soft")

    def area(self, key=None, attributes=EK_ATTRIBUTES, name_alg=0xB, aes=128, scheme=0x10):
        point = (key or self.device.ek).public_key().public_numbers()
        return (struct.pack(">HHI", 0x23, name_alg, attributes) + sized(bytes(32)) + struct.pack(">HHH", 6, aes, 0x43) + struct.pack(">HHH", scheme, 3, 0x10)
                + sized(point.x.to_bytes(32, "big")) + sized(point.y.to_bytes(32, "big")))

    def certificate(self, key=None, signer=None, issuer="maker", subject="unknown", **kind):
        return self.maker.issue(subject, (key or self.device.ek).public_key(), signer or self.maker.key, issuer, **kind).public_bytes(DER)

    def post(self, **message):
        request = {"ek": b64(self.area()), "ak": b64(self.device.public()), "ek-certificate": b64(self.certificate())}
        request = {k: v for k, v in {**request, **message}.items() if v is not None}
        return self.verifier.post("/v1/enrol", request)

    def refused(self, word, status=403, **message):
        self.assertRefused(self.post(**message), status, word)
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            self.assertEqual(db.execute("SELECT COUNT(*) FROM devices").fetchone(), (0,))

    def test_certificates(self):
        self.assertEqual(self.post()[0], 200)
        self.assertEqual(self.post(**{"ek-certificate": b64(self.certificate(subject=""))})[0], 200)
        self.assertEqual(self.post(**{"ek-certificate": b64(self.certificate() + b"\xff" * 300)})[0], 200)
        levels, key, issuer = self.maker.chain(7)
        chain = b64(b"".join(c.public_bytes(DER) for c in levels))
        self.assertEqual(self.post(**{"ek-certificate": b64(self.certificate(signer=key, issuer=issuer)), "chain": chain})[0], 200)
        other = ec.generate_private_key(ec.SECP256R1())
        for word, status, certificate in (
                ("certificate-without-path", 403, None),
                ("wrong-certificate", 403, self.certificate(key=other)),
                ("certificate-without-names", 403, self.certificate(san=None)),
                ("certificate-without-names", 403, self.certificate(san=TCG_NAMES[:2])),
                ("certificate-without-names", 403, self.certificate(san=(("2.23.133.2.1", "IFX"), *TCG_NAMES[1:]))),
                ("certificate-without-names", 403, self.certificate(subject="", critical=False)),
                ("wrong-certificate-usage", 403, self.certificate(usage=None)),
                ("wrong-certificate-usage", 403, self.certificate(usage=ObjectIdentifier("1.3.6.1.5.5.7.3.1"))),
                ("wrong-certificate-usage", 403, self.certificate(agreement=False)),
                ("certificate-without-path", 403, self.certificate(signer=other)),
                ("certificate-without-path", 403, self.certificate(signer=key, issuer=issuer)),
                ("certificate-without-path", 403, self.certificate(days=-100)),
                ("bad-certificate", 400, self.certificate()[:-1]),
                ("bad-certificate", 400, b"0")):
            with self.subTest(word=word):
                self.refused(word, status, **{"ek-certificate": certificate and b64(certificate)})

    def test_long_ones(self):
        self.refused("bad-message", 400, **{"ek-certificate": b64(self.certificate() + bytes(1 << 20))})
        levels, key, issuer = self.maker.chain(100)
        der = [c.public_bytes(DER) for c in levels]
        leaf = b64(self.certificate(signer=key, issuer=issuer))
        self.refused("bad-message", 400, **{"ek-certificate": leaf, "chain": b64(b"".join(der))})
        self.refused("bad-certificate", 400, **{"ek-certificate": leaf, "chain": b64(b"".join(der[-9:]))})
        self.refused("certificate-without-path", 403, **{"ek-certificate": leaf, "chain": b64(b"".join(der[-8:]))})

    def test_what_is_not_strict_is_read(self):
        """A truth that isn't 0xff, a key marked for OAEP, and lengths longer than they need be: as makers have written them."""
        key = rsa.generate_private_key(65537, 2048)
        numbers = key.public_key().public_numbers()
        area = (struct.pack(">HHI", 1, 0xB, EK_ATTRIBUTES) + sized(bytes(32)) + struct.pack(">HHH", 6, 128, 0x43) + struct.pack(">HHI", 0x10, 2048, 0)
                + sized(numbers.n.to_bytes(256, "big")))
        made = self.maker.issue("unknown", key.public_key(), self.maker.key, "maker", agreement=False)
        tbs = made.tbs_certificate_bytes.replace(bytes.fromhex("03020780"), bytes.fromhex("03020520"))  # key encipherment
        for change in (lambda t: t, lambda t: t.replace(b"\x01\x01\xff", b"\x01\x01\x01"),
                       lambda t: t.replace(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010107"))):
            changed = change(tbs)
            signature = self.maker.key.sign(changed, ec.ECDSA(hashes.SHA256()))
            rest = bytes.fromhex("300a06082a8648ce3d040302") + b"\x03" + bytes([len(signature) + 1, 0]) + signature
            der = b"\x30\x83" + (len(changed) + len(rest)).to_bytes(3, "big") + changed + rest
            status, _, answer = self.post(ek=b64(area), **{"ek-certificate": b64(der)})
            self.assertEqual(status, 200, answer)
            der = der.replace(b"unknown", b"another")
            self.refused("certificate-without-path", ek=b64(area), **{"ek-certificate": b64(der)})
        # An authority that may have none below it, and has: for a key that OpenSSL knows, and for one marked for OAEP.
        upper, lower = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        for below, status in ((0, 403), (1, 200)):
            chain = [self.maker.issue("upper", upper.public_key(), self.maker.key, "maker", ca=True, below=below),
                     self.maker.issue("lower", lower.public_key(), upper, "upper", ca=True)]
            made = self.maker.issue("unknown", key.public_key(), lower, "lower", agreement=False)
            tbs = made.tbs_certificate_bytes.replace(bytes.fromhex("03020780"), bytes.fromhex("03020520"))
            for changed in (tbs, tbs.replace(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010107"))):
                signature = lower.sign(changed, ec.ECDSA(hashes.SHA256()))
                rest = bytes.fromhex("300a06082a8648ce3d040302") + b"\x03" + bytes([len(signature) + 1, 0]) + signature
                der = b"\x30\x83" + (len(changed) + len(rest)).to_bytes(3, "big") + changed + rest
                answer = self.post(ek=b64(area), **{"ek-certificate": b64(der), "chain": b64(b"".join(c.public_bytes(DER) for c in chain))})
                self.assertEqual(answer[0], status, answer[2])

    def test_keys(self):
        for area in (self.area()[:-1], self.area() + b"\0", b"\0"):
            self.refused("bad-endorsement-key", 400, ek=b64(area))
        for area in (self.area(attributes=EK_ATTRIBUTES & ~0x10000), self.area(attributes=EK_ATTRIBUTES & ~2), self.area(attributes=EK_ATTRIBUTES & ~0x20),
                     self.area(attributes=EK_ATTRIBUTES | 0x40000), self.area(name_alg=4), self.area(aes=192)):
            self.refused("bad-endorsement-key", ek=b64(area))
        self.refused("bad-endorsement-key", 400, ek=b64(self.area(scheme=0x18)))
        weak = attesting.Device("weak", attesting.ATTRIBUTES & ~attesting.RESTRICTED)
        self.refused("key-not-restricted", ak=b64(weak.public()))
        off = self.area()[:-1] + bytes([self.area()[-1] ^ 1])
        self.refused("wrong-certificate", ek=b64(off))
        self.refused("bad-message", 400, more="x")
        self.refused("bad-message", 400, ek=7)

    def test_what_was_activated(self):
        self.refused("wrong-credential", activated=b64(bytes(32)))
        self.refused("wrong-credential", activated=b64(b"short"))

    def test_another_attestation_key(self):
        path = self.device.record(self.tmp)
        self.verifier.run("import", path)
        self.assertRefused(self.post(ak=b64(attesting.Device("other").public())), 403, "other-attestation-key")
        self.assertEqual(self.post()[0], 200)

    def test_a_thousand_at_once_are_bounded(self):
        connection = self.verifier.connect()
        message = {"ek": b64(self.area()), "ak": b64(self.device.public()), "ek-certificate": b64(self.certificate())}
        begun, statuses = rig.time.monotonic(), []
        for _ in range(1000):
            statuses.append(self.verifier.post("/v1/enrol", message, connection)[0])
        seconds = rig.time.monotonic() - begun
        self.assertEqual(set(statuses), {200, 503})
        self.assertLessEqual(statuses.count(200), 50 * (int(seconds) + 2))
        status, headers, answer = self.verifier.post("/v1/enrol", message, connection)
        if status == 503:
            self.assertEqual((answer["error"], headers["Retry-After"]), ("busy", "30"))
        # Who attests isn't held up by it.
        self.assertEqual(self.verifier.post("/v1/challenge", {}, connection)[0], 200)


class Strangers(TestCase):
    """Whoever reaches the server may send an enrolment, and it asks for no certificate."""

    def setUp(self):
        super().setUp()
        self.device = attesting.Device("soft")

    def rsa_area(self, modulus):
        return (struct.pack(">HHI", 1, 0xB, EK_ATTRIBUTES) + sized(bytes(32)) + struct.pack(">HHH", 6, 128, 0x43) + struct.pack(">HHI", 0x10, 2048, 0) + sized(modulus))

    def post(self, area):
        return self.verifier.post("/v1/enrol", {"ek": b64(area), "ak": b64(self.device.public())})

    def test_a_modulus_that_none_can_use_is_a_refusal_and_no_failure(self):
        """A failure would take the attestations along that have come at the same time."""
        self.settings("enrol: first-seen\n")
        self.verifier.start()
        self.assertRefused(self.post(self.rsa_area(b"\xff" * 255 + b"\xfe")), 400, "bad-endorsement-key")
        self.assertEqual(self.post(self.rsa_area(b"\xff" * 256))[0], 200)
        self.assertNotIn("can't be used", self.verifier.output())

    def test_retired_ones_give_their_place_back(self):
        self.settings("enrol: held\n")
        self.known("one")
        good = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n.to_bytes(256, "big")
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            db.executemany("INSERT INTO devices (number, id, ak_name, ak, name, flavor, record, imported, held) VALUES (?1, ?1, ?1, x'', 'junk-' || ?1, 'default', '{}', 1, 1)",
                           [(n,) for n in range(2, 1002)])
            db.execute("INSERT INTO standings (device, state, reference) SELECT number, x'', x'' FROM devices WHERE held <> 0")
        self.verifier.start()
        self.assertRefused(self.post(self.rsa_area(good)), 503, "busy")
        self.verifier.run("retire", "junk-7")
        self.assertEqual(self.post(self.rsa_area(good))[0], 200)


if __name__ == "__main__":
    unittest.main()
