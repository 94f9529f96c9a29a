#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run every fuzz target for some seconds, one per core at a time, starting from the kept
# seeds. New inputs go to BUILD_FOLDER/corpus, an input that fails to BUILD_FOLDER/findings.
# Random numbers are the same in every run, so that a change fails by what it changes;
# FUZZ_SEED=N hunts elsewhere.
# An input hangs after 100 s: sanitizers make a second of 20 ms, a busy machine many.
#   ci/fuzz.sh BUILD_FOLDER SECONDS
set -u
cd "$(dirname "$0")/.." || exit 1
export build=$1 seconds=$2

fuzz() {
    local name subject seeds log
    name=$(basename "$1" .c)
    subject=${name#fuzz_}
    seeds=fuzz/corpus/$subject
    [ -d "$seeds" ] || { echo "$seeds is missing: a target keeps seeds"; return 1; }
    mkdir -p "$build/corpus/$subject" "$build/findings"
    log=$build/$name.log
    if "$build/fuzz/$name" -max_total_time="$seconds" -timeout=100 -print_final_stats=1 \
        -seed="${FUZZ_SEED:-1}" -artifact_prefix="$build/findings/$subject-" \
        "$build/corpus/$subject" "$seeds" >"$log" 2>&1; then
        echo "$name: $(awk '/number_of_executed_units/ {print $2}' "$log") inputs, none fails"
    else
        tail -n 60 "$log"
        echo "$name: FAILED, see $build/findings and $log"
        return 1
    fi
}
export -f fuzz

targets=(fuzz/fuzz_*.c)
[ -f "${targets[0]}" ] || { echo "there are no fuzz targets"; exit 1; }
# xargs fails where one of them does.
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz "$1"' fuzz
