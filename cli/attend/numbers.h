// SPDX-License-Identifier: Apache-2.0
/* The numbers that `cpb attend` runs on: a function of seed, array, position and place in
 * the row, so that every rank, and the oracle, makes those that it needs. */
#ifndef CPB_CLI_ATTEND_NUMBERS_H
#define CPB_CLI_ATTEND_NUMBERS_H

#include <stdint.h>

typedef enum numbers_array { NUMBERS_Q, NUMBERS_KV, NUMBERS_DOUT } numbers_array;

/* Where a row comes from. */
typedef struct numbers_source {
    uint64_t seed;
    numbers_array array;
    int64_t row; /* numbers of a row */
} numbers_source;

/* Numbers first .. first + n - 1 of the row at `position`: uniform, variance 1. */
void numbers_floats(numbers_source from, int64_t position, int64_t first, int64_t n,
                    float *to);
void numbers_doubles(numbers_source from, int64_t position, int64_t first, int64_t n,
                     double *to);

/* A number in 0 .. n - 1 for the i-th draw. */
int64_t numbers_draw(uint64_t seed, int64_t i, int64_t n);

#endif
