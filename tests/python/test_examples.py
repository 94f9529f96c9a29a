# SPDX-License-Identifier: Apache-2.0
"""The examples run, as their first lines say."""
import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name, says", [
    ("torch_drop_in.py", "auto: the busiest rank works"),
    ("torch_exchange.py", "as on one process"),
    ("torch_loader.py", "gradients as on one process"),
])
def test_example_runs(name, says):
    said = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         "--nproc-per-node=2", EXAMPLES / name],
        capture_output=True, text=True, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert said.returncode == 0, said.stderr[-4000:]
    assert says in said.stdout
