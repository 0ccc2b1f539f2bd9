#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The new root in early boot: its links don't lead out of it, what was measured counts before what lies on it, and nothing is put
below the mount point of a volume that isn't mounted."""
import os
import shutil
import subprocess

import rig
from receiver import STATE, UPLOAD, MANIFEST, archive, entry, files, spare

OWN_MOUNTS = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0
# Mounts of its own for the program alone: $1 is a folder that gets a tmpfs.
WITH_VOLUME = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs volume "$1" && shift && exec "$@"', "-")
# What lies beneath $1 is its /etc.
WITH_ETC = ("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc && shift && exec "$@"', "-")

# The device's own system, as the one that runs: $1 is its root.
AS_ROOT = ("unshare", "--mount", "sh", "-ec", 'for d in etc opt home run var/lib; do mount --bind "$1/$d" "/$d"; done; shift; exec "$@"', "-")
# What lies in $1 is mounted at $2.
WITH_BOUND = ("unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "-")


def placed(destination, data=b"new\n"):
    manifest = f"latchkey-manifest: 1\nfiles:\n  - {{path: f, destination: {destination}}}\n"
    return archive(entry(MANIFEST, manifest.encode()), entry("f", data))


class Case(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = spare(self)

    def fstab(self, text):
        with open(self.dev.at("etc/fstab"), "w") as f:
            f.write(text)

    def said(self, *args, **options):
        return self.dev.apply(*args, **options).stderr.decode()

    def untouched(self, data):
        """The blob stays for the next run, nothing was put in place, and the floor is what it was."""
        self.assertEqual(self.dev.get(f"{UPLOAD}/config.lkb"), data)
        self.assertIsNone(self.dev.refused())
        self.assertEqual(self.dev.counter(), self.dev.floor)


class Links(Case):
    def test_settings_behind_a_link_are_those_of_the_root(self):
        os.makedirs(self.dev.at("usr/share/site"))
        self.dev.settings("default-destination: /srv/in\nprefixes: [/srv/in]\n")
        os.rename(self.dev.at("etc/latchkey/userconfig.yaml"), self.dev.at("usr/share/site/userconfig.yaml"))
        os.symlink("/usr/share/site/userconfig.yaml", self.dev.at("etc/latchkey/userconfig.yaml"))
        self.said(self.dev.seal(files(a=b"1")))
        self.assertEqual(self.dev.get("srv/in/a"), b"1")

    def test_no_link_leads_out_of_the_root(self):
        """Settings, device file and fstab of the machine that runs it, by absolute links and by ones that climb."""
        outside = self.path("outside")
        os.mkdir(outside)
        with open(os.path.join(outside, "userconfig.yaml"), "w") as f:
            f.write("latchkey-userconfig: 1\ndefault-destination: /srv/out\nprefixes: [/srv/out]\n")
        with open(os.path.join(outside, "fstab"), "w") as f:
            f.write("/dev/none /opt ext4 defaults 0 0\n")
        climbing = "/".join([".."] * 40) + outside
        for number, to in enumerate((outside, climbing), 1):
            for name in ("latchkey/userconfig.yaml", "fstab"):
                path = self.dev.at("etc", name)
                if os.path.lexists(path):
                    os.unlink(path)
                os.symlink(os.path.join(to, os.path.basename(name)), path)
            self.said(self.dev.seal(files(**{f"a{number}": b"1"}), number))
            self.assertEqual(self.dev.get(f"opt/a{number}"), b"1")
        shutil.copy(self.dev.at("etc/latchkey/device.yaml"), outside)
        os.unlink(self.dev.at("etc/latchkey/device.yaml"))
        os.symlink(os.path.join(outside, "device.yaml"), self.dev.at("etc/latchkey/device.yaml"))
        blob = self.dev.seal(files(b=b"1"), 3)
        self.assertIn("nothing here says whose TPM", self.said(blob, check=7))
        self.assertIsNone(self.dev.get("opt/b"))


@rig.unittest.skipUnless(OWN_MOUNTS, "mount namespaces can't be made here")
class Measured(Case):
    """The policy file of the initramfs, and one on a root that anybody may have written to."""

    def setUp(self):
        super().setUp()
        self.right = self.dev.policy()
        self.foreign = self.other_policy()
        os.makedirs(self.path("own/latchkey"))

    def other_policy(self):
        key = self.path("other.pem")
        rig.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", key], check=0)
        rig.run(["openssl", "pkey", "-in", key, "-pubout", "-out", self.path("other.pub.pem")], check=0)
        rig.run([rig.program("latchkey"), "policy", "init", "--policy-key", self.path("other.pub.pem"), "-o", self.path("other.yaml")], check=0)
        return self.path("other.yaml")

    def put(self, measured, on_root):
        shutil.copy(measured, self.path("own/latchkey/policy.yaml"))
        shutil.copy(on_root, self.dev.at("etc/latchkey/policy.yaml"))

    def test_the_measured_one_counts(self):
        self.put(self.right, self.foreign)
        self.said(self.dev.seal(files(a=b"1")), prefix=(*WITH_ETC, self.path("own")))
        self.assertEqual(self.dev.get("opt/a"), b"1")
        self.put(self.foreign, self.right)
        blob = self.dev.seal(files(a=b"2"), 2)
        said = self.said(blob, check=7, prefix=(*WITH_ETC, self.path("own")))
        self.assertIn("isn't policy-key in /etc/latchkey/policy.yaml", said)
        self.assertEqual(self.dev.get("opt/a"), b"1")
        self.assertEqual(self.dev.get(f"{UPLOAD}/config.lkb"), blob)

    def test_for_a_try_it_is_that_of_the_folder(self):
        self.put(self.foreign, self.right)
        self.said(self.dev.seal(files(a=b"1")), real=False, prefix=(*WITH_ETC, self.path("own")))
        self.assertEqual(self.dev.get("opt/a"), b"1")


class Volumes(Case):
    def test_a_state_directory_on_a_volume_that_isnt_mounted(self):
        blob = self.dev.seal(files(a=b"1"))
        for line, point in (("/dev/mapper/var /var ext4 defaults 0 2", "/var"), ("UUID=1 /var/lib/ ext4 nofail", "/var/lib"),
                            (" \tLABEL=x\t/var/lib/latchkey\tauto\n", "/var/lib/latchkey"), ("x /v\\141r", "/var")):
            for exists in (False, True):
                with self.subTest(line, exists=exists):
                    self.fstab(f"# a comment\n\nproc /proc proc\n{line}\n/dev/sda1 none swap sw 0 0")
                    if exists:
                        os.makedirs(self.dev.at("var/lib/latchkey"), exist_ok=True)
                    said = self.said(blob, check=11)
                    self.assertIn(f"state-directory: /{STATE} lies on {point}, which is a mount point by /etc/fstab", said)
                    self.assertFalse(os.path.exists(self.dev.at(STATE)))
                    self.untouched(blob)
            shutil.rmtree(self.dev.at("var"))
        self.assertIn("is a mount point", self.dev.run("rollback", check=11).stderr.decode())
        self.fstab("/dev/mapper/other /srv ext4 defaults 0 2\n/dev/sda2 / ext4 defaults 0 1\n")
        self.said()
        self.assertEqual(self.dev.get("opt/a"), b"1")

    @rig.unittest.skipUnless(OWN_MOUNTS, "mount namespaces can't be made here")
    def test_once_it_is_mounted(self):
        os.makedirs(self.dev.at("var"))
        self.fstab("/dev/mapper/var /var ext4 defaults 0 2\n")
        said = self.said(self.dev.seal(files(a=b"1")), prefix=(*WITH_VOLUME, self.dev.at("var")))
        self.assertIn("is in place", said)
        # The volume has gone with the mounts, and nothing lies where it was mounted.
        self.assertEqual(os.listdir(self.dev.at("var")), [])
        self.assertEqual(self.dev.counter(), self.dev.floor + 1)

    def test_a_mount_point_that_the_settings_name(self):
        self.dev.settings("mount-points: [/srv, /var/lib/latchkey]\n")
        blob = self.dev.seal(files(a=b"1"))
        self.assertIn("is a mount point by mount-points of the settings", self.said(blob, check=11))
        self.untouched(blob)

    def test_a_try_has_no_volumes(self):
        self.fstab("/dev/mapper/var /var ext4 defaults 0 2\n")
        self.dev.apply(self.dev.seal(files(a=b"1")), real=False)
        self.assertEqual(self.dev.get("opt/a"), b"1")

    def test_an_upload_directory_on_one_is_no_error(self):
        blob = self.dev.seal(files(a=b"1"))
        self.fstab(f"LABEL=stick /{os.path.dirname(UPLOAD)} auto noauto 0 0\n")
        self.assertIn("the upload-directory, lies on a volume that isn't mounted", self.said(blob))
        self.untouched(blob)

    def test_destinations(self):
        self.said(self.dev.seal(placed("/opt/data/old"), 1))
        self.fstab("/dev/mapper/data /opt/data ext4 defaults 0 2\n")
        before = self.dev.snapshot("opt", "etc", STATE + "/generations")
        # Where it would go, and where what is in place lies, whose links could not be taken away.
        for blob, path in ((self.dev.seal(placed("/opt/data/new"), 2), "/opt/data/new"), (self.dev.seal(files(a=b"1"), 2), "/opt/data/old")):
            self.assertIn(f"{path} lies on /opt/data, which is a mount point", self.said(blob, check=11))
            self.assertEqual(self.dev.get(f"{UPLOAD}/config.lkb"), blob)
            self.assertEqual(self.dev.counter(), self.dev.floor + 1)
        os.unlink(self.dev.upload_path)
        self.assertIn("nothing is mounted there", self.dev.run("rollback", check=11).stderr.decode())
        self.said()
        self.assertEqual(self.dev.snapshot("opt", "etc", STATE + "/generations"), before)
        self.assertEqual(self.dev.get("opt/data/old"), b"new\n")

    def test_a_change_that_was_cut_waits_for_the_volume(self):
        self.said(self.dev.seal(placed("/opt/data/old"), 1))
        # Killed once the links are there, before the switch.
        self.dev.upload(self.dev.seal(placed("/opt/data/new"), 2))
        with open(self.dev.at(STATE, "pending.json"), "w") as f:
            f.write('{"stage": "switch", "from": %d, "to": %d}\n' % (self.dev.floor + 1, self.dev.floor + 2))
        self.fstab("/dev/mapper/data /opt/data ext4 defaults 0 2\n")
        self.assertIn("nothing is mounted there", self.said(check=11))
        self.assertTrue(os.path.exists(self.dev.at(STATE, "pending.json")))
        self.assertEqual(self.dev.get("opt/data/old"), b"new\n")
        os.unlink(self.dev.at("etc/fstab"))
        self.said()
        self.assertFalse(os.path.exists(self.dev.at(STATE, "pending.json")))
        self.assertIsNone(self.dev.get("opt/data/old"))
        self.assertEqual(self.dev.get("opt/data/new"), b"new\n")


@rig.unittest.skipUnless(OWN_MOUNTS, "mount namespaces can't be made here")
class Reset(Case):
    def setUp(self):
        super().setUp()
        os.makedirs(self.dev.at("opt/data"))
        with open(self.dev.at("opt/data/old"), "w") as f:
            f.write("original")
        self.said(self.dev.seal(placed("/opt/data/old"), 1))
        self.assertEqual(self.dev.get("opt/data/old"), b"new\n")
        self.dev.upload(b"left")

    def reset(self, check=0):
        return rig.run([*AS_ROOT, self.dev.root, rig.program("latchkey-userconfig"), "reset", "--yes", "configuration", "--tpm",
                        self.dev.tpm.tcti], check=check).stderr.decode()

    def test_what_was_on_a_volume_that_isnt_mounted_is_not_lost(self):
        self.fstab("/dev/mapper/data /opt/data ext4 defaults 0 2\n")
        before = self.dev.snapshot("opt", "etc", "home", STATE)
        said = self.reset(check=11)
        self.assertIn("nothing was changed: /opt/data/old lies on /opt/data, which is a mount point by /etc/fstab", said)
        self.assertEqual(self.dev.snapshot("opt", "etc", "home", STATE), before)
        os.unlink(self.dev.at("etc/fstab"))
        self.assertIn("1 file of before put back", self.reset())
        self.assertEqual(self.dev.get("opt/data/old"), b"original")
        self.assertEqual(os.listdir(self.dev.at(UPLOAD)), [])

    def test_an_upload_directory_on_one_is_no_error(self):
        self.fstab(f"LABEL=stick /{UPLOAD} auto noauto 0 0\n")
        self.assertIn("isn't mounted: uploads there stay", self.reset())
        self.assertEqual(self.dev.get("opt/data/old"), b"original")
        self.assertEqual(self.dev.get(f"{UPLOAD}/config.lkb"), b"left")

    def test_what_is_mounted_in_the_upload_directory_is_left_alone(self):
        os.makedirs(self.dev.at(UPLOAD, "folder/stick"))
        os.mkdir(self.path("stick"))
        self.write("stick/photo", "of somebody's")
        said = self.dev.run("reset", "--yes", "configuration", check=11, prefix=(*WITH_BOUND, self.path("stick"), self.dev.at(UPLOAD, "folder/stick")))
        self.assertIn(b"folder: can't remove: Device or resource busy", said.stderr)
        self.assertEqual(self.read("stick/photo"), b"of somebody's")
        self.dev.run("reset", "--yes", "configuration")
        self.assertEqual(os.listdir(self.dev.at(UPLOAD)), [])
        self.assertEqual(self.read("stick/photo"), b"of somebody's")


if __name__ == "__main__":
    rig.unittest.main()
