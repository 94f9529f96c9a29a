// SPDX-License-Identifier: Apache-2.0
/* Single figures of a score, for choosing among plans. */
#ifndef CPB_SRC_STEP_H
#define CPB_SRC_STEP_H

#include <cpb/cost.h>
#include <cpb/plan.h>

/* The modelled step time of cpb_score_plan(), or INT64_MAX as soon as one rank shows that
 * it is longer than `limit`. Most plans that lose are given up at their first rank.
 * `compute` is what the step would take without a wire, as far as it was looked at.
 * \return as cpb_score_plan(). */
cpb_status cpb_step_within(const cpb_plan *plan, const cpb_masks *masks,
                           const cpb_setup *setup, int64_t limit,
                           const cpb_allocator *allocator, int64_t *step,
                           int64_t *compute, cpb_error *error);

/* The loads of cpb_score_plan() alone: [ranks].
 * \return as cpb_score_plan(). */
cpb_status cpb_plan_loads(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          int64_t *load, cpb_error *error);

/* Its peers_max alone.
 * \return as cpb_score_plan(). */
cpb_status cpb_plan_peers(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          int32_t *peers, cpb_error *error);

#endif
