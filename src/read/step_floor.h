// SPDX-License-Identifier: Apache-2.0
/* A cheap floor under the step time of a plan, for choosing among plans. */
#ifndef CPB_SRC_STEP_FLOOR_H
#define CPB_SRC_STEP_FLOOR_H

#include <cpb/cost.h>
#include <cpb/plan.h>

/* Compute of the slowest rank, mask by mask, without traffic: under every overlap the
 * step takes at least that. `floor` is in picoseconds, clipped at INT64_MAX / 4.
 * \return CPB_OK or CPB_NO_MEMORY. O(runs + slices + shared q-tiles) per mask. */
cpb_status cpb_step_floor(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          int64_t *floor);

#endif
