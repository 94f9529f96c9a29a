#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A plot of a page that `cpb report` wrote: plot.py PAGE.html FIRST_WORDS FILE.svg"""

import base64
import html.parser
import sys


class Plots(html.parser.HTMLParser):
    """alternative text -> drawing"""

    def __init__(self):
        super().__init__()
        self.found = {}

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        scheme, _, data = (attributes.get("src") or "").partition(";base64,")
        if tag == "img" and scheme == "data:image/svg+xml":
            self.found[attributes["alt"]] = base64.b64decode(data)


def main():
    page, words, path = sys.argv[1:]
    plots = Plots()
    with open(page, encoding="utf-8") as file:
        plots.feed(file.read())
    chosen = [plot for text, plot in plots.found.items() if text.startswith(words)]
    if len(chosen) != 1:
        sys.exit(f"{page}: \"{words}\" begins {len(chosen)} of {list(plots.found)}")
    with open(path, "wb") as file:
        file.write(chosen[0])


if __name__ == "__main__":
    main()
