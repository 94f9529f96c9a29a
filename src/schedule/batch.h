// SPDX-License-Identifier: Apache-2.0
/* A step to be scheduled: checked input, its documents as jobs, the sizes of groups. */
#ifndef CPB_SRC_SCHEDULE_BATCH_H
#define CPB_SRC_SCHEDULE_BATCH_H

#include "../base/memory.h"
#include "../base/range.h"
#include "../base/sort.h"
#include "price.h"

/* A document with tokens. */
typedef struct cpb_job {
    int64_t document;
    int64_t tokens;
    int64_t attention; /* of the whole document on one rank */
    int64_t work; /* token and attention time on one rank: cutting never lowers it */
} cpb_job;

/* Where a job goes. */
typedef struct cpb_place {
    int32_t micro;
    int32_t first;
    int32_t ranks;
    int32_t cut; /* 0: cut evenly, head and tail to each rank; else 1 + the index in the
                    draft's cuts of the first of ranks - 1 ascending positions */
} cpb_place;

/* What the row that refused last was short of: micro-batches that it needs, or an order
 * window as wide as it moves documents. Rows that can be helped by neither leave it. */
typedef struct cpb_lack {
    bool window;
    int64_t number;
} cpb_lack;

/* Lives as long as its scratch arena. Jobs descend by work, equal ones ascend by
 * document. */
typedef struct cpb_batch {
    const cpb_documents *documents;
    const cpb_domain *domain;
    cpb_price price;
    cpb_arena *scratch;
    cpb_job *jobs;
    int64_t n;
    int64_t tokens;  /* of all jobs */
    int64_t longest; /* tokens of the longest */
    int64_t work;    /* of all jobs */
    int64_t
        budget; /* tokens of a rank in a micro-batch, a multiple of token_multiple */
    int32_t *sizes; /* [n_sizes] that groups may have, ascending */
    size_t n_sizes;
    bool given;     /* costs are the caller's */
    bool ordered;   /* tokens descend with the work */
    bool in_order;  /* micro-batches keep the loader's order */
    int64_t *alone; /* [n_alone * n_sizes] remembered times of the costliest jobs */
    int64_t n_alone;
    cpb_lack *lack;
} cpb_batch;

/* Check the input and make the jobs. Memory comes from `scratch`. */
cpb_status cpb_batch_create(const cpb_documents *documents, const cpb_domain *domain,
                            cpb_arena *scratch, cpb_batch *batch, cpb_error *error);

/* The least budget with which `ranks` ranks hold this many tokens. */
int64_t cpb_batch_budget_for(const cpb_batch *batch, int64_t tokens, int32_t ranks);

/* The share of a rank when `job` is on `ranks` ranks from `first` on. */
static inline cpb_share cpb_batch_share(const cpb_batch *batch, const cpb_job *job,
                                        int32_t first, int32_t ranks)
{
    return cpb_price_share(&batch->price, job->tokens, job->attention, batch->given,
                           first, ranks);
}

/* The part of `job` on its `at`-th rank, cut as `place` says. */
static inline cpb_job_part cpb_batch_part(const cpb_job *job, const cpb_place *place,
                                          const int64_t *cuts, int32_t at)
{
    const int64_t *const cut = &cuts[place->cut - 1];
    return (cpb_job_part){
        .begin = at ? cut[at - 1] : 0,
        .end = at + 1 < place->ranks ? cut[at] : job->tokens,
        .first = place->first,
        .ranks = place->ranks,
        .at = at,
    };
}

static inline cpb_share cpb_batch_part_share(const cpb_batch *batch, const cpb_job *job,
                                             const cpb_job_part *part)
{
    return cpb_price_part(&batch->price, job->tokens, job->attention, batch->given,
                          part);
}

/* Time of a micro-batch that holds nothing but job `j`, on sizes[s] aligned ranks. */
int64_t cpb_batch_alone(const cpb_batch *batch, int64_t j, size_t s);

/* The least size, as an index into sizes, at which a rank has room for `tokens`;
 * n_sizes where there is none. */
size_t cpb_batch_least_size(const cpb_batch *batch, int64_t tokens);

/* The next larger size that is a multiple of sizes[s], so that groups of both lie inside
 * each other; n_sizes where there is none. */
size_t cpb_batch_next_rung(const cpb_batch *batch, size_t s);

/* Whether one group of all ranks may cut documents anywhere. */
bool cpb_batch_may_cut(const cpb_batch *batch);

/* Jobs in the loader's order: the value of an item is a job. From the batch's scratch. */
cpb_status cpb_batch_order(const cpb_batch *batch, cpb_item **order, cpb_error *error);

/* The fewest micro-batches >= n that the domain allows; 0 where it allows none. */
int32_t cpb_batch_micro(const cpb_batch *batch, int64_t n);

/* How many numbers of micro-batches are tried although one fits. */
enum { CPB_SPARES = 5 };

/* The k-th number of micro-batches to try beyond the least, and then doublings, as long
 * as nothing fits. */
int64_t cpb_batch_spare(int64_t least, int k);

#endif
