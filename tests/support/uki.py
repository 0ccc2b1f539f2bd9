# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a second implementation of what is measured of a unified kernel image, and making small ones."""
import hashlib
import struct

HEADER = 1024
CMDLINE = b"quiet ro"
# In the order that systemd-stub 257 measures them in.
SECTIONS = {".linux": b"a kernel", ".osrel": b"ID=x\n", ".cmdline": CMDLINE, ".initrd": b"an initrd", ".sbat": b"sbat"}


def image(sections, signatures=b""):
    """PE32+ with these sections one after the other, and what signs it at its end."""
    end = HEADER + sum(map(len, sections.values()))
    directories = bytes(32) + struct.pack("<II", end if signatures else 0, len(signatures))
    optional = struct.pack("<H58xII40xI", 0x20b, HEADER, 0, 5) + directories
    header = struct.pack("<2s58xI4sHH12xHH", b"MZ", 64, b"PE\0\0", 0x8664, len(sections), len(optional), 0) + optional
    at = HEADER
    for name, content in sections.items():
        header += struct.pack("<8sIIII16x", name.encode(), len(content), at, len(content), at)
        at += len(content)
    return header.ljust(HEADER, b"\0") + b"".join(sections.values()) + signatures


def unified(changes=None, signatures=b""):
    return image({".sdmagic": b"#### LoaderInfo: systemd-stub 257.13-1~deb13u1 ####", **SECTIONS, **(changes or {})}, signatures)


def signed_by(log, changes=None):
    """An image whose signature holds the certificate that accepted the one in the log."""
    at = log.rindex("db".encode("utf-16-le"))
    size = struct.unpack_from("<Q", log, at - 8)[0]
    return unified(changes, b"signature of " + log[at + 4 + 16:at + 4 + size])


def authenticode(file, signatures, bank):
    """Of what image() makes: the checksum lies at 152, the place of the signatures at 232."""
    end = len(file) - len(signatures)
    return hashlib.new(bank, file[:152] + file[156:232] + file[240:end]).digest()


def extend(pcr, digest, bank):
    return hashlib.new(bank, pcr + digest).digest()


def pcr11(bank, sections=None):
    pcr = bytes(hashlib.new(bank).digest_size)
    for name, content in (sections or SECTIONS).items():
        for what in (name.encode() + b"\0", content):
            pcr = extend(pcr, hashlib.new(bank, what).digest(), bank)
    return pcr


def initrd(osrel=SECTIONS[".osrel"], initrd=SECTIONS[".initrd"]):
    """With the archive that the stub appends."""
    def entry(number, mode, name, content=b""):
        head = b"070701" + b"".join(b"%08x" % n for n in (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0))
        head += name + b"\0"
        return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)

    trailer = b"070701" + b"%08x" % 0 * 4 + b"%08x" % 1 + b"%08x" % 0 * 6 + b"0000000B" + b"%08x" % 0 + b"TRAILER!!!" + bytes(4)
    return (initrd + bytes(-len(initrd) % 4) + entry(1, 0o40555, b".extra") + entry(2, 0o100444, b".extra/os-release", osrel)
            + trailer)
