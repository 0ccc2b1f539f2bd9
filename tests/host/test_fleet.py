#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""policy predict and sign of a folder of records: who shares a policy, why others don't, and who is refused."""
import base64
import json
import os

import boots
import fleets
import host
import uki


class TestCase(host.TestCase):
    def setUp(self):
        super().setUp()
        self.boot = boots.Boot("uki-13")
        self.image = uki.signed_by(self.boot.recorded)
        self.write("new.efi", self.image)
        self.key_dir = self.keys()

    def put(self, name, number, boot=None, rec=None, logs=None, **more):
        boot = boot or self.boot
        fleets.put(self.path("records"), name, rec or fleets.record(number), logs or fleets.sent(boot, number, **more))

    def predict(self, *more, pcrs="0,7,10", check=0):
        policy = self.policy("--pcrs", pcrs, "--force", keys=self.key_dir)
        return self.latchkey("policy", "predict", "--records", self.path("records"), "--policy", policy, "-o", self.path("out"),
                             *more, check=check)

    def test_a_version_that_lacks_is_no_device_s_fault(self):
        self.put("a", 1)
        policy = self.policy("--force", keys=self.key_dir)
        done = self.latchkey("policy", "sign", "--records", self.path("records"), "--policy", policy, "--key",
                             self.key_dir + "/policy-key.pem", "-o", self.path("out"), check=2)
        self.assertSaid(done, "a version of 1 or more is needed")
        self.assertNotIn(b"a.json", done.stdout + done.stderr)
        self.assertNotMade("out")

    def sign(self, *more, pcrs="0,7,10", check=0, version="3"):
        policy = self.policy("--pcrs", pcrs, "--force", keys=self.key_dir)
        return self.latchkey("policy", "sign", "--records", self.path("records"), "--policy", policy, "--key",
                             self.key_dir + "/policy-key.pem", "--version", version, "-o", self.path("out"), *more, check=check)

    def index(self):
        return json.loads(self.read("out/fleet.json"))

    def groups(self):
        return [(sorted(d["name"] for d in g["devices"]), [(c["pcr"], c["selected"]) for c in g["differs"]]) for g in self.index()["groups"]]

    def values(self, name):
        file = next(g["file"] for g in self.index()["groups"] if name in [d["name"] for d in g["devices"]])
        return json.loads(self.read("out/" + file))["sha256"]

    def assertEmpty(self):
        self.assertNotMade("out")


class Groups(TestCase):
    def test_other_partition_tables_make_other_policies_where_pcr_10_is_selected(self):
        for n in range(4):
            self.put(f"unit-{n}", n, fleets.with_disk(self.boot, "a" if n < 3 else "b"))
        done = self.predict("--uki", self.path("new.efi"))
        self.assertEqual(self.groups(), [(["unit-0", "unit-1", "unit-2"], []), (["unit-3"], [(5, False)])])
        self.assertSaid(done, r"4 devices in 2 groups of equal values\n")
        self.assertSaid(done, r"PCR 5 \(boot loader settings and partition table\): event \d+, .*partition.*; so PCR 10 is another, by its boot_aggregate")
        for name, disk in (("unit-0", "a"), ("unit-3", "b")):
            then = fleets.with_disk(self.boot, disk).image(self.image).pcrs()["sha256"]
            self.assertEqual(self.values(name), {i: then[i] for i in ("0", "7", "10")})

    def test_a_selection_that_a_fleet_shares_takes_one_policy(self):
        for n in range(4):
            self.put(f"unit-{n}", n, fleets.with_disk(self.boot, f"disk {n}"))
        self.predict("--uki", self.path("new.efi"), pcrs="0,4,7,11")
        self.assertEqual(self.groups(), [(["unit-0", "unit-1", "unit-2", "unit-3"], [])])
        then = self.boot.copy().image(self.image).pcrs()["sha256"]
        self.assertEqual(self.values("unit-2"), {i: then[i] for i in ("0", "4", "7", "11")})

    def test_each_cause_is_named_by_its_event(self):
        self.put("a-usual", 1)
        self.put("b-usual", 2)
        changed = {}
        for name, change in (("firmware", lambda b: b.events[0].of("another version\0".encode("utf-16-le"))),
                             ("option", lambda b: b.variable("BootOrder").set_variable(bytes(6))),
                             ("dbx", lambda b: b.variable("dbx").set_variable(boots.signature_list(boots.SHA256, bytes(32), bytes([1] * 32))))):
            changed[name] = self.boot.copy()
            change(changed[name])
            self.put(name, 10 + len(changed), changed[name])
        self.predict("--cmdline", "x", check=13)  # this is no boot of a kernel by itself
        self.assertEmpty()
        done = self.predict("--uki", self.path("new.efi"))
        by_name = {tuple(d["name"] for d in g["devices"]): g["differs"] for g in self.index()["groups"]}
        self.assertEqual({k[0]: [c["pcr"] for c in v] for k, v in by_name.items()},
                         {"a-usual": [], "firmware": [0], "option": [1], "dbx": [7]})
        for name, said in (("firmware", "firmware"), ("option", "boot order"), ("dbx", "dbx")):
            cause = by_name[(name,)][0]
            self.assertIn(said, cause["why"])
            self.assertEqual(self.boot.events[cause["event"] - 2].pcr, cause["pcr"])
        self.assertSaid(done, r"PCR 7 .* of 1 devices isn't that of the first group")

    def test_files_that_ima_has_measured_before_the_unlock(self):
        for n, files in enumerate((["a"], ["a"], ["b"])):
            boot = self.boot.copy()
            boot.files = [boots.measured_file("/usr/lib/modules/x.ko", f.encode()) for f in files]
            self.put(f"unit-{n}", n, boot)
        done = self.predict("--uki", self.path("new.efi"), check=13)
        self.assertSaid(done, "unit-0.json: can't be predicted: IMA has measured files")
        self.assertEmpty()
        done = self.predict("--uki", self.path("new.efi"), "--ima-unchanged")
        self.assertEqual(self.groups(), [(["unit-0", "unit-1"], []), (["unit-2"], [(10, True)])])
        self.assertSaid(done, "/usr/lib/modules/x.ko")

    def test_boot_phases_before_the_unlock(self):
        self.put("at-unlock", 1, pcrs=fleets.with_phases(self.boot.pcrs(), 1))
        self.put("now", 2, moment="now", pcrs=fleets.with_phases(self.boot.pcrs(), 4))
        done = self.predict("--uki", self.path("new.efi"), pcrs="0,4,7,11", check=13)
        self.assertSaid(done, "now.json: can't be predicted: systemd has measured boot phases")
        self.assertEqual(self.groups(), [(["at-unlock"], [])])
        then = fleets.with_phases(self.boot.copy().image(self.image).pcrs(), 1)["sha256"]
        self.assertEqual(self.values("at-unlock")["11"], then["11"])
        self.predict("--uki", self.path("new.efi"), "--phase", "enter-initrd", "--force", pcrs="0,4,7,11")
        self.assertEqual(self.groups(), [(["at-unlock", "now"], [])])
        self.assertEqual(self.values("now")["11"], then["11"])
        self.predict("--uki", self.path("new.efi"), "--phase", "none", "--force", pcrs="0,4,7,11")
        self.assertEqual(self.values("now")["11"], self.boot.copy().image(self.image).pcrs()["sha256"]["11"])
        self.assertSaid(self.predict("--uki", self.path("new.efi"), "--phase", "dinner", check=2), "--phase dinner: expected none, enter-initrd")

    def test_what_the_firmware_holds_now_against_the_record(self):
        """A log that is not of the machine that was installed is seen, though it may be right."""
        off = self.boot.copy()
        off.variable("SecureBoot").set_variable(b"\0")
        self.put("a", 1, rec=fleets.record(1, self.boot.pcrs()))
        self.put("b", 2, off, rec=fleets.record(2, self.boot.pcrs()))
        done = self.sign()
        self.assertSaid(done, r"records/b.json: PCR 7 isn't as the record says since the device was installed")
        self.assertEqual(self.index()["changed-since-install"], [{"name": "b", "pcrs": [7]}])


class Refused(TestCase):
    def test_each_with_its_reason_and_none_costs_another_its_policy(self):
        self.put("good", 1)
        self.put("good-too", 2, fleets.with_disk(self.boot, "x"))
        fleets.put(self.path("records"), "no-logs", fleets.record(3), None)
        self.put("other-device", 4, logs=fleets.sent(self.boot, 5))
        lying = fleets.sent(self.boot, 6)
        lying["pcrs"]["sha256"]["4"] = "ab" * 32
        self.put("lying", 6, logs=lying)
        cut = fleets.sent(self.boot, 7)
        cut["firmware-log"] = base64.b64encode(self.boot.firmware()[:-9]).decode()
        self.put("cut", 7, logs=cut)
        shorter = self.boot.copy()
        shorter.events = [e for e in shorter.events if e.pcr != 6]
        self.put("no-separator", 8, shorter)
        self.put("text", 9, logs=json.dumps(fleets.sent(self.boot, 9))[:-40])
        self.put("not-logs", 10, logs={"something": "else"})
        self.put("base64", 11, logs=dict(fleets.sent(self.boot, 11), **{"firmware-log": "@@@@"}))
        self.put("gone", 12, rec=fleets.record(12, **{"decommissioned-at": "2026-01-01T00:00:00Z"}))
        self.put("bad-record", 13, rec={"latchkey-record": 1})
        self.put("without-ima", 14, ima=False)
        fleets.put(self.path("records"), "orphan", None, fleets.sent(self.boot, 15))
        done = self.sign("--uki", self.path("new.efi"), check=3)
        for name, why in (("no-logs", "its logs aren't there"), ("other-device", "of another device"), ("lying", "doesn't explain what PCR 4"),
                          ("cut", "event 38 at offset .*the log ends in it"), ("no-separator", "PCR 6"), ("text", ": not JSON: it ends in the middle"),
                          ("not-logs", ": no latchkey-logs"), ("base64", "firmware-log: not base64"), ("gone", "was decommissioned"),
                          ("bad-record", "no objects"), ("without-ima", "PCR 10 can't be predicted: the device has sent no log of IMA")):
            self.assertSaid(done, f"(?m)^latchkey: .*records/{name}.*{why}")
        self.assertSaid(done, "orphan.logs: there is no record beside these logs")
        self.assertSaid(done, "11 of 13 devices were refused")
        self.assertEqual(sorted(r["name"] for r in self.index()["refused"]),
                         sorted(["no-logs", "other-device", "lying", "cut", "no-separator", "text", "not-logs", "base64", "gone",
                                 "bad-record", "without-ima"]))
        self.assertEqual(sorted(g[0] for g in self.groups()), [["good"], ["good-too"]])
        files = [g["file"] for g in self.index()["groups"]]
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted([*files, "fleet.json"]))
        self.latchkey("policy", "verify", "--policy", self.path("policy.yaml"), *(self.path("out", f) for f in files))

    def test_where_all_are_refused_nothing_is_written(self):
        fleets.put(self.path("records"), "a", fleets.record(3), None)
        done = self.sign(check=3)
        self.assertSaid(done, "the one device was refused; nothing was written")
        self.assertEmpty()

    def test_a_folder_with_another_fleets_index_stays_as_it_is(self):
        self.put("a", 1)
        self.sign()
        before = {n: self.read("out/" + n) for n in os.listdir(self.path("out"))}
        self.put("b", 2, fleets.with_disk(self.boot, "x"))
        self.assertSaid(self.sign(check=13), "fleet.json exists already: --force")
        self.assertEqual({n: self.read("out/" + n) for n in os.listdir(self.path("out"))}, before)
        self.sign("--force")
        self.assertEqual(len(self.groups()), 2)

    def test_by_force_the_folder_holds_this_run_and_the_one_before_lies_beside_it(self):
        for n in range(3):
            self.put(f"unit-{n}", n, fleets.with_disk(self.boot, f"disk {n}"))
        self.sign()
        before = {n: self.read("out/" + n) for n in os.listdir(self.path("out"))}
        self.write("out/notes.txt", "mine")
        self.write("out/" + "0" * 31 + ".yaml", "mine as well")
        done = self.sign("--force", version="4")
        self.assertNotIn(b"earlier run", done.stderr)  # the same names: replaced
        self.assertNotMade("out.old")
        for n in range(3):
            self.put(f"unit-{n}", n, fleets.with_disk(self.boot, f"disk {n + 1}"))
        before = {n: self.read("out/" + n) for n in os.listdir(self.path("out"))}
        done = self.sign("--force", version="5")
        self.assertSaid(done, "1 file of an earlier run is in .*out.old now, with the index")
        made = [g["file"] for g in self.index()["groups"]]
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted([*made, "fleet.json", "notes.txt", "0" * 31 + ".yaml"]))
        old = sorted(os.listdir(self.path("out.old")))
        self.assertEqual(len(old), 2)
        self.assertEqual({n: self.read("out.old/" + n) for n in old}, {n: before[n] for n in old})
        self.assertEqual(self.read("out/notes.txt"), b"mine")

    def test_old_files_stay_where_nothing_new_was_made(self):
        self.put("a", 1)
        self.sign()
        before = {n: self.read("out/" + n) for n in os.listdir(self.path("out"))}
        os.unlink(self.path("records/a.logs"))
        self.sign("--force", check=3)
        self.assertEqual({n: self.read("out/" + n) for n in os.listdir(self.path("out"))}, before)
        self.assertNotMade("out.old")

    def test_where_old_ones_cannot_be_moved_it_is_said_and_there_is_no_index(self):
        self.put("a", 1)
        self.sign()
        self.put("a", 1, fleets.with_disk(self.boot, "x"))
        self.write("out.old", "a file in the place")
        done = self.sign("--force", check=11)
        self.assertSaid(done, "can't be moved to|out.old: ")
        self.assertEqual(self.read("out.old"), b"a file in the place")

    def test_pcrs_that_nobody_extended_are_signed_only_by_name(self):
        bare = self.boot.copy()
        zero = bare.pcrs()
        for bank in zero:
            zero[bank]["10"] = "00" * (len(zero[bank]["10"]) // 2)
        logs = dict(fleets.sent(bare, 1, pcrs=zero, ima=False))
        self.put("zeros", 1, logs=logs)
        self.put("good", 2)
        done = self.sign(check=13)
        self.assertSaid(done, "zeros.json: .*PCR 10 of bank sha256: nobody has extended it")
        self.assertEqual(self.groups()[0][0], ["good"])
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted([self.index()["groups"][0]["file"], "fleet.json"]))
        self.sign("--force", "--unextended", "10")
        self.assertEqual(len([g for g in self.index()["groups"] if "refused" not in g]), 2)

    def test_options_that_do_not_go_together(self):
        self.put("a", 1)
        for more, said in ((("--pcr-values", self.pcrs()), "--pcr-values and --records exclude"),
                           (("--uki", self.path("new.efi"), "--cmdline", "x"), "--uki holds kernel")):
            self.assertSaid(self.sign(*more, check=2), said)
        policy = self.policy("--force", keys=self.key_dir)
        base = ("policy", "sign", "--policy", policy, "--key", self.key_dir + "/policy-key.pem", "-o", self.path("s.yaml"), "--version", "1")
        self.assertSaid(self.latchkey(*base, check=2), "--pcr-values is needed")
        self.assertSaid(self.latchkey(*base, "--pcr-values", self.pcrs(), "--uki", self.path("new.efi"), check=2), "--records goes with it")
        self.assertSaid(self.latchkey(*base, "--pcr-values", self.pcrs(), "--json", check=2), "--json and --phase go with --records")
        self.assertSaid(self.predict(check=2), "what changes")
        self.assertSaid(self.predict("--uki", self.path("new.efi"), "--log", "x", check=2), "of one machine")
        self.assertNotMade("s.yaml", "out")


class Signed(TestCase):
    def test_without_a_change_what_they_boot_now_is_signed(self):
        self.put("a", 1)
        self.put("b", 2)
        done = self.sign("--json", "--label", "the image of May")
        self.assertEqual(json.loads(done.stdout), self.index())
        file = self.path("out", self.index()["groups"][0]["file"])
        shown = json.loads(self.latchkey("policy", "show", "--json", file).stdout)
        now = self.boot.pcrs()["sha256"]
        self.assertEqual({i: shown["pcrs"]["sha256"][i] if "sha256" in shown["pcrs"] else shown["pcrs"][i] for i in ("0", "7", "10")},
                         {i: now[i] for i in ("0", "7", "10")})
        self.assertEqual((shown["version"], shown["label"]), (3, "the image of May"))

    def test_as_the_prediction_of_each_device_by_itself(self):
        """One by one and all at once come to the same, for both banks."""
        for bank in ("sha256", "sha384"):
            policy = self.policy("--bank", bank, "--force", keys=self.key_dir)
            for n in range(3):
                boot = fleets.with_disk(self.boot, f"disk {n}")
                self.put(f"unit-{n}", n, boot)
                boot.write(self.path(f"machine-{n}"))
            self.latchkey("policy", "predict", "--records", self.path("records"), "--policy", policy, "--uki", self.path("new.efi"),
                          "-o", self.path("out"), "--force")
            for n in range(3):
                self.latchkey("policy", "predict", "--log", self.path(f"machine-{n}/firmware"), "--ima-log", self.path(f"machine-{n}/ima"),
                              "--pcrs", self.path(f"machine-{n}/pcrs.json"), "--uki", self.path("new.efi"), "-o", self.path("one.json"), "--force")
                one = json.loads(self.read("one.json"))[bank]
                file = next(g["file"] for g in self.index()["groups"] if f"unit-{n}" in [d["name"] for d in g["devices"]])
                self.assertEqual(json.loads(self.read("out/" + file))[bank], {i: one[i] for i in ("0", "7", "10")})


if __name__ == "__main__":
    host.main()
