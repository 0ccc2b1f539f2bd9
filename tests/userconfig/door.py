#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The upload's door: a real sshd takes an upload by sftp, the device applies it, and nothing else is to be had there."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

import rig
from receiver import STATE, UPLOAD, files, spare

SYSTEMD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd")
SNIPPET = os.path.join(SYSTEMD, "upload/50-latchkey-upload.conf")
# What sshd sees: the device's users, folders and settings in place of this machine's. Nothing of it outlives the last process in there.
INSIDE = """
mount --make-rprivate /
mount -t tmpfs none /run && mkdir -m 755 /run/sshd
mount --bind {root}/etc /etc && mount --bind {root}/home /home
{more}
exec /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Door(rig.TestCase):
    MORE = ""

    def setUp(self):
        super().setUp()
        self.dev = spare(self)
        self.blob_sequence = 1
        shutil.rmtree(self.dev.at("home"))
        self.at_root(["systemd-sysusers", f"--root={self.dev.root}", os.path.join(SYSTEMD, "upload/latchkey-upload.sysusers")])
        # The folders of /etc/group and passwd that Debian has besides, and sshd's own user.
        with open(self.dev.at("etc/passwd"), "a") as f:
            f.write("sshd:x:74:74::/run/sshd:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n")
        self.at_root(["systemd-tmpfiles", f"--root={self.dev.root}", "--create", os.path.join(SYSTEMD, "upload/latchkey-upload.tmpfiles")])
        with open(self.dev.at("etc/passwd")) as f:
            self.uid = int(re.search(r"^update:x:(\d+):", f.read(), re.M)[1])
        for name in ("pam.d", "security", "nsswitch.conf", "login.defs", "environment", "ld.so.cache", "ssl"):
            if os.path.exists("/etc/" + name):
                rig.run(["cp", "-a", "/etc/" + name, self.dev.at("etc", name)], check=0)
        shutil.copy(os.path.join(SYSTEMD, "upload/latchkey-upload.limits"), self.dev.at("etc/security/limits.d/latchkey-upload.conf"))
        # In a container nobody may set the audit system's login user.
        rig.run(["sed", "-i", "/pam_loginuid/d", self.dev.at("etc/pam.d/sshd")], check=0)
        self.start()

    def at_root(self, argv):
        rig.run(argv, check=0)

    def start(self):
        os.makedirs(self.dev.at("etc/ssh/sshd_config.d"))
        shutil.copy(SNIPPET, self.dev.at("etc/ssh/sshd_config.d"))
        for name in ("host", "client", "stranger"):
            rig.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.path(name)], check=0)
        shutil.copy(self.path("host"), self.dev.at("etc/ssh/host"))
        os.chmod(self.dev.at("etc/ssh/host"), 0o600)
        with open(self.path("client.pub")) as f, open(self.dev.at("etc/latchkey/upload-keys"), "w") as keys:
            keys.write(f.read())
        self.port = free_port()
        # As Debian's own: what is included comes first, and the rest of the file is for everybody else.
        with open(self.dev.at("etc/ssh/sshd_config"), "w") as f:
            f.write("Include /etc/ssh/sshd_config.d/*.conf\n"
                    f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey /etc/ssh/host\nUsePAM yes\nX11Forwarding yes\n"
                    "PermitRootLogin no\nSubsystem sftp /usr/lib/openssh/sftp-server\nAcceptEnv LANG LC_*\n")
        script = INSIDE.format(root=self.dev.root, more=self.MORE.format(upload="/" + UPLOAD, uid=self.uid))
        self.log = open(self.path("sshd.log"), "w")
        self.addCleanup(self.log.close)
        self.sshd = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-ec", script], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.addCleanup(self.stop)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
            self.assertIsNone(self.sshd.poll(), self.read("sshd.log").decode())
        self.fail("sshd doesn't listen")

    def stop(self):
        self.sshd.send_signal(signal.SIGTERM)
        self.sshd.wait()

    def options(self, key="client"):
        return ["-F", "none", "-i", self.path(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                "-o", f"UserKnownHostsFile={self.path('known')}", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20"]

    def ssh(self, *words, key="client"):
        return subprocess.run(["ssh", *self.options(key), "-p", str(self.port), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)

    def sftp(self, *commands, key="client", check=0):
        """The commands in one session; each with "-" before it may fail."""
        done = subprocess.run(["sftp", *self.options(key), "-P", str(self.port), "-b", "-", "update@127.0.0.1"], cwd=self.tmp,
                              input="\n".join(commands).encode() + b"\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        said = done.stdout.decode()
        if check is not None:
            self.assertEqual(done.returncode, check, said + self.read("sshd.log").decode())
        return said

    def seal(self, **content):
        self.blob_sequence += 1
        blob = self.dev.seal(files(**content), self.blob_sequence)
        self.write("blob", blob)
        return blob

    def upload(self):
        return self.sftp("put blob config.lkb.part", "rename config.lkb.part config.lkb")

    def mode(self, path):
        st = os.lstat(self.dev.at(path))
        return st.st_mode & 0o7777, st.st_uid


class Uploads(Door):
    def test_what_is_uploaded_is_applied(self):
        for mode in (0o644, 0o600, 0o444):
            self.seal(app__conf=b"by sftp %o" % mode)
            os.chmod(self.path("blob"), mode)
            self.upload()
            self.assertEqual(self.mode(UPLOAD + "/config.lkb"), (mode & 0o200, self.uid), "others can read what was uploaded")
            self.dev.apply()
            self.assertEqual(self.dev.get("opt/app/conf"), b"by sftp %o" % mode)
            self.assertEqual(self.sftp("ls -1 /mnt").split("\n")[1:], [""])

    def test_why_one_is_refused_is_for_who_uploaded_it(self):
        self.write("blob", b"no blob" * 100)
        self.upload()
        self.dev.apply(check=3)
        self.sftp("get config.lkb.refused.txt why")
        self.assertIn("config.lkb", self.read("why").decode())
        self.assertIn("Permission denied", self.sftp("-get config.lkb.refused back"))
        self.sftp("rm config.lkb.refused", "rm config.lkb.refused.txt")
        self.seal(app__conf=b"then a good one")
        self.sftp("put blob config.lkb")
        self.dev.apply()
        self.assertEqual(self.dev.get("opt/app/conf"), b"then a good one")

    def test_scp_does_too(self):
        self.seal(app__conf=b"by scp")
        rig.run(["scp", *self.options(), "-P", str(self.port), self.path("blob"), "update@127.0.0.1:config.lkb"], check=0)
        self.dev.apply()
        self.assertEqual(self.dev.get("opt/app/conf"), b"by scp")


class Refused(Door):
    def everything(self):
        return self.dev.snapshot("opt", "etc", "home", "var", "run")

    def test_the_folders_are_as_sshd_wants_them(self):
        for path, want in (("home/update", (0o755, 0)), ("home/update/upload", (0o755, 0)), (UPLOAD, (0o700, self.uid))):
            self.assertEqual(self.mode(path), want, path)
        with open(self.dev.at("etc/shadow")) as f:
            self.assertRegex(f.read(), r"(?m)^update:!\*?:")

    def test_what_is_there_already_keeps_its_owner(self):
        os.chown(self.dev.at("home/update"), 4321, 4321)
        os.chmod(self.dev.at("home/update"), 0o750)
        rig.run(["systemd-tmpfiles", f"--root={self.dev.root}", "--create", os.path.join(SYSTEMD, "upload/latchkey-upload.tmpfiles")])
        self.assertEqual(self.mode("home/update"), (0o750, 4321))
        self.assertIn("closed", self.sftp("ls", check=255).lower())
        self.assertIn("bad ownership or modes for chroot directory component", self.read("sshd.log").decode())

    def test_no_other_way_in(self):
        before = self.everything()
        for user in ("update", "root", "app"):
            for key in ("stranger", *(["client"] if user != "update" else [])):
                done = self.ssh(f"{user}@127.0.0.1", "id", key=key)
                self.assertEqual(done.returncode, 255, done.stdout)
                self.assertIn(b"Permission denied", done.stdout)
        # A key of his own making, in his home, is nobody's: the list is root's.
        os.makedirs(self.dev.at("home/update/.ssh"))
        shutil.copy(self.path("stranger.pub"), self.dev.at("home/update/.ssh/authorized_keys"))
        self.assertEqual(self.ssh("update@127.0.0.1", key="stranger").returncode, 255)
        shutil.rmtree(self.dev.at("home/update/.ssh"))
        self.assertEqual(self.everything(), before)

    def test_no_shell_and_no_forwarding(self):
        before = self.everything()
        for words in (["id"], ["-tt", "id"], ["-tt"], ["/bin/sh", "-c", "id"], ["-s", "shell"], ["internal-sftp; id"]):
            flags = [w for w in words if w.startswith("-") and w != "-c"]
            rest = [w for w in words if w not in flags]
            done = self.ssh(*flags, "update@127.0.0.1", *rest)
            self.assertNotIn(b"uid=", done.stdout)
        with socket.create_server(("127.0.0.1", 0)) as inside:
            inside.settimeout(0.2)
            port = inside.getsockname()[1]
            done = self.ssh("-W", f"127.0.0.1:{port}", "update@127.0.0.1")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"forwarding failed", done.stdout)
            with self.assertRaises(TimeoutError):
                inside.accept()
        for forward in ("-R", "127.0.0.1:0:127.0.0.1:22"), ("-R", "/home/update/upload/mnt/sock:127.0.0.1:22"):
            done = self.ssh("-N", "-o", "ExitOnForwardFailure=yes", *forward, "update@127.0.0.1")
            self.assertEqual(done.returncode, 255, done.stdout)
            self.assertIn(b"forwarding", done.stdout)
        done = self.ssh("-N", "-o", "ExitOnForwardFailure=yes", "-w", "0:0", "update@127.0.0.1")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.everything(), before)

    def test_nothing_but_that_folder(self):
        self.seal(app__conf=b"x")
        with open(self.dev.at("home/update/upload/secret"), "w") as f:
            f.write("root's")
        os.chmod(self.dev.at("home/update/upload/secret"), 0o600)
        # What another one has uploaded with the same name of a user, and what the device put there.
        self.sftp("put blob another")
        os.symlink("../../../../var/lib/latchkey/userconfig", self.dev.at(UPLOAD, "state"))
        os.symlink("/etc/passwd", self.dev.at(UPLOAD, "absolute"))
        before = self.everything()
        commands = ("get /etc/passwd x", "get ../../../../etc/shadow x", f"ls /{STATE}", "ls state/", "get state/current/blob x", "get absolute x",
                    "get another x", "get /secret x", "put blob /secret", "put blob /config.lkb", "put blob ../config.lkb", "rename another ../another",
                    "rename another /home", "mkdir folder", "rmdir /mnt", "chmod 0777 another", "chmod 04755 another", "chmod 0777 /mnt",
                    "chown 0 another", "ln another hard", "ln -s /etc/shadow soft", "ln -s ../.. soft", "rm /secret", "rm ../secret")
        said = self.sftp(*("-" + c for c in commands)).split("sftp> -")[1:]
        self.assertEqual([part.splitlines()[0] for part in said], list(commands))
        for part in said:
            self.assertRegex(part, r"(?i)denied|not found|no such|unsupported|failure|can't|couldn't|cannot|not support", part)
        self.assertFalse(os.path.exists(self.path("x")))
        after = self.everything()
        self.assertEqual({p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}, set())
        # It arrives all the same; its mode and times aren't taken over.
        os.chmod(self.path("blob"), 0o666)
        self.assertIn("Permission denied", self.sftp("-put -p blob with-times"))
        self.assertEqual(self.mode(UPLOAD + "/with-times"), (0o200, self.uid))
        self.assertEqual(self.sftp("ls -1 /").split()[-2:], ["/mnt", "/secret"])


    def test_requests_that_no_client_would_send(self):
        """By a client of our own, since sftp asks first what it may: version 3 of the protocol, draft-ietf-secsh-filexfer-02."""
        def text(*words):
            return b"".join(struct.pack(">I", len(w)) + w for w in words)

        self.seal(app__conf=b"x")
        self.sftp("put blob another")
        before = self.everything()
        none, mode = struct.pack(">I", 0), struct.pack(">II", 4, 0o4777)
        requests = {"symlink": (20, text(b"/etc", b"soft")), "readlink": (19, text(b"another")), "setstat": (9, text(b"another") + mode),
                    "mkdir": (14, text(b"folder") + none), "rmdir": (15, text(b"/mnt")),
                    **{name: (200, text(name.encode(), *more)) for name, more in (
                        ("hardlink@openssh.com", (b"another", b"hard")), ("lsetstat@openssh.com", (b"another", mode)),
                        ("copy-data", (b"another",)), ("expand-path@openssh.com", (b"~root",)), ("home-directory", (b"root",)),
                        ("users-groups-by-id@openssh.com", (none, none)))}}
        packets = [bytes([1]) + struct.pack(">I", 3)] + [bytes([kind]) + struct.pack(">I", n) + body
                                                         for n, (kind, body) in enumerate(requests.values(), 1)]
        answers = {}
        with subprocess.Popen(["ssh", *self.options(), "-p", str(self.port), "-s", "update@127.0.0.1", "sftp"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as client:
            # Each after the answer to the one before: at the end of what it reads the server ends at once.
            for n, packet in enumerate(packets):
                client.stdin.write(struct.pack(">I", len(packet)) + packet)
                client.stdin.flush()
                answer = client.stdout.read(struct.unpack(">I", client.stdout.read(4))[0])
                if n:
                    self.assertEqual((answer[0], struct.unpack(">I", answer[1:5])[0]), (101, n))
                    answers[list(requests)[n - 1]] = struct.unpack(">I", answer[5:9])[0]
            client.stdin.close()
            client.wait(30)
        # SSH_FX_PERMISSION_DENIED or SSH_FX_OP_UNSUPPORTED.
        self.assertEqual({name: answers.get(name) in (3, 8) for name in requests}, dict.fromkeys(requests, True), answers)
        self.assertEqual(self.everything(), before)


class Full(Door):
    """The folder is a small file system of its own, as latchkey-upload(7) has it."""
    MORE = "mount -t tmpfs -o size=1m,nr_inodes=32,mode=700,uid={uid},gid={uid},nosuid,nodev,noexec none {upload}"

    def test_a_huge_file_and_many_take_no_more_than_it_has(self):
        free = os.statvfs(self.dev.root).f_bavail
        with open(self.path("huge"), "wb") as f:
            f.truncate(80 << 20)
        said = self.sftp("-put huge", "-put huge config.lkb", *(f"-put known f{n}" for n in range(50)), "ls")
        self.assertRegex(said, r"(?i)failure|no space")
        self.assertLess(abs(os.statvfs(self.dev.root).f_bavail - free) * os.statvfs(self.dev.root).f_frsize, 16 << 20)
        self.sftp("rm huge", "-rm config.lkb", *(f"-rm f{n}" for n in range(50)), "put known config.lkb", "ls")


class Limit(Door):
    def test_a_huge_file_is_cut_where_the_limit_is(self):
        """By the limit alone: here the folder is on the big disk."""
        with open(self.path("huge"), "wb") as f:
            f.truncate(80 << 20)
        self.sftp("-put huge", check=None)
        self.assertLessEqual(os.path.getsize(self.dev.at(UPLOAD, "huge")), 66560 << 10)
        self.sftp("rm huge")


if __name__ == "__main__":
    unittest.main()
