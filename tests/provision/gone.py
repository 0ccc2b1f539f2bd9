# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""decommission and lockout clear: of the TPM that it has to be, and what the record says afterwards."""
import hashlib
import json
import unittest

import rig
from device import Device


class Gone(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.auths = ("--owner-auth", self.dev.owner_auth_file(), "--lockout-auth", self.write("lockout.auth", self.dev.auth("lockout") + "\n"))

    def handles(self):
        return self.dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout

    def another(self):
        """A device file that names another TPM."""
        name = "000b" + "ab" * 32
        return self.write("other.yaml", f'latchkey-device: 1\ndevice-id: "{hashlib.sha256(bytes.fromhex(name)).hexdigest()}"\n'
                                        f'root-key:\n  name: "{name}"\n')

    def test_nothing_is_given_to_another_tpm(self):
        before, other = self.handles(), self.another()
        for words in (("decommission", *self.auths, "--yes", "decommission"), ("lockout", "clear", *self.auths[2:])):
            self.dev.provision(*words, "--device-file", other, check=7)
        self.assertEqual(self.handles(), before)
        self.dev.provision("lockout", "clear", *self.auths[2:])

    def test_where_nothing_says_whose_it_is_a_warning_does(self):
        done = self.dev.provision("lockout", "clear", *self.auths[2:], device_file=False)
        self.assertIn(b"nothing here says whose TPM this has to be", done.stderr)

    def test_the_record_says_that_the_device_is_gone(self):
        self.dev.provision("decommission", *self.auths, "--yes", "decommission", "--record", self.dev.record_path)
        record = self.dev.record()
        self.assertRegex(record["decommissioned-at"], r"^\d{4}-\d\d-\d\dT")
        self.assertTrue(record["volumes"][0]["recovery-key"])
        done = rig.run([rig.program("latchkey"), "config", "seal", "--key", self.dev.path("keys/policy-key.pem"), "--config-key",
                        self.dev.path("keys/config-key.bin"), "--sequence", "9", "--record", self.dev.record_path, "-o", self.path("b.lkb"),
                        self.path("keys")], check=5)
        self.assertIn(b"was decommissioned", done.stderr)

    def test_another_devices_record_is_refused_before_anything_is_gone(self):
        before = self.handles()
        self.write("other.json", json.dumps(dict(self.dev.record(), **{"device-id": "ab" * 32})))
        self.dev.provision("decommission", *self.auths, "--yes", "decommission", "--record", self.path("other.json"), check=13)
        self.assertEqual(self.handles(), before)


if __name__ == "__main__":
    unittest.main()
