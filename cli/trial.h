// SPDX-License-Identifier: Apache-2.0
/* One balancer tried on one batch: what compare and sweep do many times. */
#ifndef CPB_CLI_TRIAL_H
#define CPB_CLI_TRIAL_H

#include "report.h"

typedef enum trial_end {
    TRIAL_MEASURED, /* the report is filled */
    TRIAL_REFUSED,  /* the balancer does not serve this; `error` says why */
    TRIAL_FAILED    /* out of memory */
} trial_end;

typedef struct cli_trial {
    cpb_plan *plan; /* NULL where there is none */
    cli_report report;
} cli_trial;

/* Plan `batch` as `planner` says and measure the plan. Whatever it returns, trial_free()
 * comes after it; the rest is borrowed until then. */
trial_end trial_run(const cli_options *options, const cpb_options *planner,
                    const cli_batch *batch, cli_trial *trial, cpb_error *error);

void trial_free(cli_trial *trial);

#endif
