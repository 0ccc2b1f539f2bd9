#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns what the boot tests add to an initramfs: a look at the PCRs, and a script from the control disk, before latchkey-unseal.

check() {
    return 255
}

depends() {
    echo latchkey
}

install() {
    inst_binary busybox /usr/bin/busybox
    inst_simple "$moddir/latchkey-test" /usr/bin/latchkey-test
    inst_simple "$moddir/latchkey-test-after" /usr/bin/latchkey-test-after
    if dracut_module_included systemd; then
        inst_simple "$moddir/latchkey-test.service" "$systemdsystemunitdir/latchkey-test.service"
        $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target latchkey-test.service
        inst_simple "$moddir/latchkey-test-after.service" "$systemdsystemunitdir/latchkey-test-after.service"
        $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target latchkey-test-after.service
    else
        inst_hook initqueue/settled 10 "$moddir/latchkey-test-settled.sh"
        inst_hook initqueue/settled 90 "$moddir/latchkey-test-after.sh"
        inst_hook pre-mount 10 "$moddir/latchkey-test-after.sh"
    fi
}
