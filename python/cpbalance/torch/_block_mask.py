# SPDX-License-Identifier: Apache-2.0
"""FlexAttention block masks of one rank, made in closed form, never from S x S.

    from cpbalance.torch import block_mask
    local = block_mask(plan, mask, rank)          # keys all-gathered in the plan's order
    out = flex_attention(q, all_k, all_v, block_mask=local)
"""
from __future__ import annotations

from typing import Any, Callable, Optional, Union

import torch
from torch.nn.attention.flex_attention import BlockMask

from .._exchange import Exchange
from .._mask import Mask
from .._plan import Plan
from .._shard import KeyLayout, Shard, ShardBlocks

MaskMod = Callable[[Any, Any, Any, Any], Any]


def block_mask(plan: Plan, mask: Mask, rank: int, *, exchange: Optional[Exchange] = None,
               block_size: Union[int, tuple[int, int]] = 128,
               lengths: tuple[int, int] = (-1, -1), levels: Optional[int] = None,
               q_blocks: bool = True,
               device: Union[str, torch.device] = "cpu") -> BlockMask:
    """The BlockMask of one rank, B = H = 1.

    exchange    None: keys lie all-gathered in the plan's order. Else the keys that the
                rank holds after this exchange lie by ascending original position
    block_size  query and key slots per block
    lengths     query and key slots; -1: those that there are. More make constant shapes
    levels      intervals of keys per query in mask_mod; as many as needed by default. A
                constant keeps compiled code: masks with other numbers are other functions
    q_blocks    make the tables for the backward pass too
    device      where tensors go; they are made on the host

    Tiles are those that create_block_mask lists for the mask's own mask_mod. Entries of a
    row behind its count are 0. Raises Error where plan, mask and exchange do not fit.
    """
    block = (block_size, block_size) if isinstance(block_size, int) else block_size
    order = "as-arrived" if exchange is None else "ascending"
    shard = Shard(plan, mask, KeyLayout(plan, exchange, rank, order), rank)
    blocks = ShardBlocks(shard, block, lengths)
    seq_lengths = (plan.size(rank) if lengths[0] < 0 else lengths[0],
                   shard.keys.slots if lengths[1] < 0 else lengths[1])
    tables: dict[str, Any] = {}
    for name in ("kv", "full_kv", "q", "full_q"):
        made = name in ("kv", "full_kv") or q_blocks
        tables[f"{name}_num_blocks"], tables[f"{name}_indices"] = (
            _table(blocks, name.replace("_", "-"), device) if made else (None, None))
    return BlockMask(
        seq_lengths, **tables, BLOCK_SIZE=block,
        mask_mod=_mask_mod(shard, exchange is None, seq_lengths, levels, device))


def _table(blocks: ShardBlocks, name: str, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    shape = blocks.shape(name)
    counts = torch.empty((1, 1, shape.rows), dtype=torch.int32)
    indices = torch.empty((1, 1, shape.rows, shape.columns), dtype=torch.int32)
    blocks.table(name, out=(counts, indices))
    return counts.to(device), indices.to(device)


def _mask_mod(shard: Shard, gathered: bool, seq_lengths: tuple[int, int],
              levels: Optional[int], device: Any) -> MaskMod:
    """A query slot sees the keys whose number lies in one of its intervals. The number of
    an exchanged key is its slot; that of a gathered one its position, looked up."""
    if gathered:
        ascending = shard._replace(keys=KeyLayout(shard.plan, order="ascending"))
        positions = torch.full((max(1, seq_lengths[1]),), -1, dtype=torch.int32)
        shard.keys.positions(out=positions[:shard.keys.slots])
    low, high = (torch.from_numpy(side).to(device) for side in
                 (ascending if gathered else shard).sights(levels, seq_lengths[0]))
    number = positions.to(device) if gathered else None

    def mask_mod(b: Any, h: Any, q_idx: Any, kv_idx: Any) -> Any:
        key = kv_idx if number is None else number[kv_idx]
        seen = (low[0, q_idx] <= key) & (key < high[0, q_idx])
        for level in range(1, low.shape[0]):
            seen = seen | ((low[level, q_idx] <= key) & (key < high[level, q_idx]))
        return seen

    return mask_mod
