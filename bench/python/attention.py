# SPDX-License-Identifier: Apache-2.0
"""cpb attend beside torch's attention, and on two cores, as Markdown tables.

    python bench/python/attention.py BUILD_FOLDER [REPEATS]

First: one rank on one thread against scaled_dot_product_attention on one thread, in turns
in one run, with pages as the C library gives them and with huge ones for both. Then: two
ranks as threads and as MPI processes against one rank, under a profile of this machine
that is timed first. Medians, but for the model: beside the least time of each rank."""
import json
import os
import statistics
import subprocess
import sys
import tempfile

TOKENS = 8192
MODELS = ((16, 16, 64), (8, 8, 128))
HUGE = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# A pack of 32K tokens.
DOCUMENTS = "9000,400,5000,168,7000,3000,1500,4000,700,2000"
MODEL = ["--model", "8/8x64"]
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def against_torch(server, repeats):
    """Prints a ratio per model; runs in a process of its own, by itself on one thread."""
    import time

    import torch
    torch.set_num_threads(1)
    for q_heads, kv_heads, dim in MODELS:
        words = [server, "serve", TOKENS, q_heads, kv_heads, dim]
        q, k, v = (torch.randn(1, n, TOKENS, dim) for n in (q_heads, kv_heads, kv_heads))
        theirs, ours = [], []
        with subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as child:
            for _ in range(repeats + 1):
                start = time.thread_time()
                torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
                theirs.append(time.thread_time() - start)
                child.stdin.write("\n")
                child.stdin.flush()
                ours.append(float(child.stdout.readline()))
            child.stdin.close()
        theirs, ours = (statistics.median(times[1:]) for times in (theirs, ours))
        print(f"| {q_heads} x {dim} | {theirs:.2f} s | {ours:.2f} s | "
              f"{theirs / ours:.2f} |", flush=True)


def torch_tables(server, repeats):
    for name, more in (("pages of 4 KiB", {}), ("huge pages for both", HUGE)):
        print(f"\n| heads, {name} | torch | cpbalance | speed against torch |\n"
              "|---|---|---|---|", flush=True)
        subprocess.run([sys.executable, __file__, "--torch", server, str(repeats)],
                       env=dict(os.environ, OMP_NUM_THREADS="1", **more), check=True)


def attend(program, launcher, ranks, *flags):
    words = [*launcher, program, "attend", "--documents", DOCUMENTS, "--ranks",
             str(ranks), *MODEL, *flags, "--json"]
    done = subprocess.run(words, env=dict(os.environ, **MPI), capture_output=True,
                          check=True, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)


def waiting_of_fastest(said):
    fastest = min(said["measured"], key=lambda rank: rank["compute_seconds"])
    return fastest["waiting_seconds"] / said["seconds"]


def modelled_error(said):
    return max(abs(rank["modelled_seconds"] / rank["compute_seconds"] - 1)
               for rank in said["measured"])


def least_modelled_error(runs):
    """Timings are least times, so here is what they are compared with: of each rank too."""
    ranks = zip(*(said["measured"] for said in runs))
    return max(abs(rank[0]["modelled_seconds"] /
                   min(said["compute_seconds"] for said in rank) - 1) for rank in ranks)


def two_ranks(program, profile, repeats):
    rows = {(way, balancer): [] for way in ("threads", "processes")
            for balancer in ("auto", "contiguous")}
    alone = []
    for _ in range(repeats):
        alone.append(attend(program, [], 1, "--profile", profile)["seconds"])
        for way, balancer in rows:
            launcher = ["mpiexec", "-n", "2"] if way == "processes" else []
            rows[way, balancer].append(attend(program, launcher, 2, "--balancer",
                                              balancer, "--profile", profile))
    print("\n| two ranks | against one rank | slowest/mean | planned | waiting of the "
          "fastest | model off by | in one run | bytes |\n"
          "|---|---|---|---|---|---|---|---|")
    one = statistics.median(alone)
    row_bytes = 2 * 8 * 64 * 4
    for (way, balancer), runs in rows.items():
        def middle(of):
            return statistics.median(of(said) for said in runs)
        exact = all(said["bytes_moved"] == row_bytes * said["receive_total"]
                    for said in runs)
        print(f"| {way}, {balancer} | {one / middle(lambda s: s['seconds']):.2f} x | "
              f"{middle(lambda s: s['slowest_over_mean']):.3f} | "
              f"{runs[0]['slowest_over_mean_planned']:.3f} | "
              f"{100 * middle(waiting_of_fastest):.1f} % | "
              f"{100 * least_modelled_error(runs):.1f} % | "
              f"{100 * middle(modelled_error):.1f} % | "
              f"{'as planned' if exact else 'OTHERS'} |", flush=True)


def main():
    if sys.argv[1] == "--torch":
        against_torch(sys.argv[2], int(sys.argv[3]))
        return
    build = os.path.abspath(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch_tables(f"{build}/bench/bench_attend", repeats)
    program = f"{build}/cpb"
    with tempfile.TemporaryDirectory() as folder:
        timings, profile = f"{folder}/cpu.csv", f"{folder}/cpu.json"
        subprocess.run([program, "attend", "--timings", timings, *MODEL], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([program, "calibrate", timings, "-o", profile], check=True,
                       stdout=subprocess.DEVNULL)
        two_ranks(program, "@" + profile, repeats)


if __name__ == "__main__":
    main()
