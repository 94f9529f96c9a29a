// SPDX-License-Identifier: Apache-2.0
/* The part of a score that belongs to one mask: its costs, its traffic, its step. */
#ifndef CPB_SRC_SCORE_LAYER_H
#define CPB_SRC_SCORE_LAYER_H

#include "shard_step.h"
#include "traffic.h"

#include <cpb/score.h>

typedef struct cpb_layer {
    const cpb_mask *mask;
    int64_t weight;
    const cpb_setup *setup;
    const cpb_plan *plan;
    const cpb_owners *owners;
    int32_t ranks;
    cpb_arena *arena;
    cpb_layer_cell *cells; /* [ranks] */
    uint8_t *peers;        /* [ranks][ceil(ranks / 8)] who has to do with whom */
    cpb_arena node_memory; /* of `node_needs`, emptied node by node */
    cpb_ranges node_needs;
    int64_t *net_in;  /* [nodes] */
    int64_t *net_out; /* [nodes] */
    int64_t busiest;  /* keys in or, without nodes, out of a rank so far, at most */
    int32_t slowest;  /* the rank that takes longest so far */
} cpb_layer;

/* Arrays come from `arena`; free the rest with cpb_layer_free(). */
cpb_status cpb_layer_start(cpb_layer *layer, const cpb_mask *mask, int64_t weight,
                           const cpb_setup *setup, const cpb_plan *plan,
                           const cpb_owners *owners, cpb_arena *arena);

/* Count one rank; ranks come in ascending order. Adds weight * keys from rank i to
 * got[i]. */
cpb_status cpb_layer_add_rank(cpb_layer *layer, const cpb_own_runs *shard,
                              const cpb_own_keys *own, cpb_arena *scratch,
                              int64_t *got);

/* What can only be known after the last rank. */
cpb_status cpb_layer_finish(cpb_layer *layer);

/* Needs no finished layer; NULL members are fine. */
void cpb_layer_free(cpb_layer *layer);

/* Compute of a rank in both passes, received keys included, in picoseconds. */
cpb_wide cpb_layer_compute(const cpb_layer *layer, int32_t rank);

/* Modelled step time in picoseconds. */
cpb_wide cpb_layer_step(const cpb_layer *layer);

/* What the step takes at least, asked after each rank that was added: by the keys that went
 * through ranks and nodes so far, this rank or the slowest one before it. */
cpb_wide cpb_layer_step_floor(cpb_layer *layer, int32_t rank);

/* What ranks send in the relay form, [ranks]; as in the flat one where no rank sends more
 * than the largest receive, and where everything goes to everybody.
 * \return CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_layer_relay(const cpb_layer *layer, int64_t *send);

/* Non-empty tiles of any shard under this mask. */
cpb_status cpb_layer_tiles(const cpb_layer *layer, const cpb_range *runs, size_t n_runs,
                           int64_t *tiles);

/* Other ranks that `rank` has to do with under at least one of the layers. */
int32_t cpb_layers_peers(const cpb_layer *layers, size_t n, int32_t rank);

#endif
