// SPDX-License-Identifier: Apache-2.0
/* All rows of one sweep of schedules, by combination of ranks and row. */
#ifndef CPB_CLI_SCHEDULESET_H
#define CPB_CLI_SCHEDULESET_H

#include "list.h"
#include "rowlist.h"
#include "schedulerow.h"

typedef struct set_schedule {
    row_place place;
    cli_schedulerow row; /* its texts are gone, see `shared` */
} set_schedule;

/* Starts as {0}. */
typedef struct cli_scheduleset {
    cli_schedulerow shared; /* texts that all rows have in common */
    json_t *texts;          /* where those lie */
    cli_list ranks;         /* in the order of the file */
    size_t n_names;         /* rows of schedules that the library has */
    cli_rowlist list;       /* of set_schedule, by group */
    int64_t n_packs;
} cli_scheduleset;

/* A number of a row; less is better. */
typedef double schedule_value(const cli_schedulerow *row);

/* Read the rows of an open file. Refuses rows of another version, of several commands, and
 * two of the same pack and combination. */
bool scheduleset_read(cli_rows *rows, cli_scheduleset *set, cpb_error *error);

/* How many combinations there may be, and what one is. */
size_t scheduleset_groups(const cli_scheduleset *set);
int64_t scheduleset_ranks(const cli_scheduleset *set, size_t group);
const char *scheduleset_name(const cli_scheduleset *set, size_t group);

/* The quantile of a column: at least `percent` of the rows of a group are not above it.
 * NAN where it has none; `good` goes false when memory ends. */
double scheduleset_quantile(const cli_scheduleset *set, size_t group,
                            schedule_value *value, int percent, bool *good);
double scheduleset_mean(const cli_scheduleset *set, size_t group,
                        schedule_value *value);

/* The combination with the least ranks x time per token among those that have a row for
 * every pack, scheduleset_groups() where there is none; and that time, in ns. */
size_t scheduleset_best(const cli_scheduleset *set);
double scheduleset_per_token(const cli_scheduleset *set, size_t group);

void scheduleset_free(cli_scheduleset *set);

#endif
