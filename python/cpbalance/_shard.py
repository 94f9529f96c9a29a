# SPDX-License-Identifier: Apache-2.0
"""What one rank computes: key layouts, slices, sights, block masks, varlen metadata."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, copied, indices, integers, pointer, record, writable
from ._error import Error
from ._exchange import Exchange
from ._lib import demand, ffi, lib, names, new_error
from ._mask import Mask
from ._options import choose
from ._plan import Plan

_HOLDING, _SLICE = record("cpb_holding"), record("cpb_slice")
_ORDERS, _TABLES = names("cpb_key_order"), names("cpb_table")
Int32s = npt.NDArray[np.int32]


class KeyLayout:
    """Which slot of a kernel's memory holds which key; immutable.

    plan      who owns what
    exchange  None: all keys, as after an all-gather; else the keys that `rank` holds
              after this exchange
    rank      whose keys; without effect where there is no exchange
    order     "as-arrived": the plan's order, or shard and then receive buffer;
              "ascending": by original position
    """

    __slots__ = ("_keys", "_made_from", "__weakref__")
    _keys: Any
    _made_from: tuple[Any, ...]

    def __init__(self, plan: Plan, exchange: Optional[Exchange] = None, rank: int = 0,
                 order: str = "as-arrived") -> None:
        if exchange is not None:
            exchange._rank(rank)
            exchange._fits_plan(plan)
        made, error = ffi.new("cpb_keys **"), new_error()
        demand(lib.cpb_keys_create(
            plan._plan, ffi.NULL if exchange is None else exchange._exchange, rank,
            choose("order", order, _ORDERS), ffi.NULL, made, error), error)
        self._keys = ffi.gc(made[0], lib.cpb_keys_free)
        self._made_from = (plan, exchange, rank, order)

    @property
    def slots(self) -> int:
        """Slots, those of pads included."""
        return int(lib.cpb_keys_slots(self._keys))

    def holdings(self) -> npt.NDArray[Any]:
        """Structured [n] by ascending position: keys (begin, end) and slot. A copy."""
        n = ffi.new("size_t *")
        return copied(lib.cpb_keys_holdings(self._keys, n), n[0], _HOLDING)

    def positions(self, dtype: Any = np.int64, out: Optional[Any] = None) -> Any:
        """[slots] the original position of each slot, -1 for pads."""
        out, address, index = indices(self.slots, dtype, out, "positions")
        lib.cpb_keys_positions(self._keys, index, address)
        return out

    def __reduce__(self) -> Any:
        return KeyLayout, self._made_from

    def __repr__(self) -> str:
        return f"<KeyLayout of {self.slots} slots, {self._made_from[3]}>"


class Shard(NamedTuple):
    """One rank's part of the attention under one mask."""

    plan: Plan
    mask: Mask  #: of as many tokens as the plan
    keys: KeyLayout  #: holds every key that the rank needs
    rank: int

    def _view(self) -> Any:
        self.plan._rank(self.rank)
        return ffi.new("cpb_shard *", (self.plan._plan, self.mask._mask, self.keys._keys,
                                       self.rank))

    def slices(self) -> npt.NDArray[Any]:
        """Structured [n]: queries and keys (begin, end) in slots, and kind. Disjoint, and
        together exactly the rank's pairs."""
        view, n, error = self._view(), ffi.new("size_t *"), new_error()
        demand(lib.cpb_shard_slices(view, 0, ffi.NULL, n, error), error)
        slices = np.empty(n[0], _SLICE)
        demand(lib.cpb_shard_slices(view, len(slices), pointer(slices, "cpb_slice *"), n,
                                    error), error)
        return slices

    def sights(self, levels: Optional[int] = None,
               stride: Optional[int] = None) -> tuple[Int32s, Int32s]:
        """int32 [levels, stride] each: first and one past the last key slot of every
        interval that a query sees; empty ones are (0, 0). Keys must be "ascending".

        levels  intervals per query; as many as needed by default
        stride  query slots, the shard's size by default
        """
        view, needed, error = self._view(), ffi.new("int64_t *"), new_error()
        size = self.plan.size(self.rank)
        stride = size if stride is None else stride
        if stride < size:
            raise Error(f"there is room for {stride} queries; the shard has {size}")
        if levels is None:
            demand(lib.cpb_shard_sights(view, 0, 0, ffi.NULL, ffi.NULL, needed, ffi.NULL,
                                        error), error)
            levels = max(1, needed[0])
        if levels < 1:
            raise Error(f"there is room for {levels} intervals per query; accepted is 1 or "
                        "more")
        low, high = np.empty((2, levels, stride), np.int32)
        demand(lib.cpb_shard_sights(view, levels, stride, pointer(low, "int32_t *"),
                                    pointer(high, "int32_t *"), needed, ffi.NULL, error),
               error)
        return low, high


class TableShape(NamedTuple):
    """Size of one of the four tables of a block mask."""

    rows: int  #: blocks of queries; for the two q tables blocks of keys
    columns: int  #: the other side's blocks
    entries: int  #: listed tiles of all rows
    longest: int  #: listed tiles of the longest row: the least stride


class ShardBlocks:
    """The FlexAttention block mask of one shard, made in closed form; immutable.

    shard    whose
    block    query and key slots per block
    lengths  query and key slots; -1: those of the shard and of the key layout. More make
             constant shapes: what lies behind sees nothing

    Tables are "kv", "full-kv" and for backward "q", "full-q".
    """

    __slots__ = ("_blocks", "_made_from", "__weakref__")
    _blocks: Any
    _made_from: tuple[Any, ...]

    def __init__(self, shard: Shard, block: tuple[int, int] = (128, 128),
                 lengths: tuple[int, int] = (-1, -1)) -> None:
        made, error = ffi.new("cpb_shard_blocks **"), new_error()
        demand(lib.cpb_shard_blocks_create(
            shard._view(), ffi.new("cpb_blocking *", (*block, *lengths)), ffi.NULL, made,
            error), error)
        self._blocks = ffi.gc(made[0], lib.cpb_shard_blocks_free)
        self._made_from = (shard, block, lengths)

    def shape(self, table: str) -> TableShape:
        """The size of a table."""
        found = lib.cpb_shard_blocks_shape(self._blocks, choose("table", table, _TABLES))
        return TableShape(*(getattr(found, name) for name in TableShape._fields))

    def rows(self, table: str) -> tuple[Int32s, Int32s]:
        """int32 [rows + 1] and [entries]: row i lists indices[first[i]:first[i + 1]]."""
        shape, error = self.shape(table), new_error()
        first, listed = np.empty(shape.rows + 1, np.int32), np.empty(shape.entries, np.int32)
        demand(lib.cpb_shard_blocks_write_rows(
            self._blocks, choose("table", table, _TABLES), pointer(first, "int32_t *"),
            pointer(listed, "int32_t *"), error), error)
        return first, listed

    def table(self, table: str, rows: Optional[int] = None, stride: Optional[int] = None,
              sentinel: int = 0, out: Optional[tuple[Any, Any]] = None) -> tuple[Any, Any]:
        """int32 [rows] counts and [rows, stride] indices, as FlexAttention's tensors are.

        rows      rows to write, those of the table by default; further ones list nothing
        stride    capacity of a row; all columns by default
        sentinel  fills a row behind its last entry
        out       counts and indices to write into, on the host

        Raises Error where a row needs more than `stride`; `at` is the row.
        """
        shape, error = self.shape(table), new_error()
        rows = shape.rows if rows is None else rows
        stride = shape.columns if stride is None else stride
        if rows < shape.rows or stride < 0:
            raise Error(f"{rows} rows of {stride} are given to a table of {shape.rows} rows")
        counts, listed = out or (np.empty(rows, np.int32),
                                 np.empty((rows, stride), np.int32))
        to_counts, to_listed = (_int32(counts, rows, "counts"),
                                _int32(listed, rows * stride, "indices"))
        demand(lib.cpb_shard_blocks_write(
            self._blocks, choose("table", table, _TABLES), rows, stride, sentinel,
            to_counts, to_listed, error), error)
        return counts, listed

    def __reduce__(self) -> Any:
        return ShardBlocks, self._made_from

    def __repr__(self) -> str:
        partial, full = self.shape("kv"), self.shape("full-kv")
        return (f"<ShardBlocks of {partial.rows} x {partial.columns}, {partial.entries} "
                f"partial and {full.entries} full>")


def _int32(out: Any, n: int, what: str) -> Any:
    address, index = writable(out, n, what)
    if index != lib.CPB_INT32:
        raise Error(f"{what} are of 64 bits; accepted is int32")
    return ffi.cast("int32_t *", address)


class Varlen(NamedTuple):
    """What a varlen kernel is called with for one shard; lengths in tokens."""

    cu_q: Any  #: [segments + 1] where the queries of each segment start in the shard
    cu_k: Any  #: [segments + 1] where its keys start among those gathered
    max_q: int  #: queries of the longest segment
    max_k: int  #: keys of the segment with most keys
    k_indices: Any  #: [total_k] slot of each key in the layout


def varlen(plan: Plan, rank: int, document_ends: Any, keys: KeyLayout, *,
           segments: Optional[int] = None, total_k: Optional[int] = None,
           sentinel: int = 0, dtype: Any = np.int32) -> Varlen:
    """Metadata of a varlen kernel, causal inside documents and aligned at the bottom
    right; docs/shard.md.

    document_ends  int [documents] ascending to the plan's tokens (Mask.document_ends)
    keys           layout that k_indices go into
    segments       capacity; further segments are empty. Exact by default
    total_k        capacity of k_indices, filled up with `sentinel`. Exact by default

    Raises Error where a capacity is too small or the layout lacks a key.
    """
    ends = _ends(plan, document_ends)
    packing = ffi.new("cpb_packing *", (plan._plan, plan._rank(rank), len(ends),
                                        pointer(ends)))
    found = lib.cpb_varlen_count(packing)
    segments = found.segments if segments is None else segments
    total_k = found.total_k if total_k is None else total_k
    cu_q, to_cu_q, index = indices(max(0, segments) + 1, dtype, None, "cu_q")
    cu_k, to_cu_k, _ = indices(max(0, segments) + 1, dtype, None, "cu_k")
    listed, to_listed, _ = indices(max(0, total_k), dtype, None, "k_indices")
    error = new_error()
    demand(lib.cpb_varlen_write(
        packing, keys._keys, ffi.new("cpb_varlen_room *", (segments, total_k, sentinel)),
        index, to_cu_q, to_cu_k, to_listed, error), error)
    return Varlen(cu_q, cu_k, found.max_q, found.max_k, listed)


def _ends(plan: Plan, document_ends: Any) -> Integers:
    ends = integers(document_ends, "document ends")
    if not ends.size or ends[-1] != plan.tokens or (np.diff(ends, prepend=0) < 0).any():
        raise Error(f"document ends do not ascend to the {plan.tokens} tokens of the plan")
    return ends
