# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the two Debian systems that initramfs images are built in: their packages, kernel, and running programs there."""

import re
from pathlib import Path

import cache

SUITES = {"debian12": "bookworm", "debian13": "trixie"}

PACKAGES = """
    dracut-core systemd systemd-sysv udev dmsetup cryptsetup-bin kmod e2fsprogs busybox-static fdisk cpio xz-utils zstd binutils
    systemd-boot-efi libtss2-dev libcryptsetup-dev libssl-dev libyaml-dev libjson-c-dev libblkid-dev
    libarchive-dev libsystemd-dev libcmocka-dev cmake make gcc libc6-dev pkg-config tpm2-tools
    dbus openssh-client strace ccache
""".split()
# Debian 12 has these two in its systemd package.
EXTRA = {"debian12": [], "debian13": ["systemd-cryptsetup"]}
KERNEL = "linux-image-cloud-amd64"


def mirror():
    """The Debian mirror that this machine's own apt uses."""
    codename = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)[1]
    uris = cache.run("apt-get", "--print-uris", "update")
    found = re.search(rf"^'(\S+)/dists/{codename}/InRelease'", uris, re.M)
    if not found:
        raise RuntimeError(f"apt has no source for {codename}: the boot tests take their mirror from there")
    return found[1]


@cache.known("chroot {}")
def path(distro):
    """The root folder of that Debian, made when it isn't in the cache."""
    key = cache.digest(SUITES[distro], PACKAGES, EXTRA[distro], KERNEL, _make)
    return cache.entry(f"chroot-{distro}", key, lambda root: _make(distro, root))


def compiler_cache():
    """Folder of what compilers made; the path inside is the same for every tree and run."""
    folder = cache.ROOT.parent / "ccache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def enter(root, script, binds=(), keep=False):
    """Run a shell script as root inside. Mounts, processes and, unless keep, all it wrote end with it.

    binds: (outside, inside) folders; those under /in/ are read-only.
    """
    inner = _KEPT if keep else _THROWN_AWAY
    for outside, inside in binds:
        inner += f"mkdir -p $root{inside} && mount --bind '{outside}' $root{inside}\n"
        if inside.startswith("/in/"):
            inner += f"mount -o remount,bind,ro $root{inside}\n"
    inner += 'exec chroot $root /bin/sh -ec "$2"'
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
    return cache.run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", inner, "sh", root, script, env=env)


_KEPT = """
root=$1
mount -t proc proc $root/proc
mount -t tmpfs tmp $root/tmp
"""
_THROWN_AWAY = """
mount -t tmpfs tmp /mnt
mkdir /mnt/upper /mnt/work /mnt/root
root=/mnt/root
mount -t overlay over -o lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work $root
mount -t proc proc $root/proc
"""


def _make(distro, root):
    cache.run("debootstrap", "--variant=minbase", SUITES[distro], root, mirror())
    (root / "etc/dpkg/dpkg.cfg.d/rig").write_text("force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n")
    # Services stay off: nothing may start in here.
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    enter(root, f"""
        apt-get install -q -y --no-install-recommends {' '.join(PACKAGES + EXTRA[distro])}
        # Unpacked only: its hooks would build an initramfs that nobody boots.
        mkdir /kernel && cd /kernel
        apt-get download $(apt-cache depends {KERNEL} | sed -n 's/.*Depends: \\(linux-image-[0-9].*\\)/\\1/p')
        dpkg-deb --fsys-tarfile *.deb > kernel.tar && tar -xf kernel.tar -C / --keep-directory-symlink
        depmod $(ls /lib/modules)
        cd / && rm -r /kernel && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/share/locale
    """, keep=True)


def kernel_version(root):
    """The one kernel that is installed there."""
    return next((root / "lib/modules").iterdir()).name
