// SPDX-License-Identifier: Apache-2.0
/* Which keys each rank needs and does not own. */
#ifndef CPB_SRC_TRAFFIC_H
#define CPB_SRC_TRAFFIC_H

#include "../base/memory.h"

#include <cpb/mask.h>
#include <cpb/plan.h>

/* A growing list of ranges; starts as {.arena = ...}. */
typedef struct cpb_ranges {
    cpb_arena *arena;
    cpb_range *ranges;
    size_t n;
    size_t room;
} cpb_ranges;

/* Append; a range that overlaps or continues the last one extends it. */
cpb_status cpb_ranges_add(cpb_ranges *list, cpb_range range);

/* Sort by begin and merge what overlaps or touches. */
cpb_status cpb_ranges_normalise(cpb_ranges *list);

/* Keys that the queries of `runs` need, sorted and disjoint, appended to an empty list.
 * O((runs + slices) log). */
cpb_status cpb_needs_of(const cpb_mask *mask, const cpb_range *runs, size_t n_runs,
                        cpb_ranges *needs);

/* Who owns each token: the runs of all ranks by position, pads left out. */
typedef struct cpb_owners {
    size_t n;
    cpb_range *runs; /* [n] ascending, covering the sequence */
    int32_t *rank;   /* [n] */
} cpb_owners;

/* O(runs log runs). */
cpb_status cpb_owners_create(const cpb_plan *plan, cpb_arena *arena,
                             cpb_owners *owners);

/* Index of the run that holds position p. */
size_t cpb_owners_find(const cpb_owners *owners, int64_t p);

#endif
