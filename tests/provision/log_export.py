# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""log export: the logs of a boot as one file, as at the unlock where that is known; and a policy signed for the next from it."""
import base64
import json
import os
import shutil
import unittest

import boots
import rig
from device import Device
from will_it_boot import Case


class Export(Case):
    def export(self, *more, check=0, out="device.logs"):
        where = () if "--record" in more else ("--output", self.path(out))
        return rig.run([rig.program("latchkey-provision"), "log", "export", "--policy", self.policy_file, "--device",
                        self.path("disk.img"), "--booted", self.path("booted"), "--log", self.path("firmware"), "--ima-log", self.path("ima"),
                        "--pcrs", self.path("pcrs.json"), "--tpm", self.dev.tpm.tcti, "--device-file", self.dev.device_file, *where,
                        *more], check=check)

    def sent(self, name="device.logs"):
        with open(self.path(name), encoding="ascii") as f:
            return json.loads(f.read())

    def test_as_it_is_now_where_no_policy_opened_anything(self):
        done = self.export()
        self.assertIn(b"the values are those of now", done.stderr)
        sent = self.sent()
        self.assertEqual((sent["moment"], sent["device-id"]), ("now", self.dev.record()["device-id"]))
        self.assertEqual(base64.b64decode(sent["firmware-log"]), self.boot.firmware())
        self.assertEqual(base64.b64decode(sent["ima-log"]), self.boot.ima())
        self.assertEqual(sent["pcrs"], self.boot.pcrs())
        self.assertEqual(os.stat(self.path("device.logs")).st_mode & 0o777, 0o600)

    def test_what_ima_measured_after_the_unlock_is_left_out(self):
        self.boot.files = [boots.measured_file(f"/usr/bin/{n}", n.encode()) for n in ("early", "late", "later")]
        self.opened(files=1)
        self.boot.write(self.tmp)
        self.assertNotIn(b"of now", self.export().stderr)
        sent = self.sent()
        self.assertEqual(sent["moment"], "unlock")
        short = self.boot.copy()
        short.files = short.files[:1]
        self.assertEqual(base64.b64decode(sent["ima-log"]), short.ima())
        self.assertEqual(sent["pcrs"]["sha256"]["10"], self.boot.pcrs(1)["sha256"]["10"])
        self.assertNotIn("10", sent["pcrs"]["sha384"])

    def test_beside_the_record_it_is_signed_for_the_next_image(self):
        """The whole way: the device sends, the desk signs, the device says that it will boot."""
        shutil.copy(self.dev.record_path, self.path("unit.json"))
        self.export("--record", self.path("unit.json"))
        os.mkdir(self.path("records"))
        for name in ("unit.json", "unit.logs"):
            shutil.move(self.path(name), self.path("records", name))
        rig.run([rig.program("latchkey"), "policy", "sign", "--policy", self.policy_file, "--key", self.base.path("keys", "policy-key.pem"),
                 "--records", self.path("records"), "--uki", self.path("esp/EFI/BOOT/BOOTX64.EFI"), "--version", self.version,
                 "-o", self.path("out")], check=0)
        with open(self.path("out/fleet.json"), encoding="ascii") as f:
            group = json.loads(f.read())["groups"][0]
        self.assertEqual([d["name"] for d in group["devices"]], ["unit"])
        self.deploy(self.path("out", group["file"]))
        self.ask(0, "volume root: yes")

    def test_logs_that_do_not_explain_the_values_are_not_sent(self):
        values = self.boot.pcrs()
        values["sha256"]["4"] = "ab" * 32
        self.write("pcrs.json", json.dumps(values))
        done = self.export(check=5)
        self.assertIn(b"nothing was written: the logs don't explain what PCR 4 of bank sha256", done.stderr)
        self.assertFalse(os.path.exists(self.path("device.logs")))

    def test_another_devices_record_gets_none(self):
        record = self.dev.record()
        record["device-id"] = "ab" * 32
        self.write("other.json", json.dumps(record))
        self.assertIn(b"belongs to another device", self.export("--record", self.path("other.json"), check=13).stderr)
        self.assertFalse(os.path.exists(self.path("other.logs")))
        self.assertIn(b"--output FILE, or --record", rig.run([rig.program("latchkey-provision"), "log", "export", "--policy",
                                                               self.policy_file], check=2).stderr)


del Case  # its own tests are will_it_boot's

if __name__ == "__main__":
    unittest.main()
