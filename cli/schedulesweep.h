// SPDX-License-Identifier: Apache-2.0
/* A sweep of schedules: every pack is the documents of a step. */
#ifndef CPB_CLI_SCHEDULESWEEP_H
#define CPB_CLI_SCHEDULESWEEP_H

#include "options.h"

/* Whether the flags of a sweep ask for schedules; else those that only schedules have are
 * refused. */
bool schedulesweep_asked(const cli_options *options);
bool schedulesweep_flags_fit(const cli_options *options, cpb_error *error);

/* Packs x numbers of ranks x rows: a line each, then the answer on standard error. */
bool schedulesweep_run(const cli_options *options, cpb_error *error);

#endif
