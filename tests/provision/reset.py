# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Factory reset: volume, configuration and what the TPM has of them are gone, the record keeps its keys, and setup makes all anew."""
import json
import os
import shutil
import unittest

import rig
from power import Cuts
from receiver import STATE, UPLOAD, archive, entry, spare


class Reset(Cuts):
    def setUp(self):
        super().setUp()
        self.dev = dev = spare(self)
        dev.policy()
        dev.new_disk("disk.img")
        dev.format()
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        self.uuid = self.entry()["uuid"]
        self.recovery = dev.decrypt(self.entry()["recovery-key"])
        with open(dev.at("opt/was"), "w") as f:
            f.write("original")
        dev.apply(dev.seal(archive(entry("latchkey-manifest.yaml", b"latchkey-manifest: 1\nfiles:\n  - {path: c, destination: /opt/c, copy: true}\n"
                                         b"  - {path: v, destination: /opt/v, volatile: true}\n"),
                                   entry("c", b"copy"), entry("v", b"secret"), entry("was", b"ours"), entry("deep/er/x", b"x"))))
        with open(dev.at(UPLOAD, "left.part"), "w") as f:
            f.write("left")
        self.seen = dev.snapshot("opt", "home", "run", "var")

    def save(self, dev):
        """As power.py does, but a system's links stay links."""
        dev.tpm.stop()
        rig.run(["cp", "-a", self.tmp, self.tmp + ".saved"], check=0)
        self.addCleanup(shutil.rmtree, self.tmp + ".saved", True)

    def restore(self, dev):
        dev.tpm.stop()
        shutil.rmtree(self.tmp)
        rig.run(["cp", "-a", self.tmp + ".saved", self.tmp], check=0)
        dev.tpm.start()

    def entry(self, n=0):
        return self.dev.record()["volumes"][n]

    def words(self, *more, yes="root", record=True, owner=True, userconfig=True):
        dev = self.dev
        return ["reset", "--policy", dev.path("policy.yaml"), "--volume", "root", "--device-file", dev.device_file,
                *(["--record", dev.record_path] if record else []), *(["--owner-auth", dev.owner_auth_file()] if owner else []),
                *(["--userconfig", rig.program("latchkey-userconfig"), "--root", dev.root] if userconfig else []),
                *(["--yes", yes] if yes else []), *more]

    def reset(self, *more, check=0, **options):
        return self.dev.provision(*self.words(*more, **options), check=check).stderr.decode()

    def handles(self):
        return self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout.decode().lower()

    def set_up(self):
        dev = self.dev
        return dev.provision("setup", "--policy", dev.path("policy.yaml"), "--volume", "root", "--owner-auth", dev.owner_auth_file(), "--record",
                             dev.record_path, "--recipient", dev.path("owner.pem"), "--device-file", dev.device_file).stderr.decode()

    def check_gone(self, configuration=True):
        dev = self.dev
        disk = self.read("disk.img")
        self.assertNotIn(b"LUKS\xba\xbe", disk)
        self.assertNotIn(b"SKUL\xba\xbe", disk)
        self.assertFalse(any(disk[4096:17 << 20]), "something is left of header or keyslots")
        self.assertFalse(dev.opens(self.recovery))
        self.assertNotIn("0x8100a001", self.handles())
        old = [v for v in dev.record()["volumes"] if v["uuid"] == self.uuid][0]
        self.assertTrue(old["superseded"] and old["reset"])
        self.assertEqual(dev.decrypt(old["recovery-key"]), self.recovery)
        if configuration:
            self.assertEqual(dev.get("opt/was"), b"original")
            self.assertFalse(os.path.islink(dev.at("opt/was")))
            self.assertEqual(sorted(os.listdir(dev.at("opt"))), ["was"])
            self.assertEqual(os.listdir(dev.at(UPLOAD)), [])
            self.assertLessEqual(set(os.listdir(dev.at(STATE))), {"lock"})
            self.assertFalse(os.path.lexists(dev.at("run/latchkey/userconfig")))

    def check_anew(self):
        dev = self.dev
        self.assertIn("root is ready", self.set_up())
        now = [v for v in dev.record()["volumes"] if not v.get("superseded")]
        self.assertEqual(len(now), 1)
        self.assertNotEqual(now[0]["uuid"], self.uuid)
        self.assertTrue(dev.opens(dev.decrypt(now[0]["recovery-key"])))
        dev.apply(dev.seal(archive(entry("was", b"again")), 2))
        self.assertEqual(dev.get("opt/was"), b"again")

    def unchanged(self, *more, check=13, **options):
        disk, record, handles = self.read("disk.img"), self.read("record.json"), self.handles()
        said = self.reset(*more, check=check, **options)
        self.assertEqual((self.read("disk.img"), self.read("record.json"), self.handles()), (disk, record, handles))
        self.assertEqual(self.dev.snapshot("opt", "home", "run", "var"), self.seen)
        return said

    def test_as_before_the_first_boot_and_then_anew(self):
        said = self.reset()
        self.assertIn("ALL ITS DATA WILL BE LOST", said)
        self.assertIn("is reset", said)
        self.check_gone()
        self.reset()
        self.check_gone()
        self.check_anew()

    def test_refused_and_nothing_is_changed(self):
        self.assertIn("not confirmed", self.unchanged(yes="other"))
        self.assertIn("not confirmed", self.unchanged(yes=None))
        self.unchanged(owner=False, check=2)
        self.assertIn("latchkey-userconfig", self.unchanged("--root", self.dev.root, userconfig=False, check=11))
        wrong = self.write("wrong.auth", "not it\n")
        self.unchanged("--owner-auth", wrong, owner=False, check=5)
        self.write("other.json", json.dumps({**self.dev.record(), "device-id": "ab" * 32}))
        self.unchanged("--record", self.path("other.json"), record=False)

    def test_what_is_not_ours_is_refused(self):
        for maker in (["mkfs.ext4", "-q", "-F"], ["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2",
                                                  "--pbkdf-force-iterations", "1000", "--key-file", self.dev.owner_auth_file()]):
            self.dev.new_disk("disk.img")
            rig.run([*maker, self.path("disk.img")], check=0)
            self.unchanged()

    def test_what_was_made_on_it_since_is_refused(self):
        """A RAID member (metadata 1.2), for one, begins behind the first sectors, where the mark of a reset stays."""
        self.reset()
        mark = self.read("disk.img")[:17]
        self.assertEqual(mark, b"LATCHKEY RESET 1\n")
        rig.run(["mkfs.ext4", "-q", "-F", self.path("disk.img")], check=0)
        with open(self.path("disk.img"), "r+b") as f:
            f.write(mark)
        disk = self.read("disk.img")
        self.assertIn("holds ext4", self.reset(check=13))
        self.assertEqual(self.read("disk.img"), disk)

    def test_another_volume_of_ours_is_refused(self):
        """A wrong --device costs neither that volume nor the object of the one that was named."""
        dev = self.dev
        dev.new_disk("data.img")
        os.unlink(dev.path("init.yaml"))
        dev.policy(f"  - name: data\n    device: {dev.path('data.img')}\n    handle: 0x8100a002\n")
        dev.provision("format", "--policy", dev.path("policy.yaml"), "--volume", "data", "--owner-auth", dev.owner_auth_file(),
                      "--record", dev.record_path, "--recipient", dev.path("owner.pem"))
        self.seen = dev.snapshot("opt", "home", "run", "var")
        data = self.read("data.img")
        self.assertIn("sealed at another handle than volume root", self.unchanged("--device", dev.path("data.img")))
        self.assertEqual(self.read("data.img"), data)
        # Without a token it is ours, and nobody's: the record says that the object is another volume's.
        rig.run(["cryptsetup", "token", "remove", "--token-id", "0", dev.path("data.img")], check=0)
        disk = self.read("disk.img")
        self.assertIn("nothing says that it is this volume's", self.reset("--device", dev.path("data.img")))
        self.assertIn("0x8100a001", self.handles())
        self.assertEqual(self.read("disk.img"), disk)
        self.assertFalse(self.entry().get("superseded"))

    def test_after_the_header_was_overwritten_by_hand(self):
        """As a vendor's instructions have it: setup leaves what is there alone, and reset knows whose it was by the record."""
        with open(self.path("disk.img"), "r+b") as f:
            f.write(bytes(2 << 20))
            f.write(os.urandom(1 << 20))
        dev = self.dev
        refused = dev.provision("setup", "--policy", dev.path("policy.yaml"), "--no-recovery-key", "--owner-auth", dev.owner_auth_file(),
                                "--device-file", dev.device_file, check=13)
        self.assertIn(b"reset", refused.stderr)
        self.assertIn("no header any more", self.reset())
        self.check_gone()
        self.check_anew()

    def test_what_is_kept_as_asked(self):
        self.reset("--keep-object", "--keep-configuration", owner=False, userconfig=False)
        self.assertIn("0x8100a001", self.handles())
        self.assertEqual(self.dev.snapshot("opt", "home", "run", "var"), self.seen)
        self.dev.run("check")
        self.assertFalse(self.dev.opens(self.recovery))
        self.reset("--keep-configuration", userconfig=False)
        self.check_gone(configuration=False)
        self.check_anew()

    def test_with_the_installation(self):
        self.reset("--installation")
        self.check_gone()
        self.assertNotIn("0x8100a000", self.handles())
        self.assertIn(b"nothing of an installation", self.dev.provision("remove", "--installation", "--yes", "installation", "--device-file",
                                                                        self.dev.device_file, check=7).stderr)
        self.reset("--installation")

    def test_an_original_that_was_changed_is_told_of_and_nothing_is_removed(self):
        kept = self.dev.at(STATE, "generations", f"{0:020}", "tree/opt/was")
        with open(kept, "w") as f:
            f.write("evil")
        disk = self.read("disk.img")
        said = self.reset(check=11)
        self.assertIn("isn't put in place", said)
        self.assertEqual((self.read("disk.img"), self.dev.get("opt/was")), (disk, b"ours"))
        os.unlink(kept)
        self.reset()
        self.assertIsNone(self.dev.get("opt/was"))

    def test_a_cut_at_any_write_is_finished_by_a_second_run(self):
        for n, cut in enumerate(self.syncs(self.dev, self.words())):
            with cut:
                self.reset()
                self.check_gone()
                if n % 5 == 0 or os.environ.get("LATCHKEY_LONG"):
                    self.check_anew()


if __name__ == "__main__":
    unittest.main()
