# SPDX-License-Identifier: Apache-2.0
"""Block masks of one rank are those that torch makes of the same mask, pair by pair."""
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.attention.flex_attention as flex
from torch.nn.attention.flex_attention import create_block_mask, create_mask

import cpbalance as cpb
import cpbalance.torch as cpt
from conftest import masks_of, split
from cpbalance.torch import block_mask
from cpbalance.torch._tiles import rearranged

TABLES = ("kv", "full_kv", "q", "full_q")


def lists(blocks, table):
    counts = getattr(blocks, f"{table}_num_blocks")
    indices = getattr(blocks, f"{table}_indices")
    if counts is None:
        return None
    return [sorted(row[:n].tolist()) for row, n in
            zip(indices.flatten(0, 2), counts.flatten())]


def same_tiles(ours, theirs):
    assert ours.shape == theirs.shape and ours.BLOCK_SIZE == theirs.BLOCK_SIZE
    for table in TABLES:
        assert lists(ours, table) == lists(theirs, table)
    assert (ours.to_dense() == theirs.to_dense()).all()


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
        same_tiles(ours, theirs)


def test_rows_that_are_planned_one_by_one(rng):
    for _ in range(4):
        rows = [split(rng, 48) for _ in range(3)]
        balancer = cpt.EvenLoadBalancer(3, documents=rows, chunk=4)
        masks, rank, block = [row[0] for row in balancer.masks], rng.randrange(3), (4, 5)
        want = torch.stack([dense(mask, plan.positions(rank), plan.order())
                            for mask, plan in zip(masks, balancer.plans)])
        theirs = create_block_mask(lambda b, h, q, k: want[b, q, k], 3, 1, *want.shape[1:],
                                   "cpu", BLOCK_SIZE=block)
        ours = balancer.block_mask(rank, block_size=block)
        same_tiles(ours, theirs)
        assert (create_mask(ours.mask_mod, 3, 1, *want.shape[1:], "cpu")[:, 0] == want).all()


def random_pairs(rng, rows, heads, tokens):
    """Pairs with large empty and full rectangles, and noise."""
    pairs = torch.rand(rows, heads, tokens, tokens) < rng.choice([0, 0.02, 0.5, 0.98, 1])
    for _ in range(6):
        (a, b), (c, d) = (sorted((rng.randint(0, tokens), rng.randint(0, tokens)))
                          for _ in range(2))
        pairs[:, :, a:b, c:d] = rng.random() < 0.5
    return pairs


def test_tiles_of_a_block_mask_move_with_the_plan(rng):
    """What rearranged() makes of a block mask's tiles is what create_block_mask makes of
    the rearranged mask_mod, for permutations of whole blocks and of any positions."""
    torch.manual_seed(1)
    for _ in range(60):
        rows, heads, world = rng.choice([1, 2]), rng.choice([1, 2]), rng.choice([1, 2, 3])
        size = rng.randint(1, 20)
        block = (4, 4) if rng.random() < 0.5 else (rng.randint(1, 6), rng.randint(1, 6))
        tokens, rank = size * world, rng.randrange(world)
        pairs = random_pairs(rng, rows, heads, tokens)
        whole = create_block_mask(lambda b, h, q, k: pairs[b, h, q, k], rows, heads, tokens,
                                  tokens, "cpu", BLOCK_SIZE=block)
        unit = 4 if tokens % 4 == 0 and rng.random() < 0.5 else 1
        index = torch.stack([
            (torch.randperm(tokens // unit)[:, None] * unit + torch.arange(unit)).flatten()
            for _ in range(rng.choice([1, rows]))])
        ours = rearranged(whole, index, rank * size, size)
        same_tiles(ours, create_block_mask(ours.mask_mod, rows, heads, size, tokens, "cpu",
                                           BLOCK_SIZE=block))
        here = index[:, rank * size:(rank + 1) * size]
        for row in range(rows):
            q, k = here[row % len(here)], index[row % len(index)]
            assert (create_mask(ours.mask_mod, rows, heads, size, tokens, "cpu")[row]
                    == pairs[row][:, q][:, :, k]).all()


def test_mask_mod_is_asked_about_cut_tiles_alone():
    pairs, calls = torch.ones(256, 256, dtype=torch.bool).tril(), []

    def causal(b, h, q, k):
        calls.append(None)
        return pairs[q, k]

    whole = create_block_mask(causal, 1, 1, 256, 256, "cpu", BLOCK_SIZE=16)
    calls.clear()
    blocks = torch.arange(256).reshape(16, 16).flip(0).reshape(1, 256)
    assert lists(rearranged(whole, blocks, 0, 64), "kv") == [[i] for i in range(4)]
    assert not calls
    rearranged(whole, blocks.roll(8, 1), 0, 64)
    assert calls


def test_a_block_mask_without_full_blocks_apart_stays_so():
    pairs = torch.ones(64, 64, dtype=torch.bool).tril()
    whole = create_block_mask(lambda b, h, q, k: pairs[q, k], 1, 1, 64, 64, "cpu",
                              BLOCK_SIZE=8, separate_full_blocks=False)
    for index in (torch.arange(64).flip(0)[None], torch.arange(64)[None].roll(3)):
        ours = rearranged(whole, index, 16, 16)
        assert ours.full_kv_indices is None and ours.full_q_num_blocks is None
        assert (ours.to_dense() == create_block_mask(
            ours.mask_mod, 1, 1, 16, 64, "cpu", BLOCK_SIZE=8).to_dense()).all()


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
        with mock.patch.object(flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True):
            out, _ = flex.flex_attention(
                q[:, :, mine], k[:, :, held], v[:, :, held], block_mask=blocks,
                return_aux=flex.AuxRequest(lse=True))
        torch.testing.assert_close(out, whole[:, :, mine], atol=1e-5, rtol=1e-5)


def test_tables_for_backward_are_left_out_on_request():
    mask = cpb.Mask(documents=[100, 60, 96])
    blocks = block_mask(cpb.plan(mask, 2, chunk=16), mask, 1, q_blocks=False, levels=3)
    assert blocks.q_indices is None and blocks.full_q_num_blocks is None
    assert lists(blocks, "kv") and np.isfinite(blocks.sparsity())


def test_refusals():
    mask = cpb.Mask(documents=[100, 60, 96])
    plan = cpb.plan(mask, 2, chunk=16)
    exchange = cpb.Exchange(plan, mask)
    for plans, masks, more, words in [([plan] * 2, [mask] * 3, {}, "2 plans and 3 masks"),
                                      ([], mask, {}, "0 plans and 1 masks"),
                                      ([plan] * 2, mask, {"exchange": exchange}, "2 rows")]:
        with pytest.raises(cpb.Error, match=words):
            block_mask(plans, masks, 0, **more)
    for arguments, sentence in [
            (dict(rank=2), "rank 2 is not one of"), (dict(rank=0, block_size=0), "blocks of 0"),
            (dict(rank=0, lengths=(1, -1)), "a query length of 1 is out of range"),
            (dict(rank=0, exchange=cpb.Exchange(plan, cpb.Mask("window:256;n=1"))),
             "which the key layout lacks")]:
        with pytest.raises(cpb.Error, match=sentence):
            block_mask(plan, mask, **arguments)
