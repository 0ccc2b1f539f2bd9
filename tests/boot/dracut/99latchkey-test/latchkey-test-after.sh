#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns when that look is taken without systemd: on the first turn of dracut's loop, or in its last step, that finds the run over.

. /lib/latchkey-lib.sh
if ! latchkey_wanted; then
    latchkey-test-after none > /dev/console 2>&1
elif latchkey_over; then
    latchkey-test-after "$(busybox cat "$latchkey_state/exit")" > /dev/console 2>&1
fi
