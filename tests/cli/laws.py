# SPDX-License-Identifier: Apache-2.0
"""What must hold of the program whatever its texts are."""

import copy
import json
import os
import pty
import re
import resource
import struct
import subprocess

from laws_draw import read_terminal

FIRST_LINE_OF_USAGE = (
    "cpb decides which tokens of a long or packed sequence each rank of a")

# Not recounted: names and notes, and what only the planner promises itself.
NOT_RECOUNTED = {"balancer", "chosen", "plan_seconds", "tolerance", "combine"}


class Program:
    """The program under test, in a folder of its own."""

    def __init__(self, path, folder):
        self.path = path
        self.folder = folder

    def run(self, *arguments, **extra):
        extra.setdefault("stdin", subprocess.DEVNULL)
        extra.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([self.path, *map(str, arguments)], cwd=self.folder,
                              stderr=subprocess.PIPE, timeout=120, check=False, **extra)

    def good(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr!r}"
        return done.stdout.decode()

    def refused(self, *arguments, **extra):
        done = self.run(*arguments, **extra)
        assert done.returncode == 1, (
            f"{arguments}: status {done.returncode}, {done.stderr!r}")
        assert done.stderr.count(b"\n") == 1 and len(done.stderr) <= 400, done.stderr
        return done.stderr.decode()

    def read_npy(self, name):
        data = (self.folder / name).read_bytes()
        header = 10 + struct.unpack("<H", data[8:10])[0]
        assert header % 64 == 0, "the elements of a .npy file start on a multiple of 64"
        code = "q" if b"'<i8'" in data[:header] else "i"
        return list(memoryview(data[header:]).cast(code))

    def commands(self):
        return re.findall(r"(?m)^  cpb ([a-z]+)  ", self.good("--help"))

    def balancers(self):
        rows = json.loads(self.good("compare", "--documents", "4096", "--ranks", 2,
                                    "--json"))
        return [row["balancer"] for row in rows]


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


def changed(value):
    """Another value of the same type, or None where there is none to try."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * (1 + 1e-6) + 1e-6
    if isinstance(value, str):
        return ("0" if value[:1] != "0" else "1") + value[1:]
    return None


def scalars(value, path=()):
    """Paths of all values that are neither objects nor lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from scalars(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from scalars(inner, path + (index,))
    else:
        yield path


def with_value(root, path, value):
    mutant = copy.deepcopy(root)
    inner = mutant
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return mutant


# What the figures are counted from: another value may give the same figures, so only
# members that figures state are held to be refuted.
INPUTS = {"masks", "profile_numbers", "model", "kernel", "transport", "cost", "overlap",
          "backward", "nodes", "speeds", "sizes", "cap", "chunk", "granularity", "profile"}
BOUNDS = {"load_bound", "receive_bound", "receive_max_bound"}


def is_recounted(path):
    if path[0] == "masks":
        return "figures" in path and path[-1] not in BOUNDS
    return path[0] not in INPUTS | BOUNDS | NOT_RECOUNTED


def refute_mutants(cpb, flag, mutants):
    survivors = []
    for path, mutant in mutants:
        (cpb.folder / "mutant.json").write_text(json.dumps(mutant))
        done = cpb.run("check", flag, "mutant.json")
        assert done.returncode in (0, 1), f"{path}: status {done.returncode}"
        if done.returncode == 0:
            survivors.append(path)
    assert not survivors, f"check accepts changed {survivors}"


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


def law_a_duplicate_member_is_refused(cpb):
    cpb.good("plan", *MASKS[0], "--ranks", 4, "--plan", "p.json")
    text = (cpb.folder / "p.json").read_text()
    twice = text.replace('"tokens"', '"ranks": 4, "tokens"', 1)
    (cpb.folder / "p.json").write_text(twice)
    assert "line" in cpb.refused("check", "--plan", "p.json")


def law_every_truncation_of_a_plan_file_is_refused(cpb):
    cpb.good("plan", "--documents", "300,200", "--ranks", 2, "--plan", "p.json")
    text = (cpb.folder / "p.json").read_bytes().rstrip()
    for length in range(0, len(text), max(1, len(text) // 60)):
        (cpb.folder / "cut.json").write_bytes(text[:length])
        assert "line" in cpb.refused("check", "--plan", "cut.json")


def law_every_truncation_of_an_order_is_refused(cpb):
    cpb.good("plan", "--documents", "40", "--ranks", 2, "--balancer", "contiguous",
             "--order", "o.npy")
    data = (cpb.folder / "o.npy").read_bytes()
    for length in range(len(data)):
        (cpb.folder / "cut.npy").write_bytes(data[:length])
        cpb.refused("check", "--order", "cut.npy", "--ranks", 2)


def npy(shape, dtype, values, order="False", version=(1, 0)):
    header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}"
    size = 10 if version[0] == 1 else 12
    header += " " * (63 - (size + len(header)) % 64) + "\n"
    length = struct.pack("<H" if version[0] == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header.encode() + values


def law_npy_in_every_accepted_form_means_the_same(cpb):
    narrow, wide = struct.pack("<4i", 2, 3, 0, 1), struct.pack("<4q", 2, 3, 0, 1)
    for data in (npy("(4,)", "<i8", wide), npy("(1, 4)", "<i8", wide),
                 npy("(4,)", "<i4", narrow), npy("(1, 4)", "<i4", narrow, "True"),
                 npy("(4,)", "<i8", wide, "True", (2, 0))):
        (cpb.folder / "o.npy").write_bytes(data)
        assert "proved" in cpb.good("check", "--order", "o.npy", "--ranks", 2)


def law_npy_in_any_other_form_is_refused(cpb):
    wide = struct.pack("<4q", 2, 3, 0, 1)
    for data, word in (
            (npy("(4,)", ">i8", wide), ">i8"), (npy("(4,)", "<u8", wide), "<u8"),
            (npy("(4,)", "<f8", wide), "<f8"), (npy("(2, 2)", "<i8", wide), "(2, 2)"),
            (npy("(4, 1)", "<i8", wide), "(4, 1)"), (npy("()", "<i8", wide), "()"),
            (npy("(5,)", "<i8", wide), "truncated"),
            (npy("(3,)", "<i8", wide), "behind"),
            (npy("(4,)", "<i8", wide, "Maybe"), "fortran_order"),
            (npy("(4,)", "<i8", wide, version=(3, 0)), "3.0"),
            (npy("(0,)", "<i8", b""), "0 entries"),
            (npy("(99999999999,)", "<i8", wide), "99999999999"),
            (b"PK\x03\x04" + wide * 4, "NUMPY"), (b"", "NUMPY"),
            (npy("(4,)", "<i8", struct.pack("<4q", 2, 3, 0, 0)), "o.npy"),
            (npy("(4,)", "<i8", struct.pack("<4q", 2, 3, 0, 4)), "o.npy"),
            (npy("(4,)", "<i8", struct.pack("<4q", 2, 3, 0, -1)), "o.npy")):
        (cpb.folder / "o.npy").write_bytes(data)
        sentence = cpb.refused("check", "--order", "o.npy", "--ranks", 2)
        assert word in sentence, sentence


def law_a_closed_pipe_is_one_sentence(cpb):
    for arguments in (["plan", *MASKS[0], "--ranks", 4, "--json"],
                      ["compare", *MASKS[0], "--ranks", 4], ["--help"], ["--version"],
                      ["pad", "--documents", "5,6", "--ranks", 2]):
        reader, writer = os.pipe()
        os.close(reader)
        sentence = cpb.refused(*arguments, stdout=writer)
        os.close(writer)
        assert "Broken pipe" in sentence, sentence


def law_a_full_disk_leaves_nothing_behind(cpb):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    for flag in ("--order", "--inverse", "--plan"):
        documents = ",".join(["100"] * 2000)
        cpb.refused("plan", "--documents", documents, "--ranks", 4, flag, "out",
                    preexec_fn=limit)
        assert not os.listdir(cpb.folder), os.listdir(cpb.folder)


def law_a_failure_keeps_the_file_that_was_there(cpb):
    (cpb.folder / "o.npy").write_text("precious")
    cpb.refused("plan", "--documents", "100", "--ranks", 2, "--order", "o.npy",
                "--plan", "/dev/full")
    with open("/dev/full", "wb") as full:
        cpb.refused("plan", "--documents", "100", "--ranks", 2, "--order", "o.npy",
                    stdout=full)
    assert os.listdir(cpb.folder) == ["o.npy"]
    assert (cpb.folder / "o.npy").read_text() == "precious"


def law_a_symbolic_link_keeps_pointing_and_a_mode_stays(cpb):
    target = cpb.folder / "target"
    target.write_text("old")
    target.chmod(0o640)
    (cpb.folder / "link").symlink_to("target")
    cpb.good("plan", "--documents", "100", "--ranks", 2, "--plan", "link")
    assert (cpb.folder / "link").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert json.loads(target.read_text())["tokens"] == 100


def law_a_fifo_is_written_directly(cpb):
    fifo = cpb.folder / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        cpb.good("plan", "--documents", "100", "--ranks", 2, "--plan", "fifo")
        assert json.loads(reader.stdout.read())["tokens"] == 100
    assert fifo.is_fifo()


def law_lengths_come_from_anywhere(cpb):
    plain = cpb.good("plan", "--documents", "5,60,7", "--ranks", 2, "--json")
    (cpb.folder / "lengths").write_text("5 60\n\t7\r\n")
    text = json.loads(plain)
    standard = cpb.run("plan", "--documents", "-", "--ranks", 2, "--json",
                       stdin=None, input=b"5, 60\n7")
    from_file = cpb.good("plan", "--documents", "@lengths", "--ranks", 2, "--json")
    for other in (json.loads(standard.stdout), json.loads(from_file)):
        other["plan_seconds"] = text["plan_seconds"]
        assert other == text


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


def law_too_little_memory_is_one_sentence(cpb):
    if b"__asan" in cpb.path.read_bytes():
        return  # sanitizers need more address space than any limit here

    for megabytes in (40, 100, 200):
        def limit(bytes_=megabytes << 20):
            resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))

        sentence = cpb.refused("plan", "--mask", "causal:1000000000", "--ranks", 2,
                               "--order", "o.npy", preexec_fn=limit)
        assert "memory" in sentence, sentence
        assert not os.listdir(cpb.folder)


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
