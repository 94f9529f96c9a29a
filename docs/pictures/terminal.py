#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A command's output as a terminal shows it: terminal.py COLUMNS FILE.svg COMMAND..."""

import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import termios

WIDTH, HEIGHT, MARGIN = 7.5, 15, 14  # of a character, and around all of them
PAPER, INK = "#14171a", "#d7dce1"
PIECE = re.compile(r"\x1b\[([\d;]*)m|([^\x1b])")


def run(columns, command):
    """What the command writes to a truecolor terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color",
                   "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
    text = b""
    with subprocess.Popen(command, stdout=slave, env=environment) as running:
        os.close(slave)
        while True:
            try:
                part = os.read(master, 1 << 16)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            text += part
    if running.returncode:
        sys.exit(f"{command[0]} failed")
    return text.decode().replace("\r", "").splitlines()


def cells(line):
    """(character, foreground, background) one after the other."""
    colours = {"38": None, "48": None}
    for code, character in PIECE.findall(line):
        if character:
            yield character, colours["38"], colours["48"]
        elif code in ("", "0"):
            colours = {"38": None, "48": None}
        else:
            layer, _, *rgb = code.split(";")
            colours[layer] = "#%02x%02x%02x" % tuple(map(int, rgb))


def stretches(row, colour_of):
    """(first, length, colour) of neighbouring cells of one colour."""
    first = 0
    for i in range(1, len(row) + 1):
        if i == len(row) or colour_of(row[i]) != colour_of(row[first]):
            if colour_of(row[first]):
                yield first, i - first, colour_of(row[first])
            first = i


def draw_line(row, y):
    upper = lambda cell: cell[1] if cell[0] == "\u2580" else cell[2]
    lower = lambda cell: cell[2]
    for colour_of, top in ((upper, y), (lower, y + HEIGHT / 2)):
        for first, length, colour in stretches(row, colour_of):
            yield (f'<rect x="{MARGIN + first * WIDTH:g}" y="{top:g}" width='
                   f'"{length * WIDTH:g}" height="{HEIGHT / 2:g}" fill="{colour}"/>')
    text = "".join(" " if c == "\u2580" else c for c, _, _ in row).rstrip()
    if text:
        yield (f'<text x="{MARGIN}" y="{y + 11.5:g}" xml:space="preserve" textLength='
               f'"{len(text) * WIDTH:g}">{html.escape(text)}</text>')


def main():
    columns, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    lines = [list(cells(line)) for line in run(columns, command)]
    width = 2 * MARGIN + columns * WIDTH
    height = 2 * MARGIN + len(lines) * HEIGHT
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height='
           f'"{height:g}" viewBox="0 0 {width:g} {height:g}" font-family='
           f'"ui-monospace,DejaVu Sans Mono,Menlo,monospace" font-size="12" '
           f'fill="{INK}" shape-rendering="crispEdges">',
           f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>']
    for number, row in enumerate(lines):
        svg += draw_line(row, MARGIN + number * HEIGHT)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(svg + ["</svg>", ""]))


if __name__ == "__main__":
    main()
