#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""An upload that somebody still writes to is waited for: half of it must not be judged."""
import threading
import time
import unittest

import rig
from receiver import Receiver, files


class SlowUpload(rig.TestCase):
    def test_the_end_of_an_upload_is_waited_for(self):
        dev = Receiver(self)
        blob = dev.seal(files(a=b"1"))
        dev.upload(blob[:300])
        began = threading.Event()

        def go_on():
            with open(dev.upload_path, "ab") as f:
                began.set()
                time.sleep(2)
                f.write(blob[300:])

        writer = threading.Thread(target=go_on)
        writer.start()
        began.wait()
        said = dev.apply().stderr.decode()
        writer.join()
        self.assertIn("still being written", said)
        self.assertEqual(dev.get("/opt/a"), b"1")

    def test_half_an_upload_that_was_given_up_is_refused(self):
        dev = Receiver(self)
        dev.upload(dev.seal(files(a=b"1"))[:300])
        dev.apply(check=3)
        self.assertIsNone(dev.get("/opt/a"))


if __name__ == "__main__":
    unittest.main()
