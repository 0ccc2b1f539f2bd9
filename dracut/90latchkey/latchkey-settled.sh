#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns what happens on each turn of dracut's loop, which sources this file when udev has settled.

. /lib/latchkey-lib.sh

[ -n "$DRACUT_SYSTEMD" ] || ! latchkey_wanted || latchkey_start

# The loop gives up after so many turns. None counts while someone may be typing the recovery key.
# shellcheck disable=SC2034
latchkey_running && main_loop=0
