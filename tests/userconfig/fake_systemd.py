# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Stands in for systemd on a message bus: units as a JSON file tells, each call in a log.

Arguments: ADDRESS UNITS LOG. A unit has systemd's properties, and:
  job     result of its next job (default "done"); null: the job never ends
  then    properties that the job brings
  later   [[milliseconds, properties], ...] after the job
  error   name of an error that the call is refused with"""
import json
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.freedesktop.systemd1"
PATH = "/org/freedesktop/systemd1"
MANAGER = NAME + ".Manager"
NUMBERS = ("NRestarts", "MainPID")


class Unit(dbus.service.Object):
    def __init__(self, bus, number, told):
        super().__init__(bus, f"{PATH}/unit/u{number}")
        self.told = told
        self.properties = {"Type": "simple", "ActiveState": "active", "SubState": "running",
                           "Result": "success", "NRestarts": 0, "MainPID": 100 * (number + 1),
                           "InvocationID": "00" * 16}
        self.update({k: v for k, v in told.items() if k[0].isupper()})

    def update(self, properties):
        self.properties.update(properties)
        return False

    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        value = self.properties[name]
        if name in NUMBERS:
            return dbus.UInt32(value)
        return dbus.ByteArray(bytes.fromhex(value)) if name == "InvocationID" else value

    def restarted(self):
        """What a restart brings by itself."""
        self.update({"ActiveState": "active", "SubState": "running", "Result": "success",
                     "NRestarts": 0, "MainPID": self.properties["MainPID"] + 1,
                     "InvocationID": "%032x" % (int(self.properties["InvocationID"], 16) + 1)})


class Manager(dbus.service.Object):
    def __init__(self, bus, units, log):
        super().__init__(bus, PATH)
        self.units = {n: Unit(bus, i, told) for i, (n, told) in enumerate(units.items())}
        self.log, self.jobs = log, 0

    def note(self, what):
        with open(self.log, "a") as f:
            f.write(what + "\n")

    def unit(self, name):
        if name not in self.units:
            raise dbus.DBusException(f"Unit {name} not loaded.", name=NAME + ".NoSuchUnit")
        return self.units[name]

    @dbus.service.method(MANAGER, in_signature="s", out_signature="o")
    def GetUnit(self, name):
        return self.unit(name).__dbus_object_path__

    @dbus.service.method(MANAGER)
    def Subscribe(self):
        self.note("subscribe")

    @dbus.service.method(MANAGER, in_signature="s")
    def ResetFailedUnit(self, name):
        self.unit(name)
        self.note(f"reset-failed {name}")

    @dbus.service.signal(MANAGER, signature="uoss")
    def JobRemoved(self, number, job, unit, result):
        pass

    def job(self, verb, name, mode):
        unit = self.unit(name)
        self.note(f"{verb} {name} {mode}")
        if unit.told.get("error"):
            raise dbus.DBusException("refused", name=unit.told["error"])
        self.jobs += 1
        path = f"{PATH}/job/{self.jobs}"
        GLib.timeout_add(20, self.end, unit, name, self.jobs, path, verb)
        return dbus.ObjectPath(path)

    def end(self, unit, name, number, path, verb):
        result = unit.told.get("job", "done")
        if result is None:
            return False
        if verb == "restart":
            unit.restarted()
        unit.update(unit.told.get("then", {}))
        self.note(f"job {name} {result}")
        self.JobRemoved(dbus.UInt32(number), dbus.ObjectPath(path), name, result)
        for after, properties in unit.told.get("later", []):
            GLib.timeout_add(after, unit.update, properties)
        return False

    @dbus.service.method(MANAGER, in_signature="ss", out_signature="o")
    def RestartUnit(self, name, mode):
        return self.job("restart", name, mode)

    @dbus.service.method(MANAGER, in_signature="ss", out_signature="o")
    def ReloadOrRestartUnit(self, name, mode):
        return self.job("reload", name, mode)


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(sys.argv[1])
    with open(sys.argv[2]) as f:
        manager = Manager(bus, json.load(f), sys.argv[3])
    bus.request_name(NAME)
    manager.note("ready")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
