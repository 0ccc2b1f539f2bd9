#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Who may include what: one adapter a library, one direction between layers, a pure core."""
import os
import re

import tree

# Library header, and the files that may include it.
OWNERS = (
    (r"tss2/", r"src/sys/(tpm/[^/]*\.c|[a-z]+/[^/]*_private\.h)$"),
    (r"libcryptsetup\.h$", r"src/sys/luks/luks[^/]*\.c$"),
    (r"openssl/", r"src/sys/(crypto/[^/]*\.[ch]|http/http_server_tls\.c|http/http_server_private\.h)$"),
    (r"event2/", r"src/sys/http/http_server[^/]*\.[ch]$"),
    (r"sqlite3\.h$", r"src/sys/store/store_sqlite\.c$"),
    (r"libpq-fe\.h$", r"src/sys/store/store_postgres\.c$"),
    (r"yaml\.h$", r"src/sys/format/yaml\.c$"),
    (r"json-c/|json\.h$", r"(src/sys/format/json\.c|tools/host/json_out\.c)$"),
    (r"blkid/", r"src/sys/luks/blkid\.c$"),
    (r"archive(_entry)?\.h$", r"src/sys/format/archive[^/]*\.c$"),
    (r"systemd/", r"src/sys/service/[^/]*\.[ch]$"),
    (r"curl/", r"src/sys/http/http\.c$"),
    (r"libdevmapper\.h$", r"$^"),
)
CORE_HEADERS = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h",
                "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h"}
# Files, clock, environment, process, log.
OUTSIDE = ("fopen fdopen freopen open openat creat close read write pread pwrite fread fwrite fgets "
           "fputs puts printf fprintf vprintf vfprintf perror remove rename unlink mkdir stat fstat "
           "lstat access tmpfile mkstemp time clock clock_gettime gettimeofday localtime gmtime "
           "localtime_r gmtime_r sleep nanosleep getenv secure_getenv setenv putenv system popen fork "
           "execv execve execvp exit _exit abort getpid rand random srand getrandom syslog mmap ioctl "
           "socket").split()
# Which rooms a room may include besides itself; ARCHITECTURE.md says the same.
CORE_ROOMS = {
    "base": "",
    "policy": "base",
    "bootlog": "base policy",
    "luks": "base policy bootlog",
    "predict": "base policy bootlog",
    "config": "base policy",
    "attest": "base policy bootlog",
}
SYS_ROOMS = {
    "os": "",
    "format": "os crypto",
    "crypto": "os",
    "boot": "os format",
    "ask": "os crypto",
    "service": "os",
    "http": "os",
    "store": "",
    "tpm": "os crypto format",
    "luks": "os crypto format",
}
VERIFIER_ROOMS = {
    "settings": "",
    "flavor": "",
    "device": "flavor",
    "judge": "device flavor settings",
    "serve": "device flavor judge settings",
    "show": "device serve settings",
    "commands": "device flavor settings",
}
# What programs share, and what that may include besides itself.
SHARED = {"src/cli/": ("src/core/base/", "src/sys/os/"), "src/volume/": ("src/core/", "src/sys/"), "src/blob/": ("src/core/", "src/sys/")}
PROGRAMS = {"src/unseal/": "unseal", "src/provision/": "provision", "src/userconfig/": "userconfig", "src/attest/": "attest", "src/verifier/": "verifier",
            "tools/host/": "host"}


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def resolve(name, what):
    """Path of a quoted include in the tree, or None."""
    for base in (os.path.dirname(name), "src", *(p for p in PROGRAMS if name.startswith(p))):
        path = os.path.normpath(os.path.join(base, what))
        if os.path.isfile(os.path.join(tree.ROOT, path)):
            return path
    return None


class Includes(tree.TestCase):
    def test_only_its_adapter_includes_a_library(self):
        bad = []
        for name in tree.sources("src/", "tools/"):
            for line, what in tree.includes(name):
                for header, owner in OWNERS:
                    own = name.endswith("sys/format/yaml.h") or what in ("sys/format/yaml.h", "sys/format/json.h")
                    if re.match(header, what) and not own and not re.match(owner, name):
                        bad.append(f"{name}:{line}: {what}")
        self.assertNone(bad, "a library included by who doesn't own it")

    def test_every_owner_of_a_library_includes_it(self):
        """Else a pattern above has gone stale, and checks nothing."""
        all_of = {w for n in tree.sources("src/", "tools/") for _, w in tree.includes(n)}
        for header in ("tss2/", "libcryptsetup", "openssl/", "yaml.h", "blkid/", "archive.h"):
            self.assertTrue(any(w.startswith(header) for w in all_of), header)

    def test_core_includes_the_language_and_itself(self):
        bad = []
        for name in tree.sources("src/core/"):
            for line, what in tree.includes(name):
                if what not in CORE_HEADERS and not re.match(r"core/[a-z]+/[a-z_]+\.h$", what):
                    bad.append(f"{name}:{line}: {what}")
        self.assertNone(bad, "core reaches outside")

    def test_core_calls_no_file_clock_environment_or_log(self):
        bad = []
        calls = re.compile(r"(?<![\w.>])(" + "|".join(OUTSIDE) + r")\s*\(")
        for name in tree.sources("src/core/"):
            for line, text in enumerate(without_comments(tree.read(name)).splitlines(), 1):
                for m in calls.finditer(text):
                    bad.append(f"{name}:{line}: {m.group(1)}")
        self.assertNone(bad, "core isn't pure")

    def test_core_has_no_state(self):
        """A static that isn't const, outside of a function's signature, is a global."""
        bad = []
        for name in tree.sources("src/core/"):
            for line, text in enumerate(without_comments(tree.read(name)).splitlines(), 1):
                if (re.match(r"\s*static (?!const\b)[^(]*[=;]", text)
                        and "const" not in text and "inline" not in text):
                    bad.append(f"{name}:{line}: {text.strip()}")
        self.assertNone(bad, "core keeps state")

    def test_dependencies_point_one_way(self):
        bad = []
        for name in tree.sources("src/", "tools/"):
            for line, what in tree.includes(name):
                path = resolve(name, what) or ""
                if name.startswith("src/core/") and path and not path.startswith("src/core/"):
                    bad.append(f"{name}:{line}: core includes {path}")
                if name.startswith("src/sys/") and path and not path.startswith(
                        ("src/core/", "src/sys/")):
                    bad.append(f"{name}:{line}: sys includes {path}")
                for place, may in SHARED.items():
                    if name.startswith(place) and path and not path.startswith((place, *may)):
                        bad.append(f"{name}:{line}: {place} includes {path}")
                for place in PROGRAMS:
                    own = name.startswith(place)
                    if path.startswith(place) and not own:
                        bad.append(f"{name}:{line}: {path} is a program's own")
        self.assertNone(bad, "a dependency points the wrong way")

    def check_rooms(self, place, allowed):
        bad, seen = [], set()
        for name in tree.sources(f"src/{place}/"):
            room, *inside = name.removeprefix(f"src/{place}/").split("/")
            if not inside:
                continue  # main.c and what all rooms of a program share
            self.assertIn(room, allowed, f"{name}: a room that the table above doesn't know")
            for line, what in tree.includes(name):
                m = re.match(rf"{place}/([a-z]+)/", what)
                if m and m[1] != room:
                    seen.add((room, m[1]))
                    if m[1] not in allowed[room].split():
                        bad.append(f"{name}:{line}: {room} includes {what}")
        self.assertNone(bad, f"a room of src/{place} includes one that it may not")
        unused = {(room, other) for room, others in allowed.items() for other in others.split()} - seen
        self.assertNone([f"{room} -> {other}" for room, other in sorted(unused)], "the table allows what nobody needs")

    def test_rooms_of_core_include_what_they_may(self):
        self.check_rooms("core", CORE_ROOMS)

    def test_rooms_of_sys_include_what_they_may(self):
        self.check_rooms("sys", SYS_ROOMS)

    def test_rooms_of_the_verifier_include_what_they_may(self):
        self.check_rooms("verifier", VERIFIER_ROOMS)

    def test_the_tables_have_no_circle(self):
        for rooms in (CORE_ROOMS, SYS_ROOMS, VERIFIER_ROOMS):
            done = set()
            while len(done) < len(rooms):
                ready = {r for r, others in rooms.items() if set(others.split()) <= done} - done
                self.assertTrue(ready, f"a circle among {sorted(set(rooms) - done)}")
                done |= ready

    def test_architecture_says_the_same_of_core(self):
        rows = re.findall(r"^\| `src/core/(\w+)/` \|.*\| (.*) \|$", tree.read("ARCHITECTURE.md"), re.M)
        said = {room: " ".join("" if may == "nobody" else may for may in mays.split(", ")) for room, mays in rows}
        self.assertEqual(said, CORE_ROOMS)

    def test_no_headers_include_each_other_in_a_circle(self):
        graph = {}
        for name in tree.sources("src/", "tools/", endings=(".h",)):
            graph[name] = [p for p in (resolve(name, what) for _, what in tree.includes(name)) if p]
        bad, done = [], set()

        def visit(name, way):
            if name in way:
                bad.append(" -> ".join([*way[way.index(name):], name]))
            elif name not in done:
                for other in graph.get(name, []):
                    visit(other, [*way, name])
                done.add(name)
        for name in graph:
            visit(name, [])
        self.assertNone(bad, "headers in a circle")

    def test_private_headers_stay_in_sys(self):
        bad = []
        for name in tree.sources("src/", "tools/"):
            for line, what in tree.includes(name):
                if re.search(r"_private\.h$|crypto_(openssl|key)\.h$", what) and not name.startswith(
                        "src/sys/"):
                    bad.append(f"{name}:{line}: {what}")
        self.assertNone(bad, "an adapter's private header is used outside")


if __name__ == "__main__":
    tree.main()
