// SPDX-License-Identifier: Apache-2.0
/* What a job costs on a group in a micro-batch of its own, and how it is best cut there:
 * evenly, a piece of the head and one of the tail to each rank, or into one part per rank.
 * A part receives only the keys before it, so parts receive less than even shares; but
 * ranks are full of tokens at unequal times. The first one, whose tokens take the least
 * time, is filled up with whole jobs. */
#ifndef CPB_SRC_SCHEDULE_OFFER_H
#define CPB_SRC_SCHEDULE_OFFER_H

#include "batch.h"

/* A job on a group of some size. */
typedef struct cpb_job_offer {
    int64_t time;  /* of its slowest rank; 0: not known yet */
    cpb_wide area; /* time of its ranks that no other job can use */
    int64_t keys;  /* that its ranks receive */
    int64_t limit; /* no part takes longer; 0: cut evenly */
} cpb_job_offer;

/* Offers for the costliest jobs, remembered. */
typedef struct cpb_job_offers {
    const cpb_batch *batch;
    cpb_job_offer *known; /* [n * sizes] */
    int64_t n;            /* jobs; others are cut evenly */
    int64_t filling;   /* picoseconds per token of the whole jobs that fill ranks up */
    int64_t key_price; /* picoseconds per received key that hides */
} cpb_job_offers;

/* Memory for the jobs 0 .. n - 1, from the batch's arena. */
cpb_status cpb_offers_create(const cpb_batch *batch, int64_t n, cpb_job_offers *offers,
                             cpb_error *error);

/* The better cut of job `j` on sizes[s]. O(sizes[s] log tokens) when it is not known. */
cpb_job_offer cpb_offers_get(const cpb_job_offers *offers, int64_t j, size_t s);

/* The least limit of parts on `ranks` ranks with the jobs `beside` on the first one, from
 * a limit that is enough. O(ranks log tokens log limit). */
int64_t cpb_offer_refine(const cpb_batch *batch, int64_t j, int32_t ranks,
                         int64_t limit, const cpb_share *beside);

/* Cut a job into parts that take up to `limit`, the last ones as long as may be: the
 * ranks - 1 positions ascend. O(ranks log tokens). */
void cpb_offer_cut(const cpb_batch *batch, int64_t j, int32_t ranks, int64_t limit,
                   int64_t *cut);

#endif
