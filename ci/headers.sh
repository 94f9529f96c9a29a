#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, as C11 and as C++17, by gcc and by clang.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
# cpb/mpi.h includes mpi.h, in which we find no faults.
mpi=$(pkg-config --cflags ompi 2>/dev/null | sed "s/-I/-isystem /g")
for header in include/cpb/*.h; do
    for compiler in gcc clang; do
        for language in "c -std=c11 -Wstrict-prototypes" "c++ -std=c++17"; do
            # shellcheck disable=SC2086 # the words of $language and $mpi are options
            "$compiler" -x $language -Wall -Wextra -Wpedantic -Wundef -Werror \
                -fsyntax-only -Iinclude $mpi -DOMPI_SKIP_MPICXX -include "$header" /dev/null || {
                echo "$header: $compiler -x $language refuses it"
                failed=1
            }
        done
    done
done
exit $failed
