#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Equal input gives equal plans whatever compiled the library: print and compare the
# hashes of every balancer on every mask family from several builds. An algorithm number
# gives equal plans in every version: the first build must also print the hashes that
# tests/hashes-N.txt keeps of algorithm N.
#   ci/hashes.sh BUILD_FOLDER BUILD_FOLDER...
#   ci/hashes.sh pin BUILD_FOLDER N     write tests/hashes-N.txt
set -u
cd "$(dirname "$0")/.." || exit 1

# Balancers whose plans are promised: all. Until a version is released, a change that is
# meant to give other plans may pin them anew under the same number.
pinned='contiguous|head-tail|per-document|per-document-legacy|ptrr|striped|min-heap'
pinned+='|even|frugal|auto'

# The hashes of BUILD_FOLDER under algorithm N: the plans, not the figures beside them.
promised() {
    "$1/tests/hashes" "$2" >"$1/hashes-$2.txt" || return 1
    grep -E " ($pinned)( [a-z]+)? ranks [0-9]+ (equal|uneven): " "$1/hashes-$2.txt" |
        sed -E 's/: ([0-9a-f]{16}|refused)( .*)?$/: \1/'
}

if [ "$1" = pin ]; then
    kept=tests/hashes-$3.txt
    plans=$(promised "$2" "$3") || exit 1
    printf '# SPDX-License-Identifier: Apache-2.0, written anew by: ci/hashes.sh pin %s %s\n%s\n' \
        "$2" "$3" "$plans" >"$kept"
    echo "$(wc -l <<<"$plans") plans are pinned in $kept"
    exit 0
fi

first=$1
"$first/tests/hashes" >"$first/hashes.txt" || exit 1
lines=$(wc -l <"$first/hashes.txt")
[ "$lines" -gt 0 ] || { echo "$first prints no hashes"; exit 1; }
failed=0
n_pinned=0
for kept in tests/hashes-*.txt; do
    n=${kept#tests/hashes-}
    n=${n%.txt}
    promised "$first" "$n" >"$first/promised-$n.txt" || { failed=1; continue; }
    grep -v '^#' "$kept" | diff - "$first/promised-$n.txt" >"$first/promised-$n.diff" || {
        echo "algorithm $n plans otherwise than $kept says (< kept, > now):"
        head -n 20 "$first/promised-$n.diff"
        failed=1
    }
    n_pinned=$((n_pinned + $(grep -vc '^#' "$kept")))
done
[ "$n_pinned" -gt 0 ] || { echo "tests/hashes-N.txt pins no plans"; failed=1; }
shift
for build in "$@"; do
    "$build/tests/hashes" >"$build/hashes.txt" || { failed=1; continue; }
    cmp -s "$first/hashes.txt" "$build/hashes.txt" || {
        echo "$build plans otherwise than $first:"
        diff "$first/hashes.txt" "$build/hashes.txt" | head -n 20
        failed=1
    }
done
[ $failed = 0 ] &&
    echo "$lines plans are equal in $(($# + 1)) builds, $n_pinned of them as pinned"
exit $failed
