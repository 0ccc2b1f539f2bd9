# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a look, by strace, at everything that the static latchkey-unseal touches while it opens a booted machine's volume."""

import sys

import cache
import images
from kits import ONE
from scenarios import opened, scenario

sys.path.insert(0, str(cache.SOURCE / "tests/support"))
import touched  # noqa: E402

TRACED = """
set +f
$bb mkdir -p out /traced && $bb cp strace *.so* /traced && $bb mv /usr/bin/latchkey-unseal /traced
$bb cp traced /usr/bin/latchkey-unseal && $bb chmod 755 /usr/bin/latchkey-unseal /traced/*
set -f
echo "$disk" > disk
"""
# What is traced is the unlock; the module asks the program for its table of exit codes as well, which has no options else.
BY_STRACE = """#!/bin/sh
if [ "$*" = --print-exit-codes ]; then exec /traced/latchkey-unseal "$@"; fi
exec /traced/ld-linux-x86-64.so.2 --library-path /traced /traced/strace -f -yy -s 0 -o /run/latchkey-test/out/trace /traced/latchkey-unseal "$@"
"""
# Policy file, TPM, volume, device mapper (with what its library asks of kernel and udev) and logs. Beside them: random numbers, the copy
# of the header in memory, and what the next boot may remember.
TOUCHED = (r"/etc/latchkey/policy\.yaml", r"/dev/tpm0", r"/sys/dev/char/\d+:\d+(/subsystem)?", r"/sys/class/tpm/tpm0/pcr-sha\d+",
           r"/dev/disk/by-id/virtio-root", r"/dev/vd[a-z]", r"/sys/dev/block/\d+:\d+/.*", r"/sys/devices/virtual/bdi/\d+:\d+/read_ahead_kb",
           r"/dev/mapper(/control|/root)?", r"/dev/dm-\d+", r"/proc/(cmdline|devices|misc)", r"/run/udev/control",
           r"/dev/(kmsg|console|null)", r"/run/log(/systemd(/tpm2-measure\.log)?)?", r"/proc/sys/kernel/random/boot_id",
           r"/dev/u?random", r"/memfd:luks2-header", r"/proc/self/fd/\d+", r"/run/latchkey(/learned(/root\.json.*)?)?",
           r"/run/latchkey/(booted|opened)(/root.*)?")
# udev's cookie, the volume key's way to dm-crypt through the kernel's keyring, and the file of what was learned.
MAPPING = (touched.COOKIE, {"add_key", "request_key", "keyctl"}, {"mkdir", "rename"})


@scenario(ONE)
def opens_debian12_plain(folder):
    """Whatever it touches is on the list."""
    control = {"before-unseal.sh": TRACED, "traced": BY_STRACE, **images.strace(ONE.distro),
               "after-unseal.sh": "$bb tar cf $($bb cat disk) out; $bb sync\n"}
    with ONE.machine(folder).boot(esp=ONE.image(), control=control) as boot:
        opened(boot, ONE)
        seen = touched.Touched(boot.collected()["trace"].decode())
        boot.expect_off()
    assert seen.strange_files(TOUCHED) == [], seen.strange_files(TOUCHED)
    assert seen.strange_calls(*MAPPING) == [], seen.strange_calls(*MAPPING)
    assert seen.sockets == set(), seen.sockets
    assert {"/etc/latchkey/policy.yaml", "/dev/tpm0", "/dev/mapper/control"} <= seen.files, seen.files
