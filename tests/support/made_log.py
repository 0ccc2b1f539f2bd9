# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns logs that a test makes from nothing: of any banks, in both formats, with data that may not be what was measured."""
import hashlib
import struct

ALGS = {"sha1": (0x4, 20), "sha256": (0xB, 32), "sha384": (0xC, 48), "sha512": (0xD, 64)}
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
IMAGES = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")
SHIM = bytes.fromhex("50ab5d6046e00043abb63dd810dd8b23")

NO_ACTION, SEPARATOR, ACTION, TAG, VERSION, IPL = 3, 4, 5, 6, 8, 13
CONFIG, BOOT, IMAGE, GPT, EFI_ACTION, AUTHORITY = 0x80000001, 0x80000002, 0x80000003, 0x80000006, 0x80000007, 0x800000E0


def spec_id(banks, index=0, signature=b"Spec ID Event03\0", vendor=b""):
    body = signature + bytes([0, 0, 0, 0, 0, 2, 0, 2]) + struct.pack("<I", len(banks))
    body += b"".join(struct.pack("<HH", *ALGS[b]) for b in banks) + bytes([len(vendor)]) + vendor
    return struct.pack("<II", index, NO_ACTION) + bytes(20) + struct.pack("<I", len(body)) + body


class Log:
    """Events, each with what was measured; and the values that a TPM then has."""

    def __init__(self, *banks, index=0):
        self.banks = banks or ("sha256", "sha384")
        self.bytes = spec_id(self.banks, index)
        self.values = {b: {} for b in self.banks}

    def event(self, pcr, kind, data, measured=None, banks=None):
        """@measured: the bytes that were, where they aren't the data."""
        measured = data if measured is None else measured
        digests = {b: hashlib.new(b, measured).digest() for b in banks or self.banks}
        self.bytes += struct.pack("<III", pcr, kind, len(digests))
        for bank, digest in digests.items():
            self.bytes += struct.pack("<H", ALGS[bank][0]) + digest
            if kind != NO_ACTION:
                was = self.values[bank].get(pcr, bytes(len(digest)))
                self.values[bank][pcr] = hashlib.new(bank, was + digest).digest()
        self.bytes += struct.pack("<I", len(data)) + data
        return self

    def pcrs(self, *banks):
        """All PCRs of these banks, as log show reads them."""
        return {b: {str(n): self.values[b].get(n, bytes(ALGS[b][1])).hex() for n in range(17)} for b in banks or self.banks}


def old_log(*events):
    """TCG_PCClientPCREvents, as before TPM 2.0."""
    return b"".join(struct.pack("<II", pcr, kind) + hashlib.sha1(data).digest() + struct.pack("<I", len(data)) + data
                    for pcr, kind, data in events)


def variable(guid, name, data):
    return guid + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data


def field(data):
    return struct.pack("<I", len(data)) + data


def entry(template, data, sha1=None):
    """One of the kernel's log, with the SHA-1 of its data or another."""
    sha1 = hashlib.sha1(data).digest() if sha1 is None else sha1
    return struct.pack("<I", 10) + sha1 + field(template) + field(data)


def ima_ng(name, content=b"content"):
    return field(b"sha256:\0" + hashlib.sha256(content).digest()) + field(name + b"\0")


def extend(bank, *digests):
    """The value of a PCR that these were extended into."""
    value = bytes(ALGS[bank][1])
    for digest in digests:
        value = hashlib.new(bank, value + digest).digest()
    return value
