#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The benchmarks' proxy: counts what crosses, takes at least a chip's time, manages contexts as the kernel does; and its profiles."""
import json
import socket
import struct
import sys
import time
from pathlib import Path

import rig
import tpm_wire as wire

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import tpm_proxy  # noqa: E402


class Case(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()

    def proxy(self, **options):
        p = tpm_proxy.TpmProxy(self.tpm.port, **options)
        self.addCleanup(p.close)
        return p

    def tool(self, proxy, *argv, check=0):
        done = rig.run(["env", f"TPM2TOOLS_TCTI={proxy.tcti}", *argv], check=check)
        proxy.wait()
        return done.stdout


class Proxy(Case):
    def test_commands_and_bytes_are_those_that_crossed(self):
        p = self.proxy()
        with socket.create_connection(("127.0.0.1", p.port)) as program:
            for size in (16, 8):
                program.sendall(struct.pack(">HIIH", 0x8001, 12, wire.CODE["GetRandom"], size))
                self.assertEqual(len(wire.receive_tpm(program)), 12 + size)
            program.sendall(struct.pack(">HII", 0x8001, 10, 0x20000000))  # nobody's
            self.assertEqual(len(wire.receive_tpm(program)), 10)
        p.wait()
        counts = p.counts.summary()
        self.assertEqual(counts["by-name"], {"GetRandom": 2, "0x20000000": 1})
        self.assertEqual((counts["commands"], counts["bytes-sent"], counts["bytes-received"]), (3, 34, 58))
        self.tool(p, "tpm2_getrandom", "16")
        self.assertEqual(p.counts.summary()["by-name"]["GetRandom"], 3)

    def test_it_takes_at_least_what_the_profile_says(self):
        p = self.proxy(profile="slb9670")
        began = time.monotonic()
        self.tool(p, "tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", self.path("primary"))
        took = (time.monotonic() - began) * 1000
        least = tpm_proxy.Profile("slb9670").commands["CreatePrimary/ecc"]
        self.assertGreater(p.counts.summary()["chip-ms"], least)
        self.assertGreaterEqual(took, p.counts.summary()["chip-ms"])

    def test_without_a_profile_nothing_is_waited_for(self):
        p = self.proxy()
        self.tool(p, "tpm2_getrandom", "8")
        self.assertEqual(p.counts.summary()["chip-ms"], 0)

    def test_a_salted_session_and_each_kind_of_signature_have_times_of_their_own(self):
        p = self.proxy(profile="npct750")
        seen = []
        times = p.profile.ms
        p.profile.ms = lambda c, size: seen.append((wire.name(c), tpm_proxy.variant(c))) or min(times(c, size), 1)
        self.tool(p, "tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", self.path("srk"))
        self.tool(p, "tpm2_startauthsession", "--policy-session", "-S", self.path("s"))
        self.tool(p, "tpm2_flushcontext", self.path("s"))
        self.tool(p, "tpm2_startauthsession", "--hmac-session", "-c", self.path("srk"), "-S", self.path("s"))
        self.tool(p, "tpm2_flushcontext", self.path("s"))
        self.tool(p, "tpm2_flushcontext", "-t")
        self.write("data", "data")
        for kind, scheme, made, openssl in (("ecc384:ecdsa-sha384", "ecdsa", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp384r1"], "-sha384"),
                                            ("ecc256:ecdsa-sha256", "ecdsa", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "-sha256"),
                                            ("rsa2048", "rsassa", ["-algorithm", "RSA"], "-sha256")):
            rig.run(["openssl", "genpkey", *made, "-out", self.path("key")], check=0)
            rig.run(["openssl", "pkey", "-in", self.path("key"), "-pubout", "-out", self.path("pub")], check=0)
            rig.run(["openssl", "dgst", openssl, "-sign", self.path("key"), "-out", self.path("sig"), self.path("data")], check=0)
            self.tool(p, "tpm2_loadexternal", "-C", "n", "-G", kind, "-u", self.path("pub"), "-c", self.path("ctx"))
            self.tool(p, "tpm2_verifysignature", "-c", self.path("ctx"), "-g", openssl[1:], "-m", self.path("data"), "-s", self.path("sig"), "-f", scheme)
            self.tool(p, "tpm2_flushcontext", "-t")
        for expected in (("CreatePrimary", "ecc"), ("StartAuthSession", ""), ("StartAuthSession", "ecc"), ("VerifySignature", "p384"),
                         ("VerifySignature", "p256"), ("VerifySignature", "rsa")):
            self.assertIn(expected, seen)


class ResourceManager(Case):
    def test_contexts_are_saved_and_loaded_around_each_command(self):
        p = self.proxy(resource_manager=True)
        self.tool(p, "tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", self.path("srk"))
        counts = p.counts.summary()
        # The object is saved and flushed after CreatePrimary and loaded before what follows: at the least the tool's own ContextSave.
        self.assertEqual(counts["by-name"]["CreatePrimary"], 1)
        for name in ("ContextLoad", "ContextSave", "FlushContext"):
            self.assertGreaterEqual(counts["resource-manager"].get(name, 0), 1, counts)
        self.assertGreater(counts["resource-manager-bytes"], 0)

    def test_sessions_and_objects_work_and_nothing_stays_behind(self):
        p = self.proxy(resource_manager=True)
        self.tool(p, "tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", self.path("srk"))
        self.tool(p, "tpm2_startauthsession", "--policy-session", "-S", self.path("s"))
        self.tool(p, "tpm2_policypcr", "-S", self.path("s"), "-l", "sha256:0", "-L", self.path("digest"))
        self.tool(p, "tpm2_flushcontext", self.path("s"))
        self.tool(p, "tpm2_create", "-C", self.path("srk"), "-i", self.write("secret", "12345"), "-u", self.path("pub"), "-r", self.path("priv"))
        self.tool(p, "tpm2_load", "-C", self.path("srk"), "-u", self.path("pub"), "-r", self.path("priv"), "-c", self.path("obj"))
        self.assertEqual(self.tool(p, "tpm2_unseal", "-c", self.path("obj")), b"12345")
        p.end_program()
        for kind in ("transient", "loaded-session", "saved-session"):
            self.assertEqual(self.tpm.tool("tpm2_getcap", f"handles-{kind}").stdout.strip(), b"", kind)


class Profiles(rig.unittest.TestCase):
    def test_each_figure_names_its_source_or_how_it_was_estimated(self):
        self.assertEqual(tpm_proxy.profiles(), ["intel-ptt", "npct750", "slb9670", "slb9672", "st33"])
        for name in tpm_proxy.profiles():
            data = json.loads((BENCH / "profiles" / f"{name}.json").read_text())
            self.assertEqual({"title", "part", "sources", "us-per-byte", "commands"} - set(data), set(), name)
            for source in data["sources"].values():
                self.assertRegex(source["where"], "^https://")
            for key, entry in [*data["commands"].items(), ("us-per-byte", {"ms": data["us-per-byte"]["us"], **data["us-per-byte"]})]:
                with self.subTest(profile=name, figure=key):
                    self.assertGreaterEqual(entry["ms"], 0)
                    self.assertIn(key.split("/")[0], [*wire.CODE, "default", "us-per-byte"])
                    self.assertTrue(entry.get("source") in data["sources"] or entry.get("estimate"), "no source, and no rule")
                    if "source" in entry:
                        self.assertIn(entry["source"], data["sources"])
                        self.assertTrue(entry.get("how") or entry.get("estimate"))
            for key in ("default", "StartAuthSession/ecc", "VerifySignature/p256", "VerifySignature/p384", "VerifySignature/rsa"):
                self.assertIn(key, data["commands"])


if __name__ == "__main__":
    rig.unittest.main()
