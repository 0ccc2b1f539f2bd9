#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Signed policies against openssl and a software TPM driven by the stock tools."""
import json
import os

import host
import policy_files
from host import rig

HASH = {"p384": "sha384", "p256": "sha256"}
FLOOR_ATTRIBUTES = "nt=counter|ownerwrite|authwrite|ownerread|authread|no_da"


class Signed(host.TestCase):
    def sign(self, policy, keys, pcrs, *more, version="7", out="signed.yaml"):
        self.latchkey("policy", "sign", "--policy", policy, "--key", keys + "/policy-key.pem",
                      "--pcr-values", pcrs, *(["--version", version] if version else []), *more,
                      "-o", self.path(out))
        return self.shown(out)

    def shown(self, name):
        return json.loads(self.latchkey("policy", "show", "--json", self.path(name)).stdout)

    def extended(self, tpm):
        """Gives the PCRs values of their own."""
        for pcr, byte in ((0, "01"), (7, "02"), (10, "03")):
            tpm.tool("tpm2_pcrextend", f"{pcr}:sha256={byte * 32},sha384={byte * 48}")

    def trial(self, tpm, h, selection, version=None):
        """Policy digest of a trial session, as the TPM calculates it."""
        session = self.path("session")
        tpm.tool("tpm2_startauthsession", "-S", session, "-g", h)
        tpm.tool("tpm2_policypcr", "-S", session, "-l", selection, "-L", self.path("trial"))
        if version is not None:
            tpm.tool("tpm2_policynv", "-S", session, "-C", "0x018a0001", "-i", "-",
                     "-L", self.path("trial"), "0x018a0001", "ule",
                     stdin=version.to_bytes(8, "big"))
        tpm.tool("tpm2_flushcontext", session)
        return self.read("trial").hex()

    def floor(self, tpm):
        tpm.tool("tpm2_nvdefine", "-C", "o", "-s", "8", "-g", "sha256", "-a", FLOOR_ATTRIBUTES,
                 "0x018a0001")
        tpm.tool("tpm2_nvincrement", "-C", "0x018a0001", "0x018a0001")

    def tbs(self, signed):
        return self.write("tbs", bytes.fromhex(signed["digest"]) + signed["policy-ref"].encode())

    def der(self, raw):
        """ECDSA-Sig-Value of r || s, by openssl."""
        half = len(raw) // 2
        conf = self.write("der.cnf", "asn1=SEQUENCE:s\n[s]\n"
                          f"r=INTEGER:0x{raw[:half].hex()}\ns=INTEGER:0x{raw[half:].hex()}\n")
        rig.run(["openssl", "asn1parse", "-genconf", conf, "-noout", "-out", self.path("sig.der")],
                check=0)
        return self.path("sig.der")

    def check_with_tpm(self, tpm, curve, bank):
        h = HASH[curve]
        keys = self.keys(curve, f"keys-{curve}-{bank}")
        policy = self.policy("--bank", bank, keys=keys, name=f"{curve}-{bank}.yaml")
        pcrs = self.write("pcrs.txt", tpm.tool("tpm2_pcrread").stdout)
        signed = self.sign(policy, keys, pcrs, out=f"s-{curve}-{bank}.yaml")
        self.assertEqual(signed["digest"], self.trial(tpm, h, bank + ":0,7,10,15", 7))

        public = keys + "/policy-key.pub.pem"
        tpm.tool("tpm2_loadexternal", "-C", "o", "-G", f"ecc{curve[1:]}:ecdsa-{h}", "-g", h,
                 "-u", public, "-c", self.path("key.ctx"), "-n", self.path("key.name"))
        self.assertEqual(signed["key"], self.read("key.name").hex())

        der = self.der(bytes.fromhex(signed["signature"]))
        tbs = self.tbs(signed)
        rig.run(["openssl", "dgst", "-" + h, "-verify", public, "-signature", der, tbs], check=0)
        tpm.tool("tpm2_verifysignature", "-c", self.path("key.ctx"), "-g", h, "-m", tbs, "-s", der,
                 "-f", "ecdsa", "-t", self.path("ticket"))
        self.check_session(tpm, h, bank, signed)
        tpm.tool("tpm2_flushcontext", "-t")

    def check_session(self, tpm, h, bank, signed):
        """A real session comes to accept it: the last word is the TPM's."""
        session = self.path("session")
        approved = self.write("approved", bytes.fromhex(signed["digest"]))
        reference = self.write("ref", signed["policy-ref"])
        tpm.tool("tpm2_startauthsession", "-S", session, "-g", h, "--policy-session")
        tpm.tool("tpm2_policypcr", "-S", session, "-l", bank + ":0,7,10,15")
        tpm.tool("tpm2_policynv", "-S", session, "-C", "0x018a0001", "-i", "-", "0x018a0001",
                 "ule", stdin=(7).to_bytes(8, "big"))
        tpm.tool("tpm2_policyauthorize", "-S", session, "-i", approved, "-n",
                 self.path("key.name"), "-q", reference, "-t", self.path("ticket"))
        tpm.tool("tpm2_flushcontext", session)

    def test_a_tpm_agrees_on_digest_name_and_signature(self):
        tpm = self.swtpm()
        self.floor(tpm)
        self.extended(tpm)
        for curve, bank in (("p384", "sha256"), ("p384", "sha384"), ("p256", "sha256")):
            with self.subTest(curve=curve, bank=bank):
                self.check_with_tpm(tpm, curve, bank)

    def test_the_latch_is_signed_as_zero_even_where_it_is_closed(self):
        tpm = self.swtpm()
        self.floor(tpm)
        self.extended(tpm)
        keys = self.keys()
        policy = self.policy(keys=keys)
        expected = self.trial(tpm, "sha384", "sha256:0,7,10,15", 7)
        tpm.tool("tpm2_pcrextend", "15:sha256=" + "05" * 32)
        pcrs = self.write("pcrs.txt", tpm.tool("tpm2_pcrread").stdout)
        self.assertEqual(self.sign(policy, keys, pcrs)["digest"], expected)

    def test_a_policy_without_latch_and_floor_is_plain_policypcr(self):
        tpm = self.swtpm()
        self.extended(tpm)
        keys = self.keys()
        policy = self.policy("--latch", "none", "--policy-ref", "x", keys=keys)
        with open(policy) as f:
            text = f.read().replace("version-floor: 0x018a0001", "version-floor: none")
        with open(policy, "w") as f:
            f.write(text)
        pcrs = self.write("pcrs.txt", tpm.tool("tpm2_pcrread").stdout)
        signed = self.sign(policy, keys, pcrs, version=None)
        self.assertNotIn("version", signed)
        self.assertEqual(signed["digest"], self.trial(tpm, "sha384", "sha256:0,7,10"))

    def test_all_forms_of_pcr_values_give_the_same_digest(self):
        tpm = self.swtpm()
        self.extended(tpm)
        keys = self.keys()
        policy = self.policy(keys=keys)
        text = tpm.tool("tpm2_pcrread").stdout.decode()
        values = {}
        for line in text.split("sha256:")[1].split("sha384:")[0].splitlines():
            if ":" in line:
                pcr, value = line.split(":")
                values[pcr.strip()] = value.strip()[2:]
        forms = {"json": json.dumps({"sha1": {}, "sha256": values}), "text": text,
                 "text of one bank": tpm.tool("tpm2_pcrread", "sha256:0,7,10").stdout,
                 "text of two banks": tpm.tool("tpm2_pcrread", "sha384:1+sha256:0,7,10").stdout}
        for selection in ("0,7,10", "0,7,10,15"):
            tpm.tool("tpm2_pcrread", "sha256:" + selection, "-o", self.path("bin"))
            forms["binary of " + selection] = self.read("bin")
        digests = set()
        for form, data in forms.items():
            with self.subTest(form):
                pcrs = self.write("form", data)
                digests.add(self.sign(policy, keys, pcrs, out=form)["digest"])
        self.assertEqual(len(digests), 1)

    def test_standard_input_and_output(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        done = self.latchkey("policy", "sign", "--policy", policy, "--key",
                             keys + "/policy-key.pem", "--pcr-values", "-", "--version", "1",
                             "-o", "-", stdin=self.read(os.path.basename(self.pcrs())))
        self.latchkey("policy", "verify", "--policy", policy, self.write("s", done.stdout))

    def test_outputs_are_replaced_only_by_force(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        out = self.write("signed.yaml", "mine")
        argv = ["policy", "sign", "--policy", policy, "--key", keys + "/policy-key.pem",
                "--pcr-values", self.pcrs(), "--version", "1", "-o", out]
        self.assertSaid(self.latchkey(*argv, check=13), out + ".*--force")
        self.assertEqual(self.read("signed.yaml"), b"mine")
        self.latchkey(*argv, "--force")
        self.latchkey("policy", "verify", "--policy", policy, out)

    def test_labels_come_back_as_they_were_given(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        for label in ("", "kernel 6.1.0-45", 'quo"te \\ slash', "grün ✓", "yes", "# not: a comment",
                      "tab\tand\nline", "x" * 128):
            with self.subTest(label):
                signed = self.sign(policy, keys, self.pcrs(), "--label", label, "--force")
                self.assertEqual(signed["label"], label)
                for argv in (["show"], ["verify", "--policy", policy]):
                    self.latchkey("policy", *argv, self.path("signed.yaml"))

    def test_a_label_with_a_control_character_is_refused(self):
        keys = self.keys()
        self.latchkey("policy", "sign", "--policy", self.policy(keys=keys), "--key",
                      keys + "/policy-key.pem", "--pcr-values", self.pcrs(), "--version", "1",
                      "--label", "\x1b[31m", "-o", self.path("out"), check=3)
        self.assertNotMade("out")

    def test_verify_in_json(self):
        policy = self.write("p", policy_files.policy_file())
        good = self.write("good", policy_files.signed_policy())
        bad = self.write("bad", policy_files.signed_policy(private=2))
        done = self.latchkey("policy", "verify", "--json", "--policy", policy, good, bad, check=5)
        verdicts = json.loads(done.stdout)
        self.assertEqual(verdicts[0], {"file": good, "good": True, "version": 3, "label": "test"})
        self.assertFalse(verdicts[1]["good"])
        self.assertIn("signature", verdicts[1]["reason"])


class Offline(host.TestCase):
    """The key is elsewhere: digest, a signature of openssl's, attach."""

    def prepared(self, curve):
        self.keydir = self.keys(curve, curve)
        policy = self.policy(keys=self.keydir, name=curve + ".yaml")
        return ["--policy", policy, "--pcr-values", self.pcrs(), "--version", "4", "--label", "x"]

    def digest(self, argv, *more):
        return self.latchkey("policy", "digest", *argv, "-o", self.path("tbs.bin"), "--force",
                             *more).stdout.decode()

    def attach(self, argv, signature, check=0):
        done = self.latchkey("policy", "attach", *argv, "--signature", signature, "-o",
                             self.path("signed.yaml"), check=check)
        if check:
            self.assertNotMade("signed.yaml")
        else:
            self.latchkey("policy", "verify", argv[0], argv[1], self.path("signed.yaml"))
            os.unlink(self.path("signed.yaml"))
        return done

    def openssl_sign(self, curve):
        sig = self.path("sig.der")
        rig.run(["openssl", "dgst", "-" + HASH[curve], "-sign", self.keydir + "/policy-key.pem",
                 "-out", sig, self.path("tbs.bin")], check=0)
        return sig

    def raw(self, der):
        """r || s out of the DER that openssl made, by openssl's own parser."""
        text = rig.run(["openssl", "asn1parse", "-inform", "DER", "-in", der], check=0).stdout
        values = [line.rsplit(":", 1)[1] for line in text.decode().splitlines()
                  if "INTEGER" in line]
        size = 48 if "p384" in self.keydir else 32
        return b"".join(int(v, 16).to_bytes(size, "big") for v in values)

    def test_round_trip_with_openssl_dgst(self):
        for curve in HASH:
            with self.subTest(curve):
                argv = self.prepared(curve)
                self.digest(argv)
                der = self.openssl_sign(curve)
                self.attach(argv, der)
                self.attach(argv, self.write("sig.raw", self.raw(der)))

    def test_the_printed_digest_can_be_signed_instead(self):
        argv = self.prepared("p384")
        printed = self.digest(argv).split()[-1]
        message = rig.run(["openssl", "dgst", "-sha384", "-r", self.path("tbs.bin")], check=0)
        self.assertEqual(message.stdout.split()[0].decode(), printed)
        digest = self.write("digest", bytes.fromhex(printed))
        rig.run(["openssl", "pkeyutl", "-sign", "-inkey", self.keydir + "/policy-key.pem", "-in",
                 digest, "-out", self.path("sig")], check=0)
        self.attach(argv, self.path("sig"))

    def test_the_unsigned_policy_lacks_the_signature_alone(self):
        argv = self.prepared("p384")
        self.digest(argv, "--unsigned", self.path("unsigned.yaml"))
        self.latchkey("policy", "attach", *argv, "--signature", self.openssl_sign("p384"), "-o",
                      self.path("signed.yaml"))
        signed = self.read("signed.yaml").decode().splitlines()
        unsigned = self.read("unsigned.yaml").decode().splitlines()
        self.assertEqual(signed[:-1], unsigned[:-1])
        self.latchkey("policy", "show", self.path("unsigned.yaml"), check=3)

    def test_both_outputs_or_none(self):
        argv = self.prepared("p384")
        taken = self.write("taken", "mine")
        self.latchkey("policy", "digest", *argv, "-o", self.path("out"), "--unsigned", taken,
                      check=13)
        self.assertNotMade("out")
        self.assertEqual(self.read("taken"), b"mine")

    def test_a_signature_of_something_else_is_not_attached(self):
        argv = self.prepared("p384")
        self.digest(argv)
        der = self.openssl_sign("p384")
        other = ["--version" if a == "--version" else "5" if a == "4" else a for a in argv]
        self.assertSaid(self.attach(other, der, check=5), der)
        raw = self.raw(der)
        for name, data, code in (("cut", raw[:-1], 3), ("longer", raw + b"\0", 3), ("empty", b"", 3),
                                 ("swapped", raw[48:] + raw[:48], 5), ("zeros", bytes(96), 5),
                                 ("flipped", raw[:-1] + bytes([raw[-1] ^ 1]), 5),
                                 ("trailing", self.read("sig.der") + b"\0", 3),
                                 ("huge", bytes(1 << 20), 3)):
            with self.subTest(name):
                path = self.write("bad.sig", data)
                self.assertSaid(self.attach(argv, path, check=code), path)


if __name__ == "__main__":
    host.main()
