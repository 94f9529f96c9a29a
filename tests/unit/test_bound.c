// SPDX-License-Identifier: Apache-2.0
/* Lower bounds against exhaustive search and against their own laws. */
#include "chunk_costs.h"

#include "../../src/balance/bound.h"

#include <string.h>

enum { MOST_CHUNKS = 12, MOST_RANKS = 12 };

/* Exhaustive search: the least largest scaled load of all ways to deal. */
typedef struct search {
    const cpb_load_problem *problem;
    int64_t fastest;
    int64_t load[MOST_RANKS];
    int64_t count[MOST_RANKS];
    int64_t best;
} search;

static int64_t speed_of(const cpb_load_problem *problem, int32_t rank)
{
    return problem->speeds ? problem->speeds[rank] : 1;
}

static int64_t worst_of(const search *s)
{
    int64_t worst = 0;
    for (int32_t r = 0; r < s->problem->ranks; r++) {
        const int64_t scaled =
            cpb_scaled_load(s->load[r], s->fastest, speed_of(s->problem, r));
        if (scaled > worst)
            worst = scaled;
    }
    return worst;
}

static void deal_from(search *s, int64_t chunk)
{
    const cpb_load_problem *const problem = s->problem;
    const int64_t worst = worst_of(s);
    if (worst >= s->best)
        return;
    if (chunk == problem->n) {
        for (int32_t r = 0; r < problem->ranks; r++)
            if (s->count[r] < problem->seats.least)
                return;
        s->best = worst;
        return;
    }
    for (int32_t r = 0; r < problem->ranks; r++) {
        if (s->count[r] == problem->seats.most)
            continue;
        s->count[r]++;
        s->load[r] += problem->cost[chunk];
        deal_from(s, chunk + 1);
        s->count[r]--;
        s->load[r] -= problem->cost[chunk];
        /* Empty ranks that are alike need not be tried twice. */
        if (s->count[r] == 0 && !problem->speeds && !problem->carried)
            break;
    }
}

static int64_t optimum(const cpb_load_problem *problem)
{
    search s = {.problem = problem, .fastest = 1, .best = INT64_MAX};
    for (int32_t r = 0; r < problem->ranks; r++) {
        if (speed_of(problem, r) > s.fastest)
            s.fastest = speed_of(problem, r);
        s.load[r] = problem->carried ? problem->carried[r] : 0;
    }
    deal_from(&s, 0);
    return s.best;
}

static int64_t bound_of(const cpb_load_problem *problem)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    int64_t bound = -1;
    assert_int_equal(cpb_load_bound(problem, &arena, &bound), CPB_OK);
    cpb_arena_free(&arena);
    return bound;
}

static cpb_seats random_seats(uint64_t *seed, int64_t n, int32_t ranks)
{
    const int64_t fair = (n + ranks - 1) / ranks;
    if (n % ranks == 0 && test_random(seed, 0, 2))
        return (cpb_seats){n / ranks, n / ranks};
    if (test_random(seed, 0, 1))
        return (cpb_seats){n / ranks, fair};
    return (cpb_seats){0, test_random(seed, fair, n)};
}

static void no_deal_is_below_the_bound(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int64_t tight = 0, trials = 4000;
    for (int64_t trial = 0; trial < trials; trial++) {
        const int64_t n = test_random(&seed, 1, 9);
        const int32_t ranks = (int32_t)test_random(&seed, 1, 4);
        int64_t cost[MOST_CHUNKS];
        fill_costs(&seed, n, cost);
        const cpb_load_problem problem = {.n = n,
                                          .cost = cost,
                                          .ranks = ranks,
                                          .seats = random_seats(&seed, n, ranks)};
        const int64_t best = optimum(&problem);
        const int64_t bound = bound_of(&problem);
        assert_true(bound <= best);
        tight += bound == best;
    }
    assert_true(tight * 10 > trials * 7);
}

static void no_deal_to_different_ranks_is_below_the_bound(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int trial = 0; trial < 3000; trial++) {
        const int64_t n = test_random(&seed, 1, 7);
        const int32_t ranks = (int32_t)test_random(&seed, 1, 4);
        int64_t cost[MOST_CHUNKS], carried[MOST_RANKS];
        int32_t speeds[MOST_RANKS];
        fill_costs(&seed, n, cost);
        for (int32_t r = 0; r < ranks; r++) {
            speeds[r] = (int32_t)test_random(&seed, 1, trial % 2 ? 3 : 1000);
            carried[r] = test_random(&seed, 0, 150);
        }
        const cpb_load_problem problem = {.n = n,
                                          .cost = cost,
                                          .ranks = ranks,
                                          .seats = random_seats(&seed, n, ranks),
                                          .speeds = trial % 3 ? speeds : NULL,
                                          .carried = trial % 5 ? carried : NULL};
        assert_true(bound_of(&problem) <= optimum(&problem));
    }
}

static void equal_speeds_scale_nothing(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int trial = 0; trial < 300; trial++) {
        const int64_t n = test_random(&seed, 1, MOST_CHUNKS);
        const int32_t ranks = (int32_t)test_random(&seed, 1, 4);
        int64_t cost[MOST_CHUNKS];
        int32_t speeds[MOST_RANKS];
        fill_costs(&seed, n, cost);
        for (int32_t r = 0; r < ranks; r++)
            speeds[r] = 17;
        const cpb_load_problem plain = {.n = n,
                                        .cost = cost,
                                        .ranks = ranks,
                                        .seats = random_seats(&seed, n, ranks)};
        cpb_load_problem scaled = plain;
        scaled.speeds = speeds;
        /* The bound for ranks that differ knows fewer arguments. */
        assert_true(bound_of(&scaled) <= bound_of(&plain));
        assert_true(bound_of(&scaled) * ranks >= bound_of(&plain) - ranks);
    }
}

static void one_or_two_chunks_per_rank_are_solved_exactly(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int trial = 0; trial < 500; trial++) {
        const int32_t ranks = (int32_t)test_random(&seed, 1, 6);
        for (int64_t k = 1; k <= 2; k++) {
            int64_t cost[MOST_CHUNKS];
            fill_costs(&seed, k * ranks, cost);
            const cpb_load_problem problem = {
                .n = k * ranks, .cost = cost, .ranks = ranks, .seats = {k, k}};
            if (k * ranks <= 8)
                assert_true(bound_of(&problem) == optimum(&problem));
        }
    }
}

static void a_causal_lattice_rounds_the_mean_up(void **state)
{
    (void)state;
    /* Costs 3 + 7 i: two chunks make 6 + 7 j, three make 9 + 7 j. */
    const int64_t cost[] = {3, 10, 17, 24, 31, 38};
    const cpb_load_problem even = {.n = 4, .cost = cost, .ranks = 2, .seats = {2, 2}};
    const cpb_load_problem odd = {.n = 6, .cost = cost, .ranks = 2, .seats = {3, 3}};
    assert_true(bound_of(&even) == 27);
    assert_true(bound_of(&odd) == 65 && optimum(&odd) == 65);
}

static void extremes_do_not_overflow(void **state)
{
    (void)state;
    const int64_t giant[] = {INT64_C(1) << 61, 0, 0, 0};
    const cpb_load_problem one = {.n = 4, .cost = giant, .ranks = 2, .seats = {2, 2}};
    assert_true(bound_of(&one) == giant[0]);

    const int64_t zeros[4] = {0};
    const cpb_load_problem nothing = {
        .n = 4, .cost = zeros, .ranks = 4, .seats = {1, 1}};
    assert_true(bound_of(&nothing) == 0);

    const int32_t speeds[] = {CPB_MAX_SPEED, 1};
    const int64_t heavy[] = {INT64_C(1) << 41, 0};
    const cpb_load_problem apart = {
        .n = 2, .cost = heavy, .ranks = 2, .seats = {0, 2}, .speeds = speeds};
    assert_true(bound_of(&apart) == heavy[0]);

    /* The slow rank must take one of two chunks that are too much for it. */
    const int64_t endless[] = {INT64_C(1) << 59, INT64_C(1) << 59};
    const cpb_load_problem forced = {
        .n = 2, .cost = endless, .ranks = 2, .seats = {1, 1}, .speeds = speeds};
    assert_true(bound_of(&forced) == CPB_MOST_SCALED);
    assert_true(optimum(&forced) == CPB_MOST_SCALED);
}

static void seats_follow_sizes_and_cap(void **state)
{
    (void)state;
    const struct {
        cpb_sizes sizes;
        int64_t tokens, chunk;
        int32_t ranks;
        int64_t cap;
        cpb_seats seats;
    } cases[] = {
        {CPB_EQUAL, 1024, 128, 4, -1, {2, 2}},
        {CPB_UNEVEN, 1000, 128, 3, -1, {0, 3}},
        {CPB_UNEVEN, 1000, 128, 3, 384, {0, 3}},
        {CPB_UNEVEN, 1000, 128, 3, 360, {0, 3}}, /* two whole and the last of 104 */
        {CPB_UNEVEN, 1000, 128, 3, 359, {0, 2}},
        {CPB_UNEVEN, 1000, 128, 3, 100, {0, 0}},
        {CPB_UNEVEN, 1000, 128, 3, 5000, {0, 8}},
        {CPB_UNEVEN, 3, 128, 5, -1, {0, 1}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const cpb_seats seats =
            cpb_seats_of(cases[i].sizes, cases[i].tokens, cases[i].chunk,
                         cases[i].ranks, cases[i].cap);
        assert_true(seats.least == cases[i].seats.least);
        assert_true(seats.most == cases[i].seats.most);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 4096 };
    static int64_t cost[N];
    const cpb_load_problem problem = {
        .n = N, .cost = cost, .ranks = 4, .seats = {N / 4, N / 4}};
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t allowed = 0; status != CPB_OK; allowed++) {
        test_ration ration = {.left = allowed};
        cpb_arena arena = {.allocator = test_ration_allocator(&ration)};
        int64_t bound;
        status = cpb_load_bound(&problem, &arena, &bound);
        assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
        cpb_arena_free(&arena);
        assert_int_equal(ration.out, 0);
        assert_true(allowed < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_deal_is_below_the_bound),
        cmocka_unit_test(no_deal_to_different_ranks_is_below_the_bound),
        cmocka_unit_test(equal_speeds_scale_nothing),
        cmocka_unit_test(one_or_two_chunks_per_rank_are_solved_exactly),
        cmocka_unit_test(a_causal_lattice_rounds_the_mean_up),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(seats_follow_sizes_and_cap),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
