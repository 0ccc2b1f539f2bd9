#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns what of Latchkey goes into an initramfs. A file in dracut.conf.d may set, where the defaults don't fit:
#   latchkey_unseal   the program (a static one in /usr/lib/latchkey is taken before /usr/bin's)
#   latchkey_policy   the policy file (/etc/latchkey/policy.yaml)
#   latchkey_kernel_config  "ignore" where the kernel's configuration shall not decide whether an image is made
#   latchkey_userconfig  "yes", or the path of a static latchkey-userconfig: configuration that was uploaded is applied in this boot
#   latchkey_modules  more kernel modules to load before udev starts, in this order (disk and bus drivers)

# What opening a volume may need, in the order of loading.
latchkey_kernel_modules="tpm_crb tpm_tis tpm_tis_spi tpm_tis_i2c dm_mod cryptd aesni_intel aes_ce_blk aes_neon_blk aes_arm_ce
    sha256_generic sha256_ssse3 sha256_arm64 sha2_ce xts cbc ecb hmac authenc essiv algif_skcipher algif_hash dm_crypt dm_integrity"

latchkey_program() {
    local path
    for path in ${latchkey_unseal:-/usr/lib/latchkey/latchkey-unseal /usr/bin/latchkey-unseal}; do
        [[ -x ${dracutsysrootdir-}$path ]] && echo "$path" && return 0
    done
    return 1
}

# Nothing where it isn't wanted. Dynamic ones load their connection to the TPM by name, so dracut wouldn't find it.
latchkey_configurator() {
    case ${latchkey_userconfig:-no} in
        no) return 0 ;;
        yes) echo /usr/lib/latchkey/latchkey-userconfig ;;
        *) echo "$latchkey_userconfig" ;;
    esac
}

latchkey_policy_file() {
    local path=${latchkey_policy:-/etc/latchkey/policy.yaml}
    [[ -s ${dracutsysrootdir-}$path ]] && echo "$path"
}

# What the policy file wants of the image, as the program that will read it says; `latchkey-unseal --check-policy` has the words.
latchkey_needs() {
    local program policy

    program=$(latchkey_program) && policy=$(latchkey_policy_file) \
        && "${dracutsysrootdir-}$program" --check-policy "${dracutsysrootdir-}$policy" 2> /dev/null | grep -qx "$1"
}

# Included by itself where it has been set up, else only when asked for.
check() {
    latchkey_program > /dev/null && latchkey_policy_file > /dev/null && return 0
    return 255
}

depends() {
    echo dm
}

installkernel() {
    # Whatever the machine that builds has loaded: the image may be for a fleet.
    # shellcheck disable=SC2086
    hostonly='' instmods $latchkey_kernel_modules ${latchkey_modules-}
    # Where reboots are counted. latchkey-unseal mounts it after the latch is closed, and only where the policy file wants them.
    if latchkey_needs reboot; then hostonly='' instmods efivarfs; fi
}

# With Secure Boot, Debian's kernels measure each module into PCR 10 as it is loaded (IMA's rule for the architecture). For the
# PCR to be the same in each boot the order must be: a fixed list first, then udev with one worker.
latchkey_fix_order() {
    printf '%s\n' ${latchkey_modules-} $latchkey_kernel_modules > "$initdir/etc/latchkey/modules"
    inst_hook pre-udev 90 "$moddir/latchkey-modules.sh"
    inst_simple /etc/udev/udev.conf
    mkdir -p "$initdir/etc/udev"
    echo "children_max=1" >> "$initdir/etc/udev/udev.conf"
}

# An image that lacks one of these would be found out at the device, so none is built.
latchkey_refuse() {
    dfatal "latchkey: $*"
    exit 1
}

# By the very program that will read it: what that refuses would be found out in the next boot, which halts.
latchkey_check_policy() {
    local said

    said=$("${dracutsysrootdir-}$1" --check-policy "${dracutsysrootdir-}$2" 2>&1) \
        || latchkey_refuse "$2 is no policy file that $1 takes, so the image wouldn't open a volume: ${said:-the program can\'t be run here}"
}

# Where the configuration of the kernel lies that the image is for.
latchkey_find_kernel_config() {
    local file

    for file in "/boot/config-$kernel" "/usr/lib/modules/$kernel/config" "/lib/modules/$kernel/config"; do
        [[ -r ${dracutsysrootdir-}$file ]] && echo "${dracutsysrootdir-}$file" && return 0
    done
    return 1
}

# latchkey-initramfs(7) has the list. PCR 10 of a kernel that measures nothing is zero, and admits any image that Secure Boot does.
latchkey_check_kernel() {
    local config lacking=''

    if ! config=$(latchkey_find_kernel_config); then
        dwarn "latchkey: the configuration of kernel $kernel isn't found, so whether it has IMA, the TPM's driver and dm-crypt isn't known; see latchkey-initramfs(7)"
        return 0
    fi
    grep -Eq '^CONFIG_DM_CRYPT=[ym]' "$config" || lacking+=" CONFIG_DM_CRYPT"
    if latchkey_needs integrity; then
        grep -Eq '^CONFIG_DM_INTEGRITY=[ym]' "$config" || lacking+=" CONFIG_DM_INTEGRITY"
    fi
    if latchkey_needs ima; then
        grep -q '^CONFIG_IMA=y' "$config" || lacking+=" CONFIG_IMA=y"
        grep -Eq '^CONFIG_TCG_(CRB|TIS|TIS_SPI|TIS_I2C|ATMEL|FTPM_TEE)=y' "$config" || lacking+=" CONFIG_TCG_CRB=y or CONFIG_TCG_TIS=y (a driver that is a module comes after IMA, and PCR 10 stays zero)"
    fi
    [[ $lacking ]] || return 0
    if [[ ${latchkey_kernel_config-} == ignore ]]; then
        dwarn "latchkey: $config lacks$lacking, which is ignored as latchkey_kernel_config says"
        return 0
    fi
    latchkey_refuse "$config lacks$lacking: this kernel couldn't open the volumes, or $1 relies on a PCR that it never extends; see latchkey-initramfs(7)"
}

# Who asks for a PIN on the console; plymouth brings its own. Without systemd latchkey-unseal asks there itself.
latchkey_install_agent() {
    inst_multiple -o systemd-tty-ask-password-agent "$systemdsystemunitdir/systemd-ask-password-console.path" \
        "$systemdsystemunitdir/systemd-ask-password-console.service"
    [[ -e $initdir$systemdsystemunitdir/systemd-ask-password-console.path ]] \
        && $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target systemd-ask-password-console.path
    return 0
}

# The program may be of another architecture, and isn't run.
latchkey_install_configurator() {
    local program

    program=$(latchkey_configurator)
    [[ $program ]] || return 0
    [[ -x ${dracutsysrootdir-}$program ]] \
        || latchkey_refuse "latchkey_userconfig is set, and there is no $program; CONTRIBUTING.md says how the static programs are built"
    if grep -qa 'ld-linux' "${dracutsysrootdir-}$program"; then
        latchkey_refuse "latchkey_userconfig: $program is no static program; CONTRIBUTING.md says how the static programs are built"
    fi
    inst_binary "$program" /usr/bin/latchkey-userconfig || latchkey_refuse "$program can't be installed"
    inst_multiple mount umount timeout
    inst_hook pre-pivot 50 "$moddir/latchkey-userconfig.sh"
}

install() {
    local program policy

    program=$(latchkey_program) \
        || latchkey_refuse "there is no latchkey-unseal at ${latchkey_unseal:-/usr/lib/latchkey or /usr/bin}"
    policy=$(latchkey_policy_file) \
        || latchkey_refuse "there is no policy file at ${latchkey_policy:-/etc/latchkey/policy.yaml}; make one with 'latchkey policy init'"

    latchkey_check_policy "$program" "$policy"
    latchkey_check_kernel "$policy"

    # What --version says; the program may be of another architecture, and isn't run.
    grep -qa '(testing build' "${dracutsysrootdir-}$program" \
        && dwarn "latchkey: $program is a testing build (LATCHKEY_TESTING), which takes software TPMs: it is for no device"
    inst_binary "$program" /usr/bin/latchkey-unseal || latchkey_refuse "$program can't be installed"
    inst_simple "$policy" /etc/latchkey/policy.yaml || latchkey_refuse "$policy can't be installed"
    inst_simple "$moddir/latchkey-lib.sh" /lib/latchkey-lib.sh
    inst_hook initqueue/settled 50 "$moddir/latchkey-settled.sh"
    latchkey_fix_order
    latchkey_install_configurator

    # A boot that fails must not end in a shell. The kernel command line, which is measured, has the last word.
    mkdir -p "$initdir/etc/cmdline.d"
    # Nor may another program ask for a passphrase before the latch is closed: dracut's own crypt module stays off.
    echo "rd.shell=0 rd.luks=0" > "$initdir/etc/cmdline.d/90latchkey.conf"

    if dracut_module_included systemd; then
        inst_simple "$moddir/latchkey-unseal.service" "$systemdsystemunitdir/latchkey-unseal.service"
        inst_simple "$moddir/latchkey-ended.sh" /lib/latchkey-ended.sh
        $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target latchkey-unseal.service
        if latchkey_needs pin; then latchkey_install_agent; fi
        # What dracut calls in place of a shell.
        inst_multiple -o halt poweroff reboot
    else
        inst_hook initqueue/finished 50 "$moddir/latchkey-finished.sh"
    fi
    dracut_need_initqueue
}
