// SPDX-License-Identifier: Apache-2.0
/* Ranges of keys in which the needs of queries have a simple shape. */
#ifndef CPB_SRC_KEY_REGIONS_H
#define CPB_SRC_KEY_REGIONS_H

#include "../base/memory.h"
#include "../mask/mask.h"

/* Queries that need a beginning of a region: the first `depth` keys, one more for each
 * query where they rise. */
typedef struct cpb_nested {
    int64_t first; /* query */
    int64_t n;
    int64_t depth; /* of the first one, >= 1 */
    bool rising;
} cpb_nested;

/* A region as cpb_key_regions() shows it. Needs that it does not tell are left out. */
typedef struct cpb_key_region {
    cpb_range keys;
    size_t n_nested;
    const cpb_nested *nested; /* [n_nested] ascending by depth; none begins below the
                                 depth that one before it ends with, and no query is in
                                 two of them */
    int64_t before; /* every query of the region needs so many keys before it, or all of
                       the region before it; 0: unknown */
    bool own;       /* every query of the region needs its own key too */
    int64_t behind; /* as many behind it, or all of the region behind it; 0: unknown */
} cpb_key_region;

typedef void cpb_key_region_fn(void *context, const cpb_key_region *region);

/* Show disjoint regions that cover all needed keys, in ascending order.
 * \param[out] whole whether the nested queries told all needs
 * \return CPB_OK or CPB_NO_MEMORY. O(slices log slices). */
cpb_status cpb_key_regions(const cpb_mask *mask, cpb_arena *arena,
                           cpb_key_region_fn *visit, void *context, bool *whole);

#endif
