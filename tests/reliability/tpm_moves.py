#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""PCRs that are extended between any two commands: one that the policy covers, one that it doesn't, and again and again."""
import faults
import proxy
import rig


class Moves(faults.Case):
    def moved(self, run, n, pcr, times):
        bus = proxy.Proxy(self, run.dev.tpm)
        seen = [0]

        def before(_, __):
            seen[0] += 1
            if n <= seen[0] < n + times:
                bus.extend(pcr)
        bus.on_command = before
        done = rig.run(run.argv(bus.tcti))
        bus.close()
        return done, bus.names

    def test_nothing_is_wrong_whenever_they_move(self):
        for run in self.runs():
            kept = faults.Kept(run.dev)
            bus = proxy.Proxy(self, run.dev.tpm)
            rig.run(run.argv(bus.tcti), check=0)
            bus.close()
            kept.back()
            for n in faults.thin(range(1, len(bus.names) + 1), 10 if not run.changes else 4):
                for pcr, times in ((9, 1), (7, 1), (9, 1 << 30)):
                    done, names = self.moved(run, n, pcr, times)
                    place = f"PCR {pcr} before command {n} ({bus.names[n - 1]}), {times} times"
                    if self.ended(done, place):
                        self.nothing_left(run.dev, place)
                    if not run.changes and pcr == 7 and done.returncode == 0 and "Unseal" in names[n - 1:]:
                        self.wrong.append(f"{place}: opened")
                    if not run.changes and (pcr, times) == (9, 1) and done.returncode != 0:
                        self.wrong.append(f"{place}: one move of a PCR that isn't the policy's: {done.stderr.decode()}")
                    kept.back()
                    if run.changes:
                        self.holds(run, place)
                        kept.back()


if __name__ == "__main__":
    rig.unittest.main()
