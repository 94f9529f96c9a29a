# SPDX-License-Identifier: Apache-2.0
"""Exchanges: which rank sends which keys to whom, and where each of them lands."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, copied, ends_of, indices, pointer, record
from ._error import Error
from ._lib import demand, ffi, lib, names, new_error
from ._mask import Mask
from ._options import choose
from ._plan import Plan

_TRANSFER = record("cpb_transfer")
_HOLDING = record("cpb_holding")
_FORMS, _WAYS = names("cpb_form"), names("cpb_way")
_SIDES = names("cpb_side")


class Traffic(NamedTuple):
    """Keys of one rank."""

    shard: int  #: slots of its shard, pads included
    buffer: int  #: slots of its receive buffer
    receive: int  #: keys that it gets from other ranks
    send: int  #: keys that it gives to other ranks, over all steps


class Capacity(NamedTuple):
    """Sizes that stay the same from batch to batch; -1: no limit."""

    receive: int  #: slots of the receive buffer of a rank
    pair: int  #: keys from one rank to one rank in one step
    transfers: int  #: transfers in the list of received or sent ones of a rank


class Exchange:
    """The keys that each rank needs and does not own, as transfers; immutable.

    plan   who owns what
    mask   who needs what, of as many tokens
    form   "flat", "two-level" (a key enters a node once) or "relay"
    nodes  for "two-level": nodes that the ranks fill in order; divides them

    docs/exchange.md draws the forms and defines slots, steps and ways.
    """

    __slots__ = ("_exchange", "_made_from", "__weakref__")
    _exchange: Any
    _made_from: tuple[Any, ...]

    def __init__(self, plan: Plan, mask: Mask, form: str = "flat", nodes: int = 0) -> None:
        options = ffi.new("cpb_exchange_options *",
                          (choose("form", form, _FORMS), nodes))
        made, error = ffi.new("cpb_exchange **"), new_error()
        demand(lib.cpb_exchange_create(
            plan._plan, mask._mask, options, ffi.NULL, made, error), error)
        self._own(made, Exchange, plan, mask, form, nodes)

    def _own(self, made: Any, *made_from: Any) -> None:
        self._exchange = ffi.gc(made[0], lib.cpb_exchange_free)
        self._made_from = made_from

    @classmethod
    def move(cls, before: Plan, after: Plan) -> Exchange:
        """What turns shards of one plan into shards of another of the same sequence."""
        made, error = ffi.new("cpb_exchange **"), new_error()
        demand(lib.cpb_exchange_create_move(
            before._plan, after._plan, ffi.NULL, made, error), error)
        exchange = cls.__new__(cls)
        exchange._own(made, Exchange.move, before, after)
        return exchange

    @classmethod
    def halo(cls, plan: Plan, length: int, document_ends: Optional[Any] = None) -> Exchange:
        """What brings each rank the `length` positions before each of its runs; with
        `document_ends` a halo stops at the start of its document."""
        ends = ends_of(document_ends, plan.tokens)
        rule = ffi.new("cpb_halo_rule *",
                       (length, 0 if ends is None else len(ends), pointer(ends)))
        made, error = ffi.new("cpb_exchange **"), new_error()
        demand(lib.cpb_exchange_create_halo(plan._plan, rule, ffi.NULL, made, error), error)
        exchange = cls.__new__(cls)
        exchange._own(made, Exchange.halo, plan, length, ends)
        return exchange

    @property
    def ranks(self) -> int:
        """Ranks that take part."""
        return int(lib.cpb_exchange_ranks(self._exchange))

    @property
    def steps(self) -> int:
        """1 for flat exchanges, moves and halos, else 2."""
        return int(lib.cpb_exchange_steps(self._exchange))

    @property
    def hash(self) -> int:
        """64 bits over everything, equal on every rank where exchanges are."""
        return int(lib.cpb_exchange_hash(self._exchange))

    def _rank(self, rank: int, step: int = 0, least: int = 0) -> None:
        if not 0 <= rank < self.ranks:
            raise Error(f"rank {rank} is not one of 0 .. {self.ranks - 1}")
        if not least <= step < self.steps:
            raise Error(f"step {step} is not one of {least} .. {self.steps - 1}")

    def _fits_plan(self, plan: Plan) -> None:
        maker, made_from = self._made_from[:2]
        if maker == Exchange.move:
            raise Error("a move turns shards into others; no keys are held after it")
        if plan != made_from:
            raise Error(f"the exchange was made from the plan {made_from.hash:016x}, this "
                        f"one is {plan.hash:016x}")

    def traffic(self, rank: int) -> Traffic:
        """How much a rank holds, gets and gives."""
        self._rank(rank)
        found = lib.cpb_exchange_traffic(self._exchange, rank)
        return Traffic(*(getattr(found, name) for name in Traffic._fields))

    def received(self, rank: int, step: int = -1) -> npt.NDArray[Any]:
        """Structured [n]: the transfers that a rank receives in one step (-1: in all), by
        (step, from, keys). Fields step, from, to, keys (begin, end), source, target."""
        self._rank(rank, step, -1)
        n = ffi.new("size_t *")
        return copied(lib.cpb_exchange_received(self._exchange, rank, step, n), n[0],
                      _TRANSFER)

    def sent(self, rank: int, step: int = -1) -> npt.NDArray[Any]:
        """Structured [n]: the transfers that a rank sends, by (step, to, keys)."""
        self._rank(rank, step, -1)
        n = ffi.new("size_t *")
        return copied(lib.cpb_exchange_sent(self._exchange, rank, step, n), n[0], _TRANSFER)

    def stage(self, rank: int, way: str, i: int) -> tuple[int, Any, Any]:
        """Stage i on the way "forward" or "backward": its step, what the rank gives and
        what it gets, structured [n] by (partner, keys)."""
        self._rank(rank, i)
        found = lib.cpb_exchange_stage(self._exchange, rank, choose("way", way, _WAYS), i)
        return (found.step, copied(found.gives, found.n_gives, _TRANSFER),
                copied(found.gets, found.n_gets, _TRANSFER))

    def counts(self, rank: int, way: str, i: int) -> tuple[Integers, Integers]:
        """int64 [ranks] each: keys that the rank gives to and gets from every rank in
        stage i; the splits of an all-to-all-v."""
        self._rank(rank, i)
        give, get = np.zeros((2, self.ranks), np.int64)
        counts = ffi.new("cpb_counts *", {"give": pointer(give), "get": pointer(get)})
        lib.cpb_exchange_counts(self._exchange, rank, choose("way", way, _WAYS), i, counts)
        return give, get

    def least(self) -> Capacity:
        """The least capacity that fits."""
        found = lib.cpb_exchange_least(self._exchange)
        return Capacity(*(getattr(found, name) for name in Capacity._fields))

    def fits(self, capacity: Capacity) -> None:
        """Raise Error unless the exchange fits; `at` is the rank furthest above."""
        error = new_error()
        demand(lib.cpb_exchange_fits(
            self._exchange, ffi.new("cpb_capacity *", tuple(capacity)), error), error)

    def slots(self, rank: int, way: str, i: int, side: str, pair: int,
              dtype: Any = np.int64, out: Optional[Any] = None) -> Any:
        """[ranks, pair] slots of stage i on one side ("gives" or "gets"): row p has those
        of the keys to or from rank p, then -1. What an all-to-all of equal splits needs.
        Raises Error where a partner has more than `pair` keys; `at` is the partner."""
        self._rank(rank, i)
        if pair < 0:
            raise Error(f"there is room for {pair} keys per partner; accepted is 0 or more")
        fresh = out is None
        out, address, index = indices(self.ranks * pair, dtype, out, "slots")
        error = new_error()
        demand(lib.cpb_exchange_write_slots(
            self._exchange, rank, choose("way", way, _WAYS), i,
            choose("side", side, _SIDES), pair, index, address, error), error)
        return out.reshape(self.ranks, pair) if fresh else out

    def held(self, plan: Plan, rank: int) -> npt.NDArray[Any]:
        """Structured [n]: where a rank holds its keys after the exchange, by ascending
        position: keys (begin, end) and slot, of the shard or, from its size on, of the
        receive buffer. Not for moves. Raises Error unless `plan` is the exchange's."""
        self._rank(rank)
        self._fits_plan(plan)
        room = len(plan.runs(rank)) + len(self.received(rank))
        held, n, error = np.empty(room, _HOLDING), ffi.new("size_t *"), new_error()
        demand(lib.cpb_exchange_held(
            self._exchange, plan._plan, rank, ffi.NULL, room,
            pointer(held, "cpb_holding *"), n, error), error)
        return held[:n[0]]

    def __reduce__(self) -> Any:
        maker, *arguments = self._made_from
        return _loaded, (maker, tuple(arguments), self.hash)

    def __repr__(self) -> str:
        return f"<Exchange over {self.ranks} ranks, {self.steps} steps, hash {self.hash:016x}>"


def _loaded(maker: Any, arguments: tuple[Any, ...], hash_: int) -> Exchange:
    exchange: Exchange = maker(*arguments)
    if exchange.hash != hash_:
        raise Error(f"the stored exchange has the hash {hash_:016x}, the one made from its "
                    f"plan {exchange.hash:016x}")
    return exchange
