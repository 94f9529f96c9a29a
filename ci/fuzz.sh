#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run every fuzz target for some seconds, starting from the kept seeds. New inputs go to
# BUILD_FOLDER/corpus, an input that fails to BUILD_FOLDER/findings.
#   ci/fuzz.sh BUILD_FOLDER SECONDS
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
seconds=$2
failed=0
ran=0
for source in fuzz/fuzz_*.c; do
    [ -f "$source" ] || continue
    name=$(basename "$source" .c)
    subject=${name#fuzz_}
    seeds=fuzz/corpus/$subject
    [ -d "$seeds" ] || { echo "$seeds is missing: a target keeps seeds"; failed=1; continue; }
    mkdir -p "$build/corpus/$subject" "$build/findings"
    log=$build/$name.log
    if "$build/fuzz/$name" -max_total_time="$seconds" -timeout=25 -print_final_stats=1 \
        -artifact_prefix="$build/findings/$subject-" \
        "$build/corpus/$subject" "$seeds" >"$log" 2>&1; then
        echo "$name: $(awk '/number_of_executed_units/ {print $2}' "$log") inputs, none fails"
        ran=$((ran + 1))
    else
        tail -n 60 "$log"
        echo "$name: FAILED, see $build/findings and $log"
        failed=1
    fi
done
[ $((ran + failed)) -gt 0 ] || { echo "there are no fuzz targets"; exit 1; }
exit $failed
