# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Whose storage root key it is, in early boot: the owner's signature in the token says it, made here by openssl alone;
somebody on the bus with a key of his own gets neither secret nor PIN."""
import hashlib
import os
import struct

import interposing
import luks2
import pin
import rig
import volume

PASSPHRASE = pin.PASSPHRASE


def signed_bytes(name, ref):
    """latchkey-policy(5), What is signed."""
    return (b"latchkey:signed-root-key:1\0" + struct.pack(">H", len(name)) + name + hashlib.sha256(name).digest()
            + struct.pack(">H", len(ref)) + ref)


def sign(test, owner, name, *, ref=None, key=None, key_name=None, tpm=None):
    """The document as it stands in a token."""
    ref = (owner.ref if ref is None else ref).encode()
    test.write("root.tbs", signed_bytes(name, ref))
    rig.run(["openssl", "dgst", f"-{owner.hash}", "-sign", key or owner.key, "-out", test.path("root.sig"), test.path("root.tbs")],
            check=0)
    size = {"sha384": 48, "sha256": 32}[owner.hash]
    return {"latchkey-root-key": 1, "device-id": hashlib.sha256(name).hexdigest(), "name": name.hex(), "policy-ref": ref.decode(),
            "key": key_name or owner.key_name(tpm or test.tpm),
            "signature": volume.raw_signature(test.read("root.sig"), size).hex()}


def root_name(test, tpm):
    tpm.tool("tpm2_readpublic", "-c", volume.ROOT, "-n", test.path("root.name"))
    return test.read("root.name")


def put(disk, statement):
    token = {"type": "latchkey", "keyslots": ["0"], "version": 1, "handle": volume.SEALED, "root-key": "", "sealed": "",
             "policies": []}
    if statement is not None:
        token["signed-root-key"] = statement
    luks2.change(disk, lambda d: d.update(tokens={"0": token}))


class Signed(rig.TestCase):
    """A volume without a PIN."""

    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)
        self.disk, key = volume.luks_file(self, PASSPHRASE)
        self.owner = volume.Owner(self)
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(key))
        self.signed = self.owner.sign(self.tpm)
        self.name = root_name(self, self.tpm)
        self.required = self.owner.policy(self.disk, "required.yaml", top="root-key: signed\n")
        self.plain = self.owner.policy(self.disk, "plain.yaml")

    def unseal(self, policy, code, *words, bus=None):
        bus = bus or interposing.Proxy(self, self.tpm)
        done = rig.run([rig.program("latchkey-unseal"), "--policy", policy, "--signed", self.signed, "--tpm", bus.tcti, "--dry-run"])
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        for word in words:
            self.assertIn(word, said)
        return bus

    def test_the_tpm_whose_key_is_signed_opens(self):
        put(self.disk, sign(self, self.owner, self.name))
        for policy in (self.required, self.plain):
            self.assertEqual(self.unseal(policy, 0).names.count("StartAuthSession"), 1)

    def test_on_p256_too(self):
        owner = volume.Owner(self, "p256", name="small")
        policy = owner.policy(self.disk, "small.yaml", top="root-key: signed\n")
        put(self.disk, sign(self, owner, self.name))
        bus = self.unseal(policy, 5, "no signed policy")
        self.assertEqual(bus.names, ["PCR_Read"])

    def test_he_is_refused(self):
        put(self.disk, sign(self, self.owner, self.name))
        for policy in (self.required, self.plain):
            for lie in (False, True):
                bus = interposing.Interposer(self, self.tpm, lie=lie)
                self.unseal(policy, 7, bus=bus)
                self.assertEqual(bus.seen, {})
                self.assertNotIn("StartAuthSession", bus.names)

    def test_he_succeeds_where_nothing_is_signed(self):
        """The control."""
        put(self.disk, None)
        bus = interposing.Interposer(self, self.tpm)
        self.unseal(self.plain, 0, bus=bus)
        self.assertEqual(bus.seen["Unseal"][0][:32], PASSPHRASE)

    def test_what_the_owner_has_not_signed_is_refused_before_the_tpm_is_asked(self):
        thief = volume.Owner(self, name="thief")
        good = sign(self, self.owner, self.name)
        his = interposing.Interposer(self, self.tpm)
        his.learn_root()
        text = self.read("signed.yaml").decode()
        policy_signature = text.split('signature: "')[-1].split("signature: ")[-1].strip().strip('"')
        bad = {
            "none": None,
            "his own signature": sign(self, thief, his.name, key_name=good["key"], ref=self.owner.ref),
            "his own key": sign(self, thief, his.name, ref=self.owner.ref),
            "his name under the owner's signature": dict(good, name=his.name.hex(),
                                                         **{"device-id": hashlib.sha256(his.name).hexdigest()}),
            "another use": sign(self, self.owner, self.name, ref="latchkey:other"),
            "another device-id": dict(good, **{"device-id": "00" * 32}),
            "a signed policy's signature": dict(good, signature=policy_signature),
            "zeros": dict(good, signature="00" * 96), "short": dict(good, signature="00" * 64),
            "no map": "x", "another format": dict(good, **{"latchkey-root-key": 2}),
            "a quote in the reference": dict(good, **{"policy-ref": 'a"b'}),
        }
        for name, statement in bad.items():
            with self.subTest(name):
                put(self.disk, statement)
                bus = interposing.Interposer(self, self.tpm)
                self.unseal(self.required, 7, "the policy file wants the TPM's root key signed", "sign-root-key", bus=bus)
                self.assertEqual((bus.seen, bus.names), ({}, []))

    def test_where_it_is_not_wanted_a_bad_one_is_as_if_it_were_not_there(self):
        put(self.disk, dict(sign(self, self.owner, self.name), signature="11" * 96))
        self.unseal(self.plain, 0, "its signed root key is passed over")

    def test_another_genuine_tpm_of_the_owners_is_refused(self):
        """Who puts another device's document there has no use of it: he hasn't that TPM's key, nor is it this TPM's."""
        other = self.swtpm("other")
        volume.prepare_tpm(other)
        put(self.disk, sign(self, self.owner, root_name(self, other)))
        bus = interposing.Interposer(self, self.tpm)
        self.unseal(self.required, 7, bus=bus)
        self.assertEqual(bus.seen, {})
        self.unseal(self.required, 7)


class Pin(pin.Case):
    """The PIN crosses the bus in no form that can be guessed at, or it isn't asked for."""
    GUESSES = [pin.auth(g) for g in ("1234", "correct horse", "0000")]

    def ask(self, policy, answers, bus):
        self.policy = policy
        return pin.on_terminal(self.argv(bus.tcti), answers)

    def refused(self, policy, bus, word):
        code, shown = self.ask(policy, [pin.PIN], bus)
        self.assertEqual(code, 7, shown)
        self.assertNotIn("PIN for volume", shown)
        self.assertIn(word, shown.replace("\r\n", " "))
        self.assertIsNone(bus.found)
        self.assertEqual(bus.seen, {})
        self.assertEqual(self.tries(), 0)

    def pinned(self, name):
        return self.owner.policy(self.disk, "pinned.yaml", volume="    pin: true\n", top=f"root-key:\n  name: \"{name.hex()}\"\n")

    def test_the_control_guesses_it_offline(self):
        """What happened while any key was taken: the policy file names his."""
        bus = interposing.Interposer(self, self.tpm, guess=self.GUESSES)
        bus.learn_root()
        code, shown = self.ask(self.pinned(bus.name), [pin.PIN], bus)
        self.assertEqual(code, 0, shown)
        self.assertEqual(bus.found, pin.auth(pin.PIN))

    def test_nobody_is_asked_where_the_key_is_not_known(self):
        policy = self.owner.policy(self.disk, "none.yaml", volume="    pin: true\n")
        self.refused(policy, interposing.Interposer(self, self.tpm, guess=self.GUESSES), "nobody is asked for a PIN before")

    def test_nobody_is_asked_where_the_key_is_another(self):
        self.refused(self.pinned(root_name(self, self.tpm)), interposing.Interposer(self, self.tpm, guess=self.GUESSES),
                     "is another than the one")

    def test_signed_it_opens_and_he_is_refused(self):
        put(self.disk, sign(self, self.owner, root_name(self, self.tpm)))
        for top in ("", "root-key: signed\n"):
            policy = self.owner.policy(self.disk, "signed-root.yaml", volume="    pin: true\n", top=top)
            self.refused(policy, interposing.Interposer(self, self.tpm, guess=self.GUESSES), "is another than the one")
            code, shown = self.ask(policy, [pin.PIN], interposing.Proxy(self, self.tpm))
            self.assertEqual(code, 0, shown)


if __name__ == "__main__":
    rig.unittest.main()
