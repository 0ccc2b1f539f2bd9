# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey-unseal on objects, policies and volumes that stock tools made."""
import os

import rig
import volume

PASSPHRASE = bytes(range(1, 65))


class Unseal(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)
        self.disk, self.key = volume.luks_file(self, PASSPHRASE)

    def unseal(self, policy, *args, tpm=None, check=0):
        argv = [rig.program("latchkey-unseal"), "--policy", policy,
                "--tpm", tpm or self.tpm.tcti, "--dry-run", *args]
        return rig.run(argv, check=check).stderr.decode()

    def make(self, **options):
        owner = volume.Owner(self, **options)
        owner.seal(self.tpm, PASSPHRASE + volume.identity(self.key))
        return owner, owner.policy(self.disk), owner.sign(self.tpm)

    def test_a_policy_signed_by_openssl_opens_the_volume(self):
        for curve in ("p384", "p256"):
            with self.subTest(curve=curve):
                _, policy, signed = self.make(curve=curve)
                self.assertIn("would open", self.unseal(policy, "--signed", signed))

    def test_without_latch_floor_and_policy_ref_where_the_policy_file_says_so(self):
        _, policy, signed = self.make(latch="none", floor="none", ref="", form=1)
        self.assertIn("would open", self.unseal(policy, "--signed", signed))

    def test_format_1_opens_what_was_sealed_with_it(self):
        _, policy, signed = self.make(form=1)
        self.assertIn("would open", self.unseal(policy, "--signed", signed))

    def test_the_sha384_bank(self):
        _, policy, signed = self.make(bank="sha384")
        self.assertIn("would open", self.unseal(policy, "--signed", signed))


if __name__ == "__main__":
    rig.unittest.main()
