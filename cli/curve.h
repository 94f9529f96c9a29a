// SPDX-License-Identifier: Apache-2.0
/* What balance costs in traffic: plans of `frugal` at a ladder of tolerances. */
#ifndef CPB_CLI_CURVE_H
#define CPB_CLI_CURVE_H

#include "options.h"

/* Plan the one batch that the flags name at each tolerance, and print a row for each.
 *
 * A row holds the plan with the least traffic over the busiest card among all plans of
 * the ladder that keep the row's tolerance, or the plan with the least load where none
 * does. So neither the busiest card's traffic nor, where those tie, the total grows from
 * a row to the next. */
bool curve_run(const cli_options *options, cpb_error *error);

#endif
