// SPDX-License-Identifier: Apache-2.0
/* One balancer tried on one batch. */
#include "trial.h"

#include "number.h"

/* A balancer whose plan cannot be made or priced is left out; memory is another matter. */
static trial_end refused(cpb_status status)
{
    return status == CPB_NO_MEMORY ? TRIAL_FAILED : TRIAL_REFUSED;
}

static trial_end measure(const cli_options *options, cli_report *report,
                         cpb_error *error)
{
    const cpb_status status = report_measure(report, error);
    if (status != CPB_OK)
        return refused(status);
    return report_judge(report, options, error) ? TRIAL_MEASURED : TRIAL_REFUSED;
}

trial_end trial_run(const cli_options *options, const cpb_options *planner,
                    const cli_batch *batch, cli_trial *trial, cpb_error *error)
{
    const cpb_masks masks = batch_view(batch);
    *trial = (cli_trial){0};
    const double start = number_clock();
    const cpb_status status = cpb_plan_create(&masks, planner, &trial->plan, error);
    if (status != CPB_OK)
        return refused(status);
    trial->report = (cli_report){.plan = trial->plan,
                                 .batch = batch,
                                 .setup = planner->setup,
                                 .tolerance_ppm = planner->tolerance_ppm,
                                 .combine = planner->combine,
                                 .balancer = planner->balancer,
                                 .chosen = cpb_plan_balancer(trial->plan),
                                 .plan_seconds = number_clock() - start};
    return measure(options, &trial->report, error);
}

void trial_free(cli_trial *trial)
{
    report_free(&trial->report);
    cpb_plan_free(trial->plan);
    *trial = (cli_trial){0};
}
