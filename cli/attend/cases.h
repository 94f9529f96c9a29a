// SPDX-License-Identifier: Apache-2.0
/* What `cpb attend --timings` times: shards of small plans, one rank at a time. */
#ifndef CPB_CLI_ATTEND_CASES_H
#define CPB_CLI_ATTEND_CASES_H

#include "../options.h"
#include "../progress.h"
#include "run.h"

/* Time every rank of every case and write a line per rank and pass of what `cpb
 * calibrate` reads.
 * \param planner kernel, model and backward pass; its ranks and balancer are replaced
 * \param job     seed and bar; what a plan decides is filled in
 * \param[out] n  lines written */
bool cases_time(const cli_options *options, const cpb_options *planner, run_job *job,
                int64_t *n, cpb_error *error);

#endif
