#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the commands say to somebody at the desk: nothing that was asked for is passed over in silence, and nothing is lost."""
import json
import os
import unittest

import attesting


class Commands(attesting.TestCase):
    def records(self, *names):
        folder = self.path("records")
        os.makedirs(folder, exist_ok=True)
        return [attesting.Device(name).record(folder) for name in names]

    def names(self):
        return [d["name"] for d in json.loads(self.verifier.run("devices", "--json").stdout)["devices"]]

    def said(self, *argv, check):
        done = self.verifier.run(*argv, check=check)
        return done.stdout.decode() + done.stderr.decode()

    def test_the_records_before_one_that_is_refused_are_in(self):
        first, second, third, last = self.records("a", "b", "c", "d")
        with open(third, "w", encoding="utf-8") as f:
            f.write("{")
        said = self.said("import", self.path("records"), check=3)
        self.assertIn("c.json: not JSON", said)
        self.assertIn("2 new, 0 changed, 0 as before", said)
        self.assertEqual(self.names(), ["a", "b"])
        # One that has another device's key is no error of the database's.
        with open(second, encoding="utf-8") as f:
            copy = json.load(f)
        del copy["ek"], copy["proof"]
        with open(third, "w", encoding="utf-8") as f:
            json.dump(copy, f)
        said = self.said("import", "--unproven", last, third, check=13)
        self.assertIn('c.json: its attestation key is that of device "b" already', said)
        self.assertEqual(self.names(), ["a", "b", "d"])
        self.assertIn("0 new, 0 changed, 1 as before", self.said("import", first, check=0))

    def test_a_state_directory_that_was_misspelt_is_not_made(self):
        path, = self.records("a")
        missing = self.path("mispelt")
        for argv in (("devices",), ("report",), ("show", "a"), ("import", path), ("flavor list",), ("token add", "x")):
            self.assertIn("there is no state directory", self.said(argv[0], "--state", missing, *argv[1:], check=3), argv)
        self.assertIn("there is no state directory", self.said("devices", check=3))
        self.assertEqual([os.path.exists(p) for p in (missing, self.verifier.state)], [False, False])
        self.verifier.run("import", path)
        self.assertEqual(self.names(), ["a"])

    def test_the_socket_of_the_unit_is_loopback_s(self):
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "systemd", "latchkey-verifier.socket"), encoding="utf-8") as f:
            self.assertEqual([line.strip() for line in f if line.startswith("Listen")], ["ListenStream=127.0.0.1:8443"])

    def test_what_holds_no_record(self):
        os.makedirs(self.path("empty"))
        self.assertIn("empty: no record (*.json) in it", self.said("import", self.path("empty"), check=3))
        said = self.said("import", self.path("nothere"), check=3)
        self.assertEqual(said.count("nothere"), 1, said)

    def test_a_flavor_that_is_not_there_is_told(self):
        paths = self.records("a")
        self.assertIn('there is no flavor "tpyo" yet', self.said("import", "--flavor", "tpyo", *paths, check=0))
        self.assertNotIn("there is no flavor", self.said("import", *paths, check=0))

    def test_a_certificate_for_other_names_is_told(self):
        warning = "server.pem was made for other names than those of the settings"
        for names, told in (("DNS:localhost,IP:127.0.0.1", False), ("DNS:localhost,IP:192.0.2.1", True), ("DNS:attest.example.org", True)):
            with open(self.verifier.settings, encoding="utf-8") as f:
                lines = [line for line in f if not line.startswith("names:")]
            self.write("verifier.yaml", "".join(lines) + f"names: {names}\n")
            self.verifier.start()
            self.assertEqual(warning in self.verifier.output(), told, names)
            self.verifier.stop()
        os.unlink(os.path.join(self.verifier.state, "server.pem"))
        self.verifier.start()
        self.assertNotIn(warning, self.verifier.output())
        self.verifier.stop()

    def test_a_retired_device(self):
        self.verifier.run("import", *self.records("a"))
        self.assertIn("1 device: 0 trusted, 0 unknown, 0 untrusted, 1 never seen; 1 overdue; 0 retired", self.said("report", check=0))
        self.assertIn("reasons: none yet\nattestations: none yet\n", self.said("show", "a", check=0))
        self.assertIn("device a has never attested", self.said("explain", "a", check=16))
        self.verifier.run("retire", "a")
        self.assertIn("a: retired since", self.said("explain", "a", check=16))
        self.assertIn("was retired", self.said("learn", "a", check=13))
        self.assertIn("0 devices: 0 trusted, 0 unknown, 0 untrusted, 0 never seen; 0 overdue; 1 retired", self.said("report", check=0))

    def test_mistakes_in_a_flavor(self):
        """Each names the flavor's file, or the one that it names; a folder without a signed policy makes no flavor."""
        os.makedirs(self.path("signed"))
        with open(os.path.join(os.path.dirname(__file__), "..", "data", "policy", "good-policy.yaml"), encoding="utf-8") as f:
            self.write("policy.yaml", f.read())
        for text, says in (("signed-policies: signed/\n", "flavor.yaml: 3:18: signed-policies is a list"),
                           ("signed-policies: [[signed/]]\n", "flavor.yaml: 3:19: signed-policies is a list"),
                           ("signed-policies: [signed/]\n", "flavor.yaml: 3:18: there is no signed policy"),
                           ("signed-policies: []\n", "flavor.yaml: 3:18: there is no signed policy")):
            path = self.write("flavor.yaml", "latchkey-flavor: 1\npolicy-file: policy.yaml\n" + text)
            for command in (("flavor check",), ("flavor add", "default")):
                with self.subTest(text=text, command=command):
                    self.assertIn(says, self.said(*command, path, check=3))
        self.verifier.run("import", *self.records("a"))
        self.assertEqual(self.verifier.run("flavor list").stdout, b"")
        self.write("signed/README", "x")
        self.write("flavor.yaml", "latchkey-flavor: 1\npolicy-file: policy.yaml\nsigned-policies: [signed/]\n")
        self.assertIn("/signed/README: ", self.said("flavor check", self.path("flavor.yaml"), check=3))


if __name__ == "__main__":
    unittest.main()
