# SPDX-License-Identifier: Apache-2.0
"""What there is: balancers, mask families, profiles."""
from __future__ import annotations

from itertools import count
from typing import Any, Iterator, Optional

from ._lib import ffi, lib, text


def _walk(call: Any) -> Iterator[str]:
    for i in count():
        found = call(i)
        if not found:
            return
        yield text(found)


def balancers() -> dict[str, str]:
    """Names of all balancers, each with a line on what it does."""
    return dict(zip(_walk(lib.cpb_balancer_name), _walk(lib.cpb_balancer_summary)))


def families() -> dict[str, str]:
    """Names of all mask families, each with a line on what it allows."""
    return dict(zip(_walk(lib.cpb_mask_family_name), _walk(lib.cpb_mask_family_summary)))


def profiles() -> list[str]:
    """Names of the built-in profiles."""
    return list(_walk(lib.cpb_profile_name))


def schedule_rows() -> dict[str, str]:
    """Names of the ways to schedule, each with a line on what it does."""
    return dict(zip(_walk(lib.cpb_schedule_name), _walk(lib.cpb_schedule_summary)))


def pytorch_default(tokens: int, ranks: int, enabled: bool = True) -> Optional[str]:
    """The balancer that PyTorch picks when nobody picks: "head-tail" if balancing is
    enabled and 2 * ranks divides `tokens`, else None (plain sharding)."""
    name = lib.cpb_balancer_pytorch_default(tokens, ranks, enabled)
    return text(name) if name != ffi.NULL else None
