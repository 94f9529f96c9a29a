#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Make every picture of the documentation:
#   docs/pictures/make.sh CPB [FOLDER]     FOLDER: docs/pictures
# The same program, fonts and version of cairo give the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cpb=$(realpath "$1")
folder=${2:-$here}
mkdir -p "$folder"

pack=16384,2048,40960,1024,8192,24576,4096,512,12288,20992
"$cpb" draw --documents $pack --ranks 8 --balancer head-tail --balancer frugal \
    -o "$folder/before-after.png"
"$here/terminal.py" 66 "$folder/terminal.svg" "$cpb" draw --documents $pack \
    --ranks 8 --balancer frugal

# What a sweep over packs of published lengths says.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$cpb" sweep --sample builtin --tokens 131072 --count 20 --seed 1 --ranks 4,8,16,32 \
    -o "$scratch/sweep.csv" >"$scratch/answer.txt" 2>&1
"$cpb" report "$scratch/sweep.csv" -o "$scratch/sweep.html"
"$here/plot.py" "$scratch/sweep.html" 'Keys that all ranks receive' \
    "$folder/sweep-traffic.svg"
"$here/plot.py" "$scratch/sweep.html" 'A step on 16 ranks' "$folder/sweep-step.svg"

# A step with giants: fixed groups beside two ways to schedule it.
step=60000,31000,$(seq -s, 200 170 9000)
for row in first-fit free flat; do
    "$cpb" schedule --documents "$step" --ranks 16 --budget 16384 --row $row \
        -o "$scratch/$row.json" >/dev/null
done
"$cpb" draw --schedule "$scratch/first-fit.json" --schedule "$scratch/free.json" \
    --schedule "$scratch/flat.json" -o "$folder/schedule.png"

# They travel with every clone.
for picture in "$folder"/*.png "$folder"/*.svg; do
    bytes=$(wc -c <"$picture")
    [ "$bytes" -lt 150000 ] || { echo "$picture has $bytes bytes" >&2; exit 1; }
    echo "${picture##*/}: $bytes bytes"
done
