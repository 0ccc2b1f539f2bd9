#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""--debug and LATCHKEY_DEBUG: the steps are said, and no key. What the programs of a device say is searched by reliability-memory."""
import os

import rig


class Debug(rig.TestCase):
    def latchkey(self, *argv, debug=None, check=0):
        env = {k: v for k, v in os.environ.items() if k != "LATCHKEY_DEBUG"}
        if debug is not None:
            env["LATCHKEY_DEBUG"] = debug
        done = rig.run([rig.program("latchkey"), *argv], check=check, env=env)
        self.out, self.said = done.stdout.decode(), done.stderr.decode()
        return self.said

    def test_option_and_environment(self):
        """Before a command, among its options, and by the environment; a word that isn't there is still refused."""
        missing = self.path("none.yaml")
        for argv, debug in ((("--debug", "policy", "show", missing), None), (("policy", "show", "--debug", missing), None),
                            (("policy", "show", missing), "1")):
            self.assertIn(f"latchkey: debug: {missing}: can't be read, or isn't there\n", self.latchkey(*argv, debug=debug, check=3))
        for debug in (None, "", "0"):
            self.assertNotIn("debug", self.latchkey("policy", "show", missing, debug=debug, check=3))
        self.assertIn("did you mean --debug?", self.latchkey("policy", "show", "--debgu", missing, check=2))
        self.latchkey("--debug", "--help")
        self.assertIn("--debug", self.out)

    def test_no_key_is_said(self):
        """Making keys, and signing and sealing with them."""
        keys = self.path("keys")
        passphrase = "seven lean cows of the Nile"
        self.write("passphrase", passphrase + "\n")
        said = self.latchkey("--debug", "keygen", "--passphrase-file", self.path("passphrase"), keys)
        private = [line for line in self.read("keys/policy-key.pem").decode().splitlines() if not line.startswith("-")]
        os.mkdir(self.path("files"))
        self.write("files/a", "a file of the configuration\n")
        said += self.latchkey("config", "seal", "--debug", "--key", keys + "/policy-key.pem", "--passphrase-file", self.path("passphrase"),
                              "--config-key", keys + "/config-key.bin", "--sequence", "1", "-o", self.path("blob"), self.path("files"))
        self.assertIn("policy-key.pem: ", said)
        self.assertIn("passphrase: read into locked memory\n", said)
        config = self.read("keys/config-key.bin")
        self.assertGreater(len(private), 2)
        for secret in (*private, passphrase, config.hex(), config[:8].hex(), config[8:16].hex()):
            self.assertNotIn(secret, said)


if __name__ == "__main__":
    rig.unittest.main()
