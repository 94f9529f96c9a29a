# SPDX-License-Identifier: Apache-2.0
"""From what users have - lengths, cu_seqlens, texts, block masks - to masks per row."""
from __future__ import annotations

from typing import Any, Optional, Sequence

import numpy as np
from torch.nn.attention.flex_attention import BlockMask

from .._arrays import Integers, integers
from .._error import Error
from .._mask import Mask

Row = Sequence[Mask]


def host(values: Any) -> Any:
    """A tensor on any device as numpy, which waits for the device; others as they are."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values


def mask_of_block_mask(block_mask: BlockMask, row: int = 0, weight: int = 1) -> Mask:
    """The mask of one batch row of a BlockMask, which is copied to the host. A partly
    allowed block counts as allowed. Raises Error for more than one head, and where
    queries and keys differ in number."""
    full = block_mask.full_kv_num_blocks is not None
    names = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices")
    arrays = [host(getattr(block_mask, name)[row:row + 1])
              for name in (names if full else names[:2])]
    return Mask.from_blocks(*arrays, seq_lengths=(block_mask.seq_lengths[0],
                                                  block_mask.seq_lengths[1]),
                            block_size=(block_mask.BLOCK_SIZE[0], block_mask.BLOCK_SIZE[1]),
                            weight=weight)


def document_rows(documents: Any) -> list[Any]:
    """Lengths per row from one row of lengths or a list of rows."""
    documents = host(documents)
    if not np.iterable(documents) or isinstance(documents, (str, dict)):
        raise Error(f"documents are {documents!r}; accepted are lengths, or a list of them "
                    "per row of the batch")
    if isinstance(documents, np.ndarray) and documents.ndim == 2:
        documents = list(documents)
    if len(documents) and np.ndim(host(documents[0])):
        return [host(row) for row in documents]
    return [documents]


def lengths_of(cu_seqlens: Any, seq_length: Optional[int]) -> list[Integers]:
    """Lengths per row from cumulative ones, which end at rows * seq_length."""
    ends = integers(host(cu_seqlens), "cu_seqlens")
    if len(ends) < 2 or ends[0] != 0:
        raise Error(f"cu_seqlens start with {ends[:1].tolist()} and have {len(ends)} "
                    "entries; accepted are 0 and the end of each document", 0)
    fall = np.flatnonzero(np.diff(ends) < 0)
    if len(fall):
        at = int(fall[0]) + 1
        raise Error(f"cu_seqlens fall from {ends[at - 1]} to {ends[at]} at entry {at}", at)
    if seq_length is None or ends[-1] == seq_length:
        return [np.diff(ends)]
    if seq_length < 1 or ends[-1] % seq_length:
        raise Error(f"cu_seqlens end at {ends[-1]}, which is no multiple of the buffer's "
                    f"{seq_length} tokens", len(ends) - 1)
    borders = np.arange(seq_length, ends[-1], seq_length)
    missing = np.setdiff1d(borders, ends)
    if len(missing):
        raise Error(f"a document crosses the end of a row at {missing[0]}; rows of "
                    f"{seq_length} tokens must end where documents end")
    cuts = np.searchsorted(ends, borders)
    return [np.diff(row) for row in
            (ends[a:b + 1] for a, b in zip([0, *cuts], [*cuts, len(ends) - 1]))]


def rows_of(documents: Any, cu_seqlens: Any, mask: Any, block_mask: Any,
            seq_length: Optional[int]) -> list[Row]:
    """The masks of each row of the batch."""
    given = [name for name, value in (("documents", documents), ("cu_seqlens", cu_seqlens),
                                      ("block_mask", block_mask)) if value is not None]
    if len(given) > 1 or (block_mask is not None and mask is not None):
        raise Error(f"{' and '.join(given + ['mask'] * (mask is not None))} are given; "
                    "accepted is one of documents, cu_seqlens, block_mask")
    if block_mask is not None:
        rows: list[Row] = _block_rows(block_mask)
    elif given:
        lengths = (document_rows(documents) if documents is not None
                   else lengths_of(cu_seqlens, seq_length))
        if not lengths:
            raise Error("no row of documents is given; a batch needs one or more")
        rows = [[Mask(text, row) for text in _texts(mask)] for row in lengths]
    elif mask is not None:
        rows = [[one if isinstance(one, Mask) else Mask(one) for one in
                 ([mask] if isinstance(mask, (Mask, str)) else mask)]]
        if not rows[0]:
            raise Error("no mask is given; a plan needs one or more")
    else:
        raise Error("no mask is given; accepted are documents, cu_seqlens, mask, block_mask")
    _fit(rows, seq_length)
    return rows


def _texts(mask: Any) -> Sequence[str]:
    texts = ["documents"] if mask is None else [mask] if isinstance(mask, (Mask, str)) \
        else mask
    if any(isinstance(one, Mask) for one in texts):
        raise Error("a finished Mask is given beside lengths; accepted is the text of a "
                    "family, like \"window:512\"")
    return list(texts)


def _block_rows(block_mask: Any) -> list[Row]:
    masks = [block_mask] if isinstance(block_mask, BlockMask) else list(block_mask)
    if not masks:
        raise Error("no block mask is given; a plan needs one or more")
    batches = {one.kv_num_blocks.shape[0] for one in masks} - {1}
    if len(batches) > 1:
        raise Error(f"the block masks have {sorted(batches)} rows; accepted is one batch")
    return [[mask_of_block_mask(one, row if one.kv_num_blocks.shape[0] > 1 else 0)
             for one in masks] for row in range(batches.pop() if batches else 1)]


def _fit(rows: list[Row], seq_length: Optional[int]) -> None:
    """Rows share one buffer."""
    wanted = rows[0][0].tokens if seq_length is None else seq_length
    for at, row in enumerate(rows):
        for one in row:
            if one.tokens != wanted:
                whose = "the buffer" if seq_length is not None else "row 0"
                raise Error(f"row {at} sums to {one.tokens} tokens, {whose} has {wanted}",
                            at)
