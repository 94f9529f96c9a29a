// SPDX-License-Identifier: Apache-2.0
/* The plan that a row measured, made again from the command of the row. */
#ifndef CPB_CLI_REMAKE_H
#define CPB_CLI_REMAKE_H

#include "batch.h"
#include "row.h"

/* Starts as {0}. */
typedef struct cli_remake {
    const char **words; /* of the command */
    cli_options options;
    cli_batch batch;
    cpb_setup setup;
    cpb_plan *plan;
} cli_remake;

/* Read the command of a row into words and options; opens no file. Refuses with a
 * sentence what is no command that writes rows, and data that cannot be read twice. */
bool remake_read(const char *command, cli_remake *made, cpb_error *error);

/* Plan the pack of `row` again. Refuses in addition where the plan comes out another than
 * `hash` says: the data changed. */
bool remake(const cli_row *row, uint64_t hash, cli_remake *made, cpb_error *error);

void remake_free(cli_remake *made);

#endif
