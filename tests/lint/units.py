#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""systemd's units: sound, as closed as the issue wants them, and true to the program's defaults; their scripts pass shellcheck."""
import os
import re
import subprocess
import tempfile

import tree

# The prompt on the console and the kernel's log keep this one open further.
EXPOSURE = {"latchkey-volumes.service": 5.5}
SANDBOXED = 2.0


def units(*endings):
    return [n for n in tree.committed() if re.match(r"systemd/[^/]+$", n) and n.endswith(endings)]


def run(*argv, **options):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          timeout=60, **options)


def section(name, title):
    """The section's settings, without comments."""
    text = tree.read(name).replace("\\\n", "")
    found = re.search(rf"^\[{title}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    return [line for line in found[1].splitlines() if line and not line.startswith("#")]


def value(name, title, key):
    return [line.split("=", 1)[1] for line in section(name, title) if line.startswith(key + "=")]




class Units(tree.TestCase):
    def test_exposure(self):
        services, bad = units(".service"), []
        self.assertGreaterEqual(len(services), 5)
        for name in services:
            limit = EXPOSURE.get(os.path.basename(name), SANDBOXED)
            done = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={limit * 10:.0f}",
                       os.path.join(tree.ROOT, name))
            if done.returncode:
                bad.append(name + ": " + done.stdout.decode().strip().splitlines()[-1])
        self.assertNone(bad, "systemd-analyze security: more exposed than allowed")

    def test_systemd_takes_them_as_they_are(self):
        """With stand-ins for the programs, which needn't be installed."""
        with tempfile.TemporaryDirectory() as folder:
            for name in units(".service", ".path"):
                text = tree.read(name)
                for path in set(re.findall(r"^ExecStart=(/\S+)", text, re.M)):
                    stand_in = folder + path
                    os.makedirs(os.path.dirname(stand_in), exist_ok=True)
                    with open(stand_in, "w", encoding="ascii") as f:
                        f.write("#!/bin/sh\n")
                    os.chmod(stand_in, 0o755)
                    text = text.replace(f"ExecStart={path}", f"ExecStart={stand_in}")
                with open(os.path.join(folder, os.path.basename(name)), "w", encoding="utf-8") as f:
                    f.write(text)
            paths = [os.path.join(folder, os.path.basename(n)) for n in units(".service", ".path")]
            done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths,
                       env=dict(os.environ, SYSTEMD_UNIT_PATH=folder + ":"))
        said = [line for line in done.stdout.decode().splitlines() if "latchkey" in line]
        self.assertNone(said, "systemd-analyze verify")
        self.assertEqual(done.returncode, 0, done.stdout.decode())

    def test_both_runs_of_userconfig_have_one_sandbox(self):
        boot, upload = (section(f"systemd/latchkey-userconfig{n}.service", "Service") for n in ("", "-upload"))
        differ = {line for line in set(boot) ^ set(upload) if not line.startswith("TimeoutStartSec=")}
        self.assertEqual(differ, {"RemainAfterExit=yes"})

    def test_the_upload_is_not_ordered_against_what_it_restarts(self):
        """A unit after latchkey-userconfig.service, restarted by the upload's run, would otherwise wait for its own end."""
        self.assertEqual(value("systemd/latchkey-userconfig-upload.service", "Unit", "Before"), [])
        self.assertEqual(value("systemd/latchkey-userconfig-upload.service", "Unit", "After"), [])

    def test_what_is_watched_and_written_are_the_defaults(self):
        defaults = tree.read("src/core/config/userconfig_file.c")
        blob = value("systemd/latchkey-userconfig.path", "Path", "PathChanged")[0]
        writable = " ".join(value("systemd/latchkey-userconfig.service", "Service", "ReadWritePaths")).split()
        for text in (*os.path.split(blob), *(path.lstrip("-") for path in writable)):
            self.assertIn(f'"{text}"', defaults)

    def test_scripts_pass_shellcheck(self):
        scripts = [n for n in tree.committed() if n.startswith(("systemd/", "scripts/", ".ci/", "tests/static/")) and tree.read(n).startswith("#!/bin/sh")]
        self.assertGreaterEqual(len(scripts), 10)
        done = run("shellcheck", *(os.path.join(tree.ROOT, n) for n in scripts))
        self.assertEqual(done.returncode, 0, done.stdout.decode())


if __name__ == "__main__":
    tree.main()
