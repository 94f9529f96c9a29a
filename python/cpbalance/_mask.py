# SPDX-License-Identifier: Apache-2.0
"""Masks: what each query may attend to."""
from __future__ import annotations

from operator import index
from typing import Any, Iterable, Optional, Sequence, Union

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, copied, integers, pointer, record
from ._error import Error
from ._lib import demand, encoded, ffi, lib, names, new_error, text

_KINDS = names("cpb_kind")
SLICE = record("cpb_slice")


class Mask:
    """An immutable mask over one sequence.

    Mask(documents=[5000, 300])             causal inside each document
    Mask("window:512", documents=[5000])    a family with its lengths beside it
    Mask("3*window:8192;n=512")             everything in the text; three such layers

    text       FAMILY:LENGTHS[;key=value...] or, beside `documents`,
               FAMILY[:N][;key=value...]; see docs/masks.md. A leading `W*` is the weight
    documents  int [n] document lengths, zeros allowed

    Raises Error with the place of the first wrong character, or the wrong document, in
    `at`.
    """

    __slots__ = ("_mask", "_weight", "_view", "_held", "__weakref__")
    _mask: Any
    _weight: int
    _view: Any
    _held: Any

    def __init__(self, text: str = "documents", documents: Optional[Any] = None) -> None:
        lengths = _lengths(documents)
        weight, mask, error = ffi.new("int64_t *"), ffi.new("cpb_mask **"), new_error()
        demand(lib.cpb_mask_create_text(
            encoded(text, "mask"), _n(lengths), pointer(lengths), weight, ffi.NULL, mask, error),
            error)
        self._own(mask[0], weight[0])

    def _own(self, mask: Any, weight: int) -> None:
        self._mask = ffi.gc(mask, lib.cpb_mask_free)
        self._weight = weight
        array = ffi.new("cpb_mask *[1]", [self._mask])
        weights = ffi.new("int64_t[1]", [weight])
        self._held = (array, weights)
        self._view = ffi.new("cpb_masks *", (1, array, weights))

    @classmethod
    def _made(cls, mask: Any, weight: int) -> Mask:
        if weight < 1:
            raise Error(f"the weight of a mask is {weight}; accepted is 1 or more")
        made = cls.__new__(cls)
        made._own(mask[0], weight)
        return made

    @classmethod
    def from_slices(cls, tokens: int, slices: Iterable[Sequence[Any]],
                    documents: Optional[Any] = None, weight: int = 1) -> Mask:
        """A mask of disjoint rectangles.

        tokens  length of the sequence
        slices  (queries begin, queries end, keys begin, keys end, kind) each; kind is
                "full", "causal", "inverse-causal", "bi-causal" or its number. Or an array
                like `Mask.slices`
        """
        array = slices if isinstance(slices, np.ndarray) and slices.dtype == SLICE \
            else _slices(slices)
        lengths = _lengths(documents)
        mask, error = ffi.new("cpb_mask **"), new_error()
        demand(lib.cpb_mask_create(
            tokens, len(array), pointer(array, "cpb_slice *"), _n(lengths),
            pointer(lengths), ffi.NULL, mask, error), error)
        return cls._made(mask, weight)

    @classmethod
    def from_blocks(cls, kv_num_blocks: Any, kv_indices: Any,
                    full_kv_num_blocks: Optional[Any] = None,
                    full_kv_indices: Optional[Any] = None, *,
                    seq_lengths: tuple[int, int], block_size: tuple[int, int],
                    documents: Optional[Any] = None, weight: int = 1) -> Mask:
        """A mask known per block: the arrays of FlexAttention's BlockMask for one batch
        row and one head, on the host.

        kv_num_blocks  int32 [rows] or [1, 1, rows]
        kv_indices     int32 [rows, columns] or [1, 1, rows, columns]
        full_kv_*      as above, or both None
        seq_lengths, block_size  (queries, keys)
        """
        counts, lists = _blocks(kv_num_blocks, 1), _blocks(kv_indices, 2)
        full = None if full_kv_num_blocks is None else _blocks(full_kv_num_blocks, 1)
        full_lists = None if full_kv_indices is None else _blocks(full_kv_indices, 2)
        shape, columns = lists.shape, lists.shape[-1]
        if full_lists is not None and full_lists.shape != shape:
            raise Error(f"full_kv_indices have the shape {full_lists.shape}, kv_indices "
                        f"{shape}; accepted are equal shapes")
        for what, array in (("kv_num_blocks", counts), ("full_kv_num_blocks", full)):
            if array is not None and array.shape != shape[:-1]:
                raise Error(f"{what} have the shape {array.shape} beside kv_indices of "
                            f"{shape}; accepted is {shape[:-1]}")
        if shape[-2] != -(-seq_lengths[0] // max(1, block_size[0])):
            raise Error(f"{shape[-2]} rows of blocks of {block_size[0]} queries are given "
                        f"for {seq_lengths[0]} queries")
        lengths = _lengths(documents)
        blocks = ffi.new("cpb_block_mask *", {
            "batch": shape[0] if len(shape) == 4 else 1,
            "heads": shape[1] if len(shape) == 4 else 1,
            "q_length": seq_lengths[0], "k_length": seq_lengths[1],
            "block_q": block_size[0], "block_k": block_size[1],
            "row_stride": columns,
            "kv_num_blocks": pointer(counts, "int32_t *"),
            "kv_indices": pointer(lists, "int32_t *"),
            "full_kv_num_blocks": pointer(full, "int32_t *"),
            "full_kv_indices": pointer(full_lists, "int32_t *"),
        })
        mask, error = ffi.new("cpb_mask **"), new_error()
        demand(lib.cpb_mask_create_blocks(
            blocks, _n(lengths), pointer(lengths), ffi.NULL, mask, error), error)
        return cls._made(mask, weight)

    @classmethod
    def from_dense(cls, allowed: Any, documents: Optional[Any] = None,
                   weight: int = 1) -> Mask:
        """A mask from a matrix, for tests and experiments.

        allowed  bool or int [tokens, tokens], query by key; nonzero means allowed
        """
        matrix = np.ascontiguousarray(np.asarray(allowed) != 0, dtype=np.uint8)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise Error(f"the matrix has the shape {matrix.shape}; accepted is a square")
        lengths = _lengths(documents)
        mask, error = ffi.new("cpb_mask **"), new_error()
        demand(lib.cpb_mask_create_dense(
            len(matrix), pointer(matrix, "uint8_t *"), _n(lengths), pointer(lengths),
            ffi.NULL, mask, error), error)
        return cls._made(mask, weight)

    @property
    def tokens(self) -> int:
        """Length of the sequence."""
        return int(lib.cpb_mask_tokens(self._mask))

    @property
    def pairs(self) -> int:
        """Allowed pairs of the whole mask."""
        return int(lib.cpb_mask_pairs(self._mask))

    @property
    def weight(self) -> int:
        """How many layers use it."""
        return self._weight

    @property
    def text(self) -> Optional[str]:
        """Canonical text without weight; None for a mask that was not made from one."""
        return text(lib.cpb_mask_text(self._mask)) or None

    @property
    def slices(self) -> npt.NDArray[Any]:
        """Structured [n]: fields queries and keys (begin, end) and kind. A copy."""
        return copied(lib.cpb_mask_slices(self._mask),
                      lib.cpb_mask_n_slices(self._mask), SLICE)

    @property
    def document_ends(self) -> Integers:
        """int64 [n_documents] where each document ends. A copy."""
        return copied(lib.cpb_mask_document_ends(self._mask),
                      lib.cpb_mask_n_documents(self._mask), np.dtype(np.int64))

    def pairs_of(self, begin: int, end: int) -> int:
        """Allowed pairs whose query lies in [begin, end)."""
        if not 0 <= begin <= end <= self.tokens:
            raise Error(f"[{begin}, {end}) is not a range of 0 .. {self.tokens}")
        return int(lib.cpb_mask_pairs_of(self._mask, (begin, end)))

    def allows(self, query: int, key: int) -> bool:
        """Whether `query` may attend to `key`."""
        for position in (query, key):
            if not 0 <= position < self.tokens:
                raise Error(f"position {position} is not one of 0 .. {self.tokens - 1}")
        return bool(lib.cpb_mask_allows(self._mask, query, key))

    def __reduce__(self) -> Any:
        if self.text is not None:
            weight = f"{self._weight}*" if self._weight != 1 else ""
            return Mask, (weight + self.text,)
        lengths = np.diff(self.document_ends, prepend=0)
        return Mask.from_slices, (self.tokens, self.slices, lengths, self._weight)

    def __repr__(self) -> str:
        weight = f", weight {self._weight}" if self._weight != 1 else ""
        what = self.text or f"{len(self.slices)} slices over {self.tokens} tokens"
        return f"<Mask {what if len(what) <= 80 else what[:77] + '...'}{weight}>"


Masks = Union[Mask, str, Sequence[Union[Mask, str]]]


def view(masks: Masks) -> tuple[Any, Any]:
    """`cpb_masks *` and what must outlive it."""
    if isinstance(masks, Mask):
        return masks._view, masks
    if isinstance(masks, str):
        return view(Mask(masks))
    held = [m if isinstance(m, Mask) else Mask(m) for m in masks]
    if not held:
        raise Error("no mask is given; a plan needs one or more")
    array = ffi.new("cpb_mask *[]", [m._mask for m in held])
    weights = ffi.new("int64_t[]", [m._weight for m in held])
    return ffi.new("cpb_masks *", (len(held), array, weights)), (held, array, weights)


def _lengths(documents: Optional[Any]) -> Optional[Integers]:
    if documents is None:
        return None
    lengths = integers(documents, "document lengths")
    if not lengths.size:
        raise Error("no document is given; a sequence needs one or more")
    return lengths


def _n(lengths: Optional[Integers]) -> int:
    return 0 if lengths is None else len(lengths)


def _blocks(values: Any, dimensions: int) -> npt.NDArray[np.int32]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.ndim not in (dimensions, dimensions + 2):
        raise Error(f"an array of a block mask is {array.dtype} of shape {array.shape}; "
                    f"accepted is int32 with {dimensions} or {dimensions + 2} dimensions")
    return np.ascontiguousarray(array, dtype=np.int32)


def _slices(slices: Iterable[Sequence[Any]]) -> npt.NDArray[Any]:
    rows = []
    for at, given in enumerate(slices):
        if len(given) != 5:
            raise Error(f"slice {at} has {len(given)} values; accepted are begin and end of "
                        "its queries, of its keys, and its kind", at)
        kind = _KINDS.get(given[4], given[4])
        if isinstance(kind, str):
            raise Error(f"slice {at} is of kind {kind!r}; accepted are "
                        f"{', '.join(_KINDS)}", at)
        try:
            a, b, c, d = map(index, given[:4])
            rows.append(((a, b), (c, d), index(kind)))
        except TypeError:
            raise Error(f"slice {at} is {given}; accepted are whole numbers", at) from None
    try:
        return np.array(rows, SLICE)
    except OverflowError:
        raise Error("slices hold a number of more than 64 bits with a sign") from None
