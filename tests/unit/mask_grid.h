// SPDX-License-Identifier: Apache-2.0
/* Allowed pairs counted one by one, which masks are held against. */
#ifndef CPB_TESTING_MASK_GRID_H
#define CPB_TESTING_MASK_GRID_H

#include "testing.h"

#include "../../src/mask/mask.h"

enum { MOST = 40 }; /* tokens of the small masks */

/* Allowed pairs counted one by one: count[q * MOST + k] is how often (q, k) is. */
typedef struct grid {
    int64_t tokens;
    int count[MOST * MOST];
} grid;

/* The kinds by their definition in the public header. */
static inline bool kind_allows(const cpb_slice *s, int64_t q, int64_t k)
{
    if (q < s->queries.begin || q >= s->queries.end || k < s->keys.begin ||
        k >= s->keys.end)
        return false;
    const bool causal = s->keys.end - k > s->queries.end - 1 - q;
    const bool inverse = k - s->keys.begin >= q - s->queries.begin;
    switch (s->kind) {
    case CPB_FULL:
        return true;
    case CPB_CAUSAL:
        return causal;
    case CPB_INVERSE_CAUSAL:
        return inverse;
    case CPB_BI_CAUSAL:
        return causal && inverse;
    }
    return false;
}

static inline void grid_add(grid *g, const cpb_slice *slice)
{
    for (int64_t q = 0; q < g->tokens; q++)
        for (int64_t k = 0; k < g->tokens; k++)
            g->count[q * MOST + k] += kind_allows(slice, q, k);
}

static inline bool grid_touches(const grid *g, const cpb_slice *slice)
{
    for (int64_t q = 0; q < g->tokens; q++)
        for (int64_t k = 0; k < g->tokens; k++)
            if (g->count[q * MOST + k] && kind_allows(slice, q, k))
                return true;
    return false;
}

static inline cpb_range random_range(uint64_t *seed, int64_t tokens, int64_t most)
{
    const int64_t begin = test_random(seed, 0, tokens - 1);
    return (cpb_range){
        begin,
        test_random(seed, begin + 1, begin + most < tokens ? begin + most : tokens)};
}

static inline cpb_slice random_slice(uint64_t *seed, int64_t tokens)
{
    const int64_t most = test_random(seed, 1, tokens);
    const cpb_range queries = random_range(seed, tokens, most);
    const cpb_range keys = random_range(seed, tokens, test_random(seed, 1, tokens));
    return (cpb_slice){queries, keys, (cpb_kind)test_random(seed, 0, 3)};
}

/* Everything a mask says equals the grid, and its slices are in normal form. */
static inline void assert_mask_is(const cpb_mask *mask, const grid *want)
{
    const int64_t tokens = want->tokens;
    grid got = {.tokens = tokens};
    int64_t before[MOST + 1] = {0};

    assert_int_equal(cpb_mask_tokens(mask), tokens);
    const cpb_slice *const slices = cpb_mask_slices(mask);
    for (size_t i = 0; i < cpb_mask_n_slices(mask); i++) {
        grid_add(&got, &slices[i]);
        for (int64_t q = slices[i].queries.begin; q < slices[i].queries.end; q++)
            assert_true(cpb_slice_low(&slices[i], q) < cpb_slice_high(&slices[i], q));
        if (i > 0)
            assert_true(slices[i - 1].queries.begin < slices[i].queries.begin ||
                        (slices[i - 1].queries.begin == slices[i].queries.begin &&
                         slices[i - 1].keys.begin < slices[i].keys.begin));
    }
    for (int64_t q = 0; q < tokens; q++) {
        before[q + 1] = before[q];
        for (int64_t k = 0; k < tokens; k++) {
            const int count = want->count[q * MOST + k];
            assert_int_equal(got.count[q * MOST + k], count);
            assert_int_equal(cpb_mask_allows(mask, q, k), count);
            before[q + 1] += count;
        }
    }
    assert_int_equal(cpb_mask_pairs(mask), before[tokens]);
    for (int64_t a = 0; a <= tokens; a++)
        for (int64_t b = a; b <= tokens; b++)
            assert_int_equal(cpb_mask_pairs_of(mask, (cpb_range){a, b}),
                             before[b] - before[a]);
}

/* A set that is disjoint so far, as each random slice that touches it is left out. */
static inline size_t disjoint_set(uint64_t *seed, grid *g, size_t most,
                                  cpb_slice *slices)
{
    size_t n = 0;
    for (size_t tries = 0; tries < 3 * most && n < most; tries++) {
        slices[n] = random_slice(seed, g->tokens);
        if (!grid_touches(g, &slices[n]))
            grid_add(g, &slices[n++]);
    }
    return n;
}

#endif
