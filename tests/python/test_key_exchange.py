# SPDX-License-Identifier: Apache-2.0
"""Keys that travel on demand: on 2 and 4 processes, flat and over nodes, attention and its
gradients are those of one process, and what is sent is what the exchange says."""
import datetime
from unittest import mock

import pytest
import torch
import torch.distributed as dist
import torch.nn.attention.flex_attention as flex
from torch.utils import checkpoint

import cpbalance as cpb
import world
from cpbalance.torch import KeyExchange, LocalPlan, Room, agree, attention, restore
from cpbalance.torch._exchange import exchange_gradients, exchange_keys

HEADS, KV_HEADS, SIZE = 4, 2, 8
CASES = [("causal:96", "even", "equal"), ("documents:40,3,0,29,24", "head-tail", "uneven"),
         ("documents:40,3,0,29,24", "frugal", "equal"), ("window:96;n=12", "even", "uneven"),
         ("prefix:60,36;n=16", "frugal", "equal"), ("global:96;g=5;n=8", "even", "equal"),
         ("documents:1,0,6", "even", "uneven")]  # all but one rank are empty


def whole(mask, seed=0):
    """Q, K, V in original order and how much the loss weighs each output."""
    torch.manual_seed(seed)
    q, v_grad = torch.randn(2, 1, HEADS, mask.tokens, SIZE)
    k, v = torch.randn(2, 1, KV_HEADS, mask.tokens, SIZE)
    return q, k, v, v_grad


def dense(mask, q, k, v, weight):
    """Output and gradients on one process."""
    seen = torch.zeros(mask.tokens, mask.tokens, dtype=torch.bool)
    for (q0, q1), (k0, k1), kind in mask.slices.tolist():
        i, j = torch.arange(q0, q1)[:, None], torch.arange(k0, k1)[None]
        seen[q0:q1, k0:k1] |= ((not kind & 1) | (k1 - j > q1 - 1 - i)) & (
            (not kind & 2) | (j - k0 >= i - q0))
    leaves = [x.clone().requires_grad_() for x in (q, k, v)]
    out = torch.nn.functional.scaled_dot_product_attention(
        *leaves, attn_mask=seen, enable_gqa=True)
    (out * weight).sum().backward()
    return [out.detach()] + [x.grad for x in leaves]


def shard_of(plan, rank, x):
    """The rank's tokens of [1, H, tokens, D]; pads are 0."""
    padded = torch.nn.functional.pad(x, (0, 0, 0, plan.padding))
    return padded[:, :, torch.from_numpy(plan.positions(rank))]


def run_local(local, plan, rank, tensors, call=attention):
    q, k, v, weight = (shard_of(plan, rank, x) for x in tensors)
    leaves = [x.requires_grad_() for x in (q, k, v)]
    out = call(*leaves, local)
    (out * weight).sum().backward()
    return [out.detach()] + [x.grad for x in leaves]


def flex_too(q, k, v, local):
    """FlexAttention where a gradient is asked for as well: any argument of its own."""
    return attention(q, k, v, local, kernel_options={})


def flex_differentiates():
    """torch refuses FlexAttention's backward on CPUs at the door, although its unfused
    form has one."""
    return mock.patch.object(flex, "_validate_device", lambda *tensors: None)


def nodes_of(mesh_size):
    """This rank's node where every two ranks are one."""
    groups = [dist.new_group([first, first + 1]) for first in range(0, mesh_size, 2)]
    return groups[dist.get_rank() // 2]


class Counted:
    """Rows that all_to_all_single is given for other ranks, per call."""

    def __enter__(self):
        self.calls, self.real = [], dist.all_to_all_single

        def counting(out, rows, get, give, group=None):
            inside = dist.get_world_size(group)
            self.calls.append((inside, list(give), rows[:1].numel() * rows.element_size()))
            return self.real(out, rows, get, give, group=group)

        dist.all_to_all_single = counting
        return self

    def __exit__(self, *_):
        dist.all_to_all_single = self.real


# --- In the processes ---------------------------------------------------------------------


def equals_dense(mesh):
    rank, ranks = dist.get_rank(), mesh.size()
    node = nodes_of(ranks)
    for i, (text, balancer, sizes) in enumerate(CASES):
        mask = cpb.Mask(text)
        plan = cpb.plan(mask, ranks, chunk=8, balancer=balancer, sizes=sizes)
        tensors = whole(mask)
        wanted = dense(mask, *tensors)
        for inside in (None, node) if ranks > 2 else (None,):
            local = LocalPlan(plan, mask, node_group=inside, block_size=16)
            found = run_local(local, plan, rank, tensors)
            if i % 3 == 0:
                with flex_differentiates(), mock.patch.object(
                        flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True):
                    found += run_local(local, plan, rank, tensors, flex_too)
            for ours, theirs in zip(found, wanted * 2):
                torch.testing.assert_close(restore(plan, ours, 2), theirs,
                                           atol=1e-5, rtol=1e-5)
    return {"cases": len(CASES)}


def sends_what_the_plan_says(mesh):
    rank, ranks = dist.get_rank(), mesh.size()
    node, mask = nodes_of(ranks), cpb.Mask("documents:40,3,0,29,24")
    plan = cpb.plan(mask, ranks, chunk=8, balancer="even")
    k, v = (shard_of(plan, rank, x) for x in whole(mask)[1:3])
    key_bytes = 2 * KV_HEADS * SIZE * 4
    for form, nodes, inside in (("flat", 0, None), ("two-level", ranks // 2, node)):
        exchange = cpb.Exchange(plan, mask, form, nodes)
        moved = KeyExchange(exchange, plan, rank, node_group=inside)
        with Counted() as counted:
            moved(k, v)
        assert len(counted.calls) == exchange.steps, "one message per peer and step"
        assert all(bytes_ in (0, key_bytes) for _, _, bytes_ in counted.calls)
        assert sum(sum(give) for _, give, _ in counted.calls) == exchange.traffic(rank).send
        inside_of = range(rank // 2 * 2, rank // 2 * 2 + 2)
        out = sum(n for p, n in enumerate(counted.calls[0][1]) if p not in inside_of)
        total = torch.tensor([out])
        dist.all_reduce(total, group=node)
        if form == "two-level":
            assert out == sum(counted.calls[0][1]), "step 0 goes between nodes only"
            assert total.item() == entering(plan, mask, rank // 2, ranks)
    return {"forms": 2}


def operators_are_sound(mesh):
    """What torch asks of operators: schema, fake kernel, autograd, tracing. And halves are
    summed in float32: 256 + 1 + 1 + 1 is 256 in bfloat16, and 260 rounded once."""
    rank, ranks, mask = dist.get_rank(), mesh.size(), cpb.Mask("full:64")
    plan, node = cpb.plan(mask, ranks, chunk=8, balancer="striped"), nodes_of(ranks)
    checks = []
    for form, inside in (("flat", None), ("two-level", node)):
        moved = KeyExchange(cpb.Exchange(plan, mask, form, 0 if inside is None else 2), plan,
                            rank, node_group=inside)
        rows = torch.randn(moved.own, 2, 3, requires_grad=True)
        lists = moved.gives, moved.splits, moved.held
        groups = moved.group, moved.node_group
        held = torch.randn(len(moved.held), 2, 3)
        checks += torch.library.opcheck(exchange_keys, (rows, *lists, *groups)).values()
        checks += torch.library.opcheck(exchange_gradients,
                                        (held, *lists, moved.own, *groups)).values()
        k, v = torch.ones(2, 2, 1, moved.own, 4, dtype=torch.bfloat16, requires_grad=True)
        k.retain_grad()
        sum((x * (1 if rank else 256)).sum() for x in moved(k, v)).backward()
        sums = {260} if inside is None else {258, 260}  # a node's sum travels as a half
        assert set(k.grad.flatten().tolist()) <= sums, k.grad.flatten().tolist()
    return checks


def entering(plan, mask, node, ranks):
    """Keys that leave a node: each once per other node in which somebody needs it."""
    positions = [set(p for p in plan.positions(r).tolist() if p < mask.tokens)
                 for r in range(ranks)]
    own = positions[2 * node] | positions[2 * node + 1]
    count = 0
    for other in range(ranks // 2):
        if other == node:
            continue
        queries = positions[2 * other] | positions[2 * other + 1]
        count += sum(any(mask.allows(q, k) for q in queries) for k in own)
    return count


def pack(seed, ranks, room):
    """Five or fewer random documents of 256 tokens, and one rank's part of them."""
    generator = torch.Generator().manual_seed(seed)
    cuts = torch.randint(0, 257, (5,), generator=generator).sort().values.tolist()
    mask = cpb.Mask(documents=[b - a for a, b in zip([0, *cuts], [*cuts, 256])])
    plan = cpb.plan(mask, ranks, chunk=16, balancer="even")
    local = LocalPlan(plan, mask, room=room, levels=1, block_size=16)
    return local, [shard_of(plan, dist.get_rank(), x) for x in whole(mask, seed)[:3]]


def forward_and_backward(call, local, tensors):
    leaves = [x.clone().requires_grad_() for x in tensors]
    out = call(*leaves, local)
    (out * out.detach().roll(1, -1)).sum().backward()
    return [out.detach()] + [x.grad for x in leaves if x.grad is not None]


def compiles_once(mesh):
    """50 packs, each of three forward and backward passes compiled once."""
    room = Room(slots=256, gives=128 * mesh.size())

    def exchanged(q, k, v, local):
        keys, values = local.exchange(k, v)
        return torch.cat([keys, values], -1) ** 2

    counts = {}
    for call in (exchanged, attention, flex_too):
        compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
        for seed in range(50):
            local, tensors = pack(seed, mesh.size(), room)
            with flex_differentiates(), \
                    torch._dynamo.config.patch(error_on_recompile=seed > 0):
                found = forward_and_backward(compiled, local, tensors)
            wanted = forward_and_backward(exchanged if call is exchanged else attention,
                                          local, tensors)
            for ours, theirs in zip(found, wanted):
                torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        counts[call.__name__] = seed + 1
    return counts


def compiles_a_kernel_once(mesh):
    """FlexAttention's fused kernel for CPUs, which goes forward only."""
    room = Room(slots=256, gives=128 * mesh.size())
    compiled = torch.compile(attention, fullgraph=True)
    for seed in range(50):
        local, tensors = pack(seed, mesh.size(), room)
        with torch.no_grad(), torch._dynamo.config.patch(error_on_recompile=seed > 0):
            torch.testing.assert_close(compiled(*tensors, local),
                                       attention(*tensors, local), atol=1e-5, rtol=1e-5)
    return seed + 1


def checkpoints(mesh):
    """Under activation checkpointing keys are fetched again, or saved on request."""
    rank, mask = dist.get_rank(), cpb.Mask("causal:96")
    plan = cpb.plan(mask, mesh.size(), chunk=8, balancer="even")
    local, tensors = LocalPlan(plan, mask, block_size=16), whole(mask)
    wanted = run_local(local, plan, rank, tensors)

    def policy(ctx, op, *args, **kwargs):
        save = op is torch.ops.cpbalance.exchange_keys.default
        return (checkpoint.CheckpointPolicy.MUST_SAVE if save
                else checkpoint.CheckpointPolicy.PREFER_RECOMPUTE)

    def saved():
        return checkpoint.create_selective_checkpoint_contexts(policy)

    counts = {}
    for name, context in (("fetched again", checkpoint.noop_context_fn), ("saved", saved)):
        def call(q, k, v, plan):
            return checkpoint.checkpoint(attention, q, k, v, plan, use_reentrant=False,
                                         context_fn=context)
        with Counted() as counted:
            found = run_local(local, plan, rank, tensors, call)
        counts[name] = len(counted.calls)
        for ours, theirs in zip(found, wanted):
            assert torch.equal(ours, theirs)
    return counts


def agrees(mesh):
    """An error of one rank is one of all, across every group; so is silence."""
    rank, ranks = dist.get_rank(), mesh.size()
    node, said = nodes_of(ranks), []

    def other():
        return cpb.plan("causal:96", ranks, balancer="even" if rank else "contiguous",
                        chunk=8)

    def fails():
        return cpb.plan("causal:0" if rank == ranks - 1 else "causal:96", ranks)

    plan = agree(lambda: cpb.plan("causal:96", ranks), [None, node])
    assert plan == cpb.plan("causal:96", ranks)
    for make, groups in ((other, [None]), (fails, [None]), (fails, [node, None])):
        try:
            agree(make, groups)
        except cpb.Error as error:
            said.append(str(error))
    assert len(said) == 3
    silent = dist.new_group(list(range(ranks)))
    if rank:  # rank 0 never comes
        try:
            agree(lambda: plan, [silent], datetime.timedelta(seconds=1))
        except RuntimeError:
            said.append("no answer")
        assert said[-1] == "no answer"
    return said


def refuses(mesh):
    """The sentences of what does not fit."""
    rank, ranks, said = dist.get_rank(), mesh.size(), []
    mask = cpb.Mask("documents:40,24")
    plan, other = (cpb.plan(mask, n, chunk=8) for n in (ranks, ranks + 1))
    exchange = cpb.Exchange(plan, mask)
    node = nodes_of(ranks)
    moved = KeyExchange(exchange, plan, rank)
    local = LocalPlan(plan, mask, block_size=16)
    k = torch.zeros(1, 1, plan.size(rank), 4)
    for call in (
            lambda: KeyExchange(cpb.Exchange(other, mask), other, rank),
            lambda: KeyExchange(exchange, plan, (rank + 1) % ranks),
            lambda: KeyExchange(exchange, plan, rank, room=Room(slots=3)),
            lambda: KeyExchange(exchange, plan, rank, node_group=node),
            lambda: moved(k[:, :, 1:], k), lambda: moved(k, k.double()),
            lambda: moved(k, k.to("meta")), lambda: moved(k.to("meta"), k.to("meta")),
            lambda: attention(k[:, :, 1:], k, k, local),
            lambda: attention(k.double(), k, k, local),
            lambda: restore(other, k), lambda: restore(plan, k, 1)):
        try:
            call()
        except cpb.Error as error:
            said.append(str(error))
    return said


# --- The tests, each of what a world found -------------------------------------------------


@pytest.mark.parametrize("processes", [2, 4])
def test_attention_and_gradients_equal_one_process(processes):
    assert world.run(processes, "test_key_exchange:equals_dense") == {"cases": len(CASES)}


def test_what_is_sent_is_what_the_exchange_says():
    assert world.run(4, "test_key_exchange:sends_what_the_plan_says") == {"forms": 2}


def test_torch_finds_nothing_wrong_with_the_operators():
    found = world.run(4, "test_key_exchange:operators_are_sound")
    assert len(found) == 16 and set(found) == {"SUCCESS"}


def test_fifty_packs_compile_once():
    assert world.run(2, "test_key_exchange:compiles_once") == dict.fromkeys(
        ("exchanged", "attention", "flex_too"), 50)


def test_one_kernel_serves_fifty_packs():
    assert world.run(2, "test_key_exchange:compiles_a_kernel_once") == 50


def test_checkpointing_fetches_again_or_saves():
    assert world.run(2, "test_key_exchange:checkpoints") == {"fetched again": 3, "saved": 2}


def test_an_error_of_one_rank_is_one_of_all():
    differs, failed, across = world.run(4, "test_key_exchange:agrees")
    assert "rank 1 has the plan" in differs and "plan from equal inputs" in differs
    assert "rank 3" in failed and "0 tokens" in failed
    assert "0 tokens" in across


def test_refusals():
    said = world.run(4, "test_key_exchange:refuses")
    words = ["the plan is for 5 ranks", "is asked for on rank 0", "above the capacity of 3",
             "make it with form=\"two-level\" and nodes=2", "16 tokens in the last dimension",
             "and one type", "V on meta", "K is on meta", "Q is torch.float32 of shape",
             "Q is torch.float64", "the plan is for 5 ranks; the group has 4",
             "the shard has 1 entries in dimension 1"]
    assert len(said) == len(words)
    for sentence, word in zip(said, words):
        assert word in sentence
