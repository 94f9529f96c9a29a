// SPDX-License-Identifier: Apache-2.0
/* The load of one shard as a score counts it, from its runs alone: no plan, no owners. */
#ifndef CPB_SRC_SHARD_LOAD_H
#define CPB_SRC_SHARD_LOAD_H

#include "shard_cost.h"
#include "traffic.h"

#include <cpb/cost.h>

/* Keys of `needs` outside `own`; both ascend and are disjoint. */
int64_t cpb_foreign_keys(const cpb_ranges *needs, const cpb_own_keys *own);

/* Keys that a rank receives which owns these: of all that its queries need, or of all
 * there are, as the transport has it. O((runs + slices) log). */
cpb_status cpb_shard_receive(const cpb_mask *mask, const cpb_setup *setup,
                             const cpb_own_keys *own, cpb_arena *scratch,
                             int64_t *receive);

/* What held and received keys add to one pass over `tokens` own ones, in picoseconds. */
cpb_wide cpb_key_time(const cpb_setup *setup, int64_t tokens, int64_t receive,
                      bool backward);

/* The load that cpb_score_plan() states for a rank with these runs, before speeds.
 * \param runs [n] ascending, neighbours that continue each other merged
 * \return CPB_OK, CPB_NO_MEMORY, CPB_TOO_LARGE. O(runs + slices + q-tiles); with prices
 *         of received keys, O((runs + slices) log). */
cpb_status cpb_shard_load(const cpb_masks *masks, const cpb_setup *setup,
                          const cpb_range *runs, size_t n, cpb_arena *scratch,
                          int64_t *load);

#endif
