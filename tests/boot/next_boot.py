# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns will-it-boot in a machine: what it says of another boot image before the reboot, and what that reboot then does."""

import base64
import re
import shutil
from pathlib import Path

import cache
import chroot
import images
import kits
import logs
from kits import ONE, in_chroot, measured
from machine import Machine
from scenarios import opened, refused, scenario

OTHER = "another=1"


def tools(distro):
    """A tar archive of latchkey-provision with what it loads, and of the module for EFI variables; kept as a folder of the cache."""
    root, built = chroot.path(distro), images.programs(distro)
    return cache.entry(f"tools-{distro}", cache.digest(images.program(distro, "latchkey-provision"), root.name, _tools), lambda out: _tools(root, built, out)) / "tools.tar"


def _tools(root, built, out):
    chroot.enter(root, f"""
        mkdir -p /tools/lib && cp /in/programs/latchkey-provision /tools/
        ldd /tools/latchkey-provision | sed -n 's/.*\\( \\|\\t\\)\\(\\/[^ ]*\\) (.*/\\2/p' | xargs cp -L -t /tools/lib
        cp -L /usr/lib/*/libtss2-tcti-device.so.0 /tools/lib
        module=$(modprobe -S {chroot.kernel_version(root)} --show-depends efivarfs 2>/dev/null | sed -n 's/^insmod \\([^ ]*\\).*/\\1/p')
        if [ -n "$module" ]; then
            cp -L $module /tools/
            case $module in *.xz) xz -d /tools/*.xz ;; esac
        fi
        tar -cf /out/tools.tar -C /tools .
    """, binds=[(built, "/in/programs"), (out, "/out")])


# The system has no FAT: the files of its system partition come on a disk of their own.
ASK = r"""
umount /run
stty -onlcr < /dev/console
if [ ! -e /sys/kernel/security/ima ]; then mount -t securityfs sec /sys/kernel/security; fi
mkdir -p /tmp/tools /tmp/now /tmp/then
tar xf $(disk tools) -C /tmp/tools
tar xf $(disk now) -C /tmp/now
tar xf $(disk then) -C /tmp/then
if [ -e /tmp/tools/efivarfs.ko ]; then insmod /tmp/tools/efivarfs.ko; fi
mount -t efivarfs vars /sys/firmware/efi/efivars
provision() {
    /tmp/tools/lib/ld-linux-x86-64.so.2 --library-path /tmp/tools/lib /tmp/tools/latchkey-provision "$@" 2>&1
}
ask() {
    echo "ASK-BEGIN $1"
    provision will-it-boot --policy policy.yaml --device $(disk root) --esp "$@"
    echo "ASK-END $?"
}
ask /tmp/now
ask /tmp/then
provision remember --policy policy.yaml --device $(disk root); echo "REMEMBER $?"
echo LOGS-BEGIN
echo "LOGS-FIRMWARE $(base64 /sys/kernel/security/tpm0/binary_bios_measurements)"
echo LOGS-FIRMWARE-END
echo "LOGS-IMA $(base64 /sys/kernel/security/ima/binary_runtime_measurements)"
echo LOGS-IMA-END
sync
echo LOGS-END
while read -r line && [ "$line" != end ]; do echo "$line"; done | base64 -d > signed.yaml
provision policy add --policy policy.yaml --device $(disk root) --tpm device:/dev/tpm0 signed.yaml; echo "ADDED $?"
ask /tmp/then --ima-unchanged
ask /tmp/then
sync
"""


def answer(boot, code):
    said = boot.expect(r"ASK-BEGIN .*\n((?:.*\n)*?)ASK-END (\d+)\n", 180)
    assert int(said[2]) == code, said[1]
    return said[1]


def put_tar(machine, name, files):
    """A disk with a bare tar archive. files: name in it to a file here."""
    folder = machine.folder / f"{name}.files"
    for path, file in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / path)
    cache.run("tar", "-cf", machine.disk(name), "-C", folder, ".")
    shutil.rmtree(folder)


def loader(esp, folder, name):
    """The boot image out of a system partition."""
    cache.run("mcopy", "-n", "-i", esp, "::/EFI/BOOT/BOOTX64.EFI", folder / name)
    return folder / name


def sign(kit, io, pcrs, text, image):
    """On the host, from the logs and the values at the unlock: what another image will have, signed."""
    logs.parse(text).write(io)
    (io / "pcrs").write_text(pcrs)
    shutil.copy(image, io / "new.efi")
    (io / "policy.yaml").write_text(kit.policy())
    in_chroot(kit.distro, """
        latchkey policy predict --log /io/firmware --ima-log /io/ima --pcrs /io/pcrs --uki /io/new.efi --ima-unchanged -o /io/then.json
        latchkey policy sign --policy /io/policy.yaml --key /in/keys/policy-key.pem --pcr-values /io/then.json --version 2 \\
            --label predicted -o /io/signed.yaml
    """, io, kit.keys())
    return (io / "signed.yaml").read_bytes()


def asked(boot, machine, refuses, pcrs, folder):
    """What it said of the other image, before the policy for that was added; the disk of that moment is the other machine's."""
    opened(boot, ONE)
    assert "nothing changes" in answer(boot, 0)
    no = answer(boot, 5)
    assert boot.expect(r"REMEMBER (\d+)\n")[1] == "0", boot.console[-2000:]
    boot.expect("LOGS-BEGIN")
    boot.expect("LOGS-END", 120)
    shutil.copy(machine.disk("root"), refuses.disk("root"))
    signed = sign(ONE, folder / "io", pcrs, boot.console, folder / "then.efi")
    for line in (*base64.encodebytes(signed).decode().split(), "end"):
        boot.type(line + "\n")
    assert boot.expect(r"ADDED (\d+)\n")[1] == "0", boot.console[-2000:]
    assert "covers this boot" in answer(boot, 0)
    # Which modules the new image has isn't known without being told.
    assert "--ima-unchanged" in answer(boot, 16)
    boot.expect_off()
    return no


@scenario(ONE)
def will_it_boot(folder):
    """The same image: yes. Another: no, and the reboot is refused in the same words; what is predicted from the logs, signed and added: yes, and it opens."""
    folder = Path(folder)
    now, then = ONE.image(), ONE.image(OTHER)
    machine = ONE.machine(folder)
    put_tar(machine, "now", {"EFI/BOOT/BOOTX64.EFI": loader(now, folder, "now.efi")})
    put_tar(machine, "then", {"EFI/BOOT/BOOTX64.EFI": loader(then, folder, "then.efi")})
    shutil.copy(tools(ONE.distro), machine.disk("tools"))
    refuses = Machine(folder / "refuses")
    refuses.folder.mkdir()
    control = {"after-root.sh": ASK, "policy.yaml": ONE.policy()}
    with machine.boot(esp=now, control=control) as boot:
        pcrs = measured(boot)
        moved = kits.moved(pcrs, ONE.signed_for())
        if not moved:
            no = asked(boot, machine, refuses, pcrs, folder)
    if moved:
        ONE.enroll(machine, ONE.sign_for(folder, pcrs))
        with machine.boot(esp=now, control=control) as boot:
            assert not kits.moved(measured(boot), pcrs)
            no = asked(boot, machine, refuses, pcrs, folder)
    words = re.findall(r"PCR (?:4|10) \(.*?\): (.*)", no)
    assert len(words) == 2 and "another boot image" in words[0] and "follows from PCRs 4,9" in words[1], no
    shutil.copytree(machine.folder / "tpm", refuses.folder / "tpm")
    for name in ("now", "then", "tools"):
        shutil.copy(machine.disk(name), refuses.disk(name))
    with refuses.boot(esp=then) as boot:
        refused(boot, 5, "PCR 10 (", *words)
    with machine.boot(esp=then) as boot:
        opened(boot, ONE)
