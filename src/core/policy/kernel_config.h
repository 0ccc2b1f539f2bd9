/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a kernel has to be configured with, as latchkey-initramfs(7) says. */
#ifndef LK_CORE_POLICY_KERNEL_CONFIG_H
#define LK_CORE_POLICY_KERNEL_CONFIG_H

#include "core/base/bytes.h"
#include "core/policy/policy_file.h"

#define LK_KERNEL_CONFIG_MAX (1024u * 1024u) /* bytes of a configuration's text */

/**
 * lk_kernel_config_lacks - what the kernel lacks to open volumes, and to extend PCR 10
 * @text: of the configuration, lines as "CONFIG_IMA=y"
 * @pf: whose volumes and PCRs; NULL: any, with PCR 10
 * @out: the options, with spaces between; cut where they have no room
 *
 * Return: whether anything is lacking.
 */
#define LK_KERNEL_LACKS_MAX 256u
bool lk_kernel_config_lacks(struct lk_bytes text, const struct lk_policy_file *pf,
			    char out[static LK_KERNEL_LACKS_MAX]);

#endif
