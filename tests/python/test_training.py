# SPDX-License-Identifier: Apache-2.0
"""It trains: torch's own context parallelism with FlexAttention, in 2 and 4 processes,
gives output and gradients of one process, with torch's balancers and every one of ours.

torch refuses FlexAttention's backward on CPU at the door, although its eager form has
one, and compiles attention and create_block_mask anew for every mask; these are switched
off here, and nothing else of torch is touched. The one process computes dense attention."""
import contextlib
from unittest import mock

import pytest
import torch
import torch.nn.attention.flex_attention as flex
from torch.distributed.tensor.experimental import context_parallel
from torch.distributed.tensor.experimental._context_parallel import _attention as cp
from torch.distributed.tensor.experimental._context_parallel._load_balancer import (
    _HeadTailLoadBalancer,
    _PerDocumentHeadTailLoadBalancer,
    _PTRRLoadBalancer,
)
from torch.distributed.tensor.parallel import parallelize_module
from torch.nn.functional import scaled_dot_product_attention

import cpbalance as cpb
import cpbalance.torch as cpt
import world

TOKENS = 512
LENGTHS = [128, 16, 240, 128]
DOCUMENT = torch.repeat_interleave(torch.arange(4), torch.tensor(LENGTHS))
CASES = {
    "causal": ("causal:512", lambda b, h, q, k: q >= k),
    "packed": ("documents:128,16,240,128",
               lambda b, h, q, k: (q >= k) & (DOCUMENT[q] == DOCUMENT[k])),
    "window": ("window:512;n=100", lambda b, h, q, k: (q >= k) & (q - k < 100)),
    "prefix": ("prefix:512;n=200", lambda b, h, q, k: (q >= k) | (k < 200) & (q < 200)),
}


class Attention(torch.nn.Module):
    def forward(self, query, key, value, block_mask):
        return flex.flex_attention(query, key, value, block_mask=block_mask)


def inputs():
    numbers = torch.Generator().manual_seed(1)
    return [torch.randn(1, 1, TOKENS, 8, generator=numbers) for _ in range(4)]


def forward_and_gradients(attend, tensors, weight, mask):
    leaves = [one.detach().requires_grad_() for one in tensors]
    out = attend(*leaves, mask)
    (out * weight).sum().backward()
    return [out.detach(), *(one.grad for one in leaves)]


def balancers(world_size, text, mask):
    """Name and balancer; those whose indices another one has already are left out."""
    theirs = [("their head-tail", _HeadTailLoadBalancer(TOKENS, world_size, "cpu")),
              ("their per-document",
               _PerDocumentHeadTailLoadBalancer([LENGTHS], world_size, "cpu")),
              ("their ptrr", _PTRRLoadBalancer(mask, world_size))]
    ours = [("head-tail", cpt.HeadTailLoadBalancer(TOKENS, world_size, "cpu")),
            ("per-document", cpt.PerDocumentHeadTailLoadBalancer([LENGTHS], world_size, "cpu")),
            ("ptrr", cpt.PTRRLoadBalancer(mask, world_size))]
    named = [(name, cpt.LoadBalancer(world_size, mask=text, balancer=name, chunk=32))
             for name in ("even", "frugal", "auto", *cpb.balancers())]
    seen = set()
    for name, one in [*theirs, *ours, *named]:
        order = tuple(one._generate_indices()[0].tolist())
        if order not in seen or name.startswith("their"):
            yield name, one
        seen.add(order)


def trains(mesh, attend, case):
    """Largest difference to one process, by name of the balancer."""
    text, mask_mod = CASES[case]
    *tensors, weight = inputs()
    mask = flex.create_block_mask(mask_mod, 1, 1, TOKENS, TOKENS, device="cpu")
    seen = flex.create_mask(mask_mod, 1, 1, TOKENS, TOKENS, device="cpu")
    dense = forward_and_gradients(scaled_dot_product_attention, tensors, weight, seen)
    worst = {}
    for name, balancer in balancers(mesh.size(), text, mask):
        *shards, weights, local = cp._context_parallel_shard(
            mesh, [*tensors, weight, mask], [2] * 5, load_balancer=balancer)
        found = forward_and_gradients(attend, shards, weights, local)
        whole = cp.context_parallel_unshard(mesh, found, [2] * 4, load_balancer=balancer)
        worst[name] = max(float((a - b).abs().max()) for a, b in zip(whole, dense))
        if isinstance(balancer, cpt.Balancer):
            for a, b in zip(cpt.unshard(mesh, found, [2] * 4, balancer), whole):
                assert torch.equal(a, b), name
            *ours, moved, closed = cpt.shard(
                mesh, [*tensors, mask, cpb.Mask(text)], [2] * 5, balancer)
            for a, b in zip(ours, shards):
                assert torch.equal(a, b), name
            for one in (moved, closed):
                assert (one.to_dense() == local.to_dense()).all(), name
                again = forward_and_gradients(attend, shards, weights, one)
                for a, b in zip(again, found):
                    torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    return worst


def public_context_manager(mesh):
    """torch's public context_parallel shards in place by its default; ours restores."""
    *tensors, _ = inputs()
    balancer = cpt.create_default_load_balancer(TOKENS, mesh.size(), "cpu")
    before = [one.clone() for one in tensors]
    with context_parallel(mesh, buffers=tensors, buffer_seq_dims=[2] * 3):
        for here, there in zip(tensors, cpt.shard(mesh, before, [2] * 3, balancer)):
            assert torch.equal(here, there)
        back = cpt.unshard(mesh, [one.clone() for one in tensors], [2] * 3, balancer)
    return all(torch.equal(a, b) for a, b in zip(back, before))


def train(mesh):
    switched_off = [
        mock.patch.object(flex, "_validate_device", lambda *tensors: None),
        mock.patch.object(cp, "_compiled_create_block_mask", flex.create_block_mask),
        mock.patch.object(flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)]
    with contextlib.ExitStack() as stack:
        for one in switched_off:
            stack.enter_context(one)
        attend = parallelize_module(Attention(), mesh, cp._ContextParallel(
            seq_dim=2, attention_type=cp._ContextParallel.AttentionType.FLEX))
        cases = {case: trains(mesh, attend, case) for case in CASES}
    return public_context_manager(mesh), cases


@pytest.mark.parametrize("processes", [2, 4])
def test_equal_to_one_process(processes):
    restored, cases = world.run(processes, "test_training:train")
    assert restored and set(cases) == set(CASES)
    for case, worst in cases.items():
        assert {"their head-tail", "their per-document", "their ptrr"} <= set(worst)
        assert len(worst) >= 4 and max(worst.values()) < 1e-5, (case, worst)
    ours = {name for worst in cases.values() for name in worst}
    assert {"even", "frugal", "auto"} <= ours
