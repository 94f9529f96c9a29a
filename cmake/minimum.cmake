# SPDX-License-Identifier: Apache-2.0
# `cmake -P` of this file succeeds where CMake is new enough for the presets.
cmake_minimum_required(VERSION 3.25)
