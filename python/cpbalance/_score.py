# SPDX-License-Identifier: Apache-2.0
"""Scores and proofs."""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Optional

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, integers, pointer, record
from ._lib import demand, ffi, lib, new_error
from ._mask import Masks, view
from ._options import setup_of
from ._plan import Plan

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Setup

_RANK = record("cpb_rank_score")


@dataclass(frozen=True)
class Score:
    """The numbers of a plan under masks and a setup; docs/formats.md defines each."""

    load_max: int  #: units of the cost
    load_mean: float
    load_bound: int  #: no plan of these sizes and this granularity is below
    imbalance: float  #: load_max / load_mean - 1
    gap: float  #: load_max / load_bound - 1
    tiles: int
    tiles_added: int
    receive_total: int  #: keys
    receive_max: int
    send_max: int
    relay_send_max: int  #: where keys go by the relay form
    pair_max: int
    peers_max: int
    net_in_max: int
    net_out_max: int
    receive_bound: int
    receive_max_bound: int
    send_max_bound: int  #: of the rank that sends most, in any form
    own_work: float  #: share of all pairs whose key is owned
    runs_max: int
    segments_max: int
    memory_max: int  #: bytes
    step_time: int  #: picoseconds of one attention layer, summed over weights
    ranks: npt.NDArray[Any]  #: structured [ranks]: tokens, pairs, load, receive, ...
    matrix: Optional[Integers]  #: int64 [ranks, ranks] keys from row to column, if asked


_FIGURES = [field.name for field in fields(Score)][:-2]


def score(plan: Plan, masks: Masks, matrix: bool = False, **setup: Unpack[Setup]) -> Score:
    """Measure a plan, ours or anybody's, against masks.

    masks   of as many tokens as the plan
    matrix  also how many keys go from each rank to each other one
    setup   how attention is run; see Setup. Nothing is taken over from plan.options
    """
    view_, held = view(masks)
    struct, kept = setup_of(plan.ranks, setup)
    ranks = np.zeros(plan.ranks, _RANK)
    traffic = np.zeros((plan.ranks, plan.ranks), np.int64) if matrix else None
    found, error = ffi.new("cpb_score *"), new_error()
    demand(lib.cpb_score_plan(
        plan._plan, view_, struct, ffi.NULL, found, pointer(ranks, "cpb_rank_score *"),
        pointer(traffic), error), error)
    del held, kept
    figures: dict[str, Any] = {name: getattr(found, name) for name in _FIGURES}
    return Score(**figures, ranks=ranks, matrix=traffic)


def check(plan: Plan, masks: Optional[Masks] = None, score: Optional[Score] = None,
          **setup: Unpack[Setup]) -> None:
    """Prove a plan by code that shares nothing with the planner: every token on one rank,
    sizes as promised, every allowed pair computed exactly once, the hash.

    masks  None: only the laws that need no mask
    score  its figures are recounted too, under the same `setup`

    Raises Refuted with the first counterexample.
    """
    counts = [lib.cpb_plan_n_runs(plan._plan, rank) for rank in range(plan.ranks)]
    first = np.cumsum([0, *counts], dtype=np.int64)
    hash_ = ffi.new("uint64_t *", plan.hash)
    claim = ffi.new("cpb_claim *", {
        "tokens": plan.tokens, "padding": plan.padding, "ranks": plan.ranks,
        "first": pointer(first), "runs": lib.cpb_plan_runs(plan._plan, 0),
        "promise": lib.cpb_plan_promise(plan._plan)[0], "hash": hash_})
    figures = None
    if score is not None:
        figures = ffi.new("cpb_score *", {n: getattr(score, n) for n in _FIGURES})
        pairs, loads = (np.ascontiguousarray(score.ranks[n]) for n in ("pairs", "load"))
        claim.score, claim.pairs, claim.loads = figures, pointer(pairs), pointer(loads)
    view_, held = (ffi.NULL, None) if masks is None else view(masks)
    struct, kept = setup_of(plan.ranks, setup)
    error = new_error()
    demand(lib.cpb_check_plan(claim, view_, struct, ffi.NULL, error), error)
    del held, kept, figures


def check_order(order: Any) -> None:
    """Prove that `order`, int [n], is a permutation of 0 .. n - 1. Raises Refuted; `at`
    is the first offending entry."""
    array, error = integers(order, "order"), new_error()
    demand(lib.cpb_check_order(len(array), pointer(array), ffi.NULL, error), error)
