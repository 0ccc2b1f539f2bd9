# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the table of `scripts/fuzz --coverage`: lines reached, by parser; coverage.py EXPORT PARSERS."""
import json
import sys

LEAST = 90


def main(export, parsers):
    with open(export) as f:
        files = {d["filename"]: d["summary"]["lines"] for d in json.load(f)["data"][0]["files"]}
    low, reached, of = 0, 0, 0
    with open(parsers) as f:
        rows = [line.split(" ", 1) for line in f.read().splitlines() if not line.startswith("#")]
    for path, who in rows:
        lines = next((v for k, v in files.items() if k.endswith("/" + path)), {"count": 1, "covered": 0})
        share = 100 * lines["covered"] / lines["count"]
        low += share < LEAST
        reached, of = reached + lines["covered"], of + lines["count"]
        print(f"{share:6.1f} %  {lines['covered']:4} of {lines['count']:4}  {path.removeprefix('src/'):38} {who}{'  UNDER 90' if share < LEAST else ''}")
    print(f"{100 * reached / of:6.1f} %  {reached:4} of {of:4}  in all; {low} under {LEAST} %")
    return low != 0


sys.exit(main(*sys.argv[1:]))
