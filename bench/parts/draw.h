// SPDX-License-Identifier: Apache-2.0
/* What the measurements share: lengths drawn by integers and a seed, so that they are the
 * same everywhere, medians and a clock. Needs _POSIX_C_SOURCE. */
#ifndef CPB_BENCH_DRAW_H
#define CPB_BENCH_DRAW_H

#include <cpb/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FRACTION = 16 };
#define ONE ((int64_t)1 << FRACTION) /* fixed point */

static inline uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A sum of twelve uniform numbers, near enough to normal with deviation ONE. */
static inline int64_t random_normal(uint64_t *seed)
{
    int64_t sum = -6 * ONE;
    for (int i = 0; i < 12; i++)
        sum += (int64_t)(next_random(seed) >> (64 - FRACTION));
    return sum;
}

/* log2 of x >= 1 in fixed point: a bit of the result per squaring. */
static inline int64_t log2_of(uint64_t x)
{
    int64_t whole = 0;
    while (x >> whole > 1)
        whole++;
    uint64_t y = whole <= 31 ? x << (31 - whole) : x >> (whole - 31);
    int64_t result = whole;
    for (int i = 0; i < FRACTION; i++) {
        y = y * y >> 31;
        const bool bit = y >> 32;
        y >>= bit;
        result = 2 * result + bit;
    }
    return result;
}

/* 2^x for a fixed-point x >= 0 below 40: the inverse, by bisection. */
static inline int64_t exp2_of(int64_t x)
{
    int64_t low = 1, high = INT64_C(1) << 40;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (log2_of((uint64_t)middle) <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Log-normal, sigma 1.2: 1.731 in powers of two, whose mean lies 1.039 above the
 * mode. */
static inline int64_t log_normal(uint64_t *seed, int64_t mean)
{
    const int64_t x =
        log2_of((uint64_t)mean) - 1039 * ONE / 1000 + random_normal(seed) * 1731 / 1000;
    return exp2_of(x > 0 ? x : 0);
}

/* Pareto with exponent 1.1 and at least 1,024 tokens. */
static inline int64_t pareto(uint64_t *seed)
{
    const uint64_t u = (next_random(seed) >> 32) + 1;
    const int64_t x = 10 * ONE + (32 * ONE - log2_of(u)) * 10 / 11;
    return exp2_of(x < 30 * ONE ? x : 30 * ONE);
}

static inline int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The values are sorted afterwards: the last one is the largest. */
static inline double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Of this process, so that other programs change little. */
static inline double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void or_die(cpb_status status)
{
    if (status != CPB_OK) {
        fprintf(stderr, "%s\n", cpb_status_text(status));
        exit(1);
    }
}

#endif
