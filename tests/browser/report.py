#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pages of cpb report in a real browser: report.py CPB [FOLDER_FOR_SCREENSHOTS]

Headless Chromium loads them without a word on its console, tables sort, what has a title
shows it under the pointer, nothing is wider than the window, and without script
everything is there all the same."""

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NAMES = ("chromium", "chromium-browser", "google-chrome")

# Before anything of the page: note what goes wrong.
CATCH = """<script>const wrong=[];
addEventListener('error',e=>wrong.push(String(e.message||e.target.src).slice(0,99)),true);
addEventListener('securitypolicyviolation',e=>wrong.push(e.violatedDirective));</script>"""

# After it: use it as a reader does, and write down what happens.
PROBE = """<script>addEventListener('load',()=>{
const table=document.querySelector('table'),heads=[...table.tHead.rows[0].cells];
const column=c=>[...table.tBodies[0].rows].map(r=>r.cells[c].dataset.v??r.cells[c].textContent);
const at=name=>heads.findIndex(h=>h.textContent===name);
const seen={wrong,width:innerWidth,page:document.documentElement.scrollWidth};
seen.before=column(at('step us'));
heads[at('step us')].click();seen.up=column(at('step us'));
seen.sort=heads[at('step us')].getAttribute('aria-sort');
heads[at('step us')].click();seen.down=column(at('step us'));
heads[0].dispatchEvent(new KeyboardEvent('keydown',{key:'Enter'}));seen.names=column(0);
const tip=document.getElementById('tip');
const point=e=>{e.scrollIntoView({block:'center',inline:'center'});
  const b=e.getBoundingClientRect(),x=b.x+b.width/2,y=b.y+b.height/2;
  const hit=document.elementFromPoint(x,y);
  hit.dispatchEvent(new PointerEvent('pointermove',{bubbles:true,clientX:x,clientY:y}));
  const t=tip.getBoundingClientRect();
  return {text:tip.textContent,hidden:tip.hidden,
    inside:t.left>=0&&t.top>=0&&t.right<=innerWidth&&t.bottom<=innerHeight}};
seen.cell=point(table.tBodies[0].rows[0].cells[heads.length-1]);
seen.wanted=table.tBodies[0].rows[0].cells[heads.length-1].dataset.tip;
const areas=[...document.querySelectorAll('figure i')].filter(i=>
  i.getBoundingClientRect().width>4&&i.getBoundingClientRect().height>4);
seen.areas=areas.length;seen.area=areas.length?point(areas[0]):null;
seen.off=point(document.querySelector('h1')).hidden;
seen.images=[...document.images].map(i=>i.complete&&i.naturalWidth>0);
document.documentElement.style.width='390px';
seen.phone=[...document.querySelectorAll('body *')].filter(e=>!e.closest('.wide')&&
  e.id!=='tip'&&e.getBoundingClientRect().right>390).map(e=>e.tagName);
const out=document.createElement('pre');out.id='probe';
out.textContent=JSON.stringify(seen);document.body.append(out)});</script>"""


class Browser:
    def __init__(self, folder):
        found = [path for path in map(shutil.which, NAMES) if path]
        if not found:
            sys.exit("no Chromium is installed; ci/packages.txt names it")
        self.command = [found[0], "--headless", "--no-sandbox", "--disable-gpu",
                        "--disable-dev-shm-usage", "--hide-scrollbars",
                        "--no-first-run", f"--user-data-dir={folder}/profile"]

    def run(self, page, *flags):
        done = subprocess.run([*self.command, *flags, page.as_uri()], timeout=120,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-400:]
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert not said, said
        return done.stdout

    def dump(self, page, *flags):
        return self.run(page, "--enable-logging=stderr", "--virtual-time-budget=2000",
                        *flags, "--dump-dom")


def check_page(browser, page, folder, width):
    text = page.read_text(encoding="utf-8")
    probed = folder / f"probed-{page.name}"
    probed.write_text(text.replace("<title>", CATCH + "<title>", 1)
                      .replace("</body>", PROBE + "</body>"), encoding="utf-8")
    dom = browser.dump(probed, f"--window-size={width},900")
    seen = json.loads(html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', dom)[1]))
    assert not seen["wrong"], seen["wrong"]
    assert seen["page"] <= seen["width"], f"{seen['page']} wide in {seen['width']}"
    assert not seen["phone"], f"wider than a phone: {seen['phone']}"
    up = list(map(float, seen["up"]))
    assert up == sorted(map(float, seen["before"])) and seen["sort"] == "ascending"
    assert list(map(float, seen["down"])) == up[::-1] and len(up) > 2
    assert seen["names"] == sorted(seen["names"])
    if "90th percentile" in text:
        assert seen["cell"] == {"text": seen["wanted"], "hidden": False, "inside": True}
    assert seen["off"] and all(seen["images"])
    if seen["images"]:
        assert seen["areas"] and ":" in seen["area"]["text"], seen["area"]
        assert not seen["area"]["hidden"] and seen["area"]["inside"]


def check_without_script(browser, page, folder):
    """Without its script a page has the same elements, and titles where they were."""
    text = re.sub(r"(?s)<script>.*?</script>", "", page.read_text(encoding="utf-8"))
    bare = folder / f"bare-{page.name}"
    bare.write_text(text, encoding="utf-8")
    dom = browser.dump(bare)
    for piece in ("<tr", "<td", "<img", "title=", "<figcaption>"):
        assert dom.count(piece) == text.count(piece), piece
    assert 'id="tip"' not in dom


def make_pages(cpb, folder):
    rows = folder / "rows.csv"
    subprocess.run([cpb, "sweep", "--sample", "builtin", "--tokens", "65536", "--count",
                    "12", "--ranks", "4,8,16", "--tolerance", "0.01,0.05", "-o", rows],
                   check=True, capture_output=True)
    compared = subprocess.run([cpb, "compare", "--documents", "5000,300,12000", "--ranks",
                               "8", "--json"], check=True, capture_output=True).stdout
    schedules = folder / "schedules.csv"
    subprocess.run([cpb, "sweep", "--sample", "builtin", "--tokens", "300000", "--count",
                    "12", "--ranks", "16,32", "--budget", "16384", "-o", schedules],
                   check=True, capture_output=True)
    pages = [folder / "sweep.html", folder / "compare.html", folder / "schedules.html"]
    for page, given, stdin in zip(pages, (rows, "-", schedules), (b"", compared, b"")):
        subprocess.run([cpb, "report", given, "-o", page], check=True, input=stdin)
    return pages


def main():
    cpb = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        browser = Browser(folder)
        pages = make_pages(cpb, folder)
        for page in pages:
            for width in (500, 1280):
                check_page(browser, page, folder, width)
            check_without_script(browser, page, folder)
        if len(sys.argv) > 2:
            shots = pathlib.Path(sys.argv[2]).resolve()
            os.makedirs(shots, exist_ok=True)
            for page in pages[::2]:
                for width in (500, 1280):
                    browser.run(page, f"--window-size={width},2600",
                                f"--screenshot={shots}/{page.stem}-{width}.png")
            browser.run(pages[0], f"--print-to-pdf={shots}/sweep.pdf")
    print(f"{len(pages)} pages load, sort, show titles and fit, with and without script")


if __name__ == "__main__":
    main()
