# SPDX-License-Identifier: Apache-2.0
"""What must hold of the pages that report writes."""

import csv
import html.parser
import json
import os
import re
import signal
import subprocess

SWEEP = ["sweep", "--sample", "builtin", "--tokens", 20000, "--count", 9, "--seed", 5,
         "--ranks", "8,2", "--balancer", "contiguous,min-heap,frugal,auto"]
VOID = {"meta", "img", "br", "link", "input"}
COLUMNS = {
    "imbalance %": (2, lambda r: 100 * float(r["imbalance"])),
    "gap %": (2, lambda r: 100 * float(r["gap"])),
    "received": (2, lambda r: int(r["receive_total"]) / int(r["tokens"])),
    "runs": (0, lambda r: int(r["runs_max"])),
    "memory MiB": (1, lambda r: int(r["memory_max"]) / 2 ** 20),
    "step us": (1, lambda r: float(r["step_time"])),
    "ns/token": (2, lambda r: 1e3 * int(r["ranks"]) * float(r["step_time"])
                 / int(r["tokens"])),
    "plan ms": (3, lambda r: 1e3 * float(r["plan_seconds"])),
}


SCHEDULES = ["sweep", "--sample", "builtin", "--tokens", 120000, "--count", 9, "--seed", 5,
             "--ranks", "16,8", "--budget", 16384, "--batches", 1]
SCHEDULE_COLUMNS = {
    "above bound %": (2, lambda r: 100 * float(r["gap"])),
    "step us": (1, lambda r: float(r["step_time"])),
    "ns/token": (2, lambda r: 1e3 * int(r["ranks"]) * float(r["step_time"])
                 / int(r["tokens"])),
    "idle %": (1, lambda r: 100 * (1 - float(r["busy"]))),
    "tokens %": (1, lambda r: 100 * float(r["token_imbalance"])),
    "batches": (0, lambda r: int(r["micro_batches"])),
    "ranks/token": (2, lambda r: float(r["group_mean"])),
    "received": (2, lambda r: int(r["received"]) / int(r["tokens"])),
    "moved": (1, lambda r: float(r["moved_mean"])),
    "plan ms": (3, lambda r: 1e3 * float(r["plan_seconds"])),
}


class Page(html.parser.HTMLParser):
    """A page: its elements are closed in order, its table is a list of rows."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.texts, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.attributes += [(tag, *item) for item in attrs.items()]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append([attrs, []])

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1][1].append(data)

    def values(self, tag, name):
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def page_of(cpb, rows, *, stdin=None):
    done = cpb.run("report", rows, "-o", "page.html",
                   **({"stdin": stdin} if stdin else {}))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done.stderr
    return Page((cpb.folder / "page.html").read_text())


def pictures_of(page):
    return len(page.values("img", "src"))


def quantile(values, percent):
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def agree_with_rows(page, rows):
    """Recompute every number of the table."""
    groups = {}
    for row in rows:
        groups.setdefault((row["balancer"], int(row["ranks"]),
                           f"{float(row['tolerance']):g}"), []).append(row)
    heads, *body = page.rows
    names = ["".join(texts) for _, texts in heads]
    keys = names.index("imbalance %")
    assert len(body) == len(groups) and names[keys:] == list(COLUMNS)
    seen = set()
    for cells in body:
        key = ["".join(texts) for _, texts in cells[:keys]]
        rows_here = next(v for k, v in groups.items() if k[0] == key[0] and
                         str(k[1]) == key[1] and (keys < 3 or k[2] == key[2]))
        seen.add(tuple(key))
        for (decimals, value), (attrs, texts) in zip(COLUMNS.values(), cells[keys:]):
            values = [value(row) for row in rows_here]
            shown = [f"{quantile(values, p):,.{decimals}f}" for p in (50, 90, 100)]
            assert float(attrs["data-v"]) == quantile(values, 50)
            if len({row.get("pack", 0) for row in rows}) > 1:
                assert texts == [shown[0], shown[2]], (key, texts, shown)
                assert attrs["title"] == ("median {}, 90th percentile {}, worst {}"
                                          .format(*shown))
            else:
                assert texts == [shown[0]], (key, texts, shown)
    assert len(seen) == len(groups)


def law_numbers_of_a_page_are_those_of_the_sweep(cpb):
    for extra in ([], ["--tolerance", "0.05,0.01"]):
        for name in ("rows.csv", "rows.jsonl"):
            done = cpb.run(*SWEEP, *extra, "-o", name)
            assert done.returncode == 0, done.stderr
            text = (cpb.folder / name).read_text()
            rows = (list(csv.DictReader(text.splitlines())) if name.endswith("csv")
                    else [json.loads(line) for line in text.splitlines()])
            page = page_of(cpb, name)
            agree_with_rows(page, rows)
            said = "".join(page.texts)
            answer = done.stderr.decode()
            answer = answer[answer.index("answer  "):]
            assert answer in said, (answer, said)
            for fact in ("command", "version", "sweep"):
                assert str(rows[0][fact]) in said, fact
            (cpb.folder / name).unlink()


def law_numbers_of_a_page_are_those_of_a_comparison(cpb):
    flags = ["--documents", "5000,300,12000", "--mask", "documents", "--mask",
             "3*window:100", "--ranks", 4, "--json"]
    for arguments in (flags, ["--sample", "builtin", "--tokens", 9000, "--count", 3,
                              "--ranks", 2, "--json"]):
        text = cpb.good("compare", *arguments)
        (cpb.folder / "compared.json").write_text(text)
        page = page_of(cpb, "compared.json")
        agree_with_rows(page, json.loads(text))
        first = (cpb.folder / "page.html").read_bytes()
        with open(cpb.folder / "compared.json", "rb") as stream:
            page_of(cpb, "-", stdin=stream)
        assert (cpb.folder / "page.html").read_bytes() == first, "the same rows"


def law_a_curve_becomes_a_page_with_its_trade_off(cpb):
    text = cpb.good("compare", "--documents", "5000,300,12000,8000,333", "--ranks", 4,
                    "--curve", "--json")
    (cpb.folder / "curve.json").write_text(text)
    page = page_of(cpb, "curve.json")
    agree_with_rows(page, json.loads(text))
    plots = page.values("img", "alt")
    drawn = cpb.run("draw", "--documents", 5, "--ranks", 1, "-o", "x.svg").returncode == 0
    assert any(plot.startswith("Balance against traffic") for plot in plots) == drawn


def law_numbers_of_a_page_are_those_of_the_schedules(cpb):
    """Some rows cannot keep the limit on micro-batches for some packs."""
    for name in ("rows.csv", "rows.jsonl"):
        done = cpb.run(*SCHEDULES, "-o", name)
        assert done.returncode == 0, done.stderr
        text = (cpb.folder / name).read_text()
        rows = (list(csv.DictReader(text.splitlines())) if name.endswith("csv")
                else [json.loads(line) for line in text.splitlines()])
        page = page_of(cpb, name)
        groups = {}
        for row in rows:
            groups.setdefault((row["row"], str(row["ranks"])), []).append(row)
        assert len({len(group) for group in groups.values()}) > 1
        heads, *body = page.rows
        assert ["".join(texts) for _, texts in heads] == [
            "row", "ranks", "packs", *SCHEDULE_COLUMNS]
        for cells in body:
            row, ranks, packs = ("".join(texts) for _, texts in cells[:3])
            group = groups.pop((row, ranks))
            assert int(packs) == len(group)
            for (decimals, value), (attrs, texts) in zip(SCHEDULE_COLUMNS.values(),
                                                         cells[3:], strict=True):
                shown = [quantile(list(map(value, group)), p) for p in (50, 90, 100)]
                assert abs(float(attrs["data-v"]) - shown[0]) <= 1e-9 * (1 + shown[0])
                for number, said in zip((shown[0], shown[2]), texts, strict=True):
                    assert abs(float(said.replace(",", "")) - number) <= (
                        0.51 * 10 ** -decimals), (number, said)
        assert not groups
        said = re.search(r"answer: row ([a-z-]+) on (\d+) ranks", done.stderr.decode())
        assert f"answer  row {said[1]} on {said[2]} ranks" in "".join(page.texts)
        for fact in ("command", "version", "sweep"):
            assert str(rows[0][fact]) in "".join(page.texts)


def law_an_unfinished_step_is_left_out_and_said(cpb):
    """Rows of one number of ranks are written together; one that no row keeps is whole."""
    cpb.good(*SCHEDULES, "--row", "free,wlb", "--batches", 9, "-o", "rows.csv")
    lines = (cpb.folder / "rows.csv").read_text().splitlines(keepends=True)
    for cut, packs in ((2, 8), (1, 9)):
        (cpb.folder / "torn.csv").write_text("".join(lines[:-cut]))
        page = page_of(cpb, "torn.csv")
        assert f"{packs} packs" in "".join(page.texts)
        assert ("ends within pack 8" in "".join(page.texts)) == (packs == 8)


def law_what_is_no_sweep_of_schedules_is_refused(cpb):
    cpb.good(*SCHEDULES, "--row", "free,wlb", "--batches", 9, "-o", "rows.csv")
    text = (cpb.folder / "rows.csv").read_text()
    head, first, *_ = text.splitlines(keepends=True)
    version = re.search(r",(\d+\.\d+\.\d+),", first)[1]
    for bad, sentence in (
            (head, "has no rows"),
            ('{"row": "free"}\n', "pack is missing"),
            (text.replace(f",{version},", ",9.9.9,"), "made by version 9.9.9"),
            (text + first, "two rows of pack 0"),
            (text + first.replace("--seed 5", "--seed 6"), "command is"),
            (head + first.replace(",free,free,", ",fee,free,"), "fee"),
            (head + first[:80] + "\n", "cells under"),
            (head + first.replace(",16,", ",0,", 1), "are no schedule"),
            (head + first.replace("0,", "x,", 1), 'pack is "x"'),
            (text.replace(",step,", ",micro,", 1), "rows of one command")):
        (cpb.folder / "bad.csv").write_text(bad)
        said = cpb.refused("report", "bad.csv", "-o", "page.html")
        assert sentence in said, (bad[:60], said)
        assert not (cpb.folder / "page.html").exists()


def law_a_page_needs_nothing_else(cpb):
    cpb.good(*SWEEP, "-o", "rows.csv")
    page = page_of(cpb, "rows.csv")
    text = (cpb.folder / "page.html").read_text()
    for tag, name, value in page.attributes:
        assert name not in ("href", "srcset", "action"), (tag, name)
        assert name != "src" or value.startswith("data:image/svg+xml;base64,"), value[:40]
    assert not re.search(r"https?://|@import|url\(", text)
    assert all(page.values("img", "alt"))


def law_packs_that_cannot_be_made_again_are_a_sentence(cpb):
    flags = ["sweep", "--ranks", "2,4", "--balancer", "even,frugal"]
    (cpb.folder / "packs.jsonl").write_text("[500, 700]\n[100, 20, 900]\n")
    cpb.good(*flags, "--packs", "packs.jsonl", "-o", "rows.csv")
    drawn = pictures_of(page_of(cpb, "rows.csv"))
    (cpb.folder / "packs.jsonl").write_text("[500, 701]\n[200, 20, 900]\n")
    page = page_of(cpb, "rows.csv")
    assert "another plan now" in "".join(page.texts) or not drawn
    assert pictures_of(page) == max(0, drawn - 2)
    (cpb.folder / "packs.jsonl").unlink()
    assert "cannot open packs.jsonl" in "".join(page_of(cpb, "rows.csv").texts) or not drawn
    with subprocess.Popen(["printf", "70 80"], stdout=subprocess.PIPE) as lengths:
        done = cpb.run(*flags, "--documents", "-", "-o", "one.csv", stdin=lengths.stdout)
    assert done.returncode == 0, done.stderr
    assert "no file" in "".join(page_of(cpb, "one.csv").texts) or not drawn


def law_an_unfinished_pack_is_left_out_and_said(cpb):
    cpb.good(*SWEEP, "-o", "rows.csv")
    lines = (cpb.folder / "rows.csv").read_text().splitlines(keepends=True)
    for torn in ("", lines[-2][:50]):
        (cpb.folder / "torn.csv").write_text("".join(lines[:-2]) + torn)
        page = page_of(cpb, "torn.csv")
        assert "The file ends within pack 8" in "".join(page.texts)
        agree_with_rows(page, list(csv.DictReader(lines[:-8])))


def law_what_is_no_sweep_of_this_version_is_refused(cpb):
    cpb.good(*SWEEP, "-o", "rows.csv")
    text = (cpb.folder / "rows.csv").read_text()
    head, first, *rest = text.splitlines(keepends=True)
    version = re.search(r",(\d+\.\d+\.\d+),", first)[1]
    for bad, sentence in (
            ("", "has no rows"),
            (head, "has no rows"),
            ("hello\n1\n", "no names of columns"),
            ("[", "no valid JSON"),
            ("[1]", "row 1: 1 is no row"),
            ("[]", "has no rows"),
            ("{}\n", "missing"),
            ("\x7fELF\0\1\n", "zero byte"),
            (text.replace(f",{version},", ",9.9.9,"), "made by version 9.9.9"),
            (text + first, "two rows of pack 0"),
            (text + first.replace("--seed 5", "--seed 6"), "command is"),
            (head + first.replace(",contiguous,", ",sideways,"), "sideways"),
            (head + re.sub(r"^0,0.01", "0,-1", first), "tolerance is -1"),
            (head + first[:80] + "\n", "cells under"),
            (head + first.replace(",20000,", ",0,"), "no plan")):
        (cpb.folder / "bad.csv").write_text(bad)
        said = cpb.refused("report", "bad.csv", "-o", "page.html")
        assert sentence in said, (bad[:60], said)
        assert not (cpb.folder / "page.html").exists()
    assert "cannot open" in cpb.refused("report", "nowhere.csv", "-o", "page.html")
    assert "cannot read" in cpb.refused("report", ".", "-o", "page.html")


def law_texts_of_a_page_are_no_markup(cpb):
    name = "<script>alert('x')&amp;\".jsonl"
    (cpb.folder / name).write_text("[500, 700]\n")
    cpb.good("sweep", "--ranks", 2, "--balancer", "even", "--packs", name, "-o",
             "rows.csv")
    page = page_of(cpb, "rows.csv")
    assert [tag for tag in re.findall(r"<script", (cpb.folder / "page.html")
                                      .read_text())] == ["<script"]
    assert name.replace("'", "'\\''") in "".join(page.texts)


def law_a_page_appears_whole_or_not_at_all(cpb):
    cpb.good(*SWEEP, "-o", "rows.csv")
    flags = ["report", "rows.csv", "-o"]
    assert "cannot write" in cpb.refused(*flags, "nowhere/x.html")
    (cpb.folder / "full.html").symlink_to("/dev/full")
    assert "No space" in cpb.refused(*flags, "full.html")
    done = cpb.run(*flags, "x.pdf")
    assert done.returncode == 2 and b'"x.pdf"' in done.stderr
    if os.geteuid():
        (cpb.folder / "kept").mkdir(mode=0o500)
        assert "cannot write" in cpb.refused(*flags, "kept/x.html")
    whole = cpb.run(*flags, "/dev/stdout").stdout
    assert whole.endswith(b"</html>\n")
    for i in range(12):
        with subprocess.Popen([cpb.path, "report", "rows.csv", "-o", "x.html"],
                              cwd=cpb.folder, stderr=subprocess.PIPE) as running:
            try:
                running.wait(0.01 * i)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGINT)
            said = running.stderr.read()
        assert running.returncode in (0, -signal.SIGINT), (running.returncode, said)
        page = cpb.folder / "x.html"
        assert not page.exists() or page.read_bytes() == whole
        assert not [p for p in os.listdir(cpb.folder) if p.endswith(".tmp")]
