# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the example files of latchkey-slots(7) under the programs that they are for: RAUC of both Debians, and systemd-sysupdate. No machine is
booted: latchkey-provision's answer is a stand-in's, what comes of it is RAUC's and systemd-sysupdate's own doing."""

from pathlib import Path

import cache
import chroot
import esps
from scenarios import scenario

PACKAGES = {"debian12": "rauc rauc-service squashfs-tools systemd-boot", "debian13": "rauc rauc-service squashfs-tools systemd-boot systemd-container"}
STAND_IN = """#!/bin/sh
echo "$@" >> /io/asked
case $1 in will-it-boot) echo "PCR 4 (boot loader): another boot image" >&2; exit $(cat /io/answer) ;; esac
"""
RAUC = r"""
cp -a /in/packages/. / && ldconfig
install -m 755 /io/stand-in /usr/local/bin/latchkey-provision
export PATH=/usr/local/bin:$PATH LATCHKEY_ESP=/efi
mkdir -p /slots /etc/rauc /usr/lib/rauc /var/lib/rauc /efi/EFI/Linux /run/dbus
cp /in/slots.example/rauc/latchkey-* /usr/lib/rauc/
cp /in/signer/certificate /etc/rauc/keyring.pem
sed 's|/dev/mapper/|/slots/|' /in/slots.example/rauc/system.conf > /etc/rauc/system.conf
for slot in a b; do
    head -c 4M /dev/urandom > /tmp/root-$slot
    ln -s $(losetup --find --show /tmp/root-$slot) /slots/root-$slot
done
trap 'losetup -d $(readlink /slots/root-a) $(readlink /slots/root-b)' EXIT
echo old > /efi/EFI/Linux/system-b.efi
echo a > /efi/EFI/Linux/system-a.efi
for name in with without; do
    mkdir -p /bundles/$name && cd /bundles/$name
    head -c 1M /dev/urandom > root.img
    echo "$name" > system.efi
    if [ $name = with ]; then echo "signed" > signed-1.yaml; fi
    printf '[update]\ncompatible=example device\nversion=2\n\n[bundle]\nformat=plain\n\n[image.rootfs]\nfilename=root.img\n' > manifest.raucm
    rauc --cert=/in/signer/certificate --key=/in/signer/key --keyring=/in/signer/certificate bundle /bundles/$name /bundles/$name.raucb
done
dbus-daemon --system --fork
rauc --override-boot-slot=a service > /io/service 2>&1 &
for try in $(seq 100); do rauc status > /io/status 2>&1 && break; sleep 0.2; done
cat /io/status
state() { sha256sum /slots/root-a /slots/root-b; ls /efi/EFI/Linux; }
ask() {
    echo "$1" > /io/answer; : > /io/asked
    rauc install /bundles/$2.raucb > /io/said-$1-$2 2>&1 && code=0 || code=$?
    cat /io/said-$1-$2
    echo "ASKED $1 $2: $code"; cat /io/asked
}
state > /io/before
for answer in 5 16 1; do for name in with without; do ask $answer $name; state | cmp - /io/before; done; done
grep -a "another boot image" /io/service
ask 0 with
state
head -c 1M /slots/root-b | cmp - /bundles/with/root.img
cmp /efi/EFI/Linux/system-b+3.efi /bundles/with/system.efi
head -1 /io/before | sha256sum --check --quiet
"""


def packages(distro):
    """Folder with what these packages, and those that they need and the Debian hasn't, hold."""
    root = chroot.path(distro)
    return cache.entry(f"slots-packages-{distro}", cache.digest(root.name, PACKAGES[distro], _packages), lambda out: _packages(root, PACKAGES[distro], out))


def _packages(root, names, out):
    chroot.enter(root, f"""
        apt-get update -q
        apt-get install -q -y --no-install-recommends --download-only {names}
        for package in /var/cache/apt/archives/*.deb; do dpkg-deb -x $package /out; done
        # Folders that are links in this Debian would take their place.
        for name in bin sbin lib lib64; do
            if [ -d /out/$name ]; then mkdir -p /out/usr/$name && cp -a /out/$name/. /out/usr/$name/ && rm -r /out/$name; fi
        done
    """, binds=[(out, "/out")])


def run(distro, folder, script):
    cache.tree("systemd")
    io = Path(folder)
    (io / "stand-in").write_text(STAND_IN)
    return chroot.enter(chroot.path(distro), script, binds=[
        (packages(distro), "/in/packages"), (cache.SOURCE / "systemd/slots.example", "/in/slots.example"), (esps.signer("bundles"), "/in/signer"),
        (io, "/io"), ("/dev", "/dev"), ("/sys", "/sys")])


def rauc_asks(distro, folder):
    """An answer other than yes ends the installation before a byte is written; yes brings policy, root and boot image, in this order."""
    said = run(distro, folder, RAUC)
    for answer in (5, 16, 1):
        for name in ("with", "without"):
            asked = said.split(f"ASKED {answer} {name}: ")[1].splitlines()
            assert asked[0] != "0" and len([line for line in asked[1:] if line.startswith(("will-it-boot", "policy"))][:1]) == 1, said
    asked = said.split("ASKED 0 with: ")[1].splitlines()
    assert asked[0] == "0" and asked[1].startswith("will-it-boot --tpm device:/dev/tpmrm0 --uki ") and "--policies " in asked[1], asked
    assert asked[2].startswith("policy add --volume root-a --volume root-b ") and asked[2].endswith("/signed-1.yaml"), asked
    assert said.count("policy add") == 1, said
    assert sorted(line for line in asked if line.endswith(".efi") and " " not in line) == ["system-a.efi", "system-b+3.efi"], asked


@scenario()
def rauc_asks_before_it_writes_debian12(folder):
    rauc_asks("debian12", folder)


@scenario()
def rauc_asks_before_it_writes_debian13(folder):
    rauc_asks("debian13", folder)


SYSUPDATE = r"""
cp -a /in/packages/. / && ldconfig
install -m 755 /io/stand-in /usr/local/bin/latchkey-provision
export PATH=/usr/local/bin:$PATH LATCHKEY_ESP=/efi SYSTEMD_ESP_PATH=/efi SYSTEMD_RELAX_ESP_CHECKS=1
mkdir -p /efi/EFI/Linux /incoming /etc/sysupdate.d
# As on the page, but from a folder: there is no network.
sed 's|^Type=url-file|Type=regular-file|; s|^Path=https:.*|Path=/incoming|; s|^ProtectVersion=.*|Verify=no|' \
    /in/slots.example/sysupdate/50-image.transfer > /etc/sysupdate.d/50-image.transfer
echo one > /efi/EFI/Linux/system_1.efi
echo two > /incoming/system_2.efi
update() {
    echo "$1" > /io/answer; : > /io/asked
    /usr/lib/systemd/systemd-sysupdate update
    ls /efi/EFI/Linux
    sh /in/slots.example/sysupdate/hold-back && code=0 || code=$?
    echo "HELD $1: $code $(ls /efi/EFI/Linux | tr '\n' ' ')"
}
update 5
update 16
update 0
# What is on its way is asked about again; what has no try left isn't.
update 0
mv /efi/EFI/Linux/system_2+3-0.efi /efi/EFI/Linux/system_2+0-3.efi
sh /in/slots.example/sysupdate/hold-back
echo "LEFT $(ls /efi/EFI/Linux | tr '\n' ' ')"
"""


@scenario()
def sysupdate_holds_an_image_back(folder):
    """Debian 12 hasn't got the program."""
    said = run("debian13", folder, SYSUPDATE)
    assert said.count("system_2+3-0.efi wouldn't open the volumes") == 2, said
    for answer, code, left in ((5, 1, "system_1.efi"), (16, 1, "system_1.efi"), (0, 0, "system_1.efi system_2+3-0.efi")):
        assert f"HELD {answer}: {code} {left} \n" in said, said
    assert "LEFT system_1.efi system_2+0-3.efi \n" in said, said
