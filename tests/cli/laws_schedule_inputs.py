# SPDX-License-Identifier: Apache-2.0
"""Each input of a schedule, flag or column of a table, changes what it is about."""

import json

ALIKE = {"tokens": [1000] * 4}
LONG = {"tokens": [9000, 500, 500]}


def made(cpb, columns, *flags, ranks=4, budget=4096):
    """The proved file of a schedule of these documents."""
    (cpb.folder / "in.csv").write_text("\n".join(
        ",".join(map(str, line)) for line in [columns, *zip(*columns.values())]))
    cpb.good("schedule", "--documents", "@in.csv", "--ranks", ranks, "--budget", budget,
             "-o", "s.json", *flags)
    cpb.good("check", "--schedule", "s.json")
    return json.loads((cpb.folder / "s.json").read_text())


def groups(said):
    return sorted(group["documents"] for group in said["schedule"])


def sizes(said):
    return {group["ranks"] for group in said["schedule"]}


def changes(a, b):
    return {name for name in a if a[name] != b[name]}


def law_costs_decide_who_works_with_whom(cpb):
    flags = ["--row", "free", "--groups", 1]
    plain = made(cpb, ALIKE, *flags, ranks=2)
    assert sorted(map(len, groups(plain))) == [2, 2]
    said = made(cpb, ALIKE | {"cost": [10 ** 9, 9 * 10 ** 9, 10 ** 9, 10 ** 9]}, *flags,
                ranks=2)
    assert groups(said) == [[0, 2, 3], [1]]
    assert said["step_time"] >= 9000 and said["bound"] >= 6000


def law_loss_tokens_are_those_that_are_said(cpb):
    plain = made(cpb, ALIKE)
    said = made(cpb, ALIKE | {"loss": [0, 700, 0, 0]})
    assert plain["loss_max"] == plain["loss_mean"] == 1000
    assert said["loss_max"] == said["replica_loss_max"] == 700
    assert said["loss_mean"] == said["replica_loss_mean"] == 175
    assert changes(plain, said) == {"documents", "loss_max", "loss_mean",
                                    "replica_loss_max", "replica_loss_mean"}


def law_holders_say_what_is_handed_on(cpb):
    at = [first for _, first, _ in made(cpb, ALIKE)["placements"]]
    home = made(cpb, ALIKE | {"holder": [at[0], at[1], at[2], -1]})
    assert home["rerouted"] == home["rerouted_bytes"] == 0 and not home["reroutes"]
    away = made(cpb, ALIKE | {"holder": [at[0], at[1], at[3], -1]}, "--token-bytes", 3)
    assert (away["rerouted"], away["rerouted_bytes"]) == (1000, 3000)
    assert away["reroutes"] == [[2, at[3], at[2], 1000, 3000]]


def law_giants_wait_as_long_as_hold_says(cpb):
    def left(waited, *flags):
        columns = {"tokens": [30000, *[200] * 9], "waited": [waited] + [0] * 9}
        return made(cpb, columns, "--groups-only", "--groups", "1,2", *flags, ranks=8,
                    budget=16384)["left"]

    held = [{"document": 0, "reason": "held"}]
    assert not left(0)
    assert left(0, "--hold", 1) == held and not left(1, "--hold", 1)
    assert left(1, "--hold", 2) == held and not left(2, "--hold", 2)
    assert made(cpb, ALIKE | {"waited": [0, 7, 0, 1]})["waited_max"] == 7


def law_places_and_windows_bound_what_moves(cpb):
    columns = {"tokens": [3000, 10, 2900, 10, 2800, 10, 2700, 10]}
    flags = ["--row", "lockstep", "--meet", "micro"]
    free = made(cpb, columns, *flags, ranks=2)
    batches = {}
    for group in free["schedule"]:
        batches.setdefault(group["micro_batch"], []).extend(group["documents"])
    order = [d for batch in batches.values() for d in sorted(batch)]
    sorted_out = columns | {"place": [order.index(d) for d in range(8)]}
    assert made(cpb, sorted_out, *flags, ranks=2)["moved_max"] == 0 < free["moved_max"]
    for window in range(free["moved_max"] + 1):
        said = made(cpb, columns, *flags, "--window", window, ranks=2)
        assert said["moved_max"] <= window


def law_nodes_share_links_and_cards(cpb):
    flags = ["--row", "wlb", "--groups", 4]
    wires = [made(cpb, LONG, *flags, *nodes)["wire_time"]
             for nodes in ([], ["--nodes", 1], ["--nodes", 2], ["--nodes", 4])]
    alone, one, two, four = wires
    assert one < two and one < alone and four == alone


def law_budgets_hold_and_make_micro_batches(cpb):
    for budget in (2500, 3000, 9000):
        said = made(cpb, LONG, budget=budget)
        assert said["tokens_max"] <= budget
    columns = {"tokens": [800] * 12}
    for budget, least in ((800, 3), (1600, 2), (2400, 1)):
        assert made(cpb, columns, "--row", "grid", "--meet", "micro",
                    budget=budget)["micro_batches"] >= least


def law_groups_have_the_sizes_that_are_allowed(cpb):
    columns, flags = {"tokens": [2500, 900, 900, 900, 900]}, ["--row", "free"]
    assert 3 in sizes(made(cpb, columns, *flags, "--groups", "any", ranks=3, budget=900))
    listed = made(cpb, columns, *flags, "--groups", "1,3", ranks=3, budget=900)
    assert sizes(listed) <= {1, 3} and 3 in sizes(listed)
    assert "2 ranks of 900" in cpb.refused(
        "schedule", "--documents", 2500, "--ranks", 3, "--budget", 900)
    mixed = made(cpb, LONG, "--groups-only")
    assert len(sizes(mixed)) > 1
    assert len(sizes(made(cpb, LONG, "--groups-only", "--one-size"))) == 1


def law_the_number_of_micro_batches_keeps_its_limits(cpb):
    flags = ["--row", "lockstep", "--meet", "micro"]
    columns = {"tokens": [800] * 12}
    assert made(cpb, columns, *flags)["micro_batches"] == 1
    assert made(cpb, columns, *flags, "--batches-least", 5)["micro_batches"] == 5
    assert made(cpb, columns, *flags, "--batches-least", 5, "--batches-multiple",
                4)["micro_batches"] == 8
    for most in range(1, 13):
        arguments = ["schedule", "--documents", ",".join(["800"] * 12), "--ranks", 2,
                     "--budget", 1600, "--json", "--batches", most]
        if most < 3:
            assert "needs 3 micro-batches" in cpb.refused(*arguments)
        else:
            assert json.loads(cpb.good(*arguments))["micro_batches"] <= most


def law_tokens_are_padded_to_their_multiple(cpb):
    assert made(cpb, LONG)["padding"] == 0
    said = made(cpb, LONG, "--multiple", 512)
    assert said["padding"] > 0 == (said["padding"] + said["tokens"]) % 512
    assert said["tokens_max"] % 512 == 0
    assert "document 0" in cpb.refused("schedule", "--documents", 1000, "--ranks", 1,
                                       "--budget", 1000, "--multiple", 512)


def law_micro_batches_have_their_price(cpb):
    for meet, passes in (("micro", 2), ("pipe:3", 4)):
        flags = ["--meet", meet, "--row", "lockstep", "--batches-least", 2]
        less, more = (made(cpb, ALIKE, *flags, "--fixed", ps, ranks=2) for ps in
                      (0, 5 * 10 ** 6))
        assert abs(more["step_time"] - less["step_time"] - 5 * passes) < 1e-6
        assert more["bound"] > less["bound"]


def law_ranks_wait_where_they_meet(cpb):
    columns = ALIKE | {"cost": [8 * 10 ** 9, 10 ** 9, 10 ** 9, 8 * 10 ** 9]}
    flags = ["--row", "first-fit", "--groups", 1]
    step, micro, pipe = (made(cpb, columns, *flags, "--meet", meet, ranks=2,
                              budget=1000)["step_time"]
                         for meet in ("step", "micro", "pipe:2"))
    assert step < micro < pipe


def law_groups_only_cut_documents_evenly(cpb):
    said = made(cpb, LONG, "--row", "flat")
    assert any(len(placement) == 4 for placement in said["placements"])
    assert "flat" in cpb.refused("schedule", "--documents", "9000,500,500", "--ranks", 4,
                                 "--budget", 4096, "--row", "flat", "--groups-only")
    for meet in ("step", "micro"):
        said = made(cpb, LONG, "--groups-only", "--meet", meet)
        assert all(len(placement) == 3 for placement in said["placements"])
