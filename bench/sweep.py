#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure cpb sweep: sweep.py [CPB] [PACKS] [REPEATS]

Packs of 128K tokens x 4 numbers of ranks x all balancers, by one thread and by two in
turn: least wall time and least processor time of REPEATS runs each, and memory at PACKS
and at a quarter of them. Prints a Markdown table."""

import os
import subprocess
import sys
import tempfile
import time

FLAGS = ["sweep", "--sample", "builtin", "--tokens", "131072", "--ranks", "8,16,32,64"]


def measure(cpb, packs, threads):
    """Wall seconds, processor seconds, MiB of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [cpb, *FLAGS, "--count", str(packs), "--threads", str(threads), "-o",
                   os.path.join(folder, "rows.csv")]
        start = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0, command
        return (time.monotonic() - start, used.ru_utime + used.ru_stime,
                used.ru_maxrss / 1024)


def main():
    cpb, packs, repeats = (sys.argv[1:] + ["build/bench/cpb", "1000", "3"]
                           [len(sys.argv) - 1:])[:3]
    packs = int(packs)
    runs = {1: [], 2: []}
    for _ in range(int(repeats)):
        for threads, done in runs.items():
            done.append(measure(cpb, packs, threads))
    wall = {threads: min(run[0] for run in done) for threads, done in runs.items()}
    few = measure(cpb, max(1, packs // 4), 2)
    print(f"| sweep of {packs:,} packs of 128K tokens, W = 8, 16, 32, 64, all balancers "
          "| measured | target |\n|---|---|---|")
    for threads in runs:
        print(f"| {threads} thread{'s' * (threads > 1)}, wall | {wall[threads]:.1f} s | "
              f"{'<= 300 s for 1,000 packs' if threads == 2 else ''} |")
    print(f"| processor time, 1 thread | {min(run[1] for run in runs[1]):.1f} s | |")
    print(f"| two threads against one | {wall[1] / wall[2]:.2f} x | >= 1.8 x |")
    print(f"| memory, 2 threads | {max(run[2] for run in runs[2]):.1f} MiB, "
          f"{few[2]:.1f} MiB for a quarter of the packs | as much |")


if __name__ == "__main__":
    main()
