# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a device does with the keys that install put into its TPM: what openssl wrapped is
unwrapped, what isn't ours is refused, nothing secret crosses the bus."""
import os
import unittest

import proxy
import rig
from device import Device

DRIVER = os.path.join(rig.BUILD, "tests", "provision", "config-driver")
CONFIG_KEY = "0x8100a000"
POLICY_KEY = "0x018a0000"
SEQUENCE = "0x018a0002"
OURS = "fixedtpm|fixedparent|noda|userwithauth"


class ConfigTestCase(rig.TestCase):
    def device(self, form="cipher", bits=256, curve="p384"):
        dev = Device(self, config_bits=bits, curve=curve)
        dev.install("--config-key-form", form)
        return dev

    def call(self, dev, *args, check=0, tcti=None):
        return rig.run([DRIVER, tcti or dev.tpm.tcti, *args], check=check)

    def hex_of(self, dev, *args):
        return bytes.fromhex(self.call(dev, *args).stdout.decode())

    def openssl(self, mode, key, iv, data):
        iv = ["-iv", iv.hex()] if iv else []
        return rig.run(["openssl", "enc", f"-aes-{8 * len(key)}-{mode}", "-K", key.hex(), *iv,
                        "-nopad"], stdin=data, check=0).stdout


class Unwrap(ConfigTestCase):
    def check(self, form, bits, size):
        dev = self.device(form, bits)
        key = self.read("keys/config-key.bin")
        self.assertEqual(len(key), bits // 8)
        iv, content = os.urandom(16), os.urandom(size)
        wrapped = self.openssl("cfb", key, iv, content)
        dev.tpm.restart()
        self.assertEqual(self.hex_of(dev, "unwrap", iv.hex(), wrapped.hex()), content)
        block = self.openssl("ecb", key, None, bytes(16))
        self.assertEqual(self.hex_of(dev, "zero-block"), block)
        dev.tpm.stop()
        traffic = dev.tpm.traffic()
        # The search finds what it has to: the IV crosses in the clear.
        self.assertTrue(form == "sealed" or iv in traffic)
        for secret in (content, content[:16], key, key[:16], block):
            self.assertFalse(secret in traffic)

    def test_by_a_cipher_object_of_256_bits(self):
        self.check("cipher", 256, 32)

    def test_by_a_cipher_object_of_128_bits(self):
        self.check("cipher", 128, 16)

    def test_by_a_sealed_object_of_256_bits(self):
        self.check("sealed", 256, 32)

    def test_by_a_sealed_object_of_128_bits(self):
        self.check("sealed", 128, 32)

    def test_takes_four_commands(self):
        for form, last in (("cipher", "EncryptDecrypt2"), ("sealed", "Unseal")):
            with self.subTest(form=form):
                dev = self.device(form)
                bus = proxy.Proxy(self, dev.tpm)
                self.call(dev, "unwrap", "00" * 16, "00" * 32, tcti=bus.tcti)
                self.assertEqual(bus.names, ["ReadPublic", "ReadPublic", "StartAuthSession", last])
                dev.tpm.stop()
                for name in ("keys", "tpm", "fapi", "record.json"):
                    os.rename(dev.path(name), dev.path(f"{name}-{form}"))

    def test_without_an_object_says_who_makes_it(self):
        dev = Device(self)
        self.assertIn(b"install", self.call(dev, "zero-block", check=7).stderr)
        self.assertIn(b"install", self.call(dev, "policy-key", check=7).stderr)
        self.assertIn(b"install", self.call(dev, "root-name", check=7).stderr)
        self.assertIn(b"install", self.call(dev, "raise", SEQUENCE, "2", check=7).stderr)


class WrongObjects(ConfigTestCase):
    def setUp(self):
        super().setUp()
        self.dev = self.device("sealed")
        self.owner = self.dev.auth("owner")

    def exchange(self, *create, stdin=None):
        """Who has the owner's authorization puts another object into the key's place."""
        tool, path = self.dev.tpm.tool, self.dev.path
        tool("tpm2_evictcontrol", "-C", "o", "-P", self.owner, "-c", CONFIG_KEY)
        tool("tpm2_create", "-C", "0x81000001", "-u", path("o.pub"), "-r", path("o.priv"), *create,
             stdin=stdin)
        tool("tpm2_load", "-C", "0x81000001", "-u", path("o.pub"), "-r", path("o.priv"), "-c",
             path("o.ctx"))
        tool("tpm2_evictcontrol", "-C", "o", "-P", self.owner, "-c", path("o.ctx"), CONFIG_KEY)
        tool("tpm2_flushcontext", "-t")

    def refused(self):
        done = self.call(self.dev, "unwrap", "00" * 16, "00" * 32, check=7)
        self.assertIn(CONFIG_KEY.encode(), done.stderr)
        self.assertEqual(self.call(self.dev, "zero-block", check=7).stdout, b"")
        shown = self.dev.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"LOCKOUT_COUNTER: 0x0\b")

    def test_a_sealed_object_as_ours_is_taken(self):
        """So that the refusals below are for what they change."""
        self.exchange("-i", "-", "-a", OURS, stdin=b"k" * 32)
        self.assertEqual(self.hex_of(self.dev, "zero-block"),
                         self.openssl("ecb", b"k" * 32, None, bytes(16)))

    def test_another_size(self):
        self.exchange("-i", "-", "-a", OURS, stdin=b"k" * 24)
        self.refused()

    def test_a_password(self):
        self.exchange("-i", "-", "-a", OURS, "-p", "secret", stdin=b"k" * 32)
        self.refused()

    def test_one_that_counts_towards_the_lockout(self):
        self.exchange("-i", "-", "-a", "fixedtpm|fixedparent|userwithauth", stdin=b"k" * 32)
        self.refused()

    def test_one_that_could_be_carried_away(self):
        self.exchange("-i", "-", "-a", "noda|userwithauth", stdin=b"k" * 32)
        self.refused()

    def test_a_cipher_object_that_encrypts_too(self):
        self.exchange("-G", "aes256cfb", "-a", OURS + "|sensitivedataorigin|decrypt|sign")
        self.refused()

    def test_a_signing_key(self):
        self.exchange("-G", "ecc", "-a", OURS + "|sensitivedataorigin|sign")
        self.refused()


class PolicyKey(ConfigTestCase):
    def test_is_the_one_installed(self):
        for curve in ("p384", "p256"):
            with self.subTest(curve=curve):
                dev = self.device(curve=curve)
                bus = proxy.Proxy(self, dev.tpm)
                der = rig.run(["openssl", "pkey", "-pubin", "-in", dev.path("keys", "policy-key.pub.pem"),
                               "-outform", "DER"], check=0).stdout
                out = self.call(dev, "policy-key", tcti=bus.tcti).stdout
                self.assertEqual(bytes.fromhex(out.decode()), der)
                self.assertEqual(bus.names, ["NV_ReadPublic", "ReadPublic", "StartAuthSession", "NV_Read"])
                dev.tpm.stop()
                for name in ("keys", "tpm", "fapi", "record.json"):
                    os.rename(dev.path(name), dev.path(f"{name}-{curve}"))

    def redefine(self, dev, attributes, lock=True):
        """The owner puts another key there, with stock tools."""
        owner, tool = dev.auth("owner"), dev.tpm.tool
        rig.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp384r1",
                 "-out", dev.path("other.pem")], check=0)
        der = rig.run(["openssl", "pkey", "-in", dev.path("other.pem"), "-pubout", "-outform", "DER"],
                      check=0).stdout
        tool("tpm2_nvundefine", "-C", "o", "-P", owner, POLICY_KEY, check=None)
        tool("tpm2_nvdefine", "-C", "o", "-P", owner, "-g", "sha256", "-s", len(der), "-a", attributes,
             POLICY_KEY)
        tool("tpm2_nvwrite", "-C", "o", "-P", owner, "-i", "-", POLICY_KEY, stdin=der)
        if lock:
            tool("tpm2_nvwritelock", "-C", "o", "-P", owner, POLICY_KEY)
        return der

    def test_must_be_locked_and_have_our_attributes(self):
        ours = "ownerwrite|writedefine|ownerread|authread|no_da"
        dev = self.device()
        der = self.redefine(dev, ours)
        self.assertEqual(self.hex_of(dev, "policy-key"), der)
        self.redefine(dev, ours, lock=False)
        self.assertIn(b"locked", self.call(dev, "policy-key", check=7).stderr)
        for other in (ours + "|authwrite", ours.replace("writedefine", "write_stclear")):
            with self.subTest(attributes=other):
                self.redefine(dev, other)
                self.call(dev, "policy-key", check=7)

    def test_an_answer_changed_on_its_way_is_refused(self):
        dev = self.device()

        def change(name, command):
            if name != "NV_Read":
                return None
            answer = bytearray(bus.direct(command))
            answer[40] ^= 1
            return bytes(answer)

        bus = proxy.Proxy(self, dev.tpm, change)
        done = self.call(dev, "policy-key", tcti=bus.tcti, check=None)
        self.assertIn("NV_Read", bus.names)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")


class Counter(ConfigTestCase):
    def value(self, dev):
        return int.from_bytes(dev.tpm.tool("tpm2_nvread", "-C", SEQUENCE, SEQUENCE).stdout, "big")

    def test_is_counted_up_to_the_number_and_not_beyond(self):
        dev = self.device()
        bus = proxy.Proxy(self, dev.tpm)
        self.call(dev, "raise", SEQUENCE, "5", tcti=bus.tcti)
        self.assertEqual(bus.names, ["NV_ReadPublic", "ReadPublic", "StartAuthSession", "NV_Read"]
                         + 4 * ["NV_Increment"] + ["NV_Read"])
        self.assertEqual(self.value(dev), 5)
        for lower in ("5", "3", "0"):
            self.call(dev, "raise", SEQUENCE, lower)
            self.assertEqual(self.value(dev), 5)

    def test_stops_at_the_first_refusal_and_goes_on_from_there(self):
        dev = self.device()
        left = [3]

        def refuse(name, command):
            if name != "NV_Increment":
                return None
            left[0] -= 1
            return None if left[0] >= 0 else proxy.response(0x920)  # TPM_RC_NV_RATE

        bus = proxy.Proxy(self, dev.tpm, refuse)
        done = self.call(dev, "raise", SEQUENCE, "9", tcti=bus.tcti, check=1)
        self.assertIn(b"stands at 4", done.stderr)
        self.assertEqual(bus.names.count("NV_Increment"), 4)
        self.assertEqual(self.value(dev), 4)
        self.call(dev, "raise", SEQUENCE, "9")
        self.assertEqual(self.value(dev), 9)

    def test_another_index_is_refused(self):
        dev = self.device()
        for attributes in ("authread|authwrite|ownerwrite", "nt=counter|authread|authwrite"):
            dev.tpm.tool("tpm2_nvundefine", "-C", "o", "-P", dev.auth("owner"), SEQUENCE)
            dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", dev.auth("owner"), "-s", "8", "-a",
                         attributes, SEQUENCE)
            self.call(dev, "raise", SEQUENCE, "2", check=7)

    def test_root_name_is_the_one_that_stock_tools_show(self):
        dev = self.device()
        shown = dev.tpm.tool("tpm2_readpublic", "-c", "0x81000001").stdout.decode()
        self.assertIn("name: " + self.hex_of(dev, "root-name").hex(), shown)


if __name__ == "__main__":
    unittest.main()
