# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what moves which PCR: one signed image, booted by machines that differ in one thing each, held against the table of
latchkey-policy(5). LATCHKEY_LONG=1 boots every row; otherwise those by which the machines of a fleet differ."""

import os
import re
import struct
import uuid
from pathlib import Path

import cache
import esps
import logs
import machine
import predicted
import variables
from scenarios import scenario

PAGE = cache.SOURCE / "man/latchkey-policy.5"
DISK_ID, PARTITION_ID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
OTHER_ID = "33333333-3333-4333-8333-333333333333"
# EFI_GLOBAL_VARIABLE (UEFI 2.10, 3.3), and the attributes of its boot variables: kept, for boot services and for run time.
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
KEPT = 7
PCRS = [str(pcr) for pcr in range(16)]


class Boot(logs.Boot):
    """A machine that boots from a disk. more: words of the emulator's command line; of two that say the same it takes the last."""

    def __init__(self, *args, more=(), **options):
        super().__init__(*args, **options)
        self.more = more

    def _firmware(self):
        return [*super()._firmware(), *self.more]


def gpt(path, fat, disk_id=DISK_ID, partition_id=PARTITION_ID, extra=0, more=""):
    """A disk with a GPT whose first partition is that FAT image; extra: MiB of room after it, more: lines for sfdisk."""
    size = fat.stat().st_size
    with open(path, "wb") as disk:
        disk.truncate(size + ((3 + extra) << 20))
    script = (f"label: gpt\nlabel-id: {disk_id}\nstart=1MiB, size={size // 512}, type=U, uuid={partition_id}, name=esp\n{more}")
    with open(path.with_suffix(".sfdisk"), "w+") as text:
        text.write(script)
        text.seek(0)
        cache.run("sfdisk", "-q", path, stdin=text)
    with open(path, "r+b") as disk:
        disk.seek(1 << 20)
        disk.write(fat.read_bytes())
    return path


def with_variables(work, more):
    """The firmware's variables, and others of the boot manager's: name to data."""
    flash = Path(work) / "variables"
    variables.change(machine.FIRMWARE / machine.VARIABLES[True], flash, {})
    raw = bytearray(flash.read_bytes())
    begin = raw.index(variables.STORE) + variables.STORE_HEADER
    at = begin + sum(len(v.pack()) for v in variables._walk(raw, begin, len(raw)))
    for name, data in more.items():
        packed = variables.Variable((0x55aa, variables.LIVE, 0, KEPT, 0, bytes(16), 0, 0, 0, GLOBAL), name, data).pack()
        raw[at:at + len(packed)] = packed
        at += len(packed)
    flash.write_bytes(raw)
    return flash


def load_option(description, disk, path):
    """EFI_LOAD_OPTION (UEFI 2.10, 3.1.3) that starts a file of the first partition of that disk (10.3.5.1 and 10.3.5.4)."""
    with open(disk, "rb") as file:
        file.seek(1024)
        entry = file.read(128)
    first, last = struct.unpack_from("<QQ", entry, 32)
    name = path.encode("utf-16-le") + b"\0\0"
    nodes = struct.pack("<BBHIQQ16sBB", 4, 1, 42, 1, first, last - first + 1, entry[16:32], 2, 2)
    nodes += struct.pack("<BBH", 4, 4, 4 + len(name)) + name + struct.pack("<BBH", 0x7f, 0xff, 4)
    return struct.pack("<IH", 1, len(nodes)) + description.encode("utf-16-le") + b"\0\0" + nodes


class Fleet:
    """A folder of machines that boot one image, or one that differs."""

    def __init__(self, folder, distro):
        self.place = predicted.Place(folder, distro)
        self.image = self.place.uki()

    def boot(self, what, **how):
        """Values of the bank sha256 that a machine has."""
        return self.measured(what, **how).pcrs["sha256"]

    def measured(self, what, image=None, flash=None, disk=None, more=None):
        """Logs and values of a machine. what: names the row; disk: of gpt(); more(work): the emulator's further words."""
        image = image or self.image

        def measure(work):
            fat = esps.fat(work / "fat", {esps.DEFAULT: image})
            options = {"esp": gpt(work / "disk", fat, **(disk or {})), "more": more(work) if more else ()}
            if flash:
                options["variables"] = flash(work)
            with Boot(logs.create(work / "machine"), disks=[], **options) as boot:
                boot.expect("LOGS-END", 120)
                text = boot.console
                boot.expect_off()
            return logs.parse(text)

        return logs.kept(("moves", what, image.key), measure)


def _blank(work, name, size=16):
    path = work / name
    with open(path, "wb") as file:
        file.truncate(size << 20)
    return path


def _usb(work):
    stick = _blank(work, "stick")
    return ["-device", "qemu-xhci", "-drive", f"if=none,id=stick,format=raw,file={stick}", "-device", "usb-storage,drive=stick"]


def _another_disk(work):
    return machine.Boot._drive("another", _blank(work, "another"))


def _boot_options(**how):
    """A boot option by hand beside the one that the firmware makes; how: what names it, by number."""
    def flash(work):
        option = load_option("by hand", work / "disk", "\\EFI\\BOOT\\BOOTX64.EFI")
        return with_variables(work, {"Boot0009": option, **{name: struct.pack("<H", number) for name, number in how.items()}})
    return flash


# Row of the page: its words, whether it is booted in every run, and what the machine is like.
ROWS = {
    "nothing": (True, lambda f: {}),
    "GUID of the boot disk": (True, lambda f: {"disk": {"disk_id": OTHER_ID}}),
    "GUID of a partition of the boot disk": (True, lambda f: {"disk": {"partition_id": OTHER_ID}}),
    "size of the boot disk": (False, lambda f: {"disk": {"extra": 64}}),
    "a partition more on the boot disk": (False, lambda f: {"disk": {"extra": 8, "more": f"size=4MiB, uuid={OTHER_ID}, name=data\n"}}),
    "another disk": (False, lambda f: {"more": _another_disk}),
    "a USB stick": (False, lambda f: {"more": _usb}),
    "MAC address": (False, lambda f: {"more": lambda work: ["-netdev", "user,id=n,restrict=on", "-device", "virtio-net-pci,netdev=n,mac=52:54:00:00:00:02"]}),
    "serial number (SMBIOS)": (False, lambda f: {"more": lambda work: ["-smbios", "type=1,serial=4711"]}),
    "model name (SMBIOS)": (False, lambda f: {"more": lambda work: ["-smbios", "type=1,product=another"]}),
    "amount of memory": (False, lambda f: {"more": lambda work: ["-m", "768"]}),
    "number of processors": (False, lambda f: {"more": lambda work: ["-smp", "2"]}),
    "a boot option more": (True, lambda f: {"flash": _boot_options(BootOrder=9)}),
    "BootNext": (False, lambda f: {"flash": _boot_options(BootNext=9)}),
    "Secure Boot database": (False, lambda f: {"flash": lambda work: variables.change(
        machine.FIRMWARE / machine.VARIABLES[True], work / "variables", {"db": lambda data: data + variables.signature_list(b"certificate")})}),
    "command line": (False, lambda f: {"image": f.place.uki("another=1")}),
    "initramfs": (False, lambda f: {"image": f.place.uki(initrd=b"another")}),
    "kernel": (False, lambda f: {"image": f.place.uki(patched=True)}),
}


def moved(distro, folder, rows):
    """Row to the PCRs that differ from the first's."""
    fleet = Fleet(folder, distro)
    base = fleet.boot("nothing")
    found = {}
    for name in rows:
        values = fleet.boot(name, **ROWS[name][1](fleet))
        found[name] = [pcr for pcr in PCRS if values[pcr] != base[pcr]]
        print(name, *found[name], flush=True)
    return found



def page():
    """The same as the page has it."""
    table = PAGE.read_text().split(".Sh WHAT MOVES WHICH PCR")[1].split("\n.Sh ")[0]
    return {name: re.findall(r"\d+", pcrs) for name, pcrs in re.findall(r"^\.It (?!Em )(.*?) Ta (.*)$", table, re.M)}


def holds(distro, folder):
    every = bool(os.environ.get("LATCHKEY_LONG"))
    found = moved(distro, folder, [name for name, (always, _) in ROWS.items() if always or every])
    written = page()
    assert {"nothing", *written} == set(ROWS), set(ROWS) ^ set(written)
    for name, pcrs in found.items():
        assert pcrs == written.get(name, []), f"{name}: booted {pcrs}, the page says {written.get(name)}"


@scenario()
def what_moves_which_pcr_debian12(folder):
    holds("debian12", folder)


@scenario()
def what_moves_which_pcr_debian13(folder):
    holds("debian13", folder)
