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

# They travel with every clone.
for picture in "$folder"/*.png "$folder"/*.svg; do
    bytes=$(wc -c <"$picture")
    [ "$bytes" -lt 150000 ] || { echo "$picture has $bytes bytes" >&2; exit 1; }
    echo "${picture##*/}: $bytes bytes"
done
