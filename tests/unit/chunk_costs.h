// SPDX-License-Identifier: Apache-2.0
/* Costs of chunks, to be dealt. */
#ifndef CPB_TESTING_CHUNK_COSTS_H
#define CPB_TESTING_CHUNK_COSTS_H

#include "testing.h"

/* Costs of several characters: even, skewed, on a lattice, mostly zero, equal. */
static inline void fill_costs(uint64_t *seed, int64_t n, int64_t *cost)
{
    const int64_t kind = test_random(seed, 0, 4);
    const int64_t same = test_random(seed, 0, 9);
    for (int64_t i = 0; i < n; i++) {
        const int64_t x = test_random(seed, 0, 999);
        const int64_t skewed = 10000000 / (1 + x * x);
        const int64_t sparse = x < 900 ? 0 : x;
        const int64_t costs[] = {x, skewed, 70 * (x / 10) + 3, sparse, same};
        cost[i] = costs[kind];
    }
}

#endif
