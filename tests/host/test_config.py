#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""latchkey config on one blob: packing, what is refused before sealing, showing, opening, comparing."""
import gzip
import io
import os
import socket
import stat
import subprocess
import tarfile

import config
import host
from host import rig

MANIFEST = """latchkey-manifest: 1
files:
  - path: app/app.conf
    destination: /opt/app/app.conf
"""


class Seal(config.TestCase):
    def test_what_was_packed_is_what_is_opened(self):
        for how in ("none", "gzip", "zstd"):
            with self.subTest(how):
                self.seal(self.folder(), "--compress", how, "--force")
                self.open_to(out="opened-" + how)
                self.assertEqual(self.tree("opened-" + how), self.tree("settings"))
                self.assertEqual(stat.S_IMODE(os.stat(self.path("opened-" + how)).st_mode), 0o700)

    def test_the_archive_is_one_that_tar_reads(self):
        start = {"none": b"app", "gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
        for how, magic in start.items():
            self.seal(self.folder(), "--compress", how, "--force")
            archive = self.archive_of()
            self.assertEqual(archive[:len(magic)], magic)
            path = self.write("a", archive)
            flag = {"none": [], "gzip": ["-z"], "zstd": ["--zstd"]}[how]
            out = rig.run(["tar", *flag, "--full-time", "--numeric-owner", "-tvf", path], check=0,
                          env=dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8")).stdout.decode()
            names = [line.split()[5] for line in out.splitlines()]
            self.assertEqual(names, sorted(config.FILES, key=str.encode))
            self.assertTrue(all(" 0/0 " in line and "1970-01-01 00:00:00" in line
                                for line in out.splitlines()), out)

    def test_packing_is_the_same_each_time_and_wherever_it_is_done(self):
        folder, first = self.folder(), {}
        for how in ("none", "gzip", "zstd"):
            self.seal(folder, "--compress", how, "--force")
            first[how] = self.archive_of()
        again = self.folder(dict(reversed(config.FILES.items())), name="elsewhere/copy")
        for directory, dirs, files in os.walk(again):
            os.chmod(directory, 0o2775)
            for name in dirs + files:
                os.utime(os.path.join(directory, name), (1, 1))
                os.chown(os.path.join(directory, name), 1234, 1234)
        os.mkdir(os.path.join(again, "empty"))
        for how, archive in first.items():
            self.seal(again, "--compress", how, "--force",
                      env=dict(os.environ, LC_ALL="C", TZ="Asia/Tokyo"))
            self.assertEqual(self.archive_of(), archive, how)
        self.seal(folder, "--mtime", "1700000000", "--force", "--compress", "none")
        with tarfile.open(fileobj=io.BytesIO(self.archive_of())) as archive:
            self.assertEqual({m.mtime for m in archive}, {1700000000})

    def test_archives_are_sealed_as_they_are(self):
        self.folder()
        for name, flag in (("a.tar", []), ("a.tar.gz", ["-z"]), ("a.tar.zst", ["--zstd"])):
            rig.run(["tar", "-C", self.path("settings"), *flag, "-cf", self.path(name), "."], check=0)
            self.seal(self.path(name), "--from-archive", "--force")
            self.assertEqual(self.archive_of(), self.read(name))
            self.open_to(out="from-" + name)
            self.assertEqual(self.tree("from-" + name), self.tree("settings"))

    def test_a_manifest_is_checked_and_comes_first(self):
        self.seal(self.folder(manifest=MANIFEST), "--compress", "none")
        with tarfile.open(fileobj=io.BytesIO(self.archive_of())) as archive:
            self.assertEqual(archive.next().name, "latchkey-manifest.yaml")

    def test_a_manifest_that_is_wrong_is_refused(self):
        more = "  - path: {}\n    destination: /opt/x\n"
        for manifest, pattern in (
                (MANIFEST + more.format("app/missing"), "app/missing isn't in the archive"),
                (MANIFEST + more.format("app"), "another file's lies below it"),
                (MANIFEST + more.format("net"), "net isn't in the archive"),
                (MANIFEST + "unknown: 1\n", "5:1|6:1|unknown"), ("", "1:1|latchkey-manifest"),
                (MANIFEST + more.format("../up"), r"\.\."), ("\0", "1:1"),
                (MANIFEST.replace("/opt", "opt"), "4:"), ("x" * 300000, "bytes")):
            with self.subTest(manifest[-60:]):
                done = self.seal(self.folder(manifest=manifest), check=3)
                self.assertSaid(done, "settings: .*latchkey-manifest.yaml: .*(" + pattern + ")")
                self.assertNothingLeft("settings")
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name in ("app/app.conf", "latchkey-manifest.yaml"):
                info = tarfile.TarInfo(name)
                info.size = len(MANIFEST)
                archive.addfile(info, io.BytesIO(MANIFEST.encode()))
        self.write("late.tar", out.getvalue())
        self.assertSaid(self.seal(self.path("late.tar"), "--from-archive", check=3), "first file")

    def test_what_no_device_would_take_is_not_packed(self):
        def link(path):
            os.symlink("/etc/passwd", path)

        def sock(path):
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)

        def mode(bits):
            def make(path):
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
                os.chmod(path, bits)
            return make

        for make, pattern in ((link, "symbolic link"), (os.mkfifo, "FIFO"), (sock, "socket"),
                              (mode(0o4755), "set-id"), (mode(0o2755), "set-id"), (mode(0o1644), "sticky"),
                              (lambda p: os.mknod(p, stat.S_IFCHR | 0o600, os.makedev(1, 3)), "device")):
            with self.subTest(pattern):
                path = os.path.join(self.folder(), "net", "odd")
                make(path)
                done = self.seal(self.path("settings"), check=3)
                self.assertSaid(done, self.path("settings/net/odd") + ": .*" + pattern)
                os.unlink(path)
                self.assertNothingLeft("settings")

    def test_names_that_no_device_would_take_are_not_packed(self):
        os.chdir(self.folder())
        self.addCleanup(os.chdir, "/")
        for name in (b"new\nline", b"\xff\xfe", b"esc\x1b[31m", b"c1\xc2\x85"):
            with open(name, "wb"):
                pass
            done = self.seal(self.path("settings"), check=3)
            self.assertIn(self.path("settings"), done.stderr.decode())
            self.assertNotIn(b"\x1b", done.stderr)
            os.unlink(name)
        for _ in range(33):
            os.mkdir("d")
            os.chdir("d")
        with open("deep", "wb"):
            pass
        self.seal(self.path("settings"), check=3)
        self.assertNothingLeft("settings")

    def test_nothing_to_seal_is_refused(self):
        os.makedirs(self.path("empty/dir"))
        self.assertSaid(self.seal(self.path("empty"), check=3), "no file")
        for how in ([], ["--from-archive"]):
            self.assertSaid(self.seal(self.path("missing"), *how, check=3), "missing: .*No such file")
        self.write("empty.tar", bytes(10240))
        self.assertSaid(self.seal(self.path("empty.tar"), "--from-archive", check=3), "no file")
        for name, data in (("text", b"hello\n"), ("nothing", b""), ("cut.gz", gzip.compress(b"x" * 999)[:-5])):
            self.assertSaid(self.seal(self.write(name, data), "--from-archive", check=3),
                            self.path(name) + ": archive")
        self.assertNothingLeft("empty", "empty.tar", "text", "nothing", "cut.gz")

    def test_what_is_no_archive_is_said_to_be_none(self):
        for data in (b"short\n", b"policy: 1\n" * 500, gzip.compress(b"policy: 1\n" * 500)):
            done = self.seal(self.write("policy.yaml", data), "--from-archive", check=3)
            self.assertSaid(done, "policy.yaml: archive: not a tar archive")
            self.assertNotIn(b"offset", done.stderr)

    def test_the_output_is_not_within_what_is_packed(self):
        folder = self.folder()
        os.symlink("settings/app", self.path("way"))
        for out in ("settings/blob", "settings/app/blob", "way/blob", "way/../blob"):
            self.assertSaid(self.seal(folder + "/", out=out, check=2), out + " lies in .*settings")
        self.record("records/a.json")
        for out in ("settings", "settings/new", "way"):
            self.assertSaid(self.seal(folder, "--records", self.path("records"), out=out, check=2), "lies in")
        self.assertEqual(sorted(self.tree("settings")), sorted(config.FILES))
        self.seal(folder, out="settings.lkb")

    def test_what_is_no_configuration_key_is_told(self):
        for data in (b"", bytes(31), bytes(33), b"-----BEGIN PRIVATE KEY-----\n" + bytes(400)):
            key = self.write("no.bin", data)
            said = self.latchkey("config", "seal", "--key", self.path("keys/policy-key.pem"), "--config-key", key, "--sequence", "1", "-o",
                                 self.path("none"), self.folder({"a": ""}, name=f"of{len(data)}"), check=3)
            self.assertSaid(said, "no.bin: this is no configuration key, which has 16 or 32 bytes")
            self.assertNotMade("none")

    def test_a_manifest_in_another_place_or_spelling_is_refused(self):
        """What it says would not hold: neither in a folder nor in an archive is it sealed."""
        for i, name in enumerate(("latchkey-manifest.yml", "Latchkey-Manifest.yaml", "latchkey_manifest.yaml",
                                  "update/latchkey-manifest.yaml", "a/b/LATCHKEY-MANIFEST.YAML", "a/latchkey-manifest",
                                  "latchkey-manifest.yaml.txt")):
            folder = self.folder({name: MANIFEST, "app/app.conf": ""}, name=f"folder{i}")
            rig.run(["tar", "-C", folder, "-czf", self.path("c.tgz"), "."], check=0)
            for args in ((folder,), ("--from-archive", self.path("c.tgz"))):
                said = self.seal(*args, check=3)
                self.assertSaid(said, f'"{name}": a manifest has to be at the top')
                self.assertSaid(said, r"Seal the folder that it lies in \(\S+, below what" if "/" in name else "Give it that name")
                self.assertSaid(said, "tar -C " + (os.path.dirname(name) or "DIR") + " -cf")
        self.assertFalse(os.path.exists(self.path("blob")))

    def test_a_file_of_that_name_that_the_manifest_speaks_of_is_sealed(self):
        text = "latchkey-manifest: 1\nfiles:\n  - {path: app/latchkey-manifest.yaml, destination: /opt/m}\n"
        self.seal(self.folder({"app/latchkey-manifest.yaml": "x"}, manifest=text))

    def test_a_folder_of_the_manifest(self):
        """All that a device would refuse for is refused at the desk already."""
        line = "latchkey-manifest: 1\nfiles:\n  - {path: d/, destination: /opt/d/, copy: true}\n"
        many = {f"d/sub/{n}": "x" for n in range(3)}
        self.seal(self.folder(many, manifest=line))
        for more, files, word in (("", {"dx": "x"}, "d/, or no file in it,"),
                                  ("  - {path: a, destination: /opt/d/sub/1}\n", {**many, "a": "x"}, "where another file goes"),
                                  ("  - {path: a, destination: /opt/d/sub/1/x}\n", {**many, "a": "x"}, "where another file goes"),
                                  ("  - {path: d/sub/1, destination: /opt/x}\n", many, "below another file's"),
                                  ("", {"d/" + "/".join(["x" * 250] * 4) + "/" + "y" * 17: "x"}, "at most 1024")):
            with self.subTest(word):
                self.assertSaid(self.seal(self.folder(files, name="f" + str(abs(hash(more + word))), manifest=line + more), check=3,
                                          out="none.lkb"), word)
                self.assertFalse(os.path.exists(self.path("none.lkb")))

    def test_a_manifest_to_edit(self):
        """Of a folder's files, which is sealed as it is; without one, an example in comments; nothing is overwritten."""
        folder = self.folder({"app/app.conf": "x", "b c\u2713": "y"})
        os.chmod(os.path.join(folder, "app/app.conf"), 0o664)
        out = os.path.join(folder, "latchkey-manifest.yaml")
        self.latchkey("config", "init", "-o", out, folder)
        text = self.read(out).decode()
        self.assertEqual(text.count("\n - path:"), 2)
        self.assertIn("\n# - path: app/conf.d/\n", text)
        self.assertIn("\n#   copy: true", text)
        self.assertIn('path: "app/app.conf"\n   destination: "/opt/app/app.conf"\n   mode: "0644"\n', text)
        self.seal(folder)
        self.latchkey("config", "init", "-o", out, folder, check=13)
        self.assertEqual(self.read(out).decode(), text)
        self.latchkey("config", "init", "--force", "-o", out, folder)
        self.assertEqual(self.read(out).decode(), text, "it doesn't list itself")
        example = self.latchkey("config", "init", "-o", "-").stdout.decode()
        self.write("settings/latchkey-manifest.yaml", example)
        self.seal(folder, "--force")
        self.assertSaid(self.latchkey("config", "init", "-o", "-", self.path("none"), check=3), "none")

    def test_sparse_files_are_refused_with_the_reason(self):
        """A terabyte of holes would be read for hours; a hole as any blob may have is zeros."""
        folder = self.folder({"app/app.conf": "x"}, manifest=MANIFEST)
        for layout in ("end", "start", "middle"):
            with open(os.path.join(folder, "big"), "wb") as f:
                if layout != "start":
                    f.write(b"x" * 4096)
                f.seek(1 << 39)
                if layout != "end":
                    f.write(b"y")
                f.truncate(1 << 40)
            done = self.seal(folder, check=3)
            self.assertSaid(done, "big: a sparse file")
            self.assertSaid(done, "leave it out")
        with open(os.path.join(folder, "big"), "wb") as f:
            f.truncate(1 << 19)
        self.seal(folder)

    def test_bombs_are_refused(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            info = tarfile.TarInfo("zeros")
            info.size = 64 << 20
            archive.addfile(info, io.BytesIO(bytes(64 << 20)))
        self.write("bomb.tar.gz", out.getvalue())
        self.assertSaid(self.seal(self.path("bomb.tar.gz"), "--from-archive", check=3), "zeros")

    def test_options_that_make_no_sense(self):
        folder = self.folder()
        self.write("a.tar", bytes(10240))
        for options, pattern in (
                (["--target", "ab" * 31], "64 hex"), (["--target", "ab" * 33], "64 hex"),
                (["--target", "g" * 64], "64 hex"), (["--target", ""], "64 hex"),
                (["--target", "0" * 64], "any device"), (["--compress", "xz"], "none, gzip or zstd"),
                (["--mtime", "-1"], "number"), (["--mtime", "soon"], "number"), (["--mtime", str(2**64)], "number"),
                (["--created", "1.5"], "number"), (["--created", "999999999999"], "number"),
                (["--target", "ab" * 32, "--record", "x"], "exclude"),
                (["--record", "x", "--records", "y"], "exclude"), (["--from-archive"], "is a folder")):
            with self.subTest(options):
                self.assertSaid(self.seal(folder, *options, check=2), pattern)
        self.assertSaid(self.seal(self.path("a.tar"), check=2), "--from-archive")
        self.assertSaid(self.seal(self.path("a.tar"), "--from-archive", "--mtime", "5", check=2), "folders")
        for sequence in ("0", "-1", "", "0x10", "1 ", "18446744073709551616"):
            self.assertSaid(self.seal(folder, sequence=sequence, check=2), "--sequence")
        self.assertNothingLeft("settings", "a.tar")

    def test_keys_that_are_none(self):
        folder = self.folder()
        other = self.path("other")
        os.mkdir(other)
        os.symlink(self.key_dir + "/config-key.bin", other + "/config-key.bin")
        for args, pattern in ((["-pkeyopt", "ec_paramgen_curve:secp521r1"], "P-384 or P-256"),
                              (["-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt",
                                "ec_param_enc:explicit"], ".")):
            rig.run(["openssl", "genpkey", "-algorithm", "EC", *args, "-out", other + "/policy-key.pem"],
                    check=0)
            self.assertSaid(self.seal(folder, keys=other, check=3), other + "/policy-key.pem.*" + pattern)
        rig.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", other + "/policy-key.pem"], check=0)
        self.assertSaid(self.seal(folder, keys=other, check=3), "of type RSA; an EC key on P-384 or P-256 is wanted")
        self.write("other/policy-key.pem", self.read("keys/policy-key.pub.pem"))
        os.chmod(other + "/policy-key.pem", 0o644)
        done = self.seal(folder, keys=other, check=3)
        self.assertSaid(done, "other/policy-key.pem: this is a public key")
        self.assertNotIn(b"read by others", done.stderr)
        self.write("other/policy-key.pem", "nonsense")
        self.seal(folder, keys=other, check=3)
        os.unlink(other + "/policy-key.pem")
        self.seal(folder, keys=other, check=3)
        os.symlink(self.key_dir + "/policy-key.pem", other + "/policy-key.pem")
        os.unlink(other + "/config-key.bin")
        self.seal(folder, keys=other, check=3)
        for size in (0, 15, 17, 31, 33, 64):
            self.write("other/config-key.bin", bytes(size))
            self.assertSaid(self.seal(folder, keys=other, check=3), "other/config-key.bin")
        self.assertNothingLeft("settings", "other")

    def test_secrets_that_others_can_read_get_a_warning(self):
        folder = self.folder()
        self.assertEqual(self.seal(folder).stderr, b"")
        for name, what in (("policy-key.pem", "private"), ("config-key.bin", "configuration")):
            os.chmod(os.path.join(self.key_dir, name), 0o640)
            done = self.seal(folder, "--force")
            self.assertSaid(done, name + ": the " + what + " key can be read by others")
            os.chmod(os.path.join(self.key_dir, name), 0o600)

    def test_an_encrypted_key_takes_its_passphrase_from_a_file(self):
        self.write("word", "correct horse\n")
        self.latchkey("keygen", "--passphrase-file", self.path("word"), self.path("locked"))
        self.seal(self.folder(), "--passphrase-file", self.path("word"), keys=self.path("locked"))
        self.verify(keys=self.path("locked"))
        self.write("word", "wrong\n")
        self.seal(self.folder(), "--passphrase-file", self.path("word"), keys=self.path("locked"), out="b",
                  check=3)
        self.assertNotMade("b")

    def test_outputs_are_replaced_only_by_force_and_whole(self):
        folder = self.folder()
        self.write("blob.lkb", "mine")
        self.assertSaid(self.seal(folder, check=13), "blob.lkb.*--force")
        self.assertEqual(self.read("blob.lkb"), b"mine")
        self.seal(folder, "--force")
        self.verify()
        self.assertEqual(stat.S_IMODE(os.stat(self.path("blob.lkb")).st_mode), 0o644)
        os.mkdir(self.path("place"))
        self.assertSaid(self.seal(folder, "--force", out="place", check=13), "folder")
        self.assertSaid(self.seal(folder, out="nowhere/blob", check=11), "nowhere/blob")
        self.seal(folder, out="settings/app/app.conf/blob", check=11)
        done = self.latchkey("config", "seal", "--key", self.key_dir + "/policy-key.pem", "--config-key",
                             self.key_dir + "/config-key.bin", "--sequence", "1", "-o", "-", folder, check=2)
        self.assertSaid(done, "has to be a file")
        self.assertNothingLeft("settings", "blob.lkb", "place")

    def test_a_full_disk_leaves_nothing(self):
        """A file system of 64 KiB in a mount namespace of its own."""
        self.folder({"noise": os.urandom(400000)})
        os.mkdir(self.path("small"))
        script = ('mount -t tmpfs -o size=64k none "$0/small" && '
                  '"$1" config seal --key "$0/keys/policy-key.pem" --config-key "$0/keys/config-key.bin" '
                  '--sequence 1 -o "$0/small/blob" "$0/settings"; code=$?; ls -A "$0/small"; exit $code')
        done = rig.run(["unshare", "-m", "sh", "-c", script, self.tmp, host.LATCHKEY], check=11)
        self.assertSaid(done, "small/blob: .*No space left")
        self.assertEqual(done.stdout, b"")

    def test_full_temporary_storage_leaves_nothing(self):
        self.folder({"noise": os.urandom(400000)})
        os.mkdir(self.path("small"))
        script = ('mount -t tmpfs -o size=64k none "$0/small" && TMPDIR=$0/small '
                  '"$1" config seal --key "$0/keys/policy-key.pem" --config-key "$0/keys/config-key.bin" '
                  '--sequence 1 -o "$0/blob" "$0/settings"; code=$?; ls -A "$0/small"; exit $code')
        done = rig.run(["unshare", "-m", "sh", "-c", script, self.tmp, host.LATCHKEY], check=11)
        self.assertSaid(done, "No space left")
        self.assertNothingLeft("settings", "small")


class Read(config.TestCase):
    def setUp(self):
        super().setUp()
        self.seal(self.folder(), "--target", "cd" * 32, "--created", "1700000000", sequence="12")

    def test_a_blob_is_a_file_and_no_stream(self):
        os.chdir(self.tmp)
        self.addCleanup(os.chdir, "/")
        before = sorted(os.listdir("."))
        public = self.reading()[:2]
        for argv in (["show"], ["verify", *public], ["open", *self.reading(), "-o", "opened"]):
            self.assertSaid(self.latchkey("config", *argv, "-", check=2), "has to be a file")
        self.assertSaid(self.latchkey("config", "open", *self.reading(), "-o", "-", "blob.lkb", check=2),
                        "has to be a folder")
        self.assertEqual(sorted(os.listdir(".")), before)

    def test_show_says_that_nothing_is_verified(self):
        done = self.latchkey("config", "show", self.path("blob.lkb"))
        for text in ("NOTHING of this is verified", "P-384, SHA-384, AES-256-CTR", r"sequence +12\n",
                     "2023-11-14 22:13:20 UTC", "cd" * 32):
            self.assertSaid(done, text)
        blob = bytearray(self.read("blob.lkb"))
        blob[23] = 13
        self.write("blob.lkb", bytes(blob))
        self.assertEqual((self.shown()["sequence"], self.shown()["verified"]), (13, False))
        self.verify(check=5)

    def test_verify_says_what_is_wrong(self):
        self.assertSaid(self.verify(), "^good: ")
        self.verify("blob.lkb", "--target", "CD" * 32)
        self.assertSaid(self.verify("blob.lkb", "--target", "ab" * 32, check=5), "offset 40: .*" + "cd" * 32)
        self.verify("blob.lkb", "--target", "ab", check=2)
        other = self.keys(name="others")
        self.assertSaid(self.verify(keys=other, check=5), "blob.lkb: offset 72: signed by another")
        p256 = self.keys("p256", "p256")
        self.assertSaid(self.verify(keys=p256, check=5), "curve")
        self.verify("missing", check=3)
        self.assertSaid(self.verify("settings", check=3), "not a regular file")
        for path in ("/dev/null", "/dev/zero"):
            self.latchkey("config", "verify", "--policy-key", self.key_dir + "/policy-key.pub.pem", path,
                          check=3)
        self.write("bad.pem", "nonsense")
        self.latchkey("config", "verify", "--policy-key", self.path("bad.pem"), self.path("blob.lkb"),
                      check=3)

    def test_a_changed_blob_is_refused_and_nothing_comes_of_it(self):
        good = self.read("blob.lkb")
        for at in (0, 9, 11, 15, 23, 30, 39, 50, 80, 110, 140, 160, 190, 210, 220, len(good) // 2, -1):
            bad = bytearray(good)
            bad[at] ^= 1
            self.write("blob.lkb", bytes(bad))
            for argv in (["verify", *self.reading()[:2]], ["open", *self.reading(), "-o", self.path("o")],
                         ["open", *self.reading(), "--archive", self.path("o")]):
                done = self.latchkey("config", *argv, self.path("blob.lkb"), check=None)
                self.assertIn(done.returncode, (3, 5), at)
                self.assertIn(self.path("blob.lkb"), done.stderr.decode())
            self.assertNothingLeft("settings", "blob.lkb")

    def test_another_configuration_key_opens_nothing(self):
        other = self.keys(name="others")
        done = self.latchkey("config", "open", *self.reading()[:2], "--config-key",
                             other + "/config-key.bin", "-o", self.path("o"), self.path("blob.lkb"), check=5)
        self.assertSaid(done, "another configuration key")
        self.assertNotMade("o")

    def test_a_folder_that_is_there_is_left_alone(self):
        os.mkdir(self.path("opened"))
        self.assertSaid(self.open_to(check=13), "opened exists already")
        os.symlink(self.tmp, self.path("link"))
        self.open_to(out="link", check=13)
        self.open_to(out="nowhere/new", check=11)
        self.assertEqual(os.listdir(self.path("opened")), [])
        self.open_to(out="new///")
        self.assertEqual(self.tree("new"), self.tree("settings"))
        self.assertNothingLeft("settings", "blob.lkb", "opened", "link", "new")

    def test_archives_are_replaced_only_by_force(self):
        self.write("a", "mine")
        argv = ["config", "open", *self.reading(), "--archive", self.path("a"), self.path("blob.lkb")]
        self.latchkey(*argv, check=13)
        self.assertEqual(self.read("a"), b"mine")
        self.latchkey(*argv, "--force")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("a")).st_mode), 0o600)
        self.latchkey(*argv, "-o", self.path("b"), check=2)
        self.latchkey("config", "open", *self.reading(), self.path("blob.lkb"), check=2)

    def test_a_disk_that_fills_up_leaves_no_half_folder(self):
        os.mkdir(self.path("small"))
        script = ('mount -t tmpfs -o size=64k none "$0/small" && "$1" config open --policy-key '
                  '"$0/keys/policy-key.pub.pem" --config-key "$0/keys/config-key.bin" -o "$0/small/new" '
                  '"$0/blob.lkb"; code=$?; ls -A "$0/small"; exit $code')
        done = rig.run(["unshare", "-m", "sh", "-c", script, self.tmp, host.LATCHKEY], check=11)
        self.assertSaid(done, "No space left")
        self.assertEqual(done.stdout, b"")

    def test_a_blob_that_others_can_write_is_copied_before_it_is_believed(self):
        os.chmod(self.path("blob.lkb"), 0o666)
        trace = self.path("trace")
        for shared in (True, False):
            os.chmod(self.path("blob.lkb"), 0o666 if shared else 0o644)
            rig.run(["strace", "-f", "-o", trace, "-e", "trace=openat", host.LATCHKEY, "config", "open",
                     *self.reading(), "-o", self.path(f"opened-{shared}"), self.path("blob.lkb")], check=0,
                    env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))  # it can't, under strace
            self.assertEqual(b"O_TMPFILE" in self.read("trace"), shared)
            self.assertEqual(self.tree(f"opened-{shared}"), self.tree("settings"))

    def test_no_progress_where_there_is_no_terminal(self):
        self.seal(self.folder({"zeros": bytes(32 << 20)}, name="large"), "--compress", "none", "--force")
        for argv in (["verify", *self.reading()[:2]], ["open", *self.reading(), "--archive", self.path("o")]):
            self.assertEqual(self.latchkey("config", *argv, self.path("blob.lkb")).stderr, b"")

    def diff(self, a, b, *more, check=0):
        return self.latchkey("config", "diff", *more, self.path(a), self.path(b),
                             check=check).stdout.decode()

    def test_diff_tells_what_is_different(self):
        files = dict(config.FILES, **{"app/app.conf": b"verbose=no\n", "new": b"1"})
        del files["net/10-eth.network"]
        self.folder(files, name="later")
        os.chmod(self.path("later/app-data"), 0o600)
        self.seal(self.path("later"), "--created", "1700000060", sequence="13", out="later.lkb")
        headers = self.diff("blob.lkb", "later.lkb")
        for line in (r"(?m)^sequence +12 to 13$", "22:13:20 UTC to 2023-11-14 22:14:20", "target .* to any device",
                     "(?m)^content ", "nothing is verified"):
            self.assertRegex(headers, line)
        self.assertNotIn("app", headers)
        text = self.diff("blob.lkb", "later.lkb", *self.reading(), "--exit-code", check=20)
        lines = [line for line in text.splitlines() if line.startswith(("added", "removed", "changed"))]
        self.assertEqual(len(lines), 4)
        for line in (r'changed +"app-data" mode 0644 to 0600$', r'changed +"app/app.conf" 12 to 11 bytes SHA-256 '
                     r'[0-9a-f]{64} to [0-9a-f]{64}$', r'removed +"net/10-eth.network" 900 bytes, mode 0644',
                     r'added +"new" 1 bytes, mode 0644, SHA-256 6b86b273'):
            self.assertRegex(text, "(?m)^" + line)
        self.assertEqual(self.diff("blob.lkb", "later.lkb", *self.reading()), text)

    def test_diff_of_the_same_says_nothing(self):
        self.seal(self.path("settings"), "--target", "cd" * 32, "--created", "1700000000", sequence="12",
                  out="again.lkb")
        self.assertNotEqual(self.read("again.lkb"), self.read("blob.lkb"))
        self.assertEqual(self.diff("blob.lkb", "again.lkb", *self.reading(), "--exit-code"), "")
        self.diff("blob.lkb", "again.lkb", "--exit-code")
        self.diff("blob.lkb", "again.lkb", *self.reading()[:2], check=2)
        self.diff("blob.lkb", "missing", check=3)
        self.write("again.lkb", self.read("again.lkb")[:-1])
        self.assertEqual(self.diff("blob.lkb", "again.lkb", *self.reading(), check=3), "")

    def test_groups_of_commands_have_help(self):
        for group in ("config", "policy"):
            done = self.latchkey(group, "--help")
            self.assertSaid(done, group + " verify  +[A-Z]")
            self.assertSaid(self.latchkey(group, check=2), f"latchkey {group} --help")
            self.assertSaid(self.latchkey(group, "nonsense", check=2), group + " nonsense: no such command")
        self.assertSaid(self.latchkey("nonsense", check=2), "nonsense: no such command")

    def test_what_was_meant(self):
        """A slip in a command, an option or a key is told with what is near."""
        for argv, said in ((["polcy", "sign"], "polcy: no such command; did you mean policy sign"),
                           (["policy", "sgin"], "policy sgin: no such command; did you mean policy sign"), (["kegen"], "did you mean keygen"),
                           (["polcy"], "polcy: no such command; did you mean policy"), (["confg", "frobnicate"], "confg: no such command; did you mean config"),
                           (["policy", "sign", "--pcrvalues", "x"], "--pcrvalues: .*did you mean --pcr-values"),
                           (["policy", "sign", "--polcy=x"], "--polcy=x: .*did you mean --policy"),
                           (["policy", "sign", "--encrypted"], "--encrypted: no such option, or one that takes no value; see")):
            self.assertSaid(self.latchkey(*argv, check=2), said)
        with open(self.policy(keys=self.keys(name="others"))) as f:
            text = f.read()
        for key, slip in (("version-floor", "version-flor"), ("on-failure", "on_failure"), ("pcrs", "pcr")):
            path = self.write("slip.yaml", text.replace(f"\n{key}:", f"\n{slip}:"))
            self.assertSaid(self.latchkey("policy", "show", path, check=3), f'unknown key "{slip}"; did you mean {key}')

    def test_memory_does_not_grow_with_the_blob(self):
        if host.sanitized():
            self.skipTest("the sanitizer's memory isn't ours")
        peak = {}
        for size in (1, 96):
            folder = self.folder({"noise": os.urandom(1 << 20) * size}, name=f"of-{size}")
            for name, argv in (
                    ("seal", ["seal", "--key", self.key_dir + "/policy-key.pem", *self.reading()[2:], "--force",
                              "--sequence", "1", "--compress", "none", "-o", self.path("blob.lkb"), folder]),
                    ("verify", ["verify", *self.reading()[:2], self.path("blob.lkb")]),
                    ("open", ["open", *self.reading(), "-o", self.path(f"o-{size}"), self.path("blob.lkb")]),
                    ("diff", ["diff", *self.reading(), self.path("blob.lkb"), self.path("blob.lkb")])):
                subprocess.run([host.DRIVER, "maxrss", self.path("rss"), host.LATCHKEY, "config", *argv],
                               check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                peak[name, size] = int(self.read("rss"))
        for name in ("seal", "verify", "open", "diff"):
            self.assertLess(peak[name, 96], peak[name, 1] + 2048, name)


if __name__ == "__main__":
    host.main()
