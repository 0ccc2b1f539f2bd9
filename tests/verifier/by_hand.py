#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Devices with a software TPM and latchkey-attest: over the network, and by files."""
import json
import os
import shutil
import time
import unittest

import attesting
import made_log
import rig
from device import Device


class Real(attesting.TestCase):
    """Installed by latchkey-provision, measured by tpm2-tools, attested by latchkey-attest."""

    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.tpm.restart(measured=False)
        self.dev.install()
        self.boot(b"image 1")

    def boot(self, image):
        """A boot that measures what its log says, of firmware and kernel."""
        self.dev.tpm.restart(measured=False)
        log = made_log.Log("sha256", "sha384")
        for pcr in range(8):
            log.event(pcr, made_log.SEPARATOR, bytes(4))
        log.event(4, made_log.IMAGE, bytes(32), measured=image)
        for pcr in range(8):
            self.dev.tpm.measure((pcr,), bytes(4))
        self.dev.tpm.measure((4,), image)
        self.write("firmware", log.bytes)
        self.write("empty", b"")

    def logs(self):
        return ["--firmware-log", self.path("firmware"), "--ima-log", self.path("empty"), "--measured-log", self.path("empty")]

    def run_attest(self, check=0):
        return rig.run([rig.program("latchkey-attest"), "run", "--config", self.path("attest.yaml"), "--state", self.path("at", "state.json"),
                        "--tpm", self.dev.tpm.tcti, *self.logs()], check=check)

    def test_over_the_network(self):
        """Attests, is learned, boots another image and is told which event it is."""
        self.verifier.run("import", self.dev.record_path)
        self.verifier.start()
        os.makedirs(self.path("at"), exist_ok=True)
        self.write("attest.yaml", f"latchkey-attest: 1\nserver: https://127.0.0.1:{self.verifier.port}\nca: {self.verifier.state}/ca.pem\nima: off\n")
        self.run_attest(None)
        shown = json.loads(self.verifier.run("show", "--json", "record").stdout)
        self.assertEqual(shown["verdict"], "unknown", shown)
        self.assertEqual([r["verdict"] for r in shown["reasons"] if r["part"] == "firmware"], ["trusted"])
        self.assertEqual([r["verdict"] for r in shown["reasons"] if r["part"] == "floors"], ["trusted", "trusted"], shown)
        self.verifier.run("learn", "record")
        time.sleep(1.5)
        self.run_attest()
        self.assertEqual(json.loads(self.verifier.run("show", "--json", "record").stdout)["verdict"], "trusted")
        self.boot(b"image 2")
        self.run_attest(None)
        said = self.verifier.run("explain", "record").stdout.decode()
        self.assertIn("untrusted since", said)
        self.assertRegex(said, "PCR 4 .*image")

    def quote(self, nonce="00112233445566778899aabbccddeeff"):
        shutil.rmtree(self.path("by-hand"), True)
        rig.run([rig.program("latchkey-attest"), "quote", "--nonce", nonce, "-o", self.path("by-hand"), "--no-ima", "--tpm", self.dev.tpm.tcti,
                 "--firmware-log", self.path("firmware"), "--measured-log", self.path("empty")], check=0)
        return nonce

    def flavor(self, image):
        value = made_log.extend("sha256", attesting.sha256(bytes(4)), attesting.sha256(image)).hex()
        return self.write("flavor.yaml", f"latchkey-flavor: 1\nequals:\n  bank: sha256\n  values:\n    4: \"{value}\"\n")

    def verify(self, *more, check):
        return self.verify_with(self.path("by-hand"), *more, check=check)

    @staticmethod
    def verify_with(folder, *more, check):
        return rig.run([rig.program("latchkey-verifier"), "verify", *more, folder], check=check)

    def test_from_files(self):
        nonce = self.quote()
        done = self.verify("--nonce", nonce, check=16)
        self.assertIn(b"unknown", done.stdout)
        done = self.verify("--nonce", nonce, "--flavor", self.flavor(b"image 1"), "--json", check=0)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["verdict"], answer["key"]), ("trusted", self.dev.record()["ak"]["name"]))
        self.assertIn(b"PCR 4", self.verify("--nonce", nonce, "--flavor", self.flavor(b"image 2"), check=5).stdout)

    def test_files_that_were_changed_are_refused(self):
        nonce = self.quote()
        flavor = self.flavor(b"image 1")
        self.verify("--nonce", "11" + nonce[2:], "--flavor", flavor, check=5)
        self.verify("--nonce", "00", "--flavor", flavor, check=2)
        self.assertIn(b"may be of any time", self.verify("--flavor", flavor, check=0).stderr)
        for name, code in (("quote", (3, 5)), ("signature", (3, 5)), ("values", (3, 5)), ("ak.tpmt", (3, 5)), ("firmware-log", (5,)), ("version-floor", (3, 5))):
            path = self.path("by-hand", name)
            with open(path, "rb") as f:
                good = f.read()
            for data in (good[:-1] + bytes([good[-1] ^ 1]), good[:-1]):
                if name == "firmware-log":
                    data = good.replace(attesting.sha256(b"image 1"), attesting.sha256(b"image 3"))
                with open(path, "wb") as f:
                    f.write(data)
                done = self.verify("--nonce", nonce, "--flavor", flavor, check=None)
                self.assertIn(done.returncode, code, (name, done))
            with open(path, "wb") as f:
                f.write(good)
        self.verify("--nonce", nonce, "--flavor", flavor, check=0)


if __name__ == "__main__":
    unittest.main()
