# SPDX-License-Identifier: Apache-2.0
"""Balanced, proved plans for context-parallel attention.

    import cpbalance as cpb

    mask = cpb.Mask(documents=[5000, 300, 12000])   # causal inside each document
    plan = cpb.plan(mask, ranks=8)                   # who holds which tokens
    order, inverse = plan.permutations()             # int64 [tokens + padding] each
    print(cpb.score(plan, mask).imbalance)

Everything is decided by the C library that the package carries; a call releases the GIL
while the library works. What the library refuses raises `Error` with its sentence.
Objects are immutable, may be read by any number of threads, and can be pickled.
"""
from ._error import Error, Refuted
from ._exchange import Capacity, Exchange, Traffic
from ._lib import library_version as _library_version
from ._lists import balancers, families, profiles, pytorch_default, schedule_rows
from ._mask import Mask
from ._options import Options, Setup
from ._plan import Plan, plan, plan_rows
from ._schedule import Domain, Schedule, ScheduleScore, schedule
from ._score import Score, check, check_order, score
from ._shard import KeyLayout, Shard, ShardBlocks, TableShape, Varlen, varlen

__version__ = _library_version()

__all__ = [
    "Capacity", "Domain", "Error", "Exchange", "KeyLayout", "Mask", "Options", "Plan",
    "Refuted", "Schedule", "ScheduleScore", "Score", "Setup", "Shard", "ShardBlocks",
    "TableShape", "Traffic", "Varlen", "balancers", "check", "check_order", "families",
    "plan", "plan_rows", "profiles", "pytorch_default", "schedule", "schedule_rows",
    "score", "varlen",
]
