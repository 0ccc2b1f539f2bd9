/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns names of event types. */
#include "core/bootlog/event_type.h"

#include <stddef.h>

const char *lk_event_type_name(uint32_t type)
{
	static const char *const bios[] = { "EV_PREBOOT_CERT",
					    "EV_POST_CODE",
					    "EV_UNUSED",
					    "EV_NO_ACTION",
					    "EV_SEPARATOR",
					    "EV_ACTION",
					    "EV_EVENT_TAG",
					    "EV_S_CRTM_CONTENTS",
					    "EV_S_CRTM_VERSION",
					    "EV_CPU_MICROCODE",
					    "EV_PLATFORM_CONFIG_FLAGS",
					    "EV_TABLE_OF_DEVICES",
					    "EV_COMPACT_HASH",
					    "EV_IPL",
					    "EV_IPL_PARTITION_DATA",
					    "EV_NONHOST_CODE",
					    "EV_NONHOST_CONFIG",
					    "EV_NONHOST_INFO",
					    "EV_OMIT_BOOT_DEVICE_EVENTS",
					    "EV_POST_CODE2" };
	static const char *const efi[] = {
		[0x01] = "EV_EFI_VARIABLE_DRIVER_CONFIG",
		[0x02] = "EV_EFI_VARIABLE_BOOT",
		[0x03] = "EV_EFI_BOOT_SERVICES_APPLICATION",
		[0x04] = "EV_EFI_BOOT_SERVICES_DRIVER",
		[0x05] = "EV_EFI_RUNTIME_SERVICES_DRIVER",
		[0x06] = "EV_EFI_GPT_EVENT",
		[0x07] = "EV_EFI_ACTION",
		[0x08] = "EV_EFI_PLATFORM_FIRMWARE_BLOB",
		[0x09] = "EV_EFI_HANDOFF_TABLES",
		[0x0a] = "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
		[0x0b] = "EV_EFI_HANDOFF_TABLES2",
		[0x0c] = "EV_EFI_VARIABLE_BOOT2",
		[0x0d] = "EV_EFI_GPT_EVENT2",
		[0x10] = "EV_EFI_HCRTM_EVENT",
		[0xe0] = "EV_EFI_VARIABLE_AUTHORITY",
		[0xe1] = "EV_EFI_SPDM_FIRMWARE_BLOB",
		[0xe2] = "EV_EFI_SPDM_FIRMWARE_CONFIG",
		[0xe3] = "EV_EFI_SPDM_DEVICE_POLICY",
		[0xe4] = "EV_EFI_SPDM_DEVICE_AUTHORITY",
	};
	const uint32_t base = 0x80000000;

	if (type < sizeof(bios) / sizeof(bios[0]))
		return bios[type];
	if (type >= base && type - base < sizeof(efi) / sizeof(efi[0]))
		return efi[type - base];
	return NULL;
}
