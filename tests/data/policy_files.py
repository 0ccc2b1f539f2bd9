#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns good and bad policy files and signed policies, and what makes them.

Written from latchkey-policy(5) and the TPM 2.0 specification, with none of the
program's code. Run as a program it writes policy/*.yaml beside itself. The key
is the private key 1, and nonces are 2 and up: the same bytes on every run, and
nobody could take them for a secret.
"""
import base64
import hashlib
import os
import re
import struct

P = 2**384 - 2**128 - 2**96 + 2**32 - 1
N = 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973
G = (0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
     0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f)


def _add(a, b):
    """Point addition on P-384 (y^2 = x^3 - 3x + b), of points that aren't inverse."""
    if a == b:
        m = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


def point(k):
    """k * G, for a small k."""
    q = G
    for _ in range(k - 1):
        q = _add(q, G)
    return q


def pem(q):
    """SubjectPublicKeyInfo of a point."""
    der = bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004")
    der += q[0].to_bytes(48, "big") + q[1].to_bytes(48, "big")
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----"])


def key_name(q):
    """TPM Name: 000c and SHA-384 of TPMT_PUBLIC (Part 2, 12.2.4)."""
    public = struct.pack(">HHIHHHHHH", 0x23, 0x0c, 0x40040, 0, 0x10, 0x18, 0x0c, 4, 0x10)
    for c in q:
        public += struct.pack(">H", 48) + c.to_bytes(48, "big")
    return b"\x00\x0c" + hashlib.sha384(public).digest()


def approved_policy(pcrs, version, bank="sha256", floor=0x018a0001, h="sha384"):
    """PolicyPCR, then PolicyNV where there is a floor (Part 3, 23.7 and 23.9)."""
    mask = sum(1 << i for i in pcrs)
    selection = struct.pack(">IHB", 1, {"sha256": 0x0b, "sha384": 0x0c}[bank], 3)
    selection += mask.to_bytes(3, "little")
    values = hashlib.new(h, b"".join(pcrs[i] for i in sorted(pcrs))).digest()
    zero = bytes(hashlib.new(h).digest_size)
    digest = hashlib.new(h, zero + struct.pack(">I", 0x17f) + selection + values).digest()
    if floor is None:
        return digest
    public = struct.pack(">IHIHH", floor, 0x0b, 0x22060016, 0, 8)
    name = b"\x00\x0b" + hashlib.sha256(public).digest()
    args = hashlib.new(h, struct.pack(">QHH", version, 0, 9)).digest()
    return hashlib.new(h, digest + struct.pack(">I", 0x149) + args + name).digest()


def sign(digest, private=1, nonce=2):
    """ECDSA with P-384 of an SHA-384 digest: r || s."""
    r = point(nonce)[0] % N
    s = pow(nonce, -1, N) * (int.from_bytes(digest, "big") + r * private) % N
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def reference(name="latchkey:luks", *, bank="sha256", pcrs=(0, 7, 10), latch=15, floor=0x018a0001):
    """The policyRef of format 2: a name, and the selection's digest (latchkey-policy(5))."""
    floor = "none" if floor is None else f"0x{floor:08x}"
    line = f"bank={bank} pcrs={','.join(map(str, sorted(pcrs)))} latch={latch} floor={floor}"
    return f"{name}:{hashlib.sha256(line.encode()).hexdigest()[:16]}"


def policy_file():
    indented = "\n".join("  " + line for line in pem(G).split("\n"))
    return f"""latchkey-policy: 2
policy-key: |
{indented}
policy-ref: "latchkey:luks"
bank: sha256
pcrs: [0, 7, 10]
latch: 15
version-floor: 0x018a0001
on-failure: fail
volumes:
  - name: root
    device: PARTLABEL=root
    handle: 0x8100a001
    options: [discard]
"""


PCRS = {0: b"\x11" * 32, 7: b"\x22" * 32, 10: b"\x33" * 32, 15: bytes(32)}


def signed_policy(*, version=3, pcrs=None, ref=reference(), digest=None, private=1,
                  signature=None, floor=0x018a0001):
    pcrs = PCRS if pcrs is None else pcrs
    digest = digest or approved_policy(pcrs, version, floor=floor)
    if signature is None:
        signature = sign(hashlib.sha384(digest + ref.encode()).digest(), private)
    lines = ["latchkey-signed-policy: 1", 'label: "test"']
    if floor is not None:
        lines.append(f"version: {version}")
    lines += [f'policy-ref: "{ref}"', "bank: sha256", "pcrs:"]
    lines += [f'  {i}: "{v.hex()}"' for i, v in sorted(pcrs.items())]
    lines.append("version-floor: " + ("none" if floor is None else f"0x{floor:08x}"))
    lines += [f'digest: "{digest.hex()}"', f'key: "{key_name(G).hex()}"',
              f'signature: "{signature.hex()}"']
    return "\n".join(lines) + "\n"


def _swap(text, old, new):
    if text.count(old) != 1:
        raise AssertionError(f"{old!r} is there {text.count(old)} times")
    return text.replace(old, new)


def _line(text, part):
    return text[:text.index(part)].count("\n") + 1


def _at(text, part):
    """What an error has to say of the place where @part begins or is in."""
    return f":? ?{_line(text, part)}:\\d+: "


def bad_policy_files():
    """Name -> (bytes, regular expression for the message)."""
    good = policy_file()
    cases = {}

    def case(name, old, new, place=None, said=""):
        text = _swap(good, old, new)
        cases[name] = (text.encode(), _at(text, place or new) + ".*" + said)

    case("syntax", "pcrs: [0, 7, 10]", "pcrs: [0, 7, 10", "latch: 15")
    case("tab", "    device:", "\tdevice:", "\tdevice:")
    case("unknown-key", "bank: sha256", "banc: sha256", said="banc")
    case("unknown-volume-key", "    options:", "    optoins:", said="optoins")
    case("duplicate-key", "latch: 15", "latch: 15\nbank: sha384", "bank: sha384", "bank")
    case("anchor", "latch: 15", "latch: &a 15", said="anchor")
    case("alias", "latch: 15", "latch: *a", said="alias")
    case("merge", "bank: sha256", "<<: *a", said="alias")
    case("tag", "latch: 15", "latch: !!int 15", said="tag")
    case("directive", "latchkey-policy: 2", "%YAML 1.1\n---\nlatchkey-policy: 2", "%YAML",
         "directive")
    case("two-documents", "    options: [discard]\n", "    options: [discard]\n---\na: 1\n",
         "---\na: 1", "second document")
    case("nine-levels", "pcrs: [0, 7, 10]", "pcrs: [[[[[[[[[0]]]]]]]]]", said="8 levels")
    case("map-as-key", "latch: 15", "{a: b}: 15", said="key")
    case("nul", "latch: 15", 'latch: "1\\05"', said="control character")
    case("format", "latchkey-policy: 2", "latchkey-policy: 3", said="latchkey-policy")
    case("no-key", "bank: sha256\n", "", "latchkey-policy", "bank")
    case("long-ref", '"latchkey:luks"', '"' + "x" * 16 + '"', said="policy-ref: at most 15")
    case("empty-ref", '"latchkey:luks"', '""', said="policy-ref")
    case("strange-ref", '"latchkey:luks"', '"latchkey luks"', said="policy-ref: a name")
    text = _swap(_swap(good, "latchkey-policy: 2", "latchkey-policy: 1"), "latchkey:luks", reference())
    cases["bound-ref-in-format-1"] = (text.encode(), _at(text, "policy-ref") + ".*policy-ref")
    text = _swap(_swap(good, "latchkey-policy: 2", "latchkey-policy: 1"), "latchkey:luks", "x" * 49)
    cases["long-ref-in-format-1"] = (text.encode(), _at(text, "policy-ref") + ".*policy-ref")
    case("bank", "bank: sha256", "bank: sha1", said="bank")
    case("pcr-24", "[0, 7, 10]", "[0, 7, 24]", said="24")
    case("pcr-twice", "[0, 7, 10]", "[0, 7, 7]", said="7")
    case("pcr-octal", "[0, 7, 10]", "[0, 07, 10]", said="number")
    case("pcr-negative", "[0, 7, 10]", "[0, -7, 10]", said="number")
    case("no-pcrs", "[0, 7, 10]", "[]", said="pcrs")
    case("latch-in-pcrs", "[0, 7, 10]", "[0, 7, 15]", "latch: 15", "latch")
    case("latch-resettable", "latch: 15", "latch: 16", said="latch")
    case("floor-not-nv", "0x018a0001", "0x818a0001", said="version-floor")
    case("floor-not-a-number", "0x018a0001", "yes", said="version-floor")
    case("on-failure", "on-failure: fail", "on-failure: shell", said="on-failure")
    case("prompt-without-latch", "latch: 15\nversion-floor: 0x018a0001\non-failure: fail",
         "latch: none\nversion-floor: 0x018a0001\non-failure: prompt", "on-failure", "latch")
    text = _swap(_swap(good, "latch: 15", "latch: none"), "    options:",
                 "    on-failure: prompt\n    options:")
    cases["volume-prompt-without-latch"] = (text.encode(),
                                            _at(text, "on-failure: prompt") + ".*latch")
    case("null-cipher", "    options:", "    cipher: cipher_null-ecb\n    options:",
         "cipher_null", "cipher")
    case("key-size", "    options:", "    key-size: 100\n    options:", "key-size", "key-size")
    case("sector-size", "    options:", "    sector-size: 8192\n    options:", "sector-size",
         "sector-size")
    case("sector-size-odd", "    options:", "    sector-size: 1536\n    options:", "sector-size",
         "sector-size")
    case("integrity", "    options:", "    integrity: crc32\n    options:", "integrity",
         "integrity")
    case("pin", "    options:", "    pin: maybe\n    options:", "pin", "pin")
    case("option", "[discard]", "[disc]", said="disc")
    case("handle", "0x8100a001", "0x40000001", said="handle")
    case("volume-name", "name: root", "name: ../root", said="name")
    case("timeout", "on-failure: fail", "on-failure: fail\ntimeout-tpm: 601", "timeout-tpm",
         "timeout-tpm")
    for name, value in (("map", "{}"), ("word", "PARTLABEL=a"), ("relative", "[a/b]"), ("no-value", "[PARTLABEL=]"), ("list", "[[]]"),
                        ("twice", "[LABEL=a, LABEL=a]"), ("five", "[/1, /2, /3, /4, /5]"), ("long", "[/" + "x" * 255 + "]")):
        case(f"signed-from-{name}", "on-failure: fail", f"on-failure: fail\nsigned-from: {value}", "signed-from", "signed-from")
    case("timeout-signed", "on-failure: fail", "on-failure: fail\ntimeout-signed: 601", "timeout-signed", "timeout-signed")
    case("timeout-prompt", "on-failure: fail", "on-failure: fail\ntimeout-prompt: 86401", "timeout-prompt", "timeout-prompt")
    case("after-prompt", "on-failure: fail", "on-failure: fail\nafter-prompt: prompt", "after-prompt", "after-prompt")
    case("volumes-map", "  - name: root\n", "    name: root\n", "    name: root", "volumes")
    case("key-private", "BEGIN PUBLIC KEY", "BEGIN PRIVATE KEY", "policy-key", "policy-key")
    case("key-not-base64", "MHYw", "M?Yw", "policy-key", "policy-key")
    case("key-cut", "MHYw", "", "policy-key", "policy-key")
    bad_utf8 = good.encode().replace(b"PARTLABEL=root", b"PARTLABEL=\xc3\x28")
    cases["bad-utf8"] = (bad_utf8, f":? ?{_line(good, 'PARTLABEL')}:\\d+: ")
    cases["utf16"] = (b"\xff\xfe" + good.encode("utf-16-le"), "1:1: ")
    cases["empty"] = (b"", "1:1: ")
    cases["scalar"] = (b"latchkey-policy", "1:1: ")
    return cases


def bad_signed_policies():
    """Name -> (bytes, exit code, regular expression for the message)."""
    good = signed_policy()
    cases = {}

    def case(name, text, code, said):
        cases[name] = (text.encode(), code, said)

    def edit(name, old, new, said):
        text = _swap(good, old, new)
        case(name, text, 3, _at(text, new) + ".*" + said)

    edit("signed-unknown-key", "label:", "lable:", "lable")
    edit("signed-duplicate-key", "bank: sha256\n", "bank: sha256\nlabel: a\n", "label")
    edit("signed-version-0", "version: 3", "version: 0", "version")
    edit("signed-version-2-32", "version: 3", "version: 4294967296", "version")
    edit("signed-short-pcr", "11" * 32, "11" * 31, "PCR 0")
    edit("signed-odd-digits", "33" * 32, "33" * 32 + "3", "PCR 10")
    edit("signed-pcr-24", "  10: ", "  24: ", "24")
    edit("signed-anchor", "bank: sha256", "bank: &x sha256", "anchor")
    edit("signed-long-label", '"test"', '"' + "x" * 129 + '"', "label")
    cases["signed-duplicate-key"] = (cases["signed-duplicate-key"][0], 3, "6:\\d+: .*label")
    case("signed-no-signature", re.sub("signature: .*\n", "", good), 3, "signature")
    case("signed-empty-signature", re.sub('signature: ".*"\n', 'signature: ""\n', good), 3,
         "signature")
    case("signed-cut-signature", re.sub('..("\n)$', r"\1", good), 3, "signature")
    case("signed-version-without-floor", _swap(good, "0x018a0001", "none"), 3, "version")
    digest = approved_policy(PCRS, 3)
    tbs = hashlib.sha384(digest + reference().encode()).digest()
    r, s = sign(tbs)[:48], sign(tbs)[48:]
    zero, n = bytes(48), N.to_bytes(48, "big")
    for name, value in (("r-0", zero + s), ("s-0", r + zero), ("r-n", n + s), ("s-n", r + n),
                        ("r-max", b"\xff" * 48 + s), ("zeros", zero + zero),
                        ("s-flipped", r + s[:-1] + bytes([s[-1] ^ 1]))):
        case("signed-" + name, signed_policy(signature=value), 5, "signature")
    case("signed-by-another-key", signed_policy(private=2), 5, "signature")
    case("signed-other-ref", signed_policy(ref="latchkey:other"), 5, "policy-ref")
    case("signed-name-as-ref", signed_policy(ref="latchkey:luks"), 5, "policy-ref")
    case("signed-for-no-latch", signed_policy(ref=reference(latch="none")), 5, "policy-ref")
    case("signed-other-digest", signed_policy(digest=approved_policy(PCRS, 4)), 5, "digest")
    case("signed-other-pcrs", _swap(good, "22" * 32, "44" * 32), 5, "digest")
    case("signed-other-version", _swap(good, "version: 3", "version: 4"), 5, "digest")
    case("signed-fewer-pcrs", signed_policy(pcrs={0: PCRS[0], 7: PCRS[7], 15: PCRS[15]}), 5,
         "pcrs")
    case("signed-no-latch", signed_policy(pcrs={i: PCRS[i] for i in (0, 7, 10)}), 5, "pcrs")
    case("signed-no-floor", signed_policy(floor=None), 5, "version-floor")
    case("signed-other-floor", signed_policy(floor=0x018a0003), 5, "version-floor")
    case("signed-other-key-name",
         _swap(good, key_name(G).hex(), key_name(point(2)).hex()), 5, "key")
    return cases


def huge_files():
    """What is too large to keep: name -> (bytes, regular expression)."""
    good = policy_file().encode()
    deep = 100000
    return {
        "flow-levels": (good.replace(b"[0, 7, 10]", b"[" * deep + b"]" * deep), r"\d+:\d+: "),
        "block-levels": (b"- " * deep + b"a\n", r"1:\d+: "),
        "map-levels": (b"{a: " * 60000 + b"}" * 10, r"1:\d+: "),
        "scalar": (good.replace(b"PARTLABEL=root", b"x" * (64 << 20)), "larger|at most"),
        "keys": (b"".join(b"k%d: 1\n" % i for i in range(25000)), r"\d+:\d+: "),
        "list": (good.replace(b"[0, 7, 10]", b"[" + b"1," * 100000 + b"1]"), r"\d+:\d+: "),
    }


def format_1():
    """A policy file and a signed policy of format 1, as installations have them."""
    return (_swap(policy_file(), "latchkey-policy: 2", "latchkey-policy: 1").encode(),
            signed_policy(ref="latchkey:luks").encode())


def off_curve_policy_file():
    """Reads well; its key is no point of the curve, which verification says."""
    good = policy_file()
    for old, new in zip(pem(G).split("\n"), pem((G[0] + 1, G[1])).split("\n")):
        good = good.replace(old, new)
    return good


FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy")


def kept_files():
    """What is committed: file name -> bytes."""
    files = {"good-policy": policy_file().encode(), "good-signed": signed_policy().encode(),
             "off-curve-policy": off_curve_policy_file().encode(),
             "format-1-policy": format_1()[0], "format-1-signed": format_1()[1]}
    files.update({"bad-" + k: v[0] for k, v in bad_policy_files().items()})
    files.update({"bad-" + k: v[0] for k, v in bad_signed_policies().items()})
    return {name + ".yaml": data for name, data in files.items()}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, data in kept_files().items():
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
