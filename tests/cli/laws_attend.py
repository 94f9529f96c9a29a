# SPDX-License-Identifier: Apache-2.0
"""What must hold of attention that is run by a plan."""

import json
import os
import pty
import re
import subprocess

from laws_draw import pictures_are_built, read_terminal

SMALL = ["--model", "2/1x8"]


def is_built(cpb):
    done = cpb.run("attend", "--documents", "4", "--ranks", 1, *SMALL)
    return b"built without CBLAS" not in done.stderr


def attended(cpb, *arguments):
    return json.loads(cpb.good("attend", *arguments, *SMALL, "--json"))


def law_attention_is_exact_and_moves_what_the_plan_says(cpb):
    if not is_built(cpb):
        return
    for ranks in (1, 2, 3, 4, 7):
        for mask in ("documents:0,130,1,61", "window:150;n=9", "full:90", "causal:3"):
            said = attended(cpb, "--mask", mask, "--ranks", ranks, "--backward")
            plan = json.loads(cpb.good("plan", "--mask", mask, "--ranks", ranks, *SMALL,
                                       "--backward", "--kernel", "varlen", "--json"))
            assert said["kernel"] == "varlen"
            assert said["hash"] == plan["hash"]
            assert said["error_max"] <= 1e-5 and said["error_grad_max"] <= 1e-4
            assert said["positions_checked"] == said["tokens"]
            assert [r["rank"] for r in said["measured"]] == list(range(ranks))
            assert sum(r["tokens"] for r in said["measured"]) == said["tokens"]
            # Rows of K and V, one head of 8 floats each; gradients take the way back.
            row = 2 * 8 * 4
            assert said["bytes_moved"] == 2 * row * said["receive_total"]
            assert sum(r["bytes_out"] for r in said["measured"]) == said["bytes_moved"]
            assert said["slowest_over_mean"] >= 1 and said["speedup"] <= ranks + 1e-9


def law_long_sequences_are_sampled(cpb):
    if not is_built(cpb):
        return
    said = attended(cpb, "--documents", "3000,1500", "--ranks", 2, "--backward",
                    "--seed", 5)
    assert said["positions_checked"] == 64 and said["error_grad_max"] > 0
    assert attended(cpb, "--documents", "3000,1500", "--ranks", 2, "--backward",
                    "--seed", 6)["error_max"] != said["error_max"]


def law_compare_runs_balancers_in_turn(cpb):
    if not is_built(cpb):
        return
    some = attended(cpb, "--documents", "300,200", "--ranks", 2, "--compare",
                    "contiguous,auto")
    assert [row["balancer"] for row in some] == ["contiguous", "auto"]
    assert all(row["error_grad_max"] is None for row in some)
    everything = attended(cpb, "--documents", "300,200", "--ranks", 2, "--compare")
    assert [row["balancer"] for row in everything] == cpb.balancers()
    cpb.refused("attend", "--documents", "300", "--ranks", 2, "--compare", "nobody")


def law_attention_shows_progress_on_a_terminal_alone(cpb):
    if not is_built(cpb):
        return
    master, slave = pty.openpty()
    with subprocess.Popen([cpb.path, "attend", "--documents", "3000", "--ranks", "2", *SMALL,
                           "--backward"], stdout=subprocess.DEVNULL, stderr=slave,
                          cwd=cpb.folder) as running:
        os.close(slave)
        shown = read_terminal(master)
    assert running.returncode == 0
    assert b"[#" in shown or b"[ " in shown, shown
    silent = cpb.run("attend", "--documents", "3000", "--ranks", 2, *SMALL)
    assert silent.stderr == b""


def law_a_launcher_that_does_not_fit_is_refused(cpb):
    if not is_built(cpb):
        return
    lost = dict(os.environ, SLURM_PROCID="0", SLURM_STEP_NUM_TASKS="2")
    said = cpb.refused("attend", "--documents", "4", "--ranks", 2, *SMALL, env=lost)
    assert "built without MPI" in said or "belongs to another MPI" in said


def law_runs_side_by_side_are_multiplied_at_once(cpb):
    if not is_built(cpb):
        return
    said = json.loads(cpb.good("attend", "--mask", "full:512", "--ranks", "2", "--balancer",
                               "striped", "--model", "1/1x4", "--json"))
    assert said["runs_max"] > 1
    for rank in said["measured"]:  # own keys, received keys
        assert (rank["full_tiles"], rank["partial_tiles"]) == (2, 0)


def law_timings_are_what_calibrate_reads(cpb):
    if not is_built(cpb):
        return
    tiny = ["--model", "1/1x4", "--backward"]
    said = json.loads(cpb.good("attend", "--timings", "times.csv", *tiny, "--json"))
    fit = json.loads(cpb.good("calibrate", "times.csv", "-o", "here.json", "--json"))
    assert fit["forward"]["timings"] == fit["backward"]["timings"] == said["timings"] / 2
    assert fit["profile"]["model"]["head_dim"] == 4
    run = ["attend", "--documents", "900,700", "--ranks", "2", *tiny]
    shown = cpb.good(*run, "--profile", "@here.json")
    modelled = json.loads(cpb.good(*run, "--profile", "@here.json", "--json"))
    assert "modelled ms" in shown and "by times" in shown
    assert "modelled" not in cpb.good(*run)
    assert all(r["modelled_seconds"] > 0 for r in modelled["measured"])
    for flags in (["--ranks", "2"], ["--documents", "5"], ["--mask", "full"],
                  ["--balancer", "auto"], ["--compare"], ["--timeline", "x.svg"]):
        done = cpb.run("attend", "--timings", "no.csv", *flags)
        assert done.returncode == 2
        assert f"leave out {flags[0]}," in done.stderr.decode()
    cpb.refused("attend", "--timings", "nowhere/times.csv", *tiny)


def law_time_lines_show_every_rank(cpb):
    if not is_built(cpb) or not pictures_are_built(cpb):
        return
    run = ["attend", "--documents", "300,200", "--ranks", "3", *SMALL, "--backward"]
    for name, begin in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")):
        cpb.good(*run, "--timeline", name)
        assert (cpb.folder / name).read_bytes().startswith(begin)
    cpb.good(*run, "--compare", "contiguous,even", "--timeline", "two.svg")
    heights = [float(re.search(rb'height="([0-9.]+)', (cpb.folder / name).read_bytes())[1])
               for name in ("a.svg", "two.svg")]
    assert heights[1] > 1.8 * heights[0]
    cpb.refused(*run, "--timeline", "a.txt")


def law_one_of_a_kind_is_counted_in_the_singular(cpb):
    told = cpb.good("attend", "--documents", 1, "--ranks", 1, "--model", "1/1x8")
    assert "1 token, 1 query head, 1 key head of 8" in told and "1 rank at once" in told
