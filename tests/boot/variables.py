# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the firmware's variables as its flash holds them (EDK II, AuthenticatedVariableFormat.h): reading, and writing with others."""

import struct
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
STORE_HEADER = 28
HEADER = struct.Struct("<HBBIQ16sIII16s")
LIVE = 0x3f
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
SECURE_BOOT_ENABLE = uuid.UUID("f0a30bc7-af08-4556-99c4-001009c93a44").bytes_le


@dataclass(frozen=True)
class Variable:
    header: tuple
    name: str
    data: bytes

    def pack(self):
        start, _, reserved, *more = self.header[:7]
        name = self.name.encode("utf-16-le") + b"\0\0"
        packed = HEADER.pack(start, LIVE, reserved, *more, len(name), len(self.data), self.header[9]) + name + self.data
        return packed + b"\xff" * (-len(packed) % 4)


def _walk(flash, at, end):
    while at + HEADER.size <= end:
        header = HEADER.unpack_from(flash, at)
        if header[0] != 0x55aa:
            return
        name, data = at + HEADER.size, at + HEADER.size + header[7]
        if header[1] == LIVE:
            yield Variable(header, flash[name:data].decode("utf-16-le").rstrip("\0"), flash[data:data + header[8]])
        at = (data + header[8] + 3) & ~3


def change(source, out, changes):
    """The same flash with other data in these variables; changes: name to a function from the old data to the new."""
    flash = bytearray(Path(source).read_bytes())
    store = flash.index(STORE)
    end = store + struct.unpack_from("<I", flash, store + 16)[0]
    begin = store + STORE_HEADER
    found = {v.name: v for v in _walk(flash, begin, end)}
    for name, function in changes.items():
        found[name] = replace(found[name], data=function(found[name].data))
    packed = b"".join(v.pack() for v in found.values())
    assert len(packed) <= end - begin
    flash[begin:end] = packed + b"\xff" * (end - begin - len(packed))
    Path(out).write_bytes(flash)
    return Path(out)


def signature_list(certificate):
    """EFI_SIGNATURE_LIST of one certificate in DER."""
    entry = uuid.UUID("11111111-2222-3333-4444-555555555555").bytes_le + certificate
    return X509 + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry
