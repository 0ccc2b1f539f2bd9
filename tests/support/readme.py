# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns README.md as a program: each of its indented blocks has a mark before it, and those to run become one script a step.

Marks: `run: ROLE; has FILE...` (the files are brought along from the other machine), `edit: FILE` (what is in the block takes the
place of the same keys in the file), `shown` and `not run: why`. A block without a mark is an error.
"""
import os
import re
from dataclasses import dataclass

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


@dataclass
class Block:
    line: int
    kind: str  # run, edit, shown, not run
    what: str  # role, file or reason
    has: list
    text: str


def blocks():
    """All of README.md's, in order."""
    found, mark, text = [], None, []
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        lines = [*f.read().splitlines(), "the end"]
    for number, line in enumerate(lines, 1):
        if line.startswith("    ") or (text and not line):
            if not text and mark is None:
                raise ValueError(f"README.md:{number}: a block without a mark that says whether it is run")
            text.append(line[4:])
        elif text:
            kind, _, rest = mark.partition(":")
            what, _, has = rest.partition(";")
            found.append(Block(number - len(text), kind.strip(), what.strip(), has.split()[1:], "\n".join(text).strip("\n") + "\n"))
            mark, text = None, []
        marked = re.fullmatch(r"<!-- (.*) -->", line)
        if marked:
            mark = marked[1]
        elif mark is not None and line.strip() and not text:
            raise ValueError(f"README.md:{number}: no block follows the mark before this line")
    return found


def to_run(*roles):
    return [b for b in blocks() if (b.kind == "run" and b.what in roles) or b.kind == "edit"]
