# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what is measured on the host: one software TPM and one LUKS2 volume that Latchkey, systemd, clevis and a script can each open."""

import base64
import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import cache
import peers
import rig
import volume

PCRS = "0,7,10,15"
IDENTITY = 32  # of the volume key, sealed behind the passphrase
QUIET = ("--log", "level=0")  # rig has swtpm log what crosses, which takes time


class Scene:
    """Everything lies in a folder of the peers' tree, so that it has the same name inside: `inside`."""

    def __init__(self, out):
        self.root = peers.tree()
        self.tmp = tempfile.mkdtemp(prefix="latchkey-bench-", dir=self.root / "var/tmp")
        self.inside = "/" + str(Path(self.tmp).relative_to(self.root))
        out.callback(shutil.rmtree, self.tmp, True)
        for name in ("latchkey", "latchkey-provision", "latchkey-unseal", "luks_open"):
            shutil.copy(peers.programs() / name, self.tmp)
        self.static = peers.static_programs()
        if self.static:
            shutil.copy(self.static / "testing/latchkey-unseal", self.path("static-unseal"))
        shutil.copy(peers.HERE / "peers/tpm2-tools.sh", self.tmp)
        cache.run("cc", "-O2", "-static", "-o", self.path("measure"), peers.HERE / "measure.c")
        self.tpm = rig.Swtpm(self.path("tpm"), banks="sha256").start(*QUIET)
        out.callback(self.tpm.stop)
        volume.prepare_tpm(self.tpm)
        self._format()
        self._script_files()
        self._enroll_systemd()
        self._enroll_clevis()
        self.has_ticket = self._learn()

    # What volume.Owner wants of a test.

    def path(self, *parts):
        return os.path.join(self.tmp, *parts)

    def write(self, name, data):
        Path(self.path(name)).write_bytes(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def read(self, name):
        return Path(self.path(name)).read_bytes()

    def enter(self, *argv, **options):
        """A program inside the tree; a relative name is our folder's."""
        program, *rest = [str(a) for a in argv]
        program = program if "/" in program else f"{self.inside}/{program}"
        return cache.run("chroot", self.root, program, *rest, **options)

    def has(self, name):
        return f"{self.inside}/{name}"

    # Latchkey's way in.

    def _format(self):
        """By latchkey-provision; the owner's key and policies are by openssl and stock tools, as in the tests."""
        self.owner = volume.Owner(self, "p384", ref="latchkey:luks")
        for name in ("plain", "ticket"):
            self.owner.policy(self.has(f"{name}.img"), f"{name}.yaml", volumes=(
                f"  - name: lkbench\n    device: {self.has(name + '.img')}\n    handle: {volume.SEALED}\n"))
        with open(self.path("plain.img"), "wb") as file:
            file.truncate(33 << 20)
        self.enter("latchkey-provision", "format", "--policy", self.has("plain.yaml"), "--volume", "lkbench", "--no-recovery-key",
                   "--tpm", self.tpm.tcti)
        self.signed = self.owner.sign(self.tpm)
        self.enter("latchkey-provision", "policy", "add", "--policy", self.has("plain.yaml"), "--volume", "lkbench", "--tpm", self.tpm.tcti,
                   self.has("signed.yaml"))

    def _learn(self):
        """A second copy of the volume, with what a boot that took the long way teaches. False where this Latchkey can't."""
        shutil.copy(self.path("plain.img"), self.path("ticket.img"))
        os.mkdir(self.path("learned"))
        try:
            self.enter("latchkey-unseal", "--policy", self.has("ticket.yaml"), "--dry-run", "--learn", self.has("learned"), "--tpm", self.tpm.tcti)
            self.enter("latchkey-provision", "remember", "--policy", self.has("ticket.yaml"), "--learned", self.has("learned"))
        except RuntimeError as error:
            print(f"no ticket: {error}", file=peers.sys.stderr)
            return False
        return True

    # The script's.

    def _script_files(self):
        os.mkdir(self.path("script"))
        text = self.read("signed.yaml").decode()
        approved = bytes.fromhex(re.search("^digest: ([0-9a-f]+)", text, re.M)[1])
        for name, data in {"approved": approved, "signed": approved + self.owner.ref.encode(), "ref": self.owner.ref.encode(),
                           "signature": self.read("sig.der"), "operand": (1).to_bytes(8, "big"),
                           "policy-key.pem": self.read("owner.pub.pem")}.items():
            self.write(f"script/{name}", data)
        payload = self.unseal_by_script()
        self.write("passphrase", payload[:-IDENTITY])

    def unseal_by_script(self):
        done = rig.run(["chroot", self.root, "env", f"TPM2TOOLS_TCTI={self.tpm.tcti}", self.has("tpm2-tools.sh"), self.has("script")], check=0)
        return done.stdout

    # systemd's: the same PCRs, signed. Its keys are RSA.

    def _enroll_systemd(self):
        key, pub = self.path("systemd.pem"), self.path("systemd.pub.pem")
        rig.run(["openssl", "genrsa", "-out", key, "2048"], check=0)
        rig.run(["openssl", "rsa", "-in", key, "-pubout", "-out", pub], check=0)
        self.tpm.tool("tpm2_startauthsession", "-S", self.path("s.ctx"), "-g", "sha256")
        self.tpm.tool("tpm2_policypcr", "-S", self.path("s.ctx"), "-l", f"sha256:{PCRS}", "-L", self.path("pol"))
        self.tpm.tool("tpm2_flushcontext", self.path("s.ctx"))
        rig.run(["openssl", "dgst", "-sha256", "-sign", key, "-out", self.path("pol.sig"), self.path("pol")], check=0)
        der = rig.run(["openssl", "rsa", "-pubin", "-in", pub, "-RSAPublicKey_out", "-outform", "DER"], check=0).stdout
        self.write("tpm2-pcr-signature.json", json.dumps({"sha256": [{
            "pcrs": [int(n) for n in PCRS.split(",")], "pkfp": hashlib.sha256(der).hexdigest(), "pol": self.read("pol").hex(),
            "sig": base64.b64encode(self.read("pol.sig")).decode()}]}))
        self.enter("/usr/bin/systemd-cryptenroll", f"--unlock-key-file={self.has('passphrase')}", f"--tpm2-device={self.tpm.tcti}",
                   "--tpm2-pcrs=", f"--tpm2-public-key={self.has('systemd.pub.pem')}", f"--tpm2-public-key-pcrs={PCRS.replace(',', '+')}",
                   f"--tpm2-signature={self.has('tpm2-pcr-signature.json')}", self.has("plain.img"))

    # clevis's: the same PCRs, unsigned, for it knows no signed policies.

    def _enroll_clevis(self):
        pin = json.dumps({"pcr_bank": "sha256", "pcr_ids": PCRS})
        self.enter("/usr/bin/env", f"TPM2TOOLS_TCTI={self.tpm.tcti}", "clevis", "luks", "bind", "-y", "-k", self.has("passphrase"), "-d",
                   self.has("plain.img"), "tpm2", pin)

    def static_sizes(self):
        """Bytes of the static program as released, and with zstd -19."""
        if not self.static:
            return None
        program = self.static / "release/latchkey-unseal"
        packed = rig.run(["zstd", "-19", "-q", "-c", program], check=0).stdout
        return [program.stat().st_size, len(packed)]
