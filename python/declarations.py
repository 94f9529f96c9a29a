# SPDX-License-Identifier: Apache-2.0
"""Turn the preprocessed public headers into the declarations of the binding.

    python declarations.py PREPROCESSED OUTPUT

PREPROCESSED is what `cc -E -DCPB_CFFI` prints for <cpb/cpb.h>. Only lines that come from
headers of ours are kept; cffi knows the types of the C library by itself. OUTPUT is a
module that holds them in cffi's own notation, so that nothing is parsed at import."""
import pathlib
import re
import sys

import cffi

MARKER = re.compile(r'#(?:line)? \d+ "([^"]*)"')


def ours(text):
    """The lines whose markers name a header below include/cpb."""
    kept, inside = [], False
    for line in text.splitlines():
        marker = MARKER.match(line)
        if marker:
            inside = pathlib.PurePath(marker[1]).parent.parts[-2:] == ("include", "cpb")
        elif inside and line.strip():
            kept.append(line)
    return "\n".join(kept)


def main(preprocessed, output):
    declarations = ours(pathlib.Path(preprocessed).read_text())
    ffi = cffi.FFI()
    ffi.cdef(declarations)
    ffi.set_source("cpbalance._declarations", None)
    ffi.emit_python_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
