#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the seeds of the corpora, made of tests/data/policy and of the formats' own words.

tests/fuzz/seeds.py writes seed-* files beside what libFuzzer found (found-*).
To look for more, with clang:

    cmake -B build-fuzz -DLATCHKEY_FUZZ=ON -DCMAKE_C_COMPILER=clang
    build-fuzz/tests/fuzz/fuzz-token -max_total_time=600 work tests/fuzz/corpus/token
"""
import base64
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = os.path.join(HERE, "..", "data", "policy")


def data(name):
    with open(os.path.join(POLICY, name), "rb") as f:
        return f.read()


def files(prefix):
    return [data(n) for n in sorted(os.listdir(POLICY)) if re.match(prefix, n)]


def signed_as_dict():
    """good-signed.yaml, whose form is simple enough for this."""
    out, pcrs = {}, {}
    for line in data("good-signed.yaml").decode().splitlines():
        key, _, value = line.partition(":")
        value = value.strip().strip('"')
        if line.startswith("  "):
            pcrs[key.strip()] = value
        elif value:
            out[key] = value
    out["pcrs"] = pcrs
    return out


def policies():
    """What no file of tests/data/policy is about."""
    good = data("good-policy.yaml")
    for pcrs in (b"[0, 7, 16]", b"[23]", b"[17, 22]"):
        yield good.replace(b"pcrs: [0, 7, 10]", b"pcrs: " + pcrs)
    for n in (33, 34, 35, 50, 51):
        yield good.replace(b"latch: 15\n", b"latch: 15\nroot-key: { name: %s }\n" % (b"0b" * n))


def tokens():
    good = {"type": "latchkey", "keyslots": ["1"], "version": 1, "handle": "0x8100a001",
            "root-key": "00112233", "sealed": "aabb", "policies": [signed_as_dict()]}
    yield json.dumps(good)
    yield json.dumps(dict(good, policies=[]))
    yield json.dumps(dict(good, policies=[signed_as_dict()] * 3))
    yield json.dumps(dict(good, **{"root-key": "00" * 1024, "sealed": ""}))
    for key in good:
        yield json.dumps({k: v for k, v in good.items() if k != key})
    for change in ({"keyslots": []}, {"keyslots": ["0", "1"]}, {"keyslots": ["32"]},
                   {"version": 2}, {"handle": "0"}, {"sealed": "0"}, {"sealed": "00" * 1025},
                   {"policies": [{}]}, {"policies": {}}, {"more": 1}):
        yield json.dumps(dict(good, **change))
    for label in ("a \\u2028 b", "\\ufffe", "\\ufeff", "\\n\\t", "\\\"\\\\"):
        text = json.dumps(good).replace('"label": "test"', f'"label": "{label}"')
        yield text
    yield json.dumps(good)[:-1]


def headers():
    slot = {"type": "luks2", "key_size": 64,
            "af": {"type": "luks1", "stripes": 4000, "hash": "sha256"},
            "area": {"type": "raw", "offset": "32768", "size": "258048",
                     "encryption": "aes-xts-plain64", "key_size": 64},
            "kdf": {"type": "argon2id", "time": 4, "memory": 1048576, "cpus": 4, "salt": "AA=="}}
    segment = {"type": "crypt", "offset": "16777216", "size": "dynamic", "iv_tweak": "0",
               "encryption": "aes-xts-plain64", "sector_size": 512}
    digest = {"type": "pbkdf2", "keyslots": ["0"], "segments": ["0"], "hash": "sha256",
              "iterations": 1000, "salt": "AA==", "digest": "AA=="}
    good = {"keyslots": {"0": slot}, "tokens": {}, "segments": {"0": segment},
            "digests": {"0": digest},
            "config": {"json_size": "12288", "keyslots_size": "16744448"}}
    yield good
    for key in good:
        yield {k: v for k, v in good.items() if k != key}
        yield dict(good, **{key: []})
    for key in segment:
        yield dict(good, segments={"0": {k: v for k, v in segment.items() if k != key}})
    for key in slot:
        yield dict(good, keyslots={"0": {k: v for k, v in slot.items() if k != key}})
    yield dict(good, keyslots={"0": dict(slot, kdf={"type": "pbkdf2", "iterations": 1000})})
    yield dict(good, config=dict(good["config"], flags=["allow-discards"]))
    yield dict(good, config=dict(good["config"], requirements={"mandatory": ["x"]}))
    yield dict(good, segments={"0": dict(segment, integrity={"type": "hmac(sha256)"})})
    for change in ({"iv_tweak": "8"}, {"size": "16777216"}, {"offset": "16777215"}):
        yield dict(good, segments={"0": dict(segment, **change)})
    yield dict(good, keyslots={"0": dict(slot, area=dict(slot["area"], key_size=65))})
    for change in ({"cpus": 17}, {"memory": 1048577}):
        yield dict(good, keyslots={"0": dict(slot, kdf=dict(slot["kdf"], **change))})


def pcr_values():
    a, b = "aa" * 32, "bb" * 48
    texts = [f"sha256:\n  0 : 0x{a}\n  23: 0x{a}\nsha384:\n  4: 0x{b}\n",
             f'{{"sha256":{{"7":"{a}"}}}}', "sha256: {}", "sha256: []", "sha1: {}", "[]",
             f"sha256: {{24: {a}}}", f"sha256: {{0: {a}, 0x0: {a}}}", "sha256: {0: 0x}",
             f"sha256: {{0: {b}}}", "sha256: {0: [1]}"]
    for text in texts:
        yield b"\0" + text.encode()
        yield b"\1" + text.encode()
    yield b"\2\x81\x04\x00" + bytes(96)
    yield b"\3\x81\x04\x00" + bytes(144)
    yield b"\2\x81\x04\x00" + bytes(95)
    yield b"\2\x00\x00\x00"
    yield b"\3\xff\xff\xff" + bytes(48 * 24)
    for text in (b"0,7,10", b"23", b"24", b"7,7", b"0,", b"", b"1000"):
        yield b"\4" + text


def keys():
    pem = re.search(r"-----BEGIN.*?END PUBLIC KEY-----", data("good-policy.yaml").decode(), re.S)
    pem = re.sub(r"\n +", "\n", pem.group(0)).encode()
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    p256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + bytes(64)
    for d in (der, p256, der[:-1], der + b"\0", p256[:27], b""):
        yield b"\0" + d
        yield b"\1-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(d) + b"-----END PUBLIC KEY-----\n"
    for text in (pem, b" \r\n" + pem + b"\n", pem + pem, b"x" + pem, pem[:-1], b""):
        yield b"\1" + text
    for text in (b"", b"Zg==", b"Zm8=", b"Zm9v", b"Zm9v\r\nYmFy\n", b"Zh==", b"Z", b"=", b"Zg==Zg=="):
        yield b"\2" + text
    for text in (b"", b"00", b"aBcD", b"0", b"0g", b"00" * 65):
        yield b"\3" + text


def write(corpus, seeds):
    directory = os.path.join(HERE, "corpus", corpus)
    os.makedirs(directory, exist_ok=True)
    for name in os.listdir(directory):
        if name.startswith("seed-"):
            os.unlink(os.path.join(directory, name))
    for i, seed in enumerate(seeds):
        with open(os.path.join(directory, f"seed-{i:02}"), "wb") as f:
            f.write(seed if isinstance(seed, bytes) else seed.encode())


def main():
    write("policy_file", files(r"good-policy|off-curve|bad-(?!signed)") + list(policies()))
    write("signed_policy", files(r"good-signed|bad-signed|bad-anchor"))
    write("token", tokens())
    write("luks_header", (json.dumps(h) for h in headers()))
    write("pcr_values", pcr_values())
    write("key", keys())


if __name__ == "__main__":
    main()
