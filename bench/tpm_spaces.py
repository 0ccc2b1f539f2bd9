# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a model of the kernel's TPM resource manager: what /dev/tpmrm0 sends to the chip around each command of a program.

After drivers/char/tpm/tpm2-space.c of Linux 4.12 and later: each open file is a space with three transient objects and three
sessions. Before a command all of the space's contexts are loaded; after it each object is saved and flushed, and each session
saved. Object handles are the space's own (0x80ffffff downwards). On close the sessions that are left are flushed.
The commands are really sent, so that their bytes and refusals are the TPM's.
"""

import struct

import tpm_wire as wire

SLOTS = 3
TRANSIENT, SESSIONS = 0x80000000, (0x02000000, 0x03000000)
FIRST_VIRTUAL = 0x80FFFFFF
KEPT_ELSEWHERE = 0xFFFFFFFF  # the object is saved: it has no handle in the TPM now
RC_VALUE = 0x84


def _command(name, body):
    return struct.pack(">HII", 0x8001, 10 + len(body), wire.CODE[name]) + body


def command_attributes(transact):
    """TPMA_CC of each command code, by TPM2_GetCapability."""
    answer = transact(_command("GetCapability", struct.pack(">III", 2, 0x11F, 254)))
    count = struct.unpack(">I", answer[15:19])[0]
    attributes = {word & 0xFFFF: word for word in struct.unpack(f">{count}I", answer[19:19 + 4 * count])}
    # Their handle counts as a parameter in the specification; the kernel maps it all the same.
    for name in ("FlushContext", "ContextSave"):
        code = wire.CODE[name]
        attributes[code] = attributes.get(code, code) & ~(7 << 25) | 1 << 25
    return attributes


class Space:
    """One open /dev/tpmrm0. transact(command, managed) sends to the chip."""

    def __init__(self, transact, attributes):
        self.chip, self.attributes = transact, attributes
        self.objects = [0] * SLOTS  # handle in the TPM, or KEPT_ELSEWHERE, or 0
        self.sessions = [0] * SLOTS
        self.object_contexts, self.session_contexts = [None] * SLOTS, [None] * SLOTS

    def transact(self, command):
        """The program's command, with what the kernel sends before and after it; None when the chip has gone."""
        self._load_all()
        mapped = self._map_command(command)
        if mapped is None:
            answer = wire.response(RC_VALUE)
        else:
            answer = self.chip(mapped)
            if answer is None:
                return None
            answer = self._map_answer(wire.code(command), answer)
        self._save_all()
        return answer

    def close(self):
        for handle in filter(None, self.sessions):
            self._flush(handle)

    def _send(self, name, body):
        return self.chip(_command(name, body), managed=True)

    def _flush(self, handle):
        self._send("FlushContext", struct.pack(">I", handle))

    def _load_all(self):
        for i in range(SLOTS):
            if self.objects[i]:
                answer = self._send("ContextLoad", self.object_contexts[i])
                self.objects[i] = struct.unpack(">I", answer[10:14])[0] if wire.code(answer) == 0 else 0
        for i in range(SLOTS):
            if self.sessions[i] and wire.code(self._send("ContextLoad", self.session_contexts[i])) != 0:
                self.sessions[i] = 0

    def _save_all(self):
        for i in range(SLOTS):
            if not self.objects[i]:
                continue
            answer = self._send("ContextSave", struct.pack(">I", self.objects[i]))
            if wire.code(answer) != 0:  # the program flushed it
                self.objects[i] = 0
                continue
            self.object_contexts[i] = answer[10:]
            self._flush(self.objects[i])
            self.objects[i] = KEPT_ELSEWHERE
        for i in range(SLOTS):
            if not self.sessions[i]:
                continue
            answer = self._send("ContextSave", struct.pack(">I", self.sessions[i]))
            self.sessions[i] = self.sessions[i] if wire.code(answer) == 0 else 0
            self.session_contexts[i] = answer[10:]

    def _map_command(self, command):
        count = self.attributes.get(wire.code(command), 0) >> 25 & 7
        out = bytearray(command)
        for at in range(10, 10 + 4 * count, 4):
            handle = struct.unpack(">I", command[at:at + 4])[0]
            if handle & 0xFF000000 == TRANSIENT:
                slot = FIRST_VIRTUAL - handle
                if not 0 <= slot < SLOTS or not self.objects[slot]:
                    return None
                out[at:at + 4] = struct.pack(">I", self.objects[slot])
        return bytes(out)

    def _map_answer(self, code, answer):
        if wire.code(answer) != 0 or not self.attributes.get(code, 0) >> 28 & 1:
            return answer
        handle = struct.unpack(">I", answer[10:14])[0]
        table = self.objects if handle & 0xFF000000 == TRANSIENT else self.sessions
        if 0 not in table:
            self._flush(handle)
            return wire.response(0x902)  # TPM_RC_OBJECT_MEMORY: out of slots
        slot = table.index(0)
        table[slot] = handle
        if table is self.sessions:
            return answer
        return answer[:10] + struct.pack(">I", FIRST_VIRTUAL - slot) + answer[14:]
