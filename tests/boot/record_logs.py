#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the recorded logs in tests/data/event_logs: which machines they are of, and booting those.

tests/boot/record_logs.py [NAME...]: a folder for each, with the firmware's log, the kernel's, and the TPM's values at that time.
"""

import sys
import tempfile
from pathlib import Path

import cache
import images
import logs

DATA = cache.SOURCE / "tests/data/event_logs"
# Name: Debian, how it is booted ("uki", "uki-insecure" without Secure Boot, "kernel" by -kernel), more of a command line.
MACHINES = {
    "uki-12": ("debian12", "uki", ""),
    "uki-13": ("debian13", "uki", ""),
    "insecure-12": ("debian12", "uki-insecure", ""),
    "kernel-12": ("debian12", "kernel", ""),
    "kernel-13": ("debian13", "kernel", ""),
    "measuring-12": ("debian12", "uki", "ima_template=ima-ng ima_policy=critical_data logs.measure"),
    "measuring-13": ("debian13", "uki", "ima_policy=critical_data logs.measure"),
    "violation-13": ("debian13", "kernel", "logs.measure=violation"),
    "oldest-12": ("debian12", "kernel", "ima_template=ima ima_hash=sha1 logs.measure"),
}


def boot(folder, distro, how, more="", initrd=None, **options):
    """What such a machine measures."""
    initrd = initrd or logs.initramfs(distro)
    cmdline = f"{logs.CMDLINE} {more}".strip()
    if how == "kernel":
        return logs.measure(folder, kernel=images.kernel(distro), initrd=initrd, cmdline=cmdline, secure_boot=False, **options)
    return logs.measure(folder, esp=images.signed_image(distro, initrd, cmdline), secure_boot=how == "uki", **options)


def main(names):
    for name in names or MACHINES:
        cache.say(f"recording {name}")
        with tempfile.TemporaryDirectory(prefix="latchkey-logs-") as work:
            boot(Path(work) / "machine", *MACHINES[name]).write(DATA / name)


if __name__ == "__main__":
    main(sys.argv[1:])
