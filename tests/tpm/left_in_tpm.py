# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What others have left in the TPM: flushed where the TPM is ours alone, named where it isn't, untouched where there is room."""
import glob
import os
import shutil
import unittest

import rig
from device import Device


class Left(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self).ready()
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(1))

    def unseal(self, code=0, tcti=None):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"),
                        "--tpm", tcti or self.dev.tpm.tcti], check=code)
        return done.stderr.decode()

    def leave_objects(self, n=3):
        for i in range(n):
            self.dev.tpm.tool("tpm2_createprimary", "-Q", "-C", "n", "-G", "ecc", "-c", self.path(f"{i}.ctx"))
        return self.handles("transient")

    def leave_sessions(self, n=64):
        for i in range(n):
            self.dev.tpm.tool("tpm2_startauthsession", "-S", self.path(f"{i}.session"), check=None)
        return self.handles("saved-session")

    def handles(self, kind):
        return self.dev.tpm.tool("tpm2_getcap", "handles-" + kind).stdout.split()[1::2]

    def behind_another(self):
        """A connection that isn't the kernel's device, nor a software TPM's own."""
        return f"cmd:tpm2_send --tcti={self.dev.tpm.tcti}"

    def test_objects_that_fill_it_are_flushed_and_the_volume_opens(self):
        self.assertEqual(len(self.leave_objects()), 3)
        said = self.unseal()
        self.assertIn("3 objects and 0 sessions that another program had left in it were flushed", said)
        self.assertIn("would open", said)
        self.assertEqual(self.handles("transient"), [])

    def test_sessions_that_fill_it_are_flushed_and_the_volume_opens(self):
        self.assertEqual(len(self.leave_sessions()), 64)
        said = self.unseal()
        self.assertIn("0 objects and 64 sessions", said)
        self.assertIn("would open", said)
        self.assertEqual(self.handles("saved-session"), [])

    def test_both_at_once(self):
        self.leave_objects()
        self.leave_sessions()
        self.assertIn("would open", self.unseal())
        self.assertEqual((self.handles("saved-session"), self.handles("transient")), ([], []))

    def test_what_leaves_room_stays(self):
        self.leave_sessions(3)
        left = self.leave_objects(1)
        self.assertNotIn("flushed", self.unseal())
        self.assertEqual(self.handles("transient"), left)
        self.assertEqual(len(self.handles("saved-session")), 3)

    def test_behind_a_resource_manager_nothing_is_flushed_and_the_message_says_what_to_do(self):
        left = self.leave_objects()
        said = self.unseal(4, self.behind_another())
        self.assertIn("the TPM is full of objects of other programs", said)
        self.assertIn("tpm2_getcap handles-transient", said)
        self.assertEqual(self.handles("transient"), left)
        self.dev.tpm.tool("tpm2_flushcontext", "-t")
        left = self.leave_sessions()
        self.assertIn("the TPM is full of sessions of other programs", self.unseal(4, self.behind_another()))
        self.assertEqual(self.handles("saved-session"), left)

    def test_provisioning_makes_room_too(self):
        self.leave_objects()
        self.leave_sessions()
        self.dev.new_disk("disk.img")
        said = self.dev.format("--replace-object").stderr.decode()
        self.assertIn("is ready", said)
        self.assertIn("flushed", said)

    def check_install(self, leave):
        self.dev.tpm.tool("tpm2_clear", "-c", "p")
        os.unlink(self.dev.record_path)
        shutil.rmtree(self.path("fapi"))
        leave()
        said = self.dev.install().stderr.decode()
        self.assertIn("flushed", said)
        self.assertIn("installed", said)
        for hierarchy in ("HS", "LOCKOUT"):
            self.assertTrue(glob.glob(self.path(f"fapi/system/*/{hierarchy}/object.json")))

    def test_install_into_a_tpm_full_of_objects(self):
        self.check_install(self.leave_objects)

    def test_install_into_a_tpm_full_of_sessions(self):
        self.check_install(self.leave_sessions)


if __name__ == "__main__":
    unittest.main()
