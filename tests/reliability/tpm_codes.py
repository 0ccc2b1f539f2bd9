#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Each return code of a TPM, for each command of each run: once, three times, and from then on."""
import os

import faults
import proxy
import rig
from tpm_wire import response

# TPM 2.0 Library, part 2, table 16: format-one codes (with no place, a handle, a parameter, a session), format zero, warnings.
FORMAT_ONE = [0x80 + n for n in (1, 2, 3, 4, 5, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x12, 0x15, 0x16, 0x17, 0x18,
                                 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27)]
PLACES = [0, 0x100, 0x1c0, 0x2c0, 0x800, 0x900]
FORMAT_ZERO = [0x100 + n for n in (0, 1, 3, 0xb, 0x19, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b,
                                   0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
                                   0x49, 0x4a, 0x4b, 0x4c, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55)]
WARNINGS = [0x900 + n for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x18, 0x19, 0x1a,
                                0x1b, 0x1c, 0x1d, 0x1e, 0x20, 0x21, 0x22, 0x23)]
CODES = [c + p for c in FORMAT_ONE for p in PLACES] + FORMAT_ZERO + WARNINGS + [0x500]


class Answers:
    """From the nth command on, so many answers are a return code alone."""

    def __init__(self, n, code, times):
        self.n, self.code, self.times, self.seen, self.hit = n, code, times, 0, []

    def __call__(self, name, _):
        self.seen += 1
        if self.n <= self.seen < self.n + self.times:
            self.hit.append(name)
            return response(self.code)
        return None


class Codes(faults.Case):
    def one(self, run, n, code, times, bus):
        answers = Answers(n, code, times)
        bus.on_command = answers
        done = rig.run(run.argv(bus.tcti))
        place = f"{code:#x} for command {n} ({answers.hit[:1]}), {times} times"
        if self.ended(done, place) and "FlushContext" not in answers.hit and times < 4:
            self.nothing_left(run.dev, place)
        self.flush(run.dev)
        return done, place

    def names(self, run):
        bus = proxy.Proxy(self, run.dev.tpm)
        rig.run(run.argv(bus.tcti), check=0)
        bus.close()
        return bus.names

    def test_no_crash_no_session_left_and_nothing_lost(self):
        for run in self.runs():
            kept = faults.Kept(run.dev)
            names = self.names(run)
            kept.back()
            place_of = list(range(1, len(names) + 1))
            for n in place_of if not run.changes else faults.thin(place_of, 12):
                # Another few codes at each place, so that all of them come by.
                some = faults.thin(CODES[n % 7:], 8 if not run.changes else 2)
                for code in some:
                    for times in (1, 3, 1 << 30) if faults.LONG or not run.changes else ((1, 1 << 30)[n % 2],):
                        bus = proxy.Proxy(self, run.dev.tpm)
                        _, place = self.one(run, n, code, times, bus)
                        bus.close()
                        if run.changes:
                            self.holds(run, place)
                            kept.back()
            self.holds(run, "at the end")

    def test_a_refused_boot_stays_refused(self):
        """PCR 7 is another than was signed: no answer with an error in it makes the volume open."""
        for run in self.runs(("unlock, with a ticket", "unlock, without")):
            run.dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
            for n in range(1, 24):
                for code in faults.thin(CODES[n % 5:], 6):
                    bus = proxy.Proxy(self, run.dev.tpm)
                    done, place = self.one(run, n, code, (1, 3, 1 << 30)[n % 3], bus)
                    bus.close()
                    if done.returncode == 0:
                        self.wrong.append(f"{place}: opened")


if __name__ == "__main__":
    rig.unittest.main()
