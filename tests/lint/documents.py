#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The documents speak of what is there: files, folders, presets, tests, and functions beside their files."""
import json
import os
import re

import tree

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "NEWS.md", "HACKING.md")
TOP = r"(?:src|tests|tools|scripts|cmake|dracut|systemd|man|bench)"


class Documents(tree.TestCase):
    def test_files_that_are_named_exist(self):
        bad, n = [], 0
        for name in DOCUMENTS:
            for line, text in enumerate(tree.read(name).splitlines(), 1):
                for path in re.findall(rf"`({TOP}/[\w./*-]*)", text):
                    n += 1
                    if "*" in path or re.search(r"NAME|FOUND", path):
                        continue
                    if not os.path.exists(os.path.join(tree.ROOT, path)):
                        bad.append(f"{name}:{line}: {path}")
        self.assertGreater(n, 80)
        self.assertNone(bad, "a file that is named doesn't exist")

    def test_links_lead_somewhere(self):
        bad = []
        for name in DOCUMENTS:
            for path in re.findall(r"\]\(([^)#:]+)\)", tree.read(name)):
                if not os.path.exists(os.path.join(tree.ROOT, path)):
                    bad.append(f"{name}: {path}")
        self.assertNone(bad, "a link that leads nowhere")

    def test_each_step_of_a_journey_names_functions_that_its_files_have(self):
        """A step without a function of the tree would be a tale."""
        bad, steps = [], 0
        text = tree.read("ARCHITECTURE.md")
        for journey in re.findall(r"^## Journey .*?(?=^## )", text, re.M | re.S):
            for step in re.findall(r"^\d+\. (?:.+\n)(?:   .+\n)*", journey, re.M):
                steps += 1
                files = [f for f in re.findall(r"`((?:src|tools)/[\w./]+\.c)`", step)]
                sources = "".join(tree.read(f) for f in files) or "".join(map(tree.read, re.findall(r"`(src/[\w./]+\.c)`", journey)))
                for function in re.findall(r"`(\w+)\(\)`", step):
                    everywhere = sources + "".join(map(tree.read, re.findall(r"`(src/[\w./]+\.c)`", journey)))
                    if not re.search(rf"\b{function}\(", everywhere):
                        bad.append(f"{function}(), in: {step.splitlines()[0]}")
        self.assertGreater(steps, 18)
        self.assertNone(bad, "a function that is told of isn't in the files of its journey")

    def test_every_room_is_on_the_map(self):
        text = tree.read("ARCHITECTURE.md")
        rooms = {"/".join(n.split("/")[:3]) for n in tree.sources("src/core/", "src/sys/")}
        self.assertNone([r for r in sorted(rooms) if f"`{r}/`" not in text], "a room that isn't on the map")

    def test_every_preset_and_label_is_explained(self):
        text = tree.read("CONTRIBUTING.md")
        presets = [p["name"] for p in json.loads(tree.read("CMakePresets.json"))["configurePresets"] if not p.get("hidden")]
        kinds = re.search(r"foreach\(kind ([\w\s]+)\)", tree.read("tests/CMakeLists.txt"))[1].split()
        self.assertNone([w for w in [*presets, *kinds] if f"| `{w}` |" not in text], "a preset or label that CONTRIBUTING.md doesn't explain")


if __name__ == "__main__":
    tree.main()
