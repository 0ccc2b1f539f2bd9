# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns the verdicts of scenarios: what held, and of what it was said. A scenario of which nothing has changed isn't booted again."""

import json
import os
import re
import sys
import time
from pathlib import Path

import cache
import kits

HERE = Path(__file__).resolve().parent
PLACES = (HERE, cache.SOURCE / "tests/support")


def _file(name):
    return cache.ROOT / f"verdict-{name}.json"


def _sources(function):
    """The scenario's module, and what it imports from here, as far as that goes."""
    found, todo = set(), [Path(sys.modules[function.__module__].__file__)]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        for name in re.findall(r"^(?:import|from) (\w+)", path.read_text(), re.M):
            todo += [place / f"{name}.py" for place in PLACES if (place / f"{name}.py").exists()]
    return sorted(found)


def _scripts(function):
    """Digest of all that makes and runs the scenario: Python, and what is put into machines for the tests' sake."""
    return cache.digest(*_sources(function), HERE / "guest", HERE / "dracut", HERE / "system")


def begin():
    """From here on is recorded what the scenario depends on."""
    cache.USED.clear()
    kits.hardware()


def keep(function, name):
    """It held, with everything that it has used."""
    if _other_programs():
        return
    kept = {"scripts": _scripts(function), "used": cache.USED, "when": time.strftime("%F %T")}
    new = _file(name).with_suffix(".new")
    new.write_text(json.dumps(kept, indent=1))
    new.rename(_file(name))


def _other_programs():
    """Whether programs of a build tree take the place of those that are built for the machines."""
    return "LATCHKEY_BUILD" in os.environ


def forget(name):
    _file(name).unlink(missing_ok=True)


def kept(function, name):
    """When it held with just what is there now; None where it has to be booted."""
    if _other_programs() or os.environ.get("LATCHKEY_BOOT_ALL") or os.environ.get("LATCHKEY_LONG"):
        return None
    try:
        verdict = json.loads(_file(name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if verdict["scripts"] != _scripts(function):
        return None
    try:
        same = all(cache.ask(label) == value for label, value in verdict["used"].items())
    except KeyError:
        return None
    return verdict["when"] if same else None
