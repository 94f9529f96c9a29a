// SPDX-License-Identifier: Apache-2.0
/* What a sweep comes to: quantiles of each combination, and which one to take. */
#ifndef CPB_CLI_ANSWER_H
#define CPB_CLI_ANSWER_H

#include "axes.h"
#include "row.h"
#include "spread.h"

/* A number of a row; less is better. */
typedef struct answer_column {
    const char *title;
    int decimals;
    double (*value)(const cli_row *row);
} answer_column;

enum { ANSWER_COLUMNS = 8 };

extern const answer_column answer_columns[ANSWER_COLUMNS];

/* What is known of one combination. */
typedef struct answer_group {
    int64_t packs;
    double step_time; /* sums over its packs, in microseconds and tokens */
    double tokens;
    int64_t memory_max;
    cli_spread spread[ANSWER_COLUMNS];
    cpb_error refused; /* "" where it was not */
} answer_group;

/* Starts as {0}. Memory depends on the axes, not on the number of packs. */
typedef struct cli_answer {
    const cli_axes *axes;
    const cpb_setup *setup;
    size_t n_groups;      /* combinations of the axes */
    answer_group *groups; /* [n_groups] */
    uint32_t *wins; /* [n_groups * n_groups] packs on which row took less than column */
    double *now;    /* [n_groups] time per token on the pack at hand, < 0: none */
    int64_t pack;   /* the pack at hand, -1 before the first */
    int64_t n_packs;
} cli_answer;

/* Axes and setup of all rows are borrowed. */
bool answer_create(const cli_axes *axes, const cpb_setup *setup, cli_answer *answer,
                   cpb_error *error);

/* Which combination a row belongs to, -1 where the axes do not have it. */
int64_t answer_group_of(const cli_axes *axes, const cli_row *row);

/* Take the numbers of the next row; those of a pack come one after the other. */
bool answer_add(cli_answer *answer, const cli_row *row, cpb_error *error);

/* Remember why a combination has no row for some pack. */
void answer_refuse(cli_answer *answer, size_t group, const cpb_error *why);

/* There are no more rows. Refuses where there was none. */
bool answer_end(cli_answer *answer, cpb_error *error);

/* Nanoseconds that all ranks of a combination together take per token. */
double answer_time(const cli_answer *answer, size_t group);

/* Coordinates of a combination on the axes. */
int64_t answer_ranks(const cli_answer *answer, size_t group);
double answer_tolerance(const cli_answer *answer, size_t group);
const char *answer_balancer(const cli_answer *answer, size_t group);

/* Print tables and the answer; `memory` is the most bytes of keys and values that a rank
 * may hold, < 0: any. */
bool answer_print(const cli_answer *answer, int64_t memory, FILE *stream,
                  cpb_error *error);

/* The answer alone; and the combination that it names, -1 where there is none. */
void answer_print_choice(const cli_answer *answer, int64_t memory, FILE *stream);
int64_t answer_choice(const cli_answer *answer, int64_t memory);

void answer_free(cli_answer *answer);

#endif
