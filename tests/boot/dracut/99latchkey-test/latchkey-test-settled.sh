#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns when the tests' script runs without systemd: at the first turn of dracut's loop.

[ -e /run/latchkey-test ] || latchkey-test > /dev/console 2>&1
