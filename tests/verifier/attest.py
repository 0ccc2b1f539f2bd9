#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey-verifier takes what a device attests: verdicts with their reasons, and each refusal with its own."""
import json
import os
import signal
import sqlite3
import struct
import unittest

import attesting
import rig
from attesting import Device


class Verdicts(attesting.TestCase):
    def setUp(self):
        super().setUp()
        self.device = self.known("gate-7")
        self.verifier.start()

    def test_a_known_device_is_asked_for_all_and_then_judged(self):
        status, _, answer = self.verifier.post("/v1/attest", self.device.message(self.verifier.nonce()))
        self.assertEqual((status, answer), (409, {"next": {"boot": 1, "ima-from": 0}}))
        status, _, answer = self.verifier.attest(self.device)
        self.assertEqual((status, answer["verdict"]), (200, "unknown"))
        self.assertIn("nothing is known to compare this boot with", json.dumps(answer["reasons"]))
        self.assertEqual(answer["next"], {"boot": 1, "ima-from": len(self.device.ima)})

    def test_nothing_new_takes_one_short_message_and_one_short_row(self):
        self.verifier.attest(self.device)
        message = self.device.message(self.verifier.nonce())
        self.assertLess(len(json.dumps(message)), 700)
        status, _, answer = self.verifier.post("/v1/attest", message)
        self.assertEqual((status, answer["verdict"]), (200, "unknown"))
        self.assertTrue(answer["reasons"])
        self.assertEqual(len(self.show(self.device)["attestations"]), 2)

    def test_the_kernel_s_log_goes_on_where_it_ended(self):
        self.verifier.attest(self.device)
        before = len(self.device.ima)
        self.device.measure(b"/usr/bin/new")
        status, _, answer = self.verifier.post("/v1/attest", self.device.message(self.verifier.nonce()))
        self.assertEqual((status, answer["next"]["ima-from"]), (409, before))
        status, _, answer = self.verifier.attest(self.device)
        self.assertEqual((status, answer["next"]["ima-from"]), (200, len(self.device.ima)))
        self.assertEqual([r["verdict"] for r in answer["reasons"] if r["part"] == "kernel"], ["trusted"])

    def test_a_kernel_that_another_started_is_told_as_one(self):
        """Its log begins anew on top of the PCR; the boot has that verdict from then on, and goes on."""
        def attest():
            status, _, answer = self.verifier.attest(self.device)
            for _ in range(2):
                if status == 409:
                    status, _, answer = self.verifier.post("/v1/attest", self.device.message(self.verifier.nonce(), next_=answer["next"]))
            return status, answer
        for n in range(5):
            self.device.measure(f"/usr/bin/{n}".encode())
        self.assertEqual(attest()[0], 200)
        self.device.ima = b""
        self.device.measure(b"boot_aggregate", digest=attesting.sha256(*(self.device.values[n] for n in range(10))))
        for name in (b"/second/one", b"/second/two"):
            self.device.measure(name)
            status, answer = attest()
            self.assertEqual((status, answer["verdict"]), (200, "unknown"), answer)
            self.assertIn("(kexec)", json.dumps(answer["reasons"]))
            self.assertEqual(answer["next"]["ima-from"], len(self.device.ima))
        self.verifier.run("learn", self.device.id)
        self.wait_for(lambda: "those that were learned" in json.dumps(attest()[1]))
        self.assertIn("(kexec)", json.dumps(attest()[1]))
        # A log that gives the value neither way is what it was: changed.
        self.device.values[10] = attesting.sha256(b"x")
        status, answer = attest()
        self.assertEqual((status, answer["verdict"]), (200, "untrusted"))

    def test_a_learned_boot_is_trusted_and_another_image_is_named(self):
        self.verifier.attest(self.device)
        self.verifier.run("learn", self.device.id)
        for _ in range(2):  # the server looks for new flavors each second
            self.wait_for(lambda: self.verifier.attest(self.device)[2]["verdict"] == "trusted")
        self.device.boot(attesting.firmware(image=b"another image"))
        status, _, answer = self.verifier.attest(self.device)
        self.assertEqual((status, answer["verdict"]), (200, "untrusted"))
        reasons = [r["text"] for r in answer["reasons"] if r["verdict"] == "untrusted"]
        self.assertEqual(len(reasons), 1, reasons)
        self.assertIn("PCR 4", reasons[0])
        self.assertIn("image", reasons[0])
        said = self.verifier.run("explain", self.device.id).stdout.decode()
        self.assertIn("untrusted since", said)
        self.assertIn(reasons[0], said)
        self.device.boot()
        self.assertEqual(self.verifier.attest(self.device)[2]["verdict"], "trusted")

    def test_a_changed_log_is_untrusted(self):
        self.device.log.bytes = self.device.log.bytes.replace(attesting.sha256(b"image 1"), attesting.sha256(b"image 2"))
        status, _, answer = self.verifier.attest(self.device)
        self.assertEqual((status, answer["verdict"]), (200, "untrusted"))
        self.assertIn("PCR 4", " ".join(r["text"] for r in answer["reasons"] if r["part"] == "firmware"))

    def wait_for(self, condition):
        for _ in range(50):
            if condition():
                return
            rig.time.sleep(0.1)
        self.fail("it doesn't come")


class SignedPolicies(attesting.TestCase):
    """The owner's own signed boot policies are the reference."""

    def setUp(self):
        super().setUp()
        latchkey = rig.program("latchkey")
        rig.run([latchkey, "keygen", self.path("keys")], check=0)
        rig.run([latchkey, "policy", "init", "--policy-key", self.path("keys", "policy-key.pub.pem"), "-o", self.path("policy.yaml")], check=0)

    def sign(self, device, version, out):
        values = {str(n): device.values[n].hex() for n in range(24)}
        self.write("pcrs.json", json.dumps({"sha256": values}))
        rig.run([rig.program("latchkey"), "policy", "sign", "--policy", self.path("policy.yaml"), "--key", self.path("keys", "policy-key.pem"),
                 "--pcr-values", self.path("pcrs.json"), "--version", version, "--label", f"image {version}", "-o", self.path(out)], check=0)

    def flavor(self, *signed):
        self.write("flavor.yaml", f"latchkey-flavor: 1\npolicy-file: policy.yaml\nsigned-policies: [{', '.join(signed)}]\n")
        return self.path("flavor.yaml")

    def test_a_boot_that_was_signed_for_is_trusted(self):
        device = self.known("signed")
        self.sign(device, 7, "seven.yaml")
        self.verifier.run("flavor add", "default", self.flavor("seven.yaml"))
        self.verifier.start()
        status, _, answer = self.verifier.attest(device)
        self.assertEqual(status, 200)
        boot = [r for r in answer["reasons"] if r["part"] == "boot"]
        self.assertEqual([r["verdict"] for r in boot], ["trusted"], answer)
        self.assertIn("signed policy version 7, image 7 covers this boot", boot[0]["text"])
        self.assertEqual(answer["verdict"], "trusted", answer)
        # Modules that are measured later change nothing: a beginning of the log has the signed value.
        device.measure(b"/usr/lib/modules/late.ko")
        self.assertEqual(self.verifier.attest(device)[2]["verdict"], "trusted")
        device.boot(attesting.firmware(databases=b"another certificate"))
        _, _, answer = self.verifier.attest(device)
        self.assertEqual(answer["verdict"], "untrusted")
        self.assertIn("isn't that of signed policy version 7", json.dumps(answer["reasons"]))

    def test_a_retired_boot_gains_nothing_by_leaving_its_floor_out(self):
        device = self.known("retired")
        old = attesting.firmware(b"image 6")
        self.sign(device, 7, "seven.yaml")
        self.sign(device.boot(old), 6, "six.yaml")
        self.verifier.run("flavor add", "default", self.flavor("seven.yaml", "six.yaml"))
        self.verifier.start()
        self.assertEqual(self.verifier.attest(device)[2]["verdict"], "trusted")
        device.floors = {"version": 7, "sequence": 1}
        self.assertEqual(self.verifier.attest(device.boot())[2]["verdict"], "trusted")
        for _ in range(2):
            device.floors = {}
            _, _, answer = self.verifier.attest(device.boot(old))
            self.assertEqual(answer["verdict"], "untrusted", answer)
            self.assertIn("untrusted", [r["verdict"] for r in answer["reasons"] if r["part"] == "boot"])
        self.assertEqual(self.verifier.attest(device.boot())[2]["verdict"], "unknown")
        device.floors = {"version": 7, "sequence": 1}
        self.assertEqual(self.verifier.attest(device.boot())[2]["verdict"], "trusted")

    def test_an_open_latch_is_untrusted(self):
        device = self.known("open")
        self.sign(device, 1, "one.yaml")
        self.verifier.run("flavor add", "default", self.flavor("one.yaml"))
        self.verifier.start()
        device.boot(latched=False)
        _, _, answer = self.verifier.attest(device)
        self.assertEqual([r["verdict"] for r in answer["reasons"] if r["part"] == "latch"], ["untrusted"])

    def test_a_policy_that_another_key_signed_is_refused_and_nothing_is_changed(self):
        device = self.known("forged")
        self.sign(device, 1, "one.yaml")
        self.verifier.run("flavor add", "default", self.flavor("one.yaml"))
        with open(self.path("one.yaml"), encoding="utf-8") as f:
            text = f.read()
        at = text.index("signature: ") + 20
        self.write("forged.yaml", text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1:])
        done = self.verifier.run("flavor add", "default", self.flavor("one.yaml", "forged.yaml"), check=5)
        self.assertIn("forged.yaml", done.stderr.decode())
        self.assertEqual(self.verifier.run("flavor check", self.flavor("forged.yaml"), check=5).stdout, b"")
        self.assertIn("1 signed policy", self.verifier.run("flavor show", "default").stdout.decode())


class Bounds(attesting.TestCase):
    """A device that sends ever more fills neither the disk nor memory."""

    def setUp(self):
        super().setUp()
        self.device = self.known("flood")
        self.verifier.start()

    def kept(self):
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            return db.execute("SELECT COUNT(*), SUM(LENGTH(data)) FROM chunks").fetchone()

    def send(self, **other):
        """A quote with something new in it, and logs in place of its own."""
        next_ = {"boot": self.device.reset, "ima-from": len(self.device.ima)}
        self.device.measure(os.urandom(8).hex().encode())
        message = self.device.message(self.verifier.nonce(), next_=next_)
        for key, data in other.items():
            message[key.replace("_", "-")] = attesting.b64(data)
        status, _, answer = self.verifier.post("/v1/attest", message)
        self.assertEqual(status, 200, answer)
        return answer

    def test_other_logs_with_each_quote_are_not_kept(self):
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        before = self.kept()[1]
        for _ in range(5):
            self.send(firmware_log=os.urandom(50000), measurements=os.urandom(50000))
        self.assertLess(self.kept()[1], before + 5000)
        self.firmware_page()

    def firmware_page(self):
        status, _, text = self.verifier.page(f"/devices/{self.device.id}/firmware")
        self.assertEqual(status, 200)
        self.assertNotIn("The log ends here", text)
        return text

    def test_a_log_that_replays_replaces_one_that_does_not(self):
        good = self.device.log.bytes
        self.device.log.bytes = good[:-40]
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        self.assertIn("The log ends here", self.verifier.page(f"/devices/{self.device.id}/firmware")[2])
        self.device.log.bytes = good
        self.send()
        self.firmware_page()

    def test_a_kernels_log_has_an_end(self):
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        answer = None
        for _ in range(8):
            next_ = {"boot": self.device.reset, "ima-from": len(self.device.ima)}
            for _ in range(11):
                self.device.measure(os.urandom(500000).hex().encode())
            status, _, answer = self.verifier.post("/v1/attest", self.device.message(self.verifier.nonce(), next_=next_))
            if status != 200:
                break
        self.assertRefused((status, None, answer), 400, "bad-message")
        self.assertIn("64 MiB", answer["text"])
        with open(f"/proc/{self.verifier.process.pid}/status", encoding="utf-8") as f:
            most = next(line for line in f if line.startswith("VmHWM"))
        self.assertLess(int(most.split()[1]), 120 * 1024, most)
        self.device.boot()
        self.assertEqual(self.verifier.attest(self.device)[0], 200)

    def test_the_database_is_its_owners_alone(self):
        self.verifier.stop()
        state = self.path("open-state")
        os.mkdir(state)
        os.chmod(state, 0o755)
        self.verifier.settings = self.write("other.yaml", f"latchkey-verifier: 1\nstate: {state}\n") or self.path("other.yaml")
        self.verifier.run("devices")
        self.assertEqual(os.stat(os.path.join(state, "verifier.db")).st_mode & 0o777, 0o600)


class Refusals(attesting.TestCase):
    """Each has its own word, and changes nothing."""

    def setUp(self):
        super().setUp()
        self.device = self.known("gate")
        self.verifier.start()
        self.verifier.attest(self.device)
        self.before = self.rows()

    def rows(self):
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            return [db.execute("SELECT * FROM " + t).fetchall() for t in ("devices", "standings", "findings", "attestations", "boots", "chunks")]

    def refused(self, word, status=403, device=None, **wrong):
        device = device or self.device
        self.assertRefused(self.verifier.post("/v1/attest", device.message(self.verifier.nonce(), **wrong)), status, word)
        self.assertEqual(self.rows(), self.before)

    def test_structures(self):
        self.refused("wrong-magic", 400, magic=0xFF544348)
        self.refused("wrong-type", 400, kind=attesting.NV)
        self.refused("wrong-selection", 400, selections=2)
        self.refused("wrong-selection", pcrs=(0, 4, 7))
        self.refused("wrong-bank", bank=0xC)
        self.refused("wrong-digest-size", digest_size=20)
        self.refused("bad-attest", 400, trailing=b"\0")
        self.refused("bad-attest", 400, safe=2)

    def test_signatures(self):
        other = Device("other")
        self.refused("wrong-signer", signer=other.qualified_name())
        nonce = self.verifier.nonce()
        message = self.device.message(nonce)
        message["signature"] = attesting.b64(other.sign(attesting.base64.b64decode(message["quote"])))
        self.assertRefused(self.verifier.post("/v1/attest", message), 403, "wrong-signature")
        quote = self.device.quote(self.verifier.nonce())
        for scheme, word, status in ((0x14, "wrong-scheme", 400),):
            message = self.device.message(nonce, signature=self.device.sign(quote, scheme))
            self.assertRefused(self.verifier.post("/v1/attest", message), status, word)
        message = self.device.message(nonce, signature=self.device.sign(quote) + b"\0")
        self.assertRefused(self.verifier.post("/v1/attest", message), 400, "bad-signature-form")
        self.assertEqual(self.rows(), self.before)

    def test_nonces(self):
        nonce = self.verifier.nonce()
        self.refused("other-nonce", told=nonce)
        self.assertRefused(self.verifier.post("/v1/attest", self.device.message(nonce[:31])), 400, "bad-nonce")
        foreign = nonce[:16] + bytes(16)
        self.assertRefused(self.verifier.post("/v1/attest", self.device.message(foreign)), 403, "foreign-nonce")
        self.assertEqual(self.rows(), self.before)

    def test_a_quote_counts_once(self):
        message = self.device.message(self.verifier.nonce())
        self.assertEqual(self.verifier.post("/v1/attest", message)[0], 200)
        self.before = self.rows()
        self.assertRefused(self.verifier.post("/v1/attest", message), 403, "clock-not-risen")
        self.assertEqual(self.rows(), self.before)
        # Nor after the verifier was started again.
        self.assertEqual(self.verifier.stop(), 0)
        self.verifier.start()
        self.assertRefused(self.verifier.post("/v1/attest", message), 403, "clock-not-risen")
        self.refused("clock-not-risen", clock=1)
        self.assertEqual(self.verifier.attest(self.device)[0], 200)

    def test_devices_that_are_not_taken(self):
        self.refused("unknown-device", device=Device("stranger"))
        self.verifier.run("retire", self.device.id)
        self.before = self.rows()
        self.refused("retired-device")
        self.verifier.run("import", self.device.record(self.tmp))
        self.assertEqual(self.verifier.attest(self.device)[0], 200)

    def test_values_that_were_not_quoted(self):
        self.device.boot()
        message = self.device.message(self.verifier.nonce(), whole=True)
        message["values"] = attesting.b64(bytes(16 * 32))
        self.assertRefused(self.verifier.post("/v1/attest", message), 403, "wrong-values")
        message["values"] = attesting.b64(bytes(31))
        self.assertRefused(self.verifier.post("/v1/attest", message), 400, "wrong-values")
        self.assertEqual(self.rows(), self.before)

    def test_a_cleared_tpm_waits_for_its_record(self):
        """Lower floors are the device's own word until the owner imports the record of what it is now."""
        self.verifier.run("learn", self.device.id)
        self.device.floors = {"version": 7, "sequence": 3}
        self.device.boot()
        rig.time.sleep(1.5)
        self.assertEqual(self.verifier.attest(self.device)[2]["verdict"], "trusted")
        self.device.floors = {"version": 1, "sequence": 1}
        self.device.reset = -1
        for _ in range(3):
            self.device.boot()
            _, _, answer = self.verifier.attest(self.device)
            self.assertEqual(answer["verdict"], "unknown", answer)
            self.assertIn("the TPM was cleared", json.dumps(answer["reasons"]))
            self.assertIn("is 1, and was 7 before", json.dumps(answer["reasons"]))
        # The record of before changes nothing.
        self.assertIn(b"1 as before", self.verifier.run("import", self.path("records", "gate.json")).stdout)
        self.assertEqual(self.verifier.attest(self.device.boot())[2]["verdict"], "unknown")
        # Nor does it under another name, with another flavor, or written in another way.
        with open(self.path("records", "gate.json"), encoding="utf-8") as f:
            self.write("other.json", json.dumps(json.load(f), indent=1))
        for more in ((), ("--flavor", "default"), ("--flavor", f"learned-{self.device.id[:16]}")):
            self.assertIn(b"1 changed", self.verifier.run("import", *more, self.path("other.json")).stdout)
            _, _, answer = self.verifier.attest(self.device.boot())
            self.assertEqual(answer["verdict"], "unknown", answer)
            self.assertIn("the TPM was cleared", json.dumps(answer["reasons"]))
        self.device.proven = None
        self.assertIn(b"1 changed", self.verifier.run("import", self.device.record(self.path("records"))).stdout)
        # The floors of the record count; a boot proves its own with its first quote.
        self.assertEqual(self.verifier.attest(self.device.boot())[2]["verdict"], "trusted")
        self.device.floors = {"version": 0, "sequence": 1}
        self.assertEqual(self.verifier.attest(self.device.boot())[2]["verdict"], "untrusted")

    def test_a_resume_is_no_new_boot(self):
        self.device.restart = 1
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            self.assertEqual(db.execute("SELECT COUNT(*) FROM boots").fetchone(), (1,))


class Import(attesting.TestCase):
    def refused(self, text, code, device=None, **more):
        path = (device or Device("wrong")).record(self.tmp, **more)
        self.assertIn(text, self.verifier.run("import", path, check=code).stderr.decode())
        self.assertEqual(self.verifier.run("devices").stdout, b"")

    def test_a_key_that_proves_nothing_is_refused(self):
        for bit, text in ((attesting.RESTRICTED, "restricted"), (attesting.FIXED_TPM, "fixedTPM"), (attesting.FIXED_PARENT, "fixedParent"),
                          (attesting.ORIGIN, "sensitiveDataOrigin"), (attesting.SIGN, "for signing")):
            self.refused(text, 5, Device("weak", attesting.ATTRIBUTES & ~bit))
        self.refused("decrypting", 5, Device("both", attesting.ATTRIBUTES | attesting.DECRYPT))

    def test_a_name_is_computed_not_believed(self):
        self.refused("isn't that of the public area", 5, name="000b" + 64 * "0")

    def test_a_record_has_to_be_proven(self):
        """Each part of what it says is what the attestation key has signed, over this record's keys."""
        def setter(*path):
            def change(record):
                at = record
                for key in path[:-2]:
                    at = at[key]
                at[path[-2]] = path[-1]
            return change
        other, device = Device("other"), Device("wrong")
        theirs, name, value = other.proof()["proof"], "000b" + 64 * "1", 64 * "1"
        for change, text in (
                (lambda r: r.pop("proof"), "nothing proves this record"),
                (lambda r: r["proof"].pop("config-key"), "proof has no config-key"),
                (setter("objects", "storage-root-key", "name", name), "the storage root key that is certified isn't the one that the record names"),
                (setter("objects", "config-key", "name", name), "the configuration key that is certified isn't"),
                (setter("objects", "policy-key", "key-name", name), "the policy key that is certified isn't"),
                (setter("objects", "version-floor", "value", 2), "a counter is certified as 1, and the record says 2"),
                (setter("objects", "sequence-floor", "value", 0), "a counter is certified as 1, and the record says 0"),
                (setter("pcrs", "sha256", "4", value), "they aren't what was quoted"),
                (setter("proof", theirs), "isn't this device's attestation key's"),
                (setter("proof", "config-key", device.proof()["proof"]["storage-root-key"]), "the configuration key that is certified isn't"),
                (setter("proof", "version-floor", device.proof()["proof"]["sequence-floor"]), "isn't the whole counter at NV index 0x018a0001"),
                (setter("proof", "quote", {**device.proof()["proof"]["config-key"], "bank": "sha256"}), "it is of type 0x8017, and 0x8018 was asked for"),
                (lambda r: r.update(device.proof(over=bytes(32))), "over another nonce"),
                (setter("ek", "public", json.loads(self.text(other.record(self.tmp)))["ek"]["public"]), "over another nonce")):
            with self.subTest(text=text):
                self.refused(text, 3 if "of type" in text else 5, device, change=change)
        self.refused("signature isn't hexadecimal", 3, device, change=setter("proof", "quote", "signature", "xyz"))
        path = device.record(self.tmp, change=lambda r: r.pop("proof"))
        self.verifier.run("import", "--unproven", path)
        self.assertIn("not proven", self.verifier.run("show", "wrong").stdout.decode())
        self.assertIn("1 changed", self.verifier.run("import", device.record(self.tmp)).stdout.decode())
        self.assertIn("signed by its attestation key", self.verifier.run("show", "wrong").stdout.decode())
        # A proof that is there is checked, whatever was said.
        path = device.record(self.tmp, change=setter("objects", "config-key", "name", name))
        self.verifier.run("import", "--unproven", path, check=5)

    @staticmethod
    def text(path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def test_malformed_records(self):
        self.refused("hexadecimal", 3, public="xyz")
        self.refused("has no attestation key", 3, public=None)
        self.write("records.json", "{")
        self.verifier.run("import", self.path("records.json"), check=3)

    def test_again_changes_nothing_and_another_key_begins_anew(self):
        device = Device("twice")
        self.assertIn(b"1 new", self.verifier.run("import", device.record(self.tmp)).stdout)
        self.assertIn(b"1 as before", self.verifier.run("import", device.record(self.tmp)).stdout)
        self.verifier.start()
        self.verifier.attest(device)
        ek = device.ek
        device = Device("twice")
        device.ek = ek
        done = self.verifier.run("import", device.record(self.tmp))
        self.assertIn(b"1 changed", done.stdout)
        self.assertIn(b"has another attestation key than before", done.stderr)
        self.assertEqual(self.verifier.attest(device)[0], 200)

    def test_one_key_is_one_device_s(self):
        first, second = Device("first"), Device("second")
        second.key = first.key
        self.verifier.run("import", first.record(self.tmp))
        before = self.verifier.run("devices").stdout
        self.verifier.run("import", second.record(self.tmp), check=13)
        self.assertEqual(self.verifier.run("devices").stdout, before)


if __name__ == "__main__":
    unittest.main()
