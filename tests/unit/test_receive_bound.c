// SPDX-License-Identifier: Apache-2.0
/* Bounds of traffic against every plan of small cases. */
#include "testing.h"

#include <stdio.h>

enum { MOST_CHUNKS = 8, MOST_RANKS = 4, MOST_PLANS = 6561 };

/* Before and behind a length. */
static const char *const families[][2] = {
    {"causal:", ""},
    {"full:", ""},
    {"documents:", ",5"},
    {"documents-full:", ",7"},
    {"window:", ";n=5"},
    {"window-both:", ";n=4"},
    {"prefix:", ",6;n=4"},
    {"block-causal:", ";n=4"},
    {"chunked:", ";n=7"},
    {"global:", ";g=2;n=4"},
    {"sinks:", ";g=2;n=4"},
    {"causal-blocks:", ",3,6"},
    {"shared-question:", ",4,3"},
};

typedef struct outcome {
    int64_t largest, total, most, load;
} outcome;

static cpb_plan *plan_of(int64_t tokens, int64_t chunk, int n, int32_t ranks,
                         const int *owner)
{
    const cpb_promise promise = {CPB_UNEVEN, chunk, chunk, -1, CPB_ALGORITHM, 50000};
    int64_t first[MOST_RANKS + 1] = {0};
    cpb_range runs[MOST_CHUNKS];
    int k = 0;
    cpb_plan *plan;
    for (int r = 0; r < ranks; r++) {
        for (int c = 0; c < n; c++)
            if (owner[c] == r)
                runs[k++] = (cpb_range){
                    c * chunk, (c + 1) * chunk < tokens ? (c + 1) * chunk : tokens};
        first[r + 1] = k;
    }
    assert_int_equal(cpb_plan_create_runs(tokens, 0, ranks, first, runs, &promise, NULL,
                                          &plan, NULL),
                     CPB_OK);
    return plan;
}

static cpb_score score_of(const cpb_plan *plan, const cpb_mask *mask,
                          const cpb_setup *setup)
{
    const cpb_masks one = {.n = 1, .mask = &mask};
    cpb_score score;
    assert_int_equal(cpb_score_plan(plan, &one, setup, NULL, &score, NULL, NULL, NULL),
                     CPB_OK);
    return score;
}

/* The largest load that plan lets others have: as the promise's 5 % say. */
static int64_t load_limit(const cpb_score *score)
{
    const double fair = score->load_mean > (double)score->load_bound
                            ? score->load_mean
                            : (double)score->load_bound;
    return (int64_t)(fair * 1.05 * (1 - 1e-12));
}

static size_t every_plan(const cpb_mask *mask, const cpb_setup *setup, int64_t chunk,
                         int n, int32_t ranks, outcome *seen, cpb_score *scores)
{
    int owner[MOST_CHUNKS] = {0};
    size_t count = 0;
    for (;;) {
        cpb_plan *const plan = plan_of(cpb_mask_tokens(mask), chunk, n, ranks, owner);
        const cpb_score s = score_of(plan, mask, setup);
        int64_t largest = 0;
        for (int32_t r = 0; r < ranks; r++)
            if (cpb_plan_size(plan, r) > largest)
                largest = cpb_plan_size(plan, r);
        seen[count] = (outcome){largest, s.receive_total, s.receive_max, s.load_max};
        scores[count++] = s;
        cpb_plan_free(plan);
        int c = 0;
        while (c < n && ++owner[c] == ranks)
            owner[c++] = 0;
        if (c == n)
            return count;
    }
}

static void no_plan_is_below_the_bounds(void **state)
{
    static outcome seen[MOST_PLANS];
    static cpb_score scores[MOST_PLANS];
    uint64_t seed = 11;
    int64_t above_zero = 0, reached = 0;
    (void)state;
    for (int round = 0; round < 90; round++) {
        const int32_t ranks = (int32_t)test_random(&seed, 2, 3);
        const int64_t chunk = test_random(&seed, 1, 5);
        char text[80];
        cpb_setup setup = cpb_setup_default();
        cpb_mask *mask;
        const char *const *const family = families[round % (int)COUNT_OF(families)];
        snprintf(text, sizeof text, "%s%d%s", family[0],
                 (int)test_random(&seed, 8, 8 * chunk), family[1]);
        assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                         CPB_OK);
        const int64_t tokens = cpb_mask_tokens(mask);
        const int64_t step = (tokens + MOST_CHUNKS - 1) / MOST_CHUNKS;
        const int n = (int)((tokens + step - 1) / step);
        setup.cost = (cpb_cost)test_random(&seed, CPB_PAIRS, CPB_PROFILE_TIME);
        setup.kernel = (cpb_kernel)test_random(&seed, CPB_FLEX, CPB_VARLEN);
        setup.profile.tile_q = test_random(&seed, 1, 4);
        setup.profile.tile_k = test_random(&seed, 1, 4);
        setup.backward = round % 2;
        const size_t count = every_plan(mask, &setup, step, n, ranks, seen, scores);
        for (int i = 0; i < 40; i++) {
            const size_t a = (size_t)test_random(&seed, 0, (int64_t)count - 1);
            const int64_t limit = load_limit(&scores[a]);
            int64_t least = INT64_MAX;
            for (size_t b = 0; b < count; b++) {
                if (seen[b].largest > seen[a].largest || seen[b].load > limit)
                    continue;
                assert_true(scores[a].receive_bound <= seen[b].total);
                assert_true(scores[a].receive_max_bound <= seen[b].most);
                least = seen[b].total < least ? seen[b].total : least;
            }
            above_zero += least != INT64_MAX && scores[a].receive_bound > 0;
            reached += least != INT64_MAX && least == scores[a].receive_bound && least;
        }
        cpb_mask_free(mask);
    }
    assert_true(above_zero > 500 && reached > 50);
}

/* Where head-tail divides evenly, no balanced plan moves less. */
static void head_tail_reaches_the_bound_of_one_causal_document(void **state)
{
    (void)state;
    for (int32_t ranks = 2; ranks <= 64; ranks *= 2) {
        cpb_options options = cpb_options_default();
        cpb_mask *mask;
        cpb_plan *plan;
        assert_int_equal(
            cpb_mask_create_text("causal:65536", 0, NULL, NULL, NULL, &mask, NULL),
            CPB_OK);
        const cpb_mask *const one = mask;
        const cpb_masks masks = {.n = 1, .mask = &one};
        options.balancer = "head-tail";
        options.ranks = ranks;
        options.tolerance_ppm = 0;
        options.setup.cost = CPB_PAIRS;
        assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
        const cpb_score s = score_of(plan, mask, &options.setup);
        assert_int_equal(s.receive_bound, s.receive_total);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

/* A window without tolerance: whole pieces in order need n - 1 keys at each border. */
static void contiguous_reaches_the_bound_of_a_window(void **state)
{
    cpb_options options = cpb_options_default();
    cpb_mask *mask;
    cpb_plan *plan;
    (void)state;
    assert_int_equal(
        cpb_mask_create_text("window:8192;n=100", 0, NULL, NULL, NULL, &mask, NULL),
        CPB_OK);
    const cpb_mask *const one = mask;
    const cpb_masks masks = {.n = 1, .mask = &one};
    options.balancer = "contiguous";
    options.ranks = 8;
    options.setup.cost = CPB_PAIRS;
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
    const cpb_score s = score_of(plan, mask, &options.setup);
    assert_int_equal(s.receive_total, 7 * 99);
    assert_int_equal(s.receive_bound, s.receive_total);
    assert_int_equal(s.receive_max_bound, s.receive_max);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_plan_is_below_the_bounds),
        cmocka_unit_test(head_tail_reaches_the_bound_of_one_causal_document),
        cmocka_unit_test(contiguous_reaches_the_bound_of_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
