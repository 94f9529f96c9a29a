// SPDX-License-Identifier: Apache-2.0
/* What the tests of the balancer `frugal` share: masks over drawn lengths, plans, scores. */
#ifndef CPB_FRUGAL_WORLD_H
#define CPB_FRUGAL_WORLD_H

#include "testing.h"

#include <stdio.h>

static inline cpb_options options_of(const char *balancer, int32_t ranks)
{
    cpb_options options = cpb_options_default();
    options.balancer = balancer;
    options.ranks = ranks;
    return options;
}

static inline cpb_mask *mask_of(const char *text, size_t n, const int64_t *lengths)
{
    cpb_mask *mask;
    cpb_error error = {0};
    if (cpb_mask_create_text(text, n, lengths, NULL, NULL, &mask, &error) != CPB_OK)
        fail_msg("%s: %s", text, error.message);
    return mask;
}

static inline cpb_plan *plan_of(const cpb_masks *masks, const cpb_options *options)
{
    cpb_plan *plan;
    cpb_error error = {0};
    if (cpb_plan_create(masks, options, &plan, &error) != CPB_OK)
        fail_msg("%s: %s", options->balancer, error.message);
    return plan;
}

static inline cpb_score score_of(const cpb_masks *masks, const cpb_options *options)
{
    cpb_plan *const plan = plan_of(masks, options);
    cpb_score score;
    assert_int_equal(
        cpb_score_plan(plan, masks, &options->setup, NULL, &score, NULL, NULL, NULL),
        CPB_OK);
    cpb_plan_free(plan);
    return score;
}

/* Masks over lengths: families that keep to documents and such that do not. */
static const char *const families[] = {
    "documents",  "documents;window=40", "documents-full",  "window:50",
    "prefix:9",   "window-both:30",      "block-causal:16", "causal-blocks",
    "chunked:64", "global:20;n=30",      "causal",          "full",
};
enum { N_FAMILIES = COUNT_OF(families) };

/* Documents of several characters that sum to `tokens`. */
static inline size_t draw_lengths(uint64_t *seed, int64_t tokens, int64_t *lengths)
{
    const int64_t most = test_random(seed, 1, 3) * tokens / 6;
    size_t n = 0;
    for (int64_t left = tokens; left > 0; left -= lengths[n++]) {
        const int64_t x = test_random(seed, 0, 999);
        const int64_t length = 1 + most * x / 1000 * x / 1000 * x / 1000;
        lengths[n] = length < left ? length : left;
    }
    return n;
}

/* The load that the tolerance allows, by the score's own mean and bound. */
static inline double limit_of(const cpb_score *score, double tolerance)
{
    const double bound = (double)score->load_bound;
    const double mean = score->load_mean > bound ? score->load_mean : bound;
    return mean * (1 + tolerance);
}

#endif
