# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows in Python runs."""

import pathlib
import subprocess
import sys


def test_blocks_of_the_documentation_run() -> None:
    blocks = pathlib.Path(__file__).parent.parent / "docs" / "blocks.py"
    done = subprocess.run([sys.executable, str(blocks), "--python"], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
