/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an EFI device path (UEFI 2.10, chapter 10) leads to, in words. */
#ifndef LK_CORE_BOOTLOG_DEVICE_PATH_H
#define LK_CORE_BOOTLOG_DEVICE_PATH_H

#include "core/base/text_out.h"

/** File, partition, firmware volume or vendor's thing; buses are left out. */
void lk_device_path_text(struct lk_bytes path, struct lk_text_out *out);

/**
 * lk_device_path_file - the file that a path ends in, as "/EFI/BOOT/BOOTX64.EFI"
 *
 * Return: false when it leads to none on a partition, or has anything but plain ASCII or "..";
 * @out is empty then.
 */
#define LK_DEVICE_FILE_MAX 256u
bool lk_device_path_file(struct lk_bytes path, char out[static LK_DEVICE_FILE_MAX]);

/**
 * lk_device_path_same_volume - does an option's path lead where an image came from?
 *
 * By all of its nodes before the file, or by the partition alone where it
 * begins with that. A path without a file has to lead to where the image's
 * does, or to the disk or bus that it is on.
 */
bool lk_device_path_same_volume(struct lk_bytes option, struct lk_bytes image);

/** The path of an EFI_LOAD_OPTION; len 0 when it is malformed. */
struct lk_bytes lk_load_option_path(struct lk_bytes option);
/** What it hands to the image, behind the path; len 0 when it is malformed. */
struct lk_bytes lk_load_option_data(struct lk_bytes option);

/** The path of a UEFI_IMAGE_LOAD_EVENT; len 0 when it is malformed. */
struct lk_bytes lk_image_event_path(struct lk_bytes event);

#endif
