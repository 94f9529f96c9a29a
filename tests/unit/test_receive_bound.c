// SPDX-License-Identifier: Apache-2.0
/* Bounds of traffic against every plan of small cases. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

enum { MOST_PIECES = 8, MOST_RANKS = 4, MOST_PLANS = 6561 };

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
    int64_t largest, total, most, send, load;
} outcome;

/* What all plans of a case have in common: pieces that are dealt whole. */
typedef struct deal {
    int32_t ranks;
    int64_t tolerance_ppm;
    int n;
    int64_t end[MOST_PIECES]; /* [n] of each piece */
    int64_t chunk;            /* that the plan promises; 0: it promises tokens */
} deal;

static cpb_plan *plan_of(const deal *d, const int *owner)
{
    const int64_t grain = d->chunk ? d->chunk : 1;
    const cpb_promise promise = {.sizes = CPB_UNEVEN,
                                 .chunk = grain,
                                 .granularity = grain,
                                 .cap = -1,
                                 .algorithm = CPB_ALGORITHM,
                                 .tolerance_ppm = d->tolerance_ppm};
    int64_t first[MOST_RANKS + 1] = {0};
    cpb_range runs[MOST_PIECES];
    int k = 0;
    cpb_plan *plan;
    for (int r = 0; r < d->ranks; r++) {
        for (int i = 0; i < d->n; i++)
            if (owner[i] == r)
                runs[k++] = (cpb_range){i ? d->end[i - 1] : 0, d->end[i]};
        first[r + 1] = k;
    }
    assert_int_equal(cpb_plan_create_runs(d->end[d->n - 1], 0, d->ranks, first, runs,
                                          &promise, NULL, &plan, NULL),
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

/* The largest load that a plan lets others have, as its promise says. */
static int64_t load_limit(const deal *d, const cpb_score *score)
{
    const double fair = score->load_mean > (double)score->load_bound
                            ? score->load_mean
                            : (double)score->load_bound;
    return (int64_t)(fair * (1 + (double)d->tolerance_ppm / 1e6) * (1 + 1e-12));
}

static size_t every_plan(const cpb_mask *mask, const cpb_setup *setup, const deal *d,
                         outcome *seen, cpb_score *scores)
{
    int owner[MOST_PIECES] = {0};
    size_t count = 0;
    for (;;) {
        cpb_plan *const plan = plan_of(d, owner);
        const cpb_score s = score_of(plan, mask, setup);
        int64_t largest = 0;
        for (int32_t r = 0; r < d->ranks; r++)
            if (cpb_plan_size(plan, r) > largest)
                largest = cpb_plan_size(plan, r);
        const int64_t send =
            s.send_max < s.relay_send_max ? s.send_max : s.relay_send_max;
        seen[count] =
            (outcome){largest, s.receive_total, s.receive_max, send, s.load_max};
        scores[count++] = s;
        cpb_plan_free(plan);
        int i = 0;
        while (i < d->n && ++owner[i] == d->ranks)
            owner[i++] = 0;
        if (i == d->n)
            return count;
    }
}

/* Whether the bounds of a plan hold for all that they are for, and how tight they are. */
typedef struct tally {
    int64_t above_zero, reached;
} tally;

static void assert_bounds(const deal *d, const outcome *seen, const cpb_score *scores,
                          size_t count, size_t a, tally *sum)
{
    const int64_t limit = load_limit(d, &scores[a]);
    int64_t least = INT64_MAX;
    for (size_t b = 0; b < count; b++) {
        if (seen[b].largest > seen[a].largest || seen[b].load > limit)
            continue;
        assert_true(scores[a].receive_bound <= seen[b].total);
        assert_true(scores[a].receive_max_bound <= seen[b].most);
        assert_true(scores[a].send_max_bound <= seen[b].send);
        least = seen[b].total < least ? seen[b].total : least;
    }
    sum->above_zero += least != INT64_MAX && scores[a].receive_bound > 0;
    sum->reached += least != INT64_MAX && least == scores[a].receive_bound && least;
}

/* Pieces of equal width, or the first ones of one token each. */
static void cut(uint64_t *seed, int64_t tokens, deal *d)
{
    const int64_t single = test_random(seed, 0, 1) * test_random(seed, 1, 4);
    const int64_t step =
        (tokens - single + MOST_PIECES - single - 1) / (MOST_PIECES - single);
    d->n = 0;
    for (int64_t end = 0; end < tokens; d->end[d->n++] = end)
        end = end < single ? end + 1 : end + step < tokens ? end + step : tokens;
}

static void no_plan_is_below_the_bounds(void **state)
{
    static outcome seen[MOST_PLANS];
    static cpb_score scores[MOST_PLANS];
    uint64_t seed = 11;
    tally sum = {0};
    (void)state;
    for (int round = 0; round < 180; round++) {
        deal d = {.ranks = (int32_t)test_random(&seed, 2, 3),
                  .tolerance_ppm = test_random(&seed, 0, 2) * 25000};
        char text[80];
        cpb_setup setup = cpb_setup_default();
        cpb_mask *mask;
        const char *const *const family = families[round % (int)COUNT_OF(families)];
        snprintf(text, sizeof text, "%s%d%s", family[0],
                 (int)test_random(&seed, 8, 8 * test_random(&seed, 1, 5)), family[1]);
        assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                         CPB_OK);
        cut(&seed, cpb_mask_tokens(mask), &d);
        setup.cost = (cpb_cost)test_random(&seed, CPB_PAIRS, CPB_PROFILE_TIME);
        setup.kernel = (cpb_kernel)test_random(&seed, CPB_FLEX, CPB_VARLEN);
        setup.profile.tile_q = test_random(&seed, 1, 4);
        setup.profile.tile_k = test_random(&seed, 1, 4);
        setup.backward = round % 2;
        const size_t count = every_plan(mask, &setup, &d, seen, scores);
        for (int i = 0; i < 40; i++)
            assert_bounds(&d, seen, scores, count,
                          (size_t)test_random(&seed, 0, (int64_t)count - 1), &sum);
        cpb_mask_free(mask);
    }
    assert_true(sum.above_zero > 1000 && sum.reached > 100);
}

/* Windows one way and both ways in equal shards, tokens of the ramp one by one: against
 * all plans. */
static void no_plan_of_a_window_is_below_the_bounds(void **state)
{
    static outcome seen[MOST_PLANS];
    static cpb_score scores[MOST_PLANS];
    static const struct {
        const char *mask;
        deal deal;
    } cases[] = {
        {"window:30;n=6", {3, 50000, 8, {1, 2, 3, 4, 5, 13, 21, 30}, 0}},
        {"window:30;n=6", {3, 50000, 8, {1, 2, 3, 4, 5, 14, 22, 30}, 0}},
        {"window:18;n=4", {3, 50000, 8, {1, 2, 3, 6, 8, 11, 13, 18}, 0}},
        {"window:18;n=2", {3, 0, 6, {1, 2, 3, 8, 13, 18}, 0}},
        {"window-both:18;n=2", {3, 50000, 6, {3, 6, 9, 12, 15, 18}, 0}},
        {"window-both:18;n=4", {3, 100000, 8, {1, 3, 6, 8, 11, 13, 16, 18}, 0}},
        {"window-both:18;n=7", {3, 100000, 6, {3, 6, 9, 12, 15, 18}, 0}},
    };
    cpb_setup setup = cpb_setup_default();
    (void)state;
    setup.cost = CPB_PAIRS;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        const deal *const d = &cases[c].deal;
        tally sum = {0};
        cpb_mask *mask;
        assert_int_equal(
            cpb_mask_create_text(cases[c].mask, 0, NULL, NULL, NULL, &mask, NULL),
            CPB_OK);
        const size_t count = every_plan(mask, &setup, d, seen, scores);
        for (size_t a = 0; a < count; a++)
            if (seen[a].largest * d->ranks == cpb_mask_tokens(mask))
                assert_bounds(d, seen, scores, count, a, &sum);
        assert_true(sum.above_zero > 0);
        cpb_mask_free(mask);
    }
}

/* Numbers of chunks of the ranks differ by at most one. */
static bool is_dealt_evenly(const deal *d, size_t plan)
{
    int held[MOST_RANKS] = {0};
    for (int i = 0; i < d->n; i++, plan /= (size_t)d->ranks)
        held[plan % (size_t)d->ranks]++;
    for (int32_t r = 0; r < d->ranks; r++)
        if (held[r] < d->n / d->ranks || held[r] > (d->n - 1) / d->ranks + 1)
            return false;
    return true;
}

/* Uneven sizes by whole chunks: every such plan counts, whichever rank has the short
 * last chunk and however large the largest shard is. */
static void bounds_of_uneven_chunks_hold_for_all_of_them(void **state)
{
    static outcome seen[MOST_PLANS];
    static cpb_score scores[MOST_PLANS];
    uint64_t seed = 5;
    tally sum = {0};
    (void)state;
    for (int round = 0; round < 120; round++) {
        deal d = {.ranks = (int32_t)test_random(&seed, 2, 3),
                  .tolerance_ppm = test_random(&seed, 0, 2) * 500000,
                  .chunk = test_random(&seed, 2, 4)};
        cpb_setup setup = cpb_setup_default();
        cpb_mask *mask;
        char text[80];
        const char *const *const family = families[round % (int)COUNT_OF(families)];
        snprintf(text, sizeof text, "%s%d%s", family[0], (int)test_random(&seed, 4, 11),
                 family[1]);
        assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                         CPB_OK);
        const int64_t tokens = cpb_mask_tokens(mask);
        while ((tokens - 1) / d.chunk + 1 > MOST_PIECES)
            d.chunk++;
        for (int64_t end = 0; end < tokens; d.end[d.n++] = end)
            end = end + d.chunk < tokens ? end + d.chunk : tokens;
        setup.cost = CPB_PAIRS; /* all plans have the same mean */
        const size_t count = every_plan(mask, &setup, &d, seen, scores);
        size_t kept = 0;
        for (size_t a = 0; a < count; a++)
            if (is_dealt_evenly(&d, a)) {
                seen[kept] = seen[a];
                seen[kept].largest = 0; /* of the same sizes */
                scores[kept++] = scores[a];
            }
        for (size_t a = 0; a < kept; a++)
            assert_bounds(&d, seen, scores, kept, a, &sum);
        cpb_mask_free(mask);
    }
    assert_true(sum.above_zero > 1000 && sum.reached > 100);
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

static void score_text(const char *text, cpb_options options, cpb_score *score)
{
    cpb_mask *mask;
    cpb_plan *plan;
    assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                     CPB_OK);
    const cpb_mask *const one = mask;
    const cpb_masks masks = {.n = 1, .mask = &one};
    options.setup.cost = CPB_PAIRS;
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
    *score = score_of(plan, mask, &options.setup);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* Whole pieces in order need n - 1 keys of each side at each border. */
static void contiguous_reaches_the_bound_of_windows(void **state)
{
    cpb_options options = cpb_options_default();
    cpb_score s;
    (void)state;
    options.balancer = "contiguous";
    options.ranks = 8;
    score_text("window:8192;n=100", options, &s);
    assert_int_equal(s.receive_total, 7 * 99);
    assert_int_equal(s.receive_bound, s.receive_total);
    assert_int_equal(s.receive_max_bound, s.receive_max);
    score_text("window-both:8192;n=100", options, &s);
    assert_int_equal(s.receive_total, 2 * 7 * 99);
    assert_int_equal(s.receive_bound, s.receive_total);
}

static cpb_score score_tightly(const char *text)
{
    cpb_options options = cpb_options_default();
    cpb_score s;
    options.balancer = "frugal";
    options.ranks = 8;
    options.tolerance_ppm = 1000;
    options.setup.kernel = CPB_VARLEN;
    score_text(text, options, &s);
    return s;
}

/* A tight tolerance makes every rank take a piece of a window's ramp, and the keys before
 * it are received: at least a fifth more than the window at each border. */
static void the_ramp_of_a_window_counts_where_all_ranks_need_some(void **state)
{
    (void)state;
    const cpb_score s = score_tightly("window:65536;n=2048");
    assert_true(s.receive_bound > 7 * 2047 + 7 * 2047 / 5);
    assert_true(s.receive_bound <= s.receive_total);
    assert_true(s.receive_max_bound > 2047 + 2047 / 5);
    assert_true(s.receive_max_bound <= s.receive_max);
}

/* The same in many documents: two ranks share each of them, so both need a piece of its
 * ramp, a fifth of the window at least before the second. */
static void the_ramps_of_documents_count_where_all_ranks_need_some(void **state)
{
    (void)state;
    const cpb_score s = score_tightly("window:16384,16384,16384,16384;n=2048");
    assert_true(s.receive_bound > 4 * 2047 + 4 * 2047 / 5);
    assert_true(s.receive_bound <= s.receive_total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_plan_is_below_the_bounds),
        cmocka_unit_test(no_plan_of_a_window_is_below_the_bounds),
        cmocka_unit_test(bounds_of_uneven_chunks_hold_for_all_of_them),
        cmocka_unit_test(head_tail_reaches_the_bound_of_one_causal_document),
        cmocka_unit_test(contiguous_reaches_the_bound_of_windows),
        cmocka_unit_test(the_ramp_of_a_window_counts_where_all_ranks_need_some),
        cmocka_unit_test(the_ramps_of_documents_count_where_all_ranks_need_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
