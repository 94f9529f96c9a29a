// SPDX-License-Identifier: Apache-2.0
/* What the unit tests share: cmocka, a seeded generator, an allocator that fails. */
#ifndef CPB_TESTING_H
#define CPB_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cpb/cpb.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A seeded generator (splitmix64): the same numbers on every machine. */
static inline uint64_t test_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Uniform in low .. high, both included. */
static inline int64_t test_random(uint64_t *seed, int64_t low, int64_t high)
{
    return low + (int64_t)(test_next(seed) % (uint64_t)(high - low + 1));
}

/* Random document lengths (0 among them) that sum to `tokens`; returns how many. */
static inline size_t test_lengths(uint64_t *seed, int64_t tokens, size_t most,
                                  int64_t *lengths)
{
    size_t n = 0;
    int64_t left = tokens;
    while (left > 0 && n + 1 < most) {
        lengths[n] = test_random(seed, 0, left);
        left -= lengths[n++];
    }
    lengths[n++] = left;
    return n;
}

/* Cut positions 0 .. n - 1 into runs of 1 .. longest positions, shuffle them and deal them
 * to ranks of random sizes, some of which stay empty: first[ranks] runs [n at the most]. */
static inline void test_deal_runs(uint64_t *seed, int64_t n, int64_t longest,
                                  int32_t ranks, int64_t *first, cpb_range *runs)
{
    int64_t n_runs = 0;
    for (int64_t p = 0; p < n; p = runs[n_runs++].end) {
        const int64_t end = p + test_random(seed, 1, longest);
        runs[n_runs] = (cpb_range){p, end < n ? end : n};
    }
    for (int64_t i = n_runs - 1; i > 0; i--) {
        const int64_t j = test_random(seed, 0, i);
        const cpb_range swap = runs[i];
        runs[i] = runs[j];
        runs[j] = swap;
    }
    first[0] = 0;
    for (int32_t r = 1; r < ranks; r++)
        first[r] = test_random(seed, first[r - 1], n_runs);
    first[ranks] = n_runs;
}

/* Lets `left` allocations pass, then fails; counts what is out. */
typedef struct test_ration {
    int64_t left;
    int64_t out;
} test_ration;

static inline void *test_ration_take(void *context, size_t bytes)
{
    test_ration *const ration = context;
    if (ration->left-- <= 0)
        return NULL;
    ration->out++;
    return malloc(bytes);
}

static inline void test_ration_release(void *context, void *pointer)
{
    test_ration *const ration = context;
    if (pointer)
        ration->out--;
    free(pointer);
}

static inline cpb_allocator test_ration_allocator(test_ration *ration)
{
    return (cpb_allocator){test_ration_take, test_ration_release, ration};
}

#endif
