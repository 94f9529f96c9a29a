# SPDX-License-Identifier: Apache-2.0
"""Objects in pickles, threads and real DataLoader workers."""
import copy
import pickle
import sys
import threading
import time
from multiprocessing import shared_memory

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import cpbalance as cpb
from conftest import masks_of

PACKS = [[300, 212], [512], [100, 0, 412], [1] * 512] * 2


def test_masks_come_back_from_pickles():
    block = cpb.Mask.from_blocks([1, 2], [[0, 0], [0, 1]], seq_lengths=(7, 7),
                                 block_size=(4, 4), documents=[3, 4], weight=2)
    for mask in [*masks_of([3, 0, 5]), cpb.Mask("3*causal:8"), block]:
        again = pickle.loads(pickle.dumps(mask))
        assert again.slices.tolist() == mask.slices.tolist()
        assert (again.text, again.weight) == (mask.text, mask.weight)
        assert (again.document_ends == mask.document_ends).all()


def test_plans_come_back_with_runs_and_options():
    plan = cpb.plan("documents:300,212", 4, balancer="even", chunk=16, sizes="uneven")
    for again in (pickle.loads(pickle.dumps(plan)), copy.deepcopy(plan)):
        assert again == plan and again.options == plan.options
        assert again.balancer == "even" and again.promise() == plan.promise()


def test_a_damaged_pickle_is_refused():
    plan = cpb.plan("documents:300,212", 4, balancer="head-tail")
    load, state = plan.__reduce__()
    with pytest.raises(cpb.Error, match="the stored plan has the hash"):
        load(*state[:-1], plan.hash ^ 1)
    exchange = cpb.Exchange(plan, cpb.Mask("documents:300,212"))
    load, state = exchange.__reduce__()
    with pytest.raises(cpb.Error, match="the stored exchange has the hash"):
        load(*state[:-1], exchange.hash ^ 1)


def test_exchanges_scores_and_errors_come_back():
    mask = cpb.Mask("documents:300,212")
    plan = cpb.plan(mask, 4, balancer="even", chunk=16)
    other = cpb.plan(mask, 4, balancer="head-tail")
    for made in (cpb.Exchange(plan, mask, "two-level", 2), cpb.Exchange.move(plan, other),
                 cpb.Exchange.halo(plan, 2, mask.document_ends)):
        assert pickle.loads(pickle.dumps(made)).hash == made.hash
    score = cpb.score(plan, mask)
    assert pickle.loads(pickle.dumps(score)).step_time == score.step_time
    error = pickle.loads(pickle.dumps(cpb.Error("no", 3, "invalid input")))
    assert (str(error), error.at, error.status) == ("no", 3, "invalid input")


def is_seen_inside(call, calls):
    """Whether a thread finds another one inside one of so many calls. The interpreter takes
    itself away from none of them, so that it can do so only where a call lets go of it."""
    inside = seen = False

    def work():
        nonlocal inside
        for _ in range(calls):
            inside = True
            call()
            inside = False
            if seen:
                break

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        seen = seen or inside
        time.sleep(0.001)
    sys.setswitchinterval(interval)
    return seen


def test_calls_release_the_interpreter():
    mask = cpb.Mask(documents=[200_000])
    plan = cpb.plan(mask, 8, balancer="striped", chunk=1)
    assert is_seen_inside(lambda: cpb.check(plan, mask), 1000)
    assert not is_seen_inside(lambda: sum(range(100_000)), 20)


def test_threads_share_objects():
    mask = cpb.Mask(documents=[1000, 24, 3072])
    expected = cpb.plan(mask, 8)
    found = []

    def work():
        for _ in range(20):
            plan = cpb.plan(mask, 8)
            found.append((plan.hash, (plan.order() == expected.order()).all(),
                          cpb.score(expected, mask).load_max))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 160 and len(set(found)) == 1 and found[0][0] == expected.hash


class Packs(Dataset):
    """Plans its packs in the worker and, where asked, writes their orders into memory
    that the trainer allocated."""

    def __init__(self, shared=None):
        self.shared = shared

    def __len__(self):
        return len(PACKS)

    def __getitem__(self, i):
        mask = cpb.Mask(documents=PACKS[i])
        plan = cpb.plan(mask, 4, balancer="even", chunk=16)
        if self.shared is not None:
            plan.order(out=self.shared[i])
        return plan, mask, plan.order(out=torch.empty(512, dtype=torch.int64))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_data_loader_workers_plan_ahead(start):
    shared = torch.zeros(len(PACKS), 512, dtype=torch.int64).share_memory_()
    loader = DataLoader(Packs(shared), batch_size=None, num_workers=2,
                        multiprocessing_context=start)
    for i, (plan, mask, order) in enumerate(loader):
        here = cpb.plan(cpb.Mask(documents=PACKS[i]), 4, balancer="even", chunk=16)
        assert plan == here and mask.text == cpb.Mask(documents=PACKS[i]).text
        assert order.tolist() == here.order().tolist() == shared[i].tolist()
    assert i == len(PACKS) - 1


def test_orders_go_into_named_shared_memory():
    plan = cpb.plan("documents:300,212", 4, balancer="even", chunk=16)
    memory = shared_memory.SharedMemory(create=True, size=8 * 512)
    try:
        plan.order(out=memory.buf.cast("q"))
        assert np.frombuffer(memory.buf, np.int64, 512).tolist() == plan.order().tolist()
    finally:
        memory.close()
        memory.unlink()
