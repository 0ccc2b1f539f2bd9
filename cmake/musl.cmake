# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns the toolchain of the static build: the system's gcc over the sysroot's musl.
if(NOT LATCHKEY_SYSROOT)
	execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/../scripts/build-sysroot --path
		OUTPUT_VARIABLE LATCHKEY_SYSROOT OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE missing)
	if(missing)
		message(FATAL_ERROR "the static build needs libraries that aren't built yet: run scripts/build-sysroot")
	endif()
endif()
set(LATCHKEY_SYSROOT ${LATCHKEY_SYSROOT} CACHE PATH "What scripts/build-sysroot has built")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LATCHKEY_SYSROOT)
set(CMAKE_C_COMPILER gcc)
set(CMAKE_C_FLAGS_INIT "-specs=${LATCHKEY_SYSROOT}/lib/musl.specs")
