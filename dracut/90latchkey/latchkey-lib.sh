#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns the state of the one run of latchkey-unseal in this boot: not wanted, not begun, running, over.

# The same folder that the systemd unit makes: whoever makes it has begun the run.
latchkey_state=/run/latchkey-initrd

latchkey_wanted() {
    getargbool 1 rd.latchkey
}

# In the background, so that dracut's loop goes on assembling what the volume may lie on.
latchkey_start() {
    mkdir "$latchkey_state" 2> /dev/null || return 0
    (
        latchkey-unseal
        echo $? > "$latchkey_state/exit"
    ) < /dev/null > /dev/console 2>&1 &
}

latchkey_over() {
    [ -e "$latchkey_state/exit" ]
}

latchkey_running() {
    if [ -n "$DRACUT_SYSTEMD" ]; then
        # Waiting for its turn, or at work.
        case "$(systemctl list-jobs --no-legend latchkey-unseal.service)" in
            *latchkey-unseal.service*) return 0 ;;
        esac
        return 1
    else
        [ -d "$latchkey_state" ] && ! latchkey_over
    fi
}
