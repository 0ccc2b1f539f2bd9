# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns how each contender is run on the host, once: for its time, for what it sends to the TPM, and for its processes."""

import re
import statistics
from dataclasses import dataclass
from pathlib import Path

import peers
import rig
import tpm_proxy

CLEVIS_SLOT = "2"


@dataclass(frozen=True)
class Contender:
    key: str
    title: str
    policy: str
    argv: tuple  # {} is the TCTI
    env: bool = False  # the TCTI is in the environment
    code: int = 0
    manager: bool = True  # in use it talks to /dev/tpmrm0


def contenders(scene):
    """Those that can be run here, ours first."""
    unseal = ("--dry-run", "--quiet", "--timing", "--tpm", "{}")
    found = [Contender("long", "Latchkey, first boot", "signed", (scene.has("latchkey-unseal"), "--policy", scene.has("plain.yaml"), *unseal), manager=False)]
    if scene.has_ticket:
        found.append(Contender("ticket", "Latchkey, ticket", "signed", (scene.has("latchkey-unseal"), "--policy", scene.has("ticket.yaml"), *unseal),
                               manager=False))
    if scene.static:
        found.append(Contender("static", "Latchkey static, first boot", "signed",
                               (scene.has("static-unseal"), "--policy", scene.has("plain.yaml"), *unseal), manager=False))
        if scene.has_ticket:
            found.append(Contender("static-ticket", "Latchkey static, ticket", "signed",
                                   (scene.has("static-unseal"), "--policy", scene.has("ticket.yaml"), *unseal), manager=False))
    # It ends where it asks for device-mapper, which isn't there: before its keyslot.
    found.append(Contender("systemd", "systemd-cryptsetup", "signed", (
        "/usr/bin/systemd-cryptsetup", "attach", "lkbench", scene.has("plain.img"), "-",
        f"tpm2-device={{escaped}},tpm2-signature={scene.has('tpm2-pcr-signature.json')},headless=yes"), code=1))
    found.append(Contender("clevis", "clevis luks pass", "unsigned", (
        "/usr/bin/clevis", "luks", "pass", "-d", scene.has("plain.img"), "-s", CLEVIS_SLOT), env=True))
    for key, title, more in (("script", "tpm2-tools script", ()), ("script-encrypted", "tpm2-tools script, encrypted", ("--encrypted",))):
        found.append(Contender(key, title, "signed", (scene.has("tpm2-tools.sh"), *more, scene.has("script")), env=True))
    return found


def _step(said, what):
    """Milliseconds of a step that --timing tells."""
    return sum(float(ms) for ms in re.findall(rf"^timing: +([\d.]+) ms  .*{what}", said, re.M))


class Runner:
    """Runs contenders of one scene."""

    def __init__(self, scene):
        self.scene = scene
        self.result = scene.path("result")

    def _argv(self, contender, port):
        tcti = f"swtpm:host=127.0.0.1,port={port}"
        argv = [a.replace("{escaped}", tcti.replace(",", "\\,")).replace("{}", tcti) for a in contender.argv]
        env = ["/usr/bin/env", f"TPM2TOOLS_TCTI={tcti}"] if contender.env else []
        return [*env, *argv]

    def _run(self, argv):
        return rig.run(argv, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}, check=0)

    def once(self, contender, port=None):
        """One run: ms to the passphrase and wall ms to the end, largest resident KiB, CPU ms, and ms that the keyslot and the header took.

        Latchkey's run goes on to the keyslot, which its --timing tells: that isn't counted to the passphrase, nor by the others.
        """
        said = self._run([self.scene.path("measure"), self.result, self.scene.root, *self._argv(contender, port or self.scene.tpm.port)]).stderr.decode()
        code, ms, kib, cpu = Path(self.result).read_text().split()
        if int(code) != contender.code:
            raise RuntimeError(f"{contender.title}: exit {code}, not {contender.code}\n{said}")
        keyslot, header = _step(said, "keyslot opened"), _step(said, "header and token read")
        return {"ms": float(ms) - keyslot, "wall": float(ms), "kib": int(kib), "cpu": float(cpu), "keyslot": keyslot, "header": header}

    def traffic(self, contender, profile=None, manager=False, runs=1):
        """Through the proxy: its counts, and the median of the times to the passphrase."""
        times = []
        with tpm_proxy.TpmProxy(self.scene.tpm.port, profile, manager) as proxy:
            for _ in range(runs):
                proxy.counts.reset()
                times.append(self.once(contender, proxy.port)["ms"])
                proxy.end_program()
            return proxy.counts, statistics.median(times)

    def luks(self, everybody, runs):
        """Header and keyslot, ours by --timing and libcryptsetup's alone by luks_open: medians of runs in turns."""
        ours = [c for c in everybody if not c.manager]
        seen = {c.key: [] for c in ours} | {"bare": []}
        for _ in range(runs):
            for c in ours:
                run = self.once(c)
                seen[c.key].append((run["header"], run["keyslot"]))
            done = rig.run(["chroot", self.scene.root, self.scene.has("luks_open"), self.scene.has("plain.img"), "0"],
                           stdin=self.scene.read("passphrase"), check=0)
            seen["bare"].append(tuple(float(n) for n in done.stdout.split()))
        return {key: [statistics.median(column) for column in zip(*pairs)] for key, pairs in seen.items()}

    def processes(self, contender):
        """How many processes there were, by strace inside the tree."""
        trace = self.scene.has("trace")
        rig.run(["chroot", self.scene.root, "/usr/bin/strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork", "-e", "signal=none",
                 "-o", trace, *self._argv(contender, self.scene.tpm.port)], check=contender.code)
        text = self.scene.read("trace").decode(errors="replace")
        # What another process interrupts stands on two lines.
        forks = [line for line in text.splitlines() if re.search(r"(clone3?|v?fork)(\(| resumed).*= \d+$", line)]
        threads = sum("CLONE_THREAD" in line for line in text.splitlines())
        return 1 + len(forks) - threads
