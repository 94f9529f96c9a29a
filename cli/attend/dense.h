// SPDX-License-Identifier: Apache-2.0
/* Dense attention in double, straight from the mask: knows of no plan, slice or tile. */
#ifndef CPB_CLI_ATTEND_DENSE_H
#define CPB_CLI_ATTEND_DENSE_H

#include "numbers.h"

#include <cpb/attend.h>

typedef struct dense_problem {
    const cpb_mask *mask;
    cpb_attention shape;
    uint64_t seed; /* of the numbers */
} dense_problem;

/* Most positions that are computed together, so that scratch stays near 32 MB. */
size_t dense_most(const dense_problem *problem);

/* Results of n queries; arrays [n][q_heads][head_dim] and [n][q_heads]. */
typedef struct dense_queries {
    size_t n; /* 1 .. dense_most() */
    const int64_t *positions;
    double *out, *lse;
    double *dq, *delta; /* NULL: forward alone; delta = out . dout */
} dense_queries;

bool dense_compute_queries(const dense_problem *problem, const dense_queries *queries,
                           cpb_error *error);

/* Gradients of n keys and values of one key head, [n][head_dim] each, from lse and delta
 * of all queries: stats [tokens][group][2]. */
typedef struct dense_keys {
    size_t n; /* 1 .. dense_most() */
    const int64_t *positions;
    int64_t head;
    const double *stats;
    double *dk, *dv;
} dense_keys;

bool dense_compute_keys(const dense_problem *problem, const dense_keys *keys,
                        cpb_error *error);

#endif
