// SPDX-License-Identifier: Apache-2.0
/* Where MPI is not there: a launcher is refused. */
#include "processes.h"

#include "../message.h"

bool processes_open(processes *p, cpb_error *error)
{
    *p = (processes){.n = 1};
    const int64_t n = launcher_processes();
    return n == 0 ||
           fail(
               error,
               "an MPI launcher started %lld processes, but this cpb was built without "
               "MPI; build it where mpicc is found, or start it alone: ranks are then "
               "threads",
               (long long)n);
}

bool processes_run(run_job *job, cpb_error *error)
{
    (void)job;
    return fail(error, "this cpb was built without MPI");
}

void processes_close(const processes *p)
{
    (void)p;
}
