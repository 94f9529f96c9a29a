// SPDX-License-Identifier: Apache-2.0
/* Costs of ranges and floors against counting every pair. */
#include "work_world.h"

static cpb_setup random_setup(uint64_t *seed)
{
    cpb_setup setup = cpb_setup_default();
    setup.cost = (cpb_cost)test_random(seed, 0, 2);
    setup.kernel = (cpb_kernel)test_random(seed, 0, 2);
    setup.backward = test_random(seed, 0, 1);
    setup.profile.tile_q = test_random(seed, 1, 33);
    setup.profile.tile_k = test_random(seed, 0, 1) ? 1 << test_random(seed, 0, 6)
                                                   : test_random(seed, 1, 33);
    setup.profile.token = test_random(seed, 0, 1) * 1000;
    if (test_random(seed, 0, 1))
        setup.profile.forward.full_tile = 300000;
    return setup;
}

static void costs_of_neighbouring_ranges_add_up_and_chunks_are_ranges(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        cpb_mask *const mask = random_mask(&seed);
        const cpb_setup setup = random_setup(&seed);
        const int64_t tokens = cpb_mask_tokens(mask);
        const int64_t chunk = test_random(&seed, 1, 50);
        const int64_t n = tokens / chunk + test_random(&seed, 1, 4);
        int64_t cost[MOST_TOKENS + 4], sum = 0;
        cpb_work *work;

        assert_int_equal(cpb_work_create(mask, &setup, NULL, &work, NULL), CPB_OK);
        cpb_work_chunks(work, chunk, n, cost);
        for (int64_t c = 0; c < n; c++) {
            assert_true(cost[c] >= 0);
            assert_int_equal(
                cost[c], cpb_work_cost(work, (cpb_range){c * chunk, (c + 1) * chunk}));
            sum += cost[c];
        }
        assert_int_equal(sum, cpb_work_cost(work, (cpb_range){0, tokens + 99}));
        cpb_work_free(work);
        cpb_mask_free(mask);
    }
}

static void an_index_changes_no_cost(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        cpb_mask *const mask = random_mask(&seed);
        const cpb_setup setup = random_setup(&seed);
        cpb_work *plain, *indexed;
        assert_int_equal(cpb_work_create(mask, &setup, NULL, &plain, NULL), CPB_OK);
        assert_int_equal(cpb_work_create(mask, &setup, NULL, &indexed, NULL), CPB_OK);
        assert_int_equal(cpb_work_index(indexed), CPB_OK);
        for (int64_t p = 0; p <= cpb_mask_tokens(mask) + 3; p++)
            assert_int_equal(cpb_work_before(indexed, p), cpb_work_before(plain, p));
        cpb_work_free(plain);
        cpb_work_free(indexed);
        cpb_mask_free(mask);
    }
}

/* Tiles of rows that one slice holds, counted from its first key, pair by pair. */
static cpb_tile_count count_row(const cpb_slice *slice, const cpb_tiling *tiling,
                                cpb_range rows)
{
    cpb_tile_count count = {0, 0};
    for (int64_t k = slice->keys.begin; k < slice->keys.end; k += tiling->tile_k) {
        int64_t pairs = 0;
        for (int64_t q = rows.begin; q < rows.end; q++)
            for (int64_t i = 0; i < tiling->tile_k; i++)
                pairs += slice_allows(slice, q, k + i);
        count.nonempty += pairs > 0;
        count.full += pairs == tiling->tile_q * tiling->tile_k;
    }
    return count;
}

/* Whether a slice starts or ends at a position. */
static bool is_break(const cpb_mask *mask, int64_t position)
{
    for (size_t i = 0; i < mask->n_slices; i++)
        if (mask->slices[i].queries.begin == position ||
            mask->slices[i].queries.end == position)
            return true;
    return false;
}

/* In the original order the rows of varlen start anew where a slice starts or ends. */
static void varlen_costs_equal_a_count_of_each_row(void **state)
{
    uint64_t seed = 12;
    (void)state;
    for (int i = 0; i < 500; i++) {
        cpb_mask *const mask = random_mask(&seed);
        cpb_setup setup = cpb_setup_default();
        setup.kernel = CPB_VARLEN;
        setup.profile.tile_q = test_random(&seed, 1, 20);
        setup.profile.tile_k = i % 2 ? 16 : test_random(&seed, 1, 40);
        setup.profile.forward =
            (cpb_pass){.full_tile = i % 3 ? 7 : 11, .partial_tile = 11, .q_tile = 13};
        const cpb_tiling tiling = cpb_setup_tiling(&setup);
        int64_t cost = 0;
        cpb_range rows = {0, 1};
        cpb_work *work;
        assert_int_equal(cpb_work_create(mask, &setup, NULL, &work, NULL), CPB_OK);
        for (; rows.end <= cpb_mask_tokens(mask); rows.end++) {
            cpb_tile_count sum = {0, 0};
            if (cpb_range_length(rows) < tiling.tile_q && !is_break(mask, rows.end) &&
                rows.end < cpb_mask_tokens(mask))
                continue;
            for (size_t s = 0; s < mask->n_slices; s++) {
                const cpb_tile_count count = count_row(&mask->slices[s], &tiling, rows);
                sum.nonempty += count.nonempty;
                sum.full += tiling.split ? count.full : 0;
            }
            cost +=
                7 * sum.full + 11 * (sum.nonempty - sum.full) + (sum.nonempty ? 13 : 0);
            assert_int_equal(cpb_work_before(work, rows.end), cost);
            rows.begin = rows.end;
        }
        cpb_work_free(work);
        cpb_mask_free(mask);
    }
}

/* Where chunks are whole q-tiles, planning and scoring must see the same tiles. */
static void flex_costs_of_whole_q_tiles_equal_their_tiles(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        cpb_mask *const mask = random_mask(&seed);
        cpb_setup setup = cpb_setup_default();
        setup.profile.tile_q = test_random(&seed, 1, 20);
        setup.profile.tile_k = test_random(&seed, 1, 40);
        setup.profile.forward =
            (cpb_pass){.full_tile = 7, .partial_tile = 11, .q_tile = 13};
        const cpb_tiling tiling = cpb_setup_tiling(&setup);
        const int64_t chunk = setup.profile.tile_q * test_random(&seed, 1, 4);
        cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_work *work;

        assert_int_equal(cpb_work_create(mask, &setup, NULL, &work, NULL), CPB_OK);
        for (int64_t p = 0; p < cpb_mask_tokens(mask); p += chunk) {
            const cpb_range run = {p, cpb_min(p + chunk, cpb_mask_tokens(mask))};
            sums sum = {.tiling = &tiling};
            assert_int_equal(cpb_tiles_visit(mask, &tiling, &run, 1, &arena, add, &sum),
                             CPB_OK);
            assert_int_equal(cpb_work_cost(work, (cpb_range){p, p + chunk}),
                             sum.full * 7 + (sum.nonempty - sum.full) * 11 +
                                 sum.q_tiles * 13);
        }
        cpb_arena_free(&arena);
        cpb_work_free(work);
        cpb_mask_free(mask);
    }
}

/* Published H100 timings: causal throughput by document length, 32,768 tokens packed
 * from equal documents (docs/costs.md). */
static void
the_h100_profile_explains_the_published_timings_within_nine_percent(void **state)
{
    static const struct {
        int64_t length;
        double tflops;
    } published[] = {{32, 12},    {128, 85},   {256, 140},  {512, 204},
                     {1024, 284}, {2048, 322}, {4096, 348}, {16384, 370}};
    enum { TOKENS = 32768 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(published); i++) {
        const int64_t length = published[i].length;
        int64_t lengths[TOKENS / 32];
        const size_t n = (size_t)(TOKENS / length);
        for (size_t d = 0; d < n; d++)
            lengths[d] = length;
        cpb_setup setup = cpb_setup_default();
        cpb_mask *mask;
        cpb_work *work;
        setup.kernel = CPB_VARLEN;
        assert_int_equal(
            cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL),
            CPB_OK);
        assert_int_equal(cpb_work_create(mask, &setup, NULL, &work, NULL), CPB_OK);
        const double modelled =
            (double)cpb_work_cost(work, (cpb_range){0, TOKENS}) * 1e-12;
        /* 4 operations per pair, head and element of a head */
        const double operations = 4.0 * 64 * 128 * (double)cpb_mask_pairs(mask);
        const double measured = operations / (published[i].tflops * 1e12);
        assert_true(modelled < 1.09 * measured && modelled > 0.91 * measured);
        cpb_work_free(work);
        cpb_mask_free(mask);
    }
}

static void every_failed_allocation_is_survived(void **state)
{
    static const char *const texts[] = {"documents:40,0,7,64,20", "global:120;g=5;n=9"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        cpb_setup setup = cpb_setup_default();
        cpb_mask *mask;
        cpb_status status = CPB_NO_MEMORY;
        setup.kernel = i / 2 ? CPB_VARLEN : CPB_FLEX;
        assert_int_equal(
            cpb_mask_create_text(texts[i % 2], 0, NULL, NULL, NULL, &mask, NULL),
            CPB_OK);
        for (int64_t allowed = 0; status == CPB_NO_MEMORY; allowed++) {
            test_ration ration = {.left = allowed};
            const cpb_allocator allocator = test_ration_allocator(&ration);
            cpb_work *work;
            status = cpb_work_create(mask, &setup, &allocator, &work, NULL);
            cpb_work_free(work);
            assert_int_equal(ration.out, 0);
        }
        assert_int_equal(status, CPB_OK);
        cpb_mask_free(mask);
    }
}

static void setups_out_of_range_are_refused_with_the_value(void **state)
{
    cpb_error error;
    cpb_setup setup = cpb_setup_default();
    cpb_profile profile;
    (void)state;
    setup.nodes = 3;
    assert_int_equal(cpb_setup_check(&setup, 8, &error), CPB_INVALID);
    assert_string_equal(error.message, "3 nodes do not divide 8 ranks; 2 and 4 do");
    setup = cpb_setup_default();
    setup.model.kv_heads = 7;
    assert_int_equal(cpb_setup_check(&setup, 8, &error), CPB_INVALID);
    assert_string_equal(error.message,
                        "7 key heads do not divide 64 query heads; 4 and 8 do");
    setup = cpb_setup_default();
    setup.profile.tile_k = 0;
    assert_int_equal(cpb_setup_check(&setup, 8, &error), CPB_INVALID);
    assert_string_equal(error.message, "tile_k 0 is outside 1 .. 65536");
    assert_int_equal(cpb_profile_find("h100", &profile, &error), CPB_INVALID);
    assert_string_equal(
        error.message,
        "unknown profile 'h100', did you mean 'h100-fa2'? Accepted: h100-fa2");
}

static void costs_beyond_64_bits_are_refused(void **state)
{
    cpb_setup setup = cpb_setup_default();
    cpb_mask *mask;
    cpb_work *work;
    (void)state;
    setup.profile.tile_q = setup.profile.tile_k = 64;
    setup.profile.forward.full_tile = INT64_C(1000000000000);
    assert_int_equal(
        cpb_mask_create_text("full:16777216", 0, NULL, NULL, NULL, &mask, NULL),
        CPB_OK);
    assert_int_equal(cpb_work_create(mask, &setup, NULL, &work, NULL), CPB_TOO_LARGE);
    assert_null(work);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_of_neighbouring_ranges_add_up_and_chunks_are_ranges),
        cmocka_unit_test(an_index_changes_no_cost),
        cmocka_unit_test(varlen_costs_equal_a_count_of_each_row),
        cmocka_unit_test(flex_costs_of_whole_q_tiles_equal_their_tiles),
        cmocka_unit_test(
            the_h100_profile_explains_the_published_timings_within_nine_percent),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(setups_out_of_range_are_refused_with_the_value),
        cmocka_unit_test(costs_beyond_64_bits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
