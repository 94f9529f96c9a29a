# SPDX-License-Identifier: Apache-2.0
"""Exchanges from Python: keys that really travel land where a rank looks for them."""
import numpy as np
import pytest

import cpbalance as cpb
from conftest import masks_of, split


def needed(mask, plan, rank):
    mine = plan.order()[sum(plan.size(r) for r in range(rank)):][:plan.size(rank)]
    rows = [[mask.allows(int(q), k) for k in range(mask.tokens)]
            for q in mine if q < mask.tokens]
    keys = set(np.flatnonzero(np.any(rows, axis=0)).tolist()) if rows else set()
    return keys, set(int(p) for p in mine if p < mask.tokens)


def memories(exchange, plan):
    """Each rank's slots: the positions of its shard, then -1 for its receive buffer."""
    ends = np.cumsum([0] + [plan.size(r) for r in range(plan.ranks)])
    order = plan.order()
    return [np.concatenate([order[ends[r]:ends[r + 1]],
                            np.full(exchange.traffic(r).buffer, -1)])
            for r in range(plan.ranks)]


@pytest.mark.parametrize("form, nodes", [("flat", 0), ("two-level", 2), ("relay", 0)])
def test_keys_travel(rng, form, nodes):
    for _ in range(15):
        mask = rng.choice(masks_of(split(rng, rng.randint(8, 60))))
        plan = cpb.plan(mask, 4, balancer=rng.choice(["even", "head-tail", "per-document"]),
                        chunk=4)
        exchange = cpb.Exchange(plan, mask, form, nodes)
        slots = memories(exchange, plan)
        for step in range(exchange.steps):
            for rank in range(4):
                for t in exchange.received(rank, step):
                    keys = np.arange(*t["keys"].tolist())
                    source = slots[t["from"]][t["source"]:t["source"] + len(keys)]
                    shard = exchange.traffic(rank).shard
                    assert (source == keys).all()
                    slots[rank][shard + t["target"]:][:len(keys)] = keys
        for rank in range(4):
            want, own = needed(mask, plan, rank)
            have = {int(p) for p in slots[rank] if 0 <= p < mask.tokens}
            assert have == want | own
            held = exchange.held(plan, rank)
            lie = [slots[rank][h["slot"]:][:h["keys"]["end"] - h["keys"]["begin"]]
                   for h in held]
            assert np.concatenate(lie or [[]]).tolist() == sorted(have)


def test_lists_counts_and_slots_agree():
    mask = cpb.Mask(documents=[40, 24, 64])
    plan = cpb.plan(mask, 4, balancer="even", chunk=8)
    exchange = cpb.Exchange(plan, mask, "two-level", 2)
    least = exchange.least()
    exchange.fits(least)
    exchange.fits(cpb.Capacity(-1, -1, -1))
    for rank in range(4):
        assert len(exchange.received(rank)) == sum(
            len(exchange.received(rank, s)) for s in range(exchange.steps))
        for way in ("forward", "backward"):
            for i in range(exchange.steps):
                step, gives, gets = exchange.stage(rank, way, i)
                assert step == (i if way == "forward" else exchange.steps - 1 - i)
                give, get = exchange.counts(rank, way, i)
                for side, count, moved in (("gives", give, gives), ("gets", get, gets)):
                    keys = moved["keys"]["end"] - moved["keys"]["begin"]
                    assert keys.sum() == count.sum()
                    slots = exchange.slots(rank, way, i, side, least.pair, np.int32)
                    assert slots.shape == (4, least.pair)
                    assert ((slots >= 0).sum(axis=1) == count).all()
    assert sum(exchange.traffic(r).receive for r in range(4)) == \
        sum(exchange.traffic(r).send for r in range(4))


def test_moves_and_halos():
    before = cpb.plan("documents:40,24", 4, balancer="head-tail")
    after = cpb.plan("documents:40,24", 4, balancer="contiguous")
    move = cpb.Exchange.move(before, after)
    assert move.steps == 1 and sum(move.traffic(r).buffer for r in range(4)) == 64
    halo = cpb.Exchange.halo(before, 2, [40, 64])
    assert all(t["keys"]["end"] - t["keys"]["begin"] <= 2
               for r in range(4) for t in halo.received(r))


def test_relays_send_what_the_score_says():
    mask = cpb.Mask("shared-question:40,10,10,10,10")
    plan = cpb.plan(mask, 4, balancer="contiguous", chunk=4)
    found = cpb.score(plan, mask)
    relay = cpb.Exchange(plan, mask, "relay")
    assert max(relay.traffic(rank).send for rank in range(4)) == found.relay_send_max
    assert found.send_max_bound <= found.relay_send_max < found.send_max


MASK = cpb.Mask(documents=[40, 24])
PLAN = cpb.plan(MASK, 4, balancer="even", chunk=4)
EXCHANGE = cpb.Exchange(PLAN, MASK)
REFUSED = [
    (lambda: cpb.Exchange(PLAN, cpb.Mask("full:9")), "9"),
    (lambda: cpb.Exchange(PLAN, MASK, "two-level", 3), "3"),
    (lambda: cpb.Exchange(PLAN, MASK, "tree"), "accepted are flat, two-level, relay"),
    (lambda: cpb.Exchange.move(PLAN, cpb.plan("full:9", 4)), "9"),
    (lambda: cpb.Exchange.halo(PLAN, -1), "-1"),
    (lambda: EXCHANGE.received(4), "rank 4"),
    (lambda: EXCHANGE.sent(0, 1), "step 1"),
    (lambda: EXCHANGE.stage(0, "sideways", 0), "accepted are forward, backward"),
    (lambda: EXCHANGE.counts(0, "forward", -1), "step -1"),
    (lambda: EXCHANGE.fits(cpb.Capacity(1, 1, 1)), "allgather"),
    (lambda: EXCHANGE.slots(0, "forward", 0, "gives", 0), "0"),
    (lambda: EXCHANGE.slots(0, "forward", 0, "gives", -1), "room for -1 keys"),
    (lambda: EXCHANGE.held(cpb.plan(MASK, 4, balancer="head-tail"), 0), "was made from"),
    (lambda: cpb.KeyLayout(cpb.plan(MASK, 4, balancer="head-tail"), EXCHANGE),
     "was made from"),
    (lambda: cpb.Exchange.move(PLAN, PLAN).held(PLAN, 0), "no keys are held"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused_with_a_sentence(case):
    call, words = REFUSED[case]
    with pytest.raises(cpb.Error, match=words):
        call()
