// SPDX-License-Identifier: Apache-2.0
/* What the tests of the balancer `even` share: views over costs, owners, loads. */
#ifndef CPB_TESTING_EVEN_WORLD_H
#define CPB_TESTING_EVEN_WORLD_H

#include "chunk_costs.h"

#include "../../src/balance/balance.h"
#include "../../src/balance/bound.h"

enum { CHUNK = 16, MOST_CHUNKS = 2048, MOST_RANKS = 64 };

/* A view over costs of its own, with room for what ranks may differ in. */
typedef struct scene {
    cpb_view view;
    int64_t cost[2 * MOST_CHUNKS];
    int64_t weights[2];
    int32_t speeds[MOST_RANKS];
    int64_t carried[2 * MOST_RANKS];
} scene;

static inline scene *new_scene(void)
{
    scene *const s = calloc(1, sizeof *s);
    assert_non_null(s);
    return s;
}

/* n chunks, the last of `last` tokens, for `ranks` ranks. */
static inline void set_view(scene *s, int64_t n, int64_t last, int32_t ranks,
                            cpb_sizes sizes)
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

static inline void make_scene(uint64_t *seed, scene *s, int64_t most_chunks,
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

static inline void make_ranks_differ(uint64_t *seed, scene *s)
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

static inline void add_second_mask(uint64_t *seed, scene *s)
{
    const int64_t n = s->view.n_chunks;
    fill_costs(seed, n, s->cost + n);
    s->weights[0] = test_random(seed, 1, 5);
    s->weights[1] = test_random(seed, 1, 5);
    s->view.n_columns = 2;
    s->view.columns = s->cost;
    s->view.weights = s->weights;
}

static inline int64_t speed_of(const cpb_view *view, int32_t rank)
{
    return view->speeds ? view->speeds[rank] : 1;
}

static inline int64_t fastest_of(const cpb_view *view)
{
    int64_t fastest = 1;
    for (int32_t r = 0; r < view->ranks; r++)
        fastest = speed_of(view, r) > fastest ? speed_of(view, r) : fastest;
    return fastest;
}

/* The owners that a balancer chooses; every position must be dealt exactly once. */
static inline void run(cpb_balance_fn *balance, const cpb_view *view, int32_t *owner)
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
static inline int64_t largest_of(const cpb_view *view, const int64_t *cost,
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

static inline cpb_seats seats_of(const cpb_view *view)
{
    return cpb_seats_of(view->sizes, view->tokens, view->chunk, view->ranks,
                        view->cap == INT64_MAX ? -1 : view->cap);
}

static inline int64_t bound_of(const cpb_view *view, const int64_t *cost,
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

static inline void check_sizes(const cpb_view *view, const int32_t *owner)
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

#endif
