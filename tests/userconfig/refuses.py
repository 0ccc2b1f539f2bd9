#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Blobs that a device must not take: each is put aside with its own reason, and nothing else changes."""
import os
import random
import unittest

import blob
import rig
from attack import Case
from device import der_signature
from receiver import Receiver, archive, entry, files

P384_N = int("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)


def der(r, s):
    """Any two numbers as ECDSA-Sig-Value."""
    return der_signature(r.to_bytes(64, "big") + s.to_bytes(64, "big"))


class Bytes(Case):
    def setUp(self):
        super().setUp()
        self.good = self.dev.seal(files(app__conf=b"changed"), 2)
        self.end = blob.HEADER.size + blob.header(self.good)["length"]

    def test_each_byte_of_header_and_signature(self):
        places = list(range(blob.HEADER.size)) + list(range(self.end, len(self.good)))
        chance = random.Random(3)
        for at in places + chance.sample(range(blob.HEADER.size, self.end), 30):
            bad = bytearray(self.good)
            bad[at] ^= 1 << chance.randrange(8)
            before = self.seen()
            self.assertIn(self.dev.apply(bytes(bad), check=None).returncode, (3, 5), at)
            self.assertTrue(self.dev.refused(), at)
            self.unchanged(before, floor=False)
        self.assertEqual(self.dev.counter(), self.dev.floor + 1)
        self.dev.apply(self.good)

    def test_truncations(self):
        chance = random.Random(4)
        lengths = [0, 1, 7, 8, 9, 215, 216, 217, self.end - 1, self.end, self.end + 1, len(self.good) - 1]
        for length in lengths + chance.sample(range(len(self.good)), 20):
            with self.subTest(length=length):
                self.refuse(self.good[:length], 3, "cut short" if length >= 8 else "offset 0", floor=False)
        self.unchanged(self.seen())

    def test_bytes_after_it(self):
        self.refuse(self.good + b"\0", 3, "bytes after")
        self.refuse(self.good + bytes(4096), 3, "bytes after the end")
        self.refuse(self.good * 2, 3, "bytes after the end")


class Signature(Case):
    def seal(self, **fields):
        return self.dev.seal(files(app__conf=b"changed"), 2, **fields)

    def test_another_key(self):
        rig.run([rig.program("latchkey"), "keygen", self.path("theirs")], check=0)
        key = self.path("theirs", "policy-key.pem")
        ours = blob.policy_key_id(blob.public_of(self.dev.private))
        self.refuse(self.seal(key=key), 5, "signed by another policy key", "offset 72")
        self.refuse(self.seal(key=key, policy_key=ours), 5, "signature")

    def test_another_curve(self):
        rig.run([rig.program("latchkey"), "keygen", "--curve", "p256", self.path("theirs")], check=0)
        key = self.path("theirs", "policy-key.pem")
        ours = blob.policy_key_id(blob.public_of(self.dev.private))
        self.refuse(self.seal(key=key), 5, "on curve p256; the policy key is on p384")
        self.refuse(self.seal(key=key, policy_key=ours, suite=1, content_key=os.urandom(32)), 5, "signature")

    def test_numbers_and_encodings(self):
        n = P384_N
        good = self.seal()
        end = blob.HEADER.size + blob.header(good)["length"]
        body, sig = good[:end], good[end:]
        cases = [(f"r {r:x} s {s:x}"[:20], der(r, s), 5, "signature")
                 for r, s in ((0, 1), (1, 0), (0, 0), (n, 1), (1, n), (n + 1, 1), (1, n + 1), (n, n), (1, 1))]
        cases += [
            ("empty", b"", 3, "cut short"),
            ("raw", os.urandom(96), 3, "not DER"),
            ("negative", b"\x30\x06\x02\x01\xff\x02\x01\x01", 3, "negative"),
            ("padded", b"\x30\x07\x02\x02\0\x01\x02\x01\x01", 3, "shortest form"),
            ("long length", b"\x30\x81\x06\x02\x01\x01\x02\x01\x01", 3, "not DER"),
            ("indefinite", b"\x30\x80\x02\x01\x01\x02\x01\x01\0\0", 3, "not DER"),
            ("three numbers", b"\x30\x09" + b"\x02\x01\x01" * 3, 3, "more than two"),
            ("one number", b"\x30\x03\x02\x01\x01", 3, "cut short"),
            ("one long number", b"\x30\x08\x02\x06" + b"\x01" * 6, 3, "not DER"),
            ("too large", der(1 << 400, 1), 3, "too large"),
            ("trailing", der(1, 1) + b"\0", 3, "after its end"),
            ("inner trailing", b"\x30\x08\x02\x01\x01\x02\x01\x01\x05\0", 3, "more than two"),
            ("set", b"\x31" + sig[1:], 3, "not DER")]
        for name, signature, code, word in cases:
            with self.subTest(name):
                self.refuse(body + signature, code, word, floor=False)
        self.unchanged(self.seen())
        self.dev.apply(good)

    def test_fields_of_two_valid_blobs_exchanged(self):
        one, two = self.seal(), self.dev.seal(files(other=b"longer than the other"), 3, created=5)
        h1, h2 = blob.header(one), blob.header(two)
        ends = [blob.HEADER.size + h["length"] for h in (h1, h2)]
        for field in blob.FIELDS:
            if h1[field] == h2[field]:
                continue
            mixed = blob.HEADER.pack(*(dict(h1, **{field: h2[field]})[f] for f in blob.FIELDS))
            with self.subTest(field):
                self.refuse(mixed + one[blob.HEADER.size:], 3 if field == "length" else 5, floor=False)
        for name, bad in (("signature", one[:ends[0]] + two[ends[1]:]),
                          ("content", one[:216] + two[216:ends[1]] + one[ends[0]:]),
                          ("header", two[:216] + one[216:])):
            with self.subTest(name):
                self.assertIn(self.dev.apply(bad, check=None).returncode, (3, 5))
                self.assertTrue(self.dev.refused())
        self.unchanged(self.seen())


class Header(Case):
    def test_signed_but_not_for_here(self):
        content = files(app__conf=b"changed")
        key = os.urandom(32)
        cases = (
            ("version", dict(version=2), 3, "format version 2"),
            ("suite", dict(suite=3), 3, "suite 3"),
            ("other suite", dict(suite=2), 5, "on curve p256"),
            ("reserved", dict(reserved=1), 3, "offset 12"),
            ("magic", dict(magic=b"notablob"), 3, "not a configuration blob, which latchkey config seal makes"),
            ("length 0", dict(length=0), 3, "offset 32"),
            ("length 2^40 + 1", dict(length=(1 << 40) + 1), 3, "offset 32"),
            ("length 2^40", dict(length=1 << 40), 3, "cut short"),
            ("floor", dict(sequence=1), 5, "not above this device's floor"),
            ("under the floor", dict(sequence=1 - self.dev.floor), 5, "not above this device's floor"),
            ("sequence 0", dict(sequence=-self.dev.floor), 3, "sequence 0"),
            ("far above", dict(sequence=2 + 256), 5, "too far above"),
            ("2^64 - 1", dict(sequence=(1 << 64) - 1 - self.dev.floor), 5, "too far above"),
            ("target", dict(target=os.urandom(32)), 5, "for another device"),
            ("target bit", dict(target=bytes(31) + b"\1"), 5, "for another device"),
            ("configuration key", dict(config_secret=key), 5, "another configuration key"),
            ("check", dict(check=bytes(16)), 5, "another configuration key"))
        for name, fields, code, word in cases:
            with self.subTest(name):
                fields = {"sequence": 2, **fields}
                self.refuse(self.dev.seal(content, fields.pop("sequence"), **fields), code, word)

    def test_the_header_says_our_key_and_it_is_another(self):
        bad = self.dev.seal(files(a=b"1"), 2, config_secret=os.urandom(32))
        h = dict(blob.header(bad), config_key=blob.config_key_id(self.dev.config_key))
        body = blob.HEADER.pack(*(h[f] for f in blob.FIELDS)) + bad[216:216 + h["length"]]
        self.refuse(body + blob.sign(self.dev.private, 1, body), 5, "another configuration key")

    def test_a_sequence_as_far_above_as_may_be(self):
        self.dev.apply(self.dev.seal(files(app__conf=b"changed"), 1 + 256))
        self.assertEqual(self.dev.counter(), self.dev.floor + 257)

    def test_the_iv_is_signed_and_a_wrong_content_is_no_archive(self):
        self.refuse(self.dev.seal(os.urandom(4096), 2), 3, "archive")
        self.refuse(self.dev.seal(b"\0", 2), 3, "archive")


class Forms(rig.TestCase):
    def test_another_configuration_key_with_a_sealed_object(self):
        dev = Receiver(self, form="sealed", curve="p256")
        dev.apply(dev.seal(files(a=b"1"), config_secret=os.urandom(16)), check=5)
        self.assertIn("another configuration key", dev.refused())
        self.assertEqual(dev.counter(), dev.floor)
        self.assertIsNone(dev.get("/opt/a"))


class Settings(Case):
    def test_malformed_settings_do_nothing(self):
        self.dev.upload(self.dev.seal(files(app__conf=b"changed"), 2))
        for text, word in (("latchkey-userconfig: 2\n", "latchkey-userconfig"),
                           ("latchkey-userconfig: 1\nno-such-key: 1\n", "no-such-key"),
                           ("latchkey-userconfig: 1\nmodes: 755\n", "modes"),
                           ("latchkey-userconfig: 1\nprefixes: [/opt/../etc]\n", "prefixes"),
                           ("latchkey-userconfig: 1\nmax-blob: 1 B\n", "max-blob"),
                           ("\0", ""), ("{", ""), ("", "")):
            with self.subTest(text):
                with open(self.dev.at("etc/latchkey/userconfig.yaml"), "w") as f:
                    f.write(text)
                self.leave(3, "userconfig.yaml", word)

    def test_settings_that_are_named_must_be_there(self):
        done = self.dev.run("apply", "--config", self.path("none.yaml"), check=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("none.yaml", done.stderr.decode())

    def test_more_than_one_archive_entry_is_needed(self):
        self.refuse(self.dev.seal(archive(entry("folder/", type=b"5")), 2), 3, "no files")


if __name__ == "__main__":
    unittest.main()
