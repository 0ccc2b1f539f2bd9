# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns disks that firmware boots from: signed images, boot loaders with what they read, the file system around them."""

import shutil
from pathlib import Path
from typing import NamedTuple

import cache
import chroot
import images

DEFAULT = "EFI/BOOT/BOOTX64.EFI"
SYSTEMD_BOOT = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
SHIM, GRUB = "usr/lib/shim/shimx64.efi", "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"


class Made(NamedTuple):
    """A file, and what tells its content apart from others: signing puts the time into it."""
    path: Path
    key: str


def made(path):
    return Made(path, cache.digest(path.read_bytes()))


def written(path, text):
    path.write_text(text)
    return made(path)


def signer(name=None):
    """Folder with a key and its certificate: the firmware package's, or one of our own."""
    return cache.entry(f"signer-{name or 'firmware'}", cache.digest(name, _signer), lambda out: _signer(out, name))


def _signer(out, name):
    if name:
        cache.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", f"/CN={name}",
                  "-keyout", out / "key", "-out", out / "certificate")
    else:
        cache.run("openssl", "rsa", "-in", f"{images.SNAKEOIL}.key", "-passin", "pass:snakeoil", "-out", out / "key")
        shutil.copy(f"{images.SNAKEOIL}.pem", out / "certificate")
    cache.run("openssl", "x509", "-in", out / "certificate", "-outform", "DER", "-out", out / "certificate.der")


def sign(unsigned, signed, by=None):
    keys = signer(by)
    cache.run("sbsign", "--key", keys / "key", "--cert", keys / "certificate", "--output", signed, unsigned)
    return Made(signed, cache.digest(unsigned.read_bytes(), (keys / "certificate").read_bytes()))


def fat(image, files):
    """A FAT image with these files; files: path on it to what is made."""
    size = sum(file.path.stat().st_size for file in files.values())
    with open(image, "wb") as out:
        out.truncate((size + (40 << 20)) & ~0xfffff)
    cache.run("mformat", "-i", image, "-F", "::")
    folders = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    for folder in sorted(folders):
        cache.run("mmd", "-i", image, f"::/{folder}")
    for name, file in files.items():
        cache.run("mcopy", "-i", image, file.path, f"::/{name}")
    return image


def systemd_boot(distro, work, kernel, initrd, options):
    """Files of an ESP where systemd-boot starts a kernel by an entry."""
    work.mkdir()
    return {
        DEFAULT: sign(chroot.path(distro) / SYSTEMD_BOOT, work / "systemd-boot"),
        "kernel.efi": kernel, "initrd": initrd,
        "loader/entries/a.conf": written(work / "entry", f"title a\nlinux /kernel.efi\ninitrd /initrd\noptions {options}\n"),
        "loader/loader.conf": written(work / "config", "timeout 0\n"),
    }


def grub(distro, work, kernel, initrd, options):
    """Files of an ESP where shim starts Debian's GRUB, and that the kernel as Debian signed it."""
    work.mkdir()
    found = cache.entry(f"grub-{distro}", cache.digest(chroot.path(distro).name, _grub), lambda out: _grub(distro, out))
    return {
        DEFAULT: sign(found / SHIM, work / "shim"),
        "EFI/BOOT/grubx64.efi": made(found / GRUB), "kernel": kernel, "initrd": initrd,
        "EFI/debian/grub.cfg": written(work / "config", f"linux /kernel {options}\ninitrd /initrd\nboot\n"),
    }


def _grub(distro, out):
    chroot.enter(chroot.path(distro), """
        apt-get update -q
        cd /tmp && apt-get download -q shim-unsigned grub-efi-amd64-signed
        for package in *.deb; do dpkg-deb -x $package /out; done
    """, binds=[(out, "/out")])
