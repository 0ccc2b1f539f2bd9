# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns where the peers run: a Debian 13 tree with systemd-cryptsetup, clevis and tpm2-tools, and Latchkey built in it."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent
sys.path[:0] = [str(SOURCE / "tests" / "boot"), str(SOURCE / "tests" / "support")]

import cache  # noqa: E402
import chroot  # noqa: E402
import images  # noqa: E402

DISTRO = "debian13"
PACKAGES = "clevis clevis-luks clevis-tpm2 tpm2-tools cryptsetup-bin systemd-cryptsetup strace jose"
VERSIONS = ("systemd-cryptsetup", "clevis-tpm2", "tpm2-tools", "libtss2-esys-3.0.2-0t64", "cryptsetup-bin", "libssl3t64", "dracut-core")


def tree():
    """The root folder, made when it isn't in the cache (a minute or two)."""
    base = chroot.path(DISTRO)
    key = cache.digest(base.name, PACKAGES, _make)
    return cache.entry("bench-peers", key, lambda out: _make(base, out))


def _make(base, out):
    out.rmdir()
    cache.run("cp", "-a", "--reflink=auto", base, out)
    chroot.enter(out, f"""
        apt-get -q update
        apt-get install -q -y --no-install-recommends {PACKAGES}
        apt-get clean; rm -rf /var/lib/apt/lists/*
    """, keep=True)


def programs():
    """Folder with latchkey, latchkey-provision and latchkey-unseal of this source tree, built in Debian 13 so that they take a software TPM."""
    root = chroot.path(DISTRO)
    key = cache.digest(root.name, *(path for path in images.BUILT_FROM if path.exists()), HERE / "luks_open.c", _build)
    return cache.entry("bench-programs", key, lambda out: _build(root, out))


def _build(root, out):
    chroot.enter(root, """
        cmake -S /in/source -B /tmp/build -DCMAKE_BUILD_TYPE=Release -DLATCHKEY_TESTS=OFF -DLATCHKEY_TESTING=ON
        cmake --build /tmp/build -j 2
        find /tmp/build -type f -perm -100 -name 'latchkey*' -exec cp {} /out \\;
        cc -O2 -o /out/luks_open /in/source/bench/luks_open.c -lcryptsetup
    """, binds=[(SOURCE, "/in/source"), (out, "/out")])


def static_programs():
    """Folder with the static latchkey-unseal: testing/ takes a software TPM, release/ is what is shipped. None where scripts/build-sysroot hasn't been run."""
    done = subprocess.run([SOURCE / "scripts/build-sysroot", "--path"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        return None
    sysroot = Path(done.stdout.strip())
    key = cache.digest(str(sysroot), *(path for path in images.BUILT_FROM if path.exists()), _build_static)
    return cache.entry("bench-static", key, lambda out: _build_static(sysroot, out))


def _build_static(sysroot, out):
    for kind, testing in (("release", "OFF"), ("testing", "ON")):
        work = out / f"{kind}.build"
        cache.run("cmake", "-G", "Ninja", "-S", SOURCE, "-B", work, f"-DCMAKE_TOOLCHAIN_FILE={SOURCE}/cmake/musl.cmake",
                  f"-DLATCHKEY_SYSROOT={sysroot}", "-DLATCHKEY_STATIC=ON", "-DCMAKE_BUILD_TYPE=Release", f"-DLATCHKEY_TESTING={testing}")
        cache.run("cmake", "--build", work)
        (out / kind).mkdir()
        os.rename(work / "latchkey-unseal", out / kind / "latchkey-unseal")
        cache.run("rm", "-r", work)


def versions(root):
    """Package to version, of what is measured."""
    said = cache.run("chroot", root, "dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *VERSIONS)
    return dict(line.split() for line in said.splitlines())
