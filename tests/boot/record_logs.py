#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the recorded logs in tests/data/event_logs: which machines they are of, and booting those.

tests/boot/record_logs.py [NAME...]: a folder for each, with the firmware's log, the kernel's, and the TPM's values at that time.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cache
import esps
import images
import logs
import machine
import variables

DATA = cache.SOURCE / "tests/data/event_logs"
LISTS = cache.SOURCE / "tests/data/signature_lists"
DB = {"db": lambda old: old + LISTS.read_bytes()}
OFF = {"SecureBootEnable": lambda old: b"\0"}


@dataclass
class Recorded:
    """how: "uki", "uki-insecure" where Secure Boot has no keys, "kernel" by -kernel, "systemd-boot", "grub" behind shim."""
    distro: str
    how: str
    more: str = ""  # of a command line
    changes: dict = None  # to the firmware's variables

    def boot(self, work):
        """What such a machine measures."""
        initrd, cmdline = logs.initramfs(self.distro), f"{logs.CMDLINE} {self.more}".strip()
        folder = work / "machine"
        if self.how == "kernel":
            return logs.measure(folder, kernel=images.kernel(self.distro), initrd=initrd, cmdline=cmdline, secure_boot=False)
        if self.how.startswith("uki"):
            esp = images.signed_image(self.distro, initrd, cmdline)
        else:
            esp = esps.fat(work / "esp", self._loader(work, initrd, cmdline))
        flash = variables.change(machine.FIRMWARE / machine.VARIABLES[True], work / "variables", self.changes) if self.changes else None
        return logs.measure(folder, esp=esp, secure_boot=self.how != "uki-insecure", variables=flash)

    def _loader(self, work, initrd, cmdline):
        kernel = images.kernel(self.distro)
        if self.how == "grub":
            return esps.grub(self.distro, work / "loader", esps.made(kernel), esps.made(initrd), cmdline)
        return esps.systemd_boot(self.distro, work / "loader", esps.sign(kernel, work / "kernel"), esps.made(initrd), cmdline)


# Those with a name that goes on are the ones before it after a change.
MACHINES = {
    "uki-12": Recorded("debian12", "uki"),
    "uki-12-db": Recorded("debian12", "uki", changes=DB),
    "uki-13": Recorded("debian13", "uki"),
    "uki-13-db": Recorded("debian13", "uki", changes=DB),
    "insecure-12": Recorded("debian12", "uki-insecure"),
    "kernel-12": Recorded("debian12", "kernel"),
    "kernel-12-cmdline": Recorded("debian12", "kernel", "another=1"),
    "kernel-13": Recorded("debian13", "kernel"),
    "kernel-13-cmdline": Recorded("debian13", "kernel", "another=1"),
    "measuring-12": Recorded("debian12", "uki", "ima_template=ima-ng ima_policy=critical_data logs.measure"),
    "measuring-13": Recorded("debian13", "uki", "ima_policy=critical_data logs.measure"),
    "measuring-13-db": Recorded("debian13", "uki", "ima_policy=critical_data logs.measure", DB),
    "violation-13": Recorded("debian13", "kernel", "logs.measure=violation"),
    "oldest-12": Recorded("debian12", "kernel", "ima_template=ima ima_hash=sha1 logs.measure"),
    "oldest-12-cmdline": Recorded("debian12", "kernel", "ima_template=ima ima_hash=sha1 logs.measure another=1"),
    "loader-13": Recorded("debian13", "systemd-boot"),
    "loader-13-cmdline": Recorded("debian13", "systemd-boot", "another=1"),
    "loader-13-db": Recorded("debian13", "systemd-boot", changes=DB),
    "loader-13-off": Recorded("debian13", "systemd-boot", changes=OFF),
    "grub-12": Recorded("debian12", "grub"),
    "grub-13": Recorded("debian13", "grub"),
    "grub-13-db": Recorded("debian13", "grub", changes=DB),
}


def main(names):
    if not LISTS.exists():
        LISTS.write_bytes(variables.signature_list((esps.signer("another signer") / "certificate.der").read_bytes()))
    for name in names or MACHINES:
        cache.say(f"recording {name}")
        with tempfile.TemporaryDirectory(prefix="latchkey-logs-") as work:
            MACHINES[name].boot(Path(work)).write(DATA / name)


if __name__ == "__main__":
    main(sys.argv[1:])
