# SPDX-License-Identifier: Apache-2.0
"""FlexAttention block masks of one rank, made in closed form, never from S x S.

    from cpbalance.torch import block_mask
    local = block_mask(plan, mask, rank)          # keys all-gathered in the plan's order
    out = flex_attention(q, all_k, all_v, block_mask=local)
"""
from __future__ import annotations

from typing import Any, Callable, Optional, Sequence, Union

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from .._error import Error
from .._exchange import Exchange
from .._mask import Mask
from .._plan import Plan
from .._shard import KeyLayout, Shard, ShardBlocks

MaskMod = Callable[[Any, Any, Any, Any], Any]


def block_mask(plan: Union[Plan, Sequence[Plan]], mask: Union[Mask, Sequence[Mask]],
               rank: int, *, exchange: Optional[Exchange] = None,
               block_size: Union[int, tuple[int, int]] = 128,
               lengths: tuple[int, int] = (-1, -1), levels: Optional[int] = None,
               q_blocks: bool = True,
               device: Union[str, torch.device] = "cpu") -> BlockMask:
    """The BlockMask of one rank, H = 1, B the rows of the batch that are planned one by
    one.

    plan, mask  one for all rows, or one per row
    exchange    None: keys lie all-gathered in the plan's order. Else, where one plan and
                mask serve all rows, the keys that the rank holds after this exchange, by
                ascending original position
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
    shards = [Shard(one, its, KeyLayout(one, exchange, rank, order), rank)
              for one, its in _rows(plan, mask, exchange)]
    seq_lengths = (shards[0].plan.size(rank) if lengths[0] < 0 else lengths[0],
                   shards[0].keys.slots if lengths[1] < 0 else lengths[1])
    blocks = [ShardBlocks(shard, block, seq_lengths) for shard in shards]
    tables: dict[str, Any] = {}
    for name in ("kv", "full_kv", "q", "full_q"):
        made = name in ("kv", "full_kv") or q_blocks
        tables[f"{name}_num_blocks"], tables[f"{name}_indices"] = (
            _table(blocks, name.replace("_", "-"), device) if made else (None, None))
    return BlockMask(
        seq_lengths, **tables, BLOCK_SIZE=block,
        mask_mod=_mask_mod(shards, exchange is None, seq_lengths, levels, device))


def _rows(plan: Union[Plan, Sequence[Plan]], mask: Union[Mask, Sequence[Mask]],
          exchange: Optional[Exchange]) -> list[tuple[Plan, Mask]]:
    plans = [plan] if isinstance(plan, Plan) else list(plan)
    masks = [mask] if isinstance(mask, Mask) else list(mask)
    rows = max(len(plans), len(masks))
    if not plans or not masks or {len(plans), len(masks)} - {1, rows}:
        raise Error(f"there are {len(plans)} plans and {len(masks)} masks; accepted is one "
                    "for all rows of the batch, or one per row")
    if exchange is not None and rows > 1:
        raise Error(f"an exchange serves one plan under one mask; there are {rows} rows")
    return list(zip(plans * (rows // len(plans)), masks * (rows // len(masks))))


def _table(rows: Sequence[ShardBlocks], name: str, device: Any) -> tuple[Tensor, Tensor]:
    shape = rows[0].shape(name)
    counts = torch.empty((len(rows), 1, shape.rows), dtype=torch.int32)
    indices = torch.empty((len(rows), 1, shape.rows, shape.columns), dtype=torch.int32)
    for blocks, *out in zip(rows, counts, indices):
        blocks.table(name, out=(out[0], out[1]))
    return counts.to(device), indices.to(device)


def _mask_mod(shards: Sequence[Shard], gathered: bool, seq_lengths: tuple[int, int],
              levels: Optional[int], device: Any) -> MaskMod:
    """A query slot sees the keys whose number lies in one of its intervals. The number of
    an exchanged key is its slot; that of a gathered one its position, looked up."""
    number = None
    if gathered:
        number = torch.full((len(shards), max(1, seq_lengths[1])), -1, dtype=torch.int32)
        for shard, row in zip(shards, number):
            shard.keys.positions(out=row[:shard.keys.slots])
        number = number.to(device)
        shards = [shard._replace(keys=KeyLayout(shard.plan, order="ascending"))
                  for shard in shards]
    low, high = _sights(shards, levels, seq_lengths[0], device)
    several = len(shards) > 1

    def mask_mod(b: Any, h: Any, q_idx: Any, kv_idx: Any) -> Any:
        row = b if several else 0
        key = kv_idx if number is None else number[row, kv_idx]
        seen = (low[row, 0, q_idx] <= key) & (key < high[row, 0, q_idx])
        for level in range(1, low.shape[1]):
            seen = seen | ((low[row, level, q_idx] <= key) & (key < high[row, level, q_idx]))
        return seen

    return mask_mod


def _sights(shards: Sequence[Shard], levels: Optional[int], stride: int, device: Any
            ) -> tuple[Tensor, Tensor]:
    """int32 [rows, levels, stride] each: first and one past the last key of every interval
    that a query sees; rows with fewer intervals end with empty ones."""
    rows = [shard.sights(levels, stride) for shard in shards]
    most = max(len(low) for low, _ in rows)
    sides = torch.zeros((2, len(rows), most, stride), dtype=torch.int32)
    for row, found in enumerate(rows):
        for side, intervals in zip(sides, found):
            side[row, :len(intervals)] = torch.from_numpy(intervals)
    low, high = sides.to(device)
    return low, high
