#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every block of code in README.md and docs/*.md works.

  blocks.py CPB CC HEADERS LIBRARY [FLAG...]   shell blocks run, blocks of C compile
  blocks.py --python                           blocks of Python run, by this interpreter

Blocks of one file run one after the other in one folder; a block of C with a main() is
a program, which runs too. Any other is the inside of a function: what it takes as given
is declared in context/FILE-N.h, N counted over the blocks of C of that file. A line
`<!-- not run: WHY -->` above a block that nothing can run leaves it out."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BLOCK = re.compile(r"(?ms)^(<!-- not run: [^\n]+ -->\n+)?```(sh|c|python)\n(.*?)^```$")
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused",
          "-Wno-unused-result", "-Wno-unused-parameter"]


def files():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(file, language):
    """The blocks that run, in order."""
    return [text for skipped, kind, text in BLOCK.findall(file.read_text("utf-8"))
            if kind == language and not skipped]


def run(command, folder, **extra):
    """None, or what went wrong."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          timeout=250, check=False, **extra)
    return None if done.returncode == 0 else (done.stderr or done.stdout)[-1500:]


def run_shell(file, cpb, folder):
    shutil.copytree(ROOT / "docs", folder / "docs")  # README counts its words
    path = f"{cpb.parent}{os.pathsep}{os.environ['PATH']}"
    return run(["sh", "-eu", "-c", "\n".join(blocks(file, "sh"))], folder,
               stdin=subprocess.DEVNULL, env=dict(os.environ, PATH=path))


def as_function(text, context):
    """A file of C around what is the inside of a function. What starts with `static` on
    the left edge stays outside, up to the next `}` there."""
    given = context.read_text("utf-8") if context.exists() else ""
    includes, outside, inside = [], [], []
    static = False
    for line in text.splitlines():
        static = static or line.startswith("static ")
        place = outside if static else inside
        (includes if line.startswith("#include") else place).append(line)
        static = static and line != "}"
    return "\n".join([*includes, given, *outside, "void block(void);",
                      "void block(void)", "{", *inside, "}", ""])


def compile_block(text, context, build, folder):
    cc, headers, library, flags = build
    program = "int main(" in text
    source = folder / "block.c"
    source.write_text(text if program else as_function(text, context), "utf-8")
    command = [*cc.split(), *STRICT, *flags, f"-I{headers}", source]
    if not program:
        return run([*command, "-fsyntax-only"], folder)
    return (run([*command, "-o", folder / "block", library,
                 f"-Wl,-rpath,{library.parent}"], folder) or
            run([folder / "block"], folder))


def check_file(file, cpb, build):
    """(place, what went wrong) of every block, None where nothing did."""
    with tempfile.TemporaryDirectory() as scratch:
        if blocks(file, "sh"):
            yield f"{file.name}: sh", run_shell(file, cpb, pathlib.Path(scratch))
        for i, text in enumerate(blocks(file, "c"), 1):
            context = HERE / "context" / f"{file.stem}-{i}.h"
            yield (f"{file.name}: C block {i}, given {context.name}",
                   compile_block(text, context, build, pathlib.Path(scratch)))


def check_python(file):
    with tempfile.TemporaryDirectory() as scratch:
        text = "\n".join(blocks(file, "python"))
        if text:
            yield (f"{file.name}: python",
                   run([sys.executable, "-W", "error", "-c", text], scratch))


def main():
    if sys.argv[1] == "--python":
        results = [result for file in files() for result in check_python(file)]
    else:
        cpb, cc, headers, library, *flags = sys.argv[1:]
        build = (cc, pathlib.Path(headers).resolve(), pathlib.Path(library).resolve(),
                 flags)
        results = [result for file in files()
                   for result in check_file(file, pathlib.Path(cpb).resolve(), build)]
    bad = [(place, why) for place, why in results if why is not None]
    for place, why in bad:
        print(f"FAILED {place}:\n{why}")
    print(f"{len(results) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
