#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What kind of files the static programs are: their size, how they are hardened, what they don't contain."""
import os
import re
import subprocess

import rig

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
RELEASE = os.path.join(rig.BUILD, "release")
SIZE = 2 << 20
PACKED = 8 * (1 << 20) // 10
# connect is there for plymouthd's socket: that an unlock which asks nobody opens none is seen in unlock.py.
# fork is there for who reads a stick (sys/os/medium.c): a device that hangs must not keep the latch open.
# Loading code, the network and its names, users, time zones' files, character sets, the system's log, other programs.
ABSENT = re.compile(r"^(dl(open|sym)|listen|accept\w*|getaddrinfo|gethostby\w+|res_\w+|getpw\w+|getgr\w+|"
                    r"setlocale|iconv_open|syslog|openlog|vfork|execv\w*|posix_spawn\w*|system|popen|"
                    r"CONF_modules_load\w*|NCONF_load\w*|OSSL_STORE_\w+|PEM_read\w*|X509_(STORE|CRL|LOOKUP|verify)\w*|Tss2_TctiLdr_\w+|Tss2_Tcti_Swtpm_\w+)$")


def out(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout


class Program:
    """Of either program."""

    name = folder = None

    def setUp(self):
        super().setUp()
        self.program = os.path.join(RELEASE, self.name)

    def test_it_is_small(self):
        self.assertLessEqual(os.path.getsize(self.program), SIZE)
        self.assertLessEqual(len(out("zstd", "-19", "-q", "-c", self.program)), PACKED)

    def test_it_needs_no_other_file_and_may_lie_anywhere(self):
        header = out("readelf", "-hldW", self.program).decode()
        self.assertRegex(header, r"Type: +DYN")
        self.assertIn("PIE", header)
        for word in ("INTERP", "NEEDED", "RPATH", "RUNPATH", "TEXTREL"):
            self.assertNotIn(word, header)

    def test_nothing_is_both_writable_and_executable(self):
        header = out("readelf", "-lW", self.program).decode()
        self.assertNotIn("RWE", header)
        self.assertRegex(header, r"GNU_STACK .* RW ")
        self.assertIn("GNU_RELRO", header)
        self.assertRegex(out("readelf", "-dW", self.program).decode(), r"BIND_NOW|FLAGS.*NOW")

    def test_the_stack_is_guarded(self):
        self.assertIn("__stack_chk_fail", self.symbols())

    def symbols(self):
        lines = out("nm", "--defined-only", os.path.join(RELEASE, "src", self.folder, self.name)).decode().splitlines()
        return {line.split()[-1] for line in lines}

    def test_no_path_of_the_machine_that_built_it(self):
        data = self.read_program()
        for path in (os.path.expanduser("~/.cache"), "/var/tmp", "latchkey-sysroot", rig.BUILD, os.getcwd()):
            if len(path) > 4:
                self.assertNotIn(path.encode(), data)

    def read_program(self):
        with open(self.program, "rb") as f:
            return f.read()

    def test_it_loads_no_code_and_starts_no_program(self):
        self.assertEqual(sorted(s for s in self.symbols() if ABSENT.match(s)), [])


class Unseal(Program, rig.TestCase):
    name, folder = "latchkey-unseal", "unseal"

    def test_it_contains_nothing_that_early_boot_has_no_use_for(self):
        here = self.symbols()
        self.assertIn("lk_unseal_run", here)
        self.assertIn("Esys_Unseal", here)
        self.assertEqual(sorted(s for s in here if re.match(r"newlocale|archive_|inflate|ZSTD_", s)), [])

    def test_of_sockets_only_that_of_password_agents(self):
        """A PIN comes through a Unix socket of systemd's agents; no library asks for sockets."""
        with open(os.path.join(RELEASE, "latchkey-unseal.map")) as f:
            included = f.read().split("Discarded input sections")[0]
        for name in ("socket", "bind"):
            self.assertRegex(included, rf"libc\.a\({name}\.lo\)\n +\S*liblk_sys\.a\(ask\.c\.o\)")
        with open(os.path.join(TOP, "src/sys/ask/ask.c")) as f:
            self.assertEqual(set(re.findall(r"\b[AP]F_\w+", f.read())), {"AF_UNIX"})

    def test_it_knows_few_files_by_name(self):
        """No locale, no configuration, no name service. What is named and never looked at (unlock.py looks): the time zones of
        musl's strftime, and where OpenSSL says that modules would be."""
        named = set(re.findall(rb"(?<![\w.-])/(?:etc|usr|lib|lib64|var|home|opt|share)/[\w./%-]+", self.read_program()))
        unread = {b"/etc/localtime", b"/etc/zoneinfo/", b"/share/zoneinfo/", b"/usr/share/zoneinfo/", b"/lib64/engines-3", b"/lib64/ossl-modules"}
        asked = {b"/usr/bin/systemd-tty-ask-password-agent"}  # whether there is one, where a PIN is asked for
        self.assertEqual(named - unread - asked, {b"/etc/latchkey/policy.yaml"})

    def test_it_takes_no_software_tpm(self):
        env = dict(os.environ, TSS2_TCTI="swtpm:port=1", TCTI="swtpm:port=1")
        with open(self.path("empty"), "w"):
            pass
        done = rig.run([self.program, "--tpm", "swtpm:host=127.0.0.1,port=1", "--policy", self.path("empty")], env=env)
        self.assertIn(done.returncode, (2, 3))
        self.assertIn("device:PATH", rig.run([self.program, "--help"]).stdout.decode())


class Userconfig(Program, rig.TestCase):
    """What unpacks, in early boot; what seals, signs, packs or restarts isn't there."""

    name, folder = "latchkey-userconfig", "userconfig"

    def test_it_unpacks_and_does_nothing_else_beside(self):
        here = self.symbols()
        self.assertLessEqual({"lk_uc_apply", "archive_read_next_header", "ZSTD_decompressStream", "inflate"}, here)
        wrong = re.compile(r"(archive_write|lk_archive_pack|deflate|ZSTD_compress|lk_blob_seal|lk_sign|lk_tpm_(seal|persist|evict)|crypt_|sd_|fork$|socket$|"
                           r"archive_read_support_(filter_(?!gzip|zstd)|format_(?!raw|tar)))")
        self.assertEqual(sorted(s for s in here if wrong.match(s)), [])

    def test_it_takes_no_software_tpm(self):
        done = rig.run([self.program, "apply", "--root", self.tmp, "--tpm", "swtpm:host=127.0.0.1,port=1", "--blob", "/dev/null"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("device:PATH", rig.run([self.program, "status", "--root", self.tmp, "--tpm", "swtpm:port=1"]).stderr.decode())


class Allocator(rig.TestCase):
    def test_freed_memory_is_wiped(self):
        rig.run([os.path.join(rig.BUILD, "wiped")], check=0)
        rig.run([os.path.join(rig.BUILD, "wiped"), "unless it isn't freed"], check=0)


if __name__ == "__main__":
    rig.unittest.main()
