// SPDX-License-Identifier: Apache-2.0
/* The modelled step of one rank, from what it computes and receives. */
#ifndef CPB_SRC_SHARD_STEP_H
#define CPB_SRC_SHARD_STEP_H

#include "shard_cost.h"

/* One rank's runs. */
typedef struct cpb_own_runs {
    int32_t rank;
    const cpb_range *runs;
    size_t n_runs;
} cpb_own_runs;

/* One rank under one mask. */
typedef struct cpb_layer_cell {
    cpb_shard_cost cost;
    int64_t tokens;
    int64_t receive;
    int64_t send;
} cpb_layer_cell;

/* What the wire takes in one pass, in picoseconds.
 * \param busiest keys that a rank receives or, where there are no nodes, sends, at most
 * \param net     keys through the busiest card of a node; 0 where there are none
 * \param peers   of the rank that has most */
cpb_wide cpb_wire_time(const cpb_setup *setup, int64_t busiest, int64_t net,
                       int64_t peers);

/* Compute of a rank in both passes, received keys included, in picoseconds. */
cpb_wide cpb_cell_compute(const cpb_setup *setup, int32_t ranks, int32_t rank,
                          const cpb_layer_cell *cell);

/* All passes of a rank where the wire takes `wire`. */
cpb_wide cpb_cell_step(const cpb_setup *setup, int32_t ranks, int32_t rank,
                       const cpb_layer_cell *cell, cpb_wide wire);

/* What the step takes at least: what this rank computes, the keys it receives, and those
 * that pass some node's card, as far as that is known. */
cpb_wide cpb_cell_step_floor(const cpb_setup *setup, int32_t ranks, int32_t rank,
                             const cpb_layer_cell *cell, int64_t net);

/* The same from runs alone, no plan and no owners, summed over the masks with their
 * weights. `runs` ascend, neighbours that continue each other are merged.
 * \return CPB_OK, CPB_NO_MEMORY. O((runs + slices) log + q-tiles). */
cpb_status cpb_shard_step_floor(const cpb_masks *masks, const cpb_setup *setup,
                                int32_t ranks, const cpb_own_runs *shard,
                                cpb_arena *scratch, cpb_wide *floor);

#endif
