# SPDX-License-Identifier: Apache-2.0
"""What must hold of pictures: areas are pairs, files are whole or absent, terminals of
any width are enough."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

FILL = re.compile(r'<path[^>]*?fill(?:="|:)rgb\(([\d.]+)%, ?([\d.]+)%, ?([\d.]+)%\)')
STROKE = re.compile(r"<path[^>]*?stroke-width[^>]*>")
PATH = re.compile(r' d="([^"]*)"')
TRANSFORM = re.compile(r'transform="matrix\(([^)]*)\)"')


def pictures_are_built(cpb):
    done = cpb.run("draw", "--documents", "9", "--ranks", 2, "-o", "probe.svg")
    if done.returncode == 0:
        (cpb.folder / "probe.svg").unlink()
        return True
    assert b"without pictures" in done.stderr, done.stderr
    return False


def points(path):
    return [tuple(map(float, pair)) for pair in
            re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", PATH.search(path)[1])]


def area(corners):
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1)
                   in zip(corners, corners[1:] + corners[:1]))) / 2


def box(corners):
    xs, ys = zip(*corners)
    return min(xs), min(ys), max(xs), max(ys)


def filled(svg):
    """(colour, corners) of every filled shape that is no letter."""
    for line in svg.splitlines():
        match = FILL.search(line)
        if match and PATH.search(line) and " C " not in line:
            yield tuple(map(float, match.groups())), points(line)


def matrix_box(svg):
    """The frame of the matrix: the largest closed line."""
    best = (0, 0, 0, 0)
    for line in svg.splitlines():
        if not STROKE.search(line) or not PATH.search(line):
            continue
        left, top, right, bottom = box(points(line))
        move = TRANSFORM.search(line)
        if move:
            a, _, _, d, e, f = map(float, move[1].split(","))
            left, right, top, bottom = a * left + e, a * right + e, d * top + f, d * bottom + f
        if (right - left) * (bottom - top) > (best[2] - best[0]) * (best[3] - best[1]):
            best = (left, top, right, bottom)
    return best


def pairs_by_colour(svg, tokens):
    """Areas inside the matrix, in pairs, in the order of the legend's colours."""
    left, top, right, bottom = matrix_box(svg)
    pair = (right - left) * (bottom - top) / tokens ** 2
    areas = {}
    for colour, corners in filled(svg):
        x0, y0, x1, y1 = box(corners)
        if x0 > left - 0.3 and y0 > top - 0.3 and x1 < right + 0.3 and y1 < bottom + 0.3:
            areas[colour] = areas.get(colour, 0) + area(corners) / pair
    # Colours of ranks lighten from the first to the last.
    return [areas[colour] for colour in
            sorted(areas, key=lambda c: .2126 * c[0] + .7152 * c[1] + .0722 * c[2])]


SMALL = [
    ["--documents", "50,30,40", "--ranks", 4, "--chunk", 8],
    ["--documents", "64,0,63", "--mask", "window:9", "--ranks", 8, "--chunk", 4],
    ["--mask", "causal:100", "--ranks", 3, "--sizes", "uneven", "--chunk", 5],
    ["--documents", "30,60", "--mask", "prefix:7", "--ranks", 2, "--chunk", 4],
    ["--documents", "20,44", "--mask", "global:5", "--ranks", 4, "--chunk", 1],
]

LARGE = [
    (["--documents", "5000,300,12000", "--ranks", 8], "head-tail"),
    (["--mask", "window:65536;n=20000", "--ranks", 4], "contiguous"),
    (["--documents", "900,900", "--mask", "documents-full", "--ranks", 3], "head-tail"),
]


def law_areas_of_a_small_drawing_are_its_pairs(cpb):
    if not pictures_are_built(cpb):
        return
    for flags in SMALL:
        for balancer in ("contiguous", "head-tail", "striped", "even"):
            said = json.loads(cpb.good("plan", *flags, "--balancer", balancer, "--json"))
            cpb.good("draw", *flags, "--balancer", balancer, "-o", "small.svg")
            drawn = pairs_by_colour((cpb.folder / "small.svg").read_text(),
                                    said["tokens"])
            # Coordinates of an SVG are rounded to 1/256 of a point.
            assert [round(pairs) for pairs in drawn] == [p for p in said["pairs"] if p], (
                flags, balancer, drawn, said["pairs"])
            assert all(abs(p - round(p)) < 0.2 for p in drawn), drawn


def law_areas_of_a_large_drawing_are_its_pairs(cpb):
    if not pictures_are_built(cpb):
        return
    for flags, balancer in LARGE:
        said = json.loads(cpb.good("plan", *flags, "--balancer", balancer, "--json"))
        cpb.good("draw", *flags, "--balancer", balancer, "-o", "large.svg")
        drawn = pairs_by_colour((cpb.folder / "large.svg").read_text(), said["tokens"])
        assert len(drawn) == len(said["pairs"])
        for area_, pairs in zip(drawn, said["pairs"]):
            assert abs(area_ / pairs - 1) < 0.005, (flags, area_, pairs)


def law_pictures_of_long_packs_are_small_and_repeatable(cpb):
    if not pictures_are_built(cpb):
        return
    lengths = " ".join(str(1 + i * i * 7919 % 30011) for i in range(72))
    (cpb.folder / "lengths").write_text(lengths)
    for ending, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        for ranks, balancer in ((64, "striped"), (1024, "even")):
            files = []
            for name in ("a", "b"):
                cpb.good("draw", "--documents", "@lengths", "--ranks", ranks,
                         "--balancer", balancer, "-o", f"{name}.{ending}")
                files.append((cpb.folder / f"{name}.{ending}").read_bytes())
            assert files[0] == files[1] and files[0].startswith(start)
            assert len(files[0]) < 1 << 20, (ending, ranks, len(files[0]))


def law_a_plan_file_and_its_order_draw_what_the_balancer_drew(cpb):
    if not pictures_are_built(cpb):
        return
    flags = ["--documents", "5000,300,12000", "--ranks", 4]
    cpb.good("plan", *flags, "--balancer", "min-heap", "--plan", "p.json")
    cpb.good("draw", *flags, "--balancer", "min-heap", "-o", "a.svg")
    cpb.good("draw", "--plan", "p.json", "-o", "b.svg")
    a, b = ((cpb.folder / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert a == b
    cpb.good("draw", "--plan", "p.json", "--plan", "p.json", "-o", "both.svg")
    assert (cpb.folder / "both.svg").stat().st_size > len(a)


def law_a_picture_appears_whole_or_not_at_all(cpb):
    if not pictures_are_built(cpb):
        return
    flags = ["draw", "--documents", "500,300", "--ranks", 4, "-o"]
    assert "x.gif" in cpb.refused(*flags, "x.gif")
    assert ".svg" in cpb.refused(*flags, "picture")
    assert "cannot write" in cpb.refused(*flags, "nowhere/x.svg")
    (cpb.folder / "full.svg").symlink_to("/dev/full")
    assert "No space" in cpb.refused(*flags, "full.svg")
    (cpb.folder / "kept.png").write_text("precious")
    (cpb.folder / "kept.png").chmod(0o400)
    if os.geteuid():
        cpb.refused(*flags, "kept.png")
        assert (cpb.folder / "kept.png").read_text() == "precious"
    cpb.good(*flags, "upper.SVG")
    assert sorted(os.listdir(cpb.folder)) == ["full.svg", "kept.png", "upper.SVG"]


def law_without_fonts_pictures_are_drawn_and_it_is_said(cpb):
    if not pictures_are_built(cpb):
        return
    (cpb.folder / "fonts.conf").write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
        "<fontconfig><dir>nowhere</dir></fontconfig>")
    for ending in ("svg", "png", "pdf"):
        done = cpb.run("draw", "--documents", "500,300", "--ranks", 4, "-o",
                       f"x.{ending}", env=dict(os.environ, FONTCONFIG_FILE=str(
                           cpb.folder / "fonts.conf")))
        assert done.returncode == 0 and b"no font" in done.stderr, done.stderr
        assert (cpb.folder / f"x.{ending}").stat().st_size > 1000


def read_terminal(master):
    """All that comes through a terminal whose other end the program alone holds, in as
    many pieces as the system makes of it."""
    text = b""
    with os.fdopen(master, "rb", buffering=0) as stream:
        try:
            while part := stream.read(1 << 16):
                text += part
        except OSError:
            pass  # the other end is closed
    return text


def on_terminal(cpb, columns, environment, *arguments):
    """What a terminal of so many columns is sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {k: v for k, v in os.environ.items()
           if k not in ("COLORTERM", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG")}
    with subprocess.Popen([cpb.path, *map(str, arguments)], stdout=slave, cwd=cpb.folder,
                          env=env | environment) as running:
        os.close(slave)
        text = read_terminal(master)
        assert running.wait() == 0
    return text.decode()


def law_a_terminal_of_any_width_shows_a_plan(cpb):
    for columns in (40, 64, 79, 200):
        for environment in ({"TERM": "xterm", "LC_ALL": "C"},
                            {"TERM": "xterm", "LC_ALL": "C.UTF-8"},
                            {"TERM": "xterm", "COLORTERM": "truecolor",
                             "LANG": "en_GB.UTF-8"},
                            {"TERM": "dumb"}):
            for ranks, documents in ((1, "1"), (3, "7,9"), (8, "5000,300,12000"),
                                     (1024, "700000,12,60000")):
                text = on_terminal(cpb, columns, environment, "draw", "--documents",
                                   documents, "--ranks", ranks, "--balancer",
                                   "contiguous")
                colours = "\x1b[48;2;" if "COLORTERM" in environment else "\x1b[48;5;"
                assert (colours in text) == (environment["TERM"] != "dumb"), text[:200]
                for line in re.sub(r"\x1b\[[\d;]*m", "", text).splitlines():
                    assert len(line) <= columns, (columns, environment, line)


def law_without_a_terminal_letters_are_enough(cpb):
    text = cpb.good("draw", "--documents", "5000,300,12000", "--ranks", 8)
    assert re.fullmatch(r"[ -~\n]*", text)
    assert max(map(len, text.splitlines())) <= 80


def law_names_of_a_plan_file_do_no_harm(cpb):
    cpb.good("plan", "--documents", "500,300", "--ranks", 2, "--plan", "p.json")
    plan = json.loads((cpb.folder / "p.json").read_text())
    plan["chosen"] = "\x1b[2J\u00e9\n" + "long" * 50
    (cpb.folder / "p.json").write_text(json.dumps(plan))
    text = cpb.good("draw", "--plan", "p.json")
    assert re.fullmatch(r"[ -~\n]*", text) and max(map(len, text.splitlines())) <= 80
    if pictures_are_built(cpb):
        cpb.good("draw", "--plan", "p.json", "-o", "x.svg")


def law_an_interrupt_leaves_nothing_behind(cpb):
    if not pictures_are_built(cpb):
        return
    arguments = [cpb.path, "draw", "--documents", "60000,60000", "--ranks", "64", "-o",
                 "x.png"]
    for i in range(12):
        with subprocess.Popen(arguments, cwd=cpb.folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as running:
            time.sleep(0.004 * i)
            running.send_signal((signal.SIGINT, signal.SIGTERM)[i % 2])
            said = running.stderr.read()
            assert running.wait() in (0, -signal.SIGINT, -signal.SIGTERM)
        assert said in (b"", b"cpb: interrupted\n"), said
        left = os.listdir(cpb.folder)
        assert left in ([], ["x.png"]), left
        if left:
            data = (cpb.folder / "x.png").read_bytes()
            assert data.endswith(b"IEND\xaeB`\x82"), "a picture is cut off"
            (cpb.folder / "x.png").unlink()
