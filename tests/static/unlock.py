#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What an unlock by the static latchkey-unseal touches, by strace; keyslots of each kind; a storage root key that is RSA."""
import os
import re

import rig
import volume

PASSPHRASE = bytes(range(1, 65))
# The log, random numbers, the copy of the header, whether the volume is open already.
ALLOWED = (r"/dev/kmsg", r"/dev/u?random", r"/proc/self/fd/\d+", r"/dev/mapper/lktest")


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
    def test_policy_tpm_disk_and_log_and_nothing_else(self):
        argv = self.scene()
        rig.run(["strace", "-f", "-qq", "-e", "trace=%file,%network,%process", "-o", self.path("trace"), *argv], check=0)
        trace = self.read("trace").decode()
        self.assertNotRegex(trace, r"(fork|clone3?|execveat)\(")
        self.assertEqual(trace.count("execve("), 1)
        touched = set(re.findall(r'\b(?:open|openat|access|stat|lstat|readlink|statx|newfstatat)\((?:AT_FDCWD, )?"([^"]*)"', trace))
        self.assertIn(self.files[2], touched)
        extra = [p for p in touched if p not in self.files and not any(re.fullmatch(a, p) for a in ALLOWED)]
        self.assertEqual(extra, [])
        # The software TPM; a build for release has none of it.
        ports = set(re.findall(r"connect\(\d+, \{.*?htons\((\d+)\).*?\"([\d.]+)\"", trace))
        self.assertLessEqual(ports, {(str(self.tpm.port), "127.0.0.1"), (str(self.tpm.port + 1), "127.0.0.1")})
        self.assertNotIn("AF_UNIX", trace)
        self.assertNotIn("AF_NETLINK", trace)


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
