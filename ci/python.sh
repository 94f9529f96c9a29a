#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Make a Python environment in build/python, install the package into it as a user would,
# check its types and run its tests.
#   ci/python.sh [PYTEST_ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."
venv=build/python/venv
[ -x $venv/bin/pytest ] || python3 -m venv $venv
$venv/bin/python -m pip install -q --disable-pip-version-check -r ci/requirements.txt .
$venv/bin/mypy
$venv/bin/pytest --junitxml=build/python/tests.xml "$@"
