#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measure speed and memory and print a Markdown table of them beside their targets.
# Needs a build with CPB_BUILD_BENCH=ON (`make bench` makes one), python3 and hyperfine.
#   bench/numbers.sh [BUILD_FOLDER]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/bench}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$build/bench/bench_speed" --benchmark_repetitions=3 --benchmark_format=json \
    >"$folder/speed.json" 2>"$folder/speed.log" || { cat "$folder/speed.log" >&2; exit 1; }

# One pack of 2^20 tokens: the same lengths everywhere, 256 to some 20,000.
awk 'BEGIN {
    for (left = 1048576; left > 0; left -= n) {
        x = (x * 1103515245 + 12345) % 2147483648
        scale = 256 * 2 ^ (int(x / 65536) % 6)
        x = (x * 1103515245 + 12345) % 2147483648
        n = scale + int(x / 65536) % (2 * scale)
        if (n > left) n = left
        print n
    }
}' >"$folder/lengths"
for balancer in auto ptrr per-document; do
    hyperfine --shell=none --warmup 3 --export-json "$folder/plan-$balancer.json" \
        "$build/cpb plan --documents @$folder/lengths --ranks 64 --balancer $balancer \
            --order $folder/order.npy --inverse $folder/inverse.npy" \
        >/dev/null 2>"$folder/plan.log" || { cat "$folder/plan.log" >&2; exit 1; }
done

python3 - "$folder" <<'END'
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
rows = {}
for b in json.loads((folder / "speed.json").read_text())["benchmarks"]:
    if b.get("aggregate_name") == "median":
        rows[b["run_name"].removesuffix("/manual_time")] = b

def line(what, value, target):
    print(f"| {what} | {value} | {target} |")

def percent(value):
    return f"{100 * value:.0f} %"

print("| order + inverse, of the speed of | tokens | type | memset | a fill loop | GB/s | target |")
print("|---|---|---|---|---|---|---|")
for name, text in (("order_of_chunks", "chunks of 128"), ("order_of_documents", "per-document")):
    for tokens, short in ((1 << 17, "128K"), (1 << 20, "1M"), (1 << 23, "8M")):
        for bits in (64, 32):
            b = rows[f"{name}/tokens:{tokens}/bits:{bits}"]
            target = 60 if name == "order_of_documents" else 75 if short == "1M" else 90
            print(f"| {text} | {short} | int{bits} | {percent(b['of_memset'])} | "
                  f"{percent(b['of_fill'])} | {b['GB_per_s']:.0f} | >= {target} % |")

print("\n| what | measured | target |")
print("|---|---|---|")
for cost in ("pairs", "tiles", "profile"):
    for tokens, short in ((1 << 20, "1M"), (1 << 23, "8M")):
        b = rows[f"cost_of_chunks/{cost}/tokens:{tokens}"]
        line(f"cost per chunk, {cost}, {short} tokens", f"{b['ns_per_chunk']:.2f} ns", "<= 2 ns")
        line(f"cost per slice, {cost}, {short} tokens", f"{b['ns_per_slice']:.2f} ns", "<= 20 ns")
b = rows["ptrr_schedule/chunks:8192"]
line("PTRR schedule of 8,192 chunks", f"{b['cpu_time']:.0f} us", "<= 60 us")
for name in ("head_tail", "per_document", "ptrr"):
    b = rows[f"plan_and_order/{name}"]
    line(f"{name.replace('_', '-')}, 1M tokens, W = 64: plan + order + inverse (int64)",
         f"{b['cpu_time']:.0f} us (plan {b['plan_us']:.0f} us)", "")
b = rows["memory_of_planning/iterations:3"]
line(f"library memory, {b['runs']:.0f} runs", f"{b['peak_MB']:.2f} MB at most, "
     f"{b['plan_MB']:.2f} MB kept", "<= 4 MB")
for file in sorted(folder.glob("plan-*.json")):
    seconds = json.loads(file.read_text())["results"][0]["median"]
    line(f"`cpb plan --balancer {file.stem.removeprefix('plan-')}`, 1M tokens, W = 64, "
         "both .npy, whole process", f"{1000 * seconds:.0f} ms", "<= 60 ms")
END
