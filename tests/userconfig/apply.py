#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Applying configuration on a device: what arrives, where it goes, what stays."""
import os
import unittest

import rig
from receiver import MANIFEST, STATE, Receiver, archive, entry, files


def manifest(*lines, label="a test"):
    text = f"latchkey-manifest: 1\nlabel: {label}\n"
    if lines:
        text += "files:\n" + "".join(f"  - {line}\n" for line in lines)
    return entry(MANIFEST, text.encode())


class Apply(rig.TestCase):
    def check_form(self, form, **options):
        dev = Receiver(self, form=form, **options)
        dev.apply(dev.seal(files(app__conf=b"one\n", other=b"two\n")))
        self.assertEqual(dev.get("/opt/app/conf"), b"one\n")
        self.assertEqual(dev.get("/opt/other"), b"two\n")
        self.assertFalse(os.path.exists(dev.upload_path))
        self.assertEqual(dev.counter(), dev.floor + 1)
        self.assertIn("in place as it was signed", dev.run("check").stdout.decode())

    def test_with_a_cipher_object_and_p384(self):
        self.check_form("cipher")

    def test_with_a_sealed_object_and_p384(self):
        self.check_form("sealed")

    def test_with_a_cipher_object_p256_and_128_bits(self):
        self.check_form("cipher", curve="p256", config_bits=128)

    def test_with_a_sealed_object_p256_and_256_bits(self):
        self.check_form("sealed", curve="p256", config_bits=256)

    def test_nothing_uploaded_is_no_error(self):
        dev = Receiver(self)
        self.assertIn("no configuration to apply", dev.apply().stderr.decode())

    def test_manifest_says_place_mode_and_owner(self):
        dev = Receiver(self)
        dev.settings("owners: [root, app]\ngroups: [app]\n")
        dev.apply(dev.seal(archive(
            manifest('{path: a, destination: /opt/x/y/conf, mode: "0640", owner: app, group: app}'),
            entry("a", b"A"), entry("b", b"B", mode=0o777))))
        st = os.stat(dev.at("opt/x/y/conf"))
        self.assertEqual((st.st_mode & 0o7777, st.st_uid, st.st_gid), (0o640, 1234, 1234))
        st = os.stat(dev.at("opt/b"))
        self.assertEqual((st.st_mode & 0o7777, st.st_uid, st.st_gid), (0o755, 0, 0))
        self.assertEqual(dev.status()["current"]["label"], "a test")

    def test_what_was_there_is_kept_and_comes_back(self):
        dev = Receiver(self)
        with open(dev.at("opt/conf"), "w") as f:
            f.write("factory")
        dev.apply(dev.seal(files(conf=b"new", more=b"more")))
        self.assertEqual(dev.get("/opt/conf"), b"new")
        dev.apply(dev.seal(files(more=b"even more"), 2))
        self.assertEqual(dev.get("/opt/conf"), b"factory", "what a configuration dropped")
        self.assertEqual(dev.get("/opt/more"), b"even more")
        dev.run("rollback")
        self.assertEqual((dev.get("/opt/conf"), dev.get("/opt/more")), (b"new", b"more"))
        dev.run("rollback")
        self.assertEqual((dev.get("/opt/conf"), dev.get("/opt/more")), (b"factory", b"even more"))

    def test_dropped_files_are_gone(self):
        dev = Receiver(self)
        dev.apply(dev.seal(files(a=b"1", b=b"2")))
        dev.apply(dev.seal(files(a=b"3"), 2))
        self.assertEqual(os.listdir(dev.at("opt")), ["a"])
        self.assertEqual(sorted(os.listdir(dev.at(STATE, "generations"))),
                         sorted(f"{n:020}" for n in (0, dev.floor + 1, dev.floor + 2)))

    def test_volatile_files_lie_in_memory_and_come_back_after_a_boot(self):
        dev = Receiver(self)
        dev.apply(dev.seal(archive(manifest(
            '{path: secret, destination: /opt/secret, mode: "0600", volatile: true}'),
            entry("secret", b"s3cret"), entry("open", b"open"))))
        self.assertEqual(dev.get("/opt/secret"), b"s3cret")
        for place, _, names in os.walk(dev.at("var")):
            for path in (os.path.join(place, name) for name in names):
                if not os.path.islink(path):
                    with open(path, "rb") as f:
                        self.assertNotIn(b"s3cret", f.read(), path)
        rig.run(["rm", "-r", dev.at("run/latchkey")], check=0)
        self.assertIsNone(dev.get("/opt/secret"))
        dev.apply()
        self.assertEqual(dev.get("/opt/secret"), b"s3cret")

    def test_dry_run_changes_nothing(self):
        dev = Receiver(self)
        dev.upload(dev.seal(files(a=b"1")))
        before = dev.snapshot()
        said = dev.run("apply", "--dry-run").stdout.decode()
        self.assertIn("/opt/a", said)
        self.assertEqual(dev.snapshot(), before)
        self.assertEqual(dev.counter(), dev.floor)

    def test_a_named_blob_stays_where_it_is(self):
        dev = Receiver(self)
        path = self.write("mine.lkb", dev.seal(files(a=b"1")))
        dev.apply(None, "--blob", path)
        self.assertEqual(dev.get("/opt/a"), b"1")
        self.assertTrue(os.path.exists(path))

    def test_for_this_device_alone(self):
        dev = Receiver(self)
        ident = bytes.fromhex(dev.status()["device-id"])
        dev.apply(dev.seal(files(a=b"1"), target=ident))
        self.assertEqual(dev.get("/opt/a"), b"1")


if __name__ == "__main__":
    unittest.main()
