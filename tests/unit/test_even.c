// SPDX-License-Identifier: Apache-2.0
/* The balancer `even`: laws, rivals, exhaustive search. */
#include "chunk_costs.h"

#include "../../src/balance/balance.h"
#include "../../src/balance/bound.h"

#include <string.h>

enum { CHUNK = 16, MOST_CHUNKS = 2048, MOST_RANKS = 64 };

/* A view over costs of its own, with room for what ranks may differ in. */
typedef struct scene {
    cpb_view view;
    int64_t cost[2 * MOST_CHUNKS];
    int64_t weights[2];
    int32_t speeds[MOST_RANKS];
    int64_t carried[2 * MOST_RANKS];
} scene;

static scene *new_scene(void)
{
    scene *const s = calloc(1, sizeof *s);
    assert_non_null(s);
    return s;
}

/* n chunks, the last of `last` tokens, for `ranks` ranks. */
static void set_view(scene *s, int64_t n, int64_t last, int32_t ranks, cpb_sizes sizes)
{
    s->view = (cpb_view){.ranks = ranks,
                         .tokens = (n - 1) * CHUNK + last,
                         .sizes = sizes,
                         .cap = INT64_MAX,
                         .effort = CPB_EFFORT_DEFAULT,
                         .chunk = CHUNK,
                         .n_chunks = n,
                         .cost = s->cost};
}

static void make_scene(uint64_t *seed, scene *s, int64_t most_chunks,
                       int32_t most_ranks)
{
    const int32_t ranks = (int32_t)test_random(seed, 1, most_ranks);
    int64_t n = test_random(seed, 1, most_chunks);
    const bool equal = test_random(seed, 0, 1);
    if (equal)
        n = (n + ranks - 1) / ranks * ranks;
    set_view(s, n, equal ? CHUNK : test_random(seed, 1, CHUNK), ranks,
             equal ? CPB_EQUAL : CPB_UNEVEN);
    fill_costs(seed, n, s->cost);
    if (!equal && test_random(seed, 0, 2) == 0)
        s->view.cap = (n + ranks - 1) / ranks * CHUNK + test_random(seed, 0, 5 * CHUNK);
    s->view.effort = (cpb_effort)test_random(seed, 0, 2);
}

static void make_ranks_differ(uint64_t *seed, scene *s)
{
    for (int32_t r = 0; r < s->view.ranks; r++) {
        s->speeds[r] = (int32_t)test_random(seed, 50, 100);
        s->carried[r] = test_random(seed, 0, 500);
        s->carried[s->view.ranks + r] = test_random(seed, 0, 500);
    }
    if (test_random(seed, 0, 1))
        s->view.speeds = s->speeds;
    if (test_random(seed, 0, 1))
        s->view.carried = s->carried;
}

static void add_second_mask(uint64_t *seed, scene *s)
{
    const int64_t n = s->view.n_chunks;
    fill_costs(seed, n, s->cost + n);
    s->weights[0] = test_random(seed, 1, 5);
    s->weights[1] = test_random(seed, 1, 5);
    s->view.n_columns = 2;
    s->view.columns = s->cost;
    s->view.weights = s->weights;
}

static int64_t speed_of(const cpb_view *view, int32_t rank)
{
    return view->speeds ? view->speeds[rank] : 1;
}

static int64_t fastest_of(const cpb_view *view)
{
    int64_t fastest = 1;
    for (int32_t r = 0; r < view->ranks; r++)
        fastest = speed_of(view, r) > fastest ? speed_of(view, r) : fastest;
    return fastest;
}

/* The owners that a balancer chooses; every position must be dealt exactly once. */
static void run(cpb_balance_fn *balance, const cpb_view *view, int32_t *owner)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    cpb_deal deal = {.arena = &arena};
    cpb_error error;
    assert_int_equal(balance(view, &deal, &error), CPB_OK);
    assert_int_equal(deal.n, view->n_chunks);
    for (int64_t c = 0; c < view->n_chunks; c++)
        owner[c] = -1;
    for (size_t i = 0; i < deal.n; i++) {
        const cpb_piece piece = deal.pieces[i];
        const int64_t end = piece.begin + CHUNK;
        assert_int_equal(piece.begin % CHUNK, 0);
        assert_int_equal(piece.end, end < view->tokens ? end : view->tokens);
        assert_in_range(piece.rank, 0, view->ranks - 1);
        assert_int_equal(owner[piece.begin / CHUNK], -1);
        owner[piece.begin / CHUNK] = piece.rank;
    }
    cpb_arena_free(&arena);
}

/* The largest scaled load of one column. */
static int64_t largest_of(const cpb_view *view, const int64_t *cost,
                          const int64_t *carried, const int32_t *owner)
{
    int64_t load[MOST_CHUNKS] = {0}, largest = 0;
    for (int64_t c = 0; c < view->n_chunks; c++)
        load[owner[c]] += cost[c];
    for (int32_t r = 0; r < view->ranks; r++) {
        const int64_t scaled = cpb_scaled_load(load[r] + (carried ? carried[r] : 0),
                                               fastest_of(view), speed_of(view, r));
        largest = scaled > largest ? scaled : largest;
    }
    return largest;
}

static cpb_seats seats_of(const cpb_view *view)
{
    return cpb_seats_of(view->sizes, view->tokens, view->chunk, view->ranks,
                        view->cap == INT64_MAX ? -1 : view->cap);
}

static int64_t bound_of(const cpb_view *view, const int64_t *cost,
                        const int64_t *carried)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    const cpb_load_problem problem = {.n = view->n_chunks,
                                      .cost = cost,
                                      .ranks = view->ranks,
                                      .seats = seats_of(view),
                                      .speeds = view->speeds,
                                      .carried = carried};
    int64_t bound = -1;
    assert_int_equal(cpb_load_bound(&problem, &arena, &bound), CPB_OK);
    cpb_arena_free(&arena);
    return bound;
}

static void check_sizes(const cpb_view *view, const int32_t *owner)
{
    const int64_t n = view->n_chunks;
    for (int32_t r = 0; r < view->ranks; r++) {
        int64_t count = 0;
        for (int64_t c = 0; c < n; c++)
            count += owner[c] == r;
        const int64_t held =
            count * CHUNK - (owner[n - 1] == r ? n * CHUNK - view->tokens : 0);
        if (view->cap != INT64_MAX)
            assert_true(held <= view->cap);
        else
            assert_in_range(count, n / view->ranks,
                            (n + view->ranks - 1) / view->ranks);
    }
}

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

static void extremes_are_dealt_like_anything_else(void **state)
{
    (void)state;
    int32_t owner[MOST_CHUNKS];
    scene *const s = new_scene();

    set_view(s, 64, CHUNK, 8, CPB_EQUAL); /* all zero */
    run(cpb_balance_even, &s->view, owner);
    check_sizes(&s->view, owner);

    s->cost[5] = INT64_MAX / 4; /* one giant among zeros */
    run(cpb_balance_even, &s->view, owner);
    assert_true(largest_of(&s->view, s->cost, NULL, owner) == INT64_MAX / 4);
    s->view.sizes = CPB_UNEVEN;
    s->view.cap = 20 * CHUNK;
    run(cpb_balance_even, &s->view, owner);
    check_sizes(&s->view, owner);

    s->speeds[0] = CPB_MAX_SPEED; /* the largest sums and ratios that pass the door */
    for (int32_t r = 1; r < 8; r++)
        s->speeds[r] = 1;
    s->carried[3] = INT64_MAX / 4;
    s->view.speeds = s->speeds;
    s->view.carried = s->carried;
    for (int sizes = CPB_EQUAL; sizes <= CPB_UNEVEN; sizes++) {
        s->view.sizes = (cpb_sizes)sizes;
        run(cpb_balance_even, &s->view, owner);
        check_sizes(&s->view, owner);
    }
    s->view.speeds = NULL;
    s->view.carried = NULL;

    s->view.n_columns = 2; /* the second mask is empty */
    s->view.columns = s->cost;
    run(cpb_balance_even, &s->view, owner);
    assert_true(largest_of(&s->view, s->cost, NULL, owner) == INT64_MAX / 4);

    set_view(s, 3, 1, 8, CPB_UNEVEN); /* more ranks than chunks */
    run(cpb_balance_even, &s->view, owner);
    check_sizes(&s->view, owner);
    set_view(s, 64, 3, 1, CPB_UNEVEN);
    run(cpb_balance_even, &s->view, owner);
    free(s);
}

static void a_cap_that_cannot_be_kept_is_refused_with_what_suffices(void **state)
{
    (void)state;
    scene *const s = new_scene();
    const struct {
        int64_t n, last;
        int32_t ranks;
        cpb_sizes sizes;
        int64_t cap;
        const char *sentence; /* NULL: it can be kept */
    } cases[] = {
        {10, CHUNK, 4, CPB_UNEVEN, 3 * CHUNK, NULL},
        {10, CHUNK, 4, CPB_UNEVEN, 3 * CHUNK - 1, "room for 8 of 10 chunks"},
        {10, CHUNK, 4, CPB_UNEVEN, 0, "room for 0 of 10 chunks"},
        {8, CHUNK, 4, CPB_EQUAL, 2 * CHUNK, NULL},
        {8, CHUNK, 4, CPB_EQUAL, 2 * CHUNK - 1, "32 tokens suffice"},
        {1, 5, 1, CPB_UNEVEN, 5, NULL}, /* the short last chunk fits */
        {5, 5, 2, CPB_UNEVEN, 2 * CHUNK + 5, NULL},
        {5, 5, 2, CPB_UNEVEN, 2 * CHUNK + 4, "room for 4 of 5 chunks"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        set_view(s, cases[i].n, cases[i].last, cases[i].ranks, cases[i].sizes);
        s->view.cap = cases[i].cap;
        cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_deal deal = {.arena = &arena};
        cpb_error error = {.message = ""};
        const cpb_status status = cpb_balance_even(&s->view, &deal, &error);
        assert_int_equal(status, cases[i].sentence ? CPB_UNSUPPORTED : CPB_OK);
        if (cases[i].sentence)
            assert_non_null(strstr(error.message, cases[i].sentence));
        cpb_arena_free(&arena);
    }
    free(s);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t seed = 7;
    scene *const s = new_scene();
    set_view(s, MOST_CHUNKS, CHUNK, MOST_RANKS, CPB_EQUAL);
    for (int64_t c = 0; c < MOST_CHUNKS; c++)
        s->cost[c] = test_random(&seed, 0, 1) ? test_random(&seed, 0, 1 << 30) : 0;
    for (int masks = 0; masks <= 2; masks += 2) {
        s->view.n_columns = (size_t)masks;
        s->view.columns = s->cost;
        cpb_status status = CPB_NO_MEMORY;
        for (int64_t allowed = 0; status != CPB_OK; allowed++) {
            test_ration ration = {.left = allowed};
            cpb_arena arena = {.allocator = test_ration_allocator(&ration)};
            cpb_deal deal = {.arena = &arena};
            status = cpb_balance_even(&s->view, &deal, NULL);
            assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
            cpb_arena_free(&arena);
            assert_int_equal(ration.out, 0);
            assert_true(allowed < 100);
        }
        set_view(s, MOST_CHUNKS / 2, CHUNK, MOST_RANKS, CPB_EQUAL);
    }
    free(s);
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
        cmocka_unit_test(extremes_are_dealt_like_anything_else),
        cmocka_unit_test(a_cap_that_cannot_be_kept_is_refused_with_what_suffices),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
