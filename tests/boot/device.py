# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the device: a machine that boots into systemd from a plain root, came from the factory with Latchkey's keys in its TPM and
blank data volumes, and is configured by what is uploaded to it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import cache
import images
import kits
from kits import Kit, Volume, in_chroot
from machine import Machine

CMDLINE = ("console=ttyS0 quiet root=/dev/disk/by-id/virtio-system rootfstype=ext4 rw "
           "mitigations=off init_on_alloc=0 cryptomgr.notests systemd.show_status=0")
FACTORY = """
latchkey-provision install --policy-key policy-key.pub.pem --config-key config-key.bin --record out/record.json --recipient recipient.pem \
    --owner-auth owner-auth --lockout-auth lockout-auth
"""
OWNER_AUTH = "owner of the tests\n"
UPLOAD = "/home/update/upload/mnt/config.lkb"


@dataclass(frozen=True)
class Device(Kit):
    """A kit whose volumes come into being on the device itself."""
    volumes: tuple = (Volume("data"),)

    @property
    def name(self):
        return f"{self.distro}-device"

    def image(self, extra="", release="boot test", on_failure=None):
        initrd = images.initramfs(self.distro, self.flavour, self.policy(on_failure))
        return images.signed_image(self.distro, initrd, f"{CMDLINE} {extra}".strip(), release)

    def provisioned(self):
        """Cache folder: machine/, which is a TPM with Latchkey's keys in it and no disks, and record.json."""
        key = cache.digest(images.factory(self.distro).parent.name, self.keys().name, FACTORY, OWNER_AUTH, kits.hardware())
        return cache.entry(f"provisioned-{self.distro}", key, self._provision)

    def entry(self):
        """Makes ready what machine() takes."""
        self.image()
        images.system(self.distro, self.policy())
        return self.provisioned()

    def machine(self, folder):
        """A device as it leaves the factory: with its system, and blank volumes."""
        machine = Machine(self.provisioned() / "machine").copy(Path(folder) / "machine")
        for volume in self.volumes:
            machine.add_disk(volume.name, 33)
        cache.run("cp", "--sparse=always", images.system(self.distro, self.policy()), machine.disk("system"))
        self._name_tpm(machine, Path(folder))
        return machine

    def device_file(self, folder):
        """Path of the device file of the one device that provisioned() is: see latchkey-device(5)."""
        work = folder / "device-file"
        work.mkdir()
        shutil.copy(self.provisioned() / "record.json", work / "record.json")
        self.host(work, "latchkey device /io/record.json -o /io/device.yaml")
        return work / "device.yaml"

    def _name_tpm(self, machine, folder):
        """The device file, into the system that all of them share."""
        cache.run("debugfs", "-w", "-R", f"write {self.device_file(folder)} /etc/latchkey/device.yaml", machine.disk("system"))

    def _provision(self, out):
        control = {"main.sh": FACTORY, "owner-auth": OWNER_AUTH, "lockout-auth": "end of lockout\n"}
        for name in ("policy-key.pub.pem", "config-key.bin", "recipient.pem"):
            control[name] = (self.keys() / name).read_bytes()
        with Machine.create(out / "machine", {}).boot(kernel=images.kernel(self.distro), initrd=images.factory(self.distro),
                                                      control=control) as boot:
            assert boot.expect(r"FACTORY-EXIT (\d+)\n", 180)[1] == "0", boot.console[-4000:]
            boot.expect_off()
            (out / "record.json").write_bytes(boot.collected()["record.json"])

    def host(self, folder, script):
        """Run the administrator's programs: folder is there as /io, the owner's keys as /in/keys."""
        return in_chroot(self.distro, script, folder, self.keys())

    def signed_policy(self, folder, pcrs, version, policy=None):
        """What the administrator signs for a boot that measures these PCRs."""
        (folder / "pcrs").write_text(pcrs)
        (folder / "policy.yaml").write_text(policy or self.policy())
        self.host(folder, f"rm -f /io/signed.yaml; latchkey policy sign --policy /io/policy.yaml --key /in/keys/policy-key.pem --pcr-values /io/pcrs "
                          f"--version {version} --label 'image of the tests' -o /io/signed.yaml")
        return (folder / "signed.yaml").read_text()

    def blob(self, folder, sequence, files, manifest="", key="policy-key.pem"):
        """A sealed configuration. files: name in the archive to text; manifest: the items of its list of files."""
        content = Path(folder) / "content"
        shutil.rmtree(content, ignore_errors=True)
        for name, text in files.items():
            (content / name).parent.mkdir(parents=True, exist_ok=True)
            (content / name).write_text(text)
        if manifest:
            (content / "latchkey-manifest.yaml").write_text(f"latchkey-manifest: 1\nfiles:\n{manifest}")
        self.host(folder, f"rm -f /io/blob; latchkey config seal --key /in/keys/{key} --config-key /in/keys/config-key.bin "
                          f"--sequence {sequence} -o /io/blob /io/content")
        return (Path(folder) / "blob").read_bytes()


class System:
    """The booted system behind a boot's serial console."""

    def __init__(self, boot):
        self.boot, self.number = boot, 0

    def ready(self):
        """Wait until the agent has the console: ordinary services are being started."""
        self.boot.expect("AGENT-READY\n", 300)
        return self

    def run(self, command, code=0, seconds=120):
        """What the command printed; it has to end with that exit code (None: any)."""
        printed, ended = self._send(command, seconds)
        if code is not None and ended != code:
            journal = self._send("journalctl -b -o short-monotonic -t systemd -t latchkey-userconfig -t latchkey-provision -t setup -t first-open "
                                 "-t latchkey-unseal --no-pager | grep -i latchkey | tail -n 40", 60)[0]
            raise AssertionError(f"{command}: exit {ended}\n{printed}\nThe journal:\n{journal}")
        return printed

    def _send(self, command, seconds):
        self.number += 1
        assert "\n" not in command and len(command) < 4000
        self.boot.type(f"{self.number} {command}\n")
        done = self.boot.expect(rf"AGENT-BEGIN {self.number}\n((?:.*\n)*?)AGENT-END {self.number} (\d+)\n", seconds)
        return done[1], int(done[2])

    def put(self, **files):
        """Files into the system's /run/control, by way of the control disk."""
        self.boot.rewrite_control(files)
        self.run("fetch")
