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
    int32_t ranks;
    size_t stride; /* runs from one tally to the next */
    int32_t *held; /* [n / stride + 2][ranks] tokens of each rank before run i * stride;
                      NULL: not tallied */
} cpb_owners;

/* O(runs log runs). */
cpb_status cpb_owners_create(const cpb_plan *plan, cpb_arena *arena,
                             cpb_owners *owners);

/* Prepare for counting long ranges. O(runs + ranks), and a quarter as much memory as the
 * runs themselves. */
cpb_status cpb_owners_tally(cpb_owners *owners, cpb_arena *arena);

/* Add the keys of a range to keys_from[owner]. O(log runs + the range's runs), once
 * tallied at most O(log runs + ranks). */
void cpb_owners_count(const cpb_owners *owners, cpb_range keys, int64_t *keys_from);

/* Index of the run that holds position p. */
size_t cpb_owners_find(const cpb_owners *owners, int64_t p);

#endif
