# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns changing a LUKS2 header behind libcryptsetup's back, checksums repaired, as an
attacker with the disk in hand can."""
import hashlib
import json
import struct

CHECKSUM = slice(448, 512)


def sizes(path):
    with open(path, "rb") as f:
        head = f.read(4096)
    return struct.unpack(">Q", head[8:16])[0]


def read(path):
    """The JSON of the first header copy."""
    size = sizes(path)
    with open(path, "rb") as f:
        area = f.read(size)
    return json.loads(area[4096:].split(b"\0", 1)[0])


def write(path, document):
    """Puts the JSON into both copies and makes their checksums right."""
    text = json.dumps(document, separators=(",", ":")).encode()
    assert len(text) < sizes(path) - 4096, "the JSON area is too small for that"
    change_binary(path, 4096, text.ljust(sizes(path) - 4096, b"\0"))


def change_binary(path, at, data):
    """Puts bytes at an offset of both copies and makes their checksums right."""
    size = sizes(path)
    with open(path, "r+b") as f:
        for offset in (0, size):
            f.seek(offset)
            area = bytearray(f.read(size))
            area[at:at + len(data)] = data
            area[CHECKSUM] = bytes(64)
            area[CHECKSUM] = hashlib.sha256(area).digest().ljust(64, b"\0")
            f.seek(offset)
            f.write(area)


def change(path, function):
    document = read(path)
    function(document)
    write(path, document)
