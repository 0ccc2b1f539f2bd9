# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What crosses the TPM's bus in many unlocks: no byte of a secret, neither as it is nor for who sits there with a root key
of his own. LATCHKEY_LONG=1 captures 1,000 unlocks, and LATCHKEY_UNLOCKS=N so many."""
import hashlib
import itertools
import json
import os

import interposing
import luks2
import proxy
import rig
import volume
from pin import Owner, PIN, auth

UNLOCKS = int(os.environ.get("LATCHKEY_UNLOCKS", "1000" if os.environ.get("LATCHKEY_LONG") else "36"))
PASSPHRASE = hashlib.sha512(b"a passphrase that a TPM has made").digest()
RUN = 8  # fewer bytes would be found by chance


class Bus(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)
        self.disk, self.key = volume.luks_file(self, PASSPHRASE)
        self.payload = PASSPHRASE + volume.identity(self.key)
        self.tpm.tool("tpm2_readpublic", "-c", volume.ROOT, "-n", self.path("root.name"))
        self.root_key = f"root-key:\n  name: \"{self.read('root.name').hex()}\"\n"
        owner, with_pin = volume.Owner(self), Owner(self, name="pin", ref="latchkey:pin")
        owner.seal(self.tpm, self.payload)
        with_pin.seal(self.tpm, self.payload, "0x8100a002")
        pin_volume = f"  - name: lktest\n    device: {self.disk}\n    handle: 0x8100a002\n    pin: true\n    cipher: aes-xts-plain64\n    key-size: 512\n"
        self.kinds = {"plain": (owner.policy(self.disk, top=self.root_key), owner.sign(self.tpm)),
                      "pin": (with_pin.policy(self.disk, "pin.yaml", top=self.root_key, volumes=pin_volume),
                              with_pin.sign(self.tpm, "pin-signed.yaml"))}
        self.unpinned = owner.policy(self.disk, "unpinned.yaml")
        self.write("typed", PIN + "\n")
        # What must not be there: keys, and what a PIN becomes before the TPM compares it.
        self.secrets = {"passphrase and identity": self.payload, "volume key": self.key, "PIN": PIN.encode(), "its authorization": auth(PIN)}

    def unseal(self, kind, tcti, *more, policy=None):
        pinned, signed = self.kinds[kind]
        pin = ["--pin-file", self.path("typed")] if kind == "pin" else []
        return rig.run([rig.program("latchkey-unseal"), "--policy", policy or pinned, "--signed", signed, "--tpm", tcti, "--dry-run", *pin, *more])

    def assertNoSecret(self, data, place):
        for name, secret in self.secrets.items():
            for at in range(len(secret) - RUN + 1):
                self.assertNotIn(secret[at:at + RUN], data, f"{place}: {name}, from byte {at}")

    def token(self, learned):
        """What the running system remembers, for the short way."""
        with open(learned) as f:
            hints = json.load(f)
        token = {"type": "latchkey", "keyslots": ["0"], "version": 1, "handle": volume.SEALED, "policies": [],
                 "root-key": hints["root-key"], "sealed": hints["sealed"]}
        luks2.change(self.disk, lambda d: d.update(tokens={"0": token}))

    def test_the_control_finds_it(self):
        """Where no Name is known he has the secret, by the very means that find nothing in the other test."""
        bus = interposing.Interposer(self, self.tpm)
        self.assertEqual(self.unseal("plain", bus.tcti, policy=self.unpinned).returncode, 0)
        bus.close()
        self.assertEqual(bus.seen["Unseal"], [self.payload])
        with self.assertRaises(AssertionError):
            self.assertNoSecret(b"".join(itertools.chain(*bus.seen.values())), "seen")
        with self.assertRaises(AssertionError):
            self.assertNoSecret(b"x" + self.key[3:20] + b"y", "made up")
        # Even he finds nothing in the bytes themselves.
        self.assertNoSecret(bytes(bus.captured), "captured")

    def test_no_byte_of_a_secret_in_any_unlock(self):
        kinds = ("plain", "short", "pin", "his key", "his key, the real Name", "his key, a PIN")
        total, commands, opened = 0, 0, dict.fromkeys(kinds, 0)
        os.mkdir(self.path("learned"))
        self.assertEqual(self.unseal("plain", self.tpm.tcti, "--learn", self.path("learned")).returncode, 0)
        without = self.read("disk.img")
        self.token(self.path("learned", "lktest.json"))
        remembered = self.read("disk.img")
        for n in range(UNLOCKS):
            kind = kinds[n % len(kinds)]
            his = kind.startswith("his")
            if n % len(kinds) < 3 or his:
                self.write("disk.img", remembered if kind == "short" else without)
            bus = interposing.Interposer(self, self.tpm, lie="real" in kind, guess=(auth(PIN),)) if his else proxy.Proxy(self, self.tpm)
            done = self.unseal("pin" if "pin" in kind.lower() else "plain", bus.tcti)
            bus.close()
            place = f"unlock {n} ({kind})"
            self.assertEqual(done.returncode, 7 if his else 0, f"{place}: {done.stderr.decode()}")
            self.assertNoSecret(bytes(bus.captured), place)
            self.assertNoSecret(done.stdout + done.stderr, f"{place}, what it said")
            if his:
                self.assertEqual((bus.seen, bus.found), ({}, None), f"{place}: he took part in a session")
                self.assertNotIn("Unseal", bus.names)
            else:
                self.assertIn("Unseal", bus.names, place)
            opened[kind] += done.returncode == 0
            total, commands = total + len(bus.captured), commands + len(bus.names)
        print(f"\n{UNLOCKS} unlocks, {commands} commands, {total} bytes captured, opened: {opened}", flush=True)
        self.assertEqual(sum(opened.values()), sum(1 for n in range(UNLOCKS) if n % len(kinds) < 3))


if __name__ == "__main__":
    rig.unittest.main()
