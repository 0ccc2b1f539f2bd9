# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the power cuts: a machine loses, in the midst of applying a configuration, what its kernel hadn't written. After each cut, the
old configuration or the new one is there, whole; and the next run finishes.

One life of the machine has many of them: while the program stands still, what the disk has is copied to another disk, and the machine
goes on with that one, as after a power cut. The last one switches the machine itself off.
"""

import os
import re
from collections import Counter
from pathlib import Path

import cache
import images
from device import Device
from machine import Machine
from scenarios import scenario

DEVICE = Device("debian12", "plain")
PROGRAMS = ("latchkey-userconfig", "strace", "mke2fs")
MODULES = ("virtio_pci", "virtio_blk", "ext4")
# LATCHKEY_LONG: after each system call that changes something.
CUTS = 10000 if os.environ.get("LATCHKEY_LONG") else 24
LINES = 500
BASE = 10  # over the sequence floor that a new TPM begins with
# Each configuration has these, and one more that only every second has.
ALWAYS = ("/opt/app/app.conf", "/opt/app/more/deep.conf", "/opt/other.conf", "/home/update/upload/mnt/site.conf")
ODD, EVEN = "/opt/app/odd.conf", "/opt/app/new/even.conf"
VOLATILE = "/opt/app/key"
# As strace shows the start of a command: tag, size, TPM_CC_NV_Increment (TPM 2.0 Part 2, 6.5.2).
NV_INCREMENT = re.compile(r'\d+, "\\x80\\x0[12](?:\\x..){4}\\x00\\x00\\x01\\x34')


def content(number):
    """Destination to text of that configuration."""
    return {path: f"configuration {number}\n" * LINES for path in (*ALWAYS, EVEN if number % 2 == 0 else ODD, VOLATILE)}


def shown(number, volatile=True):
    """What its destinations have to show."""
    texts = content(number) if number else {}
    return {path: ("absent", 0) if path not in texts or (path == VOLATILE and not volatile) else (f"configuration {number}", LINES)
            for path in (*ALWAYS, ODD, EVEN, VOLATILE)}


def seal(folder, numbers):
    for number in numbers:
        manifest = "latchkey-manifest: 1\nfiles:\n"
        for place, (path, text) in enumerate(content(number).items()):
            file = folder / f"content-{number}" / f"file{place}"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            manifest += f"  - {{path: file{place}, destination: {path}, mode: \"0640\", volatile: {str(path == VOLATILE).lower()}}}\n"
        (file.parent / "latchkey-manifest.yaml").write_text(manifest)
    DEVICE.host(folder, "".join(
        f"latchkey config seal --key /in/keys/policy-key.pem --config-key /in/keys/config-key.bin --sequence {BASE + n} "
        f"-o /io/blob-{n} /io/content-{n}\n" for n in numbers))


def points(trace):
    """The system calls after which to cut, as strace's inject takes them: all around the counter, and others evenly."""
    calls = [m for m in re.finditer(r"^\d+ +(\w+)\((.*)", trace, re.M)]
    counted, numbered = Counter(), []
    for call in calls:
        counted[call[1]] += 1
        numbered.append(f"{call[1]}:signal=SIGSTOP:when={counted[call[1]]}")
    increment = [n for n, call in enumerate(calls) if call[1] == "write" and NV_INCREMENT.match(call[2])]
    assert len(increment) == 1 and len(calls) > 40, f"{len(calls)} calls, {len(increment)} increments:\n{trace}"
    wanted = min(CUTS, len(calls))
    chosen = {increment[0] - 1, increment[0], increment[0] + 1}
    evenly = [n * (len(calls) - 1) // (wanted - 1) for n in range(wanted)]
    for n in sorted(evenly, key=lambda n: min(abs(n - c) for c in chosen), reverse=True):
        if len(chosen) < wanted:
            chosen.add(n)
    return [(numbered[n], calls[n][0]) for n in sorted(chosen)]


def boot(machine, initrd, blobs, files=(), **settings):
    """One life of the machine, which knows whose TPM it has."""
    text = "".join(f"{key}='{value}'\n" for key, value in {"plain": "", "last": "", "disk": "state", **settings}.items())
    control = {"main.sh": (images.HERE / "guest/cuts").read_text(), "device.yaml": machine.device_file.read_bytes(),
               "settings": text + f"names='{' '.join(shown(0))}'\n", **dict(files)}
    for path in blobs:
        control[path.name] = path.read_bytes()
    return machine.boot(kernel=images.kernel(DEVICE.distro), initrd=initrd, control=control)


def read_shown(running, when):
    running.expect(f"SHOWN {when}\n", 120)
    return {m[1]: (m[2], int(m[3])) for m in re.finditer(rf"^SHOW-{when} (\S+) (.*?) *(\d+)$", running.console, re.M)}


def finishes(running, number, cut):
    """Before anything runs it is wholly the one before or wholly this one; after a run it is this one."""
    before = read_shown(running, "before")
    assert before in (shown(number - 1, volatile=False), shown(number, volatile=False)), f"a mix after {cut}: {before}"
    assert running.expect(r"APPLIED (\d+)\n")[1] == "0", f"after {cut}:\n{running.console[-2000:]}"
    after = read_shown(running, "after")
    assert after == shown(number), f"not configuration {number} after {cut}: {after}"
    return "new" if before == shown(number, volatile=False) else "old"


@scenario(DEVICE)
def power_cut_while_a_configuration_is_applied(folder):
    folder = Path(folder)
    machine = Machine(DEVICE.provisioned() / "machine").copy(folder / "machine")
    machine.add_disk("state", 64)
    machine.device_file = DEVICE.device_file(folder)
    initrd = images.bare(DEVICE.distro, PROGRAMS, MODULES)
    seal(folder, (1, 2, 3))
    with boot(machine, initrd, [folder / f"blob-{n}" for n in (1, 2, 3)], next=1, plain="1 2", last=3) as running:
        assert running.expect(r"FACTORY-EXIT (\d+)\n", 180)[1] == "0", running.console[-3000:]
        running.expect_off()
        assert running.console.count("APPLIED 0\n") == 3, running.console[-3000:]
        cuts = points(running.collected()["trace"].decode())
    machine.add_disk("spare", 64)
    numbers = range(4, 4 + len(cuts))
    seal(folder, numbers)
    listed = "".join(f"{number} {cut} {number % 2}\n" for number, (cut, _) in zip(numbers, cuts))
    found, over, disk, spare = Counter(), 0, "state", "spare"
    with boot(machine, initrd, [folder / f"blob-{n}" for n in (3, *numbers)], {"cuts": listed}, next=3) as running:
        for number, (cut, _) in zip(numbers, cuts):
            before = cuts[number - 5] if number > 4 else "no cut"
            found[finishes(running, number - 1, before)] += 1
            over += running.expect(r"CUT (now|over)\n")[1] == "over"
            if number != numbers[-1]:
                cache.run("cp", "--sparse=always", machine.disk(disk), machine.disk(spare))
                disk, spare = spare, disk
                running.type(disk + "\n")
    with boot(machine, initrd, [], next=numbers[-1] + 1, disk=disk) as running:
        found[finishes(running, numbers[-1], cuts[-1])] += 1
        running.expect_off()
        files = running.collected()["files"].decode()
    # Both sides of the switch were hit, and nothing was left behind.
    assert found["old"] > 3 and found["new"] > 3 and over <= len(cuts) // 6, (found, over)
    assert not re.search(r"incoming|pending|\.latchkey-|config\.lkb", files), files
    print(f"{len(cuts)} power cuts: {dict(found)}, {over} of them after the end")
