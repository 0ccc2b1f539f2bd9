#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey-attest run: what it sends, how little of it, and what it makes of each answer."""
import base64
import hashlib
import json
import os
import shutil
import socket
import threading
import unittest

import rig
from device import Device
from stand_in import Server


class Run(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()
        self.server = Server(self)
        self.addCleanup(self.server.stop)
        self.write("firmware", b"firmware's log")
        self.write("ima", b"one entry")
        self.write("measured", b"latchkey:closed")
        self.settings(f"ca: {self.server.cert}\n")

    def settings(self, more, server=None):
        self.write("attest.yaml", f"latchkey-attest: 1\nserver: {server or self.server.url}\n{more}")

    def attest(self, check=0):
        return rig.run([rig.program("latchkey-attest"), "run", "--config", self.path("attest.yaml"), "--state",
                        self.path("state", "state.json"), "--tpm", self.dev.tpm.tcti, "--firmware-log", self.path("firmware"),
                        "--ima-log", self.path("ima"), "--measured-log", self.path("measured")], check=check)

    def status(self, *more, check=0):
        return rig.run([rig.program("latchkey-attest"), "status", "--state", self.path("state", "state.json"), *more],
                       check=check).stdout.decode()

    def state(self):
        return json.loads(self.read("state/state.json"))

    def sent(self):
        return self.server.attested()[-1]

    def test_a_boots_first_quote_comes_with_everything(self):
        self.attest()
        sent = self.sent()
        self.assertEqual(sent["ak"], self.dev.record()["ak"]["name"])
        for key, log in (("firmware-log", b"firmware's log"), ("ima-log", b"one entry"),
                         ("measurements", b"latchkey:closed")):
            self.assertEqual(base64.b64decode(sent[key]), log)
        values = base64.b64decode(sent["values"])
        self.assertEqual(len(values), 10 * 32)
        self.assertTrue(base64.b64decode(sent["quote"]).endswith(hashlib.sha256(values).digest()))
        self.assertEqual(set(sent["floors"]), {"version", "sequence"})
        self.assertEqual((sent["boot"], sent["ima-from"]), (Server.boot_of(sent), 0))

    def test_the_quote_alone_where_nothing_is_new_in_700_bytes(self):
        self.attest()
        before = len(self.server.requests)
        self.attest()
        self.assertEqual(set(self.sent()), {"ak", "quote", "signature", "nonce", "boot", "ima-from"})
        up = sum(n for _, _, n in self.server.requests[before:])
        # Headers included; both requests.
        self.assertLessEqual(up, 700)

    def test_what_is_new_of_the_kernels_log_comes_alone(self):
        self.attest()
        self.write("ima", b"one entry, and another")
        self.dev.tpm.measure(pcrs=(10,), what=b"another")
        self.attest()
        self.assertEqual(base64.b64decode(self.sent()["ima-log"]), b", and another")
        self.assertEqual(self.sent()["ima-from"], len(b"one entry"))
        for key in ("firmware-log", "measurements", "floors"):
            self.assertNotIn(key, self.sent())
        self.assertIn("values", self.sent())

    def test_a_log_that_grew_without_a_pcr_waits(self):
        self.attest()
        self.write("ima", b"one entry, and half")
        self.attest()
        self.assertNotIn("ima-log", self.sent())

    def test_a_firmware_log_that_came_late_is_sent(self):
        """Once, where it wasn't there when this boot was first attested."""
        os.unlink(self.path("firmware"))
        argv = ["run", "--config", self.path("attest.yaml"), "--state", self.path("state", "state.json"), "--tpm", self.dev.tpm.tcti,
                "--ima-log", self.path("ima"), "--measured-log", self.path("measured"), "--firmware-log"]
        os.symlink("nowhere", self.path("late"))
        self.write("nowhere", b"")
        for content, sent in ((b"", False), (b"firmware's log", True), (b"firmware's log", False)):
            self.write("nowhere", content)
            rig.run([rig.program("latchkey-attest"), *argv, self.path("late")], check=0)
            self.assertEqual("firmware-log" in self.sent(), sent)
        self.assertIn("values", self.server.attested()[-2])
        self.assertNotIn("floors", self.server.attested()[-2])

    def test_another_boot_comes_with_everything(self):
        self.attest()
        first = self.sent()
        self.dev.tpm.restart()
        self.attest()
        self.assertEqual(self.sent()["boot"], first["boot"] + 1)
        self.assertIn("firmware-log", self.sent())
        self.assertEqual(self.sent()["ima-from"], 0)

    def test_a_server_that_lacks_something_gets_all_from_there(self):
        self.attest()
        self.server.answers = [lambda r: (409, {"next": {"boot": r["boot"], "ima-from": 4}}), self.server.trusted]
        self.attest()
        self.assertEqual(self.sent()["ima-from"], 4)
        self.assertEqual(base64.b64decode(self.sent()["ima-log"]), b"entry")
        self.assertIn("firmware-log", self.sent())
        # Each quote is over a nonce of its own.
        nonces = [r["nonce"] for r in self.server.attested()]
        self.assertEqual(len(set(nonces)), 3)
        # And not for ever.
        self.server.answers = [lambda r: (409, {"next": {"boot": r["boot"], "ima-from": 0}})]
        n = len(nonces)
        self.assertIn(b"again and again", self.attest(check=11).stderr)
        self.assertEqual(len(self.server.attested()), n + 3)

    def test_a_lost_or_damaged_state_costs_one_message_with_everything(self):
        for text in (None, "{", '{"boot":1}', "\0"):
            self.attest()
            if text is None:
                os.unlink(self.path("state", "state.json"))
            else:
                self.write("state/state.json", text)
            self.attest()
            self.assertIn("firmware-log", self.sent())

    def test_another_server_gets_everything(self):
        self.attest()
        state = self.state()
        state["server"] = "https://other.example"
        self.write("state/state.json", json.dumps(state))
        self.attest()
        self.assertIn("firmware-log", self.sent())

    def test_without_ima_no_log_of_the_kernels_is_sent(self):
        self.settings(f"ca: {self.server.cert}\nima: off\n")
        self.attest()
        self.assertNotIn("ima-log", self.sent())

    def test_verdicts_are_exit_codes_and_status_shows_them(self):
        self.assertEqual(self.status(check=16), "")
        for verdict, code in (("trusted", 0), ("unknown", 16), ("untrusted", 5)):
            reason = {"part": "boot", "verdict": verdict, "text": "PCR 7: \x1b[31m \"db\" \u202e"}
            self.server.answers = [lambda r, v=verdict, x=reason: self.server.trusted(r, v, [x])]
            self.attest(check=code)
            shown = self.status(check=code)
            self.assertIn(f"verdict: {verdict}\n", shown)
            self.assertIn("\\x1b[31m", shown)
            self.assertNotIn("\x1b", shown)
            told = json.loads(self.status("--json", check=code))
            self.assertEqual(told["reasons"], [reason])
            self.assertEqual((told["verdict"], told["boot"]), (verdict, self.state()["boot"]))

    def test_a_refusal_is_told_and_changes_nothing(self):
        """But what status shows: the verdict of before is none any more."""
        self.attest()
        self.assertIn("verdict: trusted", self.status())
        first = self.state()
        self.server.answers = [(403, {"error": "clock-not-risen", "text": "it isn't newer\x1b[2J"})]
        said = self.attest(check=13).stderr.decode()
        self.assertIn("clock-not-risen", said)
        self.assertNotIn("\x1b", said)
        shown = self.status(check=13)
        self.assertIn("refused: clock-not-risen", shown)
        self.assertIn("it isn't newer", shown)
        self.assertNotIn("trusted", shown)
        self.assertEqual(json.loads(self.status("--json", check=13))["refused"], "clock-not-risen")
        self.assertEqual({k: v for k, v in self.state().items() if k not in ("answer", "when")}, {k: v for k, v in first.items() if k not in ("answer", "when")})
        before = self.read("state/state.json")
        for status, answer, code in ((503, {"error": "busy"}, 11), (500, {}, 11), (404, {}, 13), (302, {}, 13),
                                     (200, {}, 3), (200, [], 3), (200, {"verdict": "trusted"}, 3),
                                     (200, {"verdict": "trusted", "next": {"boot": -1, "ima-from": 0}}, 3),
                                     (200, {"next": "x" * 40000}, 3)):
            self.server.answers = [(status, answer)]
            self.attest(check=code)
        self.assertEqual(self.read("state/state.json"), before)

    def test_a_server_that_is_not_the_one_named_gets_nothing(self):
        other = Server(self)
        self.addCleanup(other.stop)  # its certificate took the place of the first's
        self.write("empty.pem", self.read("owner.pem"))
        self.settings(f"ca: {self.path('empty.pem')}\n", server=other.url)
        self.assertIn(b"this isn't the server that the settings name", self.attest(check=5).stderr)
        self.settings("", server=other.url)
        self.attest(check=5)
        self.assertEqual(other.requests, [])

    def pin(self, cert):
        der = rig.run(["openssl", "x509", "-in", cert, "-noout", "-pubkey"], check=0).stdout
        der = rig.run(["openssl", "pkey", "-pubin", "-outform", "DER"], stdin=der, check=0).stdout
        return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def test_a_pinned_key_is_enough_and_another_is_refused(self):
        self.settings(f"pinned-key: {self.pin(self.server.cert)}\n")
        self.attest()
        n = len(self.server.requests)
        self.settings(f"pinned-key: {self.pin(self.path('owner.pem'))}\n")
        self.attest(check=5)
        self.settings(f"pinned-key: {self.pin(self.path('owner.pem'))}\nca: {self.server.cert}\n")
        self.attest(check=5)
        self.assertEqual(len(self.server.requests), n)

    def test_a_server_that_is_not_there(self):
        self.settings(f"ca: {self.server.cert}\n", server="https://127.0.0.1:1")
        self.assertIn(b"https://127.0.0.1:1: ", self.attest(check=11).stderr)
        self.assertFalse(os.path.exists(self.path("state", "state.json")))

    def test_a_port_without_tls_and_a_ca_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as plain:
            thread = threading.Thread(target=lambda: plain.accept()[0].close())
            thread.start()
            self.settings(f"ca: {self.server.cert}\n", server=f"https://127.0.0.1:{plain.getsockname()[1]}")
            said = self.attest(check=11).stderr
            thread.join()
        self.assertIn(b"no TLS comes about there; is that the port where the verifier listens for devices?", said)
        self.settings(f"ca: {self.path('misspelt.pem')}\n")
        self.assertIn(b"misspelt.pem: can't open: No such file", self.attest(check=3).stderr)
        self.settings(f"ca: {self.path('ima')}\n")
        self.assertIn(b"ima: no certificate can be taken from it", self.attest(check=3).stderr)
        self.assertEqual(self.server.attested(), [])

    def test_a_bank_that_the_tpm_lacks(self):
        self.dev.tpm.stop()
        self.dev.tpm = self.swtpm("tpm2", banks="sha384")
        os.unlink(self.path("record.json"))
        shutil.rmtree(self.path("fapi"))
        self.dev.install()
        self.attest(check=4)
        self.assertEqual(self.server.attested(), [])
        self.server.bank = "sha384"
        self.attest()
        self.assertEqual(len(base64.b64decode(self.sent()["values"])), 10 * 48)

    def test_bad_settings_are_refused_with_their_place(self):
        for text in ("", "latchkey-attest: 2\nserver: https://a\n", "latchkey-attest: 1\n",
                     "latchkey-attest: 1\nserver: http://a\n", "latchkey-attest: 1\nserver: https://a/b\n",
                     "latchkey-attest: 1\nserver: https://a:\n", "latchkey-attest: 1\nserver: https://a:99999\n",
                     "latchkey-attest: 1\nserver: https://a:8443x\n", "latchkey-attest: 1\nserver: https://::1\n",
                     "latchkey-attest: 1\nserver: https://\n", "latchkey-attest: 1\nserver: https://a@b\n",
                     "latchkey-attest: 1\nserver: https://a\nca: x.pem\n",
                     "latchkey-attest: 1\nserver: https://a\npinned-key: sha256//AAAA\n",
                     "latchkey-attest: 1\nserver: https://a\nima: maybe\n",
                     "latchkey-attest: 1\nserver: https://a\nother: 1\n"):
            self.write("attest.yaml", text)
            self.assertIn(b"attest.yaml", self.attest(check=3).stderr, text)
        os.unlink(self.path("attest.yaml"))
        self.attest(check=3)
        self.assertEqual(self.server.requests, [])


if __name__ == "__main__":
    unittest.main()
