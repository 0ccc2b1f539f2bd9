# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns bundles of signed policies as latchkey-policy-bundle(5) says, made without any code of ours."""
import hashlib
import json


def as_json(text):
    """A signed policy's YAML, of the form that tests and `latchkey policy sign` write, as one line of JSON."""
    out = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        value = value.strip().strip('"')
        if line.startswith("  "):
            out["pcrs"][key.strip()] = value
        elif key == "pcrs":
            out["pcrs"] = {}
        elif line and not line.startswith("#"):
            out[key] = 1 if key == "latchkey-signed-policy" else value
    return json.dumps(out)


def of_lines(lines, *, count=None, length=None, digest=None):
    """A bundle of these lines; what its first line says may be made to be false."""
    body = "".join(line + "\n" for line in lines).encode()
    count, length = len(lines) if count is None else count, len(body) if length is None else length
    return f"latchkey-policy-bundle 1 {count:04} {length:07} {digest or hashlib.sha256(body).hexdigest()}\n".encode() + body


def of(*texts):
    return of_lines([as_json(text) for text in texts])
