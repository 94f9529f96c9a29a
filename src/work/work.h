// SPDX-License-Identifier: Apache-2.0
/* Costs inside the library: prices of a setup, costs of ranges, floors for bounds. */
#ifndef CPB_SRC_WORK_H
#define CPB_SRC_WORK_H

#include "tiles.h"

/* Sums may pass 2^63 before they are checked. */
__extension__ typedef __int128 cpb_wide;

/* No cost, sum of costs or weighted sum may exceed this: two of them still add up. */
#define CPB_MAX_COST (INT64_MAX / 4)

/* A profile pass scaled to the model of a setup, in picoseconds. */
typedef struct cpb_prices {
    int64_t full_tile, partial_tile, q_tile, kv_tile;
    int64_t received_key, token;
} cpb_prices;

/* Prices of the forward (`backward` false) or backward pass. */
cpb_prices cpb_setup_prices(const cpb_setup *setup, bool backward);

/* Prepare for many calls of cpb_work_before(), which then cost O(1) where bands or rows
 * are spread evenly. O(bands or rows).
 * \return CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_work_index(cpb_work *work);

/* cpb_work_cost() of [0, position). */
int64_t cpb_work_before(const cpb_work *work, int64_t position);

/* How the setup's cost counts tiles (`pairs`: like `profile`). */
cpb_tiling cpb_setup_tiling(const cpb_setup *setup);

/* The profile's own tiles, whatever the cost. */
cpb_tiling cpb_setup_profile_tiling(const cpb_setup *setup);

/* The speeds of the setup, or NULL where all are the same. O(ranks). */
const int32_t *cpb_setup_speeds(const cpb_setup *setup, int32_t ranks);

/* `load` of a rank times fastest speed / its own, rounded up. O(1) without speeds, else
 * O(ranks). */
cpb_wide cpb_setup_slowed(const cpb_setup *setup, int32_t ranks, int32_t rank,
                          cpb_wide load);

/* Bytes of K and V of one token. */
int64_t cpb_setup_key_bytes(const cpb_setup *setup);

/* A floor under any rearrangement: what the loads of all ranks sum to at least, and the
 * least load of a rank that holds the costliest query. Proofs stand in floor.c. */
typedef struct cpb_floor {
    cpb_wide total;
    int64_t query; /* clipped at CPB_MAX_COST */
} cpb_floor;

/* O(slices). */
cpb_floor cpb_work_floor(const cpb_mask *mask, const cpb_setup *setup);

#endif
