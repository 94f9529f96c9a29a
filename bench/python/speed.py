# SPDX-License-Identifier: Apache-2.0
"""Speed of the Python package against torch's own functions, as a Markdown table.

    python bench/python/speed.py [quick]

Ratios within one run, on the CPU; of repeated calls the fastest counts. `quick` takes
small sequences and only shows that everything runs."""
import random
import sys
import time

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor.experimental._context_parallel import _attention
from torch.distributed.tensor.experimental._context_parallel._load_balancer import (
    _HeadTailLoadBalancer,
    _PerDocumentHeadTailLoadBalancer,
    _PTRRLoadBalancer,
)
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from torch.testing._internal.distributed.fake_pg import FakeStore

import cpbalance as cpb
import cpbalance.torch as cpt

RANKS, BLOCK = 8, 128


def seconds(call, repetitions):
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def shown(duration):
    return f"{1e3 * duration:,.2f} ms" if duration < 1 else f"{duration:,.1f} s"


def line(what, theirs, ours, target):
    print(f"| {what} | {shown(theirs)} | {shown(ours)} | {theirs / ours:,.0f} x | "
          f"{target} |", flush=True)


def both_ways(make):
    """A fresh balancer's indices that rearrange and restore."""
    balancer = make()
    return balancer._generate_indices(False), balancer._generate_indices(True)


def block_mask_of_counts(tokens):
    """What PTRR reads of a causal mask, without tokens^2 / 128^2 indices."""
    rows = tokens // BLOCK
    counts = torch.arange(1, rows + 1, dtype=torch.int32)[None, None]
    indices = torch.zeros(1, 1, rows, 1, dtype=torch.int32).expand(1, 1, rows, rows)
    return BlockMask((tokens, tokens), counts, indices, None, None, None, None, None, None,
                     (BLOCK, BLOCK), lambda b, h, q, k: q >= k)


def indices(tokens, documents):
    """Forward and restore indices: torch's own classes against their twins."""
    lengths = [[tokens // documents // 16 * 16] * documents]
    lengths[0][-1] += tokens - sum(lengths[0])
    mask = block_mask_of_counts(tokens)
    for name, theirs, ours, arguments in (
            ("head-tail", _HeadTailLoadBalancer, cpt.HeadTailLoadBalancer,
             (tokens, RANKS, "cpu")),
            (f"per-document, {documents:,} documents", _PerDocumentHeadTailLoadBalancer,
             cpt.PerDocumentHeadTailLoadBalancer, (lengths, RANKS, "cpu")),
            ("ptrr", _PTRRLoadBalancer, cpt.PTRRLoadBalancer, (mask, RANKS))):
        slow = both_ways(lambda theirs=theirs, a=arguments: theirs(*a))
        fast = both_ways(lambda ours=ours, a=arguments: ours(*a))
        assert all(torch.equal(a, b) for a, b in zip(slow, fast)), name
        line(f"both indices, {tokens:,} tokens, {name}",
             seconds(lambda theirs=theirs, a=arguments: both_ways(lambda: theirs(*a)), 10),
             seconds(lambda ours=ours, a=arguments: both_ways(lambda: ours(*a)), 60),
             ">= 50 x")


def packed(tokens, mean):
    numbers, lengths = random.Random(1), []
    while sum(lengths) < tokens:
        lengths.append(min(16 * numbers.randint(1, mean // 8), tokens - sum(lengths)))
    return lengths


def block_lists(plan, mask):
    """kv lists of all ranks, over keys all-gathered in the plan's order."""
    keys, entries = cpb.KeyLayout(plan), 0
    for rank in range(plan.ranks):
        blocks = cpb.ShardBlocks(cpb.Shard(plan, mask, keys, rank))
        for table in ("kv", "full-kv"):
            entries += len(blocks.rows(table)[1])
    return entries


def block_masks(tokens, many):
    """One create_block_mask of all pairs is what torch evaluates over all ranks."""
    lengths = packed(tokens, 2048)
    document = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    mask = cpb.Mask(documents=lengths)
    plan = cpb.plan(mask, RANKS, balancer="head-tail")

    def whole():
        return create_block_mask(
            lambda b, h, q, k: (q >= k) & (document[q] == document[k]), 1, 1, tokens, tokens,
            device="cpu")

    theirs = seconds(whole, 2)
    line(f"kv lists of {RANKS} ranks, {tokens:,} tokens, {len(lengths)} documents, "
         "head-tail", theirs, seconds(lambda: block_lists(plan, mask), 20), ">= 1000 x")
    plan = cpb.plan(mask, RANKS, balancer="even")
    line("the same, even", theirs, seconds(lambda: block_lists(plan, mask), 20),
         ">= 1000 x")
    line("BlockMasks with q tables and mask_mod of all ranks, even", theirs, seconds(
        lambda: [cpt.block_mask(plan, mask, rank) for rank in range(RANKS)], 10), "")
    shards(whole(), cpt.LoadBalancer.from_plan(plan))
    mask = cpb.Mask(documents=packed(many, 8192))
    return [(f"kv lists of {RANKS} ranks, {many:,} tokens, {name}",
             seconds(lambda plan=cpb.plan(mask, RANKS, balancer=name):
                     block_lists(plan, mask), 10), "<= 10 ms")
            for name in ("head-tail", "even", "frugal")]


def shards(whole, balancer):
    """A block mask among the buffers that are sharded, on one rank."""
    mesh = init_device_mesh("cpu", (RANKS,))
    _attention._compiled_create_block_mask = create_block_mask  # eager, as above
    line("one rank's shard of a BlockMask, even", seconds(
        lambda: _attention._context_parallel_shard(mesh, [whole], [2], balancer), 2),
        seconds(lambda: cpt.shard(mesh, [whole], [2], balancer), 20), "")


def step(tokens):
    """What a training step of one rank needs, from document lengths."""
    lengths = packed(tokens, 8192)

    def prepare(balancer):
        mask = cpb.Mask(documents=lengths)
        plan = cpb.plan(mask, RANKS, balancer=balancer)
        plan.permutations()
        plan.positions(0, mask.document_ends)
        return cpt.LocalPlan(plan, mask)

    return [(f"plan, both indices, positions, exchange lists and BlockMask of a rank, "
             f"{tokens:,} tokens, {name}", seconds(lambda name=name: prepare(name), 40),
             "<= 2 ms") for name in ("head-tail", "even", "frugal", "auto")]


def overhead():
    mask = cpb.Mask("causal:128")
    return [("a plan of one chunk for one rank, all of it",
             seconds(lambda: cpb.plan(mask, 1, balancer="contiguous"), 2000), "<= 20 us")]


def main(quick):
    torch.set_num_threads(1)
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=RANKS)
    print(f"torch {torch.__version__}, {RANKS} ranks, one thread\n\n"
          "| what | torch | cpbalance | ratio | target |\n|---|---|---|---|---|")
    indices(1 << 14 if quick else 1 << 20, 100 if quick else 1000)
    alone = block_masks(1 << 11 if quick else 1 << 14, 1 << 14 if quick else 1 << 20)
    alone += step(1 << 14 if quick else 1 << 17) + overhead()
    print("\n| what | measured | target |\n|---|---|---|")
    for what, duration, target in alone:
        print(f"| {what} | {1e6 * duration:,.0f} us | {target} |")


if __name__ == "__main__":
    main("quick" in sys.argv[1:])
