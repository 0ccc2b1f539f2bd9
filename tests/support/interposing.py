# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns somebody on a TPM's bus with a root key of his own: the program's sessions are with him, and his with the TPM."""
import hashlib
import hmac
import os
import struct

from blob import aes
from proxy import Proxy
from tpm_wire import CODE, code

ROOT = 0x81000001
POLICY_SESSION = 1
DECRYPT, ENCRYPT = 0x20, 0x40
HASHES = {0x0b: "sha256", 0x0c: "sha384"}
# Handles of commands and answers, and those whose first parameter may be encrypted there.
HANDLES = {"StartAuthSession": 2, "PolicyPCR": 1, "PolicyAuthorize": 1, "PolicyAuthValue": 1, "PolicyNV": 3,
           "PolicySecret": 2, "Unseal": 1, "NV_Read": 2, "NV_Increment": 2, "NV_DefineSpace": 1, "NV_Write": 2,
           "NV_WriteLock": 2, "NV_UndefineSpace": 2, "NV_ReadPublic": 1, "ReadPublic": 1, "Create": 1, "Load": 1,
           "EvictControl": 2, "PCR_Event": 1, "PCR_Extend": 1, "VerifySignature": 1, "EncryptDecrypt2": 1,
           "HierarchyChangeAuth": 1, "DictionaryAttackParameters": 1, "CreatePrimary": 1}
MAKES = ("StartAuthSession", "Load", "LoadExternal", "CreatePrimary")

# NIST P-256, in affine coordinates: it is slow, and a test makes few of these.
P = 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    out = None
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def number(n):
    return n.to_bytes(32, "big")


def sized(data):
    return struct.pack(">H", len(data)) + data


def unsized(data):
    """First TPM2B and what follows it."""
    n = struct.unpack(">H", data[:2])[0]
    return data[2:2 + n], data[2 + n:]


def kdfa(alg, key, label, newer, older, bits):
    """Part 1, 11.4.10.2."""
    out, i = b"", 0
    while 8 * len(out) < bits:
        i += 1
        out += hmac.new(key, struct.pack(">I", i) + label + b"\0" + newer + older + struct.pack(">I", bits), alg).digest()
    return out[:bits // 8]


def kdfe(z, theirs, ours):
    """Part 1, 11.4.10.3, for the salt of a session: SHA-256."""
    return hashlib.sha256(struct.pack(">I", 1) + number(z[0]) + b"SECRET\0" + number(theirs[0]) + number(ours[0])).digest()


def read_point(data):
    x, rest = unsized(data)
    return int.from_bytes(x, "big"), int.from_bytes(unsized(rest)[0], "big")


class Side:
    """One side of a session: its key, and the TPM's last nonce."""

    def __init__(self, alg, salt, nonce_tpm, nonce_caller):
        self.alg, self.nonce = alg, nonce_tpm
        self.key = kdfa(alg, salt, b"ATH", nonce_tpm, nonce_caller, 8 * hashlib.new(alg).digest_size)

    def cfb(self, data, newer, older, auth, *direction):
        both = kdfa(self.alg, self.key + auth, b"CFB", newer, older, 256)
        return aes("cfb", both[:16], both[16:], data, *direction) if data else b""

    def mac(self, digest, newer, older, attributes, auth):
        return hmac.new(self.key + auth, digest + newer + older + bytes([attributes]), self.alg).digest()


class Interposer(Proxy):
    """forge(name, parameters of the answer) gives other parameters; swallow names commands that
    the TPM never sees; guess gives authorizations to try against a PIN's HMAC; lie says the real key's Name
    beside his own key."""

    def __init__(self, test, tpm, *, forge=None, swallow=(), guess=(), lie=False):
        super().__init__(test, tpm, self._between)
        self.lie = lie
        self.forge, self.swallow, self.guess = forge or (lambda name, params: params), swallow, guess
        self.secret = int.from_bytes(os.urandom(32), "big") % (P // 2) + 1
        self.point = times(self.secret, G)
        self.sessions, self.seen, self.names_tpm, self.names_prog = {}, {}, {}, {}
        self.public = self.name = self.real = self.found = None

    # What he says his name is, without being asked.
    def learn_root(self):
        answer = self._ask(struct.pack(">HII", 0x8001, 14, CODE["ReadPublic"]) + struct.pack(">I", ROOT))
        return self._root(answer)

    def _ask(self, command):
        import socket
        from tpm_wire import receive_tpm
        with socket.create_connection(("127.0.0.1", self.tpm.port)) as s:
            s.sendall(command)
            return receive_tpm(s)

    def _root(self, answer):
        """The real root key's answer, with his own point in it."""
        public, rest = unsized(answer[10:])
        unique = public.rindex(struct.pack(">H", 32), 0, len(public) - 34 + 2 - 2)
        self.real = read_point(public[unique:])
        self.public = public[:unique] + sized(number(self.point[0])) + sized(number(self.point[1]))
        self.name = b"\0\x0b" + hashlib.sha256(self.public).digest()
        self.names_prog[ROOT] = self.name
        self.names_tpm[ROOT] = unsized(rest)[0]
        said = self.names_tpm[ROOT] if self.lie else self.name
        body = sized(self.public) + sized(said) + sized(said)
        return struct.pack(">HII", 0x8001, 10 + len(body), 0) + body

    def _name(self, handle, table):
        return table.get(handle, struct.pack(">I", handle))

    def _between(self, name, command):
        handles = struct.unpack(f">{HANDLES.get(name, 0)}I", command[10:10 + 4 * HANDLES.get(name, 0)])
        if name == "ReadPublic" and handles == (ROOT,):
            return self._root(self.direct(command))
        if name == "StartAuthSession" and handles[0] == ROOT:
            return self._start(command)
        if command[:2] == b"\x80\x02":
            return self._in_session(name, command, handles)
        answer = self.direct(command)
        if code(answer) == 0:
            self._learn_name(name, handles, answer[10:])
            if name in ("ReadPublic", "NV_ReadPublic"):
                return answer
        return answer

    def _learn_name(self, name, handles, body):
        if name in ("ReadPublic", "NV_ReadPublic"):
            self._set_name(handles[0], unsized(unsized(body)[1])[0])
        if name == "LoadExternal":
            self._set_name(struct.unpack(">I", body[:4])[0], unsized(body[4:])[0])

    def _set_name(self, handle, name):
        self.names_tpm[handle] = self.names_prog[handle] = name

    def _start(self, command):
        """The salt is read with his key; another is made with the TPM's."""
        nonce, rest = unsized(command[18:])
        secret, rest = unsized(rest)
        theirs = read_point(secret)
        salt = kdfe(times(self.secret, theirs), theirs, self.point)
        k = int.from_bytes(os.urandom(32), "big") % (P // 2) + 1
        mine = times(k, G)
        other = kdfe(times(k, self.real), mine, self.real)
        body = command[10:18] + sized(nonce) + sized(sized(number(mine[0])) + sized(number(mine[1]))) + rest
        answer = self.direct(struct.pack(">HII", 0x8001, 10 + len(body), CODE["StartAuthSession"]) + body)
        if code(answer) == 0:
            alg = HASHES[struct.unpack(">H", rest[-2:])[0]]
            tpm_nonce = unsized(answer[14:])[0]
            handle = struct.unpack(">I", answer[10:14])[0]
            self.sessions[handle] = [Side(alg, salt, tpm_nonce, nonce), Side(alg, other, tpm_nonce, nonce)]
        return answer

    def _auths(self, data):
        out = []
        while data:
            handle = struct.unpack(">I", data[:4])[0]
            nonce, rest = unsized(data[4:])
            attributes = rest[0]
            mac, data = unsized(rest[1:])
            out.append((handle, nonce, attributes, mac))
        return out

    def _in_session(self, name, command, handles):
        at = 10 + 4 * len(handles)
        size = struct.unpack(">I", command[at:at + 4])[0]
        auths = self._auths(command[at + 4:at + 4 + size])
        params = command[at + 4 + size:]
        ours = [a for a in auths if a[0] in self.sessions]
        if not ours:
            answer = self.direct(command) if name not in self.swallow else self._done(name, [])
            if code(answer) == 0 and name in ("ReadPublic", "NV_ReadPublic"):
                self._learn_name(name, handles, answer[14:])
            return answer
        handle, nonce, attributes, mac = ours[0]
        prog, tpm = self.sessions[handle]
        auth = self._guess(name, prog, ours[0], handles, params)
        plain = params
        if attributes & DECRYPT:
            first, rest = unsized(params)
            first = prog.cfb(first, nonce, prog.nonce, auth, "-d")
            plain = sized(first) + rest
            self.seen.setdefault(name, []).append(first)
            params = sized(tpm.cfb(first, nonce, tpm.nonce, auth)) + rest
        if name in self.swallow:
            return self._done(name, auths, plain)
        names = b"".join(self._name(h, self.names_tpm) for h in handles)
        digest = hashlib.new(tpm.alg, struct.pack(">I", CODE[name]) + names + params).digest()
        new = tpm.mac(digest, nonce, tpm.nonce, attributes, auth)
        area = b"".join(struct.pack(">I", h) + sized(n) + bytes([a]) + sized(new if h == handle else m)
                        for h, n, a, m in auths)
        body = command[10:at] + struct.pack(">I", len(area)) + area + params
        answer = self.direct(struct.pack(">HII", 0x8002, 10 + len(body), CODE[name]) + body)
        return answer if code(answer) else self._answer(name, answer, auths, ours[0], auth)

    def _guess(self, name, prog, session, handles, params):
        """The authorization that makes the program's HMAC what it is: a PIN, offline."""
        handle, nonce, attributes, mac = session
        names = b"".join(self._name(h, self.names_prog) for h in handles)
        digest = hashlib.new(prog.alg, struct.pack(">I", CODE[name]) + names + params).digest()
        for auth in (b"", *self.guess):
            if hmac.compare_digest(prog.mac(digest, nonce, prog.nonce, attributes, auth), mac):
                if auth:
                    self.found = auth
                return auth
        return b""

    def _answer(self, name, answer, auths, session, auth):
        handle, nonce, attributes, _ = session
        prog, tpm = self.sessions[handle]
        at = 14 if name in MAKES else 10
        size = struct.unpack(">I", answer[at:at + 4])[0]
        params, rest = answer[at + 4:at + 4 + size], answer[at + 4 + size:]
        theirs, i = [], 0
        while rest:
            n, rest = unsized(rest)
            flags, (m, rest) = rest[0], unsized(rest[1:])
            theirs.append((auths[i][0], n, flags, m))
            i += 1
        tpm_nonce = next(n for h, n, _, _ in theirs if h == handle)
        if attributes & ENCRYPT:
            first, more = unsized(params)
            first = tpm.cfb(first, tpm_nonce, nonce, auth, "-d")
            self.seen.setdefault(name, []).append(first)
            params = sized(first) + more
        if name == "Load":
            made = struct.unpack(">I", answer[10:14])[0]
            self._set_name(made, unsized(params)[0])
        params = self.forge(name, params)
        tpm.nonce = prog.nonce = tpm_nonce
        return self._pack(name, answer[10:at], params, [(h, n, f, m) for h, n, f, m in theirs], session, auth)

    def _pack(self, name, made, params, auths, session, auth):
        handle, nonce, attributes, _ = session
        prog = self.sessions[handle][0]
        if attributes & ENCRYPT:
            first, more = unsized(params)
            params = sized(prog.cfb(first, prog.nonce, nonce, auth)) + more
        digest = hashlib.new(prog.alg, struct.pack(">II", 0, CODE[name]) + params).digest()
        area = b""
        for h, n, flags, m in auths:
            if h == handle:
                m = prog.mac(digest, n, nonce, flags, auth)
            area += sized(n) + bytes([flags]) + sized(m)
        body = made + struct.pack(">I", len(params)) + params + area
        return struct.pack(">HII", 0x8002, 10 + len(body), 0) + body

    def _done(self, name, auths, plain=b""):
        """An answer that the TPM never gave."""
        params = struct.pack(">I", 0) if name == "PCR_Event" else b""
        out = []
        for handle, nonce, flags, _ in auths:
            new = os.urandom(16) if handle in self.sessions else b""
            out.append((handle, new, flags & ~1 if handle in self.sessions else 1, b""))
        session = next((a for a in auths if a[0] in self.sessions), None)
        if session is None:
            area = b"\0\0\1\0\0"
            body = struct.pack(">I", len(params)) + params + area
            return struct.pack(">HII", 0x8002, 10 + len(body), 0) + body
        self.sessions[session[0]][0].nonce = next(n for h, n, _, _ in out if h == session[0])
        return self._pack(name, b"", params, out, session, b"")
