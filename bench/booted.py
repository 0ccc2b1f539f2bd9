# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the figures of a booted Debian 13 machine: from exec to mapped volume, Latchkey and systemd-cryptsetup in turns, same PCRs, same boot.

The machine is emulated, with a TPM 2.0 (CRB) behind the kernel's driver, so only figures beside each other mean something.
There is no latch in the repeated runs, which would allow one only; one run with it comes last.
"""

import base64
import hashlib
import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import cache
import images
import kits
import peers
from machine import Machine

DISTRO = "debian13"
RUNS = 10
PCRS = (0, 7, 10)
PEER = ("latchkey", "systemd-cryptsetup", "systemd-cryptenroll", "dmsetup", "/usr/lib/*/cryptsetup/libcryptsetup-token-systemd-tpm2.so")
TITLES = {"long": "Latchkey, first boot", "ticket": "Latchkey, ticket", "static": "Latchkey static, first boot", "static-ticket": "Latchkey static, ticket",
          "systemd": "systemd-cryptsetup attach", "latched": "Latchkey, first boot, latch closed"}
SCRIPT = r"""
set -e
chmod 600 policy-key.pem
chmod 755 measure
latchkey-provision install --policy-key policy-key.pub.pem --config-key config-key.bin --record out/record.json --recipient recipient.pem \
    --owner-auth owner-auth --lockout-auth lockout-auth
ours=$(disk root); theirs=$(disk peer)
latchkey-provision format --policy latched.yaml --volume root --device $ours --no-recovery-key --owner-auth owner-auth
latchkey-provision pcrs > pcrs
for policy in latched unlatched; do
    latchkey policy sign --policy $policy.yaml --key policy-key.pem --pcr-values pcrs --version 1 -o $policy.signed
done
printf peer > key
chmod 600 key
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --cipher aes-xts-plain64 --key-size 512 \
    --sector-size 4096 --key-file key $theirs
cat pcrs
echo PCRS-END
read -r signature
echo "$signature" > signature.json
systemd-cryptenroll --unlock-key-file=key --tpm2-device=/dev/tpmrm0 --tpm2-pcrs= --tpm2-public-key=systemd.pub.pem --tpm2-public-key-pcrs=0+7+10 \
    --tpm2-signature=signature.json $theirs

once() {
    name=$1 map=$2; shift 2
    ./measure result / "$@"
    read -r code ms rest < result
    echo "BENCH $name $code $ms"
    if [ $code != 0 ]; then "$@"; return 1; fi
    if [ $map != - ]; then cryptsetup close $map; fi
}
unseal=$(which latchkey-unseal)
ours_is() {  # program name
    once $2 root $1 --policy /ctl/unlatched.yaml --quiet
}
latchkey-provision policy add --policy unlatched.yaml --volume root --device $ours unlatched.signed
dd if=$ours of=fresh bs=256k count=1 2>/dev/null
mkdir learned
latchkey-unseal --policy unlatched.yaml --dry-run --learn learned --quiet
latchkey-provision remember --policy unlatched.yaml --learned learned
dd if=$ours of=remembers bs=256k count=1 2>/dev/null
have_static=
if [ -e static-unseal ]; then have_static=1; chmod 755 static-unseal; fi
i=0
while [ $i -lt RUNS ]; do
    dd if=fresh of=$ours bs=256k conv=notrunc 2>/dev/null; sync
    ours_is $unseal long
    [ ! "$have_static" ] || ours_is /ctl/static-unseal static
    dd if=remembers of=$ours bs=256k conv=notrunc 2>/dev/null; sync
    ours_is $unseal ticket
    [ ! "$have_static" ] || ours_is /ctl/static-unseal static-ticket
    once systemd peer $(which systemd-cryptsetup) attach peer $theirs - tpm2-device=/dev/tpmrm0,tpm2-signature=/ctl/signature.json,headless=yes
    i=$((i + 1))
done
once latched root $unseal --policy /ctl/latched.yaml --signed /ctl/latched.signed --quiet
"""


def public_key(key):
    return subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], stdout=subprocess.PIPE, check=True).stdout


def sign_for_systemd(values, key, pcrs=PCRS):
    """systemd's JSON of a signature over these PCR values; the policy by the specification: part 3, PolicyPCR."""
    pcr_digest = hashlib.sha256(b"".join(values[n] for n in pcrs)).digest()
    mask = sum(1 << n for n in pcrs).to_bytes(3, "little")
    selection = (1).to_bytes(4, "big") + (0x0B).to_bytes(2, "big") + b"\3" + mask
    policy = hashlib.sha256(bytes(32) + (0x17F).to_bytes(4, "big") + selection + pcr_digest).digest()
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=policy, stdout=subprocess.PIPE, check=True).stdout
    der = subprocess.run(["openssl", "rsa", "-in", key, "-RSAPublicKey_out", "-outform", "DER"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return json.dumps({"sha256": [{"pcrs": list(pcrs), "pkfp": hashlib.sha256(der).hexdigest(), "pol": policy.hex(),
                                   "sig": base64.b64encode(signature).decode()}]})


def control(folder, runs):
    """Files for the machine, by name."""
    kit = kits.Kit(DISTRO, "plain", volumes=(kits.Volume(by_path="/dev/vdb"),))
    policy, key = kit.policy(), folder / "systemd.pem"
    cache.run("openssl", "genrsa", "-out", key, "2048")
    cache.run("cc", "-O2", "-static", "-o", folder / "measure", peers.HERE / "measure.c")
    files = {"main.sh": SCRIPT.replace("RUNS", str(runs)), "latched.yaml": policy, "unlatched.yaml": re.sub("^latch: .*", "latch: none", policy, flags=re.M),
             "owner-auth": "owner of the tests\n", "lockout-auth": "end of lockout\n", "measure": (folder / "measure").read_bytes(),
             "systemd.pub.pem": public_key(key)}
    for name in ("policy-key.pem", "policy-key.pub.pem", "config-key.bin", "recipient.pem"):
        files[name] = (kits.keys(DISTRO) / name).read_bytes()
    static = peers.static_programs()
    if static:
        files["static-unseal"] = (static / "release/latchkey-unseal").read_bytes()
    return files


def measure(runs=RUNS):
    """A list of figures for report.py."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        folder = Path(folder)
        files = control(folder, runs)
        machine = Machine.create(folder / "machine", {"root": 33, "peer": 33})
        kernel, initrd = images.kernel(DISTRO), images.factory(DISTRO, PEER)
        cache.say("a booted machine: exec to mapped volume")
        with machine.boot(kernel=kernel, initrd=initrd, control=files, disks=["root", "peer"]) as boot:
            pcrs = boot.expect(r"((?:.*\n)+?)PCRS-END", 300)[1]
            values = {int(n): bytes.fromhex(value) for n, value in re.findall(r"\b(\d+) *: *(?:0x)?([0-9A-Fa-f]{64})\b", pcrs)}
            boot.type(sign_for_systemd(values, folder / "systemd.pem") + "\n")
            if boot.expect(r"FACTORY-EXIT (\d+)\n", 600)[1] != "0":
                raise RuntimeError(boot.console[-4000:])
    seen = {}
    for name, code, ms in re.findall(r"^BENCH (\S+) (\d+) ([\d.]+)$", boot.console, re.M):
        seen.setdefault(name, []).append(float(ms))
    systemd = statistics.median(seen["systemd"])
    return [{"key": name, "title": TITLES[name], "from": "exec", "to": "mapped", "ms": statistics.median(times), "least": min(times), "runs": len(times),
             "systemd": systemd} for name, times in seen.items()]
