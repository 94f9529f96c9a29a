# SPDX-License-Identifier: Apache-2.0
"""The block mask of one rank from a block mask of the whole sequence.

Tiles of the whole that are empty or full stay so wherever the plan carries them, and a
plan of whole blocks leaves nothing else to decide. Where it cuts blocks, mask_mod is asked
about those tiles alone that touch neither only empty nor only full ones.
"""
from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

MaskMod = Callable[[Any, Any, Any, Any], Any]
_ASKED = 1 << 22  # pairs that mask_mod is asked about at once


def rearranged(whole: BlockMask, index: Tensor, first: int, size: int) -> BlockMask:
    """The block mask of query slots first .. first + size - 1 over all key slots.

    whole  over N queries and N keys in original order; with any number of heads, and of
           rows 1 or those of `index`
    index  [1 or rows, N] the original position of each slot, where `whole` is

    Blocks are as large as those of `whole`; where that lists no full blocks apart, neither
    does the result. Tiles are those that create_block_mask lists for the rearranged
    mask_mod.
    """
    block_q, block_k = whole.BLOCK_SIZE
    mask_mod = _moved(whole.mask_mod, index, first)
    columns = -(-whole.seq_lengths[1] // block_k)
    present = _tiles(whole.kv_num_blocks, whole.kv_indices, columns)
    separate = whole.full_kv_num_blocks is not None
    full = _tiles(whole.full_kv_num_blocks, whole.full_kv_indices, columns) if separate \
        else torch.zeros_like(present)
    rows = []
    for row in range(max(len(index), len(present))):
        order, tiles = index[row % len(index)], row % len(present)
        rows.append(_decided(present[tiles] | full[tiles], full[tiles],
                             _Side.of(order[first:first + size], block_q),
                             _Side.of(order, block_k)))
    some, every, open_ = (torch.stack(kind) for kind in zip(*rows))
    if open_.any():
        some_asked, every_asked = _asked(mask_mod, open_.nonzero(), whole.BLOCK_SIZE,
                                         (size, index.shape[1]))
        some[open_], every[open_] = some_asked, every_asked & separate
    return _block_mask(some & ~every, every if separate else None, (size, index.shape[1]),
                       whole.BLOCK_SIZE, mask_mod)


def _moved(mask_mod: MaskMod, index: Tensor, first: int) -> MaskMod:
    several = len(index) > 1

    def moved(b: Any, h: Any, q_idx: Any, kv_idx: Any) -> Any:
        row = b if several else 0
        return mask_mod(b, h, index[row, q_idx + first], index[row, kv_idx])

    return moved


def _tiles(counts: Any, lists: Any, columns: int) -> Tensor:
    """bool [rows, heads, query blocks, key blocks]: which tiles are listed."""
    listed = torch.arange(lists.shape[-1], device=lists.device) < counts[..., None]
    found = torch.zeros((*counts.shape, columns + 1), dtype=torch.bool, device=lists.device)
    found.scatter_(-1, torch.where(listed, lists, columns).long(), True)
    return found[..., :columns]


class _Side(NamedTuple):
    """Queries or keys: which original blocks each block of slots touches."""

    touched: Tensor  #: [blocks, most] the last one repeated
    whole: Tensor  #: bool [blocks]: all of one original block
    ragged: Tensor  #: bool [blocks]: reaches beyond the last slot

    @classmethod
    def of(cls, positions: Tensor, block: int) -> _Side:
        blocks = -(-len(positions) // block)
        padded = positions.new_zeros(blocks * block)
        padded[:len(positions)] = positions // block
        padded[len(positions):] = padded[len(positions) - 1]
        origin = padded.view(blocks, block).long()
        new = torch.ones_like(origin, dtype=torch.bool)
        new[:, 1:] = origin[:, 1:] != origin[:, :-1]
        place = new.cumsum(1) - 1
        touched = origin[:, -1:].repeat(1, int(place.max()) + 1)
        touched.scatter_(1, place, origin)
        ragged = torch.zeros(blocks, dtype=torch.bool, device=positions.device)
        ragged[-1] = len(positions) % block != 0
        return cls(touched, (place[:, -1] == 0) & ~ragged, ragged)


def _decided(present: Tensor, full: Tensor, queries: _Side, keys: _Side
             ) -> tuple[Tensor, Tensor, Tensor]:
    """bool [heads, query blocks, key blocks] of slots each: tiles with a pair, tiles that
    are full, and tiles of which neither is known."""
    some = _folded(present, queries.touched, keys.touched, torch.logical_or)
    every = _folded(full, queries.touched, keys.touched, torch.logical_and)
    every &= ~(queries.ragged[:, None] | keys.ragged)
    exact = queries.whole[:, None] & keys.whole
    return some, every, some & ~every & ~exact


def _folded(tiles: Tensor, queries: Tensor, keys: Tensor,
            fold: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Over all original tiles that a tile of slots touches."""
    for dim, touched in ((-2, queries), (-1, keys)):
        found = tiles.index_select(dim, touched[:, 0])
        for column in touched.T[1:]:
            found = fold(found, tiles.index_select(dim, column))
        tiles = found
    return tiles


def _asked(mask_mod: MaskMod, tiles: Tensor, block: tuple[int, int],
           lengths: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Whether mask_mod allows some, and every, pair of tiles [n, 4] of (row, head, query
    block, key block); slots beyond the last allow none."""
    call = torch.vmap(mask_mod, in_dims=(None, None, None, 0))
    call = torch.vmap(call, in_dims=(None, None, 0, None))
    call = torch.vmap(call, in_dims=(0, 0, 0, 0))
    q_slots, k_slots = (torch.arange(n, device=tiles.device) for n in block)
    some, every = [], []
    for part in torch.split(tiles, max(1, _ASKED // (block[0] * block[1]))):
        q = part[:, 2, None] * block[0] + q_slots
        k = part[:, 3, None] * block[1] + k_slots
        inside = (q < lengths[0])[:, :, None] & (k < lengths[1])[:, None]
        allowed = inside & call(part[:, 0], part[:, 1], q.clamp(max=lengths[0] - 1),
                                k.clamp(max=lengths[1] - 1))
        some.append(allowed.flatten(1).any(1))
        every.append(allowed.flatten(1).all(1))
    return torch.cat(some), torch.cat(every)


def _block_mask(partial: Tensor, full: Optional[Tensor], lengths: tuple[int, int],
                block: tuple[int, int], mask_mod: MaskMod) -> BlockMask:
    tables: dict[str, Any] = {}
    for kind, tiles in (("", partial), ("full_", full)):
        for side in ("kv", "q"):
            listed = (None, None) if tiles is None else \
                _lists(tiles if side == "kv" else tiles.transpose(-2, -1))
            tables[f"{kind}{side}_num_blocks"], tables[f"{kind}{side}_indices"] = listed
    return BlockMask(lengths, **tables, BLOCK_SIZE=block, mask_mod=mask_mod)


def _lists(tiles: Tensor) -> tuple[Tensor, Tensor]:
    """int32 counts [..., n] and ascending indices [..., n, m], 0 behind the last."""
    counts = tiles.sum(-1, dtype=torch.int32)
    place = tiles.cumsum(-1) - 1
    indices = torch.zeros(tiles.shape, dtype=torch.int32, device=tiles.device)
    at = tiles.nonzero(as_tuple=True)
    indices[(*at[:-1], place[at])] = at[-1].int()
    return counts, indices
