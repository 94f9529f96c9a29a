# SPDX-License-Identifier: Apache-2.0
"""Demand-driven keys: each rank fetches exactly the keys that its queries need.

`KeyExchange` turns one rank's part of an Exchange into tensors of constant shape, and
moves K and V packed together, one message per peer and step, inside an operator that
torch.compile takes as it is. Gradients go the same way back and are summed in a fixed
order: own first, then stage by stage, partner by partner.
"""
from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import distributed_c10d

from .._arrays import spread
from .._error import Error
from .._exchange import Exchange
from .._plan import Plan

# An operator takes groups by name.
_group_named: Callable[[str], Any] = getattr(distributed_c10d, "_resolve_process_group")
_HALVES = (torch.bfloat16, torch.float16)


def _all_to_all(out: Tensor, rows: Tensor, get: list[int], give: list[int], group: str,
                node_group: str, step: int) -> None:
    """One step. Step 1 of a two-level exchange stays inside the node's own group."""
    whole = _group_named(group)
    if step == 0 or not node_group:
        dist.all_to_all_single(out, rows, get, give, group=whole)
        return
    inside = _group_named(node_group)
    n = dist.get_world_size(inside)
    first = dist.get_rank(whole) // n * n
    dist.all_to_all_single(out, rows, get[first:first + n], give[first:first + n],
                           group=inside)


@torch.library.custom_op("cpbalance::exchange_keys", mutates_args=())
def exchange_keys(rows: Tensor, gives: Tensor, splits: Tensor, held: Tensor, group: str,
                  node_group: str) -> Tensor:
    """The rows that a rank holds after an exchange.

    rows    [own, ...] its shard
    gives   int64 [steps, capacity] slots to send in each step, partner by partner
    splits  int64 [steps, 2, ranks] on the host: rows to give to and to get from each rank
    held    int64 [slots] where each row of the result lies: shard, then receive buffer
    group, node_group  names of process groups; node_group "" without one
    """
    counts = splits.tolist()
    own = rows.shape[0]
    received = sum(sum(get) for _, get in counts)
    memory = rows.new_empty((own + received, *rows.shape[1:]))
    memory[:own] = rows
    first = own
    for step, (give, get) in enumerate(counts):
        end = first + sum(get)
        sent = memory[gives[step, :sum(give)]]
        _all_to_all(memory[first:end], sent, get, give, group, node_group, step)
        first = end
    if not len(memory):
        return rows.new_zeros((held.shape[0], *rows.shape[1:]))
    return memory[held]


@exchange_keys.register_fake
def _(rows: Tensor, gives: Tensor, splits: Tensor, held: Tensor, group: str,
      node_group: str) -> Tensor:
    return rows.new_empty((held.shape[0], *rows.shape[1:]))


@torch.library.custom_op("cpbalance::exchange_gradients", mutates_args=())
def exchange_gradients(grad: Tensor, gives: Tensor, splits: Tensor, held: Tensor, own: int,
                       group: str, node_group: str) -> Tensor:
    """The mirror of exchange_keys: [own, ...] from the gradient of its result. Halves are
    summed in float32 and travel as halves."""
    counts = splits.tolist()
    received = sum(sum(get) for _, get in counts)
    exact = torch.float32 if grad.dtype in _HALVES else grad.dtype
    total = grad.new_zeros((own + received, *grad.shape[1:]), dtype=exact)
    if len(total):
        total.index_add_(0, held, grad.to(exact))
    end = len(total)
    for step in reversed(range(len(counts))):
        give, get = counts[step]
        first = end - sum(get)
        back = grad.new_empty((sum(give), *grad.shape[1:]))
        _all_to_all(back, total[first:end].to(grad.dtype), give, get, group, node_group,
                    step)
        at = 0
        for n in give:  # slots of one partner are distinct: one order of sums
            total.index_add_(0, gives[step, at:at + n], back[at:at + n].to(exact))
            at += n
        end = first
    return total[:own].to(grad.dtype, copy=True)


@exchange_gradients.register_fake
def _(grad: Tensor, gives: Tensor, splits: Tensor, held: Tensor, own: int, group: str,
      node_group: str) -> Tensor:
    return grad.new_empty((own, *grad.shape[1:]))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    rows, gives, splits, held, group, node_group = inputs
    ctx.save_for_backward(gives, splits, held)
    ctx.rest = (rows.shape[0], group, node_group)


def _backward(ctx: Any, grad: Tensor) -> tuple[Optional[Tensor], ...]:
    rows = exchange_gradients(grad.contiguous(), *ctx.saved_tensors, *ctx.rest)
    return rows, None, None, None, None, None


exchange_keys.register_autograd(_backward, setup_context=_keep)


class Room(NamedTuple):
    """Constant shapes of a KeyExchange; None: what is needed."""

    slots: Optional[int] = None  #: keys held after the exchange
    gives: Optional[int] = None  #: keys that a rank gives in one step


class KeyExchange:
    """Moves one rank's K and V.

    exchange    of `plan` and a mask
    rank        of the context-parallel group, in whose order ranks are numbered
    group       the context-parallel group; the default group by default
    node_group  for a two-level exchange: the ranks of this rank's node, in order
    room        capacities; a batch that needs more raises Error
    device      where K and V are

    `keys` is how many the rank holds. They come out by ascending original position; slots
    behind the last one repeat a row that no query sees. Tensors that change from batch to batch: gives, splits, held.
    """

    def __init__(self, exchange: Exchange, plan: Plan, rank: int, *,
                 group: Optional[dist.ProcessGroup] = None,
                 node_group: Optional[dist.ProcessGroup] = None, room: Room = Room(),
                 device: Union[str, torch.device] = "cpu") -> None:
        whole: Any = dist.group.WORLD if group is None else group
        _fits(exchange, plan, rank, whole, node_group)
        self.own = plan.size(rank)
        self.group = str(whole.group_name)
        self.node_group = "" if node_group is None else str(node_group.group_name)
        held = exchange.held(plan, rank)
        stages = [exchange.stage(rank, "forward", i)[1] for i in range(exchange.steps)]
        [self.keys], slots = _slots([held], "slot", room.slots, "holds", rank)
        _, gives = _slots(stages, "source", room.gives, "gives", rank)
        self.held, self.gives = slots[0].to(device), gives.to(device)
        self.splits = torch.from_numpy(np.stack(
            [np.stack(exchange.counts(rank, "forward", i)) for i in range(exchange.steps)]))

    def __call__(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [..., slots, D] of the rank's own ones [..., own, D]."""
        if k.shape[:-1] != v.shape[:-1] or k.shape[-2] != self.own or k.dtype != v.dtype:
            raise Error(f"K is {k.dtype} of shape {tuple(k.shape)}, V {v.dtype} of shape "
                        f"{tuple(v.shape)}; accepted are {self.own} tokens in the last "
                        "dimension but one, and one type")
        if not k.device.type == v.device.type == self.held.device.type:
            raise Error(f"K is on {k.device}, V on {v.device}; the exchange was made for "
                        f"{self.held.device}")
        packed = torch.cat([k, v], -1).movedim(-2, 0).contiguous()
        rows = exchange_keys(packed, self.gives, self.splits, self.held, self.group,
                             self.node_group)
        keys, values = rows.movedim(0, -2).split([k.shape[-1], v.shape[-1]], -1)
        return keys, values


def _fits(exchange: Exchange, plan: Plan, rank: int, group: Any,
          node_group: Optional[Any]) -> None:
    if group is None:
        raise Error("there is no process group; call torch.distributed.init_process_group")
    world = dist.get_world_size(group)
    if not exchange.ranks == plan.ranks == world:
        raise Error(f"the plan is for {plan.ranks} ranks and the exchange for "
                    f"{exchange.ranks}; the group has {world}")
    if rank != dist.get_rank(group):
        raise Error(f"rank {rank} is asked for on rank {dist.get_rank(group)} of the group")
    if node_group is None:
        return
    inside = dist.get_world_size(node_group)
    first = rank // inside * inside
    if world % inside or dist.get_process_group_ranks(node_group) != \
            dist.get_process_group_ranks(group)[first:first + inside]:
        raise Error(f"the node's group has {inside} ranks; accepted are ranks {first} .. "
                    f"of the context-parallel group in order, as many in every node")
    give, get = exchange.counts(rank, "forward", exchange.steps - 1)
    outside = np.ones(world, bool)
    outside[first:first + inside] = False
    if exchange.steps < 2 or (give + get)[outside].any():
        raise Error("the exchange is not one of two levels over these nodes; make it with "
                    f"form=\"two-level\" and nodes={world // inside}")


def _slots(lists: list[Any], first: str, capacity: Optional[int], does: str, rank: int
           ) -> tuple[list[int], Tensor]:
    """How many keys each list has, and int64 [lists, capacity] their slots: of each range
    of keys from `first` on, then 0. FlexAttention takes no tensors without keys, so there
    is room for one."""
    lengths = [ranges["keys"]["end"] - ranges["keys"]["begin"] for ranges in lists]
    totals = [int(one.sum()) for one in lengths]
    capacity = max(1, *totals) if capacity is None else capacity
    if max(totals) > capacity:
        raise Error(f"rank {rank} {does} {max(totals)} keys, above the capacity of "
                    f"{capacity}; raise the capacity or fall back to an all-gather", rank)
    slots = np.empty((len(lists), capacity), np.int64)
    for row, ranges, its, n in zip(slots, lists, lengths, totals):
        spread(ranges[first], its, row[:n])
        row[n:] = 0
    return totals, torch.from_numpy(slots)
