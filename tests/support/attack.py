# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a device with a configuration in place, and what must be true after a bad one came."""
import os
import re

import rig
from receiver import MANIFEST, UPLOAD, archive, entry, files, spare

BLOB = f"{UPLOAD}/config.lkb"
ASIDE = (f"{BLOB}.refused", f"{BLOB}.refused.txt")
ALL = ("opt", "etc", "home", "run", "var")

CALLS = ("renameat,renameat2,symlinkat,unlinkat,mkdirat,openat,openat2,write,pwrite64,fsync,syncfs,fchmod,"
         "fchown,ftruncate,fallocate").split(",")
# What changes no file: reading, and what goes to the TPM and to the log. A run
# that is killed before a sync leaves the same as one killed after it, so of
# those one is enough.
OTHER = re.compile(r"^(?:\d+ +)?(?:open(?:at|at2)\((?!.*O_CREAT)|write\(\d+<(?:socket|pipe|TCP|.*/trace))")
SYNC = ("fsync", "syncfs")


def manifest(*lines):
    """A manifest entry; each line is one file, as a YAML map without its braces."""
    text = "latchkey-manifest: 1\n"
    if lines:
        text += "files:\n" + "".join("  - {%s}\n" % line for line in lines)
    return entry(MANIFEST, text.encode())


def with_manifest(line, *more):
    """An archive of the file "a", and a manifest that speaks of it."""
    return archive(manifest(line, *more), entry("a", b"A"))


# Who is traced can't look for its leaks.
STRACE = ("env", f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0", "strace", "-f", "-qq")


def inject(call, when, what, log="/dev/null"):
    """Before a program's command line: something befalls its nth call of that name."""
    return (*STRACE, "-o", log, "-e", "trace=" + call, f"--inject={call}:{what}:when={when}")


def changing_calls(dev, *argv):
    """Each call of a run that changes a file, as its name and which of that name it is."""
    trace = dev.path("trace")
    dev.run(*argv, prefix=(*STRACE, "-yy", "-o", trace, "-e", "trace=" + ",".join(CALLS)))
    counts, wanted = {}, []
    with open(trace, errors="replace") as f:
        for line in f:
            name = re.match(r"(?:\d+ +)?(\w+)\(", line)
            if not name or name[1] not in CALLS:
                continue
            counts[name[1]] = counts.get(name[1], 0) + 1
            if not OTHER.match(line) and (name[1] not in SYNC or counts[name[1]] == 1):
                wanted.append((name[1], counts[name[1]]))
    return wanted


class Case(rig.TestCase):
    SETTINGS = ""

    def setUp(self):
        super().setUp()
        self.dev = spare(self)
        if self.SETTINGS:
            self.dev.settings(self.SETTINGS)
        with open(self.dev.at("opt/factory"), "w") as f:
            f.write("not ours")
        self.dev.apply(self.dev.seal(files(app__conf=b"running")))

    def seen(self):
        """All of the device but what putting a blob aside may change."""
        seen = self.dev.snapshot(*ALL)
        for name in (BLOB, *ASIDE):
            seen.pop(self.dev.at(name), None)
        return seen

    def unchanged(self, before, floor=True):
        after = self.seen()
        self.assertEqual({p: (before.get(p), after.get(p)) for p in before.keys() | after.keys()
                          if before.get(p) != after.get(p)}, {})
        if floor:
            self.assertEqual(self.dev.counter(), self.dev.floor + 1)

    def said(self, done, words):
        text = done.stderr.decode()
        for word in words:
            self.assertIn(word, text)
        return text

    def refuse(self, blob, code, *words, floor=True, **options):
        """It is put aside with its reason, and nothing else has changed."""
        before = self.seen()
        done = self.dev.apply(blob, check=code, **options)
        self.said(done, words)
        reason = self.dev.refused()
        self.assertIsNotNone(reason, "no reason beside it")
        for word in words:
            self.assertIn(word, reason)
        self.assertTrue(reason.endswith("\n") and "\n" not in reason[:-1], reason)
        self.assertEqual(self.dev.get(ASIDE[0]), blob, "not what was put aside")
        self.assertFalse(os.path.lexists(self.dev.upload_path))
        self.unchanged(before, floor)
        for name in ASIDE:
            os.unlink(self.dev.at(name))
        return done

    def leave(self, code, *words, **options):
        """It fails, and everything is as it was: the blob is there as well."""
        before = self.seen()
        blob = self.dev.get(BLOB)
        done = self.dev.apply(check=code, **options)
        self.said(done, words)
        self.assertIsNone(self.dev.refused())
        self.assertEqual(self.dev.get(BLOB), blob)
        self.unchanged(before)
        return done
