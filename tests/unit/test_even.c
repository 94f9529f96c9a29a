// SPDX-License-Identifier: Apache-2.0
/* The balancer `even`: laws, rivals, exhaustive search. */
#include "even_world.h"

static void sizes_are_as_promised_and_no_load_is_below_the_bound(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int32_t owner[MOST_CHUNKS];
    for (int trial = 0; trial < 1500; trial++) {
        scene *const s = new_scene();
        make_scene(&seed, s, trial % 10 ? 60 : 900, trial % 10 ? 12 : MOST_RANKS);
        if (trial % 3 == 0)
            make_ranks_differ(&seed, s);
        if (trial % 4 == 0)
            add_second_mask(&seed, s);
        run(cpb_balance_even, &s->view, owner);
        check_sizes(&s->view, owner);
        const size_t columns = s->view.n_columns ? s->view.n_columns : 1;
        for (size_t m = 0; m < columns; m++) {
            const int64_t *const cost = s->cost + m * (size_t)s->view.n_chunks;
            const int64_t *const carried =
                s->view.carried ? s->view.carried + m * (size_t)s->view.ranks : NULL;
            assert_true(largest_of(&s->view, cost, carried, owner) >=
                        bound_of(&s->view, cost, carried));
        }
        free(s);
    }
}

static void it_is_never_worse_than_a_snake_or_longest_first(void **state)
{
    (void)state;
    uint64_t seed = 2;
    int32_t owner[MOST_CHUNKS];
    for (int trial = 0; trial < 1000; trial++) {
        scene *const s = new_scene();
        make_scene(&seed, s, trial % 20 ? 80 : 1500, trial % 20 ? 12 : MOST_RANKS);
        s->view.cap = INT64_MAX;
        run(cpb_balance_even, &s->view, owner);
        const int64_t ours = largest_of(&s->view, s->cost, NULL, owner);
        run(cpb_balance_ptrr, &s->view, owner);
        assert_true(ours <= largest_of(&s->view, s->cost, NULL, owner));
        /* Uneven, min-heap may differ by more than one chunk. */
        run(cpb_balance_min_heap, &s->view, owner);
        if (s->view.sizes == CPB_EQUAL)
            assert_true(ours <= largest_of(&s->view, s->cost, NULL, owner));
        free(s);
    }
}

/* Exhaustive search over all owners that keep the sizes. */
typedef struct search {
    const cpb_view *view;
    int64_t least, most; /* chunks per rank */
    int64_t load[MOST_RANKS], count[MOST_RANKS];
    int64_t best;
} search;

static void deal_from(search *s, int64_t chunk, int64_t largest)
{
    const cpb_view *const view = s->view;
    if (largest >= s->best)
        return;
    if (chunk == view->n_chunks) {
        for (int32_t r = 0; r < view->ranks; r++)
            if (s->count[r] < s->least)
                return;
        s->best = largest;
        return;
    }
    for (int32_t r = 0; r < view->ranks; r++) {
        if (s->count[r] == s->most)
            continue;
        s->count[r]++;
        s->load[r] += view->cost[chunk];
        deal_from(s, chunk + 1, s->load[r] > largest ? s->load[r] : largest);
        s->load[r] -= view->cost[chunk];
        if (--s->count[r] == 0)
            break; /* empty ranks are alike */
    }
}

static void it_is_near_the_optimum_of_small_problems(void **state)
{
    (void)state;
    uint64_t seed = 3;
    int32_t owner[MOST_CHUNKS];
    int64_t optimal = 0, trials = 1000;
    for (int64_t trial = 0; trial < trials; trial++) {
        scene *const s = new_scene();
        make_scene(&seed, s, 10, 4);
        if (s->view.n_chunks > 12)
            set_view(s, 12, CHUNK, 4, CPB_EQUAL);
        s->view.cap = INT64_MAX;
        const int64_t n = s->view.n_chunks, ranks = s->view.ranks;
        search all = {.view = &s->view,
                      .least = n / ranks,
                      .most = (n + ranks - 1) / ranks,
                      .best = INT64_MAX};
        deal_from(&all, 0, 0);
        run(cpb_balance_even, &s->view, owner);
        const int64_t ours = largest_of(&s->view, s->cost, NULL, owner);
        assert_true(ours >= all.best);
        assert_true(ours * 100 <= all.best * 110);
        optimal += ours == all.best;
        if (n <= 2 * ranks && n % ranks == 0)
            assert_true(ours == all.best);
        free(s);
    }
    assert_true(optimal * 100 > trials * 95);
}

static int64_t gap_in_ppm(const scene *s, const int64_t *cost, const int64_t *carried,
                          const int32_t *owner)
{
    const int64_t bound = bound_of(&s->view, cost, carried);
    return (largest_of(&s->view, cost, carried, owner) - bound) * 1000000 / bound;
}

static void it_gets_near_the_bound_with_enough_chunks(void **state)
{
    (void)state;
    uint64_t seed = 4;
    int32_t owner[MOST_CHUNKS];
    for (int trial = 0; trial < 40; trial++) {
        scene *const s = new_scene();
        set_view(s, 1024, CHUNK, trial % 2 ? 32 : 17, CPB_UNEVEN);
        for (int64_t c = 0; c < s->view.n_chunks; c++)
            s->cost[c] = test_random(&seed, 1, 1000000);
        if (trial % 4 == 3)
            s->view.cap = 40 * CHUNK;
        run(cpb_balance_even, &s->view, owner);
        assert_true(gap_in_ppm(s, s->cost, NULL, owner) <= 300);

        make_ranks_differ(&seed, s);
        s->view.speeds = s->speeds;
        s->view.cap = 200 * CHUNK;
        run(cpb_balance_even, &s->view, owner);
        assert_true(gap_in_ppm(s, s->cost, s->view.carried, owner) <= 2000);
        free(s);
    }
}

static void each_mask_is_near_its_own_bound(void **state)
{
    (void)state;
    uint64_t seed = 5;
    int32_t owner[MOST_CHUNKS];
    for (int trial = 0; trial < 20; trial++) {
        scene *const s = new_scene();
        set_view(s, 1024, CHUNK, 32, CPB_EQUAL);
        int64_t in_document = 0;
        for (int64_t c = 0; c < 1024; c++) {
            in_document = test_random(&seed, 0, 40) ? in_document + 1 : 0;
            s->cost[c] = 1000 * in_document + 500;
            s->cost[1024 + c] = in_document < 32 ? s->cost[c] : 32000;
        }
        s->weights[0] = 1;
        s->weights[1] = 3;
        s->view.n_columns = 2;
        s->view.columns = s->cost;
        s->view.weights = s->weights;
        run(cpb_balance_even, &s->view, owner);
        assert_true(gap_in_ppm(s, s->cost, NULL, owner) <= 30000);
        assert_true(gap_in_ppm(s, s->cost + 1024, NULL, owner) <= 30000);
        free(s);
    }
}

static void the_same_view_gives_the_same_owners(void **state)
{
    (void)state;
    uint64_t seed = 6;
    int32_t first[MOST_CHUNKS], second[MOST_CHUNKS];
    for (int trial = 0; trial < 50; trial++) {
        scene *const s = new_scene();
        make_scene(&seed, s, 500, MOST_RANKS);
        if (trial % 2)
            add_second_mask(&seed, s);
        run(cpb_balance_even, &s->view, first);
        run(cpb_balance_even, &s->view, second);
        assert_memory_equal(first, second, (size_t)s->view.n_chunks * sizeof *first);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_as_promised_and_no_load_is_below_the_bound),
        cmocka_unit_test(it_is_never_worse_than_a_snake_or_longest_first),
        cmocka_unit_test(it_is_near_the_optimum_of_small_problems),
        cmocka_unit_test(it_gets_near_the_bound_with_enough_chunks),
        cmocka_unit_test(each_mask_is_near_its_own_bound),
        cmocka_unit_test(the_same_view_gives_the_same_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
