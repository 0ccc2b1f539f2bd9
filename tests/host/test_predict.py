#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""policy predict against a second implementation, from recorded logs; tests/boot holds it against machines."""
import hashlib
import json
import os
import struct

import boots
import host
import uki

LOGS = os.path.join(host.DATA, "event_logs")
BANKS = ("sha256", "sha384")
INITRD, LOAD_OPTIONS = 0x8f3b22ec, 0x8f3b22ed


# As tests/boot/record_logs.py has them.
CMDLINE = "console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0 cryptomgr.notests"
OLDEST = f"{CMDLINE} ima_template=ima ima_hash=sha1 logs.measure"
DB = ("--db", os.path.join(host.DATA, "signature_lists"))
# PCR 10 of the oldest one has no boot_aggregate: its template wants SHA-1, of which this TPM has no PCRs.
# A recorded machine, the change, the same machine recorded after it, and the PCRs that the change is in.
CHANGED = (
    ("uki-12", DB, "uki-12-db", (7, 10)),
    ("uki-13", DB, "uki-13-db", (7, 10)),
    ("measuring-13", DB, "measuring-13-db", (7, 10)),
    ("loader-13", DB, "loader-13-db", (7, 10)),
    ("loader-13", ("--secure-boot", "off"), "loader-13-off", (7, 10)),
    ("kernel-12", ("--cmdline", f"{CMDLINE} another=1 initrd=initrd"), "kernel-12-cmdline", (9, 10)),
    ("kernel-13", ("--cmdline", f"{CMDLINE} another=1 initrd=initrd"), "kernel-13-cmdline", (9, 10)),
    ("loader-13", ("--cmdline", f"initrd=\\initrd {CMDLINE} another=1"), "loader-13-cmdline", (9, 10, 12)),
    ("oldest-12", ("--cmdline", f"{OLDEST} another=1 initrd=initrd", "--ima-unchanged"), "oldest-12-cmdline", (9,)),
)


def of(machine, name):
    return os.path.join(LOGS, machine, name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Predict(host.TestCase):
    def predict(self, machine, *options, check=0):
        return self.latchkey("policy", "predict", "--log", of(machine, "firmware"), "--ima-log", of(machine, "ima"),
                             "--pcrs", of(machine, "pcrs.json"), "-o", self.path("then.json"), "--force", *options, check=check)

    def then(self):
        return json.loads(self.read("then.json"))

    def events(self, machine):
        shown = json.loads(self.latchkey("log", "show", "--json", of(machine, "firmware")).stdout)
        return shown["firmware-log"]

    def replay(self, machine, bank, changes):
        """Digests by event number; None takes the event out."""
        size = hashlib.new(bank).digest_size
        pcrs = [bytes(size) for _ in range(24)]
        for event in self.events(machine):
            digest = changes.get(event["number"], bytes.fromhex(event["digests"].get(bank, "")))
            if event["extended"] and digest:
                pcrs[event["pcr"]] = uki.extend(pcrs[event["pcr"]], digest, bank)
        return pcrs

    def aggregate(self, pcrs, own):
        """PCR 10 of both banks, by the one entry of an IMA log: template ima-sig, in SHA-256; own: not SHA-1 with zeros."""
        digest = b"sha256:\0" + hashlib.sha256(b"".join(pcrs["sha256"][:10])).digest()
        data = struct.pack("<I", len(digest)) + digest + struct.pack("<I", 15) + b"boot_aggregate\0" + bytes(4)
        return {bank: uki.extend(bytes(hashlib.new(bank).digest_size),
                                 hashlib.new(bank, data).digest() if own or bank == "sha256" else hashlib.sha1(data).digest() + bytes(28),
                                 bank) for bank in BANKS}

    def test_recorded_machines_become_what_is_predicted(self):
        for before, change, after, pcrs in CHANGED:
            with self.subTest(after):
                self.predict(before, *change)
                now, then = (json.loads(read(of(machine, "pcrs.json"))) for machine in (before, after))
                for bank in BANKS:
                    self.assertEqual(self.then()[bank], {str(i): then[bank][str(i)] for i in range(16)})
                    self.assertEqual(tuple(i for i in range(16) if now[bank][str(i)] != then[bank][str(i)]), pcrs)

    def test_a_unified_kernel_image(self):
        image = uki.signed_by(read(of("uki-13", "firmware")))
        signatures = image[image.index(b"signature of "):]
        self.predict("uki-13", "--uki", self.write("new.efi", image))
        pcrs = {}
        for bank in BANKS:
            changes = {}
            for event in self.events("uki-13"):
                tag = struct.unpack_from("<I", bytes.fromhex(event["data"]).ljust(4, b"\0"))[0]
                if event["type"] == "EV_EFI_BOOT_SERVICES_APPLICATION":
                    changes[event["number"]] = uki.authenticode(image, signatures, bank)
                elif event["pcr"] == 11:
                    changes[event["number"]] = None
                elif event["type"] == "EV_EVENT_TAG" and tag == INITRD:
                    changes[event["number"]] = hashlib.new(bank, uki.initrd()).digest()
                elif event["type"] == "EV_EVENT_TAG" and tag == LOAD_OPTIONS:
                    changes[event["number"]] = hashlib.new(bank, (uki.CMDLINE + b"\0").decode().encode("utf-16-le")).digest()
            pcrs[bank] = self.replay("uki-13", bank, changes)
            pcrs[bank][11] = uki.pcr11(bank)
        tenth = self.aggregate(pcrs, own=True)
        for bank in BANKS:
            pcrs[bank][10] = tenth[bank]
            self.assertEqual(self.then()[bank], {str(i): pcrs[bank][i].hex() for i in range(16)})

    def test_a_command_line_where_the_kernel_extends_sha_1_with_zeros(self):
        self.predict("kernel-12", "--cmdline", "quiet another")
        pcrs = {}
        for bank in BANKS:
            digest = hashlib.new(bank, "quiet another\0".encode("utf-16-le")).digest()
            changes = {e["number"]: digest for e in self.events("kernel-12")
                       if e["type"] == "EV_EVENT_TAG" and e["data"].startswith(LOAD_OPTIONS.to_bytes(4, "little").hex())}
            self.assertEqual(len(changes), 1)
            pcrs[bank] = self.replay("kernel-12", bank, changes)
        tenth = self.aggregate(pcrs, own=False)
        for bank in BANKS:
            pcrs[bank][10] = tenth[bank]
            self.assertEqual(self.then()[bank], {str(i): pcrs[bank][i].hex() for i in range(16)})

    def test_what_is_written_can_be_signed(self):
        keys = self.keys()
        self.predict("loader-13", "--initrd", self.write("initrd", b"another"))
        self.latchkey("policy", "sign", "--policy", self.policy(keys=keys), "--key", keys + "/policy-key.pem", "--version", "1",
                      "--pcr-values", self.path("then.json"), "-o", self.path("signed.yaml"))

    def test_what_is_replaced_is_told(self):
        done = self.predict("uki-13", "--uki", self.write("new.efi", uki.signed_by(read(of("uki-13", "firmware")))))
        for said in (r'PCR 4 +event 24, boot image "\\EFI\\BOOT\\BOOTX64.EFI": becomes [0-9a-f]{16}\n', r"PCR 11 +event 26, .*: is gone\n",
                     r"PCR 11 +new: \.cmdline: [0-9a-f]{16}\n", r"PCR 9 +event \d+, initrd, as the kernel loaded it: becomes",
                     "bank sha384: PCRs that change: 4,9,10,11\n", "bank sha384: PCR 10 is right if the new kernel"):
            self.assertSaid(done, said)
        done = self.predict("loader-13", "--initrd", self.write("initrd", b"x"))
        self.assertNotIn(b"is right if", done.stdout)

    def test_to_standard_output_goes_the_prediction_alone(self):
        done = self.latchkey("policy", "predict", "--log", of("kernel-13", "firmware"), "--pcrs", of("kernel-13", "pcrs.json"),
                             "--cmdline", "quiet", "-o", "-")
        then = json.loads(done.stdout)
        self.assertNotIn("10", then["sha256"])
        self.assertIn(b"left out, since something extends them that isn't in these logs: 10 (10: the IMA log would say it, --ima-log)", done.stderr)

    def test_the_same_image_changes_nothing(self):
        """An event that is measured anew as it was is none to tell."""
        before = boots.Boot("uki-13")
        file = uki.signed_by(before.recorded)
        before.image(file).write(self.tmp)
        done = self.latchkey("policy", "predict", "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs",
                             self.path("pcrs.json"), "--uki", self.write("same.efi", file), "-o", self.path("then.json"))
        self.assertNotIn(b" is gone", done.stdout)
        self.assertNotIn(b"new: ", done.stdout)
        self.assertIn(b"bank sha256: PCRs that change: none", done.stdout)
        done = self.latchkey("policy", "predict", "--log", self.path("firmware"), "--ima-log", self.path("ima"), "--pcrs",
                             self.path("pcrs.json"), "--uki", self.write("next.efi", uki.signed_by(before.recorded, {".cmdline": b"x"})),
                             "-o", self.path("then.json"), "--force")
        self.assertEqual(done.stdout.count(b"PCR 11  new: "), 1, done.stdout)
        self.assertIn(b"PCR 11  new: .cmdline: ", done.stdout)

    def test_a_log_that_is_bad_is_named(self):
        cut = self.write("cut", read(of("uki-13", "firmware"))[:-1])
        self.assertSaid(self.predict("uki-13", "--firmware-log", cut, check=3), f"{cut}: .*event")
        done = self.latchkey("policy", "predict", "--log", of("uki-13", "firmware"), "--ima-log", of("loader-13", "ima"), "--pcrs",
                             of("uki-13", "pcrs.json"), *DB, "-o", self.path("then.json"), check=5)
        self.assertSaid(done, f'{of("loader-13", "ima")}: the log doesn.t explain what PCR 10')

    def test_a_new_firmware(self):
        self.predict("uki-12", "--firmware-log", of("insecure-12", "firmware"))
        other = json.loads(read(of("insecure-12", "pcrs.json")))
        for bank in BANKS:
            self.assertEqual(self.then()[bank]["0"], other[bank]["0"])

    def test_what_cannot_be_known_is_refused(self):
        unsigned = self.write("unsigned.efi", uki.unified())
        cases = ((13, "isn't signed", ("uki-13", "--uki", unsigned)),
                 (13, "no unified kernel image", ("kernel-13", "--uki", unsigned)),
                 (13, "--uki", ("uki-13", "--cmdline", "quiet")),
                 (13, "as GRUB does", ("grub-12", "--cmdline", "quiet")),
                 (13, "as GRUB does", ("grub-13", "--kernel", unsigned)),
                 (13, "as GRUB does", ("grub-13", "--initrd", unsigned)),
                 (13, "as GRUB does", ("grub-13", "--uki", unsigned)),
                 (13, "what shim and GRUB measure", ("grub-13", "--secure-boot", "off")),
                 # It would have been right here (grub-13-db); another certificate would change more.
                 (13, "shim looks for what accepts an image in db", ("grub-13", *DB)),
                 (13, "the emulator", ("kernel-13", "--initrd", unsigned)),
                 (13, "the emulator", ("kernel-12", "--kernel", unsigned)),
                 (13, "IMA has measured files", ("violation-13", "--cmdline", "quiet")),
                 (13, "tells IMA", ("kernel-13", "--cmdline", "ima_policy=tcb")),
                 (13, "name the image with --uki", ("uki-13", "--secure-boot", "off")),
                 (13, "off in the log already", ("kernel-13", "--secure-boot", "off")),
                 (13, "systemd-stub 258", ("uki-13", "--uki", self.write("258.efi", uki.unified().replace(b"stub 257", b"stub 258")))),
                 (3, "no PE image", ("uki-13", "--uki", self.write("text", b"text"))),
                 (3, r"no section \.linux", ("uki-13", "--uki", self.write("pe", uki.image({".text": b"x"})))),
                 (3, "no EFI signature lists", ("uki-13", "--db", self.path("text"))),
                 (3, "no-such-file", ("uki-13", "--uki", self.path("no-such-file"))),
                 (3, "old format|no event log", ("uki-13", "--firmware-log", self.path("text"))))
        for code, said, (machine, *options) in cases:
            with self.subTest(said=said):
                self.assertSaid(self.predict(machine, *options, check=code), said)
                self.assertNotMade("then.json")

    def test_a_log_that_does_not_explain_the_values_is_refused(self):
        done = self.latchkey("policy", "predict", "--log", of("uki-12", "firmware"), "--pcrs", of("uki-13", "pcrs.json"),
                             "--firmware-log", of("uki-12", "firmware"), "-o", self.path("then.json"), check=5)
        self.assertSaid(done, "doesn't explain what PCR 4,9,11 of bank sha256")
        self.assertNotMade("then.json")

    def test_wrong_command_lines(self):
        for options in ((), ("--uki", "a", "--kernel", "b"), ("--secure-boot", "on"), ("--db", "a", "--secure-boot", "off"),
                        ("--ima-unchanged",)):
            with self.subTest(options):
                self.assertSaid(self.predict("uki-13", *options, check=2), "--help")
        done = self.predict("uki-13", "--db", "a", "--secure-boot", "off", check=2)
        self.assertSaid(done, "can't be predicted both at once: make one of these changes, boot, and predict the other")

    def test_an_output_is_not_replaced(self):
        self.write("there.json", "x")
        self.latchkey("policy", "predict", "--log", of("kernel-13", "firmware"), "--pcrs", of("kernel-13", "pcrs.json"),
                      "--cmdline", "quiet", "-o", self.path("there.json"), check=13)
        self.assertEqual(self.read("there.json"), b"x")


if __name__ == "__main__":
    host.main()
