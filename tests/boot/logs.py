# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns machines that measure and hand out what they measured: event logs and PCR values, of one boot each."""

import base64
import gzip
import io
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import cache
import chroot
import images
import machine

INIT = Path(__file__).resolve().parent / "guest/logs-init"
BANKS = ("sha256", "sha384")
CMDLINE = f"console=ttyS0 quiet panic=-1 {machine.FASTER}"


@dataclass
class Measured:
    """What a boot left: bytes of both logs, and bank to PCR to hexadecimal digits."""
    firmware: bytes
    ima: bytes
    pcrs: dict = field(default_factory=dict)

    def write(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "firmware").write_bytes(self.firmware)
        (folder / "ima").write_bytes(self.ima)
        (folder / "pcrs.json").write_text(json.dumps(self.pcrs, indent=1) + "\n")

    @classmethod
    def read(cls, folder):
        return cls((folder / "firmware").read_bytes(), (folder / "ima").read_bytes(), json.loads((folder / "pcrs.json").read_text()))


def initramfs(distro, more=b""):
    """A busybox that hands out the logs, in a folder of the cache; the same bytes each time. more: another file in it."""
    root = chroot.path(distro)
    key = cache.digest(root.name, INIT, more, _cpio)
    return cache.entry(f"logs-initramfs-{distro}", key, lambda out: (out / "initramfs").write_bytes(_initramfs(root, more))) / "initramfs"


def _initramfs(root, more):
    busybox = (root / "bin/busybox").read_bytes()
    files = {"bin": None, "dev": None, "proc": None, "sys": None, "tmp": None, "bin/busybox": busybox, "init": INIT.read_bytes(), "more": more}
    return gzip.compress(_cpio(files), mtime=0)


def _cpio(files):
    """In the kernel's format "newc"; None is a folder."""
    out = io.BytesIO()
    for number, (name, content) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o040755 if content is None else 0o100755
        content = content or b""
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0")
        out.write(bytes(-out.tell() % 4) + content)
        out.write(bytes(-out.tell() % 4))
    return out.getvalue()


class Boot(machine.Boot):
    """Also a kernel that the firmware starts by itself, from the emulator, as it starts boot loaders from a disk.

    variables: the firmware's variables, where not one of the package's; cmdline: for the kernel that is given by itself.
    """

    def __init__(self, *args, variables=None, cmdline=CMDLINE, **options):
        super().__init__(*args, **options)
        self.variables, self.cmdline = variables, cmdline

    def _firmware(self):
        argv = super()._firmware()
        if self.variables:
            shutil.copy(self.variables, self.work / "variables")
        return argv

    def _direct(self):
        argv = self._firmware()
        # All but the disk that the firmware would boot.
        argv = argv[:-len(self._drive("esp", self.esp))]
        return [*argv, "-kernel", str(self.kernel), "-initrd", str(self.initrd), "-append", self.cmdline]


def create(folder):
    """A machine with both banks, and no disk."""
    made = machine.Machine.create(folder, {})
    shutil.rmtree(made.folder / "tpm")
    (made.folder / "tpm").mkdir()
    cache.run("swtpm_setup", "--tpm2", "--tpmstate", made.folder / "tpm", "--pcr-banks", ",".join(BANKS), "--overwrite")
    return made


def measure(folder, **options):
    """What a machine with a new TPM measures in one boot."""
    with Boot(create(folder), disks=[], **options) as boot:
        boot.expect("LOGS-BEGIN", 120)
        boot.expect("LOGS-END", 120)
        text = boot.console
        boot.expect_off()
    return parse(text)


def kept(what, make):
    """What a machine measures, from the cache where it has been booted before: nothing of Latchkey is in it.

    what: tells apart all that it boots; make: boots it in a folder.
    """
    emulators = [cache.run(name, "--version") for name in ("qemu-system-x86_64", "swtpm")]
    variables = [machine.FIRMWARE / name for name in machine.VARIABLES.values()]
    key = cache.digest(what, *emulators, machine.accelerator(), machine.FIRMWARE / machine.CODE, *variables, INIT, CMDLINE, machine.CPU, *_EMULATES)
    return Measured.read(cache.entry(f"measured-{key[:6]}", key, lambda out: _keep(make, out)))


# What says which machine that is. Another way to read its console, or to wait, makes no other values.
_EMULATES = (machine._processor, machine._flash, machine.Boot._start_qemu, machine.Boot._firmware, machine.Boot._drive, Boot._firmware,
             Boot._direct, create, measure)


def _keep(make, out):
    with tempfile.TemporaryDirectory(prefix="latchkey-measured-") as work:
        make(Path(work)).write(out)


def parse(text):
    def part(name):
        found = re.search(rf"^LOGS-{name} (.*?)^LOGS-{name}-END", text, re.M | re.S)
        return found[1]

    pcrs = {bank: {} for bank in BANKS}
    for bank, pcr, value in re.findall(r"^LOGS-PCR (\w+) (\d+) ([0-9A-F]+)$", text, re.M):
        pcrs[bank][pcr] = value.lower()
    return Measured(base64.b64decode(part("FIRMWARE")), base64.b64decode(part("IMA")), pcrs)
