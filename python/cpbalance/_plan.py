# SPDX-License-Identifier: Apache-2.0
"""Plans: for each rank an ordered list of runs."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Sequence

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, copied, ends_of, indices, integers, pointer, record
from ._error import Error
from ._lib import demand, ffi, lib, names, new_error, text
from ._mask import Masks, view
from ._options import choose, options_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options

_RANGE = record("cpb_range")
_SIZES = names("cpb_sizes")


def _pairs(values: Any, what: str) -> Integers:
    """`values` as int64 [n, 2]."""
    flat = integers(np.ravel(values), what)
    if len(flat) % 2:
        raise Error(f"{what} are {len(flat)} numbers; accepted are pairs of begin and end")
    return flat.reshape(-1, 2)


class Plan:
    """For each rank an ordered list of runs, ranges of original positions; immutable.

    Made by plan(), Plan.from_runs() and Plan.from_order(). N below is tokens + padding.
    A pickled plan holds its runs and what it was made with; its hash is checked when it
    is loaded.
    """

    __slots__ = ("_plan", "balancer", "options", "__weakref__")
    _plan: Any
    balancer: str  #: what made it ("auto" leaves the name it chose); "" for foreign plans
    options: dict[str, Any]  #: the keyword arguments that it was made with

    @classmethod
    def _made(cls, plan: Any, options: dict[str, Any]) -> Plan:
        made = cls.__new__(cls)
        made._plan = ffi.gc(plan, lib.cpb_plan_free)
        made.balancer = text(lib.cpb_plan_balancer(plan))
        made.options = options
        return made

    @classmethod
    def from_runs(cls, tokens: int, runs: Sequence[Any], *, padding: int = 0,
                  sizes: str = "uneven", chunk: int = 1, granularity: int = 1,
                  cap: int = -1, algorithm: Optional[int] = None) -> Plan:
        """A plan from anybody's runs.

        tokens   length of the sequence
        runs     per rank, in its order, int [n, 2] of [begin, end)
        padding  positions tokens .. tokens + padding - 1 are pads
        The rest is what the plan promises; docs/formats.md.

        Raises Error unless every position lies in exactly one run; `at` is the run.
        """
        per_rank = [_pairs(of_rank, f"runs of rank {r}") for r, of_rank in enumerate(runs)]
        first = np.cumsum([0, *map(len, per_rank)], dtype=np.int64)
        flat = np.concatenate(per_rank) if per_rank else np.empty((0, 2), np.int64)
        promise = ffi.new("cpb_promise *", {
            "sizes": choose("sizes", sizes, _SIZES), "chunk": chunk,
            "granularity": granularity, "cap": cap,
            "algorithm": lib.CPB_ALGORITHM if algorithm is None else algorithm,
            "tolerance_ppm": 10000})
        plan, error = ffi.new("cpb_plan **"), new_error()
        demand(lib.cpb_plan_create_runs(
            tokens, padding, len(per_rank), pointer(first),
            pointer(np.ascontiguousarray(flat), "cpb_range *"), promise, ffi.NULL, plan,
            error), error)
        return cls._made(plan[0], {})

    @classmethod
    def from_order(cls, order: Any, ranks: int, tokens: Optional[int] = None) -> Plan:
        """A plan from anybody's order: rank r holds the entries floor(r N / ranks) up to
        floor((r + 1) N / ranks).

        order   int [N] or [1, N], a permutation of 0 .. N - 1
        tokens  entries from here on are pads; N by default

        Raises Error; `at` is the first entry that is out of range or seen before.
        """
        array = np.asarray(order)
        array = integers(array[0] if array.ndim == 2 and len(array) == 1 else array, "order")
        plan, error = ffi.new("cpb_plan **"), new_error()
        demand(lib.cpb_plan_create_order(
            len(array) if tokens is None else tokens, len(array), pointer(array), ranks,
            ffi.NULL, plan, error), error)
        return cls._made(plan[0], {})

    @property
    def tokens(self) -> int:
        """Length of the sequence, without pads."""
        return int(lib.cpb_plan_tokens(self._plan))

    @property
    def padding(self) -> int:
        """Pads: positions tokens .. tokens + padding - 1."""
        return int(lib.cpb_plan_padding(self._plan))

    @property
    def ranks(self) -> int:
        """World size."""
        return int(lib.cpb_plan_ranks(self._plan))

    @property
    def hash(self) -> int:
        """64 bits over runs and algorithm: equal on every rank where plans are."""
        return int(lib.cpb_plan_hash(self._plan))

    @property
    def equal(self) -> bool:
        """Whether every rank holds as many positions as the others."""
        return len({self.size(rank) for rank in range(self.ranks)}) == 1

    def promise(self) -> dict[str, Any]:
        """What the plan was made to keep: sizes, chunk, granularity, cap, algorithm."""
        promise = lib.cpb_plan_promise(self._plan)
        found = {name: int(getattr(promise, name))
                 for name in ("chunk", "granularity", "cap", "algorithm")}
        by_number = {number: name for name, number in _SIZES.items()}
        return {"sizes": by_number[promise.sizes], **found}

    def _rank(self, rank: int) -> int:
        if not 0 <= rank < self.ranks:
            raise Error(f"rank {rank} is not one of 0 .. {self.ranks - 1}")
        return rank

    def size(self, rank: int) -> int:
        """Positions that a rank holds, pads included."""
        return int(lib.cpb_plan_size(self._plan, self._rank(rank)))

    def runs(self, rank: int) -> Integers:
        """int64 [n, 2]: begin and end of each run, in the rank's order. A copy."""
        n = lib.cpb_plan_n_runs(self._plan, self._rank(rank))
        runs = copied(lib.cpb_plan_runs(self._plan, rank), n, _RANGE)
        return runs.view(np.int64).reshape(-1, 2)

    def order(self, dtype: Any = np.int64, out: Optional[Any] = None) -> Any:
        """[N] the original position of each entry: what index_select takes to lay rank
        0's tokens first, then rank 1's, ...

        dtype  int64 or int32, where `out` is None
        out    N integers to write into (numpy, torch tensor on the host, any writable
               buffer); returned as it is
        """
        out, address, index = indices(self.tokens + self.padding, dtype, out, "order")
        lib.cpb_order_write(self._plan, index, address, ffi.NULL)
        return out

    def inverse(self, dtype: Any = np.int64, out: Optional[Any] = None) -> Any:
        """[N] with inverse[order[i]] == i: what index_select takes to restore. Arguments
        as in order()."""
        out, address, index = indices(self.tokens + self.padding, dtype, out, "inverse")
        lib.cpb_order_write(self._plan, index, ffi.NULL, address)
        return out

    def permutations(self, dtype: Any = np.int64,
                     out: tuple[Any, Any] = (None, None)) -> tuple[Any, Any]:
        """order() and inverse() in one pass over the runs; both of one dtype."""
        n = self.tokens + self.padding
        if out[0] is None and out[1] is None:  # in one piece, which allocators keep
            both = indices(2 * n, dtype, None, "permutations")[0]
            out = both[:n], both[n:]
        order, to_order, index = indices(n, dtype, out[0], "order")
        inverse, to_inverse, other = indices(n, dtype, out[1], "inverse")
        if index != other:
            raise Error("order and inverse are of different types; write them one by one")
        lib.cpb_order_write(self._plan, index, to_order, to_inverse)
        return order, inverse

    def positions(self, rank: int, document_ends: Optional[Any] = None,
                  dtype: Any = np.int64, out: Optional[Any] = None) -> Any:
        """[size(rank)] the original position of each of a rank's tokens; with
        `document_ends` (Mask.document_ends) counted from the start of its document."""
        return self._per_token(lib.cpb_order_positions, rank, document_ends, dtype, out,
                               "positions")

    def next(self, rank: int, document_ends: Optional[Any] = None,
             dtype: Any = np.int64, out: Optional[Any] = None) -> Any:
        """[size(rank)] the original position of the token that follows each of a rank's
        tokens, -1 where there is none and for pads: what shifted labels are gathered by."""
        return self._per_token(lib.cpb_order_next, rank, document_ends, dtype, out, "next")

    def _per_token(self, call: Any, rank: int, document_ends: Optional[Any], dtype: Any,
                   out: Optional[Any], what: str) -> Any:
        out, address, index = indices(self.size(rank), dtype, out, what)
        ends = ends_of(document_ends, self.tokens)
        call(self._plan, rank, 0 if ends is None else len(ends), pointer(ends), index,
             address)
        return out

    def gather(self, rank: int, rows: Any, out: Optional[npt.NDArray[Any]] = None) -> Any:
        """The rows of one rank's shard, in its order.

        rows  [N, ...] of any type, in original order
        out   [size(rank), ...] to write into
        """
        rows = np.ascontiguousarray(rows)
        shape = (self.size(rank), *rows.shape[1:])
        self._rows(rows, self.tokens + self.padding, "rows")
        out = np.empty(shape, rows.dtype) if out is None else out
        self._like(out, shape, rows.dtype, "out")
        lib.cpb_rows_gather(self._plan, rank, ffi.from_buffer(rows),
                            rows[:1].nbytes, ffi.from_buffer(out))
        return out

    def scatter(self, rank: int, shard: Any, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The way back: write one rank's shard [size(rank), ...] to its places in `rows`
        [N, ...], which is returned."""
        shard = np.ascontiguousarray(shard)
        self._rows(shard, self.size(rank), "shard")
        self._like(rows, (self.tokens + self.padding, *shard.shape[1:]), shard.dtype, "rows")
        lib.cpb_rows_scatter(self._plan, rank, ffi.from_buffer(shard),
                             rows[:1].nbytes, ffi.from_buffer(rows))
        return rows

    @staticmethod
    def _rows(rows: npt.NDArray[Any], n: int, what: str) -> None:
        if not rows.ndim or len(rows) != n:
            raise Error(f"{what} have the shape {rows.shape}; the plan has {n} of them")

    @staticmethod
    def _like(array: npt.NDArray[Any], shape: tuple[int, ...], dtype: Any,
              what: str) -> None:
        if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
            raise Error(f"{what} is {array.dtype} of shape {array.shape}; accepted is "
                        f"contiguous {dtype} of shape {shape}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __reduce__(self) -> Any:
        runs = [self.runs(rank) for rank in range(self.ranks)]
        state = (self.tokens, self.padding, np.array([len(r) for r in runs]),
                 np.concatenate(runs), self.promise(), self.balancer, self.options,
                 self.hash)
        return _loaded, state

    def __repr__(self) -> str:
        padding = f" + {self.padding} pads" if self.padding else ""
        by = f" by {self.balancer}" if self.balancer else ""
        return (f"<Plan {self.tokens} tokens{padding} over {self.ranks} ranks{by}, hash "
                f"{self.hash:016x}>")


def _loaded(tokens: int, padding: int, counts: Integers, runs: Integers,
            promise: dict[str, Any], balancer: str, options: dict[str, Any],
            hash_: int) -> Plan:
    plan = Plan.from_runs(tokens, np.split(runs, np.cumsum(counts)[:-1]),
                          padding=padding, **promise)
    if plan.hash != hash_:
        raise Error(f"the stored plan has the hash {hash_:016x}, its runs have "
                    f"{plan.hash:016x}")
    plan.balancer = balancer
    plan.options = options
    return plan


def plan(masks: Masks, ranks: int, **options: Unpack[Options]) -> Plan:
    """Decide who holds which tokens.

    masks    a Mask, its text, or several over one sequence (their weights count layers)
    ranks    world size, 1 .. 65536
    options  named like the program's flags; see Options

    Equal arguments give equal plans on every rank, so ranks plan alone and agree. Runs on
    the host, touches no device, and releases the GIL.

    Raises Error where the masks or options break a rule or do not go together.
    """
    view_, held = view(masks)
    struct, texts = options_of(ranks, view_.n, options)
    made, error = ffi.new("cpb_plan **"), new_error()
    demand(lib.cpb_plan_create(view_, struct, made, error), error)
    del held, texts
    return Plan._made(made[0], dict(options))


def plan_rows(rows: Sequence[Masks], ranks: int, relabel: bool = False,
              **options: Unpack[Options]) -> list[Plan]:
    """Plan the rows of a batch in sequence, one plan per row: each row is balanced against
    what the ranks carry from the rows before it.

    rows     masks of each row, as many in every row
    relabel  hand the shards of each row out anew, the costliest to the rank that carries
             least so far
    Otherwise as plan().
    """
    views = [view(row) for row in rows]
    if not views:
        raise Error("no row is given; a batch needs one or more")
    if len({view_.n for view_, _ in views}) != 1:
        raise Error("rows have different numbers of masks; accepted is the same in each")
    array = ffi.new("cpb_masks[]", [view_[0] for view_, _ in views])
    struct, texts = options_of(ranks, views[0][0].n, options)
    made, error = ffi.new("cpb_plan *[]", len(views)), new_error()
    demand(lib.cpb_plan_create_rows(len(views), array, struct, relabel, made, error), error)
    del texts
    return [Plan._made(one, dict(options)) for one in made]
