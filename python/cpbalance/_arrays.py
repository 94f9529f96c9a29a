# SPDX-License-Identifier: Apache-2.0
"""Arrays between Python and the library: numpy, torch tensors on the host, buffers."""
from __future__ import annotations

from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ._error import Error
from ._lib import ffi, lib

Integers = npt.NDArray[np.int64]
_INDEX = {np.dtype(np.int64): lib.CPB_INT64, np.dtype(np.int32): lib.CPB_INT32}
_TORCH_INDEX = {"torch.int64": lib.CPB_INT64, "torch.int32": lib.CPB_INT32}


def integers(values: Any, what: str) -> Integers:
    """`values` as int64 [n]; lists, numpy arrays and tensors on the host are accepted."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise Error(f"{what} have the shape {array.shape}; accepted is one dimension")
    if array.size and array.dtype.kind not in "iu":
        raise Error(f"{what} are {array.dtype}; accepted are whole numbers of 64 bits")
    if array.dtype == np.uint64 and array.size and array.max() > np.uint64(2**63 - 1):
        raise Error(f"{what} hold {array.max()}, more than 64 bits with a sign")
    return np.ascontiguousarray(array, dtype=np.int64)


def ends_of(document_ends: Any, tokens: int) -> Optional[Integers]:
    """Where each document of a plan of so many tokens ends; None stays None."""
    if document_ends is None:
        return None
    ends = integers(document_ends, "document ends")
    if not ends.size or ends[-1] != tokens or (np.diff(ends, prepend=0) < 0).any():
        raise Error(f"document ends do not ascend to the {tokens} tokens of the plan")
    return ends


def pointer(array: Optional[npt.NDArray[Any]], kind: str = "int64_t *") -> Any:
    """Address of a C-contiguous array; NULL for None. The caller keeps the array."""
    if array is None:
        return ffi.NULL
    return ffi.from_buffer(kind, array)


def writable(out: Any, n: int, what: str) -> tuple[Any, int]:
    """Address and cpb_index of a caller's buffer of n elements, int32 or int64."""
    if hasattr(out, "data_ptr"):
        return _tensor(out, n, what)
    if not isinstance(out, np.ndarray):
        try:
            out = np.asarray(memoryview(out))
        except TypeError:
            raise TypeError(
                f"{what} is a {type(out).__name__}; accepted are numpy arrays, torch "
                "tensors on the host and writable buffers") from None
    index = _INDEX.get(out.dtype)
    if index is None:
        raise Error(f"{what} is {out.dtype}; accepted are int64 and int32")
    _fits(out.size, n, bool(out.flags.c_contiguous), what)
    if not out.flags.writeable:
        raise Error(f"{what} is read-only")
    return ffi.from_buffer("void *", out), index


def _tensor(out: Any, n: int, what: str) -> tuple[Any, int]:
    index = _TORCH_INDEX.get(str(out.dtype))
    if index is None:
        raise Error(f"{what} is {out.dtype}; accepted are torch.int64 and torch.int32")
    if out.device.type != "cpu":
        raise Error(f"{what} is on {out.device}; the library writes to the host, for "
                    "example into pinned memory, and the caller copies")
    _fits(out.numel(), n, out.is_contiguous(), what)
    return ffi.cast("void *", out.data_ptr()), index


def _fits(size: int, n: int, contiguous: bool, what: str) -> None:
    if size != n:
        raise Error(f"{what} has {size} elements; {n} are written")
    if not contiguous:
        raise Error(f"{what} is not contiguous")


def indices(n: int, dtype: Any, out: Any, what: str) -> tuple[Any, Any, int]:
    """The buffer to fill and return, its address, its cpb_index."""
    if out is None:
        if np.dtype(dtype) not in _INDEX:
            raise Error(f"dtype is {np.dtype(dtype)}; accepted are int64 and int32")
        out = np.empty(n, dtype)
    address, index = writable(out, n, what)
    return out, address, index


def record(kind: str) -> np.dtype[Any]:
    """The numpy dtype of a struct of the library."""
    struct = ffi.typeof(kind)
    members = dict(struct.fields)
    return np.dtype({
        "names": list(members),
        "formats": [_format(member.type) for member in members.values()],
        "offsets": [member.offset for member in members.values()],
        "itemsize": ffi.sizeof(struct),
    })


def _format(member: Any) -> Any:
    if member.kind == "struct":
        return record(member.cname)
    size = ffi.sizeof(member)
    return f"{'f' if member.cname == 'double' else 'i'}{size}"


def copied(first: Any, n: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A copy of n structs that the library owns."""
    if n == 0:
        return np.empty(0, dtype)
    return np.frombuffer(ffi.buffer(first, n * dtype.itemsize), dtype).copy()


_AT_ONCE = 1 << 13  # numbers whose intermediate arrays stay in the cache


def spread(begins: Integers, lengths: Integers, out: Optional[Integers] = None) -> Integers:
    """begin, begin + 1, ..., `length` of them, for each; into `out` where given."""
    ends = np.cumsum(lengths)
    shifts = begins - ends + lengths
    total = int(ends[-1]) if len(ends) else 0
    out = np.empty(total, np.int64) if out is None else out
    cuts = np.searchsorted(ends, np.arange(_AT_ONCE, total, _AT_ONCE), "right")
    first = run = 0
    for cut in [*cuts.tolist(), len(ends)]:
        if cut > run:
            last = int(ends[cut - 1])
            np.add(np.arange(first, last), np.repeat(shifts[run:cut], lengths[run:cut]),
                   out=out[first:last])
            first, run = last, cut
    return out
