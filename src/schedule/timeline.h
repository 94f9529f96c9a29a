// SPDX-License-Identifier: Apache-2.0
/* Placed jobs as groups in their order, and when each of them runs. */
#ifndef CPB_SRC_SCHEDULE_TIMELINE_H
#define CPB_SRC_SCHEDULE_TIMELINE_H

#include "batch.h"

/* What a row decides. */
typedef struct cpb_draft {
    cpb_place *place; /* [jobs] */
    int32_t micro_batches;
    int32_t block; /* ranks of every group, 0: those of its jobs */
    int64_t *cuts; /* of the jobs that are not cut evenly */
    int64_t limit; /* a row may stop once it is sure to take longer; it then leaves 0
                      micro-batches */
} cpb_draft;

/* Groups by micro-batch, first rank, size; their jobs ascend by document. */
typedef struct cpb_timeline {
    const cpb_batch *batch;
    const cpb_draft *draft;
    cpb_group *groups;
    int64_t n_groups;
    int32_t *order;   /* [jobs] job numbers, group by group */
    int64_t time;     /* of the step */
    int64_t received; /* most keys that the ranks together receive: the tie-breaker */
    /* Of every rank, [ranks]: sums over the step. */
    int64_t *work;   /* time without waiting */
    int64_t *tokens; /* padding included */
    int64_t *wire;
    int64_t *keys;
    /* Sums over micro-batches of the largest and of all times. */
    int64_t largest_times;
    cpb_wide all_times;
    int64_t tokens_max;
    /* Scratch, [ranks]. */
    cpb_share *load;
    int64_t *ready;
    int64_t *since;
    int32_t *busy; /* the micro-batch in which a group of several ranks holds it */
} cpb_timeline;

/* Lay out and run. A group starts when its last rank is free and holds all of them until
 * the slowest is done. O(jobs log jobs + jobs x their ranks + groups x their ranks). */
cpb_status cpb_timeline_create(const cpb_batch *batch, const cpb_draft *draft,
                               cpb_arena *arena, cpb_timeline *timeline,
                               cpb_error *error);

/* Fill load[] of the ranks of the groups [begin, end) of one micro-batch. */
void cpb_timeline_load(cpb_timeline *timeline, int64_t begin, int64_t end);

#endif
