// SPDX-License-Identifier: Apache-2.0
/* Reports of many plans, collected and printed as a table, CSV or JSON. */
#ifndef CPB_CLI_COMPARISON_H
#define CPB_CLI_COMPARISON_H

#include "row.h"

typedef enum comparison_format {
    COMPARISON_TABLE,
    COMPARISON_CSV,
    COMPARISON_JSON
} comparison_format;

/* Starts as {0}. */
typedef struct comparison {
    comparison_format format;
    size_t n_packs, n_balancers;
    struct comparison_row *rows; /* [n_packs * n_balancers] */
    cpb_error *refused; /* [n_balancers] why it was left out; "" where it was not */
    json_t *objects;    /* of COMPARISON_JSON */
    char *csv;          /* of COMPARISON_CSV, behind the stream */
    size_t csv_bytes;
    FILE *csv_stream;
    int64_t tokens; /* of the largest pack */
    int32_t ranks;
    cpb_setup setup;
    const cli_recipe *recipe; /* borrowed */
} comparison;

bool comparison_create(size_t n_packs, comparison_format format,
                       const cli_recipe *recipe, comparison *to, cpb_error *error);

/* Take what a report says; the report can go afterwards. */
bool comparison_add(comparison *to, size_t pack, size_t balancer,
                    const cli_report *report, cpb_error *error);

/* Remember why a balancer is left out. */
void comparison_refuse(comparison *to, size_t balancer, const cpb_error *why);

/* Print everything; refuses where no balancer is left. */
bool comparison_print(comparison *from, cpb_error *error);

void comparison_free(comparison *to);

#endif
