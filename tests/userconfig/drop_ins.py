#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the units learn of the settings: the sandbox's places and the watch follow them, and systemd takes it."""
import os
import re
import shutil
import subprocess
import unittest

import rig

SYSTEMD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd")
SERVICES = ("latchkey-userconfig.service", "latchkey-userconfig-upload.service")


class DropIns(rig.TestCase):
    def drop_ins(self, settings, check=0):
        shutil.rmtree(self.path("out"), ignore_errors=True)
        os.mkdir(self.path("out"))
        self.write("settings.yaml", "latchkey-userconfig: 1\n" + settings)
        self.said = rig.run([rig.program("latchkey-userconfig"), "drop-ins", "--config", self.path("settings.yaml"),
                             self.path("out")], check=check).stderr.decode()
        return {os.path.relpath(os.path.join(place, n), self.path("out")): self.read(os.path.join(self.path("out"), place, n)).decode()
                for place, _, names in os.walk(self.path("out")) for n in names}

    def test_defaults_need_none(self):
        self.assertEqual(self.drop_ins(""), {})
        self.assertEqual(self.drop_ins("prefixes: [/opt/app, /home/update/upload/mnt/x]\ndefault-destination: /opt/app\n"), {})

    def test_places_of_the_settings(self):
        found = self.drop_ins("prefixes: [/opt, /etc/app, /etc/other]\nupload-directory: /srv/upload\nblob-name: site.lkb\n"
                              "state-directory: /srv/state\n")
        self.assertEqual(sorted(found), sorted(f"{u}.d/50-latchkey-settings.conf" for u in (*SERVICES, "latchkey-userconfig.path")))
        for unit in SERVICES:
            text = found[f"{unit}.d/50-latchkey-settings.conf"]
            self.assertEqual(re.findall(r'^ReadWritePaths="-(.*)"$', text, re.M), ["/etc/app", "/etc/other", "/srv/upload", "/srv/state"])
            self.assertEqual(re.findall(r'^ExecStartPre=-\+/usr/bin/mkdir -p -m 0755 -- "(.*)"$', text, re.M),
                             ["/etc/app", "/etc/other", "/srv/upload", "/srv/state"])
        self.assertIn("PathChanged=\nPathChanged=/srv/upload/site.lkb\n", found["latchkey-userconfig.path.d/50-latchkey-settings.conf"])

    def test_again_is_the_same(self):
        settings = "prefixes: [/opt, /etc/app]\n"
        self.assertEqual(self.drop_ins(settings), self.drop_ins(settings))

    def test_of_volumes_that_are_not_mounted_yet(self):
        """A generator runs before any of /etc/fstab is mounted, and systemd waits for it, which would have to mount what it opens."""
        places = "prefixes: [/opt, /no-volume/app]\nstate-directory: /no-volume/state\n"
        self.assertEqual(self.drop_ins(places + "mount-points: [/no-volume]\n"), self.drop_ins(places))

    def test_bad_settings_write_nothing(self):
        self.assertEqual(self.drop_ins("prefixes: [/opt, ../etc]\n", check=3), {})
        self.assertEqual(self.drop_ins("blob-name: 'x\\'\n", check=3), {})

    def test_systemd_takes_each_character(self):
        """What could be an end of a quote, a specifier or a variable is none."""
        hostile = '/srv/a b"c\\d%e$f\'g;h#i'
        self.drop_ins(f"prefixes: ['{hostile.replace(chr(39), chr(39) * 2)}', /opt]\nupload-directory: '/srv/50% \"of\" it'\n")
        out = self.path("out")
        os.makedirs(os.path.join(out, "usr/sbin"))
        for name in (*SERVICES, "latchkey-userconfig.path", "latchkey-setup.service"):
            with open(os.path.join(SYSTEMD, name)) as f:
                text = f.read()
            self.write(os.path.join(out, name), re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(os.path.join(out, n) for n in (*SERVICES, "latchkey-userconfig.path"))],
                              env=dict(os.environ, SYSTEMD_UNIT_PATH=out + ":"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual([line for line in done.stdout.decode().splitlines() if "latchkey" in line], [])
        # The same text, read as systemd.syntax(7) has it.
        with open(os.path.join(out, SERVICES[0] + ".d/50-latchkey-settings.conf")) as f:
            quoted = re.search(r'^ReadWritePaths="-(/srv/a.*)"$', f.read(), re.M)[1]
        self.assertEqual(re.sub(r"\\(.)", r"\1", quoted).replace("%%", "%"), hostile)


if __name__ == "__main__":
    unittest.main()
