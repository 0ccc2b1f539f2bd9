# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What is said of a volume or a TPM in trouble names what helps, and that helps."""
import json
import unittest

import rig
from device import Bus, Device


class Advice(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.dev.install()
        self.policy = self.dev.policy()

    def ready(self):
        self.dev.format()
        self.signed = self.dev.sign(1)
        self.add()
        self.write("recovery", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        return self

    def add(self, check=0):
        return self.dev.provision("policy", "add", "--policy", self.policy, self.signed, check=check).stderr.decode()

    def status(self):
        return json.loads(self.dev.provision("status", "--json", "--policy", self.policy).stdout)["volumes"][0]

    def unseal(self, code):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.policy, "--tpm", self.dev.tpm.tcti])
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode()

    def token(self, change=None):
        """Takes the token away; puts it back changed."""
        rig.run(["cryptsetup", "token", "remove", "--token-id", "0", self.path("disk.img")], check=0)
        if change:
            rig.run(["cryptsetup", "token", "import", "--token-id", "0", "--json-file", "-", self.path("disk.img")],
                    stdin=json.dumps(change).encode(), check=0)

    def reseal_and_add_help(self, says):
        volume = self.status()
        self.assertFalse(volume.get("opens-now", False))
        self.assertIn(says, volume["remedy"])
        self.assertIn("reseal", volume["remedy"])
        self.assertIn(says, self.add(check=9))
        said = self.unseal(5)
        self.assertIn("reseal makes the token anew", said)
        self.assertNotIn("sign its PCR values", said)
        self.dev.provision("reseal", "--policy", self.policy, "--owner-auth", self.dev.owner_auth_file(), "--recovery-key-file",
                           self.path("recovery"))
        self.add()
        self.unseal(0)
        self.assertTrue(self.status()["opens-now"])
        self.assertEqual(len(self.dev.luks()["tokens"]), 1)

    def test_a_policy_file_of_another_handle(self):
        self.dev.format()
        text = self.read("policy.yaml").decode()
        self.write("policy.yaml", text.replace("0x8100a001", "0x8100a003"))
        self.assertNotEqual(self.read("policy.yaml").decode(), text)
        said = self.unseal(5)
        self.assertIn("sealed at 0x8100a001, and the policy file says 0x8100a003", said)
        self.assertIn("latchkey-provision reseal", said)
        self.assertNotIn("sign its PCR values", said)

    def test_a_token_that_is_gone(self):
        self.ready().token()
        self.reseal_and_add_help("no latchkey token")

    def test_a_token_that_is_damaged(self):
        token = self.ready().dev.luks()["tokens"]["0"]
        token["policies"][0]["version"] = "x"
        self.token(token)
        self.reseal_and_add_help("damaged")

    def test_a_format_that_was_cut_short(self):
        """Taken up again by the same command, and --overwrite isn't needed."""
        bus = Bus(self.dev.tpm, 64)
        self.assertNotEqual(bus.run([rig.program("latchkey-provision"), *self.dev.format_argv()]), 0)
        self.dev.tpm.restart()
        self.signed = self.dev.sign(1)
        volume = self.status()
        self.assertEqual(volume["state"], "unfinished")
        self.assertIn("format", volume["remedy"])
        self.assertIn("isn't finished", self.add(check=9))
        self.write("key", "x\n")
        done = self.dev.provision("reseal", "--policy", self.policy, "--owner-auth", self.dev.owner_auth_file(), "--recovery-key-file",
                                  self.path("key"), check=9)
        self.assertIn(b"run format again", done.stderr)
        self.ready()
        self.unseal(0)

    def test_a_tpm_that_lost_the_object(self):
        self.ready()
        self.dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-P", self.dev.auth("owner"), "-c", "0x8100a001")
        self.assertEqual(self.status()["sealed-object"], "missing")
        self.assertIn("reseal", self.unseal(7))
        self.dev.provision("reseal", "--policy", self.policy, "--owner-auth", self.dev.owner_auth_file(), "--recovery-key-file",
                           self.path("recovery"))
        self.unseal(0)

    def test_wrong_words_on_the_command_line(self):
        for program, argv, says in (
                ("latchkey-unseal", ["--polcy", "x"], "--polcy: unknown option"),
                ("latchkey-unseal", ["--policy"], "--policy: the option lacks its value"),
                ("latchkey-unseal", ["--timing=3"], "--timing=3: the option takes no value"),
                ("latchkey-unseal", ["-xy"], "-xy: unknown option"),
                ("latchkey-unseal", ["root"], "root: nothing is expected beside options"),
                ("latchkey-unseal", ["--policy", self.policy, "--tpm", "nonsense:"], "expected device:/dev/tpm0"),
                ("latchkey-unseal", ["--policy", self.policy, "--tpm", "device:tpm0"], "expected device:/dev/tpm0"),
                ("latchkey-provision", ["polcy"], "polcy: unknown command; did you mean policy?"),
                ("latchkey-provision", ["policy", "ad"], "policy ad: unknown command; did you mean policy add?"),
                ("latchkey-provision", ["status", "--polcy", "x"], "--polcy: unknown option; did you mean --policy?"),
                ("latchkey-provision", ["status", "--policy"], "--policy: the option lacks its value"),
                ("latchkey-provision", ["status", "--policy", "x", "--policy", "y"], "--policy: the option was given twice"),
                ("latchkey-provision", ["status", "x"], "x: nothing is expected beside options"),
                ("latchkey-provision", ["policy", "add"], "SIGNED... is missing"),
                ("latchkey-provision", ["status", "--json=3"], "--json=3: the option takes no value"),
                ("latchkey-provision", ["status", "--tpm", "nonsense:"], 'TPM "nonsense:": expected device:/dev/tpm0'),
                ("latchkey-provision", ["status", "--tpm", "swtpm:nonsense=1"], "expected device:/dev/tpm0")):
            with self.subTest(argv=argv):
                done = rig.run([rig.program(program), *argv])
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr.decode())

    def test_files_in_swapped_places(self):
        self.ready()
        key = self.dev.path("keys", "policy-key.pub.pem")
        for argv, says in ((["policy", "add", "--policy", self.signed, self.signed], "this is a signed policy; a policy file is expected"),
                           (["policy", "add", "--policy", self.policy, self.policy], "this is a policy file; a signed policy is expected"),
                           (["policy", "add", "--policy", self.policy, self.dev.record_path], "this is a provisioning record; a signed policy"),
                           (["policy", "add", "--policy", self.policy, key], "this is PEM")):
            with self.subTest(argv=argv):
                self.assertIn(says, self.dev.header(*argv, check=3).stderr.decode())


if __name__ == "__main__":
    unittest.main()
