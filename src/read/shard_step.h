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

/* Floors of the step from the runs of one rank: no plan, no owners. All are summed over the
 * masks with their weights. `cells` [masks] start as zeros, and each floor leaves there what
 * the next one builds upon. */

/* The keys that the rank receives.
 * \return CPB_OK, CPB_NO_MEMORY. O((runs + slices) log). */
cpb_status cpb_shard_wire_floor(const cpb_masks *masks, const cpb_setup *setup,
                                const cpb_own_keys *own, cpb_arena *scratch,
                                cpb_layer_cell *cells, cpb_wide *floor);

/* What the rank computes. `runs` ascend, neighbours that continue each other are merged. Where
 * nothing was asked before, received keys are left out.
 * \return CPB_OK, CPB_NO_MEMORY. O(runs + slices + q-tiles that are shared). */
cpb_status cpb_shard_compute_floor(const cpb_masks *masks, const cpb_setup *setup,
                                   int32_t ranks, const cpb_own_runs *shard,
                                   cpb_arena *scratch, cpb_layer_cell *cells,
                                   cpb_wide *floor);

/* Both together, after both. O((runs + slices) log). */
cpb_wide cpb_shard_step_floor(const cpb_masks *masks, const cpb_setup *setup,
                              int32_t ranks, int32_t rank, const cpb_own_keys *own,
                              cpb_layer_cell *cells);

/* The same with the keys that enter the rank's node: `node` holds the runs of all ranks of
 * the node, in any order.
 * \return CPB_OK, CPB_NO_MEMORY. O((runs + slices) log). */
cpb_status cpb_node_step_floor(const cpb_masks *masks, const cpb_setup *setup,
                               int32_t ranks, const cpb_own_runs *node,
                               cpb_arena *scratch, const cpb_layer_cell *cells,
                               cpb_wide *floor);

#endif
