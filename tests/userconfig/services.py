# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Restarting and reloading units: over D-Bus against a stand-in for systemd, and by hooks."""
import json
import os
import subprocess
import time
import unittest

import rig

DRIVER = os.path.join(rig.BUILD, "tests", "userconfig", "services-driver")
HERE = os.path.dirname(os.path.abspath(__file__))
# The system's own, which python3-dbus belongs to.
PYTHON = "/usr/bin/python3"
PATIENCE = 2  # seconds that the driver waits for a job
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
</policy></busconfig>
"""


class Systemd(rig.TestCase):
    def process(self, argv):
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)

        def end():
            child.kill()
            child.wait(10)
        self.addCleanup(end)
        return child

    def until(self, true):
        for _ in range(1000):
            if true():
                return
            time.sleep(0.01)
        self.fail("a stand-in didn't start")

    def systemd(self, **units):
        """The bus, and who answers on it; names have _ for the dot."""
        self.address = f"unix:path={self.path('bus')}"
        self.write("bus.conf", BUS.format(self.path("bus")))
        self.process(["dbus-daemon", "--nofork", f"--config-file={self.path('bus.conf')}"])
        self.until(lambda: os.path.exists(self.path("bus")))
        units = {n.replace("_", "."): u for n, u in units.items()}
        self.write("units.json", json.dumps(units))
        self.write("log", "")
        self.process([PYTHON, os.path.join(HERE, "fake_systemd.py"), self.address,
                      self.path("units.json"), self.path("log")])
        self.until(lambda: b"ready" in self.read("log"))

    def act(self, *actions, settle=0, check=0):
        env = dict(os.environ, LK_TEST_BOOTED="1", DBUS_SYSTEM_BUS_ADDRESS=self.address)
        return rig.run([DRIVER, self.path("no-hooks"), settle, *actions], env=env, check=check)

    def calls(self):
        return [line for line in self.read("log").decode().splitlines()
                if line.split()[0] in ("restart", "reload")]

    def test_running_units_are_restarted_and_reloaded(self):
        self.systemd(app_service={}, other_service={}, foo_target={})
        done = self.act("restart:app.service", "reload:other.service", "restart:foo.target", settle=1)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.calls(), ["restart app.service replace", "reload other.service replace",
                                        "restart foo.target replace"])

    def test_all_are_acted_on_before_any_is_waited_for(self):
        self.systemd(a_service={}, b_service={}, c_service={})
        began = time.monotonic()
        self.act("restart:a.service", "restart:b.service", "restart:c.service", settle=2)
        self.assertGreater(time.monotonic() - began, 2)
        lines = self.read("log").decode().splitlines()
        self.assertLess(lines.index("restart c.service replace"), lines.index("job a.service done"))

    def test_units_that_do_not_run_are_left_alone(self):
        self.systemd(off_service={"ActiveState": "inactive"}, going_service={"ActiveState": "deactivating"})
        self.act("restart:off.service", "reload:off.service", "restart:going.service",
                 "restart:unknown.service")
        self.assertEqual(self.calls(), [])

    def test_one_that_failed_is_started_again_beyond_its_start_limit(self):
        self.systemd(app_service={"ActiveState": "failed", "Result": "exit-code"})
        self.act("restart:app.service", settle=1)
        log = self.read("log").decode().splitlines()
        self.assertLess(log.index("reset-failed app.service"), log.index("restart app.service replace"))

    def refused(self, *words, unit="app.service", settle=0, verb="restart"):
        done = self.act(f"{verb}:{unit}", settle=settle, check=14)
        for word in (unit, *words):
            self.assertIn(word.encode(), done.stderr)
        return done

    def test_a_job_that_fails_is_told_with_its_result(self):
        for result in ("failed", "timeout", "dependency", "canceled"):
            with self.subTest(result=result):
                case = Systemd()
                case.setUp()
                try:
                    case.systemd(app_service={"job": result})
                    case.refused(result, "journalctl -u app.service")
                finally:
                    case.doCleanups()

    def test_a_job_that_does_not_end_is_given_up(self):
        self.systemd(app_service={"job": None}, ok_service={})
        began = time.monotonic()
        self.refused("list-jobs")
        self.assertGreater(time.monotonic() - began, PATIENCE)

    def test_what_systemd_refuses_is_the_units_fault(self):
        self.systemd(app_service={"error": "org.freedesktop.systemd1.UnitMasked"})
        self.refused("refused", "systemctl status app.service")

    def test_the_others_are_acted_on_all_the_same(self):
        self.systemd(bad_service={"error": "org.freedesktop.systemd1.UnitMasked"},
                     worse_service={"job": "failed"}, good_service={})
        done = self.act("restart:bad.service", "restart:worse.service", "restart:good.service", check=14)
        self.assertIn(b"bad.service", done.stderr)
        self.assertEqual(self.calls()[-1], "restart good.service replace")

    def test_one_that_is_down_at_once(self):
        self.systemd(app_service={"then": {"ActiveState": "failed", "SubState": "failed",
                                           "Result": "exit-code"}})
        self.refused("failed", "exit-code", "journalctl -u app.service")

    def test_one_that_fails_while_it_settles(self):
        self.systemd(app_service={"later": [[400, {"ActiveState": "failed", "SubState": "failed",
                                                   "Result": "signal"}]]})
        began = time.monotonic()
        self.refused("signal", settle=60)
        self.assertLess(time.monotonic() - began, 30)

    def test_one_that_is_restarted_behind_our_back(self):
        for change in ({"NRestarts": 3}, {"MainPID": 4711}, {"InvocationID": "77" * 16}):
            with self.subTest(change=change):
                case = Systemd()
                case.setUp()
                try:
                    case.systemd(app_service={"later": [[400, change]]})
                    case.refused("started again", settle=2)
                finally:
                    case.doCleanups()

    def test_one_that_waits_for_its_automatic_restart(self):
        self.systemd(app_service={"then": {"ActiveState": "activating", "SubState": "auto-restart",
                                           "Result": "exit-code"}})
        self.refused("auto-restart")

    def test_one_that_just_ends_is_down(self):
        self.systemd(app_service={"then": {"ActiveState": "inactive", "SubState": "dead", "MainPID": 0}})
        self.refused("inactive")

    def test_a_oneshot_that_ends_well_is_good(self):
        ended = {"ActiveState": "inactive", "SubState": "dead", "MainPID": 0}
        self.systemd(good_service={"Type": "oneshot", "then": ended, "later": [[300, {"InvocationID": "00" * 16}]]},
                     bad_service={"Type": "oneshot", "then": dict(ended, Result="exit-code")})
        self.act("restart:good.service", settle=1)
        self.refused("exit-code", unit="bad.service")

    def test_without_anybody_on_the_bus_it_is_no_units_fault(self):
        self.address = f"unix:path={self.path('nothing')}"
        self.act("restart:app.service", check=1)


class Hooks(rig.TestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("hooks"), 0o755)

    def hook(self, name, text, mode=0o755):
        self.write(os.path.join("hooks", name), f"#!/bin/sh\n{text}\n")
        os.chmod(self.path("hooks", name), mode)

    def act(self, *actions, check=0):
        env = {k: v for k, v in os.environ.items() if k != "LK_TEST_BOOTED"}
        return rig.run([DRIVER, self.path("hooks"), 0, *actions], env=env, check=check)

    def log(self):
        try:
            return self.read("log").decode().splitlines()
        except FileNotFoundError:
            return []

    def test_each_is_called_in_order_with_verb_and_unit(self):
        for name in ("20-second", "10-first"):
            self.hook(name, f'echo "{name} $#:$*" >> {self.path("log")}')
        done = self.act("restart:app.service", "reload:other.service")
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.log(), ["10-first 2:restart app.service", "20-second 2:restart app.service",
                                      "10-first 2:reload other.service", "20-second 2:reload other.service"])

    def test_a_failing_one_is_told_and_the_rest_called(self):
        self.hook("10-bad", f'echo bad >> {self.path("log")}; [ "$2" != app.service ] || exit 3')
        self.hook("20-good", f'echo good >> {self.path("log")}')
        done = self.act("restart:app.service", "restart:other.service", check=14)
        for word in (b"app.service", b"10-bad", b"exit code 3"):
            self.assertIn(word, done.stderr)
        self.assertEqual(self.log(), ["bad", "good"] * 2)
        self.hook("10-bad", "kill -9 $$")
        self.assertIn(b"signal 9", self.act("restart:app.service", check=14).stderr)

    def test_one_that_hangs_is_ended_with_what_it_started(self):
        self.hook("10-hangs", f'sleep 1000 & echo $! > {self.path("log")}; wait')
        self.assertIn(b"didn't end", self.act("restart:app.service", check=14).stderr)
        child = int(self.log()[0])

        def gone():
            try:
                with open(f"/proc/{child}/stat") as f:
                    return f.read().split(")")[1].split()[0] == "Z"
            except (FileNotFoundError, ProcessLookupError):
                return True
        for _ in range(500):
            if gone():
                return
            time.sleep(0.01)
        self.fail("what it started still runs")

    def test_what_others_can_write_is_not_run(self):
        self.hook("10-fine", f'echo fine >> {self.path("log")}')
        for mode in (0o775, 0o757):
            self.hook("20-open", "true", mode)
            self.assertIn(b"20-open", self.act("restart:app.service", check=1).stderr)
        os.unlink(self.path("hooks", "20-open"))
        os.chmod(self.path("hooks"), 0o777)
        self.act("restart:app.service", check=1)
        self.assertEqual(self.log(), [])
        os.chmod(self.path("hooks"), 0o755)
        self.act("restart:app.service")
        self.assertEqual(self.log(), ["fine"])

    @unittest.skipIf(os.geteuid(), "files of others can be made by root alone")
    def test_what_belongs_to_others_is_not_run(self):
        self.hook("10-theirs", f'echo theirs >> {self.path("log")}')
        os.chown(self.path("hooks", "10-theirs"), 12345, 0)
        self.act("restart:app.service", check=1)
        self.assertEqual(self.log(), [])

    def test_what_nobody_may_execute_is_passed_over(self):
        self.hook("README", "exit 1", 0o644)
        self.assertEqual(self.act("restart:app.service").stdout, b"nobody to ask\n")

    def test_without_systemd_and_hooks_nothing_is_done(self):
        os.rmdir(self.path("hooks"))
        self.assertEqual(self.act("restart:app.service").stdout, b"nobody to ask\n")


if __name__ == "__main__":
    unittest.main()
