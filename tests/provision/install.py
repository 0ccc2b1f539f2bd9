# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Install: what it leaves in the TPM and in the record, checked with the stock tools."""
import glob
import hashlib
import json
import os
import re
import unittest

import rig
from device import Device

CONFIG_KEY = "0x8100a000"


def name_of(text):
    return re.search(r"^name: ([0-9a-f]+)", text, re.M).group(1)


class Install(rig.TestCase):
    def test_policy_key_is_in_nv_and_locked_for_good(self):
        dev = Device(self)
        dev.install()
        der = rig.run(["openssl", "pkey", "-pubin", "-in", dev.path("keys", "policy-key.pub.pem"),
                       "-outform", "der"], check=0).stdout
        self.assertEqual(dev.tpm.tool("tpm2_nvread", "-C", "0x018a0000", "0x018a0000").stdout, der)
        public = dev.tpm.tool("tpm2_nvreadpublic", "0x018a0000").stdout.decode()
        self.assertIn("writelocked", public)
        self.assertIn("writedefine", public)
        self.assertNotIn("authwrite", public)
        dev.tpm.restart()
        self.write("other", b"x" * len(der))
        done = dev.tpm.tool("tpm2_nvwrite", "-C", "o", "-P", dev.auth("owner"), "-i",
                            dev.path("other"), "0x018a0000", check=None)
        self.assertNotEqual(done.returncode, 0)

    def check_config_key(self, bits):
        dev = Device(self, config_bits=bits)
        dev.install()
        key = self.read("keys/config-key.bin")
        self.assertEqual(len(key) * 8, bits)
        plain = b"sixteen byte msg"
        self.write("cipher", rig.run(["openssl", "enc", f"-aes-{bits}-cfb", "-K", key.hex(), "-iv",
                                      "00" * 16], stdin=plain, check=0).stdout)
        self.write("iv", bytes(16))
        dev.tpm.tool("tpm2_encryptdecrypt", "-d", "-c", CONFIG_KEY, "-G", "cfb", "-t", dev.path("iv"),
                     "-o", dev.path("plain"), dev.path("cipher"))
        self.assertEqual(self.read("plain"), plain)

    def test_config_key_of_128_bits_decrypts_as_the_file_does(self):
        self.check_config_key(128)

    def test_config_key_of_256_bits_decrypts_as_the_file_does(self):
        self.check_config_key(256)

    def test_config_key_as_sealed_object_unseals(self):
        dev = Device(self)
        dev.install("--config-key-form", "sealed")
        with open(dev.path("keys", "config-key.bin"), "rb") as f:
            self.assertEqual(dev.tpm.tool("tpm2_unseal", "-c", CONFIG_KEY).stdout, f.read())
        self.assertEqual(dev.record()["objects"]["config-key"]["form"], "sealed")
        done = dev.install("--config-key-form", "sealed")
        self.assertIn(b"nothing to do", done.stderr)

    def test_record_has_the_names_that_the_tpm_shows(self):
        dev = Device(self)
        dev.install()
        objects = dev.record()["objects"]
        for key, handle in (("storage-root-key", "0x81000001"), ("config-key", CONFIG_KEY)):
            shown = dev.tpm.tool("tpm2_readpublic", "-c", handle).stdout.decode()
            self.assertEqual(objects[key]["name"], name_of(shown))
            self.assertEqual(objects[key]["handle"], handle)
        for key, index in (("policy-key", "0x018a0000"), ("version-floor", "0x018a0001"),
                           ("sequence-floor", "0x018a0002")):
            shown = dev.tpm.tool("tpm2_nvreadpublic", index).stdout.decode()
            self.assertIn(objects[key]["name"], shown.lower())
        for index in ("0x018a0001", "0x018a0002"):
            value = dev.tpm.tool("tpm2_nvread", "-C", index, index).stdout
            self.assertEqual(int.from_bytes(value, "big"), 1)
        pcrs = dev.tpm.tool("tpm2_pcrread", "sha256:0,7,17").stdout.decode().lower()
        for pcr in ("0", "7", "17"):
            self.assertIn(dev.record()["pcrs"]["sha256"][pcr], pcrs)
        self.assertEqual(os.stat(dev.record_path).st_mode & 0o777, 0o600)

    def test_device_id_is_made_from_the_storage_root_keys_name(self):
        dev = Device(self)
        self.assertEqual(json.loads(dev.provision("status", "--json").stdout)["device-id"], "missing")
        dev.install()
        shown = dev.tpm.tool("tpm2_readpublic", "-c", "0x81000001").stdout.decode()
        wanted = hashlib.sha256(bytes.fromhex(name_of(shown))).hexdigest()
        self.assertEqual(dev.record()["device-id"], wanted)
        self.assertEqual(json.loads(dev.provision("status", "--json").stdout)["device-id"], wanted)
        self.assertRegex(dev.provision("status").stdout.decode(), rf"(?m)^device-id +{wanted}$")

    def test_auths_of_the_record_are_those_of_the_tpm(self):
        dev = Device(self)
        dev.install()
        shown = dev.tpm.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"ownerAuthSet:\s+1")
        self.assertRegex(shown, r"lockoutAuthSet:\s+1")
        self.assertRegex(shown, r"MAX_AUTH_FAIL: 0x20\b")
        self.assertRegex(shown, r"LOCKOUT_INTERVAL: 0x258\b")
        self.assertRegex(shown, r"LOCKOUT_RECOVERY: 0x15180\b")
        self.assertNotEqual(dev.auth("owner"), dev.auth("lockout"))
        dev.tpm.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", dev.auth("lockout"))
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", dev.auth("owner"), "-s", "8", "0x01800001")
        self.assertNotEqual(dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-s", "8", "0x01800002",
                                         check=None).returncode, 0)

    def test_stock_fapi_tools_work_afterwards(self):
        dev = Device(self)
        dev.install()
        self.write("fapi.json", '{"profile_name":"P_ECCP256SHA256",'
                   '"profile_dir":"/etc/tpm2-tss/fapi-profiles/",'
                   f'"user_dir":"{dev.path("fapi/user")}","system_dir":"{dev.path("fapi/system")}",'
                   f'"log_dir":"{dev.path("fapi/log")}","tcti":"{dev.tpm.tcti}",'
                   '"system_pcrs":[],"ek_cert_less":"yes"}')
        env = dict(os.environ, TSS2_FAPICONF=dev.path("fapi.json"))
        self.assertIn(b"/HS/SRK", rig.run(["tss2_list"], env=env, check=0).stdout)
        rig.run(["tss2_createkey", "-p", "HS/SRK/key", "-t", "noda,sign", "-a", ""], env=env, check=0)
        self.assertTrue(glob.glob(dev.path("fapi/user/*/HS/SRK/key")))
        for hierarchy in ("HS", "LOCKOUT"):
            with open(glob.glob(dev.path(f"fapi/system/*/{hierarchy}/object.json"))[0]) as f:
                self.assertRegex(f.read(), r'"with_auth": ?"YES"')

    def test_second_run_has_nothing_to_do_and_changes_nothing(self):
        dev = Device(self)
        dev.install()
        before = self.read("record.json")
        done = dev.install()
        self.assertIn(b"nothing to do", done.stderr)
        self.assertEqual(self.read("record.json"), before)

    def test_other_keys_are_refused_and_nothing_changes(self):
        dev = Device(self)
        dev.install()
        before = self.read("record.json")
        handles = dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout
        rig.run([rig.program("latchkey"), "keygen", dev.path("others")], check=0)
        for option, name in (("--policy-key", "policy-key.pub.pem"), ("--config-key", "config-key.bin")):
            argv = dev.install_argv()
            argv[argv.index(option) + 1] = dev.path("others", name)
            self.assertIn(b"another", dev.provision(*argv, check=13).stderr)
        self.assertEqual(self.read("record.json"), before)
        self.assertEqual(dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout, handles)

    def test_shred_removes_the_key_file(self):
        dev = Device(self)
        dev.install("--shred")
        self.assertFalse(os.path.exists(dev.path("keys", "config-key.bin")))

    def test_without_a_place_for_the_auths_nothing_is_done(self):
        dev = Device(self)
        argv = dev.install_argv()
        at = argv.index("--recipient")
        dev.provision(*argv[:at], *argv[at + 2:], check=2)
        self.assertEqual(dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout, b"")

    def test_wrong_files_are_told_for_what_they_are_not(self):
        dev = Device(self)
        for option, name, data, said in (("--config-key", "key", "x" * 400, b"this is no configuration key, which has 16 or 32 bytes"),
                                         ("--owner-auth", "auth", "x" * 40, b"one line of 1 to 32 bytes is expected"),
                                         ("--lockout-auth", "auth", "x" * 9000, b"one line of 1 to 32 bytes is expected")):
            argv = [a for a in dev.install_argv()]
            if option in argv:
                argv[argv.index(option) + 1] = self.write(name, data)
            else:
                argv += [option, self.write(name, data)]
            self.assertIn(said, dev.provision(*argv, check=3).stderr)
        self.assertIn(b"install --help", dev.provision("install", check=2, device_file=False).stderr)
        self.assertEqual(dev.tpm.tool("tpm2_getcap", "handles-persistent").stdout, b"")
        self.assertIn(f"{dev.record_path} is this device's record".encode(), dev.install().stderr)

    def test_auths_from_files(self):
        dev = Device(self)
        self.write("o", "owner-secret\n")
        self.write("l", "lockout-secret\n")
        argv = dev.install_argv()
        at = argv.index("--recipient")
        argv = argv[:at] + argv[at + 2:] + ["--owner-auth", dev.path("o"), "--lockout-auth", dev.path("l")]
        dev.provision(*argv)
        dev.tpm.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", "lockout-secret")
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-P", "owner-secret", "-s", "8", "0x01800001")
        self.assertNotIn(b"secret", self.read("record.json"))

    def test_a_tpm_of_another_owner_is_refused(self):
        dev = Device(self)
        dev.tpm.tool("tpm2_changeauth", "-c", "owner", "theirs")
        self.assertIn(b"--owner-auth", dev.install(check=13).stderr)
        self.assertFalse(os.path.exists(dev.record_path))

    def test_an_rsa_root_key_that_is_there_is_used(self):
        dev = Device(self)
        dev.tpm.tool("tpm2_createprimary", "-C", "o", "-G", "rsa2048", "-c", dev.path("srk.ctx"))
        dev.tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", dev.path("srk.ctx"), "0x81000001")
        dev.tpm.tool("tpm2_flushcontext", "-t")
        before = dev.tpm.tool("tpm2_readpublic", "-c", "0x81000001").stdout
        dev.install()
        self.assertEqual(dev.tpm.tool("tpm2_readpublic", "-c", "0x81000001").stdout, before)
        dev.policy()
        dev.format()
        signed = dev.sign(1)
        self.assertTrue(dev.opens(dev.unseal_by_hand(signed, 1)[:-32]))

    def test_a_floor_that_does_not_start_at_one_is_reported(self):
        dev = Device(self)
        dev.tpm.tool("tpm2_nvdefine", "-C", "o", "-s", "8", "-a", "nt=counter|authread|authwrite|ownerwrite",
                     "0x01800001")
        for _ in range(5):
            dev.tpm.tool("tpm2_nvincrement", "-C", "0x01800001", "0x01800001")
        dev.tpm.tool("tpm2_nvundefine", "-C", "o", "0x01800001")
        done = dev.install()
        self.assertIn(b"version-floor starts at 6", done.stderr)
        self.assertRegex(done.stderr, rb"sequence-floor starts at \d+: .* sequences above \d")
        self.assertEqual(dev.record()["objects"]["version-floor"]["value"], 6)
        # In another record they are as they were: nothing starts.
        os.unlink(dev.record_path)
        self.assertNotIn(b"starts at", dev.install().stderr)
        self.assertEqual(dev.record()["objects"]["version-floor"]["value"], 6)

    def test_a_lockout_auth_that_is_not_tried_is_said_to_be(self):
        dev = Device(self)
        dev.install()
        self.write("wrong", "not the authorization\n")
        os.unlink(dev.record_path)
        self.assertIn(b"--lockout-auth wasn't tried", dev.install("--lockout-auth", dev.path("wrong")).stderr)

    def test_what_is_refused_leaves_no_record(self):
        dev = Device(self)
        dev.install()
        os.unlink(dev.record_path)
        self.write("wrong", "not the authorization\n")
        dev.install("--owner-auth", dev.path("wrong"), check=5)
        self.assertFalse(os.path.exists(dev.record_path))
        argv = dev.install_argv()
        argv[argv.index("--record") + 1] = dev.path("nodir/record.json")
        self.assertIn(b"nodir", dev.provision(*argv, check=11).stderr)
        self.assertFalse(os.path.exists(dev.path("nodir")))

    def check_bus(self, form):
        dev = Device(self)
        dev.install("--config-key-form", form)
        key = self.read("keys/config-key.bin")
        secrets = [key, key[:16], dev.auth("owner").encode(), dev.auth("lockout").encode()]
        name = bytes.fromhex(dev.record()["objects"]["config-key"]["name"])
        dev.tpm.stop()
        traffic = dev.tpm.traffic()
        # The log is what it is taken for: the objects' Names do cross the bus.
        self.assertTrue(name in traffic)
        for secret in secrets:
            self.assertFalse(secret in traffic)

    def test_no_secret_crosses_the_bus(self):
        self.check_bus("cipher")

    def test_no_secret_crosses_the_bus_for_a_sealed_key(self):
        self.check_bus("sealed")

    def test_ek_certificate_is_recorded_and_its_chain_checked(self):
        dev = Device(self, ek_cert=True)
        ca = dev.path("tpm", "ca")
        certificates = sorted(os.path.relpath(p, self.tmp) for p in glob.glob(ca + "/*cert.pem"))
        self.write("ca.pem", b"".join(self.read(c) for c in certificates))
        self.write("wrong.pem", self.read("owner.pem"))
        dev.install("--ek-ca", dev.path("wrong.pem"), check=5)
        for kind in ("handles-persistent", "handles-nv-index"):  # no key went into it
            shown = dev.tpm.tool("tpm2_getcap", kind).stdout.decode().lower()
            self.assertNotRegex(shown, "0x8100a000|0x18a000")
        dev.install("--ek-ca", dev.path("ca.pem"))
        ek = dev.record()["ek"]
        self.assertTrue(ek["certificate-checked"])
        public = rig.run(["openssl", "x509", "-noout", "-pubkey"], stdin=ek["certificate"].encode(),
                         check=0).stdout
        self.assertEqual(public.decode(), ek["public"])


class Usage(rig.TestCase):
    def test_every_command_has_help(self):
        program = rig.program("latchkey-provision")
        for words in ("install", "format", "policy add", "policy list", "policy retire", "status",
                      "pcrs", "reseal", "remove"):
            done = rig.run([program, *words.split(), "--help"], check=0)
            self.assertIn(f"Usage: latchkey-provision {words}".encode(), done.stdout)
            rig.run([program, *words.split(), "--no-such-option"], check=2)
        rig.run([program, "--version"], check=0)
        rig.run([program], check=2)
        self.assertIn(b"unknown: ", rig.run([program, "unknown"], check=2).stderr)

    def test_a_group_of_commands_lists_them(self):
        program = rig.program("latchkey-provision")
        shown = rig.run([program, "policy", "--help"], check=0).stdout
        self.assertEqual([line.split()[:2] for line in shown.splitlines() if line.startswith(b"  policy")],
                         [[b"policy", word] for word in (b"add", b"list", b"retire")])
        self.assertIn(b"policy nonsense: ", rig.run([program, "policy", "nonsense"], check=2).stderr)
        self.assertIn(b"missing", rig.run([program, "policy"], check=2).stderr)

    def test_help_says_what_is_required(self):
        program = rig.program("latchkey-provision")
        for command, word in (("install", b"--policy-key FILE"), ("format", b"--no-recovery-key"),
                              ("setup", b"--no-recovery-key"), ("reseal", b"--recovery-key-file FILE")):
            self.assertRegex(rig.run([program, command, "--help"], check=0).stdout, b"\nRequired: .*" + word)
        done = rig.run([program, "format", "--volume", "a", "--volume", "b"], check=2)
        self.assertIn(b"--volume: ", done.stderr)

    def test_no_tpm_is_exit_code_four(self):
        done = rig.run([rig.program("latchkey-provision"), "pcrs", "--tpm", "swtpm:host=127.0.0.1,port=1"])
        self.assertEqual(done.returncode, 4, done.stderr)


if __name__ == "__main__":
    unittest.main()
