#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns what systemd calls when latchkey-unseal has ended, however it did.

. /lib/latchkey-lib.sh

# Not run at all: the conditions of the unit, or a job taken back, leave these empty.
[ -n "$EXIT_CODE" ] || exit 0
latchkey_safe "$EXIT_CODE" "$EXIT_STATUS" || latchkey_end "$EXIT_CODE $EXIT_STATUS"
