/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns device tags as people write them, and where udev puts a link for each. */
#ifndef LK_CORE_BASE_DEVICE_TAG_H
#define LK_CORE_BASE_DEVICE_TAG_H

#include <stdbool.h>
#include <stddef.h>

/** UUID=, LABEL=, PARTUUID= or PARTLABEL=, with a value. */
bool lk_device_tag_is(const char *spec);
/** One of them, or an absolute path. */
bool lk_device_spec_is(const char *spec);

/**
 * lk_device_tag_link - "/dev/disk/by-partlabel/Linux\x20filesystem"
 * @spec: a tag with its value as people write it ("PARTLABEL=Linux filesystem"), or
 *	as udev does; UUIDs in either case
 * @cap: room in @out
 *
 * As blkid_encode_string(3) and udev's rules: letters, digits, #+-.:=@_ and UTF-8
 * stay, each other byte becomes \xNN. A \xNN that is there already is taken for
 * udev's.
 *
 * Return: false for no tag, or no room.
 */
bool lk_device_tag_link(const char *spec, char *out, size_t cap);

#endif
