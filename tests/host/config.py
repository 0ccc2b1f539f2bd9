# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what tests of latchkey config share: a folder of settings, sealing and opening it, records."""
import json
import os
import stat

import host
from host import rig  # noqa: F401

FILES = {"app/app.conf": b"verbose=yes\n", "app/key": bytes(range(256)), "gr\u00fcn/u\u0308.txt": b"",
         "net/10-eth.network": b"[Match]\nName=eth0\n" * 50, "app-data": b"x" * 100000}


class TestCase(host.TestCase):
    def setUp(self):
        super().setUp()
        self.key_dir = self.keys()

    def folder(self, files=None, name="settings", manifest=None):
        """A folder of files; modes 0600 where the name says key."""
        files = dict(FILES if files is None else files)
        if manifest is not None:
            files["latchkey-manifest.yaml"] = manifest
        for path, data in files.items():
            full = self.path(name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as f:
                f.write(data if isinstance(data, bytes) else data.encode())
            os.chmod(full, 0o600 if "key" in path else 0o644)
        return self.path(name)

    def seal(self, what, *more, keys=None, sequence="1", out="blob.lkb", check=0, env=None):
        keys = keys or self.key_dir
        return self.latchkey("config", "seal", "--key", keys + "/policy-key.pem", "--config-key",
                             keys + "/config-key.bin", "--sequence", sequence, *more, "-o",
                             self.path(out), what, check=check, env=env)

    def reading(self, keys=None):
        keys = keys or self.key_dir
        return ["--policy-key", keys + "/policy-key.pub.pem", "--config-key", keys + "/config-key.bin"]

    def open_to(self, blob="blob.lkb", out="opened", keys=None, check=0):
        return self.latchkey("config", "open", *self.reading(keys), "-o", self.path(out),
                             self.path(blob), check=check)

    def archive_of(self, blob="blob.lkb", keys=None):
        self.latchkey("config", "open", *self.reading(keys), "--archive", self.path("archive"),
                      "--force", self.path(blob))
        return self.read("archive")

    def verify(self, blob="blob.lkb", *more, keys=None, check=0):
        return self.latchkey("config", "verify", "--policy-key",
                             (keys or self.key_dir) + "/policy-key.pub.pem", *more, self.path(blob),
                             check=check)

    def shown(self, blob="blob.lkb"):
        return json.loads(self.latchkey("config", "show", "--json", self.path(blob)).stdout)

    def tree(self, name):
        """Path, mode and content of each file below a folder."""
        found = {}
        for directory, _, files in os.walk(self.path(name)):
            for f in files:
                full = os.path.join(directory, f)
                with open(full, "rb") as g:
                    found[os.path.relpath(full, self.path(name))] = (
                        stat.S_IMODE(os.lstat(full).st_mode), g.read())
        return found

    def record(self, name, number=1, floor=1, bits=256, **objects):
        """A provisioning record, as json-c writes them: slashes escaped."""
        root = {"handle": "0x81000001", "name": "000b" + f"{number:064x}"}
        record = {"latchkey-record": 1, "tpm": {"vendor": "IBM"},
                  "ek": {"certificate": "-----BEGIN CERTIFICATE-----\nMII/\n"},
                  "objects": {"storage-root-key": root,
                              "config-key": {"handle": "0x8100a000", "form": "sealed", "bits": bits},
                              "sequence-floor": {"handle": "0x018a0002", "value": floor}, **objects},
                  "volumes": []}
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        return self.write(name, json.dumps(record, indent=2).replace("/", "\\/"))

    def assertNothingLeft(self, *allowed):
        """Of temporary files, or of an output that failed."""
        left = [n for n in os.listdir(self.tmp) if n not in allowed + ("keys",)]
        self.assertEqual(left, [])


main = host.main
