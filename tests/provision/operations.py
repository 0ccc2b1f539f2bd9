# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey-operations(7): every command of the page, as it is written there, one section after the other."""
import os
import re
import unittest

import rig
from device import Device

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "man", "latchkey-operations.7")


def sections():
    """Title and commands of each, without the lines for people."""
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    for part in re.split(r"^\.Ss ", text, flags=re.M)[1:]:
        title, rest = part.split("\n", 1)
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", rest, re.S | re.M)
        lines = [re.sub(r"\\e$", r"\\", line) for block in blocks for line in block.splitlines()
                 if not line.startswith("(")]
        yield title, "\n".join(lines).replace(r"\&", "")


class Operations(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self, curve="p384").ready()
        for old, new in (("owner.key", "office.key"), ("owner.pem", "office.pem")):
            os.symlink(old, self.path(new))
        self.write("recovery-key-first", self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"]))
        self.dev.sign(1)
        self.dev.header("policy", "add", "--policy", self.path("policy.yaml"), self.path("signed.yaml"))
        os.mkdir(self.path("bin"))
        self.wrapper("latchkey", f'exec {rig.program("latchkey")} "$@"')
        # The TPM, the key store and the policy file are the system's on a device.
        self.wrapper("latchkey-provision", f'''
real={rig.program("latchkey-provision")}
cd {self.tmp}
words="$1"; case "$2" in add|renew|change|clear|replace|raise) words="$1 $2";; esac
for option in policy fapi-dir device-file; do
    case "$option $*" in *" --$option"*) continue;; esac
    $real $words --help | grep -q -- "--$option " || continue
    case $option in
        policy) set -- "$@" --policy policy.yaml;;
        fapi-dir) set -- "$@" --fapi-dir "$FAPI";;
        *) set -- "$@" --device-file device.yaml;;
    esac
done
exec $real "$@" --tpm "$TPM"''')
        self.fapi = self.path("fapi")

    def wrapper(self, name, text):
        path = self.write("bin/" + name, f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)

    def sh(self, commands):
        env = dict(os.environ, PATH=f"{self.path('bin')}:{os.environ['PATH']}", TPM=self.dev.tpm.tcti,
                   FAPI=self.fapi)
        return rig.run(["bash", "-euc", f"set -o pipefail; cd {self.tmp}\n{commands}"], env=env, check=0)

    def recovery(self):
        return self.dev.decrypt(self.dev.record()["volumes"][0]["recovery-key"])

    def opens_unattended(self):
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy",
                        self.path("policy.yaml"), "--tpm", self.dev.tpm.tcti])
        self.dev.tpm.restart()  # the latch
        return done.returncode == 0

    def test_every_section(self):
        dev, told = self.dev, {}
        known = dict(sections())
        for title, commands in known.items():
            if "policy key is to be replaced" in title:
                self.write("pcrs.json", dev.provision("pcrs", "--json").stdout)
            if "board" in title:
                self.another_board()
            if commands:
                with self.subTest(section=title):
                    told[title] = self.sh(commands).stderr.decode()
            if "authorization" in title:  # decrypt again, as the page says
                self.sh(known["The record, and what is in it"])
            if "leaked" in title:
                self.assertFalse(dev.opens(self.read("recovery-key-first")))
                self.sh(known["The record, and what is in it"])
            if not title.startswith("A device is given"):
                self.assertTrue(dev.opens(self.recovery()), title)
                self.assertTrue(self.opens_unattended(), title)
        self.assertEqual(len(told), 10)
        shown = dev.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"ownerAuthSet: +0\n")
        self.assertTrue(dev.opens(self.recovery()))

    def another_board(self):
        self.dev.tpm.stop()
        self.dev.tpm = self.swtpm("another")
        self.fapi = self.path("fapi-there")


if __name__ == "__main__":
    unittest.main()
