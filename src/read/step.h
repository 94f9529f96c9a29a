// SPDX-License-Identifier: Apache-2.0
/* Single figures of a score, for choosing among plans. */
#ifndef CPB_SRC_STEP_H
#define CPB_SRC_STEP_H

#include <cpb/cost.h>
#include <cpb/plan.h>

/* What one plan is preferred to another for. */
typedef struct cpb_step_figures {
    int64_t time;    /* step_time of the score */
    int64_t compute; /* what the step would take without a wire */
    int64_t busiest; /* the larger of receive_max and send_max; with nodes of net_in_max
                        and net_out_max */
    int64_t keys;    /* receive_total */
} cpb_step_figures;

/* Figures of cpb_score_plan(), or `time` INT64_MAX and zeros as soon as some rank shows that
 * the step takes longer than `limit`. Most plans that lose are given up at their first rank.
 * \return as cpb_score_plan(). */
cpb_status cpb_step_within(const cpb_plan *plan, const cpb_masks *masks,
                           const cpb_setup *setup, int64_t limit,
                           const cpb_allocator *allocator, cpb_step_figures *figures,
                           cpb_error *error);

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
