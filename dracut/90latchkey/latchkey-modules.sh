#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns the order in which the kernel modules on our list are loaded, before udev loads any; absent ones don't matter.

while read -r latchkey_module; do
    modprobe -q "$latchkey_module"
done < /etc/latchkey/modules
unset latchkey_module
