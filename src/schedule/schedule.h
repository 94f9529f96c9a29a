// SPDX-License-Identifier: Apache-2.0
/* The immutable schedule inside the library. */
#ifndef CPB_SRC_SCHEDULE_SCHEDULE_H
#define CPB_SRC_SCHEDULE_SCHEDULE_H

#include "rows.h"

struct cpb_schedule {
    cpb_arena memory; /* owns the schedule too */
    int64_t n;
    int32_t ranks;
    int32_t block;
    int64_t token_bytes;
    const char *row;          /* static */
    int64_t *tokens;          /* [n] */
    int32_t *holder;          /* [n] */
    int64_t *order;           /* [n] documents, group by group */
    cpb_placement *placement; /* [n] */
    cpb_group *groups;
    int64_t n_groups;
    int64_t *cuts;
    int64_t n_cuts;
    cpb_cell *cells;
    int64_t n_cells;
    cpb_schedule_score score;
    uint64_t hash;
};

/* Fill cells and n_cells. */
cpb_status cpb_schedule_list_cells(cpb_timeline *timeline, cpb_schedule *schedule,
                                   cpb_error *error);

/* The figures of a timeline. */
cpb_status cpb_schedule_measure(const cpb_timeline *timeline, cpb_schedule_score *score,
                                cpb_error *error);

#endif
