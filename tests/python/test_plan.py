# SPDX-License-Identifier: Apache-2.0
"""Plans from Python against the laws of an order, and against the program."""
import array
import json
import mmap
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import cpbalance as cpb
from conftest import masks_of, split


def program(*arguments):
    return subprocess.run([sys.executable, "-m", "cpbalance", *arguments], text=True,
                          capture_output=True)


def random_plans(rng, count):
    for _ in range(count):
        lengths = split(rng, rng.randint(1, 200))
        mask = rng.choice(masks_of(lengths))
        name = rng.choice(list(cpb.balancers()))
        ranks = rng.choice([1, 2, 3, 8, 300])
        yield mask, cpb.plan(mask, ranks, balancer=name, chunk=rng.choice([None, 1, 4]),
                             sizes=rng.choice(["equal", "uneven"]))


def test_laws_of_every_array(rng):
    for mask, plan in random_plans(rng, 300):
        n = plan.tokens + plan.padding
        expected = np.concatenate(
            [np.arange(b, e) for r in range(plan.ranks) for b, e in plan.runs(r)])
        for dtype in (np.int64, np.int32):
            order, inverse = plan.permutations(dtype)
            assert order.dtype == inverse.dtype == dtype
            assert (order == expected).all() and (inverse[order] == np.arange(n)).all()
            assert (plan.order(dtype) == order).all()
            assert (plan.inverse(dtype) == inverse).all()
        ends = mask.document_ends
        starts = np.repeat(np.concatenate([[0], ends[:-1]]), np.diff(ends, prepend=0))
        last = np.isin(np.arange(plan.tokens), ends - 1)
        begin, rows, back = 0, np.arange(n * 3).reshape(n, 3), np.zeros((n, 3), int)
        for rank in range(plan.ranks):
            mine = order[begin:begin + plan.size(rank)]
            begin += len(mine)
            real = mine[mine < plan.tokens]
            assert (plan.positions(rank) == mine).all()
            assert (plan.positions(rank, ends)[mine < plan.tokens]
                    == real - starts[real]).all()
            assert (plan.next(rank, ends)[mine < plan.tokens]
                    == np.where(last[real], -1, real + 1)).all()
            shard = plan.gather(rank, rows)
            assert (shard == rows[mine]).all()
            plan.scatter(rank, shard, back)
        assert begin == n and (back == rows).all()
        assert plan.equal == (len({plan.size(r) for r in range(plan.ranks)}) == 1)


def test_runs_and_order_make_the_same_plan(rng):
    for _, plan in random_plans(rng, 100):
        runs = [plan.runs(rank).tolist() for rank in range(plan.ranks)]
        again = cpb.Plan.from_runs(plan.tokens, runs, padding=plan.padding,
                                   **plan.promise())
        assert again == plan and hash(again) == hash(plan) and again.balancer == ""
        if plan.equal:
            foreign = cpb.Plan.from_order(plan.order()[None], plan.ranks, plan.tokens)
            assert (foreign.order() == plan.order()).all()


def test_writes_into_what_the_caller_gives():
    plan = cpb.plan("documents:40,24", 4, balancer="head-tail")
    expected = plan.order()
    shared = torch.empty(64, dtype=torch.int64).share_memory_()
    for out in (np.empty(64, np.int64), np.empty((1, 64), np.int32), shared,
                torch.empty(1, 64, dtype=torch.int32), array.array("q", [0] * 64),
                memoryview(mmap.mmap(-1, 512)).cast("q")):
        assert plan.order(out=out) is out
        assert (np.asarray(out).reshape(-1) == expected).all()
    order, inverse = plan.permutations(out=(shared, None))
    assert order is shared and (inverse[expected] == np.arange(64)).all()


PLAN = cpb.plan("documents:40,24", 4, balancer="head-tail")
REFUSED = [
    (lambda: PLAN.order(out=np.empty(63, np.int64)), "63 elements; 64"),
    (lambda: cpb.plan("causal:64", 4, tolerance=float("nan")), "tolerance is nan"),
    (lambda: cpb.plan("causal:64", 4, tolerance=float("inf")), "tolerance is inf"),
    (lambda: PLAN.order(out=np.empty(64)), "float64; accepted are int64 and int32"),
    (lambda: PLAN.order(out=np.empty(128, np.int64)[::2]), "not contiguous"),
    (lambda: PLAN.order(out=np.broadcast_to(np.int64(0), 64)), "not contiguous"),
    (lambda: PLAN.order(out=memoryview(bytes(512)).cast("q")), "read-only"),
    (lambda: PLAN.order(out=torch.empty(64)), "torch.float32"),
    (lambda: PLAN.order(out=torch.empty(64, dtype=torch.int64, device="meta")), "on meta"),
    (lambda: PLAN.order(dtype=np.int16), "int16"),
    (lambda: PLAN.permutations(out=(np.empty(64, np.int32), None)), "different types"),
    (lambda: PLAN.runs(4), "rank 4 is not one of 0 .. 3"),
    (lambda: PLAN.size(-1), "rank -1"),
    (lambda: PLAN.positions(0, [40, 63]), "64 tokens"),
    (lambda: PLAN.next(0, [40, 30, 64]), "64 tokens"),
    (lambda: PLAN.gather(0, np.zeros((63, 2))), "(63, 2)"),
    (lambda: PLAN.gather(0, np.zeros((64, 2)), np.zeros((16, 3))), "(16, 3)"),
    (lambda: PLAN.scatter(0, np.zeros(15), np.zeros(64)), "(15,)"),
    (lambda: PLAN.scatter(0, np.zeros(16), np.zeros(63)), "(63,)"),
    (lambda: cpb.plan([], 4), "no mask"),
    (lambda: cpb.plan(["full:8", "full:9"], 4), "9"),
    (lambda: cpb.plan("full:8", 0), "0 ranks"),
    (lambda: cpb.plan("full:8", 1 << 40), "1099511627776"),
    (lambda: cpb.plan("full:8", 2, balancer="evn"), "did you mean 'even'"),
    (lambda: cpb.plan("full:8", 2, kernel="flx"), "accepted are flex, varlen, recurrent"),
    (lambda: cpb.plan("full:8", 2, tolerance=1e-9), "six decimals"),
    (lambda: cpb.plan("full:8", 2, model="64x128"), "64/4x128"),
    (lambda: cpb.plan("full:8", 2, profile="h100"), "did you mean 'h100-fa2'"),
    (lambda: cpb.plan("full:8", 2, speeds=[1]), "1 speeds are given for 2"),
    (lambda: cpb.plan("full:8", 2, speeds=[1, 0]), "0"),
    (lambda: cpb.plan("full:8", 2, speeds=[1, 2**40]), "1099511627776"),
    (lambda: cpb.plan("full:8", 4, nodes=3), "3 nodes"),
    (lambda: cpb.plan("full:8", 4, carried=[1, 2]), "accepted are 4"),
    (lambda: cpb.plan("full:8", 4, transport="ring", balancer="even"), "head-tail"),
    (lambda: cpb.plan("full:8", 4, cap=1), "1"),
    (lambda: cpb.plan("full:8", 4, chunk=0), "0"),
    (lambda: cpb.plan_rows([], 4), "no row"),
    (lambda: cpb.plan_rows(["full:8", ["full:8", "causal:8"]], 4), "different numbers"),
    (lambda: cpb.Plan.from_order([0, 0], 2), "0"),
    (lambda: cpb.Plan.from_order([[0], [1]], 2), "shape (2, 1)"),
    (lambda: cpb.Plan.from_runs(8, [[[0, 4]], [[3, 8]]]), "3"),
    (lambda: cpb.Plan.from_runs(8, [[[0.5, 8]]]), "runs of rank 0 are float64"),
    (lambda: cpb.Plan.from_runs(8, [[[0, 8]], [[1, 2, 3]]]), "runs of rank 1 are 3 numbers"),
    (lambda: cpb.plan("full:8", 2, balancer="even\0"), "without zeros"),
    (lambda: cpb.plan("full:8", 2, model=5), "model is 5"),
    (lambda: cpb.Exchange.halo(PLAN, 3, [40, 30, 64]), "64 tokens"),
    (lambda: cpb.Plan.from_runs(8, [[[0, 8]]], sizes="odd"), "accepted are equal, uneven"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused_with_a_sentence(case):
    call, words = REFUSED[case]
    with pytest.raises(cpb.Error, match=re.escape(words)):
        call()


def test_wrong_types_are_type_errors():
    with pytest.raises(TypeError, match="there is no option 'ranx'; accepted are"):
        cpb.plan("full:8", 2, ranx=1)
    with pytest.raises(TypeError, match="accepted is a whole number"):
        cpb.plan("full:8", 2, chunk="4")
    with pytest.raises(TypeError, match="out|order is a list"):
        PLAN.order(out=[0] * 64)


def test_options_are_the_programs_flags():
    """Every keyword is a flag with the same values; what the program adds is about files
    and refusals of its own."""
    told = program("plan", "--help").stdout
    flags = {name: rest for name, rest in re.findall(r"^  --([a-z]+) ?(.*)$", told, re.M)}
    own = {"documents", "mask", "ranks", "peers", "strict", "order", "inverse", "dtype",
           "plan", "json", "version", "help"}
    keywords = set(cpb.Options.__annotations__) | set(cpb.Setup.__annotations__)
    assert keywords - {"carried", "algorithm"} == set(flags) - own
    from cpbalance import _options
    for name, values in flags.items():
        if name in keywords and "|" in values and "@" not in values:
            table = {**_options._OPTIONS, **_options._SETUP}
            with pytest.raises(cpb.Error) as caught:
                table[name](None, name, "?", [])
            accepted = str(caught.value).split("accepted are ")[1].split(", ")
            assert sorted(accepted) == sorted(values.split("|")), name


@pytest.mark.parametrize("options", [
    {}, {"balancer": "ptrr", "chunk": 64}, {"sizes": "uneven", "kernel": "varlen"},
    {"cost": "pairs", "balancer": "even"}, {"nodes": 2, "backward": True},
    {"model": "32/8x64", "overlap": "none", "transport": "allgather"},
    {"tolerance": 0.05, "effort": "high", "speeds": [1, 2, 2, 2]}])
def test_program_makes_the_same_plan_and_score(options):
    flags = []
    for name, value in options.items():
        if value is True:
            flags.append(f"--{name}")
        else:
            value = ",".join(map(str, value)) if isinstance(value, list) else value
            flags += [f"--{name}", str(value)]
    said = program("plan", "--documents", "3000,200,5000", "--ranks", "4", "--json", *flags)
    told = json.loads(said.stdout)
    mask = cpb.Mask(documents=[3000, 200, 5000])
    plan = cpb.plan(mask, 4, **options)
    assert f"{plan.hash:016x}" == told["hash"] and plan.balancer == told["chosen"]
    setup = {k: v for k, v in options.items() if k in cpb.Setup.__annotations__}
    found = cpb.score(plan, mask, **setup)
    for figure in ("load_max", "imbalance", "tiles", "receive_total", "runs_max"):
        assert getattr(found, figure) == told[figure], figure
    assert found.ranks["pairs"].tolist() == told["pairs"]
    cpb.check(plan, mask, found, **setup)


def test_program_passes_its_exit_status_on():
    assert program("plan", "--documents", "1,x", "--ranks", "2").returncode == 1
    assert program("nonsense").returncode == 2
    assert program("--version").stdout.split()[-1] == cpb.__version__


def test_profile_as_a_mapping_is_that_of_a_file(tmp_path):
    profile = {"name": "slow", "tile_q": 128, "tile_k": 64, "net_bytes_per_us": 1000,
               "model": {"q_heads": 8, "kv_heads": 2, "head_dim": 64, "element_bytes": 1},
               "forward": {"full_tile": 400000, "kv_tile": 7}}
    for left_out in (None, "model", "net_bytes_per_us", "forward", "name"):
        given = {name: value for name, value in profile.items() if name != left_out}
        (tmp_path / "slow.json").write_text(json.dumps(given))
        told = json.loads(program(
            "plan", "--documents", "4000,2400", "--ranks", "2", "--balancer", "ptrr",
            "--profile", f"@{tmp_path / 'slow.json'}", "--json").stdout)
        mask = cpb.Mask(documents=[4000, 2400])
        plan = cpb.plan(mask, 2, balancer="ptrr", profile=given)
        score = cpb.score(plan, mask, profile=given)
        assert f"{plan.hash:016x}" == told["hash"]
        assert score.load_max == told["load_max"]
        assert score.step_time == pytest.approx(told["step_time"] * 1e6)


@pytest.mark.parametrize("profile, sentence", [
    ({"tile_q": 64}, "profile.tile_k is missing"),
    ({"tile_q": 64, "tile_k": 64, "net_bytes_per_us": 0}, "net_bytes_per_us is 0"),
    ({"tile_q": 64, "tile_k": 64, "tile": 1}, "no member 'tile'"),
    ({"tile_q": 64, "tile_k": 64, "forward": 5}, "forward is 5; accepted is a mapping"),
    ({"tile_q": 64, "tile_k": {}}, "tile_k is {}; accepted is a number"),
    ({"tile_q": 64, "tile_k": 64, "name": "x" * 48}, "accepted are 1 to 47 bytes"),
    ({"tile_q": 64, "tile_k": 64, "name": ""}, "accepted are 1 to 47 bytes"),
    ({"tile_q": 0, "tile_k": 64}, "tile_q 0 is outside"),
    ({"tile_q": 64, "tile_k": 64, "forward": {"full_tile": -1}}, "full_tile -1 is outside"),
])
def test_refused_profiles(profile, sentence):
    with pytest.raises(cpb.Error, match=re.escape(sentence)):
        cpb.plan("full:8", 2, profile=profile)


def test_rows_balance_what_ranks_carry():
    rows = ["documents:700,100,224", "documents:1000,24"]
    plans = cpb.plan_rows(rows, 4, relabel=True, balancer="even", chunk=16, cost="pairs")
    loads = sum(cpb.score(p, m, cost="pairs").ranks["load"] for p, m in zip(plans, rows))
    alone = sum(cpb.score(cpb.plan(m, 4, balancer="ptrr", chunk=16, cost="pairs"), m,
                          cost="pairs").ranks["load"] for m in rows)
    assert len(plans) == 2 and loads.max() <= alone.max()


def test_carried_loads_lighten_a_rank():
    mask = cpb.Mask(documents=[4096])
    plain = cpb.plan(mask, 4, balancer="even", cost="pairs", chunk=16)
    load = cpb.score(plain, mask, cost="pairs").ranks["load"]
    carried = cpb.plan(mask, 4, balancer="even", cost="pairs", chunk=16,
                       carried=[int(load[0]) // 4, 0, 0, 0])
    assert cpb.score(carried, mask, cost="pairs").ranks["load"][0] < load[0]


def test_pytorch_default():
    assert cpb.pytorch_default(64, 4) == "head-tail"
    assert cpb.pytorch_default(60, 4) is None
    assert cpb.pytorch_default(64, 4, enabled=False) is None
