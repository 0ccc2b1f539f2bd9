#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""One blob a device: provisioning records, one or a folder of them."""
import json
import os

import blob
import config
import host


class Fleet(config.TestCase):
    def fleet(self, *more, sequence="5", check=0):
        return self.seal(self.path("settings"), "--records", self.path("records"), *more,
                         sequence=sequence, out="blobs", check=check)

    def setUp(self):
        super().setUp()
        self.folder()

    def test_each_record_gets_a_blob_of_its_own(self):
        for n in range(40):
            self.record(f"records/unit-{n:02}.json", number=n + 1)
        self.write("records/notes.txt", "not a record")
        os.mkdir(self.path("records/old.json.d"))
        self.fleet()
        names = sorted(os.listdir(self.path("blobs")))
        self.assertEqual(names, [f"unit-{n:02}.lkb" for n in range(40)])
        seen, contents = set(), set()
        key = self.read("keys/config-key.bin")
        for n, name in enumerate(names):
            data = self.read("blobs/" + name)
            header, content = blob.unseal(data, self.key_dir + "/policy-key.pub.pem", key)
            self.assertEqual(header["target"], blob.device_id(bytes.fromhex(f"000b{n + 1:064x}")))
            self.assertEqual(header["sequence"], 5)
            seen |= {header["wrapped"], header["wrap_iv"], header["iv"]}
            contents.add(content)
        self.assertEqual((len(seen), len(contents)), (3 * len(names), 1))

    def test_a_bad_record_does_not_keep_the_others_from_being_made(self):
        self.record("records/a.json")
        self.record("records/floor.json", number=2, floor=5)
        self.record("records/bits.json", number=3, bits=128)
        self.record("records/z.json", number=4, floor=4)
        done = self.fleet(check=5)
        self.assertSaid(done, "floor.json: .*floor was 5.*sequence 5")
        self.assertSaid(done, "bits.json: .*128 bits; this one has 256")
        self.assertSaid(done, "2 of 4 records failed")
        self.assertEqual(sorted(os.listdir(self.path("blobs"))), ["a.lkb", "z.lkb"])
        self.write("records/text.json", "nonsense")
        done = self.fleet("--force", check=3)
        self.assertSaid(done, "text.json: ")
        self.assertSaid(done, "3 of 5 records failed")

    def test_blobs_that_are_there_are_kept_unless_forced(self):
        self.record("records/a.json")
        self.record("records/b.json", number=2)
        os.mkdir(self.path("blobs"))
        self.write("blobs/a.lkb", "mine")
        self.assertSaid(self.fleet(check=13), "a.lkb exists already")
        self.assertEqual(self.read("blobs/a.lkb"), b"mine")
        self.verify("blobs/b.lkb")
        self.fleet("--force")
        self.verify("blobs/a.lkb")
        self.assertEqual(len(os.listdir(self.path("blobs"))), 2)

    def test_a_content_that_is_wrong_makes_no_blob_at_all(self):
        self.record("records/a.json")
        os.symlink("x", self.path("settings/link"))
        self.fleet(check=3)
        self.assertNotMade("blobs")

    def test_folders_that_cannot_serve(self):
        self.assertSaid(self.fleet(check=3), "records")
        os.mkdir(self.path("records"))
        self.assertSaid(self.fleet(check=3), r"no record \(\*.json\)")
        self.record("records/a.json")
        self.write("blobs", "a file")
        self.assertSaid(self.fleet(check=11), "blobs isn't a folder")
        os.chdir(self.tmp)
        self.addCleanup(os.chdir, "/")
        done = self.latchkey("config", "seal", "--key", self.key_dir + "/policy-key.pem", "--config-key",
                             self.key_dir + "/config-key.bin", "--sequence", "5", "--records", "records",
                             "-o", "-", "settings", check=2)
        self.assertSaid(done, "has to be a folder")
        self.assertNotMade("-")

    def test_where_all_records_fail_no_folder_is_left(self):
        self.record("records/floor.json", floor=5)
        self.assertSaid(self.fleet(check=5), "1 of 1 records failed; no blob was made")
        self.assertNotMade("blobs")
        os.mkdir(self.path("blobs"))
        self.fleet(check=5)
        self.assertEqual(os.listdir(self.path("blobs")), [])

    def test_records_that_are_none(self):
        self.record("good.json")
        good = json.loads(self.read("good.json"))

        def without(*path):
            bad = json.loads(json.dumps(good))
            inner = bad
            for key in path[:-1]:
                inner = inner[key]
            del inner[path[-1]]
            return bad

        def having(name):
            bad = json.loads(json.dumps(good))
            bad["objects"]["storage-root-key"]["name"] = name
            return bad

        for bad in (without("objects"), without("objects", "storage-root-key"),
                    without("objects", "storage-root-key", "name"), without("objects", "config-key", "bits"),
                    without("objects", "sequence-floor"), without("objects", "sequence-floor", "value"),
                    having(""), having("000b"), having("000b" + "ab" * 31), having("0004" + "ab" * 20),
                    having("zz" * 34), dict(good, **{"device-id": "ab" * 32}), [], "text", {}):
            with self.subTest(str(bad)[:60]):
                self.write("bad.json", json.dumps(bad))
                done = self.seal(self.path("settings"), "--record", self.path("bad.json"), sequence="5",
                                 check=3)
                self.assertSaid(done, self.path("bad.json") + ": ")
                self.assertNotMade("blob.lkb")
        name = bytes.fromhex(good["objects"]["storage-root-key"]["name"])
        self.write("good.json", json.dumps(dict(good, **{"device-id": blob.device_id(name).hex()})))
        self.seal(self.path("settings"), "--record", self.path("good.json"), sequence="5")
        self.assertSaid(self.seal(self.path("settings"), "--record", self.path("good.json"), out="b",
                                  sequence="1", check=5), "good.json: .*floor was 1")

    def test_a_sha384_name_is_one_too(self):
        record = self.record("r.json", **{"storage-root-key": {"name": "000c" + "ef" * 48}})
        self.seal(self.path("settings"), "--record", record, sequence="9")
        self.assertEqual(self.shown()["target"], blob.device_id(bytes.fromhex("000c" + "ef" * 48)).hex())


class Templates(config.TestCase):
    """A folder for each device, laid over the one that all have."""

    def setUp(self):
        super().setUp()
        self.folder()
        for n, name in enumerate(("a", "b")):
            self.record(f"records/{name}.json", number=n + 1)
            self.put(name, "etc/hostname", f"unit-{name}\n")

    def put(self, name, path, text):
        os.makedirs(os.path.dirname(self.path("templates", name, path)), exist_ok=True)
        self.write(f"templates/{name}/{path}", text)

    def fleet(self, *more, check=0):
        return self.seal(self.path("settings"), "--records", self.path("records"), "--templates", self.path("templates"), *more,
                         sequence="5", out="blobs", check=check)

    def opened(self, name):
        out = self.path(f"opened-{name}-{len(os.listdir(self.tmp))}")
        self.latchkey("config", "open", "--policy-key", self.key_dir + "/policy-key.pub.pem", "--config-key",
                      self.key_dir + "/config-key.bin", "-o", out, self.path(f"blobs/{name}.lkb"))
        return self.tree(out)

    def tree(self, top):
        found = {}
        for at, _, files in os.walk(top):
            for f in files:
                with open(os.path.join(at, f), "rb") as data:
                    found[os.path.relpath(os.path.join(at, f), top)] = data.read()
        return found

    def test_each_device_has_its_own_files_over_the_common_ones(self):
        common = self.tree(self.path("settings"))
        replaced = next(f for f in sorted(common) if not f.startswith("latchkey"))
        self.put("b", replaced, "of b")
        self.fleet()
        self.assertEqual(self.opened("a"), dict(common, **{"etc/hostname": b"unit-a\n"}))
        self.assertEqual(self.opened("b"), dict(common, **{"etc/hostname": b"unit-b\n", replaced: b"of b"}))

    def test_what_belongs_to_no_record_is_told(self):
        self.put("c", "etc/hostname", "unit-c\n")
        self.write("templates/loose", "")
        said = self.fleet().stderr.decode()
        self.assertEqual(sorted(line.split("/")[-1] for line in said.splitlines() if "passed over" in line),
                         ["c: there is no record c.json; passed over", "loose: there is no record loose.json; passed over"])
        self.assertEqual(sorted(os.listdir(self.path("blobs"))), ["a.lkb", "b.lkb"])

    def test_a_path_out_of_the_tree_costs_that_device_alone(self):
        os.symlink("/etc/passwd", self.path("templates/b/etc/passwd"))
        self.assertSaid(self.fleet(check=3), "templates/b/etc/passwd: a symbolic link")
        self.assertEqual(os.listdir(self.path("blobs")), ["a.lkb"])
        os.unlink(self.path("templates/b/etc/passwd"))
        os.rename(self.path("templates/b"), self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), self.path("templates/b"))
        self.assertSaid(self.fleet("--force", check=3), "templates/b: ")
        os.unlink(self.path("templates/b"))
        self.assertSaid(self.fleet("--force", check=3), "templates/b isn't there: each device needs a folder of its own")
        self.assertEqual(os.listdir(self.path("blobs")), ["a.lkb"])

    def test_what_it_does_not_go_with(self):
        self.assertSaid(self.seal(self.path("settings"), "--templates", self.path("templates"), sequence="5", out="x", check=2), "--templates is for --records")
        self.assertSaid(self.fleet("--from-archive", check=2), "--templates is for --records")
        self.assertNotMade("blobs", "x")


if __name__ == "__main__":
    host.main()
