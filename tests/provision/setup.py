# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Setup: blank devices become volumes, signed policies come to them, and nothing else is touched."""
import hashlib
import json
import os
import unittest

import luks2
import proxy
import rig
from device import Bus, Device


class SetupTestCase(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()
        self.dev.policy("    on-failure: fail\n")
        self.owner_auth = self.dev.owner_auth_file()
        os.mkdir(self.path("policies"))

    def argv(self, **instead):
        options = {"policy": self.path("policy.yaml"), "policies": self.path("policies"),
                   "owner-auth": self.owner_auth, "record": self.dev.record_path,
                   "recipient": self.path("owner.pem"), **instead}
        return ["setup"] + [w for k, v in options.items() if v for w in (f"--{k}", v)]

    def set_up(self, *more, check=0, tcti=None, **instead):
        return self.dev.provision(*self.argv(**instead), *more, check=check, tcti=tcti).stderr.decode()

    def policy(self, version, name=None, **options):
        return self.dev.sign(version, out=f"policies/{name or version}.yaml", **options)

    def versions(self, device="disk.img", volume="root"):
        listed = self.dev.header("policy", "list", "--json", "--policy", self.path("policy.yaml"),
                                 "--volume", volume, "--device", self.path(device)).stdout
        return [p["version"] for p in json.loads(listed)["policies"]]


class Volumes(SetupTestCase):
    def test_a_blank_device_becomes_a_volume_that_opens(self):
        self.policy(1)
        self.policy(2, label="another kernel")
        said = self.set_up()
        self.assertIn("root is ready", said)
        self.assertNotIn("policy file's key", said)
        self.assertEqual(self.versions(), [1, 2])
        rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"),
                 "--tpm", self.dev.tpm.tcti], check=0)
        recovery = self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"])
        self.assertTrue(self.dev.opens(recovery))

    def test_again_there_is_nothing_to_do_and_no_auth_is_needed(self):
        self.policy(1)
        self.set_up()
        before = self.read("disk.img"), self.read("record.json")
        os.unlink(self.owner_auth)
        os.unlink(self.path("owner.pem"))
        bus = proxy.Proxy(self, self.dev.tpm)
        self.assertIn("nothing to do", self.set_up(tcti=bus.tcti))
        self.assertEqual(bus.names, [])
        self.assertEqual((self.read("disk.img"), self.read("record.json")), before)

    def test_new_policies_are_added_without_owners_auth_or_a_write_to_the_tpm(self):
        self.policy(1)
        self.set_up()
        os.unlink(self.owner_auth)
        self.policy(2, label="newer")
        bus = proxy.Proxy(self, self.dev.tpm)
        self.assertIn("version 2 added", self.set_up(tcti=bus.tcti))
        self.assertEqual(set(bus.names), {"GetCapability", "StartAuthSession", "ReadPublic", "NV_ReadPublic", "NV_Read"})
        self.assertEqual(self.versions(), [1, 2])
        self.assertIn("nothing to do", self.set_up())

    def test_erased_flash_is_blank_too(self):
        self.write("disk.img", b"\xff" * (32 << 20))
        self.assertIn("root is ready", self.set_up())

    def test_a_missing_folder_of_policies_makes_the_volume(self):
        os.rmdir(self.path("policies"))
        said = self.set_up()
        self.assertIn("policies isn't there", said)
        self.assertIn("doesn't open unattended", said)
        self.assertEqual(self.versions(), [])

    def refused(self, word, check=13):
        before = self.read("disk.img")
        handles = self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout
        self.assertIn(word, self.set_up(check=check))
        self.assertEqual(self.read("disk.img"), before)
        self.assertEqual(self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout, handles)

    def test_what_is_not_ours_is_left_alone(self):
        for maker, word in ((["mkfs.ext4", "-q", "-F"], "ext4"), (["mkswap", "-q"], "swap"),
                            (["cryptsetup", "luksFormat", "-q", "--type", "luks1", "--pbkdf-force-iterations",
                              "1000", "--key-file", self.owner_auth], "crypto_LUKS"),
                            (["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2",
                              "--pbkdf-force-iterations", "1000", "--key-file", self.owner_auth],
                             "without our token")):
            with self.subTest(word=word):
                self.dev.new_disk("disk.img")
                rig.run([*maker, self.path("disk.img")], check=0)
                self.refused(word)

    def test_data_of_no_known_kind_is_left_alone(self):
        for at in (12345, (2 << 20) + 1, (32 << 20) - 5, 17 << 20):
            with self.subTest(at=at):
                self.dev.new_disk("disk.img")
                with open(self.path("disk.img"), "r+b") as f:
                    f.seek(at)
                    f.write(b"data")
                self.refused("unknown data")

    def test_our_own_volume_without_its_token_is_left_alone(self):
        self.set_up()
        self.dev.provision("remove", "--policy", self.path("policy.yaml"), "--volume", "root",
                           "--owner-auth", self.owner_auth, "--yes", "root")
        self.refused("without our token")

    def test_an_object_of_another_volume_is_left_alone(self):
        self.set_up()
        self.dev.new_disk("disk.img")
        self.refused("0x8100a001")

    def test_a_missing_or_tiny_device(self):
        self.dev.new_disk("disk.img", 1 << 20)
        self.refused("at least", check=8)
        os.unlink(self.path("disk.img"))
        self.set_up(check=8)

    def test_what_is_needed_is_asked_for_before_anything_is_written(self):
        for instead, code in (({"owner-auth": None}, 2), ({"owner-auth": self.path("none")}, 3),
                              ({"recipient": self.path("policy.yaml")}, 3), ({"record": None}, 2)):
            with self.subTest(instead=instead):
                before = self.read("disk.img")
                self.set_up(check=code, **instead)
                self.assertEqual(self.read("disk.img"), before)
        self.assertIn("nodir", self.set_up(record=self.path("nodir/record.json"), check=11))
        self.assertFalse(os.path.exists(self.path("nodir")))
        self.assertEqual(self.read("disk.img"), before)

    def test_no_recovery_key_where_it_is_said(self):
        self.set_up("--no-recovery-key", record=None, recipient=None)
        self.assertEqual(list(self.dev.luks()["keyslots"]), ["0"])

    def test_each_volume_of_its_own_accord(self):
        text = self.read("policy.yaml").decode()
        self.dev.new_disk("second.img")
        rig.run(["mkfs.ext4", "-q", "-F", self.path("disk.img")], check=0)
        self.write("policy.yaml", text + f"  - name: data\n    device: {self.path('second.img')}\n"
                                         "    handle: 0x8100a002\n")
        self.policy(1)
        said = self.set_up(check=13)
        self.assertIn("ext4", said)
        self.assertIn("data is ready", said)
        self.assertEqual(self.versions("second.img", "data"), [1])
        self.assertNotIn("ext4", self.set_up(volume="data"))
        self.set_up("--device", self.path("second.img"), check=2)
        self.set_up(volume="other", check=3)

    def test_a_run_that_was_cut_is_finished(self):
        """A cut after a few of the commands of making a volume; powercut.py does each."""
        self.policy(1)
        for commands in (20, 30, 40):
            with self.subTest(commands=commands):
                bus = Bus(self.dev.tpm, commands)
                self.assertNotEqual(bus.run([rig.program("latchkey-provision"), *self.dev.whose(*self.argv())]), 0)
                self.assertTrue(bus.cut)
                self.dev.tpm.restart()
        self.set_up()
        self.assertEqual(self.versions(), [1])
        self.assertEqual(len(self.dev.luks()["keyslots"]), 2)
        self.assertTrue(self.dev.opens(self.dev.unseal_by_hand(self.path("policies/1.yaml"), 1)[:-32]))


class Policies(SetupTestCase):
    def setUp(self):
        super().setUp()
        self.policy(1)
        self.set_up()

    def test_bad_ones_are_named_and_the_good_ones_added(self):
        text = self.read("policies/1.yaml").decode()
        self.policy(2, label="good")
        self.write("policies/0-cut.yaml", text[:200])
        self.assertIn("0-cut.yaml", self.set_up(check=3))
        self.assertEqual(self.versions(), [1, 2])
        os.unlink(self.path("policies/0-cut.yaml"))
        self.policy(3, label="good too")
        self.write("policies/9-ref.yaml", text.replace("latchkey:luks", "latchkey:other"))
        said = self.set_up(check=5)
        self.assertIn("9-ref.yaml", said)
        self.assertEqual(self.versions(), [1, 2, 3])
        self.write("policies/9-ref.yaml", text.replace("version: 1\n", "version: 7\n"))
        self.assertIn("digest", self.set_up(check=5))
        self.write("policies/8-cut.yaml", text[:200])
        said = self.set_up(check=3)
        self.assertIn("9-ref.yaml", said)
        self.assertIn("8-cut.yaml", said)
        self.assertEqual(self.versions(), [1, 2, 3])

    def other_key(self):
        """A policy file of another key, which signs from here on."""
        os.rename(self.path("keys"), self.path("ours"))
        os.rename(self.path("init.yaml"), self.path("init-ours.yaml"))
        rig.run([rig.program("latchkey"), "keygen", self.path("keys")], check=0)
        return self.dev.policy(name="other.yaml")

    def test_of_signed_root_keys_this_devices_alone_is_added_once(self):
        own = self.dev.record()
        other = json.loads(json.dumps(own))
        name = "000b" + "cd" * 32
        other["objects"]["storage-root-key"]["name"] = name
        other["device-id"] = hashlib.sha256(bytes.fromhex(name)).hexdigest()
        for stem, record in (("another", other), ("own", own)):
            self.write(f"{stem}.json", json.dumps(record))
            rig.run([rig.program("latchkey"), "policy", "sign-root-key", "--policy", self.dev.path("policy.yaml"), "--key",
                     self.dev.path("keys/policy-key.pem"), "--record", self.path(f"{stem}.json"), "-o",
                     self.path("policies", f"{stem}.root-key.yaml")], check=0)
        os.rename(self.path("policies/own.root-key.yaml"), self.path("own.yaml"))
        self.assertIn("none of the folder's signed root keys is this device's", self.set_up())
        self.assertNotIn("signed-root-key", self.dev.luks()["tokens"]["0"])
        os.rename(self.path("own.yaml"), self.path("policies/own.root-key.yaml"))
        self.assertIn("signed root key added", self.set_up())
        token = self.dev.luks()["tokens"]["0"]
        self.assertEqual(token["signed-root-key"]["name"], own["objects"]["storage-root-key"]["name"])
        self.assertNotIn("root key", self.set_up())
        self.assertEqual(self.dev.luks()["tokens"]["0"], token)

    def test_one_of_another_key_is_not_added(self):
        self.other_key()
        self.policy(5, policy="other.yaml")
        self.assertIn("5.yaml", self.set_up(check=5))
        self.assertEqual(self.versions(), [1])

    def test_a_volume_that_was_sealed_for_another_key_is_told_of_until_it_is_resealed(self):
        os.unlink(self.path("policies/1.yaml"))
        other = self.other_key()
        self.policy(5, policy="other.yaml")
        for _ in range(2):
            said = self.set_up(policy=other, check=7)
            self.assertIn("sealed for another policy key", said)
            self.assertIn("reseal", said)
            self.assertEqual(self.versions(), [1])
        # policy add is told to, and does it all the same.
        added = self.dev.provision("policy", "add", "--policy", other, self.path("policies/5.yaml"))
        self.assertIn(b"sealed for another policy key", added.stderr)
        self.assertEqual(self.versions(), [1, 5])
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        self.dev.provision("reseal", "--policy", other, "--owner-auth", self.owner_auth,
                           "--recovery-key-file", self.path("recovery"))
        self.policy(6, policy="other.yaml")
        self.assertIn("version 6 added", self.set_up(policy=other))

    def test_a_missing_object_is_told_of_when_policies_come(self):
        self.dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-P", self.dev.auth("owner"), "-c", "0x8100a001")
        self.policy(2, label="newer")
        self.assertIn("no sealed object at 0x8100a001", self.set_up(check=7))
        self.assertEqual(self.versions(), [1])

    def test_making_a_volume_for_a_key_that_is_not_installed_is_warned_of(self):
        other = self.other_key()
        self.dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-P", self.dev.auth("owner"), "-c", "0x8100a001")
        self.dev.new_disk("disk.img")
        os.unlink(self.path("policies/1.yaml"))
        said = self.set_up(policy=other)
        self.assertIn("isn't the one that is installed in this TPM", said)
        self.assertIn("root is ready", said)

    def test_files_of_other_names_are_no_policies(self):
        self.write("policies/README", "no policy\n")
        self.write("policies/.hidden.yaml", "no policy\n")
        self.assertIn("nothing to do", self.set_up())

    def test_one_under_the_floor_is_warned_of(self):
        self.dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        self.dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        self.policy(2, label="old")
        self.policy(3, label="new")
        said = self.set_up()
        self.assertIn("version 2 is under the TPM's version floor 3", said)
        self.assertNotIn("version 3 is under", said)
        self.assertIn("nothing to do", self.set_up())

    def test_policy_add_warns_too(self):
        self.dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        self.dev.tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")
        argv = ["policy", "add", "--policy", self.path("policy.yaml"), self.policy(2, label="old")]
        self.assertIn(b"version 2 is under the TPM's version floor 3", self.dev.provision(*argv).stderr)
        argv[-1] = self.policy(3, label="new")
        self.assertNotIn(b"is under", self.dev.provision(*argv).stderr)
        # One that was named has to be there; without one the token is changed all the same.
        argv[-1] = self.policy(4, label="newer")
        self.dev.provision(*argv, tcti="swtpm:host=127.0.0.1,port=1", check=4)
        self.assertEqual(self.versions(), [1, 2, 3])
        self.dev.header(*argv)
        self.assertEqual(self.versions(), [1, 2, 3, 4])

    def fill(self, low, high):
        """Versions @low to @high in the token, by another way."""
        names = [self.dev.sign(v, label=f"kernel {v}", out=f"fill-{v}.yaml") for v in range(low, high + 1)]
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), *names)

    def test_room_is_made_by_retiring_the_lowest_versions(self):
        self.fill(11, 137)
        full = self.versions()
        self.assertGreater(len(full), 100)
        self.policy(140, label="new")
        self.policy(141, label="newer")
        said = self.set_up()
        self.assertIn("retired to make room", said)
        now = self.versions()
        self.assertEqual(now[-2:], [140, 141])
        self.assertEqual(now[:-2], full[-len(now) + 2:])
        # Version 1 of the folder was retired; it isn't brought back in a circle.
        self.assertIn("no room", self.set_up())
        self.assertEqual(self.versions(), now)

    def test_the_newest_that_was_there_stays(self):
        self.fill(2, 9)
        for version in range(100, 230):
            self.policy(version, label=f"kernel {version}")
        self.set_up()
        now = self.versions()
        self.assertEqual(now[0], 9)
        self.assertEqual(now[-1], 229)
        self.assertNotIn(8, now)

    def test_the_one_that_opened_the_volume_last_stays(self):
        self.fill(2, 9)

        def remember_the_lowest(header):
            token = header["tokens"]["0"]
            lowest = min(token["policies"], key=lambda p: p["version"])
            token["remembered"] = {"policy": lowest["digest"], "ticket": "11" * 32}
        luks2.change(self.path("disk.img"), remember_the_lowest)
        lowest = min(self.versions())
        for version in range(100, 230):
            self.policy(version, label=f"kernel {version}")
        self.set_up()
        now = self.versions()
        self.assertEqual(now[:2], [lowest, 9])
        self.assertEqual(now[-1], 229)


if __name__ == "__main__":
    unittest.main()
