# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Why a TPM, a disk, a folder or a file can't be used: each program names the reason, and writes to nothing that isn't a TPM."""
import os
import shutil
import subprocess
import unittest

import rig
from device import Device

NOBODY = 65534


def as_nobody(argv, folder):
    """From a copy in a folder that everybody may enter: the tree may lie where only root comes, as in /root."""
    program = os.path.join(folder, os.path.basename(argv[0]))
    if not os.path.exists(program):
        shutil.copy2(argv[0], program)
    return subprocess.run([program] + [str(a) for a in argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          user=NOBODY, group=NOBODY, extra_groups=[])


class NoTpm(rig.TestCase):
    def no_tpm(self, path):
        return rig.run([rig.program("latchkey-provision"), "status", "--tpm", f"device:{path}"], check=4).stderr.decode()

    def test_what_is_no_tpm_is_named_and_never_written_to(self):
        self.write("file", b"x" * 4096)
        os.mkdir(self.path("folder"))
        for name, what in ((self.path("file"), "a file"), (self.path("folder"), "a folder"),
                           ("/dev/null", "another device")):
            self.assertIn(f"no TPM: device:{name} can't be used: this is {what}, and not a TPM", self.no_tpm(name))
        self.assertEqual(self.read("file"), b"x" * 4096)

    def test_no_node(self):
        said = self.no_tpm(self.path("tpm0"))
        self.assertIn("there is no such node: the kernel has found no TPM", said)
        self.assertIn("(tried for 10 s)", said)

    def test_nobody_listens(self):
        done = rig.run([rig.program("latchkey-provision"), "pcrs", "--tpm", "swtpm:host=127.0.0.1,port=1"], check=4)
        self.assertIn(b"nothing answers there", done.stderr)


@unittest.skipIf(os.geteuid() != 0, "to become another user one has to be root")
class AnotherUser(rig.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.tmp, 0o755)
        self.mine = self.path("closed")
        os.mkdir(self.mine, 0o700)

    def refused(self, argv, code):
        """The closed folder, whose it is, and who asks; nobody is told that something isn't there."""
        done = as_nobody(argv, self.tmp)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        self.assertIn("Permission denied", said)
        self.assertIn(f"this program runs as user {NOBODY}; run it as root", said)
        for wrong in ("isn't there", "Block device required", "no such", "No such"):
            self.assertNotIn(wrong, said)
        return said

    def test_the_tpm(self):
        said = self.refused([rig.program("latchkey-provision"), "status", "--tpm", f"device:{self.mine}/tpm0"], 4)
        self.assertIn(f"{self.mine} is user 0's and group 0's (mode 0700)", said)

    def test_a_policy_file(self):
        for program, argv in (("latchkey-unseal", ["--dry-run", "--policy"]), ("latchkey-provision", ["policy", "list", "--policy"]),
                              ("latchkey", ["policy", "show"])):
            self.refused([rig.program(program), *argv, f"{self.mine}/policy.yaml"], 3)

    def test_settings_of_configuration(self):
        self.refused([rig.program("latchkey-userconfig"), "status", "--config", f"{self.mine}/userconfig.yaml"], 3)

    def test_a_log(self):
        self.refused([rig.program("latchkey"), "log", "show", f"{self.mine}/log"], 3)

    def test_a_disk(self):
        dev = Device(self)
        dev.policy()
        os.chmod(self.path("policy.yaml"), 0o644)
        os.chmod(self.path("disk.img"), 0o600)
        rig.run(["cryptsetup", "luksFormat", "-q", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                 self.path("disk.img"), "-"], stdin=b"x", check=0)
        said = self.refused([rig.program("latchkey-provision"), "policy", "list", "--policy", self.path("policy.yaml")], 8)
        self.assertIn(f"{self.path('disk.img')} is user 0's", said)
        self.refused([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"), "--tpm",
                      dev.tpm.tcti], 11)
        os.rename(self.path("disk.img"), f"{self.mine}/disk.img")
        self.refused([rig.program("latchkey-provision"), "policy", "list", "--policy", self.path("policy.yaml"),
                      "--device", f"{self.mine}/disk.img"], 8)

    def test_what_unlocks_left(self):
        dev = Device(self)
        dev.policy()
        os.chmod(self.path("policy.yaml"), 0o644)
        self.refused([rig.program("latchkey-provision"), "remember", "--policy", self.path("policy.yaml"),
                      "--learned", f"{self.mine}/learned"], 3)


if __name__ == "__main__":
    unittest.main()
