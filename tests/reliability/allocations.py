#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Each allocation of a run fails, alone and with all that follow it."""
import os

import faults
import rig

PRELOAD = os.path.join(rig.BUILD, "tests", "reliability", "fail_alloc.so")


class Allocations(faults.Case):
    def run_with(self, run, at, times):
        env = dict(os.environ, LD_PRELOAD=PRELOAD, LK_FAIL_AT=str(at), LK_FAIL_RUN=str(times),
                   LK_FAIL_COUNT=self.path("allocations"))
        done = rig.run(run.argv(), env=env)
        return done

    def test_no_crash_and_nothing_lost(self):
        for run in self.runs():
            kept = faults.Kept(run.dev)
            done = self.run_with(run, 0, 1)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            with open(self.path("allocations")) as f:
                total = int(f.read())
            self.assertGreater(total, 100)
            kept.back()
            for at in faults.thin(range(4, total + 1), 60 if not run.changes else 12):
                for times in (1, 1 << 40) if faults.LONG or not run.changes else ((1, 1 << 40)[at % 2],):
                    place = f"allocation {at} of {total}, {'alone' if times == 1 else 'and all after'}"
                    done = self.run_with(run, at, times)
                    # A library's constructor that has no memory ends the process before main.
                    if b"error while loading shared libraries" in done.stderr or (done.returncode == 127):
                        continue
                    self.ended(done, place)
                    if run.changes:
                        self.holds(run, place)
                        kept.back()
            self.holds(run, "at the end")


if __name__ == "__main__":
    rig.unittest.main()
