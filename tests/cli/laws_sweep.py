# SPDX-License-Identifier: Apache-2.0
"""What must hold of sweeps."""

import contextlib
import csv
import io
import itertools
import json
import os
import pty
import random
import re
import signal
import subprocess
import time

from laws_draw import read_terminal
from program import PATIENCE

PACKS = ["--sample", "builtin", "--tokens", 20000, "--count", 6, "--seed", 3]
SWEEP = ["sweep", *PACKS, "--ranks", "2,8,3", "--tolerance", "0.01,0.05",
         "--balancer", "contiguous,per-document,min-heap,even,auto"]
SCHEDULES = ["sweep", "--sample", "builtin", "--tokens", 90000, "--count", 6, "--seed", 3,
             "--ranks", "8,32,16", "--budget", 8192, "--meet", "micro", "--window", 900]
# Times of the machine, and what such times are called in the tables.
CLOCK = "plan_seconds"


def rows_of(text):
    rows = list(csv.DictReader(io.StringIO(text)))
    for row in rows:
        assert float(row.pop(CLOCK)) >= 0
    return rows


def rows_in(cpb, name):
    return rows_of((cpb.folder / name).read_text())


def answer_of(stderr):
    """The answer without the column of planning times."""
    if b"plan ms" not in stderr:
        return stderr.decode().splitlines()
    return [re.sub(r"^([a-z].*?) +(plan ms|[0-9,]+\.[0-9]{3})$", r"\1", line)
            for line in stderr.decode().splitlines()]


def swept(cpb, *arguments):
    done = cpb.run(*arguments)
    assert done.returncode == 0, done.stderr
    return rows_of(done.stdout.decode()), answer_of(done.stderr)


def law_a_sweep_is_the_same_for_any_number_of_threads(cpb):
    for flags in (SWEEP, SCHEDULES):
        one = swept(cpb, *flags, "--threads", 1)
        for threads in (2, 3, 16):
            assert swept(cpb, *flags, "--threads", threads) == one, threads


def law_rows_of_a_sweep_are_those_of_compare(cpb):
    rows, _ = swept(cpb, "sweep", *PACKS, "--ranks", "4,2", "--cost", "pairs")
    order = [(int(row["pack"]), int(row["ranks"])) for row in rows]
    assert order == sorted(order, key=lambda at: (at[0], -at[1])), "order of the axes"
    for ranks in (2, 4):
        compared = rows_of(cpb.good("compare", *PACKS, "--ranks", ranks, "--cost",
                                    "pairs", "--csv"))
        mine = [row for row in rows if row["ranks"] == str(ranks)]
        assert len(mine) == len(compared)
        for row, other in zip(mine, compared):
            assert {name: row[name] for name in other} == other


def law_json_lines_of_a_sweep_say_what_its_csv_says(cpb):
    for flags in (SWEEP, SCHEDULES):
        rows, answer = swept(cpb, *flags)
        done = cpb.run(*flags, "--json")
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        assert answer_of(done.stderr) == answer and len(objects) == len(rows)
        for row, member in zip(rows, objects):
            # The command says nothing of the format, so the recipe is the same.
            for name, cell in row.items():
                value = member[name]
                if isinstance(value, bool):
                    value = str(value).lower()
                assert (cell == value if isinstance(value, str)
                        else float(cell) == value), name


def quantile(values, percent):
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def law_the_answer_is_what_the_rows_say(cpb):
    """Recomputed here from the rows, by sorting."""
    flags = ["sweep", "--sample", "builtin", "--tokens", 20000, "--count", 40, "--ranks",
             "2,4,8", "--balancer", "head-tail,ptrr,min-heap,auto"]
    rows, answer = swept(cpb, *flags)
    groups = {}
    for row in rows:
        groups.setdefault((int(row["ranks"]), row["balancer"]), []).append(row)

    def times(group):
        return [int(row["ranks"]) * 1e3 * float(row["step_time"]) / int(row["tokens"])
                for row in groups[group]]

    def mean(group):
        return sum(times(group)) / len(times(group))  # packs of one size

    most = sorted(max(int(row["memory_max"]) for row in rows) >> 20
                  for rows in groups.values())
    for limit in (None, most[2] + 1, most[6] + 1):
        fits = [g for g in groups if limit is None or
                max(int(row["memory_max"]) for row in groups[g]) <= limit << 20]
        best = min(fits, key=mean)
        text = "\n".join(swept(cpb, *flags, *(["--memory", limit] if limit else []))[1])
        said = re.search(r"answer  (\d+) ranks? with ([a-z-]+): .*?([0-9.,]+) ns", text)
        assert (int(said[1]), said[2]) == best, (limit, text)
        assert abs(float(said[3].replace(",", "")) - mean(best)) < 0.006
        for other in re.finditer(r"([0-9.-]+) % less than (\d+) ranks with ([a-z-]+), "
                                 r"less on (\d+) of 40", text):
            rival = int(other[2]), other[3]
            assert rival == min((g for g in fits if g[0] == rival[0] and g != best),
                                key=mean)
            assert abs(float(other[1]) - 100 * (1 - mean(best) / mean(rival))) < 0.006
            assert int(other[4]) == sum(a < b for a, b in zip(times(best), times(rival)))
    for percent, title in ((50, "median"), (90, "90th percentile"), (100, "worst")):
        table = answer[answer.index(title) + 2:][:len(groups)]
        for line in table:
            cells = line.split()
            group = int(cells[1]), cells[0]
            for name, cell, unit in (("imbalance", cells[2], 100), ("gap", cells[3], 100),
                                     ("runs_max", cells[5], 1), ("step_time", cells[7], 1)):
                exact = quantile([float(row[name]) for row in groups[group]], percent)
                shown = float(cell.replace(",", "")) / unit
                assert exact * (1 - 1 / 256) - 0.0501 / unit <= shown <= (
                    exact + 0.0501 / unit), (title, group, name, exact, shown)


def law_a_killed_sweep_goes_on_where_it_was(cpb):
    plans = ["sweep", "--sample", "builtin", "--tokens", 65536, "--count", 200, "--ranks",
             "2,8,32", "--balancer", "per-document,ptrr,even,auto"]
    schedules = ["sweep", "--sample", "builtin", "--tokens", 400000, "--count", 100,
                 "--ranks", "16,64,32", "--budget", 16384]
    for flags in (plans, schedules):
        unbroken = swept(cpb, *flags)
        for name in ("rows.csv", "rows.jsonl"):
            goes_on(cpb, flags, name, *unbroken)


def goes_on(cpb, flags, name, whole, answer):
    """Killed whenever 250 KB of rows have come, then the rows and the answer of an unbroken
    run."""
    file = cpb.folder / name
    kills, ended = 0, True
    while not ended or not kills:
        if ended:  # as long as whoever looks at the file comes too late
            file.write_text("")
            kills = -1
        enough = file.stat().st_size + 250000
        with subprocess.Popen([cpb.path, *map(str, flags), "--threads", "1", "-o", name],
                              cwd=cpb.folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as running:
            while running.poll() is None and file.stat().st_size < enough:
                time.sleep(0.005)
            ended = running.returncode is not None
            running.kill()
            stderr = running.stderr.read()
        kills += 1
    assert running.returncode == 0, running.returncode
    assert answer_of(stderr) == answer
    if name.endswith("csv"):
        assert rows_in(cpb, name) == whole
    else:
        lines = (cpb.folder / name).read_text().splitlines()
        assert [json.loads(line)["hash"] for line in lines] == [
            row["hash"] for row in whole]


def law_a_file_torn_anywhere_is_repaired(cpb):
    small = ["sweep", "--sample", "builtin", "--tokens", 3000, "--count", 4, "--ranks",
             "2,3"]
    for flags, name in itertools.product(
            ([*small, "--balancer", "contiguous,even"],
             [*small, "--budget", 5000, "--row", "wlb,free"]),
            ("rows.csv", "rows.jsonl")):
        (cpb.folder / name).unlink(missing_ok=True)
        cpb.good(*flags, "-o", name)
        path = cpb.folder / name
        whole = path.read_bytes()
        hide = re.compile(rb'"plan_seconds": [-+.0-9e]+|,[0-9.]+(?=,[0-9a-f]{16},)')
        random.seed(1)
        places = [0, 1, 9, len(whole) - 1, len(whole)]
        for length in places + random.sample(range(len(whole)), 25):
            path.write_bytes(whole[:length])
            cpb.good(*flags, "-o", name)
            assert hide.sub(b"", path.read_bytes()) == hide.sub(b"", whole), length


# More packs than any machine comes through before it is interrupted.
ENDLESS = 1 << 20


@contextlib.contextmanager
def under_way(cpb, flags):
    """A sweep that has written rows to rows.csv and is not done."""
    file = cpb.folder / "rows.csv"
    file.write_text("")
    with subprocess.Popen([cpb.path, *map(str, flags), "-o", file.name], cwd=cpb.folder,
                          stderr=subprocess.PIPE) as running:
        try:
            while file.stat().st_size < 5000:
                assert running.poll() is None, f"ended with {running.returncode}"
                time.sleep(0.005)
            yield running
        finally:
            running.kill()


def law_an_interrupt_is_a_sentence_and_loses_nothing(cpb):
    plans = ["sweep", "--sample", "builtin", "--tokens", 65536, "--count", ENDLESS,
             "--ranks", "8,32", "--balancer", "min-heap,even"]
    schedules = ["sweep", "--sample", "builtin", "--tokens", 900000, "--count", ENDLESS,
                 "--ranks", "32,64", "--budget", 16384, "--row", "free,wlb"]
    for flags, which in itertools.product((plans, schedules),
                                          (signal.SIGINT, signal.SIGTERM)):
        with under_way(cpb, flags) as running:
            running.send_signal(which)
            _, stderr = running.communicate(timeout=PATIENCE)
        assert running.returncode == 1 and stderr.count(b"\n") == 1, stderr
        assert b"interrupted" in stderr and b"rows.csv" in stderr, stderr
        text = (cpb.folder / "rows.csv").read_text()
        assert text.endswith("\n")
        # Jobs are whole: both balancers, or rows of schedules, of a pack and number of ranks are there.
        assert len(rows_of(text)) % 2 == 0 and rows_of(text)


def law_a_sweep_does_not_mix_with_other_rows(cpb):
    (cpb.folder / "lengths").write_text("700 1300 64 5000")
    flags = ["sweep", "--sample", "lengths", "--tokens", 4000, "--count", 2, "--ranks",
             "2", "--balancer", "even"]
    cpb.good(*flags, "-o", "rows.csv")
    before = (cpb.folder / "rows.csv").read_text()

    def refuses(word, *arguments):
        sentence = cpb.refused(*arguments, "-o", "rows.csv")
        assert word in sentence, (word, sentence)

    refuses("another command", *flags, "--seed", 1)
    refuses("another command", *flags, "--nodes", 2)
    cpb.good(*flags, "--threads", 3, "--memory", 7, "-o", "rows.csv")
    (cpb.folder / "lengths").write_text("700 1300 65 5000")
    refuses("other data", *flags)
    (cpb.folder / "lengths").write_text("700\n1300\n64\n5000\n")
    cpb.good(*flags, "-o", "rows.csv")
    (cpb.folder / "rows.csv").write_text(before.replace(",0.1.", ",7.1."))
    refuses("version 7.1.", *flags)
    lines = before.splitlines(keepends=True)
    for text, word in ((lines[0] + lines[2] + lines[1], "belong"),
                       (before + lines[1], "belong"), ("pack,ranks\n", "line 1"),
                       (lines[0] + "1,2\n", "line 2"), ("precious", "line 1"),
                       ("precious\n", "line 1"), ("[]", "line 1"), ("{\"a\": 1", "line 1"),
                       (lines[0] + lines[1].replace("even,even", "odd,odd"), "belong")):
        (cpb.folder / "rows.csv").write_text(text)
        refuses(word, *flags)
        assert (cpb.folder / "rows.csv").read_text() == text
    (cpb.folder / "rows.csv").write_text(before)
    assert "holds CSV" in cpb.refused(*flags, "--json", "-o", "rows.csv")


def law_a_sweep_of_schedules_does_not_mix_either(cpb):
    flags = ["sweep", "--documents", "9000,300,20000,50", "--ranks", "4,8", "--budget",
             6000, "--row", "free,wlb"]
    cpb.good(*flags, "-o", "rows.csv")
    before = (cpb.folder / "rows.csv").read_text()
    cpb.good(*flags, "--threads", 1, "-o", "rows.csv")
    assert (cpb.folder / "rows.csv").read_text() == before
    plans = ["sweep", "--documents", "9000,300", "--ranks", 4, "--balancer", "even"]
    lines = before.splitlines(keepends=True)
    for arguments, text, word in (
            ([*flags, "--meet", "micro"], before, "another command"),
            (plans, before, "line 1"), ([*flags[:2], "9001", *flags[3:]], before, "another"),
            (flags, lines[0] + lines[2] + lines[1], "belong"),
            (flags, before + lines[1], "belong"), (flags, lines[0] + "1,2\n", "line 2"),
            (flags, before.replace(",free,free", ",fry,free"), "belong"),
            (flags, lines[0] + lines[1].replace("0,", "1,", 1), "belong"),
            (flags, before.replace("0.1.0", "7.1.0"), "version 7.1.0"),
            (flags, lines[0].replace("gap", "gasp"), "line 1")):
        (cpb.folder / "rows.csv").write_text(text)
        sentence = cpb.refused(*arguments, "-o", "rows.csv")
        assert word in sentence, (word, sentence)
        assert (cpb.folder / "rows.csv").read_text() == text
    (cpb.folder / "rows.csv").unlink()
    cpb.good(*plans, "-o", "rows.csv")
    assert "line 1" in cpb.refused(*flags, "-o", "rows.csv")


def law_files_behind_an_at_sign_are_part_of_the_data(cpb):
    (cpb.folder / "speeds").write_text("1 2")
    flags = ["sweep", "--documents", "300,4000", "--ranks", "2", "--balancer", "even",
             "--speeds", "@speeds", "-o", "rows.csv"]
    cpb.good(*flags)
    (cpb.folder / "speeds").write_text("2 1")
    assert "other data" in cpb.refused(*flags)


def law_a_full_disk_leaves_whole_rows(cpb):
    for sweep in (SWEEP, SCHEDULES):
        flags = [*sweep, "-o", "rows.csv"]
        (cpb.folder / "rows.csv").unlink(missing_ok=True)
        assert "File too large" in cpb.refused(*flags, under="ulimit -f 12")
        assert (cpb.folder / "rows.csv").read_text().endswith("\n")
        cpb.good(*flags)
        assert rows_in(cpb, "rows.csv") == swept(cpb, *sweep)[0]
        with open("/dev/full", "wb") as full:
            assert "No space left" in cpb.refused(*sweep, stdout=full)
        assert "No space left" in cpb.refused(*sweep, "-o", "/dev/full")


def law_two_sweeps_do_not_write_one_file(cpb):
    flags = ["sweep", "--sample", "builtin", "--tokens", 65536, "--count", ENDLESS,
             "--ranks", "8", "--balancer", "even"]
    with under_way(cpb, flags):
        assert "another run" in cpb.refused(*flags, "-o", "rows.csv")


def law_balancers_that_refuse_have_no_rows(cpb):
    rows, answer = swept(cpb, "sweep", "--documents", "9000", "--ranks", "2,3",
                         "--transport", "ring")
    assert {row["balancer"] for row in rows} == {"head-tail", "auto"}
    assert any(line.startswith("answer  ") for line in answer)
    assert "no balancer is left" in cpb.refused(
        "sweep", "--documents", "9000", "--ranks", "2,3", "--transport", "ring",
        "--balancer", "even", "-o", "none.csv")
    assert not (cpb.folder / "none.csv").exists()


def law_a_sweep_takes_what_compare_takes(cpb):
    (cpb.folder / "packs").write_text("[100, 200]\n\n[3000]\n")
    rows, _ = swept(cpb, "sweep", "--packs", "packs", "--ranks", "1,7,5000",
                    "--balancer", "auto,contiguous")
    assert [row["tokens"] for row in rows[::6]] == ["300", "3000"]
    with open(cpb.folder / "packs", "rb") as packs:
        piped = subprocess.run(
            ["sh", "-c", f"cat | '{cpb.path}' sweep --packs /dev/stdin --ranks 1,7,5000 "
             "--balancer auto,contiguous"], stdin=packs, capture_output=True, check=True)
    names = ("hash", "pack", "ranks", "step_time")
    assert [[row[n] for n in names] for row in rows_of(piped.stdout.decode())] == [
        [row[n] for n in names] for row in rows]
    rows, _ = swept(cpb, "sweep", "--mask", "window:4000;n=100", "--ranks", "2,4")
    assert {row["pack"] for row in rows} == {"0"}
    for masks in itertools.product(("documents", "2*window:50"), ("global:4;n=9",)):
        swept(cpb, "sweep", "--documents", "90,0,4000", "--mask", masks[0], "--mask",
              "window:9", "--ranks", "2", "--balancer", "ptrr")


def law_a_sweep_on_a_terminal_shows_its_progress(cpb):
    master, slave = pty.openpty()
    with subprocess.Popen([cpb.path, *map(str, SWEEP), "--count", "300"], cwd=cpb.folder,
                          stdout=subprocess.DEVNULL, stderr=slave,
                          env=dict(os.environ, TERM="xterm")) as running:
        os.close(slave)
        shown = read_terminal(master)
    assert running.returncode == 0
    assert b"] " in shown and b" left" in shown and b"answer  " in shown
    assert "[" not in "".join(swept(cpb, *SWEEP)[1])
