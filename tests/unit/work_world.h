// SPDX-License-Identifier: Apache-2.0
/* What the tests of tiles and costs share: masks, pairs, sums over tiles. */
#ifndef CPB_TESTING_WORK_WORLD_H
#define CPB_TESTING_WORK_WORLD_H

#include "testing.h"

#include "work/work.h"

#include <string.h>

enum { MOST_TOKENS = 150 };

/* A random mask of any kind: a dense matrix of random rectangles, or a family. */
static inline cpb_mask *random_mask(uint64_t *seed)
{
    static const char *const texts[] = {
        "documents:40,0,7,64,20",
        "window:90,33;n=17",
        "global:120;g=5;n=9",
        "sinks:100;g=3;n=20",
        "prefix:60,50;n=20",
        "block-causal:70,31;n=16",
        "causal-blocks:30,40,50",
        "chunked:100,21;n=32",
        "shared-question:30,20,41",
        "window-both:100,40;n=11",
        "full:77",
        "causal:150",
        "documents-full:64,64,1,5",
        "documents:1,1,1,1,33",
    };
    cpb_mask *mask = NULL;
    if (test_random(seed, 0, 2)) {
        const char *const text = texts[test_random(seed, 0, COUNT_OF(texts) - 1)];
        assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                         CPB_OK);
        return mask;
    }
    static uint8_t dense[MOST_TOKENS * MOST_TOKENS];
    const int64_t tokens = test_random(seed, 1, MOST_TOKENS);
    memset(dense, 0, sizeof dense);
    for (int64_t i = test_random(seed, 0, 6); i > 0; i--) {
        const int64_t q = test_random(seed, 0, tokens - 1);
        const int64_t k = test_random(seed, 0, tokens - 1);
        const int64_t q_end = test_random(seed, q + 1, tokens);
        const int64_t k_end = test_random(seed, k + 1, tokens);
        const int64_t lean = test_random(seed, -1, 1);
        for (int64_t y = q; y < q_end; y++)
            for (int64_t x = k; x < k_end; x++)
                if (!lean || (x - k) * lean <= (y - q) * lean)
                    dense[y * tokens + x] = 1;
    }
    assert_int_equal(cpb_mask_create_dense(tokens, dense, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

/* Sums over the visited q-tiles. */
typedef struct sums {
    const cpb_tiling *tiling;
    int64_t nonempty, full, q_tiles;
} sums;

static inline void add(void *context, const cpb_stretch *stretch)
{
    sums *const s = context;
    for (int64_t i = 0; i < stretch->n; i++) {
        const cpb_tile_count count = cpb_stretch_count(stretch, s->tiling, i);
        s->nonempty += count.nonempty;
        s->full += count.full;
        s->q_tiles += count.nonempty > 0;
    }
}

static inline bool slice_allows(const cpb_slice *s, int64_t q, int64_t k)
{
    return q >= s->queries.begin && q < s->queries.end && k >= s->keys.begin &&
           k < s->keys.end &&
           (!(s->kind & CPB_CAUSAL) || s->keys.end - k > s->queries.end - 1 - q) &&
           (!(s->kind & CPB_INVERSE_CAUSAL) ||
            k - s->keys.begin >= q - s->queries.begin);
}

#endif
