# SPDX-License-Identifier: Apache-2.0
"""The package as it is installed: one wheel for every Python from 3.9 on, with library and
program, and torch only where it is asked for."""
import ast
import pathlib
import subprocess
import sys
from importlib import metadata

import pytest

import cpbalance

FILES = sorted(pathlib.Path(cpbalance.__file__).parent.rglob("*.py"))


def test_one_wheel_serves_every_python():
    wheel = metadata.distribution("cpbalance").read_text("WHEEL")
    tags = [line for line in wheel.splitlines() if line.startswith("Tag: ")]
    assert tags and all(tag.startswith("Tag: py3-none-") for tag in tags)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_is_python_3_9(file):
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_torch_is_optional():
    """The package works where torch cannot be imported."""
    said = subprocess.run(
        [sys.executable, "-c", "import sys; sys.modules['torch'] = None\n"
         "import cpbalance as cpb\nprint(cpb.plan('causal:64', 4).ranks)"],
        capture_output=True, text=True, check=True)
    assert said.stdout == "4\n"


def test_the_program_is_the_package():
    said = subprocess.run([sys.executable, "-m", "cpbalance", "--version"],
                          capture_output=True, text=True, check=True)
    assert cpbalance.__version__ in said.stdout


def test_the_program_has_no_pictures_and_says_so(tmp_path):
    said = subprocess.run(
        [sys.executable, "-m", "cpbalance", "draw", "--mask", "causal:64", "--ranks", "2",
         "-o", tmp_path / "plan.svg"], capture_output=True, text=True)
    assert said.returncode == 1 and said.stderr.count("\n") == 1
    assert "without" in said.stderr
