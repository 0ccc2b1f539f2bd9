# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns boots that never were: a recorded machine's logs rewritten for another image, other variables or other measured files,
with the PCR values they come to, and the EFI variables and system partition that such a machine has. A second implementation
of both logs."""
import copy
import hashlib
import json
import os
import struct

import uki

BANKS = {"sha256": 0x0b, "sha384": 0x0c}
CONFIG, BOOT, APPLICATION, AUTHORITY, IPL, TAG, ACTION = (0x80000001, 0x80000002, 0x80000003, 0x800000e0, 0x0d, 0x06, 0x80000007)
INITRD, LOAD_OPTIONS = 0x8f3b22ec, 0x8f3b22ed
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
LOADER = bytes.fromhex("82b0674a4c0acf41b6c7440b29bb8c4f")
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "event_logs")


def guid_text(guid):
    a, b, c = struct.unpack_from("<IHH", guid)
    return f"{a:08x}-{b:04x}-{c:04x}-{guid[8:10].hex()}-{guid[10:].hex()}"


class Event:
    def __init__(self, pcr, kind, digests, data):
        self.pcr, self.kind, self.digests, self.data = pcr, kind, digests, data

    def of(self, measured, data=None):
        """Measured as these bytes."""
        self.digests = {bank: hashlib.new(bank, measured).digest() for bank in BANKS}
        self.data = measured if data is None else data
        return self

    @property
    def variable(self):
        """(vendor, name, data) of an event of a variable."""
        characters, size = struct.unpack_from("<QQ", self.data, 16)
        end = 32 + 2 * characters
        return self.data[:16], self.data[32:end].decode("utf-16-le").rstrip("\0"), self.data[end:end + size]

    def set_variable(self, data, name=None):
        """In the form that this event is measured in: the whole structure, or the data alone."""
        guid, old_name, _ = self.variable
        whole = hashlib.sha256(self.data).digest() == self.digests["sha256"]
        text = (name or old_name).encode("utf-16-le")
        made = guid + struct.pack("<QQ", len(text) // 2, len(data)) + text + data
        return self.of(made if whole else data, made)


def parse(raw):
    size = struct.unpack_from("<I", raw, 28)[0]
    first, at, events = raw[:32 + size], 32 + size, []
    while at < len(raw):
        pcr, kind, n = struct.unpack_from("<III", raw, at)
        at += 12
        digests = {}
        for _ in range(n):
            alg = struct.unpack_from("<H", raw, at)[0]
            bank = next(b for b, number in BANKS.items() if number == alg)
            length = hashlib.new(bank).digest_size
            digests[bank] = raw[at + 2:at + 2 + length]
            at += 2 + length
        length = struct.unpack_from("<I", raw, at)[0]
        events.append(Event(pcr, kind, digests, raw[at + 4:at + 4 + length]))
        at += 4 + length
    return first, events


def measured_file(name, content):
    """Template data of ima-sig."""
    digest = b"sha256:\0" + hashlib.sha256(content).digest()
    return b"".join(struct.pack("<I", len(part)) + part for part in (digest, name.encode() + b"\0", b""))


class Boot:
    """Starts as the machine was recorded; then changed, and written out."""

    def __init__(self, machine="uki-13"):
        with open(os.path.join(DATA, machine, "firmware"), "rb") as f:
            self.recorded = f.read()
        self.first, self.events = parse(self.recorded)
        self.files = []  # template data that IMA measures after boot_aggregate
        self.current = 1

    def copy(self):
        return copy.deepcopy(self)

    def image(self, file, path=None):
        """Boots this unified kernel image, made by uki.signed_by of the recorded log."""
        image = self.images()[-1]
        image.digests = authenticode(file)
        if path:
            self.set_path(image, path)
        at = next(i for i, e in enumerate(self.events) if e.pcr == 11)
        self.events = [e for e in self.events if e.pcr != 11]
        sections = sections_of(file)
        for name in reversed([n for n in uki.SECTIONS if n in sections]):
            for what in (sections[name], name.encode() + b"\0"):
                self.events.insert(at, Event(11, IPL, {}, b"").of(what, (name + "\0").encode("utf-16-le")))
        for event in self.events:
            tag = struct.unpack_from("<I", event.data.ljust(4, b"\0"))[0] if event.kind == TAG else 0
            if tag == INITRD:
                event.of(uki.initrd(sections[".osrel"], sections[".initrd"]), event.data)
            elif tag == LOAD_OPTIONS:
                event.of((sections[".cmdline"] + b"\0").decode().encode("utf-16-le"), event.data)
        return self

    def images(self):
        return [e for e in self.events if e.kind == APPLICATION and e.pcr == 4]

    @staticmethod
    def set_path(event, path):
        """The same event, of a file of that path."""
        name = (path.replace("/", "\\") + "\0").encode("utf-16-le")
        node = struct.pack("<BBH", 4, 4, 4 + len(name)) + name + bytes.fromhex("7fff0400")
        event.data = event.data[:24] + struct.pack("<Q", len(node)) + node

    def volume(self):
        """Device path of where the first image lies: what comes before its file."""
        path = self.images()[0].data[32:]
        at = 0
        while path[at:at + 2] != b"\4\4":
            at += struct.unpack_from("<H", path, at + 2)[0]
        return path[:at]

    def loader(self, file, path="/EFI/systemd/systemd-bootx64.efi"):
        """Goes through a boot loader first."""
        image = self.images()[-1]
        event = Event(4, APPLICATION, authenticode(file), image.data)
        self.set_path(event, path)
        self.events.insert(self.events.index(image), event)
        return self

    def variables(self):
        return [e for e in self.events if e.kind in (CONFIG, BOOT)]

    def variable(self, name):
        return next(e for e in self.variables() if e.variable[1] == name)

    def pcrs(self, files=None):
        """Bank to values; files: how many IMA had measured by then (default: all)."""
        values = {}
        for bank in BANKS:
            size = hashlib.new(bank).digest_size
            values[bank] = [bytes(size) for _ in range(24)]
            for event in self.events:
                if event.kind != 3:
                    values[bank][event.pcr] = uki.extend(values[bank][event.pcr], event.digests[bank], bank)
        for bank in BANKS:
            for data in [self.aggregate(values), *self.files[:files]]:
                values[bank][10] = uki.extend(values[bank][10], hashlib.new(bank, data).digest(), bank)
        return {bank: {str(i): values[bank][i].hex() for i in range(24)} for bank in BANKS}

    @staticmethod
    def aggregate(values):
        return b"".join(struct.pack("<I", len(part)) + part for part in (
            b"sha256:\0" + hashlib.sha256(b"".join(values["sha256"][:10])).digest(), b"boot_aggregate\0", b""))

    def firmware(self):
        out = [self.first]
        for event in self.events:
            out.append(struct.pack("<III", event.pcr, event.kind, len(event.digests)))
            out += [struct.pack("<H", BANKS[bank]) + digest for bank, digest in event.digests.items()]
            out.append(struct.pack("<I", len(event.data)) + event.data)
        return b"".join(out)

    def ima(self):
        values = {bank: [bytes.fromhex(v) for v in pcrs.values()] for bank, pcrs in self.pcrs().items()}
        return b"".join(struct.pack("<I", 10) + hashlib.sha1(data).digest() + struct.pack("<I", 7) + b"ima-sig" +
                        struct.pack("<I", len(data)) + data for data in [self.aggregate(values), *self.files])

    def write(self, folder):
        """firmware, ima, pcrs.json, and efivars/ as they are in the running system."""
        os.makedirs(os.path.join(folder, "efivars"), exist_ok=True)
        for name, data in (("firmware", self.firmware()), ("ima", self.ima()), ("pcrs.json", json.dumps(self.pcrs()).encode())):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)
        for event in self.variables():
            guid, name, data = event.variable
            put_variable(folder, name, data, guid)
        put_variable(folder, "BootCurrent", struct.pack("<H", self.current))


def authenticode(file):
    """By bank, of what uki.image or uki.signed_by makes."""
    signatures = file[file.index(b"signature of "):] if b"signature of " in file else b""
    return {bank: uki.authenticode(file, signatures, bank) for bank in BANKS}


def sections_of(file):
    """Of what uki.image makes."""
    n = struct.unpack_from("<H", file, 70)[0]
    at = 88 + struct.unpack_from("<H", file, 84)[0]
    sections = {}
    for i in range(n):
        name, size, _, _, offset = struct.unpack_from("<8sIIII", file, at + 40 * i)
        sections[name.rstrip(b"\0").decode()] = file[offset:offset + size]
    return sections


def variable_path(folder, name, guid=GLOBAL):
    return os.path.join(folder, "efivars", f"{name}-{guid_text(guid)}")


def put_variable(folder, name, data, guid=GLOBAL):
    """As efivarfs shows it: attributes first."""
    with open(variable_path(folder, name, guid), "wb") as f:
        f.write(struct.pack("<I", 7) + data)


def partition(guid):
    """Node of a GPT partition."""
    return struct.pack("<BBHIQQ", 4, 1, 42, 1, 2048, 100000) + guid + b"\2\2"


def load_option(file, volume=b"", attributes=1, data=b""):
    """EFI_LOAD_OPTION."""
    name = (file + "\0").encode("utf-16-le")
    path = volume + struct.pack("<BBH", 4, 4, 4 + len(name)) + name + bytes.fromhex("7fff0400")
    return struct.pack("<IH", attributes, len(path)) + "x\0".encode("utf-16-le") + path + data


def signature_list(kind, *entries):
    """EFI_SIGNATURE_LIST; kind: its type's GUID."""
    body = b"".join(bytes(16) + entry for entry in entries)
    return kind + struct.pack("<III", 28 + len(body), 0, 16 + len(entries[0])) + body


X509 = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
SHA256 = bytes.fromhex("2616c4c14c509240aca941f936934328")
