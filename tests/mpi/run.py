#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ranks as processes: run.py CPB FAULTS MPIEXEC"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from hosts import two_hosts

# More ranks than cores, by whoever tests: Open MPI wants to be told.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1"}
SMALL = ["--model", "4/2x8", "--json"]


class Launcher:
    def __init__(self, cpb, faults, mpiexec):
        self.cpb, self.faults, self.mpiexec = cpb, faults, mpiexec

    def run(self, ranks, *command, flags=()):
        return subprocess.run([self.mpiexec, *flags, "-n", str(ranks), *map(str, command)],
                              env=dict(os.environ, **ENVIRONMENT), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False)

    def is_open_mpi(self):
        version = subprocess.run([self.mpiexec, "--version"], capture_output=True,
                                 check=True).stdout
        return b"Open MPI" in version or b"OpenRTE" in version

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


def law_ranks_run_on_two_hosts(launcher):
    open_mpi = launcher.is_open_mpi()
    with two_hosts() as hosts:
        if not hosts:
            print("no network namespaces for us here: several hosts are not tested")
            return
        def run(*command):
            done = hosts.run(launcher.mpiexec, open_mpi, ENVIRONMENT, *command)
            assert done.returncode == 0, done.stderr
            return done.stdout
        assert sorted(run("hostname").split()) == sorted(
            2 * [hosts.name(1), hosts.name(2)])
        before = hosts.sent(1)
        said = json.loads(run(launcher.cpb, "attend", "--mask", "causal:3000", "--ranks",
                              "4", "--nodes", "2", "--backward", *SMALL))
        assert said["processes"]
        assert said["error_max"] <= 1e-5 and said["error_grad_max"] <= 1e-4
        # MPICH may see that both hosts are one machine and go another way.
        row_bytes = 2 * 2 * 8 * 4
        assert (not open_mpi or
                hosts.sent(1) - before >= row_bytes * said["net_out_max"])


def law_compare_runs_in_turn(launcher):
    rows = launcher.attend(2, "--documents", "300,200", "--compare", "contiguous,even")
    assert [row["balancer"] for row in rows] == ["contiguous", "even"]


def assert_refused(launcher, done, sentence):
    """The sentence, and not a number. Hydra kills whoever still ends when the first rank
    has ended with 1: then its status is 9 and a banner of its own goes to our output."""
    assert sentence in done.stderr, done
    if launcher.is_open_mpi():
        assert done.returncode == 1 and not done.stdout, done
    else:
        assert done.returncode in (1, 9), done
        assert not done.stdout or done.stdout.startswith("\n====="), done


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
            assert_refused(launcher, launcher.run(3, script, other),
                           f"rank 1 has another {what} than rank 0")


def law_a_wrong_number_of_processes_is_refused(launcher):
    done = launcher.run(2, launcher.cpb, "attend", "--documents", 40, "--ranks", 3)
    assert_refused(launcher, done, "started 2 processes and --ranks is 3")


def law_a_foreign_launcher_is_refused(launcher):
    foreign = dict(os.environ, OMPI_COMM_WORLD_SIZE="2", OMPI_COMM_WORLD_RANK="0")
    for name in ("PMI_RANK", "PMI_SIZE"):
        foreign.pop(name, None)
    done = subprocess.run([launcher.cpb, "attend", "--documents", "40", "--ranks", "2"],
                          env=foreign, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"belongs to another MPI" in done.stderr, done.stderr


def told(launcher, what, patience, flags=()):
    """What ranks 0 and 2 were told of rank 1, the exit status, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        done = launcher.run(3, launcher.faults, what, patience, folder, flags=flags)
        took = time.monotonic() - start
        files = [pathlib.Path(folder) / f"rank{rank}" for rank in (0, 2)]
        said = [file.read_text() if file.exists() else done.stderr for file in files]
        return said, done.returncode, took


# Whoever waits for nothing may be patient: ranks share few cores with other programs.
def law_faults_reach_every_rank(launcher):
    for what, patience, sentence in (("fails", 40, "rank 1: it ran out of patience"),
                                     ("sleeps", 4, "rank 1 did not answer rank"),
                                     ("leaves", 4, "rank 1 did not answer rank")):
        said, status, took = told(launcher, what, patience)
        assert all(text.startswith(f"6: {sentence}") for text in said), (what, said)
        assert status != 0 and took < 40, (what, status, took)


def law_a_dead_rank_is_named_where_the_launcher_lets_the_others_live(launcher):
    if not launcher.is_open_mpi():
        return  # Hydra ends all ranks when one dies
    said, _, _ = told(launcher, "dies", 4, ["--enable-recovery"])
    assert all(text.startswith("6: rank 1 did not answer rank") for text in said), said


def law_a_rank_whose_memory_ends_is_named(launcher):
    """Its limit holds what libraries take, not arrays of half a gigabyte and more."""
    attend = [launcher.cpb, "attend", "--mask", "causal:524288", "--ranks", 2,
              "--model", "4/4x64", "--balancer", "contiguous"]
    limited = ["env", "OPENBLAS_NUM_THREADS=1", "sh", "-c",
               'ulimit -v 1000000; exec "$@"', "sh", *attend]
    open_mpi = launcher.is_open_mpi()
    done = launcher.run(1, *attend, ":", "-n", 1, *limited,
                        flags=["--enable-recovery"] if open_mpi else [])
    said = [line for line in done.stderr.splitlines() if line.startswith("cpb attend")]
    assert not done.stdout and "cpb attend: out of memory" in said, done.stderr
    if open_mpi:  # and lets rank 0 live, so that it ends with status 0
        assert sorted(said)[1:] == ["cpb attend: rank 1: out of memory"], done.stderr
    else:  # Hydra may end rank 0 before it says so
        assert done.returncode != 0, done.stderr


def is_alive(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return not re.search(r"(?m)^State:\s+[ZX]", status)


def end_in_a_pass(launcher, end):
    """Start ranks that have work for minutes, let `end` act on the launcher and the ranks'
    process numbers, and return the exit status and what was said on standard error."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        script, pids = folder / "rank", [folder / f"pid{rank}" for rank in range(3)]
        script.write_text(
            "#!/bin/sh\n"
            'rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}\n'
            f"echo $$ > {folder}/new$rank && mv {folder}/new$rank {folder}/pid$rank\n"
            f"exec {launcher.cpb} attend --mask full:65536 --ranks 3 --model 4/4x64 "
            "--balancer contiguous\n")
        script.chmod(0o755)
        with open(folder / "said", "w+", encoding="utf-8") as said:
            with subprocess.Popen([launcher.mpiexec, "-n", "3", script], stderr=said,
                                  env=dict(os.environ, **ENVIRONMENT),
                                  stdin=subprocess.DEVNULL, stdout=said,
                                  start_new_session=True) as running:
                try:
                    while not all(pid.exists() for pid in pids):
                        time.sleep(0.05)
                    time.sleep(3)  # numbers are made, keys travel
                    numbers = [int(pid.read_text()) for pid in pids]
                    end(running, numbers)
                    status = running.wait(30)
                finally:
                    running.kill()
            left = time.monotonic() + 10
            while any(map(is_alive, numbers)) and time.monotonic() < left:
                time.sleep(0.05)
            assert not any(map(is_alive, numbers)), "a rank is still there"
            said.seek(0)
            return status, said.read()


def law_a_killed_rank_ends_all_and_is_named(launcher):
    def kill_one(_, numbers):
        os.kill(numbers[1], signal.SIGKILL)
    status, said = end_in_a_pass(launcher, kill_one)
    assert status != 0, said
    assert re.search(r"rank 1 .*signal 9|EXIT CODE: 9", said), said


def law_an_interrupt_leaves_no_process(launcher):
    def interrupt(running, _):
        running.send_signal(signal.SIGINT)
    status, said = end_in_a_pass(launcher, interrupt)
    # Hydra may end with 0 when it has not yet heard how the ranks ended.
    assert status != 0 or not launcher.is_open_mpi(), said
    assert "cpb: interrupted" in said or "ended by the launcher" in said, said


def law_srun_without_a_way_to_find_each_other_is_refused(launcher):
    lost = dict(os.environ, SLURM_PROCID="0", SLURM_STEP_NUM_TASKS="2")
    for name in ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE"):
        lost.pop(name, None)
    run = [launcher.cpb, "attend", "--documents", "40", "--ranks", "2", *SMALL]
    done = subprocess.run(run, env=lost, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"srun --mpi=" in done.stderr, done.stderr
    one = dict(lost, SLURM_STEP_NUM_TASKS="1")  # a shell of its own
    subprocess.run(run, env=one, capture_output=True, timeout=60, check=True)


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
