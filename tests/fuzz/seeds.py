#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the seeds of the corpora, made of tests/data/policy and of the formats' own words.

tests/fuzz/seeds.py writes seed-* files beside what libFuzzer found (found-*).
To look for more, with clang:

    cmake -B build-fuzz -DLATCHKEY_FUZZ=ON -DCMAKE_C_COMPILER=clang
    build-fuzz/tests/fuzz/fuzz-token -max_total_time=600 work tests/fuzz/corpus/token
"""
import base64
import hashlib
import hmac
import io
import itertools
import json
import os
import re
import struct
import sys
import tarfile
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "data"))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import attesting  # noqa: E402
import policy_files  # noqa: E402

POLICY = os.path.join(HERE, "..", "data", "policy")
EVENT_LOGS = os.path.join(HERE, "..", "data", "event_logs")


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
    volume = good[good.index(b"volumes:"):]
    for line in (b"uuid: 01234567-89AB-cdef-0123-456789abcdef", b"uuid: x", b"uuid: ''", b"key-size: 384", b"key-size: 200", b"sector-size: 4096",
                 b"integrity: hmac-sha256", b"integrity: none", b"options: discard", b"options: [discard, read-only]", b"options: []", b"pin: true",
                 b"cipher: ''", b"label: x"):
        yield good + b"    " + line + b"\n"
        yield good.replace(volume, b"volumes:\n  - name: v\n    device: UUID=01234567-89ab-cdef-0123-456789abcdef\n    handle: 0x8100a001\n    " +
                           line + b"\n")
    for device in (b"LABEL=", b"PARTLABEL=x", b"dev/sda", b"UUID=" + b"x" * 300):
        yield good.replace(volume, b"volumes:\n  - name: v\n    device: " + device + b"\n    handle: 0x8100a001\n")
    one = b"  - {name: v%d, device: /dev/x, handle: 0x8100a0%02x}\n"
    yield good.replace(volume, b"volumes:\n" + b"".join(one % (n, n) for n in range(40)))
    yield good.replace(volume, b"volumes:\n" + one % (1, 1) + one % (1, 2))
    yield good.replace(volume, b"volumes:\n" + one % (1, 1) + one % (2, 1))
    for root in (b"signed", b"no", b"[a]", b"{ handle: 0x81000002 }", b"{ handle: 1 }", b"{ name: '' }", b"{}"):
        yield good.replace(b"latch: 15\n", b"latch: 15\nroot-key: " + root + b"\n")
    for line in (b"prompt-without-tpm: true\n", b"prompt-without-tpm: x\n", b"on-failure: prompt\nprompt-without-tpm: true\n"):
        yield good.replace(b"latch: 15\n", b"latch: 15\n" + line)
    for n in (33, 34, 35, 50, 51):
        yield good.replace(b"latch: 15\n", b"latch: 15\nroot-key: { name: %s }\n" % (b"0b" * n))


def tokens():
    good = {"type": "latchkey", "keyslots": ["1"], "version": 1, "handle": "0x8100a001",
            "root-key": "00112233", "sealed": "aabb", "policies": [signed_as_dict()]}
    yield json.dumps(good)
    yield json.dumps(dict(good, policies=[]))
    yield json.dumps(dict(good, **{"signed-root-key": root_key()}))
    yield json.dumps(dict(good, **{"signed-root-key": "x"}))
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
    for remembered in ({"policy": "ab" * 48, "ticket": "cd" * 48, "events": "ef" * 4}, {"policy": "ab" * 32, "ticket": "cd" * 32},
                       {"events": "00" * 8}, {"policy": "ab", "ticket": "x", "events": 7}, [], {"ticket": "ab"}):
        yield json.dumps(dict(good, remembered=remembered))
    yield json.dumps(good)[:-1]


def bundles():
    """Bundles of signed policies; the digest is made to fit by the target."""
    def bundle(*lines, n=None, size=None, version=1):
        body = "".join(line + "\n" for line in lines)
        return (f"latchkey-policy-bundle {version} {len(lines) if n is None else n:04} "
                f"{len(body) if size is None else size:07} {hashlib.sha256(body.encode()).hexdigest()}\n{body}")

    good = json.dumps(signed_as_dict())
    yield bundle(good)
    yield bundle(good, "{}", good) + "\0" * 64
    for change in ({"n": 0}, {"n": 2}, {"n": 1025}, {"size": 1 << 20}, {"size": 0}, {"version": 2}):
        yield bundle(good, **change)
    yield bundle("")
    yield bundle("x" * 8193)
    yield bundle(good)[:-1]
    yield bundle("{}").replace("0001", "  01", 1)
    for at, mark in ((0, "LUKS"), (510, "\x55"), (512, "EFI PART"), (0, good)):
        yield "\0" * at + mark + "\0" * 1600


def boot_arguments():
    for text in ("quiet rd.a=1 ro\n", "rd.a=", 'rd.a="x y" z', '"rd.a=x y"', "rd.a=1 rd.a=2", 'rd.a="', "rd.a", "rd.ab=1", "\0rd.a=1\0",
                 "rd.a=" + "x" * 63, "rd.a=" + "x" * 64, "rd.a=" + "x" * 1030, "rd.a=" + "x" * 1020, 'a="rd.a=1 " rd.a=2'):
        yield text


def root_key(size=48):
    name = "000b" + "44" * 32
    return {"latchkey-root-key": 1, "device-id": hashlib.sha256(bytes.fromhex(name)).hexdigest(), "name": name,
            "policy-ref": "latchkey:luks:158cb629cec8ce3f", "key": {48: "000c", 32: "000b"}[size] + "41" * size,
            "signature": "0102" * size}


def root_keys():
    """Signed root keys, device files and records."""
    good = root_key()
    yield json.dumps(good)
    yield json.dumps(root_key(32))
    yield json.dumps(dict(good, **{"policy-ref": ""}))
    for key in good:
        yield json.dumps({k: v for k, v in good.items() if k != key})
    for change in ({"latchkey-root-key": 2}, {"device-id": "00"}, {"name": "000b00"}, {"name": "000c" + "44" * 32},
                   {"policy-ref": 'a"b'}, {"policy-ref": "x" * 49}, {"key": "0004" + "00" * 20}, {"signature": "00"}, {"more": 1}):
        yield json.dumps(dict(good, **change))
    names = {"root-key": {"name": good["name"]}, "policy-key": {"name": good["key"]}}
    device = {"latchkey-device": 1, "device-id": good["device-id"], **names}
    yield json.dumps(device)
    for key in device:
        yield json.dumps({k: v for k, v in device.items() if k != key})
    yield json.dumps(dict(device, **{"root-key": good["name"]}))
    for objects in ({"storage-root-key": {"name": good["name"]}}, {"storage-root-key": []}, [],
                    {"storage-root-key": {"name": good["name"]}, "policy-key": {"key-name": good["key"]}}):
        yield json.dumps({"latchkey-record": 1, "volumes": [], "device-id": good["device-id"], "objects": objects})


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
    for change in ({"cpus": 17}, {"memory": 1048577}, {"time": 33}, {"type": "scrypt"}):
        yield dict(good, keyslots={"0": dict(slot, kdf=dict(slot["kdf"], **change))})
    for flags in ("x", ["no-journal"], ["allow-discards", "x"]):
        yield dict(good, config=dict(good["config"], flags=flags))
    for change in ({"flags": ["backup"]}, {"sector_size": 4096}, {"sector_size": 4097}, {"encryption": "aes-cbc-null"}, {"type": "linear"},
                   {"integrity": {"type": "none"}}):
        yield dict(good, segments={"0": dict(segment, **change)})
    yield dict(good, segments={"0": segment, "1": segment})
    for change in ({"type": "datashift"}, {"encryption": "serpent-xts"}, {"offset": "16384"}, {"offset": "16777216", "size": "1"}, {"size": "99999999"}):
        yield dict(good, keyslots={"0": dict(slot, area=dict(slot["area"], **change))})
    for change in ({"type": "reencrypt"}, {"key_size": 32}):
        yield dict(good, keyslots={"0": dict(slot, **change)})
    yield dict(good, keyslots={str(n): slot for n in range(10)})
    many = {"type": "pbkdf2", "iterations": 30000000}
    yield dict(good, keyslots={"0": dict(slot, kdf=many), "1": dict(slot, kdf=many)})
    yield dict(good, digests={"0": dict(digest, type="sha256")})
    yield dict(good, digests={"0": dict(digest, iterations=60000000)})
    yield dict(good, digests={"0": digest, "1": digest})


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


def blobs():
    """Headers, each with the DER that comes after a content of a few bytes."""
    def header(suite=1, sequence=1, length=4, magic=b"\x89LKB\r\n\x1a\n"):
        key = bytes(range(32)) if suite == 1 else bytes(range(16)) + bytes(16)
        return (magic + (1).to_bytes(2, "big") + suite.to_bytes(2, "big") + bytes(4)
                + sequence.to_bytes(8, "big") + (1700000000).to_bytes(8, "big")
                + length.to_bytes(8, "big") + b"t" * 32 + b"p" * 32 + b"c" * 32 + b"w" * 16
                + key + b"k" * 16 + b"i" * 16)

    def der(*numbers):
        body = b"".join(b"\2" + bytes([len(n)]) + n for n in numbers)
        return b"0" + bytes([len(body)]) + body

    longest = der(b"\0" + b"\xff" * 48, b"\0" + b"\xff" * 48)
    signatures = [der(b"\1", b"\1"), der(b"\0\x80", b"\x7f"), longest, longest + b"\0",
                  der(b"\x80", b"\1"), der(b"\0\1", b"\1"), der(b"", b"\1"), der(b"\1"),
                  der(b"\1", b"\1", b"\1"), der(b"\1" * 49, b"\1"), der(b"\x7f" * 32, b"\0\x80" + b"r" * 31),
                  b"0\x81\6" + der(b"\1", b"\1")[2:], b"0\x80" + der(b"\1", b"\1")[2:] + b"\0\0", b""]
    for suite in (1, 2):
        for signature in signatures:
            yield header(suite) + b"text" + signature
        yield header(suite) + longest
    for change in ({"suite": 3}, {"sequence": 0}, {"length": 0}, {"length": (1 << 40) + 1},
                   {"length": 1 << 40}, {"sequence": (1 << 64) - 1}, {"magic": b"\x89LKB\n\n\x1a\n"}):
        yield header(**change) + b"text" + longest
    yield header()[:-1]
    yield header(2)[:168] + b"x" + header(2)[169:]


# What a value can be mistaken in, with the key that it belongs to.
SETTINGS = (("upload-directory", ("/srv/up", "up", "/a/../b", "/", '"/a\\nb"', "/a//b", "/a/", "[/a]")),
            ("blob-name", ("b", "..", "a/b", '""', "x" * 243, "x" * 244)),
            ("state-directory", ("/opt", "/opt/state", "/s")),
            ("default-destination", ("/opt/app", "/etc", "/optional", "/home/update/upload/mnt")),
            ("prefixes", ("[/opt, /opt/app]", "[]", "[/etc]", "[/]", "/opt")),
            ("owners", ("[root, app, 1000]", "[4294967295]", "[01]", "[a b]", "[]")),
            ("groups", ("[_a]", "[-1]", "[[]]")),
            ("modes", ("0640", '"0777"', "4755", "0o755", "01755")),
            ("units", ("[app.service, b]", '["*"]', '["*", a]', "[-a]", "[]")),
            ("hooks", ("/hooks", "hooks")),
            ("max-blob", ("1 KiB", "1024 GiB", "1025 GiB", "64MiB", "0", "17179869184 GiB")),
            ("max-total", ("65536",)), ("max-file", ("1.5 MiB", "2 GiB")),
            ("max-files", ("1", "1000000", "0x10", "0")),
            ("settle", ("0", "300", "301")), ("sequence-step", ("65536", "0")),
            ("mount-points", ("[/var, /srv/a]", "[]", "/var", "[var]")))


def settings():
    yield "latchkey-userconfig: 1\n"
    yield "latchkey-userconfig: 2\n"
    yield "latchkey-userconfig: 1\nmore: 1\n"
    yield "latchkey-userconfig: 1\n" + "".join(f"{k}: {v[0]}\n" for k, v in SETTINGS if k != "prefixes")
    for key, values in SETTINGS:
        for value in values:
            yield f"latchkey-userconfig: 1\n{key}: {value}\n"


def manifests():
    def manifest(*files, label="a label"):
        return json.dumps({"latchkey-manifest": 1, "label": label, "files": list(files)})

    good = {"path": "app/app.conf", "destination": "/opt/app/app.conf", "mode": "0640", "owner": "root",
            "group": "root", "volatile": True}
    other = {"path": "b", "destination": "/home/update/upload/mnt/b"}
    yield manifest()
    yield manifest(good, other)
    yield manifest(*({"path": f"f{i}", "destination": f"/opt/f{i}"} for i in range(40)))
    yield "latchkey-manifest: 1\n"
    yield "latchkey-manifest: 1\nfiles:\n  - path: a\n    destination: /opt/a\n    mode: 0600\n"
    yield manifest(good, label="two\nlines")
    # The label is what fuzz_manifest.c takes for the path of another file, too.
    for label in ("Latchkey-Manifest.yaml", "sub/latchkey_manifest.yml", "deep/er/LATCHKEY-MANIFEST.JSON", "latchkey-manifest.yaml.txt.",
                  "sub/" + "x" * 40, "latchkey manifest"):
        yield manifest({"path": "a", "destination": "/opt/a"}, label=label)
    yield json.dumps({"latchkey-manifest": 1, "files": 7})
    yield json.dumps({"latchkey-manifest": 1, "files": [7]})
    yield "latchkey-manifest: 1\nfiles: [" + "{}," * 4200 + "{}]\n"
    for key in good:
        yield manifest({k: v for k, v in good.items() if k != key})
    for change in ({"path": "../a"}, {"path": "/a"}, {"path": "./a"}, {"path": "latchkey-manifest.yaml"},
                   {"path": ""}, {"destination": "/etc/shadow"}, {"destination": "/opt/../etc/a"},
                   {"destination": "/opt"}, {"destination": "a"}, {"mode": "0777"}, {"mode": "4755"},
                   {"mode": "640"}, {"owner": "app"}, {"owner": "4294967295"}, {"group": "-1"},
                   {"volatile": "yes"}, {"restart": ["app.service"]}, {"reload": ["a"] * 9},
                   {"restart": ["-a"]}, {"reload": "a"}, {"more": 1},
                   {"reload": ["app.service"]}, {"group": "app"}, {"mode": "0644", "restart": []}, {"label": "x"}):
        yield manifest(dict(good, **change))
    for path, destination in (("app/app.conf", "/opt/b"), ("app", "/opt/b"), ("app/app.conf/x", "/opt/b"),
                              ("b", "/opt/app/app.conf"), ("b", "/opt/app"), ("b", "/opt/app/app.conf/x")):
        yield manifest(good, {"path": path, "destination": destination})
    # Folders and copies.
    folder = {"path": "conf.d/", "destination": "/opt/conf.d/", "copy": True}
    for others in ((), ({"path": "a", "destination": "/opt/conf.d/a"},), ({"path": "conf.d/a", "destination": "/opt/a"},),
                   ({"path": "conf.d", "destination": "/opt/a"},), ({"path": "a", "destination": "/opt/conf.d"},),
                   ({"path": "more/deep/", "destination": "/opt/conf.d/deep", "volatile": True},),
                   ({"path": "more/", "destination": "/opt/conf.d"},), ({"path": "conf.d/deep/", "destination": "/opt/deep"},)):
        yield manifest(folder, *others)
    for change in ({"path": "conf.d//"}, {"path": "/"}, {"path": "./"}, {"destination": "/opt"}, {"destination": "/opt//"},
                   {"destination": "/"}, {"copy": "yes"}, {"volatile": True}, {"destination": "/opt/" + "/".join(["d" * 203] * 5)}):
        yield manifest(dict(folder, **change))
    yield manifest({"path": "a", "destination": "/opt/a/"})


def entries():
    """Scripts for fuzz_archive_rules.c: limits in 4 bytes; then each entry."""
    def entry(path, kind=0, mode=0o140, size=1):
        return bytes([kind, mode]) + size.to_bytes(2, "big") + path + b"\0"

    wide, narrow = bytes([255, 40, 40, 40]), bytes([64, 4, 5, 0])
    for paths in ((b"a", b"b", b"c/d"), (b"a", b"a"), (b"a", b"./a"), (b"a", b"a/b"), (b"a/b", b"a"),
                  (b"a/b/c", b"a/b/d", b"a/e"), (b"a/../b",), (b"/a",), (b"./",), (b"a//b",), (b"",),
                  (b"a\n",), (b"\xc3\xa9", b"\xc3"), (b"x" * 255,), (b"x" * 256,), (b"/".join([b"x"] * 32),),
                  (b"/".join([b"x"] * 33),), ((b"x" * 200 + b"/") * 6,), (b"...", b"..a", b".a")):
        yield wide + b"".join(map(entry, paths))
    yield wide + entry(b"a/", 1) + entry(b"a/", 1) + entry(b"a/b") + entry(b"a", 1) + entry(b"a/b/", 1)
    yield wide + entry(b".", 1) + entry(b"./", 1) + entry(b"a/b/c") + entry(b"a/b", 1) + entry(b"a/b")
    for kind in (2, 3, 4, 5, 6, 7, 8, 16 | 2):
        yield wide + entry(b"a") + entry(b"b", kind)
    for mode in (0, 1, 2, 4, 0o370):
        yield wide + entry(b"a", 0, mode)
    for size in (15, 16, 17, 65535):
        yield narrow + entry(b"a", 0, 0o140, size) + entry(b"b", 0, 0o140, size) + entry(b"c", 0, 0o140, 1)
    yield narrow + b"".join(entry(b"%d" % i, 1, 0o140, 0) for i in range(70))
    yield narrow + b"".join(entry(b"%d/%d/%d" % (i, i, i), 0, 0o140, 0) for i in range(30))
    yield bytes([255, 40, 40, 3]) + b"".join(entry(b"%d" % i, 32, 0o140, 2048) for i in range(4))
    yield bytes([255, 61, 61, 61]) + b"".join(entry(b"%d" % i, 0xe0, 0o140, 8192) for i in range(4))


def agreed():
    """Records of what was agreed: whole, empty, and out of order."""
    head = "latchkey-agreed 1\nsequence\t%d\ntried\t%d\nblob\t%s\n"
    line = "%s\t%d\t%o\t%d\t%d\t%d\t%s\t%s\n"
    digest = "0f" * 32
    yield head % (7, 0, digest)
    yield head % (0, 0, "-") + line % (digest, 5, 0o644, 0, 0, 0, "", "/opt/a") * 2
    yield (head % (8, 1, digest) + line % (digest, 5, 0o600, 1, 2, 1, "a/b", "/opt/a b")
           + line % (digest, 1 << 40, 0o755, 0, 4294967295, 0, "c", "/opt/c"))
    yield head % (1, 0, digest) + line % (digest, 5, 0o644, 0, 0, 0, "b", "/b") + line % (digest, 5, 0, 0, 0, 0, "a", "/a")
    yield head % (1, 0, digest) + line % (digest, 5, 0o1644, 0, 0, 0, "../b", "/opt/../b")
    yield head % (1, 0, digest) + line % (digest, 5, 0o644, 0, 0, 2, "d/b", "/opt/d/b") + line % (digest, 5, 0o644, 0, 0, 3, "c", "/opt/c")


def tar_names():
    """Archives with names of each form, whole and cut by a zero byte."""
    def tar(*entries, form=tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as archive:
            for name, headers, content in entries:
                info = tarfile.TarInfo(name)
                info.size, info.pax_headers = len(content), headers
                archive.addfile(info, io.BytesIO(content))
        return out.getvalue()[:4096]

    yield tar(("a", {}, b"x"), ("b" * 90 + "/" + "c" * 90, {}, b""), form=tarfile.USTAR_FORMAT)
    yield tar(("d" * 200, {}, b"x"), form=tarfile.GNU_FORMAT)
    yield tar(("e", {"path": "\u2713", "size": "1", "comment": "c"}, b"x"), ("f", {}, b""))
    for key in ("path", "linkpath", "GNU.sparse.name", "SCHILY.xattr.user.x"):
        yield tar(("g", {key: "x\0y"}, b""))
    def header(name=b"n", kind=b"0", size=b"%011o\0" % 0, prefix=b"", right=True):
        block = bytearray(name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size.ljust(12, b"\0") + b"00000000000\0" + b" " * 8 + kind +
                          bytes(100) + b"ustar\0" + b"00" + bytes(80) + prefix.ljust(155, b"\0")).ljust(512, b"\0")
        block[148:156] = b"%06o\0 " % (sum(block) + (not right))
        return bytes(block)
    yield header(kind=b"V") + header(kind=b"K", size=b"%011o\0" % 3) + b"abc".ljust(512, b"\0") + header()
    yield header(size=b"\x80" + bytes(9) + b"\2\0") + bytes(512) + header(size=b"\xff" * 12)
    yield header(size=b"  7 8") + bytes(512) + header(right=False)
    yield header() + header(name=b"a\0b")
    yield header(prefix=b"p\0q")
    for kind in b"12346":
        yield header(kind=bytes([kind])) + header()
    yield header(kind=b"L", size=b"%011o\0" % 5) + b"ab\0\0c".ljust(512, b"\0") + header()
    yield header(kind=b"g", size=b"%011o\0" % 12) + b"12 path=a\0b\n".ljust(512, b"\0") + header()
    yield header(kind=b"x", size=b"%011o\0" % 9) + b"9 si\0e=1\n".ljust(512, b"\0") + header()
    block = bytearray(header(kind=b"S"))
    block[482] = 1
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    yield bytes(block) + (bytes(504) + b"\1").ljust(512, b"\0") + bytes(512) + header()
    sparse = bytearray(tar(("h", {}, b""), form=tarfile.GNU_FORMAT)[:512] + bytes(1536))
    sparse[156:157], sparse[482] = b"S", 1
    yield bytes(sparse)


def zstd_frames():
    """Frames with windows small and large, one after the other."""
    small, large = bytes.fromhex("28b52ffd0068"), bytes.fromhex("28b52ffd0088")
    block = bytes.fromhex("110000") + b"ab"
    yield small + block
    yield small + block + small + bytes.fromhex("2b000062")
    yield small + block + large + block
    yield bytes.fromhex("28b52ffda400008000") + block + b"sum."
    yield bytes.fromhex("28b52ffde3") + b"dict" + bytes(8) + block
    yield bytes.fromhex("502a4d1804000000") + b"skip"
    yield b"\x1f\x8b\x08"


def recorded(name):
    """One of the two logs of each recorded machine; those after a change have little that is new."""
    for machine in sorted(name for name in os.listdir(EVENT_LOGS) if name.count("-") == 1):
        with open(os.path.join(EVENT_LOGS, machine, name), "rb") as f:
            yield f.read()


def le(number, size=4):
    return number.to_bytes(size, "little")


def event(pcr, kind, data=b"", digests=((0xb, b"d" * 32), (0xc, b"D" * 48))):
    return (le(pcr) + le(kind) + le(len(digests)) + b"".join(le(a, 2) + d for a, d in digests)
            + le(len(data)) + data)


def spec_id(algs=((0xb, 32), (0xc, 48)), signature=b"Spec ID Event03\0", vendor=b""):
    body = (signature + bytes(8) + le(len(algs)) + b"".join(le(a, 2) + le(n, 2) for a, n in algs)
            + bytes([len(vendor)]) + vendor)
    return le(0) + le(3) + bytes(20) + le(len(body)) + body


def variable(name, data, guid=b"g" * 16):
    return guid + le(len(name), 8) + le(len(data), 8) + name.encode("utf-16-le") + data


def certificate(number, value):
    """As much of one as its name needs."""
    def der(tag, *parts):
        body = b"".join(parts)
        return bytes([tag, 0x81, len(body)]) + body if len(body) > 127 else bytes([tag, len(body)]) + body

    name = der(0x30, der(0x31, der(0x30, der(6, b"\x55\4" + bytes([number])), der(12, value))))
    return der(0x30, der(0x30, der(0xa0, b"\2\1\2"), der(2, b"\1"), der(0x30), der(0x30), der(0x30), name))


def signature_list(kind, *entries):
    entries = [b"o" * 16 + e for e in entries]
    size = len(entries[0]) if entries else 17
    return kind + le(28 + size * len(entries)) + le(0) + le(size) + b"".join(entries)


X509 = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
SHA256 = bytes.fromhex("2616c4c14c509240aca941f936934328")


def paths():
    def node(kind, subtype, data=b""):
        return bytes([kind, subtype]) + le(len(data) + 4, 2) + data

    file = node(4, 4, "\\a\0".encode("utf-16-le"))
    end = node(0x7f, 0xff)
    yield b""
    yield node(1, 1, b"\0\1") + end
    yield node(4, 1, le(1) + bytes(16) + b"p" * 16 + b"\2\2") + file + end
    yield node(4, 1, le(1) + bytes(16) + b"p" * 16 + b"\1\1") + file + end
    yield node(4, 7, b"v" * 16) + node(4, 6, b"f" * 16) + end + file
    yield node(1, 3, bytes(20)) + node(1, 4, b"x" * 16) + node(4, 3, b"x") + node(3, 24, b"http://x")
    yield node(3, 11) + b"\4\4\3\0" + file


def events():
    """Data of events with their types and PCRs, of what the recorded machines don't have."""
    cert = certificate(3, b"name")
    for path in paths():
        for kind in (0x80000003, 0x80000004):
            yield 4, kind, bytes(24) + le(len(path), 8) + path
        yield 1, 0x80000002, variable("Boot0001", le(1) + le(len(path), 2) + "b\0".encode("utf-16-le") + path)
    yield 4, 0x80000003, bytes(24) + le(1, 8)
    yield 4, 0x80000003, bytes(20)
    for data in (signature_list(X509, cert, cert), signature_list(X509, certificate(10, b"o")), signature_list(X509, b"x"),
                 signature_list(SHA256, b"h" * 32) * 3, signature_list(b"?" * 16, b"x"), signature_list(SHA256)[:-1], b"x",
                 signature_list(X509, cert) * 6):
        for name in ("db", "dbx", "PK"):
            yield 7, 0x80000001, variable(name, data)
    for name, data in (("SecureBoot", b"\1"), ("SecureBoot", b""), ("DeployedMode", b"\1"), ("BootOrder", bytes(6)),
                       ("BootOrder", bytes(2000)), ("Boot00zz", b""), ("Boot0001", b""), ("SbatLevel", b"sbat"), ("a\0", b"")):
        yield 7, 0x80000001, variable(name, data)
    for data in (b"o" * 16 + cert, cert, b"h" * 48, b"x", b"", b"o" * 16 + cert[:-1]):
        yield 7, 0x800000e0, variable("db", data)
    yield 7, 0x80000001, variable("db", b"x") + b"x"
    yield 7, 0x80000001, b"g" * 16 + le((1 << 64) - 1, 8) + le(1, 8)
    yield 7, 0x80000001, b"g" * 16 + le(1 << 63, 8) + le(0, 8)
    for pcr in (4, 5, 8, 9, 11, 12, 14):
        yield pcr, 0xd, b"text \x1b[0m\xff\xc3\xa9\0"
        yield pcr, 0xd, "utf \x07\u00e9\u20ac\ud7ff\"\0".encode("utf-16-le")
    yield 11, 0xd, ("x" * 30).encode("utf-16-le")
    for data in (b"", le(0x8f3b22ec) + le(1) + b"x", le(0x8f3b22ed) + le(9), le(1) + le(2) + b"ab"):
        yield 9, 6, data
    for data in (bytes(4), le(0xffffffff), le(1), b"WBCL", b""):
        yield 7, 4, data
    for data in (b"EFI PART" + bytes(84) + le(4, 8), b"EFI PART", bytes(56) + b"g" * 36):
        yield 5, 0x80000006, data
    for data in (b"\3abc" + bytes(16), b"\xff", bytes(16), bytes(15)):
        yield 0, 0x8000000a, data
        yield 0, 0x80000008, data
    for kind in (*range(0, 0x15), *range(0x80000000, 0x80000012), *range(0x800000e0, 0x800000e6)):
        yield 0, kind, b"data"


def event_logs():
    yield from recorded("firmware")
    yield spec_id() + b"".join(event(*e) for e in events())
    for e in events():
        yield spec_id() + event(*e)
    for locality in (0, 3, 4, 5):
        yield spec_id() + event(0, 3, b"StartupLocality\0" + bytes([locality])) + event(0, 4, bytes(4))
    yield spec_id() + event(0, 4, bytes(4)) + event(0, 3, b"StartupLocality\0\3")
    yield spec_id() + event(0xffffffff, 3) + event(24, 4)
    yield spec_id(((4, 20), (0xb, 32), (0x1234, 7))) + event(1, 4, b"", ((0x1234, b"1234567"), (0xb, b"d" * 32)))
    for algs in ((), ((0xb, 31),), ((0xb, 32), (0xb, 32)), ((1, 0),), tuple((n + 100, 1) for n in range(17)),
                 tuple((n + 100, 1) for n in range(16))):
        yield spec_id(algs)
    yield spec_id(vendor=b"vendor")
    for signature in (b"Spec ID Event02\0", b"Spec ID Event00\0", b"something else.."):
        yield spec_id(signature=signature)
    yield spec_id()[:-1]
    yield spec_id() + event(0, 4, b"", ((0xb, b"d" * 32), (0xb, b"d" * 32)))
    yield spec_id() + event(0, 4, b"", ((0xd, b"d" * 64),))
    yield spec_id() + event(0, 4, b"", ((0xb, b"d" * 32),) * 3)
    yield spec_id() + event(0, 4)[:-4] + le(0xffffffff)
    yield le(0) + le(8) + bytes(20) + le(2) + b"v1"


GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
IMAGES = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")
SHIM = bytes.fromhex("50ab5d6046e00043abb63dd810dd8b23")


def old_log(*events):
    """In the format before TPM 2.0."""
    return b"".join(le(pcr) + le(kind) + hashlib.sha1(data).digest() + le(len(data)) + data for pcr, kind, data in events)


def odd_logs():
    """What log show takes and predictions don't."""
    action = b"Calling EFI Application from Boot Option"
    measured = ((4, hashlib.sha1(action).digest()), (0xb, hashlib.sha256(action).digest()), (0xc, hashlib.sha384(action).digest()),
                (0xd, hashlib.sha512(action).digest()))
    algs = ((4, 20), (0xb, 32), (0xc, 48), (0xd, 64))
    whole = spec_id(algs) + event(4, 0x80000007, action, measured)
    yield whole
    yield spec_id(algs) + event(4, 0x80000007, action, measured[:2])
    yield spec_id(algs) + event(4, 0x80000007, action + b"?", measured)
    yield spec_id(algs) + event(4, 0x80000007, action + b"\0\0", measured)
    for padding in (b"\0", b"\xff"):
        yield whole + padding * 40
        yield padding * 64
    yield old_log((0, 3, b"Spec ID Event02\0" + bytes(9)), (0, 8, b"v\0001\0\0\0"), (4, 5, action), (7, 0x80000001, variable("SecureBoot", b"\1", GLOBAL)))
    yield old_log((4, 5, action)) + b"\xff" * 9
    yield le(1) + spec_id(((0xc, 48),))[4:] + event(1, 0x8000000b, b"\x08TdxTable" + bytes(8), ((0xc, b"d" * 48),))
    yield spec_id(((0xc, 48),)) + event(1, 0xc, b"td_hob\0", ((0xc, b"d" * 48),))
    level = b"sbat,1,2023012900\nshim,2\n"
    for data in (variable("SbatLevel", level, SHIM), variable("Shim", b"x" * 40, SHIM) + b"stray!"):
        yield spec_id() + event(7, 0x800000e0, data, ((0xb, hashlib.sha256(data).digest()), (0xc, hashlib.sha384(data).digest())))
        yield spec_id() + event(7, 0x800000e0, data, ((0xb, hashlib.sha256(data[:-1]).digest()), (0xc, hashlib.sha384(data[:-1]).digest())))
    odd = b"\5" * 16 + le(28 + 24) + le(0) + le(24) + b"o" * 24
    for data in (variable("SetupMode", b"\1", GLOBAL), variable("Setting", b"\1", SHIM), variable("Setting", b"12", GLOBAL), variable("Other", b"1", b"\7" * 16),
                 variable("Boot", b"x" * 7, GLOBAL), variable("BootNext", b"\1\0", GLOBAL), variable("PK", odd + b"x" * 30, GLOBAL),
                 variable("db", b"\1" * 16 + bytes(range(32)), IMAGES), variable("db", b"\1" * 16 + b"x" * 31, IMAGES), variable("MokList", bytes(32), SHIM)):
        for kind in (0x80000001, 0x80000002, 0x8000000c, 0x800000e0):
            yield spec_id() + event(7, kind, data, ((0xb, hashlib.sha256(data).digest()), (0xc, hashlib.sha384(data).digest())))
    yield spec_id() + event(0, 0x80000010, b"HCRTM") + event(0, 4, bytes(4))
    for data in (bytes(range(0x80, 0x90)), b"ACPI DATA", b"\3abc" + bytes(16), "\u7248\u672c1\0".encode("utf-16-le")):
        for kind in (1, 8, 0x13):
            yield spec_id() + event(0, kind, data)


def texts():
    for text in ("quiet", "\u65e5\u672c\u8a9e quiet", "\u043f\u0443\u0442\u044c", "\u7248\u672c1", "\U0001f600", "a\u202eb\u2066c\u200bd\ufeffe\u009b31m\u2028"):
        yield text
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-le") + b"\0\0"
        yield text.encode("utf-16-le")[:-1]
        yield text.encode("utf-16-le") + b"\0\0x"
    for data in (b"\xed\xa0\x80", b"\x3d\xd8", b"\x3d\xd8a\0", b"a\0\0b", b"\"\\\"", b"\xff" * 40, bytes(40), b"x" * 600, b"\x7f" * 200):
        yield data
    yield bytes(range(256))


def log_pairs():
    """Scripts for fuzz_log_match.c: sizes of four logs in 2 bytes each, and these: two of a firmware's, two of a kernel's."""
    def script(*parts):
        return b"".join(le(len(p), 2) for p in parts) + b"".join(parts)

    def of(machine, name):
        with open(os.path.join(EVENT_LOGS, machine, name), "rb") as f:
            return f.read()

    for a, b in (("uki-13", "uki-13-db"), ("kernel-13", "kernel-13-cmdline"), ("uki-12", "uki-12")):
        pair = [of(machine, name) for name in ("firmware", "ima") for machine in (a, b)]
        if all(len(p) < 65536 for p in pair):
            yield script(*pair)
        yield script(pair[0][:9000], pair[1][:4000], pair[2][:3000], pair[3][100:3000])
    yield script(b"", b"", b"", b"")


def ima_logs():
    def entry(template, data, pcr=10, sha1=b"s" * 20):
        return le(pcr) + sha1 + le(len(template)) + template + le(len(data)) + data

    def field(data):
        return le(len(data)) + data

    digest = b"sha256:\0" + b"d" * 32
    name = field(b"/bin/true\0")
    yield from recorded("ima")
    for template, data in ((b"ima-ng", field(digest) + name), (b"ima-sig", field(digest) + name + field(b"sig")),
                           (b"ima-buf", field(digest) + name + field(b"buf")), (b"ima-ngv2", field(b"ima:" + digest) + name),
                           (b"ima-sigv2", field(b"verity:" + digest) + name + field(b"")),
                           (b"ima-modsig", field(digest) + name + field(b"s") + field(b"d") + field(b"m")),
                           (b"d-ng|x", b"anything"), (b"t" * 64, b""), (b"t" * 65, b""), (b"", b"")):
        yield entry(template, data)
        yield entry(template, data, sha1=bytes(20)) + entry(template, data + b"x")
        yield entry(template, data)[:-1]
    for bad in (b"sha256", b":\0", b"sha256:\0d", b"md5:\0d", b"a:b:\0d", b"seventeen-letters:\0d", b""):
        yield entry(b"ima-ng", field(bad) + name)
        yield entry(b"ima-ngv2", field(bad) + name)
    for bad in (b"no end", b"two\0ends\0", b"", b"\0"):
        yield entry(b"ima-ng", field(digest) + field(bad))
    yield entry(b"ima-ng", field(digest) + name, pcr=24)
    yield entry(b"ima-ng", field(digest) + field(b"boot_aggregate\0"))
    for file in (b"/bin/true", b"x" * 255, b"x" * 256, b"a\0", b""):
        yield le(10) + b"s" * 20 + le(3) + b"ima" + b"d" * 20 + field(file)
    yield b"10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng sha256:00 boot_aggregate\n"


def image(sections, signatures=b"", directories=5, magic=0x20b):
    """A PE image with these sections, one after the other."""
    optional = le(magic, 2) + bytes(58) + le(1024) + le(0x12345678) + bytes(40 if magic == 0x20b else 24) + le(directories)
    end = 1024 + sum(len(content) for _, content in sections)
    table = [b""] * directories
    for i in range(directories):
        table[i] = le(end) + le(len(signatures)) if i == 4 and signatures else bytes(8)
    optional += b"".join(table)
    header = b"MZ" + bytes(0x3a) + le(0x40) + b"PE\0\0\x64\x86" + le(len(sections), 2) + bytes(12) + le(len(optional), 2) + bytes(2) + optional
    at = 1024
    for name, content in sections:
        header += name.ljust(8, b"\0") + le(len(content)) + le(at) + le(len(content)) + le(at) + bytes(16)
        at += len(content)
    return header.ljust(1024, b"\0") + b"".join(content for _, content in sections) + signatures


def unified(stub=b"257.13-1", cmdline=b"quiet", more=(), signatures=b"", kernel=b"kernel"):
    return image([(b".sdmagic", b"#### LoaderInfo: systemd-stub " + stub + b" ####"), (b".linux", kernel), (b".initrd", b"initrd"),
                  (b".osrel", b"ID=x\n"), (b".cmdline", cmdline), *more], signatures)


def images():
    more = [(name, b"some") for name in (b".ucode", b".splash", b".dtb", b".uname", b".sbat", b".pcrsig", b".pcrpkey")]
    for stub in (b"252.39-1", b"257.13-1", b"258.1", b"25x"):
        yield unified(stub)
        yield unified(stub, more=more)
    for cmdline in (b" quiet\n", b"a\0b", b"\xc3\xa9", b"\n", b"x" * 4097):
        yield unified(cmdline=cmdline)
    for name in (b".profile", b".hwids", b".linux", b"longname"):
        yield unified(more=[(name, b"x")])
    yield unified(signatures=b"signatures")
    yield image([])
    yield image([(b".text", b"code")] * 97)
    yield image([(b".text", b"code")], b"s", magic=0x10b)
    yield image([(b".text", b"code")], directories=4)
    yield image([(b".text", b"code"), (b".data", b"")]) + b"trailing"
    good = unified()
    for at in (0, 0x3c, 0x40, 0x46, 0x54, 0x58, 0x94, 0xe4, 0xe8, 0xf0 + 8, 0xf0 + 16, 0xf0 + 20):
        yield good[:at] + b"\xff\xff\xff\xff" + good[at + 4:]
    yield good[:300]


def chain(course):
    """A log where db has certificates A and B; d: a driver, i: an image, letters: whose certificate accepts what comes then."""
    def measured(pcr, kind, data):
        return event(pcr, kind, data, ((0xb, hashlib.sha256(data).digest()), (0xc, hashlib.sha384(data).digest())))

    log = spec_id() + measured(7, 0x80000001, variable("SecureBoot", b"\1"))
    log += measured(7, 0x80000001, variable("db", signature_list(X509, b"by A") + signature_list(X509, b"by B")))
    for what in course:
        if what in "di":
            log += event({"d": 2, "i": 4}[what], {"d": 0x80000004, "i": 0x80000003}[what], bytes(24) + le(4, 8) + b"\x7f\xff\4\0")
        else:
            log += measured(7, 0x800000e0, variable("Shim" if what == "S" else "db", b"o" * 16 + b"by " + what.encode()))
    return log + event(9, 6, le(0x8f3b22ec)) + event(9, 6, le(0x8f3b22ed))


def plans():
    """Scripts for fuzz_log_plan.c: kind, sizes of both logs in 2 bytes each, the logs, the change."""
    def script(kind, machine, change=b""):
        logs = []
        for name in ("firmware", "ima"):
            with open(os.path.join(EVENT_LOGS, machine, name), "rb") as f:
                logs.append(f.read())
        return bytes([kind]) + le(len(logs[0]), 2) + le(len(logs[1]), 2) + logs[0] + logs[1] + change

    inner = image([(b".text", b"code")])
    for machine in ("kernel-13", "insecure-12", "uki-13", "measuring-12", "loader-13", "loader-13-off", "grub-13"):
        for kind in (0, 2, 3, 16 | 3, 4, 8 | 7, 7):
            yield script(kind, machine, {0: inner, 4: signature_list(X509, b"another")}.get(kind & 7, b"quiet ima_policy=tcb"))
        for kind in (1, 16 | 1, 8 | 1):
            yield script(kind, machine, unified(kernel=inner))
    with open(os.path.join(EVENT_LOGS, "uki-13", "firmware"), "rb") as f:
        log = f.read()
    at = log.rindex(b"d\0b\0")  # and after it the certificate that accepts images
    yield script(1, "uki-13", unified(signatures=log[at:at + 2000]))
    yield script(4, "uki-13", signature_list(X509, b"another") + signature_list(SHA256, b"h" * 32))
    yield script(4, "uki-13", b"x")
    for course in ("Ai", "Aii", "Adi", "AiBi", "AiBiAi", "ABi", "AiSi", "Si", "i"):
        log = chain(course)
        for kind, change in ((0, b"by A"), (0, b"by B"), (0, b"by A by B"), (0, b""), (8, b""), (4, signature_list(X509, b"by C"))):
            image_or_lists = change if kind == 4 else image([(b".text", b"code")], change)
            yield bytes([kind]) + le(len(log), 2) + le(0, 2) + log + image_or_lists


def boots():
    """Scripts for fuzz_boot_diff.c: sizes of reference and both logs in 2 bytes each, and these."""
    def script(reference, machine):
        parts = [reference]
        for name in ("firmware", "ima"):
            with open(os.path.join(EVENT_LOGS, machine, name), "rb") as f:
                parts.append(f.read())
        return b"".join(le(len(p), 2) for p in parts) + b"".join(parts)

    def reference(pcrs):
        """@pcrs: PCR -> events, each kind, signatures and digest."""
        out = b"\1"
        for pcr, events in pcrs.items():
            out += bytes([pcr]) + b"\0" * 4 + len(events).to_bytes(2, "big")
            out += b"".join(bytes([kind]) + n.to_bytes(2, "big") + digest for kind, n, digest in events)
        return out

    # Kinds: boot image 2, SecureBoot 5, PK to dbx 6 to 9, boot_aggregate 19, file 20.
    secure = [(5, 0xffff, bytes.fromhex("ccfc4bb3")), (6, 1, bytes.fromhex("a2b1d1bd")), (7, 0, b"kek!"), (8, 3, b"db!!"), (9, 0, b"dbx!")]
    for machine in ("uki-12", "measuring-13", "kernel-12"):
        yield script(b"", machine)
        yield script(reference({}), machine)
        yield script(reference({4: [(2, 0xffff, b"img!")], 7: secure, 10: [(19, 0xffff, b"aggr"), (20, 0xffff, b"file")]}), machine)
    yield script(reference({7: secure[:2], 0x80 | 10: []}), "uki-12")
    yield script(reference({7: secure[:2] + secure[:2]}), "uki-12")
    yield script(reference({7: [(0, i, b"%04d" % i) for i in range(256)]}), "uki-12")
    yield script(reference({7: [(0, i, b"%04d" % i) for i in range(257)]}), "uki-12")
    yield script(reference({7: secure, 6: []}), "uki-12")
    yield script(reference({7: secure})[:-1], "uki-12")


def logged_variables(log):
    """Names and data of the variables that the firmware measured, in its order."""
    at = 32 + int.from_bytes(log[28:32], "little")
    while at < len(log):
        kind, count = (int.from_bytes(log[at + n:at + n + 4], "little") for n in (4, 8))
        at += 12
        for _ in range(count):
            at += 2 + {0xb: 32, 0xc: 48}[int.from_bytes(log[at:at + 2], "little")]
        size = int.from_bytes(log[at:at + 4], "little")
        data, at = log[at + 4:at + 4 + size], at + 4 + size
        if kind in (0x80000001, 0x80000002):
            name = data[32:32 + 2 * int.from_bytes(data[16:24], "little")]
            yield name.decode("utf-16-le"), data[32 + len(name):]


def changed_variables(log, option):
    """The log's variables as fuzz_next_boot.c is asked for them: settings, the order, options; each set with something else."""
    now = list(logged_variables(log))
    settings = [data for name, data in now if not name.startswith("Boot")]
    options = [data for name, data in now if name.startswith("Boot")]
    order, options = options[0], options[1:]
    lists = signature_list(X509, b"another")
    yield settings + [order] + options
    yield settings + [order] + options[:-1] + [option]
    yield settings + [order] + options[:-1]
    for new in (order[2:] + order[:2], order + b"\7\0", order[:-2], b"\7\0" + order, b"\7\0", order[:-1], b"", b"\7\0" * 65):
        yield settings + [new] + [option] * (len(new) // 2)
    for i in range(len(settings)):
        for value in (settings[i] + lists, lists + settings[i], lists, b"", settings[i][:-1]):
            yield settings[:i] + [value] + settings[i + 1:] + [order] + options


def next_boots():
    """Scripts for fuzz_next_boot.c: the log's size in 2 bytes, the log, and variables, each with its size in 2 bytes."""
    node = "\\EFI\\Linux\\one+3-1.efi\0".encode("utf-16-le")
    path = le(4, 1) + le(4, 1) + le(4 + len(node), 2) + node + b"\x7f\xff\x04\0"
    option = le(1, 4) + le(len(path), 2) + "Linux\0".encode("utf-16-le") + path
    lists = signature_list(X509, b"another") + signature_list(SHA256, b"h" * 32)
    variables = {"none": [], "empty": [b""] * 12, "lists": [b"\1"] + [lists] * 6, "options": [b"\1", lists, lists, lists, lists, b"\2\0\1\0\0\0"],
                 "garbage": [b"x" * 40] * 9}
    for machine in ("kernel-13", "insecure-12", "uki-13"):
        with open(os.path.join(EVENT_LOGS, machine, "firmware"), "rb") as f:
            log = f.read()
        for values in variables.values():
            values = values + [option] * (6 if values else 0)
            yield le(len(log), 2) + log + b"".join(le(len(v), 2) + v for v in values)
        for values in changed_variables(log, option):
            yield le(len(log), 2) + log + b"".join(le(len(v), 2) + v for v in values)
    yield le(0, 2) + path
    yield le(0, 2) + option
    yield le(0, 2) + bytes(24) + le(len(path), 8) + path
    yield le(0, 2) + path[:4] + "..\\\0".encode("utf-16-le")


def write(corpus, seeds):
    directory = os.path.join(HERE, "corpus", corpus)
    os.makedirs(directory, exist_ok=True)
    for name in os.listdir(directory):
        if name.startswith("seed-"):
            os.unlink(os.path.join(directory, name))
    for i, seed in enumerate(seeds):
        with open(os.path.join(directory, f"seed-{i:02}"), "wb") as f:
            f.write(seed if isinstance(seed, bytes) else seed.encode())


def fstabs():
    yield "# a comment\n\n/dev/sda1 / ext4 defaults 0 1\nUUID=1\t/var//lib/ ext4\n/dev/sda2 none swap sw\n"
    yield "x /with\\040a\\011blank\\134 y\n  x /y\\9\\04\\400\\"
    yield "x\nx relative y\nx /nul\\000 y\nx /" + 300 * "a/" + " y\nx /" + 509 * "b" + "\nx /" + 511 * "b"
    yield b"\0 \0\n/ /\xff\xfe\r\n"


def attests():
    """A kind first: quote, NV, certify, signature, key, state."""
    name = b"\0\x22\0\x0b" + bytes(range(32))
    head = b"\xff\x54\x43\x47%s" + name + b"\0\x20" + b"n" * 32 + struct.pack(">QIIBQ", 1000, 7, 1, 1, 0x20)
    quote = head.replace(b"%s", b"\x80\x18") + struct.pack(">IHB3s", 1, 0x0b, 3, b"\x81\x04\0") + b"\0\x20" + b"d" * 32
    yield b"\0" + quote
    yield b"\0" + quote + b"x"
    for cut in (0, 3, 5, 40, 80, 90, 100, 104, len(quote) - 3):
        yield b"\0" + quote[:cut]
    for at, byte in ((0, b"\0"), (4, b"\0"), (5, b"\x17"), (98, b"\2"), (106, b"\5"), (107, b"\0"), (112, b"\4"), (113, b"\xff")):
        yield b"\0" + quote[:at] + byte + quote[at + 1:]
    for n in range(96, 116):
        yield b"\0" + quote[:n] + b"\xff" + quote[n + 1:]
    yield b"\0" + quote + b"x" * 2000
    for bad in ((0x14, 0x0b, 32), (0x18, 0x04, 32), (0x18, 0x0b, 33)):
        yield b"\3" + struct.pack(">HHH", *bad) + b"r" * bad[2] + b"\0\x20" + b"s" * 32
    yield b"\3" + struct.pack(">HHH", 0x18, 0x0b, 32) + b"r" * 32 + b"\0\x20" + b"s" * 32 + b"x"
    yield b"\3" + b"\0"
    yield b"\0" + quote.replace(struct.pack(">IH", 1, 0x0b), struct.pack(">IH", 2, 0x0b))
    yield b"\1" + head.replace(b"%s", b"\x80\x14") + name + struct.pack(">HHQ", 0, 8, 5)
    yield b"\2" + head.replace(b"%s", b"\x80\x17") + name + name
    yield b"\3" + struct.pack(">HHH", 0x18, 0x0b, 32) + b"r" * 32 + b"\0\x1f" + b"s" * 31
    key = struct.pack(">HHIHHHHHHH", 0x23, 0x0b, 0x50472, 0, 0x10, 0x18, 0x0b, 3, 0x10, 32) + b"x" * 32 + b"\0\x20" + b"y" * 32
    yield b"\4" + key
    for attributes in (0x40472, 0x50470, 0x50462, 0x50452, 0x50432, 0x70472, 0x150472, 0x10472):
        yield b"\4" + key.replace(struct.pack(">I", 0x50472), struct.pack(">I", attributes))
    for at, word in ((0, 1), (2, 0x0c), (8, 1), (10, 6), (12, 0x10), (14, 0x0c), (16, 4), (18, 0x20), (20, 33), (20, 31)):
        yield b"\4" + key[:at] + struct.pack(">H", word) + key[at + 2:]
    for cut in (3, 9, 15, 30, len(key) - 1):
        yield b"\4" + key[:cut]
    yield b"\4" + key + b"x"
    values = struct.pack(">HI", 0x0b, 0x81) + bytes(96)
    yield b"\5" + struct.pack(">BBIIQQQQIQQ", 1, 13, 7, 1, 1000, 5, 0x20, 100, 3, 6, 1) + values + b"\x20" + b"p" * 32
    yield b"\5" + struct.pack(">BBIIQQQQIQQHI", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) + b"\0"


    mac = nonce_mac(struct.pack(">Q", 990000) + bytes(8))
    good = struct.pack(">Q", 990000) + bytes(8) + mac
    yield from (b"\6" + good, b"\6" + good[:-1], b"\6" + good + b"x", b"\6" + bytes(32))
    for when in (1, 1001999, 1002001, 1000000 - 60001):
        nonce = struct.pack(">Q", when) + b"chance!!"
        yield b"\6" + nonce + nonce_mac(nonce)


def nonce_mac(nonce):
    """Of a server whose key is 32 zeros, as the targets' is."""
    return hmac.new(bytes(32), b"latchkey-nonce-1" + nonce, hashlib.sha256).digest()[:16]


def attest_settings():
    """Behind an s: latchkey-attest.yaml(5)."""
    pin = "sha256//" + base64.b64encode(bytes(32)).decode()
    good = "latchkey-attest: 1\nserver: https://verifier.example:8443\nca: /etc/latchkey/ca.pem\npinned-key: %s\nima: off\n" % pin
    yield good
    for server in ("http://x", "https://", "https://x/y", "https://[::1]:443", "https://x:0", "https://x:99999", "https://x:y", "https://a:1:2", "[]"):
        yield good.replace("https://verifier.example:8443", server)
    for old, new in (("ima: off", "ima: maybe"), ("ca: /etc", "ca: etc"), (pin, "sha256//AAAA"), (pin, "x"), ("attest: 1", "attest: 2"), ("ca:", "cb:"),
                     ("ima: off", "ima: on"), ("ima: off\n", ""), ("server:", "servers:"), ("ca: /etc/latchkey/ca.pem", "ca: [x]")):
        yield good.replace(old, new)


def machine_log(machine, name):
    with open(os.path.join(EVENT_LOGS, machine, name), "rb") as f:
        return f.read()


def log_exports():
    """What latchkey-provision log export writes, of small logs, and each field wrong."""
    firmware, ima = next(iter(event_logs())), next(iter(ima_logs()))
    firmware, ima = (x if isinstance(x, bytes) else x.encode() for x in (firmware, ima))
    good = {"latchkey-logs": 1, "device-id": "ab" * 32, "moment": "unlock", "pcrs": {"sha256": {"0": "11" * 32, "10": "22" * 32}, "sha384": {"0": "33" * 48}},
            "firmware-log": base64.b64encode(firmware[:3000]).decode(), "ima-log": base64.b64encode(ima[:2000]).decode()}
    yield json.dumps(good)
    yield json.dumps(good | {"moment": "now"})
    yield json.dumps({k: v for k, v in good.items() if k != "ima-log"})
    for key in good:
        yield json.dumps({k: v for k, v in good.items() if k != key})
        for value in (7, "x", [], {}, "\n"):
            yield json.dumps(good | {key: value})
    for pcrs in ({"sha256": {"0": "11"}}, {"sha256": {}}, {"sha1": {"0": "11" * 20}}, {"sha256": {"0": 7}}, {"sha256": {"24": "11" * 32}}):
        yield json.dumps(good | {"pcrs": pcrs})
    yield from ("{", "[]", "", '{"latchkey-logs":2}', '{"latchkey-logs":1}x')


MEASURED = "\x1e" + json.dumps({"pcr": 15, "digests": [{"hashAlg": "sha256", "digest": hashlib.sha256(b"latchkey:closed").hexdigest()}],
                               "content_type": "systemd", "content": {"string": "latchkey:closed"}}) + "\n"


def judged():
    """Scripts for fuzz_judge.c, the PCRs that are asked for first."""
    for script in scripts():
        yield le(0, 2) + script
    for mask in (0x00ff, 0x7fff, 0x8400, 0x81ff):
        yield first_of_signed(mask)


SELECTION, REPLAYED, VALUES, VERSION, SEQUENCE, GO_ON, BAD_SIGNATURE, BAD_NONCE = (1 << n for n in range(8))
ALL_RIGHT = SELECTION | REPLAYED | VALUES | VERSION | SEQUENCE
WANTED = "latchkey-flavor: 1\nfloors: required\nima: required\n"
SIGNED = WANTED + "policy-file: p\nsigned-policies: [s]\n"


def sized(data):
    return le(len(data), 2) + data


def request(flags, clock=1000, boot=7, restart=0, later=10, floors=(5, 6), pcrs=0xffff, where=None, logs=(b"", b""), measured="", wrong=0):
    """A step: flags, what is wrong, clock info, floors, PCRs, where it goes on, and logs."""
    step = struct.pack(">BBQIIBIHHI", flags, wrong, clock, boot, restart, 1, later, *floors, pcrs)
    if not flags & GO_ON:
        step += struct.pack(">II", *(where or (boot, 0)))
    return b"q" + step + b"".join(sized(part) for part in (*logs, measured.encode()))


def flavor(text, policy=b""):
    return b"f" + sized(text.encode()) + sized(policy)


def first_of_signed(mask):
    """Where less is asked for than a policy has."""
    logs = machine_log("kernel-13", "firmware"), machine_log("kernel-13", "ima")
    first = request(ALL_RIGHT, logs=logs, measured=MEASURED)
    return le(mask, 2) + first + flavor(SIGNED, data("good-policy.yaml")) + request(ALL_RIGHT, boot=8, logs=logs, measured=MEASURED)


def scripts():
    """Steps, each with its letter."""
    logs = {m: (machine_log(m, "firmware"), machine_log(m, "ima")) for m in ("kernel-13", "uki-13", "uki-13-db")}
    policy = data("good-policy.yaml")
    kernel = logs["kernel-13"]
    ima = kernel[1]
    other = MEASURED.replace(hashlib.sha256(b"latchkey:closed").hexdigest(), "ab" * 32)
    first = request(ALL_RIGHT, logs=kernel, measured=MEASURED)
    after = first + flavor(SIGNED, policy)
    with open(os.path.join(EVENT_LOGS, "kernel-13", "pcrs.json"), "rb") as f:
        values = json.load(f)
    values = values.get("pcrs", values)["sha256"]
    equals = WANTED + "equals:\n  bank: sha256\n  values:\n    %s: " + "%s\n"
    again = request(SELECTION | GO_ON, clock=2000)
    yield first
    yield first + again + request(SELECTION | VALUES | GO_ON, clock=3000, floors=(9, 9)) + request(SELECTION, clock=3000)
    yield after + again + request(SELECTION | VALUES | VERSION | GO_ON, clock=3000)
    yield after + request(ALL_RIGHT, clock=50, boot=8, logs=kernel, measured=MEASURED) + \
        request(ALL_RIGHT, clock=60, boot=9, logs=logs["uki-13"], measured=MEASURED)
    yield after + request(ALL_RIGHT | GO_ON, clock=2000, logs=(kernel[0], b""), measured=MEASURED) + \
        request(ALL_RIGHT, clock=3000, where=(7, len(ima)), floors=(50, 50)) + request(ALL_RIGHT, boot=8, logs=kernel, measured=MEASURED, floors=(1, 1))
    yield flavor(equals % (0, "00" * 32)) + first + request(ALL_RIGHT, boot=8, logs=(kernel[0], b"")) + request(SELECTION | GO_ON, boot=8, clock=9000)
    yield flavor(equals % (0, values["0"])) + request(ALL_RIGHT & ~SEQUENCE, logs=kernel)
    for flags in (BAD_SIGNATURE, BAD_NONCE):
        yield first + request(SELECTION | GO_ON | flags, clock=2000)
    for wrong in range(1, 8):
        yield request(ALL_RIGHT, logs=kernel, measured=MEASURED, wrong=wrong)
    yield first + request(SELECTION | GO_ON, clock=2000, restart=1, later=70000) + request(SELECTION | GO_ON, clock=2100, restart=0)
    yield first + request(ALL_RIGHT, boot=3, clock=1, floors=(1, 1), logs=kernel) + request(SELECTION | GO_ON, boot=3, clock=2)
    yield request(ALL_RIGHT, logs=(kernel[0], ima[:-20]), measured="x") + request(ALL_RIGHT | GO_ON, clock=1100, logs=(b"", ima[-20:]))
    yield request(ALL_RIGHT, logs=(kernel[0][:-3], ima[3:]), measured=other)
    yield request(ALL_RIGHT, logs=(kernel[0], logs["uki-13"][1]), measured=MEASURED)
    yield request(ALL_RIGHT, logs=(kernel[0], le(11, 4) + ima[4:] + ima))
    yield request(ALL_RIGHT, logs=(kernel[0], machine_log("oldest-12", "ima")[:4000]))
    yield request(ALL_RIGHT, logs=(logs["uki-13"][0].replace("SecureBoot".encode("utf-16-le"), "SecureBoat".encode("utf-16-le")), ima))
    yield request(VALUES | REPLAYED, pcrs=0x481, logs=(kernel[0], b"")) + request(VALUES, pcrs=0x481) + request(SELECTION | VALUES)
    for measured in ("", other, MEASURED + other, MEASURED.replace("pcr", "pcs")):
        yield after + request(ALL_RIGHT, boot=8, logs=kernel, measured=measured)
        yield after + request(ALL_RIGHT & ~REPLAYED & ~VERSION, boot=8, logs=kernel, measured=measured)
    yield after + request(ALL_RIGHT & ~REPLAYED, boot=8, logs=(kernel[0], b""))
    grown = MEASURED + MEASURED.replace('"pcr": 15', '"pcr": 11')
    yield first + request(ALL_RIGHT | GO_ON, clock=1200, logs=(logs["uki-13"][0], b""), measured=grown)
    yield first + request(ALL_RIGHT | GO_ON, clock=1200, logs=(b"", ima), measured=MEASURED) + request(ALL_RIGHT, clock=1300, logs=(b"", ima))
    yield request(ALL_RIGHT, logs=logs["uki-13"], measured=MEASURED) + flavor(SIGNED, policy) + \
        request(ALL_RIGHT, boot=8, logs=logs["uki-13"], measured=MEASURED) + request(ALL_RIGHT, boot=9, logs=logs["uki-13-db"], measured=MEASURED)
    yield flavor(SIGNED, policy) + flavor("latchkey-flavor: 2") + flavor("x: [") + first
    for text in ("{}", '{"ak":"00"}', "", "[", '{"ak":"%s"}' % ("00" * 34)):
        yield b"t" + sized(text.encode())


def verifier_files():
    """Behind a letter: settings, flavors, a policy file (its size first) with a signed policy, and records."""
    settings_ = "latchkey-verifier: 1\nstate: /s\nstore: /s/db\nlisten: 0.0.0.0:1\npages: none\ncertificate: /c\nkey: /k\nnames: DNS:x\nbank: sha384\n" \
        "pcrs: [0, 7, 15]\nconnections: 100\noverdue: 3\n"
    yield "s" + settings_
    for old, new in (("[0, 7, 15]", "[24]"), ("[0, 7, 15]", "[]"), ("[0, 7, 15]", "x"), ("sha384", "md5"), ("key: /k\n", ""), ("100", "1"), ("3\n", "0\n"),
                     ("verifier: 1", "verifier: 2"), ("state: /s", "state: [x]"), ("state", "states"), ("/s/db", "x" * 600), ("DNS:x", "{a: b}"),
                     ("bank: sha384\n", ""), ("latchkey-verifier", "latchkey-policy")):
        yield "s" + settings_.replace(old, new, 1)
    flavor = "latchkey-flavor: 1\nfloors: required\nima: optional\nequals:\n  bank: sha256\n  values: {0: \"%s\", 7: \"%s\"}\n" % ("11" * 32, "22" * 32)
    yield "f" + flavor
    for old, new in (("required", "x"), ("sha256", "md5"), ("{0", "{24"), ("11" * 32, "11"), ("11" * 32, "zz" * 32), ("values:", "value:"), ("floors", "floor"),
                     ("flavor: 1", "flavor: 2"), ("\n  bank: sha256", "")):
        yield "f" + flavor.replace(old, new, 1)
    for more in ("equals: x\n", "equals: {bank: sha256, values: x}\n", "equals: {bank: sha384, values: {}}\n", "policy-file: p\n", "signed-policies: [x]\n",
                 "policy-file: p\nsigned-policies: [x]\n", ""):
        yield "flatchkey-flavor: 1\n" + more
    policy, signed = data("good-policy.yaml"), data("good-signed.yaml")
    for second in (signed, *files(r"format-1-signed|bad-signed"), signed[:-40], b""):
        yield b"p" + le(len(policy), 2) + policy + second
    yield b"p" + le(3, 2) + b"x: " + signed
    ak = struct.pack(">HHIHHHHHHH", 0x23, 0x0b, 0x50472, 0, 0x10, 0x18, 0x0b, 3, 0x10, 32) + b"x" * 32 + b"\0\x20" + b"y" * 32
    name = (b"\0\x0b" + hashlib.sha256(ak).digest()).hex()
    pem = "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n"
    record = {"ak": {"public": ak.hex(), "name": name}, "ek": {"public": pem % base64.b64encode(bytes(91)).decode()}}
    yield "r" + json.dumps(record)
    yield "r" + json.dumps({"ak": {"public": ak.hex()}})
    for change in ({"ak": {"public": ak.hex(), "name": name[::-1]}}, {"ak": {"public": "00"}}, {"ak": {"public": "0"}}, {"ak": {"public": "00" * 200}}, {"ak": {}},
                   {"ak": 7}, {"ek": {"public": "x"}}, {"ek": {"public": pem % "!"}}, {"ek": {"public": pem % ("A" * 6000)}},
                   {"ek": {"public": "-----BEGIN PUBLIC KEY-----\n-----END"}}, {"ek": {"public": "-----BEGIN PUBLIC KEY-----"}}):
        yield "r" + json.dumps(record | change)
    yield from ("r", "r{", "r[]", "x")
    yield from proven_records(ak, record)


def proven_records(ak, record):
    """With what the attestation key has signed; the target takes every signature."""
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + b"k" * 64
    with unittest.mock.patch.object(attesting, "policy_key", lambda: spki):
        device = attesting.Device("seed")
        device.public, device.ek_spki, device.sign = lambda: ak, lambda: bytes(91), lambda *_: bytes.fromhex("0018000b0001010001" + "01")
        whole = {**record, **device.proof()}
    yield "R" + json.dumps(whole)
    for path in (("proof",), ("proof", "quote"), ("proof", "config-key", "attest"), ("proof", "quote", "bank"), ("objects", "version-floor", "value"),
                 ("objects", "policy-key", "key-name"), ("objects", "storage-root-key", "name"), ("pcrs", "sha256"), ("pcrs", "sha256", "7")):
        for value in (None, "00"):
            changed = json.loads(json.dumps(whole))
            at = changed
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            yield "R" + json.dumps(changed)
    for key in ("key", "other"):
        yield "R" + json.dumps({**whole, "objects": {**whole["objects"], "policy-key": {key: spki.hex()}}})


def broken_json():
    """What json_read.c refuses, in the place of a request."""
    for text in ('', '{', '[', '7', '{"a"', '{"a" 1}', '{"a":', '{"a":}', '{"a":1', '{"a":1,}', '{a:1}', '{"a":1}x', '{"a":1,"a":2}', '{"a":"\\q"}',
                 '{"a":"\\u12"}', '{"a":"\\u00e9\\n"}', '{"a":"\x01"}', '{"a":"x', '{"a":nul}', '{"a":true,"b":null,"c":false}', '{"a":-}',
                 '{"a":-1.}', '{"a":1.5e}', '{"a":1.5e+3,"b":[1,{"c":[]}]}', '{"a":[1,2', '{"a":[1 2]}', '{"a":{"b" 1}}', '{"a":{"b":1,}}',
                 '{"a":' + '[' * 80, '{"device":7}', '{"device":"x","boot":"x"}', '{"boot":-1,"floors":[]}', '{"floors":{}}', '{"floors":[7]}',
                 '{"pcrs":{}}', '{"pcrs":[1,2', '{"quote":[]}', '{"boot":1.5}', '{"boot":99999999999999999999}', '{"device" "x"}', '{"device":"x","device":"x"}'):
        yield b"r" + text.encode()
        yield b"a" + text.encode()
        yield b"c" + text.encode()
        yield b"m" + text.encode()
    yield b'r{"device":"\xff"}'


def messages():
    yield from broken_json()
    """A kind first: request, answer, measured log, challenge."""
    request = {"ak": "000b" + "11" * 32, "quote": "QUJD", "signature": "QUJDRA==", "nonce": "QQ==", "boot": 3, "ima-from": 12}
    yield "r" + json.dumps(request)
    floor = {"attest": "QUJD", "signature": "QUJD"}
    request |= {"values": "QUJD", "firmware-log": "QUJDRA==", "ima-log": "QQ==", "measurements": "Qg==",
                "floors": {"version": floor, "sequence": floor}}
    yield "r" + json.dumps(request)
    yield "r" + json.dumps(request | {"boot": -1})
    yield "r" + json.dumps(request | {"other": [1, {"a": None}, 1.5e3, "\\u00e9"]})
    yield "r" + json.dumps(request).replace("QUJD", "QU\\nJD")
    reason = {"part": "boot", "verdict": "untrusted", "text": "PCR 7: \u202e \ud83d\ude00 \" \\ \n"}
    answer = {"verdict": "untrusted", "next": {"boot": 3, "ima-from": 12}, "reasons": [reason, reason]}
    yield "a" + json.dumps(answer)
    yield "a" + json.dumps({"error": "old-nonce", "text": "ask again", "more": [[[[]]]]})
    yield "a" + '{"verdict":"\\ud800","reasons":[]}'
    record = {"pcr": 15, "digests": [{"hashAlg": "sha1", "digest": "00" * 20}, {"hashAlg": "sha256", "digest": "22" * 32}],
              "content_type": "systemd", "content": {"string": "latchkey:closed", "bootId": "0" * 32, "timestamp": 5}}
    yield "m" + ("\x1e" + json.dumps(record) + "\n") * 2
    yield "m" + "\x1e" + json.dumps(record | {"pcr": 24})
    yield "m" + "\x1e\x1e" + json.dumps(record)
    yield "c" + json.dumps({"nonce": base64.b64encode(bytes(32)).decode(), "bank": "sha256", "pcrs": "0,7,10"})
    yield "c" + json.dumps({"nonce": "AAAA", "bank": "sha1", "pcrs": ""})


def unextended():
    """Signed policies that name PCRs that nobody extends."""
    zero = {0: "00" * 31 + "03", 7: "22" * 32, 10: "00" * 32, 15: "00" * 32}
    text = policy_files.signed_policy(pcrs={n: bytes.fromhex(v) for n, v in zero.items()})
    for list_ in ("[0, 10]", "[7]", "[10, 10]", "[]", "10", "[{}]"):
        yield text + f"unextended: {list_}\n"
    yield "\ufeff" + text


def areas():
    """Header copies of 8 and 16 KiB: the first, the second, both; with much in them, and cut."""
    def copy(magic, size, json):
        return (magic + struct.pack(">HQ", 2, size)).ljust(4096, b"\0") + json
    good = copy(b"LUKS\xba\xbe", 0x4000, b'{"keyslots":{}}')
    second = copy(b"SKUL\xba\xbe", 0x4000, b"{}")
    yield from (good, good.ljust(0x4000, b"\0") + second, bytes(0x4000) + second, good[:4096], good[:10], b"LUKS\xba\xbe\0\1")
    yield copy(b"LUKS\xba\xbe", 0x2000, b"{}," * 1365)
    yield copy(b"LUKS\xba\xbe", 0x4000, b"[" * 4097)
    yield copy(b"LUKS\xba\xbe", 2**64 - 1, b"{}")


def tpm_answers():
    """Scripts for fuzz_tpm_answers.c: the size of a remembered handle in 2 bytes, it, and answers, each with its size."""
    def answer(body, code=0, tag=0x8001):
        return struct.pack(">HII", tag, 10 + len(body), code) + body

    def script(*answers, handle=b""):
        return le(len(handle), 2) + handle + b"".join(le(len(a), 2) + a for a in answers)

    def sized(data):
        return struct.pack(">H", len(data)) + data

    def capability(kind, *entries, count=None):
        return answer(struct.pack(">BII", 0, kind, len(entries) if count is None else count) + b"".join(entries))
    public = struct.pack(">HHIHHHHHHH", 0x23, 0x0b, 0x30472, 0, 6, 128, 0x43, 0x10, 3, 0x10) + sized(b"x" * 32) + sized(b"y" * 32)
    name = b"\0\x0b" + hashlib.sha256(public).digest()
    read = answer(sized(public) + sized(name) + sized(name))
    handles = capability(1, struct.pack(">I", 0x81000001), struct.pack(">I", 0x81000002))
    properties = capability(6, *(struct.pack(">II", 0x20e + i, i) for i in range(4)))
    commands = capability(2, struct.pack(">I", 0x12f))
    full = [answer(b"", code) for code in (0x902, 0x903, 0x904, 0x905, 0x901)]
    transient = capability(1, struct.pack(">I", 0x80000000), struct.pack(">I", 0x80000001))
    sessions = capability(1, struct.pack(">I", 0x02000000))
    none, ok = capability(1), answer(b"")
    many = capability(1, *(struct.pack(">I", 0x80000000 + i) for i in range(64)))
    good = [read, handles, properties, commands, capability(0), properties]
    yield script()
    yield script(*good)
    yield script(*good, transient, ok, ok, sessions, ok, none)
    yield script(read, properties, handles, commands, handles, handles)
    yield script(read, capability(1, count=9), capability(6, count=1 << 31), capability(2, count=0xffffffff))
    for code in full:
        yield script(code, transient, ok, ok, sessions, ok, sessions, ok, *good)
        yield script(code, transient, ok, answer(b"", 0x18b), none, code, none, none, none, *good)
        yield script(code, none, none, none, *good)
    yield script(full[1], *([many] + [ok] * 64) * 3, none, none, read)
    for cut in (0, 1, 5, 9, 10, 14, 18, len(handles) - 1):
        yield script(read, handles[:cut], *good)
        yield script(full[1], handles[:cut], *good)
    yield script(full[1], answer(struct.pack(">BII", 0, 6, 1) + bytes(8)), none, none, *good)
    yield script(full[1], answer(struct.pack(">BII", 0, 1, 65) + bytes(260)), none, none, *good)
    yield script(full[1], answer(struct.pack(">BII", 0, 1, 1) + bytes(9)), none, none, *good)
    serialized = struct.pack(">I", 0x81000001) + sized(name) + struct.pack(">I", 1) + sized(public)
    for handle in (serialized, serialized[:-1], b"\x82" + serialized[1:], serialized.replace(name, name[:-1] + b"\0"), b"x" * 40):
        yield script(*good, handle=handle)
    started = answer(struct.pack(">I", 0x02000000) + sized(b"n" * 16))
    yield script(*good, started, full[1], sessions, none, sessions, none, *good, transient, ok, ok)
    yield script(*good, started, full[4], none, sessions, ok, none, *good)
    for code in (0x18b, 0x921, 0x922, 0x128, 0x101, 0x98e):
        yield script(answer(b"", code), *[answer(b"", code)] * 6)


def booted():
    """Booted records, and settings of systemd-boot, which the same target reads."""
    for digest in ("ab" * 32, "cd" * 48, "", "ab", "zz" * 32):
        yield f'{{"latchkey-booted":1,"version":7,"policy":"{digest}"}}\n'
    yield '{"latchkey-booted":2,"version":7,"policy":""}'
    yield '{"latchkey-booted":1,"version":4294967296,"policy":""}'
    yield '{"latchkey-booted":1,"more":1}'
    for words in ('"root-key":"00","sealed":""', '"root-key":"0","sealed":"00"', '"root-key":"00","sealed":[]', '"remembered":{"policy":"ab","ticket":"cd"}',
                  '"remembered":{}', '"more":1'):
        yield '{"latchkey-learned":1,%s}' % words
    yield '{"latchkey-learned":2}'
    yield "default latchkey-*\ntimeout 3\n# a comment\n\nconsole-mode keep\neditor no\n"
    yield "default @saved\n"
    yield "default  a.efi \r\ndefault b.efi\n"
    yield "timeout\n  timeout 1\n\tdefault x"
    yield "secure-boot-enroll force\n"
    yield "unknown 1\n"
    yield "default\n"


def http_heads():
    good = b"POST /v1/attest?q=%C3%A4+b&verdict= HTTP/1.1\r\nHost: localhost:8443\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    yield from (good, good[:-2], good.replace(b"1.1", b"1.0"), good.replace(b"\r\n", b"\n"), good.replace(b"/v1", b"/%2e%2e"), good.replace(b"/v1", b"//v1"))
    yield b"GET / HTTP/1.1\r\nAuthorization: Bearer 0123\r\nConnection: close\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nAuthorization: Basic bWU6dG9rZW4=\r\n\r\n"
    yield b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"
    yield b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nX: " + b"a" * 8200 + b"\r\n\r\n"
    for line in (b"GET", b"G(T / HTTP/1.1", b"GET / HTTQ/1.1", b"GET / HTTP/2.0", b"GET /" + b"a" * 4000 + b" HTTP/1.1", b"GET /\x80 HTTP/1.1", b"GET x HTTP/1.1",
                 b"GET /%ff HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /%4 HTTP/1.1", b"GET /a//b HTTP/1.1", b"GET /./b HTTP/1.1", b"GET /?a=b&q=%zz HTTP/1.1",
                 b"PUT / HTTP/1.1", b"POST / HTTP/1.1", b"GET /a\\b HTTP/1.1", b"GET /%01 HTTP/1.1"):
        yield line + b"\r\n\r\n"
    for field in (b"X", b"X Y: z", b" X: y", b"X: \x01", b"Content-Length: ", b"Content-Length: 1x", b"Content-Length: 1234567890123", b"Host: " + b"h" * 600,
                  b"Host: a\r\nHost: b", b"Expect: x", b"Content-Type: " + b"t" * 600, b"Content-Type: a\r\nContent-Type: b", b"Authorization: Bearer " + b"b" * 600,
                  b"Authorization: Basic !", b"Authorization: Basic bWU=", b"Authorization: Basic bWU6AA==", b"Authorization: Bearer a\r\nAuthorization: Bearer b",
                  b"X:  y \t ", b"Connection: keep-alive"):
        yield b"GET / HTTP/1.1\r\n" + field + b"\r\n\r\n"
    yield b"GET / HTTP/1.1\r\n\r\nmore"


def main():
    write("tpm_answers", tpm_answers())
    write("booted", booted())
    write("policy_file", files(r"good-policy|format-1-policy|off-curve|bad-(?!signed)") + list(policies()))
    write("signed_policy", files(r"good-signed|format-1-signed|bad-signed|bad-anchor") + list(unextended()))
    write("policy_bundle", bundles())
    write("boot_argument", boot_arguments())
    write("token", tokens())
    write("attest", attests())
    write("attest_message", itertools.chain(messages(), ("s" + text for text in attest_settings())))
    write("log_export", log_exports())
    write("judge", judged())
    write("verifier_file", verifier_files())
    write("http_head", http_heads())
    write("signed_root_key", root_keys())
    write("luks_area", areas())
    write("luks_header", (json.dumps(h) for h in headers()))
    write("pcr_values", pcr_values())
    write("key", keys())
    write("blob_header", blobs())
    write("userconfig_file", settings())
    write("fstab", fstabs())
    write("manifest", manifests())
    write("agreed", agreed())
    write("archive_rules", entries())
    write("tar_names", tar_names())
    write("zstd_frames", zstd_frames())
    write("event_log", itertools.chain(event_logs(), odd_logs()))
    write("text", texts())
    write("ima_log", ima_logs())
    write("log_match", log_pairs())
    write("image", images())
    write("log_plan", plans())
    write("boot_diff", boots())
    write("next_boot", next_boots())


if __name__ == "__main__":
    main()
