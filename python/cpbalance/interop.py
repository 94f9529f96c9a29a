# SPDX-License-Identifier: Apache-2.0
"""Plans in the layouts of other projects; docs/interop.md.

Each function writes down what the plan says. Where a layout cannot say it, Error tells
which plan could be said."""
from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import integers, spread
from ._error import Error
from ._plan import Plan


def fragments(plan: Plan) -> list[list[tuple[int, int]]]:
    """For each rank the ranges [begin, end) of original positions in its order: the token
    partition of torchtitan and the fragments of attention-gym. Positions from plan.tokens
    on are pads."""
    return [[(begin, end) for begin, end in plan.runs(rank).tolist()]
            for rank in range(plan.ranks)]


def thd_partition_indices(plan: Plan, cu_seqlens: Any, rank: int,
                          dtype: Any = np.int32) -> Any:
    """[tokens / ranks]: what TransformerEngine's partition of packed ("thd") sequences
    gives a rank: of every sequence its chunks `rank` and `2 ranks - 1 - rank` of 2 ranks.

    cu_seqlens  int [sequences + 1], padded starts: every sequence is a multiple of 2 ranks

    Raises Error unless the plan is this layout, which balancer="per-document" makes: a
    kernel that assumes it computes wrong attention from any other.
    """
    starts = integers(cu_seqlens, "cu_seqlens")
    parts = 2 * plan.ranks
    if not starts.size or starts[0] != 0 or starts[-1] != plan.tokens or plan.padding:
        raise Error(f"cu_seqlens do not run from 0 to the {plan.tokens} tokens of a plan "
                    f"without pads; it has {plan.padding}")
    lengths = np.diff(starts)
    odd = np.flatnonzero((lengths < 0) | (lengths % parts != 0))
    if odd.size:
        raise Error(f"sequence {odd[0]} has {lengths[odd[0]]} tokens; accepted are "
                    f"multiples of {parts}, 2 per rank", int(odd[0]))
    plan._rank(rank)
    chunks = lengths // parts
    begins = np.stack([starts[:-1] + rank * chunks,
                       starts[:-1] + (parts - 1 - rank) * chunks], 1).ravel()
    found = plan.positions(rank)
    if not np.array_equal(found, spread(begins, np.repeat(chunks, 2))):
        raise Error("the plan is not two chunks of every sequence for every rank; make it "
                    "with balancer=\"per-document\"")
    return found.astype(dtype)


def chunk_partitions(plan: Plan, chunk_size: int) -> list[list[int]]:
    """For each rank the numbers of its chunks in its order: the partitions of
    MagiAttention's dispatch, whose ranks hold equally many chunks.

    Raises Error where a run is not of whole chunks; `at` is the rank.
    """
    if chunk_size < 1:
        raise Error(f"the chunk size is {chunk_size}; accepted is 1 or more")
    if not plan.equal:
        raise Error("shards are uneven; partitions hold equally many chunks, so plan with "
                    "sizes=\"equal\"")
    partitions = []
    for rank in range(plan.ranks):
        runs = plan.runs(rank)
        if (runs % chunk_size).any():
            raise Error(f"rank {rank} holds runs that are not chunks of {chunk_size}; plan "
                        f"with chunk={chunk_size}, of a sequence that this many times "
                        f"{plan.ranks} ranks divide", rank)
        runs = runs // chunk_size
        partitions.append(spread(runs[:, 0], runs[:, 1] - runs[:, 0]).tolist())
    return partitions
