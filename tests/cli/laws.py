# SPDX-License-Identifier: Apache-2.0
"""What must hold of the program whatever its texts are."""

import json
import os
import pty
import re

from laws_draw import read_terminal
from mutants import changed, refute_mutants, scalars, with_value

# Not recounted: names and notes, and what only the planner promises itself.
NOT_RECOUNTED = {"balancer", "chosen", "plan_seconds", "tolerance", "combine"}

MASKS = [
    ["--documents", "1000,0,3001,96,7,4500"],
    ["--mask", "causal:5000"],
    ["--documents", "700,1300,2100", "--mask", "window:300", "--mask", "3*documents"],
]

SETUPS = [
    [],
    ["--sizes", "uneven", "--cost", "pairs"],
    ["--kernel", "varlen", "--cost", "tiles", "--backward", "--overlap", "none"],
    ["--nodes", 2, "--transport", "allgather", "--overlap", "ideal"],
    ["--speeds", "2,1,4,3", "--combine", "sum"],
    ["--speeds", "7,7,1000,1", "--cost", "pairs", "--nodes", 4, "--backward"],
    ["--speeds", "1,1,1,1048576", "--cost", "tiles", "--kernel", "recurrent"],
    ["--speeds", "3,2,2,3", "--kernel", "varlen", "--sizes", "uneven", "--overlap",
     "none", "--backward"],
]


def law_every_plan_is_proved_and_its_order_undone_by_its_inverse(cpb):
    for masks in MASKS:
        for setup in SETUPS:
            for name in cpb.balancers():
                done = cpb.run("plan", *masks, *setup, "--ranks", 4, "--balancer", name,
                               "--chunk", 64, "--plan", "p.json", "--order", "o.npy",
                               "--inverse", "i.npy", "--dtype", "int32")
                assert done.returncode in (0, 1), done.stderr
                if done.returncode == 1:  # a combination that the row refuses
                    continue
                cpb.good("check", "--plan", "p.json", "--order", "o.npy", "--inverse",
                         "i.npy")
                order, inverse = cpb.read_npy("o.npy"), cpb.read_npy("i.npy")
                assert sorted(order) == list(range(len(order)))
                assert all(order[inverse[p]] == p for p in range(len(order)))


def law_score_of_a_plan_file_says_what_plan_said(cpb):
    for masks in MASKS:
        for setup in SETUPS:
            said = json.loads(cpb.good("plan", *masks, *setup, "--ranks", 4, "--json",
                                       "--plan", "p.json"))
            assert json.loads(cpb.good("score", "--plan", "p.json", "--json")) == said


def law_an_order_scores_like_the_plan_that_wrote_it(cpb):
    plan = json.loads(cpb.good("plan", *MASKS[0], "--ranks", 4, "--balancer",
                               "head-tail", "--json", "--order", "o.npy"))
    order = json.loads(cpb.good("score", *MASKS[0], "--ranks", 4, "--order", "o.npy",
                                "--json"))
    for name in ("tokens", "padding", "load_max", "pairs", "loads", "tiles", "runs_max",
                 "receive_total", "step_time", "hash"):
        assert plan[name] == order[name], name
    assert order["granularity"] == "token" and order["plan_seconds"] == 0


# What the figures are counted from: another value may give the same figures, so only
# members that figures state are held to be refuted.
INPUTS = {"masks", "profile_numbers", "model", "kernel", "transport", "cost", "overlap",
          "backward", "nodes", "speeds", "sizes", "cap", "chunk", "granularity", "profile"}
BOUNDS = {"load_bound", "receive_bound", "receive_max_bound"}


def is_recounted(path):
    if path[0] == "masks":
        return "figures" in path and path[-1] not in BOUNDS
    return path[0] not in INPUTS | BOUNDS | NOT_RECOUNTED


def plans_to_mutate(cpb):
    for masks, setup in [(MASKS[0], []), (MASKS[2], SETUPS[2]),
                         (MASKS[2], ["--nodes", 2]), (MASKS[2], SETUPS[4]),
                         (MASKS[0], SETUPS[5])]:
        cpb.good("plan", *masks, *setup, "--ranks", 4, "--balancer", "min-heap",
                 "--chunk", 128, "--plan", "p.json")
        cpb.good("check", "--plan", "p.json")
        yield json.loads((cpb.folder / "p.json").read_text())


def law_check_refutes_every_changed_figure(cpb):
    for plan in plans_to_mutate(cpb):
        paths = [p for p in scalars(plan) if is_recounted(p)]
        mutants = []
        for path in paths:
            value = plan
            for step in path:
                value = value[step]
            if changed(value) is not None:
                mutants.append((path, with_value(plan, path, changed(value))))
            if isinstance(value, int) and not isinstance(value, bool):
                mutants.append((path, with_value(plan, path, value - 1)))
        refute_mutants(cpb, "--plan", mutants)


def law_check_refutes_missing_members_and_lost_elements(cpb):
    for plan in plans_to_mutate(cpb):
        mutants = [((key,), {k: v for k, v in plan.items() if k != key})
                   for key in plan]
        for key in ("pairs", "loads", "runs") + ("speeds",) * bool(plan["speeds"]):
            mutants.append(((key, "shorter"), plan | {key: plan[key][:-1]}))
            mutants.append(((key, "longer"), plan | {key: plan[key] + plan[key][-1:]}))
        first = plan["runs"][0]
        mutants.append((("runs", 0, "lost"), plan | {"runs": [first[1:]] +
                                                     plan["runs"][1:]}))
        middle = [[first[0][0], first[0][0] + 1], [first[0][0] + 1, first[0][1]]]
        mutants.append((("runs", 0, "cut"),
                        plan | {"runs": [middle + first[1:]] + plan["runs"][1:]}))
        swapped = [plan["runs"][1], plan["runs"][0]] + plan["runs"][2:]
        mutants.append((("runs", "swapped"), plan | {"runs": swapped}))
        refute_mutants(cpb, "--plan", mutants)


def law_loads_are_what_the_speeds_make_of_the_pairs(cpb):
    for speeds in ([1, 1, 1, 1], [2, 1, 4, 3], [7, 7, 1000, 1], [1 << 20, 1, 3, 5]):
        for name in cpb.balancers():
            said = json.loads(cpb.good(
                "plan", *MASKS[0], "--ranks", 4, "--cost", "pairs", "--chunk", 64,
                "--balancer", name, "--json", "--speeds", ",".join(map(str, speeds))))
            assert said["speeds"] == speeds
            assert said["loads"] == [-(-pairs * max(speeds) // speed) for pairs, speed
                                     in zip(said["pairs"], speeds)], name
            assert said["load_max"] == max(said["loads"])
            assert said["load_bound"] <= said["load_max"]


def law_speeds_that_are_all_alike_change_no_figure_of_a_plan(cpb):
    def score(*speeds):
        said = json.loads(cpb.good("score", "--plan", "p.json", "--json", *speeds))
        for figures in [said] + [mask["figures"] for mask in said.get("masks", [])]:
            for name in ("speeds", "load_bound", "gap"):  # bounds may be proved anew
                figures.pop(name, None)
        return said

    for masks in MASKS:
        for name in cpb.balancers():
            cpb.good("plan", *masks, "--ranks", 4, "--balancer", name, "--plan",
                     "p.json")
            assert score() == score("--speeds", "1,1,1,1"), name
            assert score() == score("--speeds", "700,700,700,700"), name


def law_a_slower_rank_gets_less_work(cpb):
    for sizes in ("equal", "uneven"):
        said = json.loads(cpb.good(
            "plan", "--documents", "8192", "--ranks", 4, "--balancer", "even",
            "--chunk", 32, "--cost", "pairs", "--sizes", sizes, "--json", "--speeds",
            "4,4,4,3"))
        assert said["pairs"][3] == min(said["pairs"])
        assert abs(said["pairs"][3] / said["pairs"][0] - 3 / 4) < 0.02, said["pairs"]


def law_a_plan_file_keeps_speeds_and_combine_unless_flags_say_otherwise(cpb):
    planned = json.loads(cpb.good(
        "plan", *MASKS[2], "--ranks", 4, "--speeds", "2,1,4,3", "--combine", "sum",
        "--plan", "p.json", "--json"))
    assert planned["speeds"] == [2, 1, 4, 3] and planned["combine"] == "sum"
    assert json.loads(cpb.good("score", "--plan", "p.json", "--json")) == planned
    cpb.good("check", "--plan", "p.json")
    (cpb.folder / "speeds").write_text("1 1\n1, 1\n")
    other = json.loads(cpb.good("score", "--plan", "p.json", "--json", "--speeds",
                                "@speeds"))
    assert other["speeds"] == [1, 1, 1, 1] and other["combine"] == "sum"
    assert other["hash"] == planned["hash"] and other["loads"] != planned["loads"]
    sentence = cpb.refused("check", "--plan", "p.json", "--speeds", "@speeds")
    assert "load" in sentence, sentence
    assert "5 numbers" in cpb.refused("check", "--plan", "p.json", "--speeds",
                                      "1,1,1,1,1")


def law_check_refutes_other_speeds_and_refuses_wrong_ones(cpb):
    for plan in plans_to_mutate(cpb):
        speeds = plan["speeds"] or [1] * plan["ranks"]
        others = [None] if plan["speeds"] else []
        for rank, speed in enumerate(speeds):
            for other in (5 * speed, 0, -1, 1 << 21, 1.0, "1", None):
                others.append(speeds[:rank] + [other] + speeds[rank + 1:])
        refute_mutants(cpb, "--plan", [(("speeds", i), plan | {"speeds": other})
                                       for i, other in enumerate(others)])


def law_masks_combine_in_two_ways(cpb):
    hashes = set()
    for combine in ("layers", "sum"):
        said = json.loads(cpb.good(
            "plan", "--documents", "3000,5000,192", "--mask", "documents", "--mask",
            "3*window:512", "--ranks", 4, "--balancer", "even", "--combine", combine,
            "--plan", "p.json", "--json"))
        assert said["combine"] == combine
        cpb.good("check", "--plan", "p.json")
        hashes.add(said["hash"])
    assert len(hashes) == 2, "--combine does not reach the balancer"


def law_a_terminal_shows_the_best_of_a_column_in_bold(cpb):
    master, slave = pty.openpty()
    done = cpb.run("compare", "--documents", "4096,700", "--ranks", 2, stdout=slave,
                   env=dict(os.environ, TERM="xterm"))
    os.close(slave)
    text = read_terminal(master)
    assert done.returncode == 0 and b"\x1b[1m" in text
    assert "\x1b" not in cpb.good("compare", "--documents", "4096,700", "--ranks", 2)


def law_packs_drawn_with_the_same_seed_are_the_same(cpb):
    def draw(seed, *more):
        rows = json.loads(cpb.good("compare", "--sample", "builtin", "--tokens", 30000,
                                   "--count", 2, "--seed", seed, "--ranks", 4, "--json",
                                   *more))
        for row in rows:
            row["plan_seconds"] = 0
        return rows

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert {row["pack"] for row in draw(1)} == {0, 1}
    assert all(row["tokens"] == 30000 for row in draw(3, "--mask", "window:512"))


def law_csv_and_json_of_compare_agree(cpb):
    flags = ["compare", *MASKS[0], "--ranks", 4]
    rows = json.loads(cpb.good(*flags, "--json"))
    lines = cpb.good(*flags, "--csv").splitlines()
    names = lines[0].split(",")
    assert len(lines) == len(rows) + 1
    for line, row in zip(lines[1:], rows):
        cells = dict(zip(names, line.split(",")))
        assert cells["pack"] == "0" and cells["hash"] == row["hash"]
        for name in names:
            if isinstance(row.get(name), (int, float)) and name not in (
                    "plan_seconds", "backward"):
                assert float(cells[name]) == row[name], name


def law_padded_lengths_are_the_next_multiples(cpb):
    said = json.loads(cpb.good("pad", "--documents", "1000,0,3001,8", "--ranks", 4,
                               "--multiple", 16, "--json"))
    assert said["padded"] == [-(-length // 16) * 16 for length in said["documents"]]
    for name, lengths in (("cu_seqlens", "documents"), ("cu_seqlens_padded", "padded")):
        assert said[name] == [sum(said[lengths][:i]) for i in range(5)]
    assert said["wasted"] == said["tokens_padded"] - said["tokens"]
    assert (said["tokens"] + said["padding_equal"]) % 4 == 0


def law_a_fraction_may_be_written_in_any_way(cpb):
    def planned(tolerance):
        return cpb.run("plan", *MASKS[0], "--ranks", 4, "--balancer", "head-tail",
                       "--plan", "p.json", "--tolerance", tolerance)
    for text in ("0.01", ".01", "1e-2", "1E-02", "0.1e-1", "1000e-5", "0.00001e+3",
                 "0.01" + 300 * "0", 300 * "0" + "1e-2", "1" + 40 * "0" + "e-42"):
        assert planned(text).returncode == 0, text
        assert json.loads((cpb.folder / "p.json").read_text())["tolerance"] == 0.01
    for text in ("1e-7", "0.0000001", "1e3.0", "1001", "1e4", "1e400", "e-2", "1e", "1e-",
                 "", ".", "0x1p-7", "nan", " 1", "1 ", "-0", "+1", "1e-99999999999999999999",
                 "12345678901234567890e-19"):
        done = planned(text)
        assert done.returncode == 1 and b"six decimals" in done.stderr, (text, done)


def law_help_and_completion_know_every_flag(cpb):
    completion = os.path.join(os.path.dirname(__file__), "..", "..", "cli", "cpb.bash")
    with open(completion, encoding="ascii") as file:
        script = file.read()
    for command in cpb.commands():
        text = cpb.good(command, "--help")
        assert text == cpb.good("help", command)
        flags = set(re.findall(r"(?m)^  (--[a-z-]+)", text))
        known = set(re.search(rf"\[{command}\]='([^']*)'", script)[1].split())
        assert flags == known, f"{command}: {sorted(flags ^ known)}"


def law_the_manual_names_every_flag(cpb):
    manual = os.path.join(os.path.dirname(__file__), "..", "..", "cli", "cpb.1")
    with open(manual, encoding="ascii") as file:
        text = file.read().replace("\\-", "-")
    for command in cpb.commands():
        for flag in re.findall(r"(?m)^  (--[a-z]+)", cpb.good(command, "--help")):
            assert flag in text or flag == "--help", flag


def law_published_timings_are_explained_within_a_tenth(cpb):
    # H100, varlen, 32,768 tokens in equal documents: length and TFLOP/s (docs/costs.md).
    published = ((32, 12), (128, 85), (256, 140), (512, 204), (1024, 284), (2048, 322),
                 (4096, 348), (16384, 370))
    lines = ["kernel,pass,mask,q_heads,kv_heads,head_dim,us"]
    for length, tflops in published:
        pairs = 32768 * (length + 1) / 2
        lines.append(f"varlen,forward,chunked:32768;n={length},64,4,128,"
                     f"{4 * 64 * 128 * pairs / tflops / 1e6}")
    (cpb.folder / "t.csv").write_text("\n".join(lines))
    said = json.loads(cpb.good("calibrate", "t.csv", "--json", "-o", "p.json"))
    assert said["worst_error"] < 0.1 and said["pairs_ranked"] == said["pairs"] == 28
    cpb.good("plan", "--documents", "100,200", "--ranks", 2, "--profile", "@p.json")
