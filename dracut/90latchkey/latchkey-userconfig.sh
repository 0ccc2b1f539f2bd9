#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns the run of latchkey-userconfig on the new root, which dracut sources before it changes to it. Whatever comes of it, the boot
# goes on: with the new configuration, or with the one before.

. /lib/latchkey-lib.sh

if latchkey_wanted && getargbool 1 rd.latchkey.userconfig; then latchkey_configure "$NEWROOT"; fi
