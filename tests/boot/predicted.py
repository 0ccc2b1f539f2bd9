# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns predictions held against machines: what latchkey says that a boot after a change will have measured, and what it then has."""

import json
import os
import shutil
from pathlib import Path

import cache
import chroot
import esps
import images
import logs
import machine
import variables
from kits import in_chroot
from scenarios import scenario

# What a boot ends up with before a system of its own begins to measure.
PCRS = [str(pcr) for pcr in range(16)]
ANOTHER = "another signer"


def _take_time_out(path):
    """objcopy puts the time into an image's header, and a sum over it: another image each time."""
    content = bytearray(path.read_bytes())
    header = int.from_bytes(content[0x3c:0x40], "little")
    for at in (header + 8, header + 24 + 64):
        content[at:at + 4] = bytes(4)
    path.write_bytes(content)


class Place:
    """A folder for one scenario: images, variables, and what machines measure of them."""

    def __init__(self, folder, distro):
        self.folder, self.distro, self.n = Path(folder), distro, 0
        self.root = chroot.path(distro)

    def path(self, name):
        self.n += 1
        return self.folder / f"{self.n}-{name}"

    def kernel(self, patched=False):
        """The distribution's; or another one, which says its version otherwise."""
        content = bytearray(images.kernel(self.distro).read_bytes())
        if patched:
            at = 0x200 + int.from_bytes(content[0x20e:0x210], "little")
            content[at:at + 1] = b"9"
        path = self.path("kernel")
        path.write_bytes(content)
        return path

    def signed_kernel(self, patched=False, by=None):
        return esps.sign(self.kernel(patched), self.path("signed-kernel"), by)

    def initrd(self, more=b""):
        return esps.made(logs.initramfs(self.distro, more))

    def uki(self, more="", initrd=b"", patched=False, by=None, end=""):
        """A signed unified kernel image. more: of the command line; end: after it."""
        texts = {".osrel": 'ID=latchkey-test\nPRETTY_NAME="prediction"\n', ".cmdline": f"{logs.CMDLINE} {more}".strip() + end}
        parts = [(name, self.path("text")) for name in texts]
        for name, path in parts:
            path.write_text(texts[name])
        parts += [(".initrd", self.initrd(initrd).path), (".linux", self.kernel(patched))]
        stub, unsigned = self.root / images.STUB, self.path("unsigned.efi")
        cache.run("objcopy", *images._sections(stub, parts), stub, unsigned)
        _take_time_out(unsigned)
        return esps.sign(unsigned, self.path("signed.efi"), by)

    def systemd_boot(self, kernel, initrd, cmdline):
        return esps.systemd_boot(self.distro, self.path("systemd-boot"), kernel, initrd, cmdline)

    def variables(self, **changes):
        return esps.made(variables.change(machine.FIRMWARE / machine.VARIABLES[True], self.path("variables"), changes))

    def signature_list(self, by):
        path = self.path("lists")
        path.write_bytes(variables.signature_list((esps.signer(by) / "certificate.der").read_bytes()))
        return path

    def measure(self, files, flash=None):
        """What a machine measures that boots from a disk, with Secure Boot; files: a unified kernel image, or the disk's."""
        files = files if isinstance(files, dict) else {esps.DEFAULT: files}
        what = [(name, file.key) for name, file in files.items()], flash and flash.key
        return logs.kept(what, lambda work: logs.measure(work / "machine", esp=esps.fat(work / "esp", files), variables=flash and flash.path))

    def predict(self, now, *options):
        """The values that latchkey gives; files among the options lie here."""
        io = self.path("io")
        now.write(io)
        names = []
        for option in options:
            option = option.path if isinstance(option, esps.Made) else option
            if isinstance(option, Path):
                shutil.copy(option, io / option.name)
                option = f"/io/{option.name}"
            names.append(f"'{option}'" if " " in str(option) else str(option))
        command = (f"policy predict --log /io/firmware --ima-log /io/ima --pcrs /io/pcrs.json {' '.join(names)} -o /io/then.json")
        build = os.environ.get("LATCHKEY_BUILD")
        if build:
            cache.run("sh", "-ec", f"{build}/tools/host/latchkey " + command.replace("/io/", f"{io}/"))
        else:
            in_chroot(self.distro, f"latchkey {command}", io, io)
        return json.loads((io / "then.json").read_text())


def held(now, predicted, then, *pcrs):
    """All are right, in both banks; and these became others: else a prediction of nothing would hold too."""
    wrong = [(bank, pcr) for bank in logs.BANKS for pcr in PCRS if predicted[bank].get(pcr) != then.pcrs[bank][pcr]]
    assert not wrong, f"predicted wrong: {wrong}"
    other = [int(pcr) for pcr in PCRS if now.pcrs["sha256"][pcr] != then.pcrs["sha256"][pcr]]
    assert other == list(pcrs), f"PCRs {other} are others, not {pcrs}"
    cache.say(f"predicted right: PCRs 0 to 15 in {len(logs.BANKS)} banks, of which {other} are others")


def _uki(place, changes):
    """changes: what place.uki takes, and the PCRs that are others then."""
    now = place.measure(place.uki())
    for change, pcrs in changes:
        uki = place.uki(**change)
        held(now, place.predict(now, "--uki", uki), place.measure(uki), *pcrs)


ALL_OF_IT = {"more": "a=1", "initrd": b"b", "patched": True, "end": " \n"}, (4, 9, 10, 11)


@scenario()
def predicts_another_kernel_image_debian12(folder):
    _uki(Place(folder, "debian12"), [ALL_OF_IT])


@scenario()
def predicts_another_kernel_image_debian13(folder):
    _uki(Place(folder, "debian13"), [({"more": "another=1"}, (4, 9, 10, 11)), ({"initrd": b"another"}, (4, 9, 10, 11)),
                                     ({"patched": True}, (4, 10, 11)), ALL_OF_IT])


@scenario()
def predicts_another_signer(folder):
    """A certificate more in db, with an image of the old signer and then of the new one."""
    place = Place(folder, "debian13")
    now = place.measure(place.uki())
    lists = place.signature_list(ANOTHER)
    flash = place.variables(db=lambda old: old + lists.read_bytes())
    held(now, place.predict(now, "--db", lists), place.measure(place.uki(), flash), 7, 10)
    other = place.uki("another=1", by=ANOTHER)
    held(now, place.predict(now, "--db", lists, "--uki", other), place.measure(other, flash), 4, 7, 9, 10, 11)


@scenario()
def predicts_secure_boot_off(folder):
    """And then another image, whose kernel the firmware measures by itself now."""
    place = Place(folder, "debian13")
    image, other, flash = place.uki(), place.uki(**ALL_OF_IT[0]), place.variables(SecureBootEnable=lambda old: b"\0")
    on, off = place.measure(image), place.measure(image, flash)
    held(on, place.predict(on, "--secure-boot", "off", "--uki", image), off, 4, 7, 10)
    held(off, place.predict(off, "--uki", other), place.measure(other, flash), *ALL_OF_IT[1])


@scenario()
def predicts_a_kernel_of_a_boot_loader(folder):
    """systemd-boot's, by the old signer and by one whose certificate db gets; that of the boot loader stays."""
    place = Place(folder, "debian13")
    now = place.measure(place.systemd_boot(place.signed_kernel(), place.initrd(), logs.CMDLINE))
    lists = place.signature_list(ANOTHER)
    flash = place.variables(db=lambda old: old + lists.read_bytes())
    options = f"{logs.CMDLINE} another=1"
    for by, variable, more, pcrs in ((None, None, (), ()), (ANOTHER, flash, ("--db", lists), (7,))):
        kernel, initrd = place.signed_kernel(True, by), place.initrd(b"x")
        then = place.measure(place.systemd_boot(kernel, initrd, options), variable)
        predicted = place.predict(now, *more, "--kernel", kernel, "--initrd", initrd, "--cmdline", f"initrd=\\initrd {options}")
        held(now, predicted, then, 4, *pcrs, 9, 10, 12)


@scenario()
def predicts_with_measured_files(folder):
    """Where IMA measures files the log says which, and the change has to be said to be of none."""
    place = Place(folder, "debian13")
    now = place.measure(place.uki("logs.measure"))
    uki = place.uki("logs.measure another=1")
    held(now, place.predict(now, "--uki", uki, "--ima-unchanged"), place.measure(uki), 4, 9, 10, 11)
    try:
        place.predict(now, "--uki", uki)
    except RuntimeError as error:
        assert "can't be predicted: IMA has measured files (PCR 10)" in str(error), error
    else:
        raise AssertionError("predicted what can't be known")
