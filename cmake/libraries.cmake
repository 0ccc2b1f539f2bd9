# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns which libraries early boot's part is built from, the system's or the static build's.
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(ESYS REQUIRED IMPORTED_TARGET tss2-esys tss2-mu tss2-rc)
pkg_check_modules(TCTI_DEVICE REQUIRED IMPORTED_TARGET tss2-tcti-device)
pkg_check_modules(TCTILDR REQUIRED IMPORTED_TARGET tss2-tctildr)
pkg_check_modules(CRYPTSETUP REQUIRED IMPORTED_TARGET libcryptsetup>=2.6)
