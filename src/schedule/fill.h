// SPDX-License-Identifier: Apache-2.0
/* `fill`: jobs onto a block of ranks, the one core of the rows free, grid and lockstep. */
#ifndef CPB_SRC_SCHEDULE_FILL_H
#define CPB_SRC_SCHEDULE_FILL_H

#include "../base/sort.h"
#include "batch.h"
#include "heap.h"

/* A question, its answer, and scratch memory that is made once for any number of them. */
typedef struct cpb_fill {
    const cpb_batch *batch;
    /* The question. */
    const int32_t *list; /* [n] jobs, ascending: the costliest first */
    int64_t n;
    int32_t first, width; /* the block of ranks */
    bool solo;  /* a whole step: a job on several ranks is a micro-batch of its own and
                   comes before the others. Else all jobs share one micro-batch. */
    int rounds; /* of swapping */
    /* The answer. */
    cpb_place *place; /* [jobs of the batch] first and ranks of the listed jobs */
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

/* Step 1 alone: T. */
int64_t cpb_fill_allot(const cpb_fill *fill);

/* Step 4 alone. */
void cpb_fill_swap(cpb_fill *fill);

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
