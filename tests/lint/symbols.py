#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What is global in the libraries, and what latchkey-unseal doesn't contain."""
import os
import re
import subprocess

import tree

# Data of a process that can be written, and why it may be. ARCHITECTURE.md has the rules for threads.
STATE = {
    # Standard error is the process's. Written before the first thread, and then only read.
    "src/sys/os/log.c": "log_state",
    # OpenSSL takes one set of functions for memory a process. Used until lk_crypto_begin() has returned.
    "src/sys/crypto/crypto_begin.c": "beginning lacked spare spare_used",
    # The one command line of latchkey-unseal, which has no threads.
    "src/unseal/main.c": "said unseal",
    # Digests that all threads of `latchkey policy` use again; under its lock.
    "tools/host/policy/memo_hash.c": "kept lock memos n_kept n_memos",
}


def nm(path, *options):
    out = subprocess.run(["nm", *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=True).stdout.decode()
    return [line.split() for line in out.splitlines()]


def libraries():
    for directory, _, files in os.walk(os.path.join(tree.BUILD, "src")):
        for name in files:
            if name.endswith(".a"):
                yield os.path.join(directory, name)


def defined(path):
    """Names of global symbols that @path defines."""
    return {w[-1] for w in nm(path, "-g", "--defined-only") if len(w) == 3}


class Symbols(tree.TestCase):
    def test_only_lk_names_are_global(self):
        bad, n = [], 0
        for path in libraries():
            for name in sorted(defined(path)):
                n += 1
                # Sanitizers and coverage add names of their own.
                if not re.match(r"lk_|__asan|__odr_asan|__ubsan|__start|__stop|__sanitizer", name):
                    bad.append(f"{os.path.basename(path)}: {name}")
        self.assertGreater(n, 100)
        self.assertNone(bad, "global symbols without lk_")

    def test_no_two_files_define_the_same(self):
        seen, bad = {}, []
        for path in libraries():
            if path.endswith("liblk_sys_tpm_device.a"):
                continue  # the other kind of the same file
            for name in defined(path):
                if name in seen and name.startswith("lk_"):
                    bad.append(f"{name}: {seen[name]} and {os.path.basename(path)}")
                seen[name] = os.path.basename(path)
        self.assertNone(bad, "defined twice")

    def test_core_needs_the_c_library_alone(self):
        """tests/unit links all of core into a program that has nothing beside it, or building would have failed."""
        path = os.path.join(tree.BUILD, "tests/unit/core-alone")
        self.assertIn("lk_policy_file_from_doc", defined(path))
        needed = subprocess.run(["readelf", "-dW", path], stdout=subprocess.PIPE, check=True).stdout.decode()
        libraries_ = re.findall(r"\(NEEDED\).*\[(.*)\]", needed)
        # The sanitizers' libraries are there in a build with sanitizers.
        bad = [n for n in libraries_ if not re.match(r"libc\.so|ld-linux|lib(m|gcc_s|asan|ubsan|resolv|pthread|dl|rt)\.so", n)]
        self.assertTrue(libraries_)
        self.assertNone(bad, "core needs a library")

    def test_nothing_is_kept_between_calls(self):
        """Data that can be written is shared by all threads of a process. What is relocated once (.data.rel.ro) can't be."""
        found, seen, of_path = set(), 0, {path: source for source, path in tree.objects()}
        out = subprocess.run(["nm", "-A", "--format=sysv", *of_path], stdout=subprocess.PIPE, check=True).stdout.decode()
        for row in ([c.strip() for c in line.split("|")] for line in out.splitlines() if line.count("|") == 6):
            path, _, name = row[0].rpartition(":")
            seen += row[6].startswith(".text")
            if row[3] == "OBJECT" and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)", row[6]) and not re.match(r"__|\.|\*", name):
                found.add((of_path[path], re.sub(r"\.\d+$", "", name)))
        self.assertGreater(seen, 1000)
        allowed = {(source, name) for source, names in STATE.items() for name in names.split()}
        self.assertNone([f"{source}: {name}" for source, name in sorted(found - allowed)],
                        "data that can be written: give it to who calls, or add it to STATE with the reason")
        self.assertNone([f"{source}: {name}" for source, name in sorted(allowed - found)], "STATE allows what isn't there")

    def unseal(self):
        path = dict(tree.programs()).get("latchkey-unseal")
        self.assertTrue(path, "latchkey-unseal isn't built in " + tree.BUILD)
        return path

    def test_unseal_contains_no_sealing_formatting_or_signing(self):
        """By the names of the libraries that do that, whatever they define."""
        forbidden = set()
        for path in libraries():
            if os.path.basename(path) in ("liblk_sys_admin.a", "liblk_sys_json.a", "liblk_sys_sign.a",
                                          "liblk_sys_tpm_config.a", "liblk_sys_archive.a", "liblk_sys_tree.a",
                                          "liblk_blob.a", "liblk_blob_seal.a"):
                forbidden |= {s for s in defined(path) if s.startswith("lk_")}
        self.assertIn("lk_tpm_seal", forbidden)
        here = {w[-1] for w in nm(self.unseal())}
        self.assertIn("lk_unseal_run", here)
        self.assertNone(sorted(here & forbidden), "latchkey-unseal contains what early boot never does")

    def test_userconfig_contains_no_sealing_or_signing(self):
        """A device never makes what it believes."""
        path = dict(tree.programs()).get("latchkey-userconfig")
        self.assertTrue(path, "latchkey-userconfig isn't built in " + tree.BUILD)
        forbidden = set()
        for library in libraries():
            if os.path.basename(library) in ("liblk_blob_seal.a", "liblk_sys_sign.a", "liblk_sys_admin.a"):
                forbidden |= {s for s in defined(library) if s.startswith("lk_")}
        self.assertIn("lk_blob_seal", forbidden)
        here = {w[-1] for w in nm(path)}
        self.assertIn("lk_blob_copy_verify", here)
        self.assertNone(sorted(here & forbidden), "latchkey-userconfig can seal or sign")

    def test_the_verifier_knows_no_tpm(self):
        """It needs none, and runs where there is none."""
        path = os.path.join(tree.BUILD, "src/verifier/latchkey-verifier")
        self.assertTrue(os.path.exists(path), f"{path} isn't there, and nothing says what it would contain: install what it needs "
                        "(scripts/packages check), and build with -DLATCHKEY_VERIFIER=ON, as the presets check and dev do")
        here = {w[-1] for w in nm(path)} | {w[-1] for w in nm(path, "-D")}
        self.assertIn("lk_appraise", here)
        self.assertNone(sorted(n for n in here if re.match(r"lk_tpm_|Esys_|Fapi_|Tss2_|crypt_", n)), "latchkey-verifier reaches for a TPM or a volume")

    def test_unseal_calls_no_command_that_makes_or_destroys(self):
        commands = re.compile(r"^(Esys_(Create|CreatePrimary|Clear|ClearControl|EvictControl|"
                              r"HierarchyChangeAuth|NV_DefineSpace|NV_UndefineSpace|NV_Write\w*|"
                              r"NV_Increment|Import|Load|ObjectChangeAuth|DictionaryAttack\w*)|"
                              r"Fapi_\w+|crypt_(format\w*|reencrypt\w*|keyslot_add\w*|keyslot_destroy|"
                              r"keyslot_change\w*|token_json_set|convert|resize|header_restore|"
                              r"volume_key_keyring\w*)|archive_\w+|EVP_PKEY_sign\w*|PEM_read\w*)(@.*)?$")
        here = {w[-1] for w in nm(self.unseal(), "-D")} | {w[-1] for w in nm(self.unseal())}
        self.assertTrue(any(s.startswith("Esys_Unseal") for s in here), "no Esys_Unseal: a stale check")
        self.assertNone(sorted(s for s in here if commands.match(s)), "latchkey-unseal can do too much")


if __name__ == "__main__":
    tree.main()
