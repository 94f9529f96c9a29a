// SPDX-License-Identifier: Apache-2.0
/* The axes of a sweep: lists of what it tries with each pack. */
#ifndef CPB_CLI_AXES_H
#define CPB_CLI_AXES_H

#include "list.h"

/* Lists without repetitions, in the order given; starts as {0}. */
typedef struct cli_axes {
    cli_list ranks;         /* world sizes */
    cli_list tolerance_ppm; /* parts per million */
    cli_list balancer;      /* indices of cpb_balancer_name() */
} cli_axes;

/* Add the values of a comma-separated list; `flag` names it in sentences. */
bool axes_read_ranks(const char *text, cli_axes *axes, cpb_error *error);
bool axes_read_tolerances(const char *text, cli_axes *axes, cpb_error *error);
bool axes_read_balancers(const char *flag, const char *text, cli_axes *axes,
                         cpb_error *error);

/* Put what nobody said: every balancer, the planner's own tolerance. */
bool axes_complete(cli_axes *axes, cpb_error *error);

/* Free what axes_complete() put into a copy of `said`. */
void axes_free_completion(cli_axes *axes, const cli_axes *said);

/* How many combinations there are for one pack. */
size_t axes_size(const cli_axes *axes);

void axes_free(cli_axes *axes);

#endif
