# SPDX-License-Identifier: Apache-2.0
"""Bit for bit what torch's own classes give, on thousands of random inputs."""
import torch
from torch.distributed.tensor.experimental._context_parallel import _attention
from torch.distributed.tensor.experimental._context_parallel._load_balancer import (
    _create_default_load_balancer,
    _HeadTailLoadBalancer,
    _LoadBalancer,
    _PerDocumentHeadTailLoadBalancer,
    _PTRRLoadBalancer,
)
from torch.nn.attention.flex_attention import BlockMask

import cpbalance.torch as cpt
from conftest import split

torch.set_num_threads(1)
WORLDS = [1, 2, 3, 4, 5, 7, 8, 16]


def same(ours, theirs):
    assert isinstance(ours, _LoadBalancer)
    for restore in (False, True):
        a, b = ours._generate_indices(restore), theirs._generate_indices(restore)
        assert a.dtype == b.dtype and a.device == b.device and a.shape == b.shape
        assert torch.equal(a, b)
        assert ours._generate_indices(restore) is a
    order, back = (ours._generate_indices(restore)[0].long() for restore in (False, True))
    assert torch.equal(order[back], torch.arange(len(order)))


def test_head_tail(rng):
    for _ in range(1500):
        world = rng.choice(WORLDS)
        length = 2 * world * rng.randint(1, 200)
        same(cpt.HeadTailLoadBalancer(length, world, "cpu"),
             _HeadTailLoadBalancer(length, world, "cpu"))


def test_per_document(rng):
    for _ in range(1500):
        world = rng.choice(WORLDS)
        pieces = rng.randint(1, 60)
        rows = [[2 * world * length for length in split(rng, pieces)]
                for _ in range(rng.choice([1, 1, 2, 4]))]
        device = torch.device("cpu")
        same(cpt.PerDocumentHeadTailLoadBalancer(rows, world, device),
             _PerDocumentHeadTailLoadBalancer(rows, world, device))


def random_block_mask(rng, world):
    """Counts are all that matters to torch; lists hold that many random blocks."""
    blocks, batch = world * rng.randint(1, 4), rng.choice([1, 1, 2, 3])
    size = rng.choice([1, 2, 16, 128])
    separate = rng.random() < 0.7
    present = torch.rand(batch, 1, blocks, blocks) < rng.random()
    partial = present & (torch.rand(present.shape) < 0.5) if separate else present
    lists = []
    for chosen in (partial, present & ~partial):
        lists += [chosen.sum(-1, dtype=torch.int32),
                  torch.argsort(~chosen, dim=-1, stable=True).to(torch.int32)]
    return BlockMask.from_kv_blocks(*(lists if separate else lists[:2]), BLOCK_SIZE=size)


def test_ptrr(rng):
    torch.manual_seed(1)
    for _ in range(500):
        world = rng.choice(WORLDS)
        mask = random_block_mask(rng, world)
        same(cpt.PTRRLoadBalancer(mask, world), _PTRRLoadBalancer(mask, world))


def test_ptrr_scheduling(rng):
    torch.manual_seed(2)
    for _ in range(1500):
        groups = rng.choice(WORLDS)
        n = groups * rng.randint(0, 30)
        times = torch.randint(0, rng.choice([1, 3, 1000, 2**40]), (n,))
        if rng.random() < 0.3:
            times = times.to(rng.choice([torch.float32, torch.float64, torch.int32]))
        ours = cpt.PTRRLoadBalancer.ptrr_scheduling(times, groups)
        theirs = _PTRRLoadBalancer.ptrr_scheduling(times, groups)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert torch.equal(ours, theirs)


def test_ptrr_published_example():
    times = torch.tensor([9, 14, 2, 20, 10, 15, 8, 14, 16, 19, 15, 3, 12, 1, 12, 10])
    assert cpt.PTRRLoadBalancer.ptrr_scheduling(times, 4).tolist() == [
        [3, 12, 13, 14], [2, 4, 7, 9], [1, 8, 11, 15], [0, 5, 6, 10]]


def test_default_choice(rng):
    options = _attention._cp_options
    before = options.enable_load_balance
    try:
        for _ in range(500):
            options.enable_load_balance = rng.random() < 0.7
            world, length = rng.choice(WORLDS), rng.randint(1, 400)
            ours = cpt.create_default_load_balancer(length, world, "cpu")
            theirs = _create_default_load_balancer(length, world, "cpu")
            assert (ours is None) == (theirs is None)
            if theirs is not None:
                same(ours, theirs)
    finally:
        options.enable_load_balance = before


def test_library_row_ptrr_equals_torch_too(rng):
    """The same by way of the real block mask and the library's own tile counts."""
    torch.manual_seed(3)
    for _ in range(150):
        world = rng.choice(WORLDS)
        mask = random_block_mask(rng, world)
        if mask.kv_num_blocks.shape[0] > 1:
            continue
        ours = cpt.LoadBalancer(world, block_mask=mask, balancer="ptrr",
                                chunk=mask.BLOCK_SIZE[0])
        same(ours, _PTRRLoadBalancer(mask, world))
