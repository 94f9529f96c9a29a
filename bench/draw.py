#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure cpb draw: draw.py [CPB] [REPEATS]

A pack of 1M tokens on 64 ranks in every format: least wall time of REPEATS runs, planning
included, and size. Prints a Markdown table."""

import os
import random
import subprocess
import sys
import tempfile
import time

TOKENS, RANKS = 1 << 20, 64


def lengths():
    """Documents of log-normal lengths, mean about 8K, that fill the pack."""
    draw = random.Random(1)
    left = TOKENS
    while left:
        length = min(left, max(16, int(draw.lognormvariate(8.2, 1.3))))
        left -= length
        yield str(length)


def measure(cpb, documents, path):
    start = time.monotonic()
    subprocess.run([cpb, "draw", "--documents", documents, "--ranks", str(RANKS),
                    "--balancer", "frugal", "-o", path], check=True)
    return time.monotonic() - start


def main():
    cpb, repeats = (sys.argv[1:] + ["build/bench/cpb", "5"][len(sys.argv) - 1:])[:2]
    documents = ",".join(lengths())
    print(f"| `cpb draw` of {TOKENS:,} tokens on {RANKS} ranks, "
          f"{documents.count(',') + 1} documents | time | target | bytes | target |\n"
          "|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("svg", "png", "pdf"):
            path = os.path.join(folder, "picture." + kind)
            wall = min(measure(cpb, documents, path) for _ in range(int(repeats)))
            print(f"| {kind} | {wall:.2f} s | <= 1 s | {os.path.getsize(path):,} | "
                  f"{'<= 1,000,000' if kind == 'svg' else ''} |")


if __name__ == "__main__":
    main()
