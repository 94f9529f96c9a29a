#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Make reference and guide as pages: build/docs/html/index.html. A warning is an error.
set -u
cd "$(dirname "$0")/.." || exit 1
rm -rf build/docs
mkdir -p build/docs
doxygen docs/Doxyfile || exit 1
if [ -s build/docs/warnings.txt ]; then
    cat build/docs/warnings.txt
    exit 1
fi
[ -f build/docs/html/index.html ] || exit 1
echo "$(find build/docs/html -name '*.html' | wc -l) pages: build/docs/html/index.html"
