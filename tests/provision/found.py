# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""TPMs as they are found: with authorizations, with other programs' objects at our places, with other banks. What is
refused leaves all of it as it was."""
import os
import re
import unittest

import rig
from device import Device

ROOT = "0x81000001"
CONFIG_KEY = "0x8100a000"
POLICY_KEY, VERSION_FLOOR, SEQUENCE_FLOOR = "0x018a0000", "0x018a0001", "0x018a0002"


class Found(rig.TestCase):
    def setUp(self):
        super().setUp()
        self.dev = Device(self)
        self.tool = self.dev.tpm.tool

    def state(self):
        """All that a refusal must leave alone."""
        seen = [self.tool("tpm2_getcap", what).stdout for what in
                ("handles-persistent", "handles-nv-index", "handles-transient")]
        variable = self.tool("tpm2_getcap", "properties-variable").stdout.decode()
        seen.append([re.findall(rf"{key}:\s+(\S+)", variable) for key in
                     ("ownerAuthSet", "endorsementAuthSet", "lockoutAuthSet", "inLockout", "TPM2_PT_LOCKOUT_COUNTER",
                      "TPM2_PT_MAX_AUTH_FAIL", "TPM2_PT_LOCKOUT_INTERVAL", "TPM2_PT_LOCKOUT_RECOVERY")])
        for handle in re.findall(r"0x[0-9A-Fa-f]+", seen[0].decode()):
            seen.append(self.tool("tpm2_readpublic", "-c", handle).stdout)
        seen.append(self.tool("tpm2_nvreadpublic").stdout)
        seen.append(os.path.exists(self.dev.record_path) and self.read("record.json"))
        seen.append(os.path.exists(self.dev.path("fapi")))
        return seen

    def auths(self, owner="owner-one", endorsement=None, lockout="lockout-one", name=""):
        """Options with files that hold these."""
        argv = []
        for which, text in (("owner", owner), ("endorsement", endorsement), ("lockout", lockout)):
            if text:
                argv += [f"--{which}-auth", self.write(f"{name}{which}", text + "\n")]
        return argv

    def set_auths(self, owner=None, endorsement=None, lockout=None):
        for which, text in (("o", owner), ("e", endorsement), ("l", lockout)):
            if text:
                self.tool("tpm2_changeauth", "-c", which, text)

    def refused(self, code, *phrases, argv=()):
        before = self.state()
        said = self.dev.install(*argv, check=code).stderr.decode()
        for phrase in phrases:
            self.assertIn(phrase, said)
        self.assertEqual(self.state(), before)
        return said

    def works(self, auths, version=1):
        """A volume, sealed under what was found, opens."""
        self.dev.policy()
        owner = auths[auths.index("--owner-auth") + 1]
        self.dev.provision("format", "--policy", self.path("policy.yaml"), "--no-recovery-key", "--owner-auth", owner)
        self.dev.provision("policy", "add", "--policy", self.path("policy.yaml"), self.dev.sign(version))
        done = rig.run([rig.program("latchkey-unseal"), "--dry-run", "--policy", self.path("policy.yaml"), "--tpm",
                        self.dev.tpm.tcti], check=0)
        self.assertIn(b"would open", done.stderr)


class Authorizations(Found):
    def installed(self, *set_, **options):
        self.set_auths(**dict(set_))
        auths = self.auths(**options)
        self.dev.install(*auths)
        owner, lockout = (self.read(n).decode().strip() for n in ("owner", "lockout"))
        self.tool("tpm2_nvdefine", "-C", "o", "-P", owner, "-s", "8", "0x01800001")
        self.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", lockout)
        self.works(auths)
        return auths

    def test_a_lockout_authorization(self):
        self.installed(("lockout", "lockout-one"))
        self.assertFalse(os.path.exists(self.path("fapi/system/P_ECCP256SHA256")))

    def test_an_owner_authorization_and_no_root_key(self):
        self.installed(("owner", "owner-one"))

    def test_an_endorsement_authorization(self):
        self.set_auths(endorsement="endorsement-one")
        said = self.dev.install(*self.auths()).stderr.decode()
        self.assertIn("not in the record: the endorsement key: its hierarchy has an authorization", said)
        before = self.dev.record()
        self.assertNotIn("ek", before)
        self.assertIn("not the TPM's endorsement authorization",
                      self.dev.install(*self.auths(endorsement="wrong"), check=5).stderr.decode())
        self.assertEqual(self.dev.record(), before)
        self.assertIn("the endorsement key, which is in the record now",
                      self.dev.install(*self.auths(endorsement="endorsement-one")).stderr.decode())
        after = self.dev.record()
        self.assertIn("BEGIN PUBLIC KEY", after.pop("ek")["public"])
        # The attestation key is of that hierarchy too.
        self.assertEqual(after.pop("ak")["handle"], "0x8101a000")
        self.assertIn("quote", after.pop("proof"))
        self.assertEqual(after, before)
        self.assertIn("nothing to do", self.dev.install(*self.auths(endorsement="endorsement-one")).stderr.decode())

    def test_all_of_them(self):
        self.installed(("owner", "owner-one"), ("endorsement", "endorsement-one"), ("lockout", "lockout-one"),
                       endorsement="endorsement-one")
        self.assertIn("BEGIN PUBLIC KEY", self.dev.record()["ek"]["public"])
        self.dev.tpm.stop()
        traffic = self.dev.tpm.traffic()
        for which in ("endorsement", "lockout"):  # the tools give the owner's in clear
            self.assertEqual(traffic.count(f"{which}-one".encode()), 1, which)

    def test_a_second_run_has_nothing_to_do(self):
        auths = self.installed(("lockout", "lockout-one"))
        self.assertIn(b"nothing to do", self.dev.install(*auths).stderr)

    def test_a_wrong_owner_authorization_costs_nothing(self):
        self.set_auths(owner="another", lockout="lockout-one")
        self.refused(5, "owner: not the TPM's owner authorization", "no failure was counted (0 of 3, as before)",
                     argv=self.auths())
        self.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", "lockout-one")

    def test_a_wrong_endorsement_authorization_costs_nothing(self):
        self.set_auths(endorsement="another", lockout="lockout-one")
        self.refused(5, "not the TPM's endorsement authorization", argv=self.auths(endorsement="wrong"))
        self.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", "lockout-one")

    def test_a_wrong_lockout_authorization_is_tried_once_and_last(self):
        self.set_auths(owner="owner-one", lockout="another")
        self.refused(5, "not the TPM's lockout authorization; nothing was changed; this was the one try", "1000 s have passed",
                     argv=self.auths())
        self.refused(6, "this one wasn't compared", argv=self.auths())
        self.refused(5, "not the TPM's owner authorization", argv=self.auths(owner="wrong"))

    def test_what_is_missing_is_asked_for_and_nothing_is_tried(self):
        self.set_auths(owner="owner-one", endorsement="endorsement-one", lockout="lockout-one")
        self.refused(13, "give --owner-auth")
        self.refused(13, "give --lockout-auth", argv=self.auths(lockout=None))
        self.refused(13, "give --endorsement-auth", argv=[*self.auths(), "--ek-ca", self.path("owner.pem")])
        self.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", "lockout-one")

    def test_lockout_parameters_that_are_ours_need_no_lockout_authorization(self):
        self.tool("tpm2_dictionarylockout", "--setup-parameters", "--max-tries", "32", "--recovery-time", "600",
                  "--lockout-recovery-time", "86400")
        self.set_auths(lockout="lockout-one")
        self.assertIn(b"--lockout-auth wasn't tried", self.dev.install(*self.auths(lockout="wrong")).stderr)
        self.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", "lockout-one")

    def test_parameters_that_were_ours_are_so_after_fapi_has_set_its_own(self):
        self.tool("tpm2_dictionarylockout", "--setup-parameters", "--max-tries", "32", "--recovery-time", "600",
                  "--lockout-recovery-time", "86400")
        self.dev.install()
        shown = self.tool("tpm2_getcap", "properties-variable").stdout.decode()
        self.assertRegex(shown, r"MAX_AUTH_FAIL: 0x20\b")
        self.assertRegex(shown, r"LOCKOUT_INTERVAL: 0x258\b")

    def test_a_tpm_in_lockout(self):
        self.tool("tpm2_dictionarylockout", "--setup-parameters", "--max-tries", "1", "--recovery-time", "600",
                  "--lockout-recovery-time", "86400")
        self.tool("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-p", "secret", "-c", self.path("p.ctx"))
        self.tool("tpm2_create", "-C", self.path("p.ctx"), "-P", "wrong", "-u", self.path("u"), "-r", self.path("r"), check=None)
        self.tool("tpm2_flushcontext", "-t")
        self.refused(6, "it forgives one failure every 600 s", "tpm2_dictionarylockout -c", argv=self.auths())

    def test_a_relative_key_store(self):
        argv = [a if a != self.path("fapi") else "fapi" for a in self.dev.install_argv()]
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.environ["LATCHKEY_BUILD"] = rig.BUILD = os.path.abspath(rig.BUILD)
        os.chdir(self.tmp)
        self.dev.provision(*argv)
        self.assertTrue(os.path.exists(self.path("fapi/system/P_ECCP256SHA256/HS/object.json")))


class Root(Found):
    """What is at the storage root key's handle."""

    def put(self, *argv, hierarchy="o", at=ROOT):
        self.tool("tpm2_createprimary", "-Q", "-C", hierarchy, *argv, "-c", self.path("found.ctx"))
        self.tool("tpm2_evictcontrol", "-Q", "-C", "o", "-c", self.path("found.ctx"), at)
        self.tool("tpm2_flushcontext", "-t")

    def test_a_signing_key(self):
        self.refused_root("a signing key", "-G", "ecc:ecdsa", "-a",
                          "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")

    def refused_root(self, phrase, *argv, **options):
        self.put(*argv, **options)
        self.refused(13, f"{ROOT} holds ", phrase, "can't serve as the storage root key", "tpm2_evictcontrol")
        # Again, since each run of before cost a try.
        self.refused(13, phrase)
        shown = self.dev.provision("status").stdout.decode()
        self.assertRegex(shown, r"(?m)^storage-root-key +not usable: .*" + re.escape(phrase))

    def test_a_key_with_a_password(self):
        self.refused_root("with an authorization of its own", "-G", "ecc", "-p", "secret", "-a", self.SRK)
        self.assertEqual(self.failures(), 0)

    def put_counted(self):
        """As tpm2_createprimary makes it without -a: only a try tells that it has a password, and that counts."""
        self.put("-G", "ecc", "-p", "secret")

    def count_one(self):
        self.assertNotEqual(self.tool("tpm2_create", "-C", ROOT, "-P", "wrong", "-u", self.path("u"), "-r", self.path("r"),
                                      check=None).returncode, 0)

    def failures(self):
        shown = self.tool("tpm2_getcap", "properties-variable").stdout.decode()
        return int(re.search(r"LOCKOUT_COUNTER: (\S+)", shown).group(1), 16)

    def test_a_password_whose_failures_count_costs_none_where_that_can_be_taken_back(self):
        self.put_counted()
        self.refused(13, "a storage key with an authorization of its own", "nothing was changed; if nobody")
        self.refused(13, "a storage key with an authorization of its own")
        self.assertRegex(self.dev.provision("status").stdout.decode(), r"(?m)^storage-root-key +present")
        self.assertEqual(self.failures(), 0)

    def test_a_failure_that_is_counted_is_told_and_never_leads_into_lockout(self):
        self.put_counted()
        self.count_one()
        said = self.dev.install(check=13).stderr.decode()
        self.assertIn("the TPM has counted this as a failure (2 of 3)", said)
        self.refused(6, "the TPM has counted 2 of 3 failures: a try might bring it into lockout, and wasn't made")
        self.assertEqual(self.failures(), 2)

    def test_a_lockout_authorization_is_not_used_to_take_a_failure_back(self):
        self.put_counted()
        self.set_auths(lockout="lockout-one")
        self.assertIn("(1 of 3)", self.dev.install(*self.auths(), check=13).stderr.decode())
        self.tool("tpm2_dictionarylockout", "--clear-lockout", "--auth", "lockout-one")

    def test_an_endorsement_key(self):
        self.tool("tpm2_createek", "-G", "ecc", "-c", self.path("ek.ctx"), "-u", self.path("ek.pub"))
        self.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("ek.ctx"), ROOT)
        self.tool("tpm2_flushcontext", "-t")
        self.refused(13, "an endorsement key without userWithAuth")

    def test_an_rsa_key_of_other_attributes(self):
        self.refused_root("without restricted", "-G", "rsa2048", "-a",
                          "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|noda")

    def test_a_symmetric_key(self):
        self.put("-G", "aes128cfb", "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda")
        self.refused(13, "a symmetric key")

    def test_a_format_says_so_too(self):
        self.dev.install()
        owner = self.dev.auth("owner")
        self.tool("tpm2_evictcontrol", "-C", "o", "-P", owner, "-c", ROOT)
        self.tool("tpm2_createprimary", "-Q", "-C", "o", "-P", owner, "-G", "ecc:ecdsa", "-c", self.path("x.ctx"), "-a",
                  "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
        self.tool("tpm2_evictcontrol", "-C", "o", "-P", owner, "-c", self.path("x.ctx"), ROOT)
        self.tool("tpm2_flushcontext", "-t")
        self.dev.policy()
        before = self.read("disk.img")
        self.assertIn("a signing key", self.dev.format(check=13).stderr.decode())
        self.assertEqual(self.read("disk.img"), before)

    def check_serves(self, *argv):
        self.put(*argv)
        before = self.tool("tpm2_readpublic", "-c", ROOT).stdout
        auths = self.auths()
        self.dev.install(*auths)
        self.assertEqual(self.tool("tpm2_readpublic", "-c", ROOT).stdout, before)
        self.works(auths)

    SRK = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda"

    def test_the_rsa_template_serves(self):
        self.check_serves("-G", "rsa2048", "-a", self.SRK)

    def test_the_ecc_template_serves(self):
        self.check_serves("-G", "ecc", "-a", self.SRK)

    def test_p384_serves(self):
        self.check_serves("-G", "ecc384", "-g", "sha384", "-a", self.SRK)

    def test_a_root_key_that_is_gone(self):
        auths = self.auths()
        self.dev.install(*auths)
        self.tool("tpm2_evictcontrol", "-C", "o", "-P", "owner-one", "-c", ROOT)
        said = self.refused(7, "the storage root key 0x81000001, which it lies under, is gone", argv=auths)
        # What is advised works as it stands.
        advice = re.search(r'"(tr .*?)" removes it', said).group(1).replace("owner.auth", self.path("owner"))
        self.tool("sh", "-c", advice)
        self.assertIn(b"installed", self.dev.install(*auths).stderr)
        self.works(auths)


class Places(Found):
    """What is at the NV indices and at the configuration key's handle."""

    def check_nv(self, index, *argv):
        self.tool("tpm2_nvdefine", "-C", "o", *argv, index)
        self.refused(13, f"NV index {index}, where ", "holds something else", f"tpm2_nvundefine -C o {index}")
        self.refused(13, "holds something else")
        self.tool("tpm2_nvundefine", "-C", "o", index)

    def test_something_else_at_the_nv_indices(self):
        for index in (POLICY_KEY, VERSION_FLOOR, SEQUENCE_FLOOR):
            self.check_nv(index, "-s", "8", "-a", "ownerread|ownerwrite|authread|authwrite")
        self.check_nv(VERSION_FLOOR, "-s", "8", "-a", "nt=counter|authread|authwrite")

    def test_an_index_with_a_password_is_not_tried(self):
        self.check_nv(POLICY_KEY, "-s", "120", "-p", "secret", "-a", "ownerread|ownerwrite|authread|writedefine")

    def test_an_index_of_our_attributes_with_a_password(self):
        self.tool("tpm2_nvdefine", "-C", "o", "-s", "8", "-p", "secret", "-a",
                  "nt=counter|authread|authwrite|ownerread|no_da", VERSION_FLOOR, check=None)
        self.dev.install(check=None)

    def test_something_else_at_the_configuration_keys_handle(self):
        for attributes in ("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt",
                           "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda"):
            argv = ["tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-p", "secret", "-c", self.path("x.ctx"),
                    "-a", attributes]
            self.tool(*argv)
            self.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("x.ctx"), CONFIG_KEY)
            self.tool("tpm2_flushcontext", "-t")
            self.refused(13, f"{CONFIG_KEY}, where the configuration key belongs, holds something else")
            self.tool("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", self.path("s.ctx"), "-a", Root.SRK)
            self.tool("tpm2_evictcontrol", "-C", "o", "-c", self.path("s.ctx"), ROOT)
            self.tool("tpm2_flushcontext", "-t")
            self.refused(13, f"{CONFIG_KEY}, where the configuration key belongs, holds something else")
            for handle in (ROOT, CONFIG_KEY):
                self.tool("tpm2_evictcontrol", "-C", "o", "-c", handle)


class Banks(Found):
    def allocate(self, banks):
        self.tool("tpm2_pcrallocate", banks)
        self.dev.tpm.restart()

    def test_sha384_alone_is_installed_and_recorded(self):
        self.allocate("sha1:none+sha256:none+sha384:all")
        self.dev.install()
        pcrs = self.dev.record()["pcrs"]
        self.assertEqual(list(pcrs), ["sha384"])
        self.assertEqual({len(v) for v in pcrs["sha384"].values()}, {96})

    def test_both_are_recorded(self):
        self.dev.install()
        self.assertEqual(sorted(self.dev.record()["pcrs"]), ["sha256", "sha384"])

    def test_none_of_ours_is_refused(self):
        self.allocate("sha1:all+sha256:none+sha384:none")
        self.refused(5, "neither of the PCR banks sha256 and sha384 is active")


if __name__ == "__main__":
    unittest.main()
