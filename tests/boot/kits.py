# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the prepared machines that scenarios start from: policy, signed boot image, and a machine that has been through the
factory and had its boot signed for. Each is made once, and copied by those who use it."""

import base64
import json
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cache
import chroot
import images
from machine import CODE, FIRMWARE, VARIABLES, Machine, accelerator

CMDLINE = ("console=ttyS0 quiet root=/dev/mapper/root rootfstype=ext4 ro rd.retry=15 "
           "mitigations=off init_on_alloc=0 cryptomgr.notests systemd.show_status=0")
MIB = 1 << 20
PARTITION = (MIB, 31 * MIB)  # offset and size, on a disk of 33 MiB


@dataclass(frozen=True)
class Volume:
    name: str = "root"
    integrity: str = "none"
    partition: bool = False  # PARTLABEL= on a GPT, else the whole disk by its serial number
    handle: int = 0x8100A001
    by_path: str = ""  # where no udev makes links
    pin: str = ""
    mib: int = 33

    @property
    def device(self):
        if self.by_path:
            return self.by_path
        return f"PARTLABEL={self.name}" if self.partition else f"/dev/disk/by-id/virtio-{self.name}"

    def yaml(self):
        return (f"  - name: {self.name}\n    device: {self.device}\n    handle: {self.handle:#x}\n"
                f"    sector-size: 4096\n    integrity: {self.integrity}\n" + ("    pin: true\n" if self.pin else ""))


@dataclass(frozen=True)
class Kit:
    """What tells one kind of prepared machine from another."""
    distro: str
    flavour: str
    on_failure: str = "fail"
    volumes: tuple = field(default=(Volume(),))
    kind: str = ""  # what its name ends in
    top: str = ""  # more lines of its policy file

    @property
    def name(self):
        return f"{self.distro}-{self.flavour}" + ("-pin" if any(v.pin for v in self.volumes) else "") + self.kind

    @property
    def has_pin(self):
        return any(v.pin for v in self.volumes)

    # What all machines of this kind share.

    def keys(self):
        return keys(self.distro)

    def policy(self, on_failure=None):
        """The policy file's text: what `latchkey policy init` writes, with our volumes put in."""
        text = policy_init(self.distro).read_text()
        text = re.sub(r"^on-failure: .*", f"on-failure: {on_failure or self.on_failure}", text, flags=re.M)
        text = re.sub(r"^timeout-device: .*", "timeout-device: 15", text, flags=re.M)
        root = "root-key: signed\n" if self.has_pin else ""
        return text[:text.index("volumes:")] + root + self.top + "volumes:\n" + "".join(v.yaml() for v in self.volumes)

    def image(self, extra="", release="boot test", on_failure=None):
        initrd = images.initramfs(self.distro, self.flavour, self.policy(on_failure))
        return images.signed_image(self.distro, initrd, f"{CMDLINE} {extra}".strip(), release)

    # A prepared machine.

    def blank(self, out):
        """As it comes to the factory, with what that needs."""
        return Machine.create(out / "machine", {v.name: v.mib for v in self.volumes})

    def factory_script(self):
        return FACTORY

    def manufactured(self):
        """Cache folder: machine/, pcrs (text) of its first boot, policy.yaml, secret-NAME and recovery-NAME. Nothing is signed yet."""
        key = cache.digest(self.image().parent.name, images.factory(self.distro).parent.name, self.keys().name, FACTORY, hardware())
        return cache.entry(f"made-{self.name}", key, self._prepare)

    def entry(self):
        """Cache folder: the same machine with the policy that was signed for it, and signed.yaml."""
        made = self.manufactured()
        key = cache.digest(made.name, host_programs(self.distro, "latchkey latchkey-provision"), _sign_and_enroll)
        return cache.entry(f"kit-{self.name}", key, lambda out: _sign_and_enroll(self, made, out))

    def machine(self, folder):
        return Machine(self.entry() / "machine").copy(Path(folder) / "machine")

    def secret(self, volume="root"):
        return (self.entry() / f"secret-{volume}").read_text()

    def recovery(self, volume="root"):
        return (self.entry() / f"recovery-{volume}").read_text()

    def _prepare(self, out):
        machine = self.manufacture(out)
        with machine.boot(esp=self.image()) as boot:
            (out / "pcrs").write_text(measured(boot))
            boot.expect("latchkey-unseal: .*\n")

    def sign(self, out):
        """Sign the values in out/pcrs as the owner does, into out/signed.yaml."""
        in_chroot(self.distro, f"""
            latchkey policy sign --policy /io/policy.yaml --key /in/keys/policy-key.pem --pcr-values /io/pcrs \
                --version 1 --label '{self.name}' -o /io/signed.yaml
            latchkey policy verify --policy /io/policy.yaml /io/signed.yaml
        """, out, self.keys())

    def manufacture(self, out):
        """A new machine with its own TPM and disks, through the factory: keys installed, volumes formatted and filled."""
        (out / "policy.yaml").write_text(self.policy())
        machine = self.blank(out)
        control = {"main.sh": self.factory_script(), "policy.yaml": self.policy(), "owner-auth": "owner of the tests\n", "lockout-auth": "end of lockout\n",
                   "volumes": "".join(f"{v.name} {v.integrity}\n" for v in self.volumes)}
        for volume in self.volumes:
            secret = base64.b32encode(os.urandom(10)).decode()
            (out / f"secret-{volume.name}").write_text(secret)
            control[f"secret-{volume.name}"] = secret
            if volume.pin:
                control[f"pin-{volume.name}"] = volume.pin + "\n"
            if volume.partition:
                in_chroot(self.distro, f"printf 'label: gpt\nstart=1MiB, size=31MiB, name={volume.name}\n' | sfdisk -q /io/{machine.disk(volume.name).name}",
                          machine.folder)
        for name in ("policy-key.pub.pem", "config-key.bin", "recipient.pem"):
            control[name] = (self.keys() / name).read_bytes()
        with machine.boot(kernel=images.kernel(self.distro), initrd=images.factory(self.distro), control=control) as boot:
            for volume in self.volumes:
                boot.expect(f"FACTORY-KEY {volume.name}", 180)
                files = boot.collected()
                (out / "record.json").write_bytes(files["record.json"])
                key = self._recovery_key(files, volume.name)
                (out / f"recovery-{volume.name}").write_text(key)
                boot.type(key + "\n")
            assert boot.expect(r"FACTORY-EXIT (\d+)\n", 180)[1] == "0", boot.console[-4000:]
            boot.expect_off()
        return machine

    def enroll(self, machine, out):
        """Put the signed policy into each volume's header, as an administrator does with the disk at hand."""
        root_key = ""
        if self.has_pin:
            root_key = "/io/root-key.yaml"
            in_chroot(self.distro, "latchkey policy sign-root-key --policy /io/policy.yaml --key /in/keys/policy-key.pem --record /io/record.json "
                      f"--force -o {root_key}", out, self.keys())
        for volume in self.volumes:
            with volume_file(machine, volume) as file:
                shutil.copy(file, out / "volume.img")
                in_chroot(self.distro, f"latchkey-provision policy add --policy /io/policy.yaml --volume {volume.name} --device /io/volume.img /io/signed.yaml {root_key}",
                          out, self.keys())
                shutil.move(out / "volume.img", file)

    def signed_for(self):
        """The values that the kit's machine had when its volumes got a policy."""
        return (self.entry() / "pcrs").read_text()

    def sign_for(self, folder, pcrs):
        """A folder with a policy for these values. There is firmware that measures a boot option for each disk, so that a machine with more disks
        isn't the one that was signed for."""
        out = Path(folder) / "signed-for"
        out.mkdir()
        (out / "policy.yaml").write_text(self.policy())
        (out / "pcrs").write_text(pcrs)
        self.sign(out)
        return out

    def _recovery_key(self, files, volume):
        record = json.loads(files["record.json"])
        sealed = next(v["recovery-key"] for v in record["volumes"] if v["name"] == volume)
        with tempfile.NamedTemporaryFile("w", prefix="latchkey-cms-") as file:
            file.write(sealed)
            file.flush()
            return cache.run("openssl", "cms", "-decrypt", "-inform", "PEM", "-in", file.name,
                             "-recip", self.keys() / "recipient.pem", "-inkey", self.keys() / "recipient.key").strip()


def _sign_and_enroll(kit, made, out):
    cache.run("cp", "-r", "--sparse=always", f"{made}/.", out)
    kit.sign(out)
    kit.enroll(Machine(out / "machine"), out)


@cache.known("hardware")
def hardware():
    """What the measured values depend on beside the image."""
    return cache.digest(cache.run("qemu-system-x86_64", "--version"), cache.run("swtpm", "--version"), accelerator(),
                        *(FIRMWARE / name for name in (CODE, *VARIABLES.values())))


FACTORY = r"""
set -e
latchkey-provision install --policy-key policy-key.pub.pem --config-key config-key.bin --record out/record.json --recipient recipient.pem \
    --owner-auth owner-auth --lockout-auth lockout-auth
while read -r name integrity <&9; do
    dev=$(disk $name); if [ -e ${dev}1 ]; then dev=${dev}1; fi
    latchkey-provision format --policy policy.yaml --volume $name --device $dev --record out/record.json --recipient recipient.pem \
        --owner-auth owner-auth $(if [ -e pin-$name ]; then echo --pin-file pin-$name; fi)
    tar cf "$(disk control)" -C /ctl out; sync
    echo "FACTORY-KEY $name"
    read -r key
    printf %s "$key" | cryptsetup open --key-file - $dev $name
    rm -rf /fs; mkdir /fs
    if [ $name = root ]; then cp -r /rootfs/. /fs; mkdir -p /fs/etc/latchkey; cp /etc/latchkey/device.yaml /fs/etc/latchkey; fi
    cp secret-$name /fs/secret
    /usr/sbin/mke2fs -q -t ext4 -O ^has_journal -d /fs /dev/mapper/$name
    sync; cryptsetup close $name
done 9< volumes
"""


@cache.known("keys {}")
def keys(distro):
    """Folder with the owner's keys and a recipient for provisioning records; they last until keys are made in another way."""
    key = cache.digest(cache.tree("tools/host/key"), _make_keys)
    return cache.entry(f"keys-{distro}", key, lambda out: _make_keys(distro, out))


def policy_init(distro):
    """The policy file as `policy init` writes it for these keys."""
    key = cache.digest(host_programs(distro, "latchkey"), keys(distro).name, _policy_init)
    return cache.entry(f"policy-{distro}", key, lambda out: _policy_init(distro, out)) / "policy.yaml"


def _policy_init(distro, out):
    in_chroot(distro, "latchkey policy init --policy-key /in/keys/policy-key.pub.pem -o /io/policy.yaml", out, keys(distro))


def _make_keys(distro, out):
    in_chroot(distro, "latchkey keygen /io/new && cp /io/new/* /io/ && rm -r /io/new", out)
    cache.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=records", "-days", "3650",
              "-keyout", out / "recipient.key", "-out", out / "recipient.pem")


def host_programs(distro, words):
    """Digests of those of Latchkey's programs that the words name."""
    return [images.program(distro, name) for name in images.PROGRAMS if re.search(rf"(?<![\w-]){name}(?![\w-])", words)]


def in_chroot(distro, script, io, keys=None):
    """Run the host's programs in their own Debian. io is there as /io, the keys as /in/keys."""
    host_programs(distro, script)
    binds = [(images.programs(distro), "/in/programs"), (io, "/io")] + ([(keys, "/in/keys")] if keys else [])
    return chroot.enter(chroot.path(distro), "PATH=$PATH:/in/programs\n" + script, binds=binds)


def measured(boot):
    """The PCRs that the test's hook printed, in tpm2_pcrread's form."""
    return boot.expect(r"LATCHKEY-PCRS-BEGIN\n((?:.*\n)+?)LATCHKEY-PCRS-END")[1]


def moved(now, signed):
    """PCRs of the selection that are others now."""
    def value(text, pcr):
        return re.search(rf"^ *{pcr} *: *(\S+)", text, re.M)[1].lower()
    return [pcr for pcr in (0, 7, 10) if value(now, pcr) != value(signed, pcr)]


@contextmanager
def volume_file(machine, volume):
    """A file that holds exactly the volume; what is changed in it goes back to the machine's disk."""
    disk = machine.disk(volume.name)
    if not volume.partition:
        yield disk
        return
    offset, size = PARTITION
    with tempfile.NamedTemporaryFile(prefix="latchkey-volume-") as part, open(disk, "r+b") as whole:
        whole.seek(offset)
        part.write(whole.read(size))
        part.flush()
        yield Path(part.name)
        whole.seek(offset)
        whole.write(Path(part.name).read_bytes())


ONE = Kit("debian12", "plain")
SYSTEMD12 = Kit("debian12", "systemd", volumes=(Volume(partition=True),))
SYSTEMD13 = Kit("debian13", "systemd", on_failure="prompt")
PIN = Kit("debian13", "systemd", volumes=(Volume(pin="four words of mine"),))
TWO = Kit("debian13", "plain", volumes=(Volume(), Volume("data", "hmac-sha256", handle=0x8100A002)))
STICK = Kit("debian12", "plain", kind="-stick", top="signed-from: [PARTLABEL=latchkey-policies]\ntimeout-signed: 20\n")
ALL = {kit.name: kit for kit in (ONE, SYSTEMD12, SYSTEMD13, PIN, TWO, STICK)}
