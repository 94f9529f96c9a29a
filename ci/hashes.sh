#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Equal input gives equal plans whatever compiled the library: print and compare the
# hashes of every balancer on every mask family from several builds.
#   ci/hashes.sh BUILD_FOLDER BUILD_FOLDER...
set -u
cd "$(dirname "$0")/.." || exit 1
first=$1
"$first/tests/hashes" >"$first/hashes.txt" || exit 1
lines=$(wc -l <"$first/hashes.txt")
[ "$lines" -gt 0 ] || { echo "$first prints no hashes"; exit 1; }
shift
failed=0
for build in "$@"; do
    "$build/tests/hashes" >"$build/hashes.txt" || { failed=1; continue; }
    cmp -s "$first/hashes.txt" "$build/hashes.txt" || {
        echo "$build plans otherwise than $first:"
        diff "$first/hashes.txt" "$build/hashes.txt" | head -n 20
        failed=1
    }
done
[ $failed = 0 ] && echo "$lines plans are equal in $(($# + 1)) builds"
exit $failed
