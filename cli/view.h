// SPDX-License-Identifier: Apache-2.0
/* A plan seen through one mask: everything that a picture of it shows. */
#ifndef CPB_CLI_VIEW_H
#define CPB_CLI_VIEW_H

#include "strips.h"

/* Most ranks of a picture: their traffic is a matrix. */
enum { VIEW_MAX_RANKS = 4096, VIEW_TITLE_BYTES = 96 };

/* Set the first group, call view_measure(), read the second. Starts as {0}. */
typedef struct cli_view {
    char title[VIEW_TITLE_BYTES];
    const cpb_plan *plan;
    const cpb_mask *mask; /* of as many tokens as the plan */
    cpb_setup setup;

    cpb_score score;
    cpb_rank_score *ranks; /* [ranks] */
    int64_t *sent;         /* [ranks * ranks] tokens from row to column */
    palette_groups groups; /* of ranks that share a colour */
    cli_owners owners;     /* by these groups */
} cli_view;

bool view_measure(cli_view *view, cpb_error *error);

void view_free(cli_view *view);

/* "4,096 tokens, 1 document, 8 ranks"; returns `text`. */
enum { VIEW_SIZE_BYTES = 160 };
char *view_size(const cli_view *view, char text[VIEW_SIZE_BYTES]);

/* What loads are counted in, and how many of them are one of those. */
const char *view_unit(const cli_view *view);
double view_load(const cli_view *view, double load);

/* The name of a group of ranks: "5" or "4-7". */
void view_group_name(palette_groups groups, size_t ranks, size_t group, char text[24]);

/* Name and value of the i-th figure that a picture states, NULL past the last. */
enum { VIEW_FACT_BYTES = 40 };
const char *view_fact(const cli_view *view, size_t i, char value[VIEW_FACT_BYTES]);

#endif
