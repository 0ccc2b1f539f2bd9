#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Where secrets lie in a process: in locked memory that no core has while they are in use, and nowhere when another program is
begun or the process ends; nor in what it prints, at the debug level, or leaves on the disk."""
import base64
import glob
import hashlib
import os
import shutil
import subprocess

import receiver
import rig
from device import Device

PRELOAD = os.path.join(rig.BUILD, "tests", "reliability", "dump_memory.so")
PIECE = 8
PIN = "correct horse battery"
# Before the library that opens a keyslot has seen them these are in memory of their own.
OURS = ("passphrase", "new passphrase", "recovery key", "PIN")


def pieces(secret):
    """A copy of any 15 bytes of it has one of these whole."""
    return [secret[at:at + PIECE] for at in range(0, len(secret) - PIECE + 1, PIECE)] or [secret]


def printed(secret, said):
    """Whether any piece of it is there, as it is, as hex digits or in Base64."""
    forms = [*pieces(secret), *(p.hex().encode() for p in pieces(secret))]
    # Base64 has three bytes in four characters, and the secret may begin at any of them.
    forms += [base64.b64encode(secret[at:at + PIECE // 3 * 3]) for at in range(len(secret) - PIECE)]
    return any(form.lower() in said.lower() if form.isalnum() else form in said for form in forms)


def in_use(name, flags):
    """Whether it may lie there while it is in use. libcryptsetup has the volume key in memory that it locks; the TPM's library an
    authorization in memory that it doesn't (and what we lock for it, libcryptsetup unlocks as it frees what is on the same page)."""
    if name in OURS:
        return {"lo", "dd"} <= flags
    return "lo" in flags or name.endswith("authorization")


class Picture:
    """One dump: what the process was, and each of its regions."""

    def __init__(self, path):
        self.point = path.rsplit("-", 1)[1].removesuffix(".map")
        with open(path) as f:
            head, *lines = f.read().splitlines()
        with open(path.removesuffix("map") + "mem", "rb") as f:
            self.memory = f.read()
        self.core, self.dumpable = int(head.split()[1]), int(head.split()[3])
        self.regions = []
        for line in lines:
            words, flags = line.rsplit("|", 1)
            at, size, rest = words.split(" ", 2)
            self.regions.append((int(at), int(size), rest, flags.split()))

    def find(self, secret):
        """The regions that hold any piece of it, with their flags."""
        found = []
        for piece in pieces(secret):
            at = self.memory.find(piece)
            while at >= 0:
                hit = next(r for r in self.regions if r[0] <= at < r[0] + r[1])
                if hit not in found:
                    found.append(hit)
                at = self.memory.find(piece, hit[0] + hit[1])
        return found


class Memory(rig.TestCase):
    def run_with(self, *argv, check=0, stdin=None, within=()):
        """Runs it, and returns the pictures; self.said is all that it printed."""
        shutil.rmtree(self.path("dump"), ignore_errors=True)
        os.mkdir(self.path("dump"))
        wanted = ["env", f"LD_PRELOAD={PRELOAD}", f"LK_DUMP={self.path('dump')}", "LATCHKEY_DEBUG=1"]
        done = rig.run([*within, *wanted, *argv], check=check, stdin=stdin)
        self.said = done.stdout + done.stderr
        self.assertIn(b": debug: ", self.said)
        pictures = [Picture(p) for p in sorted(glob.glob(self.path("dump", "*.map")))]
        self.assertEqual([p.point for p in pictures].count("exit"), 1)
        self.assertEqual({(p.core, p.dumpable) for p in pictures}, {(0, 0)})
        shutil.rmtree(self.path("dump"))
        return pictures

    def judge(self, what, pictures, secrets, *, left=()):
        """Nothing at exec or exit; while in use, nothing where it could be written to a disk. @left: files and folders to be searched."""
        wrong = []
        for name, secret in secrets.items():
            for picture in pictures:
                for _, _, place, flags in picture.find(secret):
                    if picture.point != "use" or not in_use(name, set(flags)):
                        wrong.append(f"{name} at {picture.point} in {place} {flags}")
            if printed(secret, self.said):
                wrong.append(f"{name} is printed")
            for piece in pieces(secret):
                for path in left:
                    for folder, _, files in os.walk(path):
                        for file in (f for f in files if not os.path.islink(os.path.join(folder, f))):
                            with open(os.path.join(folder, file), "rb") as f:
                                if piece in f.read():
                                    wrong.append(f"{name} in {os.path.join(folder, file)}")
        points = [p.point for p in pictures]
        print(f"\n{what}: {points}, {sum(len(p.memory) for p in pictures) >> 10} KiB, {len(secrets)} secrets, {len(wrong)} found")
        self.assertEqual(wrong, [], what)

    def volume_secrets(self, dev):
        recovery = dev.decrypt(dev.record()["volumes"][0]["recovery-key"])
        rig.run(["cryptsetup", "--batch-mode", "luksDump", "--dump-volume-key", "--volume-key-file", self.path("vk"), dev.path("disk.img"),
                 "--key-file", "-", "--keyfile-size", len(recovery)], stdin=recovery, check=0)
        key = self.read("vk")
        os.unlink(self.path("vk"))
        return recovery, key

    def unseal(self, dev, *more):
        return [rig.program("latchkey-unseal"), "--policy", dev.path("policy.yaml"), "--dry-run", "--tpm", dev.tpm.tcti, *more]

    def test_the_search_of_what_is_printed(self):
        secret = bytes(range(100, 132))
        for shown in (secret, secret.hex().upper().encode(), base64.b64encode(secret), base64.b64encode(b"xy" + secret)):
            self.assertTrue(printed(secret, b"said: " + shown + b"\n"), shown)
        self.assertFalse(printed(secret, b"TPM2_Unseal(0x81010001): 0x00000000, done\n"))

    def test_the_pictures_show_it_while_it_is_in_use(self):
        """Else nothing would be proven by finding nothing."""
        dev = Device(self).ready()
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        payload = dev.unseal_by_hand(dev.path("signed.yaml"), 1)
        pictures = self.run_with(*self.unseal(dev))
        found = [hit for p in pictures if p.point == "use" for hit in p.find(payload[:32])]
        self.assertTrue(found)

    def test_unlock(self):
        dev = Device(self).ready()
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        payload = dev.unseal_by_hand(dev.path("signed.yaml"), 1)
        recovery, key = self.volume_secrets(dev)
        secrets = {"passphrase": payload[:32], "identity": payload[32:], "volume key": key, "recovery key": recovery}
        os.mkdir(self.path("left"))
        pictures = self.run_with(*self.unseal(dev, "--learn", self.path("left"), "--diagnosis", self.path("left", "why")))
        self.assertIn("use", [p.point for p in pictures])
        self.judge("unlock", pictures, secrets, left=[self.path("left")])
        self.judge("unlock, the short way", self.run_with(*self.unseal(dev)), secrets)
        dev.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
        self.judge("unlock, refused", self.run_with(*self.unseal(dev), check=5), secrets)

    def test_a_pin(self):
        dev = Device(self)
        dev.install()
        dev.policy(volume="    pin: true\n", root_key=dev.root_key())
        self.write("typed", PIN + "\n")
        pictures = self.run_with(rig.program("latchkey-provision"), *dev.format_argv(), "--pin-file", self.path("typed"), "--tpm", dev.tpm.tcti)
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        recovery, key = self.volume_secrets(dev)
        value = hashlib.sha256(PIN.encode()).digest()
        payload = dev.unseal_by_hand(dev.path("signed.yaml"), 1, auth=value.rstrip(b"\0"))
        secrets = {"PIN": PIN.encode(), "passphrase": payload[:32], "volume key": key, "recovery key": recovery}
        self.judge("format, with a PIN", pictures, {**secrets, "PIN's value": value})
        # What goes into the HMAC lies in the TPM library's handle of the object while it works.
        self.judge("unlock, with a PIN", self.run_with(*self.unseal(dev, "--pin-file", self.path("typed"))), {**secrets, "PIN's value": value})

    def test_provisioning(self):
        dev = Device(self)
        argv = [rig.program("latchkey-provision"), *dev.install_argv(), "--tpm", dev.tpm.tcti]
        pictures = self.run_with(*argv)
        with open(dev.path("keys", "config-key.bin"), "rb") as f:
            config = f.read()
        auths = {f"{w} authorization": dev.auth(w).encode() for w in dev.record()["auths"]}
        self.judge("install", pictures, {"configuration key": config, **auths}, left=[dev.path("fapi")])
        dev.policy()
        dev.format_argv()
        pictures = self.run_with(rig.program("latchkey-provision"), *dev.format_argv(), "--tpm", dev.tpm.tcti)
        dev.provision("policy", "add", "--policy", dev.path("policy.yaml"), dev.sign(1))
        payload = dev.unseal_by_hand(dev.path("signed.yaml"), 1)
        recovery, key = self.volume_secrets(dev)
        secrets = {"passphrase": payload[:32], "volume key": key, "recovery key": recovery, **auths}
        self.judge("format", pictures, secrets)
        self.write("recovery", recovery)
        pictures = self.run_with(rig.program("latchkey-provision"), "reseal", "--policy", dev.path("policy.yaml"), "--owner-auth",
                                 dev.path("owner.auth"), "--recovery-key-file", self.path("recovery"), "--device-file", dev.device_file,
                                 "--tpm", dev.tpm.tcti)
        again = dev.unseal_by_hand(dev.path("signed.yaml"), 1)
        self.assertNotEqual(again, payload)
        self.judge("reseal", pictures, {**secrets, "new passphrase": again[:32]})
        self.judge("status", self.run_with(rig.program("latchkey-provision"), "status", "--policy", dev.path("policy.yaml"), "--device-file",
                                           dev.device_file, "--tpm", dev.tpm.tcti), {**secrets, "new passphrase": again[:32]})

    def test_configuration(self):
        for form in ("cipher", "sealed"):
            with self.subTest(form):
                rig.run(["find", self.tmp, "-mindepth", "1", "-delete"], check=0)
                dev = receiver.spare(self, form=form)
                key = os.urandom(32)
                dev.upload(dev.seal(receiver.files(app__conf=b"new"), content_key=key))
                pictures = self.run_with(rig.program("latchkey-userconfig"), "apply", "--root", dev.root, "--tpm", dev.tpm.tcti, "--raise-floor")
                self.assertEqual(dev.get("opt/app/conf"), b"new")
                self.judge(f"apply ({form})", pictures, {"content key": key, "configuration key": dev.config_key}, left=[dev.root])
                dev.tpm.stop()


    # The device's folders in the place of the machine's, for this program alone: it has to be the system itself that it configures.
    ITSELF = ("unshare", "--mount", "sh", "-c", 'for f in etc opt var home; do mount --bind "$1/$f" "/$f" || exit; done; '
              'mount -t tmpfs run /run && shift && exec "$@"', "-")

    def test_a_hook_is_begun(self):
        """The content key and the configuration key are gone from memory by the time that another program gets to run."""
        if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mount namespaces can't be made here")
        for form in ("cipher", "sealed"):
            with self.subTest(form):
                rig.run(["find", self.tmp, "-mindepth", "1", "-delete"], check=0)
                dev = receiver.spare(self, form=form)
                os.makedirs(dev.at("etc/latchkey/userconfig.d"))
                os.makedirs(dev.at("var"))
                os.chmod(self.write("root/etc/latchkey/userconfig.d/10-hook", "#!/bin/sh\nunset LD_PRELOAD\necho \"$*\" >> /opt/called\n"), 0o755)
                dev.settings("units: [app.service]\n")
                key, secret = os.urandom(32), os.urandom(24)
                manifest = b"latchkey-manifest: 1\nfiles:\n  - {path: app, destination: /opt/app, volatile: true, restart: [app.service]}\n"
                content = receiver.archive(receiver.entry(receiver.MANIFEST, manifest), receiver.entry("app", secret))
                dev.upload(dev.seal(content, content_key=key))
                pictures = self.run_with(rig.program("latchkey-userconfig"), "apply", "--tpm", dev.tpm.tcti, within=(*self.ITSELF, dev.root))
                self.assertEqual(dev.get("opt/called"), b"restart app.service\n")
                self.assertIn("spawn", [p.point for p in pictures])
                self.judge(f"apply with a hook ({form})", pictures, {"content key": key, "configuration key": dev.config_key, "content": secret},
                           left=[dev.root])
                dev.tpm.stop()


if __name__ == "__main__":
    rig.unittest.main()
