// SPDX-License-Identifier: Apache-2.0
/* `fill`: jobs onto a block of ranks, the one core of the rows free, grid and lockstep. */
#ifndef CPB_SRC_SCHEDULE_FILL_H
#define CPB_SRC_SCHEDULE_FILL_H

#include "../base/sort.h"
#include "batch.h"
#include "heap.h"
#include "offer.h"

/* A question, its answer, and scratch memory that is made once for any number of them. */
typedef struct cpb_fill {
    const cpb_batch *batch;
    /* The question. */
    const int32_t *list; /* [n] jobs, ascending: the costliest first */
    int64_t n;
    int32_t first, width; /* the block of ranks */
    bool solo; /* a whole step: a job on several ranks is a micro-batch of its own and
                   comes before the others. Else all jobs share one micro-batch. */
    int64_t most; /* an answer that is sure to take longer may be given up */
    int rounds;   /* of swapping */
    const cpb_job_offers *offers; /* what solo jobs cost */
    /* The answer. */
    cpb_place *place; /* [jobs of the batch] first and ranks of the listed jobs */
    int32_t *host;    /* [jobs] the solo job beside which a whole one runs, -1: none */
    int64_t *limit;   /* [jobs] no part of a solo job takes longer; 0: cut evenly */
    int64_t time;     /* of the rank that takes longest */
    bool fits;        /* else nothing of the answer holds */
    /* Scratch. Ranks count from the first of the block. */
    cpb_share *load; /* of each rank, without what is solo */
    int64_t *base;   /* solo time of each rank, waiting included */
    int64_t *finish; /* time of each rank */
    int32_t *owner;  /* first rank of the group that each rank is in, -1: none */
    int32_t *span;   /* size of the group whose first rank this is */
    cpb_heap heap;   /* ranks by finish */
    int32_t *head;   /* the costliest whole job of each rank, -1: none */
    int32_t *next;   /* [jobs of the batch] the next one of the same rank */
    int32_t
        *after;    /* [jobs + 1] from each whole job of the list that runs beside a solo
                        one, towards the next that does not */
    int64_t *cut;  /* [width] of the job at hand */
    int64_t *full; /* [sizes] no window has room for as many tokens on a rank */
    cpb_heap windows;        /* of window_ranks ranks, by when they are free */
    int32_t window_ranks;    /* 0: none are open, -1: ranks differ in what they hold */
    int64_t *window_key;     /* [windows] */
    cpb_item *items, *spare; /* [larger of ranks and jobs] */
} cpb_fill;

/* Scratch for blocks of up to `width` ranks, from the batch's arena. */
cpb_status cpb_fill_create(const cpb_batch *batch, int32_t width, cpb_fill *fill,
                           cpb_error *error);

/* 1. Allot: the least time T such that every job takes as few ranks as finish it within T
 *    and all fit into width * T (dual approximation).
 * 2. Jobs on several ranks go to the block of ranks that is free first.
 * 3. The others go whole to the rank that is free first, costliest first.
 * 4. Ranks that finish late swap whole jobs with ranks that finish early. */
void cpb_fill_run(cpb_fill *fill);

/* Step 4 alone. */
void cpb_fill_swap(cpb_fill *fill);

/* The window of `ranks` ranks that is free first and has room for `held` tokens on each;
 * -1 where there is none. */
int32_t cpb_fill_window(cpb_fill *fill, int32_t ranks, int64_t held);

/* After the ranks of a window took a job. */
void cpb_fill_window_used(cpb_fill *fill, int32_t first, int32_t ranks);

/* Within step 2: no whole job runs beside a solo one yet. */
void cpb_fill_pool(cpb_fill *fill);

/* Within step 2: cut solo job `j` over sizes[s] ranks of the block from `first` on, and
 * give them whole jobs beside it. Returns how long the group takes. */
int64_t cpb_fill_solo(cpb_fill *fill, int32_t j, size_t s, int32_t first);

/* Time of rank `r` of the block if `load` were its whole documents. */
int64_t cpb_fill_time(const cpb_fill *fill, int32_t r, const cpb_share *load);

/* The share of a job that stays whole. */
static inline cpb_share cpb_fill_whole(const cpb_fill *fill, int32_t j)
{
    const cpb_job *const job = &fill->batch->jobs[j];
    return (cpb_share){
        .tokens = job->tokens, .attention = job->attention, .own = job->attention};
}

#endif
