// SPDX-License-Identifier: Apache-2.0
/* Running all ranks of a job. */
#include "conduct.h"

#include "../message.h"

bool conduct_is_built(cpb_error *error)
{
    (void)error;
    return true;
}

bool conduct_open(processes *p, cpb_error *error)
{
    return processes_open(p, error);
}

void conduct_close(const processes *p)
{
    processes_close(p);
}

bool conduct_run(const processes *p, run_job *job, int32_t at_once, cpb_error *error)
{
    if (p->launched)
        return processes_run(job, error);
    const cpb_world_options options = {.at_once = at_once};
    return succeeded(
        cpb_world_run(cpb_plan_ranks(job->plan), &options, run_rank, job, NULL, error));
}
