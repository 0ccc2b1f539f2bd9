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
        # systemd does both by itself: the kernel's log takes more than ten lines at once, and the event logs are there.
        echo on 2> /dev/null > /proc/sys/kernel/printk_devkmsg
        [ -e /sys/kernel/security/tpm0 ] \
            || mount -t securityfs -o nosuid,nodev,noexec securityfs /sys/kernel/security 2> /dev/null
        latchkey-unseal
        latchkey_code=$?
        latchkey_safe exited "$latchkey_code" || latchkey_end "exited $latchkey_code"
        echo "$latchkey_code" > "$latchkey_state/exit"
    ) < /dev/null > /dev/console 2>&1 &
}

# Did it end with the latch closed, or without a TPM? The program itself has the table of its codes. What isn't in it, and
# any other end (killed, crashed), may leave a TPM that whatever is mounted next could ask for the passphrase.
latchkey_safe() {
    [ "$1" = exited ] || return 1
    latchkey-unseal --print-exit-codes 2> /dev/null | (
        while read -r latchkey_number _ latchkey_latch _; do
            [ "$latchkey_number" = "$2" ] || continue
            [ "$latchkey_latch" = closed ]
            exit
        done
        exit 1
    )
}

# The boot never goes on from here. Whether it reboots, and how often, the program knows by its policy file; it comes back only
# where it could do neither.
latchkey_end() {
    echo "<2>latchkey: latchkey-unseal didn't end as it should ($1), and the TPM may still be open: this boot ends" > /dev/kmsg
    latchkey-unseal --after-crash < /dev/null
    echo "<2>latchkey: latchkey-unseal couldn't end this boot either: halting" > /dev/kmsg
    if [ -d /run/systemd/system ]; then
        systemctl --force --force halt
    else
        sync
        echo o > /proc/sysrq-trigger
    fi
    while :; do sleep 60; done
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

# Dracut mounts the root read-only unless it is told "rw".
latchkey_is_read_only() {
    while read -r _ latchkey_where _ latchkey_options _; do
        [ "$latchkey_where" = "$1" ] || continue
        case ",$latchkey_options," in
            *,ro,*) return 0 ;;
        esac
    done < /proc/mounts
    return 1
}

# Early boot's /run is what the new root will have: volatile files are put there, and never on the disk below it.
latchkey_configure() {
    latchkey_remounted=
    if latchkey_is_read_only "$1" && mount -o remount,rw "$1" 2> /dev/null; then latchkey_remounted=1; fi
    # Whoever can write to a root that isn't encrypted could have a link there lead out of it.
    if [ ! -L "$1/run" ] && [ -d "$1/run" ] && mount --bind /run "$1/run"; then
        # 90 seconds, and 5 more for a process that doesn't end: a cut at any point is finished by the next run.
        (umask 022 && timeout -k 5 90 latchkey-userconfig apply --root "$1" --raise-floor) < /dev/null
        latchkey_code=$?
        umount "$1/run" || umount -l "$1/run"
    else
        latchkey_code="no /run in the new root"
    fi
    if [ -n "$latchkey_remounted" ]; then mount -o remount,ro "$1"; fi
    [ "$latchkey_code" = 0 ] \
        || echo "<4>latchkey: no new configuration in this boot: latchkey-userconfig ended with $latchkey_code (124: out of time), and said why; what was in place stays" > /dev/kmsg
}
