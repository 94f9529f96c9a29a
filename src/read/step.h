// SPDX-License-Identifier: Apache-2.0
/* The step time alone, for choosing among plans. */
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

#endif
