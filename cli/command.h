// SPDX-License-Identifier: Apache-2.0
/* A subcommand: one file, one of these, one line in the table of main.c. */
#ifndef CPB_CLI_COMMAND_H
#define CPB_CLI_COMMAND_H

#include "options.h"

typedef struct cli_command {
    const char *name;
    const char *summary;  /* one line */
    const char *usage;    /* what goes behind the name */
    const char *about;    /* paragraphs of --help; NULL: none */
    const char *examples; /* indented lines */
    cli_user user;
    /* Whether the flags that it cannot do without are there; if not, which is not. */
    bool (*ready)(const cli_options *options, cpb_error *error);
    /* Do it; on failure nothing half-written is left. */
    bool (*run)(const cli_options *options, cpb_error *error);
} cli_command;

extern const cli_command plan_command, score_command, check_command, compare_command,
    pad_command, calibrate_command, draw_command, sweep_command, report_command,
    schedule_command, attend_command;

#endif
