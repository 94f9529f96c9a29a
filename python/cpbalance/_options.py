# SPDX-License-Identifier: Apache-2.0
"""Keyword arguments, named and valued like the program's flags, as the library's
structs. What is None counts as not given."""
from __future__ import annotations

import re
from math import isfinite
from typing import Any, Callable, Mapping, Optional, Sequence, TypedDict, Union

import numpy as np

from ._arrays import integers
from ._error import Error
from ._lib import demand, encoded, ffi, lib, names, new_error

Profile = Union[str, Mapping[str, Any]]


class Setup(TypedDict, total=False):
    """How attention is run and priced; what plan(), score() and check() take."""

    nodes: Optional[int]  #: nodes that the ranks fill in order; divides them
    speeds: Optional[Sequence[int]]  #: relative speeds, one whole number per rank
    kernel: Optional[str]  #: "flex" (default), "varlen", "recurrent"
    transport: Optional[str]  #: "exchange" (default), "allgather", "ring"
    cost: Optional[str]  #: "profile" (default), "tiles", "pairs"
    profile: Optional[Profile]  #: a name of profiles(), or a profile file's object
    model: Optional[str]  #: query heads / KV heads x head dimension: "64/4x128"
    overlap: Optional[str]  #: "two-stage" (default), "none", "ideal"
    backward: Optional[bool]  #: add the backward pass to loads and step time


class Options(Setup, total=False):
    """What plan() takes beside masks and ranks."""

    balancer: Optional[str]  #: a name of balancers(); "auto" by default
    chunk: Optional[int]  #: tokens that move as one piece; the balancer's own by default
    tolerance: Optional[float]  #: allowed excess of the largest load; 0.01
    sizes: Optional[str]  #: "equal" (default, with padding) or "uneven"
    cap: Optional[int]  #: most tokens that a rank may hold, padding included
    effort: Optional[str]  #: "fast", "default", "high"
    combine: Optional[str]  #: what several masks are: "layers" (default) or "sum"
    carried: Optional[Any]  #: loads that ranks carry already: int [ranks], or
    #:                         [masks, ranks] under combine="layers"
    algorithm: Optional[int]  #: pin the algorithm of an earlier version


Fill = Callable[[Any, str, Any, "list[Any]"], None]


def choices(enum: str) -> dict[str, int]:
    """Names of the values of an enum of the library, as the program's flags spell them."""
    return {"profile" if name == "profile-time" else name: number
            for name, number in names(enum).items()}


def choose(flag: str, value: Any, accepted: Mapping[str, int]) -> int:
    """The number of a name, or the sentence on what is accepted."""
    number = accepted.get(value) if isinstance(value, str) else None
    if number is None:
        raise Error(f"{flag} is {value!r}; accepted are {', '.join(accepted)}")
    return number


def _choice(enum: str) -> Fill:
    accepted = choices(enum)

    def fill(struct: Any, flag: str, value: Any, held: list[Any]) -> None:
        setattr(struct, flag, choose(flag, value, accepted))
    return fill


def _number(struct: Any, flag: str, value: Any, held: list[Any]) -> None:
    try:
        setattr(struct, flag, value)
    except OverflowError:
        raise Error(f"{flag} is {value}, beyond what the library counts") from None
    except TypeError:
        raise TypeError(f"{flag} is {value!r}; accepted is a whole number") from None


def _tolerance(struct: Any, flag: str, value: Any, held: list[Any]) -> None:
    millionths = float(value) * 1_000_000
    parts = round(millionths) if isfinite(millionths) else 0
    if not abs(millionths - parts) <= 1e-6:
        raise Error(f"tolerance is {value}; accepted are at most six decimals")
    struct.tolerance_ppm = parts


def _text(struct: Any, flag: str, value: Any, held: list[Any]) -> None:
    held.append(ffi.new("char[]", encoded(value, flag)))
    setattr(struct, flag, held[-1])


def _array(kind: str, dtype: Any) -> Fill:
    def fill(struct: Any, flag: str, value: Any, held: list[Any]) -> None:
        given = integers(np.ravel(value), flag)
        array = given.astype(dtype)
        if (array != given).any():
            raise Error(f"{flag} hold {given[array != given][0]}, beyond {array.dtype}")
        held.append(ffi.from_buffer(kind, array))
        setattr(struct, flag, held[-1])
    return fill


def _model(struct: Any, flag: str, value: Any, held: list[Any]) -> None:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})x(\d{1,9})", str(value))
    if not match:
        raise Error(f"model is {value!r}; accepted is query heads / KV heads x head "
                    "dimension, like 64/4x128")
    shape = struct.model
    shape.q_heads, shape.kv_heads, shape.head_dim = map(int, match.groups())


def _profile(struct: Any, flag: str, value: Profile, held: list[Any]) -> None:
    if isinstance(value, str):
        error = new_error()
        demand(lib.cpb_profile_find(encoded(value, flag), ffi.addressof(struct, "profile"),
                                    error), error)
        return
    for tile in ("tile_q", "tile_k"):
        if tile not in value:
            raise Error(f"profile.{tile} is missing; accepted is a whole number from 1 on")
    for rate in ("net_bytes_per_us", "link_bytes_per_us"):
        if value.get(rate) == 0:
            raise Error(f"profile.{rate} is 0; accepted is a whole number from 1 on")
    # As of a profile file: what is missing costs nothing.
    struct.profile = ffi.new("cpb_profile *", {
        "name": b"custom", "model": lib.cpb_setup_default().model})[0]
    _merge(struct.profile, value, "profile")


def _merge(struct: Any, values: Mapping[str, Any], where: str) -> None:
    members = dict(ffi.typeof(struct).fields)
    for name, value in values.items():
        if name not in members:
            raise Error(f"{where} has no member {name!r}; it has {', '.join(members)}")
        if isinstance(value, Mapping) != (members[name].type.kind == "struct"):
            raise Error(f"{where}.{name} is {value!r}; accepted is "
                        + ("a number" if isinstance(value, Mapping) else "a mapping"))
        if isinstance(value, Mapping):
            _merge(getattr(struct, name), value, f"{where}.{name}")
        else:
            _member(struct, name, value, members[name].type)


def _member(struct: Any, name: str, value: Any, kind: Any) -> None:
    """A number, or the name of a profile with room for its zero."""
    if kind.kind != "array":
        _number(struct, name, value, [])
        return
    text = value.encode() if isinstance(value, str) else b""
    if not 0 < len(text) < kind.length:
        raise Error(f"profile.{name} is {value!r}; accepted are 1 to {kind.length - 1} "
                    "bytes of text")
    setattr(struct, name, text)


_SETUP: dict[str, Fill] = {
    "nodes": _number, "speeds": _array("int32_t *", np.int32),
    "kernel": _choice("cpb_kernel"), "transport": _choice("cpb_transport"),
    "cost": _choice("cpb_cost"), "overlap": _choice("cpb_overlap"),
    "backward": _number, "model": _model, "profile": _profile,
}
_OPTIONS: dict[str, Fill] = {
    "balancer": _text, "chunk": _number, "tolerance": _tolerance,
    "sizes": _choice("cpb_sizes"), "cap": _number, "effort": _choice("cpb_effort"),
    "combine": _choice("cpb_combine"), "carried": _array("int64_t *", np.int64),
    "algorithm": _number,
}


def _unknown(flag: str, *tables: Mapping[str, Fill]) -> TypeError:
    accepted = sorted(name for table in tables for name in table)
    return TypeError(f"there is no option {flag!r}; accepted are {', '.join(accepted)}")


def _ranked(setup: Any, ranks: int, values: Mapping[str, Any]) -> None:
    speeds = values.get("speeds")
    if speeds is not None and len(speeds) != ranks:
        raise Error(f"{len(speeds)} speeds are given for {ranks} ranks; accepted is one "
                    "per rank")
    error = new_error()
    demand(lib.cpb_setup_check(setup, ranks, error), error)


def fill_setup(setup: Any, flag: str, value: Any, held: list[Any],
               accepted: Mapping[str, Any]) -> None:
    """Fill one member of a `cpb_setup *` by its flag, if it is one of `accepted`."""
    if flag not in _SETUP or flag not in accepted:
        raise TypeError(f"there is no option {flag!r}; accepted are "
                        f"{', '.join(sorted(accepted))}")
    _SETUP[flag](setup, flag, value, held)


def setup_of(ranks: int, values: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """`cpb_setup *` and what must outlive it."""
    held: list[Any] = []
    setup = ffi.new("cpb_setup *", lib.cpb_setup_default())
    for flag, value in values.items():
        if flag not in _SETUP:
            raise _unknown(flag, _SETUP)
        if value is not None:
            _SETUP[flag](setup, flag, value, held)
    _ranked(setup, ranks, values)
    return setup, held


def options_of(ranks: int, n_masks: int, values: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """`cpb_options *` and what must outlive it."""
    held: list[Any] = []
    options = ffi.new("cpb_options *", lib.cpb_options_default())
    setup = options.setup
    _number(options, "ranks", ranks, held)
    for flag, value in values.items():
        if flag not in _OPTIONS and flag not in _SETUP:
            raise _unknown(flag, _OPTIONS, _SETUP)
        if value is None:
            continue
        if flag in _OPTIONS:
            _OPTIONS[flag](options, flag, value, held)
        else:
            _SETUP[flag](setup, flag, value, held)
    _carried(options, ranks, n_masks, values)
    if values.get("speeds") is not None:
        _ranked(ffi.addressof(options, "setup"), ranks, values)
    return options, held


def _carried(options: Any, ranks: int, n_masks: int, values: Mapping[str, Any]) -> None:
    carried = values.get("carried")
    if carried is None:
        return
    rows = n_masks if options.combine == lib.CPB_COMBINE_LAYERS else 1
    if np.size(carried) != rows * ranks:
        raise Error(f"{np.size(carried)} carried loads are given; accepted are "
                    f"{rows * ranks}: {rows} x {ranks} ranks")
