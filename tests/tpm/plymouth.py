# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Where plymouthd runs and systemd doesn't, PINs and recovery keys are asked for through it; where it doesn't answer, on the
console. plymouthd is a stand-in here, at the real one's abstract socket in a network namespace of the test's own."""
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import rig

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pin  # noqa: E402
from pin import PIN, on_terminal  # noqa: E402

NAME = b"\0/org/freedesktop/plymouthd"
ACK, NAK, NO_ANSWER = b"\x06", b"\x15", b"\x05"


def own_network():
    """Abstract sockets are the network namespace's. Loopback, which is down in a new one, is what software TPMs listen on."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def typed(text):
    return b"\x02" + struct.pack("<I", len(text)) + text.encode()


class Plymouthd:
    """Answers each ping and, one after the other, each question; None: hangs up, Ellipsis: is silent."""

    def __init__(self, test, answers, ping=ACK):
        self.answers, self.ping, self.questions, self.test = list(answers), ping, [], test
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(NAME)
        self.listener.listen()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        test.addCleanup(self.close)

    def close(self):
        if self.over.is_set():
            return
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()

    def serve(self):
        while not self.over.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(ConnectionError):
                self.talk(client)

    def talk(self, client):
        while (kind := client.recv(1)):
            argument = client.recv(1)
            if argument == b"\2":
                length = client.recv(1)[0]
                argument = client.recv(length, socket.MSG_WAITALL)
            if kind == b"P":
                if self.ping is ...:
                    self.over.wait(30)
                    return
                client.sendall(self.ping)
            elif kind == b"*":
                self.questions.append(argument)
                answer = self.answers.pop(0) if self.answers else None
                if answer is None:
                    return
                for part in answer if isinstance(answer, list) else [answer]:
                    client.sendall(part)
                    time.sleep(0.05)


class Asked(pin.Case):
    def test_a_pin(self):
        daemon = Plymouthd(self, [typed("wrong one"), typed(PIN)])
        code, shown = on_terminal(self.argv(), ["never"])
        self.assertEqual(code, 0, shown)
        self.assertEqual(daemon.questions, [b"PIN for volume lktest\0", b"Wrong PIN (the TPM takes 4 more). PIN for volume lktest\0"])
        self.assertNotIn("PIN for volume", shown)
        self.assertNotIn(PIN, shown)

    def test_an_answer_in_pieces_and_with_its_end(self):
        whole = b"\x02" + struct.pack("<I", len(PIN) + 1) + PIN.encode() + b"\0"
        Plymouthd(self, [[whole[:3], whole[3:9], whole[9:]]])
        code, shown = on_terminal(self.argv(), [])
        self.assertEqual(code, 0, shown)

    def test_whoever_doesnt_ask_leaves_it_to_the_console(self):
        cut = typed(PIN)[:-3]
        for name, answers, ping in (("nobody there", [NO_ANSWER], ACK), ("refused", [NAK], ACK), ("it went", [None], ACK),
                                    ("no ping", [], NAK), ("cut short", [[cut, b""]], ACK), ("silent", [], ...),
                                    ("too long", [typed("x" * 513)], ACK), ("endless", [b"\x02" + b"\xff" * 4], ACK)):
            with self.subTest(name):
                daemon = Plymouthd(self, answers, ping)
                code, shown = on_terminal(self.argv(), [PIN])
                self.assertEqual(code, 0, shown)
                self.assertIn("PIN for volume lktest:", shown)
                self.assertEqual(self.tries(), 0)
                daemon.close()

    def test_one_with_a_full_queue(self):
        """It hangs, and connecting to it would wait."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, contextlib.ExitStack() as waiting:
            listener.bind(NAME)
            listener.listen(0)
            for _ in range(8):
                client = waiting.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                with contextlib.suppress(BlockingIOError):
                    client.connect(NAME)
            code, shown = on_terminal(self.argv(), [PIN])
        self.assertEqual(code, 0, shown)
        self.assertIn("PIN for volume lktest:", shown)

    def test_who_isnt_root_is_not_heard(self):
        """Anybody may take the name where plymouthd doesn't run."""
        liar = ("import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.bind(b'\\0/org/freedesktop/plymouthd'); "
                "s.listen(); print('ready', flush=True); c = s.accept()[0]; print(c.recv(9), flush=True)")
        with subprocess.Popen([sys.executable, "-c", liar], stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            code, shown = on_terminal(self.argv(), [PIN])
            self.assertEqual(process.stdout.readline(), b"b''\n")
        self.assertEqual(code, 0, shown)
        self.assertIn("PIN for volume lktest:", shown)


class Recovery(pin.Case):
    """After the latch, and no dry run, which asks nobody: in a /run of its own."""

    def run_with(self, answers):
        self.policy = self.owner.policy(self.disk, volume="    on-failure: prompt\n")
        self.tpm.tool("tpm2_pcrextend", f"7:sha256={'2a' * 32}")
        daemon = Plymouthd(self, answers)
        argv = [a for a in self.argv() if a != "--dry-run"]
        code, shown = on_terminal(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run; exec \"$@\"", "sh", *argv], ["never"])
        latch = self.tpm.tool("tpm2_pcrread", "sha256:15").stdout.decode()
        self.assertNotIn("0x" + "0" * 64, latch)
        self.assertEqual(set(daemon.questions), {b"Recovery key or passphrase for volume lktest\0"})
        self.assertNotIn("Recovery key or passphrase for", shown)
        return code, shown, len(daemon.questions)

    def test_three_wrong_ones(self):
        code, shown, asked = self.run_with([typed("wrong")] * 3)
        self.assertEqual((code, asked), (5, 3), shown)
        self.assertEqual(shown.count("that opens no keyslot"), 3)

    def test_the_right_one(self):
        """What opens its keyslot goes on to be mapped, which a machine without device-mapper can't."""
        self.write("line", "typed by hand")
        rig.run(["cryptsetup", "luksAddKey", "-q", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", "-",
                 self.disk, self.path("line")], stdin=pin.PASSPHRASE, check=0)
        _, shown, asked = self.run_with([typed("typed by hand")])
        self.assertEqual(asked, 1, shown)
        self.assertNotIn("opens no keyslot", shown)


if __name__ == "__main__":
    own_network()
    rig.unittest.main()
