// SPDX-License-Identifier: Apache-2.0
/* `chain`: jobs onto a block of ranks that exchanges keys on demand, so that a document may
 * be cut anywhere: the core of the row flat. */
#ifndef CPB_SRC_SCHEDULE_CHAIN_H
#define CPB_SRC_SCHEDULE_CHAIN_H

#include "batch.h"

/* One end of the list: the next job, and how much of it is placed. */
typedef struct cpb_chain_end {
    int64_t at;   /* index in the list */
    int64_t done; /* tokens */
    int64_t *cut; /* [width] positions of all its jobs */
    int64_t n;
} cpb_chain_end;

/* A question, its answer, and scratch memory that is made once for any number of them. */
typedef struct cpb_chain {
    const cpb_batch *batch;
    /* The question. */
    const int32_t *list; /* [n] jobs, ascending: the costliest first */
    int64_t n;
    int32_t first, width; /* the block of ranks, in one micro-batch */
    int64_t most;         /* an answer that takes longer is of no use */
    int64_t unit;         /* documents are cut at multiples of it */
    /* The answer. */
    cpb_place *place; /* [jobs of the batch] first, ranks and cut of the listed jobs */
    int64_t *cuts;    /* [n_cuts] those of earlier answers come before */
    int64_t n_cuts, most_cuts;
    int64_t time; /* of the rank that takes longest */
    bool fits;    /* else nothing of the answer holds */
    /* Scratch. */
    int64_t excess; /* of the answer before over its mean time; 0: none */
    cpb_chain_end front, back;
    cpb_share load; /* of the rank at hand */
    int64_t limit;  /* the time that no rank may exceed */
    int64_t hidden; /* tokens of a piece whose attention takes as long as its keys */
} cpb_chain;

/* Scratch for blocks of up to `width` ranks, with room for the cuts of a step, from the
 * batch's arena. */
cpb_status cpb_chain_create(const cpb_batch *batch, int32_t width, cpb_chain *chain,
                            cpb_error *error);

/* Ranks are filled one after the other up to a time T, the least with which all jobs find
 * room. A rank goes on with what the one before it began, takes long jobs from the front
 * of the list, cutting those that no rank can hold, then short ones from its back, and
 * cuts the last of these where the rank is full (McNaughton's rule in space). A piece
 * receives the keys before it, so the head of a document is free to give away. */
void cpb_chain_run(cpb_chain *chain);

#endif
