// SPDX-License-Identifier: Apache-2.0
/* How a mask comes to be: what its makers (slices, texts, block masks, dense matrices)
 * share. */
#ifndef CPB_SRC_BUILD_H
#define CPB_SRC_BUILD_H

#include "../base/sort.h"
#include "mask.h"

/* A sequence of documents; n is at least 1. */
typedef struct cpb_sequence {
    int64_t tokens;
    size_t n;
    const int64_t *lengths; /* [n] */
} cpb_sequence;

/* Refuse a number of tokens outside 1 .. CPB_MAX_TOKENS. */
cpb_status cpb_tokens_check(int64_t tokens, cpb_error *error);

/* Refuse negative lengths and sums outside 1 .. CPB_MAX_TOKENS. */
cpb_status cpb_lengths_check(size_t n, const int64_t *lengths, int64_t *tokens,
                             cpb_error *error);

/* Check lengths against the tokens that `sequence` already states and put them in
 * there; n 0 stands for one document, which borrows `sequence->tokens`. */
cpb_status cpb_sequence_check(cpb_sequence *sequence, size_t n, const int64_t *lengths,
                              cpb_error *error);

/* A growing list of slices in an arena. */
typedef struct cpb_slices {
    cpb_arena *arena;
    size_t n;
    size_t room;
    cpb_slice *items;
    bool failed; /* an add found no memory */
} cpb_slices;

/* Make room for that many slices in all. */
void cpb_slices_reserve(cpb_slices *slices, size_t room);

/* Append the slice; one without queries or keys is ignored, and so is every slice after
 * a failure. */
void cpb_slices_add(cpb_slices *slices, cpb_range queries, cpb_range keys,
                    cpb_kind kind);

/* Build a mask of slices that are not empty and lie inside the sequence: normalise,
 * prove them disjoint, count. */
cpb_status cpb_mask_build(const cpb_sequence *documents, size_t n_slices,
                          const cpb_slice *slices, const cpb_allocator *allocator,
                          cpb_mask **mask, cpb_error *error);

/* Two orders of a mask's slices, both [n_slices]. `order`: value is the number by which
 * the caller knows slice i. `ends`: ascending, key is the end of the queries of slice
 * number value. */

/* Refuse slices that share a pair. */
cpb_status cpb_disjoint_check(const cpb_mask *mask, const cpb_item *order,
                              const cpb_item *ends, cpb_arena *scratch,
                              cpb_error *error);

/* Count pairs: fill in the bands of a mask whose slices stand. */
cpb_status cpb_mask_measure(cpb_mask *mask, const cpb_item *ends);

#endif
