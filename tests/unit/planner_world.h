// SPDX-License-Identifier: Apache-2.0
/* Options of a plan, and what every plan keeps. */
#ifndef CPB_TESTING_PLANNER_WORLD_H
#define CPB_TESTING_PLANNER_WORLD_H

#include "testing.h"

#include <string.h>

enum { MOST = 4096 };

static inline cpb_options options_of(const char *balancer, int32_t ranks, int64_t chunk)
{
    cpb_options options = cpb_options_default();
    options.balancer = balancer;
    options.ranks = ranks;
    options.chunk = chunk;
    return options;
}

static inline size_t order_of(const cpb_plan *plan, int64_t *order)
{
    size_t n = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t p = cpb_plan_runs(plan, r)[i].begin;
                 p < cpb_plan_runs(plan, r)[i].end; p++)
                order[n++] = p;
    return n;
}

/* What every plan keeps, whatever made it. */
static inline void assert_laws(const cpb_plan *plan, const cpb_options *options,
                               const cpb_masks *masks)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    const int64_t positions = tokens + cpb_plan_padding(plan);
    static uint8_t held[1 << 16];
    int64_t least = INT64_MAX, most = 0;
    memset(held, 0, (size_t)positions);
    assert_int_equal(cpb_plan_tokens(plan), tokens);
    for (int32_t r = 0; r < options->ranks; r++) {
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        int64_t size = 0;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++) {
            assert_true(runs[i].begin < runs[i].end && runs[i].begin >= 0 &&
                        runs[i].end <= positions);
            assert_true(i == 0 || runs[i - 1].end != runs[i].begin);
            for (int64_t p = runs[i].begin; p < runs[i].end; p++)
                assert_int_equal(held[p]++, 0);
            size += runs[i].end - runs[i].begin;
        }
        assert_int_equal(size, cpb_plan_size(plan, r));
        least = size < least ? size : least;
        most = size > most ? size : most;
    }
    for (int64_t p = 0; p < positions; p++)
        assert_int_equal(held[p], 1);

    if (options->sizes == CPB_EQUAL) {
        assert_int_equal(least * options->ranks, positions);
        assert_int_equal(most, least);
    } else {
        const cpb_promise *const promise = cpb_plan_promise(plan);
        assert_int_equal(positions, tokens);
        if (promise->granularity == 1)
            assert_true(most - least < promise->chunk || most - least <= 1);
        else
            assert_true(most <= ((tokens - 1) / promise->chunk / options->ranks + 1) *
                                    promise->chunk);
    }
}

#endif
