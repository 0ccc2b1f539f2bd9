# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the scenarios: what a booted machine must do, and what it must say when it refuses. One function each."""

import json
import re
import shutil
import struct
import time
from pathlib import Path

import cache
import chroot
import images
import kits
from kits import ONE, PIN, SYSTEMD12, SYSTEMD13, TWO

ALL = {}
PROMPT = "Recovery key or passphrase for volume root: "
# What no refusal may end in.
SHELL = r"emergency mode|Dropping to debug shell|Press Enter for maintenance|sulogin|\n(sh|dracut:/\S*|bash-[\d.]+|~ )[#$] "
NO_LATCH = "0" * 64


def scenario(*kits_used):
    """Marks a scenario, and names the kits that have to be prepared for it."""
    def mark(function):
        function.kits = kits_used
        ALL[function.__name__.replace("_", "-")] = function
        return function
    return mark


# What a boot is asked about.

def opened(boot, kit):
    boot.expect("LATCHKEY-ROOT-OK (.*)\n", 180)
    assert f"LATCHKEY-ROOT-OK {kit.secret()}\n" in boot.console
    assert latch(boot) != NO_LATCH, "the latch is open behind an opened volume"


def latch(boot):
    return re.search(r"LATCHKEY-LATCH (\w+)", boot.console)[1]


def exit_code(boot):
    return boot.expect(r"LATCHKEY-UNSEAL-EXIT (\w+)\n", 180)[1]


def refused(boot, code, *said):
    """With that exit code, nothing mapped, the latch closed, and all these words said by the program."""
    assert exit_code(boot) == str(code), boot.console[-3000:]
    assert re.search(r"LATCHKEY-MAPPED control $", boot.console, re.M), "something is mapped"
    assert latch(boot) != NO_LATCH, "the latch is open after a refusal"
    assert_said(boot, *said)


def assert_said(boot, *said):
    message = "".join(line for line in boot.console.splitlines(True) if "latchkey-unseal" in line)
    for word in said:
        assert word in message, f"{word!r} isn't in:\n{message}"


def ends_without_shell(boot):
    """dracut waits for the root device in vain, gives up, and then no shell comes. Waits for that end."""
    boot.expect("Boot has failed", 120)
    boot.read_for(8)
    assert not re.search(SHELL, boot.console), boot.console[-2000:]
    assert "LATCHKEY-ROOT-OK" not in boot.console


# Opening.

def opens(kit, folder):
    with kit.machine(folder).boot(esp=kit.image()) as boot:
        opened(boot, kit)
        boot.expect_off()


@scenario(SYSTEMD12)
def opens_debian12_systemd(folder):
    opens(SYSTEMD12, folder)


@scenario(SYSTEMD13)
def opens_debian13_systemd(folder):
    opens(SYSTEMD13, folder)


READ_DATA = """
mount -t ext4 -o ro /dev/mapper/data /mnt && echo "DATA-SECRET $(cat /mnt/secret)"
umount /mnt
dd if=/dev/mapper/data of=/dev/null bs=4096 2>&1; echo "DATA-READ $?"
"""


@scenario(TWO)
def opens_two_volumes_one_with_integrity(folder):
    with TWO.machine(folder).boot(esp=TWO.image(), control={"after-root.sh": READ_DATA}) as boot:
        opened(boot, TWO)
        boot.expect(f"DATA-SECRET {TWO.secret('data')}\n")
        boot.expect("DATA-READ 0\n")


@scenario(TWO)
def flipped_sector_is_an_error(folder):
    machine = TWO.machine(folder)
    with open(machine.disk("data"), "r+b") as disk:
        disk.seek(24 << 20)
        byte = disk.read(1)[0]
        disk.seek(24 << 20)
        disk.write(bytes([byte ^ 1]))
    with machine.boot(esp=TWO.image(), control={"after-root.sh": READ_DATA}) as boot:
        opened(boot, TWO)
        assert boot.expect(r"DATA-READ (\d+)\n")[1] != "0"
        assert "Input/output error" in boot.console


@scenario(ONE)
def same_image_on_another_machine(folder):
    """Another TPM and disk, the image and the signed policy of the first: nothing is signed for it."""
    out = Path(folder) / "other"
    out.mkdir()
    machine = ONE.manufacture(out)
    shutil.copy(ONE.entry() / "signed.yaml", out)
    ONE.enroll(machine, out)
    secret = (out / "secret-root").read_text()
    assert secret != ONE.secret()
    with machine.boot(esp=ONE.image()) as boot:
        boot.expect(f"LATCHKEY-ROOT-OK {secret}\n", 180)


# What the running system has of a good boot: both logs, and which signed policy opened the volume.
LEFT = """
umount /run
mount -t securityfs securityfs /sys/kernel/security 2> /dev/null
mkdir out
cat /sys/kernel/security/tpm0/binary_bios_measurements > out/firmware
cat /sys/kernel/security/ima/binary_runtime_measurements > out/ima
cat /run/latchkey/booted/root.json > out/root.json
tar cf "$(disk control)" out; sync
"""
# What a refused boot leaves for whoever collects it, and its kernel's log.
TOLD = """
$bb mkdir -p out && $bb cp /run/latchkey/diagnosis.json out && $bb dmesg > out/dmesg
$bb tar cf $($bb cat disk) out; $bb sync
"""


def remembering(kit, folder):
    """A machine after a good boot whose events latchkey-provision remember has put into the token."""
    machine = kit.machine(folder)
    with machine.boot(esp=kit.image(), control={"after-root.sh": LEFT}) as boot:
        opened(boot, kit)
        boot.expect_off()
        left = boot.collected()
    out = Path(folder) / "remember"
    for name in ("learned", "booted"):
        (out / name).mkdir(parents=True)
    (out / "policy.yaml").write_text(kit.policy())
    for name in ("firmware", "ima"):
        (out / name).write_bytes(left[name])
    (out / "booted/root.json").write_bytes(left["root.json"])
    with kits.volume_file(machine, kit.volumes[0]) as file:
        shutil.copy(file, out / "volume.img")
        kits.in_chroot(kit.distro, """
            latchkey-provision remember --policy /io/policy.yaml --device /io/volume.img --learned /io/learned --booted /io/booted \
                --log /io/firmware --ima-log /io/ima 2>&1 | tee /dev/stderr | grep -q 'events are remembered'
        """, out)
        shutil.move(out / "volume.img", file)
    return machine


def told(boot, **events):
    """The same sentences on the console, in the kernel's log and in the file: PCR to how they begin."""
    files = boot.collected()
    volume, = json.loads(files["diagnosis.json"])["volumes"]
    differing = {f"pcr{d['pcr']}": d.get("words", "") for p in volume["policies"] for d in p["differing"]}
    assert volume["exit"] == 5 and "no-events" not in volume, volume
    for pcr, words in events.items():
        line = f"root: PCR {pcr[3:]}: {words}"
        assert_said(boot, line)
        assert line in files["dmesg"].decode(), files["dmesg"].decode()[-2000:]
        assert differing[pcr].startswith(words), differing


# Refusing.

@scenario(ONE)
def refuses_without_secure_boot(folder):
    """And says so, by the event, in an initramfs where nobody else mounts securityfs."""
    control = {"before-unseal.sh": 'echo "$disk" > disk\n', "after-unseal.sh": TOLD}
    with remembering(ONE, folder).boot(esp=ONE.image(), control=control, secure_boot=False) as boot:
        refused(boot, 5, "PCR 7 (", "PCR 10 (", "signed as")
        told(boot, pcr7="Secure Boot is off, and was on", pcr10="boot_aggregate is another: it follows from PCR")
        ends_without_shell(boot)


@scenario(SYSTEMD12)
def refuses_another_kernel_image_of_the_same_signer(folder):
    """And says that it is another image, though PCR 4 is none of the policy's."""
    control = {"before-unseal.sh": 'echo "$disk" > disk\n', "after-unseal.sh": TOLD}
    with remembering(SYSTEMD12, folder).boot(esp=SYSTEMD12.image("rd.retry=5", release="another"), control=control) as boot:
        refused(boot, 5, "PCR 10 (", "signed as")
        assert "PCR 7 (" not in boot.console
        told(boot, pcr10="boot_aggregate is another: it follows from PCRs 4,9", pcr4="another boot image, sha256 ",
             pcr9="another command line")
        assert_said(boot, '"\\EFI\\BOOT\\BOOTX64.EFI"')
        ends_without_shell(boot)


def pcr_extend(pcr):
    """TPM2_PCR_Extend of the SHA-256 bank, with an empty auth (TPM 2.0 Part 3, 22.2)."""
    body = struct.pack(">I I IHBH I H", pcr, 9, 0x40000009, 0, 0, 0, 1, 0x000B) + b"\x5a" * 32
    return struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body


SEND = """
exec 3<> /dev/tpm0
$bb cat command >&3
$bb dd bs=4096 count=1 <&3 2> /dev/null | $bb hexdump -C
exec 3>&-
"""


@scenario(ONE)
def refuses_after_an_extended_pcr(folder):
    control = {"before-unseal.sh": SEND, "command": pcr_extend(7)}
    with ONE.machine(folder).boot(esp=ONE.image(), control=control) as boot:
        refused(boot, 5, "PCR 7 (", "signed as")
        assert "PCR 10 (" not in boot.console


@scenario(ONE)
def volume_absent(folder):
    with ONE.machine(folder).boot(esp=ONE.image(), disks=[]) as boot:
        refused(boot, 8, "virtio-root")


@scenario(ONE)
def halts_when_told_to(folder):
    with ONE.machine(folder).boot(esp=ONE.image(on_failure="halt")) as boot:
        boot.expect("PCR 10 ", 180)
        boot.expect("root: halting, as the policy file says")
        boot.read_for(5)
        assert not re.search(SHELL, boot.console) and "LATCHKEY-ROOT-OK" not in boot.console


KILLER = """
( while ! pid=$($bb pidof latchkey-unseal); do $bb sleep 0.2; done; $bb sleep 1; $bb kill -9 $pid ) &
"""


def halts_when_killed(kit, folder):
    """Killed while it waits for its volume, with the TPM still open: the boot must not go on."""
    with kit.machine(folder).boot(esp=kit.image(), control={"before-unseal.sh": KILLER}, disks=[]) as boot:
        boot.expect("the TPM may still be open: this boot ends", 180)
        boot.expect("halting, since no volume of the policy file asks for a reboot")
        boot.read_for(10)
        assert not re.search(SHELL, boot.console) and "LATCHKEY-ROOT" not in boot.console


@scenario(ONE)
def halts_when_killed_plain(folder):
    halts_when_killed(ONE, folder)


@scenario(SYSTEMD12)
def halts_when_killed_systemd(folder):
    halts_when_killed(SYSTEMD12, folder)


def off(kit, folder):
    with kit.machine(folder).boot(esp=kit.image("rd.latchkey=0")) as boot:
        assert exit_code(boot) == "none"
        assert latch(boot) == NO_LATCH
        assert "latchkey-unseal:" not in boot.console


@scenario(ONE)
def rd_latchkey_0_plain(folder):
    off(ONE, folder)


@scenario(SYSTEMD12)
def rd_latchkey_0_systemd(folder):
    off(SYSTEMD12, folder)


@scenario()
def no_image_without_policy_or_program(folder):
    """dracut fails, says what is missing, and leaves no image that would be found wanting at the device."""
    cache.tree("dracut")
    for distro in chroot.SUITES:
        root = chroot.path(distro)
        said = chroot.enter(root, f"""
            cp -r /in/dracut/90latchkey /usr/lib/dracut/modules.d/
            build() {{
                dracut --kver {chroot.kernel_version(root)} --no-hostonly --conf /dev/null --confdir /empty \
                    --modules 'base latchkey' --drivers virtio_blk /tmp/image && exit 9
                test ! -e /tmp/image
            }}
            mkdir /empty && cp /bin/true /usr/bin/latchkey-unseal && build
            rm /usr/bin/latchkey-unseal && mkdir /etc/latchkey && echo 'latchkey-policy: 1' > /etc/latchkey/policy.yaml && build
            cp /bin/false /usr/bin/latchkey-unseal && build
        """, binds=[(cache.SOURCE / "dracut", "/in/dracut")])
        assert "latchkey: there is no policy file at /etc/latchkey/policy.yaml" in said, said
        assert "latchkey: there is no latchkey-unseal at" in said, said
        assert "/etc/latchkey/policy.yaml is no policy file that /usr/bin/latchkey-unseal takes" in said, said


# The way in without the TPM, and what it must not lead to.

@scenario(SYSTEMD13)
def cleared_tpm_and_recovery_key(folder):
    machine = SYSTEMD13.machine(folder)
    machine.clear_tpm()
    with machine.boot(esp=SYSTEMD13.image()) as boot:
        boot.expect(PROMPT, 180)
        assert_said(boot, "recovery key")
        boot.type("not the recovery key\n")
        boot.expect(PROMPT)
        boot.type(SYSTEMD13.recovery() + "\n")
        opened(boot, SYSTEMD13)


@scenario(PIN)
def asks_for_a_pin(folder):
    """By systemd's agent on the console; a wrong one is counted, and the right one opens."""
    with PIN.machine(folder).boot(esp=PIN.image()) as boot:
        boot.expect(r"PIN for volume root: .*press TAB", 180)
        boot.type("not the PIN\n")
        boot.expect(r"Wrong PIN \(the TPM takes \d+ more\)\. PIN for volume root: .*press TAB")
        # The agent asks, and then switches the echo off: on a busy machine it may be some seconds before it does.
        time.sleep(10)
        boot.type(PIN.volumes[0].pin + "\n")
        opened(boot, PIN)
        assert PIN.volumes[0].pin not in boot.console


ATTACKERS_DISK = """
dev=$(disk root); old=$(disk victim)
printf 'known passphrase' | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
    --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 --luks2-keyslots-size 1m --key-file - $dev
cryptsetup token export --token-id 0 $old | cryptsetup token import --token-id 0 $dev
printf 'known passphrase' | cryptsetup open --key-file - $dev root
echo attacker > /rootfs/secret
/usr/sbin/mke2fs -q -t ext4 -O ^has_journal -d /rootfs /dev/mapper/root
sync; cryptsetup close root
"""
UNSEAL_AGAIN = """
modprobe() { :; }
sed 's|/dev/disk/by-id/virtio-root|'$(disk victim)'|; s|name: root|name: victim|' policy.yaml > again.yaml
signed=$(ls signed.yaml 2>/dev/null)
latchkey-unseal --policy again.yaml ${signed:+--signed "$PWD/$signed"} --dry-run; echo "AGAIN-DRY $?"
latchkey-unseal --policy again.yaml ${signed:+--signed "$PWD/$signed"}; echo "AGAIN $?"
ls /dev/mapper
"""


@scenario(SYSTEMD13)
def swapped_partition(folder):
    """The prompt opens a volume with a known passphrase; the machine's own can't be unsealed from there any more."""
    machine = SYSTEMD13.machine(folder)
    machine.disk("root").rename(machine.disk("victim"))
    shutil.copy(machine.disk("victim"), machine.disk("root"))
    with machine.boot(kernel=images.kernel(SYSTEMD13.distro), initrd=images.factory(SYSTEMD13.distro),
                      control={"main.sh": "set -e\n" + ATTACKERS_DISK}) as boot:
        assert boot.expect(r"FACTORY-EXIT (\d+)\n", 180)[1] == "0", boot.console[-3000:]
        boot.expect_off()
    control = {"after-root.sh": UNSEAL_AGAIN, "policy.yaml": SYSTEMD13.policy("fail")}
    signed_for = SYSTEMD13.signed_for()
    for _ in range(2):
        with machine.boot(esp=SYSTEMD13.image(), control=control) as boot:
            now = kits.measured(boot)
            moved = kits.moved(now, signed_for)
            if not moved:
                boot.expect(PROMPT, 180)
                boot.type("known passphrase\n")
                boot.expect("LATCHKEY-ROOT-OK attacker\n", 180)
                assert boot.expect(r"AGAIN-DRY (\d+)\n")[1] == "5"
                assert boot.expect(r"AGAIN (\d+)\n")[1] == "5"
                boot.expect("LATCHKEY-ROOT-END")
                assert "PCR 15 (" in boot.console
                return
        # Without a policy for that, the machine's own would be refused for another reason.
        assert "signed.yaml" not in control, f"PCRs {moved} moved between two boots of the same machine"
        control["signed.yaml"] = (SYSTEMD13.sign_for(folder, now) / "signed.yaml").read_bytes()
        signed_for = now
