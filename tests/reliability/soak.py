#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""One device, killed at random in the middle of unlocking, applying and resealing, over and over:
it still opens, its recovery key too, and its configuration is a whole one. LATCHKEY_CYCLES says how often."""
import os
import random
import subprocess
import time

import faults
import receiver
import rig

# Resets, of which each counts as a failure, until the lockout is taken back: install allows 32.
FORGIVEN = 8
CYCLES = int(os.environ.get("LATCHKEY_CYCLES", "10000" if faults.LONG else "60"))


class Soak(rig.TestCase):
    def test_a_device_that_is_killed_at_random_moments(self):
        seed = int(os.environ.get("LATCHKEY_SEED", time.time_ns() & 0xffffffff))
        print(f"\nLATCHKEY_SEED={seed} LATCHKEY_CYCLES={CYCLES}", flush=True)
        rand = random.Random(seed)
        dev = receiver.Receiver(self)
        dev.policy()
        dev.format()
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        recovery = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        self.write("recovery", recovery)
        owner, lockout = dev.owner_auth_file(), dev.auth("lockout")
        unlock = faults.Unlock.__new__(faults.Unlock)
        unlock.test, unlock.dev, unlock.argv_extra = self, dev, []
        reseal = [rig.program("latchkey-provision"), "reseal", "--policy", dev.path("policy.yaml"), "--owner-auth", owner,
                  "--recovery-key-file", self.path("recovery"), "--device-file", dev.device_file, "--tpm", dev.tpm.tcti]
        apply = [rig.program("latchkey-userconfig"), "apply", "--root", dev.root, "--tpm", dev.tpm.tcti, "--raise-floor"]
        took = {}
        killed = 0
        sequence = 0
        shown = None
        for cycle in range(CYCLES):
            kind = rand.choice(("unlock", "apply", "reseal"))
            if kind == "apply":
                sequence += 1
                new = f"cycle {cycle}".encode()
                dev.upload(dev.seal(receiver.files(app__conf=new, app__copy=new), sequence=sequence))
            argv = {"unlock": unlock.argv(), "apply": apply, "reseal": reseal}[kind]
            began = time.monotonic()
            running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            if kind in took:
                try:
                    running.wait(rand.uniform(0, took[kind] * 1.1))
                except subprocess.TimeoutExpired:
                    running.kill()
                    killed += 1
            said = running.communicate()[1].decode(errors="replace")
            self.assertIn(running.returncode, (0, -9), f"cycle {cycle}, {kind}: {said}")
            if running.returncode == 0:
                took[kind] = time.monotonic() - began
            if running.returncode == -9:
                # What a reset does: over /dev/tpm0 a killed program leaves its session until then.
                dev.tpm.reset()
                # Each such reset counts as a failure, since FAPI's root key is guarded by the lockout; hours between them take it back.
                if killed % FORGIVEN == 0:
                    dev.tpm.tool("tpm2_dictionarylockout", "-c", "-p", lockout)
            # What comes after a kill: the next boot, and its run of configuration.
            if kind != "unlock":
                conf, copy = dev.get("opt/app/conf"), dev.get("opt/app/copy")
                self.assertEqual(conf, copy, f"cycle {cycle}: a mix")
            done = rig.run(unlock.argv())
            self.assertEqual(done.returncode, 0, f"cycle {cycle}, after {kind}: {done.stderr.decode()}")
            if kind == "apply":
                rig.run(apply, check=0)
                self.assertEqual(dev.get("opt/app/conf"), new, f"cycle {cycle}: the blob was lost: {dev.refused()}")
                shown = new
            self.assertEqual(dev.get("opt/app/conf"), shown)
            if cycle % 500 == 499:
                print(f"{cycle + 1} cycles, {killed} killed", flush=True)
            if cycle % 20 == 0:
                self.assertTrue(dev.opens(recovery), f"cycle {cycle}: the recovery key no longer opens")
        self.assertTrue(dev.opens(recovery))
        self.assertGreater(killed, CYCLES // 5)
        print(f"{CYCLES} cycles, {killed} killed", flush=True)


if __name__ == "__main__":
    rig.unittest.main()
