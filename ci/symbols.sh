#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the linked library may show and use. Needs a build without sanitizers.
#   ci/symbols.sh BUILD_FOLDER
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
shared=$1/libcpb.so
static=$1/libcpb_inside.a
failed=0

# Print the title $1 and the lines $2, and fail, if there are any lines.
none() {
    [ -z "$2" ] && return
    printf '%s\n%s\n' "$1" "$2" | head -n 30
    failed=1
}

for file in "$shared" "$static"; do
    [ -f "$file" ] || { echo "$file is missing"; exit 1; }
done

# Functions that the headers declare, as a C compiler sees them.
declared=$("${CC:-cc}" -E -P -DCPB_CFFI -Iinclude include/cpb/cpb.h |
    grep -oE '\bcpb_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
exported=$(nm -D --defined-only "$shared" | awk '{print $3}' | sort -u)
[ -n "$declared" ] || { echo "no declarations found in the headers"; exit 1; }

none "Declared, not exported:" "$(comm -23 <(echo "$declared") <(echo "$exported"))"
none "Exported, not declared:" "$(comm -13 <(echo "$declared") <(echo "$exported"))"

none "External names that do not start with cpb_:" "$(nm -g --defined-only "$static" |
    awk 'NF == 3 && $3 !~ /^cpb_/ {print $3}' | sort -u)"

# Constant tables that hold pointers lie in .data.rel.ro, which is not state.
none "Global state in the library:" "$(objdump -h "$static" |
    awk '$2 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $2 !~ /^\.data\.rel\.ro/ && $3 !~ /^0+$/ {
        print $2, "of 0x" $3, "bytes"}')"

none "The library needs more than libc:" "$(objdump -p "$shared" |
    awk '$1 == "NEEDED" && $2 !~ /^libc\.so|^ld-linux/ {print $2}')"

world='v?f?printf|puts|fputs|putchar|perror|fwrite|__printf_chk|__fprintf_chk|std(out|err)'
world+='|exit|_exit|abort|getenv|setlocale|__errno_location'
world+='|time|clock|clock_gettime|gettimeofday|rand|random|srand'
none "The library prints, ends the process or looks at the world by:" "$(nm -u "$static" |
    awk '{print $2}' | sort -u | grep -xE "$world")"

[ $failed = 0 ] && echo "$(echo "$declared" | wc -l) functions declared and exported"
exit $failed
