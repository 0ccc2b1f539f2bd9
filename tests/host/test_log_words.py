#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""log show says of each line whether its words are measured, and tells nothing of data that were changed."""
import hashlib
import json
import struct
import unicodedata

import host
import made_log
from made_log import (ACTION, AUTHORITY, BOOT, CONFIG, EFI_ACTION, GLOBAL, GPT, IMAGE, IMAGES, IPL, NO_ACTION, SEPARATOR, SHIM, TAG, VERSION,
                      Log, variable)

ON, OFF = variable(GLOBAL, "SecureBoot", b"\1"), variable(GLOBAL, "SecureBoot", b"\0")


class Words(host.TestCase):
    def run_show(self, log=None, *options, pcrs=None, ima=None, check=0):
        argv = list(options)
        if pcrs is not None:
            argv += ["--pcrs", self.write("pcrs.json", json.dumps(pcrs))]
        if ima is not None:
            argv += ["--ima-log", self.write("ima", ima)]
        if log is not None:
            argv += [self.write("log", log if isinstance(log, bytes) else log.bytes)]
        return self.latchkey("log", "show", *argv, check=check)

    def shown(self, log=None, **more):
        """The text, and the JSON read."""
        text = self.run_show(log, **more).stdout.decode()
        return text, json.loads(self.run_show(log, "--json", **more).stdout)

    def assertLine(self, log, words, pattern, number=2, **more):
        """The event's line has that mark, and these words; so has the JSON."""
        text, shown = self.shown(log, **more)
        self.assertRegex(text, rf"(?m)^ *{number} +\d+ +[0-9a-f]* +{words} +.*{pattern}")
        event = shown["firmware-log"][number - 1]
        self.assertEqual(event["words"], words.lower())
        self.assertRegex(event["text"], pattern)

    # What the digest covers, by type.

    def test_data_whose_digest_is_kept_are_not_told(self):
        """Each of these types measures its data, so another digest means that they were changed."""
        cases = ((7, CONFIG, ON, OFF), (7, AUTHORITY, variable(IMAGES, "db", b"o" * 48), variable(IMAGES, "db", b"p" * 48)),
                 (1, BOOT, variable(GLOBAL, "Boot0001", b"evil"), variable(GLOBAL, "Boot0001", b"good")),
                 (4, EFI_ACTION, b"evil", b"good"), (4, ACTION, b"evil", b"good"), (0, VERSION, b"evil", b"good"),
                 (5, GPT, b"EFI PART" + bytes(92), b"good"), (7, SEPARATOR, b"evil", bytes(4)),
                 (8, IPL, b"grub_cmd: evil\0", b"good"), (8, IPL, b"evil\0", b"good"), (12, IPL, b"kernel_cmdline: evil\0", b"good"))
        for pcr, kind, data, measured in cases:
            with self.subTest(kind=hex(kind), data=data[:40]):
                log = Log().event(pcr, kind, data, measured)
                self.assertLine(log, "ALTERED", r"NOT what was measured")
                text, shown = self.shown(log, pcrs=log.pcrs())
                self.assertNotIn("Secure Boot is", text)
                self.assertNotIn("evil", text)
                self.assertRegex(text, rf"PCR {pcr} +NOT explained: the digests give the value, and the data of event 2")
                self.assertEqual(shown["banks"]["sha256"]["pcrs"][str(pcr)]["result"], "altered")
                self.assertTrue(shown["banks"]["sha256"]["contradicted"])
                self.run_show(log, "--exit-code", pcrs=log.pcrs(), check=20)
                # The same with what was measured.
                good = Log().event(pcr, kind, measured)
                self.run_show(good, "--exit-code", pcrs=good.pcrs())

    def test_one_bank_that_differs_is_enough(self):
        """The other bank's digest was changed with the data, and its value isn't asked for."""
        for kept in ("sha256", "sha384"):
            other = {"sha256": "sha384", "sha384": "sha256"}[kept]
            log = Log().event(7, CONFIG, OFF)
            log.bytes = log.bytes.replace(hashlib.new(other, OFF).digest(), hashlib.new(other, ON).digest()).replace(OFF, ON)
            self.assertLine(log, "ALTERED", "NOT what was measured")
            self.run_show(log, "--exit-code", pcrs=log.pcrs(kept), check=20)

    def test_data_and_digests_that_were_changed_are_refuted_by_the_value(self):
        true = Log().event(7, CONFIG, OFF)
        forged = Log().event(7, CONFIG, ON)
        self.assertLine(forged, "unproven", "Secure Boot is on", pcrs=true.pcrs())
        self.run_show(forged, "--exit-code", pcrs=true.pcrs(), check=20)

    def test_an_event_that_the_compared_bank_lacks_proves_nothing(self):
        log = Log().event(7, CONFIG, OFF).event(7, CONFIG, ON, banks=("sha256",))
        self.assertLine(log, "unproven", "Secure Boot is on", number=3, pcrs=log.pcrs("sha384"))
        self.assertLine(log, "measured", "Secure Boot is on", number=3)

    def test_what_is_measured_in_another_form_is_told(self):
        stray = variable(SHIM, "Shim", b"x" * 20) + b"stray!"
        cases = ((4, EFI_ACTION, b"Calling\0", b"Calling", "measured", "Calling"), (0, VERSION, b"1.0\0\0", b"1.0", "measured", "1.0"),
                 (8, IPL, b"grub_cmd: set a=1\0", b"set a=1", "measured", "grub_cmd: set a=1"),
                 (8, IPL, b"grub_cmd set a=1\0", b"set a=1\0", "measured", "grub_cmd set a=1"),
                 (8, IPL, b"kernel_cmdline: quiet\0", b"quiet", "measured", "quiet"),
                 (7, AUTHORITY, stray, stray[:-1], "measured", "Shim.*6 bytes after it that mean nothing"),
                 (7, SEPARATOR, b"what went wrong", struct.pack("<I", 1), "measured", "the firmware had an error"),
                 (7, CONFIG, ON, b"\1", "value", 'the log calls "SecureBoot": 1$'),
                 (1, BOOT, variable(GLOBAL, "BootOrder", b"\2\0\1\0"), b"\2\0\1\0", "value", "boot order 0002 0001"),
                 (8, IPL, b"other_cmd: set a=1\0", b"set a=1", "value", "other_cmd: set a=1"),
                 (11, IPL, ".linux\0".encode("utf-16-le"), b".linux\0", "measured", 'name of section ".linux"'),
                 (11, IPL, ".l\u0169nux\0".encode("utf-16-le"), b".linux\0", "unmeasured", "section"),
                 (9, TAG, struct.pack("<II", 0x12345678, 3) + b"abc", b"abc", "value", "abc"),
                 (9, TAG, struct.pack("<II", 0x12345678, 3) + b"abc", struct.pack("<II", 0x12345678, 3) + b"abc", "measured", "abc"))
        for pcr, kind, data, measured, words, said in cases:
            with self.subTest(data=data[:40]):
                log = Log().event(pcr, kind, data, measured)
                self.assertLine(log, words, said.replace("$", ""), pcrs=log.pcrs())
                self.run_show(log, "--exit-code", pcrs=log.pcrs())

    def test_what_only_tells_of_something_measured_is_unmeasured(self):
        path = struct.pack("<HH", 0x0404, 8) + "x\0".encode("utf-16-le") + b"\x7f\xff\4\0"
        cases = ((4, IMAGE, bytes(24) + struct.pack("<Q", len(path)) + path, "boot image"), (9, IPL, b"/vmlinuz\0", "/vmlinuz"),
                 (14, IPL, b"MokList\0", "MokList"), (0, 1, b"ACPI DATA", "ACPI DATA"), (12, IPL, b"Credentials initrd\0", "called .Credentials"),
                 (9, TAG, struct.pack("<II", 0x8F3B22EC, 0), "initrd"))
        for pcr, kind, data, said in cases:
            with self.subTest(said=said):
                log = Log().event(pcr, kind, data, b"the thing itself")
                self.assertLine(log, "unmeasured", said, pcrs=log.pcrs())
                self.run_show(log, "--exit-code", pcrs=log.pcrs())
        self.assertLine(Log().event(0, NO_ACTION, b"StartupLocality\0\3"), "unmeasured", "locality 3")

    def test_a_name_of_another_owner_means_nothing(self):
        self.assertLine(Log().event(7, CONFIG, variable(b"v" * 16, "SecureBoot", b"\1")), "measured", 'variable "SecureBoot": 1 bytes')
        self.assertLine(Log().event(7, AUTHORITY, variable(b"v" * 16, "db", b"o" * 48)), "measured", r"it accepts no image")

    # What events are.

    def test_what_shim_sets_accepts_nothing(self):
        level = variable(SHIM, "SbatLevel", b"sbat,1,2023012900\nshim,2\n")
        self.assertLine(Log().event(7, AUTHORITY, level), "measured", 'revocation level "SbatLevel": "sbat,1,2023012900" .it accepts no image')
        for name in ("MokListTrusted", "MokSBState", "MokPolicy"):
            self.assertLine(Log().event(7, AUTHORITY, variable(SHIM, name, b"\1")), "measured", f'shim\'s setting "{name}": 1 .it accepts no image')
        for guid, name in ((SHIM, "Shim"), (SHIM, "MokList"), (IMAGES, "db")):
            self.assertLine(Log().event(7, AUTHORITY, variable(guid, name, b"x")), "measured", f'an image was accepted because of "{name}"')

    def test_versions_are_text_guid_or_bytes(self):
        cases = ((bytes(range(0x80, 0x90)), "version 83828180-8584-8786-8889-8a8b8c8d8e8f"), ("1.2\0".encode("utf-16-le"), 'version "1.2"'),
                 ("1.2".encode("utf-16-le"), 'version "1.2"'), ("\u7248\u672c1\0".encode("utf-16-le"), 'version "\u7248\u672c1"'),
                 (b"EDK II\0", 'version "EDK II"'), (bytes(range(0xE0, 0xF4)), "version e0e1e2.*f3"), (b"", 'version ""'))
        for data, said in cases:
            with self.subTest(data=data):
                self.assertLine(Log().event(0, VERSION, data), "measured", said)
        self.assertLine(Log().event(0, 1, struct.pack("<QQ", 0xFF130000, 0xA7F000), b"code"), "unmeasured",
                        "firmware code at 0xff130000, 11005952 bytes")

    def test_utf16_is_read_in_every_script_and_length(self):
        wide = "utf-16-le"
        cases = (("\u65e5\u672c\u8a9e quiet\0".encode(wide), "\u65e5\u672c\u8a9e quiet"), ("\u043f\u0443\u0442\u044c\0".encode(wide), "\u043f\u0443\u0442\u044c"),
                 ("\U0001f600 a\0".encode(wide), "\U0001f600 a"), ("quiet".encode(wide) + b"\0\0\0", "quiet"), ("quiet".encode(wide)[:-1], r"quie\\x74"),
                 ("quiet".encode(wide), "quiet"), ("/boot/\u0444\0".encode(), "/boot/\u0444"), (b"a\xd8\0\xd8b\0c\0d\0e\0", r"\\ud861\\ud800bcde"),
                 (b"quiet\0evil", r"quiet\\x00evil"))
        for data, said in cases:
            with self.subTest(data=data):
                self.assertLine(Log().event(12, IPL, data), "measured", f'command line "{said}"')

    def test_nothing_of_a_log_reaches_the_terminal_as_it_is(self):
        bad = "a\u202eb\u2066c\u200bd\ufeffe\x9bf\u2028g\u2029h\x85i\x1bj\u061ck\U000e0041l\u00adm\x7fn\u0600o\U00013430"
        option = struct.pack("<IH", 1, 4) + bad.encode("utf-16-le") + bytes(2) + b"\x7f\xff\4\0"
        path = struct.pack("<HH", 0x0404, 4 + 2 * len(bad) + 2) + (bad + "\0").encode("utf-16-le") + b"\x7f\xff\4\0"
        log = Log().event(8, IPL, b"grub_cmd: " + bad.encode()).event(12, IPL, bad.encode("utf-16-le") + bytes(2))
        log.event(4, EFI_ACTION, bad.encode() + b"\xff\xed\xa0\x80").event(0, VERSION, bad.encode("utf-16-le") + bytes(2))
        log.event(1, BOOT, variable(GLOBAL, "Boot0001", option)).event(7, CONFIG, variable(b"v" * 16, bad, b"x"))
        log.event(4, IMAGE, bytes(24) + struct.pack("<Q", len(path)) + path).event(0, NO_ACTION, bad.encode()[:16])
        log.event(3, 0xB, bad.encode()).event(0, 0x13, bytes([len(bad.encode())]) + bad.encode() + bytes(16))
        ima = made_log.entry(b"ima-ng", made_log.ima_ng(bad.encode())) + made_log.entry(bad.encode(), b"x")
        for options in ((), ("--json",)):
            done = self.run_show(log, *options, ima=ima).stdout.decode()
            for character in done:
                self.assertTrue(character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"), repr(character))
            self.assertIn(r"a\u202eb" if not options else r"a\\u202eb", done)

    def test_an_algorithms_name_in_an_ima_log_is_text_that_is_seen(self):
        for name in ("\u202e", "sha\u200b256", "\u2028", "\x1b"):
            data = made_log.field(name.encode() + b":\0" + b"d" * 32) + made_log.field(b"boot_aggregate\0")
            done = self.run_show(None, ima=made_log.entry(b"ima-ng", data), check=3)
            self.assertSaid(done, "ima: IMA log: entry 1 at offset 0: a digest without the name of its algorithm")
            self.assertNotIn(name, (done.stdout + done.stderr).decode())

    # Banks, padding and formats.

    def test_banks_are_told_apart(self):
        log = Log("sha1", "sha256", "sha384", "sha512").event(0, SEPARATOR, bytes(4)).event(7, CONFIG, ON, banks=("sha1", "sha256"))
        text, shown = self.shown(log, pcrs=log.pcrs("sha256", "sha384"))
        self.assertRegex(text, r"(?m)^ *3 +7 .*Secure Boot is on, without a digest of sha384, sha512 ")
        self.assertIn("bank sha384 is incomplete: 1 event has no digest of it, the first 3, of PCR 7", text)
        self.assertRegex(text, r"bank sha256\nPCR 0 +explained.*\nPCR 7 +explained")
        self.assertEqual(shown["banks"]["sha384"]["pcrs"]["7"]["events-without-digest"], 1)
        # The firmware extended nothing there, as the value says; then one that says otherwise.
        self.run_show(log, "--exit-code", pcrs=log.pcrs("sha256", "sha384"))
        values = log.pcrs("sha256", "sha384")
        values["sha384"]["7"] = hashlib.sha384(bytes(48) + hashlib.sha384(ON).digest()).hexdigest()
        done = self.run_show(log, "--exit-code", pcrs=values, check=20)
        self.assertSaid(done, "PCR 7 +NOT explained, and events of it have no digest of this bank")
        self.assertSaid(done, r"bank sha256\n(PCR \d+ +explained.*\n)+")

    def test_padding_ends_a_log(self):
        log = Log().event(0, SEPARATOR, bytes(4))
        for padding in (b"\0" * 3, b"\0" * 4000, b"\xff", b"\xff" * 4000):
            text, shown = self.shown(log.bytes + padding, pcrs=log.pcrs())
            self.assertIn(f"then {len(padding)} bytes of padding (0x{padding[0]:02x})", text)
            self.assertEqual((shown["firmware-log-format"]["padding"], len(shown["firmware-log"])), (len(padding), 2))
            self.run_show(log.bytes + padding, "--exit-code", pcrs=log.pcrs())
        self.run_show(log.bytes + b"\0\0\xff\xff", check=3)
        # Bytes that look like padding nearly to the end cost no more than others.
        self.run_show(log.bytes + bytes(1 << 20) + b"x" * 3, "--json", check=3)

    def test_a_confidential_machines_log_is_no_tpms(self):
        log = Log("sha384", index=1).event(1, 0x8000000B, b"\x08TdxTable" + bytes(8), b"tables").event(2, EFI_ACTION, b"Exit")
        other = Log("sha384").event(1, 12, b"td_payload\0", b"payload")
        for each in (log, other):
            text, shown = self.shown(each.bytes + b"\xff" * 100, pcrs=each.pcrs())
            self.assertIn("no TPM's log", text)
            self.assertNotIn("PCR 1 ", text)
            self.assertEqual(shown["firmware-log-format"]["kind"], "ccel")
            self.assertIn("RTMR 0  sha384 " + each.values["sha384"][1].hex(), text)
            self.run_show(each, "--exit-code", pcrs=each.pcrs(), check=20)

    def test_the_format_before_tpm_2_is_shown_and_explains_nothing(self):
        first = b"Spec ID Event02\0" + bytes([0, 0, 0, 0, 2, 1, 0, 2, 0])
        old = made_log.old_log((0, NO_ACTION, first), (7, CONFIG, ON), (4, SEPARATOR, bytes(4)))
        text, shown = self.shown(old)
        self.assertIn("in the format before TPM 2.0", text)
        self.assertRegex(text, r'"Spec ID Event02", specification 1.2 errata 0, a client, 64 bits')
        self.assertRegex(text, r"(?m)^ *2 +7 +[0-9a-f]+ +measured +Secure Boot is on")
        self.assertEqual(shown["firmware-log-format"]["kind"], "tpm-1.2")
        self.assertEqual(shown["firmware-log"][1]["digests"], {"sha1": hashlib.sha1(ON).hexdigest()})
        forged = old.replace(ON, OFF)
        self.assertLine(forged, "ALTERED", "NOT what was measured")
        done = self.run_show(old, "--exit-code", pcrs=Log("sha256").pcrs(), check=20)
        self.assertNotIn(b"bank sha256\n", done.stdout)

    def test_hardware_that_measures_first_begins_at_locality_4(self):
        log = Log("sha256").event(0, 0x80000010, b"HCRTM", b"first code").event(0, SEPARATOR, bytes(4))
        value = bytes(31) + b"\4"
        for part in (b"first code", bytes(4)):
            value = hashlib.sha256(value + hashlib.sha256(part).digest()).digest()
        values = log.pcrs()
        self.run_show(log, "--exit-code", pcrs=values)
        values["sha256"]["0"] = value.hex()
        self.run_show(log, "--exit-code", pcrs=values)
        values["sha256"]["0"] = "ab" * 32
        self.run_show(log, "--exit-code", pcrs=values, check=20)
        self.assertEqual(self.shown(log)[1]["banks"]["sha256"]["pcrs"]["0"]["replayed"], value.hex())

    def test_a_startup_locality_holds_wherever_it_stands(self):
        value = bytes(31) + b"\3"
        for part in (b"1.0", bytes(4)):
            value = hashlib.sha256(value + hashlib.sha256(part).digest()).digest()
        locality = (0, NO_ACTION, b"StartupLocality\0\3")
        version, separator = (0, VERSION, b"1.0"), (0, SEPARATOR, bytes(4))
        for order in ((locality, version, separator), (version, locality, separator), (version, separator, locality)):
            log = Log("sha256")
            for event in order:
                log.event(*event)
            log.event(7, SEPARATOR, bytes(4))
            values = log.pcrs()
            values["sha256"]["0"] = value.hex()
            text, _ = self.shown(log, pcrs=values)
            self.assertRegex(text, "PCR 0 +explained(.|\n)*PCR 7 +explained")
            self.run_show(log, "--exit-code", pcrs=values)

    def test_json_holds_an_event_of_any_size(self):
        for size in (2048, 2049, 70000, 1 << 20):
            data = bytes(range(256)) * (size // 256 + 1)
            shown = json.loads(self.run_show(Log().event(9, IPL, data[:size], b"x"), "--json").stdout)
            self.assertEqual(shown["firmware-log"][1]["data"], data[:size].hex())
        dbx = variable(IMAGES, "dbx", struct.pack("<16sIII", bytes.fromhex("2616c4c14c509240aca941f936934328"), 28 + 48 * 1500, 0, 48) + bytes(48 * 1500))
        text, shown = self.shown(Log().event(7, CONFIG, dbx))
        self.assertIn('variable "dbx": 0 certificates, 1500 hashes', text)

    # The kernel's log.

    def ima_pcrs(self, bank, *digests):
        values = {b: {str(n): "00" * made_log.ALGS[b][1] for n in range(17)} for b in (bank,)}
        values[bank]["10"] = made_log.extend(bank, *digests).hex()
        return values

    def test_the_kernels_log_is_shown_by_itself(self):
        data = [made_log.ima_ng(b"boot_aggregate", b"".join(bytes(32) for _ in range(10))), made_log.ima_ng(b"/bin/true")]
        ima = b"".join(made_log.entry(b"ima-ng", d) for d in data)
        values = self.ima_pcrs("sha256", *(hashlib.sha256(d).digest() for d in data))
        text, shown = self.shown(ima=ima, pcrs=values)
        self.assertRegex(text, r'2  10  [0-9a-f]+  measured +file "/bin/true"')
        self.assertRegex(text, "PCR 10 +explained")
        self.assertIn("boot_aggregate is that of the PCRs", text)
        self.assertNotIn("firmware-log", shown)
        self.run_show(None, "--exit-code", ima=ima, pcrs=values)
        values["sha256"]["10"] = "ab" * 32
        self.run_show(None, "--exit-code", ima=ima, pcrs=values, check=20)
        self.assertSaid(self.run_show(None, "--exit-code", ima=ima, check=2), "needs --pcrs")
        self.assertRegex(self.run_show(None, ima=ima).stdout.decode(), "no PCR values")

    def test_a_padded_sha1_is_held_against_its_data(self):
        data = [made_log.ima_ng(b"/bin/true"), made_log.ima_ng(b"/usr/bin/evil")]
        for bank in ("sha256", "sha384"):
            values = self.ima_pcrs(bank, *(hashlib.sha1(d).digest().ljust(made_log.ALGS[bank][1], b"\0") for d in data))
            ima = b"".join(made_log.entry(b"ima-ng", d) for d in data)
            text, _ = self.shown(ima=ima, pcrs=values)
            self.assertRegex(text, "PCR 10 +explained")
            self.run_show(None, "--exit-code", ima=ima, pcrs=values)
            forged = ima.replace(b"evil", b"good")
            text, shown = self.shown(ima=forged, pcrs=values)
            self.assertRegex(text, r"(?m)^ *2  10 .* ALTERED .*SHA-1 in the log is NOT")
            self.assertRegex(text, r"(?m)^ *1  10 .* measured ")
            self.assertRegex(text, "PCR 10 +NOT explained: .* entry 2 ")
            self.assertEqual([e["words"] for e in shown["ima-log"]], ["measured", "altered"])
            self.run_show(None, "--exit-code", ima=forged, pcrs=values, check=20)

    def test_a_sha1_that_nothing_rests_on_is_noted(self):
        data = made_log.ima_ng(b"/bin/true")
        ima = made_log.entry(b"ima-ng", data, sha1=b"x" * 20)
        values = self.ima_pcrs("sha256", hashlib.sha256(data).digest())
        text, shown = self.shown(ima=ima, pcrs=values)
        self.assertRegex(text, "measured +file .*SHA-1 in the log is NOT")
        self.assertFalse(shown["ima-log"][0]["sha1-right"])
        self.run_show(None, "--exit-code", ima=ima, pcrs=values)
        self.assertEqual(self.shown(ima=ima)[1]["ima-log"][0]["words"], "altered")

    def test_the_name_of_a_violation_is_unmeasured(self):
        ima = made_log.entry(b"ima-ng", made_log.ima_ng(b"/bin/any"), sha1=bytes(20))
        values = self.ima_pcrs("sha256", b"\xff" * 32)
        self.assertRegex(self.shown(ima=ima, pcrs=values)[0], "unmeasured +violation")
        self.run_show(None, "--exit-code", ima=ima, pcrs=values)

    def test_every_template_is_told(self):
        digest, name = made_log.field(b"sha256:\0" + b"d" * 32), made_log.field(b"/bin/x\0")
        v2 = made_log.field(b"ima:sha256:\0" + b"d" * 32)
        cases = ((b"ima-ng", digest + name), (b"ima-sig", digest + name + made_log.field(b"s")), (b"ima-buf", digest + name + made_log.field(b"b")),
                 (b"ima-modsig", digest + name + made_log.field(b"s") * 3), (b"ima-ngv2", v2 + name), (b"ima-sigv2", v2 + name + made_log.field(b"s")),
                 (b"evm-sig", digest + name + made_log.field(b"s") * 7))
        for template, data in cases:
            with self.subTest(template):
                shown = self.shown(ima=made_log.entry(template, data))[1]["ima-log"][0]
                self.assertIn('"/bin/x"', shown["text"])
                self.assertEqual((shown["words"], shown["template"]), ("measured", template.decode()))
                changed = self.shown(ima=made_log.entry(template, data).replace(b"/bin/x", b"/bin/y"))[1]["ima-log"][0]
                self.assertEqual(changed["words"], "altered")


if __name__ == "__main__":
    host.main()
