# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the life of a device that is configured by upload: from a blank volume to one that is opened in the initramfs, later
configurations, those that are refused or put back, and data volumes that the running system opens. What lies uploaded when it boots is
applied in the initramfs, before the system first looks; on an encrypted root too."""

import re
from pathlib import Path

import kits
from device import OWNER_AUTH, UPLOAD, Device, System, Volume
from kits import ONE, SYSTEMD13
from scenarios import exit_code, opened, scenario

DEBIAN12 = Device("debian12", "plain")
DEBIAN13 = Device("debian13", "systemd")
VAULT = Volume("vault", handle=0x8100A002)

MANIFEST = """
  - {path: app.conf, destination: /opt/app/app.conf, group: update, mode: "0640", restart: [app.service]}
  - {path: key, destination: /opt/app/key, group: update, mode: "0640", volatile: true}
  - {path: recipient.pem, destination: /opt/latchkey/recipient.pem}
  - {path: owner-auth, destination: /opt/latchkey/owner-auth, mode: "0600", volatile: true}
"""
FRAGILE = """
  - {path: fragile.conf, destination: /opt/fragile.conf, restart: [app.service, fragile.service]}
"""


# What systemd reads before any unit runs.
EARLY = """
  - {path: hostname, destination: /etc/hostname}
  - {path: fstab, destination: /etc/fstab}
"""
FSTAB = """/dev/mapper/data /data ext4 nofail,x-systemd.after=latchkey-first-open.service,x-systemd.device-timeout=15min 0 0
new /mnt tmpfs size=64k 0 0
"""
# The power goes once the change has begun: what isn't synced by then is lost.
CUT = """
set +f
$bb mkdir /cut && $bb cp /usr/bin/latchkey-userconfig cutting /cut/ && $bb chmod 755 /cut/*
$bb mount -o bind /cut/cutting /usr/bin/latchkey-userconfig
set -f
"""
CUTTING = """#!/bin/sh
/cut/latchkey-userconfig "$@" &
until [ -e /sysroot/var/lib/latchkey/userconfig/pending.json ]; do :; done
echo "CUT-NOW" > /dev/console
/usr/bin/busybox poweroff -n -f
"""


class Life:
    """A device, and what its owner sends it."""

    def __init__(self, device, folder):
        self.device, self.folder = device, Path(folder)
        self.machine, self.image = device.machine(folder), device.image()
        self.machine.add_disk("vault", 33)
        self.policies = {}

    def boot(self, **control):
        return self.machine.boot(esp=self.image, control=control)

    def started(self, boot, unsealed):
        """The booted system, after latchkey-unseal has ended as it should."""
        self.pcrs = kits.measured(boot)
        assert exit_code(boot) == str(unsealed), boot.console[-3000:]
        return System(boot).ready()

    def sign(self, version):
        self.policies[f"latchkey/policies/{version}.yaml"] = self.device.signed_policy(self.folder, self.pcrs, version)

    def configuration(self, sequence, word, manifest="", **files):
        """Settings that say the word, with all signed policies, what sets up volumes, and more files."""
        files = {"app.conf": word + "\n", "key": f"key of {word}\n", "owner-auth": OWNER_AUTH,
                 "recipient.pem": (self.device.keys() / "recipient.pem").read_text(), **self.policies,
                 **{name.replace("_", "."): text for name, text in files.items()}}
        return self.device.blob(self.folder, sequence, files, MANIFEST.lstrip("\n") + manifest.lstrip("\n"))


def upload(system, blob):
    """As the user who may upload does it, at once."""
    system.put(blob=blob)
    system.run(f"install -o update -g update -m 640 /run/control/blob {UPLOAD}.part && mv {UPLOAD}.part {UPLOAD}")


def upload_slowly(system, blob):
    """The same by a slow line: the file is there long before it is whole."""
    system.put(blob=blob)
    system.run("chmod 755 /run/control; setpriv --reuid update --regid update --clear-groups sh -c "
               f"'(head -c 300 /run/control/blob; sleep 6; tail -c +301 /run/control/blob) > {UPLOAD}'")


def put_aside(system):
    """Why the last upload was refused. It is out of the way, and the reason is for who uploaded it."""
    system.run(f"test ! -e {UPLOAD} && test -e {UPLOAD}.refused")
    return system.run(f"setpriv --reuid update --regid update --clear-groups cat {UPLOAD}.refused.txt")


def wait(system, condition, seconds=120):
    """Until that command ends well."""
    system.run(f"for i in $(seq {seconds}); do {condition} && break; sleep 1; done > /dev/null 2>&1; {condition}", seconds=4 * seconds)


def boot_is_over(system, failed):
    """Nothing is being started any more, and what failed is what had to."""
    system.run("systemctl is-system-running --wait", code=None, seconds=300)
    assert system.run("systemctl --failed --plain --no-legend | cut -d' ' -f1").split() == failed, system.run("systemctl --failed")


def app_reads(system, word):
    wait(system, f"grep -qx '{word}' /run/app/seen")
    assert system.run("cat /run/app/key") == f"key of {word}\n"
    system.run("systemctl is-active app.service")


def volume_is_made(system):
    wait(system, "cryptsetup isLuks /dev/disk/by-id/virtio-data && test $(systemctl show -P ActiveState latchkey-setup.service) = inactive")


def policies(system):
    """Versions of the signed policies in the volume's token."""
    listed = system.run("latchkey-provision policy list --volume data --json")
    return sorted(int(v) for v in re.findall(r'"version": *(\d+)', listed))


def said_by(system, unit):
    return system.run(f"journalctl -b -o cat -u {unit} --no-pager")


def made_and_mapped(system):
    """The new volume is open in the very boot that made it, with a file system in it."""
    wait(system, "blkid -p /dev/mapper/data | grep -q 'TYPE=\"ext4\"'")
    wait(system, "test $(systemctl show -P ActiveState latchkey-first-open.service) = inactive")
    assert "volume data: running 10-mkfs" in said_by(system, "latchkey-first-open.service")
    system.run("systemctl start data.mount && findmnt /data")


def configure_first(life, system):
    """The first blob: settings, policy, and what the volume is made with."""
    assert system.run("cat /run/app/seen") == "factory\n"
    system.run("! cryptsetup isLuks /dev/disk/by-id/virtio-data")
    life.sign(1)
    upload_slowly(system, life.configuration(10, "first"))
    app_reads(system, "first")
    volume_is_made(system)
    assert system.run("systemctl show -P Result latchkey-setup.service") == "success\n", said_by(system, "latchkey-setup.service")
    assert policies(system) == [1], said_by(system, "latchkey-setup.service")
    assert "recovery-key" in system.run("cat /var/lib/latchkey/record.json")
    made_and_mapped(system)
    # What is volatile lies in memory alone, and everything else behind a link to the current generation.
    assert system.run("readlink -f /opt/latchkey/owner-auth").startswith("/run/latchkey/")
    system.run(f"! grep -rqa '{OWNER_AUTH.strip()}' /var/lib/latchkey /opt/app && test ! -e {UPLOAD} && test ! -e {UPLOAD}.refused")


def a_unit_fails(life, system):
    """The whole configuration is put back, not that unit's part alone."""
    upload(system, life.configuration(11, "second", FRAGILE, fragile_conf="bad\n"))
    wait(system, f"test -e {UPLOAD}.refused")
    why = put_aside(system)
    assert "fragile.service" in why, why
    app_reads(system, "first")
    wait(system, "systemctl is-active fragile.service && grep -qx good /run/fragile.seen")
    assert system.run("systemctl show -P ExecMainStatus latchkey-userconfig-upload.service") == "14\n"
    assert '"sequence": 10' in system.run("latchkey-userconfig status --json")


def forged(blob):
    return blob[:-200] + bytes([blob[-200] ^ 1]) + blob[-199:]


def make_vault(life, system):
    """A volume that the running system opens: no latch, which is closed by then, and no PCR that modules move."""
    policy = life.device.policy()
    policy = re.sub(r"^pcrs: .*", "pcrs: [0, 7]", re.sub(r"^latch: .*", "latch: none", policy, flags=re.M), flags=re.M)
    policy = policy[:policy.index("volumes:")] + "volumes:\n" + VAULT.yaml()
    signed = life.device.signed_policy(life.folder, life.pcrs, 1, policy)
    system.put(**{"volumes.yaml": policy, "signed.yaml": signed})
    system.run("cp /run/control/volumes.yaml /etc/latchkey/")
    system.run("latchkey-provision format --policy /etc/latchkey/volumes.yaml --owner-auth /opt/latchkey/owner-auth --no-recovery-key")
    system.run("latchkey-provision policy add --policy /etc/latchkey/volumes.yaml /run/control/signed.yaml")


def leave_for_the_next_boot(system, blob):
    """An upload that nothing takes up in this boot; then the power goes."""
    system.run("systemctl stop latchkey-userconfig.path")
    upload(system, blob)
    system.run("sync")


def fingerprint(system):
    return system.run("ssh-keygen -l -f /data/etc/ssh/ssh_host_ed25519_key.pub")


def remembered(system, volume, unit):
    """What the first unlock learned is in the token."""
    assert f"volume {volume}: the next unlock asks the TPM less" in said_by(system, unit), said_by(system, unit)
    system.run(f"test ! -e /run/latchkey/learned/{volume}.json")


def second_boot(life, boot):
    system = life.started(boot, unsealed=0)
    # The upload that lay there was refused before the system began, and nothing else was disturbed.
    assert "signature" in put_aside(system)
    system.run("dmesg | grep 'no new configuration in this boot: latchkey-userconfig ended with 5 '")
    app_reads(system, "first")
    boot_is_over(system, failed=[])
    # The volume of the running system was opened for the first time; that of the initramfs was when it was made.
    said = said_by(system, "latchkey-first-open.service")
    assert "volume vault: running 10-mkfs" in said and "volume data: running" not in said, said
    for volume in ("data", "vault"):
        system.run(f"blkid -p /dev/mapper/{volume} | grep -q 'TYPE=\"ext4\"'")
    wait(system, "findmnt /data")
    remembered(system, "data", "latchkey-remember.service")
    remembered(system, "vault", "latchkey-volumes.service")
    system.run("systemctl is-active latchkey-volumes.service && test ! -e /etc/ssh/ssh_host_ed25519_key")
    life.fingerprint = fingerprint(system)
    life.sign(2)
    leave_for_the_next_boot(system, life.configuration(12, "third", EARLY, hostname="site-12\n", fstab=FSTAB))


def cut_boot(boot):
    """The power goes while the initramfs applies it."""
    boot.expect("CUT-NOW", 300)
    boot.expect_off()


def third_boot(life, boot):
    system = life.started(boot, unsealed=0)
    app_reads(system, "third")
    boot_is_over(system, failed=[])
    # In the initramfs: systemd took its name from it when it began, and read what to mount.
    said = boot.console[:boot.console.index("AGENT-READY")]
    assert re.search("configuration 12.* is in place|finishing configuration 12", said), said[-3000:]
    assert "no configuration to apply" in said_by(system, "latchkey-userconfig.service")
    assert system.run("hostname; readlink /etc/hostname") == "site-12\n../var/lib/latchkey/userconfig/current/tree/etc/hostname\n"
    system.run("journalctl -b -o cat --no-pager | grep -q 'Hostname set to <site-12>' && test \"$(findmnt -no SOURCE /mnt)\" = new")
    system.run(f"test ! -e {UPLOAD} && test ! -e /var/lib/latchkey/userconfig/pending.json && latchkey-userconfig check")
    # Applied before the service started, which therefore started once.
    assert said_by(system, "app.service").count("Started app.service") == 1
    assert policies(system) == [1, 2], said_by(system, "latchkey-setup.service")
    assert "running" not in said_by(system, "latchkey-first-open.service")
    assert fingerprint(system) == life.fingerprint
    # Both were opened the short way: there was nothing to learn.
    system.run("test ! -e /run/latchkey/learned && systemctl is-active latchkey-volumes.service")


def from_the_factory_on(device, folder):
    life = Life(device, folder)
    with life.boot() as boot:
        system = life.started(boot, unsealed=9)
        wait(system, "test -e /run/app/seen")
        configure_first(life, system)
        a_unit_fails(life, system)
        make_vault(life, system)
        leave_for_the_next_boot(system, forged(life.configuration(12, "forged")))
    with life.boot() as boot:
        second_boot(life, boot)
    with life.boot(**{"before-unseal.sh": CUT, "cutting": CUTTING}) as boot:
        cut_boot(boot)
    with life.boot() as boot:
        third_boot(life, boot)


@scenario(DEBIAN13)
def configured_by_upload_debian13(folder):
    from_the_factory_on(DEBIAN13, folder)


@scenario(DEBIAN12)
def configured_by_upload_debian12(folder):
    from_the_factory_on(DEBIAN12, folder)


# The same on a root that is encrypted, and mounted read-only: uploaded by whoever mounts it before the system does.
SETTINGS = "latchkey-userconfig: 1\nprefixes: [/etc/site]\ndefault-destination: /etc/site\n"
LEAVE = """
$bb mkdir -p /run/root && $bb mount -t ext4 /dev/mapper/root /run/root
$bb mkdir -p /run/root/home/update/upload/mnt /run/root/etc/site
$bb cp blob /run/root/home/update/upload/mnt/config.lkb && $bb cp userconfig.yaml /run/root/etc/latchkey/
$bb umount /run/root && $bb rmdir /run/root
"""
SHOW = """
umount /run
echo "SITE $(cat /etc/site/conf) $(cat /etc/site/key) $(readlink -f /etc/site/key)"
if touch /written 2> /dev/null; then echo "ROOT writable"; else echo "ROOT read-only"; fi
echo "UPLOADS $(ls /home/update/upload/mnt)"
mount -t tmpfs run /run
"""


def on_an_encrypted_root(kit, folder):
    content = Path(folder) / "content"
    content.mkdir()
    for name, text in (("conf", "of this boot"), ("key", "volatile"), ("latchkey-manifest.yaml", "latchkey-manifest: 1\nfiles:\n"
                       "  - {path: conf, destination: /etc/site/conf}\n  - {path: key, destination: /etc/site/key, volatile: true}\n")):
        (content / name).write_text(text)
    kits.in_chroot(kit.distro, "latchkey config seal --key /in/keys/policy-key.pem --config-key /in/keys/config-key.bin --sequence 12 "
                   "-o /io/blob /io/content", Path(folder), kit.keys())
    control = {"blob": (Path(folder) / "blob").read_bytes(), "userconfig.yaml": SETTINGS, "after-unseal.sh": LEAVE, "after-root.sh": SHOW}
    with kit.machine(folder).boot(esp=kit.image(), control=control) as boot:
        opened(boot, kit)
        assert boot.expect("SITE (.*)\n")[1] == "of this boot volatile /run/latchkey/userconfig/00000000000000000012/etc/site/key", boot.console[-3000:]
        boot.expect("ROOT read-only\nUPLOADS \n")
        boot.expect_off()


@scenario(SYSTEMD13)
def configured_on_an_encrypted_root_debian13(folder):
    on_an_encrypted_root(SYSTEMD13, folder)


@scenario(ONE)
def configured_on_an_encrypted_root_debian12(folder):
    on_an_encrypted_root(ONE, folder)
