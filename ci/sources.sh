#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What every file that git knows keeps: a licence line, no path of one machine, nothing
# left for later, no file grown out of hand, no stray white space.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0

# Print the title $1 and the lines $2, and fail, if there are any lines.
none() {
    [ -z "$2" ] && return
    printf '%s\n%s\n' "$1" "$2" | head -n 30
    failed=1
}

# Files that git tracks or would add, by pathspec.
files() { git -c safe.directory='*' ls-files -co --exclude-standard -- "$@"; }
code=('*.c' '*.h' '*.cc' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' Makefile .ci/run)

[ -n "$(files '*.c')" ] || { echo "git lists no sources here"; exit 1; }
none "Without a licence line at the top:" "$(files "${code[@]}" | while read -r file; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file"
done)"

none "Paths of one machine:" "$(files . | grep -v '^fuzz/corpus/' |
    xargs -d '\n' grep -nIE '(^|[^A-Za-z0-9_.$}])/(root|work|home)/' |
    grep -v '^ci/sources.sh:')"

none "Left for later:" "$(files '*.c' '*.h' '*.cc' '*.py' |
    xargs -d '\n' grep -nE '\b(TODO|FIXME|XXX|HACK)\b')"

none "Longer than 500 lines:" "$(files include src cli | xargs -d '\n' wc -l |
    awk '$1 > 500 && $2 != "total" {print $2 ": " $1 " lines"}')"

none "White space at the end of a line, or a tab:" "$(files "${code[@]}" '*.md' '*.json' |
    xargs -d '\n' grep -nE "[[:space:]]+$|$(printf '\t')" | grep -v '^Makefile:')"

[ $failed = 0 ] && echo "$(files . | wc -l) files are in order"
exit $failed
