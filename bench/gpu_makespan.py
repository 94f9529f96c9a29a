# SPDX-License-Identifier: Apache-2.0
"""Does the model rank balancers as a GPU does? Times each rank's FlexAttention on one GPU.

    python bench/gpu_makespan.py [--timings FILE]

Packs of 128K tokens over 8 and 32 ranks, bf16, 32 query and 8 KV heads of 128, forward
and backward, masks as they run: the rank's queries over keys gathered in the plan's
order. Prints for each balancer the slowest rank against the mean, measured and modelled,
and whether both put the balancers in one order. FILE gets every timing in the form that
`cpb calibrate` fits a profile to. Without a GPU it runs nothing.

    --self-test    tiny, on the CPU, forward alone: shows that the program runs"""
import argparse
import csv
import random
import time
from typing import NamedTuple

import torch
import torch.nn.attention.flex_attention as flex

import cpbalance as cpb
from cpbalance.torch import block_mask

MODEL = {"q_heads": 32, "kv_heads": 8, "head_dim": 128}


class Setting(NamedTuple):
    device: str
    dtype: torch.dtype
    tokens: int
    ranks: tuple
    packs: int
    chunk: int
    repetitions: int
    passes: tuple


GPU = Setting("cuda", torch.bfloat16, 1 << 17, (8, 32), 2, 128, 5, ("forward", "backward"))
TINY = Setting("cpu", torch.float32, 256, (2,), 1, 16, 1, ("forward",))


def pack(tokens, seed):
    """Documents of log-normal lengths around a sixteenth of the pack."""
    numbers, lengths = random.Random(seed), []
    while sum(lengths) < tokens:
        drawn = int(tokens / 16 * numbers.lognormvariate(-0.5, 1))
        lengths.append(min(max(1, drawn), tokens - sum(lengths)))
    return lengths


def clock(setting, call):
    """Seconds of a call, the fastest of some."""
    best = float("inf")
    for _ in range(setting.repetitions):
        if setting.device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        if setting.device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def time_rank(setting, attend, plan, mask, rank):
    """Seconds of each pass."""
    local = block_mask(plan, mask, rank, device=setting.device)

    def tensor(heads, n):
        return torch.randn(1, heads, n, MODEL["head_dim"], dtype=setting.dtype,
                           device=setting.device,
                           requires_grad="backward" in setting.passes)

    q = tensor(MODEL["q_heads"], plan.size(rank))
    k, v = (tensor(MODEL["kv_heads"], setting.tokens) for _ in range(2))

    def forward():
        return attend(q, k, v, block_mask=local, enable_gqa=True)

    out = forward()  # compiles
    taken = {"forward": clock(setting, forward)}
    if "backward" in setting.passes:
        grad = torch.randn_like(out)
        out.backward(grad, retain_graph=True)
        taken["backward"] = clock(setting, lambda: out.backward(grad, retain_graph=True))
    return taken


def modelled(plan, mask):
    """Slowest rank over the mean, and the slowest rank, as the profile has it."""
    score = cpb.score(plan, mask, cost="profile")
    return score.load_max / score.load_mean, score.load_max


def rows_of_timings(plan, mask, rank, taken, setting):
    runs = " ".join(f"{begin}-{end}" for begin, end in plan.runs(rank).tolist())
    for name, duration in taken.items():
        yield {"what": "attention", "kernel": "flex", "pass": name, "mask": mask.text,
               "runs": runs, "received": setting.tokens - plan.size(rank), **MODEL,
               "us": f"{1e6 * duration:.3f}"}


def measure(setting, attend, mask, ranks, timings):
    """Prints a table; returns whether model and clock order the balancers alike."""
    print(f"\n{mask.tokens} tokens, {ranks} ranks\n\n"
          "| balancer | slowest / mean, clock | modelled | slowest, ms |\n|---|---|---|---|")
    found = []
    for name in cpb.balancers():
        try:
            plan = cpb.plan(mask, ranks, balancer=name, chunk=setting.chunk, sizes="equal")
        except cpb.Error as error:
            print(f"| {name} | {error} | | |")
            continue
        per_rank = []
        for rank in range(ranks):
            taken = time_rank(setting, attend, plan, mask, rank)
            per_rank.append(sum(taken.values()))
            timings.extend(rows_of_timings(plan, mask, rank, taken, setting))
        slowest, mean = max(per_rank), sum(per_rank) / ranks
        ratio, load = modelled(plan, mask)
        found.append((load, slowest))
        print(f"| {name} | {slowest / mean:.3f} | {ratio:.3f} | {1e3 * slowest:.2f} |",
              flush=True)
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i] if a[0] != b[0]]
    alike = sum((a[0] < b[0]) == (a[1] < b[1]) for a, b in pairs)
    print(f"\nModel and clock agree which is faster in {alike} of {len(pairs)} pairs of "
          "balancers.")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timings", metavar="FILE")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    setting = TINY if arguments.self_test else GPU
    if setting.device == "cuda" and not torch.cuda.is_available():
        print("There is no GPU here that torch can use: nothing was measured.")
        return
    attend, timings = flex.flex_attention, []
    flex._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG = arguments.self_test
    if setting.device == "cuda":
        attend = torch.compile(flex.flex_attention, dynamic=True)
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, CUDA "
              f"{torch.version.cuda}")
    for seed in range(setting.packs):
        mask = cpb.Mask(documents=pack(setting.tokens, seed))
        for ranks in setting.ranks:
            measure(setting, attend, mask, ranks, timings)
    if arguments.timings:
        with open(arguments.timings, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, timings[0])
            writer.writeheader()
            writer.writerows(timings)
        print(f"\n{len(timings)} timings: python -m cpbalance calibrate {arguments.timings}")


if __name__ == "__main__":
    main()
