#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""log show tells recorded logs in words and as JSON, and says which PCRs they explain."""
import json
import os
import subprocess

import host

LOGS = os.path.join(host.DATA, "event_logs")
MACHINES = sorted(os.listdir(LOGS))


def of(machine, name):
    return os.path.join(LOGS, machine, name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Log(host.TestCase):
    def show(self, machine, *options, check=0, **files):
        """@files in place of a machine's own."""
        paths = {name: files.get(name, of(machine, name + (".json" if name == "pcrs" else "")))
                 for name in ("firmware", "ima", "pcrs")}
        return self.latchkey("log", "show", "--ima-log", paths["ima"], "--pcrs", paths["pcrs"],
                             *options, paths["firmware"], check=check)

    def values(self, machine, bank, pcr, value):
        """A machine's PCR values with one changed."""
        values = json.loads(read(of(machine, "pcrs.json")))
        values[bank][str(pcr)] = value
        return self.write("pcrs.json", json.dumps(values))

    def test_every_recorded_machine_is_explained(self):
        for machine in MACHINES:
            with self.subTest(machine):
                text = self.show(machine, "--exit-code").stdout.decode()
                self.assertNotIn("NOT", text)
                for bank in ("sha256", "sha384"):
                    self.assertRegex(text, rf"bank {bank}\nPCR 0 +explained")

    def test_json_says_the_same(self):
        for machine in MACHINES:
            with self.subTest(machine):
                shown = json.loads(self.show(machine, "--json").stdout)
                values = json.loads(read(of(machine, "pcrs.json")))
                self.assertEqual([e["number"] for e in shown["firmware-log"]],
                                 list(range(1, len(shown["firmware-log"]) + 1)))
                for bank, of_bank in shown["banks"].items():
                    self.assertFalse(of_bank["contradicted"])
                    for pcr, said in of_bank["pcrs"].items():
                        self.assertEqual(said["replayed"], values[bank][pcr])
                        self.assertIn(said["result"], ("explained", "untouched"))

    def test_a_pipe_is_read_and_one_that_nobody_writes_is_refused(self):
        firmware, pipe = read(of("kernel-12", "firmware")), self.path("pipe")
        os.mkfifo(pipe)
        writer = subprocess.Popen(["sh", "-c", 'sleep 1; cat "$1" >"$2"', "sh", of("kernel-12", "firmware"), pipe])
        self.assertTrue(firmware and self.latchkey("log", "show", pipe).stdout)
        self.assertEqual(writer.wait(), 0)
        self.assertIn("nobody writes", self.latchkey("log", "show", pipe, check=3).stderr.decode())

    def test_a_wrong_value_is_told_with_both(self):
        wrong = self.values("uki-13", "sha384", 4, "ab" * 48)
        text = self.show("uki-13", pcrs=wrong).stdout.decode()
        self.assertRegex(text, r"PCR 4 +NOT explained: the log gives [0-9a-f]{96}, the TPM has (ab){48}")
        self.show("uki-13", "--exit-code", check=20, pcrs=wrong)
        shown = json.loads(self.show("uki-13", "--json", "--exit-code", check=20, pcrs=wrong).stdout)
        self.assertEqual(shown["banks"]["sha384"]["pcrs"]["4"]["result"], "not-explained")
        self.assertTrue(shown["banks"]["sha384"]["contradicted"])
        self.assertFalse(shown["banks"]["sha256"]["contradicted"])

    def test_what_is_measured_elsewhere_contradicts_nothing(self):
        latch = self.values("uki-13", "sha256", 15, "ab" * 32)
        text = self.show("uki-13", "--exit-code", pcrs=latch).stdout.decode()
        self.assertRegex(text, "PCR 15 +extended, and these logs have no event of it")
        done = self.latchkey("log", "show", "--exit-code", "--pcrs", of("uki-13", "pcrs.json"),
                             of("uki-13", "firmware"))
        self.assertSaid(done, r"PCR 10 .*\(--ima-log\)")

    def test_a_wrong_boot_aggregate_is_told(self):
        done = self.show("uki-13", "--exit-code", check=20, firmware=of("uki-12", "firmware"))
        self.assertSaid(done, "boot_aggregate is NOT that of the firmware log")

    def test_a_log_alone_is_told_without_values(self):
        done = self.latchkey("log", "show", of("kernel-13", "firmware"))
        self.assertSaid(done, r"Secure Boot is off(.|\n)*no PCR values to compare with")

    def test_an_exit_code_without_values_to_compare_with(self):
        done = self.latchkey("log", "show", "--exit-code", of("kernel-13", "firmware"), check=2)
        self.assertSaid(done, "--exit-code .*needs --pcrs")

    def test_a_log_is_shown_up_to_what_cannot_be_read_which_is_named(self):
        firmware, ima = read(of("uki-13", "firmware")), read(of("uki-13", "ima"))
        at = 69 + 12 + 34  # the second digest of the second event
        cases = (("firmware", firmware[:-1], "bad: event 38 at offset .*: the log ends in it", 37, 1),
                 ("firmware", b"", "bad: .*no event log", 0, 1),
                 ("firmware", bytes(64), "bad: .*no event log", 0, 1),
                 ("firmware", firmware.replace(b"Event03", b"Event02"), "bad: event 2 at offset 69: the log ends in it", 1, 1),
                 ("firmware", firmware[:at] + b"\x34\x12" + firmware[at + 2:], "bad: event 2 at offset 69: .* 0x1234", 1, 1),
                 ("ima", ima[:-1], "bad: IMA log: entry 1 at offset 0: the log ends in it", 38, 0),
                 ("ima", ima + b"junk", "bad: IMA log: entry 2 at offset .*: the log ends in it", 38, 1),
                 ("ima", b"10 1d8d ima-ng sha256:00 x\n", "bad: .*binary_runtime_measurements", 38, 0))
        for name, content, said, events, entries in cases:
            with self.subTest(name=name, said=said):
                bad = {name: self.write("bad", content)}
                done = self.show("uki-13", check=3, **bad)
                self.assertRegex(done.stderr.decode(), said)
                self.assertRegex(done.stdout.decode(), said)
                shown = json.loads(self.show("uki-13", "--json", check=3, **bad).stdout)
                self.assertEqual((len(shown["firmware-log"]), len(shown["ima-log"])), (events, entries))
                self.assertRegex(shown[("ima" if name == "ima" else "firmware") + "-log-error"]["message"], said)

    def test_a_log_that_is_too_large_is_refused(self):
        done = self.show("uki-13", check=3, firmware=self.write("bad", bytes(16 << 20) + b"x"))
        self.assertSaid(done, "bad: .*at most")
        self.assertEqual(done.stdout, b"")

    def test_a_missing_event_is_not_made_up_for(self):
        """Cut between events, as none can tell: the values do."""
        firmware = read(of("uki-13", "firmware"))
        at = firmware.rindex(b"\x05\0\0\0\x07\0\0\x80")
        done = self.show("uki-13", "--exit-code", check=20, firmware=self.write("cut", firmware[:at]))
        self.assertSaid(done, "PCR 5 +NOT explained")

    def test_values_without_either_bank_are_refused(self):
        self.assertSaid(self.show("uki-13", check=3, pcrs=self.write("pcrs", '{"sha1": {}}')),
                        "pcrs.*sha256 or sha384")

    def test_a_missing_file_is_named(self):
        for name in ("firmware", "ima", "pcrs"):
            self.assertSaid(self.show("uki-13", check=3, **{name: self.path("none")}), "none")

    def test_without_a_log_it_is_the_device_that_is_shown(self):
        if os.path.exists("/sys/class/tpm/tpm0"):
            self.skipTest("this machine has a TPM")
        self.assertSaid(self.latchkey("log", "show", check=4), "/sys/class/tpm/tpm0")


if __name__ == "__main__":
    host.main()
