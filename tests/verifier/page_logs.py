#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Logs in words with those of the last trusted boot beside them, and what differs between two boots."""
import json
import re
import unittest

import attesting


def rows(text):
    """Cells of each table row, without markup."""
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in re.findall(r"<tr>(.*?)</tr>", text)]


class Logs(attesting.TestCase):
    """A device with a boot that was trusted, and one with another image, another db and other programs."""

    def setUp(self):
        super().setUp()
        self.device = self.learned("gate")
        self.verifier.start()
        for name, content in ((b"/usr/bin/kept", b"1"), (b"/usr/bin/other", b"1"), (b"/usr/bin/gone", b"1")):
            self.device.measure(name, content)
        self.assertEqual(self.verifier.attest(self.device)[2]["verdict"], "trusted")
        self.device.boot(attesting.firmware(image=b"image 2", databases=b"another certificate"))
        for name, content in ((b"/usr/bin/other", b"2"), (b"/usr/bin/kept", b"1"), (b"/usr/bin/new", b"1")):
            self.device.measure(name, content)
        self.assertEqual(self.verifier.attest(self.device)[2]["verdict"], "untrusted")

    def page(self, what):
        status, _, text = self.verifier.page(f"/devices/{self.device.id}/{what}")
        self.assertEqual(status, 200, what)
        return text

    def boots(self):
        """Times of its boots, the newest first."""
        return [int(n) for n in re.findall(r"/boots/(\d+)/firmware", self.verifier.page(f"/devices/{self.device.id}")[2])]

    def test_each_event_has_that_of_the_last_trusted_boot_beside_it(self):
        log = json.loads(self.page("firmware.json"))
        self.assertEqual({e["beside"] for e in log["events"] if e["type"] != "EV_NO_ACTION"}, {"same", "changed"})
        self.assertEqual([(e["pcr"], e["type"]) for e in log["events"] if e.get("beside") == "changed"],
                         [(7, "EV_EFI_VARIABLE_DRIVER_CONFIG"), (4, "EV_EFI_BOOT_SERVICES_APPLICATION")])
        shown = rows(self.page("firmware"))
        self.assertEqual(len([r for r in shown if r and r[-1].startswith("other:")]), 2)
        self.assertEqual(len([r for r in shown if r and r[-1] == "the same"]), len(log["events"]) - 3)

    def test_of_the_first_boot_nothing_stands_beside(self):
        first = self.boots()[-1]
        self.assertIn("No boot before this one was trusted", self.page(f"boots/{first}/firmware"))
        self.assertNotIn("reference", json.loads(self.page(f"boots/{first}/firmware.json")))

    def test_events_that_are_new_and_that_are_missing(self):
        log = attesting.firmware()
        log.event(5, attesting.made_log.SEPARATOR, bytes(4))
        log.event(9, 6, b"\xec\x22\x3b\x8f" + b"\x05\0\0\0" + b"linux")
        self.device.boot(log)
        self.verifier.attest(self.device)
        now = json.loads(self.page("firmware.json"))
        self.assertEqual([e["pcr"] for e in now["events"] if e.get("beside") == "new"], [5, 9])
        self.device.boot(attesting.made_log.Log("sha256"))
        self.verifier.attest(self.device)
        self.assertEqual(len(json.loads(self.page("firmware.json"))["missing"]), 12)
        self.assertIn("In the last trusted boot, and not in this one", self.page("firmware"))

    def test_the_kernel_s_log_by_name_whatever_its_order(self):
        found = {e["text"]: e["beside"] for e in json.loads(self.page("ima.json"))["entries"]}
        by_name = {name: next(v for k, v in found.items() if name in k) for name in ("kept", "other", "new")}
        self.assertEqual(by_name, {"kept": "same", "other": "changed", "new": "new"})
        only = rows(self.page("ima?only=differing&q=usr"))
        self.assertEqual([r[-1] for r in only if r], ["other contents", "not there"])
        self.assertEqual(len([r for r in rows(self.page("ima?q=nothing-of-that-name")) if r]), 0)

    def test_the_difference_of_two_boots(self):
        text = self.page("difference")
        for words in ("Events that differ", "PCRs that these logs give other values", "/usr/bin/gone", "/usr/bin/new", "/usr/bin/other"):
            self.assertIn(words, text)
        self.assertNotIn("/usr/bin/kept", text)
        now, then = self.boots()
        whole = json.loads(self.page(f"difference.json?from={then}&to={now}"))
        self.assertEqual([c["change"] for c in whole["firmware"]], ["changed", "changed"])
        self.assertEqual({(c["change"], c["name"]) for c in whole["kernel"] if "boot_aggregate" not in c["name"]},
                         {("changed", "/usr/bin/other"), ("new", "/usr/bin/new"), ("missing", "/usr/bin/gone")})
        self.assertIn("are the same", self.page(f"difference?from={now}&to={now}"))

    def test_raw_logs_are_those_that_were_sent(self):
        for name, data in (("firmware.bin", self.device.log.bytes), ("ima.bin", self.device.ima), ("measurements.bin", self.device.measured)):
            status, headers, got = self.verifier.page(f"/devices/{self.device.id}/{name}", binary=True)
            self.assertEqual((status, got), (200, bytes(data)))
            self.assertEqual(headers["Content-Type"], "application/octet-stream")

    def test_names_of_files_are_text_and_nothing_else(self):
        hostile = "/tmp/<script>alert(1)</script>&\"'\u202etxt.exe\x1b[2J\u2028x".encode()
        self.device.measure(hostile, b"1")
        self.verifier.attest(self.device)
        for what in ("ima", "difference"):
            text = self.page(what)
            self.assertNotIn("<script", text)
            for c in ("\u202e", "\x1b", "\u2028"):
                self.assertNotIn(c, text)
            self.assertIn("&lt;script&gt;", text)

    def test_a_long_log_has_pages(self):
        for n in range(1200):
            self.device.measure(b"/usr/lib/%d" % n)
        self.verifier.attest(self.device)
        self.assertEqual(len([r for r in rows(self.page("ima")) if r]), 500)
        self.assertIn("/usr/lib/1199", self.page("ima?page=2"))
        self.assertIn(">more<", self.page("ima?page=1"))
        self.assertNotIn(">more<", self.page("ima?page=2"))

    def test_a_log_that_ends_badly_is_shown_as_far_as_it_goes(self):
        self.device.boot()
        self.device.log.bytes = self.device.log.bytes[:-3]
        self.verifier.attest(self.device)
        self.assertIn("The log ends here", self.page("firmware"))
        self.assertIn("error", json.loads(self.page("firmware.json")))


if __name__ == "__main__":
    unittest.main()
