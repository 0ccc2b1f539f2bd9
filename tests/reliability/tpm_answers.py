#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Each answer of the TPM cut short at each byte, with each bit flipped, and with bytes after its end."""
import struct

import faults
import proxy
import rig


class Change:
    """The nth answer, changed."""

    def __init__(self, bus, n, how):
        self.bus, self.n, self.how, self.seen, self.name = bus, n, how, 0, None

    def __call__(self, name, command):
        self.seen += 1
        if self.seen != self.n:
            return None
        self.name = name
        return self.how(self.bus.direct(command))


def cut(at, honest):
    """A size field that agrees with what is left, or the one that was."""
    def how(answer):
        short = answer[:at]
        if honest and at >= 10:
            short = short[:2] + struct.pack(">I", at) + short[6:]
        else:
            # The wire carries whole messages alone: what is missing is zeros, and the size is what it was.
            short = (short + bytes(len(answer) - at))
            short = short[:2] + answer[2:6] + short[6:]
        return short
    return how


def flip(bit):
    def how(answer):
        changed = bytearray(answer)
        changed[bit // 8] ^= 1 << bit % 8
        # The size says how much the wire has to carry: lies about it are cut()'s.
        changed[2:6] = answer[2:6]
        return bytes(changed)
    return how


def longer(answer):
    return answer[:2] + struct.pack(">I", len(answer) + 5) + answer[6:] + b"\xa5" * 5


class Changed(faults.Case):
    def sizes(self, run, code=0):
        sizes = []
        bus = proxy.Proxy(self, run.dev.tpm)

        def note(_, command):
            answer = bus.direct(command)
            sizes.append(len(answer))
            return answer
        bus.on_command = note
        rig.run(run.argv(bus.tcti), check=code)
        bus.close()
        return sizes

    def ways(self, size):
        for at in range(size):
            yield f"cut at {at}", cut(at, True)
            yield f"zeros from {at}", cut(at, False)
        for bit in range(8 * size):
            yield f"bit {bit}", flip(bit)
        yield "five bytes more", longer

    def test_no_crash_and_nothing_lost(self):
        for run in self.runs():
            kept = faults.Kept(run.dev)
            sizes = self.sizes(run)
            kept.back()
            places = faults.thin(list(enumerate(sizes, 1)), len(sizes) if not run.changes else 10)
            for n, size in places:
                for words, how in faults.thin(self.ways(size), 16 if not run.changes else 2):
                    bus = proxy.Proxy(self, run.dev.tpm)
                    bus.on_command = Change(bus, n, how)
                    place = f"answer {n}: {words}"
                    self.ended(rig.run(run.argv(bus.tcti)), place)
                    bus.close()
                    self.flush(run.dev)
                    if run.changes:
                        self.holds(run, place)
                        kept.back()
            self.holds(run, "at the end")

    def test_a_refused_boot_stays_refused(self):
        for run in self.runs(("unlock, with a ticket", "unlock, without")):
            run.dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
            for n, size in enumerate(self.sizes(run, 5), 1):
                for words, how in faults.thin(self.ways(size), 12):
                    bus = proxy.Proxy(self, run.dev.tpm)
                    bus.on_command = Change(bus, n, how)
                    done = rig.run(run.argv(bus.tcti))
                    self.ended(done, f"answer {n}: {words}")
                    if done.returncode == 0:
                        self.wrong.append(f"answer {n}: {words}: opened")
                    bus.close()
                    self.flush(run.dev)


if __name__ == "__main__":
    rig.unittest.main()
