#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns one answer, without systemd: may dracut leave its loop? Not between the mapping of a volume and the latch.

. /lib/latchkey-lib.sh

! latchkey_wanted || latchkey_over
