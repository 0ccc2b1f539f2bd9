# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns what a fleet shares: signed policies that are predicted for many machines at once, which then boot."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import cache
import kits
import moves
from scenarios import scenario

sys.path.append(str(cache.SOURCE / "tests/support"))
import fleets  # noqa: E402

SHARED, OWN = "0,4,7,11", "0,7,10"


class Desk:
    """Records with the logs of booted machines, and latchkey on them."""

    def __init__(self, folder, distro):
        self.io, self.distro = Path(folder), distro
        (self.io / "records").mkdir(parents=True)

    def put(self, name, number, measured, ima=True):
        """What log export writes of such a boot before anything was opened in it."""
        fleets.put(self.io / "records", name, fleets.record(number), fleets.sent(_Sent(measured), number, moment="now", pcrs=measured.pcrs, ima=ima))

    def latchkey(self, command, check=True):
        """In its own Debian, or that of a build tree. /io is here, /in/keys the keys."""
        try:
            build = os.environ.get("LATCHKEY_BUILD")
            if not build:
                return kits.in_chroot(self.distro, f"latchkey {command} 2>&1", self.io, kits.keys(self.distro))
            command = command.replace("/io/", f"{self.io}/").replace("/in/keys", str(kits.keys(self.distro)))
            return cache.run("sh", "-ec", f"{build}/tools/host/latchkey {command}")
        except RuntimeError as error:
            if check:
                raise
            return str(error)

    def groups(self, out):
        """Name of each device to its group's values, and why each group differs: PCRs."""
        index = json.loads((self.io / out / "fleet.json").read_text())
        values, causes = {}, {}
        for group in index["groups"]:
            names = tuple(d["name"] for d in group["devices"])
            causes[names] = [c["pcr"] for c in group["differs"]]
            for name in names:
                values[name] = self.io / out / group["file"]
        return values, causes, {r["name"]: r["why"] for r in index.get("refused", [])}


class _Sent:
    """The logs of a booted machine, as tests/support/fleets.py takes them."""

    def __init__(self, measured):
        self.measured = measured

    def firmware(self):
        return self.measured.firmware

    def ima(self):
        return self.measured.ima


@scenario()
def predicts_a_fleet(folder):
    """Logs of four machines with one image; a new one is predicted for all of them at once, and booted on each."""
    fleet = moves.Fleet(folder, "debian12")
    new = fleet.place.uki("another=1", initrd=b"another")
    rows = {"unit-a": "nothing", "unit-b": "nothing", "unit-disk": "GUID of the boot disk", "unit-option": "a boot option more"}
    how = {row: moves.ROWS[row][1](fleet) for row in rows.values()}
    now = {row: fleet.measured(row, **how[row]) for row in how}
    then = {row: fleet.measured(row, image=new, **how[row]) for row in how}
    desk = Desk(Path(folder) / "desk", "debian12")
    for number, (name, row) in enumerate(rows.items(), 1):
        desk.put(name, number, now[row])
    # Where IMA measures files, what it will measure of the new image can't be known.
    measuring = fleet.measured("nothing", image=fleet.place.uki("logs.measure"))
    desk.put("unit-measuring", 9, measuring)
    shutil.copy(new.path, desk.io / "new.efi")
    expected = {OWN: {("unit-a", "unit-b"): [], ("unit-disk",): [5], ("unit-option",): [1]},
                SHARED: {("unit-a", "unit-b", "unit-disk", "unit-measuring", "unit-option"): []}}
    for pcrs, groups in expected.items():
        desk.latchkey(f"policy init --policy-key /in/keys/policy-key.pub.pem --pcrs {pcrs} --force -o /io/policy.yaml")
        for command, out in (("predict", "values"), ("sign --key /in/keys/policy-key.pem --version 1", "signed")):
            shutil.rmtree(desk.io / out, ignore_errors=True)
            said = desk.latchkey(f"policy {command} --records /io/records --policy /io/policy.yaml --uki /io/new.efi -o /io/{out}", check=pcrs == SHARED)
            values, causes, refusals = desk.groups(out)
            assert causes == groups, causes
            if pcrs == OWN:
                assert "unit-measuring.json: can't be predicted: IMA has measured files" in said, said
                assert list(refusals) == ["unit-measuring"], refusals
        for name, row in rows.items():
            predicted = json.loads((desk.io / "values" / values[name].name.replace(".yaml", ".json")).read_text())["sha256"]
            shown = json.loads(desk.latchkey(f"policy show --json /io/signed/{values[name].name}"))["pcrs"]
            shown = shown.get("sha256", shown)
            for pcr in pcrs.split(","):
                assert predicted[pcr] == shown[pcr] == then[row].pcrs["sha256"][pcr], f"{name}, PCR {pcr}: predicted wrong"
        cache.say(f"predicted right for {len(rows)} machines: PCRs {pcrs}, {len(groups)} signed policies")
    assert all(now[row].pcrs["sha256"][pcr] != then[row].pcrs["sha256"][pcr] for row in how for pcr in ("4", "9", "10", "11"))

