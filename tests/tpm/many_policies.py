# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""With 1, 10 and 100 signed policies, in the token or as files: the one that fits costs one TPM command more at most,
and none once it is remembered."""
import json
import os
import sys

import luks2
import rig
import volume

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ticket import LONG, PASSPHRASE, SHORT, Case  # noqa: E402

NUMBERS = (1, 10, 100)
MISSED = SHORT[:3] + ["FlushContext", "PCR_Read"]


class Many(Case):
    # As latchkey-provision makes them.
    luks_options = ("--luks2-metadata-size", "128k", "--luks2-keyslots-size", "1792k")

    def setUp(self):
        super().setUp()
        self.fits = self.token["policies"][0]

    def another(self, number, more=""):
        """A signed policy for a boot with another PCR 7: of the owner's key, by latchkey."""
        values = {str(pcr): f"{pcr + 1:02x}" * 32 for pcr in (0, 10, 15)}
        values["7"] = f"{number + 1:064x}"
        self.write("values.json", json.dumps({"sha256": values}))
        path = self.path(f"another-{number:03}.yaml")
        if not os.path.exists(path):
            rig.run([rig.program("latchkey"), "policy", "sign", "--policy", self.policy, "--key", self.owner.key, "--pcr-values",
                     self.path("values.json"), "--label", f"boot {number}{more}", "-o", self.path("out.yaml")], check=0)
            os.replace(self.path("out.yaml"), path)
        return path

    def as_token(self, path):
        with open(path) as f:
            text = f.read()
        out = {}
        for line in text.splitlines():
            key, _, value = line.partition(": ")
            if line.startswith("  "):
                out["pcrs"][key.strip()] = value.strip('"')
            elif line == "pcrs:":
                out["pcrs"] = {}
            else:
                out[key] = 1 if key == "latchkey-signed-policy" else value.strip('"')
        return out

    def arrange(self, n, place, where):
        """@n policies in the token or as files, the one that fits first or last; options for latchkey-unseal."""
        others = [self.another(i) for i in range(n - 1)]
        if place == "token":
            list_ = [self.as_token(p) for p in others]
            list_.insert(0 if where == "first" else len(list_), self.fits)
            self.write_token(policies=list_)
            return []
        self.write_token(policies=[])
        folder = self.path(f"{n}-{where}")
        os.makedirs(folder, exist_ok=True)
        for path in others:
            os.link(path, os.path.join(folder, os.path.basename(path)))
        os.link(self.path("signed.yaml"), os.path.join(folder, "0.yaml" if where == "first" else "z.yaml"))
        return ["--signed", folder]

    def forget(self):
        self.token.pop("remembered", None)

    def test_one_command_more_at_most_and_none_once_remembered(self):
        for place in ("token", "files"):
            for n in NUMBERS:
                for where in ("first", "last"):
                    with self.subTest(place=place, n=n, where=where):
                        self.forget()
                        options = self.arrange(n, place, where)
                        first = self.unseal(*options)
                        self.assertEqual(first.names, LONG if n == 1 else ["PCR_Read"] + LONG)
                        self.learn()
                        again = self.unseal(*options)
                        self.assertEqual(again.names, SHORT)
                        print(f"{n} in {place}, it is {where}: {len(first.names)} commands, {first.bytes} bytes; remembered: "
                              f"{len(again.names)}, {again.bytes}")

    def test_another_boot_than_the_one_that_is_remembered(self):
        """What was remembered is refused once; after that it is as if nothing were."""
        for n in NUMBERS[1:]:
            with self.subTest(n=n):
                self.forget()
                self.arrange(n, "token", "last")
                self.unseal()
                self.learn()
                self.tpm.tool("tpm2_pcrextend", f"7:sha256={'2a' * 32}")
                self.token["policies"][n // 2] = self.sign("second.yaml", label="second")
                self.write_token()
                self.assertEqual(self.unseal().names, MISSED + LONG)
                self.learn()
                self.assertEqual(self.unseal().names, SHORT)
                self.tpm.restart()

    def test_a_boot_that_none_of_them_is_for(self):
        self.arrange(100, "token", "first")
        self.tpm.tool("tpm2_pcrextend", f"7:sha256={'2a' * 32}")
        p = self.unseal(code=5)
        self.assertEqual(set(p.names), {"PCR_Read"})
        self.assertIn("none of the 100 that signed policies are for", self.said)

    def test_as_many_as_a_header_holds(self):
        """Of a P-384 key, beside two keyslots; one more is refused and nothing is lost."""
        for label in ("", " " + "x" * 110):
            with self.subTest(label=len(label)):
                rig.run(["sh", "-c", "rm -f " + self.path("another-*")], check=0)
                paths = [self.another(i, label) for i in range(129)]
                self.forget()
                self.write_token(policies=[self.fits])
                argv = [rig.program("latchkey-provision"), "policy", "add", "--policy", self.policy]
                rig.run([*argv, *paths[:100]], check=0)
                for n, path in enumerate(paths[100:]):
                    before = luks2.read(self.disk)
                    done = rig.run([*argv, path])
                    if done.returncode:
                        break
                self.assertEqual(done.returncode, 13, done.stderr)
                self.assertIn("retire", done.stderr.decode())
                self.assertEqual(luks2.read(self.disk), before)
                print(f"{n + 101} signed policies with labels of {7 + len(label)} characters fit into the token")
                self.assertEqual(self.unseal().names, ["PCR_Read"] + LONG)

    def test_a_header_of_cryptsetups_own_size_holds_fewer(self):
        self.disk, _ = volume.luks_file(self, PASSPHRASE, "small.img")
        self.policy = self.owner.policy(self.disk, "small.yaml")
        self.write_token(policies=[self.fits])
        argv = [rig.program("latchkey-provision"), "policy", "add", "--policy", self.policy]
        before = luks2.read(self.disk)
        done = rig.run([*argv, *[self.another(i) for i in range(20)]], check=13)
        self.assertIn("the header has no room for more; retire", done.stderr.decode())
        self.assertEqual(luks2.read(self.disk), before)
        rig.run([*argv, self.another(0)], check=0)

    def test_more_files_than_a_token_holds(self):
        folder = self.path("folder")
        os.mkdir(folder)
        for n in range(400):
            os.link(self.another(n % 5), self.path("folder", f"{n:03}.yaml"))
        os.link(self.path("signed.yaml"), self.path("folder", "zzz.yaml"))
        self.write_token(policies=[])
        self.assertEqual(self.unseal("--signed", folder).names, ["PCR_Read"] + LONG)

    def test_files_beyond_those_that_are_read(self):
        folder = self.path("folder")
        os.mkdir(folder)
        for n in range(513):
            self.write(f"folder/{n:04}.yaml", "x")
        self.write_token(policies=[self.fits])
        self.unseal("--signed", folder)
        self.assertIn("folder", self.said)


if __name__ == "__main__":
    rig.unittest.main()
