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

    def values(self, name, **changed):
        """Made-up values of the selection, some of them others; as pcrs --json has them."""
        values = {str(n): f"{n + 1:02x}" * 32 for n in (0, 7, 10, 12)}
        values.update({n[1:]: v for n, v in changed.items()})
        return self.write(name, json.dumps({"sha256": values}))

    def try_values(self, keys, policy, pcrs, *more, check=0):
        """By each of the three ways to a signed policy."""
        common = ("--policy", policy, "--pcr-values", pcrs, "--version", "1", *more)
        out = ("--force", "-o", self.path("out"))
        for name in ("out", "signed"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        done = [self.latchkey("policy", "digest", *common, *out, check=check)]
        if check == 0:
            rig.run(["openssl", "dgst", "-sha384", "-sign", keys + "/policy-key.pem", "-out", self.path("sig"), self.path("out")], check=0)
        else:
            self.assertNotMade("out")
            self.write("sig", "")
        done.append(self.latchkey("policy", "attach", *common, "--signature", self.path("sig"), *out, check=check))
        done.append(self.latchkey("policy", "sign", *common, "--key", keys + "/policy-key.pem", "-o", self.path("signed"), check=check))
        if check:
            self.assertNotMade("out", "signed")
        return done

    def test_what_nobody_has_extended_is_signed_by_name_alone(self):
        keys = self.keys()
        policy = self.policy("--pcrs", "0,7,10,12", keys=keys)
        zero, locality, ones = "00" * 32, "00" * 31 + "03", "ff" * 32
        for changed, pcrs in (({"p10": zero}, "10"), ({"p0": zero}, "0"), ({"p0": locality}, "0"), ({"p7": zero}, "7"),
                              ({"p0": zero, "p7": zero, "p10": zero}, "0,7,10")):
            with self.subTest(changed):
                values = self.values("values.json", **changed)
                for done in self.try_values(keys, policy, values, check=13):
                    self.assertSaid(done, f"values.json: PCR {pcrs} of bank sha256: nobody has extended it.*--unextended {pcrs} ")
                self.try_values(keys, policy, values, "--unextended", pcrs)
                shown = self.shown("signed")
                self.assertEqual(shown["unextended"], [int(n) for n in pcrs.split(",")])
                attached = self.shown("out")
                self.assertEqual({**shown, "signature": ""}, {**attached, "signature": ""})
                self.latchkey("policy", "verify", "--policy", policy, self.path("signed"))
        # A PCR that need not be extended in a boot is nobody's mistake.
        self.try_values(keys, policy, self.values("values.json", p12=zero))
        self.assertNotIn("unextended", self.shown("signed"))
        self.try_values(keys, policy, self.values("values.json", p12=zero), "--unextended", "12")
        for done in self.try_values(keys, policy, self.values("values.json", p7=ones), check=13):
            self.assertSaid(done, "PCR 7 of bank sha256: all ones")

    def test_consent_is_of_a_pcr_that_is_selected_and_unextended(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        values = self.values("values.json", p10="00" * 32, p12="00" * 32)
        for list_, said in (("7", "PCR 7 of bank sha256 was extended"), ("7,10", "PCR 7 .*was extended"), ("12", "PCR 12 isn't one"),
                            ("15", "PCR 15 isn't one"), ("x", "write numbers"), ("", "write numbers"), ("24", "write numbers")):
            for done in self.try_values(keys, policy, values, "--unextended", list_, check=2):
                self.assertSaid(done, "--unextended.*" + said)

    def test_a_word_of_consent_that_is_false_is_not_read(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        self.sign(policy, keys, self.values("values.json", p10="00" * 32), "--unextended", "10")
        text = self.read("signed.yaml").decode()
        self.assertIn("unextended: [10]\n", text)
        for other in ("[7]", "[10, 10]", "[12]", "[]", "10", "[24]", "{10: 1}"):
            changed = self.write("changed.yaml", text.replace("unextended: [10]", "unextended: " + other))
            self.assertSaid(self.latchkey("policy", "show", changed, check=3), r"changed.yaml: \d+:\d+: ")

    def test_values_with_a_byte_order_mark(self):
        tpm = self.swtpm()
        keys = self.keys()
        policy = self.policy(keys=keys)
        text = tpm.tool("tpm2_pcrread", "sha256:0,7,10").stdout
        forms = {"text": text, "json": self.read(os.path.basename(self.values("v.json")))}
        for name, data in forms.items():
            plain = self.sign(policy, keys, self.write(name, data), out=name + ".yaml")
            for kind, form in (("bom", b"\xef\xbb\xbf" + data), ("crlf", b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))):
                self.assertEqual(self.sign(policy, keys, self.write(kind, form), out=f"{name}-{kind}.yaml")["pcrs"], plain["pcrs"])
            wide = self.write("wide", data.decode().encode("utf-16"))
            self.assertSaid(self.latchkey("policy", "sign", "--policy", policy, "--key", keys + "/policy-key.pem", "--pcr-values", wide,
                                          "--version", "1", "-o", self.path("none"), check=3), "wide: it begins with the byte order mark of UTF-16")
            self.assertNotMade("none")

    def test_documents_and_keys_with_a_byte_order_mark(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        values = self.values("v.json")
        plain = self.sign(policy, keys, values)
        for name in ("policy.yaml", "signed.yaml", "keys/policy-key.pem", "keys/policy-key.pub.pem"):
            data = self.read(name)
            self.write(name, b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
        os.unlink(self.path("signed.yaml"))
        self.latchkey("policy", "init", "--policy-key", keys + "/policy-key.pub.pem", "-o", self.path("again.yaml"))
        again = self.sign(policy, keys, values)
        self.assertEqual(again["digest"], plain["digest"])
        self.latchkey("policy", "verify", "--policy", self.path("again.yaml"), self.path("signed.yaml"))
        self.write("signed.yaml", b"\xef\xbb\xbf" + self.read("signed.yaml").replace(b"\n", b"\r\n"))
        self.latchkey("policy", "verify", "--policy", policy, self.path("signed.yaml"))
        wide = self.write("wide", self.read("again.yaml").decode().encode("utf-16"))
        self.assertSaid(self.latchkey("policy", "show", wide, check=3), "wide: 1:1: the file begins with the byte order mark of UTF-16")

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
