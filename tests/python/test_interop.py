# SPDX-License-Identifier: Apache-2.0
"""Layouts of other projects: vectors worked out by hand, and laws."""
import numpy as np
import pytest

import cpbalance as cpb
from cpbalance import interop
from conftest import split


def test_thd_indices_worked_out_by_hand():
    # Two sequences of 8 and 16 over 2 ranks: 4 chunks of 2, then 4 of 4.
    plan = cpb.plan(cpb.Mask(documents=[8, 16]), 2, balancer="per-document")
    found = [interop.thd_partition_indices(plan, [0, 8, 24], rank) for rank in (0, 1)]
    assert found[0].tolist() == [0, 1, 6, 7, 8, 9, 10, 11, 20, 21, 22, 23]
    assert found[1].tolist() == [2, 3, 4, 5, 12, 13, 14, 15, 16, 17, 18, 19]
    assert found[0].dtype == np.int32


def test_thd_indices_of_every_length(rng):
    for _ in range(100):
        ranks = rng.randint(1, 6)
        lengths = [2 * ranks * n for n in split(rng, rng.randint(1, 30))]
        starts = np.cumsum([0, *lengths])
        plan = cpb.plan(cpb.Mask(documents=lengths), ranks, balancer="per-document")
        for rank in range(ranks):
            wanted = []
            for start, n in zip(starts, np.array(lengths) // (2 * ranks)):
                for chunk in (rank, 2 * ranks - 1 - rank):
                    wanted += range(start + chunk * n, start + (chunk + 1) * n)
            assert interop.thd_partition_indices(plan, starts, rank).tolist() == wanted


@pytest.mark.parametrize("balancer, starts, sentence", [
    ("even", [0, 8, 24], "make it with balancer=\"per-document\""),
    ("per-document", [0, 8, 16], "do not run from 0 to the 24 tokens"),
    ("per-document", [0, 6, 24], "sequence 0 has 6 tokens; accepted are multiples of 4"),
    ("per-document", [0, 12, 8, 24], "sequence 1 has -4 tokens"),
])
def test_thd_refusals(balancer, starts, sentence):
    plan = cpb.plan(cpb.Mask(documents=[8, 16]), 2, balancer=balancer, chunk=2)
    with pytest.raises(cpb.Error, match=sentence):
        interop.thd_partition_indices(plan, starts, 0)


def test_chunk_partitions_worked_out_by_hand():
    plan = cpb.Plan.from_runs(24, [[(0, 4), (16, 24)], [(4, 16)]])
    assert interop.chunk_partitions(plan, 4) == [[0, 4, 5], [1, 2, 3]]
    assert interop.chunk_partitions(plan, 2) == [[0, 1, 8, 9, 10, 11], [2, 3, 4, 5, 6, 7]]
    with pytest.raises(cpb.Error, match="rank 0 holds runs that are not chunks of 8"):
        interop.chunk_partitions(plan, 8)
    with pytest.raises(cpb.Error, match="the chunk size is 0"):
        interop.chunk_partitions(plan, 0)
    uneven = cpb.Plan.from_runs(24, [[(0, 4)], [(4, 24)]])
    with pytest.raises(cpb.Error, match="shards are uneven"):
        interop.chunk_partitions(uneven, 4)


def test_chunks_and_fragments_say_the_plan(rng):
    for _ in range(50):
        ranks, chunk = rng.randint(1, 5), rng.randint(1, 5)
        lengths = split(rng, ranks * chunk * rng.randint(1, 8))
        plan = cpb.plan(cpb.Mask(documents=lengths), ranks, balancer="even", chunk=chunk)
        order = plan.order().tolist()
        spelled = [i for part in interop.chunk_partitions(plan, chunk) for number in part
                   for i in range(number * chunk, (number + 1) * chunk)]
        assert spelled == order
        assert [i for part in interop.fragments(plan) for begin, end in part
                for i in range(begin, end)] == order
