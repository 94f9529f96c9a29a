// SPDX-License-Identifier: Apache-2.0
/* The balancer `frugal`: its accounts against the score, and the cases whose best plan is
 * known. */
#include "frugal_world.h"

#include "../../src/balance/frugal_count.h"
#include "../../src/planner/view.h"

#include <stdio.h>
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

static void one_causal_document_is_dealt_head_to_tail(void **state)
{
    static const int32_t worlds[] = {1, 2, 4, 8, 32};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(worlds); i++)
        for (int kernel = CPB_FLEX; kernel <= CPB_VARLEN; kernel++) {
            const int64_t tokens = worlds[i] * 1024;
            cpb_mask *const mask = mask_of("causal", 1, &tokens);
            const cpb_mask *const list[] = {mask};
            const cpb_masks masks = {1, list, NULL};
            cpb_options options = options_of("frugal", worlds[i]);
            options.setup.kernel = (cpb_kernel)kernel;
            cpb_plan *const ours = plan_of(&masks, &options);
            options.balancer = "head-tail";
            cpb_plan *const theirs = plan_of(&masks, &options);
            assert_true(cpb_plan_hash(ours) == cpb_plan_hash(theirs));
            cpb_plan_free(ours);
            cpb_plan_free(theirs);
            cpb_mask_free(mask);
        }
}

/* The grid may not allow what head-tail does; then it is done as nearly as it allows. */
static void one_causal_document_has_two_runs_on_any_grid(void **state)
{
    uint64_t seed = 4;
    (void)state;
    for (int round = 0; round < 100; round++) {
        const int32_t ranks = (int32_t)test_random(&seed, 2, 40);
        const int64_t tokens = test_random(&seed, 64, 256) * ranks * 16 + round;
        cpb_mask *const mask = mask_of("causal", 1, &tokens);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_options options = options_of("frugal", ranks);
        options.chunk = 16;
        options.sizes = (cpb_sizes)test_random(&seed, 0, 1);
        options.setup.kernel = (cpb_kernel)test_random(&seed, 0, 1);
        options.setup.cost = CPB_PAIRS;
        options.tolerance_ppm = 40000;
        const cpb_score score = score_of(&masks, &options);
        assert_true(score.runs_max <= 2);
        assert_true((double)score.load_max <= limit_of(&score, 0.04) * (1 + 1e-9));
        cpb_mask_free(mask);
    }
}

/* Contiguous parts, and for ranks that need one a piece of the ramp. Keys come from the
 * window before either. */
static void sliding_windows_are_dealt_in_two_runs(void **state)
{
    char text[32];
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 60; round++) {
        const int32_t ranks = (int32_t)test_random(&seed, 2, 64);
        const int64_t share = 4096, tokens = share * ranks;
        const int64_t window = test_random(&seed, share / 4, share * ranks / 4);
        snprintf(text, sizeof text, "window:%lld", (long long)window);
        cpb_mask *const mask = mask_of(text, 1, &tokens);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_options options = options_of("frugal", ranks);
        options.setup.kernel = CPB_VARLEN;
        options.setup.cost = CPB_PAIRS;
        options.tolerance_ppm = round % 2 ? 10000 : 1000;
        const cpb_score score = score_of(&masks, &options);
        assert_true(score.runs_max <= 2);
        assert_true(score.receive_max <= 2 * window);
        assert_true((double)score.load_max <=
                    limit_of(&score, round % 2 ? 0.01 : 0.001) * (1 + 1e-9));
        cpb_mask_free(mask);
    }
}

/* A limit below what a plan has otherwise is met in most cases. */
/* The same plan with rank r of node i as rank i of node r: neighbours come apart. */
static cpb_plan *transposed(const cpb_plan *plan, int32_t nodes)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    int64_t first[65] = {0}, n = 0;
    cpb_range runs[4096];
    cpb_plan *other;
    for (int32_t r = 0; r < ranks; r++) {
        const int32_t from = r % nodes * (ranks / nodes) + r / nodes;
        const size_t n_runs = cpb_plan_n_runs(plan, from);
        assert_true((size_t)n + n_runs <= COUNT_OF(runs));
        memcpy(runs + n, cpb_plan_runs(plan, from), n_runs * sizeof *runs);
        n += (int64_t)n_runs;
        first[r + 1] = n;
    }
    assert_int_equal(cpb_plan_create_runs(cpb_plan_tokens(plan), cpb_plan_padding(plan),
                                          ranks, first, runs, cpb_plan_promise(plan),
                                          NULL, &other, NULL),
                     CPB_OK);
    return other;
}

static int64_t busiest_card(const cpb_plan *plan, const cpb_masks *masks, int32_t nodes)
{
    cpb_setup setup = cpb_setup_default();
    cpb_score score;
    setup.nodes = nodes;
    assert_int_equal(
        cpb_score_plan(plan, masks, &setup, NULL, &score, NULL, NULL, NULL), CPB_OK);
    return score.net_in_max > score.net_out_max ? score.net_in_max : score.net_out_max;
}

/* Ranks that share documents follow each other, though no nodes were spoken of. */
static void neighbours_share_documents(void **state)
{
    int64_t lengths[4096], in_order = 0, apart = 0;
    uint64_t seed = 8;
    (void)state;
    for (int round = 0; round < 10; round++) {
        const size_t n = draw_lengths(&seed, 64 * 1024, lengths);
        cpb_mask *const mask = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_options options = options_of("frugal", 64);
        options.setup.kernel = CPB_VARLEN;
        options.setup.cost = CPB_PAIRS;
        cpb_plan *const plan = plan_of(&masks, &options);
        cpb_plan *const other = transposed(plan, 8);
        in_order += busiest_card(plan, &masks, 8);
        apart += busiest_card(other, &masks, 8);
        cpb_plan_free(plan);
        cpb_plan_free(other);
        cpb_mask_free(mask);
    }
    assert_true(4 * in_order < 3 * apart);
}

static void few_peers_are_looked_for(void **state)
{
    int64_t lengths[4096];
    uint64_t seed = 6;
    int found = 0;
    (void)state;
    for (int round = 0; round < 40; round++) {
        const size_t n = draw_lengths(&seed, 16000, lengths);
        cpb_mask *const mask = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_options options = options_of("frugal", 8);
        cpb_plan *plan;
        options.chunk = 16;
        options.setup.kernel = (cpb_kernel)(round % 2);
        options.setup.cost = CPB_PAIRS;
        options.peers = score_of(&masks, &options).peers_max - 1;
        if (options.peers >= 0 &&
            cpb_plan_create(&masks, &options, &plan, NULL) == CPB_OK) {
            assert_true(score_of(&masks, &options).peers_max <= options.peers);
            cpb_plan_free(plan);
            found++;
        }
        cpb_mask_free(mask);
    }
    assert_true(found >= 20);
}

/* A token for each rank at most: nothing is left to decide. */
static void more_ranks_than_tokens_hold_one_each(void **state)
{
    int64_t lengths[1024];
    uint64_t seed = 8;
    (void)state;
    for (size_t f = 0; f < N_FAMILIES; f++) {
        const size_t n = draw_lengths(&seed, 100, lengths);
        cpb_mask *const mask = mask_of(families[f], n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        const int32_t ranks = (int32_t)(cpb_mask_tokens(mask) + test_random(&seed, 0, 9));
        cpb_options options = options_of("frugal", ranks);
        options.setup.kernel = CPB_VARLEN;
        cpb_plan *const plan = plan_of(&masks, &options);
        options.balancer = "contiguous";
        cpb_plan *const twin = plan_of(&masks, &options);
        assert_int_equal(cpb_plan_hash(plan), cpb_plan_hash(twin));
        cpb_plan_free(plan);
        cpb_plan_free(twin);
        cpb_mask_free(mask);
    }
}

/* A question that many answers read: whoever keeps it whole sends it to everybody. Spread,
 * a rank's part of it goes to all others, and little more. */
static void a_shared_question_is_spread(void **state)
{
    enum { QUESTION = 65536, ANSWERS = 32 };
    int64_t lengths[1 + ANSWERS] = {QUESTION};
    (void)state;
    for (int32_t ranks = 4; ranks <= 16; ranks *= 2)
        for (int64_t answer = 1024; answer <= 4096; answer *= 2) {
            for (size_t i = 1; i <= ANSWERS; i++)
                lengths[i] = answer;
            cpb_mask *const mask =
                mask_of("shared-question", COUNT_OF(lengths), lengths);
            const cpb_mask *const list[] = {mask};
            const cpb_masks masks = {1, list, NULL};
            const cpb_options options = options_of("frugal", ranks);
            const cpb_score score = score_of(&masks, &options);
            const int64_t part = (int64_t)(ranks - 1) * QUESTION / ranks;
            assert_true((double)score.load_max <= limit_of(&score, 0.01));
            assert_true(score.send_max <= part + part / 8);
            cpb_mask_free(mask);
        }
}

static void documents_that_fit_stay_whole(void **state)
{
    int64_t lengths[256];
    (void)state;
    for (int32_t ranks = 1; ranks <= 32; ranks *= 2)
        for (int64_t each = 1; each <= 8; each *= 2) {
            const size_t n = (size_t)(ranks * each);
            for (size_t i = 0; i < n; i++)
                lengths[i] = 1024 / each;
            cpb_mask *const mask = mask_of("documents", n, lengths);
            const cpb_mask *const list[] = {mask};
            const cpb_masks masks = {1, list, NULL};
            cpb_options options = options_of("frugal", ranks);
            assert_int_equal(score_of(&masks, &options).receive_total, 0);
            options.setup.kernel = CPB_VARLEN;
            assert_int_equal(score_of(&masks, &options).receive_total, 0);
            cpb_mask_free(mask);
        }
}

static void tiny_documents_cost_hardly_any_traffic(void **state)
{
    static int64_t lengths[64 << 13];
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 20; round++) {
        const int32_t ranks = round % 4 == 3 ? 64 : 8;
        const int64_t tokens = ranks << 13, most = test_random(&seed, 200, 2000);
        size_t n = 0;
        for (int64_t left = tokens; left > 0; left -= lengths[n++]) {
            const int64_t length = test_random(&seed, 1, most);
            lengths[n] = length < left ? length : left;
        }
        cpb_mask *const mask = mask_of("documents", n, lengths);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_options options = options_of("frugal", ranks);
        options.setup.kernel = (cpb_kernel)(round % 2);
        options.setup.cost = CPB_PAIRS;
        options.tolerance_ppm = round % 3 ? 10000 : 1000;
        const double tolerance = (double)options.tolerance_ppm / 1e6;
        const cpb_score score = score_of(&masks, &options);
        assert_true(score.receive_total * (round % 2 ? 50 : 10) <= tokens);
        assert_true((double)score.load_max <= limit_of(&score, tolerance) * (1 + 1e-9));
        cpb_mask_free(mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_those_of_the_score),
        cmocka_unit_test(counted_loads_are_those_of_the_score),
        cmocka_unit_test(one_causal_document_is_dealt_head_to_tail),
        cmocka_unit_test(one_causal_document_has_two_runs_on_any_grid),
        cmocka_unit_test(sliding_windows_are_dealt_in_two_runs),
        cmocka_unit_test(neighbours_share_documents),
        cmocka_unit_test(few_peers_are_looked_for),
        cmocka_unit_test(more_ranks_than_tokens_hold_one_each),
        cmocka_unit_test(a_shared_question_is_spread),
        cmocka_unit_test(documents_that_fit_stay_whole),
        cmocka_unit_test(tiny_documents_cost_hardly_any_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
