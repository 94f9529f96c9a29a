# SPDX-License-Identifier: Apache-2.0
"""Files with one value changed, which the check must refuse."""

import copy
import json


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


def refute_mutants(cpb, flag, mutants):
    survivors = []
    for path, mutant in mutants:
        (cpb.folder / "mutant.json").write_text(json.dumps(mutant))
        done = cpb.run("check", flag, "mutant.json")
        assert done.returncode in (0, 1), f"{path}: status {done.returncode}"
        if done.returncode == 0:
            survivors.append(path)
    assert not survivors, f"check accepts changed {survivors}"
