// SPDX-License-Identifier: Apache-2.0
/* The attention matrix in pieces of one colour: which group of ranks computes what. */
#ifndef CPB_CLI_STRIPS_H
#define CPB_CLI_STRIPS_H

#include "picture/palette.h"

#include <cpb/cpb.h>

/* Tokens that one group of ranks holds. */
typedef struct cli_owner {
    cpb_range tokens;
    size_t group;
} cli_owner;

/* Who holds what, in the order of the sequence; pads left out, neighbours of one group
 * merged. Starts as {0}. */
typedef struct cli_owners {
    size_t n;
    cli_owner *owner; /* [n] covers the sequence */
} cli_owners;

bool owners_create(const cpb_plan *plan, palette_groups groups, cli_owners *owners,
                   cpb_error *error);

void owners_free(cli_owners *owners);

/* A stretch of queries of one group and the keys that they see in one slice: row i of
 * `rows` sees left + i * left_steps .. right + i * right_steps, half-open. */
typedef struct cli_strip {
    size_t group;
    int64_t first, rows;
    int64_t left, right;
    int64_t left_steps, right_steps; /* 0 or 1 per row */
} cli_strip;

typedef void strip_visit(const cli_strip *strip, void *context);

/* Visit the strips that make up the matrix: disjoint, each allowed pair in one of them.
 * Per slice from the top down, each starting where the one before ended. */
void strips_visit(const cli_owners *owners, const cpb_mask *mask, strip_visit *visit,
                  void *context);

#endif
