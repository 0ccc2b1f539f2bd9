# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns making what Latchkey opens with stock tools alone: keys, policies, sealed
objects and LUKS2 files by openssl, tpm2-tools and cryptsetup."""
import hashlib
import hmac
import os
import re
import struct

import rig

FLOOR = "0x018a0001"
SEALED = "0x8100a001"
ROOT = "0x81000001"
CURVES = {"p384": ("secp384r1", "sha384", "ecc384:ecdsa-sha384"),
          "p256": ("prime256v1", "sha256", "ecc256:ecdsa-sha256")}


def reference(name, *, bank="sha256", pcrs="0,7,10", latch="15", floor=FLOOR):
    """The policyRef of format 2, as latchkey-policy(5) says: of the name and what is selected."""
    listed = ",".join(str(n) for n in sorted(int(p) for p in pcrs.split(",")))
    line = f"bank={bank} pcrs={listed} latch={latch} floor={floor}"
    return f"{name}:{hashlib.sha256(line.encode()).hexdigest()[:16]}"


class Owner:
    """A policy key of openssl's making, and a policy file around it."""

    def __init__(self, test, curve="p384", *, pcrs="0,7,10", latch="15", floor=FLOOR,
                 ref="latchkey:luks", bank="sha256", name="owner", form=2):
        """@ref: what policy-ref says; in format 2 the reference is made of it."""
        self.test, self.curve, self.name, self.form, self.ref_name = test, curve, name, form, ref
        self.group, self.hash, self.scheme = CURVES[curve]
        self.pcrs, self.latch, self.floor, self.bank = pcrs, latch, floor, bank
        self.ref = ref if form == 1 else reference(ref, bank=bank, pcrs=pcrs, latch=latch, floor=floor)
        self.key = test.path(name + ".pem")
        self.pub = test.path(name + ".pub.pem")
        rig.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                 f"ec_paramgen_curve:{self.group}", "-out", self.key], check=0)
        rig.run(["openssl", "pkey", "-in", self.key, "-pubout", "-out", self.pub], check=0)

    def all_pcrs(self):
        return self.pcrs if self.latch == "none" else f"{self.pcrs},{self.latch}"

    def policy(self, device, name="policy.yaml", *, volume="", top="", volumes=None):
        """Writes a policy file; volume and top are further YAML lines."""
        with open(self.pub) as f:
            pem = "".join("  " + line for line in f)
        text = (f"latchkey-policy: {self.form}\npolicy-key: |\n{pem}policy-ref: \"{self.ref_name}\"\n"
                f"bank: {self.bank}\npcrs: [{self.pcrs}]\nlatch: {self.latch}\n"
                f"version-floor: {self.floor}\n")
        for key, value in {"on-failure": "fail", "timeout-tpm": "1", "timeout-device": "0"}.items():
            if key + ":" not in top:
                text += f"{key}: {value}\n"
        text += top + "volumes:\n"
        text += volumes or (f"  - name: lktest\n    device: {device}\n    handle: {SEALED}\n"
                            f"    cipher: aes-xts-plain64\n    key-size: 512\n{volume}")
        return self.test.write(name, text)

    def approved(self, tpm, version=1):
        """The approved policy's digest, by the TPM's own trial session."""
        t = self.test
        tpm.tool("tpm2_startauthsession", "-S", t.path("s.ctx"), "-g", self.hash)
        tpm.tool("tpm2_policypcr", "-S", t.path("s.ctx"), "-l", f"{self.bank}:{self.all_pcrs()}",
                 "-L", t.path("approved"))
        if self.floor != "none":
            tpm.tool("tpm2_policynv", "-S", t.path("s.ctx"), "-L", t.path("approved"), "-i", "-",
                     "-C", self.floor, self.floor, "ule", stdin=struct.pack(">Q", version))
        tpm.tool("tpm2_flushcontext", t.path("s.ctx"))
        return t.read("approved")

    def sign(self, tpm, name="signed.yaml", *, version=1, label="by hand", key=None):
        """A signed policy over the PCRs as they are now, without any code of ours."""
        t = self.test
        approved = self.approved(tpm, version)
        t.write("tbs", approved + self.ref.encode())
        rig.run(["openssl", "dgst", f"-{self.hash}", "-sign", key or self.key, "-out",
                 t.path("sig.der"), t.path("tbs")], check=0)
        values = tpm.tool("tpm2_pcrread", f"{self.bank}:{self.all_pcrs()}").stdout.decode()
        pcrs = dict(re.findall(r"(\d+) *: 0x([0-9A-Fa-f]+)", values))
        lines = ["latchkey-signed-policy: 1", f'label: "{label}"']
        if self.floor != "none":
            lines.append(f"version: {version}")
        lines += [f'policy-ref: "{self.ref}"', f"bank: {self.bank}", "pcrs:"]
        lines += [f"  {n}: {v.lower()}" for n, v in pcrs.items()]
        lines += [f"version-floor: {self.floor}", f"digest: {approved.hex()}",
                  f"key: {self.key_name(tpm)}",
                  f"signature: {raw_signature(t.read('sig.der'), len(approved)).hex()}"]
        return t.write(name, "\n".join(lines) + "\n")

    def key_name(self, tpm):
        t = self.test
        tpm.tool("tpm2_loadexternal", "-C", "o", "-G", self.scheme, "-g", self.hash, "-u", self.pub,
                 "-c", t.path("key.ctx"), "-n", t.path("key.name"))
        tpm.tool("tpm2_flushcontext", "-t")
        return t.read("key.name").hex()

    def authorize_digest(self, tpm):
        """The sealed object's authPolicy, by a trial session."""
        t = self.test
        self.key_name(tpm)
        t.write("ref", self.ref)
        tpm.tool("tpm2_startauthsession", "-S", t.path("s.ctx"), "-g", self.hash)
        ref = ["-q", t.path("ref")] if self.ref else []
        tpm.tool("tpm2_policyauthorize", "-S", t.path("s.ctx"), "-L", t.path("authorize"),
                 "-n", t.path("key.name"), *ref)
        tpm.tool("tpm2_flushcontext", t.path("s.ctx"))
        return t.path("authorize")

    def seal(self, tpm, data, handle=SEALED):
        """Seals under PolicyAuthorize and makes it persistent."""
        t = self.test
        policy = self.authorize_digest(tpm)
        tpm.tool("tpm2_create", "-C", ROOT, "-g", self.hash, "-L", policy, "-i", "-",
                 "-a", "fixedtpm|fixedparent|noda|adminwithpolicy", "-u", t.path("o.pub"),
                 "-r", t.path("o.priv"), stdin=data)
        tpm.tool("tpm2_load", "-C", ROOT, "-u", t.path("o.pub"), "-r", t.path("o.priv"),
                 "-c", t.path("o.ctx"))
        tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", handle, check=None)
        tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", t.path("o.ctx"), handle)
        tpm.tool("tpm2_flushcontext", "-t")


def raw_signature(der, size):
    """r || s of an ECDSA-Sig-Value."""
    out, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(size, "big")
        at += 2 + length
    return out


def prepare_tpm(tpm, floor=1):
    """Storage root key and version floor, as provisioning leaves them."""
    directory = tpm.dir
    ctx = os.path.join(directory, "srk.ctx")
    tpm.tool("tpm2_createprimary", "-C", "o", "-G", "ecc", "-g", "sha256", "-c", ctx)
    tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", ctx, ROOT)
    tpm.tool("tpm2_flushcontext", "-t")
    tpm.tool("tpm2_nvdefine", FLOOR, "-C", "o", "-g", "sha256",
             "-a", "nt=counter|authread|ownerread|authwrite|ownerwrite|no_da")
    for _ in range(floor):
        tpm.tool("tpm2_nvincrement", "-C", FLOOR, FLOOR)


def luks_file(test, passphrase, name="disk.img", *, size=32, options=()):
    """A LUKS2 header in a plain file; returns path and volume key."""
    path = test.path(name)
    with open(path, "wb") as f:
        f.truncate(size << 20)
    base = ["cryptsetup", "--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    rig.run([*base, "luksFormat", "--type", "luks2", "--key-size", "512",
             "--sector-size", "512", *options, path,
             "--key-file", "-"], stdin=passphrase, check=0)
    dump = rig.run(["cryptsetup", "--batch-mode", "luksDump", "--dump-volume-key",
                    "--volume-key-file", test.path("vk"), path, "--key-file", "-"],
                   stdin=passphrase, check=0)
    del dump
    key = test.read("vk")
    os.unlink(test.path("vk"))
    return path, key


class Sealed(rig.TestCase):
    """A volume that opens: TPM, disk, owner, policy file and signed policy. A test that needs another passphrase sets its own."""
    passphrase = bytes(range(1, 65))

    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        prepare_tpm(self.tpm)
        self.disk, self.key = luks_file(self, self.passphrase)
        self.owner = Owner(self)
        self.owner.seal(self.tpm, self.passphrase + identity(self.key))
        self.policy = self.owner.policy(self.disk)
        self.signed = self.owner.sign(self.tpm)


def identity(volume_key):
    return hmac.new(volume_key, b"latchkey:volume-identity", hashlib.sha256).digest()
