# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what tests share: temporary directories, software TPMs, running programs."""
import fcntl
import hashlib
import itertools
import os
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

BUILD = os.environ.get("LATCHKEY_BUILD", os.path.join(os.getcwd(), "build"))


def program(name):
    """Path of a program of the build tree."""
    for place in ("tools/host", "src/unseal", "src/provision", "src/userconfig", "src/attest", "src/verifier"):
        path = os.path.join(BUILD, place, name)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"{name} isn't built in {BUILD}")


def run(argv, *, env=None, stdin=None, timeout=120, check=None):
    """Runs a command; check=N asserts its exit code and shows what it said."""
    words = [str(a) for a in argv]
    at = next((i for i, w in enumerate(words) if w.endswith("/latchkey-provision")), len(words))
    if words[at + 1:at + 2] == ["install"] and "--policy-key" in words and "--device-file" not in words:
        raise AssertionError("install without --device-file would write this machine's own /etc/latchkey/device.yaml")
    done = subprocess.run([str(a) for a in argv], input=stdin, env=env, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check is not None and done.returncode != check:
        raise AssertionError(
            f"{' '.join(map(str, argv))}\nexit {done.returncode}, expected {check}\n"
            f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done


def _free_pair():
    """A port N such that N and N+1 are free on loopback; below those that the kernel gives to who connects,
    so that connections that were closed a moment ago don't hold them."""
    for _ in range(2000):
        with socket.socket() as a, socket.socket() as b:
            port = random.randrange(10000, 32000, 2)
            try:
                for s, number in ((a, port), (b, port + 1)):
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(("127.0.0.1", number))
                    s.listen()
                return port
            except OSError:
                continue
    raise RuntimeError("no two neighbouring free ports")


def made_once(name, make):
    """A folder in the build tree that make(folder) fills once, for all test programs; they copy from it, and change nothing in it."""
    pool = os.path.join(BUILD, "tests", "made-once")
    os.makedirs(pool, exist_ok=True)
    folder = os.path.join(pool, name)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            shutil.rmtree(folder + ".new", ignore_errors=True)
            os.mkdir(folder + ".new")
            make(folder + ".new")
            os.rename(folder + ".new", folder)
    return folder


_made = itertools.count()


# What firmware extends in every boot, and IMA.
MEASURED = (0, 1, 2, 3, 4, 5, 6, 7, 10)
EVENT = b"a boot"


def measured_value(bank):
    """What each of these PCRs comes to."""
    digest = hashlib.new(bank, EVENT).digest()
    return hashlib.new(bank, bytes(len(digest)) + digest).hexdigest()


_ALGORITHMS = {"sha1": b"\0\x04", "sha256": b"\0\x0b", "sha384": b"\0\x0c", "sha512": b"\0\x0d"}


class Swtpm:
    """A software TPM of its own, with or without an EK certificate. Each start is a boot, whose firmware and kernel measure
    the same each time, unless measured=False: then all PCRs are as a reset leaves them.

    Making one takes half a second, so they are made once and copied. The nth TPM of a test program is always a copy of the nth that
    was made: no two in one program have the same seeds.
    """

    def __init__(self, directory, *, ek_cert=False, banks="sha256,sha384", measured=True):
        self.banks, self.measured = banks.split(","), measured
        self.dir = os.path.abspath(directory)
        self.process = None
        kind = hashlib.sha256(repr((shutil.which("swtpm"), os.stat(shutil.which("swtpm")).st_mtime, ek_cert, banks)).encode()).hexdigest()
        made = made_once(f"tpm-{kind[:12]}-{next(_made)}", lambda folder: self._set_up(folder, ek_cert, banks))
        shutil.copytree(made, self.dir, dirs_exist_ok=True)

    def _set_up(self, directory, ek_cert, banks):
        setup = ["swtpm_setup", "--tpm2", "--tpmstate", directory, "--pcr-banks", banks,
                 "--overwrite", "--logfile", os.path.join(directory, "setup.log")]
        if ek_cert:
            setup += ["--create-ek-cert", "--config", self._local_ca(directory)]
        run(setup, check=0)

    @staticmethod
    def _local_ca(directory):
        """Configuration of a certificate authority inside the TPM's directory."""
        ca = os.path.join(directory, "ca")
        os.makedirs(ca, exist_ok=True)
        conf = os.path.join(ca, "setup.conf")
        with open(os.path.join(ca, "localca.conf"), "w") as f:
            f.write(f"statedir = {ca}\nsigningkey = {ca}/signkey.pem\n"
                    f"issuercert = {ca}/issuercert.pem\ncertserial = {ca}/certserial\n")
        with open(os.path.join(ca, "options.conf"), "w") as f:
            f.write("--platform-manufacturer Test\n--platform-version 1\n--platform-model Test\n")
        with open(conf, "w") as f:
            f.write("create_certs_tool=/usr/bin/swtpm_localca\n"
                    f"create_certs_tool_config={ca}/localca.conf\n"
                    f"create_certs_tool_options={ca}/options.conf\n"
                    "active_pcr_banks=sha256,sha384\n")
        return conf

    def start(self, *extra, measured=None):
        """Powers on: PCRs are reset, what is persistent is kept; then the boot measures."""
        for _ in range(10):
            port = _free_pair()
            self.log = os.path.join(self.dir, "swtpm.log")
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.dir}",
                 "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
                 "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1",
                 "--flags", "not-need-init,startup-clear",
                 "--log", f"file={self.log},level=20,truncate", *extra],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.port = port
            if self._answers():
                if self.measured if measured is None else measured:
                    self.measure()
                return self
            self.stop()
        raise RuntimeError("swtpm doesn't start; see " + self.log)

    def _answers(self):
        """Whether it listens within five seconds. The control port is asked: the
        data port takes one connection, and closing it may end the server. It is
        open before the data port, but answers after."""
        for _ in range(500):
            if self.process.poll() is not None:
                return False
            try:
                with socket.create_connection(("127.0.0.1", self.port + 1), 5) as control:
                    control.sendall(b"\0\0\0\1")  # CMD_GET_CAPABILITY
                    return bool(control.recv(64))
            except OSError:
                time.sleep(0.01)
        return False

    def measure(self, pcrs=MEASURED, what=EVENT, banks=None):
        """Extends these PCRs in all banks that the TPM has."""
        digests = b"".join(_ALGORITHMS[b] + hashlib.new(b, what).digest() for b in banks or self.banks)
        counted = struct.pack(">I", len(banks or self.banks)) + digests
        with socket.create_connection(("127.0.0.1", self.port), 5) as tpm:
            for pcr in pcrs:
                # TPM2_PCR_Extend with an empty authorization (TPM 2.0 Part 3, 22.2); tpm2_pcrextend takes ten times as long.
                body = struct.pack(">IIIHBH", pcr, 9, 0x40000009, 0, 0, 0) + counted
                tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
                answer = tpm.recv(64)
                if answer[6:10] != bytes(4):
                    raise RuntimeError(f"PCR {pcr} can't be extended: {answer.hex()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self.process = None

    def restart(self, *extra, measured=None):
        self.stop()
        return self.start(*extra, measured=measured)

    def reset(self):
        """Loses power and starts again, like restart(), at the same port; without another process it takes half of the time."""
        with socket.create_connection(("127.0.0.1", self.port + 1), 5) as control:
            control.sendall(struct.pack(">II", 2, 0))  # CMD_INIT
            if control.recv(64) != bytes(4):
                raise RuntimeError("the TPM can't be reset")
        with socket.create_connection(("127.0.0.1", self.port), 5) as tpm:
            tpm.sendall(struct.pack(">HIIH", 0x8001, 12, 0x144, 0))  # TPM2_Startup(CLEAR)
            if tpm.recv(64)[6:] != bytes(4):
                raise RuntimeError("the TPM doesn't start")
        if self.measured:
            self.measure()

    @property
    def tcti(self):
        return f"swtpm:host=127.0.0.1,port={self.port}"

    def tool(self, *argv, check=0, stdin=None):
        """A program of tpm2-tools, which we did not write."""
        env = dict(os.environ, TPM2TOOLS_TCTI=self.tcti)
        return run(argv, env=env, stdin=stdin, check=check)

    def traffic(self):
        """Every byte that crossed the bus since start(), as logged by swtpm."""
        out = bytearray()
        with open(self.log, errors="replace") as f:
            for line in f:
                words = line.split()
                if words and all(len(w) == 2 and set(w) <= set("0123456789ABCDEFabcdef")
                                 for w in words):
                    out += bytes.fromhex("".join(words))
        return bytes(out)


def _tell_skipped(kept):
    """ctest counts a file of tests as passed though one of them was skipped: what was, and why, is kept for scripts/check to tell."""
    add_skip = unittest.TextTestResult.addSkip

    def tell(result, test, reason):
        with open(kept, "a", encoding="utf-8") as f:
            f.write(f"{test.id().removeprefix('__main__.')}: {reason}\n")
        add_skip(result, test, reason)

    unittest.TextTestResult.addSkip = tell


if os.environ.get("LATCHKEY_SKIPPED"):
    _tell_skipped(os.environ["LATCHKEY_SKIPPED"])


class TestCase(unittest.TestCase):
    """A test with a temporary directory, and things that are undone after it."""

    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="latchkey-test-")
        self.addCleanup(shutil.rmtree, self.tmp, True)

    def path(self, *parts):
        return os.path.join(self.tmp, *parts)

    def swtpm(self, name="tpm", **options):
        tpm = Swtpm(self.path(name), **options)
        self.addCleanup(tpm.stop)
        return tpm.start()

    def write(self, name, data):
        with open(self.path(name), "wb" if isinstance(data, bytes) else "w") as f:
            f.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()
