// SPDX-License-Identifier: Apache-2.0
/* Whether two masks are the same. */
#ifndef CPB_FUZZ_MASKS_H
#define CPB_FUZZ_MASKS_H

#include "fuzz_input.h"

static inline bool equal_slices(const cpb_slice *a, const cpb_slice *b)
{
    return a->kind == b->kind && a->queries.begin == b->queries.begin &&
           a->queries.end == b->queries.end && a->keys.begin == b->keys.begin &&
           a->keys.end == b->keys.end;
}

static inline void require_equal_masks(const cpb_mask *a, const cpb_mask *b)
{
    const size_t n = cpb_mask_n_slices(a), documents = cpb_mask_n_documents(a);
    require(cpb_mask_tokens(a) == cpb_mask_tokens(b));
    require(cpb_mask_pairs(a) == cpb_mask_pairs(b));
    require(n == cpb_mask_n_slices(b) && documents == cpb_mask_n_documents(b));
    for (size_t i = 0; i < n; i++)
        require(equal_slices(&cpb_mask_slices(a)[i], &cpb_mask_slices(b)[i]));
    for (size_t i = 0; i < documents; i++)
        require(cpb_mask_document_ends(a)[i] == cpb_mask_document_ends(b)[i]);
}

#endif
