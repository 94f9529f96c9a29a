// SPDX-License-Identifier: Apache-2.0
/* What a query sees, worked out from the slices of a mask alone, row by row. */
#ifndef CPB_SRC_CHECK_SIGHT_H
#define CPB_SRC_CHECK_SIGHT_H

#include "../base/memory.h"
#include "../base/sort.h"

#include <cpb/mask.h>

/* Slices with an index that finds those that hold a query. */
typedef struct cpb_sight {
    size_t n;
    const cpb_slice *slices; /* borrowed, sorted by queries.begin */
    size_t leaves;           /* power of two >= n */
    int64_t *latest; /* [2 * leaves] a heap: the latest queries.end below each node */

    /* The slices found last and a row of them; room for n each. */
    size_t n_found;
    cpb_item *found; /* value: number of the slice */
    cpb_item *scratch;
    size_t n_row;
    cpb_range *row;
} cpb_sight;

/* CPB_OK or CPB_NO_MEMORY. O(slices). */
cpb_status cpb_sight_create(cpb_sight *sight, const cpb_mask *mask, cpb_arena *arena,
                            cpb_error *error);

/* Find the slices with a query in `queries`, in the order of the mask.
 * O(found * log slices). */
void cpb_sight_find(cpb_sight *sight, cpb_range queries);

/* Find the slices that hold query q, in the order of the keys they show, and return the
 * query at which that list ends, `end` at most. */
int64_t cpb_sight_stretch(cpb_sight *sight, int64_t q, int64_t end);

/* Fill `row` with the keys that q sees through the slices found by
 * cpb_sight_stretch(): sorted, disjoint, apart. */
void cpb_sight_row(cpb_sight *sight, int64_t q);

/* The keys that query q of a slice sees. */
cpb_range cpb_sight_keys(const cpb_slice *slice, int64_t q);

#endif
