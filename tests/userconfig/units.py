#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Units that have to come back with a new configuration, by hooks: what is called, and what is taken back."""
import os
import unittest

import rig
from attack import inject, manifest
from receiver import archive, entry, spare


class Units(rig.TestCase):
    """The root is the machine's own, and everything that is named in the settings lies in the test's folder."""

    def setUp(self):
        super().setUp()
        if os.path.isdir("/run/systemd/system"):
            self.skipTest("systemd runs here")
        self.dev = spare(self)
        for folder in ("up", "dest", "hooks", "state"):
            os.mkdir(self.path(folder))
        self.write("settings.yaml", "latchkey-userconfig: 1\n" + "".join(
            f"{key}: {value}\n" for key, value in (
                ("upload-directory", self.path("up")), ("state-directory", self.path("state")),
                ("default-destination", self.path("dest")), ("prefixes", f"[{self.path('dest')}]"),
                ("hooks", self.path("hooks")), ("units", '["*"]'), ("settle", 0))))
        self.hook("10-log", f'echo "$1 $2 $(cat {self.path("dest/a")})" >> {self.path("log")}\n')

    def hook(self, name, text):
        with open(self.write(os.path.join("hooks", name), "#!/bin/sh\n" + text)) as f:
            os.fchmod(f.fileno(), 0o755)

    def sealed(self, sequence, a=b"a", b=b"b", ways=("restart: [a.service]", "reload: [b.service]")):
        lines = (f"path: {n}, destination: {self.path('dest', n)}, {way}" for n, way in zip("ab", ways))
        return self.dev.seal(archive(manifest(*lines), entry("a", a), entry("b", b)), sequence)

    def apply(self, blob=None, check=0, prefix=(), command="apply"):
        if blob is not None:
            self.write("up/config.lkb", blob)
        return rig.run([*prefix, rig.program("latchkey-userconfig"), command, "--config", self.path("settings.yaml"),
                        "--device-file", self.dev.device_file, "--tpm", self.dev.tpm.tcti], check=check)

    def log(self):
        """What the hooks were called with since the last time."""
        if not os.path.exists(self.path("log")):
            return []
        lines = self.read("log").decode().splitlines()
        os.unlink(self.path("log"))
        return lines

    def shown(self):
        return {n: self.read("dest/" + n) for n in sorted(os.listdir(self.path("dest")))}

    def test_units_of_changed_files_alone(self):
        self.apply(self.sealed(1))
        self.assertEqual(self.log(), ["restart a.service a", "reload b.service a"])
        self.apply(self.sealed(2, a=b"new"))
        self.assertEqual(self.log(), ["restart a.service new"])
        self.apply(self.sealed(3, a=b"new", b=b"other"))
        self.assertEqual(self.log(), ["reload b.service new"])
        self.apply(self.sealed(4, a=b"new", b=b"other"))
        self.assertEqual(self.log(), [])
        self.apply(command="rollback")
        self.assertEqual(self.log(), [])

    def test_a_restart_outweighs_a_reload_and_each_unit_is_called_once(self):
        self.apply(self.sealed(1, ways=("reload: [x.service]", "restart: [x.service, y.service]")))
        self.assertEqual(self.log(), ["restart x.service a", "restart y.service a"])

    def test_units_of_the_manifest_before_and_of_dropped_files(self):
        self.apply(self.sealed(1))
        self.log()
        self.apply(self.dev.seal(archive(entry("a", b"a")), 2))
        self.assertEqual(self.log(), ["reload b.service a"])

    def test_a_mode_alone_is_a_change(self):
        self.apply(self.sealed(1))
        self.log()
        self.apply(self.sealed(2, ways=('restart: [a.service], mode: "0600"', "reload: [b.service]")))
        self.assertEqual(self.log(), ["restart a.service a"])

    def test_rolled_back(self):
        self.apply(self.sealed(1))
        self.log()
        self.hook("20-fail", '[ "$(cat %s)" != bad ]\n' % self.path("dest/a"))
        blob = self.sealed(2, a=b"bad")
        said = self.apply(blob, check=14).stderr.decode()
        self.assertIn("a.service", said)
        self.assertIn("is in place again", said)
        self.assertEqual(self.log(), ["restart a.service bad", "restart a.service a"])
        self.taken_back(blob, {"a": b"a", "b": b"b"})
        self.assertIn("a.service", self.read("up/config.lkb.refused.txt").decode())
        self.assertEqual(self.apply(blob, check=5).returncode, 5)
        self.apply(self.sealed(3, a=b"good"))
        self.assertEqual(self.shown(), {"a": b"good", "b": b"b"})

    def taken_back(self, blob, shown, floor=2):
        self.assertEqual(self.shown(), shown)
        self.assertEqual(self.dev.counter(), self.dev.floor + floor, "that sequence is used up")
        self.assertEqual(sorted(os.listdir(self.path("up"))), ["config.lkb.refused", "config.lkb.refused.txt"])
        self.assertEqual(self.read("up/config.lkb.refused"), blob)
        self.assertFalse(os.path.exists(self.path("state/pending.json")))
        self.assertNotIn(f"{self.dev.floor + floor:020}", os.listdir(self.path("state/generations")))

    def test_the_first_one_rolled_back_to_what_was_there(self):
        self.write("dest/a", "factory")
        self.hook("20-fail", '[ "$(cat %s)" != bad ]\n' % self.path("dest/a"))
        blob = self.sealed(1, a=b"bad")
        self.apply(blob, check=14)
        self.assertEqual(self.log(), ["restart a.service bad", "reload b.service bad",
                                      "restart a.service factory", "reload b.service factory"])
        self.taken_back(blob, {"a": b"factory"}, floor=1)

    def test_it_fails_with_the_configuration_before_too(self):
        self.apply(self.sealed(1))
        self.log()
        self.hook("20-fail", "exit 1\n")
        blob = self.sealed(2, a=b"new")
        said = self.apply(blob, check=14).stderr.decode()
        self.assertIn("with the configuration before, too", said)
        self.assertEqual(self.log(), ["restart a.service new", "restart a.service a"])
        self.taken_back(blob, {"a": b"a", "b": b"b"})

    def test_what_was_changed_since_is_not_put_back(self):
        """Rather the new configuration, which is signed, than what nobody vouches for."""
        self.apply(self.sealed(1))
        self.hook("20-fail", '[ "$(cat %s)" != bad ]\n' % self.path("dest/a"))
        with open(self.path("state/generations", f"{self.dev.floor + 1:020}", "tree" + self.path("dest/b")), "w") as f:
            f.write("evil")
        said = self.apply(self.sealed(2, a=b"bad"), check=14).stderr.decode()
        self.assertIn("stays in place", said)
        self.assertIn("dest/b: ", said)
        self.assertEqual(self.shown(), {"a": b"bad", "b": b"b"})
        self.assertEqual(self.apply(command="rollback", check=5).returncode, 5)
        self.assertEqual(self.shown(), {"a": b"bad", "b": b"b"})
        self.apply(self.sealed(3, a=b"good"))
        self.assertEqual(self.shown(), {"a": b"good", "b": b"b"})

    def unusable(self, spoil):
        """Nothing is changed by it, and no configuration to come is barred."""
        self.apply(self.sealed(1))
        self.log()
        self.hook("20-open", "exit 0\n")
        spoil(self.path("hooks/20-open"))
        self.assertIn("20-open", self.apply(self.sealed(2, a=b"new"), check=14).stderr.decode())
        self.log()
        self.assertEqual(self.shown(), {"a": b"a", "b": b"b"})
        self.apply(self.sealed(3, a=b"newer"), check=14)
        self.log()
        os.unlink(self.path("hooks/20-open"))
        self.apply(self.sealed(4, a=b"newest"))
        self.assertEqual(self.log(), ["restart a.service newest"])
        self.assertEqual(self.shown(), {"a": b"newest", "b": b"b"})

    def test_a_hook_that_others_can_write(self):
        self.unusable(lambda path: os.chmod(path, 0o777))

    def test_a_hook_that_cannot_be_run(self):
        def spoil(path):
            with open(path, "w") as f:
                f.write("#!/no/such/interpreter\n")
        self.unusable(spoil)

    def test_cut_while_it_is_taken_back(self):
        """At each rename, link and removal: in the end it is taken back, and said so with exit code 14."""
        self.apply(self.sealed(1))
        self.hook("20-fail", '[ "$(cat %s)" != bad ]\n' % self.path("dest/a"))
        cuts, sequence = 0, 1
        for call, most in (("renameat", 14), ("unlinkat", 14), ("symlinkat", 6)):
            for when in range(1, most + 1):
                sequence += 1
                blob = self.sealed(sequence, a=b"bad")
                done = self.apply(blob, check=None, prefix=inject(call, when, "signal=SIGKILL"))
                if done.returncode == 14:
                    break
                cuts += 1
                self.dev.tpm.restart()
                with self.subTest(call=call, when=when):
                    self.assertIn(self.shown()["a"], (b"a", b"bad"))
                    again = self.apply(check=None)
                    # What was refused before the cut isn't refused again.
                    self.assertIn(again.returncode, (0, 14), again.stderr)
                    self.taken_back(blob, {"a": b"a", "b": b"b"}, sequence)
                    self.assertIn("a unit didn't come back" if "a.service" not in self.reason() else "a.service",
                                  self.reason())
        print(f"\n{cuts} cuts", flush=True)
        self.assertGreater(cuts, 15)

    def reason(self):
        return self.read("up/config.lkb.refused.txt").decode()


if __name__ == "__main__":
    unittest.main()
