# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""will-it-boot: yes, no or can't know before the reboot, each with its reason; what it predicts is what the changed machine has."""
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import unittest

import boots
import luks2
import rig
import uki
from device import Device

YES, NO, UNKNOWN = 0, 5, 16
DB = boots.Boot("uki-13").variable("db").variable[0]


def image(changes=None):
    return uki.signed_by(boots.Boot().recorded, changes)


class Case(rig.TestCase):
    """One device, provisioned once; each test has its own disk, logs and system partition."""

    @classmethod
    def setUpClass(cls):
        cls.base = rig.TestCase()
        cls.base.setUp()
        try:
            cls.dev = Device(cls.base).ready()
        except BaseException:
            cls.base.doCleanups()
            raise
        # Above the first, so that there is a version under it.
        cls.dev.provision("floor", "raise", "--policy", cls.base.path("policy.yaml"), "--to", "3", "--yes", "3")
        cls.floor = int.from_bytes(cls.dev.tpm.tool("tpm2_nvread", "-C", "0x018a0001", "0x018a0001").stdout, "big")

    @classmethod
    def tearDownClass(cls):
        cls.base.doCleanups()

    def setUp(self):
        super().setUp()
        shutil.copy(self.base.path("disk.img"), self.path("disk.img"))
        for name in ("booted", "esp/EFI/BOOT", "esp/EFI/Linux"):
            os.makedirs(self.path(name))
        self.version = self.floor
        self.boot = boots.Boot().image(image())
        self.install("EFI/BOOT/BOOTX64.EFI", image())
        self.boot.write(self.tmp)
        self.policy_file = self.base.path("policy.yaml")

    def install(self, name, file):
        os.makedirs(os.path.dirname(self.path("esp", name)), exist_ok=True)
        with open(self.path("esp", name), "wb") as f:
            f.write(file)
        return self.path("esp", name)

    def sign(self, pcrs, label="of a test", version=None, policy=None, more=()):
        """A signed policy of these values; its file."""
        self.write("values.json", json.dumps(pcrs))
        out = self.path(f"signed-{len(os.listdir(self.tmp))}.yaml")
        rig.run([rig.program("latchkey"), "policy", "sign", "--policy", policy or self.policy_file, "--key",
                 self.base.path("keys", "policy-key.pem"), "--pcr-values", self.path("values.json"), "--version",
                 version or self.version, "--label", label, *more, "-o", out], check=0)
        return out

    def deploy(self, *signed):
        self.dev.header("policy", "add", "--policy", self.policy_file, "--device", self.path("disk.img"), "--tpm", self.dev.tpm.tcti,
                        *signed)

    def select(self, pcrs):
        """Another selection: what is sealed to it, and a policy file for it, of this test alone."""
        handle, auth = "0x8100a002", self.dev.auth("owner")
        with open(self.policy_file, encoding="ascii") as f:
            text = re.sub(r"^pcrs: .*", f"pcrs: {pcrs}", f.read(), flags=re.M).replace("0x8100a001", handle)
        self.policy_file = self.write("policy.yaml", text)
        self.addCleanup(self.dev.tpm.tool, "tpm2_evictcontrol", "-C", "o", "-P", auth, "-c", handle, check=None)
        self.dev.provision("reseal", "--policy", self.policy_file, "--device", self.path("disk.img"), "--owner-auth",
                           self.write("owner", auth), "--recovery-key-file",
                           self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"])))

    def opened(self, files=None):
        """A policy for the boot that runs is deployed, and has opened the volume. files: that IMA had measured by then."""
        signed = self.sign(self.boot.pcrs(files), label="this boot")
        self.deploy(signed)
        with open(signed, encoding="ascii") as f:
            digest = re.search(r'^digest: "?(\w+)', f.read(), re.M)[1]
        self.write("booted/root.json", json.dumps({"latchkey-booted": 1, "version": self.version, "policy": digest}))

    def argv(self, *more, tcti=None):
        return [rig.program("latchkey-provision"), "will-it-boot", "--policy", self.policy_file, "--device", self.path("disk.img"),
                "--booted", self.path("booted"), "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs",
                self.path("pcrs.json"), "--efivars", self.path("efivars"), "--esp", self.path("esp"), "--tpm",
                tcti or self.dev.tpm.tcti, *more]

    def ask(self, code, *said, more=(), tcti=None):
        """Text and JSON say the same."""
        done = rig.run(self.argv(*more, tcti=tcti))
        text = done.stdout.decode() + done.stderr.decode()
        self.assertEqual(done.returncode, code, text)
        for words in said:
            self.assertRegex(text, words)
        document = rig.run(self.argv("--json", *more, tcti=tcti), check=code).stdout
        document = json.loads(document)
        self.assertEqual(document["answer"], {YES: "yes", NO: "no", UNKNOWN: "unknown"}[code])
        return document


class Unchanged(Case):
    def test_yes(self):
        self.opened()
        document = self.ask(YES, 'volume root: yes: signed policy "this boot"', "nothing changes")
        self.assertEqual(document["volumes"][0]["boots"][0]["policy"]["version"], self.version)
        self.assertEqual(document["volumes"][0]["boots"][0]["follows"], [])

    def test_yes_by_a_policy_that_did_not_open_it_yet(self):
        self.deploy(self.sign(self.boot.pcrs()))
        self.ask(YES, "covers this boot")

    def test_no_where_no_policy_fits(self):
        other = self.boot.pcrs()
        other["sha256"]["7"] = "11" * 32
        self.deploy(self.sign(other))
        document = self.ask(NO, "none of its 1 signed policies", "PCR 7 will be", "to do: .*--predicted")
        self.assertEqual(document["boots"][0]["changes"], [])

    def test_no_where_there_is_no_policy(self):
        self.ask(NO, "no signed policy that verifies")

    def test_what_was_measured_after_the_unlock_counts_for_nothing(self):
        self.boot.files = [boots.measured_file(f"/lib/modules/{n}.ko", n.encode()) for n in ("one", "two", "three")]
        self.boot.write(self.tmp)
        self.opened(files=1)
        self.ask(YES, "covers this boot")
        # Without the unlock's word any number of them may be the one.
        os.unlink(self.path("booted/root.json"))
        self.ask(YES, "covers this boot")

    def test_a_policy_that_opened_it_and_was_retired_covers_nothing(self):
        self.opened()
        self.dev.header("policy", "retire", "--policy", self.policy_file, "--device", self.path("disk.img"), "this boot")
        self.ask(NO, "no signed policy that verifies")

    def test_policies_in_files(self):
        os.mkdir(self.path("policies"))
        os.rename(self.sign(self.boot.pcrs()), self.path("policies/signed.yaml"))
        self.ask(NO)
        self.ask(YES, "covers this boot", more=("--policies", self.path("policies")))

    def test_an_empty_folder_of_policies_is_as_none(self):
        """RAUC's handler of latchkey-slots(7) names one for a bundle without policies."""
        os.mkdir(self.path("empty"))
        self.ask(NO, more=("--policies", self.path("empty")))
        self.deploy(self.sign(self.boot.pcrs()))
        self.ask(YES, "covers this boot", more=("--policies", self.path("empty")))

    def test_pcr_11_before_and_after_a_boot_phase(self):
        self.select("[4, 11]")
        pcrs = self.boot.pcrs()
        for phase in (b"enter-initrd", b"leave-initrd"):
            at = bytes.fromhex(pcrs["sha256"]["11"])
            pcrs["sha256"]["11"] = uki.extend(at, hashlib.sha256(phase).digest(), "sha256").hex()
        self.deploy(self.sign(pcrs))
        self.ask(YES, "covers this boot")
        changed = image({".cmdline": b"another"})
        self.install("EFI/BOOT/BOOTX64.EFI", changed)
        self.ask(NO, "PCR 11 .*another unified kernel image")
        pcrs = self.boot.copy().image(changed).pcrs()
        self.deploy(self.sign(pcrs, label="new"))
        self.ask(YES, 'signed policy "new"')


class Image(Case):
    def setUp(self):
        super().setUp()
        self.opened()
        self.changed = image({".cmdline": b"quiet another"})

    def test_another_without_a_policy(self):
        path = self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        digest = uki.authenticode(self.changed, self.changed[self.changed.index(b"signature of "):], "sha256").hex()
        document = self.ask(NO, f"PCR 4 .*another boot image, sha256 {digest}", "PCR 9 .*another command line",
                            r"PCR 10 .*boot_aggregate is another: it follows from PCRs 4,9", f"--uki {path}",
                            "latchkey policy sign .*--version", "policy add .*--volume root")
        volume = document["volumes"][0]
        self.assertEqual((volume["name"], volume["answer"]), ("root", "no"))
        self.assertEqual([c["pcr"] for c in document["boots"][0]["changes"]], [4, 9, 9][:len(document["boots"][0]["changes"])])

    def test_another_with_what_was_predicted_signed_and_added(self):
        path = self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        rig.run([rig.program("latchkey"), "policy", "predict", "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs",
                 self.path("pcrs.json"), "--uki", path, "-o", self.path("then.json")], check=0)
        with open(self.path("then.json"), "rb") as f:
            then = json.load(f)
        self.deploy(self.sign(then, label="new image"))
        self.ask(YES, 'volume root: yes: signed policy "new image"')
        expected = self.boot.copy().image(self.changed).pcrs()
        self.assertEqual({p: v for p, v in expected["sha256"].items() if int(p) < 16}, then["sha256"])

    def test_what_is_written_can_be_signed(self):
        self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        self.ask(NO, more=("--predicted", self.path("then.json")))
        then = json.loads(self.read("then.json"))
        self.assertEqual(then["sha256"]["10"], self.boot.copy().image(self.changed).pcrs()["sha256"]["10"])
        self.deploy(self.sign(then))
        self.ask(YES)

    def test_a_policy_under_the_floor(self):
        self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        self.version = self.floor - 1
        self.deploy(self.sign(self.boot.copy().image(self.changed).pcrs(), label="old"))
        document = self.ask(NO, f'"old" .*under the TPM\'s version floor {self.floor}', f"--version {self.floor + 1} ")
        self.assertTrue(document["volumes"][0]["boots"][0]["policy"]["under-floor"])

    def test_a_forged_policy(self):
        self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        self.deploy(self.sign(self.boot.copy().image(self.changed).pcrs(), label="new"))
        self.ask(YES)

        def forge(document):
            for policy in document["tokens"]["0"]["policies"]:
                if policy["label"] == "new":
                    policy["signature"] = ("1" if policy["signature"][0] == "0" else "0") + policy["signature"][1:]
        luks2.change(self.path("disk.img"), forge)
        self.ask(NO, "1 signed policy is not by the policy file's key")

    def test_a_policy_whose_values_are_not_those_of_its_digest(self):
        self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        then = self.boot.copy().image(self.changed).pcrs()["sha256"]["10"]

        def forge(document):
            for policy in document["tokens"]["0"]["policies"]:
                policy["pcrs"]["10"] = then
        luks2.change(self.path("disk.img"), forge)
        self.ask(NO, "no signed policy that verifies")

    def test_the_image_is_gone(self):
        os.unlink(self.path("esp/EFI/BOOT/BOOTX64.EFI"))
        self.ask(UNKNOWN, "boot image /EFI/BOOT/BOOTX64.EFI isn't in .*--esp")

    def test_bad_images(self):
        for bad, said in ((b"", "no PE image"), (b"text" * 100, "no PE image"), (uki.image({".text": b"x"}), r"no section \.linux"),
                          (self.changed.replace(b"stub 257", b"stub 258"), "systemd-stub 258"), (uki.unified(), "isn't signed")):
            with self.subTest(said):
                self.install("EFI/BOOT/BOOTX64.EFI", bad)
                self.ask(UNKNOWN, said)

    def test_files_beside_the_image(self):
        for name in ("EFI/BOOT/BOOTX64.EFI.extra.d/a.cred", "loader/credentials/b.cred", "loader/addons/c.addon.efi"):
            with self.subTest(name):
                self.install(name, b"x")
                self.ask(UNKNOWN, "has files that the image's stub measures too")
                os.unlink(self.path("esp", name))

    def test_one_that_is_named(self):
        path = self.write("new.efi", self.changed)
        self.ask(NO, "another boot image", more=("--uki", path))
        self.ask(YES, more=("--uki", self.path("esp/EFI/BOOT/BOOTX64.EFI")))
        self.ask(UNKNOWN, "no-such-file", more=("--uki", self.path("no-such-file")))
        rig.run(self.argv("--uki", path, "--cmdline", "x"), check=2)

    def test_what_ima_measures_of_new_files(self):
        """Which of them the new image concerns isn't known; a policy of this boot can be none for it all the same."""
        self.boot.files = [boots.measured_file("/lib/modules/one.ko", b"one")]
        self.boot.write(self.tmp)
        self.opened()
        path = self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        self.ask(NO, "PCR 10 .*follows from PCRs 4,9", f"--uki {path} --ima-unchanged --predicted")
        self.deploy(self.sign(self.boot.copy().image(self.changed).pcrs(), label="new"))
        self.ask(UNKNOWN, "--ima-unchanged says that none")
        self.ask(YES, 'signed policy "new"', more=("--ima-unchanged",))

    def test_that_it_cannot_be_known_is_said_once(self):
        self.install("EFI/BOOT/BOOTX64.EFI", image({".cmdline": b"ima_policy=tcb"}))
        self.deploy(self.sign(self.boot.copy().image(image({".cmdline": b"ima_policy=tcb"})).pcrs()))
        self.ask(UNKNOWN, "root: can't know: the command line tells IMA")

    def test_without_the_log_of_ima(self):
        argv = self.argv()
        at = argv.index("--ima-log")
        done = rig.run(argv[:at] + argv[at + 2:], check=UNKNOWN)
        self.assertIn(b"IMA's log would be (--ima-log)", done.stdout)

    def test_a_bad_log_is_named(self):
        self.write("cut", self.boot.firmware()[:-1])
        self.ask(UNKNOWN, f"{self.path('cut')}: .*event", more=("--firmware-log", self.path("cut")))

    def test_values_on_an_assumption_are_not_written(self):
        for name, changed in (("files", self.changed), ("ima_policy", image({".cmdline": b"ima_policy=tcb"}))):
            with self.subTest(name):
                if name == "files":
                    self.boot.files = [boots.measured_file("/lib/modules/one.ko", b"one")]
                    self.boot.write(self.tmp)
                    self.opened()
                path = self.write("new.efi", changed)
                done = rig.run(self.argv("--uki", path, "--predicted", self.path("then.json"), "--json"), check=UNKNOWN)
                self.assertIn(b"then.json: not written", done.stderr)
                self.assertNotIn("predicted", json.loads(done.stdout)["volumes"][0]["boots"][0])
                self.assertFalse(os.path.exists(self.path("then.json")))
                rig.run(self.argv("--uki", path, "--predicted", self.path("then.json"), "--ima-unchanged"), check=NO)
                os.unlink(self.path("then.json"))

    def test_a_command_line_for_ima(self):
        self.install("EFI/BOOT/BOOTX64.EFI", image({".cmdline": b"ima_policy=tcb"}))
        self.deploy(self.sign({"sha256": {"0": self.boot.pcrs()["sha256"]["0"], "7": self.boot.pcrs()["sha256"]["7"], "10": "22" * 32}}))
        self.ask(UNKNOWN, "tells IMA what to measure")


class Remedy(Case):
    """What is advised is typed as it stands, and the answer is another."""

    def setUp(self):
        super().setUp()
        os.symlink(self.base.path("keys"), self.path("keys"))
        self.changed = image({".cmdline": b"quiet another"})

    def follow(self, *more):
        """Returns the commands."""
        document = self.ask(NO, more=more)
        remedy = document["volumes"][0]["boots"][0]["remedy"]
        path = os.pathsep.join([os.path.dirname(rig.program(p)) for p in ("latchkey", "latchkey-provision")] + [os.environ["PATH"]])
        done = subprocess.run(["bash", "-c", remedy], cwd=self.tmp, env={**os.environ, "PATH": path}, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, (remedy, done.stderr))
        return remedy

    def measure_files(self):
        self.boot.files = [boots.measured_file(f"/lib/modules/{n}.ko", n.encode()) for n in ("one", "two", "three")]
        self.boot.write(self.tmp)

    def test_where_ima_measured_files_before_and_after_the_unlock(self):
        self.measure_files()
        self.opened(files=1)
        path = self.write("it's new.efi", self.changed)
        remedy = self.follow("--uki", path)
        self.assertRegex(remedy, r"--ima-unchanged --predicted .* # --ima-unchanged: only if")
        self.ask(YES, f'"version {self.floor + 1}"', more=("--uki", path, "--ima-unchanged"))

    def test_what_was_said_is_said_again(self):
        self.measure_files()
        self.opened(files=1)
        path = self.write("new.efi", self.changed)
        remedy = self.follow("--uki", path, "--ima-unchanged")
        for option in self.argv("--uki", path, "--ima-unchanged")[2:]:
            self.assertIn(option, remedy)
        self.assertEqual(remedy.count("--ima-unchanged"), 1)
        self.ask(YES, more=("--uki", path, "--ima-unchanged"))

    def test_where_no_policy_opened_it(self):
        self.measure_files()
        path = self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        other = self.boot.pcrs()
        other["sha256"]["0"] = "11" * 32
        self.deploy(self.sign(other, version=self.floor + 6))
        self.assertRegex(self.follow("--ima-unchanged"), f"^latchkey policy predict .*--uki {path} --ima-unchanged -o then.json; .*"
                         f"--version {self.floor + 7} ")
        self.ask(YES, more=("--ima-unchanged",))

    def test_a_version_above_all(self):
        """Also above those that aren't the nearest."""
        self.opened()
        other = self.boot.pcrs()
        other["sha256"].update({"0": "11" * 32, "7": "11" * 32})
        self.deploy(self.sign(other, version=self.floor + 9))
        self.install("EFI/BOOT/BOOTX64.EFI", self.changed)
        self.assertIn(f'--version {self.floor + 10} --label "version {self.floor + 10}"', self.follow())
        self.ask(YES)

    def test_variables_and_no_policy_that_opened_it(self):
        """The values aren't known; those of the boot to come are."""
        self.measure_files()
        other = self.boot.pcrs()
        other["sha256"]["0"] = "11" * 32
        self.deploy(self.sign(other))
        old = self.boot.variable("dbx")
        boots.put_variable(self.tmp, "dbx", old.variable[2] + boots.signature_list(boots.SHA256, b"\1" * 32), old.variable[0])
        self.ask(NO, "no signed policy opened it in this boot.* in that boot: latchkey policy sign .*"
                 "--pcr-values /run/latchkey/pcrs.json")


class LoaderCase(Case):
    """systemd-boot between firmware and image."""

    def setUp(self):
        super().setUp()
        signature = image()[image().index(b"signature of "):]
        self.loader = uki.image({".text": b"systemd-boot"}, signature)
        self.boot = boots.Boot().image(image(), "/EFI/Linux/one.efi").loader(self.loader)
        self.boot.write(self.tmp)
        self.install("EFI/systemd/systemd-bootx64.efi", self.loader)
        self.install("EFI/Linux/one.efi", image())
        option = struct.pack("<IH", 1, 0) + "Linux\0".encode("utf-16-le")
        node = ("\\EFI\\systemd\\systemd-bootx64.efi\0").encode("utf-16-le")
        path = struct.pack("<BBH", 4, 4, 4 + len(node)) + node + bytes.fromhex("7fff0400")
        option = struct.pack("<IH", 1, len(path)) + "Linux\0".encode("utf-16-le") + path
        self.boot.variable("Boot0001").set_variable(option)
        self.boot.write(self.tmp)
        self.set("LoaderInfo", "systemd-boot 257.13")
        self.set("LoaderEntrySelected", "one.efi")
        self.opened()
        self.changed = image({".cmdline": b"quiet another"})

    def set(self, name, text):
        boots.put_variable(self.tmp, name, (text + "\0").encode("utf-16-le"), boots.LOADER)


class Loader(LoaderCase):
    def test_one_image(self):
        self.ask(YES, "EFI/Linux/one.efi")
        self.install("EFI/Linux/one.efi", self.changed)
        self.ask(NO, "another boot image")

    def test_a_boot_that_was_counted(self):
        os.rename(self.path("esp/EFI/Linux/one.efi"), self.path("esp/EFI/Linux/one+2-1.efi"))
        self.ask(YES)

    def test_each_of_several_has_to_be_covered(self):
        self.install("EFI/Linux/two.efi", self.changed)
        document = self.ask(NO, r"one\.efi: yes", r"two\.efi: no")
        self.assertEqual([b["answer"] for b in document["volumes"][0]["boots"]], ["yes", "no"])
        self.deploy(self.sign(self.boot.copy().image(self.changed).pcrs(), label="two"))
        self.ask(YES, r'two\.efi: yes: signed policy "two"')

    def test_one_of_several_is_named(self):
        self.install("EFI/Linux/two.efi", self.changed)
        self.ask(YES, more=("--uki", self.path("esp/EFI/Linux/one.efi")))
        self.ask(NO, more=("--uki", self.path("esp/EFI/Linux/two.efi")))
        self.set("LoaderEntryDefault", "one.efi")
        self.ask(YES)
        self.set("LoaderEntryOneShot", "TWO.efi")
        self.ask(NO)
        self.set("LoaderEntryOneShot", "t*")
        self.ask(UNKNOWN, "LoaderEntryOneShot names no entry that is there, or several")

    def test_an_entry_of_several_files(self):
        self.install("loader/entries/debian.conf", b"title x\n")
        self.ask(UNKNOWN, "may start the entry .*debian.conf")
        self.set("LoaderEntryDefault", "one.efi")
        self.ask(YES)

    def test_another_loader(self):
        self.install("EFI/systemd/systemd-bootx64.efi", uki.image({".text": b"newer"}))
        self.ask(UNKNOWN, "boot loader .*systemd-bootx64.efi is another than in this boot")

    def test_a_loader_that_is_not_known(self):
        os.unlink(boots.variable_path(self.tmp, "LoaderInfo", boots.LOADER))
        self.ask(UNKNOWN, "isn't systemd-boot")

    def test_its_settings(self):
        conf = b"timeout 3\n"
        at = self.boot.events.index(self.boot.images()[-1])
        self.boot.events.insert(at, boots.Event(5, boots.TAG, {}, b"").of(conf, b"loader.conf"))
        self.boot.write(self.tmp)
        self.opened()
        self.install("loader/loader.conf", conf)
        self.ask(YES)
        self.install("loader/loader.conf", b"timeout 4\n")
        self.ask(UNKNOWN, "loader.conf aren't those that it measured")

    def test_grub_and_shim(self):
        for pcr, said in ((8, "GRUB"), (14, "shim")):
            with self.subTest(said):
                boot = self.boot.copy()
                boot.events.append(boots.Event(pcr, boots.IPL, {}, b"").of(b"x"))
                boot.write(self.tmp)
                self.ask(UNKNOWN, f"went through {said}")


class Variables(Case):
    def setUp(self):
        super().setUp()
        self.opened()

    def test_one_that_no_digest_covers_is_not_taken_for_unchanged(self):
        """The log says what the variable is now; what was measured was another."""
        for name in ("db", "dbx", "BootOrder", "Boot0000"):
            with self.subTest(name):
                boot = self.boot.copy()
                event = boot.variable(name)
                event.digests = {bank: bytes([1]) * len(digest) for bank, digest in event.digests.items()}
                boot.write(self.tmp)
                self.ask(UNKNOWN, more=("--policies", os.path.dirname(self.sign(boot.pcrs()))))

    def test_a_setting_that_is_measured_twice(self):
        boot = self.boot.copy()
        event = boot.variable("dbx")
        boot.events.insert(boot.events.index(event), boots.Event(7, boots.CONFIG, dict(event.digests), event.data))
        boot.write(self.tmp)
        self.ask(UNKNOWN, "is measured twice")

    def test_a_log_without_a_separator(self):
        boot = self.boot.copy()
        boot.events.remove(next(e for e in boot.events if e.kind == 4 and e.pcr == 6))
        boot.write(self.tmp)
        self.deploy(self.sign(boot.pcrs()))
        self.ask(UNKNOWN, "no separator.* in PCR 6")

    def test_a_pcr_that_nobody_has_extended(self):
        """A policy that fits it opens in any boot: no yes, unless it was meant."""
        boot = self.boot.copy()
        boot.write(self.tmp)
        values = boot.pcrs()
        for bank in values:
            values[bank]["10"] = "00" * (len(values[bank]["10"]) // 2)
        self.write("pcrs.json", json.dumps(values))
        os.unlink(self.path("ima"))
        self.write("ima", "")
        signed = self.sign(values, more=("--unextended", "10"))
        with open(signed, encoding="ascii") as f:
            text = f.read()
        self.assertIn("unextended: [10]\n", text)
        os.makedirs(self.path("offered"))
        with open(self.path("offered", "without.yaml"), "w", encoding="ascii") as f:
            f.write(text.replace("unextended: [10]\n", ""))
        offered = ("--policies", self.path("offered"))
        self.ask(UNKNOWN, "PCR 10 of bank sha256: nobody has extended it", more=offered)
        self.ask(YES, more=(*offered, "--unextended", "10"))
        for list_ in ("7", "9"):
            self.assertEqual(rig.run(self.argv(*offered, "--unextended", list_)).returncode, 2)
        self.deploy(signed)
        self.ask(YES)

    def change(self, name, data):
        """Now in the system; what the next boot has."""
        event = self.boot.variable(name)
        boots.put_variable(self.tmp, name, data, event.variable[0])
        then = self.boot.copy()
        then.variable(name).set_variable(data)
        return then

    def covered_by(self, then):
        self.deploy(self.sign(then.pcrs(), label="then"))
        self.ask(YES, 'signed policy "then"')

    def test_dbx(self):
        old = self.boot.variable("dbx").variable[2]
        then = self.change("dbx", old + boots.signature_list(boots.SHA256, b"\1" * 32, b"\2" * 32))
        self.ask(NO, r"PCR 7 .*revocation list dbx has 2 hashes more|PCR 7 .*dbx has 2 (hashes|entries) more", "PCR 10 .*follows from PCR 7",
                 "--predicted")
        self.covered_by(then)

    def test_db(self):
        old = self.boot.variable("db").variable[2]
        then = self.change("db", old + boots.signature_list(boots.X509, b"another certificate"))
        self.ask(NO, "PCR 7 .*database db has .* more")
        self.covered_by(then)

    def test_kek(self):
        old = self.boot.variable("KEK").variable[2]
        self.covered_by(self.change("KEK", old + boots.signature_list(boots.X509, b"another certificate")))

    def test_what_accepted_the_image_is_gone_from_db(self):
        self.change("db", boots.signature_list(boots.X509, b"another certificate"))
        self.ask(UNKNOWN, "what accepted an image in this boot isn't in db|something new before what accepted")

    def test_the_image_is_forbidden(self):
        file = image()
        digest = uki.authenticode(file, file[file.index(b"signature of "):], "sha256")
        then = self.change("dbx", self.boot.variable("dbx").variable[2] + boots.signature_list(boots.SHA256, digest))
        self.deploy(self.sign(then.pcrs()))
        self.ask(NO, "the firmware will refuse .*BOOTX64.EFI: Secure Boot's dbx names it")

    def test_lists_that_are_none(self):
        self.change("dbx", b"x" * 40)
        self.ask(UNKNOWN, "isn't made of EFI signature lists")

    def test_secure_boot_goes(self):
        os.unlink(boots.variable_path(self.tmp, "PK"))
        self.ask(UNKNOWN, "platform key .* came or went")

    def test_a_boot_option(self):
        old = self.boot.variable("Boot0002").variable[2]
        then = self.change("Boot0002", old + b"\0\0")
        self.ask(NO, "PCR 1 .*Boot0002", "PCR 10 .*follows from PCR 1")
        self.covered_by(then)

    def order(self, *numbers):
        return struct.pack(f"<{len(numbers)}H", *numbers)

    def test_another_order(self):
        """Each option is measured in the order's place."""
        old = {n: self.boot.variable(f"Boot{n:04X}").variable[2] for n in (0, 1, 2)}
        then = self.change("BootOrder", self.order(1, 2, 0))
        events = [e for e in then.events if e.kind == boots.BOOT][1:]
        for event, n in zip(events, (1, 2, 0)):
            event.set_variable(old[n], f"Boot{n:04X}")
        self.ask(NO, "PCR 1 .*boot order")
        self.covered_by(then)

    def test_a_shorter_order(self):
        then = self.change("BootOrder", self.order(1, 0))
        then.events.remove(then.variable("Boot0002"))
        self.ask(NO, "PCR 1 .*boot order", "missing: a boot option")
        self.covered_by(then)

    def test_a_longer_order(self):
        then = self.change("BootOrder", self.order(1, 0, 2, 7))
        self.ask(UNKNOWN, "names an option that isn't there")
        option = struct.pack("<IH", 1, 4) + "new\0".encode("utf-16-le") + bytes.fromhex("7fff0400")
        boots.put_variable(self.tmp, "Boot0007", option)
        last = then.variable("Boot0002")
        more = then.copy().variable("Boot0002").set_variable(option, "Boot0007")
        then.events.insert(then.events.index(last) + 1, more)
        self.ask(NO, "PCR 1 .*new: a boot option")
        self.covered_by(then)

    def test_another_option_comes_first(self):
        self.change("BootOrder", self.order(0, 1, 2))
        self.ask(UNKNOWN, "another boot option, Boot0000, which names no file")
        boots.put_variable(self.tmp, "BootOrder", self.order(1, 0, 2))
        self.ask(YES)
        boots.put_variable(self.tmp, "BootNext", self.order(0))
        self.ask(UNKNOWN, "another boot option, Boot0000")
        boots.put_variable(self.tmp, "BootNext", self.order(1))
        self.ask(YES)

    def test_another_option_names_another_image(self):
        boots.put_variable(self.tmp, "Boot0009", boots.load_option("\\EFI\\other.efi", self.boot.volume()))
        boots.put_variable(self.tmp, "BootNext", self.order(9))
        self.ask(UNKNOWN, "/EFI/other.efi isn't in")
        changed = image({".cmdline": b"another"})
        self.install("EFI/other.efi", changed)
        self.ask(NO, "another boot image")
        self.deploy(self.sign(self.boot.copy().image(changed).pcrs(), label="other"))
        self.ask(YES, 'signed policy "other"')

    def test_variables_that_cannot_be_read(self):
        path = boots.variable_path(self.tmp, "dbx", self.boot.variable("dbx").variable[0])
        with open(path, "wb") as f:
            f.write(b"\7")
        self.ask(UNKNOWN, "shorter than a variable's attributes")
        os.unlink(path)
        os.mkdir(path)
        self.ask(UNKNOWN, "dbx-")

    def test_no_variables_at_all(self):
        for name in os.listdir(self.path("efivars")):
            os.unlink(self.path("efivars", name))
        self.ask(UNKNOWN, "no EFI variables there")
        os.rmdir(self.path("efivars"))
        self.ask(UNKNOWN, "no EFI variables there")

    def test_which_option_this_boot_is_of_is_not_said(self):
        os.unlink(boots.variable_path(self.tmp, "BootCurrent"))
        self.ask(UNKNOWN, "BootCurrent")


class Logs(Case):
    def setUp(self):
        super().setUp()
        self.opened()

    def test_cut_off(self):
        raw = self.read("firmware")
        for end in (0, 10, 40, len(raw) // 2, len(raw) - 1):
            with self.subTest(end):
                self.write("firmware", raw[:end])
                self.ask(UNKNOWN, "firmware")

    def test_the_kernels_cut_off(self):
        raw = self.read("ima")
        self.write("ima", raw[:-1])
        self.ask(UNKNOWN, "ima")

    def test_it_does_not_explain_the_values(self):
        pcrs = self.boot.pcrs()
        pcrs["sha256"]["4"] = "33" * 32
        self.write("pcrs.json", json.dumps(pcrs))
        self.ask(UNKNOWN, "doesn't explain what PCR 4 of bank sha256")

    def test_something_else_extends_a_pcr(self):
        self.select("[0, 7, 8]")
        pcrs = self.boot.pcrs()
        pcrs["sha256"]["8"] = "44" * 32
        self.write("pcrs.json", json.dumps(pcrs))
        self.deploy(self.sign(pcrs))
        self.ask(UNKNOWN, "PCR 8: something extends it that isn't in these logs")

    def test_the_bank_is_missing(self):
        self.write("pcrs.json", json.dumps({"sha384": self.boot.pcrs()["sha384"]}))
        self.ask(UNKNOWN, "values of bank sha256 aren't here|boot_aggregate")

    def test_missing_files(self):
        for name in ("firmware", "ima", "pcrs.json"):
            with self.subTest(name):
                os.rename(self.path(name), self.path("away"))
                self.ask(UNKNOWN, name)
                os.rename(self.path("away"), self.path(name))

    def test_a_kernel_without_a_file(self):
        boot = boots.Boot("kernel-13")
        boot.write(self.tmp)
        self.ask(UNKNOWN, "came from no file")
        self.ask(NO, "PCR 9 .*another command line", more=("--cmdline", "quiet"))

    def test_a_new_firmware(self):
        other = boots.Boot("insecure-12")
        self.write("new", other.firmware())
        then = self.boot.copy()
        pcrs = then.pcrs()
        self.ask(NO, "PCRs? 0", more=("--firmware-log", self.path("new")))
        self.ask(UNKNOWN, "no-such", more=("--firmware-log", self.path("no-such")))
        self.assertIn("0", pcrs["sha256"])


class Volume(Case):
    def setUp(self):
        super().setUp()
        self.opened()

    def test_no_tpm(self):
        self.ask(UNKNOWN, "TPM|swtpm|connect", tcti="swtpm:host=127.0.0.1,port=1")

    def test_no_device(self):
        os.unlink(self.path("disk.img"))
        self.ask(UNKNOWN, "disk.img")

    def test_no_header(self):
        self.write("disk.img", bytes(32 << 20))
        self.ask(NO, "LUKS2")

    def test_no_token(self):
        rig.run(["cryptsetup", "token", "remove", "--token-id", "0", self.path("disk.img")], check=0)
        self.ask(NO, "token")

    def test_sealed_for_another_policy(self):
        with open(self.policy_file, encoding="ascii") as f:
            text = re.sub(r"^policy-ref: .*", 'policy-ref: "another"', f.read(), flags=re.M)
        self.policy_file = self.write("policy.yaml", text)
        self.ask(NO, "sealed for another policy key or policy-ref")

    def test_with_a_pin(self):
        with open(self.policy_file, encoding="ascii") as f:
            text = f.read() + "    pin: true\n"
        self.policy_file = self.write("policy.yaml", text)
        self.ask(NO, "PIN")

    def test_a_bad_file_of_the_unlock(self):
        self.write("booted/root.json", "{}")
        self.ask(UNKNOWN, "root.json")

    def test_only_one_volume_is_asked_about(self):
        with open(self.policy_file, encoding="ascii") as f:
            text = f.read()
        other = text[text.index("  - name: root"):].replace("root", "data").replace("0x8100a001", "0x8100a002")
        self.policy_file = self.write("policy.yaml", text + other)
        self.ask(YES, more=("--volume", "root"))
        self.ask(NO, "volume data: no: .*no sealed object", more=("--volume", "data"))
        rig.run([a for a in self.argv("--volume", "none")], check=3)

    def test_wrong_command_lines(self):
        rig.run(self.argv("more"), check=2)
        self.policy_file = self.path("no-such-policy")
        rig.run(self.argv(), check=3)

    def test_values_that_are_not_certain_are_not_written(self):
        self.boot.files = [boots.measured_file("/lib/modules/one.ko", b"one")]
        self.boot.write(self.tmp)
        os.unlink(self.path("booted/root.json"))
        done = rig.run(self.argv("--predicted", self.path("then.json")))
        self.assertEqual(done.returncode, UNKNOWN, done.stderr)
        self.assertIn(b"not written", done.stderr)
        self.assertFalse(os.path.exists(self.path("then.json")))


if __name__ == "__main__":
    unittest.main()
