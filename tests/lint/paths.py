#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Paths that programs, units, the initramfs and pages share: one table, and what must agree with it."""
import re

import tree

TABLE = "src/core/base/paths.h"
OURS = r"/(?:etc|run|var/lib)/latchkey(?:/[A-Za-z0-9_.-]*[A-Za-z0-9_])*"
# In C these are said by the table alone.
ONLY_THERE = re.compile(r'/(?:etc|run|var/lib)/latchkey|device:/dev/tpm|/sys/kernel/security/|/sys/firmware/efi/efivars')
# Paths that no program of C knows: of units, their scripts and the initramfs, and names that pages and examples give to what the owner makes.
OTHERS = {
    "/etc/latchkey/volumes.yaml": "the policy file of latchkey-volumes.service",
    "/etc/latchkey/upload-keys": "whose keys sshd takes for the upload's user",
    "/etc/latchkey/first-open.d": "programs of latchkey-first-open.service",
    "/etc/latchkey/attest-ca.pem": "an example: the owner's certificate authority for attestation",
    "/run/latchkey/first-open": "what latchkey-first-open.service says of a boot",
    "/etc/latchkey/modules": "in the initramfs: kernel modules to load",
    "/var/lib/latchkey/first-open": "what latchkey-first-open.service has done",
    "/var/lib/latchkey/record.json": "the record of latchkey-setup.service",
}


def table():
    return dict(re.findall(r'^#define (LK_\w+)\s+"([^"]+)"', tree.read(TABLE), re.M))


def strings(text):
    """String literals of C with their lines, neighbours put together; no comments."""
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    for m in re.finditer(r'"((?:\\.|[^"\\\n])*)"', text):
        yield text.count("\n", 0, m.start()) + 1, m[1]


class Paths(tree.TestCase):
    def test_no_other_source_says_a_path_of_the_table(self):
        bad = [f"{name}:{line}: \"{text}\"" for name in tree.sources("src/", "tools/") if name != TABLE
               for line, text in strings(tree.read(name)) if ONLY_THERE.search(text) and not text.endswith(".h")]
        self.assertNone(bad, f"a path that {TABLE} has, or should have")

    def test_each_row_is_used(self):
        used = " ".join(tree.read(n) for n in tree.sources("src/", "tools/") if n != TABLE)
        self.assertNone([n for n in table() if not re.search(rf"\b{n}\b", used)], f"rows of {TABLE} that nobody uses")

    def test_units_scripts_and_pages_say_paths_that_there_are(self):
        rows = set(table().values()) | set(OTHERS)
        bad, n = [], 0
        for name in tree.committed():
            if not re.match(r"(systemd|dracut|man)/|README\.md$|SECURITY\.md$|ARCHITECTURE\.md$", name) or name.endswith("CMakeLists.txt"):
                continue
            text = tree.read(name).replace("\\-", "-").replace("\\&", "")
            for m in re.finditer(OURS, text):
                n += 1
                path = m[0]
                # Itself, what lies in a folder of the table, or a folder that one of the table lies in.
                if not any(path == row or path.startswith(row + "/") or row.startswith(path + "/") for row in rows):
                    bad.append(f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {path}")
        self.assertGreater(n, 50)
        self.assertNone(bad, f"a path that neither {TABLE} nor this test's list has")

    def test_units_of_the_running_system_share_the_tpm(self):
        """One that opens /dev/tpm0 alone keeps all others out."""
        shared = table()["LK_TPM_SHARED"].split(":", 1)[1]
        bad = []
        for name in tree.committed():
            if re.match(r"systemd/[^/]+\.service$", name):
                bad += [f"{name}: {device}" for device in re.findall(r"/dev/tpm\w+", tree.read(name)) if device != shared]
        self.assertNone(bad, "a unit with another TPM device")


if __name__ == "__main__":
    tree.main()
