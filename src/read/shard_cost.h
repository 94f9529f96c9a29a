// SPDX-License-Identifier: Apache-2.0
/* What one rank computes under one mask, counted after the rearrangement. */
#ifndef CPB_SRC_SHARD_COST_H
#define CPB_SRC_SHARD_COST_H

#include "../work/work.h"

/* Own keys of a rank as prefix sums over its runs in ascending order. */
typedef struct cpb_own_keys {
    size_t n;
    cpb_range *runs; /* [n] ascending, pads left out */
    int64_t *before; /* [n] own keys before runs[i].begin */
    int64_t *area;   /* [n] sum over positions p < runs[i].begin of own keys before p */
} cpb_own_keys;

/* O(runs log runs). */
cpb_status cpb_own_keys_create(const cpb_range *runs, size_t n_runs, int64_t tokens,
                               cpb_arena *arena, cpb_own_keys *own);

/* How many they are. O(1). */
static inline int64_t cpb_own_tokens(const cpb_own_keys *own)
{
    return own->n ? own->before[own->n - 1] + cpb_range_length(own->runs[own->n - 1])
                  : 0;
}

typedef struct cpb_shard_cost {
    int64_t pairs;
    int64_t own_pairs; /* pairs whose key the rank owns */
    int64_t tiles;     /* of the setup's cost */
    cpb_wide forward;  /* picoseconds; what received keys cost is left out */
    cpb_wide backward; /* 0 unless the setup asks for it */
} cpb_shard_cost;

/* Everything but the pairs, which are left 0. O(runs + slices + q-tiles that are
 * shared). */
cpb_status cpb_shard_cost_of(const cpb_mask *mask, const cpb_setup *setup,
                             const cpb_range *runs, size_t n_runs, cpb_arena *scratch,
                             cpb_shard_cost *cost);

/* Pairs and own pairs, added to a cost. O((runs + slices) log runs). */
void cpb_shard_pairs_of(const cpb_mask *mask, const cpb_own_keys *own,
                        cpb_shard_cost *cost);

#endif
