# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns the static build: latchkey-unseal and latchkey-userconfig for early boot, each as one position-independent file over the
# libraries of scripts/build-sysroot.

find_package(PkgConfig REQUIRED)
# src/ asks for the libraries of every program. Of those there are here what these two need; the others stay empty, and
# what needs them isn't built.
macro(pkg_check_modules prefix)
	if("${prefix}" MATCHES "^(SYSTEMD|BLKID|FAPI)$" OR ("${prefix}" STREQUAL TCTILDR AND NOT LATCHKEY_TESTING))
		add_library(PkgConfig::${prefix} INTERFACE IMPORTED)
	else()
		_pkg_check_modules(${prefix} ${ARGN})
	endif()
endmacro()
set(ENV{PKG_CONFIG_LIBDIR} ${LATCHKEY_SYSROOT}/lib/pkgconfig)
set(LATCHKEY_FAPI OFF)
include(${CMAKE_CURRENT_LIST_DIR}/libraries.cmake)

# One thread, no library beside it: no unwinding, no control-flow tables that musl would not use.
add_compile_options(-O2 -fcf-protection=none -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
	-fno-unwind-tables -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${LATCHKEY_SYSROOT}=sysroot)
# Early boot starts it once, so it is small rather than quick to start: relative relocations are packed.
add_link_options(-static-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,pack-relative-relocs -Wl,-z,noexecstack)

add_subdirectory(src EXCLUDE_FROM_ALL)
foreach(program latchkey-unseal latchkey-userconfig)
	target_link_options(${program} PRIVATE -Wl,-Map=${CMAKE_BINARY_DIR}/${program}.map)
	set(stripped ${CMAKE_BINARY_DIR}/${program})
	add_custom_command(OUTPUT ${stripped} COMMAND ${CMAKE_STRIP} -s -R .comment -o ${stripped} $<TARGET_FILE:${program}>
		DEPENDS ${program} VERBATIM)
	add_custom_target(${program}-stripped ALL DEPENDS ${stripped})
	# Where dracut/90latchkey takes them from, before others.
	install(PROGRAMS ${stripped} DESTINATION lib/latchkey)
endforeach()
