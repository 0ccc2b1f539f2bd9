# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns recorded boots as a test changes them: reading and writing both logs, and extending a software TPM by them."""
import hashlib
import os
import struct

RECORDED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "event_logs")
ALGS = {0x000B: "sha256", 0x000C: "sha384"}
X509 = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")


class Event:
    def __init__(self, pcr, kind, data, digests=None):
        self.pcr, self.kind, self.data = pcr, kind, data
        self.digests = digests or {a: hashlib.new(name, data).digest() for a, name in ALGS.items()}


class Boot:
    """Events of a recorded machine's firmware log, and entries of its kernel's."""

    def __init__(self, machine):
        with open(os.path.join(RECORDED, machine, "firmware"), "rb") as f:
            self._firmware(f.read())
        with open(os.path.join(RECORDED, machine, "ima"), "rb") as f:
            self._ima(f.read())

    def _firmware(self, log):
        size = 32 + struct.unpack_from("<I", log, 28)[0]
        self.first, at, self.events = log[:size], size, []
        while at < len(log):
            pcr, kind, n = struct.unpack_from("<III", log, at)
            at, digests = at + 12, {}
            for _ in range(n):
                alg, = struct.unpack_from("<H", log, at)
                size = hashlib.new(ALGS[alg]).digest_size
                digests[alg] = log[at + 2:at + 2 + size]
                at += 2 + size
            size, = struct.unpack_from("<I", log, at)
            self.events.append(Event(pcr, kind, log[at + 4:at + 4 + size], digests))
            at += 4 + size

    def _ima(self, log):
        at, self.entries = 0, []
        while at < len(log):
            size, = struct.unpack_from("<I", log, at + 24)
            data, = struct.unpack_from("<I", log, at + 28 + size)
            end = at + 32 + size + data
            self.entries.append((log[at + 28:at + 28 + size], log[at + 32 + size:end]))
            at = end

    # What a test changes.

    def find(self, pcr, text):
        """The one event of that PCR with these bytes in its data."""
        found, = [e for e in self.events if e.pcr == pcr and text in e.data]
        return found

    def replace(self, old, *new):
        at = self.events.index(old)
        self.events[at:at + 1] = new
        return self

    def other_image(self, fill=b"\x5a"):
        """Another boot image at the same path."""
        for e in self.events:
            if e.kind == 0x80000003:
                self.replace(e, Event(e.pcr, e.kind, e.data, {a: fill * hashlib.new(n).digest_size for a, n in ALGS.items()}))
                return self
        raise AssertionError("no image in this log")

    def variable(self, name, change):
        """A Secure Boot variable's data become what change makes of them."""
        wide = name.encode("utf-16-le")
        for e in self.events:
            if e.kind == 0x80000001 and e.data[32:32 + len(wide)] == wide and struct.unpack_from("<Q", e.data, 16)[0] == len(name):
                data = change(e.data[32 + len(wide):])
                return self.replace(e, Event(e.pcr, e.kind, e.data[:24] + struct.pack("<Q", len(data)) + wide + data))
        raise AssertionError(f"no {name} in this log")

    def aggregate(self):
        """The kernel's first entry is the firmware's PCRs', as it would be measured."""
        pcrs = self.replay("sha256", range(10))
        digest = hashlib.sha256(b"".join(pcrs)).digest()
        self.entries[0] = (b"ima-ng", field(b"sha256:\0" + digest) + field(b"boot_aggregate\0"))
        return self

    def measure(self, name, content=b"content"):
        """A file more in the kernel's log."""
        digest = hashlib.sha256(content).digest()
        self.entries.append((b"ima-ng", field(b"sha256:\0" + digest) + field(name + b"\0")))
        return self

    # What comes of it.

    def replay(self, bank, pcrs):
        values = {n: bytes(hashlib.new(bank).digest_size) for n in pcrs}
        for e in self.events:
            if e.pcr in values and e.kind != 3:
                alg = next(a for a, name in ALGS.items() if name == bank)
                values[e.pcr] = hashlib.new(bank, values[e.pcr] + e.digests[alg]).digest()
        return [values[n] for n in pcrs]

    def firmware(self):
        out = self.first
        for e in self.events:
            out += struct.pack("<III", e.pcr, e.kind, len(e.digests))
            for alg, digest in e.digests.items():
                out += struct.pack("<H", alg) + digest
            out += struct.pack("<I", len(e.data)) + e.data
        return out

    def ima(self):
        return b"".join(struct.pack("<I", 10) + hashlib.sha1(data).digest() + field(template) + field(data)
                        for template, data in self.entries)

    def write(self, test, name):
        """Both logs as files; their paths."""
        return test.write(name + "-firmware", self.firmware()), test.write(name + "-ima", self.ima())

    def extend(self, tpm, *, entries=None):
        """The TPM's PCRs become this boot's; it must have been restarted."""
        specs = [(e.pcr, e.digests) for e in self.events if e.kind != 3]
        specs += [(10, {a: hashlib.new(name, data).digest() for a, name in ALGS.items()})
                  for _, data in self.entries[:entries]]
        for pcr, digests in specs:
            tpm.tool("tpm2_pcrextend", f"{pcr}:" + ",".join(f"{ALGS[a]}={d.hex()}" for a, d in digests.items()))


def field(data):
    return struct.pack("<I", len(data)) + data


def certificate(body):
    """A signature list with one certificate, which needn't be one."""
    entry = b"\xaa" * 16 + body
    return X509 + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry
