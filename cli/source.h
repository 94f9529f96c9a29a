// SPDX-License-Identifier: Apache-2.0
/* What score and check look at: a plan file, or an order by anybody. */
#ifndef CPB_CLI_SOURCE_H
#define CPB_CLI_SOURCE_H

#include "planfile.h"

/* Starts as {0}. */
typedef struct cli_source {
    bool from_file;    /* a plan file; else an order */
    cli_planfile file; /* of --plan */
    int64_t n_order;
    int64_t *order;      /* of --order, NULL without */
    bool own_masks;      /* the masks of the file, not those of the flags */
    cli_batch batch;     /* masks of the flags */
    cpb_setup setup;     /* of the file, changed by the flags */
    cpb_promise promise; /* of the file or order, changed by the flags */
    int64_t tolerance_ppm;
    cpb_combine combine;
    cpb_plan *plan; /* of source_create_plan() */
} cli_source;

/* Whether the flags name a plan file, or an order with its ranks. */
bool source_ready(const cli_options *options, cpb_error *error);

/* Read files and masks; no plan yet. */
bool source_read(const cli_options *options, cli_source *source, cpb_error *error);

/* Make the plan; refuses runs or entries that are no bijection. */
bool source_create_plan(const cli_options *options, cli_source *source,
                        cpb_error *error);

/* The masks in force; n is 0 where there are none. */
const cli_batch *source_batch(const cli_source *source);

/* Names of an order by anybody. */
extern const char source_foreign[];

void source_free(cli_source *source);

#endif
