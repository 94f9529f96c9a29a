# SPDX-License-Identifier: Apache-2.0
"""What must hold of schedules and of the files that they are written to."""

import csv
import json
import os
import random

from laws_draw import pictures_are_built
from mutants import changed, refute_mutants, scalars, with_value
from program import CLOSED_PIPE

LENGTHS = [60000, 5000, 300, 4000, 8000, 16000, 0, 2000, 700, 3100, 9000, 2500]
ROWS = ["auto", "free", "lockstep", "grid", "flat", "first-fit", "longest-first", "wlb",
        "megatron"]
FIXED = {"auto", "grid", "first-fit", "longest-first", "wlb"}  # groups of one size
TABLE = """tokens,place,holder,cost,loss,waited
3000,4,0,900000,3000,0
900,0,-1,70000,0,1
40,2,3,10,7,2
0,9,1,0,0,3
7000,1,,5000000,6999,0
"""

# What the figures are counted from, and notes.
INPUTS = {"ranks_per_node", "budget", "micro_least", "micro_most", "micro_multiple",
          "token_multiple", "token_bytes", "fixed", "stages", "window", "hold", "sizes",
          "one_size", "groups_only",
          "meet", "overlap", "backward", "model", "profile_numbers"}
NOTES = {"row", "chosen"}


def write(cpb, *flags, documents=",".join(map(str, LENGTHS)), budget=8192, ranks=16):
    """A schedule file and what is in it."""
    cpb.good("schedule", "--documents", documents, "--ranks", ranks, "--budget", budget,
             "-o", "s.json", *flags)
    return json.loads((cpb.folder / "s.json").read_text())


def law_every_schedule_is_proved(cpb):
    (cpb.folder / "table.csv").write_text(TABLE)
    for meet in ("step", "micro", "pipe:3"):
        for row in ROWS:
            for extra in ([], ["--nodes", 4, "--backward", "--overlap", "none"],
                          ["--groups", "2,8,16", "--multiple", 64],
                          ["--groups", "any", "--batches-multiple", 4, "--fixed", 1000]):
                write(cpb, "--row", row, "--meet", meet, *extra)
                assert "proved: 11 documents" in cpb.good("check", "--schedule", "s.json")
            if row in FIXED:
                write(cpb, "--row", row, "--meet", meet, "--one-size")
                cpb.good("check", "--schedule", "s.json")
            write(cpb, "--row", row, "--meet", meet, documents="@table.csv")
            cpb.good("check", "--schedule", "s.json")


def law_a_step_without_documents_is_a_schedule_too(cpb):
    (cpb.folder / "none.csv").write_text("tokens\n")
    for documents in ("0", "0,0,0", "@none.csv"):
        said = write(cpb, documents=documents)
        assert not said["schedule"] and len(said["left"]) == said["left_over"]
        assert "proved: 0 documents" in cpb.good("check", "--schedule", "s.json")


def law_the_file_holds_what_json_prints(cpb):
    for extra in ([], ["--meet", "micro", "--row", "grid"]):
        said = write(cpb, *extra)
        printed = json.loads(cpb.good(
            "schedule", "--documents", ",".join(map(str, LENGTHS)), "--ranks", 16,
            "--budget", 8192, "--json", *extra))
        assert printed.items() <= said.items()
        assert said["documents"] == {"tokens": LENGTHS}


def law_a_group_states_its_plan_by_hash_or_by_runs(cpb):
    """Runs hold every token of the group once; the hash is that of plan files."""
    algorithm = json.loads(cpb.good("plan", "--documents", 9, "--ranks", 1,
                                    "--json"))["algorithm"]
    for row in ("free", "flat", "grid"):
        short = write(cpb, "--row", row)
        said = write(cpb, "--row", row, "--runs")
        for group, named in zip(said["schedule"], short["schedule"], strict=True):
            assert {**named, "runs": group["runs"]} == group
            assert len(group["runs"]) == group["ranks"]
            held = sorted(run for runs in group["runs"] for run in runs)
            assert [begin for begin, _ in held] == [0, *(end for _, end in held[:-1])]
            assert held[-1][1] == sum(LENGTHS[d] for d in group["documents"])
            words = [1, algorithm, held[-1][1], 0, group["ranks"]]
            for runs in group["runs"]:
                words += [len(runs), *(edge for run in runs for edge in run)]
            value = 0xcbf29ce484222325
            for word in words:
                value = (value ^ word) * 0x100000001b3 & (1 << 64) - 1
                value ^= value >> 32
            assert f"{value:016x}" == group["plan"]


def law_every_document_is_in_one_group_or_left_over(cpb):
    draw = random.Random(5)
    for _ in range(20):
        lengths = [draw.choice([0, 1, 50, 3000, draw.randint(1, 40000)])
                   for _ in range(draw.randint(1, 60))]
        said = write(cpb, documents=",".join(map(str, lengths)))
        grouped = [d for group in said["schedule"] for d in group["documents"]]
        left = [one["document"] for one in said["left"]]
        assert sorted(grouped + left) == list(range(len(lengths)))
        assert left == [d for d, n in enumerate(lengths) if not n]


def law_a_table_of_documents_says_all_that_is_known(cpb):
    (cpb.folder / "table.csv").write_text(TABLE)
    said = write(cpb, documents="@table.csv")
    assert said["documents"] == {
        "tokens": [3000, 900, 40, 0, 7000], "place": [4, 0, 2, 9, 1],
        "holder": [0, -1, 3, 1, -1], "cost": [900000, 70000, 10, 0, 5000000],
        "loss": [3000, 0, 7, 0, 6999], "waited": [0, 1, 2, 3, 0]}
    assert said["waited_max"] == 2
    assert said["loss_mean"] * 16 == 3000 + 7 + 6999


def law_replicas_are_what_groups_tie_together(cpb):
    """With fixed groups they are those; with none of several ranks, each rank is one."""
    (cpb.folder / "table.csv").write_text(TABLE)
    said = write(cpb, "--groups", 4, "--row", "wlb", budget=15000)
    assert said["replicas"] == 4
    held = [sum(LENGTHS[d] for group in said["schedule"] if group["first"] == first
                for d in group["documents"]) for first in (0, 4, 8, 12)]
    assert said["replica_loss_max"] == max(held)
    assert said["replica_loss_mean"] == sum(held) / 4
    said = write(cpb, documents="@table.csv", ranks=4)
    assert said["replicas"] == 4
    assert said["replica_loss_max"] == said["loss_max"] == 6999
    assert write(cpb, "--row", "flat")["replicas"] == 1


def is_recounted(path):
    if path[0] == "documents":
        return path[1] == "tokens"
    return path[0] not in INPUTS | NOTES


def to_mutate(cpb):
    (cpb.folder / "table.csv").write_text(TABLE)
    yield write(cpb)
    yield write(cpb, "--meet", "micro", "--row", "grid", "--multiple", 64)
    yield write(cpb, "--meet", "pipe:2", "--row", "lockstep")
    yield write(cpb, documents="@table.csv", ranks=4)
    yield write(cpb, "--runs", "--row", "flat", documents="9000,200,7000", ranks=4)
    yield write(cpb, "--runs", "--row", "lockstep", documents="9000,200,7000", ranks=4)


def law_check_refutes_every_changed_value(cpb):
    for said in to_mutate(cpb):
        mutants = []
        for path in filter(is_recounted, scalars(said)):
            value = said
            for step in path:
                value = value[step]
            if changed(value) is not None:
                mutants.append((path, with_value(said, path, changed(value))))
            if isinstance(value, int):
                mutants.append((path, with_value(said, path, value - 1)))
            mutants.append((path, with_value(said, path, [])))
        refute_mutants(cpb, "--schedule", mutants)


def law_check_refutes_lost_doubled_and_swapped_elements(cpb):
    for said in to_mutate(cpb):
        mutants = [((key,), {k: v for k, v in said.items() if k != key}) for key in said]
        for key in ("schedule", "placements", "left", "reroutes"):
            if not said[key]:
                continue
            mutants += [((key, "shorter"), said | {key: said[key][:-1]}),
                        ((key, "longer"), said | {key: said[key] + said[key][-1:]}),
                        ((key, "none"), said | {key: []})]
        mutants.append((("schedule", "swapped"),
                        said | {"schedule": [said["schedule"][1], said["schedule"][0],
                                             *said["schedule"][2:]]}))
        for d, placement in enumerate(said["placements"]):
            other = None if placement else [0, 0, 1]
            mutants.append((("placements", d), with_value(said, ("placements", d), other)))
        for g, group in enumerate(said["schedule"]):
            path = ("schedule", g, "documents")
            mutants.append((path, with_value(said, path, group["documents"][1:])))
            mutants.append((path, with_value(said, path, group["documents"] * 2)))
        if said["left"]:
            mutants.append((("left", 0, "reason"),
                            with_value(said, ("left", 0, "reason"), "held")))
        refute_mutants(cpb, "--schedule", mutants)


def law_every_truncation_of_a_schedule_file_is_refused(cpb):
    write(cpb)
    text = (cpb.folder / "s.json").read_bytes().rstrip()
    for length in range(0, len(text), max(1, len(text) // 60)):
        (cpb.folder / "cut.json").write_bytes(text[:length])
        assert "line" in cpb.refused("check", "--schedule", "cut.json")


def law_times_beyond_what_a_double_holds_are_proved(cpb):
    (cpb.folder / "table.csv").write_text(
        "tokens,cost\n" + "".join(f"100,{(1 << 52) + 7 * i}\n" for i in range(40)))
    for meet in ("step", "micro"):
        said = write(cpb, "--meet", meet, documents="@table.csv", ranks=4)
        cpb.good("check", "--schedule", "s.json")
        longer = said | {"step_time": said["step_time"] * (1 + 1e-9)}
        refute_mutants(cpb, "--schedule", [(("step_time",), longer)])


def law_failed_writes_leave_nothing_behind(cpb):
    (cpb.folder / "s.json").write_text("precious")
    arguments = ("schedule", "--documents", "100,7", "--ranks", 2, "--budget", 60)
    with open("/dev/full", "wb") as full:
        assert "No space" in cpb.refused(*arguments, "--json", stdout=full)
        assert "No space" in cpb.refused(*arguments, "--compare", stdout=full)
    assert "Broken pipe" in cpb.refused(*arguments, under=CLOSED_PIPE)
    assert "No space" in cpb.refused(*arguments, "-o", "/dev/full")
    assert os.listdir(cpb.folder) == ["s.json"]
    assert (cpb.folder / "s.json").read_text() == "precious"


def law_a_schedule_is_drawn_the_same_every_time(cpb):
    if not pictures_are_built(cpb):
        return
    write(cpb)
    for ending, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        pages = []
        for name in (f"a.{ending}", f"b.{ending}"):
            cpb.good("draw", "--schedule", "s.json", "-o", name)
            pages.append((cpb.folder / name).read_bytes())
        assert pages[0].startswith(start)
        assert ending == "pdf" or pages[0] == pages[1]


def law_ranks_work_as_long_as_their_letters_say(cpb):
    """Drawn with characters: letters and dots of a row are the time of its groups."""
    for extra in ([], ["--meet", "micro", "--row", "lockstep"], ["--row", "flat"]):
        said = write(cpb, *extra)
        rows = [line[7:] for line in cpb.good("draw", "--schedule", "s.json").splitlines()
                if line[:6].strip().isdigit() and line[:1] == " "]
        assert len(rows) == 16
        for rank, row in enumerate(rows):
            ends = {(g["start"], g["end"]) for g in said["schedule"]
                    if g["first"] <= rank < g["first"] + g["ranks"]}
            inside = sum(end - start for start, end in ends) / said["step_time"]
            drawn = len(row.replace(" ", "")) / len(row)
            assert abs(inside - drawn) <= (len(ends) + 1) / len(row), (rank, inside, drawn)


def law_a_schedule_of_others_is_not_drawn(cpb):
    said = write(cpb)
    said["hash"] = "0123456789abcdef"
    (cpb.folder / "other.json").write_text(json.dumps(said))
    assert "another schedule" in cpb.refused("draw", "--schedule", "other.json")
    said["chosen"] = "nothing"
    (cpb.folder / "other.json").write_text(json.dumps(said))
    assert "nothing" in cpb.refused("draw", "--schedule", "other.json")


def law_a_sweep_says_of_every_pack_what_schedule_says(cpb):
    packs = [[9000, 300, 20000, 50], [4000] * 7, [0, 12, 30000]]
    (cpb.folder / "packs.jsonl").write_text("".join(f"{pack}\n" for pack in packs))
    done = cpb.run("sweep", "--packs", "packs.jsonl", "--ranks", "8,16", "--budget", 4096,
                   "--meet", "micro", "--groups-only", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(lines) == len({(one["pack"], one["ranks"], one["row"]) for one in lines})
    assert {one["row"] for one in lines} == set(ROWS) - {"flat"}
    for one in lines:
        said = json.loads(cpb.good(
            "schedule", "--documents", ",".join(map(str, packs[one["pack"]])), "--ranks",
            one["ranks"], "--budget", 4096, "--meet", "micro", "--groups-only", "--row",
            one["row"], "--json"))
        assert {k: v for k, v in one.items() if k in said} == \
            {k: v for k, v in said.items() if k in one}
    cpb.good("sweep", "--packs", "packs.jsonl", "--ranks", "8,16", "--budget", 4096,
             "--meet", "micro", "--groups-only", "-o", "rows.csv")
    names, *rows = csv.reader((cpb.folder / "rows.csv").read_text().splitlines())
    assert names == list(lines[0])
    for row, one in zip(rows, lines, strict=True):
        for name, value in zip(names, row, strict=True):
            assert name == "plan_seconds" or type(one[name])(value) == one[name], name
