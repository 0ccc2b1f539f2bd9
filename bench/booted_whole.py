# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the figures of whole boots: from the kernel's start to a program on the mounted root volume, Debian 13 with systemd in the initramfs.

Secure Boot, signed unified kernel images by dracut, one with Latchkey's module and one with systemd-cryptsetup and tpm2-tss; each opens a
volume of its own with the same content, under a signed policy for PCRs 0 and 7, which don't depend on the image.
"""

import re
import shutil
import statistics
import tempfile
from pathlib import Path

import booted
import cache
import chroot
import images
import kits
import peers
from machine import Machine

DISTRO, RUNS = "debian13", 5
PCRS = (0, 7)
BASE = "base rootfs-block fs-lib udev-rules dash dm systemd systemd-initrd dracut-systemd"
MODULES = {"latchkey": "latchkey", "systemd": "systemd-cryptsetup tpm2-tss"}
TITLES = {"long": "Latchkey, first boot", "ticket": "Latchkey, ticket", "systemd": "systemd-cryptsetup"}
UNLOCK = "rd.luks=1 rd.luks.name=UUID=root rd.luks.options=tpm2-device=auto,tpm2-signature=/etc/systemd/tpm2-pcr-signature.json,headless=yes"
UUID = "5c1d7f0e-6d0c-4a38-9a4e-5b1f9d8a2c11"
FACTORY = r"""
set -e
latchkey-provision install --policy-key policy-key.pub.pem --config-key config-key.bin --record out/record.json --recipient recipient.pem \
    --owner-auth owner-auth --lockout-auth lockout-auth
ours=$(disk root); theirs=$(disk peer)
latchkey-provision format --policy here.yaml --volume root --device $ours --no-recovery-key --owner-auth owner-auth
latchkey-provision pcrs > pcrs
chmod 600 policy-key.pem
latchkey policy sign --policy here.yaml --key policy-key.pem --pcr-values pcrs --version 1 -o here.signed
latchkey-unseal --policy here.yaml --signed here.signed
printf peer > key
chmod 600 key
cryptsetup luksFormat -q --type luks2 --uuid UUID --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --cipher aes-xts-plain64 --key-size 512 \
    --sector-size 4096 --key-file key $theirs
systemd-cryptenroll --unlock-key-file=key --tpm2-device=/dev/tpmrm0 --tpm2-pcrs= --tpm2-public-key=systemd.pub.pem --tpm2-public-key-pcrs=0+7 $theirs
cryptsetup open --key-file key $theirs peer
mkdir /fs; cp -r /rootfs/. /fs; echo bench > /fs/secret
for name in root peer; do
    /usr/sbin/mke2fs -q -t ext4 -O ^has_journal -d /fs /dev/mapper/$name
    sync; cryptsetup close $name
done
"""
AFTER_ROOT = r"""
read -r up _ < /proc/uptime
echo "MOUNTED $up"
mkdir -p out; cp /run/latchkey/learned/* out/ 2>/dev/null
tar cf "$(disk control)" out; sync
"""
# What the machine measures before our images differ: a look from the initramfs of the tests.
LOOK = kits.Kit(DISTRO, "systemd", on_failure="fail")


def policy_text():
    """PCRs 0 and 7 alone."""
    text = kits.Kit(DISTRO, "systemd").policy()
    return re.sub(r"^pcrs: .*", "pcrs: [0, 7]", text, flags=re.M)


def image(which, files):
    """A signed boot image; files: path in the initramfs to text."""
    root = peers.tree()
    static = peers.static_programs()
    program = static / "release" if static else images.programs(DISTRO)
    key = cache.digest(root.name, program.parent.name, program.name, which, files, cache.SOURCE / "dracut", BASE, MODULES, _dracut)
    initrd = cache.entry(f"bench-initramfs-{which}", key, lambda out: _dracut(root, program, which, files, out)) / "initramfs"
    cmdline = kits.CMDLINE + (f" {UNLOCK.replace('UUID', UUID)}" if which == "systemd" else "")
    return images.signed_image(DISTRO, initrd, cmdline)


def _dracut(root, program, which, files, out):
    (out / "files").mkdir()
    script = "mkdir -p /empty; rm -r /usr/lib/dracut/modules.d/*fido2 /usr/lib/dracut/modules.d/*pkcs11\ncp -r /in/dracut/* /usr/lib/dracut/modules.d/\n"
    include = ""
    for i, (path, text) in enumerate(files.items()):
        (out / "files" / str(i)).write_text(text)
        script += f"mkdir -p $(dirname {path}); cp /out/files/{i} {path}\n"
        include += f" --install {path}"
    script += f"""
        echo 'latchkey_unseal=/in/programs/latchkey-unseal latchkey_modules="virtio_pci virtio_blk ext4"' > /empty/bench.conf
        dracut --force --kver {chroot.kernel_version(root)} --no-hostonly --no-early-microcode --conf /dev/null --confdir /empty \
            --modules '{BASE} {MODULES[which]}' --drivers 'virtio_pci virtio_blk ext4' --omit-drivers '{images.OMIT}' --nofscks{include} \
            --compress 'zstd -15 -T2' /out/initramfs
        chmod 644 /out/initramfs
    """
    chroot.enter(root, script, binds=[(program, "/in/programs"), (cache.SOURCE / "dracut", "/in/dracut"), (out, "/out")])


def measured_pcrs():
    """PCR values of a boot with Secure Boot, as the tests' initramfs prints them."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        machine = Machine.create(Path(folder) / "machine", {"root": 33})
        with machine.boot(esp=LOOK.image()) as boot:
            return kits.measured(boot)


def prepare(folder):
    """A machine with both volumes, and their boot images."""
    out = folder / "made"
    out.mkdir()
    # cryptsetup's own headers are larger than ours.
    machine = Machine.create(out / "machine", {"root": 33, "peer": 47})
    key = folder / "systemd.pem"
    cache.run("openssl", "genrsa", "-out", key, "2048")
    policy = policy_text()
    here = re.sub("^latch: .*", "latch: none", policy, flags=re.M)
    here = re.sub(r"^(    *-? *device|  *device): .*", r"\1: /dev/vdb", here, flags=re.M)
    files = {"main.sh": FACTORY.replace("UUID", UUID), "here.yaml": here, "owner-auth": "owner of the tests\n",
             "lockout-auth": "end of lockout\n", "systemd.pub.pem": booted.public_key(key)}
    for name in ("policy-key.pem", "policy-key.pub.pem", "config-key.bin", "recipient.pem"):
        files[name] = (kits.keys(DISTRO) / name).read_bytes()
    with machine.boot(kernel=images.kernel(DISTRO), initrd=images.factory(DISTRO, booted.PEER), control=files, disks=["root", "peer"]) as boot:
        if boot.expect(r"FACTORY-EXIT (\d+)\n", 600)[1] != "0":
            raise RuntimeError(boot.console[-4000:])
        boot.expect_off()
    pcrs = measured_pcrs()
    (out / "pcrs").write_text(pcrs)
    (out / "policy.yaml").write_text(policy)
    kit = kits.Kit(DISTRO, "systemd")
    kit.sign(out)
    kit.enroll(machine, out)
    values = {int(n): bytes.fromhex(value) for n, value in re.findall(r"\b(\d+) *: *0x([0-9A-Fa-f]{64})\b", pcrs)}
    return machine, {"latchkey": image("latchkey", {"/etc/latchkey/policy.yaml": policy}),
                     "systemd": image("systemd", {"/etc/systemd/tpm2-pcr-signature.json": booted.sign_for_systemd(values, key, PCRS)})}


def boot_once(machine, esp, disk):
    """Seconds to the mounted volume, by the kernel's clock, and what was learned, by file name."""
    with machine.boot(esp=esp, disks=[disk], control={"after-root.sh": AFTER_ROOT}) as boot:
        seconds = float(boot.expect(r"MOUNTED ([\d.]+)\n", 180)[1])
        boot.expect_off()
        return seconds, boot.collected()


def remember(machine, learned, folder):
    """What latchkey-remember.service does after that boot, to the disk at hand."""
    out = folder / "remember"
    (out / "learned").mkdir(parents=True)
    for name, data in learned.items():
        (out / "learned" / name).write_bytes(data)
    shutil.copy(machine.disk("root"), out / "volume.img")
    (out / "policy.yaml").write_text(policy_text())
    kits.in_chroot(DISTRO, "latchkey-provision remember --policy /io/policy.yaml --volume root --device /io/volume.img --learned /io/learned", out)
    shutil.move(out / "volume.img", machine.disk("root"))


def measure(runs=RUNS):
    """A list of figures for report.py."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        folder = Path(folder)
        cache.say("whole boots: a machine with both volumes")
        fresh, esps = prepare(folder)
        _, learned = boot_once(fresh.copy(folder / "first"), esps["latchkey"], "root")
        knows = fresh.copy(folder / "knows")
        remember(knows, learned, folder)
        cache.say("whole boots: kernel start to mounted volume")
        seen = {name: [] for name in TITLES}
        for _ in range(runs):
            for name, machine, which, disk in (("long", fresh, "latchkey", "root"), ("ticket", knows, "latchkey", "root"), ("systemd", fresh, "systemd", "peer")):
                seen[name].append(boot_once(machine, esps[which], disk)[0] * 1000)
    systemd = statistics.median(seen["systemd"])
    return [{"key": name, "title": TITLES[name], "from": "kernel start", "to": "mounted", "ms": statistics.median(times), "least": min(times),
             "runs": len(times), "systemd": systemd} for name, times in seen.items()]
