# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a device that attests, in software and by no code of the programs: its key, quotes, logs and messages; and a verifier to send them to."""
import base64
import functools
import hashlib
import http.client
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import made_log
import rig

MAGIC, QUOTE, NV, CERTIFY = 0xFF544347, 0x8018, 0x8014, 0x8017
FIXED_TPM, FIXED_PARENT, ORIGIN, USER_WITH_AUTH, NO_DA = 2, 0x10, 0x20, 0x40, 0x400
RESTRICTED, DECRYPT, SIGN = 0x10000, 0x20000, 0x40000
ATTRIBUTES = FIXED_TPM | FIXED_PARENT | ORIGIN | USER_WITH_AUTH | NO_DA | RESTRICTED | SIGN
ALL_PCRS = tuple(range(16))
LATCH = 15


def sized(data):
    return struct.pack(">H", len(data)) + data


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


@functools.cache
def policy_key():
    """The owner's key for boots, as the TPM holds it; every device has the same."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def firmware(image=b"image 1", databases=b"certificate"):
    """A short firmware log with what PCRs 0, 4 and 7 hold."""
    log = made_log.Log("sha256")
    log.event(0, made_log.VERSION, "firmware 1\0".encode("utf-16-le"))
    log.event(7, made_log.CONFIG, made_log.variable(made_log.GLOBAL, "SecureBoot", b"\1"))
    log.event(7, made_log.CONFIG, made_log.variable(made_log.IMAGES, "db", databases))
    for pcr in range(8):
        log.event(pcr, made_log.SEPARATOR, bytes(4))
    log.event(4, made_log.IMAGE, bytes(32), measured=image)
    return log


class Device:
    """Its software TPM boots, measures and quotes; each of these can be made wrong."""

    def __init__(self, name, attributes=ATTRIBUTES):
        self.name, self.attributes = name, attributes
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ek = ec.generate_private_key(ec.SECP256R1())
        self.reset, self.restart, self.clock = 0, 0, 0
        self.floors, self.proven = {}, None
        self.boot()

    # What it is.

    def public(self):
        """TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4)."""
        point = self.key.public_key().public_numbers()
        return (struct.pack(">HHI", 0x23, 0xB, self.attributes) + sized(b"") + struct.pack(">HHHHH", 0x10, 0x18, 0xB, 3, 0x10)
                + sized(point.x.to_bytes(32, "big")) + sized(point.y.to_bytes(32, "big")))

    def ak_name(self):
        return b"\0\x0b" + sha256(self.public())

    def qualified_name(self):
        return b"\0\x0b" + sha256(struct.pack(">I", 0x4000000B), self.ak_name())

    def ek_spki(self):
        return self.ek.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def id(self):
        return sha256(self.ek_spki()).hex()

    def proof(self, **wrong):
        """What a record says of the TPM's objects, and the attestation key's signatures over it; the same each time that it is asked for."""
        if not wrong and self.proven and self.proven[0] == (self.public(), self.ek_spki()):
            return self.proven[1]
        over = wrong.get("over", sha256(b"latchkey:record\0", self.ak_name(), self.ek_spki()))
        names = {"storage-root-key": b"\0\x0b" + sha256(b"root" + self.ek_spki()), "config-key": b"\0\x0b" + sha256(b"config")}
        spki, floors = policy_key(), {"version-floor": (0x018A0001, 1), "sequence-floor": (0x018A0002, 1)}
        point = spki[-64:]
        public = struct.pack(">HHI", 0x23, 0xB, 0x40040) + sized(b"") + struct.pack(">HHHHH", 0x10, 0x18, 0xB, 3, 0x10) + sized(point[:32]) + sized(point[32:])
        objects = {k: {"name": n.hex()} for k, n in names.items()}
        objects["policy-key"] = {"key-name": "000b" + sha256(public).hex()}
        index = b"\0\x0b" + sha256(struct.pack(">IHIHH", 0x018A0000, 0xB, 0x22062802, 0, len(spki)))
        signed = {k: self.attest(CERTIFY, over, sized(n) + sized(n)) for k, n in names.items()}
        signed["policy-key"] = self.attest(NV, over, sized(index) + struct.pack(">H", 0) + sized(spki))
        out = {}
        for key, (number, value) in floors.items():
            objects[key] = {"value": value}
            out[key] = {k: base64.b64decode(v).hex() for k, v in self.floor(over, number, value).items()}
        signed["quote"] = self.quote(over, pcrs=range(24))
        for key, attest in signed.items():
            out[key] = {"attest": attest.hex(), "signature": self.sign(attest).hex()}
        out["quote"]["bank"] = "sha256"
        whole = {"objects": objects, "pcrs": {"sha256": {str(n): self.values[n].hex() for n in range(24)}}, "proof": {"over": over.hex(), **out}}
        if not wrong:
            self.proven = ((self.public(), self.ek_spki()), whole)
        return whole

    def record(self, folder, change=None, **more):
        """A provisioning record, as far as the verifier reads one; @change takes it before it is written."""
        pem = self.ek.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        key = {"handle": "0x8101a000", "name": self.ak_name().hex(), "public": self.public().hex(), **more}
        path = os.path.join(folder, self.name + ".json")
        with open(path, "w", encoding="utf-8") as f:
            record = {"ek": {"public": pem}, "ak": key, **json.loads(json.dumps(self.proof()))}
            if change:
                change(record)
            json.dump(record, f)
        return path

    # What it boots.

    def boot(self, log=None, latched=True):
        self.reset, self.restart, self.clock = self.reset + 1, 0, self.clock + 5000
        self.log = log or firmware()
        self.values = {n: self.log.values["sha256"].get(n, bytes(32)) for n in range(24)}
        self.ima = b""
        aggregate = sha256(*(self.values[n] for n in range(10)))
        self.measure(b"boot_aggregate", digest=aggregate)
        self.measured = b""
        if latched:
            self.latch()
        return self

    def measure(self, name, content=b"content", digest=None):
        """An entry of the kernel's log, extended as kernels since 5.8 do."""
        data = made_log.field(b"sha256:\0" + (digest or sha256(content))) + made_log.field(name + b"\0")
        self.ima += made_log.entry(b"ima-ng", data)
        self.values[10] = sha256(self.values[10], sha256(data))

    def latch(self, text="latchkey:closed"):
        digest = sha256(text.encode())
        self.values[LATCH] = sha256(self.values[LATCH], digest)
        record = {"pcr": LATCH, "digests": [{"hashAlg": "sha256", "digest": digest.hex()}],
                  "content_type": "systemd", "content": {"string": text}}
        self.measured += b"\x1e" + json.dumps(record).encode() + b"\n"

    # What it signs.

    def attest(self, kind, nonce, body, **wrong):
        """TPMS_ATTEST (10.12.12)."""
        self.clock += 7
        return (struct.pack(">IH", wrong.get("magic", MAGIC), kind) + sized(wrong.get("signer", self.qualified_name())) + sized(nonce)
                + struct.pack(">QIIBQ", wrong.get("clock", self.clock), wrong.get("reset", self.reset), self.restart, wrong.get("safe", 1), 0x2024)
                + body + wrong.get("trailing", b""))

    def sign(self, attest, scheme=0x18, key=None):
        der = (key or self.key).sign(attest, ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return struct.pack(">HH", scheme, 0xB) + sized(r.to_bytes(32, "big")) + sized(s.to_bytes(32, "big"))

    def quote(self, nonce, pcrs=ALL_PCRS, bank=0xB, kind=QUOTE, selections=1, **wrong):
        mask = sum(1 << n for n in pcrs)
        digest = sha256(*(self.values[n] for n in sorted(pcrs)))[:wrong.get("digest_size", 32)]
        one = struct.pack(">HB", bank, 3) + mask.to_bytes(3, "little")
        return self.attest(kind, nonce, struct.pack(">I", selections) + one * selections + sized(digest), **wrong)

    def floor(self, nonce, index, value):
        """TPM2_NV_Certify of a counter as install makes it, signed."""
        name = b"\0\x0b" + sha256(struct.pack(">IHIHH", index, 0xB, 0x22060016, 0, 8))
        attest = self.attest(NV, nonce, sized(name) + struct.pack(">H", 0) + sized(struct.pack(">Q", value)))
        return {"attest": b64(attest), "signature": b64(self.sign(attest))}

    def message(self, nonce, next_=None, whole=False, **wrong):
        """A request; @next_: where the verifier wants it to go on."""
        attest = self.quote(nonce, **wrong)
        request = {"ak": self.ak_name().hex(), "quote": b64(attest), "signature": b64(wrong.get("signature") or self.sign(attest)),
                   "nonce": b64(wrong.get("told", nonce)), "boot": self.reset, "ima-from": 0}
        if whole or next_:
            begin = next_["ima-from"] if next_ and next_["boot"] == self.reset else 0
            request["ima-from"] = begin
            request["values"] = b64(b"".join(self.values[n] for n in ALL_PCRS))
            for key, data in (("firmware-log", self.log.bytes), ("ima-log", self.ima[begin:]), ("measurements", self.measured)):
                if data:
                    request[key] = b64(data)
            if self.floors:
                request["floors"] = {key: self.floor(nonce, index, self.floors[key])
                                     for key, index in (("version", 0x018A0001), ("sequence", 0x018A0002)) if key in self.floors}
        return request


class Verifier:
    """latchkey-verifier serve on free ports of loopback, with a state of its own."""

    def __init__(self, folder, store=None, more=""):
        self.folder, self.state = folder, os.path.join(folder, "state")
        self.settings = os.path.join(folder, "verifier.yaml")
        self.process = None
        with open(self.settings, "w", encoding="utf-8") as f:
            f.write(f"latchkey-verifier: 1\nstate: {self.state}\nlisten: 127.0.0.1:0\npages: 127.0.0.1:0\n{more}"
                    + (f"store: \"{store}\"\n" if store else ""))

    def run(self, *argv, check=0):
        words = argv[0].split()
        options = [] if words[:2] == ["flavor", "check"] else ["--config", self.settings]
        return rig.run([rig.program("latchkey-verifier"), *words, *options, *argv[1:]], check=check)

    def start(self, **options):
        self.said = open(os.path.join(self.folder, "said"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([rig.program("latchkey-verifier"), "serve", "--config", self.settings],
                                        stdin=subprocess.DEVNULL, stdout=self.said, stderr=subprocess.STDOUT, **options)
        for _ in range(1000):
            text = self.output()
            if "\nready\n" in text or self.process.poll() is not None:
                break
            time.sleep(0.01)
        if "\nready\n" not in text:
            raise AssertionError("the verifier doesn't start:\n" + text)
        ports = {line.split(":")[0]: int(line.rsplit(":", 1)[1]) for line in text.splitlines() if line.startswith(("attest: http", "pages: http"))}
        self.port, self.pages_port = ports.get("attest"), ports.get("pages")
        if self.port:
            self.tls = ssl.create_default_context(cafile=os.path.join(self.state, "ca.pem"))
        return self

    def output(self):
        with open(os.path.join(self.folder, "said"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)
        code = self.process.returncode if self.process else None
        self.process = None
        self.said.close()
        return code

    def connect(self, timeout=30):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=timeout)

    def raw(self, data, timeout=30, port=None, half=False):
        """Bytes to a TLS connection; what comes back until its end."""
        with socket.create_connection(("127.0.0.1", port or self.port), timeout) as plain:
            with (plain if port else self.tls.wrap_socket(plain, server_hostname="127.0.0.1")) as s:
                s.sendall(data)
                out = b""
                try:
                    while True:
                        more = s.recv(65536)
                        if not more:
                            break
                        out += more
                except (ConnectionError, ssl.SSLError):
                    pass
                return out

    def post(self, path, body, connection=None, headers=None):
        """Status, headers and JSON of an answer."""
        own = connection or self.connect()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        own.request("POST", path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = own.getresponse()
        text = answer.read()
        if not connection:
            own.close()
        return answer.status, answer.headers, json.loads(text) if text[:1] == b"{" else text

    def nonce(self, connection=None):
        status, _, answer = self.post("/v1/challenge", {}, connection)
        assert status == 200, answer
        return base64.b64decode(answer["nonce"])

    def attest(self, device, connection=None, **wrong):
        """As a device goes about it: what is new is sent where it is asked for."""
        status, headers, answer = self.post("/v1/attest", device.message(self.nonce(connection), **wrong), connection)
        if status == 409:
            status, headers, answer = self.post("/v1/attest", device.message(self.nonce(connection), next_=answer["next"], **wrong), connection)
        return status, headers, answer

    def page(self, path, headers=None, method="GET", port=None, binary=False):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.pages_port, timeout=30)
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        text = data if binary or answer.getheader("Content-Type") == "application/octet-stream" else data.decode()
        return answer.status, answer.headers, text


class TestCase(rig.TestCase):
    """With a verifier, and devices that it knows."""

    store = None
    more = ""

    def setUp(self):
        super().setUp()
        self.verifier = Verifier(self.tmp, self.store, self.more)
        self.addCleanup(lambda: self.verifier.process and self.verifier.stop(signal.SIGKILL))

    def known(self, *names, flavor=None):
        """Devices with these names, imported."""
        folder = os.path.join(self.tmp, "records")
        os.makedirs(folder, exist_ok=True)
        devices = [Device(name) for name in names]
        paths = [d.record(folder) for d in devices]
        self.verifier.run("import", *(["--flavor", flavor] if flavor else []), *paths)
        return devices if len(devices) > 1 else devices[0]

    def learned(self, *names):
        """Devices whose first boot is their flavor's, from the first attestation on."""
        for name in names:
            values = Device(name).values
            lines = "".join(f"    {n}: \"{values[n].hex()}\"\n" for n in range(8))
            path = os.path.join(self.tmp, f"{name}.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"latchkey-flavor: 1\nequals:\n  bank: sha256\n  values:\n{lines}")
            self.verifier.run("flavor add", f"of-{name}", path)
        devices = [self.known(name, flavor=f"of-{name}") for name in names]
        return devices if len(devices) > 1 else devices[0]

    def show(self, device):
        return json.loads(self.verifier.run("show", "--json", device.id).stdout)

    def assertRefused(self, answer, status, word):
        self.assertEqual((answer[0], answer[2].get("error")), (status, word), answer)
