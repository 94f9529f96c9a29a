// SPDX-License-Identifier: Apache-2.0
/* `auto`: the line from mask to plan for every row of the table, and the plan that scores
 * best. */
#include "planner.h"

#include "../base/error.h"
#include "../read/step.h"

/* The plan of least step time so far. */
typedef struct winner {
    cpb_plan *plan;
    int64_t time;    /* INT64_MAX before there is one */
    int64_t compute; /* what it would take without a wire */
} winner;

/* Keep the plan of a row if it is no slower than the best so far. */
static cpb_status try_row(const cpb_balancer *row, const cpb_masks *masks,
                          const cpb_options *options, int64_t tolerance_ppm,
                          winner *best, cpb_error *error)
{
    winner now;
    cpb_status status;

    CPB_TRY(cpb_row_run(row, masks, options, tolerance_ppm, best->time, &now.plan, NULL,
                        error));
    if (!now.plan)
        goto done;
    CPB_TRY(cpb_step_within(now.plan, masks, &options->setup, best->time,
                            &options->allocator, &now.time, &now.compute, error));
    if (!best->plan || now.time <= best->time) {
        cpb_plan *const worse = best->plan;
        *best = now;
        now.plan = worse;
    }
done:
    cpb_plan_free(now.plan);
    return status;
}

enum { TIMES = 4, LOOSEST_PPM = 1000000, FIRST_PPM = 10000, WORTH_GOING_ON = 128 };

/* Whether a looser tolerance may shorten the step again by a hundredth or so: the last
 * one did, and as much of the step is waiting. */
static bool may_pay(const winner *best, int64_t before)
{
    const int64_t worth = best->time / WORTH_GOING_ON;
    return best->time < before - before / WORTH_GOING_ON &&
           best->time - best->compute > worth;
}

/* A row that keeps the tolerance is tried with tighter ones too, down to a hundredth, so
 * that four times the tolerance never makes the step longer; and with looser ones as long
 * as that pays: where the network is the limit, balance is worth less than traffic. Once
 * the row has a plan, a refusal only ends this. */
static cpb_status try_tolerances(const cpb_balancer *row, const cpb_masks *masks,
                                 const cpb_options *options, winner *best,
                                 cpb_error *error)
{
    const int64_t asked = options->tolerance_ppm;
    int64_t tolerance = asked, before = best->time;
    if (row->weights != CPB_WEIGHTS_LOOKUP)
        return try_row(row, masks, options, asked, best, error);
    while (tolerance >= TIMES * FIRST_PPM && tolerance % TIMES == 0)
        tolerance /= TIMES;
    cpb_status status = try_row(row, masks, options, tolerance, best, error);
    while (status == CPB_OK && tolerance > 0 &&
           (tolerance < asked ||
            (may_pay(best, before) && tolerance * TIMES <= LOOSEST_PPM))) {
        tolerance *= TIMES;
        before = best->time;
        status = try_row(row, masks, options, tolerance, best, error);
        if (status == CPB_UNSUPPORTED || status == CPB_TOO_LARGE)
            return CPB_OK;
    }
    return status;
}

/* From the last row, which is likely to win, to the first, so that most rows are given up
 * early; of equals the first row stays. A row that refuses (a cap it cannot keep, costs
 * beyond 64 bits) is left out; if all do, the last sentence stands. */
cpb_status cpb_auto_run(const cpb_masks *masks, const cpb_options *options,
                        cpb_plan **plan, cpb_error *error)
{
    winner best = {.time = INT64_MAX};
    cpb_status status = CPB_OK;

    for (size_t i = cpb_n_balancers; i-- > 0;) {
        if (!cpb_row_serves(&cpb_balancers[i], &options->setup))
            continue;
        status = try_tolerances(&cpb_balancers[i], masks, options, &best, error);
        if (status == CPB_UNSUPPORTED || status == CPB_TOO_LARGE)
            continue;
        if (status != CPB_OK)
            break;
    }
    if (best.plan && (status == CPB_UNSUPPORTED || status == CPB_TOO_LARGE))
        status = CPB_OK;
    if (status != CPB_OK) {
        cpb_plan_free(best.plan);
        best.plan = NULL;
    }
    *plan = best.plan;
    return status;
}
