// SPDX-License-Identifier: Apache-2.0
/* All rows of one sweep or compare, by combination. */
#ifndef CPB_CLI_ROWSET_H
#define CPB_CLI_ROWSET_H

#include "answer.h"
#include "rowlist.h"

/* A row, and the plan that it measured. */
typedef struct set_row {
    row_place place; /* its group is the answer's */
    cli_row row;     /* its texts are those of `shared`, but for the balancer */
    uint64_t hash;   /* of the plan */
} set_row;

/* Starts as {0}. */
typedef struct cli_rowset {
    cli_row shared;   /* what all rows have in common: version, command, setup */
    json_t *texts;    /* where those lie */
    cli_rowlist list; /* of set_row, by group */
    cli_axes axes;    /* in the order of the file, so that the answer is the sweep's */
    cpb_setup setup;  /* of the answer: its profile has the right name only */
    cli_answer answer;
} cli_rowset;

/* Read the rows of an open file. Refuses rows of another version, of several commands or
 * setups, and two rows of the same pack and combination. */
bool rowset_read(cli_rows *rows, cli_rowset *set, cpb_error *error);

/* The row of a group at which a column has the quantile `percent`: at least that share
 * of its rows is not above it. NULL where the group has none; `good` goes false when
 * memory ends. */
const set_row *rowset_quantile(const cli_rowset *set, size_t group,
                               double (*value)(const cli_row *row), int percent,
                               bool *good);

/* The mean over the packs of a group. */
double rowset_mean(const cli_rowset *set, size_t group,
                   double (*value)(const cli_row *row));

void rowset_free(cli_rowset *set);

#endif
