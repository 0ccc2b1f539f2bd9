# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the table of `scripts/fuzz --coverage`: lines reached, by parser; coverage.py REPORT PARSERS.

REPORT is what `llvm-cov report -show-functions` prints. What a file has beside its parser (what writes, or makes something new) isn't
counted: tests/fuzz/parsers names it.
"""
import re
import sys

LEAST = 90


def functions(report):
    """Lines and lines missed of each function, by file."""
    files, current = {}, None
    with open(report) as f:
        for line in f:
            if line.startswith("File '"):
                current = files.setdefault(line.split("'")[1], [])
            words = line.split()
            if current is not None and len(words) >= 7 and words[1].isdigit() and words[0] != "TOTAL":
                current.append((words[0].rsplit(":", 1)[-1], int(words[4]), int(words[5])))
    return files


def main(report, parsers):
    files = functions(report)
    low, reached, of = 0, 0, 0
    with open(parsers) as f:
        rows = [line.split("|") for line in f.read().splitlines() if line and not line.startswith("#")]
    for path, who, *but in rows:
        found = next((v for k, v in files.items() if k.endswith("/" + path)), [])
        counted = [f for f in found if not any(re.fullmatch(p, f[0]) for p in (but[0].split() if but else ()))]
        lines = sum(f[1] for f in counted) or 1
        covered = sum(f[1] - f[2] for f in counted)
        share = 100 * covered / lines
        low += share < LEAST
        reached, of = reached + covered, of + lines
        print(f"{share:6.1f} %  {covered:4} of {lines:4}  {path.removeprefix('src/'):38} {who}{'  UNDER 90' if share < LEAST else ''}")
    print(f"{100 * reached / of:6.1f} %  {reached:4} of {of:4}  in all; {low} under {LEAST} %")
    return low != 0


sys.exit(main(*sys.argv[1:]))
