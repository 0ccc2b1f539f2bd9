# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what tests of latchkey share: running it, keys, PCR values."""
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
sys.path[:0] = [os.path.join(HERE, "..", "support"), DATA]

import rig  # noqa: E402

LATCHKEY = rig.program("latchkey")
DRIVER = os.path.join(rig.BUILD, "tests", "host", "host-driver")
main = unittest.main


def sanitized():
    with open(LATCHKEY, "rb") as f:
        return b"__asan_init" in f.read()


class TestCase(rig.TestCase):
    def latchkey(self, *argv, check=0, stdin=b"", env=None):
        return rig.run([LATCHKEY, *argv], check=check, stdin=stdin, env=env)

    def assertSaid(self, done, pattern):
        self.assertRegex((done.stdout + done.stderr).decode(), pattern)

    def assertNotMade(self, *names):
        for name in names:
            self.assertFalse(os.path.lexists(self.path(name)), name)

    def keys(self, curve="p384", name="keys"):
        self.latchkey("keygen", "--curve", curve, self.path(name))
        return self.path(name)

    def policy(self, *options, keys=None, name="policy.yaml"):
        keys = keys or self.keys()
        self.latchkey("policy", "init", "--policy-key", os.path.join(keys, "policy-key.pub.pem"),
                      *options, "-o", self.path(name))
        return self.path(name)

    def pcrs(self, bank="sha256", name="pcrs.json"):
        """Made-up values, in the JSON form."""
        size = {"sha256": 32, "sha384": 48}[bank]
        values = {str(i): bytes([i + 1]).hex() * size for i in range(24)}
        return self.write(name, json.dumps({bank: values}))
