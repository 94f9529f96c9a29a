# SPDX-License-Identifier: Apache-2.0
"""What one rank computes, from Python: the same pairs whichever way they are told."""
import pickle

import numpy as np
import pytest

import cpbalance as cpb
from conftest import masks_of, split


def allowed(mask, queries, keys):
    return np.array([[0 <= k < mask.tokens and q < mask.tokens and mask.allows(int(q), int(k))
                      for k in keys] for q in queries], bool).reshape(len(queries), len(keys))


def layouts(plan, mask, rank):
    exchange = cpb.Exchange(plan, mask)
    for order in ("as-arrived", "ascending"):
        yield cpb.KeyLayout(plan, order=order)
        yield cpb.KeyLayout(plan, exchange, rank, order)


def of_slices(shard, shape):
    painted = np.zeros(shape, bool)
    for (q0, q1), (k0, k1), kind in shard.slices().tolist():
        q, k = np.arange(q0, q1)[:, None], np.arange(k0, k1)[None]
        seen = np.ones((q1 - q0, k1 - k0), bool)
        if kind & 1:
            seen &= k1 - k > q1 - 1 - q
        if kind & 2:
            seen &= k - k0 >= q - q0
        assert not (painted[q0:q1, k0:k1] & seen).any()
        painted[q0:q1, k0:k1] |= seen
    return painted


def of_sights(shard, shape):
    low, high = shard.sights()
    k = np.arange(shape[1])[None]
    return sum(((k >= a[:, None]) & (k < b[:, None])).astype(int) for a, b in zip(low, high))


def test_slices_sights_and_tables_tell_the_same_pairs(rng):
    for _ in range(12):
        mask = rng.choice(masks_of(split(rng, rng.randint(8, 60))))
        plan = cpb.plan(mask, 3, chunk=4, balancer=rng.choice(["even", "head-tail"]))
        rank = rng.randrange(3)
        for keys in layouts(plan, mask, rank):
            shard = cpb.Shard(plan, mask, keys, rank)
            want = allowed(mask, plan.positions(rank), keys.positions())
            assert (of_slices(shard, want.shape) == want).all()
            if "ascending" in repr(keys):
                assert (of_sights(shard, want.shape) == want).all()
            check_tables(shard, want, (rng.randint(1, 9), rng.randint(1, 9)))


def test_holdings_are_runs_of_slots_by_ascending_position(rng):
    for _ in range(12):
        mask = rng.choice(masks_of(split(rng, rng.randint(8, 60))))
        plan = cpb.plan(mask, 3, chunk=4, balancer=rng.choice(["even", "head-tail"]))
        for keys in layouts(plan, mask, rng.randrange(3)):
            slot_of = {p: slot for slot, p in enumerate(keys.positions()) if p >= 0}
            told = {}
            for (begin, end), slot in keys.holdings().tolist():
                assert begin < end and all(p < begin for p in told)
                told.update(zip(range(begin, end), range(slot, slot + end - begin)))
            assert told == slot_of


def check_tables(shard, want, block):
    blocks = cpb.ShardBlocks(shard, block)
    rows, columns = (-(-n // b) for n, b in zip(want.shape, block))
    padded = np.zeros((rows * block[0], columns * block[1]), bool)
    padded[:want.shape[0], :want.shape[1]] = want
    tiles = padded.reshape(rows, block[0], columns, block[1]).sum((1, 3))
    full = tiles == block[0] * block[1]
    for table, kinds in (("kv", (tiles > 0) & ~full), ("full-kv", full),
                         ("q", ((tiles > 0) & ~full).T), ("full-q", full.T)):
        first, listed = blocks.rows(table)
        assert blocks.shape(table)[:3] == (*kinds.shape, kinds.sum())
        counts, padded_list = blocks.table(table, sentinel=-1)
        for i, row in enumerate(kinds):
            assert (listed[first[i]:first[i + 1]] == np.flatnonzero(row)).all()
            assert (padded_list[i, :counts[i]] == np.flatnonzero(row)).all()
            assert (padded_list[i, counts[i]:] == -1).all()


def test_varlen_of_a_worked_vector():
    mask = cpb.Mask(documents=[10, 40, 14])
    plan = cpb.plan(mask, 2, balancer="head-tail")
    keys = cpb.KeyLayout(plan)
    zero = cpb.varlen(plan, 0, mask.document_ends, keys)
    assert np.diff(zero.cu_q).tolist() == [10, 6, 2, 14]
    assert np.diff(zero.cu_k).tolist() == [10, 6, 40, 14]
    assert (zero.max_q, zero.max_k) == (14, 40)
    one = cpb.varlen(plan, 1, mask.document_ends, keys, segments=3, total_k=40, sentinel=-1)
    assert one.cu_q.tolist() == [0, 32, 32, 32] and one.cu_k.tolist() == [0, 38, 38, 38]
    assert one.k_indices.tolist() == [*range(10, 16), *range(32, 64), -1, -1]


def test_layouts_and_blocks_can_be_pickled():
    mask = cpb.Mask(documents=[40, 24])
    plan = cpb.plan(mask, 2, chunk=8)
    keys = cpb.KeyLayout(plan, cpb.Exchange(plan, mask), 1, "ascending")
    blocks = cpb.ShardBlocks(cpb.Shard(plan, mask, keys, 1), (8, 8), (64, 64))
    again = pickle.loads(pickle.dumps(blocks))
    for table in ("kv", "full-kv", "q", "full-q"):
        for a, b in zip(blocks.rows(table), again.rows(table)):
            assert (a == b).all()


MASK = cpb.Mask(documents=[40, 24])
PLAN = cpb.plan(MASK, 2, chunk=8)
KEYS = cpb.KeyLayout(PLAN)
SHARD = cpb.Shard(PLAN, MASK, KEYS, 1)


@pytest.mark.parametrize("call, sentence", [
    (lambda: cpb.KeyLayout(PLAN, order="sideways"), "accepted are as-arrived, ascending"),
    (lambda: cpb.KeyLayout(PLAN, cpb.Exchange(PLAN, MASK), 2), "rank 2 is not one of"),
    (lambda: cpb.Shard(PLAN, MASK, KEYS, 9).slices(), "rank 9 is not one of"),
    (lambda: cpb.Shard(PLAN, cpb.Mask("causal:65"), KEYS, 0).slices(), "the mask has 65"),
    (lambda: SHARD.sights(), "lay them out in ascending order"),
    (lambda: SHARD.sights(stride=3), "there is room for 3 queries; the shard has 32"),
    (lambda: SHARD.sights(levels=0), "accepted is 1 or more"),
    (lambda: cpb.ShardBlocks(SHARD, (0, 8)), "blocks of 0 queries are out of range"),
    (lambda: cpb.ShardBlocks(SHARD, (8, 8), (-1, 7)), "a key length of 7 is out of range"),
    (lambda: cpb.ShardBlocks(SHARD, (8, 8)).table("kv", rows=1), "a table of 4 rows"),
    (lambda: cpb.ShardBlocks(SHARD, (8, 8)).table("full-kv", stride=0), "raise the capacity"),
    (lambda: cpb.ShardBlocks(SHARD, (8, 8)).table("kv", out=(np.empty(4), np.empty(32))),
     "counts is float64"),
    (lambda: cpb.ShardBlocks(SHARD, (8, 8)).table(
        "kv", out=(np.empty(4, np.int64), np.empty(32, np.int64))), "accepted is int32"),
    (lambda: cpb.varlen(PLAN, 0, [3], KEYS), "do not ascend to the 64 tokens"),
    (lambda: cpb.varlen(PLAN, 2, [64], KEYS), "rank 2 is not one of"),
    (lambda: cpb.varlen(PLAN, 0, [64], KEYS, segments=0), "above the capacity of 0"),
    (lambda: cpb.varlen(PLAN, 0, [64], KEYS, total_k=-1), "above the capacity of -1"),
])
def test_refusals(call, sentence):
    with pytest.raises(cpb.Error, match=sentence):
        call()
