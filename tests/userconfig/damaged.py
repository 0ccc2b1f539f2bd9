# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A state directory that something has damaged is put right by the next good blob."""
import os
import shutil
import unittest

import rig
from receiver import STATE, files, spare

ORIGINAL = "generations/" + "0" * 20
NAMES = ("lock", "current", "previous", "generations", ORIGINAL, ORIGINAL + "/tree")


class Damaged(rig.TestCase):
    def damage(self, path, how):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        if how == "a file":
            with open(path, "wb") as f:
                f.write(b"\xff{garbage")
        elif how == "a folder":
            os.makedirs(path + "/x")
        elif how == "a link to nothing":
            os.symlink("nowhere", path)

    def test_the_next_blob_is_applied_and_the_one_after_finds_nothing_wrong(self):
        for name in NAMES:
            for how in ("gone", "a file", "a folder", "a link to nothing"):
                with self.subTest(name, how=how):
                    rig.run(["find", self.tmp, "-mindepth", "1", "-delete"], check=0)
                    dev = spare(self)
                    dev.apply(dev.seal(files(app__conf=b"one"), 1))
                    dev.apply(dev.seal(files(app__conf=b"two"), 2))
                    self.damage(dev.at(STATE, name), how)
                    done = dev.apply(dev.seal(files(app__conf=b"new"), 3), check=None)
                    self.assertEqual(dev.get("opt/app/conf"), b"new", done.stderr)
                    # What was lost may be told of once.
                    self.assertIn(done.returncode, (0, 11), done.stderr)
                    dev.apply(dev.seal(files(app__conf=b"newer"), 4))
                    self.assertEqual(dev.get("opt/app/conf"), b"newer")
                    dev.tpm.stop()


if __name__ == "__main__":
    unittest.main()
