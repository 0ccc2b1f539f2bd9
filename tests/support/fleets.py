# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns fleets that never were: records, and the logs that their devices would have sent, made from one recorded boot."""
import base64
import hashlib
import json
import os
import struct

import boots
import uki

GPT = 0x80000006
PHASES = ("enter-initrd", "leave-initrd", "sysinit", "ready")


def gpt(disk):
    """UEFI_GPT_DATA of a disk with one partition."""
    guid = hashlib.md5(disk.encode()).digest()
    header = b"EFI PART" + struct.pack("<IIII", 0x10000, 92, 0, 0) + struct.pack("<QQQQ", 1, 2047, 34, 2000) + guid + struct.pack("<QIII", 2, 1, 128, 0)
    entry = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b") + guid[::-1] + struct.pack("<QQQ", 40, 2000, 0) + "esp".encode("utf-16-le").ljust(72, b"\0")
    return header + struct.pack("<Q", 1) + entry


def with_disk(boot, disk):
    """The same machine with this disk's partition table."""
    made = boot.copy()
    at = next(i for i, e in enumerate(made.events) if e.pcr == 5) + 1
    made.events.insert(at, boots.Event(5, GPT, {}, b"").of(gpt(disk)))
    return made


def with_phases(pcrs, n):
    """What systemd has measured into PCR 11 by then."""
    for bank, values in pcrs.items():
        for word in PHASES[:n]:
            digest = hashlib.new(bank, word.encode()).digest()
            values["11"] = uki.extend(bytes.fromhex(values["11"]), digest, bank).hex()
    return pcrs


def name_of(number):
    """The Name of that device's storage root key."""
    return bytes.fromhex(f"000b{number:064x}")


def record(number, pcrs=None, **more):
    return {"latchkey-record": 1, "device-id": hashlib.sha256(name_of(number)).hexdigest(), "tpm": {"vendor": "IBM"},
            "objects": {"storage-root-key": {"handle": "0x81000001", "name": name_of(number).hex()},
                        "config-key": {"handle": "0x8100a000", "form": "sealed", "bits": 256},
                        "sequence-floor": {"handle": "0x018a0002", "value": 1}},
            **({"pcrs": pcrs} if pcrs else {}), "volumes": [], **more}


def sent(boot, number, moment="unlock", pcrs=None, ima=True):
    """What log export writes."""
    return {"latchkey-logs": 1, "device-id": hashlib.sha256(name_of(number)).hexdigest(), "moment": moment,
            "pcrs": pcrs or boot.pcrs(), "firmware-log": base64.b64encode(boot.firmware()).decode(),
            **({"ima-log": base64.b64encode(boot.ima()).decode()} if ima else {})}


def put(folder, name, rec, logs):
    os.makedirs(folder, exist_ok=True)
    for suffix, what in ((".json", rec), (".logs", logs)):
        if what is not None:
            with open(os.path.join(folder, name + suffix), "w", encoding="ascii") as f:
                f.write(what if isinstance(what, str) else json.dumps(what))
