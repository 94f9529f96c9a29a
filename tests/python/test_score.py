# SPDX-License-Identifier: Apache-2.0
"""Scores and proofs from Python."""
import dataclasses

import numpy as np
import pytest

import cpbalance as cpb
from cpbalance._lib import ffi

MASK = cpb.Mask(documents=[700, 0, 324])
PLAN = cpb.plan(MASK, 4, balancer="ptrr", chunk=64)


def test_costs_beyond_64_bits_are_refused_and_no_lack_of_memory():
    mask = cpb.Mask("causal:1073741824")
    plan = cpb.plan(mask, 8, balancer="striped", chunk=1 << 22, cost="pairs")
    with pytest.raises(cpb.Error, match="costs more than"):
        cpb.score(plan, mask)


def test_fields_are_those_of_the_struct():
    """Score is written for readers; it must not drift from the header."""
    struct = [name for name, _ in ffi.typeof("cpb_score").fields]
    assert [f.name for f in dataclasses.fields(cpb.Score)] == [*struct, "ranks", "matrix"]
    assert list(cpb.score(PLAN, MASK).ranks.dtype.names) == [
        name for name, _ in ffi.typeof("cpb_rank_score").fields]


def test_figures_add_up():
    found = cpb.score(PLAN, MASK, matrix=True, cost="pairs")
    assert found.ranks["pairs"].sum() == MASK.pairs
    assert found.ranks["load"].max() == found.load_max
    assert found.matrix.sum() == found.ranks["receive"].sum() == found.receive_total
    assert (found.matrix.sum(axis=0) == found.ranks["receive"]).all()
    assert (found.matrix.sum(axis=1) == found.ranks["send"]).all()
    assert cpb.score(PLAN, MASK).matrix is None


def test_several_masks_count_with_their_weights():
    one, two = (cpb.score(PLAN, m, cost="pairs") for m in (MASK, "window:700,0,324;n=32"))
    both = cpb.score(PLAN, [MASK, "3*window:700,0,324;n=32"], cost="pairs")
    assert (both.ranks["pairs"] == one.ranks["pairs"] + 3 * two.ranks["pairs"]).all()


def test_check_proves_and_refutes():
    found = cpb.score(PLAN, MASK)
    cpb.check(PLAN)
    cpb.check(PLAN, MASK, found)
    for name in ("load_max", "tiles", "receive_max", "step_time", "segments_max"):
        wrong = dataclasses.replace(found, **{name: getattr(found, name) + 1})
        with pytest.raises(cpb.Refuted, match=name):
            cpb.check(PLAN, MASK, wrong)
    ranks = found.ranks.copy()
    ranks["pairs"][2] += 1
    with pytest.raises(cpb.Refuted, match="pairs"):
        cpb.check(PLAN, MASK, dataclasses.replace(found, ranks=ranks))
    with pytest.raises(cpb.Error, match="1025"):
        cpb.check(PLAN, "causal:1025")


def test_check_order():
    cpb.check_order(np.array([2, 0, 1], np.int32))
    with pytest.raises(cpb.Refuted) as caught:
        cpb.check_order([0, 1, 1])
    assert caught.value.at == 2


def test_score_refuses():
    with pytest.raises(cpb.Error, match="9"):
        cpb.score(PLAN, "causal:9")
    with pytest.raises(TypeError, match="no option 'balancer'"):
        cpb.score(PLAN, MASK, balancer="even")
