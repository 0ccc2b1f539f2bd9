# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Somebody on the TPM's bus who wants the latch to stay open: with and without a root key of his own."""
import struct

import interposing
import latch
import proxy
import rig
import volume

PASSPHRASE = latch.PASSPHRASE
EXTENDED = {"PCR_Event", "PCR_Extend"}


def fake_answer(*areas):
    """Success, with no new values and these session areas."""
    body = struct.pack(">II", 4, 0) + b"".join(areas)
    return struct.pack(">HII", 0x8002, 10 + len(body), 0) + body


class Case(volume.Sealed):
    run_unseal = latch.Latch.run_unseal
    pcr15 = latch.Latch.pcr15

    def pinned(self, top=""):
        self.tpm.tool("tpm2_readpublic", "-c", volume.ROOT, "-n", self.path("root.name"))
        return self.owner.policy(self.disk, top=f"root-key:\n  name: \"{self.read('root.name').hex()}\"\n{top}")

    def commands(self, tcti=None, policy=None):
        bus = proxy.Proxy(self, self.tpm)
        code, _, said = self.run_unseal(policy=policy, tcti=bus.tcti)
        self.assertEqual(code, 11, said)
        return bus


class WithoutAKey(Case):
    """He may answer in the TPM's stead, but takes no part in its sessions."""

    def refused(self, answer):
        def swallow(name, command):
            return answer(command) if name == "PCR_Event" else None
        bus = proxy.Proxy(self, self.tpm, swallow)
        code, log, said = self.run_unseal(tcti=bus.tcti)
        self.assertEqual(code, 12, said)
        self.assertIn("nothing is opened: the latch (PCR 15) can't be closed", said)
        self.assertEqual(log, "", "what wasn't measured isn't in the log")
        self.assertEqual(self.pcr15(), bytes(32))
        self.tpm.restart()

    def test_what_he_makes_up_is_refused(self):
        password = b"\0\0\1\0\0"
        nonce = proxy.struct.pack(">H", 16) + bytes(16)
        for name, answer in (
                ("nothing", lambda c: proxy.response(0)),
                ("no session", lambda c: fake_answer(password)),
                ("no HMAC", lambda c: fake_answer(password, nonce + b"\x20" + b"\0\0")),
                ("empty", lambda c: fake_answer(password, b"\0\0\x20\0\0")),
                ("zeros", lambda c: fake_answer(password, nonce + b"\x20" + b"\0\x30" + bytes(48))),
                ("the program's own", lambda c: fake_answer(password, c[c.index(b"\0\x10", 27):][:18] + b"\x20" + c[-67:-17]))):
            with self.subTest(name):
                self.refused(answer)

    def test_a_change_of_the_pcr_or_the_event_is_refused_by_the_tpm(self):
        for name, change in (("PCR 16", lambda c: c[:10] + struct.pack(">I", 16) + c[14:]),
                             ("event", lambda c: c[:-1] + bytes([c[-1] ^ 1]))):
            with self.subTest(name):
                bus = proxy.Proxy(self, self.tpm)
                bus.on_command = lambda n, c: bus.direct(change(c)) if n == "PCR_Event" else None
                code, _, said = self.run_unseal(tcti=bus.tcti)
                self.assertEqual(code, 12, said)
                self.assertEqual(self.pcr15(), bytes(32))
                self.tpm.restart()

    def test_a_root_key_that_seems_missing_leads_to_no_prompt(self):
        """Behind what seems a TPM that was cleared the latch may be open, and who types may be a thief."""
        def swallow(name, command):
            if name == "ReadPublic":
                return proxy.response(0x18b)
            return fake_answer(b"\0\0\1\0\0") if name == "PCR_Event" else None
        for top, asked in (("on-failure: prompt\n", False), ("on-failure: prompt\nprompt-without-tpm: true\n", True)):
            bus = proxy.Proxy(self, self.tpm, swallow)
            code, _, said = self.run_unseal(policy=self.pinned(top), tcti=bus.tcti)
            self.assertIn("that the latch (PCR 15) closes can't be proven: the TPM has no object at 0x81000001", said)
            self.assertEqual("there is no terminal to ask on" in said, asked, said)
            bus.close()


class WithAKey(Case):
    def test_he_succeeds_where_nothing_is_pinned(self):
        """The control: he has the secret, and the latch is open."""
        bus = interposing.Interposer(self, self.tpm, swallow=EXTENDED)
        code, _, said = self.run_unseal(tcti=bus.tcti)
        self.assertEqual(code, 11, said)
        self.assertEqual(bus.seen["Unseal"], [PASSPHRASE + volume.identity(self.key)])
        self.assertEqual(self.pcr15(), bytes(32))

    def test_he_is_refused_where_the_name_is_pinned(self):
        bus = interposing.Interposer(self, self.tpm, swallow=EXTENDED)
        code, _, said = self.run_unseal(policy=self.pinned(), tcti=bus.tcti)
        self.assertEqual(code, 7, said)
        self.assertIn("0x81000001 is another than the one whose Name the policy file pins", said)
        self.assertEqual(bus.seen, {})
        self.assertNotIn("Unseal", bus.names)

    def test_a_token_that_names_his_key_is_refused_too(self):
        """The remembered public area is the disk's word; the Name is calculated from it, and not read there."""
        bus = interposing.Interposer(self, self.tpm, swallow=EXTENDED)
        bus.learn_root()
        real = bus.names_tpm[interposing.ROOT]
        policy = self.pinned()
        for name in (bus.name, real):
            handle = (struct.pack(">I", interposing.ROOT) + interposing.sized(name) + struct.pack(">I", 1)
                      + interposing.sized(bus.public)).hex()
            token = {"type": "latchkey", "keyslots": ["0"], "version": 1, "handle": volume.SEALED, "root-key": handle,
                     "sealed": "", "policies": []}
            latch.luks2.change(self.disk, lambda d: d.update(tokens={"0": token}))
            code, _, said = self.run_unseal(policy=policy, tcti=bus.tcti)
            self.assertEqual(code, 7, said)
            self.assertEqual(bus.seen, {})
            self.assertNotIn("Unseal", bus.names)


class Count(Case):
    def test_the_latch_costs_one_command_and_no_session(self):
        for policy in (self.policy, self.pinned()):
            names = self.commands(policy=policy).names
            self.assertEqual(names.count("StartAuthSession"), 1)
            self.assertEqual(names[names.index("Unseal"):], ["Unseal", "PCR_Event", "PCR_Extend"])
            self.assertEqual(self.tpm.tool("tpm2_getcap", "handles-loaded-session").stdout, b"")
            self.tpm.restart()

    def test_where_nothing_was_unsealed_the_pinned_key_proves_it(self):
        self.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
        bus = proxy.Proxy(self, self.tpm)
        code, _, said = self.run_unseal(policy=self.pinned(), tcti=bus.tcti)
        self.assertEqual(code, 5, said)
        self.assertNotIn("can't be proven", said)
        self.assertEqual(bus.names[-2:], ["StartAuthSession", "PCR_Event"])
        self.assertNotEqual(self.pcr15(), bytes(32))
        self.assertEqual(self.tpm.tool("tpm2_getcap", "handles-loaded-session").stdout, b"")


if __name__ == "__main__":
    rig.unittest.main()
