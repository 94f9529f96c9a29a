# SPDX-License-Identifier: Apache-2.0
"""Block masks of one rank are those that torch makes of the same mask, pair by pair."""
import numpy as np
import pytest
import torch
from torch.nn.attention.flex_attention import (
    AuxRequest, create_block_mask, create_mask, flex_attention)

import cpbalance as cpb
from conftest import masks_of, split
from cpbalance.torch import block_mask

TABLES = ("kv", "full_kv", "q", "full_q")


def lists(blocks, table):
    counts = getattr(blocks, f"{table}_num_blocks")
    indices = getattr(blocks, f"{table}_indices")
    if counts is None:
        return None
    return [sorted(row[:n].tolist()) for row, n in zip(indices[0, 0], counts[0, 0])]


def dense(mask, queries, keys):
    return torch.tensor([[0 <= k < mask.tokens and q < mask.tokens
                          and mask.allows(int(q), int(k)) for k in keys] for q in queries])


@pytest.mark.parametrize("exchanged", [False, True])
def test_tiles_are_those_of_create_block_mask(rng, exchanged):
    for _ in range(10):
        mask = rng.choice(masks_of(split(rng, rng.randint(12, 50))))
        plan = cpb.plan(mask, 3, chunk=4, balancer=rng.choice(["even", "head-tail"]))
        rank, block = rng.randrange(3), (rng.randint(1, 9), rng.randint(1, 9))
        exchange = cpb.Exchange(plan, mask) if exchanged else None
        keys = cpb.KeyLayout(plan, exchange, rank, "ascending" if exchanged else "as-arrived")
        spare = rng.choice([None, 5])
        lengths = (-1, -1) if spare is None else (plan.size(rank) + spare, keys.slots + spare)
        ours = block_mask(plan, mask, rank, exchange=exchange, block_size=block,
                          lengths=lengths)
        q_length, k_length = ours.seq_lengths
        want = torch.zeros(q_length, k_length, dtype=torch.bool)
        pairs = dense(mask, plan.positions(rank), keys.positions())
        want[:plan.size(rank), :keys.slots] = pairs
        assert (create_mask(ours.mask_mod, 1, 1, q_length, k_length, "cpu")[0, 0]
                == want).all()
        theirs = create_block_mask(lambda b, h, q, k: want[q, k], 1, 1, q_length, k_length,
                                   "cpu", BLOCK_SIZE=block)
        assert ours.shape == theirs.shape and ours.BLOCK_SIZE == theirs.BLOCK_SIZE
        for table in TABLES:
            assert lists(ours, table) == lists(theirs, table)
        assert (ours.to_dense() == theirs.to_dense()).all()


@pytest.mark.parametrize("exchanged", [False, True])
def test_flex_attention_over_a_shard_equals_the_whole(exchanged):
    mask = cpb.Mask(documents=[100, 60, 96])
    plan = cpb.plan(mask, 2, chunk=16, balancer="even")
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 1, 2, mask.tokens, 16)
    whole = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=dense(mask, range(mask.tokens), range(mask.tokens)))
    exchange = cpb.Exchange(plan, mask) if exchanged else None
    for rank in range(2):
        keys = cpb.KeyLayout(plan, exchange, rank, "ascending" if exchanged else "as-arrived")
        mine, held = plan.positions(rank), keys.positions()
        blocks = block_mask(plan, mask, rank, exchange=exchange, block_size=32)
        out, _ = flex_attention(q[:, :, mine], k[:, :, held], v[:, :, held],
                                block_mask=blocks, return_aux=AuxRequest(lse=True))
        torch.testing.assert_close(out, whole[:, :, mine], atol=1e-5, rtol=1e-5)


def test_tables_for_backward_are_left_out_on_request():
    mask = cpb.Mask(documents=[100, 60, 96])
    blocks = block_mask(cpb.plan(mask, 2, chunk=16), mask, 1, q_blocks=False, levels=3)
    assert blocks.q_indices is None and blocks.full_q_num_blocks is None
    assert lists(blocks, "kv") and np.isfinite(blocks.sparsity())


def test_refusals():
    mask = cpb.Mask(documents=[100, 60, 96])
    plan = cpb.plan(mask, 2, chunk=16)
    for arguments, sentence in [
            (dict(rank=2), "rank 2 is not one of"), (dict(rank=0, block_size=0), "blocks of 0"),
            (dict(rank=0, lengths=(1, -1)), "a query length of 1 is out of range"),
            (dict(rank=0, exchange=cpb.Exchange(plan, cpb.Mask("window:256;n=1"))),
             "which the key layout lacks")]:
        with pytest.raises(cpb.Error, match=sentence):
            block_mask(plan, mask, **arguments)
