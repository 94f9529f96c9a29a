# SPDX-License-Identifier: Apache-2.0
"""Balancers as torch's context parallelism takes them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

import torch
from torch.distributed.tensor.experimental._context_parallel._load_balancer import (
    _LoadBalancer,
)
from torch.nn.attention.flex_attention import BlockMask

from .._error import Error
from .._plan import Plan, plan, plan_rows
from ._block_mask import block_mask as block_mask_of
from ._source import Row, rows_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._options import Options

Device = Union[str, torch.device]


class Balancer(_LoadBalancer):
    """What all balancers here offer: ranges per rank, and indices. Immutable.

    plans       one Plan per row of the batch; one alone serves all rows
    world_size  ranks of the context-parallel group
    tokens      length of the sequence
    padding     pads behind it: buffers have tokens + padding entries
    device      where indices go

    Plans and indices are made on the host. Indices are written once, into pinned memory
    where they go to a GPU, and kept: asking again costs nothing. Do not write into them.
    """

    plans: Sequence[Plan]
    world_size: int
    device: torch.device
    _types = (torch.int64, torch.int64)  # of indices that rearrange and restore

    def _keep(self, plans: Sequence[Plan], device: Device) -> None:
        self.plans = tuple(plans)
        self.world_size = self.plans[0].ranks
        self.device = torch.device(device)
        self._indices: dict[bool, torch.Tensor] = {}
        self._memory: tuple[torch.Tensor, ...] = ()
        sizes = {one.tokens + one.padding for one in self.plans}
        if len(sizes) != 1 or not all(one.equal for one in self.plans):
            raise Error("shards are uneven; torch cuts the sequence into equal ones, so "
                        "plan with sizes=\"equal\"")

    @property
    def tokens(self) -> int:
        return self.plans[0].tokens

    @property
    def padding(self) -> int:
        return self.plans[0].padding

    def fragments(self, rank: int, row: int = 0) -> list[tuple[int, int]]:
        """The ranges [begin, end) of original positions that a rank holds, in its order.
        Positions from `tokens` on are pads."""
        return [(begin, end) for begin, end in self.plans[row].runs(rank).tolist()]

    def token_partition(self, row: int = 0) -> list[list[tuple[int, int]]]:
        """fragments() of every rank."""
        return [self.fragments(rank, row) for rank in range(self.world_size)]

    def indices(self, restore: bool = False) -> torch.Tensor:
        """(1, N) where one plan serves all rows, else (rows, N), N = tokens + padding:
        what rearranges a sequence so that rank 0's tokens come first, or what undoes it.
        One pass over the runs, no sort."""
        if restore not in self._indices:
            self._indices[restore] = self._written(restore)
        return self._indices[restore]

    def _written(self, restore: bool) -> torch.Tensor:
        on_host = self._host_memory(restore)
        for one, row in zip(self.plans, on_host):
            one.inverse(out=row) if restore else one.order(out=row)
        return on_host.to(self.device, non_blocking=True)

    def _host_memory(self, restore: bool) -> torch.Tensor:
        """Pinned where it is copied to a GPU, out of torch's cache. Else both indices
        share one piece: of two pieces of many megabytes the allocator gives the memory
        back to the system, and every page of the next ones faults again."""
        shape = (len(self.plans), self.tokens + self.padding)
        if self.device.type == "cuda":
            return torch.empty(shape, dtype=self._types[restore], pin_memory=True)
        if not self._memory:
            n = shape[0] * shape[1]
            ahead, back = self._types
            memory = torch.empty(n * (ahead.itemsize + back.itemsize), dtype=torch.uint8)
            self._memory = (memory[n * back.itemsize:].view(ahead).view(shape),
                            memory[:n * back.itemsize].view(back).view(shape))
        return self._memory[restore]

    def _generate_indices(self, restore: bool = False) -> torch.Tensor:
        """torch's name for indices()."""
        return self.indices(restore)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_indices": {}, "_memory": ()}


class LoadBalancer(Balancer):
    """Any balancer of the library, made from what is at hand.

    world_size  ranks of the context-parallel group
    documents   document lengths, int [n] or one such list per row of the batch
    cu_seqlens  int [n + 1] from 0; with seq_length it may run through several rows
    mask        a Mask, its text, or several (one plan for all of them); beside documents
                or cu_seqlens the text of a family, like "window:512"
    block_mask  a BlockMask with one head, or several
    seq_length  tokens of the buffer, checked against the mask
    device      where indices go
    options     as for cpbalance.plan(): balancer="auto" (default), "even", "frugal", ...

    Several rows get a plan each, balanced over the sum of the rows. Indices are int64.
    `masks` are the masks of each row. Raises Error with the library's sentence.
    """

    masks: Sequence[Row]

    def __init__(self, world_size: int, *, documents: Optional[Any] = None,
                 cu_seqlens: Optional[Any] = None, mask: Optional[Any] = None,
                 block_mask: Optional[Any] = None, seq_length: Optional[int] = None,
                 device: Device = "cpu", **options: Unpack[Options]) -> None:
        self.masks = rows_of(documents, cu_seqlens, mask, block_mask, seq_length)
        self._exact = block_mask is None
        if len(self.masks) == 1:
            plans = [plan(self.masks[0], world_size, **options)]
        else:
            plans = plan_rows(self.masks, world_size, relabel=True, **options)
        self._keep(plans, device)

    def block_mask(self, rank: int, which: int = 0, **arguments: Any) -> BlockMask:
        """The rank's BlockMask under one of the masks (`which`, in each row), over keys
        all-gathered in order, in closed form; arguments as for block_mask() of this
        package. A balancer made from a BlockMask knows whole blocks alone and raises
        Error: shard() takes the BlockMask itself."""
        if not self._exact:
            raise Error("the balancer was made from a block mask and does not know which "
                        "pairs of its partial blocks count; give the block mask to shard()")
        return block_mask_of(self.plans, [row[which] for row in self.masks], rank,
                             device=self.device, **arguments)

    @classmethod
    def from_plan(cls, made: Union[Plan, Sequence[Plan]], device: Device = "cpu"
                  ) -> Balancer:
        """A balancer of finished plans, for example from a DataLoader worker."""
        plans = [made] if isinstance(made, Plan) else list(made)
        if not plans:
            raise Error("no plan is given; a batch needs one or more")
        balancer = Balancer.__new__(Balancer)
        balancer._keep(plans, device)
        return balancer


class EvenLoadBalancer(LoadBalancer):
    """LoadBalancer(balancer="even"): load nearest to the bound, traffic ignored."""

    def __init__(self, world_size: int, **arguments: Any) -> None:
        super().__init__(world_size, balancer="even", **arguments)


class FrugalLoadBalancer(LoadBalancer):
    """LoadBalancer(balancer="frugal"): least traffic within a tolerance of the load."""

    def __init__(self, world_size: int, **arguments: Any) -> None:
        super().__init__(world_size, balancer="frugal", **arguments)


class AutoLoadBalancer(LoadBalancer):
    """LoadBalancer(balancer="auto"): the plan with the least modelled step time."""

    def __init__(self, world_size: int, **arguments: Any) -> None:
        super().__init__(world_size, balancer="auto", **arguments)
