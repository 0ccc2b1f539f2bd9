# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a listener between a program and its software TPM: it counts, answers in the
TPM's stead, or does something to the TPM between two commands."""
import socket
import struct
import threading

import rig
from tpm_wire import name as name_of, receive_tpm, response

RC_LOCKOUT = 0x921


class Proxy:
    """Accepts one program at a time. on_command(name, command) may return a
    response to give in the TPM's stead, or None."""

    def __init__(self, test, tpm, on_command=None):
        self.tpm, self.on_command = tpm, on_command
        self.names, self.bytes, self.upstream = [], 0, None
        self.captured = bytearray()  # both sides of who changes what crosses
        self.listeners = []
        port = rig._free_pair()
        for offset in (0, 1):
            listener = socket.create_server(("127.0.0.1", port + offset))
            listener.settimeout(0.1)
            self.listeners.append(listener)
        self.tcti = f"swtpm:host=127.0.0.1,port={port}"
        self.running = True
        self.threads = [threading.Thread(target=self._serve, args=(i,), daemon=True)
                        for i in (0, 1)]
        for thread in self.threads:
            thread.start()
        test.addCleanup(self.close)

    def close(self):
        self.running = False
        for thread in self.threads:
            thread.join(5)
        for listener in self.listeners:
            listener.close()

    def _serve(self, which):
        while self.running:
            try:
                client, _ = self.listeners[which].accept()
            except TimeoutError:
                continue
            with client, socket.create_connection(("127.0.0.1", self.tpm.port + which)) as up:
                client.settimeout(60)
                try:
                    self._commands(client, up) if which == 0 else self._pump(client, up)
                except OSError:
                    pass

    def _pump(self, client, up):
        """The control channel, both ways as it comes."""
        other = threading.Thread(target=self._copy, args=(up, client), daemon=True)
        other.start()
        self._copy(client, up)
        up.shutdown(socket.SHUT_RDWR)
        other.join(5)

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(4096):
                sink.sendall(data)
        except OSError:
            pass

    def _commands(self, client, up):
        self.upstream = up
        while (command := receive_tpm(client)) is not None:
            self.captured += command
            name = name_of(command)
            self.names.append(name)
            answer = self.on_command(name, command) if self.on_command else None
            if answer is None:
                answer = self.direct(command)
            if answer is None:
                return
            self.captured += answer
            self.bytes += len(command) + len(answer)
            client.sendall(answer)

    def direct(self, command):
        """Sends a command of the test's own over the same connection."""
        self.upstream.sendall(command)
        answer = receive_tpm(self.upstream)
        self.captured += command + (answer or b"")
        return answer

    def extend(self, pcr):
        """TPM2_PCR_Extend with the empty password, SHA-256 alone."""
        auth = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
        body = struct.pack(">II", pcr, len(auth)) + auth + struct.pack(">IH", 1, 0x0b) + b"\1" * 32
        answer = self.direct(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
        assert struct.unpack(">I", answer[6:10])[0] == 0, answer.hex()
