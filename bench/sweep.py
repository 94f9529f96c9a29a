#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure cpb sweep: sweep.py [CPB] [PACKS] [REPEATS]

Packs of 128K tokens x 4 numbers of ranks x all balancers, and steps of 500K tokens x 3
numbers of ranks x all rows of schedules, by one thread and by two in turn: least wall
time and least processor time of REPEATS runs each, and memory at PACKS and at a quarter
of them. Prints a Markdown table."""

import os
import subprocess
import sys
import tempfile
import time

PLANS = ["--tokens", "131072", "--ranks", "8,16,32,64"]
SCHEDULES = ["--tokens", "500000", "--ranks", "16,32,64", "--budget", "16384"]


def memory(pid):
    """The most MiB that the program held so far. The largest resident size that wait4()
    tells counts this interpreter too, from which the program was started."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
    except OSError:
        return 0
    return int(lines.get("VmHWM", "0 kB").split()[0]) / 1024


def measure(cpb, flags, packs, threads):
    """Wall seconds, processor seconds, MiB of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [cpb, "sweep", "--sample", "builtin", *flags, "--count", str(packs), "--threads", str(threads),
                   "-o", os.path.join(folder, "rows.csv")]
        start = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
            ended, most = 0, 0
            while not ended:
                most = max(most, memory(running.pid))
                time.sleep(0.005)
                ended, status, used = os.wait4(running.pid, os.WNOHANG)
            running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0, command
        return time.monotonic() - start, used.ru_utime + used.ru_stime, most


def table(cpb, flags, packs, repeats, title, target):
    runs = {1: [], 2: []}
    for _ in range(repeats):
        for threads, done in runs.items():
            done.append(measure(cpb, flags, packs, threads))
    wall = {threads: min(run[0] for run in done) for threads, done in runs.items()}
    few = measure(cpb, flags, max(1, packs // 4), 2)
    print(f"| sweep of {packs:,} {title} | measured | target |\n|---|---|---|")
    for threads in runs:
        print(f"| {threads} thread{'s' * (threads > 1)}, wall | {wall[threads]:.1f} s | "
              f"{target if threads == 2 else ''} |")
    print(f"| processor time, 1 thread | {min(run[1] for run in runs[1]):.1f} s | |")
    print(f"| two threads against one | {wall[1] / wall[2]:.2f} x | >= 1.8 x |")
    print(f"| memory, 2 threads | {max(run[2] for run in runs[2]):.1f} MiB, "
          f"{few[2]:.1f} MiB for a quarter of the packs | as much |")


def main():
    cpb, packs, repeats = (sys.argv[1:] + ["build/bench/cpb", "1000", "3"]
                           [len(sys.argv) - 1:])[:3]
    table(cpb, PLANS, int(packs), int(repeats),
          "packs of 128K tokens, W = 8, 16, 32, 64, all balancers",
          "<= 300 s for 1,000 packs")
    print()
    table(cpb, SCHEDULES, int(packs), int(repeats),
          "steps of 500K tokens, R = 16, 32, 64, all rows", "")


if __name__ == "__main__":
    main()
