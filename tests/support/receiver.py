# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a device that receives configuration: a provisioned software TPM and the root of a system in a folder."""
import atexit
import copy
import io
import json
import os
import shutil
import tarfile

import blob
import rig
from device import Device

UPLOAD = "home/update/upload/mnt"
STATE = "var/lib/latchkey/userconfig"
MANIFEST = "latchkey-manifest.yaml"


def entry(name, data=b"", **fields):
    """A tar entry; any field of TarInfo may be given."""
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    if info.isreg():
        info.size = fields.get("size", len(data))
    return info, data


def archive(*entries, mode="w", form=tarfile.PAX_FORMAT):
    """Bytes of a tar archive of (TarInfo, data) pairs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def files(**content):
    """An archive of plain files, as name=content; "/" in a name is "__", "." is "_dot_"."""
    return archive(*(entry(n.replace("__", "/").replace("_dot_", "."), d) for n, d in content.items()))


class Receiver(Device):
    """The device's files lie under `root`; nothing of the machine that tests is touched."""

    def __init__(self, test, *, form=None, **options):
        super().__init__(test, **options)
        self.install(*(["--config-key-form", form] if form else []))
        self.root = self.path("root")
        for folder in ("opt", "etc/latchkey", UPLOAD, "run"):
            os.makedirs(os.path.join(self.root, folder))
        shutil.copy(self.device_file, self.at("etc/latchkey/device.yaml"))
        with open(self.at("etc/passwd"), "w") as f:
            f.write("root:x:0:0::/:/bin/sh\napp:x:1234:1234::/:/bin/sh\n")
        with open(self.at("etc/group"), "w") as f:
            f.write("root:x:0:\napp:x:1234:\n")
        with open(self.path("keys", "config-key.bin"), "rb") as f:
            self.config_key = f.read()
        self.private = self.path("keys", "policy-key.pem")
        self.floor = self.record()["objects"]["sequence-floor"]["value"]

    def at(self, *parts):
        return os.path.join(self.root, *parts)

    def settings(self, text):
        with open(self.at("etc/latchkey/userconfig.yaml"), "w") as f:
            f.write("latchkey-userconfig: 1\n" + text)

    @property
    def upload_path(self):
        return self.at(UPLOAD, "config.lkb")

    def seal(self, content, sequence=None, **fields):
        """By the independent implementation; the sequence is counted from the device's first floor."""
        return blob.seal(content, fields.pop("key", self.private),
                         fields.pop("config_secret", self.config_key),
                         sequence=self.floor + (1 if sequence is None else sequence), **fields)

    def upload(self, data):
        with open(self.upload_path, "wb") as f:
            f.write(data)

    def run(self, command, *argv, check=0, tcti=None, prefix=(), real=True):
        """Of the device itself, unless `real` is False: then it is a try."""
        if real and command in ("apply", "rollback") and "--dry-run" not in argv:
            argv = ("--raise-floor", *argv)
        return rig.run([*prefix, rig.program("latchkey-userconfig"), command, "--root", self.root,
                        "--tpm", tcti or self.tpm.tcti, *argv], check=check)

    def apply(self, data=None, *argv, check=0, **options):
        if data is not None:
            self.upload(data)
        return self.run("apply", *argv, check=check, **options)

    def get(self, path):
        """What a program reads there; None where there is nothing."""
        try:
            with open(self.at(path.lstrip("/")), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def status(self):
        return json.loads(self.run("status", "--json").stdout)

    def counter(self):
        """The TPM's sequence floor, by the stock tools."""
        return int.from_bytes(self.tpm.tool("tpm2_nvread", "-C", "0x018a0002", "0x018a0002").stdout, "big")

    def refused(self):
        """The reason beside a blob that was put aside; None where there is none."""
        data = self.get(f"{UPLOAD}/config.lkb.refused.txt")
        return data and data.decode()

    def snapshot(self, *folders):
        """Every file, link and mode below the folders, as one would see it."""
        seen = {}
        for folder in folders or ("opt", "etc", "home"):
            for place, dirs, names in os.walk(self.at(folder)):
                for name in names + dirs:
                    path = os.path.join(place, name)
                    st = os.lstat(path)
                    who = (st.st_mode, st.st_uid, st.st_gid)
                    if os.path.isfile(path):
                        with open(path, "rb") as f:
                            seen[path] = who + (f.read(),)
                    else:
                        seen[path] = who + (os.path.islink(path) and os.readlink(path),)
        return seen


_made = {}


def spare(test, **options):
    """A Receiver of a test's own, of a kind that was provisioned once for the whole program, and copied."""
    key = tuple(sorted(options.items()))
    if key not in _made:
        owner = rig.TestCase()
        owner.setUp()
        atexit.register(owner.doCleanups)
        _made[key] = Receiver(owner, **options)
        _made[key].tpm.stop()
    made = _made[key]
    dev = copy.copy(made)
    dev.test, dev.dir = test, test.tmp
    shutil.copytree(made.dir, dev.dir, symlinks=True, dirs_exist_ok=True)
    dev.root, dev.private = dev.path("root"), dev.path("keys", "policy-key.pem")
    dev.tpm = copy.copy(made.tpm)
    dev.tpm.dir = dev.path("tpm")
    test.addCleanup(dev.tpm.stop)
    dev.tpm.start()
    return dev
