// SPDX-License-Identifier: Apache-2.0
/* Ranks as MPI processes, where the program was built with MPI and started by its
 * launcher. */
#ifndef CPB_CLI_ATTEND_PROCESSES_H
#define CPB_CLI_ATTEND_PROCESSES_H

#include "run.h"

typedef struct processes {
    bool launched; /* by an MPI launcher; the ranks are processes */
    int32_t rank, n;
} processes;

/* How many processes a launcher says that it started; 0: there is none. */
int64_t launcher_processes(void);

/* Find out, and join the others. Refuses a launcher that does not fit. */
bool processes_open(processes *p, cpb_error *error);

/* Be one rank of the job. After a failure the process ends without processes_close(). */
bool processes_run(run_job *job, cpb_error *error);

void processes_close(const processes *p);

#endif
