// SPDX-License-Identifier: Apache-2.0
/* The tolerance of `frugal`: it is kept wherever another row keeps it, and what it costs
 * in traffic does not jump. */
#include "frugal_world.h"

#include <string.h>

/* Whether every rank holds as many steps of the grid as sizes ask for, and no run is cut
 * inside one. */
static bool has_sizes_on_grid(const cpb_plan *plan, int64_t positions, int64_t grid)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    const int64_t steps = (positions + grid - 1) / grid;
    if (cpb_plan_tokens(plan) + cpb_plan_padding(plan) != positions)
        return false;
    for (int32_t r = 0; r < ranks; r++) {
        const int64_t held = (cpb_plan_size(plan, r) + grid - 1) / grid;
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        if (held < steps / ranks || held > (steps + ranks - 1) / ranks)
            return false;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            if (runs[i].begin % grid ||
                (runs[i].end % grid && runs[i].end != positions))
                return false;
    }
    return true;
}

/* A random case: kernels, costs, sizes, nodes, speeds, chunks below and beside a tile. */
static cpb_options draw_options(uint64_t *seed)
{
    static const int64_t tolerances_ppm[] = {0, 1000, 10000, 50000, 200000};
    static const int64_t chunks[] = {64, 16, 100, 128};
    static const int32_t speeds[16] = {2, 1, 3, 3, 1, 2, 2, 3, 1, 1, 2, 3, 1, 3, 2, 1};
    cpb_options options = options_of("frugal", (int32_t)test_random(seed, 1, 16));
    options.tolerance_ppm = tolerances_ppm[test_random(seed, 0, 4)];
    options.chunk = chunks[test_random(seed, 0, 3)];
    options.sizes = test_random(seed, 0, 2) ? CPB_EQUAL : CPB_UNEVEN;
    options.setup.kernel = (cpb_kernel)test_random(seed, 0, 2);
    options.setup.cost = (cpb_cost)test_random(seed, CPB_PAIRS, CPB_PROFILE_TIME);
    options.setup.backward = test_random(seed, 0, 3) == 0;
    if (options.ranks % 2 == 0 && test_random(seed, 0, 4) == 0)
        options.setup.nodes = options.ranks / 2;
    if (test_random(seed, 0, 5) == 0)
        options.setup.speeds = speeds;
    return options;
}

/* No other row of the same sizes and granularity does better in a way that counts: has a load
 * within the tolerance of our mean, or of its own and not above ours by more than that, or
 * lower than ours by a hundredth. `auto`, which follows the last row, is none. */
static void assert_no_row_is_better(const cpb_masks *masks, const cpb_options *options,
                                    const cpb_plan *ours, const cpb_score *score)
{
    const double tolerance = (double)options->tolerance_ppm / 1e6;
    const double load = (double)score->load_max, slack = 1 + 1e-9;
    const int64_t positions = cpb_plan_tokens(ours) + cpb_plan_padding(ours);
    for (size_t i = 0; cpb_balancer_name(i + 1); i++) {
        cpb_options other = *options;
        other.balancer = cpb_balancer_name(i);
        cpb_plan *const plan = plan_of(masks, &other);
        cpb_score theirs;
        assert_int_equal(cpb_score_plan(plan, masks, &options->setup, NULL, &theirs,
                                        NULL, NULL, NULL),
                         CPB_OK);
        theirs.load_bound = score->load_bound; /* of our granularity */
        const double least = (double)theirs.load_max;
        const bool keeps = least <= limit_of(&theirs, tolerance) * slack &&
                           least <= load * (1 + tolerance);
        if (has_sizes_on_grid(plan, positions, cpb_plan_promise(ours)->granularity) &&
            (keeps || least <= limit_of(score, tolerance) || least * 1.01 < load))
            fail_msg("%s, %d ranks, kernel %d, cost %d, chunk %lld, tolerance %g: load "
                     "%lld above %.0f, %s has %lld",
                     cpb_mask_text(masks->mask[0]), options->ranks,
                     (int)options->setup.kernel, (int)options->setup.cost,
                     (long long)options->chunk, tolerance, (long long)score->load_max,
                     limit_of(score, tolerance), other.balancer,
                     (long long)theirs.load_max);
        cpb_plan_free(plan);
    }
}

static void loads_keep_the_tolerance_where_any_row_does(void **state)
{
    int64_t lengths[8192];
    uint64_t seed = 2;
    (void)state;
    for (size_t round = 0; round < 600; round++) {
        const size_t n = draw_lengths(&seed, test_random(&seed, 1, 8000), lengths);
        cpb_mask *const mask = mask_of(families[round % N_FAMILIES], n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        const cpb_options options = draw_options(&seed);
        const double tolerance = (double)options.tolerance_ppm / 1e6;
        cpb_plan *const plan = plan_of(&masks, &options);
        cpb_score score;
        assert_int_equal(cpb_score_plan(plan, &masks, &options.setup, NULL, &score,
                                        NULL, NULL, NULL),
                         CPB_OK);
        assert_string_equal(cpb_plan_balancer(plan), "frugal");
        assert_true(has_sizes_on_grid(plan,
                                      cpb_plan_tokens(plan) + cpb_plan_padding(plan),
                                      cpb_plan_promise(plan)->granularity));
        assert_int_equal(cpb_plan_promise(plan)->tolerance_ppm, options.tolerance_ppm);
        if ((double)score.load_max > limit_of(&score, tolerance) * (1 + 1e-9))
            assert_no_row_is_better(&masks, &options, plan, &score);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

/* Shards of seven tiles: the search ends at eight, and of the rows with seven that with the
 * least runs and traffic stands in. Memory may end anywhere on the way. */
static void another_row_stands_in(void **state)
{
    cpb_mask *const mask = mask_of("documents:600,7,90", 0, NULL);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {1, list, NULL};
    cpb_options options = options_of("per-document-legacy", 5);
    cpb_plan *theirs, *ours = NULL;
    cpb_status status = CPB_NO_MEMORY;
    (void)state;
    options.setup.kernel = CPB_RECURRENT;
    options.setup.cost = CPB_TILES;
    options.chunk = 16;
    theirs = plan_of(&masks, &options);
    options.balancer = "frugal";
    for (int64_t left = 0; status == CPB_NO_MEMORY; left += 1 + left / 16) {
        test_ration ration = {.left = left};
        options.allocator = test_ration_allocator(&ration);
        status = cpb_plan_create(&masks, &options, &ours, NULL);
        if (status == CPB_OK)
            assert_true(cpb_plan_hash(ours) == cpb_plan_hash(theirs));
        cpb_plan_free(ours);
        assert_int_equal(ration.out, 0);
    }
    assert_int_equal(status, CPB_OK);
    cpb_plan_free(theirs);
    cpb_mask_free(mask);
}

/* Keys that all ranks receive at four tolerances, from tight to loose. */
static void measure_traffic(const cpb_masks *masks, cpb_kernel kernel, int64_t *keys)
{
    static const int64_t tolerances_ppm[] = {1000, 3000, 10000, 30000};
    for (size_t i = 0; i < COUNT_OF(tolerances_ppm); i++) {
        cpb_options options = options_of("frugal", 32);
        options.setup.kernel = kernel;
        options.tolerance_ppm = tolerances_ppm[i];
        const cpb_score score = score_of(masks, &options);
        const double limit = limit_of(&score, (double)tolerances_ppm[i] / 1e6);
        assert_true((double)score.load_max <= limit * (1 + 1e-9));
        keys[i] = score.receive_total;
    }
}

/* A search that ends above its limit must not be replaced by a plan that only balances:
 * one pack of a hundred where swaps of chunks do not reach 0.1 %. */
static void traffic_does_not_jump_with_the_tolerance(void **state)
{
    enum { TOKENS = 1 << 17, LITTLE = TOKENS / 50 };
    static int64_t lengths[TOKENS];
    int jumps = 0;
    (void)state;
    for (uint64_t pack = 0; pack < 100; pack++) {
        uint64_t seed = pack;
        int64_t keys[4];
        const size_t n = draw_lengths(&seed, TOKENS, lengths);
        cpb_mask *const mask = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        measure_traffic(&masks, pack % 2 ? CPB_VARLEN : CPB_FLEX, keys);
        bool jumped = false;
        for (int i = 1; i < 4; i++)
            jumped |= 2 * keys[i] > 3 * keys[i - 1] + 2 * LITTLE ||
                      2 * keys[i - 1] > 3 * keys[i] + 2 * LITTLE;
        jumps += jumped;
        cpb_mask_free(mask);
    }
    assert_true(jumps <= 1);
}

/* Of each document, head-tail's plan for the ranks that it fills is the one with the least
 * traffic at equal loads; a tolerance may save a little. */
static void equal_documents_go_to_groups_of_ranks(void **state)
{
    static const int32_t documents[] = {2, 3, 8, 16}, groups[] = {2, 4, 8};
    int64_t lengths[16];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documents) * COUNT_OF(groups); i++) {
        const int32_t n = documents[i / COUNT_OF(groups)];
        const int32_t group = groups[i % COUNT_OF(groups)];
        const int64_t length = 2048 * group;
        int64_t keys = 0;
        for (int32_t d = 0; d < n; d++)
            lengths[d] = length;
        for (int32_t r = 0; r < group; r++)
            keys += n * (2 * group - 2 - r) * length / (2 * group);
        cpb_mask *const mask = mask_of("documents", (size_t)n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        for (int kernel = CPB_FLEX; kernel <= CPB_VARLEN; kernel++) {
            cpb_options options = options_of("frugal", n * group);
            options.setup.kernel = (cpb_kernel)kernel;
            options.tolerance_ppm = 1000;
            const cpb_score score = score_of(&masks, &options);
            assert_true(score.receive_total <= keys);
            assert_true((double)score.load_max <= limit_of(&score, 0.001) * (1 + 1e-9));
        }
        cpb_mask_free(mask);
    }
}

/* The tolerance counts from the bound: whoever holds the last token has its four pairs
 * under every layer. */
static void a_mask_of_weight_bounds_by_its_costliest_query(void **state)
{
    const int64_t weight = 5;
    cpb_mask *const mask = mask_of("causal:4", 0, NULL);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {1, list, &weight};
    cpb_options options = options_of("contiguous", 4);
    (void)state;
    options.setup.cost = CPB_PAIRS;
    assert_int_equal(score_of(&masks, &options).load_bound, 20);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_keep_the_tolerance_where_any_row_does),
        cmocka_unit_test(another_row_stands_in),
        cmocka_unit_test(traffic_does_not_jump_with_the_tolerance),
        cmocka_unit_test(equal_documents_go_to_groups_of_ranks),
        cmocka_unit_test(a_mask_of_weight_bounds_by_its_costliest_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
