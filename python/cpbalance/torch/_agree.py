# SPDX-License-Identifier: Apache-2.0
"""Every rank plans alone; this compares what came out, once, before anybody waits."""
from __future__ import annotations

from datetime import timedelta
from typing import Callable, Optional, Sequence

import torch
import torch.distributed as dist

from .._error import Error
from .._plan import Plan

_BYTES = 256  # a hash, and the sentence of a failure


def agree(make: Callable[[], Plan], groups: Sequence[Optional[dist.ProcessGroup]] = (None,),
          timeout: timedelta = timedelta(seconds=60)) -> Plan:
    """Make the plan on this rank and compare hashes over one group after the other.

    make    returns this rank's plan; may raise
    groups  context-parallel first, then for example tensor- and pipeline-parallel, in the
            same order on every rank; None is the default group

    Raises Error on every rank where one of them failed or has another plan, and
    RuntimeError where one does not answer within `timeout`.
    """
    plan: Optional[Plan] = None
    failure = ""
    cause: Optional[Exception] = None
    try:
        plan = make()
    except Exception as error:  # whatever it is, the other ranks must hear of it
        failure, cause = f"{type(error).__name__}: {error}", error
    for group in groups:
        failure = _compare(plan, failure, group, timeout)
    if failure or plan is None:
        raise Error(failure) from cause
    return plan


def _compare(plan: Optional[Plan], failure: str, group: Optional[dist.ProcessGroup],
             timeout: timedelta) -> str:
    device = "cuda" if dist.get_backend(group) == "nccl" else "cpu"
    words = [failure.encode() if failure or plan is None else plan.hash.to_bytes(8, "big")]
    mine = bytes([bool(failure)]) + words[0][:_BYTES - 1].ljust(_BYTES - 1, b"\0")
    said = torch.frombuffer(bytearray(mine), dtype=torch.uint8).to(device)
    all_said = [torch.empty_like(said) for _ in range(dist.get_world_size(group))]
    work = dist.all_gather(all_said, said, group=group, async_op=True)
    work.wait(timeout)
    answers = [bytes(answer.cpu().numpy().tobytes()) for answer in all_said]
    for rank, answer in enumerate(answers):
        if answer[0]:
            sentence = answer[1:].rstrip(b"\0").decode(errors="replace")
            return sentence if sentence.startswith("rank ") else f"rank {rank}: {sentence}"
    for rank, answer in enumerate(answers):
        if answer != answers[0]:
            return (f"rank {rank} has the plan {answer[1:9].hex()}, rank 0 "
                    f"{answers[0][1:9].hex()}; plan from equal inputs on every rank")
    return ""
