# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Which event keeps a volume closed: recorded boots, changed, in a software TPM, against what is remembered of a good one."""
import json
import os
import re
import unittest

import luks2
import proxy
import rig
from boot_log import Boot, certificate
from device import Device

MACHINE = "uki-12"
ESCAPES = "\x1b]0;x\x07\u202e\x9b31m\n"


class Case(rig.TestCase):
    """A volume that was opened by signed policy version 1, in the boot that was recorded."""
    machine = MACHINE
    remembers = True

    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.boots(Boot(self.machine))
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))
        if self.remembers:
            self.remember("good")

    def boots(self, boot, name="good"):
        """The TPM starts anew, and its PCRs are this boot's."""
        self.dev.tpm.restart(measured=False)
        boot.extend(self.dev.tpm)
        self.log, self.ima = boot.write(self, name)
        return boot

    def remember(self, name, check=0):
        for folder in ("booted", "none"):
            os.makedirs(self.path(folder), exist_ok=True)
        digest = self.dev.luks()["tokens"]["0"]["policies"][-1]["digest"]
        self.write("booted/root.json", json.dumps({"latchkey-booted": 1, "version": 1, "policy": digest}))
        return self.dev.header("remember", "--policy", self.path("policy.yaml"), "--learned", self.path("none"),
                               "--booted", self.path("booted"), "--log", self.path(name + "-firmware"),
                               "--ima-log", self.path(name + "-ima"), check=check).stderr.decode()

    def unseal(self, code=5, tcti=None, log=None):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"),
                        "--tpm", tcti or self.dev.tpm.tcti, "--log", log or self.log, "--ima-log", self.ima,
                        "--diagnosis", self.path("diagnosis.json")])
        self.said = done.stderr.decode()
        self.assertEqual(done.returncode, code, self.said)
        if code:
            self.told = json.loads(self.read("diagnosis.json"))
            self.volume, = self.told["volumes"]
        return self.said

    def refused(self, boot, *phrases):
        """On the log, and the same in the file."""
        self.boots(boot, "bad")
        said = self.unseal()
        words = [d.get("words", "") for p in self.volume["policies"] for d in p["differing"]]
        for pcr, phrase in phrases:
            line = f"root: PCR {pcr}: {phrase}"
            self.assertIn(line, said)
            self.assertTrue(any(w.startswith(phrase) for w in words), words)
        return said

    def pcr(self, number, policy=0):
        found, = [d for d in self.volume["policies"][policy]["differing"] if d["pcr"] == number]
        return found


class Events(Case):
    def test_the_good_boot_opens_and_no_log_is_looked_at(self):
        self.log = self.path("there is no such log")
        self.assertIn("would open", self.unseal(0))
        self.assertNotIn("no such", self.said)
        self.assertFalse(os.path.exists(self.path("diagnosis.json")))

    def test_a_certificate_more_in_db(self):
        self.refused(Boot(self.machine).variable("db", lambda d: d + certificate(b"another")).aggregate(),
                     (7, "the Secure Boot database db has a certificate more (now 2 certificates, 0 hashes"),
                     (10, "boot_aggregate is another: it follows from PCR 7"))
        self.assertEqual((self.pcr(7)["told"], self.pcr(7)["change"], self.pcr(7)["log"]), ("event", "changed", "firmware"))
        self.assertEqual(self.pcr(10)["told"], "boot-aggregate")
        self.assertEqual(self.volume["bank"], "sha256")
        self.assertRegex(self.pcr(7)["signed"], r"^[0-9a-f]{64}$")
        self.assertNotEqual(self.pcr(7)["signed"], self.volume["pcrs"]["7"])

    def test_db_with_others_or_fewer(self):
        self.refused(Boot(self.machine).variable("db", lambda d: certificate(b"another")).aggregate(),
                     (7, "the Secure Boot database db is another, with as many entries"))
        self.refused(Boot(self.machine).variable("db", lambda d: b"").aggregate(),
                     (7, "the Secure Boot database db has an entry fewer"))

    def test_another_boot_image_though_pcr_4_is_not_the_policys(self):
        said = self.refused(Boot(self.machine).other_image().aggregate(),
                            (10, "boot_aggregate is another: it follows from PCR 4"),
                            (4, f'another boot image, sha256 {"5a" * 32} "\\EFI\\BOOT\\BOOTX64.EFI"'))
        self.assertNotIn("PCR 7", said)
        self.assertNotIn("signed", self.pcr(4))

    def test_secure_boot_off(self):
        self.refused(Boot(self.machine).variable("SecureBoot", lambda d: b"\0").aggregate(),
                     (7, "Secure Boot is off, and was on"))

    def test_a_driver_more_and_one_less(self):
        boot = Boot(self.machine)
        image = boot.find(4, b"B\0O\0O\0T\0X\0")
        kind, image.kind = image.kind, 0x80000004
        driver = Boot(self.machine).find(4, b"B\0O\0O\0T\0X\0")
        driver.kind, driver.pcr, image.kind = 0x80000004, 2, kind
        separator = next(e for e in boot.events if e.pcr == 2)
        self.refused(boot.replace(separator, driver, separator).aggregate(), (2, 'new: driver "\\EFI\\BOOT\\BOOTX64.EFI", sha256 '))
        boot = Boot(self.machine)
        self.refused(boot.replace(next(e for e in boot.events if e.pcr == 2)).aggregate(), (2, "missing: a separator"))
        self.assertNotIn("event", self.pcr(2))

    def test_a_file_that_ima_measured(self):
        self.refused(Boot(self.machine).measure(b"/usr/bin/other"), (10, 'new: file "/usr/bin/other"'))
        self.assertEqual((self.pcr(10)["log"], self.pcr(10)["event"]), ("ima", 2))

    def test_what_no_log_has(self):
        self.boots(Boot(self.machine), "bad")
        self.dev.tpm.tool("tpm2_pcrextend", f"7:sha256={'5a' * 32}")
        self.assertIn("PCR 7: the event logs come to the signed value: something has extended it that writes no log", self.unseal())
        self.assertEqual(self.pcr(7)["told"], "beside-log")

    def test_a_log_that_is_another_boots(self):
        self.boots(Boot(self.machine).variable("SecureBoot", lambda d: b"\0").aggregate(), "bad")
        other = Boot(self.machine).variable("KEK", lambda d: b"").write(self, "other")
        self.assertIn("PCR 7: the event logs don't come to its value, so no event can be named", self.unseal(log=other[0]))
        self.assertEqual(self.pcr(7)["told"], "unexplained")

    def test_the_tpm_is_asked_nothing_more(self):
        def commands(**options):
            bus = proxy.Proxy(self, self.dev.tpm)
            self.unseal(tcti=bus.tcti, **options)
            return bus.names
        self.boots(Boot(self.machine).other_image().aggregate(), "bad")
        self.assertEqual(commands(), commands(log=self.path("none")))

    def test_logs_that_are_no_logs_cost_the_words_alone(self):
        self.boots(Boot(self.machine).other_image().aggregate(), "bad")
        whole = self.read("bad-firmware")
        at = len(Boot(self.machine).first) + 8  # the first event's number of digests
        for name, bad in {"empty": b"", "cut": whole[:-1], "length": whole[:at] + b"\xff" * 4 + whole[at + 4:],
                          "text": b"#!/bin/sh\n", "zeros": bytes(4096)}.items():
            with self.subTest(name):
                self.write("bad.log", bad)
                said = self.unseal(log=self.path("bad.log"))
                self.assertIn("root: no event can be named: " + self.path("bad.log"), said)
                self.assertIn("PCR 10 (", said)
                self.assertIn("bad.log", self.volume["no-events"])
        self.assertIn("no event can be named", self.unseal(log=self.path("none")))

    def test_names_in_logs_reach_no_terminal_as_they_are(self):
        boot = Boot(self.machine).other_image()
        image, = [e for e in boot.events if e.kind == 0x80000003]
        name = "\\EFI\\BOOT\\BOOTX64.EFI"
        wide = name.encode("utf-16-le")
        self.assertIn(wide, image.data)
        image.data = image.data.replace(wide, ESCAPES.ljust(len(name), "x").encode("utf-16-le"))
        self.refused(boot.aggregate().measure(ESCAPES.encode() * 100), (4, "another boot image"))
        for text in (self.said, self.read("diagnosis.json").decode()):
            self.assertEqual(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), [])
        self.assertLess(max(map(len, self.said.splitlines())), 700)


class OtherPolicies(Case):
    def test_each_policy_has_its_own_answer(self):
        """The remembered boot is version 1's; of version 2's nothing is known, and said."""
        self.boots(Boot(self.machine).other_image(b"\x11").aggregate(), "two")
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(2, label="two"))
        said = self.refused(Boot(self.machine).other_image().aggregate(),
                            (10, "boot_aggregate is another: it follows from PCR 4"), (4, "another boot image"))
        self.assertIn("the boot that is remembered is another signed policy's", said)
        self.assertEqual([p["version"] for p in self.volume["policies"]], [1, 2])
        self.assertEqual(self.pcr(10, 1)["told"], "other-boot")

    def test_many_policies_are_few_lines_and_all_in_the_file(self):
        for n in range(2, 12):
            self.dev.tpm.tool("tpm2_pcrextend", f"7:sha256={n:064x}")
            self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(n))
        said = self.refused(Boot(self.machine).other_image().aggregate(), (4, "another boot image"))
        self.assertIn("and 7 signed policies more", said)
        self.assertEqual(len(self.volume["policies"]), 11)
        self.assertEqual(len(re.findall("PCR 4: ", said)), 1)
        self.assertLess(len(said.splitlines()), 25)

    def test_bad_memories_are_none(self):
        self.boots(Boot(self.machine).other_image().aggregate(), "bad")
        good = self.dev.luks()["tokens"]["0"]["remembered"]["events"]
        def remembered(events):
            with open(self.path("disk.img"), "rb") as f:
                keep = f.read(1 << 20)
            luks2.change(self.path("disk.img"), lambda h: h["tokens"]["0"]["remembered"].update(events=events))
            said = self.unseal()
            with open(self.path("disk.img"), "r+b") as f:
                f.write(keep)
            return said
        self.assertIn("PCR 4: another boot image", remembered(good))
        for bad in ("", "zz", "01", "02" + good[2:], good[:-2], good + "00", "ff" * 1961, "01" + "0a" + "00" * 4 + "ffff",
                    "00" * 3000, {}, [], 7, good[:2] + "18" + good[4:]):
            with self.subTest(bad=str(bad)[:20]):
                self.assertIn("which one isn't known, since no good boot is remembered", remembered(bad))


class NothingRemembered(Case):
    remembers = False

    def test_what_boot_aggregate_covers_beside_what_is_signed(self):
        """As a second machine has it, whose partition table is another: by value alone, and PCRs 0 and 7 are as signed."""
        said = self.refused(Boot(self.machine).other_image().aggregate(), (
            10, "boot_aggregate is another by one of PCRs 1,2,3,4,5,6,8,9, which aren't signed: the boot disk's partition table (GPT) (PCR 5), or "
            "boot options or firmware settings (PCR 1), or the boot image (PCR 4); which one isn't known, since no good boot is remembered"))
        self.assertEqual(said.count("no good boot is remembered"), 1)
        self.assertEqual(self.pcr(10)["told"], "below")

    def test_it_is_said_once(self):
        said = self.refused(Boot(self.machine).variable("SecureBoot", lambda data: b"\0").aggregate())
        self.assertEqual(said.count("no event can be named: no good boot is remembered"), 1)
        self.assertEqual(self.pcr(7)["told"], "nothing")

    def test_what_the_signed_values_alone_allow(self):
        boot = Boot(self.machine)
        end = next(e for e in boot.events if e.pcr == 7 and e.kind == 4)
        more = Boot(self.machine).find(7, b"d\0b\0x\0")
        self.refused(boot.replace(end, more, end).aggregate(), (7, 'new: Secure Boot variable "dbx"'),
                     (10, "boot_aggregate is another: it follows from PCR 7 at least"))
        self.refused(Boot(self.machine).measure(b"/bin/first").measure(b"/bin/second"),
                     (10, '2 events are new, the first: file "/bin/first"'))


class Remember(Case):
    remembers = False

    def events(self):
        return self.dev.luks()["tokens"]["0"].get("remembered", {}).get("events")

    def test_written_once_and_small(self):
        self.assertIn("this boot's events are remembered", self.remember("good"))
        events = self.events()
        self.assertLess(len(events), 600)
        before = self.read("disk.img")
        self.assertIn("known already", self.remember("good"))
        self.assertEqual(self.read("disk.img"), before)

    def test_not_of_a_log_that_does_not_explain_the_signed_values(self):
        Boot(self.machine).variable("KEK", lambda d: b"").write(self, "other")
        self.assertIn("the logs don't explain PCR 7", self.remember("other"))
        Boot(self.machine).other_image().write(self, "other")
        self.remember("other")  # boot_aggregate is wrong: PCRs 0 to 9 are vouched for by nothing
        self.assertEqual(sorted(pcrs_of(self.events())), [0, 7, 10])

    def test_as_far_as_the_volume_was_opened(self):
        """What the kernel measured later is another thing in each boot."""
        Boot(self.machine).measure(b"/later").write(self, "later")
        self.assertIn("are remembered", self.remember("later"))
        self.assertEqual(pcrs_of(self.events())[10], 1)

    def test_it_gives_way_to_signed_policies(self):
        """In a header that has no room."""
        self.remember("good")
        size = len(self.events())
        def fill(header):
            header["tokens"]["7"] = {"type": "other", "keyslots": [], "x": "x" * 4}
            area = int(header["config"]["json_size"])
            header["tokens"]["7"]["x"] = "x" * (area - len(json.dumps(header, separators=(",", ":"))) - 500)
        luks2.change(self.path("disk.img"), fill)
        self.assertTrue(self.events())
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(2))
        self.assertEqual(len(self.dev.luks()["tokens"]["0"]["policies"]), 2)
        self.assertIsNone(self.events())
        before = self.read("disk.img")
        self.assertIn("aren't remembered", self.remember("good"))
        self.assertEqual(self.read("disk.img"), before)
        self.assertGreater(size, 100)


def pcrs_of(events):
    """How many events are remembered of each PCR, by the page alone."""
    raw, at, found = bytes.fromhex(events), 1, {}
    while at < len(raw):
        n = int.from_bytes(raw[at + 5:at + 7], "big")
        found[raw[at] & 0x7f] = n
        at += 7 + 7 * n
    return found


if __name__ == "__main__":
    unittest.main()
