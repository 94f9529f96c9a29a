# SPDX-License-Identifier: Apache-2.0
"""The library beside this file. `ffi` and `lib` are cffi's, in ABI mode; every call
through `lib` releases the GIL."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from ._declarations import ffi as _ffi
from ._error import Error, Refuted

NATIVE = Path(__file__).with_name("_native")
ffi: Any = _ffi


def _load() -> Any:
    for file in NATIVE.glob("libcpb*"):
        return ffi.dlopen(str(file))
    raise ImportError(f"libcpb is not in {NATIVE}; install cpbalance anew")


lib: Any = _load()


def text(pointer: Any) -> str:
    """A zero-terminated text of the library, "" for NULL."""
    return bytes(ffi.string(pointer)).decode(errors="backslashreplace") if pointer else ""


def encoded(value: Any, what: str) -> bytes:
    """A text for the library, which ends it at its first zero."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}; accepted is a text")
    if "\0" in value:
        raise Error(f"{what} is {value!r}; accepted is a text without zeros")
    return value.encode()


def library_version() -> str:
    return text(lib.cpb_version())


def new_error() -> Any:
    return ffi.new("cpb_error *")


def demand(status: int, error: Any) -> None:
    """Raise unless `status` is CPB_OK."""
    if status == lib.CPB_OK:
        return
    sentence = text(error.message) or text(lib.cpb_status_text(status))
    if status == lib.CPB_NO_MEMORY:
        raise MemoryError(sentence)
    kind = Refuted if status == lib.CPB_REFUTED else Error
    raise kind(sentence, error.at, text(lib.cpb_status_text(status)))


def names(enum: str) -> dict[str, int]:
    """The members of an enum as the program calls them: CPB_OVERLAP_TWO_STAGE of
    cpb_overlap is "two-stage"."""
    prefixes = ("CPB_" + enum[len("cpb_"):].upper() + "_", "CPB_")
    found = {}
    for number, member in sorted(ffi.typeof(enum).elements.items()):
        prefix = next(p for p in prefixes if member.startswith(p))
        found[member[len(prefix):].lower().replace("_", "-")] = number
    return found
