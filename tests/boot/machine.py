# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a test machine: its firmware variables, TPM, disks and serial console, and the two processes that emulate it."""

import functools
import io
import os
import re
import select
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import cache
import chroot

FIRMWARE = Path("/usr/share/OVMF")
CODE = "OVMF_CODE_4M.secboot.fd"
VARIABLES = {True: "OVMF_VARS_4M.snakeoil.fd", False: "OVMF_VARS_4M.fd"}
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
CONTROL_SIZE = 16 << 20
# Seconds are those of two idle processors; others may be slower, or busy. A longer wait proves nothing less.
PATIENCE = 3
# What costs time in an emulated machine and proves nothing there.
FASTER = "mitigations=off init_on_alloc=0 cryptomgr.notests"


@functools.cache
def accelerator():
    """"kvm" where that really boots a machine of ours, else "tcg", which is QEMU's own emulation.

    A device node alone proves nothing: there are hosts where a guest hangs before its first line, or QEMU ends at once. So one is
    booted, by the firmware with its system management mode and into the kernel, once for each boot of this host.
    """
    wanted = os.environ.get("LATCHKEY_ACCEL", "")
    if wanted:
        return wanted
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    key = cache.digest(Path("/proc/sys/kernel/random/boot_id").read_text(), cache.run("qemu-system-x86_64", "--version"), _kvm_boots, CPU)
    return (cache.entry("kvm", key, lambda out: (out / "accelerator").write_text("kvm" if _kvm_boots() else "tcg")) / "accelerator").read_text()


def _kvm_boots(seconds=15):
    """Whether the kernel says its first words within that time; where KVM works it takes three seconds."""
    kernel = next((chroot.path("debian12") / "boot").glob("vmlinuz-*"))
    with tempfile.TemporaryDirectory(prefix="latchkey-kvm-") as work:
        shutil.copy(FIRMWARE / VARIABLES[False], f"{work}/variables")
        argv = [*DIES_WITH_US, "timeout", "-s", "KILL", str(seconds), "qemu-system-x86_64", *_processor("kvm"), *_flash(f"{work}/variables"),
                "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    boots = b"Linux version" in done.stdout
    cache.say("KVM boots machines here" if boots else "there is a /dev/kvm, but no machine boots with it: they are emulated")
    return boots


CPU = "Haswell-noTSX,-cx16"


def _processor(accel):
    return ["-accel", accel, "-cpu", CPU, "-smp", "1", "-m", "512", "-nodefaults", "-nic", "none", "-display", "none", "-serial", "stdio",
            "-no-reboot"]


def _flash(variables):
    return ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE / CODE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]


class Machine:
    """A folder with a TPM's state and disks; each boot() is one life of it."""

    def __init__(self, folder):
        self.folder = Path(folder)

    @classmethod
    def create(cls, folder, disks):
        """A new machine with a blank TPM. disks: name to size in MiB."""
        machine = cls(folder)
        machine.folder.mkdir(parents=True)
        machine.clear_tpm()
        for name, size in disks.items():
            machine.add_disk(name, size)
        return machine

    def add_disk(self, name, size):
        """A blank one of so many MiB."""
        with open(self.disk(name), "wb") as file:
            file.truncate(size << 20)

    def copy(self, folder):
        """The same machine again, so that a scenario may ruin it."""
        cache.run("cp", "-r", "--sparse=always", self.folder, folder)
        return Machine(folder)

    def disk(self, name):
        return self.folder / f"{name}.disk"

    def clear_tpm(self):
        """As clearing in firmware does: another storage seed, nothing in NV."""
        state = self.folder / "tpm"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        cache.run("swtpm_setup", "--tpm2", "--tpmstate", state, "--pcr-banks", "sha256", "--overwrite")

    def boot(self, **options):
        return Boot(self, **options)


class Boot:
    """One run of a machine, from power on to off; a context manager, so that nothing outlives a test.

    esp: FAT image to boot by firmware; or kernel and initrd to start at once (the factory).
    control: name to bytes or text, for the control disk. disks: names of the machine's disks to attach, in order.
    variables: file of the firmware's variables that stays, in place of fresh ones for each boot; made where it lacks.
    """

    def __init__(self, machine, esp=None, kernel=None, initrd=None, control=None, disks=None, secure_boot=True, variables=None):
        self.machine, self.esp, self.kernel, self.initrd = machine, esp, kernel, initrd
        self.control, self.secure_boot = control or {}, secure_boot
        self.disks = disks if disks is not None else sorted(p.name[:-5] for p in machine.folder.glob("*.disk"))
        self.variables = variables
        self.console = ""
        self.processes = []

    def __enter__(self):
        self.work = Path(tempfile.mkdtemp(prefix="latchkey-vm-"))
        try:
            self._write_control()
            self._start_tpm()
            self._start_qemu()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        (self.machine.folder / "console.log").write_text(self.console)
        shutil.rmtree(self.work, ignore_errors=True)

    def expect(self, pattern, seconds=180):
        """Read the console until the pattern stands there (searched from where the last one ended); the match."""
        return self.expect_any([pattern], seconds)

    def expect_any(self, patterns, seconds=180):
        deadline = time.monotonic() + PATIENCE * seconds
        while True:
            found = [m for m in (re.search(p, self.console[self.seen:]) for p in patterns) if m]
            if found:
                first = min(found, key=lambda m: m.start())
                self.seen += first.end()
                return first
            if not self._read(deadline):
                raise AssertionError(f"console never showed {patterns!r}; its end:\n{self.console[-4000:]}")

    def expect_off(self, seconds=120):
        """Wait until the machine has switched itself off."""
        self.read_for(PATIENCE * seconds)
        assert self.qemu.wait(5) is not None

    def read_for(self, seconds):
        """Read on for that long, or until the machine is off."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass

    def type(self, text):
        os.write(self.qemu.stdin.fileno(), text.encode())

    def collected(self):
        """Files that the factory's script left in out/, by name."""
        with tarfile.open(self.work / "control", "r:") as archive:
            return {m.name[4:]: archive.extractfile(m).read() for m in archive if m.isfile() and m.name.startswith("out/")}

    def _read(self, deadline):
        ready, _, _ = select.select([self.qemu.stdout], [], [], max(0, deadline - time.monotonic()))
        raw = os.read(self.qemu.stdout.fileno(), 65536) if ready else b""
        self.console += raw.decode(errors="replace").replace("\r", "")
        return bool(raw)

    def rewrite_control(self, files):
        """Put other files on the control disk of a machine that runs; whoever reads it there has to go past the page cache."""
        self.control = files
        self._write_control()

    def _write_control(self):
        # In place: the emulator has the file open.
        (self.work / "control").touch()
        with open(self.work / "control", "r+b") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in self.control.items():
                content = content.encode() if isinstance(content, str) else content
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        os.truncate(self.work / "control", CONTROL_SIZE)

    def _start_tpm(self):
        socket = self.work / "tpm.sock"
        self.processes.append(subprocess.Popen(
            [*DIES_WITH_US, "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.machine.folder / 'tpm'}",
             "--ctrl", f"type=unixio,path={socket}", "--flags", "not-need-init", "--terminate"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.work / "swtpm.log", "w")))
        deadline = time.monotonic() + 10
        while not socket.exists():
            if time.monotonic() > deadline or self.processes[-1].poll() is not None:
                raise RuntimeError("swtpm didn't start: " + (self.work / "swtpm.log").read_text())
            time.sleep(0.02)

    def _start_qemu(self):
        argv = [*DIES_WITH_US, "qemu-system-x86_64", *_processor(accelerator()),
                "-chardev", f"socket,id=tpm,path={self.work / 'tpm.sock'}",
                "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]
        argv += self._firmware() if self.esp else self._direct()
        argv += self._drive("control", self.work / "control")
        for name in self.disks:
            argv += self._drive(name, self.machine.disk(name))
        self.seen = 0
        self.qemu = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.work / "qemu.log", "w"))
        self.processes.append(self.qemu)

    def _firmware(self):
        variables = self.variables or self.work / "variables"
        if not variables.exists():
            shutil.copy(FIRMWARE / VARIABLES[self.secure_boot], variables)
        return [*_flash(variables), *self._drive("esp", self.esp, ",bootindex=1", ",readonly=on")]

    def _direct(self):
        return ["-machine", "q35", "-kernel", str(self.kernel), "-initrd", str(self.initrd),
                "-append", f"console=ttyS0 quiet panic=-1 {FASTER}"]

    @staticmethod
    def _drive(name, path, device="", drive=""):
        return ["-drive", f"if=none,id={name},format=raw,cache=unsafe,file={path}{drive}",
                "-device", f"virtio-blk-pci,drive={name},serial={name}{device}"]
