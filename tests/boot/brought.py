# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what a stick with signed policies does for a machine whose boot nobody has signed for, or whose token has another policy."""

import json
import re
import sys
from pathlib import Path

import cache
import images
import kits
from kits import CMDLINE, STICK
from machine import Machine
from scenarios import KILLER, assert_said, opened, refused, scenario

sys.path.append(str(cache.SOURCE / "tests/support"))
import bundle  # noqa: E402

MIB = 1 << 20
# What a refused boot's token would have: the machine has been through the factory, and nothing was signed for it.
LEFT = """
umount /run
mkdir out; cp /run/latchkey/learned/root.signed out
tar cf "$(disk control)" out; sync
"""
LATE = """
( $bb sleep %d
for serial in /sys/block/vda /sys/block/vdb /sys/block/vdc /sys/block/vdd; do
    [ "$($bb cat $serial/serial 2> /dev/null)" = stick ] || continue
    $bb dd if=/run/latchkey-test/late of=/dev/${serial##*/} bs=64k conv=fsync
    $bb blockdev --rereadpt /dev/${serial##*/}
    echo "LATE-STICK $? $($bb ls /sys/class/block | $bb tr '\\n' ' ')"
done ) > /dev/console 2>&1 &
"""


class Stick:
    """The machine, and a folder to sign in."""

    def __init__(self, folder):
        self.out = Path(folder) / "desk"
        self.out.mkdir()
        (self.out / "policy.yaml").write_text(STICK.policy())
        self.machine = Machine(STICK.manufactured() / "machine").copy(Path(folder) / "machine")
        self.machine.add_disk("stick", 4)
        self.of_root = (STICK.manufactured() / "secret-root").read_text()

    def secret(self):
        return self.of_root

    def partition(self):
        kits.in_chroot(STICK.distro, "printf 'label: gpt\\nstart=1MiB, size=2MiB, name=latchkey-policies\\n' | sfdisk -q /io/stick.disk",
                       self.machine.folder)

    def write(self, content):
        with open(self.machine.disk("stick"), "r+b") as disk:
            disk.seek(MIB)
            disk.write(content.ljust(MIB // 2, b"\0"))

    def signed(self, pcrs):
        """A bundle with one policy for these values."""
        (self.out / "pcrs").write_text(pcrs)
        (self.out / "signed.yaml").unlink(missing_ok=True)
        STICK.sign(self.out)
        return bundle.of((self.out / "signed.yaml").read_text())

    def boot(self, **options):
        return self.machine.boot(**{"esp": STICK.image("rd.retry=5"), **options})


@scenario(STICK)
def stick_blank_wrong_right_and_none(folder):
    stick = Stick(folder)
    stick.partition()
    with stick.boot() as boot:
        pcrs = kits.measured(boot)
        refused(boot, 5, "PARTLABEL=latchkey-policies (/dev/vd", "nothing written", "no signed policy")
    stick.write(stick.signed(re.sub(r"( 7 : 0x)\w{4}", r"\g<1>ffff", pcrs)))
    with stick.boot() as boot:
        refused(boot, 5, "1 signed policies are for this policy file, and none of them is for this boot", "PCR 7 (")
    stick.write(stick.signed(pcrs))
    with stick.boot(control={"after-root.sh": LEFT}) as boot:
        opened(boot, stick)
        assert_said(boot, "and this boot is one of theirs")
        boot.expect_off()
        assert json.loads(boot.collected()["root.signed"])["label"] == STICK.name
    with stick.boot(disks=["root"]) as boot:
        refused(boot, 5, "no signed policies from PARTLABEL=latchkey-policies: it wasn't there within 20 s")


@scenario(STICK)
def stick_that_comes_late(folder):
    """Too late it is as if there were none; in time it opens. It comes while the program waits, and the kernel and udev find it."""
    stick = Stick(folder)
    with stick.boot(control={"before-unseal.sh": LATE % 600}) as boot:
        pcrs = kits.measured(boot)
        refused(boot, 5, "it wasn't there within 20 s")
    stick.partition()
    stick.write(stick.signed(pcrs))
    late = stick.machine.disk("stick").read_bytes()
    stick.machine.add_disk("stick", 4)
    with stick.boot(control={"before-unseal.sh": LATE % 5, "late": late}) as boot:
        opened(boot, stick)
        boot.expect_off()


@scenario(STICK)
def own_init_and_a_stick(folder):
    """dracut/init.example: what it can't open it doesn't mount, and what a stick opens it boots; without udev, and the kernel command line names the stick."""
    stick = Stick(folder)
    stick.partition()
    # As the disks are attached: the firmware's, the test's, and these.
    policy = STICK.policy().replace("/dev/disk/by-id/virtio-root", "/dev/vdc").replace("signed-from: ", "# ")
    esp = images.signed_image(STICK.distro, images.own(STICK.distro, policy), CMDLINE + " rd.latchkey.signed=PARTLABEL=latchkey-policies")
    with stick.boot(esp=esp) as boot:
        boot.expect(r"PARTLABEL=latchkey-policies \(/dev/vdd1\): .*nothing written")
        boot.expect("init: there is no root volume \\(exit 5\\): switching off")
        boot.expect_off()
        assert "LATCHKEY-ROOT-OK" not in boot.console
        # Said twice, on standard error and in the kernel's log.
        values = dict(re.findall(r"root: PCR (\d+) \(.*\) is (\w{64})", boot.console))
        pcrs = "  sha256:\n" + "".join(f"    {n} : 0x{value}\n" for n, value in values.items())
    stick.write(stick.signed(pcrs))
    with stick.boot(esp=esp) as boot:
        boot.expect(f"LATCHKEY-ROOT-OK {stick.secret()}\n")
        boot.expect_off()


@scenario(STICK)
def reboots_when_told_to(folder):
    """Each refused boot is counted in a variable of the firmware's, which the next one finds; so is one whose program is killed
    while the TPM is open. A reboot ends the emulator."""
    stick = Stick(folder)
    esp, variables = STICK.image("rd.retry=5", on_failure="reboot"), Path(folder) / "variables"
    for number, control in enumerate(({}, {"before-unseal.sh": KILLER}), 1):
        with stick.boot(esp=esp, variables=variables, control=control) as boot:
            boot.expect_off()
            assert_said(boot, f"root: rebooting, as the policy file says ({number} of 5 in a row)")
            assert ("the TPM may still be open: this boot ends" in boot.console) == bool(control)
            assert ("root: not opened" in boot.console) != bool(control)
            assert "LATCHKEY-ROOT" not in boot.console
