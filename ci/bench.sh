#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run every measurement. `quick` only shows that they run.
#   ci/bench.sh BUILD_FOLDER [quick]
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
own=()     # arguments of our own programs: repetitions
traffic=() # of bench_traffic in addition
anneal=()  # of bench_anneal in addition: seconds
google=()  # arguments of Google Benchmark
if [ "${2:-}" = quick ]; then
    own=(1)
    traffic=(--cases=128K/8,128K/64)
    anneal=(0.1)
    google=(--benchmark_min_time=0.01)
fi
failed=0
ran=0
for source in bench/*.c bench/*.cc; do
    [ -f "$source" ] || continue
    ran=$((ran + 1))
    name=$(basename "${source%.*}")
    case $source in
    */traffic.c) arguments=("${own[@]}" "${traffic[@]}") ;;
    */anneal.c) arguments=("${own[@]}" "${anneal[@]}") ;;
    *.c) arguments=("${own[@]}") ;;
    *) arguments=("${google[@]}") ;;
    esac
    echo "== $name"
    "$build/bench/bench_$name" "${arguments[@]}" || failed=1
done
[ $ran -gt 0 ] || { echo "there are no measurements"; exit 1; }
exit $failed
