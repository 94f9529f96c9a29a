#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ranks as processes: run.py CPB FAULTS MPIEXEC"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

# More ranks than cores, by whoever tests: Open MPI wants to be told.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1"}
SMALL = ["--model", "4/2x8", "--json"]


class Launcher:
    def __init__(self, cpb, faults, mpiexec):
        self.cpb, self.faults, self.mpiexec = cpb, faults, mpiexec

    def run(self, ranks, *command):
        return subprocess.run([self.mpiexec, "-n", str(ranks), *map(str, command)],
                              env=dict(os.environ, **ENVIRONMENT), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False)

    def attend(self, ranks, *flags):
        done = self.run(ranks, self.cpb, "attend", "--ranks", ranks, *flags, *SMALL)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # one value, from rank 0


def alone(launcher, *arguments):
    done = subprocess.run([launcher.cpb, *map(str, arguments)], capture_output=True,
                          timeout=60, check=True, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)


def law_processes_compute_what_threads_compute(launcher):
    masks = ("documents:130,1,61", "window:150;n=9", "full:90", "causal:3")
    for ranks, mask in zip((1, 2, 3, 4, 7, 4), masks + masks[:2]):
        nodes = ["--nodes", 2] if ranks == 4 else []
        flags = ["--mask", mask, "--backward", *nodes]
        said = launcher.attend(ranks, *flags)
        threads = alone(launcher, "attend", "--ranks", ranks, *flags, *SMALL)
        assert said["processes"] and not threads["processes"]
        assert said["error_max"] <= 1e-5 and said["error_grad_max"] <= 1e-4
        for key in ("hash", "error_max", "error_grad_max", "bytes_moved"):
            assert said[key] == threads[key], (mask, ranks, key)


def law_compare_runs_in_turn(launcher):
    rows = launcher.attend(2, "--documents", "300,200", "--compare", "contiguous,even")
    assert [row["balancer"] for row in rows] == ["contiguous", "even"]


def law_ranks_that_differ_are_named(launcher):
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "rank"
        script.write_text(
            "#!/bin/sh\n"
            'rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}\n'
            '[ "$rank" = 1 ] && other="$1"\n'
            f"exec {launcher.cpb} attend --documents 300,200 --ranks 3 "
            "--model 4/2x8 ${other:-}\n")
        script.chmod(0o755)
        for other, what in (("--balancer head-tail", "plan"), ("--mask full", "mask"),
                            ("--model 4/4x8", "shape of attention")):
            done = launcher.run(3, script, other)
            assert done.returncode == 1 and not done.stdout
            assert f"rank 1 has another {what} than rank 0" in done.stderr, done.stderr


def law_a_wrong_number_of_processes_is_refused(launcher):
    done = launcher.run(2, launcher.cpb, "attend", "--documents", 40, "--ranks", 3)
    assert done.returncode == 1
    assert "started 2 processes and --ranks is 3" in done.stderr


def law_a_foreign_launcher_is_refused(launcher):
    foreign = dict(os.environ, OMPI_COMM_WORLD_SIZE="2", OMPI_COMM_WORLD_RANK="0")
    for name in ("PMI_RANK", "PMI_SIZE"):
        foreign.pop(name, None)
    done = subprocess.run([launcher.cpb, "attend", "--documents", "40", "--ranks", "2"],
                          env=foreign, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"belongs to another MPI" in done.stderr, done.stderr


def law_faults_reach_every_rank(launcher):
    for what, sentence in (("fails", "rank 1: it ran out of patience"),
                           ("sleeps", "rank 1 did not answer rank"),
                           ("leaves", "rank 1 did not answer rank")):
        start = time.monotonic()
        done = launcher.run(3, launcher.faults, what)
        assert done.returncode != 0 and time.monotonic() - start < 20
        for rank in (0, 2):
            assert f"rank {rank} got 6: {sentence}" in done.stdout, (what, done.stdout)


def law_a_killed_rank_ends_all(launcher):
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "rank"
        script.write_text(
            "#!/bin/sh\n"
            'rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}\n'
            '[ "$rank" = 1 ] && { sleep 1; kill -9 $$; }\n'
            f"exec {launcher.cpb} attend --documents 300,200 --ranks 3 --model 4/2x8\n")
        script.chmod(0o755)
        assert launcher.run(3, script).returncode != 0


def main():
    launcher = Launcher(*map(os.path.abspath, sys.argv[1:]))
    failed = 0
    laws = [law for name, law in globals().items() if name.startswith("law_")]
    for law in laws:
        try:
            law(launcher)
        except (AssertionError, subprocess.SubprocessError) as problem:
            failed += 1
            print(f"FAILED {law.__name__}: {problem!r:.1500}")
    print(f"{len(laws) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
