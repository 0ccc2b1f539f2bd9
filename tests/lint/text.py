#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The text of the sources: license first, then what is owned; nothing left to be done."""
import os
import re

import tree

SPDX = "SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception"
# Data, in whatever form its format wants.
DATA = r"(tests/fuzz/corpus/|tests/data/|COPYING|\.git|\.clang-format)"


def is_source(name):
    if re.match(DATA, name) or name.endswith((".md", ".json", ".svg", ".png", ".csv", ".txt")):
        return False
    if name.endswith((".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt", ".service", ".path", ".rules",
                      ".1", ".5", ".7", ".8")):
        return True
    with open(os.path.join(tree.ROOT, name), "rb") as f:
        return f.read(2) == b"#!"


class Text(tree.TestCase):
    def test_the_license_comes_first(self):
        bad = []
        for name in filter(is_source, tree.committed()):
            lines = tree.read(name).splitlines() or [""]
            first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
            if SPDX not in first:
                bad.append(name)
        self.assertNone(bad, "no SPDX line first")

    def test_a_sentence_says_what_a_c_file_owns(self):
        bad = []
        for name in tree.sources("src/", "tools/", "tests/"):
            lines = tree.read(name).splitlines()
            if len(lines) < 2 or not lines[1].startswith("/* Owns ") and "/* Owns " not in lines[1]:
                bad.append(name)
        self.assertNone(bad, "the second line doesn't say what the file owns")

    def test_nothing_is_left_to_be_done(self):
        bad = []
        words = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
        for name in filter(is_source, tree.committed()):
            for line, text in enumerate(tree.read(name).splitlines(), 1):
                if words.search(text):
                    bad.append(f"{name}:{line}: {text.strip()}")
        self.assertNone(bad, "unfinished")

    def test_no_path_of_a_machine_is_written_down(self):
        bad = []
        # The upload directory of the platform that the defaults are for.
        place = re.compile(r"(?<![\w.])/(work|home)/(?!update/upload\b)\w")
        for name in filter(is_source, tree.committed()):
            for line, text in enumerate(tree.read(name).splitlines(), 1):
                if place.search(text):
                    bad.append(f"{name}:{line}: {text.strip()}")
        self.assertNone(bad, "a path of one machine")

    def test_lines_end_without_blanks(self):
        bad = []
        for name in filter(is_source, tree.committed()):
            text = tree.read(name)
            if text and not text.endswith("\n"):
                bad.append(f"{name}: no line end at the end")
            for line, t in enumerate(text.split("\n"), 1):
                if t != t.rstrip():
                    bad.append(f"{name}:{line}")
        self.assertNone(bad, "blanks at the end of a line")

    def test_files_and_functions_have_a_size_to_read(self):
        """A file of 450 lines at most, and a function that fits a screen."""
        bad, n = [], 0
        for name in tree.sources("src/", "tools/"):
            lines = tree.read(name).splitlines()
            if len(lines) > 450:
                bad.append(f"{name}: {len(lines)} lines")
            at = 0
            while at < len(lines):
                head = at
                while at < len(lines) and re.match(r"[A-Za-z]", lines[head]) and lines[at] != "{" and not lines[at].endswith((";", "}")) and lines[at]:
                    at += 1
                if at > head and at < len(lines) and lines[at] == "{":
                    at = lines.index("}", at)
                    n += 1
                    if at - head + 1 > 60:
                        bad.append(f"{name}:{head + 1}: {at - head + 1} lines")
                at += 1
        self.assertGreater(n, 2000)
        self.assertNone(bad, "longer than 450 lines, or than 60 for a function")

    def test_static_functions_of_one_name_are_few(self):
        """A backtrace has to tell: these words say nothing of where they are."""
        bad = []
        for name in tree.sources("src/", "tools/", endings=(".c",)):
            bad += [f"{name}: {m}()" for m in re.findall(r"^static [^=;\n]*\b(run|take|refuse|bytes_of)\(", tree.read(name), re.M)]
        self.assertNone(bad, "name what it runs, takes or refuses")


if __name__ == "__main__":
    tree.main()
