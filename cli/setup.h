// SPDX-License-Identifier: Apache-2.0
/* From flags to what the library takes. */
#ifndef CPB_CLI_SETUP_H
#define CPB_CLI_SETUP_H

#include "options.h"

/* Change in `setup` what the flags say; speeds stay those of the flags, which must
 * outlive it. */
bool setup_apply(const cli_options *options, int64_t ranks, cpb_setup *setup,
                 cpb_error *error);

/* Change in `promise` what the flags say. */
void promise_apply(const cli_options *options, cpb_promise *promise);

/* Options of the planner from the flags; strings and speeds are borrowed. */
bool planner_options(const cli_options *options, cpb_options *out, cpb_error *error);

/* Print what a table of plans is about and how it was measured: two lines, the end of
 * the second left to the caller. */
void setup_print(const cpb_setup *setup, int64_t tokens, int32_t ranks);

#endif
