# SPDX-License-Identifier: Apache-2.0
"""Schedules: which documents of a step go together, on how many ranks."""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Optional, TypedDict, Union

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, copied, integers, pointer, record
from ._error import Error
from ._lib import demand, ffi, lib, new_error, text
from ._options import choices, choose, fill_setup
from ._plan import Plan

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Profile

_GROUP = record("cpb_group")
_PLACEMENT = record("cpb_placement")
_CELL = record("cpb_cell")
_REROUTE = record("cpb_reroute")
_MEET = choices("cpb_meet")
_LIMITS = ("one_size", "groups_only", "micro_least", "micro_most", "micro_multiple",
           "token_multiple", "fixed", "stages", "window", "hold", "token_bytes",
           "ranks_per_node")
_ARRAYS = {"cost": np.int64, "loss": np.int64, "holder": np.int32, "waited": np.int64,
           "place": np.int64}


class Domain(TypedDict, total=False):
    """What schedule() takes beside documents, ranks and budget; docs/schedule.md."""

    row: Optional[str]  #: a name of schedule_rows(); "auto" by default
    meet: Optional[str]  #: ranks wait for each other after the "step" (default), or "micro"
    groups: Optional[Union[str, list[int]]]  #: sizes: "powers" (default), "any", or a list
    one_size: Optional[bool]  #: all groups of a micro-batch have one size
    groups_only: Optional[bool]  #: the runtime exchanges no keys on demand: nothing is flat
    micro_least: Optional[int]  #: fewest micro-batches
    micro_most: Optional[int]  #: most micro-batches; no limit by default
    micro_multiple: Optional[int]  #: their number is a multiple of this
    token_multiple: Optional[int]  #: tokens of a rank are padded to a multiple of this
    fixed: Optional[int]  #: picoseconds that every micro-batch of a rank takes
    stages: Optional[int]  #: pipeline stages; more than one needs meet="micro"
    window: Optional[int]  #: most places that a document may move in the loader's order
    hold: Optional[int]  #: most steps that a giant may be held back; 0 by default
    token_bytes: Optional[int]  #: bytes of a token as loaders hold it; 8 by default
    ranks_per_node: Optional[int]  #: ranks that share fast links and one network card
    cost: Optional[Any]  #: int [documents] picoseconds of each one's attention
    loss: Optional[Any]  #: int [documents] tokens that count in the loss
    holder: Optional[Any]  #: int [documents] rank whose loader holds it, -1: none
    waited: Optional[Any]  #: int [documents] steps that it was held back already
    place: Optional[Any]  #: int [documents] distinct places in the loader's order
    kernel: Optional[str]  #: "varlen" (default) or "flex"
    profile: Optional[Profile]
    model: Optional[str]
    overlap: Optional[str]
    backward: Optional[bool]


@dataclass(frozen=True)
class ScheduleScore:
    """The figures of a schedule; cpb_schedule_score in include/cpb/schedule.h."""

    time: int  #: picoseconds of one layer: the critical path of the step
    bound: int  #: no schedule of this domain is below
    gap: float  #: time / bound - 1
    micro_batches: int
    groups: int
    tokens: int
    left_over: int  #: documents
    split: int  #: documents on more than one rank
    group_mean: float  #: ranks per document, weighted with its tokens
    busy: float  #: share of ranks x time that ranks work
    time_imbalance: float
    token_imbalance: float
    tokens_max: int  #: most tokens of a rank in one micro-batch
    padding: int
    received: int  #: keys
    received_max: int
    wire: int  #: picoseconds
    rerouted: int  #: tokens that are not where their loader holds them
    rerouted_bytes: int  #: the same in bytes
    moved_max: int
    moved_mean: float
    waited_max: int
    loss_max: int  #: most loss tokens of a rank
    loss_mean: float
    replicas: int  #: sets of ranks over two of which no group reaches
    replica_loss_max: int  #: most loss tokens of a replica
    replica_loss_mean: float


_FIGURES = [field.name for field in fields(ScheduleScore)]


class Schedule:
    """Micro-batches, their groups of ranks and the documents of each; immutable.

    Made by schedule(). A pickled schedule holds what it was made from; its hash is checked
    when it is loaded.
    """

    __slots__ = ("_schedule", "lengths", "ranks", "budget", "options", "__weakref__")
    _schedule: Any
    lengths: Integers  #: int64 [documents] tokens, as given
    ranks: int
    budget: int
    options: dict[str, Any]  #: the keyword arguments that it was made with

    @property
    def row(self) -> str:
        """What made it: what "auto" chose."""
        return text(lib.cpb_schedule_row(self._schedule))

    @property
    def hash(self) -> int:
        """64 bits over the placements: equal on every rank where schedules are."""
        return int(lib.cpb_schedule_hash(self._schedule))

    @property
    def micro_batches(self) -> int:
        """Numbered 0 .. micro_batches - 1."""
        return int(lib.cpb_schedule_micro_batches(self._schedule))

    @property
    def block(self) -> int:
        """Ranks of every group where they are fixed, all of them in the flat form: one
        plan per micro-batch. 0 where groups have the ranks of their documents."""
        return int(lib.cpb_schedule_block(self._schedule))

    @property
    def groups(self) -> npt.NDArray[Any]:
        """Structured [groups]: micro_batch, first, ranks, first_document, n_documents,
        start, end. Every rank that works through its groups in this order waits for none
        that waits for it. A copy."""
        n = lib.cpb_schedule_n_groups(self._schedule)
        return copied(lib.cpb_schedule_groups(self._schedule), n, _GROUP)

    @property
    def placements(self) -> npt.NDArray[Any]:
        """Structured [documents]: micro_batch (-1: left over), first, ranks, group, cuts,
        left (0: in the step, 1: it has no tokens, 2: held back). `cuts` is -1 where a
        document is cut evenly, head and tail; else rank first + i holds its tokens from
        Schedule.cuts[cuts + i - 1] up to Schedule.cuts[cuts + i]. A copy."""
        return copied(lib.cpb_schedule_placements(self._schedule), len(self.lengths),
                      _PLACEMENT)

    @property
    def cuts(self) -> Integers:
        """int64 [cuts]: where documents are cut that are not cut evenly. A copy."""
        n = lib.cpb_schedule_n_cuts(self._schedule)
        return copied(lib.cpb_schedule_cuts(self._schedule), n, np.dtype(np.int64))

    @property
    def cells(self) -> npt.NDArray[Any]:
        """Structured [cells]: what each rank does in each micro-batch: micro_batch, rank,
        tokens, start, time. A copy."""
        n = lib.cpb_schedule_n_cells(self._schedule)
        return copied(lib.cpb_schedule_cells(self._schedule), n, _CELL)

    @property
    def reroutes(self) -> npt.NDArray[Any]:
        """Structured [n]: document, from, to, tokens, bytes: what loaders hand on before
        the step. Empty without `holder`. A copy."""
        n = lib.cpb_schedule_reroutes(self._schedule, ffi.NULL)
        found = np.zeros(n, _REROUTE)
        if n:
            lib.cpb_schedule_reroutes(self._schedule, pointer(found, "cpb_reroute *"))
        return found

    def documents(self, group: int) -> Integers:
        """int64 [n]: document numbers of a group, in pack order."""
        groups = self.groups
        self._group(group, len(groups))
        first, n = groups[group]["first_document"], groups[group]["n_documents"]
        start = lib.cpb_schedule_documents(self._schedule) + int(first)
        return copied(start, int(n), np.dtype(np.int64))

    def of_rank(self, rank: int) -> list[int]:
        """The groups that a rank works in, in the order in which it does."""
        if not 0 <= rank < self.ranks:
            raise Error(f"rank {rank} is not one of 0 .. {self.ranks - 1}")
        groups = self.groups
        mine = (groups["first"] <= rank) & (rank < groups["first"] + groups["ranks"])
        return [int(group) for group in np.flatnonzero(mine)]

    def plan(self, group: int) -> Plan:
        """The plan of one group: its documents packed in order, each cut head and tail
        over its ranks. Ranks of the plan count from the group's first rank."""
        self._group(group, lib.cpb_schedule_n_groups(self._schedule))
        plan, error = ffi.new("cpb_plan **"), new_error()
        demand(lib.cpb_schedule_plan(self._schedule, group, ffi.NULL, plan, error), error)
        return Plan._made(plan[0], {})

    @property
    def score(self) -> ScheduleScore:
        """Times, tokens, traffic."""
        found = lib.cpb_schedule_score_of(self._schedule)
        return ScheduleScore(**{name: getattr(found, name) for name in _FIGURES})

    def check(self) -> None:
        """Prove it by code that shares nothing with the scheduler: every document exactly
        once or left over with its reason, budgets, sizes, order, every figure, group,
        plan of a group and reroute. Raises Refuted with the first counterexample."""
        documents, domain, held = _question(self.lengths, self.ranks, self.budget,
                                            self.options)
        hash_ = ffi.new("uint64_t *", self.hash)
        reroutes = np.ascontiguousarray(self.reroutes)
        n_groups = lib.cpb_schedule_n_groups(self._schedule)
        plans = ffi.new("uint64_t[]", [self.plan(g).hash for g in range(n_groups)])
        claim = ffi.new("cpb_schedule_claim *", {
            "micro_batches": self.micro_batches,
            "block": self.block,
            "placement": lib.cpb_schedule_placements(self._schedule),
            "cut": lib.cpb_schedule_cuts(self._schedule),
            "n_cuts": lib.cpb_schedule_n_cuts(self._schedule),
            "score": lib.cpb_schedule_score_of(self._schedule), "hash": hash_,
            "n_groups": n_groups, "plans": plans,
            "groups": lib.cpb_schedule_groups(self._schedule),
            "documents": lib.cpb_schedule_documents(self._schedule),
            "n_reroutes": len(reroutes),
            "reroutes": pointer(reroutes, "cpb_reroute *") if len(reroutes) else ffi.NULL})
        error = new_error()
        demand(lib.cpb_check_schedule(documents, domain, claim, error), error)
        del held

    @staticmethod
    def _group(group: int, n: int) -> None:
        if not 0 <= group < n:
            raise Error(f"group {group} is not one of 0 .. {n - 1}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __reduce__(self) -> Any:
        return _loaded, (self.lengths, self.ranks, self.budget, self.options, self.hash)

    def __repr__(self) -> str:
        return (f"<Schedule {len(self.lengths)} documents in {self.micro_batches} "
                f"micro-batches on {self.ranks} ranks by {self.row}, hash "
                f"{self.hash:016x}>")


def _loaded(lengths: Integers, ranks: int, budget: int, options: dict[str, Any],
            hash_: int) -> Schedule:
    made = schedule(lengths, ranks, budget, **options)
    if made.hash != hash_:
        raise Error(f"the stored schedule has the hash {hash_:016x}, made anew it has "
                    f"{made.hash:016x}")
    return made


def _narrowed(name: str, given: Integers, kind: Any) -> npt.NDArray[Any]:
    array = given.astype(kind)
    if (array != given).any():
        raise Error(f"{name} holds {given[array != given][0]}, beyond {array.dtype}")
    return array


def _groups(domain: Any, value: Union[str, list[int]], held: list[Any]) -> None:
    if isinstance(value, str):
        domain.sizes = choose("groups", value, {"powers": lib.CPB_SIZES_POWERS,
                                                "any": lib.CPB_SIZES_ANY})
        return
    sizes = _narrowed("groups", integers(value, "groups"), np.int32)
    held.append(ffi.from_buffer("int32_t *", sizes))
    domain.sizes, domain.size, domain.n_size = lib.CPB_SIZES_LIST, held[-1], len(sizes)


def _array(documents: Any, name: str, value: Any, held: list[Any]) -> None:
    array = _narrowed(name, integers(value, name), _ARRAYS[name])
    if len(array) != documents.n:
        raise Error(f"{name} has {len(array)} entries; accepted are {documents.n}, one per "
                    "document")
    held.append(ffi.from_buffer(f"{array.dtype}_t *", array))
    setattr(documents, name, held[-1])


def _limit(domain: Any, name: str, value: Any) -> None:
    try:
        setattr(domain, name, value)
    except OverflowError:
        raise Error(f"{name} is {value}, beyond what the library counts") from None


def _question(lengths: Integers, ranks: int, budget: int,
              options: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
    """`cpb_documents *`, `cpb_domain *` and what must outlive them."""
    held: list[Any] = [lengths]
    documents = ffi.new("cpb_documents *", {"n": len(lengths), "tokens": pointer(lengths)})
    domain = ffi.new("cpb_domain *", lib.cpb_domain_default())
    _limit(domain, "ranks", ranks)
    _limit(domain, "budget", budget)
    domain.setup.kernel = lib.CPB_VARLEN
    for name, value in options.items():
        if value is None:
            continue
        if name == "row" and not isinstance(value, str):
            raise Error(f"row is {value!r}; accepted is a name of schedule_rows()")
        if name == "row":
            held.append(ffi.new("char[]", value.encode()))
            domain.row = held[-1]
        elif name == "meet":
            domain.meet = choose("meet", value, _MEET)
        elif name == "groups":
            _groups(domain, value, held)
        elif name in _ARRAYS:
            _array(documents, name, value, held)
        elif name in _LIMITS:
            _limit(domain, name, value)
        else:
            fill_setup(domain.setup, name, value, held, Domain.__annotations__)
    return documents, domain, held


def schedule(lengths: Any, ranks: int, budget: int, **options: Unpack[Domain]) -> Schedule:
    """Put the documents of a step into micro-batches and groups of ranks.

    lengths  int [documents] tokens of each
    ranks    data x context parallel, 1 .. 65536
    budget   most tokens of a rank in one micro-batch
    options  see Domain

    Equal arguments give equal schedules on every rank, so ranks schedule alone and agree.
    Nothing is dropped: a document that fits nowhere raises Error with the number that is
    missing, and empty ones are listed as left over.
    """
    array = integers(lengths, "lengths").copy()
    given: dict[str, Any] = dict(options)
    documents, domain, held = _question(array, ranks, budget, given)
    found, error = ffi.new("cpb_schedule **"), new_error()
    demand(lib.cpb_schedule_create(documents, domain, found, error), error)
    del held
    made = Schedule.__new__(Schedule)
    made._schedule = ffi.gc(found[0], lib.cpb_schedule_free)
    made.lengths, made.ranks, made.budget, made.options = array, ranks, budget, given
    return made
