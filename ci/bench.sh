#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run every speed measurement; further arguments go to Google Benchmark.
#   ci/bench.sh BUILD_FOLDER [ARGUMENT...]
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
shift
failed=0
ran=0
for source in bench/*.cc; do
    [ -f "$source" ] || continue
    ran=$((ran + 1))
    "$build/bench/bench_$(basename "$source" .cc)" "$@" || failed=1
done
[ $ran -gt 0 ] || { echo "there are no speed measurements"; exit 1; }
exit $failed
