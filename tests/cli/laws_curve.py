# SPDX-License-Identifier: Apache-2.0
"""What must hold of compare --curve."""

import json

BATCHES = [
    ["--documents", "1000,0,3001,96,7,4500", "--ranks", 4],
    ["--documents", "9000,800,800,700,5000,5000,64,2000", "--ranks", 8, "--nodes", 2,
     "--kernel", "varlen"],
    ["--documents", "700,1300,2100", "--mask", "window:300", "--mask", "3*documents",
     "--ranks", 3, "--sizes", "uneven", "--cost", "pairs"],
    ["--mask", "causal:5000", "--ranks", 5, "--kernel", "varlen", "--backward"],
    ["--documents", "5,7", "--ranks", 20],
    ["--mask", "causal:9", "--ranks", 1],
    ["--documents", "4000,500,500", "--ranks", 4, "--transport", "allgather"],
    # A mean that differs from plan to plan, and tolerances that none keeps.
    ["--documents", "2177,3678,4636,5503,2564,238,4311,3172,5232,2756,2209,375,2743,3848,"
     "4620", "--ranks", 8, "--kernel", "varlen"],
    ["--documents", "4192,4359,3430,2190,1690,2690,3431,2206,878,659,264,1220,2446,1703,"
     "1062,1885", "--ranks", 8, "--sizes", "uneven", "--chunk", 16],
]


def curve(cpb, batch, *more):
    return json.loads(cpb.good("compare", *batch, "--curve", "--json", *more))


def allowed(row):
    """The load that a row's tolerance allows, with room for rounding."""
    base = max(row["load_mean"], row["load_bound"])
    return base * (1 + row["tolerance"]) * (1 + 1e-9)


def law_traffic_never_grows_as_the_tolerance_loosens(cpb):
    for batch in BATCHES:
        rows = curve(cpb, batch)
        for tight, loose in zip(rows, rows[1:]):
            assert tight["tolerance"] < loose["tolerance"]
            assert (tight["busiest"], tight["receive_total"]) >= (
                loose["busiest"], loose["receive_total"]), (batch, tight, loose)


def law_a_row_keeps_its_tolerance_where_any_plan_of_the_curve_does(cpb):
    for batch in BATCHES:
        rows = curve(cpb, batch)
        def excess(row):
            return row["load_max"] / max(row["load_mean"], row["load_bound"], 1)
        least = min(map(excess, rows))
        for row in rows:
            assert row["load_max"] <= allowed(row) or excess(row) == least, row


def law_a_curve_is_at_most_the_traffic_of_frugal(cpb):
    for batch in BATCHES:
        rows = curve(cpb, batch)
        for row in rows[1:4]:
            plan = json.loads(cpb.good("plan", *batch, "--balancer", "frugal", "--json",
                                       "--tolerance", row["tolerance"]))
            names = (("net_in_max", "net_out_max") if plan["nodes"] else
                     ("receive_max", "send_max"))
            reached = max(plan[name] for name in names)
            assert plan["load_max"] > allowed(plan) or row["busiest"] <= reached
            assert max(row[name] for name in names) == row["busiest"]
            assert (plan["load_bound"], plan["receive_bound"]) == (
                row["load_bound"], row["receive_bound"]) or plan["hash"] != row["hash"]
            assert row["load_max"] > allowed(row) or (
                row["receive_bound"] <= row["receive_total"] and
                row["receive_max_bound"] <= row["receive_max"])


def law_the_tolerance_asked_for_is_a_row(cpb):
    for asked in ("0", "0.0005", "0.01", "0.02", "1", "7"):
        tolerances = [row["tolerance"] for row in
                      curve(cpb, BATCHES[0], "--tolerance", asked)]
        assert float(asked) in tolerances and tolerances == sorted(set(tolerances))
        assert len(tolerances) == 8 + (asked not in ("0", "0.01", "1"))
