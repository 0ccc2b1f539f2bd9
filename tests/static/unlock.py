#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What an unlock by the static latchkey-unseal touches, by strace; keyslots of each kind; a storage root key that is RSA."""
import os
import re

import rig
import touched
import volume

PASSPHRASE = bytes(range(1, 65))
# Beside the policy, the disk and the TPM: the log, random numbers, the copy of the header in memory, whether the volume is open.
ALLOWED = (r"/dev/kmsg", r"/dev/null", r"/dev/u?random", r"/proc/self/fd/\d+", r"/memfd:luks2-header", r"/dev/mapper/lktest", r"/proc/cmdline")


class Case(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)

    def scene(self, *options):
        """Arguments that open a volume made with these options of cryptsetup."""
        disk, key = volume.luks_file(self, PASSPHRASE, options=options)
        owner = volume.Owner(self)
        owner.seal(self.tpm, PASSPHRASE + volume.identity(key))
        self.files = [owner.policy(disk), owner.sign(self.tpm), disk]
        return [rig.program("latchkey-unseal"), "--policy", self.files[0], "--tpm", self.tpm.tcti, "--dry-run",
                "--signed", self.files[1]]


class Trace(Case):
    """What no file of tests/boot can show: a run over a software TPM. There the volume is mapped, too (tests/boot/traced.py)."""

    def trace(self, *options):
        argv = self.scene(*options)
        rig.run(["strace", "-f", "-yy", "-o", self.path("trace"), *argv], check=0)
        return touched.Touched(self.read("trace").decode())

    def allowed(self):
        """The trace's own ends are the test's: its output goes to pipes."""
        return [*ALLOWED, *map(re.escape, self.files)]

    def test_policy_tpm_disk_and_log_and_nothing_else(self):
        seen = self.trace()
        self.assertEqual(seen.strange_files(self.allowed()), [])
        self.assertLessEqual(set(self.files), seen.files)
        self.assertEqual(seen.strange_calls(touched.SOCKETS, touched.READER), [])

    def test_of_the_network_the_software_tpm_alone(self):
        seen = self.trace()
        self.assertEqual(seen.strange_calls({"socket", "connect"}, touched.READER), [])
        ends = {end for end in seen.sockets if "->" in end}
        for end in ends:
            self.assertRegex(end, rf"^TCP:\[127\.0\.0\.1:\d+->127\.0\.0\.1:({self.tpm.port}|{self.tpm.port + 1})\]$")
        self.assertEqual([end for end in seen.sockets - ends if not re.match(r"(TCP|pipe):\[\d+\]$", end)], [])
        self.assertEqual(len(seen.connects), len([c for c in seen.connects if "AF_INET," in c and '"127.0.0.1"' in c]))
        self.assertGreater(len(ends), 0)

    def test_a_refusal_looks_at_no_more_than_pcrs_and_logs(self):
        """What differs is said with the time of this boot: no time zone is looked up."""
        argv = self.scene()
        self.tpm.tool("tpm2_pcrextend", "7:sha256=" + "5a" * 32)
        rig.run(["strace", "-f", "-yy", "-o", self.path("trace"), *argv], check=5, env=dict(os.environ, TZ="Asia/Tokyo"))
        seen = touched.Touched(self.read("trace").decode())
        more = (r"/sys/class/tpm/.*", r"/sys/kernel/security/.*", r"/run/latchkey(/.*)?", r"/run/log/systemd/.*", r"/proc/sys/kernel/random/boot_id", r"/proc/cmdline")
        self.assertEqual(seen.strange_files([*self.allowed(), *more]), [])

    def test_a_file_more_is_found(self):
        """The test that can fail."""
        seen = touched.Touched('7 open("/etc/localtime", O_RDONLY) = 3</etc/localtime>\n7 read(3</etc/passwd>, ""..., 9) = 0\n'
                               '7 openat(4</etc>, "hosts", O_RDONLY) = -1 ENOENT\n7 clone(child_stack=NULL) = 8\n7 +++ exited with 0 +++\n')
        self.assertEqual(seen.strange_files(ALLOWED), ["/etc", "/etc/hosts", "/etc/localtime", "/etc/passwd"])
        self.assertEqual(seen.strange_calls(), ["clone"])


class Keyslots(Case):
    def opens(self, *options):
        said = rig.run(self.scene(*options), check=0).stderr.decode()
        self.assertIn("would open", said)

    def test_argon2(self):
        # The test's own --pbkdf comes first; the last one counts.
        for kind in ("argon2id", "argon2i"):
            with self.subTest(kind):
                self.opens("--pbkdf", kind, "--pbkdf-memory", "65536", "--pbkdf-parallel", "4", "--pbkdf-force-iterations", "4")

    def test_hashes(self):
        for name in ("sha1", "sha256", "sha384", "sha512"):
            with self.subTest(name):
                self.opens("--hash", name)

    def test_ciphers_of_the_area(self):
        for cipher, bits in (("aes-xts-plain64", "256"), ("aes-xts-plain64", "512"), ("aes-cbc-essiv:sha256", "256"),
                             ("aes-cbc-essiv:sha256", "128"), ("aes-cbc-plain64", "192")):
            with self.subTest(cipher=cipher, bits=bits):
                self.opens("--keyslot-cipher", cipher, "--keyslot-key-size", bits)


class RootKey(Case):
    def root(self, algorithm):
        """Another storage root key in its place."""
        self.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", volume.ROOT)
        self.tpm.tool("tpm2_createprimary", "-C", "o", "-G", algorithm, "-g", "sha256", "-c", self.path("root.ctx"))
        self.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("root.ctx"), volume.ROOT)
        self.tpm.tool("tpm2_flushcontext", "-t")

    def test_each_kind_that_a_tpm_may_have(self):
        for algorithm in ("rsa2048", "ecc256", "ecc384"):
            with self.subTest(algorithm):
                self.root(algorithm)
                said = rig.run(self.scene(), check=0).stderr.decode()
                self.assertIn("would open", said)


if __name__ == "__main__":
    rig.unittest.main()
