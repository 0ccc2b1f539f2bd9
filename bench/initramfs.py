# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns how much of an initramfs each way of opening a volume is: dracut of Debian 13, for any machine, with zstd -19."""

import os

import chroot
import peers

BASE = "base rootfs-block fs-lib udev-rules dash dm systemd systemd-initrd dracut-systemd"
VARIANTS = {"without": "", "latchkey": "latchkey", "systemd": "systemd-cryptsetup tpm2-tss"}
SCRIPT = r"""
mkdir -p /etc/latchkey /empty /out
cp /in/policy/policy.yaml /etc/latchkey/
echo 'latchkey_unseal=/in/unseal/latchkey-unseal' > /empty/bench.conf
cp -r /in/dracut/* /usr/lib/dracut/modules.d/
# They would come along uninvited, and fail for want of their libraries.
rm -r /usr/lib/dracut/modules.d/*fido2 /usr/lib/dracut/modules.d/*pkcs11
image() {
    dracut -q --force --kver KERNEL --no-hostonly --no-early-microcode --conf /dev/null --confdir /empty --modules "BASE $2" \
        --omit "crypt-gpg crypt-loop $3" --no-compress --nofscks /out/$1.cpio >&2
    zstd -q -19 -T2 -f /out/$1.cpio
    # What of it isn't kernel modules.
    mkdir /out/$1 && (cd /out/$1 && cpio -i --quiet < ../$1.cpio && rm -rf usr/lib/modules && find . | sort | cpio -o --quiet -H newc) | zstd -q -19 -T2 > /out/$1.user
    echo "SIZE $1 $(stat -c %s /out/$1.cpio) $(stat -c %s /out/$1.cpio.zst) $(stat -c %s /out/$1.user)"
}
"""


def sizes(scene):
    """{variant: (bytes, compressed, compressed without kernel modules)} of whole images. All have device-mapper, which any volume needs."""
    root = scene.root
    program = scene.static / "release" if scene.static else peers.programs()
    script = SCRIPT.replace("KERNEL", chroot.kernel_version(root)).replace("BASE", BASE)
    for name, modules in VARIANTS.items():
        script += f"image {name} '{modules}' '{'' if name == 'systemd' else 'crypt systemd-cryptsetup tpm2-tss'}'\n"
    policy = scene.path("initramfs-policy")
    os.mkdir(policy)
    with open(os.path.join(policy, "policy.yaml"), "w") as file:
        file.write(scene.read("plain.yaml").decode())
    said = chroot.enter(root, script, binds=[(program, "/in/unseal"), (policy, "/in/policy"), (peers.SOURCE / "dracut", "/in/dracut")])
    found = {}
    for line in said.splitlines():
        if line.startswith("SIZE "):
            _, name, *numbers = line.split()
            found[name] = tuple(int(n) for n in numbers)
    if set(found) != set(VARIANTS):
        raise RuntimeError(said[-4000:])
    return found
