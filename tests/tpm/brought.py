# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Signed policies that are brought from outside: which of them open, what is refused, and that the time limit holds."""
import json
import os
import threading
import time

import bundle
import proxy
import rig
import volume

PASSPHRASE = bytes(range(1, 65))
LIMIT = 3


class Brought(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.tpm = self.swtpm()
        volume.prepare_tpm(self.tpm, floor=2)
        self.disk, self.key = volume.luks_file(self, PASSPHRASE)
        self.owner = volume.Owner(self)
        self.owner.seal(self.tpm, PASSPHRASE + volume.identity(self.key))
        self.stick = self.path("stick")
        self.policy = self.with_places(self.stick)

    def with_places(self, *places, seconds=LIMIT):
        listed = ", ".join(f'"{p}"' for p in places)
        return self.owner.policy(self.disk, top=f"signed-from: [{listed}]\ntimeout-signed: {seconds}\n")

    def signed(self, **options):
        with open(self.owner.sign(self.tpm, **{"version": 2, **options})) as f:
            return f.read()

    def of_another_boot(self):
        before = self.signed()
        self.tpm.tool("tpm2_pcrextend", f"7:sha256={'2a' * 32}")
        return before

    def unseal(self, *args, check=0, through=()):
        bus = proxy.Proxy(self, self.tpm)
        began = time.monotonic()
        done = rig.run([*through, rig.program("latchkey-unseal"), "--policy", self.policy, "--tpm", bus.tcti, "--dry-run",
                        "--learn", self.path("learned"), *args], check=check)
        self.took, self.names, self.said = time.monotonic() - began, bus.names, done.stderr.decode()
        return self.said

    def assertRefused(self, *words, through=()):
        """Within the time limit, with the reason, with nothing left and nothing unsealed."""
        self.unseal(check=5, through=through)
        for word in words:
            self.assertIn(word, self.said)
        self.assertLess(self.took, LIMIT + 4)
        self.assertNotIn("would open", self.said)
        self.assertFalse(os.path.exists(self.path("learned")))

    def test_the_one_for_this_boot_opens_among_others(self):
        other = self.of_another_boot()
        self.write("stick", bundle.of(other, self.signed(), other))
        self.assertIn("would open", self.unseal())
        self.assertIn("3 signed policies are for this policy file, and this boot is one of theirs", self.said)
        self.assertLess(self.took, LIMIT)

    def test_what_opened_is_left_for_the_token(self):
        self.write("stick", bundle.of(self.signed(label="of the stick")))
        self.unseal()
        left = json.loads(self.read("learned/lktest.signed"))
        self.assertEqual(left["label"], "of the stick")
        self.assertEqual(os.stat(self.path("learned/lktest.signed")).st_mode & 0o777, 0o600)

    def test_nothing_is_read_where_something_at_hand_fits(self):
        """Not even looked for: the same TPM commands as without, and no word of it."""
        at_hand = self.owner.sign(self.tpm, version=2)
        self.unseal("--signed", at_hand)
        before = self.names
        self.write("stick", b"LUKS\xba\xbe" + bytes(4096))
        self.unseal("--signed", at_hand)
        self.assertEqual(self.names, before)
        self.assertNotIn("stick", self.said)

    def test_it_costs_what_a_policy_in_a_file_costs_and_a_look_at_the_pcrs(self):
        at_hand = self.owner.sign(self.tpm, version=2)
        self.unseal("--signed", at_hand)
        direct = self.names
        self.write("stick", bundle.of(self.signed()))
        self.unseal()
        self.assertEqual(self.names, ["PCR_Read"] + direct)

    def test_one_that_comes_late_but_in_time(self):
        whole = bundle.of(self.signed())

        def put():
            time.sleep(1)
            self.write("late", whole)
            os.rename(self.path("late"), self.stick)

        thread = threading.Thread(target=put)
        thread.start()
        self.assertIn("would open", self.unseal())
        thread.join()

    def test_one_that_goes_away_while_it_is_read(self):
        """As a stick's partition does while the kernel and udev find it: half of it can be read, and then the whole."""
        whole = bundle.of(self.signed())
        self.write("stick", whole[:-20])
        self.write("whole", whole)
        thread = threading.Timer(0.5, lambda: os.rename(self.path("whole"), self.stick))
        thread.start()
        self.assertIn("would open", self.unseal())
        thread.join()
        self.assertEqual(self.said.count("passed over"), 1, self.said)

    def test_none_and_too_late(self):
        self.assertRefused("no signed policies from", f"it wasn't there within {LIMIT} s")
        self.assertGreaterEqual(self.took, LIMIT)

    def test_two_of_which_the_second_has_it(self):
        other = self.of_another_boot()
        self.write("stick", bundle.of(other))
        second = self.path("second")
        self.write("second", bundle.of(self.signed()))
        self.policy = self.with_places(self.stick, second)
        self.assertIn("would open", self.unseal())
        self.assertIn("none of them is for this boot", self.said)

    def test_a_forged_one_of_a_higher_version_does_not_stand_in_the_way(self):
        good = self.signed()
        forged = self.signed(version=7, key=volume.Owner(self, name="thief").key)
        self.write("stick", bundle.of(forged, good))
        self.assertIn("would open", self.unseal())
        self.write("stick", bundle.of(forged))
        os.unlink(self.path("learned/lktest.signed"))
        os.unlink(self.path("learned/lktest.json"))
        os.rmdir(self.path("learned"))
        self.assertRefused("signature")

    def test_one_under_the_floor(self):
        self.write("stick", bundle.of(self.signed(version=1)))
        self.assertRefused("floor")

    def test_other_owners(self):
        thief = volume.Owner(self, name="thief")
        with open(thief.sign(self.tpm, version=2)) as f:
            self.write("stick", bundle.of(*[f.read()] * 30))
        self.assertRefused("30 of its signed policies are passed over", "another policy key")

    def test_for_another_boot(self):
        other = self.of_another_boot()
        self.write("stick", bundle.of(other))
        self.assertRefused("none of them is for this boot", "PCR 7 (")

    def test_a_terabyte_of_zeros(self):
        with open(self.stick, "wb") as f:
            f.truncate(1 << 40)
        self.assertRefused("nothing written")

    def test_a_million_policies(self):
        line = bundle.as_json(self.signed())
        with open(self.stick, "wb") as f:
            f.write(bundle.of_lines([line], count=9999, length=9999999))
            f.truncate(1 << 30)
        self.assertRefused("9999 policies", "1 to 1024 are allowed")
        self.write("stick", bundle.of_lines([line], length=9999999))
        self.assertRefused("9999999 bytes follow")
        self.write("stick", bundle.of_lines(["{}"] * 1025))
        self.assertRefused("1025 policies", "1 to 1024 are allowed")

    def test_as_many_as_are_allowed_take_no_time_to_speak_of(self):
        other = self.of_another_boot()
        room = (1 << 20) - 200 - len(bundle.as_json(self.signed()))
        line = bundle.as_json(other)
        n = min(1023, room // (len(line) + 1))
        self.write("stick", bundle.of_lines([line] * n + [bundle.as_json(self.signed())]))
        self.assertIn("would open", self.unseal())
        print(f"{n + 1} policies, {os.path.getsize(self.stick)} bytes: {self.took:.2f} s")

    def test_one_that_is_pulled(self):
        whole = bundle.of(self.signed())
        for cut in (1, 50, 102, 103, 200, len(whole) - 1):
            with self.subTest(cut):
                self.write("stick", whole[:cut])
                self.assertRefused("stick")
        self.assertIn("isn't whole", self.said)

    def slow(self, seconds):
        """Words before a command, so that each of its reads of the stick takes so long."""
        quiet = ("env", f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0")
        return (*quiet, "strace", "-f", "-qq", "-o", "/dev/null", "-P", self.stick, "-e", "trace=read", "-e",
                f"inject=read:delay_enter={round(seconds * 1e6)}")

    def test_a_slow_one(self):
        """In time it opens; one that takes longer than the limit is left behind, with what it has read."""
        whole = bundle.of(self.signed())
        self.write("stick", whole)
        self.assertIn("would open", self.unseal(through=self.slow(0.5)))
        self.assertGreater(self.took, 0.5)
        for name in os.listdir(self.path("learned")):
            os.unlink(self.path("learned", name))
        os.rmdir(self.path("learned"))
        self.assertRefused("stick: it isn't read within the time limit (0 bytes were)", through=self.slow(LIMIT + 1.5))

    def test_what_lies_there_instead(self):
        for content, word in ((b"LUKS\xba\xbe" + bytes(4090), "a LUKS volume"), (bytes(1080) + b"\x53\xef" + bytes(4000), "ext4"),
                              (bytes(510) + b"\x55\xaa" + bytes(1536), "FAT"), (b"", "nothing at all"), (os.urandom(4096), "something else"),
                              (self.signed().encode(), "latchkey policy bundle"),
                              (bundle.of_lines(["{}", "[", "x" * 8000, '{"latchkey-signed-policy": 1}']), "4 of its signed policies are passed over"),
                              (bundle.of(self.signed()).replace(b'"version": "2"', b'"version": "3"'), "isn't what was written")):
            with self.subTest(word):
                self.write("stick", content)
                self.assertRefused(word)

    def test_what_would_hang_or_have_an_effect(self):
        os.mkfifo(self.path("pipe"))
        for path in (self.path("pipe"), "/dev/zero", "/dev/tty", os.path.dirname(self.stick)):
            with self.subTest(path):
                self.policy = self.with_places(path, seconds=1)
                self.assertRefused(path)

    def test_labels_in_odd_characters(self):
        for label in ("a b/c", "\\x20", "%s%n", "\u2713", "../../x", "x" * 200, "a\\nb"):
            with self.subTest(label):
                self.policy = self.with_places(f"PARTLABEL={label}", seconds=0)
                self.assertRefused("no signed policies from PARTLABEL=")

    def test_by_hand(self):
        self.policy = self.owner.policy(self.disk)
        self.write("stick", bundle.of(self.signed()))
        self.assertIn("would open", self.unseal("--signed", self.stick))
        self.write("stick", bundle.of(self.signed())[:-1])
        self.assertIn("no bundle of signed policies could be read there", self.unseal("--signed", self.stick, check=5))
        self.policy = self.with_places(seconds=0)
        self.assertIn("isn't there", self.unseal("--signed", "PARTLABEL=latchkey-none", check=5))


if __name__ == "__main__":
    rig.unittest.main()
