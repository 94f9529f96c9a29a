// SPDX-License-Identifier: Apache-2.0
/** \file
 *  Per-token arrays of a plan, written into the caller's memory as runs, without a sort. */
#ifndef CPB_ORDER_H
#define CPB_ORDER_H

#include <cpb/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Element type of an index array. */
typedef enum cpb_index {
    CPB_INT64 = 0,
    CPB_INT32 = 1
} cpb_index;

/** Write the order that lays rank 0's positions first, then rank 1's, and so on, and
 *  its inverse. n = tokens + padding. Arrays are aligned as their elements ask.
 *
 *  \param order   [n] `order[i]` is the original position of entry i: what
 *                 `index_select` takes to rearrange; NULL: not wanted
 *  \param inverse [n] `inverse[order[i]] == i`: what `index_select` takes to restore;
 *                 NULL: not wanted
 *  O(n), at the speed of memset. */
CPB_API void cpb_order_write(const cpb_plan *plan, cpb_index type, void *order,
                             void *inverse);

/** Write the positions of one rank's shard.
 *
 *  \param document_ends [n_documents] positions then count from the start of their
 *                       document, as rotary embeddings of packed documents want them;
 *                       `n_documents` 0: from the start of the sequence
 *  \param positions     [cpb_plan_size()]; pads count on from the sequence's end, or from 0
 *                       with documents */
CPB_API void cpb_order_positions(const cpb_plan *plan, int32_t rank, size_t n_documents,
                                 const int64_t *document_ends, cpb_index type,
                                 void *positions);

/** Write, for each token of one rank's shard, the original position of the token that
 *  follows it: labels shifted by one are right across run ends when gathered by it.
 *
 *  \param document_ends as above; the last token of a document has no next token
 *  \param next          [cpb_plan_size()]; -1 where there is none, and for pads */
CPB_API void cpb_order_next(const cpb_plan *plan, int32_t rank, size_t n_documents,
                            const int64_t *document_ends, cpb_index type, void *next);

/** Write the runs of one rank as arrays of constant shape.
 *
 *  \param room   capacity in runs, >= 0
 *  \param begins [room] first original position of each run in the rank's order
 *  \param ends   [room] one past its last one; further runs are empty and lie at the
 *                sequence's end: both are tokens + padding
 *  \return CPB_OK; CPB_UNSUPPORTED where the rank has more runs than `room`: `at` is the
 *          rank, the sentence has both numbers and the fallback, `contiguous`, which
 *          gives every rank one run; then nothing is written. O(room). */
CPB_CHECKED cpb_status cpb_order_runs(const cpb_plan *plan, int32_t rank, int64_t room,
                                      cpb_index type, void *begins, void *ends,
                                      cpb_error *error);

/** Move rows of any data into the order of one rank's shard, run by run.
 *
 *  \param rows  [tokens + padding][row_bytes] in original order
 *  \param shard [cpb_plan_size()][row_bytes] of `rank`; does not overlap `rows` */
CPB_API void cpb_rows_gather(const cpb_plan *plan, int32_t rank, const void *rows,
                             size_t row_bytes, void *shard);

/** The way back: write one rank's shard to its rows of the original order. */
CPB_API void cpb_rows_scatter(const cpb_plan *plan, int32_t rank, const void *shard,
                              size_t row_bytes, void *rows);

#ifdef __cplusplus
}
#endif

#endif
