# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What asks will-it-boot by itself, with a stand-in for the program: it warns, and nothing that it serves fails for that."""
import os
import unittest

import rig

SYSTEMD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd")
ASK = os.path.join(SYSTEMD, "libexec", "will-it-boot")
PLUGIN = os.path.join(SYSTEMD, "kernel", "95-latchkey.install")
DEBIAN = os.path.join(SYSTEMD, "kernel", "zz-latchkey")


class Case(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.write("policy.yaml", "latchkey-policy: 1\n")
        self.answers(0)

    def answers(self, code):
        """The stand-in keeps its arguments."""
        path = self.write("latchkey-provision", f'#!/bin/sh\nprintf "%s\\n" "$@" > {self.path("asked")}\necho "the words of code {code}"\n'
                                                f'echo "and its errors" >&2\nexit {code}\n')
        os.chmod(path, 0o755)

    def run_script(self, script, *argv, **env):
        env = {"PATH": self.tmp + ":/usr/bin:/bin", "LATCHKEY_POLICY": self.path("policy.yaml"), **env}
        done = rig.run([script, *argv], env=env, check=0)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def asked(self):
        """Arguments of the last call; None: there was none."""
        if not os.path.exists(self.path("asked")):
            return None
        asked = self.read("asked").decode().split("\n")[:-1]
        os.unlink(self.path("asked"))
        return asked


class Ask(Case):
    def test_it_warns_and_ends_well(self):
        for code, said in ((0, None), (5, "WARNING: after the next boot"), (16, "isn't known"), (3, "isn't known"), (127, "isn't known")):
            with self.subTest(code=code):
                self.answers(code)
                text = self.run_script(ASK, "--uki", "a file")
                self.assertEqual(self.asked(), ["will-it-boot", "--uki", "a file"])
                if not said:
                    self.assertEqual(text, "")
                    continue
                self.assertIn(said, text)
                self.assertIn(f"the words of code {code}", text)
                self.assertIn("and its errors", text)

    def test_what_is_said_has_no_control_characters(self):
        path = self.write("latchkey-provision", "#!/bin/sh\nprintf 'a\\033[2Jb\\rc\\n\\tdé\\177'\nexit 5\n")
        os.chmod(path, 0o755)
        self.assertIn("    a[2Jbc\n    \tdé\n", self.run_script(ASK, LC_ALL="C"))

    def test_a_notice_stays_as_long_as_there_is_reason(self):
        notice = self.path("notice")
        self.answers(5)
        text = self.run_script(ASK, LATCHKEY_NOTICE=notice)
        self.assertEqual(self.read("notice").decode(), text)
        self.answers(16)
        self.run_script(ASK, LATCHKEY_NOTICE=notice)
        self.assertIn(b"isn't known", self.read("notice"))
        self.answers(0)
        self.run_script(ASK, LATCHKEY_NOTICE=notice)
        self.assertFalse(os.path.exists(notice))

    def test_a_notice_that_cannot_be_written(self):
        self.answers(5)
        self.assertIn("WARNING", self.run_script(ASK, LATCHKEY_NOTICE=self.path("nowhere/notice")))

    def test_where_latchkey_has_no_policy_file_nothing_is_asked(self):
        os.unlink(self.path("policy.yaml"))
        self.assertEqual(self.run_script(ASK), "")
        self.assertIsNone(self.asked())

    def test_without_the_program(self):
        os.unlink(self.path("latchkey-provision"))
        self.assertIn("isn't known", self.run_script(ASK))


class KernelInstall(Case):
    def plugin(self, *argv, layout="uki", ask=ASK):
        return self.run_script(PLUGIN, *argv, LATCHKEY_ASK=ask, KERNEL_INSTALL_LAYOUT=layout, KERNEL_INSTALL_BOOT_ROOT=self.path("esp"),
                               KERNEL_INSTALL_ENTRY_TOKEN="token")

    def test_the_image_that_was_made(self):
        os.makedirs(self.path("esp/EFI/Linux"))
        self.write("esp/EFI/Linux/token-6.1.efi", "x")
        self.answers(5)
        self.assertIn("WARNING", self.plugin("add", "6.1", "/entry", "/boot/vmlinuz"))
        self.assertEqual(self.asked(), ["will-it-boot", "--uki", self.path("esp/EFI/Linux/token-6.1.efi")])
        os.rename(self.path("esp/EFI/Linux/token-6.1.efi"), self.path("esp/EFI/Linux/token-6.1+3.efi"))
        for other in ("6.1+custom", "6.1+3custom"):
            self.write(f"esp/EFI/Linux/token-{other}.efi", "another version")
        self.plugin("add", "6.1", "/entry", "/boot/vmlinuz")
        self.assertEqual(self.asked(), ["will-it-boot", "--uki", self.path("esp/EFI/Linux/token-6.1+3.efi")])

    def test_where_it_is_not_known(self):
        for argv, layout in ((("add", "6.1"), "uki"), (("add", "6.1"), "bls"), (("remove", "6.1"), "uki")):
            with self.subTest(argv=argv, layout=layout):
                self.plugin(*argv, layout=layout)
                self.assertEqual(self.asked(), ["will-it-boot"])

    def test_what_does_not_concern_it(self):
        for argv in ((), ("inspect",), ("add-all",)):
            self.plugin(*argv)
            self.assertIsNone(self.asked())

    def test_an_installation_goes_on(self):
        self.plugin("add", "6.1", ask=self.path("nowhere"))
        self.plugin("add", "6.1", ask="/bin/false")


class Debian(Case):
    def hook(self, ask=ASK, **env):
        return self.run_script(DEBIAN, "6.1.0-1-amd64", "/boot/vmlinuz-6.1.0-1-amd64", LATCHKEY_ASK=ask, LATCHKEY_KERNEL_HOOKS=self.tmp, **env)

    def test_it_asks(self):
        self.answers(16)
        self.assertIn("isn't known", self.hook())
        self.assertEqual(self.asked(), ["will-it-boot"])

    def test_once_is_enough(self):
        self.write("zz-systemd-boot", "")
        self.hook()
        self.assertIsNone(self.asked())

    def test_an_installation_goes_on(self):
        self.hook(ask=self.path("nowhere"))
        self.hook(ask="/bin/false")


if __name__ == "__main__":
    unittest.main()
