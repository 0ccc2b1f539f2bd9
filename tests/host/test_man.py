#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The examples in latchkey(1) and latchkey-policy(5) work as they are printed."""
import os
import re
import shutil

import boots
import fleets
import host
import uki
from device import der_signature

MAN = os.path.join(host.HERE, "..", "..", "man")


def examples(page):
    with open(os.path.join(MAN, page)) as f:
        text = f.read().split(".Sh EXAMPLES")[1]
    return [block.replace("\\e", "\\")
            for block in re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", text, re.S)]


class Man(host.TestCase):
    def write_record(self):
        """One device's with its logs, for the policies and the blobs of a fleet."""
        fleets.put(self.path("records"), "first", fleets.record(1), fleets.sent(boots.Boot("uki-13"), 1))

    def write_logs(self):
        """Of a machine that has booted, and an image that could be its next."""
        shutil.copytree(os.path.join(host.DATA, "event_logs", "uki-13"), self.path("logs"))
        self.write("new.efi", uki.signed_by(self.read("logs/firmware")))

    def test_commands_run_one_after_the_other(self):
        self.pcrs()
        self.write_record()
        self.write_logs()
        script = "set -e\ncd " + self.tmp + "\n" + "".join(examples("latchkey.1"))
        env = dict(os.environ, PATH=os.path.dirname(host.LATCHKEY) + ":" + os.environ["PATH"])
        host.rig.run(["sh", "-c", script], env=env, check=0)
        self.latchkey("policy", "verify", "--policy", self.path("policy.yaml"),
                      self.path("signed.yaml"), self.path("signed2.yaml"))
        self.assertEqual(self.read("opened/app/app.conf"), b"verbose=yes\n")
        self.latchkey("config", "show", self.path("blobs/first.lkb"))
        self.assertTrue(os.path.exists(self.path("policies/fleet.json")))

    def test_the_signed_policy_belongs_to_the_policy_file(self):
        policy, signed, _ = examples("latchkey-policy.5")
        done = self.latchkey("policy", "verify", "--policy", self.write("policy.yaml", policy),
                             self.write("signed.yaml", signed))
        self.assertSaid(done, "^good: ")

    def test_the_signed_root_key_is_signed_as_the_page_says(self):
        """By openssl, over the bytes that the page lists."""
        policy, _, root_key = examples("latchkey-policy.5")
        field = dict(re.findall(r'^([\w-]+): "(.*)"$', root_key, re.M))
        name, ref = bytes.fromhex(field["name"]), field["policy-ref"].encode()
        self.write("signed", b"latchkey:signed-root-key:1\0" + len(name).to_bytes(2, "big") + name + bytes.fromhex(field["device-id"]) +
                   len(ref).to_bytes(2, "big") + ref)
        self.write("key.pem", re.sub("^ +", "", re.search(r" *-----BEGIN.*END PUBLIC KEY-----\n", policy, re.S)[0], flags=re.M))
        self.write("signature", der_signature(bytes.fromhex(field["signature"])))
        host.rig.run(["openssl", "dgst", "-sha384", "-verify", self.path("key.pem"), "-signature", self.path("signature"), self.path("signed")],
                     check=0)


if __name__ == "__main__":
    host.main()
