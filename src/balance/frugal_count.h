// SPDX-License-Identifier: Apache-2.0
/* Loads of a board as a score counts them: not always what costs of runs sum to. */
#ifndef CPB_SRC_FRUGAL_COUNT_H
#define CPB_SRC_FRUGAL_COUNT_H

#include "frugal_board.h"

/* Runs of all ranks, ascending for each. */
typedef struct cpb_rank_runs {
    int64_t *first; /* [ranks + 1] */
    cpb_range *runs;
    size_t room; /* of runs */
} cpb_rank_runs;

typedef struct cpb_count {
    const cpb_view *view;
    cpb_arena *arena;
    int64_t *load; /* [ranks] as counted last */
    bool counted;
    cpb_rank_runs now, last; /* a rank that holds what it held has the load it had */
} cpb_count;

cpb_status cpb_count_create(const cpb_view *view, cpb_arena *arena, cpb_count *count);

/* Fill in the loads. O(patches), where they do not add up a count of the shards that are
 * not those of the last call, whichever board that was for. */
cpb_status cpb_count_loads(cpb_count *count, const cpb_board *board);

/* The positions of a patch, without what the grid adds behind the last one. */
static inline cpb_range cpb_clipped(const cpb_view *view, const cpb_patch *p)
{
    return (cpb_range){p->begin, cpb_min(p->end, view->tokens + view->padding)};
}

#endif
