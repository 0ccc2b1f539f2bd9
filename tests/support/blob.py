# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a second implementation of configuration blobs, made from latchkey-blob(5): Python and the openssl program."""
import hashlib
import hmac
import os
import struct
import subprocess
import tempfile

MAGIC = bytes.fromhex("894c4b420d0a1a0a")
HEADER = struct.Struct(">8sHHIQQQ32s32s32s16s32s16s16s")
FIELDS = ("magic", "version", "suite", "reserved", "sequence", "created", "length", "target",
          "policy_key", "config_key", "wrap_iv", "wrapped", "check", "iv")
# Hash, size of the content key and of the key's SubjectPublicKeyInfo.
SUITES = {1: ("sha384", 32, 120), 2: ("sha256", 16, 91)}
assert HEADER.size == 216


class Refused(Exception):
    """It isn't a blob that a device should take."""


def openssl(*argv, stdin=b""):
    done = subprocess.run(["openssl", *argv], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Refused(f"openssl {argv[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def aes(mode, key, iv, data, *more):
    """AES by key size, in a mode of `openssl enc`."""
    vector = ["-iv", iv.hex()] if iv else []
    return openssl("enc", f"-aes-{8 * len(key)}-{mode}", "-K", key.hex(), *vector, *more, stdin=data)


def policy_key_id(spki):
    return hashlib.sha256(spki).digest()


def config_key_id(key):
    return hashlib.sha256(aes("ecb", key, b"", bytes(16), "-nopad")).digest()


def device_id(root_key_name):
    return hashlib.sha256(root_key_name).digest()


def content_key_check(key):
    return hmac.new(key, b"latchkey:content-key", "sha256").digest()[:16]


def public_of(private_pem):
    return openssl("pkey", "-in", private_pem, "-pubout", "-outform", "der")


def suite_of(spki):
    return next(s for s, (_, _, size) in SUITES.items() if size == len(spki))


def sign(private_pem, suite, data):
    return openssl("dgst", "-" + SUITES[suite][0], "-sign", private_pem, stdin=data)


def seal(content, private_pem, config_key, **fields):
    """A blob; any field of the header may be given, and so may `content_key` and `signature`."""
    spki = public_of(private_pem)
    suite = fields.get("suite", suite_of(spki))
    size = SUITES.get(suite, SUITES[1])[1]
    key = fields.pop("content_key", os.urandom(size))
    signature = fields.pop("signature", None)
    h = {"magic": MAGIC, "version": 1, "suite": suite, "reserved": 0, "sequence": 1, "created": 0,
         "length": len(content), "target": bytes(32), "policy_key": policy_key_id(spki),
         "config_key": config_key_id(config_key), "wrap_iv": os.urandom(16),
         "check": content_key_check(key), "iv": os.urandom(16)}
    h["wrapped"] = aes("cfb", config_key, fields.get("wrap_iv", h["wrap_iv"]), key)
    h.update(fields)
    body = HEADER.pack(*(h[f] for f in FIELDS)) + aes("ctr", key, h["iv"], content)
    return body + (sign(private_pem, suite_of(spki), body) if signature is None else signature)


def header(blob):
    if len(blob) < HEADER.size:
        raise Refused("cut short")
    return dict(zip(FIELDS, HEADER.unpack(blob[:HEADER.size])))


def verify(blob, public_pem):
    """Header of a blob whose every byte that key has signed."""
    h = header(blob)
    spki = openssl("pkey", "-pubin", "-in", public_pem, "-outform", "der")
    if (h["magic"], h["version"], h["reserved"]) != (MAGIC, 1, 0) or h["suite"] != suite_of(spki):
        raise Refused("header")
    if h["policy_key"] != policy_key_id(spki) or not h["sequence"] or not h["length"]:
        raise Refused("header")
    end = HEADER.size + h["length"]
    with tempfile.NamedTemporaryFile() as signature:
        signature.write(blob[end:])
        signature.flush()
        openssl("dgst", "-" + SUITES[h["suite"]][0], "-verify", public_pem, "-signature",
                signature.name, stdin=blob[:end])
    return h


def unseal(blob, public_pem, config_key):
    """Header and content; verifies first."""
    h = verify(blob, public_pem)
    size = SUITES[h["suite"]][1]
    if h["config_key"] != config_key_id(config_key) or any(h["wrapped"][size:]):
        raise Refused("configuration key")
    key = aes("cfb", config_key, h["wrap_iv"], h["wrapped"][:size], "-d")
    if content_key_check(key) != h["check"]:
        raise Refused("content key")
    return h, aes("ctr", key, h["iv"], blob[HEADER.size:HEADER.size + h["length"]])
