# SPDX-License-Identifier: Apache-2.0
"""Back into the caller's order: outputs, log-probabilities, losses."""
from __future__ import annotations

from typing import Optional

import torch
import torch.distributed as dist
from torch import Tensor

from .._error import Error
from .._plan import Plan


@torch.no_grad()
def restore(plan: Plan, shard: Tensor, dim: int = 0,
            group: Optional[dist.ProcessGroup] = None) -> Tensor:
    """The whole tensor in original order, without pads, on every rank; no gradient.

    shard  with plan.size(rank) entries along `dim`; ranks may hold different numbers
    """
    rank, world = dist.get_rank(group), dist.get_world_size(group)
    if plan.ranks != world:
        raise Error(f"the plan is for {plan.ranks} ranks; the group has {world}")
    if shard.shape[dim] != plan.size(rank):
        raise Error(f"the shard has {shard.shape[dim]} entries in dimension {dim}; rank "
                    f"{rank} of the plan holds {plan.size(rank)}")
    rows = shard.movedim(dim, 0)
    longest = max(plan.size(r) for r in range(world))
    padded = rows.new_zeros((longest, *rows.shape[1:]))
    padded[:len(rows)] = rows
    gathered = [torch.empty_like(padded) for _ in range(world)]
    dist.all_gather(gathered, padded, group=group)
    order = torch.cat([gathered[r][:plan.size(r)] for r in range(world)])
    inverse = torch.from_numpy(plan.inverse())[:plan.tokens].to(shard.device)
    return order[inverse].movedim(0, dim)
