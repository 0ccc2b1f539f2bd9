# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The provisioning record belongs to one device, and loses no recovery key."""
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import time
import unittest

import rig
from device import Device


class Other(Device):
    """A second device of the same owner, in a folder of its own."""

    def __init__(self, test, first):
        self.test, self.first = test, first
        self.dir = first.dir
        self.tpm = test.swtpm("tpm-of-another")
        self.curve, self.hash = first.curve, first.hash

    @property
    def record_path(self):
        return self.path("record-of-another.json")

    def install_argv(self):
        return [a.replace(self.path("fapi"), self.path("fapi-of-another"))
                for a in super().install_argv()]


def entries(record, name="root"):
    return [v for v in record["volumes"] if v["name"] == name]


class Record(rig.TestCase):
    def recovery(self, dev, entry):
        return dev.decrypt(entry["recovery-key"])

    def uuid(self, path):
        return rig.run(["cryptsetup", "luksUUID", path], check=0).stdout.decode().strip()

    def handles(self, tpm):
        return tpm.tool("tpm2_getcap", "handles-persistent").stdout + \
            tpm.tool("tpm2_getcap", "handles-nv-index").stdout

    def with_record(self, dev, argv, path):
        argv = list(argv)
        argv[argv.index("--record") + 1] = path
        return argv

    def test_a_record_of_another_device_is_refused_and_stays_as_it_is(self):
        dev = Device(self).ready()
        other = Other(self, dev)
        before, disk = self.read("record.json"), self.read("disk.img")
        for installed in (False, True):
            with self.subTest(installed=installed):
                if installed:
                    other.install()
                had = self.handles(other.tpm)
                argv = self.with_record(dev, other.install_argv(), dev.record_path)
                said = other.provision(*argv, check=13).stderr.decode()
                self.assertIn("belongs to another device", said)
                self.assertIn("recovery keys", said)
                self.assertEqual(self.read("record.json"), before)
                self.assertEqual(self.handles(other.tpm), had)
        other.new_disk("second.img")
        argv = self.with_record(dev, other.format_argv(), dev.record_path)
        said = other.provision(*argv, "--device", dev.path("second.img"), check=13).stderr.decode()
        self.assertIn("belongs to another device", said)
        self.assertEqual(self.read("second.img"), bytes(32 << 20))
        self.assertEqual(self.handles(other.tpm), had)
        self.assertEqual(self.read("record.json"), before)
        self.assertEqual(self.read("disk.img"), disk)
        self.assertTrue(dev.opens(self.recovery(dev, dev.record()["volumes"][0])))

    def test_a_new_disk_in_the_same_device_leaves_the_first_ones_recovery_key(self):
        dev = Device(self).ready()
        first = dev.record()["volumes"][0]
        os.rename(dev.path("disk.img"), dev.path("first.img"))
        dev.new_disk("disk.img")
        dev.format("--replace-object")
        both = entries(dev.record())
        self.assertEqual(len(both), 2)
        # What a recipe with jq takes is the volume of now: it comes first.
        self.assertEqual(both[0]["uuid"], self.uuid(dev.path("disk.img")))
        self.assertNotIn("superseded", both[0])
        self.assertEqual(both[1]["uuid"], first["uuid"])
        self.assertIs(both[1]["superseded"], True)
        self.assertRegex(both[1]["superseded-at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(both[1]["recovery-key"], first["recovery-key"])
        self.assertTrue(dev.opens(self.recovery(dev, both[0])))
        self.assertTrue(dev.opens(self.recovery(dev, both[1]), disk="first.img"))

    def test_another_policy_file_with_the_same_name_leaves_it_too(self):
        dev = Device(self).ready()
        first = dev.record()["volumes"][0]
        dev.new_disk("data.img")
        text = self.read("policy.yaml").decode().replace("disk.img", "data.img")
        self.write("other.yaml", text.replace("0x8100a001", "0x8100a002"))
        argv = dev.format_argv()
        argv[argv.index("--policy") + 1] = dev.path("other.yaml")
        dev.provision(*argv)
        both = entries(dev.record())
        self.assertEqual({v["uuid"] for v in both},
                         {first["uuid"], self.uuid(dev.path("data.img"))})
        for entry in both:
            disk = "disk.img" if entry["uuid"] == first["uuid"] else "data.img"
            self.assertTrue(dev.opens(self.recovery(dev, entry), disk=disk))

    def test_the_record_before_is_kept_and_never_loses_a_recovery_key(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        installed = self.read("record.json")
        self.assertFalse(os.path.exists(dev.record_path + ".old"))
        dev.format()
        self.assertTrue(os.path.exists(dev.record_path + ".old"))
        self.assertEqual(os.stat(dev.record_path + ".old").st_mode & 0o777, 0o600)
        key = dev.record()["volumes"][0]["recovery-key"]
        # Its owner carries the record away, but not the one before.
        os.rename(dev.record_path, dev.path("away.json"))
        self.write("record.json", installed)
        os.rename(dev.path("disk.img"), dev.path("first.img"))
        dev.new_disk("disk.img")
        dev.format("--replace-object")
        self.assertEqual(json.loads(self.read("record.json.old"))["volumes"][0]["recovery-key"], key)
        self.assertTrue(dev.opens(dev.decrypt(key), disk="first.img"))
        self.assertTrue(os.path.exists(dev.record_path + ".old.2"))

    def start(self, dev, *argv):
        """A command that goes on beside this test."""
        command = [rig.program("latchkey-provision"), *dev.whose(*argv), "--tpm", dev.tpm.tcti]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def test_two_commands_at_once_lose_nothing_of_each_other(self):
        """The second waits for the first, and says so; both of their recovery keys are there, and no lock is left."""
        dev = Device(self)
        dev.install()
        dev.policy()
        dev.new_disk("data.img")
        text = self.read("policy.yaml").decode()
        volume = text[text.index("  - name: root"):]
        self.write("policy.yaml", text + volume.replace("root", "data").replace("disk.img", "data.img").replace("0x8100a001", "0x8100a002"))
        argv = dev.format_argv()
        with open(dev.record_path + ".lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            both = [self.start(dev, *argv), self.start(dev, *[a.replace("root", "data") for a in argv])]
            time.sleep(1)
            self.assertEqual([p.poll() for p in both], [None, None])
            self.assertEqual(len(dev.record()["volumes"]), 0)
        for process in both:
            self.assertIn(b"record.json: another command has this record: waiting for its end, at most 10 s", process.communicate(timeout=120)[1])
            self.assertEqual(process.returncode, 0)
        names = {v["name"]: self.recovery(dev, v) for v in dev.record()["volumes"]}
        self.assertEqual(sorted(names), ["data", "root"])
        self.assertTrue(dev.opens(names["root"]) and dev.opens(names["data"], disk="data.img"))
        self.assertFalse(os.path.exists(dev.record_path + ".lock"))

    def test_a_command_that_never_ends_is_waited_for_ten_seconds(self):
        """And nothing is changed; who only reads isn't kept from it."""
        dev = Device(self)
        dev.install()
        dev.policy()
        before = self.read("record.json")
        with open(dev.record_path + ".lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            dev.header("device", "--record", dev.record_path, "--output", dev.path("read-only.yaml"))
            said = dev.format(check=13).stderr.decode()
            self.assertIn("record.json: another command has had this record for 10 s, and nothing was changed", said)
            self.assertTrue(os.path.exists(dev.record_path + ".lock"))
        self.assertEqual(self.read("record.json"), before)
        self.assertEqual(self.read("disk.img"), bytes(32 << 20))
        dev.format()  # the file that was left is none that is held

    def test_a_record_that_is_a_link_stays_one(self):
        dev = Device(self)
        os.mkdir(dev.path("stick"))
        os.symlink("stick/record.json", dev.record_path)
        dev.install()
        self.assertTrue(os.path.islink(dev.record_path))
        dev.policy()
        dev.format()
        self.assertTrue(os.path.islink(dev.record_path))
        self.assertTrue(os.path.exists(dev.path("stick", "record.json.old")))
        self.assertTrue(dev.opens(self.recovery(dev, dev.record()["volumes"][0])))

    def test_what_cannot_be_written_is_found_before_anything_is_made(self):
        dev = Device(self).ready()
        other = Other(self, dev)
        had, kept = self.handles(other.tpm), self.handles(dev.tpm)
        before = self.read("record.json")
        self.write("junk.json", "{ not json")
        self.write("list.json", '{"volumes": {"a": 1}}')
        self.write("auths.json", '{"volumes": [], "auths": []}')
        os.mkdir(dev.path("folder.json"))
        dev.new_disk("second.img")
        places = {"/proc/record.json": 11, dev.path("nowhere", "record.json"): 11,
                  dev.path("junk.json"): 3, dev.path("list.json"): 3, dev.path("auths.json"): 3,
                  dev.path("folder.json"): 3}
        for place, code in places.items():
            with self.subTest(place=place):
                other.provision(*self.with_record(dev, other.install_argv(), place), check=code)
                self.assertEqual(self.handles(other.tpm), had)
                argv = self.with_record(dev, dev.format_argv(), place)
                dev.provision(*argv, "--device", dev.path("second.img"), "--replace-object",
                              check=code)
                self.assertEqual(self.handles(dev.tpm), kept)
                self.assertEqual(self.read("second.img"), bytes(32 << 20))
        self.assertEqual(self.read("record.json"), before)
        self.assertTrue(dev.opens(self.recovery(dev, dev.record()["volumes"][0])))

    def test_a_full_disk_is_found_before_anything_is_made(self):
        dev = Device(self).ready()
        before, kept = self.read("record.json"), self.handles(dev.tpm)
        dev.new_disk("second.img")

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, 32 << 10))

        argv = [*dev.format_argv(), "--device", dev.path("second.img"), "--replace-object"]
        done = subprocess.run([rig.program("latchkey-provision"), *argv, "--tpm", dev.tpm.tcti],
                              preexec_fn=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 11, done.stderr)
        self.assertIn(b"nothing was changed", done.stderr)
        self.assertEqual(self.read("second.img"), bytes(32 << 20))
        self.assertEqual(self.read("record.json"), before)
        self.assertEqual(self.handles(dev.tpm), kept)
        self.assertEqual([n for n in os.listdir(dev.dir) if "try" in n], [])

    def test_a_killed_write_leaves_a_whole_record_with_the_recovery_key(self):
        dev = Device(self).ready()
        key = self.recovery(dev, dev.record()["volumes"][0])
        before = self.read("record.json")
        os.rename(dev.path("disk.img"), dev.path("first.img"))
        argv = [rig.program("latchkey-provision"), *dev.format_argv(), "--replace-object"]
        for call in ("rename", "fsync", "fchmod", "mkdir"):
            for count in range(1, 40):
                dev.new_disk("disk.img")
                self.write("record.json", before)
                done = subprocess.run(
                    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                     f"inject={call}:signal=KILL:when={count}", *argv, "--tpm", dev.tpm.tcti],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
                if done.returncode == 0:
                    break
                with self.subTest(call=call, count=count):
                    first = [v for v in dev.record()["volumes"] if "recovery-key" in v and
                             dev.opens(self.recovery(dev, v), disk="first.img")]
                    self.assertEqual(len(first), 1)
                    self.assertEqual(self.recovery(dev, first[0]), key)
                dev.tpm.restart()

    def test_a_cleared_tpm_is_still_the_same_device(self):
        dev = Device(self).ready()
        before = dev.record()
        dev.tpm.tool("tpm2_clear", "-c", "l", dev.auth("lockout"))
        shutil.rmtree(dev.path("fapi"))
        said = dev.install().stderr.decode()
        self.assertIn("was cleared", said)
        after = dev.record()
        self.assertNotEqual(after["device-id"], before["device-id"])
        old = after["installed-before"][0]
        self.assertEqual((old["device-id"], old["auths"], old["superseded"]),
                         (before["device-id"], before["auths"], True))
        self.assertTrue(dev.opens(self.recovery(dev, after["volumes"][0])))
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", dev.auth("owner"), "-s", "8", "0x01800001")

    def test_a_record_of_before_is_still_read(self):
        dev = Device(self)
        dev.install()
        dev.policy()
        record = dev.record()
        record["volumes"] = [{"name": "root", "uuid": "11111111-2222-3333-4444-555555555555",
                              "handle": "0x8100a001", "object-name": "00", "recovery-key": "kept"}]
        del record["device-id"]  # older still
        self.write("record.json", json.dumps(record))
        dev.format()
        after = dev.record()
        self.assertEqual(entries(after)[1]["recovery-key"], "kept")
        self.assertIs(entries(after)[1]["superseded"], True)
        self.assertTrue(re.fullmatch("[0-9a-f]{64}", after["device-id"]))
        # The desk reads what came of it.
        os.mkdir(dev.path("config"))
        self.write("config/a", "b")
        self.write("config/latchkey-manifest.yaml",
                   'latchkey-manifest: 1\nfiles:\n  - path: a\n    destination: /opt/a\n')
        rig.run([rig.program("latchkey"), "config", "seal", "--key", dev.path("keys/policy-key.pem"),
                 "--config-key", dev.path("keys/config-key.bin"), "--sequence", "2", "--record",
                 dev.record_path, "-o", dev.path("a.lkb"), dev.path("config")], check=0)

    def test_a_killed_keygen_or_init_leaves_all_or_nothing(self):
        dev = Device(self)
        for words, made in (
                (["keygen", dev.path("new")], ["policy-key.pem", "policy-key.pub.pem", "config-key.bin"]),
                (["policy", "init", "--policy-key", dev.path("keys/policy-key.pub.pem"), "-o",
                  dev.path("new.yaml")], None)):
            for call in ("write", "fchmod", "fsync", "rename", "link"):
                for count in range(1, 30):
                    with self.subTest(words=words[0], call=call, count=count):
                        done = subprocess.run(
                            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                             f"inject={call}:signal=KILL:when={count}", rig.program("latchkey"),
                             *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
                        there = os.path.exists(words[-1])
                        if made and there:
                            self.assertEqual(sorted(os.listdir(words[-1])), sorted(made))
                            self.assertEqual(rig.run(["openssl", "pkey", "-noout", "-in",
                                                      dev.path("new/policy-key.pem")]).returncode, 0)
                            shutil.rmtree(words[-1])
                        elif there:
                            self.assertIn(b"volumes:", self.read("new.yaml"))
                            os.unlink(words[-1])
                    if done.returncode == 0:
                        self.assertTrue(there)
                        break

    def test_a_device_node_is_not_replaced_by_a_file(self):
        dev = Device(self)
        os.mkfifo(dev.path("pipe"))
        rig.run([rig.program("latchkey"), "policy", "init", "--force", "--policy-key",
                 dev.path("keys/policy-key.pub.pem"), "-o", dev.path("pipe")], check=11)
        self.assertEqual(os.listdir(dev.dir).count("pipe"), 1)
        self.assertFalse(os.path.isfile(dev.path("pipe")))

    def test_nothing_but_a_device_file_makes_room_for_one(self):
        """Neither a node, such as /dev/null, nor a folder or pipe; and never a record, beside the place or in it."""
        dev = Device(self)
        dev.install()
        record, device = self.read("record.json"), self.read("device.yaml")
        os.mknod(dev.path("node"), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        os.mkfifo(dev.path("pipe"))
        os.mkdir(dev.path("folder"))
        self.write("other.yaml", device.replace(b"latchkey-device: 1", b"latchkey-device: 7"))
        shutil.copy(dev.path("record.json"), dev.path("other.yaml.old"))
        before = sorted(os.listdir(dev.dir))
        for name, code in (("node", 3), ("pipe", 3), ("folder", 3), ("record.json", 13), ("other.yaml", 13)):
            with self.subTest(name):
                rig.run([rig.program("latchkey-provision"), "device", "--record", dev.record_path, "--output", dev.path(name)], check=code)
                done = dev.install("--device-file", dev.path(name))
                self.assertIn(b"the device file isn't written", done.stderr)
                self.assertEqual(sorted(os.listdir(dev.dir)), before)
        self.assertTrue(stat.S_ISCHR(os.lstat(dev.path("node")).st_mode))
        self.assertEqual(self.read("other.yaml.old"), record)
        self.assertEqual(self.read("record.json"), record)
        os.unlink(dev.path("other.yaml.old"))
        rig.run([rig.program("latchkey-provision"), "device", "--record", dev.record_path, "--output", dev.path("other.yaml")], check=0)
        self.assertEqual(self.read("other.yaml"), device)


if __name__ == "__main__":
    unittest.main()
