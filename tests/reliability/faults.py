# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what each kind of fault is tried on: runs of our programs on a device that is put back after each,
and what must be true after a run that failed at any place."""
import os
import shutil
import socket
import struct

import receiver
import rig
from device import Device
from tpm_wire import receive_tpm

LONG = bool(os.environ.get("LATCHKEY_LONG"))
# To see in minutes that a long run has all its parts.
STEP = int(os.environ.get("LATCHKEY_STEP", "1"))
# Exit codes that the man pages know end here; a shell's own and signals are above.
LAST_EXIT_CODE = 31


def thin(things, most):
    """All of them in a long run, or each LATCHKEY_STEP-th; else at most so many, spread evenly, the first and the last among them."""
    things = list(things)
    if LONG:
        return things[::STEP]
    if len(things) <= most:
        return things
    step = (len(things) - 1) / (most - 1)
    return [things[round(i * step)] for i in range(most)]


class Kept:
    """A device's files and TPM as they were, to be put back."""

    def __init__(self, dev):
        self.dev, self.copy = dev, dev.dir + ".kept"
        dev.tpm.stop()
        shutil.rmtree(self.copy, ignore_errors=True)
        rig.run(["cp", "-a", "--sparse=always", dev.dir, self.copy], check=0)
        dev.test.addCleanup(shutil.rmtree, self.copy, True)
        dev.tpm.start()

    def back(self):
        self.dev.tpm.stop()
        for name in os.listdir(self.dev.dir):
            path = os.path.join(self.dev.dir, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        rig.run(["cp", "-a", "--sparse=always", self.copy + "/.", self.dev.dir], check=0)
        self.dev.tpm.start()


class Unlock:
    """latchkey-unseal --dry-run: all but mapping, with what the last unlock learned or without it."""
    name, changes = "unlock", False

    def __init__(self, test, learned=True):
        self.test = test
        self.dev = Device(test).ready()
        self.dev.provision("policy", "add", "--policy", self.dev.path("policy.yaml"), self.dev.sign(1))
        if learned:
            self.argv_extra = ["--learn", self.dev.path("learned")]
            rig.run(self.argv(), check=0)
            self.dev.header("remember", "--policy", self.dev.path("policy.yaml"), "--learned",
                               self.dev.path("learned"))
        self.argv_extra = []

    argv_extra = []

    def argv(self, tcti=None):
        return [rig.program("latchkey-unseal"), "--policy", self.dev.path("policy.yaml"), "--dry-run",
                "--tpm", tcti or self.dev.tpm.tcti, *self.argv_extra]

    def holds(self):
        """What must be true whatever happened: the volume still opens."""
        done = rig.run(self.argv())
        self.test.assertEqual(done.returncode, 0, done.stderr.decode())


class Provision(Unlock):
    """A command of latchkey-provision that changes the device."""
    changes = True

    def __init__(self, test, *argv):
        super().__init__(test, learned=False)
        self.name = " ".join(argv[:2])
        second = self.dev.sign(2, out="second.yaml")
        recovery = self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"])
        self.recovery = recovery
        test.write("recovery", recovery)
        self.dev.owner_auth_file()
        words = {"POLICY": self.dev.path("policy.yaml"), "SECOND": second, "OWNER": self.dev.path("owner.auth"),
                 "RECOVERY": test.path("recovery")}
        self.words = [words.get(a, a) for a in argv]

    def argv(self, tcti=None):
        return [rig.program("latchkey-provision"), *self.words, "--device-file", self.dev.device_file, "--tpm",
                tcti or self.dev.tpm.tcti]

    def holds(self):
        """The recovery key opens, and the command can be run again; then the TPM opens the volume."""
        self.test.assertTrue(self.dev.opens(self.recovery), "the recovery key no longer opens the volume")
        done = rig.run(self.argv())
        self.test.assertEqual(done.returncode, 0, f"run again: {done.stderr.decode()}")
        done = rig.run(Unlock.argv(self))
        self.test.assertEqual(done.returncode, 0, done.stderr.decode())


class Apply:
    """latchkey-userconfig apply, of a new configuration over an old one."""
    name, changes = "apply", True

    def __init__(self, test):
        self.test, self.dev = test, receiver.spare(test)
        self.dev.apply(self.dev.seal(receiver.files(app__conf=b"old"), sequence=1))
        self.dev.upload(self.dev.seal(receiver.files(app__conf=b"new", more=b"more"), sequence=2))

    def argv(self, tcti=None):
        return [rig.program("latchkey-userconfig"), "apply", "--root", self.dev.root, "--tpm",
                tcti or self.dev.tpm.tcti, "--raise-floor"]

    def holds(self):
        shown = self.dev.get("opt/app/conf")
        self.test.assertIn(shown, (b"old", b"new"))
        self.test.assertEqual(self.dev.get("opt/more"), None if shown == b"old" else b"more", "a mix")
        rig.run(self.argv(), check=0)
        self.test.assertEqual(self.dev.get("opt/app/conf"), b"new",
                              "the blob that isn't at fault was lost: " + str(self.dev.refused()))


def every(test):
    """Each kind of run, made when it is asked for."""
    yield "unlock, with a ticket", lambda: Unlock(test)
    yield "unlock, without", lambda: Unlock(test, learned=False)
    yield "policy add", lambda: Provision(test, "policy", "add", "--policy", "POLICY", "SECOND")
    yield "floor raise", lambda: Provision(test, "floor", "raise", "--policy", "POLICY", "--to", "1")
    yield "status", lambda: Provision(test, "status", "--policy", "POLICY")
    yield "reseal", lambda: Provision(test, "reseal", "--policy", "POLICY", "--owner-auth", "OWNER",
                                      "--recovery-key-file", "RECOVERY")
    yield "apply", lambda: Apply(test)


class Case(rig.TestCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.tried, self.wrong = 0, []

    def runs(self, only=None):
        """Each kind of run on a device of its own; at the end, what went wrong with any."""
        tried, wrong = 0, []
        for name, make in every(self):
            if only is not None and name not in only:
                continue
            yield make()
            tried, wrong = tried + self.tried, wrong + [f"{name}: {w}" for w in self.wrong]
            print(f"\n{self.id()}: {name}: {self.tried} tried, {len(self.wrong)} wrong", flush=True)
            self.doCleanups()
            self.setUp()
        self.assertGreater(tried, 0)
        self.assertEqual(wrong, [], f"{len(wrong)} of {tried}")

    def ended(self, done, place):
        """Whether it ended by itself, by a code that has a meaning, and said something when it failed."""
        self.tried += 1
        said = done.stderr.decode(errors="replace")
        if not 0 <= done.returncode <= LAST_EXIT_CODE or "Sanitizer" in said:
            self.wrong.append(f"{place}: exit {done.returncode}: {said[-2000:]}")
        elif done.returncode and not said.strip():
            self.wrong.append(f"{place}: exit {done.returncode} without a word")
        else:
            return True
        return False

    def holds(self, run, place):
        try:
            run.holds()
        except AssertionError as e:
            self.wrong.append(f"{place}: {e}")

    def nothing_left(self, dev, place):
        """No session in the TPM, loaded or saved, and no object."""
        for what, kind in (("loaded session", 0x02), ("saved session", 0x03), ("object", 0x80)):
            answer = ask(dev.tpm, struct.pack(">HIIIII", 0x8001, 22, 0x17a, 1, kind << 24, 64))
            n = struct.unpack(">I", answer[15:19])[0]
            if n:
                self.wrong.append(f"{place}: {n} {what}(s) left in the TPM")
                return False
        return True


    def flush(self, dev):
        """What a fault has left, so that it isn't taken for the next one's."""
        for kind in (0x02, 0x03, 0x80):
            answer = ask(dev.tpm, struct.pack(">HIIIII", 0x8001, 22, 0x17a, 1, kind << 24, 64))
            for handle in struct.iter_unpack(">I", answer[19:]):
                ask(dev.tpm, struct.pack(">HIII", 0x8001, 14, 0x165, handle[0]))


def ask(tpm, command):
    """One command of the test's own."""
    with socket.create_connection(("127.0.0.1", tpm.port)) as s:
        s.sendall(command)
        return receive_tpm(s)
