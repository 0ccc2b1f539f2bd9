# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Programs of first-open.d run once a volume, by what latchkey-unseal says of its volume key, and not by the LUKS UUID."""
import os
import unittest

import rig

FIRST_OPEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd", "libexec", "first-open")
UUID = "01234567-89ab-cdef-0123-456789abcdef"
OTHER = "fedcba98-7654-3210-fedc-ba9876543210"
ONE, TWO = "1" * 64, "2" * 64


class FirstOpen(rig.TestCase):
    def setUp(self):
        super().setUp()
        for name in ("programs", "progress", "opened", "sys/block"):
            os.makedirs(self.path(name))
        os.chmod(self.write("programs/10-note", f'#!/bin/sh\necho "$LATCHKEY_VOLUME $LATCHKEY_IDENTITY" >> {self.path("ran")}\n'), 0o755)
        self.mapping("data", UUID)
        self.write("opened/data", ONE + "\n")

    def mapping(self, name, uuid, number=0):
        folder = f"sys/block/dm-{number}/dm"
        os.makedirs(self.path(folder), exist_ok=True)
        self.write(folder + "/uuid", f"CRYPT-LUKS2-{uuid.replace('-', '')}-{name}\n")
        self.write(folder + "/name", name + "\n")

    def run_script(self, check=0):
        """A block device that is there stands in for /dev/mapper/NAME."""
        script = self.read_script().replace("/dev/mapper/$LATCHKEY_VOLUME", self.path("device")).replace("-b ", "-e ")
        os.chmod(self.write("first-open", script), 0o755)
        self.write("device", "")
        return rig.run([self.path("first-open"), self.path("programs"), self.path("progress"), self.path("sys"), self.path("opened")],
                       check=check).stderr.decode()

    @staticmethod
    def read_script():
        with open(FIRST_OPEN, encoding="utf-8") as f:
            return f.read()

    def ran(self):
        return self.read("ran").decode().split("\n")[:-1] if os.path.exists(self.path("ran")) else []

    def test_once_and_not_again_with_another_uuid(self):
        self.run_script()
        self.run_script()
        self.mapping("data", OTHER)
        self.run_script()
        self.assertEqual(self.ran(), ["data " + ONE])

    def test_another_volume_key_is_another_volume_whatever_its_uuid(self):
        self.run_script()
        self.write("opened/data", TWO + "\n")
        self.run_script()
        self.assertEqual(self.ran(), ["data " + ONE, "data " + TWO])

    def test_what_latchkey_did_not_open_is_passed_over(self):
        os.unlink(self.path("opened/data"))
        self.run_script()
        for text in ("", "\n", "../../etc\n", ONE[:-1] + "\n", ONE + "0\n", ONE[:-1] + "G\n"):
            self.write("opened/data", text)
            self.run_script()
        self.assertEqual((self.ran(), os.listdir(self.path("progress"))), ([], []))

    def test_a_record_by_uuid_becomes_the_volume_s(self):
        self.write("progress/" + UUID, "ran 10-note\ncomplete\n")
        self.run_script()
        self.assertEqual((self.ran(), os.listdir(self.path("progress"))), ([], [ONE]))
        self.mapping("data", OTHER)
        self.run_script()
        self.assertEqual(self.ran(), [])

    def test_beside_a_record_by_another_uuid_nothing_is_run(self):
        self.write("progress/" + UUID, "ran 10-note\ncomplete\n")
        self.mapping("data", OTHER)
        said = self.run_script(check=1)
        self.assertIn(f"{UUID} of before may be its", said)
        self.assertEqual((self.ran(), os.listdir(self.path("progress"))), ([], [UUID]))
        # The owner knows better.
        os.unlink(self.path("progress", UUID))
        self.run_script()
        self.assertEqual(self.ran(), ["data " + ONE])

    def test_all_records_are_taken_up_before_anything_is_run(self):
        self.write("progress/" + OTHER, "ran 10-note\ncomplete\n")
        self.mapping("old", OTHER, 1)
        self.write("opened/old", TWO + "\n")
        self.run_script()
        self.assertEqual(self.ran(), ["data " + ONE])
        self.assertEqual(sorted(os.listdir(self.path("progress"))), [ONE, TWO])


if __name__ == "__main__":
    unittest.main()
