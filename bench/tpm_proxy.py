#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a proxy between any program and swtpm: it counts commands and bytes, and answers no sooner than a named chip would.

As a command: bench/tpm_proxy.py --tpm PORT [--listen PORT] [--profile NAME] [--resource-manager]
Prints its port, then one line of JSON for each program when the next one comes, or at ^C: commands by name, bytes both ways, the chip's time.
"""

import argparse
import collections
import json
import socket
import struct
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

import tpm_spaces  # noqa: E402
import tpm_wire as wire  # noqa: E402

RH_NULL = 0x40000007
SET_LOCALITY = bytes([0, 0, 0, 5])  # of swtpm's control channel
ALGORITHMS = {0x0001: "rsa", 0x0008: "sealed", 0x0023: "ecc", 0x0025: "sym"}
SIGNATURES = {0x0014: "rsa", 0x0016: "rsa", 0x0018: "ecc"}


def variant(command):
    """What a command's time depends on beside its code: the kind of key. Empty where it doesn't."""
    kind = VARIANTS.get(wire.name(command))
    return kind(command) if kind else ""


def _salt(command):
    if struct.unpack(">I", command[10:14])[0] == RH_NULL:
        return ""
    nonce = struct.unpack(">H", command[18:20])[0]
    return "rsa" if struct.unpack(">H", command[20 + nonce:22 + nonce])[0] >= 256 else "ecc"


def _signature(command):
    at = 16 + struct.unpack(">H", command[14:16])[0]
    algorithm, _, size = struct.unpack(">HHH", command[at:at + 6])
    kind = SIGNATURES.get(algorithm, "")
    return ("p384" if size > 32 else "p256") if kind == "ecc" else kind


def _primary(command):
    at = 14 + 4 + struct.unpack(">I", command[14:18])[0]
    at += 2 + struct.unpack(">H", command[at:at + 2])[0]
    return ALGORITHMS.get(struct.unpack(">H", command[at + 2:at + 4])[0], "")


VARIANTS = {"StartAuthSession": _salt, "VerifySignature": _signature, "CreatePrimary": _primary}


class Profile:
    """Times of one chip, from a file in bench/profiles."""

    def __init__(self, name):
        self.file = HERE / "profiles" / f"{name}.json"
        data = json.loads(self.file.read_text())
        self.name, self.title = name, data["title"]
        self.us_per_byte = data["us-per-byte"]["us"]
        self.commands = {key: entry["ms"] for key, entry in data["commands"].items()}

    def ms(self, command, answer_size):
        """What the chip takes for it, the bus included."""
        name, kind = wire.name(command), variant(command)
        chip = self.commands.get(f"{name}/{kind}", self.commands.get(name, self.commands["default"]))
        return chip + (len(command) + answer_size) * self.us_per_byte / 1000


def profiles():
    return sorted(path.stem for path in (HERE / "profiles").glob("*.json"))


class Counts:
    """What crossed the bus to the chip since the last reset()."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        with self.lock:
            self.names, self.manager = [], []  # in order; what the resource manager sent is in the second
            self.sent = self.received = self.manager_bytes = 0
            self.ms = self.manager_ms = 0.0
            self.when = {}  # name: when its last answer went out
            self.began = None

    def add(self, command, answer, ms, managed):
        with self.lock:
            if managed:
                self.manager.append(wire.name(command))
                self.manager_bytes += len(command) + len(answer)
                self.manager_ms += ms
                return
            self.names.append(wire.name(command))
            self.sent += len(command)
            self.received += len(answer)
            self.ms += ms

    def answered(self, command):
        self.when[wire.name(command)] = time.monotonic()

    @property
    def bytes(self):
        return self.sent + self.received

    def summary(self):
        with self.lock:
            by_name = collections.Counter(self.names)
            return {"commands": len(self.names), "by-name": dict(by_name), "bytes-sent": self.sent, "bytes-received": self.received,
                    "chip-ms": round(self.ms, 3), "resource-manager": dict(collections.Counter(self.manager)),
                    "resource-manager-bytes": self.manager_bytes, "resource-manager-ms": round(self.manager_ms, 3)}


class Chip:
    """swtpm's data connection, as slow as the profile says."""

    def __init__(self, sock, counts, profile):
        self.sock, self.counts, self.profile = sock, counts, profile

    def transact(self, command, managed=False):
        """One command and its answer, or None when swtpm has gone. Answers when the chip would: swtpm's own time is part of it."""
        began = time.monotonic()
        self.sock.sendall(command)
        answer = wire.receive_tpm(self.sock)
        if answer is None:
            return None
        ms = self.profile.ms(command, len(answer)) if self.profile else 0.0
        left = began + ms / 1000 - time.monotonic()
        while left > 0:
            time.sleep(left)
            left = began + ms / 1000 - time.monotonic()
        self.counts.add(command, answer, ms, managed)
        return answer


class TpmProxy:
    """Listens on a pair of ports as swtpm does; one program at a time, as a TPM has."""

    def __init__(self, tpm_port, profile=None, resource_manager=False, listen=None, on_end=None):
        self.tpm_port, self.on_end = tpm_port, on_end
        self.profile = Profile(profile) if isinstance(profile, str) else profile
        self.attributes = self._ask_attributes() if resource_manager else None
        self.counts = Counts()
        self.listeners = self._listen(listen)
        self.port = self.listeners[0].getsockname()[1]
        self.tcti = f"swtpm:host=127.0.0.1,port={self.port}"
        self.running, self.space = True, None
        self.idle = threading.Event()
        self.idle.set()
        self.threads = [threading.Thread(target=self._serve, args=(which,), daemon=True) for which in (0, 1)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wait(self):
        """Until the program that was connected has gone, and all of it is counted."""
        if not self.idle.wait(10):
            raise TimeoutError("a program is still connected to the TPM")

    def close(self):
        self.running = False
        for thread in self.threads:
            thread.join(5)
        for listener in self.listeners:
            listener.close()

    @staticmethod
    def _listen(port):
        for _ in range(200):
            first = socket.create_server(("127.0.0.1", port or 0))
            try:
                return [first, socket.create_server(("127.0.0.1", first.getsockname()[1] + 1))]
            except (OSError, OverflowError):
                first.close()
                if port:
                    raise
        raise RuntimeError("no two neighbouring free ports")

    def _connect(self, which):
        sock = socket.create_connection(("127.0.0.1", self.tpm_port + which))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _ask_attributes(self):
        """Attributes of each command, which the kernel too asks for once."""
        with self._connect(0) as sock:
            return tpm_spaces.command_attributes(Chip(sock, Counts(), None).transact)

    def end_program(self):
        """The program that was connected has gone: what it left in the resource manager goes too."""
        self.wait()
        if self.space:
            with self._connect(0) as up:
                self.space.chip = Chip(up, self.counts, self.profile).transact
                self.space.close()
            self.space = None
        if self.on_end and self.counts.names:
            self.on_end(self.counts)

    def _serve(self, which):
        self.listeners[which].settimeout(0.1)
        while self.running:
            try:
                client, _ = self.listeners[which].accept()
            except TimeoutError:
                continue
            client.settimeout(None)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client, self._connect(which) as up:
                try:
                    self._commands(client, up) if which == 0 else self._control(client, up)
                except OSError:
                    pass

    def _commands(self, client, up):
        """tpm2-tss connects anew for each command."""
        self.idle.clear()
        try:
            chip = Chip(up, self.counts, self.profile)
            if self.attributes and not self.space:
                self.space = tpm_spaces.Space(None, self.attributes)
            if self.space:
                self.space.chip = chip.transact
            transact = self.space.transact if self.space else chip.transact
            while (command := wire.receive_tpm(client)) is not None:
                self.counts.began = self.counts.began or time.monotonic()
                answer = transact(command)
                if answer is None:
                    return
                client.sendall(answer)
                self.counts.answered(command)
        finally:
            self.idle.set()

    def _control(self, client, up):
        """Small requests with small answers, one after the other. Each program begins by setting the locality."""
        while request := client.recv(4096):
            if request[:4] == SET_LOCALITY:
                self.end_program()
            up.sendall(request)
            client.sendall(up.recv(4096))


def main():
    parser = argparse.ArgumentParser(description="A proxy before swtpm that counts, and is as slow as a chip.")
    parser.add_argument("--tpm", type=int, required=True, metavar="PORT", help="swtpm's data port; its control port is the next")
    parser.add_argument("--listen", type=int, metavar="PORT", help="our own data port (default: a free pair)")
    parser.add_argument("--profile", choices=profiles(), help="delay commands as this chip (default: don't)")
    parser.add_argument("--resource-manager", action="store_true", help="save and load contexts around each command as the kernel's /dev/tpmrm0")
    args = parser.parse_args()

    def report(counts):
        print(json.dumps(counts.summary()), flush=True)
        counts.reset()

    with TpmProxy(args.tpm, args.profile, args.resource_manager, args.listen, report) as proxy:
        print(f"port {proxy.port}  ({proxy.tcti})", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            proxy.end_program()


if __name__ == "__main__":
    main()
