// SPDX-License-Identifier: Apache-2.0
/* What a run of `cpb attend` showed, judged and printed. */
#ifndef CPB_CLI_ATTEND_OUTCOME_H
#define CPB_CLI_ATTEND_OUTCOME_H

#include "../report.h"
#include "../table.h"
#include "run.h"

/* How ranks ran. */
typedef struct outcome_way {
    bool in_turn; /* one after another, each timed alone: waiting says nothing */
    int64_t cores;
    bool processes; /* of MPI, not threads */
    bool modelled;  /* the profile is the user's, so its times may be those of here */
} outcome_way;

/* Numbers of one run. */
typedef struct outcome {
    double error_max, error_grad_max; /* relative to the largest value */
    double slowest, mean;             /* seconds of compute */
    double predicted;                 /* slowest / mean by the plan's loads */
    double off;     /* largest |modelled / measured - 1| of a rank's compute */
    double speedup; /* compute of all ranks / time of the slowest, waiting included */
    double seconds; /* the slowest, waiting included */
    int64_t bytes;  /* moved, all ranks */
    int64_t checked;
} outcome;

outcome outcome_of(const cli_report *report, const run_result *results, bool in_turn);

/* Refuse results that are off; `balancer` stands in the sentence. */
bool outcome_judge(const outcome *o, const char *balancer, cpb_error *error);

json_t *outcome_to_json(const cli_report *report, const run_job *job, const outcome *o,
                        outcome_way way);

/* For people: ranks of one run, and one line per run where there are several. */
bool outcome_print(FILE *stream, const cli_report *report, const run_job *job,
                   const outcome *o, outcome_way way, cpb_error *error);
void outcome_print_way(FILE *stream, const cli_report *report, outcome_way way);
bool outcome_print_table(FILE *stream, size_t n, const outcome *o,
                         char (*names)[TABLE_CELL_BYTES], cpb_error *error);

#endif
