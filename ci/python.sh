#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Make a Python environment in build/python, install the package into it as a user would,
# check its types, run its tests, and show that its measurements run.
#   ci/python.sh [PYTEST_ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."
venv=build/python/venv
[ -x $venv/bin/pytest ] || python3 -m venv $venv
$venv/bin/python -m pip install -q --disable-pip-version-check -r ci/requirements.txt .
$venv/bin/mypy
$venv/bin/pytest --junitxml=build/python/tests.xml "$@"
$venv/bin/python bench/python/speed.py quick >build/python/speed.md
$venv/bin/python bench/gpu_makespan.py --self-test --timings build/python/timings.csv \
    >build/python/gpu.md 2>build/python/gpu.log
$venv/bin/python -m cpbalance calibrate build/python/timings.csv >/dev/null
