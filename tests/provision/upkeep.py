# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A life after installation: recovery keys, authorizations, the policy key, orphans, the end."""
import json
import os
import subprocess
import time
import unittest

import rig
from device import Bus, Device
from power import Cuts


class Upkeep(Cuts):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.write("recovery", self.recovery())

    def entry(self):
        return self.dev.record()["volumes"][0]

    def recovery(self, entry=None):
        return self.dev.decrypt((entry or self.entry())["recovery-key"])

    def lockout_auth_file(self):
        return self.write("lockout.auth", self.dev.auth("lockout") + "\n")

    def policy(self, name, handle, ref="latchkey:two"):
        text = self.read("policy.yaml").decode()
        return self.write(name, text.replace("0x8100a001", handle).replace("latchkey:luks", ref))

    def reseal(self, policy, *more, check=0):
        dev = self.dev
        return dev.provision("reseal", "--policy", dev.path(policy), "--owner-auth",
                             dev.owner_auth_file(), "--recovery-key-file", dev.path("recovery"),
                             *more, check=check)

    def handles(self):
        return self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout.decode()

    def renew_argv(self):
        dev = self.dev
        return ["recovery-key", "renew", "--policy", dev.path("policy.yaml"), "--recovery-key-file",
                dev.path("recovery"), "--record", dev.record_path, "--recipient",
                dev.path("owner.pem")]


class RecoveryKey(Upkeep):
    def test_the_new_one_opens_and_the_old_one_does_not(self):
        dev = self.dev
        old = self.read("recovery")
        dev.provision(*self.renew_argv())
        self.assertTrue(dev.opens(self.recovery()))
        self.assertFalse(dev.opens(old))
        self.assertEqual(len(dev.luks()["keyslots"]), 2)
        before = self.entry()["recovery-keys-before"][0]
        self.assertIs(before["superseded"], True)
        self.assertEqual(dev.decrypt(before["recovery-key"]), old)
        # The TPM's way in is what it was.
        self.assertTrue(dev.opens(dev.unseal_by_hand(dev.sign(1), 1)[:-32]))
        self.write("recovery", self.recovery())
        self.reseal("policy.yaml")

    def test_what_is_refused_changes_nothing(self):
        dev = self.dev
        self.write("wrong", "not the recovery key\n")
        dev.header("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        self.write("of-the-tpm", dev.unseal_by_hand(dev.path("signed.yaml"), 1)[:-32])
        disk, record = self.read("disk.img"), self.read("record.json")
        argv = self.renew_argv()
        at = argv.index("--recovery-key-file") + 1
        dev.provision(*argv[:at], dev.path("wrong"), *argv[at + 1:], check=10)
        at = argv.index("--record") + 1
        dev.provision(*argv[:at], dev.path("no", "record.json"), *argv[at + 1:], check=11)
        dev.provision(*argv[:at - 1], *argv[at + 1:], check=2)
        self.assertEqual((self.read("disk.img"), self.read("record.json")), (disk, record))
        # All keyslots taken: found on a copy of the header.
        while True:
            self.write("more", os.urandom(16).hex())
            if rig.run(["cryptsetup", "luksAddKey", "-q", "--pbkdf", "pbkdf2",
                        "--pbkdf-force-iterations", "1000", "--key-file", dev.path("recovery"),
                        dev.path("disk.img"), dev.path("more")]).returncode:
                break
        disk = self.read("disk.img")
        done = dev.provision(*argv, check=13)
        self.assertIn(b"nothing was changed", done.stderr)
        self.assertEqual((self.read("disk.img"), self.read("record.json")), (disk, record))
        self.assertTrue(dev.opens(self.recovery()))

    def check_cut(self):
        dev = self.dev
        # Whatever the moment: the record's own key opens the volume.
        self.assertTrue(dev.opens(self.recovery()))
        for key in (self.recovery(), self.read("recovery")):
            if dev.opens(key):
                self.write("recovery", key)
        dev.provision(*self.renew_argv())
        self.assertTrue(dev.opens(self.recovery()))
        self.assertEqual(len(dev.luks()["keyslots"]), 2)
        dump = rig.run(["cryptsetup", "luksDump", dev.path("disk.img")]).stdout.decode()
        self.assertIn("Subsystem:     \tlatchkey\n", dump)

    def test_a_cut_at_any_write(self):
        for cut in self.syncs(self.dev, self.renew_argv()):
            with cut:
                self.check_cut()

    def test_after_a_cut_the_old_key_finishes_it_too(self):
        dev, old = self.dev, self.read("recovery")
        for cut in self.syncs(dev, self.renew_argv()):
            with cut:
                if not dev.opens(old):
                    continue
                dev.provision(*self.renew_argv())
                self.assertTrue(dev.opens(self.recovery()))
                self.assertFalse(dev.opens(old))
                self.assertEqual(len(dev.luks()["keyslots"]), 2)


class Reseal(Upkeep):
    def with_record(self):
        return ["--record", self.dev.record_path, "--recipient", self.dev.path("owner.pem")]

    def test_the_record_is_kept_up_to_date(self):
        dev = self.dev
        first = self.entry()
        self.policy("two.yaml", "0x8100a002")
        self.assertIn(b"record isn't brought up to date", self.reseal("policy.yaml").stderr)
        self.reseal("two.yaml", *self.with_record())
        now = self.entry()
        self.assertEqual((now["uuid"], now["handle"], now["recovery-key"]),
                         (first["uuid"], "0x8100a002", first["recovery-key"]))
        self.assertTrue(now["policy-ref"].startswith("latchkey:two"))
        self.assertEqual(now["object-name"], dev.tpm.tool(
            "tpm2_readpublic", "-c", "0x8100a002").stdout.decode().split("name:")[1].split()[0])
        # What it was sealed as at the other handle may open it still.
        self.assertEqual(now["sealed-before"][0]["handle"], "0x8100a001")
        self.assertNotIn("superseded", now["sealed-before"][0])
        self.reseal("two.yaml", *self.with_record())
        self.assertIs(self.entry()["sealed-before"][1]["superseded"], True)

    def test_a_record_without_the_key_gets_it(self):
        dev = self.dev
        os.rename(dev.record_path, dev.path("away.json"))
        self.write("owner.auth", dev.decrypt(json.loads(self.read("away.json"))["auths"]["owner"]))
        argv = ["reseal", "--policy", dev.path("policy.yaml"), "--owner-auth",
                dev.path("owner.auth"), "--recovery-key-file", dev.path("recovery"), "--record",
                dev.record_path]
        disk = self.read("disk.img")
        self.assertIn(b"--recipient", dev.provision(*argv, check=2).stderr)
        self.assertEqual(self.read("disk.img"), disk)
        dev.provision(*argv, "--recipient", dev.path("owner.pem"))
        self.assertTrue(dev.opens(self.recovery()))

    def test_a_label_of_the_header_stays(self):
        rig.run(["cryptsetup", "config", "--label", "mine", self.dev.path("disk.img")], check=0)
        self.reseal("policy.yaml")
        self.assertIn(b"Label:         \tmine\n",
                      rig.run(["cryptsetup", "luksDump", self.dev.path("disk.img")]).stdout)

    def test_token_slots_that_are_full_are_found_before_anything_is_made(self):
        dev = self.dev
        two = self.policy("two.yaml", "0x8100a002")
        self.write("t.json", '{"type":"other","keyslots":[]}')
        while not rig.run(["cryptsetup", "token", "import", "--json-file", self.path("t.json"),
                           dev.path("disk.img")]).returncode:
            pass
        disk, handles = self.read("disk.img"), self.handles()
        said = self.reseal("two.yaml", check=13).stderr.decode()
        self.assertIn("no token slot is free", said)
        self.assertIn("token remove", said)
        self.assertEqual((self.read("disk.img"), self.handles()), (disk, handles))
        self.reseal("policy.yaml")
        rig.run(["cryptsetup", "token", "remove", "--token-id", "31", dev.path("disk.img")], check=0)
        self.reseal("two.yaml")
        dev.provision("remove", "--policy", two, "--volume", "root", "--yes", "root",
                      "--owner-auth", dev.owner_auth_file())
        self.assertTrue(dev.opens(self.read("recovery")))

    def test_keyslots_that_are_full_are_found_before_anything_is_made(self):
        dev = self.dev
        self.policy("two.yaml", "0x8100a002")
        while True:
            self.write("more", os.urandom(16).hex())
            if rig.run(["cryptsetup", "luksAddKey", "-q", "--pbkdf", "pbkdf2",
                        "--pbkdf-force-iterations", "1000", "--key-file", dev.path("recovery"),
                        dev.path("disk.img"), dev.path("more")]).returncode:
                break
        disk, handles = self.read("disk.img"), self.handles()
        for policy in ("policy.yaml", "two.yaml"):
            self.assertIn(b"nothing was changed", self.reseal(policy, check=13).stderr)
            self.assertEqual((self.read("disk.img"), self.handles()), (disk, handles))
        self.assertTrue(dev.opens(self.read("recovery")))

    def test_a_tpm_without_room_is_found_before_anything_is_made(self):
        dev = self.dev
        self.policy("two.yaml", "0x8100a002")
        dev.new_disk("second.img")
        owner = dev.auth("owner")
        dev.tpm.tool("tpm2_createprimary", "-C", "o", "-P", owner, "-c", self.path("p.ctx"))
        n = 0
        while dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-P", owner, "-c", self.path("p.ctx"),
                           hex(0x81010000 + n), check=None).returncode == 0:
            dev.tpm.tool("tpm2_flushcontext", "-t")
            n += 1
        dev.tpm.tool("tpm2_flushcontext", "-t")
        disk, handles = self.read("disk.img"), self.handles()
        said = self.reseal("two.yaml", check=13).stderr.decode()
        self.assertIn("room for 0 more persistent objects", said)
        argv = ["format", "--policy", dev.path("two.yaml"), "--owner-auth", dev.owner_auth_file(),
                "--record", dev.record_path, "--recipient", dev.path("owner.pem"), "--device",
                dev.path("second.img")]
        dev.provision(*argv, check=13)
        self.assertEqual((self.read("disk.img"), self.handles()), (disk, handles))
        self.assertEqual(self.read("second.img"), bytes(32 << 20))
        # In the same place too: for a moment there are two of them.
        self.reseal("policy.yaml", check=13)
        self.assertEqual((self.read("disk.img"), self.handles()), (disk, handles))

    def test_a_moved_disk_does_not_take_another_volumes_object_away(self):
        dev = self.dev
        os.rename(dev.path("disk.img"), dev.path("moved.img"))
        dev.new_disk("disk.img")
        dev.format("--replace-object")
        def shown():
            return dev.tpm.tool("tpm2_readpublic", "-c", "0x8100a001").stdout
        had, moved = shown(), self.read("moved.img")
        moved_on = ["--device", dev.path("moved.img")]
        said = self.reseal("policy.yaml", *moved_on, check=13).stderr.decode()
        self.assertIn("--replace-object", said)
        self.assertEqual((shown(), self.read("moved.img")), (had, moved))
        dev.provision("remove", "--policy", dev.path("policy.yaml"), "--volume", "root", "--yes",
                      "root", "--owner-auth", dev.owner_auth_file(), *moved_on)
        self.assertEqual(shown(), had)
        self.assertTrue(dev.opens(dev.unseal_by_hand(dev.sign(1), 1)[:-32]))
        self.assertTrue(dev.opens(self.read("recovery"), disk="moved.img"))

    def test_a_cut_at_any_write_leaves_the_record_right(self):
        dev = self.dev
        self.policy("two.yaml", "0x8100a002")
        words = ["reseal", "--policy", dev.path("two.yaml"), "--owner-auth", dev.owner_auth_file(),
                 "--recovery-key-file", dev.path("recovery"), "--device-file", dev.device_file, *self.with_record()]
        for cut in self.syncs(dev, words):
            with cut:
                self.assertTrue(dev.opens(self.recovery()))
                dev.provision(*words)
                self.assertTrue(dev.opens(self.recovery()))
                self.assertEqual(self.entry()["object-name"], dev.tpm.tool(
                    "tpm2_readpublic", "-c", "0x8100a002").stdout.decode().split("name:")[1].split()[0])

    def test_an_orphan_is_named_and_can_be_taken_away(self):
        dev = self.dev
        two = self.policy("two.yaml", "0x8100a002")
        self.save(dev)
        dev.tpm.start()
        words = ["reseal", "--policy", two, "--owner-auth", dev.owner_auth_file(),
                 "--recovery-key-file", dev.path("recovery"), "--device-file", dev.device_file]
        whole = Bus(dev.tpm)
        self.assertEqual(whole.run(self.argv(words)), 0, whole.text)
        for commands in range(whole.seen - 1, 0, -1):
            self.cut_at(dev, words, commands)
            dev.tpm.restart()
            if "0x8100a002" in self.handles().lower() and len(dev.luks()["tokens"]) == 1:
                break
        else:
            self.fail("no cut leaves an object without a token")
        said = self.reseal("policy.yaml").stderr.decode()
        self.assertIn("remove --handle 0x8100a002", said)
        said = self.reseal("two.yaml", check=13).stderr.decode()
        self.assertIn("remove --handle 0x8100a002", said)
        self.assertIn("--replace-object", said)
        remove = ["remove", "--policy", two, "--owner-auth", dev.owner_auth_file()]
        said = dev.provision(*remove, "--volume", "root", "--yes", "root", check=9).stderr.decode()
        self.assertIn("remove --handle 0x8100a002", said)
        # What a volume is sealed at isn't to be had in this way.
        dev.provision(*remove, "--handle", "0x8100a001", "--yes", "0x8100a001", check=13)
        dev.provision(*remove, "--handle", "0x81000001", "--yes", "0x81000001", check=2)
        dev.provision(*remove, "--handle", "0x8100a002", check=13)
        self.assertIn("0x8100a002", self.handles().lower())
        dev.provision(*remove, "--handle", "0x8100a002", "--yes", "0x8100a002")
        self.assertNotIn("0x8100a002", self.handles().lower())
        self.reseal("two.yaml")
        self.assertTrue(dev.opens(self.read("recovery")))


class Capacity(rig.TestCase):
    def test_integrity_that_cannot_be_made_leaves_the_old_header(self):
        dev = Device(self).ready()
        key = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        disk, record = self.read("disk.img"), self.read("record.json")
        with open(dev.path("policy.yaml"), "a") as f:
            f.write("    integrity: hmac-sha256\n")
        said = dev.format("--overwrite", dev.path("disk.img"), "--replace-object", check=11)
        self.assertIn(b"dm-integrity", said.stderr)
        self.assertIn(b"nothing was changed", said.stderr)
        self.assertEqual((self.read("disk.img"), self.read("record.json")), (disk, record))
        self.assertTrue(dev.opens(key))
        self.assertTrue(dev.opens(dev.unseal_by_hand(dev.sign(1), 1)[:-32]))

    def test_a_block_device_needs_device_mapper(self):
        if os.geteuid() != 0 or os.path.exists("/sys/class/misc/device-mapper"):
            self.skipTest("this kernel has device-mapper, or isn't ours to ask")
        dev = Device(self)
        dev.install()
        loop = rig.run(["losetup", "-f", "--show", dev.path("disk.img")])
        if loop.returncode:
            self.skipTest("no loop device")
        loop = loop.stdout.decode().strip()
        self.addCleanup(rig.run, ["losetup", "-d", loop])
        dev.policy()
        said = dev.format("--device", loop, check=11).stderr.decode()
        self.assertIn("device-mapper", said)
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))
        self.assertEqual(dev.record()["volumes"], [])


class Authorizations(Upkeep):
    def change_argv(self, which, present):
        dev = self.dev
        return ["auth", "change", which, f"--{which}-auth", present, "--record", dev.record_path,
                "--recipient", dev.path("owner.pem")]

    def holds(self, which, auth):
        tool = {"owner": ["tpm2_nvdefine", "-C", "o", "-P", auth, "-s", "8", "0x01800001"],
                "lockout": ["tpm2_dictionarylockout", "--clear-lockout", "--auth", auth]}[which]
        right = self.dev.tpm.tool(*tool, check=None).returncode == 0
        if right and which == "owner":
            self.dev.tpm.tool("tpm2_nvundefine", "-C", "o", "-P", auth, "0x01800001")
        if not right and which == "lockout":
            time.sleep(1.5)
        return right

    def test_both_are_changed_and_the_record_has_them(self):
        dev = self.dev
        old = {w: dev.auth(w) for w in ("owner", "lockout")}
        for which, path in (("owner", dev.owner_auth_file()), ("lockout", self.lockout_auth_file())):
            dev.provision(*self.change_argv(which, path))
            self.assertNotEqual(dev.auth(which), old[which])
            self.assertTrue(self.holds(which, dev.auth(which)))
            self.assertNotIn(which + "-next", dev.record()["auths"])
        kept = [dev.decrypt(e[w]).decode() for e in dev.record()["auths"]["superseded"]
                for w in old if w in e]
        self.assertEqual(sorted(kept), sorted(old.values()))
        shown = dev.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"LOCKOUT_RECOVERY: 0x15180\n")
        self.write("mine", "of my choice\n")
        argv = self.change_argv("owner", dev.owner_auth_file())
        dev.provision(*argv[:-2], "--new-auth", dev.path("mine"))
        self.assertTrue(self.holds("owner", "of my choice"))
        self.assertEqual(dev.record()["auths"]["owner"], "as given")

    def test_a_wrong_one_changes_nothing(self):
        dev = self.dev
        self.write("wrong", "wrong\n")
        record = self.read("record.json")
        dev.provision(*self.change_argv("owner", dev.path("wrong")), check=5)
        self.assertEqual(self.read("record.json"), record)
        self.assertTrue(self.holds("owner", dev.auth("owner")))
        argv = self.change_argv("lockout", self.lockout_auth_file())
        argv[argv.index("--record") + 1] = dev.path("no", "record.json")
        dev.provision(*argv, check=11)
        self.assertTrue(self.holds("lockout", dev.auth("lockout")))
        said = dev.provision(*self.change_argv("lockout", dev.path("wrong")), check=5).stderr
        self.assertIn(b"not the TPM's lockout authorization", said)
        self.assertEqual(self.read("record.json"), record)

    def check_cut(self, which):
        dev = self.dev
        auths = dev.record()["auths"]
        known = [dev.decrypt(auths[k]).decode() for k in (which, which + "-next") if k in auths]
        right = [a for a in known if self.holds(which, a)]
        self.assertEqual(len(right), 1, known)
        path = self.write("present", right[0] + "\n")
        dev.provision(*self.change_argv(which, path))
        self.assertTrue(self.holds(which, dev.auth(which)))
        self.assertNotIn(which + "-next", dev.record()["auths"])
        shown = dev.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"LOCKOUT_RECOVERY: 0x15180\n")

    def test_owner_cut_at_any_command(self):
        for cut in self.cuts(self.dev, self.change_argv("owner", self.dev.owner_auth_file())):
            with cut:
                self.check_cut("owner")

    def test_lockout_cut_at_any_command(self):
        for cut in self.cuts(self.dev, self.change_argv("lockout", self.lockout_auth_file())):
            with cut:
                self.check_cut("lockout")

    def test_lockout_cut_at_any_write(self):
        for cut in self.syncs(self.dev, self.change_argv("lockout", self.lockout_auth_file())):
            with cut:
                self.check_cut("lockout")

    def test_a_lockout_is_cleared(self):
        dev = self.dev
        argv = ["lockout", "clear", "--lockout-auth", self.lockout_auth_file()]
        self.assertIn(b"nothing to do", dev.provision(*argv).stderr)
        dev.tpm.tool("tpm2_createprimary", "-C", "o", "-P", dev.auth("owner"), "-c",
                     self.path("p.ctx"), "-p", "password")
        dev.tpm.tool("tpm2_flushcontext", "-t")
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", dev.auth("owner"), "-s", "8", "-p", "right",
                     "-a", "authread|authwrite", "0x01800002")
        for _ in range(33):
            dev.tpm.tool("tpm2_nvwrite", "-C", "0x01800002", "-P", "wrong", "-i", "-", "0x01800002",
                         stdin=b"12345678", check=None)
        self.reseal("policy.yaml", check=6)
        dev.provision(*argv)
        self.reseal("policy.yaml")
        self.assertIn(b"nothing to do", dev.provision(*argv).stderr)


class PolicyKey(Upkeep):
    def argv_of(self, keys="new"):
        dev = self.dev
        return ["policy-key", "replace", "--policy-key", dev.path(keys, "policy-key.pub.pem"),
                "--owner-auth", dev.owner_auth_file(), "--record", dev.record_path]

    def new_keys(self):
        rig.run([rig.program("latchkey"), "keygen", "--curve", "p256", self.dev.path("new")], check=0)

    def installed(self):
        return self.dev.tpm.tool("tpm2_nvread", "-C", "0x018a0000", "0x018a0000").stdout

    def der(self, keys):
        return rig.run(["openssl", "pkey", "-pubin", "-in", self.dev.path(keys, "policy-key.pub.pem"),
                        "-outform", "DER"], check=0).stdout

    def test_it_is_replaced_and_nothing_else(self):
        dev = self.dev
        self.new_keys()
        handles = self.handles()
        floors = [dev.tpm.tool("tpm2_nvread", "-C", n, n).stdout for n in ("0x018a0001", "0x018a0002")]
        dev.provision(*self.argv_of())
        self.assertEqual(self.installed(), self.der("new"))
        self.assertIn(b"writelocked", dev.tpm.tool("tpm2_nvreadpublic", "0x018a0000").stdout)
        self.assertEqual(self.handles(), handles)
        self.assertEqual([dev.tpm.tool("tpm2_nvread", "-C", n, n).stdout
                          for n in ("0x018a0001", "0x018a0002")], floors)
        self.assertEqual(dev.record()["objects"]["policy-key"]["key"], self.der("new").hex())
        self.assertIs(dev.record()["objects"]["superseded"][0]["superseded"], True)
        # The volume opens as before: by policies of the key that it was sealed for.
        self.assertTrue(dev.opens(dev.unseal_by_hand(dev.sign(1), 1)[:-32]))
        self.assertIn(b"nothing to do", dev.provision(*self.argv_of()).stderr)

    def test_a_cut_at_any_command(self):
        self.new_keys()
        for cut in self.cuts(self.dev, self.argv_of()):
            with cut:
                self.dev.provision(*self.argv_of())
                self.assertEqual(self.installed(), self.der("new"))
                self.assertEqual(self.dev.record()["objects"]["policy-key"]["key"],
                                 self.der("new").hex())

    def test_a_wrong_owner_auth_or_something_else_there_changes_nothing(self):
        dev = self.dev
        self.new_keys()
        argv = self.argv_of()
        self.write("wrong", "wrong\n")
        argv[argv.index("--owner-auth") + 1] = dev.path("wrong")
        dev.provision(*argv, check=5)
        self.assertEqual(self.installed(), self.der("keys"))
        owner = dev.auth("owner")
        dev.tpm.tool("tpm2_nvundefine", "-C", "o", "-P", owner, "0x018a0000")
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", owner, "-s", "8", "0x018a0000")
        dev.provision(*self.argv_of(), check=13)
        self.assertIn(b"0x18a0000", dev.tpm.tool("tpm2_nvreadpublic", "0x018a0000").stdout.lower())


class Decommission(Upkeep):
    def argv_of(self):
        return ["decommission", "--owner-auth", self.dev.owner_auth_file(), "--lockout-auth",
                self.lockout_auth_file()]

    def check_gone(self):
        dev = self.dev
        self.assertNotIn("0x8100a", self.handles().lower())
        self.assertNotIn(b"18A000", dev.tpm.tool("tpm2_getcap", "handles-nv-index").stdout.upper())
        shown = dev.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"ownerAuthSet: +0\n")
        self.assertRegex(shown, r"lockoutAuthSet: +0\n")
        self.assertTrue(dev.opens(self.recovery()))

    def test_it_says_what_is_destroyed_and_leaves_nothing(self):
        dev = self.dev
        had = self.handles()
        said = dev.provision(*self.argv_of(), check=13).stderr.decode()
        for word in ("0x8100a000", "0x8100a001", "0x018a0000", "authorizations", "--yes decommission"):
            self.assertIn(word, said)
        self.assertEqual(self.handles(), had)
        dev.provision("decommission", "--yes", "decommission", check=2)
        self.write("wrong", "wrong\n")
        dev.provision("decommission", "--yes", "decommission", "--owner-auth", dev.path("wrong"),
                      "--lockout-auth", self.lockout_auth_file(), check=5)
        self.assertEqual(self.handles(), had)
        dev.provision(*self.argv_of(), "--yes", "decommission")
        self.check_gone()
        dev.provision("decommission", "--yes", "decommission")
        # And a new life.
        dev.install()
        self.assertTrue(dev.opens(self.recovery()))

    def test_a_wrong_lockout_auth_destroys_nothing(self):
        dev = self.dev
        had = self.handles()
        self.write("wrong", "wrong\n")
        said = dev.provision("decommission", "--yes", "decommission", "--owner-auth", dev.owner_auth_file(),
                             "--lockout-auth", dev.path("wrong"), check=5).stderr.decode()
        self.assertIn(f"--lockout-auth {dev.path('wrong')}: not the TPM's lockout authorization", said)
        self.assertEqual(self.handles(), had)
        self.assertTrue(dev.opens(dev.unseal_by_hand(dev.sign(1), 1)[:-32]))

    def test_a_cut_at_any_command(self):
        words = [*self.argv_of(), "--yes", "decommission"]
        for cut in self.cuts(self.dev, words):
            with cut:
                self.dev.provision(*words)
                self.check_gone()


if __name__ == "__main__":
    unittest.main()
