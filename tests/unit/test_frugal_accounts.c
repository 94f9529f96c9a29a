// SPDX-License-Identifier: Apache-2.0
/* What a board of the balancer `frugal` keeps up to date, against the score of the plan
 * that it is. */
#include "frugal_world.h"

#include "../../src/balance/frugal_count.h"
#include "../../src/balance/frugal_propose.h"
#include "../../src/balance/frugal_reckon.h"
#include "../../src/planner/view.h"

#include <string.h>

/* A board over a view of masks, and what it stands on. */
typedef struct scene {
    cpb_arena arena;
    cpb_view view;
    cpb_isles isles;
    cpb_goals goals;
    cpb_board board;
} scene;

static void set_scene(scene *s, const cpb_masks *masks, const cpb_options *options)
{
    const cpb_balancer *row = cpb_balancers;
    while (strcmp(row->name, "frugal") != 0)
        row++;
    *s = (scene){.arena = {.allocator = cpb_allocator_or_default(NULL)}};
    assert_int_equal(cpb_view_create(row, masks, options, &s->arena, &s->view, NULL),
                     CPB_OK);
    assert_int_equal(cpb_isles_find(&s->view, &s->arena, &s->isles), CPB_OK);
    assert_int_equal(cpb_goals_set(&s->view, &s->arena, &s->goals, NULL), CPB_OK);
    assert_int_equal(
        cpb_board_create(&s->view, &s->isles, &s->goals, &s->arena, &s->board), CPB_OK);
}

/* Hand a random part of a random isle to a random rank, traffic kept up to date. */
static void give_at_random(uint64_t *seed, scene *s)
{
    const int32_t isle = (int32_t)test_random(seed, 0, s->isles.n - 1);
    const int32_t begin = isle ? s->isles.end[isle - 1] : 0;
    const int32_t at = (int32_t)test_random(seed, begin, s->isles.end[isle] - 1);
    const int32_t id = cpb_board_find(&s->board, isle, at);
    const int32_t end = s->board.patch[id].end;
    const int32_t twice[2] = {isle, isle};
    assert_int_equal(cpb_board_flow(&s->board, isle, -1), CPB_OK);
    assert_int_equal(cpb_board_link(&s->board, 2, twice, -1), CPB_OK);
    assert_true(cpb_board_give(&s->board, id, at,
                               (int32_t)test_random(seed, at + 1, end),
                               (int32_t)test_random(seed, 0, s->view.ranks - 1)) >= 0);
    assert_int_equal(cpb_board_flow(&s->board, isle, 1), CPB_OK);
    assert_int_equal(cpb_board_link(&s->board, 2, twice, 1), CPB_OK);
}

enum { MOST_RANKS = 64 };

/* The score of the plan that a board is, and of each rank. */
static cpb_score score_board(const scene *s, const cpb_masks *masks,
                             const cpb_setup *setup, cpb_rank_score *cells)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    cpb_deal deal = {.arena = &arena};
    cpb_plan *plan;
    cpb_score score;
    assert_int_equal(cpb_deal_reserve(&deal, (size_t)s->board.n), CPB_OK);
    for (int32_t id = s->board.isle_first[0]; id >= 0; id = s->board.patch[id].next)
        cpb_deal_add(&deal, s->board.patch[id].rank,
                     cpb_clipped(&s->view, &s->board.patch[id]));
    const cpb_plan_parts parts = {.tokens = s->view.tokens,
                                  .padding = s->view.padding,
                                  .ranks = s->view.ranks,
                                  .n_pieces = deal.n,
                                  .pieces = deal.pieces,
                                  .promise = {.chunk = 1, .granularity = 1, .cap = -1},
                                  .balancer = ""};
    assert_int_equal(cpb_plan_build(&parts, NULL, &plan, NULL), CPB_OK);
    assert_int_equal(
        cpb_score_plan(plan, masks, setup, NULL, &score, cells, NULL, NULL), CPB_OK);
    cpb_plan_free(plan);
    cpb_arena_free(&arena);
    return score;
}

/* Loads, runs and traffic of the board against the score of the plan that it is. */
static void assert_accounts(const scene *s, const cpb_masks *masks,
                            const cpb_setup *setup)
{
    cpb_rank_score cells[MOST_RANKS];
    const cpb_score score = score_board(s, masks, setup, cells);
    int64_t in = 0, out = 0;
    for (int32_t c = 0; c < s->board.n_cards; c++) {
        in = s->board.in[c] > in ? s->board.in[c] : in;
        out = s->board.out[c] > out ? s->board.out[c] : out;
        if (setup->nodes)
            continue;
        assert_int_equal(s->board.in[c], cells[c].receive);
        assert_int_equal(s->board.out[c], cells[c].send);
    }
    if (setup->nodes) {
        assert_int_equal(in, score.net_in_max);
        assert_int_equal(out, score.net_out_max);
    }
    for (int32_t r = 0; r < s->view.ranks; r++) {
        const int64_t load = s->board.load[r];
        assert_int_equal(load, cells[r].load);
        assert_int_equal(s->board.runs[r], cells[r].runs);
        assert_true(!s->board.peers.n || s->board.peers.n[r] == cells[r].peers);
    }
}

static void accounts_are_those_of_the_score(void **state)
{
    int64_t lengths[1024];
    uint64_t seed = 1;
    (void)state;
    for (size_t round = 0; round < 300; round++) {
        const size_t n = draw_lengths(&seed, 700, lengths);
        cpb_mask *const one = mask_of(families[round % N_FAMILIES], n, lengths);
        cpb_mask *const two = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {one, two};
        const int64_t weights[] = {3, 2};
        const cpb_masks masks = {(size_t)test_random(&seed, 1, 2), list, weights};
        cpb_options options = options_of("frugal", (int32_t)test_random(&seed, 1, 9));
        options.sizes = CPB_UNEVEN; /* pads count as runs of a board */
        options.setup.kernel = CPB_VARLEN;
        options.setup.cost = CPB_PAIRS;
        options.peers = (int32_t)test_random(&seed, -1, 3);
        if (options.ranks % 3 == 0 && test_random(&seed, 0, 1))
            options.setup.nodes = options.ranks / 3;
        scene s;
        set_scene(&s, &masks, &options);
        for (int i = 0; i < 40; i++)
            give_at_random(&seed, &s);
        assert_accounts(&s, &masks, &options.setup);
        cpb_view_free(&s.view);
        cpb_arena_free(&s.arena);
        cpb_mask_free(one);
        cpb_mask_free(two);
    }
}

/* Swaps that a climb proposes, reckoned and carried out; those that help stay. Returns how
 * many were of three ends. */
static int try_swaps(scene *s, int64_t tries)
{
    cpb_climb climb;
    int of_three = 0;
    cpb_climb_start(&climb, &s->board, s->goals.limit);
    for (int64_t i = 0; i < tries; i++) {
        cpb_swap swap;
        if (!cpb_propose(&climb, (int32_t)(i % s->view.ranks), &swap))
            continue;
        const cpb_sum reckoned = cpb_swap_change(&climb, &swap);
        assert_true(cpb_swap_carry_out(&climb, &swap) == reckoned);
        of_three += swap.n == 3;
        if (reckoned > 0)
            cpb_swap_take_back(&climb, &swap);
    }
    return of_three;
}

/* Where islands are nested, alone or bundled, cut by the grid or not, with and without
 * nodes. */
static void swaps_change_what_is_reckoned(void **state)
{
    int64_t lengths[1024];
    uint64_t seed = 10;
    int of_three = 0;
    (void)state;
    for (size_t round = 0; round < 200; round++) {
        const size_t n = draw_lengths(&seed, 700, lengths);
        cpb_mask *const mask = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {mask, mask};
        const int64_t weights[] = {3, 2};
        const cpb_masks masks = {(size_t)test_random(&seed, 1, 2), list, weights};
        cpb_options options = options_of("frugal", (int32_t)test_random(&seed, 2, 9));
        options.setup.kernel = (cpb_kernel)test_random(&seed, CPB_FLEX, CPB_VARLEN);
        options.setup.cost = CPB_PAIRS;
        options.chunk = test_random(&seed, 1, 20);
        options.tolerance_ppm = test_random(&seed, 0, 200000);
        if (options.ranks % 3 == 0 && test_random(&seed, 0, 1))
            options.setup.nodes = options.ranks / 3;
        scene s;
        set_scene(&s, &masks, &options);
        assert_true(cpb_reckons(&s.board));
        for (int i = 0; i < 40; i++)
            give_at_random(&seed, &s);
        of_three += try_swaps(&s, 300);
        cpb_view_free(&s.view);
        cpb_arena_free(&s.arena);
        cpb_mask_free(mask);
    }
    assert_true(of_three > 100);
}

/* Setups where costs of runs do not add up to loads, each for its own reason. */
static cpb_setup uneasy_setup(uint64_t *seed)
{
    cpb_setup setup = cpb_setup_default();
    setup.kernel = (cpb_kernel)test_random(seed, CPB_FLEX, CPB_RECURRENT);
    setup.cost = (cpb_cost)test_random(seed, CPB_TILES, CPB_PROFILE_TIME);
    setup.transport = (cpb_transport)test_random(seed, CPB_EXCHANGE, CPB_ALLGATHER);
    setup.backward = test_random(seed, 0, 1);
    setup.profile.tile_q = test_random(seed, 5, 20);
    setup.profile.tile_k = test_random(seed, 5, 20);
    setup.profile.forward.full_tile -= test_random(seed, 0, 1000);
    setup.profile.forward.kv_tile = test_random(seed, 0, 1) * 777;
    setup.profile.received_key = test_random(seed, 0, 1) * 99;
    setup.profile.token = test_random(seed, 0, 5);
    return setup;
}

/* Shards that stay between two counts are not counted again. */
static void counted_loads_are_those_of_the_score(void **state)
{
    int64_t lengths[1024];
    uint64_t seed = 8;
    int counts = 0;
    (void)state;
    for (size_t round = 0; round < 400; round++) {
        const size_t n = draw_lengths(&seed, 700, lengths);
        cpb_mask *const one = mask_of(families[round % N_FAMILIES], n, lengths);
        cpb_mask *const two = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {one, two};
        const int64_t weights[] = {3, 2};
        const cpb_masks masks = {(size_t)test_random(&seed, 1, 2), list, weights};
        cpb_options options = options_of("frugal", (int32_t)test_random(&seed, 1, 9));
        options.sizes = (cpb_sizes)test_random(&seed, CPB_EQUAL, CPB_UNEVEN);
        options.chunk = test_random(&seed, 1, 20);
        options.setup = uneasy_setup(&seed);
        cpb_count count;
        scene s;
        set_scene(&s, &masks, &options);
        assert_int_equal(cpb_count_create(&s.view, &s.arena, &count), CPB_OK);
        for (int i = 0; i < 12 && s.view.lookup->load; i++, counts++) {
            cpb_rank_score cells[MOST_RANKS];
            for (int64_t gifts = test_random(&seed, 0, 4); gifts > 0; gifts--)
                give_at_random(&seed, &s);
            assert_int_equal(cpb_count_loads(&count, &s.board), CPB_OK);
            score_board(&s, &masks, &options.setup, cells);
            for (int32_t r = 0; r < options.ranks; r++)
                assert_int_equal(count.load[r], cells[r].load);
        }
        cpb_view_free(&s.view);
        cpb_arena_free(&s.arena);
        cpb_mask_free(one);
        cpb_mask_free(two);
    }
    assert_true(counts > 1000);
}

/* A setup where q-tiles start anew at every segment and nothing else keeps loads from
 * being sums over them. */
static cpb_setup segmented_setup(uint64_t *seed)
{
    static const int64_t tiles[] = {1, 5, 8, 16, 24};
    cpb_setup setup = cpb_setup_default();
    setup.kernel = CPB_VARLEN;
    setup.cost = (cpb_cost)test_random(seed, CPB_TILES, CPB_PROFILE_TIME);
    setup.backward = test_random(seed, 0, 1);
    setup.profile.tile_q = tiles[test_random(seed, 0, COUNT_OF(tiles) - 1)];
    setup.profile.tile_k = tiles[test_random(seed, 0, COUNT_OF(tiles) - 1)];
    setup.profile.forward.full_tile -= test_random(seed, 0, 1) * 1000;
    setup.profile.backward.kv_tile = 0;
    setup.profile.token = test_random(seed, 0, 5);
    return setup;
}

/* A causal slice over several documents has tiles that start anew at each of them. */
static void sums_over_segments_are_loads(void **state)
{
    static const char *const kinds[] = {"documents", "causal", "chunked:64"};
    int64_t lengths[1024];
    uint64_t seed = 9;
    (void)state;
    for (size_t round = 0; round < 400; round++) {
        const size_t n = draw_lengths(&seed, 700, lengths);
        cpb_mask *const mask = mask_of(kinds[round % 3], n, lengths);
        const cpb_mask *const list[] = {mask, mask};
        const int64_t weights[] = {3, 2};
        const cpb_masks masks = {(size_t)test_random(&seed, 1, 2), list, weights};
        cpb_options options = options_of("frugal", (int32_t)test_random(&seed, 1, 9));
        cpb_rank_score cells[MOST_RANKS];
        scene s;
        options.setup = segmented_setup(&seed);
        set_scene(&s, &masks, &options);
        assert_true(s.view.lookup->held || round % 3);
        for (int i = 0; i < 20; i++)
            give_at_random(&seed, &s);
        score_board(&s, &masks, &options.setup, cells);
        for (int32_t r = 0; r < options.ranks && s.view.lookup->held; r++)
            assert_int_equal(s.board.load[r], cells[r].load);
        cpb_view_free(&s.view);
        cpb_arena_free(&s.arena);
        cpb_mask_free(mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_those_of_the_score),
        cmocka_unit_test(swaps_change_what_is_reckoned),
        cmocka_unit_test(counted_loads_are_those_of_the_score),
        cmocka_unit_test(sums_over_segments_are_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
