// SPDX-License-Identifier: Apache-2.0
/* Running all ranks of a job, where the program was built with libcpb_attend. */
#ifndef CPB_CLI_ATTEND_CONDUCT_H
#define CPB_CLI_ATTEND_CONDUCT_H

#include "processes.h"

/* Whether ranks can run at all; if not, why. */
bool conduct_is_built(cpb_error *error);

/* Find out how ranks will run. */
bool conduct_open(processes *p, cpb_error *error);

/* Run the ranks of the job's plan: this one of the processes where there are any, else
 * all as threads, `at_once` of them at a time (0: all). */
bool conduct_run(const processes *p, run_job *job, int32_t at_once, cpb_error *error);

/* After success alone. */
void conduct_close(const processes *p);

#endif
