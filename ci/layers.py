#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data flows one way: a file includes headers of its own or an earlier layer only.

Prints every include that reaches upwards as FILE:LINE and fails if there is one."""
import pathlib
import re
import sys

LAYERS = ["include/cpb", "src/base", "src/mask", "src/work", "src/balance", "src/plan",
          "src/read", "src/planner", "src/schedule", "src/check", "src/attend",
          "src/mpi", "cli/picture", "cli"]
# Layers that may see less than everything before them.
NARROWER = {
    "src/check": {"include/cpb", "src/base"},  # proves plans with code of its own
    # Execution uses the library as others do, and helpers.
    "src/attend": {"include/cpb", "src/base"},
    "src/mpi": {"include/cpb", "src/base", "src/attend"},
    "cli/picture": set(),  # draws whatever it is told
    "cli": {"include/cpb", "cli/picture"},  # can do nothing that other users cannot
    "examples": {"include/cpb"},
    "tests/consumer": {"include/cpb"},
}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^">]+)[">]')


def layer_of(path, root):
    """The layer a file lies in, or its folder where it is none."""
    folder = path.relative_to(root).parent
    for parent in (folder, *folder.parents):
        if parent.as_posix() in LAYERS or parent.as_posix() in NARROWER:
            return parent.as_posix()
    return folder.as_posix()


def target_of(path, quote, name, root):
    """The file of ours that an include names, or None for a foreign one."""
    places = [root / "include", root / "src"]
    if quote == '"':
        places.insert(0, path.parent)
    for place in places:
        file = (place / name).resolve()
        if file.is_file() and file.is_relative_to(root):
            return file
    return None


def allowed(layer):
    earlier = set(LAYERS[: LAYERS.index(layer)]) if layer in LAYERS else set()
    return NARROWER.get(layer, earlier) | {layer}


def violations(path, root):
    layer = layer_of(path, root)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = target_of(path, *match.groups(), root)
        place = f"{path.relative_to(root)}:{number}"
        if target is None:
            if match[1] == '"':
                yield f"{place}: {match[2]} is nowhere"
        elif layer_of(target, root) not in allowed(layer):
            yield f"{place}: {layer} may not include {target.relative_to(root)}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    files = [file for folder in ("include", "src", "cli", "examples", "tests/consumer")
             for file in sorted((root / folder).rglob("*"))
             if file.suffix in (".c", ".h", ".cc")]
    strange = [f"{file.relative_to(root)}: src/{file.parent.name} is no layer "
               "(ci/layers.py lists them)" for file in files
               if file.is_relative_to(root / "src") and layer_of(file, root) not in LAYERS]
    found = strange + [line for file in files for line in violations(file, root)]
    print("\n".join(found) if found else f"{len(files)} files keep the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
