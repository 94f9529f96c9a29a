# SPDX-License-Identifier: Apache-2.0
"""Masks from Python: what they allow, where they come from, what is refused."""
import numpy as np
import pytest

import cpbalance as cpb
from conftest import masks_of, split


def dense(mask):
    n = mask.tokens
    return np.array([[mask.allows(q, k) for k in range(n)] for q in range(n)])


@pytest.mark.parametrize("lengths", [[9], [3, 0, 5], [1, 1, 1, 4]])
def test_families_slices_and_pairs_agree(lengths):
    for mask in masks_of(lengths):
        allowed = dense(mask)
        assert mask.pairs == allowed.sum(), mask
        assert mask.pairs_of(1, 3) == allowed[1:3].sum(), mask
        assert mask.document_ends.tolist() == np.cumsum(lengths).tolist()
        rows = [(*s["queries"].tolist(), *s["keys"].tolist(), int(s["kind"]))
                for s in mask.slices]
        again = cpb.Mask.from_slices(mask.tokens, rows, lengths)
        assert (dense(again) == allowed).all(), mask
        assert again.text is None and again.slices.tolist() == mask.slices.tolist()


def test_documents_alone_are_causal_documents():
    assert cpb.Mask(documents=[3, 5]).text == "documents:3,5"
    assert cpb.Mask("window:2", documents=np.array([3, 5], np.int32)).text == \
        "window:3,5;n=2"


def test_kinds_by_name_and_number():
    by_name = cpb.Mask.from_slices(4, [(0, 4, 0, 4, "inverse-causal")], weight=3)
    by_number = cpb.Mask.from_slices(4, [(0, 4, 0, 4, 2)])
    assert (dense(by_name) == dense(by_number)).all()
    assert (by_name.weight, by_number.weight, cpb.Mask("3*full:4").weight) == (3, 1, 3)


def test_dense_matrix(rng):
    for _ in range(20):
        n = rng.randint(1, 12)
        allowed = np.array([[rng.random() < 0.5 for _ in range(n)] for _ in range(n)])
        mask = cpb.Mask.from_dense(allowed, split(rng, n))
        assert (dense(mask) == allowed).all()


def test_blocks_with_and_without_batch_and_heads():
    counts, lists = np.array([1, 2], np.int32), np.array([[0, 9], [1, 0]], np.int32)
    sizes = dict(seq_lengths=(7, 7), block_size=(4, 4))
    expected = np.zeros((7, 7), bool)
    expected[:4, :4] = expected[4:] = True
    for extra in ((), (1, 1)):
        mask = cpb.Mask.from_blocks(counts.reshape(*extra, 2), lists.reshape(*extra, 2, 2),
                                    **sizes)
        assert (dense(mask) == expected).all()
    # Beyond a row's count anything may stand.
    full = cpb.Mask.from_blocks([0, 1], [[0, 0], [1, 0]], [1, 1], [[0, 0], [0, 0]], **sizes)
    assert (dense(full) == expected).all()


BLOCKS = dict(seq_lengths=(8, 8), block_size=(4, 4))
REFUSED = [
    (lambda: cpb.Mask("windw:8"), "did you mean 'window'", 0),
    (lambda: cpb.Mask("window:8;m=2"), "m", 9),
    (lambda: cpb.Mask(documents=[]), "no document is given", -1),
    (lambda: cpb.Mask(documents=[0, 0]), "0 tokens", -1),
    (lambda: cpb.Mask(documents=[3, -1]), "-1", 1),
    (lambda: cpb.Mask(documents=[1.5]), "float64; accepted are whole numbers", -1),
    (lambda: cpb.Mask(documents=[[1, 2]]), "shape (1, 2)", -1),
    (lambda: cpb.Mask(documents=[2**63]), "more than 64 bits", -1),
    (lambda: cpb.Mask(documents=[2**31]), "1073741824", 0),
    (lambda: cpb.Mask.from_slices(8, [(0, 8, 0, 8, "casual")]), "'casual'", 0),
    (lambda: cpb.Mask.from_slices(8, [(0, 9, 0, 8, 0)]), "9", 0),
    (lambda: cpb.Mask.from_slices(8, [(0, 8, 0, 8)]), "slice 0 has 4 values", 0),
    (lambda: cpb.Mask.from_slices(8, [(0.5, 8, 0, 8, 0)]), "whole numbers", 0),
    (lambda: cpb.Mask.from_slices(8, [(0, 2**63, 0, 8, 0)]), "64 bits", -1),
    (lambda: cpb.Mask("window:8;n=2\0;n=3"), "without zeros", -1),
    (lambda: cpb.Mask.from_slices(8, [(0, 8, 0, 8, 0)], weight=0), "weight", -1),
    (lambda: cpb.Mask.from_slices(8, [(0, 8, 0, 8, 0)], [3, 4]), "7", -1),
    (lambda: cpb.Mask.from_dense(np.ones((2, 3))), "square", -1),
    (lambda: cpb.Mask.from_blocks([[[1, 1]]] * 2, [[[[0, 1]] * 2]] * 2, **BLOCKS),
     "batch", -1),
    (lambda: cpb.Mask.from_blocks([[[1, 1]] * 2], [[[[0, 1]] * 2] * 2], **BLOCKS),
     "heads", -1),
    (lambda: cpb.Mask.from_blocks([1, 1], [[0, 1]] * 2, seq_lengths=(8, 12),
                                  block_size=(4, 4)), "12", -1),
    (lambda: cpb.Mask.from_blocks([1, 1, 1], [[0, 1]] * 3, **BLOCKS), "3 rows", -1),
    (lambda: cpb.Mask.from_blocks([1], [[0, 1]] * 2, **BLOCKS), "shape (1,)", -1),
    (lambda: cpb.Mask.from_blocks([1.0], [[0, 1]] * 2, **BLOCKS), "float64", -1),
    (lambda: cpb.Mask.from_blocks([1, 3], [[0, 1]] * 2, **BLOCKS), "3", 1),
    (lambda: cpb.Mask(documents=[8]).allows(0, 8), "position 8", -1),
    (lambda: cpb.Mask(documents=[8]).pairs_of(3, 2), "[3, 2)", -1),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused_with_a_sentence(case):
    call, words, at = REFUSED[case]
    with pytest.raises(cpb.Error) as caught:
        call()
    assert words in str(caught.value) and caught.value.at == at, caught.value


def test_a_mask_that_is_no_text_is_a_mistake():
    with pytest.raises(TypeError, match="mask is 5; accepted is a text"):
        cpb.Mask(5)
