# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a device under test: a software TPM, keys, a record, a disk, and a bus that can be cut."""
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import rig

# Commands that take --device-file, beside "policy add" and "policy retire".
ASKS_WHOSE = ("install", "format", "setup", "reseal", "floor", "remove", "status", "pcrs", "will-it-boot",
              "recovery-key", "auth", "policy-key", "decommission", "lockout")


class Device:
    """Keys of one owner and one device; every path is in a test's directory."""

    def __init__(self, test, *, curve="p384", config_bits=256, ek_cert=False):
        self.test = test
        self.dir = test.tmp
        self.tpm = test.swtpm(ek_cert=ek_cert)
        self.curve = curve
        self.hash = {"p384": "sha384", "p256": "sha256"}[curve]
        rig.run([rig.program("latchkey"), "keygen", "--curve", curve, "--config-bits", config_bits,
                 self.path("keys")], check=0)
        for name in ("owner.key", "owner.pem"):
            shutil.copy(os.path.join(rig.made_once("owner", _owner), name), self.dir)
        self.new_disk("disk.img")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def record_path(self):
        return self.path("record.json")

    def record(self):
        with open(self.record_path) as f:
            return json.load(f)

    def decrypt(self, cms):
        """What the owner gets out of the record with openssl."""
        return rig.run(["openssl", "cms", "-decrypt", "-inform", "PEM", "-inkey",
                        self.path("owner.key")], stdin=cms.encode(), check=0).stdout

    def auth(self, which):
        return self.decrypt(self.record()["auths"][which]).decode()

    @property
    def device_file(self):
        return self.path("device.yaml")

    def whose(self, *argv):
        """The same words with what install has left on whose TPM it is, where the command asks for that; the machine's own /etc is no test's."""
        asks = argv[0] in ASKS_WHOSE or tuple(argv[:2]) in (("policy", "add"), ("policy", "retire"))
        if asks and "--device-file" not in argv and (argv[0] == "install" or os.path.exists(self.device_file)):
            argv = [*argv, "--device-file", self.device_file]
        return argv

    def provision(self, *argv, check=0, tcti=None, device_file=True):
        return rig.run([rig.program("latchkey-provision"), *(self.whose(*argv) if device_file else argv), "--tpm",
                        tcti or self.tpm.tcti], check=check)

    def header(self, *argv, check=0):
        """A command that needs no TPM."""
        return rig.run([rig.program("latchkey-provision"), *argv], check=check)

    def install_argv(self):
        return ["install", "--policy-key", self.path("keys", "policy-key.pub.pem"),
                "--config-key", self.path("keys", "config-key.bin"), "--record", self.record_path,
                "--recipient", self.path("owner.pem"), "--fapi-dir", self.path("fapi"),
                "--device-file", self.device_file]

    def install(self, *more, check=0, tcti=None):
        argv = self.install_argv()
        return self.provision(*(argv[:-2] if "--device-file" in more else argv), *more, check=check, tcti=tcti)

    def owner_auth_file(self):
        self.test.write("owner.auth", self.auth("owner") + "\n")
        return self.path("owner.auth")

    def new_disk(self, name, size=32 << 20):
        with open(self.path(name), "wb") as f:
            f.truncate(size)

    def root_key(self):
        """root-key of a policy file that is this device's alone."""
        return f"root-key:\n  name: \"{self.record()['objects']['storage-root-key']['name']}\"\n"

    def policy(self, volume="", name="policy.yaml", root_key=""):
        """A policy file with one volume, root, on disk.img."""
        rig.run([rig.program("latchkey"), "policy", "init", "--policy-key",
                 self.path("keys", "policy-key.pub.pem"), "--force", "-o", self.path("init.yaml")], check=0)
        with open(self.path("init.yaml")) as f:
            text = f.read().split("volumes:")[0]
        self.test.write(name, f"{text}{root_key}volumes:\n  - name: root\n    device: {self.path('disk.img')}\n"
                              f"    handle: 0x8100a001\n{volume}")
        return self.path(name)

    def format_argv(self):
        return ["format", "--policy", self.path("policy.yaml"), "--volume", "root",
                "--owner-auth", self.owner_auth_file(), "--record", self.record_path,
                "--recipient", self.path("owner.pem"), "--device-file", self.device_file]

    def format(self, *more, check=0, tcti=None):
        return self.provision(*self.format_argv(), *more, check=check, tcti=tcti)

    def ready(self):
        """Installed, with a formatted volume."""
        self.install()
        self.policy()
        self.format()
        return self

    def sign(self, version, *more, label="test", out="signed.yaml", policy="policy.yaml"):
        pcrs = self.provision("pcrs", "--json").stdout
        self.test.write("pcrs.json", pcrs)
        if os.path.exists(self.path(out)):
            os.unlink(self.path(out))
        rig.run([rig.program("latchkey"), "policy", "sign", "--policy", self.path(policy), "--key",
                 self.path("keys", "policy-key.pem"), "--pcr-values", self.path("pcrs.json"),
                 "--version", version, "--label", label, *more, "-o", self.path(out)], check=0)
        return self.path(out)

    def unseal_by_hand(self, signed, version, *, auth=None, selection="sha256:0,7,10,15"):
        """The sealed payload, had with the stock tools and a signed policy file; auth: of a PIN."""
        with open(signed) as f:
            text = f.read()
        field = dict(re.findall(r"^(digest|signature): \"?([0-9a-f]+)", text, re.M))
        raw = bytes.fromhex(field["signature"])
        reference = re.search(r'^policy-ref: "(.*)"$', text, re.M).group(1).encode()
        write, path, tool = self.test.write, self.path, self.tpm.tool
        write("approved", bytes.fromhex(field["digest"]))
        write("tbs", bytes.fromhex(field["digest"]) + reference)
        write("ref", reference)
        write("sig", der_signature(raw))
        write("operand", version.to_bytes(8, "big"))
        session = path("session")
        kind = {"sha384": "ecc384:ecdsa-sha384", "sha256": "ecc256:ecdsa-sha256"}[self.hash]
        tool("tpm2_startauthsession", "--policy-session", "-g", self.hash, "-S", session)
        tool("tpm2_policypcr", "-S", session, "-l", selection)
        tool("tpm2_policynv", "-S", session, "-C", "0x018a0001", "-i", path("operand"),
             "0x018a0001", "ule")
        tool("tpm2_loadexternal", "-C", "o", "-G", kind, "-g", self.hash,
             "-u", path("keys", "policy-key.pub.pem"), "-c", path("key.ctx"), "-n", path("key.name"))
        tool("tpm2_verifysignature", "-c", path("key.ctx"), "-g", self.hash, "-m", path("tbs"),
             "-s", path("sig"), "-f", "ecdsa", "-t", path("ticket"))
        tool("tpm2_policyauthorize", "-S", session, "-i", path("approved"), "-q", path("ref"),
             "-n", path("key.name"), "-t", path("ticket"))
        if auth:
            tool("tpm2_policyauthvalue", "-S", session)
        payload = tool("tpm2_unseal", "-c", "0x8100a001", "-p", f"session:{session}" + (f"+hex:{auth.hex()}" if auth else "")).stdout
        tool("tpm2_flushcontext", session)
        tool("tpm2_flushcontext", "-t")
        return payload

    def opens(self, passphrase, disk="disk.img"):
        return rig.run(["cryptsetup", "open", "--test-passphrase", "--key-file", "-",
                        "--keyfile-size", len(passphrase), self.path(disk)],
                       stdin=passphrase).returncode == 0

    def luks(self, disk="disk.img"):
        return json.loads(rig.run(["cryptsetup", "luksDump", "--dump-json-metadata",
                                   self.path(disk)], check=0).stdout)


def _owner(folder):
    """Whom recovery keys are encrypted to."""
    rig.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=owner", "-keyout", os.path.join(folder, "owner.key"),
             "-out", os.path.join(folder, "owner.pem")], check=0)


def der_signature(raw):
    """r || s as ECDSA-Sig-Value, the long way: by hand."""
    half = len(raw) // 2
    out = b""
    for part in (raw[:half], raw[half:]):
        number = part.lstrip(b"\0") or b"\0"
        if number[0] & 0x80:
            number = b"\0" + number
        out += bytes([2, len(number)]) + number
    return bytes([0x30]) + (bytes([len(out)]) if len(out) < 128 else bytes([0x81, len(out)])) + out


class Bus:
    """Between a program and a software TPM: the power goes after @commands commands."""

    def __init__(self, tpm, commands=None):
        self.tpm = tpm
        self.left = commands
        self.seen = 0
        self.cut = False
        self.victim = None
        self.listeners = []
        self.port = rig._free_pair()
        for offset in (0, 1):
            listener = socket.create_server(("127.0.0.1", self.port + offset))
            self.listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener, offset), daemon=True).start()

    @property
    def tcti(self):
        return f"swtpm:host=127.0.0.1,port={self.port}"

    def _accept(self, listener, offset):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.tpm.port + offset))
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client, server, offset == 0),
                             daemon=True).start()

    def _carry(self, client, server, data):
        """One request, one answer, as both of swtpm's channels work."""
        with client, server:
            try:
                while True:
                    request = client.recv(8192)
                    while data and 0 < len(request) < 6 or (
                            data and len(request) >= 6 and
                            len(request) < int.from_bytes(request[2:6], "big")):
                        request += client.recv(8192)
                    if not request or (data and not self._allowed()):
                        return
                    server.sendall(request)
                    answer = server.recv(8192)
                    while data and len(answer) < int.from_bytes(answer[2:6], "big"):
                        answer += server.recv(8192)
                    client.sendall(answer)
            except OSError:
                return

    def _allowed(self):
        if self.left is not None and self.seen >= self.left:
            self.cut = True
            if self.victim:
                self.victim.kill()
            return False
        self.seen += 1
        return True

    def close(self):
        for listener in self.listeners:
            listener.close()

    def run(self, argv):
        """Runs a program of ours through this bus; its exit code."""
        self.victim = subprocess.Popen([str(a) for a in argv] + ["--tpm", self.tcti],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = self.victim.communicate(timeout=120)
        self.close()
        self.text = out.decode() + err.decode()
        return self.victim.returncode


def copy_tree(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
