// SPDX-License-Identifier: Apache-2.0
/* Half-open ranges and small integer helpers. */
#ifndef CPB_SRC_RANGE_H
#define CPB_SRC_RANGE_H

#include <cpb/base.h>

static inline int64_t cpb_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t cpb_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* For a >= 0 and b > 0. */
static inline int64_t cpb_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Sum of floor((a + b i) / m) over 0 <= i < n, by exchanging the axes as Euclid's algorithm
 * does; a, b, n >= 0 and m > 0. */
static inline int64_t cpb_floor_sum(int64_t n, int64_t m, int64_t a, int64_t b)
{
    int64_t sum = 0;
    while (n > 0) {
        sum += n * (n - 1) / 2 * (b / m) + n * (a / m);
        a %= m;
        b %= m;
        const int64_t last = a + b * n;
        n = last / m;
        a = last % m;
        const int64_t swapped = m;
        m = b;
        b = swapped;
    }
    return sum;
}

/* Negative where the range is inside out. */
static inline int64_t cpb_range_length(cpb_range range)
{
    return range.end - range.begin;
}

/* May come out empty or inside out. */
static inline cpb_range cpb_range_intersect(cpb_range a, cpb_range b)
{
    return (cpb_range){cpb_max(a.begin, b.begin), cpb_min(a.end, b.end)};
}

/* A range of positions that goes to a rank. Positions fit 32 bits (CPB_MAX_TOKENS), and
 * plans with many runs pass through a list of these. */
typedef struct cpb_piece {
    int32_t rank;
    int32_t begin;
    int32_t end;
} cpb_piece;

#endif
