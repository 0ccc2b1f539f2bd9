#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""policy predict of logs that don't say for sure what the next boot measures: each explains its PCR values, and is refused."""
import json
import os
import struct
import unittest

import boots
import host
import uki
from boots import ACTION, APPLICATION, AUTHORITY, CONFIG, IPL, TAG, Event

SEPARATOR, DRIVER = 4, 0x80000004
DB = ("--db", os.path.join(host.DATA, "signature_lists"))
SHIM = bytes.fromhex("50ab5d6046e00043abb63dd810dd8b23")


def measured(pcr, kind, data, what=None):
    return Event(pcr, kind, {}, b"").of(data if what is None else what, data)


def variable(pcr, kind, guid, name, data):
    text = name.encode("utf-16-le")
    return measured(pcr, kind, guid + struct.pack("<QQ", len(name), len(data)) + text + data)


def tagged(tag, what):
    return measured(9, TAG, struct.pack("<II", tag, 0), what)


class Case(host.TestCase):
    def boot(self, machine):
        boot = boots.Boot(machine)
        return boot.image(uki.signed_by(boot.recorded)) if machine == "uki-13" else boot

    def predict(self, boot, *change, check=0):
        boot.write(self.tmp)
        if os.path.exists(self.path("then.json")):
            os.unlink(self.path("then.json"))
        return self.latchkey("policy", "predict", "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs",
                             self.path("pcrs.json"), "-o", self.path("then.json"), *change, check=check)

    def refused(self, boot, *change, said):
        self.assertSaid(self.predict(boot, *change, check=13), "can't be predicted: .*" + said)
        self.assertNotMade("then.json")

    def image(self, boot, **sections):
        return ("--uki", self.write("next.efi", uki.signed_by(boot.recorded, {".cmdline": b"another", **sections})))


class Whole(Case):
    """Separators, with which firmware ends its own part."""

    def separator(self, boot, pcr):
        return next(e for e in boot.events if e.kind == SEPARATOR and e.pcr == pcr)

    def broken(self, machine="kernel-13"):
        for pcr in range(8):
            boot = self.boot(machine)
            boot.events.remove(self.separator(boot, pcr))
            yield boot, f"no separator.*in PCR {pcr}$"
            boot = self.boot(machine)
            boot.events.insert(boot.events.index(self.separator(boot, pcr)), measured(pcr, SEPARATOR, bytes(4)))
            yield boot, f"more than one separator in PCR {pcr}$"
            for data, what in ((b"\1\0\0\0", None), (b"", None), (bytes(4), b"\1\0\0\0"), (bytes(8), None)):
                boot = self.boot(machine)
                at = boot.events.index(self.separator(boot, pcr))
                boot.events[at] = measured(pcr, SEPARATOR, data, what)
                # One whose data aren't its digest's is a log that is contradicted, or one that can't be relied on.
                yield boot, f"separator of an error.* in PCR {pcr}$" if what is None else None

    def test_a_log_without_them(self):
        for boot, said in self.broken():
            with self.subTest(said):
                if said:
                    self.refused(boot, "--cmdline", "quiet another", said=said)
                else:
                    done = self.latchkey("policy", "predict", *self.logs(boot), "--cmdline", "x", "-o", self.path("then.json"), check=None)
                    self.assertIn(done.returncode, (5, 13), done.stderr)
                    self.assertNotMade("then.json")

    def logs(self, boot):
        boot.write(self.tmp)
        return "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs", self.path("pcrs.json")

    def test_a_new_firmwares_log_without_them(self):
        for boot, said in self.broken():
            other = self.write("other", boot.firmware())
            with self.subTest(said):
                self.refused(self.boot("kernel-13"), "--firmware-log", other, said="the new firmware's log has .*" + (said or ""))
        cut = boots.Boot("kernel-13")
        cut.events = cut.events[:8]
        self.refused(self.boot("kernel-13"), "--firmware-log", self.write("other", cut.firmware()), said="the new firmware's log has no separator")
        self.predict(self.boot("kernel-13"), "--firmware-log", self.write("other", self.boot("kernel-13").firmware()))

    def test_a_new_firmwares_log_of_another_machine(self):
        """Its boot options are measured with the firmware's settings."""
        def order(boot):
            boot.variable("BootOrder").set_variable(struct.pack("<HH", 0, 1))

        def option(boot):
            boot.variable("Boot0001").set_variable(boots.load_option("\\EFI\\OTHER.EFI"))

        def one_more(boot):
            at = boot.events.index(boot.variable("Boot0002"))
            boot.events.insert(at, variable(1, boots.BOOT, boots.GLOBAL, "Boot0007", boots.load_option("\\x")))

        def one_less(boot):
            boot.events.remove(boot.variable("Boot0002"))

        for change in (order, option, one_more, one_less):
            with self.subTest(change.__name__):
                other = boots.Boot("uki-13")
                change(other)
                self.refused(self.boot("uki-13"), "--firmware-log", self.write("other", other.firmware()), said="other boot options")

    def test_another_bank(self):
        def one_bank(boot):
            size = 32 + struct.unpack_from("<I", boot.first, 28)[0]
            self.assertEqual(len(boot.first), size)
            boot.first = boot.first[:28] + struct.pack("<I", 33) + boot.first[32:32 + 24] + struct.pack("<IHHB", 1, 0x0b, 32, 0)
            return b"".join([boot.first] + [struct.pack("<III", e.pcr, e.kind, 1) + struct.pack("<H", 0x0b) + e.digests["sha256"] +
                                            struct.pack("<I", len(e.data)) + e.data for e in boot.events])

        boot = self.boot("kernel-13")
        boot.write(self.tmp)
        self.write("firmware", one_bank(self.boot("kernel-13")))
        argv = ("policy", "predict", "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs")
        done = self.latchkey(*argv, self.path("pcrs.json"), "--cmdline", "x", "-o", self.path("then.json"), check=13)
        self.assertSaid(done, "the log has no digests of bank sha384")
        self.assertNotMade("then.json")
        only = self.write("sha256.json", json.dumps({"sha256": boot.pcrs()["sha256"]}))
        self.latchkey(*argv, only, "--cmdline", "x", "-o", self.path("then.json"))
        boot.write(self.tmp)
        self.refused(boot, "--firmware-log", self.write("other", one_bank(self.boot("kernel-13"))),
                     said="the new firmware's log has no digests of bank sha384")


class Files(Case):
    """Kernel, initrd and command line."""

    def test_what_is_measured_is_known(self):
        self.predict(self.boot("kernel-13"), "--cmdline", "x")
        self.predict(self.boot("loader-13"), "--cmdline", "x")
        boot = self.boot("uki-13")
        self.predict(boot, *self.image(boot))

    def test_kernels_measure_initrd_and_command_line_in_either_order(self):
        boot = self.boot("loader-13")
        first, second = [e for e in boot.events if e.pcr == 9]
        i, k = boot.events.index(first), boot.events.index(second)
        boot.events[i], boot.events[k] = second, first
        self.predict(boot, "--cmdline", "x")

    def test_more_than_one_command_line(self):
        for where in ("before", "after"):
            boot = self.boot("loader-13")
            at = next(i for i, e in enumerate(boot.events) if e.pcr == 12)
            again = measured(12, IPL, boot.events[at].data)
            boot.events.insert(at + (where == "after"), again)
            for change in (("--cmdline", "x"), ("--initrd", self.write("initrd", "x"))):
                self.refused(boot, *change, said="besides one command line is measured into PCR 12 or 13")

    def test_credentials_and_extensions(self):
        for event in (measured(12, IPL, b"credentials", b"another thing"), measured(12, TAG, b"credentials"), measured(13, IPL, b"x"),
                      measured(13, ACTION, b"x")):
            for machine in ("loader-13", "uki-13"):
                boot = self.boot(machine)
                boot.events.append(event)
                change = self.image(boot) if machine == "uki-13" else ("--cmdline", "x")
                self.refused(boot, *change, said="PCR 12 or 13")

    def test_a_command_line_that_is_not_the_kernels(self):
        boot = self.boot("loader-13")
        at = next(i for i, e in enumerate(boot.events) if e.pcr == 12)
        boot.events[at] = measured(12, IPL, "another\0".encode("utf-16-le"))
        self.refused(boot, "--cmdline", "x", said=r"\(PCR 12\) isn't the one that the kernel did")

    def test_an_initrd_or_command_line_twice(self):
        for tag in (boots.INITRD, boots.LOAD_OPTIONS):
            for machine in ("loader-13", "uki-13"):
                boot = self.boot(machine)
                boot.events.append(tagged(tag, b"another"))
                change = self.image(boot) if machine == "uki-13" else ("--cmdline", "x")
                self.refused(boot, *change, said=r"measured twice by the kernel \(PCR 9\)")

    def test_what_is_unknown_in_pcr_9(self):
        for event in (tagged(0x12345678, b"x"), measured(9, ACTION, b"x")):
            boot = self.boot("loader-13")
            boot.events.append(event)
            self.refused(boot, "--cmdline", "x", said="PCR 9 that isn't known")

    def test_sections_that_no_stub_measures_so(self):
        def sections(boot):
            return [e for e in boot.events if e.pcr == 11]

        def odd(boot):
            boot.events.remove(sections(boot)[1])

        def unnamed(boot):
            sections(boot)[2].of(b".other\0")

        def tag(boot):
            boot.events.insert(boot.events.index(sections(boot)[-1]) + 1, measured(11, TAG, b"x"))

        def later(boot):
            boot.events += [measured(11, IPL, b".linux\0"), measured(11, IPL, b"another")]

        for change in (odd, unnamed, tag, later):
            with self.subTest(change.__name__):
                boot = self.boot("uki-13")
                change(boot)
                self.refused(boot, *self.image(boot), said="PCR 11")

    def test_an_image_that_came_back(self):
        boot = self.boot("uki-13")
        first = boot.images()[0]
        at = boot.events.index(first)
        boot.events[at:at] = [Event(4, APPLICATION, {b: bytes.fromhex("11") * len(d) for b, d in first.digests.items()}, first.data),
                              measured(4, ACTION, b"Returning from EFI Application from Boot Option"),
                              measured(4, ACTION, b"Calling EFI Application from Boot Option")]
        self.refused(boot, *self.image(boot), said="came back")

    def test_several_images_after_the_stub(self):
        boot = self.boot("insecure-12")
        at = boot.events.index(boot.images()[-1])
        boot.events.insert(at, Event(4, APPLICATION, dict(boot.images()[-1].digests), boot.images()[-1].data))
        self.refused(boot, "--uki", self.write("next.efi", uki.unified()), said="several images were started after")


class SecureBoot(Case):
    def test_behind_shim(self):
        """By any trace of it."""
        at = {"image": "shim accepts images by keys", "db": "shim looks for what accepts an image in db"}
        for event in (measured(14, IPL, b"MokList\0", b"keys"), variable(7, AUTHORITY, SHIM, "Shim", b"a certificate"),
                      variable(7, AUTHORITY, SHIM, "MokList", b"a certificate"), variable(7, AUTHORITY, SHIM, "MokListRT", b"x"),
                      variable(7, AUTHORITY, SHIM, "SbatLevel", b"sbat,1,2022052400\n"), variable(7, AUTHORITY, SHIM, "vendor_db", b"x")):
            boot = self.boot("uki-13")
            boot.events.insert(boot.events.index(boot.images()[-1]), event)
            self.refused(boot, *self.image(boot), said=at["image"])
            self.refused(boot, *DB, said=at["db"])
            boot = self.boot("loader-13")
            boot.events.insert(boot.events.index(boot.images()[-1]), event)
            self.refused(boot, "--secure-boot", "off", said="shim")
        boot = boots.Boot("grub-13")
        self.refused(boot, *DB, said=at["db"])

    def test_a_setting_twice(self):
        for name in ("SecureBoot", "db"):
            boot = self.boot("loader-13")
            event = boot.variable(name)
            boot.events.insert(boot.events.index(event), Event(7, CONFIG, dict(event.digests), event.data))
            for change in (DB, ("--secure-boot", "off")):
                self.refused(boot, *change, said="measured twice")

    def test_what_no_digest_covers_is_no_input(self):
        """Other data at the digest that was: the PCRs are explained all the same."""
        def changed(event):
            event.data = event.data[:-1] + bytes([event.data[-1] ^ 1])

        for find in (lambda b: b.variable("SecureBoot"), lambda b: b.variable("db"), lambda b: b.variable("dbx"),
                     lambda b: next(e for e in b.events if e.kind == AUTHORITY)):
            for change in (DB, ("--secure-boot", "off")):
                boot = self.boot("loader-13")
                changed(find(boot))
                done = self.latchkey("policy", "predict", *Whole.logs(self, boot), *change, "-o", self.path("then.json"), check=None)
                self.assertIn(done.returncode, (5, 13), done.stderr)
                self.assertNotMade("then.json")

    def test_one_bank_that_is_forged_alone(self):
        for bank in boots.BANKS:
            boot = self.boot("loader-13")
            event = boot.variable("db")
            event.digests[bank] = bytes(len(event.digests[bank]))
            done = self.latchkey("policy", "predict", *Whole.logs(self, boot), *DB, "-o", self.path("then.json"), check=None)
            self.assertIn(done.returncode, (5, 13), done.stderr)
            self.assertNotMade("then.json")

    def test_drivers_of_cards_where_secure_boot_goes_off(self):
        boot = self.boot("loader-13")
        boot.events.insert(5, measured(2, DRIVER, b"an option ROM", b"its image"))
        self.refused(boot, "--secure-boot", "off", said=r"drivers of plug-in cards are measured \(PCR 2\)")
        self.predict(boot, *DB)


if __name__ == "__main__":
    unittest.main()
