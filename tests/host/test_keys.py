#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Keys that latchkey makes, and keys that it is given, as openssl sees them."""
import os
import pty
import select
import termios
import time
import unittest

import host
from host import rig


def wait_until_unseen(fd):
    """Until echo is off: the prompt comes first, and a person is slower."""
    for _ in range(1000):
        if not termios.tcgetattr(fd)[3] & termios.ECHO:
            return
        time.sleep(0.01)


def on_terminal(argv, lines):
    """Runs a program with a terminal of its own; answers each prompt with a line."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    said = b""
    while True:
        ready, _, _ = select.select([fd], [], [], 60)
        try:
            data = os.read(fd, 4096) if ready else b""
        except OSError:
            data = b""
        if not data:
            break
        said += data
        if data.rstrip().endswith(b":") and lines:
            wait_until_unseen(fd)
            os.write(fd, lines.pop(0).encode() + b"\n")
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


class Keygen(host.TestCase):
    def test_makes_the_three_files_with_their_modes(self):
        for curve, group in (("p384", "secp384r1"), ("p256", "prime256v1")):
            with self.subTest(curve):
                keys = self.keys(curve, curve)
                modes = {f: oct(os.stat(os.path.join(keys, f)).st_mode & 0o777)
                         for f in os.listdir(keys)}
                self.assertEqual(modes, {"policy-key.pem": "0o600", "config-key.bin": "0o600",
                                         "policy-key.pub.pem": "0o644"})
                text = rig.run(["openssl", "pkey", "-in", keys + "/policy-key.pem", "-pubout"],
                               check=0).stdout
                self.assertEqual(text, self.read(curve + "/policy-key.pub.pem"))
                text = rig.run(["openssl", "pkey", "-in", keys + "/policy-key.pem", "-noout",
                                "-text"], check=0).stdout.decode()
                self.assertIn(group, text)
                self.assertIn(b"BEGIN PRIVATE KEY", self.read(curve + "/policy-key.pem"))

    def test_config_key_has_its_size_and_no_two_are_the_same(self):
        for bits in (128, 256):
            for name in ("a", "b"):
                self.latchkey("keygen", "--config-bits", bits, self.path(f"{name}{bits}"))
            a, b = (self.read(f"{n}{bits}/config-key.bin") for n in "ab")
            self.assertEqual(len(a), bits // 8)
            self.assertNotEqual(a, b)

    def test_overwrites_none_of_the_three(self):
        for name in ("policy-key.pem", "policy-key.pub.pem", "config-key.bin"):
            with self.subTest(name):
                directory = self.path("dir-" + name)
                os.mkdir(directory)
                path = self.write(f"dir-{name}/{name}", "mine")
                self.assertSaid(self.latchkey("keygen", directory, check=13), path)
                self.assertEqual(os.listdir(directory), [name])
                self.assertEqual(self.read(path), b"mine")

    def test_a_dangling_link_is_not_written_through(self):
        os.mkdir(self.path("d"))
        os.symlink(self.path("elsewhere"), self.path("d/config-key.bin"))
        self.latchkey("keygen", self.path("d"), check=13)
        self.assertNotMade("elsewhere", "d/policy-key.pem")

    def test_leaves_nothing_where_it_cannot_write(self):
        self.write("file", "")
        self.latchkey("keygen", self.path("file/keys"), check=11)
        self.assertSaid(self.latchkey("keygen", self.path("no/such/place"), check=11), "no/such/place: can't make this folder: No such")
        self.assertNotMade("no")

    def test_encrypts_with_a_passphrase_from_a_file(self):
        word = self.write("word", "correct horse\n")
        self.latchkey("keygen", "--passphrase-file", word, self.path("k"))
        pem = self.read("k/policy-key.pem")
        self.assertIn(b"BEGIN ENCRYPTED PRIVATE KEY", pem)
        self.assertNotIn(b"correct horse", pem)
        key = self.path("k/policy-key.pem")
        rig.run(["openssl", "pkey", "-in", key, "-passin", "pass:correct horse"], check=0)
        self.assertNotEqual(rig.run(["openssl", "pkey", "-in", key, "-passin", "pass:x"])
                            .returncode, 0)
        text = rig.run(["openssl", "asn1parse", "-in", key], check=0).stdout.decode()
        self.assertIn("aes-256-cbc", text)
        self.assertIn("hmacWithSHA256", text)

    def test_a_passphrase_file_is_one_line(self):
        for data in ("", "\n", "a\nb\n", "x" * 2000, "x" * 20000):
            with self.subTest(data[:9]):
                word = self.write("word", data)
                self.assertSaid(self.latchkey("keygen", "--passphrase-file", word,
                                              self.path("k"), check=3), word + ": one line of 1 to [0-9]+ bytes is expected")
                self.assertNotMade("k")

    def test_the_line_of_a_passphrase_ends_as_editors_end_it(self):
        for i, data in enumerate((b"tree house", b"tree house\n", b"tree house\r\n", b"\xef\xbb\xbftree house", b"\xef\xbb\xbftree house\r\n")):
            with self.subTest(data):
                self.latchkey("keygen", "--passphrase-file", self.write("word", data), self.path(f"k{i}"))
                rig.run(["openssl", "pkey", "-in", self.path(f"k{i}/policy-key.pem"), "-passin", "pass:tree house"], check=0)
        for data in ("tree house".encode("utf-16"), b"\xef\xbb\xbf", b"\r\n", b"\xef\xbb\xbf\r\n", b"a\0b\n"):
            with self.subTest(data):
                self.assertSaid(self.latchkey("keygen", "--passphrase-file", self.write("word", data), self.path("none"), check=3), "/word: ")
                self.assertNotMade("none")

    def test_asks_on_the_terminal_twice(self):
        argv = [host.LATCHKEY, "keygen", "--passphrase", self.path("k")]
        code, said = on_terminal(argv, ["tree house", "tree house"])
        self.assertEqual(code, 0, said)
        self.assertNotIn("tree house", said)
        rig.run(["openssl", "pkey", "-in", self.path("k/policy-key.pem"),
                 "-passin", "pass:tree house"], check=0)

    def test_a_mistyped_or_empty_passphrase_makes_nothing(self):
        argv = [host.LATCHKEY, "keygen", "--passphrase", self.path("k")]
        for lines in (["one two", "one too"], ["", ""]):
            with self.subTest(lines):
                self.assertEqual(on_terminal(argv, list(lines))[0], 3)
                self.assertNotMade("k")

    def test_without_a_terminal_it_says_what_to_do(self):
        done = rig.run(["setsid", "-w", host.LATCHKEY, "keygen", "--passphrase", self.path("k")],
                       stdin=b"secret\nsecret\n", check=1)
        self.assertSaid(done, "--passphrase-file")
        self.assertNotMade("k")


class SigningKeys(host.TestCase):
    def sign(self, policy, key, *more, check=0, env=None):
        done = self.latchkey("policy", "sign", "--policy", policy, "--key", key, "--pcr-values",
                             self.pcrs(), "--version", "1", "-o", self.path("signed.yaml"), *more,
                             check=check, env=env)
        if check:
            self.assertNotMade("signed.yaml")
        else:
            self.latchkey("policy", "verify", "--policy", policy, self.path("signed.yaml"))
            os.unlink(self.path("signed.yaml"))
        return done

    def test_key_formats_of_openssl(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        pkcs8 = keys + "/policy-key.pem"
        sec1, enc, uri = self.path("sec1.pem"), self.path("enc.pem"), "file:" + pkcs8
        rig.run(["openssl", "ec", "-in", pkcs8, "-out", sec1, "-conv_form", "compressed"], check=0)
        rig.run(["openssl", "pkcs8", "-topk8", "-scrypt", "-in", pkcs8, "-passout", "pass:abcd",
                 "-out", enc], check=0)
        word = self.write("word", "abcd")
        for key, more in ((pkcs8, []), (sec1, []), (uri, []), ("file://" + pkcs8, []),
                          (enc, ["--passphrase-file", word]),
                          ("file:" + enc, ["--passphrase-file", word])):
            with self.subTest(key):
                self.sign(policy, key, *more)

    def test_asks_for_the_passphrase_on_the_terminal(self):
        word = self.write("word", "abcd")
        self.latchkey("keygen", "--passphrase-file", word, self.path("keys"))
        policy = self.policy(keys=self.path("keys"))
        for key in ("", "file:"):
            argv = [host.LATCHKEY, "policy", "sign", "--policy", policy, "--key",
                    key + self.path("keys/policy-key.pem"), "--pcr-values", self.pcrs(),
                    "--version", "1", "--force", "-o", self.path("signed.yaml")]
            code, said = on_terminal(argv, ["abcd"])
            self.assertEqual(code, 0, said)
            self.assertIn("policy-key.pem", said)
            os.unlink(self.path("signed.yaml"))
            self.assertEqual(on_terminal(argv, ["abce"])[0], 3)
            self.assertNotMade("signed.yaml")

    def test_wrong_passphrase(self):
        word, other = self.write("word", "abcd"), self.write("other", "abce")
        self.latchkey("keygen", "--passphrase-file", word, self.path("keys"))
        policy = self.policy(keys=self.path("keys"))
        for prefix in ("", "file:"):
            key = prefix + self.path("keys/policy-key.pem")
            self.assertSaid(self.sign(policy, key, "--passphrase-file", other, check=3),
                            "policy-key.pem.*passphrase")

    def test_another_key_is_refused(self):
        policy = self.policy()
        other = self.keys(name="other") + "/policy-key.pem"
        p256 = self.keys("p256", "p256") + "/policy-key.pem"
        for key in (other, p256):
            self.assertSaid(self.sign(policy, key, check=5), key + ".*policy-key")

    def test_what_is_no_private_key_is_refused(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        rig.run(["openssl", "genrsa", "-out", self.path("rsa"), "1024"], check=0)
        rig.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path("ed")], check=0)
        for key in (keys + "/policy-key.pub.pem", "file:" + keys + "/policy-key.pub.pem",
                    keys + "/config-key.bin", self.path("rsa"), self.path("ed"),
                    self.write("empty", ""), self.path("missing"), "file:" + self.path("missing"),
                    "nosuchscheme:key", self.write("huge", bytes(1 << 20))):
            with self.subTest(key):
                self.assertSaid(self.sign(policy, key, check=3), key.split(":")[-1])

    def test_what_is_given_for_a_private_key_is_told(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        rig.run(["openssl", "req", "-x509", "-key", keys + "/policy-key.pem", "-subj", "/CN=x", "-out", self.path("cert")], check=0)
        for key, said in ((keys + "/policy-key.pub.pem", "this is a public key"), (self.path("cert"), "this is a certificate")):
            self.assertSaid(self.sign(policy, key, check=3), f"{key}: {said}; the private key is wanted")

    def test_a_uri_that_no_provider_serves_says_what_to_install(self):
        policy = self.policy()
        env = dict(os.environ, OPENSSL_CONF="/dev/null")
        for uri, said in (("pkcs11:object=policy", "package pkcs11-provider"), ("handle:0x81000100", "package tpm2-openssl"),
                          ("nosuchscheme:key", "no provider of OpenSSL that is active serves nosuchscheme: URIs")):
            done = self.sign(policy, uri, check=3, env=env)
            self.assertSaid(done, uri + ": .*" + said)
            self.assertSaid(done, "openssl.cnf")

    def test_a_store_with_two_keys_is_refused(self):
        keys, other = self.keys(), self.keys(name="other")
        both = self.write("both.pem", self.read("keys/policy-key.pem") +
                          self.read("other/policy-key.pem"))
        os.chmod(both, 0o600)
        del other
        self.assertSaid(self.sign(self.policy(keys=keys), "file:" + both, check=3), "more than one")

    def test_warns_of_a_key_that_others_can_read(self):
        keys = self.keys()
        policy = self.policy(keys=keys)
        key = keys + "/policy-key.pem"
        self.assertNotIn(b"read by others", self.sign(policy, key).stderr)
        os.chmod(key, 0o640)
        for name in (key, "file:" + key, "file://" + key):
            self.assertSaid(self.sign(policy, name), "can be read by others")


MODULES = [d + "/tpm2.so" for d in ("/usr/lib/x86_64-linux-gnu/ossl-modules",
                                    "/usr/lib/aarch64-linux-gnu/ossl-modules",
                                    "/usr/lib64/ossl-modules")]
TPM2_PROVIDER = next((m for m in MODULES if os.path.exists(m)), None)


class Provider(host.TestCase):
    """A private key that stays in hardware: here, a second TPM's, by the OpenSSL
    provider of the package tpm2-openssl."""

    CONFIG = """openssl_conf = main
[main]
providers = providers
[providers]
default = default_section
tpm2 = tpm2_section
[default_section]
activate = 1
[tpm2_section]
module = {module}
activate = 1
"""

    def test_signs_with_a_key_behind_a_provider(self):
        tpm = self.swtpm()
        tpm.tool("tpm2_createprimary", "-C", "o", "-G", "ecc384", "-g", "sha384", "-c",
                 self.path("ctx"), "-a", "sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth")
        tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("ctx"), "0x81000100")
        tpm.tool("tpm2_readpublic", "-c", "0x81000100", "-f", "pem", "-o", self.path("pub.pem"))
        self.latchkey("policy", "init", "--policy-key", self.path("pub.pem"), "-o",
                      self.path("policy.yaml"))
        config = self.write("openssl.cnf", self.CONFIG.format(module=TPM2_PROVIDER))
        env = dict(os.environ, OPENSSL_CONF=config, TPM2OPENSSL_TCTI=tpm.tcti)
        self.latchkey("policy", "sign", "--policy", self.path("policy.yaml"), "--key",
                      "handle:0x81000100", "--pcr-values", self.pcrs(), "--version", "1",
                      "-o", self.path("signed.yaml"), env=env)
        self.latchkey("policy", "verify", "--policy", self.path("policy.yaml"),
                      self.path("signed.yaml"))


if __name__ == "__main__":
    host.main()
