#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""log show and tpm2_eventlog read the same events out of recorded logs, and come to the same PCRs in both banks."""
import json
import os
import re
import shutil

import host
import made_log
import rig

LOGS = os.path.join(host.DATA, "event_logs")


class Peer(host.TestCase):
    def setUp(self):
        super().setUp()
        self.assertTrue(shutil.which("tpm2_eventlog"), "there is no tpm2_eventlog: scripts/packages check")

    def peer(self, path):
        """Events as (PCR, type, digests), and replayed values by bank."""
        text = rig.run(["tpm2_eventlog", path]).stdout.decode(errors="replace")
        body, _, tail = text.partition("\npcrs:\n")
        events, banks, bank = [], {}, None
        for part in re.split(r"(?m)^- EventNum: ", body)[1:]:
            digests = dict(re.findall(r"AlgorithmId: (\S+)\n +Digest: \"([0-9a-f]+)\"", part))
            events.append((int(re.search(r"PCRIndex: (\d+)", part)[1]), re.search(r"EventType: (\S+)", part)[1], digests))
        for line in tail.splitlines():
            found = re.match(r"  (\w+):$", line)
            if found:
                bank = banks.setdefault(found[1], {})
            found = re.match(r"    (\d+) *: 0x([0-9a-fA-F]+)", line)
            if found:
                bank[found[1]] = found[2].lower()
        return events, banks

    def compare(self, path, banks):
        shown = json.loads(self.latchkey("log", "show", "--json", path).stdout)
        events, values = self.peer(path)
        self.assertEqual([(e["pcr"], e["type"], e["digests"]) for e in shown["firmware-log"]], events)
        for bank in banks:
            self.assertIn("0", values[bank])
            for pcr, value in values[bank].items():
                self.assertEqual(shown["banks"][bank]["pcrs"][pcr]["replayed"], value, (bank, pcr))
            untouched = [p for p, v in shown["banks"][bank]["pcrs"].items() if set(v["replayed"]) not in ({"0"}, {"f"})]
            self.assertEqual(sorted(values[bank]), sorted(untouched))

    def test_recorded_machines(self):
        for machine in sorted(os.listdir(LOGS)):
            with self.subTest(machine):
                self.compare(os.path.join(LOGS, machine, "firmware"), ("sha256", "sha384"))

    def test_four_banks_and_some_that_are_missing(self):
        log = made_log.Log("sha1", "sha256", "sha384", "sha512")
        log.event(0, made_log.VERSION, "1.0\0".encode("utf-16-le")).event(7, made_log.CONFIG, made_log.variable(made_log.GLOBAL, "SecureBoot", b"\1"))
        log.event(0, made_log.SEPARATOR, bytes(4)).event(4, made_log.EFI_ACTION, b"Exit Boot Services Invocation", banks=("sha1", "sha256"))
        self.compare(self.write("log", log.bytes), ("sha256", "sha384"))


if __name__ == "__main__":
    host.main()
