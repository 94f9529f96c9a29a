// SPDX-License-Identifier: Apache-2.0
/* What the planner prepares for one balancer. */
#ifndef CPB_SRC_VIEW_H
#define CPB_SRC_VIEW_H

#include "../balance/balance.h"
#include "../plan/plan.h"
#include "../work/work.h"

/* Sizes, padding and the costs that the row asks for. Arrays come from `arena`. */
cpb_status cpb_view_create(const cpb_balancer *row, const cpb_masks *masks,
                           const cpb_options *options, cpb_arena *arena, cpb_view *view,
                           cpb_error *error);

/* The part of a view for rows that look at traffic: cpb_view_create() calls it. */
cpb_status cpb_view_look_up(const cpb_masks *masks, const cpb_options *options,
                            cpb_arena *arena, cpb_view *view, cpb_error *error);

/* Free what does not lie in the arena. Any view will do. */
void cpb_view_free(cpb_view *view);

#endif
