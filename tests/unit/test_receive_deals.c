// SPDX-License-Identifier: Apache-2.0
/* Bounds of traffic against every deal of single tokens to ranks. */
#include "mask_grid.h"

#include "../../src/read/receive_bound.h"

enum { MOST_TOKENS = 12, MOST_RANKS = 4, MOST_WEIGHT = 2 * MOST_TOKENS * MOST_TOKENS };

/* The least that any deal receives whose heaviest rank has some weight, or less. */
typedef struct frontier {
    int64_t total[MOST_WEIGHT + 1], most[MOST_WEIGHT + 1];
} frontier;

typedef struct table {
    const cpb_receive_problem *problem;
    int64_t tokens;
    uint32_t sees[MOST_TOKENS]; /* keys of a query, a bit each */
    uint32_t held[MOST_RANKS];
    frontier best;
} table;

static void add_deal(table *t)
{
    int64_t heaviest = 0, total = 0, most = 0;
    for (int32_t r = 0; r < t->problem->ranks; r++) {
        int64_t pairs = 0, tokens = 0;
        uint32_t needed = 0;
        for (int64_t q = 0; q < t->tokens; q++)
            if (t->held[r] >> q & 1) {
                pairs += __builtin_popcount(t->sees[q]);
                needed |= t->sees[q];
                tokens++;
            }
        const int64_t weight =
            pairs * t->problem->per_pair + tokens * t->problem->per_token;
        const int64_t keys = __builtin_popcount(needed & ~t->held[r]);
        heaviest = weight > heaviest ? weight : heaviest;
        most = keys > most ? keys : most;
        total += keys;
    }
    if (total < t->best.total[heaviest])
        t->best.total[heaviest] = total;
    if (most < t->best.most[heaviest])
        t->best.most[heaviest] = most;
}

/* All deals but for the names of ranks: token `q` and those behind it go to the first
 * `used` ranks or one more. */
static void every_deal(table *t, int64_t q, int32_t used)
{
    if (q == t->tokens) {
        add_deal(t);
        return;
    }
    for (int32_t r = 0; r <= used && r < t->problem->ranks; r++) {
        if (__builtin_popcount(t->held[r]) == t->problem->largest)
            continue;
        t->held[r] |= 1u << q;
        every_deal(t, q + 1, r == used ? used + 1 : used);
        t->held[r] &= ~(1u << q);
    }
}

static void find_frontier(table *t)
{
    const cpb_mask *const mask = t->problem->mask;
    static grid g;
    g = (grid){.tokens = cpb_mask_tokens(mask)};
    t->tokens = g.tokens;
    for (size_t i = 0; i < cpb_mask_n_slices(mask); i++)
        grid_add(&g, &cpb_mask_slices(mask)[i]);
    for (int64_t q = 0; q < t->tokens; q++)
        for (int64_t k = 0; k < t->tokens; k++)
            t->sees[q] |= (uint32_t)g.count[q * MOST + k] << k;
    for (int w = 0; w <= MOST_WEIGHT; w++)
        t->best.total[w] = t->best.most[w] = INT64_MAX;
    every_deal(t, 0, 0);
    for (int w = 1; w <= MOST_WEIGHT; w++) {
        if (t->best.total[w - 1] < t->best.total[w])
            t->best.total[w] = t->best.total[w - 1];
        if (t->best.most[w - 1] < t->best.most[w])
            t->best.most[w] = t->best.most[w - 1];
    }
}

static cpb_receive_floor bound_of(const cpb_receive_problem *problem)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    cpb_receive_floor bound;
    assert_int_equal(cpb_receive_bound(problem, &arena, &bound), CPB_OK);
    cpb_arena_free(&arena);
    return bound;
}

/* How often a bound of the total is above 0 where the limit begins to admit a deal that
 * receives less, and how often it is what that deal receives. */
typedef struct tally {
    int64_t above_zero, reached;
} tally;

/* No deal is below the bounds, whatever the limit. */
static void assert_all_above(cpb_receive_problem problem, tally *sum)
{
    static table t;
    t = (table){.problem = &problem};
    find_frontier(&t);
    for (int w = 0; w <= MOST_WEIGHT; w++) {
        problem.limit = w;
        if (t.best.total[w] == INT64_MAX)
            continue;
        const cpb_receive_floor bound = bound_of(&problem);
        assert_true(bound.total <= t.best.total[w]);
        assert_true(bound.most <= t.best.most[w]);
        const bool new_least = !w || t.best.total[w] < t.best.total[w - 1];
        sum->above_zero += new_least && bound.total > 0;
        sum->reached += new_least && bound.total == t.best.total[w] && bound.total > 0;
    }
}

static cpb_mask *mask_of(const char *family, const int64_t *lengths, size_t n)
{
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create_text(family, n, lengths, NULL, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

/* Random documents under one of `n_families` in turn. */
static tally deal_families(const char *const *families, int n_families, int rounds)
{
    uint64_t seed = 7;
    tally sum = {0};
    for (int round = 0; round < rounds; round++) {
        int64_t lengths[4];
        const int32_t ranks = (int32_t)test_random(&seed, 2, MOST_RANKS);
        const int64_t tokens = test_random(&seed, 6, MOST_TOKENS);
        const size_t n =
            test_lengths(&seed, tokens, (size_t)test_random(&seed, 1, 4), lengths);
        cpb_mask *const mask = mask_of(families[round % n_families], lengths, n);
        const int64_t largest = (tokens - 1) / ranks + 1 + test_random(&seed, 0, 3) / 3;
        assert_all_above(
            (cpb_receive_problem){.mask = mask,
                                  .ranks = ranks,
                                  .positions =
                                      test_random(&seed, tokens, ranks * largest),
                                  .largest = largest,
                                  .limited = true,
                                  .per_pair = 1,
                                  .per_token = test_random(&seed, 0, 2) / 2},
            &sum);
        cpb_mask_free(mask);
    }
    return sum;
}

static void no_deal_of_windows_in_documents_is_below_the_bounds(void **state)
{
    static const char *const families[] = {"window:2", "window:3", "window:4",
                                           "window:5", "window:6"};
    (void)state;
    const tally sum = deal_families(families, (int)COUNT_OF(families), 300);
    assert_true(sum.reached * 3 > sum.above_zero && sum.above_zero > 100);
}

static void no_deal_of_whole_documents_is_below_the_bounds(void **state)
{
    static const char *const families[] = {"documents", "documents-full",
                                           "causal-blocks"};
    (void)state;
    const tally sum = deal_families(families, (int)COUNT_OF(families), 90);
    assert_true(sum.reached * 3 > sum.above_zero && sum.above_zero > 100);
}

static void no_deal_of_windows_both_ways_is_below_the_bounds(void **state)
{
    static const char *const families[] = {"window-both:2", "window-both:3",
                                           "window-both:4"};
    (void)state;
    const tally sum = deal_families(families, (int)COUNT_OF(families), 90);
    assert_true(sum.reached * 5 > sum.above_zero && sum.above_zero > 100);
}

static void memory_may_end(void **state)
{
    enum { DOCUMENTS = 4000, RANKS = 50, SHARE = 5 * DOCUMENTS / RANKS };
    static int64_t lengths[DOCUMENTS];
    for (int i = 0; i < DOCUMENTS; i++)
        lengths[i] = 5;
    cpb_mask *const mask = mask_of("window:3", lengths, DOCUMENTS);
    const cpb_receive_problem problem = {.mask = mask,
                                         .ranks = RANKS,
                                         .positions = 5 * DOCUMENTS,
                                         .largest = SHARE,
                                         .limited = true,
                                         .per_pair = 1,
                                         .limit = SHARE * 12 / 5};
    cpb_status status = CPB_NO_MEMORY;
    int64_t most = 0;
    (void)state;
    for (; status == CPB_NO_MEMORY; most++) {
        test_ration ration = {.left = most};
        cpb_arena arena = {.allocator = test_ration_allocator(&ration)};
        cpb_receive_floor bound;
        status = cpb_receive_bound(&problem, &arena, &bound);
        cpb_arena_free(&arena);
        assert_int_equal(ration.out, 0);
    }
    assert_int_equal(status, CPB_OK);
    assert_true(most > 10);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_deal_of_windows_in_documents_is_below_the_bounds),
        cmocka_unit_test(no_deal_of_whole_documents_is_below_the_bounds),
        cmocka_unit_test(no_deal_of_windows_both_ways_is_below_the_bounds),
        cmocka_unit_test(memory_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
