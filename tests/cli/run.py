#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden tests and laws of the program: run.py PATH_OF_CPB [--update] [NAME ...]
(a name is a case, a law, or a group of them: cases, laws, threads)

A golden case is a folder below cases/: `cmd` runs under sh in a copy of the folder with
cpb in PATH; what it prints and its exit status must equal `stdout`, `stderr`, `status`
(an absent file is empty, an absent status is 0). --update rewrites them.
Laws are the functions of laws*.py whose names start with `law_`."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import laws
import laws_attend
import laws_curve
import laws_draw
import laws_files
import laws_report
import laws_schedule
import laws_schedule_inputs
import laws_sweep
import program

HERE = pathlib.Path(__file__).resolve().parent

FIRST_LINE_OF_USAGE = (
    "cpb decides which tokens of a long or packed sequence each rank of a")

# "threads" are laws of commands that start threads.
LAWS = {"laws": (laws, laws_curve, laws_draw, laws_files, laws_report, laws_schedule,
                 laws_schedule_inputs),
        "threads": (laws_attend, laws_sweep)}

# Times of this machine have no place in an expectation.
TIMES = [
    (re.compile(rb'"plan_seconds": [-+.0-9e]+'), b'"plan_seconds": TIME'),
    (re.compile(rb"(?m)^planned in .*$"), b"planned in  TIME"),
    (re.compile(rb"(?m) +plan ms$"), b"  plan ms"),
    (re.compile(rb"(?m)^([a-z].* [0-9.,]+) +[0-9,]+\.[0-9]{3}$"), rb"\1  TIME"),
    (re.compile(rb"(?m),[0-9]+\.[0-9]{9},([0-9a-f]{16})(?=,|$)"), rb",TIME,\1"),
]


def without_times(text):
    for pattern, replacement in TIMES:
        text = pattern.sub(replacement, text)
    return text


def run_case(folder, cpb):
    """Status, standard output and standard error of one case."""
    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch) / "case"
        shutil.copytree(folder, work)
        for name in ("stdout", "stderr", "status"):
            (work / name).unlink(missing_ok=True)
        environment = dict(os.environ, LC_ALL="C", TERM="dumb")
        environment["PATH"] = f"{cpb.parent}{os.pathsep}{environment['PATH']}"
        done = subprocess.run(
            ["sh", "-u", "cmd"], cwd=work, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=program.PATIENCE, check=False)
        left = [p.name for p in work.iterdir() if p.name.endswith(".tmp")]
    problem = f"temporary files are left: {left}" if left else None
    return done.returncode, without_times(done.stdout), done.stderr, problem


def expected(folder):
    def read(name):
        path = folder / name
        return path.read_bytes() if path.exists() else b""
    return int(read("status") or b"0"), read("stdout"), read("stderr")


def update(folder, status, stdout, stderr):
    texts = {"status": b"%d\n" % status if status else b"", "stdout": stdout,
             "stderr": stderr}
    for name, text in texts.items():
        if text:
            (folder / name).write_bytes(text)
        else:
            (folder / name).unlink(missing_ok=True)


def broken_rule(status, stderr):
    """Exactly one short printable line per failure, unless it is the usage text."""
    lines = stderr.decode("latin-1").splitlines()
    if status not in (1, 2) or lines[:1] == [FIRST_LINE_OF_USAGE]:
        return None
    if len(lines) != 1:
        return f"{len(lines)} lines on standard error"
    if len(stderr) > 400:
        return f"a line of {len(stderr)} bytes on standard error"
    if not re.fullmatch(r"[ -~]*", lines[0]):
        return "odd bytes on standard error"
    return None


def check_case(folder, cpb, rewrite):
    status, stdout, stderr, problem = run_case(folder, cpb)
    problem = problem or broken_rule(status, stderr)
    if problem:
        return f"{problem}: {stderr!r}"
    if rewrite:
        update(folder, status, stdout, stderr)
        return None
    for name, want, got in zip(("status", "stdout", "stderr"), expected(folder),
                               (status, stdout, stderr)):
        if want != got:
            return f"{name} differs\n  expected {want!r}\n  got      {got!r}"
    return None


def check_law(law, cpb):
    with tempfile.TemporaryDirectory() as scratch:
        try:
            law(program.Program(cpb, pathlib.Path(scratch)))
        except AssertionError as failure:
            return str(failure) or "assertion failed"
    return None


def problem_of(check):
    try:
        return check()
    except subprocess.TimeoutExpired as late:
        return str(late)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cpb", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_intermixed_args()
    cpb = arguments.cpb.resolve()

    checks = {f.name: (lambda f=f: check_case(f, cpb, arguments.update))
              for f in sorted((HERE / "cases").iterdir()) if f.is_dir()}
    groups = {"cases": list(checks)}
    for group, modules in LAWS.items():
        found = {name: (lambda law=law: check_law(law, cpb)) for module in modules
                 for name, law in vars(module).items() if name.startswith("law_")}
        groups[group] = list(found)
        checks |= found
    failed = 0
    chosen = [check for name in arguments.names or groups
              for check in groups.get(name, [name])]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = list(pool.map(lambda name: problem_of(checks[name]), chosen))
    for name, problem in zip(chosen, problems):
        if problem:
            failed += 1
            print(f"FAILED {name}: {problem}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
