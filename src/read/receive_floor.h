// SPDX-License-Identifier: Apache-2.0
/* Bounds of traffic in the terms of a plan and a setup. */
#ifndef CPB_SRC_RECEIVE_FLOOR_H
#define CPB_SRC_RECEIVE_FLOOR_H

#include "receive_bound.h"

#include <cpb/plan.h>

/* What plans of the sizes of `plan` receive at least under one mask in which no rank has
 * more than `load` of the setup's cost.
 * \return CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_receive_floor_of(const cpb_plan *plan, const cpb_mask *mask,
                                const cpb_setup *setup, cpb_wide load,
                                const cpb_allocator *allocator,
                                cpb_receive_floor *bound);

#endif
