# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The latch against a software TPM, by real runs that map nothing: device-mapper is
hidden from them, and they have a /run of their own."""
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import time

import luks2
import proxy
import rig
import volume

PASSPHRASE = bytes(range(1, 65))
# Event log out, then the program's own exit code.
ALONE = ("mount -t tmpfs none /run; ! [ -e /dev/mapper/control ] || "
         "mount --bind /dev/null /dev/mapper/control; mount --bind /dev/null /dev/console; "
         "\"$@\" </dev/null; code=$?; "
         "cat /run/log/systemd/tpm2-measure.log 2>/dev/null; "
         "! [ -e /run/latchkey/pcrs.json ] || cp /run/latchkey/pcrs.json $SEEN; exit $code")


def extended(value, digest):
    return hashlib.sha256(value + digest).digest()


class Latch(volume.Sealed):
    def run_unseal(self, *args, tcti=None, policy=None):
        done = rig.run(["env", "SEEN=" + self.path("seen.json"), "unshare", "--mount", "sh", "-c", ALONE, "sh",
                        rig.program("latchkey-unseal"), "--policy", policy or self.policy,
                        "--signed", self.signed, "--tpm", tcti or self.tpm.tcti, *args])
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def pcr15(self):
        text = self.tpm.tool("tpm2_pcrread", "sha256:15").stdout.decode()
        return bytes.fromhex(re.search("0x(.*)", text)[1])

    def test_what_is_measured_is_what_systemd_measures_for_the_volume_key(self):
        code, log, said = self.run_unseal()
        self.assertEqual(code, 11, said)  # unsealed, latched, and then no device-mapper
        uuid = rig.run(["cryptsetup", "luksUUID", self.disk], check=0).stdout.decode().strip()
        text = f"cryptsetup:lktest:{uuid}"
        digest = hmac.new(self.key, text.encode(), hashlib.sha256).digest()
        closed = hashlib.sha256(b"latchkey:closed").digest()
        self.assertEqual(self.pcr15(), extended(extended(bytes(32), closed), digest))
        self.assertEqual(log[0], "\x1e")
        first, record = (json.loads(part) for part in log[1:].split("\x1e"))
        self.assertEqual((first["digests"][0]["digest"], first["content"]["string"]),
                         (closed.hex(), "latchkey:closed"))
        self.assertNotIn("eventType", first["content"])
        self.assertEqual(record["pcr"], 15)
        self.assertEqual(record["digests"], [{"hashAlg": "sha256", "digest": digest.hex()}])
        self.assertEqual(record["content_type"], "systemd")
        self.assertEqual((record["content"]["string"], record["content"]["eventType"]),
                         (text, "volume-key"))
        self.assertRegex(record["content"]["bootId"], "^[0-9a-f]{32}$")

    def test_nothing_is_unsealed_twice_in_a_boot(self):
        self.run_unseal()
        code, _, said = self.run_unseal("--dry-run")
        self.assertEqual(code, 5)
        self.assertIn("PCR 15 (the latch", said)
        self.tpm.restart()
        self.assertEqual(self.run_unseal("--dry-run")[0], 0)

    def test_a_refusal_closes_it_too(self):
        volume.luks_file(self, b"known to the thief")
        code, log, said = self.run_unseal()
        self.assertEqual(code, 10, said)
        self.assertIn("latchkey:closed", log)
        self.assertNotEqual(self.pcr15(), bytes(32))

    def test_the_diagnosis_shows_the_values_from_before_it_closed(self):
        self.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
        _, _, said = self.run_unseal()
        self.assertIn("PCR 7 (", said)
        self.assertNotIn("PCR 15 (", said)
        self.assertNotEqual(self.pcr15(), bytes(32))

    def test_the_values_that_were_refused_can_be_signed_as_they_were_kept(self):
        self.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
        code, _, said = self.run_unseal()
        self.assertEqual(code, 5)
        self.assertIn("/run/latchkey/pcrs.json", said)
        self.signed = self.path("new.yaml")
        rig.run([rig.program("latchkey"), "policy", "sign", "--policy", self.policy, "--key",
                 self.owner.key, "--pcr-values", self.path("seen.json"), "--version", "1",
                 "-o", self.signed], check=0)
        self.tpm.restart()
        self.tpm.tool("tpm2_pcrextend", "7:sha256=" + "2a" * 32)
        self.assertEqual(self.run_unseal("--dry-run")[0], 0)

    def test_a_dry_run_leaves_it_open(self):
        self.assertEqual(self.run_unseal("--dry-run")[0], 0)
        self.assertEqual(self.pcr15(), bytes(32))

    def test_work_on_the_disks_parameters_begins_after_it_closed(self):
        """The latch is closed before a keyslot is opened: long or deadly work there finds
        a TPM that unseals no more."""
        luks2.change(self.disk, lambda d: d["keyslots"]["0"]["kdf"].update(iterations=20000000))
        p = proxy.Proxy(self, self.tpm)
        argv = ["unshare", "--mount", "sh", "-c", ALONE, "sh", rig.program("latchkey-unseal"),
                "--policy", self.policy, "--signed", self.signed, "--tpm", p.tcti]
        running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(running.wait)
        self.addCleanup(os.killpg, running.pid, signal.SIGKILL)
        for _ in range(3000):
            if p.names[-1:] == ["PCR_Event"] or running.poll() is not None:
                break
            time.sleep(0.01)
        self.assertIsNone(running.poll(), "it was over before the keyslot cost anything")
        self.assertEqual((p.names.count("PCR_Event"), p.names.count("PCR_Extend")), (1, 0))

    def test_a_malformed_file_beside_a_good_one_is_passed_over(self):
        os.mkdir(self.path("many"))
        os.mkdir(self.path("many/folder"))
        os.rename(self.signed, self.path("many/good.yaml"))
        self.write("many/bad.yaml", "latchkey-signed-policy: [")
        self.signed = self.path("many")
        code, _, said = self.run_unseal()
        self.assertEqual(code, 11, said)
        self.assertRegex(said, r"bad.yaml: \d+:\d+: .*passed over")

    def test_a_malformed_file_alone_ends_with_the_latch_closed(self):
        self.signed = self.write("bad.yaml", "latchkey-signed-policy: [")
        code, _, said = self.run_unseal()
        self.assertEqual(code, 5, said)
        self.assertIn("bad.yaml:", said)
        self.assertNotEqual(self.pcr15(), bytes(32))

    def test_beside_a_typed_key_no_volume_is_opened_by_the_tpm(self):
        thief, _ = volume.luks_file(self, b"known to the thief", "thief.img")
        self.owner.seal(self.tpm, b"y" * 96, "0x8100a002")
        entry = "  - name: {}\n    device: {}\n    handle: {}\n"
        policy = self.owner.policy(self.disk, top="on-failure: prompt\n", volumes=(
            entry.format("data", self.disk, volume.SEALED) +
            entry.format("root", thief, "0x8100a002")))
        code, _, said = self.run_unseal(policy=policy)
        self.assertEqual(code, 10, said)
        self.assertIn("data: not opened: the TPM would open it, but the key of root", said)
        self.assertNotIn("mapping data", said)

    def test_a_tpm_that_does_not_extend_opens_nothing(self):
        def refuse(name, _):
            return proxy.response(0x101) if name == "PCR_Event" else None
        code, _, said = self.run_unseal(tcti=proxy.Proxy(self, self.tpm, refuse).tcti)
        self.assertEqual(code, 12, said)
        self.assertIn("nothing is opened: the latch (PCR 15) can't be closed", said)

    def test_without_a_latch_nothing_is_extended(self):
        owner = volume.Owner(self, latch="none", name="open")
        owner.seal(self.tpm, PASSPHRASE + volume.identity(self.key))
        self.signed = owner.sign(self.tpm)
        code, log, _ = self.run_unseal(policy=owner.policy(self.disk))
        self.assertEqual((code, log), (11, ""))
        self.assertEqual(self.pcr15(), bytes(32))

    def test_two_volumes_are_both_unsealed_before_it_closes(self):
        second, key = volume.luks_file(self, PASSPHRASE, "second.img")
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(key), "0x8100a002")
        entry = "  - name: {}\n    device: {}\n    handle: {}\n"
        policy = self.owner.policy(self.disk, volumes=entry.format("one", self.disk, volume.SEALED) +
                                   entry.format("two", second, "0x8100a002"))
        p = proxy.Proxy(self, self.tpm)
        code, log, said = self.run_unseal(policy=policy, tcti=p.tcti)
        self.assertEqual(code, 11, said)
        self.assertEqual([n for n in p.names if n in ("StartAuthSession", "Unseal", "PCR_Event", "PCR_Extend")],
                         ["StartAuthSession", "Unseal", "StartAuthSession", "Unseal", "PCR_Event", "PCR_Extend", "PCR_Extend"])
        self.assertEqual(log.count("\x1e"), 3)


if __name__ == "__main__":
    rig.unittest.main()
