# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""will-it-boot says that it can't know where firmware or boot loader may do something else than in this boot: options of other
disks, drivers, other entries, companions of an image, revocations of a kind that isn't looked at."""
import os
import re
import struct
import unittest

import boots
import rig
import uki
import will_it_boot as base
from will_it_boot import NO, UNKNOWN, YES, image

IMAGE = "\\EFI\\BOOT\\BOOTX64.EFI"
LOADER = "\\EFI\\systemd\\systemd-bootx64.efi"
X509_SHA256 = bytes.fromhex("92a4d23bc0967940b420fcf98ef103ed")


class Case(base.Case):
    def put(self, name, data):
        boots.put_variable(self.tmp, name, data)

    def numbers(self, name, *numbers):
        self.put(name, struct.pack(f"<{len(numbers)}H", *numbers))

    def select(self, pcrs):
        """A policy without PCR 1, where options are measured."""
        super().select(pcrs)
        self.deploy(self.sign(self.boot.pcrs()))


class Firmware(Case):
    def test_the_same_path_on_another_disk(self):
        self.opened()
        self.put("Boot0009", boots.load_option(IMAGE, self.boot.volume()))
        self.numbers("BootNext", 9)
        self.ask(YES)
        for volume in (boots.partition(b"Z" * 16), b"", self.boot.volume() + boots.partition(b"Z" * 16)):
            with self.subTest(volume):
                self.put("Boot0009", boots.load_option(IMAGE, volume))
                self.ask(UNKNOWN, "Boot0009, which comes next, leads to another disk or partition")

    def test_the_same_partition_by_itself(self):
        here = boots.partition(b"P" * 16)
        event = self.boot.images()[0]
        path = self.boot.volume() + here + event.data[32 + len(self.boot.volume()):]
        event.data = event.data[:24] + struct.pack("<Q", len(path)) + path
        self.boot.write(self.tmp)
        self.opened()
        self.numbers("BootNext", 9)
        for volume, code in ((here, YES), (self.boot.volume(), YES), (boots.partition(b"Q" * 16), UNKNOWN)):
            with self.subTest(volume):
                self.put("Boot0009", boots.load_option(IMAGE, volume))
                self.ask(code)

    def test_this_option_leads_to_another_disk(self):
        self.select("[4, 7, 11]")
        self.ask(YES)
        self.put("Boot0001", boots.load_option(IMAGE, boots.partition(b"Z" * 16)))
        self.ask(UNKNOWN, "Boot0001, which comes next, leads to another disk or partition")

    def test_an_option_that_is_switched_off(self):
        self.select("[4, 7, 11]")
        self.install("EFI/old.efi", image())
        self.install("EFI/BOOT/BOOTX64.EFI", image({".cmdline": b"other"}))
        self.put("Boot0009", boots.load_option("\\EFI\\old.efi", self.boot.volume(), attributes=0))
        self.numbers("BootOrder", 9, 1, 0, 2)
        self.ask(NO, "next boot: .*BOOTX64.EFI")
        self.numbers("BootNext", 9)
        self.ask(UNKNOWN, "Boot0009, which comes next, is switched off")

    def test_numbers_that_are_none(self):
        self.opened()
        self.put("BootNext", b"\1")
        self.ask(UNKNOWN, "BootNext or BootOrder isn't made of numbers")

    def test_code_before_the_image(self):
        self.opened()
        for name in ("DriverOrder", "SysPrepOrder"):
            self.numbers(name)
            self.ask(YES)
            self.numbers(name, 0)
            self.ask(UNKNOWN, f"{name} has the firmware start")
            os.unlink(boots.variable_path(self.tmp, name))

    def test_something_is_asked_of_the_firmware(self):
        self.opened()
        self.put("OsIndications", bytes(8))
        self.ask(YES)
        self.put("OsIndications", struct.pack("<Q", 4))
        self.ask(UNKNOWN, "OsIndications asks the firmware")

    def test_revocations_of_another_kind(self):
        old = self.boot.variable("dbx").variable
        data = old[2] + boots.signature_list(X509_SHA256, b"\1" * 48)
        boots.put_variable(self.tmp, "dbx", data, old[0])
        then = self.boot.copy()
        then.variable("dbx").set_variable(data)
        self.deploy(self.sign(then.pcrs()))
        self.ask(UNKNOWN, "dbx .* entries more that are neither")

    def test_another_command_line_by_the_option(self):
        """Without Secure Boot the stub takes it."""
        file = uki.unified()
        self.boot = boots.Boot("insecure-12")
        self.boot.images()[0].digests = boots.authenticode(file)
        self.boot.write(self.tmp)
        self.install("EFI/BOOT/BOOTX64.EFI", file)
        self.select("[4, 7, 9, 11, 12]")
        self.ask(YES)
        self.put("Boot0001", boots.load_option(IMAGE, self.boot.volume(), data="init=/bin/sh\0".encode("utf-16-le")))
        self.ask(UNKNOWN, "hands other optional data to its image")


class Logs(Case):
    def test_logs_of_another_boot_than_the_one_that_was_opened(self):
        self.opened()
        other = self.boot.copy()
        event = next(e for e in other.events if e.pcr == 0 and e.kind != 3)
        event.of(b"other firmware")
        other.write(self.tmp)
        self.ask(NO, "whose PCRs 0,10 will be another")


class Files(Case):
    """What would hang, and names that aren't text."""

    def test_pipes_in_place_of_files(self):
        self.opened()
        dbx = boots.variable_path(self.tmp, "dbx", self.boot.variable("dbx").variable[0])
        for path in (dbx, self.path("booted/root.json"), self.path("esp/EFI/BOOT/BOOTX64.EFI")):
            with self.subTest(path):
                os.rename(path, self.path("away"))
                os.mkfifo(path)
                self.ask(UNKNOWN, "not a regular file|has no size")
                os.unlink(path)
                os.rename(self.path("away"), path)
        os.mkdir(self.path("policies"))
        os.mkfifo(self.path("policies/x.yaml"))
        self.ask(YES, "not a regular file", more=("--policies", self.path("policies")))


class Image(Case):
    def test_companions_where_it_will_be_installed(self):
        self.opened()
        elsewhere = self.write("new.efi", image())
        self.ask(YES, more=("--uki", elsewhere))
        for name in ("EFI/Linux/new.efi", "EFI/BOOT/BOOTX64.EFI"):
            with self.subTest(name):
                file = self.install(f"{name}.extra.d/a.cred", b"x")
                self.ask(UNKNOWN, "extra.d has files", more=("--uki", elsewhere))
                os.unlink(file)


class Loader(base.LoaderCase):
    def test_companions_of_a_counted_image(self):
        os.rename(self.path("esp/EFI/Linux/one.efi"), self.path("esp/EFI/Linux/one+2-1.efi"))
        self.ask(YES)
        self.install("EFI/Linux/one.efi.extra.d/x.cred", b"x")
        self.ask(UNKNOWN, "one.efi.extra.d has files")

    def test_names_that_are_no_text(self):
        folder = os.fsencode(self.path("esp/EFI/Linux/"))
        names = (b"a\x1b[2J\nvolume root: yes $(reboot);'.efi", b"\xff\xc2\x9b31m.efi", b"it's $(reboot).efi")
        for name in names:
            with self.subTest(name):
                with open(folder + name, "wb") as f:
                    f.write(self.changed)
                self.ask(NO)
                said = rig.run(self.argv(), check=NO).stdout
                self.assertNotRegex(said, rb"[^\n -~]|^volume root: yes")
                os.unlink(folder + name)
        self.assertIn(b"--uki '" + folder + b"it'\\''s $(reboot).efi' ", said)

    def test_drivers(self):
        self.install("EFI/systemd/drivers/ntfsx64.efi", image())
        self.ask(UNKNOWN, "EFI/systemd/drivers has drivers")

    def test_on_another_disk(self):
        boots.put_variable(self.tmp, "Boot0009", boots.load_option(LOADER, boots.partition(b"Z" * 16)))
        boots.put_variable(self.tmp, "BootNext", struct.pack("<H", 9))
        self.ask(UNKNOWN, "leads to another disk or partition")

    def test_several_profiles(self):
        several = image({".profile": b"ID=a\n"})
        self.install("EFI/Linux/one.efi", several)
        self.boot = boots.Boot().image(several, "/EFI/Linux/one.efi").loader(self.loader)
        self.boot.variable("Boot0001").set_variable(boots.load_option(LOADER))
        self.boot.write(self.tmp)
        self.opened()
        self.ask(UNKNOWN, "it has several profiles")
        self.set("LoaderEntryOneShot", "one.efi@1")
        self.ask(UNKNOWN, "LoaderEntryOneShot names no entry that is there, or several")

    def test_entries_that_are_not_there(self):
        for name in ("LoaderEntryDefault", "LoaderEntryOneShot"):
            for entry in ("auto-windows", "one", "@saved", "", "one+3.efi"):
                with self.subTest(name=name, entry=entry):
                    self.set(name, entry)
                    self.ask(UNKNOWN, f"{name} names no entry that is there, or several")
            os.unlink(boots.variable_path(self.tmp, name, boots.LOADER))
        self.ask(YES)

    def test_variables_that_are_not_known(self):
        self.set("LoaderEntryDefault", "one.efi")
        for name in ("LoaderEntryPreferred", "LoaderEntrySysFail", "LoaderSomethingNew"):
            with self.subTest(name):
                self.set(name, "two.efi")
                self.ask(UNKNOWN, f"systemd-boot's variable {name} may have it start another entry")
                os.unlink(boots.variable_path(self.tmp, name, boots.LOADER))
        self.ask(YES)

    def test_settings(self):
        for text, code in ((b"# timeout\ntimeout 3\nconsole-mode keep\n", YES), (b"default one.efi\r\n", YES), (b"\tdefault  o*\n", YES),
                           (b"default auto-windows\n", UNKNOWN), (b"default\n", UNKNOWN), (b"default @saved", UNKNOWN),
                           (b"preferred two.efi\n", UNKNOWN), (b"some-setting on\n", UNKNOWN), (b"default " + b"x" * 300, UNKNOWN)):
            with self.subTest(text):
                self.install("loader/loader.conf", text)
                self.ask(code)
        self.set("LoaderEntryDefault", "one.efi")
        self.install("loader/loader.conf", b"preferred two.efi\n")
        self.ask(UNKNOWN, "loader.conf: a setting that isn't known")


if __name__ == "__main__":
    unittest.main()
