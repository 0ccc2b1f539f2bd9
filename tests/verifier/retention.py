#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What is too old goes, and nothing that what is kept refers to; then its room is given back."""
import json
import os
import sqlite3
import time
import unittest

import attesting

DAY = 86400000


class Retention(attesting.TestCase):
    more = "keep: 5\n"

    def setUp(self):
        super().setUp()
        self.device = self.learned("gate")
        self.verifier.start()

    def sql(self, text, *args):
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            return db.execute(text, args).fetchall()

    def age(self, days):
        """All that is there now becomes older by so many days."""
        self.verifier.stop()
        for statement in ("UPDATE attestations SET at = at - ?", "UPDATE boots SET since = since - ?",
                          "UPDATE standings SET booted = booted - ?1, seen = seen - ?1, changed = changed - ?1"):
            self.sql(statement, days * DAY)

    def boots_and_more(self, image):
        """A boot with a log of its own, attested three times."""
        self.device.boot(attesting.firmware(image=image))
        for n in range(400):  # a log of several pages of the database
            self.device.measure(b"/usr/bin/%s-%d" % (image, n), image)
        for _ in range(3):
            self.assertEqual(self.verifier.attest(self.device)[0], 200)

    def three_boots(self):
        """One of ten days ago, one of six days ago, and one of now."""
        self.boots_and_more(b"first")
        self.age(4)
        self.verifier.start()
        self.boots_and_more(b"second")
        self.age(6)
        return self.sql("SELECT COUNT(*) FROM attestations"), self.sql("SELECT COUNT(*) FROM boots")

    def test_a_server_deletes_what_is_too_old(self):
        self.assertEqual(self.three_boots(), ([(6,)], [(2,)]))
        self.verifier.start()
        for _ in range(40):
            if self.sql("SELECT COUNT(*) FROM boots") == [(1,)]:
                break
            time.sleep(0.25)
        # The last that has reasons stays, since what comes may refer to it; so does the last boot, with its logs.
        self.assertEqual(self.sql("SELECT COUNT(*) FROM attestations WHERE reasons IS NOT NULL"), [(1,)])
        self.assertEqual(self.sql("SELECT COUNT(*) FROM attestations"), [(1,)])
        self.assertEqual(self.verifier.attest(self.device)[2]["verdict"], "untrusted")
        at = self.show(self.device)["attestations"][0]["at"]
        self.assertIn("PCR 4", self.verifier.page(f"/devices/{self.device.id}/{at}")[2])
        self.assertEqual(self.verifier.page(f"/devices/{self.device.id}/ima.bin", binary=True)[2], self.device.ima)

    def test_vacuum_gives_the_room_of_logs_back(self):
        self.three_boots()
        path = os.path.join(self.verifier.state, "verifier.db")
        # What a checkpoint hasn't written into the file yet counts too.
        before = self.sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0]
        chunks = self.sql("SELECT COUNT(*) FROM chunks")[0][0]
        said = self.verifier.run("vacuum").stdout.decode()
        self.assertRegex(said, r"^5 rows too old, and [1-9]\d* parts of logs")
        self.assertLess(self.sql("SELECT COUNT(*) FROM chunks")[0][0], chunks)
        self.assertLess(os.path.getsize(path), before)
        self.assertRegex(self.verifier.run("vacuum").stdout.decode(), r"^0 rows too old, and 0 parts")
        self.verifier.start()
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        self.assertEqual(self.verifier.page(f"/devices/{self.device.id}/firmware.bin", binary=True)[2], bytes(self.device.log.bytes))
        self.assertTrue(json.loads(self.verifier.page(f"/devices/{self.device.id}/ima.json")[2])["entries"])

    def test_without_the_setting_all_is_kept(self):
        with open(self.verifier.settings, encoding="utf-8") as f:
            text = f.read()
        self.write("verifier.yaml", text.replace("keep: 5\n", ""))
        had = self.three_boots()
        self.assertRegex(self.verifier.run("vacuum").stdout.decode(), r"^0 rows too old, and 0 parts")
        self.verifier.start()
        time.sleep(2)
        self.assertEqual((self.sql("SELECT COUNT(*) FROM attestations"), self.sql("SELECT COUNT(*) FROM boots")), had)


if __name__ == "__main__":
    unittest.main()
