# SPDX-License-Identifier: Apache-2.0
"""torch's own balancers under torch's names and arguments: equal bit for bit where torch
accepts the input, a sentence or a working result where it does not."""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Optional, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.distributed.tensor.experimental._context_parallel import _load_balancer
from torch.nn.attention.flex_attention import BlockMask

from .._error import Error
from .._lists import pytorch_default
from .._mask import SLICE, Mask
from .._plan import Plan, plan
from ._balancers import Balancer, Device
from ._source import document_rows, host


def _unpadded(made: Plan, what: str) -> Plan:
    """torch's indices are as long as the buffer."""
    if made.padding:
        raise Error(f"{what} {made.tokens} over {made.ranks} ranks: {made.balancer} needs "
                    f"{made.tokens + made.padding} tokens; pad the sequence by "
                    f"{made.padding}")
    return made


class HeadTailLoadBalancer(Balancer):
    """torch's _HeadTailLoadBalancer: piece r with piece 2W - 1 - r.

    Forward indices are int32, restoring ones int64, as torch's are. Raises Error unless
    2 * world_size divides seq_length, where torch asserts without a word.
    """

    _types = (torch.int32, torch.int64)

    def __init__(self, seq_length: int, world_size: int, device: Device) -> None:
        self.seq_length = seq_length
        made = plan(f"causal:{seq_length}", world_size, balancer="head-tail")
        self._keep([_unpadded(made, "seq_length")], device)


@lru_cache(maxsize=None)
def per_document_layout() -> str:
    """The balancer that lays documents out as the installed torch does: rank by rank
    (since July 2026), or document by document (before)."""
    theirs = _load_balancer._PerDocumentHeadTailLoadBalancer([[4, 4]], 2, "cpu")
    order = theirs._generate_indices()[0].tolist()
    return "per-document" if order[2] == 4 else "per-document-legacy"


class PerDocumentHeadTailLoadBalancer(Balancer):
    """torch's _PerDocumentHeadTailLoadBalancer, in the layout of the installed torch.

    seq_length_per_doc  one list of document lengths per row

    torch asserts unless 2 * world_size divides every length; here any lengths work whose
    sum world_size divides. Raises Error for others, for rows of different sums, and
    without rows or documents.
    """

    def __init__(self, seq_length_per_doc: Sequence[Sequence[int]], world_size: int,
                 device: Device) -> None:
        self.seq_length_per_doc = seq_length_per_doc
        rows = document_rows(seq_length_per_doc)
        if not len(seq_length_per_doc):
            raise Error("no row of documents is given; a batch needs one or more")
        masks = [Mask("documents", row) for row in rows]
        for at, mask in enumerate(masks):
            if mask.tokens != masks[0].tokens:
                raise Error(f"row {at} sums to {mask.tokens} tokens, row 0 has "
                            f"{masks[0].tokens}", at)
        name = per_document_layout()
        self._keep([_unpadded(plan(mask, world_size, balancer=name), "documents of")
                    for mask in masks], device)


def _tasks(times: npt.NDArray[Any], groups: int, tokens: int) -> Plan:
    """The plan of PTRR for tasks of `tokens` tokens that take whole times 0 .. n: a mask
    in which task i sees that many tiles."""
    busy = np.flatnonzero(times)  # a slice without keys is none
    slices = np.zeros(len(busy), SLICE)
    slices["queries"]["begin"] = busy * tokens
    slices["queries"]["end"] = (busy + 1) * tokens
    slices["keys"]["end"] = times[busy].astype(np.int64) * tokens
    mask = Mask.from_slices(len(times) * tokens, slices)
    return plan(mask, groups, balancer="ptrr", chunk=tokens)


class PTRRLoadBalancer(Balancer):
    """torch's _PTRRLoadBalancer: blocks of queries sorted by how many blocks of keys they
    see, dealt in a snake; each row of the batch by itself.

    Only the counts of the block mask are copied to the host. Raises Error for more than
    one head, for different numbers of queries and keys or different block sizes, where
    the block does not divide the sequence, and where world_size does not divide the
    blocks; torch goes silently wrong in the first, second and fourth case.
    """

    def __init__(self, block_mask: BlockMask, world_size: int) -> None:
        if not isinstance(block_mask, BlockMask):
            raise TypeError(f"block_mask is a {type(block_mask).__name__}; accepted is a "
                            "BlockMask")
        self.block_mask = block_mask
        counts = block_mask.kv_num_blocks
        if block_mask.full_kv_num_blocks is not None:
            counts = counts + block_mask.full_kv_num_blocks
        if counts.shape[1] != 1:
            raise Error(f"the block mask has {counts.shape[1]} heads; accepted is 1, since "
                        "one permutation serves all heads")
        (queries, keys), (block, block_k) = block_mask.seq_lengths, block_mask.BLOCK_SIZE
        if queries != keys:
            raise Error(f"the block mask has {queries} queries and {keys} keys; accepted "
                        "are as many of both, since keys are rearranged like queries")
        if block != block_k:
            raise Error(f"blocks are {block} x {block_k}; accepted are squares")
        if queries % block:
            raise Error(f"blocks of {block} do not divide {queries} tokens; pad the "
                        f"sequence by {-queries % block}")
        self._keep([_unpadded(_tasks(row[0], world_size, block), "tokens of the block mask:")
                    for row in host(counts)], counts.device)

    @staticmethod
    def ptrr_scheduling(process_time: torch.Tensor, group_size: int) -> torch.Tensor:
        """int64 (group_size, n / group_size) tasks of each group, ascending: tasks sorted
        by falling time, equal ones by number, dealt in a snake.

        process_time  (n,) of any type that has an order
        """
        if process_time.ndim != 1:
            raise Error(f"process_time has the shape {tuple(process_time.shape)}; accepted "
                        "is one dimension")
        n = process_time.shape[0]
        if group_size < 1 or n % group_size:
            raise Error(f"{n} tasks cannot be dealt evenly to {group_size} groups; add "
                        f"{-n % max(1, group_size)} tasks of time 0")
        if n == 0:
            return process_time.new_empty((group_size, 0), dtype=torch.int64)
        _, places = np.unique(host(process_time), return_inverse=True)
        groups = torch.empty((group_size, n // group_size), dtype=torch.int64)
        _tasks(places, group_size, 1).order(out=groups)
        return groups.to(process_time.device)


def create_default_load_balancer(seq_length: int, world_size: int,
                                 device: Device) -> Optional[Balancer]:
    """torch's choice when nobody chooses: head-tail if torch's global switch is on and
    2 * world_size divides seq_length, else None, which is plain sharding."""
    from torch.distributed.tensor.experimental._context_parallel._attention import (
        _cp_options,
    )
    name = pytorch_default(seq_length, world_size, _cp_options.enable_load_balance)
    return HeadTailLoadBalancer(seq_length, world_size, device) if name else None
