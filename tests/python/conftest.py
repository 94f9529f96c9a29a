# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share: masks of every family, random lengths."""
import random

import pytest

import cpbalance as cpb

NUMBERS = {"window": ";n=3", "window-both": ";n=2", "global": ";g=2;n=3",
           "sinks": ";g=1;n=4", "block-causal": ";n=2", "chunked": ";n=3"}


def masks_of(lengths):
    """A mask of every family over these lengths."""
    shape = ",".join(map(str, lengths))
    return [cpb.Mask(f"{family}:{shape}{NUMBERS.get(family, '')}")
            for family in cpb.families()]


def split(rng, tokens, most=8):
    """Document lengths that sum to `tokens`, empty ones among them."""
    cuts = sorted(rng.randint(0, tokens) for _ in range(rng.randint(0, most - 1)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, tokens])]


@pytest.fixture
def rng(request):
    """Random numbers, the same for a test on every run."""
    return random.Random(request.node.name)
