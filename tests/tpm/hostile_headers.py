# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Before the latch nothing that lies on the disk costs much: whatever a LUKS2 header says, it is refused within 48 MiB of
memory, by provisioning too; and what is no file in the place of one keeps nobody waiting."""
import hashlib
import os
import struct
import subprocess
import sys
import unittest

import luks2
import rig
import volume

PASSPHRASE = bytes(range(32))
MOST_KIB = 48 * 1024
# In a small process of its own: what is forked is charged with the memory of who forked it.
MEASURE = """
import os, signal, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(60)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
OFFSETS = [0x4000 << n for n in range(9)]


def most_kib():
    """What a run may have at its peak; the sanitizers' shadow and what they keep of freed memory come on top."""
    with open(rig.program("latchkey-unseal"), "rb") as f:
        return MOST_KIB * (4 if b"__asan_init" in f.read() else 1)


def header(json, size, *, offset=0, name="LUKS", checksum="sha256"):
    """A header copy of libcryptsetup's liking: binary part, JSON, checksum."""
    magic = b"LUKS\xba\xbe" if offset == 0 else b"SKUL\xba\xbe"
    head = bytearray(magic + struct.pack(">HQQ", 2, size, 1) + bytes(48) + checksum.encode().ljust(32, b"\0") + b"\x5a" * 64 +
                     b"01234567-89ab-cdef-0123-456789abcdef".ljust(40, b"\0") + bytes(48) + struct.pack(">Q", offset))
    area = bytearray(bytes(head).ljust(4096, b"\0") + json.ljust(size - 4096, b"\0"))
    area[448:512] = hashlib.sha256(area).digest().ljust(64, b"\0")
    return bytes(area)


class Case(volume.Sealed):
    passphrase = PASSPHRASE

    def unseal(self, *, signed=None, policy=None):
        """Exit code, and in peak the most memory that was there, in KiB. Time is bounded so that a hang fails."""
        return self.measure(rig.program("latchkey-unseal"), "--policy", policy or self.policy, "--signed", signed or self.signed,
                            "--tpm", self.tpm.tcti, "--dry-run")

    def measure(self, *argv):
        with open(self.path("said"), "wb") as said:
            told = subprocess.run([sys.executable, "-S", "-c", MEASURE, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=said, timeout=120, check=True)
        self.said = self.read("said").decode()
        code, self.peak = map(int, told.stdout.split())
        return code

    def put(self, *parts):
        """Header copies at offsets of the disk; what else is in its first 16 MiB goes."""
        with open(self.disk, "r+b") as f:
            f.write(bytes(16 << 20))
            for at, data in parts:
                f.seek(at)
                f.write(data)


class Headers(Case):
    def refused(self, code=9):
        self.assertEqual(self.unseal(), code, self.said)
        self.assertLess(self.peak, most_kib())

    def test_a_good_one_takes_little(self):
        self.assertEqual(self.unseal(), 0, self.said)
        self.assertLess(self.peak, most_kib())

    # Without the bound some 2.1 GiB, each.
    JUNK = {"objects": b'{"a":[' + b"{}," * 1390000 + b"{}]}", "arrays": b'{"a":[' + b"[]," * 1390000 + b"[]]}",
            "numbers": b'{"a":[' + b"1," * 2000000 + b"1]}", "keys": b'{' + b"".join(b'"%07d":1,' % i for i in range(370000)) + b'"a":1}',
            "depth": b'{"a":' * 800000, "one string": b'{"a":"' + b"x" * 4000000 + b'"}', "white space": b" " * 4000000 + b"{}",
            "a comment": b"/*" + b"x" * 4000000 + b"*/{}", "in strings": b'{"a":["' + b'","' * 1300000 + b'"]}'}

    def test_the_first_copy(self):
        for name, json in self.JUNK.items():
            with self.subTest(name):
                self.put((0, header(json, 4 << 20)))
                self.refused()

    def test_the_second_copy_where_the_first_is_whole(self):
        """libcryptsetup reads both, to see which is newer."""
        with open(self.disk, "rb") as f:
            first = f.read(0x4000)
        for name in ("objects", "keys"):
            with self.subTest(name):
                self.put((0, first), (0x4000, header(self.JUNK[name][:0x4000 - 4096], 0x4000, offset=0x4000)))
                self.unseal()
                self.assertLess(self.peak, most_kib())

    def test_the_second_copy_wherever_it_may_lie(self):
        for at in OFFSETS:
            with self.subTest(at=hex(at)):
                json = self.JUNK["objects"][:at - 4096]
                self.put((at, header(json, at, offset=at)))
                self.refused()

    def test_all_places_at_once(self):
        self.put(*[(at, header(self.JUNK["objects"][:at - 4096], at, offset=at)) for at in OFFSETS])
        self.refused()

    def test_as_much_as_is_allowed_is_little_too(self):
        """At the bounds of each kind, and not over them."""
        for name, json in {"objects": b'{"a":[' + b"{}," * 4000 + b"{}]}", "numbers": b'{"a":[' + b"1," * 60000 + b"1]}",
                           "string": b'{"a":"' + b"x" * 260000 + b'"}'}.items():
            with self.subTest(name):
                self.put((0, header(json, 4 << 20)), (4 << 20, header(json, 4 << 20, offset=4 << 20)))
                self.refused()

    def test_a_header_of_four_mebibytes_with_little_in_it_opens(self):
        self.disk, key = volume.luks_file(self, PASSPHRASE, "large.img", options=("--luks2-metadata-size", "4m"))
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(key))
        self.policy = self.owner.policy(self.disk)
        self.assertEqual(self.unseal(), 0, self.said)
        self.assertLess(self.peak, most_kib())


class NotTrue(Case):
    """What a header says and can't be is the header's fault: exit code 9, and nothing of it is taken for a fault of the machine."""

    def test_it_is_told_as_the_header_s_fault(self):
        def keyslot(part, **fields):
            return lambda d: d["keyslots"]["0"][part].update(fields)
        whole = self.read("disk.img")
        changes = {"af hash": keyslot("af", hash="sha999"), "kdf hash": keyslot("kdf", hash="none"), "salt": keyslot("kdf", salt="!!"),
                   "no iterations": keyslot("kdf", iterations=0), "area cipher": keyslot("area", encryption="aes-no"),
                   "another mode": keyslot("area", encryption="aes-gcm-random"), "key size": keyslot("area", key_size=1),
                   "digest salt": lambda d: d["digests"]["0"].update(salt="!"),
                   "data behind the end": lambda d: d["segments"]["0"].update(offset=str(1 << 40))}
        for name, change in changes.items():
            with self.subTest(name):
                self.write("disk.img", whole)
                luks2.change(self.disk, change)
                self.assertEqual(self.unseal(), 9, self.said)
        for size in (0, 100, 511, 512, 4096, 0x4000, 0x8000, 300000, (16 << 20) - 1):
            with self.subTest(size=size):
                self.write("disk.img", whole[:size])
                self.assertEqual(self.unseal(), 9, self.said)


class PowerCut(Case):
    """libcryptsetup writes one copy after the other, and takes the newer one: each may name keyslots that the other doesn't."""

    def test_the_newer_copy_names_a_keyslot_that_the_older_does_not(self):
        with open(self.disk, "rb") as f:
            before = f.read(0x8000)
        rig.run(["cryptsetup", "luksAddKey", "--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                 "--key-file", "-", "--keyfile-size", len(PASSPHRASE), self.disk, self.write("more", b"another passphrase")],
                stdin=PASSPHRASE, check=0)
        with open(self.disk, "rb") as f:
            after = f.read(0x8000)
        for name, first, second in (("the first is older", before, after), ("the second is older", after, before)):
            with self.subTest(name), open(self.disk, "r+b") as f:
                f.write(first[:0x4000] + second[0x4000:])
                f.flush()
                self.assertEqual(self.unseal(), 0, self.said)
                self.assertLess(self.peak, most_kib())


class Provisioning(Case):
    """It reads the headers of disks that were in other hands, some of it unattended in every boot."""

    def test_no_command_is_made_to_cost_much(self):
        learned = self.path("learned")
        os.mkdir(learned)
        self.write("learned/lktest.json", '{"latchkey-learned":1,"root-key":"","sealed":""}\n')
        policy = ("--policy", self.policy)
        for name in ("objects", "numbers", "in strings"):
            json = Headers.JUNK[name]
            self.put((0, header(json, 4 << 20)), (4 << 20, header(json, 4 << 20, offset=4 << 20)))
            before = self.read("disk.img")
            for argv in (("policy", "list", *policy), ("policy", "add", *policy, self.signed), ("remember", *policy, "--learned", learned)):
                with self.subTest(name, command=argv[:2]):
                    self.assertEqual(self.measure(rig.program("latchkey-provision"), *argv), 9, self.said)
                    self.assertLess(self.peak, most_kib())
                    self.assertIn("LUKS2 header refused", self.said)
            self.assertEqual(self.read("disk.img"), before)

    def test_costs_of_keyslots_are_bounded_as_they_are_in_early_boot(self):
        """Any of these would take minutes, or gigabytes, for each passphrase that is tried."""
        argon = {"type": "argon2id", "time": 4, "memory": 2 << 20, "cpus": 4}
        more = {"iterations": 60000000}
        for name, change in {"iterations": lambda d: d["keyslots"]["0"]["kdf"].update(more),
                             "memory": lambda d: d["keyslots"]["0"]["kdf"].update(argon),
                             "digest": lambda d: d["digests"]["0"].update(more)}.items():
            with self.subTest(name):
                volume.luks_file(self, PASSPHRASE)
                luks2.change(self.disk, change)
                before = self.read("disk.img")
                for argv in (("policy", "list"), ("policy", "add", self.signed)):
                    said = rig.run([rig.program("latchkey-provision"), *argv[:2], "--policy", self.policy, *argv[2:]], timeout=20)
                    self.assertEqual(said.returncode, 9, said.stderr)
                    self.assertIn(b"LUKS2 header refused: ", said.stderr)
                self.assertEqual(self.read("disk.img"), before)

    def test_what_is_no_disk_keeps_nobody_waiting(self):
        os.mkfifo(self.path("fifo"))
        for path in (self.path("fifo"), "/dev/zero", self.tmp):
            with self.subTest(path):
                self.assertEqual(self.measure(rig.program("latchkey-provision"), "policy", "list", "--policy", self.policy,
                                              "--device", path), 8, self.said)


class Files(Case):
    def test_no_file_in_the_place_of_signed_policies(self):
        """The latch closes all the same; nothing hangs."""
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("folder/a.yaml"))
        os.symlink("/dev/zero", self.path("folder/b.yaml"))
        for path in (self.path("fifo"), "/dev/zero", "/dev/tty", self.path("folder"), "/proc/self/environ-", "/proc/kmsg"):
            with self.subTest(path):
                self.assertEqual(self.unseal(signed=path), 5, self.said)
                self.assertIn("passed over", self.said)
                self.assertLess(self.peak, most_kib())

    def test_beside_a_good_one_it_is_passed_over(self):
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("folder/a.yaml"))
        os.rename(self.signed, self.path("folder/b.yaml"))
        self.assertEqual(self.unseal(signed=self.path("folder")), 0, self.said)
        self.assertIn("a.yaml: not a file", self.said)

    def test_no_file_in_the_place_of_the_policy_file(self):
        os.mkfifo(self.path("fifo"))
        for path in (self.path("fifo"), "/dev/zero", self.tmp, "-"):
            with self.subTest(path):
                self.assertEqual(self.unseal(policy=path), 3, self.said)
                self.assertLess(self.peak, most_kib())


if __name__ == "__main__":
    unittest.main()
