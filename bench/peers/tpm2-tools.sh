#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns what a script over tpm2-tools does at best: unseal a passphrase under the signed policy that Latchkey uses too.
#
# Usage: tpm2-tools.sh [--encrypted] FOLDER > SECRET
# FOLDER has what the script would otherwise have to cut out of a signed policy: approved (digest), signed (digest and policyRef),
# ref, signature (DER), operand (version), policy-key.pem. Objects in the TPM are where Latchkey has them. No temporary folder is
# made, since early boot is alone; nothing is read that is known; each command is sent by the fewest tools that can send it.
set -eu
umask 077

encrypted=
[ "$1" != --encrypted ] || {
	encrypted=1
	shift
}
from=$1
to=/run/latchkey-script

if [ "$encrypted" ]; then
	# Salted with the storage root key, so that what is unsealed crosses the bus enciphered.
	tpm2_startauthsession --policy-session -g sha384 -S $to.session --tpmkey-context 0x81000001
	tpm2_sessionconfig $to.session --enable-encrypt
else
	tpm2_startauthsession --policy-session -g sha384 -S $to.session
fi
tpm2_policypcr -Q -S $to.session -l sha256:0,7,10,15
tpm2_policynv -Q -S $to.session -C 0x018a0001 -i "$from/operand" 0x018a0001 ule
tpm2_loadexternal -Q -C o -G ecc384:ecdsa-sha384 -g sha384 -u "$from/policy-key.pem" -c $to.key -n $to.name
tpm2_verifysignature -Q -c $to.key -g sha384 -m "$from/signed" -s "$from/signature" -f ecdsa -t $to.ticket
tpm2_policyauthorize -Q -S $to.session -i "$from/approved" -q "$from/ref" -n $to.name -t $to.ticket
tpm2_unseal -c 0x8100a001 -p session:$to.session
tpm2_flushcontext $to.session
# The kernel's resource manager has done this itself.
[ -e /dev/tpmrm0 ] || tpm2_flushcontext -t
