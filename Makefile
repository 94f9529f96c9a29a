# SPDX-License-Identifier: Apache-2.0
# Short commands for people. CMake and its presets (CMakePresets.json) do the work;
# ci/packages.txt lists what a Debian machine needs, and ci/install.sh installs what of
# it is missing.

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

# A CMake on PATH that is too old or broken steps aside for Debian's. Asked anew at each
# use, because the first target may be what installs it.
CMAKE = $(shell cmake -P cmake/minimum.cmake >/dev/null 2>&1 && echo cmake || echo /usr/bin/cmake)

export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)
export CTEST_PARALLEL_LEVEL ?= $(CMAKE_BUILD_PARALLEL_LEVEL)
# CMake runs a make of its own, which is no part of this one.
unexport MAKEFLAGS
workflow = @env -u MAKELEVEL $(CMAKE) --workflow --preset

.PHONY: build demo test test-python fuzz bench pictures docs install clean help
.NOTPARALLEL:

build: ## library and program into build/release
	@ci/install.sh demo
	$(workflow) release

demo: build ## compare all balancers on packs of published document lengths
	build/release/cpb compare --sample builtin --tokens 131072 --count 20 --seed 1 --ranks 8

test: ## build with asserts into build/test and run every test
	@ci/install.sh demo test
	$(workflow) test

test-python: ## install the Python package into build/python and run its tests
	@ci/install.sh demo python
	ci/python.sh

fuzz: ## run every fuzz target for FUZZ_SECONDS (60)
	@ci/install.sh demo ci
	$(workflow) fuzz
	ci/fuzz.sh build/fuzz $(FUZZ_SECONDS)

bench: ## measure speed
	@ci/install.sh demo ci
	$(workflow) bench
	ci/bench.sh build/bench

pictures: build ## draw the pictures of the documentation anew
	docs/pictures/make.sh build/release/cpb

docs: ## reference and guide as pages, into build/docs/html
	@ci/install.sh docs
	ci/docs.sh

install: build ## install below PREFIX (/usr/local); DESTDIR works
	$(CMAKE) --install build/release --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig

clean: ## remove everything built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' Makefile | expand -t 14
