# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What an unlock asks of the TPM, in commands and bytes, with and without what an earlier one
learned; and that what was learned is worth nothing when it is false."""
import json
import os
import re

import luks2
import proxy
import rig
import volume

PASSPHRASE = bytes(range(1, 33))
SHORT = ["StartAuthSession", "PolicyPCR", "PolicyAuthorize", "Unseal"]
LONG = ["StartAuthSession", "PolicyPCR", "LoadExternal", "VerifySignature", "FlushContext",
        "PolicyAuthorize", "Unseal"]
REFUSED = SHORT[:3] + LONG[2:]


def with_floor(names):
    return names[:2] + ["PolicyNV"] + names[2:]


class Case(rig.TestCase):
    """A volume in a file, its signed policies in the token, as latchkey-provision leaves them."""
    curve = "p384"
    floor = "none"
    luks_options = ()

    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)
        self.disk, key = volume.luks_file(self, PASSPHRASE, options=self.luks_options)
        self.owner = volume.Owner(self, self.curve, floor=self.floor)
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(key))
        self.policy = self.owner.policy(self.disk)
        self.learned = self.path("learned")
        self.token = {"type": "latchkey", "keyslots": ["0"], "version": 1,
                      "handle": volume.SEALED, "root-key": self.public(volume.ROOT),
                      "sealed": self.public(volume.SEALED), "policies": [self.sign()]}
        self.write_token()

    def public(self, handle):
        self.tpm.tool("tpm2_readpublic", "-c", handle, "-t", self.path("tr"))
        return self.read("tr").hex()

    def sign(self, name="signed.yaml", **options):
        """A signed policy over the PCRs as they are, as it stands in a token."""
        self.owner.sign(self.tpm, name, **options)
        text = self.read(name).decode()
        out = {k: re.search(rf'^{k}: "?(.*?)"?$', text, re.M)[1]
               for k in ("label", "policy-ref", "bank", "version-floor", "digest", "key", "signature")}
        if "\nversion:" in text:
            out["version"] = int(re.search(r"^version: (\d+)$", text, re.M)[1])
        return dict(out, **{"latchkey-signed-policy": 1,
                            "pcrs": dict(re.findall(r"^  (\d+): (\w+)$", text, re.M))})

    def write_token(self, **fields):
        self.token.update(fields)
        luks2.change(self.disk, lambda d: d.update(tokens={"0": self.token}))

    def unseal(self, *options, code=0):
        """Runs it through a counting proxy; gives the proxy."""
        p = proxy.Proxy(self, self.tpm)
        done = rig.run([rig.program("latchkey-unseal"), "--policy", self.policy, "--tpm", p.tcti,
                        "--dry-run", "--learn", self.learned, *options])
        p.close()
        self.said = done.stderr.decode()
        self.assertEqual(done.returncode, code, self.said)
        return p

    def learn(self):
        """What the run before has learned, in the token."""
        self.remembered = json.loads(self.read("learned/lktest.json"))
        self.assertEqual(self.remembered.pop("latchkey-learned"), 1)
        self.write_token(**self.remembered)


class Shortest(Case):
    """The figures: commands and bytes both ways."""
    at_most = {"short": 660, "long": 1140}

    def test_short_and_long_way(self):
        p = self.unseal()
        self.assertEqual(p.names, LONG)
        self.assertLessEqual(p.bytes, self.at_most["long"])
        self.learn()
        short = self.unseal()
        self.assertEqual(short.names, SHORT)
        self.assertLessEqual(short.bytes, self.at_most["short"])
        print(f"{self.curve}: {p.bytes} bytes without a ticket, {short.bytes} with one")

    def test_nothing_is_learned_twice(self):
        self.unseal()
        self.learn()
        rig.run(["rm", "-r", self.learned], check=0)
        self.unseal()
        self.assertFalse(os.path.exists(self.learned))

    def test_it_holds_over_a_reset_of_the_tpm(self):
        self.unseal()
        self.learn()
        self.tpm.restart()
        self.assertEqual(self.unseal().names, SHORT)

    def test_without_remembered_handles_two_commands_more(self):
        self.unseal()
        self.learn()
        ticket = self.token["remembered"]
        self.write_token(**{"root-key": "", "sealed": ""})
        self.assertEqual(self.unseal().names, ["ReadPublic"] * 2 + SHORT)
        self.learn()
        self.assertEqual(self.token["remembered"], ticket)
        self.assertEqual(self.unseal().names, SHORT)


class ShortestP256(Shortest):
    curve = "p256"
    at_most = {"short": 600, "long": 980}


class Floor(Case):
    floor = volume.FLOOR

    def test_the_floor_costs_one_command_either_way(self):
        self.assertEqual(self.unseal().names, with_floor(LONG))
        self.learn()
        self.assertEqual(self.unseal().names, with_floor(SHORT))

    def test_a_ticket_is_no_way_around_the_floor(self):
        self.unseal()
        self.learn()
        self.tpm.tool("tpm2_nvincrement", "-C", volume.FLOOR, volume.FLOOR)
        p = self.unseal(code=5)
        self.assertIn("under the TPM's version floor 2", self.said)
        self.assertNotIn("Unseal", p.names)


class Forged(Case):
    """Each lie costs one refused command, and then the long way opens as usual."""

    def setUp(self):
        super().setUp()
        self.unseal()
        self.learn()
        self.good = self.token["remembered"]

    def lie(self, **fields):
        self.write_token(remembered=dict(self.good, **fields))

    def test_false_tickets(self):
        ticket = self.good["ticket"]
        other = self.swtpm("other")
        volume.prepare_tpm(other)
        mine, self.tpm = self.tpm, other
        self.owner.seal(other, b"x" * 96)
        foreign = self.foreign(other)
        self.tpm = mine
        self.assertEqual(len(foreign), len(ticket))
        for name, value in {"flipped": f"{int(ticket, 16) ^ 1:0{len(ticket)}x}", "short": ticket[:-2],
                            "one byte": "00", "zeros": "00" * (len(ticket) // 2), "ones": "ff" * 64,
                            "foreign": foreign}.items():
            with self.subTest(ticket=name):
                self.lie(ticket=value)
                p = self.unseal()
                self.assertEqual(p.names, REFUSED)
                self.assertEqual(json.loads(self.read("learned/lktest.json"))["remembered"], self.good)

    def foreign(self, tpm):
        """The ticket that another TPM gives for the same policy and key."""
        disk = self.disk
        self.disk, key = volume.luks_file(self, PASSPHRASE, "other.img")
        self.owner.seal(tpm, PASSPHRASE + volume.identity(key))
        keep, policy = self.token, self.policy
        self.token = dict(keep, remembered={}, **{"root-key": "", "sealed": ""})
        self.policy = self.owner.policy(self.disk, "other.yaml")
        self.write_token()
        self.unseal()
        found = json.loads(self.read("learned/lktest.json"))["remembered"]["ticket"]
        self.disk, self.token, self.policy = disk, keep, policy
        return found

    def test_what_cant_be_a_ticket_is_as_if_absent(self):
        for value in ("", "0", "xx", "00" * 65, 7, None, [], {}):
            with self.subTest(ticket=value):
                self.lie(ticket=value)
                self.assertEqual(self.unseal().names, LONG)
        for value in ({}, [], "", 7, None, {"policy": self.good["policy"]}):
            with self.subTest(remembered=value):
                self.write_token(remembered=value)
                self.assertEqual(self.unseal().names, LONG)

    def test_false_handles_are_learned_anew(self):
        right = self.token["sealed"]
        for value in ("00", self.token["root-key"], right[:-2], "zz", ""):
            with self.subTest(sealed=value[:16]):
                self.write_token(sealed=value)
                self.assertIn("ReadPublic", self.unseal().names)
                self.learn()
                self.assertEqual(self.token["sealed"], right)
                self.assertEqual(self.unseal().names, SHORT)

    def test_a_ticket_of_a_policy_that_is_gone(self):
        self.lie(policy="11" * (len(self.good["policy"]) // 2))
        self.assertEqual(self.unseal().names, LONG)

    def test_a_ticket_under_another_signature(self):
        """The ticket says what the TPM has verified; the signature beside it isn't asked for."""
        self.token["policies"][0]["signature"] = "11" * 96
        self.write_token()
        self.assertEqual(self.unseal().names, SHORT)
        self.lie(ticket="00" * 64)
        self.unseal(code=5)
        self.assertIn("not made by the policy key", self.said)

    def test_false_handles_and_a_false_ticket_are_refused_once_each(self):
        other = self.swtpm("other")
        volume.prepare_tpm(other)
        other.tool("tpm2_readpublic", "-c", volume.ROOT, "-t", self.path("other.tr"))
        self.lie(ticket="00" * 64)
        self.write_token(**{"root-key": self.read("other.tr").hex()})
        p = self.unseal()
        self.assertEqual(p.names.count("Unseal"), 2)
        self.assertEqual(p.names.count("PolicyAuthorize"), 3)

    def test_pcrs_that_differ_are_refused_at_once(self):
        """Not again with the signature: no ticket would mend that."""
        for ticket in (self.good["ticket"], "00" * 64):
            self.lie(ticket=ticket)
            self.tpm.tool("tpm2_pcrextend", f"10:sha256={'2a' * 32}")
            p = self.unseal(code=5)
            self.assertEqual(p.names, SHORT[:3] + ["FlushContext", "PCR_Read"])
            self.assertIn("PCR 10", self.said)


class Several(Case):
    """Of several signed policies the one that fitted last is tried first."""

    def setUp(self):
        super().setUp()
        first = self.token["policies"][0]
        self.tpm.tool("tpm2_pcrextend", f"7:sha256={'2a' * 32}")
        self.second = self.sign("second.yaml", label="second")
        self.write_token(policies=[first, self.second])

    def test_one_command_more_once(self):
        self.assertEqual(self.unseal().names, ["PCR_Read"] + LONG)
        self.learn()
        self.assertEqual(self.unseal().names, SHORT)

    def test_another_boot_than_the_last_one(self):
        self.unseal()
        self.learn()
        self.tpm.restart()
        p = self.unseal()
        self.assertEqual(p.names, SHORT[:3] + ["FlushContext", "PCR_Read"] + LONG)
        self.learn()
        self.assertEqual(self.unseal().names, SHORT)

    def test_a_boot_that_none_is_for(self):
        self.unseal()
        self.learn()
        self.tpm.tool("tpm2_pcrextend", f"0:sha256={'2a' * 32}")
        p = self.unseal(code=5)
        self.assertEqual(p.names[:5], SHORT[:3] + ["FlushContext", "PCR_Read"])
        self.assertNotIn("Unseal", p.names)
        self.assertIn("none of the 2 that signed policies are for", self.said)


class Quiet(Case):
    def test_no_configuration_is_read(self):
        """Nor asked for by the environment."""
        self.write("openssl.cnf", "openssl_conf = nothing\n")
        argv = ["strace", "-f", "-e", "trace=openat,open", rig.program("latchkey-unseal"), "--policy", self.policy,
                "--tpm", self.tpm.tcti, "--dry-run"]
        # The leak sanitizer doesn't work under strace.
        env = dict(os.environ, OPENSSL_CONF=self.path("openssl.cnf"), ASAN_OPTIONS="detect_leaks=0")
        done = rig.run(argv, env=env, check=0)
        self.assertIn(b"policy.yaml", done.stderr)
        self.assertNotIn(b"openssl.cnf", done.stderr)


class Timing(Case):
    def test_steps_and_commands_are_told(self):
        self.unseal("--timing")
        lines = re.findall(r"^timing: +([\d.]+) ms  (.*)$", self.said, re.M)
        words = [w for _, w in lines]
        commands = [re.sub(r" .*", "", w[7:]) for w in words if w.startswith("- TPM2_")]
        self.assertEqual(commands, LONG)
        for step in ("policy file read", "TPM there, and connected to", "lktest: unsealed",
                     "lktest: device there, header and token read",
                     "lktest: keyslot opened, volume key compared"):
            self.assertIn(step, words)
        self.assertEqual(words[-1], "in all, from main()")
        whole = float(lines[-1][0])
        self.assertLessEqual(sum(float(t) for t, w in lines[:-1] if not w.startswith("- ")), whole + 0.01)

    def test_not_unless_asked(self):
        self.unseal()
        self.assertNotIn("timing", self.said)


if __name__ == "__main__":
    rig.unittest.main()
