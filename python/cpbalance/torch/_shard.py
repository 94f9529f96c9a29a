# SPDX-License-Identifier: Apache-2.0
"""Checked twins of torch's _context_parallel_shard and context_parallel_unshard."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Union

import torch
import torch.distributed._functional_collectives as collectives
from torch.distributed.device_mesh import DeviceMesh
from torch.nn.attention.flex_attention import BlockMask
from torch.utils._pytree import tree_flatten, tree_unflatten

from .._error import Error
from .._mask import Mask
from .._plan import plan
from ._balancers import Balancer
from ._block_mask import block_mask
from ._tiles import rearranged

Buffer = Union[torch.Tensor, BlockMask, Mask]


def shard(mesh: DeviceMesh, buffers: Any, seq_dims: Any,
          load_balancer: Optional[Balancer] = None,
          batch_dims: Optional[Any] = None) -> Any:
    """This rank's shard of each buffer; what torch's _context_parallel_shard returns.

    mesh           one-dimensional, of the balancer's world size
    buffers        tensors, block masks and masks, in any nesting of lists and dicts
    seq_dims       in the same nesting, the dimension of the sequence; may be negative, and
                   may be the only one. What stands for a mask is not looked at
    load_balancer  None: plain sharding
    batch_dims     as seq_dims; dimension 0 by default. Looked at only where rows of the
                   batch are planned one by one

    Only the shard is read: size / world_size elements of each buffer. Tensors stay
    differentiable. A mask becomes the BlockMask of this rank's queries over all keys,
    gathered in order: a Mask in closed form, in blocks of 128; a BlockMask out of its own
    tiles, in its own blocks, of any length that world_size divides, and mask_mod is asked
    only about tiles that the plan cuts. Changes no global switch of torch. Raises Error,
    `at` is the buffer.
    """
    flat, seq, batch, spec = _flatten(buffers, seq_dims, batch_dims)
    world = _world(mesh, load_balancer)
    rank = mesh.get_local_rank()
    shards: list[Buffer] = []
    for at, (buffer, dim, rows) in enumerate(zip(flat, seq, batch)):
        if isinstance(buffer, Mask):
            shards.append(_of_mask(buffer, world, rank, load_balancer, at))
            continue
        if isinstance(buffer, BlockMask):
            shards.append(_of_block_mask(buffer, world, rank, load_balancer, at))
            continue
        dim = _dimension(buffer, dim, at)
        length = _length(buffer, dim, world, load_balancer, at)
        begin, size = rank * (length // world), length // world
        if load_balancer is None:
            shards.append(buffer.narrow(dim, begin, size).contiguous())
            continue
        index = load_balancer.indices()[:, begin:begin + size]
        shards.append(_rearranged(buffer, dim, rows, index, at))
    return tree_unflatten(shards, spec)


@torch.no_grad()
def unshard(mesh: DeviceMesh, buffers: Sequence[torch.Tensor], seq_dims: Sequence[int],
            load_balancer: Optional[Balancer] = None,
            batch_dims: Optional[Sequence[int]] = None) -> list[torch.Tensor]:
    """Whole buffers in the caller's order, on every rank; what torch's
    context_parallel_unshard returns, for buffers without a batch too.

    Arguments as in shard(). Without a balancer nothing is rearranged, whatever torch's
    global switch says. Pads come last: cut at `load_balancer.tokens`.
    """
    flat, seq, batch, spec = _flatten(list(buffers), list(seq_dims), batch_dims)
    world = _world(mesh, load_balancer)
    whole = []
    for at, (buffer, dim, rows) in enumerate(zip(flat, seq, batch)):
        if not isinstance(buffer, torch.Tensor):
            raise Error(f"buffer {at} is a {type(buffer).__name__}; accepted are tensors, "
                        "since a mask is never gathered", at)
        dim = _dimension(buffer, dim, at)
        if load_balancer is not None:
            n = load_balancer.tokens + load_balancer.padding
            if buffer.shape[dim] * world != n:
                raise Error(f"buffer {at} has {buffer.shape[dim]} entries along dimension "
                            f"{dim}; a shard of {n} over {world} ranks has {n // world}",
                            at)
        gathered = collectives.all_gather_tensor(buffer.contiguous(), dim, (mesh, 0))
        if load_balancer is not None:
            gathered = _rearranged(gathered, dim, rows, load_balancer.indices(True), at)
        whole.append(gathered)
    restored: list[torch.Tensor] = tree_unflatten(whole, spec)
    return restored


def _flatten(buffers: Any, seq_dims: Any, batch_dims: Any
             ) -> tuple[list[Any], list[int], list[Optional[int]], Any]:
    flat, spec = tree_flatten(buffers)
    seq, _ = tree_flatten(seq_dims)
    batch: list[Optional[int]] = [None] * len(flat)
    if batch_dims is not None:
        batch = list(tree_flatten(batch_dims)[0])
    for what, found in (("seq_dims", seq), ("batch_dims", batch)):
        if len(found) != len(flat):
            raise Error(f"{len(found)} {what} are given for {len(flat)} buffers")
    for at, buffer in enumerate(flat):
        if not isinstance(buffer, (torch.Tensor, BlockMask, Mask)):
            raise Error(f"buffer {at} is a {type(buffer).__name__}; accepted are tensors, "
                        "block masks and masks", at)
    return flat, seq, batch, spec


def _world(mesh: DeviceMesh, balancer: Optional[Balancer]) -> int:
    world = mesh.size()
    if mesh.ndim != 1:
        raise Error(f"the mesh has {mesh.ndim} dimensions; accepted is the one of the "
                    "context-parallel group, like mesh[\"cp\"]")
    if balancer is not None and not isinstance(balancer, Balancer):
        raise Error(f"the balancer is a {type(balancer).__name__}; accepted are those of "
                    "cpbalance.torch")
    if balancer is not None and balancer.world_size != world:
        raise Error(f"the balancer plans for {balancer.world_size} ranks, the mesh has "
                    f"{world}")
    return world


def _dimension(buffer: torch.Tensor, dim: int, at: int) -> int:
    if not -buffer.ndim <= dim < buffer.ndim:
        raise Error(f"buffer {at} of shape {tuple(buffer.shape)} has no dimension {dim}", at)
    return dim % buffer.ndim


def _length(buffer: torch.Tensor, dim: int, world: int, balancer: Optional[Balancer],
            at: int) -> int:
    length = buffer.shape[dim]
    if balancer is None:
        if length % world:
            raise Error(f"buffer {at} has {length} entries along dimension {dim}, which "
                        f"{world} ranks do not divide; pad it by {-length % world}", at)
        return length
    n = balancer.tokens + balancer.padding
    if length != n:
        pads = f" ({balancer.tokens} tokens and {balancer.padding} pads behind them)"
        raise Error(f"buffer {at} has {length} entries along dimension {dim}, the plan has "
                    f"{n}{pads if balancer.padding else ''}", at)
    return length


def _rearranged(buffer: torch.Tensor, dim: int, batch: Optional[int],
                index: torch.Tensor, at: int) -> torch.Tensor:
    index = _on(index, buffer.device, f"buffer {at}", at)
    if len(index) == 1:
        return buffer.index_select(dim, index[0])
    batch = _batch(buffer, dim, batch, len(index), at)
    shape = [1] * buffer.ndim
    shape[batch], shape[dim] = index.shape
    whole = list(buffer.shape)
    whole[dim] = index.shape[1]
    index = index if batch < dim else index.T
    return buffer.gather(dim, index.reshape(shape).expand(whole))


def _batch(buffer: torch.Tensor, dim: int, batch: Optional[int], rows: int, at: int) -> int:
    """The dimension of the batch, where rows are planned one by one."""
    shape = tuple(buffer.shape)
    if batch is None:
        if dim == 0:
            raise Error(f"buffer {at} of shape {shape} has its sequence first, but the "
                        f"balancer plans {rows} rows; say which dimension is the batch "
                        "with batch_dims", at)
        if dim == 2 and len(shape) == 3 and shape[0] == shape[1] == rows:
            raise Error(f"buffer {at} of shape {shape} may have its batch in dimension 0 "
                        "or 1; say which with batch_dims", at)
        batch = 0
    batch = _dimension(buffer, batch, at)
    if batch == dim or shape[batch] != rows:
        raise Error(f"buffer {at} of shape {shape} has {shape[batch]} rows in dimension "
                    f"{batch}, the balancer plans {rows}; say which dimension is the batch "
                    "with batch_dims", at)
    return batch


def _of_mask(mask: Mask, world: int, rank: int, balancer: Optional[Balancer],
             at: int) -> BlockMask:
    if balancer is None:
        _divides(mask.tokens, world, f"mask {at}", at)
        return block_mask(plan(mask, world, balancer="contiguous"), mask, rank)
    if mask.tokens != balancer.tokens:
        raise Error(f"mask {at} has {mask.tokens} tokens, the plan has {balancer.tokens}",
                    at)
    return block_mask(balancer.plans, mask, rank, device=balancer.device)


def _of_block_mask(whole: BlockMask, world: int, rank: int, balancer: Optional[Balancer],
                   at: int) -> BlockMask:
    queries, keys = whole.seq_lengths
    rows, device = whole.kv_indices.shape[0], whole.kv_indices.device
    if queries != keys:
        raise Error(f"block mask {at} has {queries} queries and {keys} keys; accepted are "
                    "as many of both", at)
    if balancer is None:
        _divides(queries, world, f"block mask {at}", at)
        index = torch.arange(queries, device=device)[None]
    else:
        if queries != balancer.tokens + balancer.padding:
            raise Error(f"block mask {at} has {queries} tokens, the plan has "
                        f"{balancer.tokens + balancer.padding}", at)
        index = _on(balancer.indices(), device, f"block mask {at}", at)
        if {rows, len(index)} - {1, max(rows, len(index))}:
            raise Error(f"block mask {at} has {rows} rows, the balancer plans "
                        f"{len(index)}", at)
    return rearranged(whole, index, rank * (queries // world), queries // world)


def _divides(length: int, world: int, what: str, at: int) -> None:
    if length % world:
        raise Error(f"{what} has {length} tokens, which {world} ranks do not divide; pad "
                    f"it by {-length % world}", at)


def _on(index: torch.Tensor, device: torch.device, what: str, at: int) -> torch.Tensor:
    if index.device != device:
        raise Error(f"{what} is on {device}, the balancer's indices are on {index.device}; "
                    f"make the balancer with device=\"{device}\"", at)
    return index
