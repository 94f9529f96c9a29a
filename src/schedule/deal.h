// SPDX-License-Identifier: Apache-2.0
/* Jobs into bins: packs or micro-batches. */
#ifndef CPB_SRC_SCHEDULE_DEAL_H
#define CPB_SRC_SCHEDULE_DEAL_H

#include "batch.h"
#include "heap.h"

/* Jobs in the order given, each to the bin with the least load that has room. */
typedef struct cpb_bins {
    int32_t n_bins;
    int64_t room;        /* of a bin */
    const int64_t *size; /* [jobs] room that a job takes */
    const int64_t *cost; /* [jobs] load that a job adds */
    int64_t *ahead; /* [bins] load that a bin is to get more than others, in any order;
                       NULL: none */
    int32_t *bin;   /* [jobs] the answer */
    int64_t *load;  /* [bins] the answer */
    int64_t *used;  /* [bins] the answer */
    cpb_heap heap;
    const cpb_batch *batch;
    /* Of cpb_bins_create_all() alone. */
    cpb_item *order; /* [jobs] in the loader's order, where micro-batches keep it */
    int32_t *list;   /* [jobs] by bin, ascending inside each */
    int64_t *start;  /* [bins + 1] of each bin in the list */
} cpb_bins;

/* Memory for up to `most` bins; size and cost are to be set. */
cpb_status cpb_bins_create(const cpb_batch *batch, int32_t most, cpb_bins *deal,
                           cpb_error *error);

/* The same for all jobs: tokens are their size, work plus tokens their cost, so that jobs
 * without work are dealt too. */
cpb_status cpb_bins_create_all(const cpb_batch *batch, int32_t most, cpb_bins *deal,
                               cpb_error *error);

/* Deal the jobs 0 .. n - 1. False where one finds no room. O(n log bins), and O(bins) for
 * each job whose first choice has no room. */
bool cpb_bins_deal(cpb_bins *deal, int64_t n);

/* Deal all jobs of the batch; where micro-batches keep the loader's order, runs of jobs in
 * this order with about the same load each. */
bool cpb_bins_deal_all(cpb_bins *deal);

/* List all jobs by bin: bin b holds list[start[b]] up to start[b + 1]. O(n + bins). */
void cpb_bins_list(cpb_bins *deal);

/* The first bin with room, as a tree of the largest rooms. */
typedef struct cpb_first_fit {
    int64_t *room; /* [2 * leaves] */
    int32_t leaves;
} cpb_first_fit;

/* Bytes are taken for `most` bins. False when memory ends. */
bool cpb_first_fit_create(cpb_arena *arena, int64_t most, cpb_first_fit *fit);

/* Start over with `n` empty bins of `room`. O(n). */
void cpb_first_fit_reset(cpb_first_fit *fit, int64_t n, int64_t room);

/* Put `size` into the first bin with room; there is one. O(log bins). */
int32_t cpb_first_fit_put(cpb_first_fit *fit, int64_t size);

#endif
