# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The dracut module's scripts: which ends of latchkey-unseal let the boot go on, and which policy files get into an image."""
import os
import unittest

import rig

HERE = os.path.dirname(os.path.abspath(__file__))
MODULE = os.path.join(HERE, "..", "..", "dracut", "90latchkey")
POLICY = os.path.join(HERE, "..", "data", "policy")
UNSEAL = rig.program("latchkey-unseal")
# What man pages promise: the latch is closed, or there is no TPM to close it in.
CLOSED = {0, 4, 5, 6, 7, 8, 9, 10, 11, 15}


class Ends(rig.TestCase):
    def setUp(self):
        super().setUp()
        os.symlink(UNSEAL, self.path("latchkey-unseal"))

    def safe(self, how, number, shell="sh", path=None):
        script = f'. {MODULE}/latchkey-lib.sh; latchkey_safe "$1" "$2"'
        done = rig.run([shell, "-c", script, "-", how, str(number)], env={"PATH": f"{path or self.tmp}:/usr/bin:/bin"})
        self.assertEqual(done.stderr, b"")
        return done.returncode == 0

    def test_each_exit_code(self):
        for shell in ("sh", "bash"):
            self.assertEqual({n for n in range(256) if self.safe("exited", n, shell)} if shell == "sh" else
                             {n for n in range(24) if self.safe("exited", n, shell)}, CLOSED)

    def test_whatever_is_no_exit_code_is_not_safe(self):
        for how, number in (("killed", 9), ("killed", "KILL"), ("dumped", "SEGV"), ("killed", 0), ("exited", ""), ("", ""), ("exited", "0 "),
                            ("exited", "-"), ("exited", "closed")):
            with self.subTest(how=how, number=number):
                self.assertFalse(self.safe(how, number))

    def test_without_the_table_no_end_is_safe(self):
        os.mkdir(self.path("none"))
        for text in (None, "#!/bin/sh\nexit 1\n", "#!/bin/sh\necho 'usage'\n", "#!/bin/sh\necho '0 ok - done'\n"):
            with self.subTest(text):
                if text:
                    os.chmod(self.write("none/latchkey-unseal", text), 0o755)
                self.assertFalse(self.safe("exited", 0, path=self.path("none")))


class AfterACrash(rig.TestCase):
    """In a namespace of its own, where a reboot ends PID 1 of that by SIGHUP, and a halt by SIGINT."""

    REBOOTED, HALTED = -1, -2

    def end(self, policy, times=1, script='exec latchkey-unseal --after-crash --policy "$1"'):
        os.makedirs(self.path("bin"), exist_ok=True)
        if not os.path.lexists(self.path("bin/latchkey-unseal")):
            os.symlink(UNSEAL, self.path("bin/latchkey-unseal"))
        os.makedirs(self.path("firmware/efi/efivars"), exist_ok=True)
        ends = []
        for _ in range(times):
            # The variables are files here, which last from boot to boot.
            done = rig.run(["unshare", "--mount", "--pid", "--fork", "sh", "-c",
                            f'mount --bind {self.path("firmware")} /sys/firmware && exec sh -c "$2" sh "$1"', "sh", policy, f"PATH={self.path('bin')}:$PATH; {script}"])
            ends.append(done.returncode)
            self.said = done.stderr.decode()
        return ends

    def policy_file(self, *edits):
        with open(os.path.join(POLICY, "good-policy.yaml"), encoding="utf-8") as f:
            text = f.read()
        for old, new in edits:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return self.write("policy.yaml", text)

    def test_it_reboots_as_often_as_a_refused_boot_does_and_then_halts(self):
        policy = self.policy_file(("on-failure: fail", "on-failure: reboot"))
        self.assertEqual(self.end(policy, 6), [self.REBOOTED] * 5 + [self.HALTED])
        self.assertIn("5 refused boots in a row", self.said)

    def test_it_halts_where_nothing_says_reboot(self):
        for edit in (("on-failure: fail", "on-failure: fail"), ("on-failure: fail", "on-failure: prompt"), ("on-failure: fail", "on-failure: halt")):
            self.assertEqual(self.end(self.policy_file(edit)), [self.HALTED], edit)
        self.assertEqual(self.end(self.path("none")), [self.HALTED])
        self.assertIn("since the policy file can't be read", self.said)
        self.assertEqual(os.listdir(self.path("firmware/efi/efivars")), [])

    def test_the_module_calls_it_and_halts_where_it_can_do_nothing(self):
        """With files in place of the kernel's log and of what switches the machine off."""
        with open(os.path.join(MODULE, "latchkey-lib.sh"), encoding="utf-8") as f:
            text = f.read()
        for node in ("/dev/kmsg", "/proc/sysrq-trigger"):
            self.assertIn(node, text)
            text = text.replace(node, self.path(os.path.basename(node)))
        module = f". {self.write('lib.sh', text.replace('/run/systemd/system', '/none'))}; sleep() {{ exit 7; }}; latchkey_end 'killed 9'"
        policy = self.policy_file(("on-failure: fail", "on-failure: reboot"))
        os.mkdir(self.path("bin"))
        program = self.write("bin/latchkey-unseal", f'#!/bin/sh\nexec {UNSEAL} "$@" --policy {policy}\n')
        os.chmod(program, 0o755)
        self.assertEqual(self.end(policy, script=module), [self.REBOOTED])
        self.assertFalse(os.path.exists(self.path("sysrq-trigger")))
        # A program that crashes once more comes back.
        self.write("bin/latchkey-unseal", "#!/bin/sh\nkill -SEGV $$\n")
        self.assertEqual(self.end(policy, script=module), [7])
        self.assertEqual(self.read("sysrq-trigger"), b"o\n")
        self.assertIn(b"couldn't end this boot either: halting", self.read("kmsg"))


    def test_systemd_never_calls_it_off(self):
        """ExecStopPost has TimeoutStopSec: after 90 seconds in sync() the unit would have failed, and the boot gone on with the latch open."""
        with open(os.path.join(MODULE, "latchkey-unseal.service"), encoding="utf-8") as f:
            unit = f.read().splitlines()
        self.assertIn("ExecStopPost=/lib/latchkey-ended.sh", unit)
        self.assertIn("TimeoutStopSec=infinity", unit)


class OwnInit(rig.TestCase):
    def test_the_page_shows_the_init_that_is_booted(self):
        with open(os.path.join(MODULE, "..", "init.example")) as f:
            lines = f.read().splitlines()
        with open(os.path.join(HERE, "..", "..", "man", "latchkey-initramfs.7")) as f:
            shown = f.read().split(".Bd -literal\n")[1].split(".Ed")[0].replace("\\e", "\\").splitlines()
        self.assertEqual(shown, lines[:1] + lines[3:])


class Configure(rig.TestCase):
    """What the hook does around latchkey-userconfig, with a program in its place that says what it sees, and a root of its own mounts."""

    def configure(self, program, prepare="", lib=lambda text: text, options="ro"):
        with open(os.path.join(MODULE, "latchkey-lib.sh"), encoding="utf-8") as f:
            text = f.read()
        self.assertIn("timeout -k 5 90 latchkey-userconfig", text)
        self.write("lib.sh", lib(text.replace("/dev/kmsg", self.path("kmsg"))))
        os.makedirs(self.path("bin"), exist_ok=True)
        os.makedirs(self.path("root"), exist_ok=True)
        os.chmod(self.write("bin/latchkey-userconfig", f"#!/bin/sh\n{program}\n"), 0o755)
        script = f"""set -e
            mount -t tmpfs root {self.path("root")} && mkdir {self.path("root")}/run && {prepare or ":"}
            mount -o remount,{options} {self.path("root")}
            set +e; . {self.path("lib.sh")}; latchkey_configure {self.path("root")}; echo "went on $?"
            findmnt -n -o OPTIONS {self.path("root")} | cut -d, -f1; ls -A {self.path("root")}; findmnt {self.path("root")}/run || echo unbound"""
        done = rig.run(["unshare", "--mount", "sh", "-c", script], check=0, env={"PATH": f"{self.path('bin')}:/usr/sbin:/usr/bin:/sbin:/bin"})
        said = self.read("kmsg").decode() if os.path.exists(self.path("kmsg")) else ""
        return done.stdout.decode().split("\n"), said

    def test_the_root_is_writable_and_has_early_boots_run_for_that_time_alone(self):
        root = self.path("root")
        shown, said = self.configure(f'echo "$*"; umask; touch {root}/written; [ "$(stat -c %d:%i /run)" = "$(stat -c %d:%i {root}/run)" ] && echo bound')
        self.assertEqual(shown[:8], [f"apply --root {root} --raise-floor", "0022", "bound", "went on 0", "ro", "run", "written", "unbound"])
        self.assertEqual(said, "")
        # One that is writable stays so.
        self.assertIn("rw", self.configure("exit 0", options="rw")[0])

    def test_a_refusal_a_crash_and_a_hang_let_the_boot_go_on(self):
        quick = lambda text: text.replace("timeout -k 5 90", "timeout -k 1 1")
        for program, code in (("exit 5", "5"), ("kill -SEGV $$", "139"), ("exec sleep 60", "124"), ("trap '' TERM; while :; do sleep 60; done", "137")):
            with self.subTest(program):
                shown, said = self.configure(program, lib=quick)
                self.assertEqual(shown[:4], ["went on 0", "ro", "run", "unbound"])
                self.assertIn(f"latchkey-userconfig ended with {code} ", said)
                os.unlink(self.path("kmsg"))

    def test_a_link_in_the_place_of_run_leads_nowhere(self):
        """Nothing is bound over a folder of the initramfs, and nothing volatile lands on a disk."""
        os.mkdir(self.path("victim"))
        root = self.path("root")
        shown, said = self.configure(f"touch {self.path('ran')}", prepare=f"rmdir {root}/run && ln -s {self.path('victim')} {root}/run")
        self.assertFalse(os.path.exists(self.path("ran")))
        self.assertEqual(shown[0], "went on 0")
        self.assertIn("no /run in the new root", said)
        self.assertEqual(os.listdir(self.path("victim")), [])
        self.configure(f"touch {self.path('ran')}", prepare=f"rmdir {root}/run")
        self.assertFalse(os.path.exists(self.path("ran")))


class Image(rig.TestCase):
    """install() of the module, with dracut's functions as stand-ins that say that they were called."""

    kernel_config = "CONFIG_DM_CRYPT=m\nCONFIG_IMA=y\nCONFIG_TCG_CRB=y\n"

    def install(self, policy, program=UNSEAL, more=""):
        config = self.write("config", self.kernel_config) if self.kernel_config else ""
        stand_ins = """
            dfatal() { echo "$*" >&2; }
            dwarn() { echo "warning: $*" >&2; }
            for f in inst_binary inst_simple inst_hook inst_multiple dracut_need_initqueue; do
                eval "$f() { echo $f \\"\\$*\\"; }"
            done
            dracut_module_included() { return 1; }
        """
        script = f'{stand_ins}\n. {MODULE}/module-setup.sh; latchkey_unseal=$1; latchkey_policy=$2; found=$3; kernel=1\n' \
                 f'latchkey_find_kernel_config() {{ [ -n "$found" ] && echo "$found"; }}\n{more}\ninstall'
        os.makedirs(self.path("image/etc/latchkey"), exist_ok=True)
        os.makedirs(self.path("image/etc/udev"), exist_ok=True)
        done = rig.run(["bash", "-c", script, "-", program, policy, config],
                       env={"PATH": "/usr/bin:/bin", "initdir": self.path("image"), "moddir": MODULE})
        self.said = done.stderr.decode()
        return done.returncode, done.stdout.decode()

    def test_a_testing_build_is_told(self):
        """By what its own --version says; a build for devices isn't."""
        policy = os.path.join(POLICY, "good-policy.yaml")
        said = rig.run([UNSEAL, "--version"], check=0).stdout.decode()
        self.install(policy)
        self.assertEqual("(testing build" in said, "is a testing build" in self.said, self.said)
        release = self.write("release", "#!/bin/sh\nexec " + UNSEAL + ' "$@"\n')
        os.chmod(release, 0o755)
        self.assertEqual(self.install(policy, program=release)[0], 0)
        self.assertEqual(self.said, "")

    def test_configuration_in_the_same_boot_is_asked_for_and_static(self):
        policy = os.path.join(POLICY, "good-policy.yaml")
        self.assertNotIn("latchkey-userconfig", self.install(policy)[1])
        static = self.write("static", "a static program")
        os.chmod(static, 0o755)
        code, calls = self.install(policy, more=f"latchkey_userconfig={static}")
        self.assertEqual(code, 0, self.said)
        self.assertIn(f"inst_binary {static} /usr/bin/latchkey-userconfig", calls)
        self.assertRegex(calls, "inst_hook pre-pivot .*/latchkey-userconfig.sh")
        dynamic = self.write("dynamic", "/lib64/ld-linux-x86-64.so.2")
        os.chmod(dynamic, 0o755)
        for wanted, why in ((dynamic, "no static program"), (self.path("none"), "there is no")):
            self.assertEqual(self.install(policy, more=f"latchkey_userconfig={wanted}")[0], 1)
            self.assertIn(why, self.said)

    def test_what_the_kernel_lacks(self):
        """Refused with what is lacking; a warning where it isn't known, or where that was asked for."""
        policy = os.path.join(POLICY, "good-policy.yaml")
        whole = "CONFIG_DM_CRYPT=m\nCONFIG_IMA=y\nCONFIG_TCG_TIS=m\nCONFIG_TCG_CRB=y\n"
        with open(policy) as f:
            text = f.read()
        without_10 = self.write("without-10.yaml", text.replace("pcrs: [0, 7, 10]", "pcrs: [0, 7]  # not 10"))
        integrity = self.write("integrity.yaml", text.replace("    options:", "    integrity: hmac-sha256\n    options:"))
        for lacks, used, refused in (("", policy, ""), ("CONFIG_DM_CRYPT=m", policy, "CONFIG_DM_CRYPT"), ("CONFIG_IMA=y", policy, "CONFIG_IMA=y"),
                                     ("CONFIG_TCG_CRB=y", policy, "a driver that is a module"), ("CONFIG_IMA=y", without_10, ""),
                                     ("CONFIG_TCG_CRB=y", without_10, ""), ("", integrity, "CONFIG_DM_INTEGRITY")):
            with self.subTest(lacks=lacks, used=used):
                self.kernel_config = whole.replace(lacks + "\n", f"# {lacks} is not set\n") if lacks else whole
                code, calls = self.install(used)
                self.assertEqual(code, 1 if refused else 0, self.said)
                self.assertIn(refused, self.said)
                self.assertEqual("inst_binary" in calls, not refused)
        self.kernel_config = whole.replace("CONFIG_IMA=y\n", "")
        self.assertEqual(self.install(policy, more="latchkey_kernel_config=ignore")[0], 0)
        self.assertIn("warning: latchkey: ", self.said)
        self.kernel_config = None
        self.assertEqual(self.install(policy)[0], 0)
        self.assertIn("isn't found", self.said)

    def needs(self, text):
        said = rig.run([UNSEAL, "--check-policy", self.write("needs.yaml", text)], check=0)
        return said.stdout.decode().split()

    def test_what_a_policy_file_wants_of_the_image(self):
        """However it is written: the same words for the same meaning."""
        with open(os.path.join(POLICY, "good-policy.yaml")) as f:
            good = f.read()
        head, volume = good.split("volumes:")
        bare = "\n".join(line for line in head.splitlines() if not line.startswith(("pcrs:", "on-failure:", "signed-from:"))) + "\n"
        one = 'volumes: [{name: root, device: /dev/sda2, handle: 0x8100a001%s}]\n'
        for pcrs, more, words in (("[0, 7]", "", []), ("[0, 7, 10]", "", ["ima"]), ("\n  - 0\n  - 10 # IMA's", "", ["ima"]),
                                  ("[0, 7]", ", \"on-failure\": 'reboot'", ["reboot"]), ("[0, 7]", ", on-failure: prompt", ["prompt"]),
                                  ("[0, 7]", ", integrity: \"hmac-sha256\"", ["integrity"])):
            with self.subTest(pcrs=pcrs, more=more):
                self.assertEqual(self.needs(f"{bare}pcrs: {pcrs}\non-failure: fail\n{one % more}"), words)
        self.assertEqual(self.needs(f"{bare}pcrs: [0, 7]\non-failure: prompt\nafter-prompt: reboot\nsigned-from: [PARTLABEL=p]\n{one % ''}"),
                         ["prompt", "reboot", "signed-from"])

    def test_the_kernel_is_checked_however_the_policy_is_written(self):
        with open(os.path.join(POLICY, "good-policy.yaml")) as f:
            text = f.read()
        self.kernel_config = "CONFIG_DM_CRYPT=m\nCONFIG_TCG_CRB=y\n"
        listed = self.write("listed.yaml", text.replace("pcrs: [0, 7, 10]", "pcrs:\n- 0\n- 7\n- 10"))
        self.assertEqual(self.install(listed)[0], 1)
        self.assertIn("CONFIG_IMA=y", self.said)

    def test_a_good_policy_file_is_put_in(self):
        code, calls = self.install(os.path.join(POLICY, "good-policy.yaml"))
        self.assertEqual(code, 0, self.said)
        self.assertIn("/etc/latchkey/policy.yaml", calls)

    def test_format_1_still_opens_and_is_put_in(self):
        self.assertEqual(self.install(os.path.join(POLICY, "format-1-policy.yaml"))[0], 0, self.said)

    def test_one_that_the_program_refuses_makes_no_image(self):
        names = [n for n in sorted(os.listdir(POLICY)) if n.startswith("bad-") and not n.startswith("bad-signed-")]
        names.remove("bad-empty.yaml")  # as if there were none
        self.assertGreater(len(names), 30)
        for name in names:
            with self.subTest(name):
                path = os.path.join(POLICY, name)
                code, calls = self.install(path)
                self.assertEqual((code, calls), (1, ""))
                self.assertIn("wouldn't open a volume", self.said)
                self.assertRegex(self.said, rf"{name}: \d+:\d+: ")

    def test_one_without_volumes_makes_no_image(self):
        with open(os.path.join(POLICY, "good-policy.yaml"), encoding="utf-8") as f:
            path = self.write("policy.yaml", f.read().split("volumes:")[0] + "volumes: []\n")
        self.assertEqual(self.install(path), (1, ""))
        self.assertIn("the list is empty", self.said)

    def test_a_program_that_cannot_be_run_makes_no_image(self):
        program = self.write("foreign", b"\x7fELF nothing that runs here")
        os.chmod(program, 0o755)
        self.assertEqual(self.install(os.path.join(POLICY, "good-policy.yaml"), program), (1, ""))
        self.assertIn("wouldn't open a volume", self.said)


if __name__ == "__main__":
    unittest.main()
