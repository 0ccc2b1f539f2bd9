#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Man pages and --help say the same options; pages are sound mdoc."""
import os
import re
import subprocess

import tree

PAGE = {"latchkey": "latchkey.1", "latchkey-provision": "latchkey-provision.8",
        "latchkey-unseal": "latchkey-unseal.8", "latchkey-userconfig": "latchkey-userconfig.8",
        "latchkey-attest": "latchkey-attest.8", "latchkey-verifier": "latchkey-verifier.8"}


def run(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=60)


def long_options(text):
    """--names, however the text breaks and shows them."""
    text = re.sub(r".\x08", "", text)
    # An argument such as --no-x of another program is quoted as a command line there.
    return set(re.findall(r"(?<![\w-])--([a-z][a-z0-9-]*[a-z0-9])", text))


def page_options(text):
    """Fl macros of mdoc, and options in literal text."""
    found = set()
    for line in text.splitlines():
        if re.match(r"\.(It|Op|Fl|Xo|Cm|Oo|Ar|Nm|Pq)\b", line):
            found |= set(re.findall(r"Fl\s+(?:\\?-)([a-z][a-z0-9-]*)", line.replace("\\-", "-")))
    return found


def help_of(path):
    """--help of the program and of each of its commands."""
    first = run([path, "--help"]).stdout.decode(errors="replace")
    text = first
    name = os.path.basename(path)
    commands = set()
    for line in first.splitlines():
        m = re.match(r"\s+(?:" + re.escape(name) + r"\s+)?([a-z][a-z-]*(?: [a-z]+)?)(?:\s{2,}|\s+[\[<A-Z-]|$)", line)
        if m and not line.strip().startswith("-"):
            commands.add(m.group(1))
    for command in sorted(commands):
        done = run([path, *command.split(), "--help"])
        if done.returncode == 0:
            text += done.stdout.decode(errors="replace")
    return text


class Man(tree.TestCase):
    def test_options_of_help_and_page_are_the_same(self):
        bad, n = [], 0
        for name, path in tree.programs():
            page = os.path.join("man", PAGE[name])
            if not os.path.exists(os.path.join(tree.ROOT, page)):
                bad.append(f"{name}: {page} isn't there")
                continue
            helped = long_options(help_of(path))
            paged = page_options(tree.read(page))
            n += len(helped)
            bad += [f"{page}: --{o} of {name} --help is missing" for o in sorted(helped - paged)]
            bad += [f"{name} --help: --{o} of {page} is missing" for o in sorted(paged - helped)]
        self.assertGreater(n, 10)
        self.assertNone(bad, "man page and --help differ")

    def test_every_program_says_help_and_version(self):
        for name, path in tree.programs():
            for option in ("--help", "--version"):
                done = run([path, option])
                self.assertEqual(done.returncode, 0, f"{name} {option}")
                self.assertIn(name, done.stdout.decode())

    def test_exit_codes_of_the_pages_are_the_table_s(self):
        """Each page's item begins with the table's sentence; latchkey-unseal's has every code that it ends with."""
        unseal = dict(tree.programs())["latchkey-unseal"]
        rows = [line.split(" ", 3) for line in run([unseal, "--print-exit-codes"]).stdout.decode().splitlines()]
        self.assertGreater(len(rows), 15)
        sentence = {number: text for number, _, _, text in rows}
        bad = []
        for page in sorted(PAGE.values()):
            items = re.findall(r"^\.It (\d+)\n(.*)", tree.read("man/" + page).split(".Sh EXIT STATUS")[1].split("\n.Sh ")[0], re.M)
            self.assertTrue(items, page)
            bad += [f"{page}: {n}: {text}" for n, text in items if text.rstrip(":") != sentence.get(n)]
            if page == PAGE["latchkey-unseal"]:
                self.assertEqual({n for n, _ in items}, {n for n, _, latch, _ in rows if latch != "-"})
        self.assertNone(bad, "an exit code that core/base/rc.c has another sentence for")

    def test_no_macro_takes_more_than_is_meant(self):
        """man(1) shows what mandoc doesn't: all of a line after Ql in one pair of quotes, and a heading's "An" as a macro."""
        bad = []
        for page in (n for n in tree.committed() if re.match(r"man/.*\.[1578]$", n)):
            for number, line in enumerate(tree.read(page).splitlines(), 1):
                if re.match(r"\.(\w+ )?Ql .*( No | [,.;:] \w)", line) or re.match(r"\.S[sh] (An|At|Do|In|No|On) ", line):
                    bad.append(f"{page}:{number}: {line}")
        self.assertNone(bad, "end the macro's line there; a heading begins with \\&")

    def test_pages_are_sound(self):
        pages = [n for n in tree.committed() if re.match(r"man/.*\.[1578]$", n)]
        self.assertTrue(pages)
        bad = []
        for page in pages:
            done = run(["mandoc", "-T", "lint", "-W", "error", os.path.join(tree.ROOT, page)])
            if done.returncode:
                bad.append(done.stdout.decode(errors="replace"))
        self.assertNone(bad, "mandoc's errors")


if __name__ == "__main__":
    tree.main()
