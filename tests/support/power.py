# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns power cuts: after each TPM command of a program of ours, and at each write that it syncs."""
import os
import shutil
import subprocess
import sys

import rig
from device import Bus, copy_tree

# Every command in turn takes minutes; a larger step is for the impatient.
STEP = int(os.environ.get("LATCHKEY_CUT_STEP", "1"))


class Cuts(rig.TestCase):
    """What a test of power cuts is built on."""

    def save(self, dev):
        dev.tpm.stop()
        copy_tree(self.tmp, self.tmp + ".saved")
        self.addCleanup(shutil.rmtree, self.tmp + ".saved", True)

    def restore(self, dev):
        """The device as it was saved, switched on."""
        dev.tpm.stop()
        copy_tree(self.tmp + ".saved", self.tmp)
        dev.tpm.start()

    def argv(self, words):
        return [rig.program("latchkey-provision"), *words]

    def cuts(self, dev, words):
        """For each TPM command of @words: the state that a cut there leaves, as a subtest."""
        words = dev.whose(*words)
        self.save(dev)
        dev.tpm.start()
        whole = Bus(dev.tpm)
        self.assertEqual(whole.run(self.argv(words)), 0, whole.text)
        self.assertGreater(whole.seen, 20)
        for commands in range(0, whole.seen, STEP):
            bus = self.cut_at(dev, words, commands)
            if not bus.cut:
                # On a busy machine a connection may fail of itself; twice in a row is more than that.
                print(f"not cut at {commands}, once more: {bus.text}", file=sys.stderr)
                bus = self.cut_at(dev, words, commands)
            self.assertTrue(bus.cut, bus.text)
            dev.tpm.restart()
            yield self.subTest(commands=commands, of=whole.seen)

    def cut_at(self, dev, words, commands):
        self.restore(dev)
        bus = Bus(dev.tpm, commands)
        self.assertNotEqual(bus.run(self.argv(words)), 0)
        return bus

    def syncs(self, dev, words):
        """For each fsync of @words: killed right after it."""
        words = dev.whose(*words)
        self.save(dev)
        for count in range(1, 400):
            self.restore(dev)
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
                 f"inject=fsync:signal=KILL:when={count}", *self.argv(words), "--tpm", dev.tpm.tcti],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            if done.returncode == 0:
                self.assertGreater(count, 3)
                return
            dev.tpm.restart()
            yield self.subTest(fsync=count)
