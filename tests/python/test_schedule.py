# SPDX-License-Identifier: Apache-2.0
"""Schedules from Python against their laws, the proof and the program."""
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import cpbalance as cpb


def random_schedules(rng, count):
    for _ in range(count):
        ranks = rng.choice([1, 2, 4, 8, 12])
        budget = rng.randint(50, 400)
        largest = 1 << (ranks.bit_length() - 1)
        lengths = [rng.randint(0, rng.choice([1, largest]) * budget)
                   for _ in range(rng.randint(0, 40))]
        options = {"row": rng.choice(list(cpb.schedule_rows())),
                   "meet": rng.choice(["step", "micro"]),
                   "holder": rng.choice([None, [rng.randrange(-1, ranks)
                                                for _ in lengths]])}
        yield cpb.schedule(lengths, ranks, budget, **options), lengths


def test_every_document_once_within_the_budget(rng):
    for schedule, lengths in random_schedules(rng, 100):
        schedule.check()
        held = [d for g in range(len(schedule.groups)) for d in schedule.documents(g)]
        assert sorted(held) == [d for d, n in enumerate(lengths) if n]
        assert (schedule.cells["tokens"] <= schedule.budget).all()
        assert schedule.score.left_over == lengths.count(0)
        assert schedule.reroutes["tokens"].sum() == schedule.score.rerouted


def test_ranks_walk_all_groups_and_plans_hold_all_tokens(rng):
    for schedule, lengths in random_schedules(rng, 40):
        walked = [g for r in range(schedule.ranks) for g in schedule.of_rank(r)]
        for number, group in enumerate(schedule.groups):
            plan = schedule.plan(number)
            assert walked.count(number) == group["ranks"] == plan.ranks
            assert plan.tokens == sum(lengths[d] for d in schedule.documents(number))
            cpb.check(plan)


def test_the_program_says_the_same():
    """Of every row: figures, groups, and their plans run by run."""
    lengths = [100000, 5000, 300, 4000, 8000, 16000, 0, 2000]
    times = {"time": "step_time", "bound": "bound", "wire": "wire_time"}
    for row in cpb.schedule_rows():
        schedule = cpb.schedule(lengths, 8, 16384, row=row)
        said = json.loads(subprocess.run(
            [sys.executable, "-m", "cpbalance", "schedule", "--documents",
             ",".join(map(str, lengths)), "--ranks", "8", "--budget", "16384", "--row", row,
             "--runs", "--json"], text=True, capture_output=True, check=True).stdout)
        assert said["hash"] == f"{schedule.hash:016x}"
        assert said["chosen"] == schedule.row
        for name, value in vars(schedule.score).items():
            factor = 1e6 if name in times else 1
            assert said[times.get(name, name)] * factor == pytest.approx(value, 1e-12), name
        assert schedule.block in (0, *{group["ranks"] for group in said["schedule"]})
        for number, group in enumerate(said["schedule"]):
            plan = schedule.plan(number)
            assert group["documents"] == schedule.documents(number).tolist()
            assert group["plan"] == f"{plan.hash:016x}"
            assert group["runs"] == [plan.runs(rank).tolist() for rank in range(plan.ranks)]


def test_the_flat_form_is_one_plan_per_micro_batch():
    schedule = cpb.schedule([9000, 700, 4000, 1200], 4, 4096, row="flat")
    schedule.check()
    assert schedule.block == 4
    assert len(schedule.groups) == schedule.micro_batches and len(schedule.cuts)
    assert schedule.score.replicas == 1
    assert schedule.score.replica_loss_max == 14900


def test_auto_is_above_no_row(rng):
    lengths = [rng.randint(1, 3000) for _ in range(60)]
    for meet in ("step", "micro"):
        best = cpb.schedule(lengths, 16, 1000, meet=meet)
        for row in cpb.schedule_rows():
            other = cpb.schedule(lengths, 16, 1000, meet=meet, row=row)
            assert best.score.bound <= best.score.time <= other.score.time


def test_options_reach_the_library():
    lengths = np.array([900, 100, 100, 100], np.int32)
    assert cpb.schedule(lengths, 6, 400, groups=[3, 6]).groups["ranks"].min() >= 3
    assert cpb.schedule(lengths, 6, 400, micro_multiple=3).micro_batches % 3 == 0
    assert cpb.schedule(lengths, 4, 400, model="8/8x64", backward=True).score.time > 0
    free = cpb.schedule(lengths, 4, 400)
    assert free.score.loss_max > 0 == cpb.schedule(lengths, 4, 400,
                                                   loss=[0] * 4).score.loss_max
    assert cpb.schedule(lengths, 4, 400, waited=[0, 5, 0, 0]).score.waited_max == 5
    assert cpb.schedule(lengths, 4, 400, cost=[1, 1, 1, 10**12]).score.time > 10**11
    assert cpb.schedule(lengths, 4, 400, micro_least=5).micro_batches >= 5
    assert cpb.schedule(lengths, 4, 400, token_multiple=64).score.padding > 0
    assert cpb.schedule(lengths, 4, 400, holder=[0] * 4, token_bytes=3).score.rerouted_bytes \
        == 3 * cpb.schedule(lengths, 4, 400, holder=[0] * 4).score.rerouted > 0
    assert cpb.schedule(lengths, 4, 400, meet="micro", stages=3).score.time > free.score.time
    assert cpb.schedule(lengths, 4, 400, window=0).score.moved_max == 0
    assert not len(cpb.schedule(lengths, 4, 400, groups_only=True).cuts)
    assert len(set(cpb.schedule(lengths, 4, 400, one_size=True).groups["ranks"])) == 1
    giants = {"groups": [1, 2], "groups_only": True, "hold": 2}
    held = [30000, 5000, 700, 900, 2000]
    assert cpb.schedule(held, 8, 16384, **giants).placements["left"][0] == 2
    assert cpb.schedule(held, 8, 16384, waited=[2, 0, 0, 0, 0], **giants).score.left_over == 0
    assert cpb.schedule([900], 4, 400, ranks_per_node=4).score.wire \
        != cpb.schedule([900], 4, 400).score.wire
    assert cpb.schedule(lengths, 4, 400, fixed=10**9).score.time > free.score.time


def test_pickles_and_equality():
    schedule = cpb.schedule([900, 100, 0, 70], 4, 400, holder=[0, 1, 2, 3])
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule and hash(again) == hash(schedule)
    assert "4 documents" in repr(again)
    assert again != cpb.schedule([900, 100, 0, 71], 4, 500)


@pytest.mark.parametrize("lengths, ranks, budget, options, said", [
    ([900], 4, 200, {}, "needs a budget of 225"),
    ([100, -1], 4, 200, {}, "document 1: tokens of -1"),
    ([100], 0, 200, {}, "ranks: 0 is outside"),
    ([100], 2**40, 200, {}, "beyond what the library counts"),
    ([300, 300], 1, 300, {"micro_most": 1}, "needs 2 micro-batches"),
    ([100], 4, 200, {"groups": [3]}, "cannot tile 4 ranks"),
    ([100], 4, 200, {"groups": "some"}, "accepted are powers, any"),
    ([100], 4, 200, {"groups": [2**32 + 4]}, "beyond int32"),
    ([100], 4, 200, {"holder": [2**32]}, "beyond int32"),
    ([100], 4, 200, {"cost": [float("nan")]}, "accepted are whole numbers"),
    ([100], 4, 200, {"cost": [-1]}, "document 0: a cost of -1"),
    ([100], 4, 200, {"row": 5}, "accepted is a name"),
    ([100], 4, 200, {"holder": [0, 1]}, "accepted are 1, one per document"),
    ([100], 4, 200, {"row": "fre"}, "did you mean 'free'"),
    ([100], 4, 200, {"meet": "never"}, "accepted are step, micro"),
    ([1.5], 4, 200, {}, "accepted are whole numbers"),
])
def test_refusals_name_what_is_missing(lengths, ranks, budget, options, said):
    with pytest.raises(cpb.Error, match=said):
        cpb.schedule(lengths, ranks, budget, **options)


def test_unknown_options_and_indices():
    with pytest.raises(TypeError, match="no option 'nodes'"):
        cpb.schedule([100], 4, 200, nodes=2)
    schedule = cpb.schedule([100], 4, 200)
    for call in (schedule.plan, schedule.documents):
        with pytest.raises(cpb.Error, match="group 1 is not one of 0 .. 0"):
            call(1)
    with pytest.raises(cpb.Error, match="rank 4 is not"):
        schedule.of_rank(4)
