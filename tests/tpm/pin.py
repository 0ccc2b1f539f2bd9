# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Volumes with a PIN: what stock tools sealed opens with it, wrong ones are counted by the TPM, and it is
asked for on a terminal or through systemd's agents."""
import hashlib
import os
import pty
import re
import select
import subprocess
import time

import luks2
import proxy
import rig
import volume

PASSPHRASE = bytes(range(1, 33))
PIN = "correct horse"


def auth(pin):
    return hashlib.sha256(pin.encode()).digest().rstrip(b"\0")


class Owner(volume.Owner):
    """Seals with a PIN, by tpm2-tools alone."""

    def seal(self, tpm, data, handle=volume.SEALED, pin=PIN):
        t = self.test
        self.key_name(tpm)
        t.write("ref", self.ref)
        tpm.tool("tpm2_startauthsession", "-S", t.path("s.ctx"), "-g", self.hash)
        tpm.tool("tpm2_policyauthorize", "-S", t.path("s.ctx"), "-n", t.path("key.name"), "-q", t.path("ref"))
        tpm.tool("tpm2_policyauthvalue", "-S", t.path("s.ctx"), "-L", t.path("authorize"))
        tpm.tool("tpm2_flushcontext", t.path("s.ctx"))
        tpm.tool("tpm2_create", "-C", volume.ROOT, "-g", self.hash, "-L", t.path("authorize"), "-i", "-",
                 "-p", "hex:" + auth(pin).hex(), "-a", "fixedtpm|fixedparent|adminwithpolicy", "-u", t.path("o.pub"),
                 "-r", t.path("o.priv"), stdin=data)
        tpm.tool("tpm2_load", "-C", volume.ROOT, "-u", t.path("o.pub"), "-r", t.path("o.priv"), "-c", t.path("o.ctx"))
        tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", t.path("o.ctx"), handle)
        tpm.tool("tpm2_flushcontext", "-t")


def on_terminal(argv, answers, seconds=60, pause=0):
    """Runs it on a terminal of its own; types an answer at each colon that it stops at.
    Returns exit code and all that was shown."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    shown, left, until = b"", list(answers), time.monotonic() + seconds
    asked = 0
    while time.monotonic() < until:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                part = os.read(fd, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        if left and shown.count(b"PIN for") + shown.count(b"same again") + shown.count(b"New PIN") > asked and shown.endswith(b": "):
            asked = shown.count(b"PIN for") + shown.count(b"same again") + shown.count(b"New PIN")
            time.sleep(pause)
            os.write(fd, left.pop(0).encode() + b"\n")
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


class Case(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm)
        self.tpm.tool("tpm2_dictionarylockout", "-s", "-n", "5", "-t", "1000", "-l", "1000")
        self.disk, self.key = volume.luks_file(self, PASSPHRASE)
        self.owner = Owner(self)
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(self.key))
        self.tpm.tool("tpm2_readpublic", "-c", volume.ROOT, "-n", self.path("root.name"))
        # A PIN is asked for where it is known whose TPM takes it.
        self.root_key = f"root-key:\n  name: \"{self.read('root.name').hex()}\"\n"
        self.policy = self.owner.policy(self.disk, volume="    pin: true\n", top=self.root_key)
        self.signed = self.owner.sign(self.tpm)

    def argv(self, tcti=None):
        return [rig.program("latchkey-unseal"), "--policy", self.policy, "--signed", self.signed,
                "--tpm", tcti or self.tpm.tcti, "--dry-run"]

    def tries(self):
        text = self.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        return int(re.search(r"LOCKOUT_COUNTER: *0x(\w+)", text)[1], 16)


class Terminal(Case):
    def test_the_right_pin_opens(self):
        bus = proxy.Proxy(self, self.tpm)
        code, shown = on_terminal(self.argv(bus.tcti), [PIN])
        self.assertEqual(code, 0, shown)
        self.assertIn("PIN for volume lktest:", shown)
        self.assertNotIn(PIN, shown)
        # What may be refused for another reason than the PIN comes before it.
        self.assertEqual(bus.names, ["PCR_Read", "GetCapability", "ReadPublic", "ReadPublic", "ReadPublic", "StartAuthSession", "PolicyPCR", "PolicyNV",
                                     "LoadExternal", "VerifySignature", "FlushContext", "PolicyAuthorize", "PolicyAuthValue",
                                     "Unseal"])

    def test_a_dry_run_takes_it_from_a_file(self):
        for data in (PIN, PIN + "\n", PIN + "\r\n", "\ufeff" + PIN + "\n"):
            with self.subTest(data):
                path = self.write("pin", data.encode())
                self.assertEqual(rig.run([*self.argv(), "--pin-file", path]).returncode, 0)
        self.assertEqual(self.tries(), 0)
        done = rig.run([*self.argv(), "--pin-file", self.write("pin", "another\n")], check=15)
        self.assertIn(b"wrong PIN", done.stderr)
        # Once, and no more: each counts.
        self.assertEqual(self.tries(), 1)
        self.assertEqual(rig.run([*self.argv(), "--pin-file", self.write("pin", "")]).returncode, 3)

    def test_a_boot_takes_it_from_no_file(self):
        argv = [a for a in self.argv() if a != "--dry-run"]
        done = rig.run([*argv, "--pin-file", self.write("pin", PIN)], check=2)
        self.assertIn(b"for --dry-run alone", done.stderr)

    def test_typing_is_no_part_of_the_time_that_is_told(self):
        code, shown = on_terminal([*self.argv(), "--timing"], [PIN], pause=1.5)
        self.assertEqual(code, 0, shown)
        steps = {step.strip(): float(ms) for ms, step in re.findall(r"timing: +([\d.]+) ms  (?!- )(.*)", shown)}
        self.assertGreaterEqual(steps["lktest: PIN typed"], 1500)
        whole = steps.pop("in all, from main() and without the typing")
        self.assertAlmostEqual(sum(steps.values()) - steps["lktest: PIN typed"], whole, delta=50)

    def test_a_wrong_one_says_how_many_the_tpm_still_takes(self):
        code, shown = on_terminal(self.argv(), ["wrong one", "wrong two", PIN])
        self.assertEqual(code, 0, shown)
        self.assertIn("wrong PIN; the TPM takes 4 more", shown)
        self.assertIn("Wrong PIN (the TPM takes 4 more). PIN for volume lktest:", shown)
        self.assertIn("wrong PIN; the TPM takes 3 more", shown)
        self.assertEqual(self.tries(), 2)

    def test_three_wrong_ones_end_it(self):
        code, shown = on_terminal(self.argv(), ["wrong one", "wrong two", "wrong three", PIN])
        self.assertEqual(code, 15, shown)
        self.assertIn("no right PIN in 3 tries", shown)
        self.assertEqual(self.tries(), 3)

    def test_what_cant_be_a_pin_costs_no_try(self):
        code, shown = on_terminal(self.argv(), ["", "abc", PIN])
        self.assertEqual(code, 0, shown)
        self.assertIn("A PIN has 4 to 128 characters. PIN for volume lktest:", shown)
        self.assertEqual(self.tries(), 0)

    def test_lockout_is_told_as_such(self):
        self.tpm.tool("tpm2_dictionarylockout", "-s", "-n", "2", "-t", "1000", "-l", "1000")
        code, shown = on_terminal(self.argv(), ["wrong one", "wrong two", PIN])
        self.assertEqual(code, 6, shown)
        self.assertIn("in dictionary-attack lockout", shown)
        # Nobody is asked in vain.
        code, shown = on_terminal(self.argv(), [PIN])
        self.assertEqual(code, 6, shown)
        self.assertNotIn("PIN for", shown)

    def test_nobody_is_asked_where_the_boot_is_another(self):
        self.tpm.tool("tpm2_pcrextend", f"7:sha256={'2a' * 32}")
        code, shown = on_terminal(self.argv(), [])
        self.assertEqual(code, 5, shown)
        self.assertNotIn("PIN for", shown)
        self.assertIn("PCR 7", shown)

    def test_false_handles_in_the_token_cost_no_try(self):
        """They would make the right PIN look wrong."""
        token = {"type": "latchkey", "keyslots": ["0"], "version": 1, "handle": volume.SEALED, "root-key": "00" * 64,
                 "sealed": "11" * 64, "policies": []}
        luks2.change(self.disk, lambda d: d.update(tokens={"0": token}))
        code, shown = on_terminal(self.argv(), [PIN])
        self.assertEqual((code, self.tries()), (0, 0), shown)

    def test_without_a_terminal_there_is_nobody_to_ask(self):
        done = subprocess.run(["setsid", "unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run; mount --bind /dev/null /dev/console; exec \"$@\"",
                               "sh", *self.argv()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(done.returncode, 15, done.stdout)
        self.assertIn(b"no terminal to ask on", done.stdout)

    def test_a_question_has_the_time_limit_of_the_policy_file(self):
        """In a boot. Nobody answers: the volume stays closed, and the latch closes."""
        self.policy = self.owner.policy(self.disk, volume="    pin: true\n", top=self.root_key + "timeout-prompt: 2\n")
        began = time.monotonic()
        code, shown = on_terminal(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run; exec "$@"', "sh", *self.argv()[:-1]], [])
        self.assertEqual(code, 15, shown)
        self.assertEqual(shown.count("PIN for volume"), 1, shown)
        self.assertGreaterEqual(time.monotonic() - began, 2)
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(self.tries(), 0)
        self.assertRegex(self.tpm.tool("tpm2_pcrread", "sha256:15").stdout.decode(), r"15: 0x(?!0{64})")

    def test_the_pin_never_crosses_the_bus(self):
        self.tpm.restart()
        on_terminal(self.argv(), [PIN])
        traffic = self.tpm.traffic()
        self.assertGreater(len(traffic), 500)
        for secret in (PIN.encode(), auth(PIN)[:16], PASSPHRASE[:16]):
            self.assertNotIn(secret, traffic)

    def test_a_pin_whose_hash_ends_in_zeros(self):
        pin = next(p for p in (f"pin {n}" for n in range(100000)) if len(auth(p)) < 32)
        self.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", volume.SEALED)
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(self.key), pin=pin)
        code, shown = on_terminal(self.argv(), [pin])
        self.assertEqual(code, 0, shown)

    def test_a_volume_without_one_under_a_policy_file_that_says_pin(self):
        self.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", volume.SEALED)
        volume.Owner.seal(self.owner, self.tpm, PASSPHRASE + volume.identity(self.key))
        code, shown = on_terminal(self.argv(), [PIN])
        self.assertEqual(code, 7, shown)
        self.assertIn("has another policy", shown)


class Two(Case):
    def test_two_volumes(self):
        """The second may have the same one, which isn't tried unasked."""
        other, key = volume.luks_file(self, PASSPHRASE, "other.img")
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(key), handle="0x8100a002", pin="another one")
        text = self.read("policy.yaml").decode()
        first = text[text.index("  - name"):]
        self.write("policy.yaml", text + first.replace("lktest", "other").replace("disk.img", "other.img")
                   .replace(volume.SEALED, "0x8100a002"))
        code, shown = on_terminal(self.argv(), [PIN, "another one"])
        self.assertEqual((code, self.tries()), (0, 0), shown)
        self.assertIn("PIN for volume other (empty: the same as before):", shown)
        code, shown = on_terminal(self.argv(), [PIN, "", "another one"])
        self.assertEqual((code, self.tries()), (0, 1), shown)


class Agents(Case):
    """systemd's protocol, answered by systemd's own programs; in a /run of its own."""

    def run_with(self, answering):
        script = ("mount -t tmpfs none /run; mkdir -p /run/systemd/system /run/systemd/ask-password; "
                  f"({answering}) & \"$@\" < /dev/null; code=$?; wait; ls /run/systemd/ask-password; exit $code")
        return subprocess.run(["setsid", "unshare", "--mount", "sh", "-c", script, "sh", *self.argv()], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90)

    WAIT = "while ! ls /run/systemd/ask-password/ask.* > /dev/null 2>&1; do sleep 0.1; done; cat /run/systemd/ask-password/ask.*; "
    REPLY = "/lib/systemd/systemd-reply-password {} $(sed -n s/^Socket=//p /run/systemd/ask-password/ask.*)"

    def test_systemd_answers(self):
        done = self.run_with(self.WAIT + f"printf '%s' '{PIN}' | " + self.REPLY.format(1))
        self.assertEqual(done.returncode, 0, done.stdout)
        said = done.stdout.decode()
        self.assertIn("Message=PIN for volume lktest:\n", said)
        self.assertIn("Id=latchkey:lktest\n", said)
        self.assertRegex(said, r"\nPID=\d+\nSocket=/run/systemd/ask-password/sck\.\w+\n")
        self.assertNotIn(PIN, said)
        # Nothing is left there.
        self.assertFalse(said.rstrip().endswith("ask"), said)
        self.assertNotRegex(said.splitlines()[-1], "^(ask|sck)")

    def test_a_question_that_is_taken_back(self):
        done = self.run_with(self.WAIT + self.REPLY.format(0))
        self.assertEqual(done.returncode, 15, done.stdout)
        self.assertIn(b"nobody typed it", done.stdout)
        self.assertEqual(self.tries(), 0)

    def test_who_isnt_root_is_not_heard(self):
        """The socket is root's alone, and what comes by it must be root's too."""
        liar = ("python3 -c \"import glob,socket,os,sys; p=glob.glob('/run/systemd/ask-password/sck.*')[0]; os.chmod(p, 0o666); os.setuid(65534); "
                "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'+wrong pin', p)\"; ")
        done = self.run_with(self.WAIT + liar + f"printf '%s' '{PIN}' | " + self.REPLY.format(1))
        self.assertEqual((done.returncode, self.tries()), (0, 0), done.stdout)


if __name__ == "__main__":
    rig.unittest.main()
