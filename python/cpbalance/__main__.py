# SPDX-License-Identifier: Apache-2.0
"""`python -m cpbalance` is the program cpb."""
import os
import sys

from ._lib import NATIVE


def main() -> None:
    program = NATIVE / "cpb"
    if not program.is_file():
        sys.exit("cpbalance was built without its program (CPB_BUILD_CLI=OFF)")
    sys.stdout.flush()
    os.execv(program, ["cpb", *sys.argv[1:]])


if __name__ == "__main__":
    main()
