# SPDX-License-Identifier: Apache-2.0
# Warnings for our own code only. They are errors where CMAKE_COMPILE_WARNING_AS_ERROR
# is on, which some presets do: a compiler newer than ours must not break a build.
add_library(cpb_warnings INTERFACE)
set(common -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wpointer-arith
    -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wnull-dereference)
# C++ here includes internal headers, whose compound literals are C alone.
set(c_only -Wpedantic -Wstrict-prototypes -Wmissing-prototypes)
target_compile_options(cpb_warnings INTERFACE
  "$<$<COMPILE_LANG_AND_ID:C,GNU,Clang,AppleClang>:${common};${c_only}>"
  "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:${common}>")
