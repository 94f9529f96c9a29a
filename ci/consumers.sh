#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install the library, shared and static, move what was installed, and build outside
# programs against it: by find_package, by pkg-config, in C and C++; and as a subproject.
#   ci/consumers.sh SCRATCH_FOLDER
set -eu
cd "$(dirname "$0")/.."
source=$PWD
mkdir -p "$1"
scratch=$(cd "$1" && pwd)
cmake=cmake
$cmake -P cmake/minimum.cmake >/dev/null 2>&1 || cmake=/usr/bin/cmake

# Configure, build and run the outside project with the options given.
outside() {
    rm -rf "$scratch/outside"
    $cmake -S tests/consumer -B "$scratch/outside" "$@" >/dev/null
    $cmake --build "$scratch/outside" >/dev/null
    CTEST_OUTPUT_ON_FAILURE=1 $cmake --build "$scratch/outside" --target test
}

# Build and run by pkg-config: compiler, source, package, --static where needed.
by_pkg_config() {
    local prefix=$scratch/moved
    local flags libs
    flags=$(pkg-config --cflags "$3")
    libs=$(pkg-config --libs ${4:+"$4"} "$3")
    # shellcheck disable=SC2086 # the words are options
    $1 $flags "$2" -o "$scratch/program" $libs
    LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name 'libcpb.*' | head -n 1)") \
        "$scratch/program"
}

for shared in ON OFF; do
    build=$scratch/build-$shared
    rm -rf "$scratch/installed" "$scratch/moved"
    $cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=$shared \
        -DCPB_BUILD_TESTS=OFF -DCPB_BUILD_CLI=$shared >/dev/null
    $cmake --build "$build" >/dev/null
    $cmake --install "$build" --prefix "$scratch/installed" >/dev/null
    mv "$scratch/installed" "$scratch/moved"

    outside -DCMAKE_PREFIX_PATH="$scratch/moved"
    PKG_CONFIG_PATH=$(dirname "$(find "$scratch/moved" -name cpb.pc)")
    export PKG_CONFIG_PATH
    by_pkg_config "gcc -std=c11" tests/consumer/main.c cpb
    by_pkg_config "g++ -std=c++17" tests/consumer/main.cc cpb
    static=
    [ $shared = ON ] || static=--static
    by_pkg_config "mpicc -std=c11" tests/consumer/mpi.c cpb-mpi $static
    if [ $shared = ON ]; then
        "$scratch/moved/bin/cpb" --version
        find "$scratch/moved" -type f -printf '%P\n' | sort
    fi
done
outside -DCPB_SOURCE="$source"
echo "consumers build and run"
