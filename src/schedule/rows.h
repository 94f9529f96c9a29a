// SPDX-License-Identifier: Apache-2.0
/* The rows: named ways to place jobs. */
#ifndef CPB_SRC_SCHEDULE_ROWS_H
#define CPB_SRC_SCHEDULE_ROWS_H

#include "timeline.h"

/* Place every job of the batch. `draft->place` is there, [jobs]. CPB_UNSUPPORTED with the
 * number that is missing where the row cannot keep the domain's limits. What is sure to
 * take longer than draft->limit may be given up. Memory comes from the batch's scratch. */
typedef cpb_status cpb_row_fn(cpb_batch *batch, cpb_draft *draft, cpb_error *error);

typedef struct cpb_row {
    const char *name;
    const char *summary;
    cpb_row_fn *make; /* NULL: `auto`, the best of all others */
} cpb_row;

cpb_row_fn cpb_row_free, cpb_row_flat, cpb_row_grid, cpb_row_lockstep,
    cpb_row_first_fit, cpb_row_longest_first, cpb_row_wlb, cpb_row_megatron;

/* The row called `name`. */
cpb_status cpb_row_find(const char *name, const cpb_row **row, cpb_error *error);

/* Make a draft by a row. `auto` tries all others and sets *row to the one it takes. */
cpb_status cpb_row_make(cpb_batch *batch, const cpb_row **row, cpb_draft *draft,
                        cpb_error *error);

/* The sentence for a row that needs more micro-batches than the domain allows. */
cpb_status cpb_row_fail_micro(const cpb_batch *batch, int64_t needed, cpb_error *error);

/* How far documents move in the loader's order. */
typedef struct cpb_moves {
    int64_t most;
    int64_t sum; /* over documents */
} cpb_moves;

/* Micro-batches run in order, documents inside one have no order of their own: one that is
 * the k-th of the loader's moved as far as k lies outside the places that its micro-batch
 * takes. */
cpb_status cpb_schedule_moves(const cpb_batch *batch, const cpb_draft *draft,
                              cpb_moves *moves, cpb_error *error);

/* Take giants out of the batch that the domain allows to hold back. */
cpb_status cpb_batch_hold(cpb_batch *batch, cpb_error *error);

/* The least time of a micro-batch with job `j`. */
int64_t cpb_schedule_alone(const cpb_batch *batch, int64_t j);

/* The mean time of the ranks, if all were busy. */
int64_t cpb_schedule_mean(const cpb_batch *batch);

/* What no schedule of the domain is below, in picoseconds. Proofs stand in bound.c. */
cpb_status cpb_schedule_bound(const cpb_batch *batch, int64_t *bound, cpb_error *error);

#endif
