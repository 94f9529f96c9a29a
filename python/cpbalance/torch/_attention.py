# SPDX-License-Identifier: Apache-2.0
"""Attention by a plan: FlexAttention over exchanged keys.

    local = LocalPlan(plan, mask)            # once per batch, on the host
    out = attention(q, k, v, local)          # in every layer, q, k, v of the rank's tokens
"""
from __future__ import annotations

from typing import Any, Optional, Union

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.attention.flex_attention import create_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from .._error import Error
from .._exchange import Exchange
from .._mask import Mask
from .._plan import Plan
from ._block_mask import block_mask
from ._exchange import KeyExchange, Room


class LocalPlan:
    """A plan as one rank executes it under one mask.

    plan, mask  as planned; several masks have one LocalPlan each
    group       the context-parallel group; the default group by default
    node_group  this rank's node: keys then enter a node once (two-level)
    block_size  query and key slots per block of the block mask
    room        capacities, so that shapes stay the same from batch to batch
    levels      intervals of keys per query, likewise
    device      where q, k and v are

    exchange  the KeyExchange
    block_mask  torch's BlockMask of the rank's queries over the exchanged keys
    """

    def __init__(self, plan: Plan, mask: Mask, *,
                 group: Optional[dist.ProcessGroup] = None,
                 node_group: Optional[dist.ProcessGroup] = None,
                 block_size: Union[int, tuple[int, int]] = 128, room: Room = Room(),
                 levels: Optional[int] = None,
                 device: Union[str, torch.device] = "cpu") -> None:
        rank = dist.get_rank(group)
        if node_group is None:
            exchange = Exchange(plan, mask)
        else:
            nodes = max(1, plan.ranks // dist.get_world_size(node_group))
            exchange = Exchange(plan, mask, "two-level", nodes)
        self.exchange = KeyExchange(exchange, plan, rank, group=group,
                                    node_group=node_group, room=room, device=device)
        self.block_mask = block_mask(
            plan, mask, rank, exchange=exchange, block_size=block_size,
            lengths=(-1, len(self.exchange.held)), levels=levels, device=device)


def attention(q: Tensor, k: Tensor, v: Tensor, plan: LocalPlan, *,
              scale: Optional[float] = None, **flex: Any) -> Any:
    """Attention of the rank's queries over all keys that they may attend to.

    q     [B, Hq, own, D]; k, v [B, Hkv, own, D], Hkv divides Hq: the rank's tokens in the
          plan's order
    flex  further arguments of flex_attention (score_mod, return_aux, kernel_options)

    Returns what flex_attention returns, [B, Hq, own, D]. Queries that see no key (pads)
    give 0. On a CPU torch has no FlexAttention backward: where a gradient is asked for
    there, scaled_dot_product_attention computes the same with a dense mask of own x held.
    """
    if q.shape[-2] != plan.exchange.own or q.dtype != k.dtype:
        raise Error(f"Q is {q.dtype} of shape {tuple(q.shape)}, K {k.dtype}; accepted are "
                    f"{plan.exchange.own} tokens in the last dimension but one, and one type")
    keys, values = plan.exchange(k, v)
    grouped = q.shape[1] != k.shape[1]
    if q.device.type == "cpu" and torch.is_grad_enabled() and not flex and (
            q.requires_grad or keys.requires_grad or values.requires_grad):
        seen = create_mask(plan.block_mask.mask_mod, 1, 1, q.shape[2], keys.shape[2],
                           q.device)
        return scaled_dot_product_attention(q, keys, values, attn_mask=seen, scale=scale,
                                            enable_gqa=grouped)
    return flex_attention(q, keys, values, block_mask=plan.block_mask, scale=scale,
                          enable_gqa=grouped, **flex)
