# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns TPM 2.0 commands as they are on the wire: names of command codes, and reading one whole command or response."""
import struct

# TPM 2.0 Library, part 2, table 12: what programs here or their peers send.
CC = {0x11f: "NV_UndefineSpaceSpecial", 0x120: "EvictControl", 0x121: "HierarchyControl", 0x122: "NV_UndefineSpace",
      0x126: "Clear", 0x12a: "NV_DefineSpace", 0x129: "HierarchyChangeAuth", 0x131: "CreatePrimary", 0x134: "NV_Increment",
      0x137: "NV_Write", 0x138: "NV_WriteLock", 0x139: "DictionaryAttackLockReset", 0x13a: "DictionaryAttackParameters",
      0x13c: "PCR_Event", 0x13e: "SequenceComplete", 0x143: "SelfTest", 0x144: "Startup", 0x145: "Shutdown", 0x149: "PolicyNV",
      0x14a: "CertifyCreation", 0x14e: "NV_Read", 0x14f: "NV_ReadLock", 0x151: "PolicySecret", 0x153: "Create",
      0x154: "ECDH_ZGen", 0x155: "HMAC", 0x156: "Import", 0x157: "Load", 0x158: "Quote", 0x159: "RSA_Decrypt",
      0x15c: "SequenceUpdate", 0x15d: "Sign", 0x15e: "Unseal", 0x160: "PolicySigned", 0x161: "ContextLoad",
      0x162: "ContextSave", 0x163: "ECDH_KeyGen", 0x164: "EncryptDecrypt", 0x165: "FlushContext", 0x167: "LoadExternal",
      0x169: "NV_ReadPublic", 0x16a: "PolicyAuthorize", 0x16b: "PolicyAuthValue", 0x16c: "PolicyCommandCode",
      0x171: "PolicyOR", 0x173: "ReadPublic", 0x174: "RSA_Encrypt", 0x176: "StartAuthSession", 0x177: "VerifySignature",
      0x178: "ECC_Parameters", 0x17a: "GetCapability", 0x17b: "GetRandom", 0x17c: "GetTestResult", 0x17d: "Hash",
      0x17e: "PCR_Read", 0x17f: "PolicyPCR", 0x180: "PolicyRestart", 0x181: "ReadClock", 0x182: "PCR_Extend",
      0x186: "HashSequenceStart", 0x189: "PolicyGetDigest", 0x18a: "TestParms", 0x18c: "PolicyPassword",
      0x191: "CreateLoaded", 0x192: "PolicyAuthorizeNV", 0x193: "EncryptDecrypt2"}
CODE = {name: code for code, name in CC.items()}


def receive_exactly(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def receive_tpm(sock):
    """One TPM command or response: its header says its size."""
    head = receive_exactly(sock, 10)
    if head is None:
        return None
    size = struct.unpack(">HI", head[:6])[1]
    body = receive_exactly(sock, size - 10)
    return None if body is None else head + body


def code(message):
    """Command code of a command, return code of a response."""
    return struct.unpack(">I", message[6:10])[0]


def name(command):
    return CC.get(code(command), hex(code(command)))


def response(rc):
    """An answer that is a return code alone."""
    return struct.pack(">HII", 0x8001, 10, rc)
