// SPDX-License-Identifier: Apache-2.0
/* A schedule of a sweep as one line of a file: CSV or a JSON object, out and in. */
#ifndef CPB_CLI_SCHEDULEROW_H
#define CPB_CLI_SCHEDULEROW_H

#include "row.h"

/* Texts are borrowed: from what made the row, or from the object it was read from. */
typedef struct cli_schedulerow {
    int64_t pack; /* from 0 */
    int64_t documents, ranks, budget;
    const char *row, *chosen; /* the name asked for, and what made it */
    const char *meet, *profile;
    cpb_schedule_score score;
    double plan_seconds;
    const char *hash;    /* of the schedule */
    const char *version; /* of the program */
    const char *sweep;   /* hash of the recipe */
    const char *command; /* that made it */
} cli_schedulerow;

/* A row as a line, of CSV or JSON; false when memory ends. */
bool schedulerow_print(FILE *stream, const cli_schedulerow *row, bool json);

/* Names of the columns as a line of CSV. */
void schedulerow_print_names(FILE *stream);

/* Read a row out of an object. */
bool schedulerow_from_json(const json_t *object, const char *where,
                           cli_schedulerow *row, cpb_error *error);

/* The columns that schedulerow_from_json() reads. */
row_types schedulerow_type;

#endif
