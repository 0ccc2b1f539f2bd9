#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""README.md's commands, run as they are written: at a desk in one folder, and on a device in another, whose TPM is a software TPM
and whose disk is a file. Stand-ins on the PATH add that to the programs' command lines, and nothing else is changed."""
import json
import os
import re
import shutil
import signal
import socket
import time
import unittest

import readme
import rig

DISK = "/dev/disk/by-partlabel/root"


class Readme(rig.TestCase):
    def setUp(self):
        super().setUp()
        for folder in ("desk", "device", "bin"):
            os.mkdir(self.path(folder))
        with open(self.path("device/disk.img"), "wb") as f:
            f.truncate(64 << 20)
        self.tpm = self.swtpm()
        self.stand_in("latchkey", f'exec {rig.program("latchkey")} "$@"')
        # What install and the others would read and write in the machine's /etc and /var is no test's.
        more = f"--tpm {self.tpm.tcti} --device-file {self.path('device.yaml')}"
        self.stand_in("latchkey-provision", f'if [ "$1" = install ]; then set -- "$@" --fapi-dir {self.path("fapi")}; fi\n'
                                            f'exec {rig.program("latchkey-provision")} "$@" {more}')
        # The volume is a file, and nothing is mapped: whether the key opens it is what is asked.
        self.stand_in("cryptsetup", f'[ "$1 $4 $5" = "open {DISK} root" ]\n'
                                    f'exec {shutil.which("cryptsetup")} open --test-passphrase "$2" "$3" {self.path("device/disk.img")}')
        self.stand_in("systemctl", "[ \"$1\" = enable ]; shift\n"
                                   f'for unit in "$@"; do grep -q "^\\[Install\\]" {readme.ROOT}/systemd/$unit; done')
        for name in ("owner-auth", "lockout-auth"):
            self.write(f"device/{name}", f"{name} of the README\n")
        for name, content in (("linux", os.urandom(9000)), ("initrd", os.urandom(5000)), ("cmdline", b"quiet"), ("os-release", b"ID=test\n")):
            self.write(f"desk/{name}", content)
        rig.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Secure Boot", "-keyout", self.path("desk/sb.key"),
                 "-out", self.path("desk/sb.pem")], check=0)
        self.write("desk/app.conf", "of the README\n")

    def stand_in(self, name, text):
        path = self.write(f"bin/{name}", f"#!/bin/sh -e\n{text}\n")
        os.chmod(path, 0o755)

    def bring(self, role, name):
        """From the other machine. What a boot would have left is what the software TPM has."""
        other = self.path("device" if role == "desk" else "desk", name)
        if name == "pcrs.json":
            other = self.write(name, rig.run([self.path("bin/latchkey-provision"), "pcrs", "--json"], check=0).stdout)
        shutil.copy(other, self.path(role))

    def sh(self, block):
        for name in block.has:
            self.bring(block.what, name)
        script = f"set -e\ncd {self.path(block.what)}\n{block.text}"
        env = dict(os.environ, PATH=f"{self.path('bin')}:{os.environ['PATH']}")
        done = rig.run(["sh", "-c", script], env=env)
        self.assertEqual(done.returncode, 0, f"README.md:{block.line}:\n{block.text}\n{done.stdout.decode()}{done.stderr.decode()}")

    def edit(self, block, device=None):
        """As an administrator does it: keys of the block take the place of the file's."""
        path = self.path("desk", block.what)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        top, volumes = block.text.split("volumes:\n")
        for line in top.splitlines():
            key = line.split(":")[0]
            text, n = re.subn(rf"^{key}: .*", line, text, flags=re.M)
            self.assertEqual(n, 1, f"README.md:{block.line}: {key} isn't in what policy init writes")
        text = text[:text.index("\nvolumes:")] + "\nvolumes:\n" + volumes.replace("PARTLABEL=root", device or self.path("device/disk.img"))
        self.write(f"desk/{block.what}", text)

    def test_the_walk(self):
        for block in readme.to_run("desk", "device"):
            if block.kind == "edit":
                self.edit(block)
            else:
                self.sh(block)
        self.assert_what_it_promises()

    def assert_what_it_promises(self):
        """The volume opens by the TPM; image and blob are signed."""
        rig.run([rig.program("latchkey-unseal"), "--policy", self.path("desk/policy.yaml"), "--tpm", self.tpm.tcti, "--dry-run"], check=0)
        rig.run(["sbverify", "--cert", self.path("desk/sb.pem"), self.path("desk/BOOTX64.EFI")], check=0)
        sections = rig.run(["objdump", "-h", self.path("desk/BOOTX64.EFI")], check=0).stdout.decode()
        for name in (".osrel", ".cmdline", ".initrd", ".linux"):
            self.assertIn(f" {name} ", sections)
        rig.run([rig.program("latchkey"), "config", "verify", "--policy-key", self.path("desk/keys/policy-key.pub.pem"),
                 self.path("desk/config.lkb")], check=0)
        self.assertIn("recovery-key", json.loads(self.read("device/record.json"))["volumes"][0])

    def test_the_try_without_a_device(self):
        """In the desk's folder, with nothing on the PATH but the programs, and nothing of the machine's own read or written."""
        start, walk = (b for b in readme.to_run("try") if b.what == "try")
        for block in readme.to_run("desk", "device"):
            if block.what == "device":
                break
            self.edit(block, "PARTLABEL=root") if block.kind == "edit" else self.sh(block)
        os.mkdir(self.path("programs"))
        for name in ("latchkey", "latchkey-provision", "latchkey-unseal"):
            os.symlink(rig.program(name), self.path("programs", name))
        port = rig._free_pair()
        self.try_sh(start, port, f"\necho $! > {self.path('pid')}")
        self.addCleanup(os.kill, int(self.read("pid")), signal.SIGTERM)
        self.assertTrue(self.answers(port + 1), self.read("try.out"))
        self.assertEqual(os.path.getsize(self.path("desk/disk.img")), 64 << 20)
        self.try_sh(walk, port)
        self.assertIn("would open as /dev/mapper/root", self.read("try.out").decode())
        for name in ("device.yaml", "fapi", "record.json"):
            self.assertTrue(os.path.exists(self.path("desk", name)))

    def try_sh(self, block, port, more=""):
        text = block.text.replace("2321", str(port)).replace("2322", str(port + 1)) + more
        env = dict(os.environ, PATH=f"{self.path('programs')}:{os.environ['PATH']}")
        done = rig.run(["sh", "-c", f"exec > {self.path('try.out')} 2>&1\nset -e\ncd {self.path('desk')}\n{text}"], env=env)
        self.assertEqual(done.returncode, 0, f"README.md:{block.line}:\n{self.read('try.out').decode()}")

    @staticmethod
    def answers(control):
        """Whether the TPM's control port answers. Who comes to the other one too early and leaves again may end the TPM."""
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", control), 5) as s:
                    s.sendall(b"\0\0\0\1")
                    if s.recv(64):
                        return True
            except OSError:
                pass
            time.sleep(0.05)
        return False


if __name__ == "__main__":
    unittest.main()
