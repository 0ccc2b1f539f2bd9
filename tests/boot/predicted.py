# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns predictions held against machines: what latchkey says that a boot after a change will have measured, and what it then has."""

import json
import os
import shutil
from pathlib import Path

import cache
import chroot
import images
import logs
from kits import in_chroot
from scenarios import scenario

# What a boot ends up with before a system of its own begins to measure.
PCRS = [str(pcr) for pcr in range(16)]


class Place:
    """A folder for one scenario: images, variables, machines."""

    def __init__(self, folder, distro):
        self.folder, self.distro, self.n = Path(folder), distro, 0
        self.root = chroot.path(distro)

    def path(self, name):
        self.n += 1
        return self.folder / f"{self.n}-{name}"

    def signer(self, name=None):
        """A key and its certificate: the firmware package's, or one of our own."""
        key, certificate = self.path("key"), self.path("certificate")
        if not name:
            cache.run("openssl", "rsa", "-in", f"{images.SNAKEOIL}.key", "-passin", "pass:snakeoil", "-out", key)
            shutil.copy(f"{images.SNAKEOIL}.pem", certificate)
        else:
            cache.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={name}",
                      "-keyout", key, "-out", certificate)
        return key, certificate

    def sign(self, path, signer=None):
        key, certificate = signer or self.signer()
        signed = self.path("signed.efi")
        cache.run("sbsign", "--key", key, "--cert", certificate, "--output", signed, path)
        return signed

    def kernel(self, patched=False):
        """The distribution's; or another one, which says its version otherwise."""
        content = bytearray(images.kernel(self.distro).read_bytes())
        if patched:
            at = 0x200 + int.from_bytes(content[0x20e:0x210], "little")
            content[at:at + 1] = b"9"
        path = self.path("kernel")
        path.write_bytes(content)
        return path

    def initrd(self, more=b""):
        return logs.initramfs(self.distro, more)

    def uki(self, more="", initrd=b"", patched=False, signer=None, end=""):
        """A signed unified kernel image. more: of the command line; end: after it."""
        texts = {".osrel": 'ID=latchkey-test\nPRETTY_NAME="prediction"\n', ".cmdline": f"{logs.CMDLINE} {more}".strip() + end}
        parts = [(name, self.path("text")) for name in texts]
        for name, path in parts:
            path.write_text(texts[name])
        parts += [(".initrd", self.initrd(initrd)), (".linux", self.kernel(patched))]
        stub, unsigned = self.root / images.STUB, self.path("unsigned.efi")
        cache.run("objcopy", *images._sections(stub, parts), stub, unsigned)
        return self.sign(unsigned, signer)

    def esp(self, loader, files=None):
        """files: path on it to a file here."""
        esp = self.path("esp")
        with open(esp, "wb") as file:
            file.truncate((64 << 20) + loader.stat().st_size)
        cache.run("mformat", "-i", esp, "-F", "::")
        for folder in ("EFI", "EFI/BOOT", "loader", "loader/entries"):
            cache.run("mmd", "-i", esp, f"::/{folder}")
        for name, path in {"EFI/BOOT/BOOTX64.EFI": loader, **(files or {})}.items():
            cache.run("mcopy", "-i", esp, path, f"::/{name}")
        return esp

    def measure(self, **options):
        return logs.measure(self.path("machine"), **options)

    def predict(self, now, *options):
        """The values that latchkey gives; files among the options lie here."""
        io = self.path("io")
        now.write(io)
        names = []
        for option in options:
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


def held(predicted, measured, but=()):
    """All are right, in both banks; but: (bank, PCR) that the prediction leaves out, or says that it can't know."""
    wrong = [(bank, pcr) for bank in logs.BANKS for pcr in PCRS if (bank, pcr) not in but and predicted[bank].get(pcr) != measured.pcrs[bank][pcr]]
    assert not wrong, f"predicted wrong: {wrong}"
    changed = sum(len(predicted[bank]) for bank in logs.BANKS)
    cache.say(f"predicted right: {changed - len(but)} values")


def differs(now, then, *pcrs):
    """Else a prediction of nothing would hold too."""
    for pcr in pcrs:
        assert now.pcrs["sha256"][str(pcr)] != then.pcrs["sha256"][str(pcr)], f"PCR {pcr} is the same"


ALL_OF_IT = {"more": "a=1", "initrd": b"b", "patched": True, "end": " \n"}


def _uki(place, changes):
    """changes: what place.uki takes, and the PCRs that have to be others then."""
    now = place.measure(esp=place.esp(place.uki()))
    for change, pcrs in changes:
        uki = place.uki(**change)
        then = place.measure(esp=place.esp(uki))
        differs(now, then, *pcrs)
        held(place.predict(now, "--uki", uki), then)


@scenario()
def predicts_another_kernel_image_debian13(folder):
    _uki(Place(folder, "debian13"), [({"more": "another=1"}, (4, 9, 10, 11)), ({"initrd": b"another"}, (4, 9, 10, 11)),
                                     ({"patched": True}, (4, 10, 11)), (ALL_OF_IT, (4, 9, 10, 11))])
