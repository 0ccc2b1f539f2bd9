# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Owns the compiler's flags: language, warnings, hardening, sanitizers.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(LK_VERSION_WORDS "${PROJECT_VERSION}")
if(LATCHKEY_TESTING)
	# The dracut module looks for "(testing build" in the program.
	string(APPEND LK_VERSION_WORDS " (testing build: takes software TPMs, and is for no device)")
endif()
add_compile_definitions(_GNU_SOURCE LK_VERSION="${LK_VERSION_WORDS}")
add_compile_options(
	-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla -Wformat=2
	-Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Wundef
	-fstack-protector-strong -fstack-clash-protection
	-fcf-protection)
include(CheckCCompilerFlag)
check_c_compiler_flag(-ftrivial-auto-var-init=zero LK_HAVE_AUTO_VAR_INIT)
if(LK_HAVE_AUTO_VAR_INIT)
	add_compile_options(-ftrivial-auto-var-init=zero)
endif()
if(LATCHKEY_WERROR)
	add_compile_options(-Werror)
endif()
if(LATCHKEY_SANITIZE)
	add_compile_options(-fsanitize=${LATCHKEY_SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=${LATCHKEY_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
	add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed)
include(CheckPIESupported)
check_pie_supported()
