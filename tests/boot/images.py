# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what the machines boot: programs built for each Debian, initramfs images, signed unified kernel images, the factory's."""

import functools
import re
import shutil
import tempfile
from pathlib import Path

import cache
import chroot

HERE = Path(__file__).resolve().parent
BUILT_FROM = [cache.SOURCE / name for name in ("CMakeLists.txt", "cmake", "src", "tools")]
SNAKEOIL = Path("/usr/share/ovmf/PkKek-1-snakeoil")
STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"

SYSTEMD = "systemd systemd-initrd dracut-systemd"
MODULES = "base rootfs-block fs-lib udev-rules dash dm latchkey latchkey-test"
# dracut's dm module takes all of drivers/md; emulation is slow enough without.
OMIT = "raid.* bcache dm-cache.* dm-clone dm-era dm-multipath dm-raid dm-snapshot dm-switch dm-thin-pool dm-vdo dm-verity dm-writecache dm-zoned"
FACTORY_MODULES = """
    virtio_pci virtio_blk ext4 dm-crypt dm-integrity xts cbc ecb hmac sha256_generic authenc cryptd essiv
    algif_skcipher algif_hash aesni_intel qemu_fw_cfg
""".split()
OWN_MODULES = "virtio_pci virtio_blk ext4 dm-crypt xts cbc ecb hmac sha256_generic cryptd essiv algif_skcipher algif_hash aesni_intel".split()
# Whose initramfs gets the static latchkey-unseal, and latchkey-userconfig with it; the others get Debian's libraries with it.
STATIC = {("debian12", "plain"), ("debian13", "systemd")}
PROGRAMS = "latchkey latchkey-provision latchkey-unseal latchkey-userconfig".split()
FACTORY_PROGRAMS = "latchkey-provision latchkey-unseal cryptsetup dmsetup mke2fs blkid".split()


@functools.cache
def programs(distro):
    """Folder with latchkey, latchkey-provision and latchkey-unseal, built in that Debian from this source tree."""
    root = chroot.path(distro)
    key = cache.digest(root.name, _build, *(path for path in BUILT_FROM if path.exists()))
    return cache.entry(f"programs-{distro}", key, lambda out: _build(root, out))


@cache.known("program {} {}")
def program(distro, name):
    """What an image is named by that has this program, or the administrator's commands by the program that ran them: a change of
    the sources that leaves the program as it is changes no image. Other people's programs come with the Debian itself."""
    path = programs(distro) / name
    return cache.digest(path) if path.exists() else "Debian's"


def _build(root, out):
    chroot.enter(root, """
        export CCACHE_DIR=/ccache CCACHE_MAXSIZE=500M
        cmake -S /in/source -B /tmp/build -DCMAKE_BUILD_TYPE=Release -DLATCHKEY_TESTS=OFF -DCMAKE_C_COMPILER_LAUNCHER=ccache
        cmake --build /tmp/build -j 2
        find /tmp/build -type f -perm -100 -name 'latchkey*' -exec cp {} /out \\;
    """, binds=[(cache.SOURCE, "/in/source"), (chroot.compiler_cache(), "/ccache"), (out, "/out")])


@functools.cache
def static_program():
    """Folder with the static programs, which are the same for every Debian."""
    sysroot = cache.run(cache.SOURCE / "scripts/build-sysroot").splitlines()[-1]
    key = cache.digest(Path(sysroot).name, _build_static, *(path for path in BUILT_FROM if path.exists()))
    return cache.entry("static", key, lambda out: _build_static(sysroot, out))


@cache.known("static {}")
def static(name):
    """The same as program() for them."""
    return cache.digest(static_program() / name)


def _build_static(sysroot, out):
    with tempfile.TemporaryDirectory(prefix="latchkey-static-") as build:
        cache.run("cmake", "-G", "Ninja", "-S", cache.SOURCE, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={cache.SOURCE}/cmake/musl.cmake",
                  f"-DLATCHKEY_SYSROOT={sysroot}", "-DLATCHKEY_STATIC=ON", "-DLATCHKEY_CCACHE=ON", "-DCMAKE_BUILD_TYPE=Release")
        cache.run("cmake", "--build", build)
        for name in ("latchkey-unseal", "latchkey-userconfig"):
            shutil.copy(Path(build) / name, out)


def kernel(distro):
    return next((chroot.path(distro) / "boot").glob("vmlinuz-*"))


def initramfs(distro, flavour, policy, modules=""):
    """A dracut initramfs with our module. flavour: "systemd" or "plain"; policy: text of /etc/latchkey/policy.yaml; modules: more of the kernel's."""
    root, built = chroot.path(distro), programs(distro)
    linked = static_program() if (distro, flavour) in STATIC else None
    held = [static("latchkey-unseal"), static("latchkey-userconfig")] if linked else program(distro, "latchkey-unseal")
    key = cache.digest(held, root.name, flavour, policy, modules, cache.tree("dracut"), HERE / "dracut", MODULES, SYSTEMD, _dracut)
    return cache.entry(f"initramfs-{distro}-{flavour}-{cache.digest(policy)[:6]}", key,
                       lambda out: _dracut(root, built, linked, (flavour, policy, modules), out)) / "initramfs"


def _dracut(root, built, static, kind, out):
    flavour, policy, more = kind
    (out / "policy.yaml").write_text(policy)
    modules = MODULES + (f" {SYSTEMD}" if flavour == "systemd" else "")
    chroot.enter(root, f"""
        mkdir -p /etc/latchkey /empty && cp /out/policy.yaml /etc/latchkey/
        cp /in/programs/latchkey-unseal /usr/bin/
        echo 'latchkey_modules="virtio_pci virtio_blk ext4 {more}"' > /empty/test.conf
        if [ -e /in/static ]; then
            mkdir /usr/lib/latchkey && cp /in/static/latchkey-* /usr/lib/latchkey/
            echo 'latchkey_userconfig=yes' >> /empty/test.conf
        fi
        cp -r /in/dracut/* /in/test-dracut/* /usr/lib/dracut/modules.d/
        dracut --force --kver {chroot.kernel_version(root)} --no-hostonly --no-early-microcode --conf /dev/null --confdir /empty \
            --modules '{modules}' --drivers 'virtio_pci virtio_blk ext4 {more}' --omit-drivers '{OMIT}' --nofscks --compress 'zstd -15 -T2' /out/initramfs
        chmod 644 /out/initramfs
        # The static one is taken before the other, and nothing is left in it that dracut could strip.
        lsinitrd -f usr/bin/latchkey-unseal /out/initramfs > /included
        if [ -e /in/static ]; then cmp /included /in/static/latchkey-unseal; else grep -q ld-linux /included; fi
    """, binds=[(built, "/in/programs"), *([(static, "/in/static")] if static else []), (cache.SOURCE / "dracut", "/in/dracut"), (HERE / "dracut", "/in/test-dracut"), (out, "/out")])


def own(distro, policy):
    """An initramfs without dracut: dracut/init.example, busybox, the static latchkey-unseal, modules in their order, and this policy file."""
    root = chroot.path(distro)
    key = cache.digest(static("latchkey-unseal"), root.name, policy, cache.SOURCE / "dracut/init.example", OWN_MODULES, _own)
    return cache.entry(f"own-{distro}", key, lambda out: _own(root, static_program(), policy, out)) / "initramfs"


def _own(root, static, policy, out):
    (out / "policy.yaml").write_text(policy)
    chroot.enter(root, f"""
        mkdir -p /fs/bin /fs/usr/bin /fs/etc/latchkey /fs/proc /fs/sys /fs/dev /fs/run /fs/root
        for name in {' '.join(OWN_MODULES)}; do
            modprobe -S {chroot.kernel_version(root)} --show-depends "$name" 2>/dev/null | sed -n 's/^insmod \\([^ ]*\\).*/\\1/p'
        done | awk '!seen[$0]++' > /modules
        while read -r file; do
            cp -L --parents "$file" /fs
            case $file in *.xz) xz -d "/fs/$file" ;; esac
            echo "${{file%.xz}}" >> /fs/etc/modules
        done < /modules
        cp $(which busybox) /fs/bin/
        for name in $(busybox --list); do if [ "$name" != busybox ]; then ln -sf busybox "/fs/bin/$name"; fi; done
        cp /in/static/latchkey-unseal /fs/usr/bin/ && cp /out/policy.yaml /fs/etc/latchkey/ && cp /in/dracut/init.example /fs/init
        cd /fs && find . | cpio --quiet -o -H newc | zstd -q -15 -T2 > /out/initramfs
    """, binds=[(static, "/in/static"), (cache.SOURCE / "dracut", "/in/dracut"), (out, "/out")])


def factory(distro, more=()):
    """A bare initramfs with latchkey-provision, FAPI, mke2fs, and a root file system to put on volumes.

    more: further programs by name, and libraries by path.
    """
    return bare(distro, [*FACTORY_PROGRAMS, *more], FACTORY_MODULES)


def bare(distro, names, modules):
    """The same with these programs and kernel modules alone."""
    root, built = chroot.path(distro), programs(distro)
    held = [program(distro, name) for name in sorted({*names, "latchkey-unseal"})]
    key = cache.digest(held, root.name, HERE / "guest/factory-init", HERE / "guest/root-init", modules, names, _factory)
    return cache.entry(f"factory-{distro}", key, lambda out: _factory(root, built, names, modules, out)) / "initramfs"


def _factory(root, built, names, modules, out):
    chroot.enter(root, f"""
        mkdir -p /fs/bin /fs/etc /fs/rootfs/bin /fs/rootfs/sbin
        cp /in/programs/* /usr/bin/
        # Programs with the libraries they load, those loaded by name included.
        with_libraries() {{
            cp -L --parents "$@" $into
            for file in "$@"; do ldd "$file" 2>/dev/null || :; done | sed -n 's/.*\\( \\|\\t\\)\\(\\/[^ ]*\\) (.*/\\2/p' | sort -u | xargs -r cp -L --parents -t $into
        }}
        ln -s usr/lib /fs/lib; ln -s usr/lib64 /fs/lib64; mkdir -p /fs/usr/lib /fs/usr/lib64 /fs/usr/bin
        into=/fs; with_libraries $(which {' '.join(n for n in names if n[0] != '/')}) {' '.join(n for n in names if n[0] == '/')} /usr/lib/*/libtss2-tcti-device.so.0 /usr/lib/*/libgcc_s.so.1
        cp -r --parents /etc/tpm2-tss /fs
        for name in {' '.join(modules)}; do
            modprobe -S {chroot.kernel_version(root)} --show-depends "$name" 2>/dev/null | sed -n 's/^insmod \\([^ ]*\\).*/\\1/p'
        done | awk '!seen[$0]++' > /modules
        while read -r file; do
            cp -L --parents "$file" /fs
            case $file in *.xz) xz -d "/fs/$file" ;; esac
            echo "${{file%.xz}}" >> /fs/modules.list
        done < /modules
        cp $(which busybox) /fs/bin/ && cp /in/guest/factory-init /fs/init
        ln -s usr/lib /fs/rootfs/lib; ln -s usr/lib64 /fs/rootfs/lib64; mkdir -p /fs/rootfs/usr/lib /fs/rootfs/usr/lib64 /fs/rootfs/usr/bin
        mkdir -p /fs/rootfs/dev /fs/rootfs/proc /fs/rootfs/sys /fs/rootfs/run /fs/rootfs/tmp /fs/rootfs/mnt /fs/rootfs/etc
        # systemd doesn't change to a root without this file.
        echo 'ID=latchkey-test' > /fs/rootfs/etc/os-release
        into=/fs/rootfs; with_libraries $(which latchkey-unseal)
        cp $(which busybox) /fs/rootfs/bin/ && cp /in/guest/root-init /fs/rootfs/sbin/init
        cd /fs && find . | cpio --quiet -o -H newc | zstd -q -15 -T2 > /out/initramfs
    """, binds=[(built, "/in/programs"), (HERE / "guest", "/in/guest"), (out, "/out")])


def strace(distro):
    """strace and the libraries that it loads: name to bytes."""
    root = chroot.path(distro)
    folder = cache.entry(f"strace-{distro}", cache.digest(root.name, _strace), lambda out: _strace(root, out))
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def _strace(root, out):
    chroot.enter(root, """
        cp -L /usr/bin/strace $(ldd /usr/bin/strace | sed -n 's/.*\\( \\|\\t\\)\\(\\/[^ ]*\\) (.*/\\2/p') /out
    """, binds=[(out, "/out")])


def system(distro, policy):
    """File system of a device that boots into systemd, with our units and the tests' agent and services."""
    root, built = chroot.path(distro), programs(distro)
    held = [program(distro, name) for name in PROGRAMS]
    key = cache.digest(held, root.name, policy, cache.tree("systemd"), HERE / "system", _system)
    return cache.entry(f"system-{distro}", key, lambda out: _system(root, built, policy, out)) / "system.img"


def _system(root, built, policy, out):
    (out / "policy.yaml").write_text(policy)
    chroot.enter(root, """
        sh /in/system/install
        truncate -s 640M /out/system.img
        mke2fs -q -t ext4 -d /system /out/system.img
    """, binds=[(built, "/in/programs"), (cache.SOURCE / "systemd", "/in/systemd"), (HERE / "system", "/in/system"), (out, "/out")])


def signed_image(distro, initrd, cmdline, release="boot test"):
    """FAT image with the unified kernel image of these parts, signed with the firmware package's test key, as its default loader."""
    root = chroot.path(distro)
    key = cache.digest(root.name, initrd.parent.name, cmdline, release, _sections)
    return cache.entry(f"esp-{initrd.parent.name[:40]}-{cache.digest(cmdline, release)[:6]}", key,
                       lambda out: _sign(root, initrd, cmdline, release, out)) / "esp.img"


def _sign(root, initrd, cmdline, release, out):
    with tempfile.TemporaryDirectory(prefix="latchkey-uki-") as work:
        work = Path(work)
        (work / "osrel").write_text(f'ID=latchkey-test\nVERSION_ID="{release}"\nPRETTY_NAME="{release}"\n')
        (work / "cmdline").write_text(cmdline)
        parts = [(".osrel", work / "osrel"), (".cmdline", work / "cmdline"), (".initrd", initrd),
                 (".linux", next((root / "boot").glob("vmlinuz-*")))]
        cache.run("objcopy", *_sections(root / STUB, parts), root / STUB, work / "unsigned.efi")
        cache.run("openssl", "rsa", "-in", f"{SNAKEOIL}.key", "-passin", "pass:snakeoil", "-out", work / "key.pem")
        cache.run("sbsign", "--key", work / "key.pem", "--cert", f"{SNAKEOIL}.pem", "--output", work / "signed.efi", work / "unsigned.efi")
        _fat(out / "esp.img", work / "signed.efi")


def _sections(stub, parts):
    """objcopy's options that put the parts behind the stub's own sections, each on a page of its own."""
    end = 0
    for size, address in re.findall(r"^ +\d+ \S+ +(\w{8}) +(\w+) ", cache.run("objdump", "-h", stub), re.M):
        end = max(end, int(size, 16) + int(address, 16))
    options = []
    for name, path in parts:
        end = (end + 0xfff) & ~0xfff
        options += ["--add-section", f"{name}={path}", "--change-section-vma", f"{name}={end:#x}"]
        end += path.stat().st_size
    return options


def _fat(image, loader):
    with open(image, "wb") as file:
        file.truncate((loader.stat().st_size + (4 << 20)) & ~0xfffff)
    cache.run("mformat", "-i", image, "-F" if image.stat().st_size > 33 << 20 else "-N0", "::")
    cache.run("mmd", "-i", image, "::/EFI", "::/EFI/BOOT")
    cache.run("mcopy", "-i", image, loader, "::/EFI/BOOT/BOOTX64.EFI")
