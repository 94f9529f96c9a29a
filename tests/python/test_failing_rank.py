# SPDX-License-Identifier: Apache-2.0
"""A rank that is killed, raises or falls silent in the middle of a step is an error on
every other rank, within the timeout of the process group, and never a hang."""
import datetime
import multiprocessing
import os
import signal
from multiprocessing.connection import wait

import pytest
import torch
import torch.distributed as dist

import cpbalance as cpb
from cpbalance.torch import LocalPlan, agree, attention

RANKS, VICTIM = 4, 1
TIMEOUT = datetime.timedelta(seconds=120)  # ranks may be slow to start
SILENCE = datetime.timedelta(seconds=10)  # the same where one falls silent, once all are there
PATIENCE = 300  # seconds until a rank that says nothing hangs
MASK = "documents:40,3,0,29,24"  # ranks that share no document with the victim as well


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


def raises():
    raise ValueError("no room")


def fails_at(call, does):
    """The victim does it instead of its call-th message."""
    calls, real = iter(range(call)), dist.all_to_all_single

    def counting(*arguments, **named):
        if next(calls, None) is None:
            does()
        return real(*arguments, **named)

    dist.all_to_all_single = counting


def step(rank, nodes):
    """Two layers forward and backward, and the sum of gradients over all ranks."""
    mask = cpb.Mask(MASK)
    plan = agree(lambda: cpb.plan(mask, RANKS, chunk=8, balancer="frugal"),
                 timeout=TIMEOUT)
    node = None
    if nodes:
        node = [dist.new_group([0, 1]), dist.new_group([2, 3])][rank // 2]
    local = LocalPlan(plan, mask, node_group=node, block_size=16)
    weight = torch.ones(8, requires_grad=True)
    x = torch.ones(1, 2, plan.size(rank), 8) * weight
    for _ in range(2):
        x = attention(x, x, x, local)
    x.sum().backward()
    dist.all_reduce(weight.grad)


def run_rank(rank, file, nodes, call, does, answer):
    torch.set_num_threads(1)
    try:
        dist.init_process_group("gloo", store=dist.FileStore(file, RANKS), rank=rank,
                                world_size=RANKS, timeout=TIMEOUT)
        if does is stopped:
            dist.barrier()
            dist.distributed_c10d._set_pg_timeout(SILENCE)
        if rank == VICTIM:
            fails_at(call, does)
        step(rank, nodes)
        answer.send("done")
    except Exception as error:
        kind = RuntimeError if isinstance(error, RuntimeError) else type(error)
        answer.send(f"{kind.__name__}: {error}")
    answer.close()
    os._exit(0)  # as a killed process does: nobody says goodbye


def ends_of(tmp_path, nodes, call, does):
    """What each rank said at its end; None of one that said nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cpbalance.torch"])
    processes, said = [], {}
    for rank in range(RANKS):
        mine, theirs = context.Pipe(duplex=False)
        processes.append((context.Process(target=run_rank, args=(
            rank, str(tmp_path / "store"), nodes, call, does, theirs)), mine))
        processes[-1][0].start()
        theirs.close()
    try:
        for rank, (process, mine) in enumerate(processes):
            if rank == VICTIM and does is stopped:
                continue
            assert wait([mine], PATIENCE), f"rank {rank} hangs"
            try:
                said[rank] = mine.recv()
            except EOFError:
                said[rank] = None
    finally:
        for process, _ in processes:
            process.kill()
            process.join()
    return said


@pytest.mark.parametrize("nodes, call", [(0, 0), (0, 1), (0, 3), (2, 1), (2, 5)])
def test_a_killed_rank(tmp_path, nodes, call):
    """Before, within and after the first layer, and in the backward pass."""
    said = ends_of(tmp_path, nodes, call, killed)
    assert said.pop(VICTIM) is None
    assert len(said) == RANKS - 1
    for sentence in said.values():
        assert sentence.startswith("RuntimeError: ") and len(sentence) > 20, said


@pytest.mark.parametrize("does", [raises, stopped])
def test_a_rank_that_raises_or_falls_silent(tmp_path, does):
    said = ends_of(tmp_path, 0, 1, does)
    assert said.pop(VICTIM, "ValueError: no room") == "ValueError: no room"
    assert len(said) == RANKS - 1
    for sentence in said.values():
        assert sentence.startswith("RuntimeError: "), said


def test_nobody_fails(tmp_path):
    """The same step without a victim: it is the failure that the others report."""
    assert ends_of(tmp_path, 2, 99, killed) == dict.fromkeys(range(RANKS), "done")
