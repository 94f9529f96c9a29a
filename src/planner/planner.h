// SPDX-License-Identifier: Apache-2.0
/* Plans of one row of the table, and of all. */
#ifndef CPB_SRC_PLANNER_H
#define CPB_SRC_PLANNER_H

#include "../balance/balance.h"

/* Whether a row serves the kernel and the transport. */
bool cpb_row_serves(const cpb_balancer *row, const cpb_setup *setup);

/* The plan promises what `options` ask for; the row is held to `tolerance_ppm`, and
 * `misses` (NULL is fine) tells whether it knows that it keeps it. The plan is NULL where
 * a glance shows that its step takes longer than `limit`. */
cpb_status cpb_row_run(const cpb_balancer *row, const cpb_masks *masks,
                       const cpb_options *options, int64_t tolerance_ppm, int64_t limit,
                       cpb_plan **plan, bool *misses, cpb_error *error);

/* The plan of the row with the least modelled step, at the tolerance that serves best. */
cpb_status cpb_auto_run(const cpb_masks *masks, const cpb_options *options,
                        cpb_plan **plan, cpb_error *error);

#endif
