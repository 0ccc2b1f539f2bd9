#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns making vectors.h: policy digests and Names as tpm2-tools get them from swtpm.

Run as a program it prints the header. Everything that goes in is fixed here, so
what comes out is the same on every run and with every TPM:

    tests/unit/make_vectors.py > tests/unit/vectors.h && clang-format -i tests/unit/vectors.h
"""
import os
import shutil
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import rig  # noqa: E402

REF = b"latchkey:luks"
FLOOR = "0x018a0001"
VERSIONS = (1, 3, 0x1122334455667788)
SELECTIONS = ("sha256:0,7,10,15", "sha256:0,7,10", "sha384:4,23", "sha256:15")
# Generators of P-256 and P-384: the public keys of the private key 1.
P256 = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
P384 = """-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY
WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8
6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f
-----END PUBLIC KEY-----
"""


class Maker:
    def __init__(self, directory):
        self.dir = directory
        self.tpm = rig.Swtpm(self.path("tpm"), measured=False).start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def get(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def extend(self):
        """PCR n is extended once by bytes of n + 1, in both banks."""
        for pcr in (0, 4, 7, 10, 23):
            byte = f"{pcr + 1:02x}"
            self.tpm.tool("tpm2_pcrextend",
                          f"{pcr}:sha256={byte * 32},sha384={byte * 48}")

    def trial(self, alg, *steps):
        """The digest after @steps in a trial session of that hash."""
        session = self.path("session")
        self.tpm.tool("tpm2_startauthsession", "-S", session, "-g", alg)
        for step in steps:
            self.tpm.tool(step[0], "-S", session, "-L", self.path("digest"), *step[1:])
        self.tpm.tool("tpm2_flushcontext", session)
        return self.get("digest")

    def pcr_step(self, selection):
        return ("tpm2_policypcr", "-l", selection)

    def nv_step(self, version):
        operand = self.put("operand", struct.pack(">Q", version))
        return ("tpm2_policynv", "-i", operand, "-C", FLOOR, FLOOR, "ule")

    def define_floor(self):
        self.tpm.tool("tpm2_nvdefine", FLOOR, "-C", "o", "-g", "sha256", "-a",
                      "ownerwrite|authwrite|ownerread|authread|no_da|nt=counter")
        self.tpm.tool("tpm2_nvincrement", "-C", FLOOR, FLOOR)

    def floor_name(self):
        out = self.tpm.tool("tpm2_nvreadpublic", FLOOR).stdout.decode()
        return bytes.fromhex(out.split("name:")[1].split()[0])

    def name(self, pem, curve, alg):
        self.put("key.pem", pem.encode())
        self.tpm.tool("tpm2_loadexternal", "-C", "n", "-G", f"{curve}:ecdsa-{alg}", "-g", alg,
                      "-u", self.path("key.pem"), "-c", self.path("key.ctx"),
                      "-n", self.path("key.name"))
        self.tpm.tool("tpm2_flushcontext", "-t")
        return self.get("key.name")

    def authorize_step(self, alg, name):
        approved = self.put("approved", bytes({"sha256": 32, "sha384": 48}[alg]))
        return ("tpm2_policyauthorize", "-i", approved, "-n", self.put("name", name),
                "-q", self.put("ref", REF))

    def pcr_values(self, selection):
        self.tpm.tool("tpm2_pcrread", selection, "-o", self.path("values"))
        return self.get("values")


def row(*fields):
    print("\t{ " + ", ".join(fields) + " },")


def quoted(data):
    return f'"{data.hex()}"'


def lk(alg):
    return "LK_ALG_" + alg.upper()


def mask(selection):
    return f"0x{sum(1 << int(i) for i in selection.split(':')[1].split(',')):06x}"


def table(name, fields, rows):
    print(f"static const struct {{\n{fields}\n}} {name}[] __attribute__((unused)) = {{")
    for r in rows:
        row(*r)
    print("};")


def write(m):
    m.extend()
    m.define_floor()
    print("/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */\n"
          "/* Owns what tpm2-tools and swtpm say; written by make_vectors.py. */\n"
          "#ifndef LK_TEST_VECTORS_H\n#define LK_TEST_VECTORS_H\n\n#include \"core/policy/policy_key.h\"\n")
    print("/* tpm2_policypcr -l SELECTION in a trial session of hash alg; values is what\n"
          " * tpm2_pcrread -o writes. */")
    table("pcr_vectors", "\tenum lk_alg alg;\n\tenum lk_alg bank;\n\tuint32_t mask;\n"
          "\tconst char *values;\n\tconst char *digest;",
          [(lk(alg), lk(s.split(":")[0]), mask(s), quoted(m.pcr_values(s)),
            quoted(m.trial(alg, m.pcr_step(s))))
           for alg in ("sha256", "sha384") for s in SELECTIONS])
    print("\n/* tpm2_policypcr -l sha256:0,7,10,15, then tpm2_policynv FLOOR ule, operand\n"
          " * version in 8 bytes; FLOOR 0x018a0001 made with tpm2_nvdefine -g sha256 -a\n"
          " * \"ownerwrite|authwrite|ownerread|authread|no_da|nt=counter\" and incremented. */")
    table("floor_vectors", "\tenum lk_alg alg;\n\tuint64_t version;\n\tconst char *digest;",
          [(lk(alg), f"0x{v:x}u",
            quoted(m.trial(alg, m.pcr_step(SELECTIONS[0]), m.nv_step(v))))
           for alg in ("sha256", "sha384") for v in VERSIONS])
    print("\n/* Its Name, as tpm2_nvreadpublic prints it. */\n"
          f"static const char floor_name[] __attribute__((unused)) =\n\t{quoted(m.floor_name())};")
    print("\n/* tpm2_loadexternal -G CURVE:ecdsa-HASH -g HASH -u PEM -n NAME, then\n"
          f" * tpm2_policyauthorize -n NAME -q \"{REF.decode()}\". The keys are the generators:\n"
          " * public keys of the private key 1. */")
    names = {"sha256": m.name(P256, "ecc256", "sha256"), "sha384": m.name(P384, "ecc384", "sha384")}
    pems = {"sha256": P256, "sha384": P384}
    curve = {"sha256": "LK_CURVE_P256", "sha384": "LK_CURVE_P384"}
    print("#define AUTHORIZE_REF \"" + REF.decode() + "\"")
    table("key_vectors", "\tenum lk_curve curve;\n\tenum lk_alg alg;\n\tconst char *pem;\n"
          "\tconst char *name;\n\tconst char *authorized;",
          [(curve[a], lk(a), "\n".join('"' + line + '\\n"' for line in pems[a].splitlines()),
            quoted(names[a]), quoted(m.trial(a, m.authorize_step(a, names[a]))))
           for a in ("sha256", "sha384")])
    print("\n#endif")


def main():
    directory = tempfile.mkdtemp(prefix="latchkey-vectors-")
    maker = Maker(directory)
    try:
        write(maker)
    finally:
        maker.tpm.stop()
        shutil.rmtree(directory, True)


if __name__ == "__main__":
    main()
