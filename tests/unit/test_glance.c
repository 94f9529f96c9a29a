// SPDX-License-Identifier: Apache-2.0
/* Floors of a step from one rank's runs, against the step of the whole plan. */
#include "testing.h"

#include "../../src/planner/glance.h"
#include "../../src/planner/planner.h"
#include "../../src/planner/view.h"
#include "../../src/read/shard_step.h"
#include "../../src/read/step.h"

static const char *const families[] = {
    "documents",      "documents;window=40",
    "window:50",      "prefix:9",
    "window-both:30", "block-causal:16",
    "causal-blocks",  "chunked:64",
    "global:20;n=30", "causal",
    "full",           "documents-full",
};

enum { MOST_RANKS = 9, TOKENS = 700 };

/* A random problem, and a plan of a random row that serves it. */
typedef struct world {
    cpb_mask *mask[2];
    int64_t weight[2];
    cpb_masks masks;
    cpb_options options;
    int32_t speeds[MOST_RANKS];
    const cpb_balancer *row;
    cpb_plan *plan;
    cpb_score score;
} world;

static cpb_setup draw_setup(uint64_t *seed, int32_t ranks)
{
    cpb_setup setup = cpb_setup_default();
    setup.kernel = (cpb_kernel)test_random(seed, CPB_FLEX, CPB_VARLEN);
    setup.transport = (cpb_transport)test_random(seed, CPB_EXCHANGE, CPB_ALLGATHER);
    setup.overlap = (cpb_overlap)test_random(seed, CPB_OVERLAP_NONE, CPB_OVERLAP_IDEAL);
    setup.backward = test_random(seed, 0, 1);
    setup.profile.tile_q = test_random(seed, 5, 20);
    setup.profile.tile_k = test_random(seed, 5, 20);
    setup.profile.forward.kv_tile = test_random(seed, 0, 1) * 777;
    setup.profile.received_key = test_random(seed, 0, 1) * 99;
    setup.profile.net_bytes_per_us = test_random(seed, 1, 20000);
    setup.profile.link_bytes_per_us = test_random(seed, 1, 20000);
    setup.profile.peer_latency = 0;
    if (ranks % 3 == 0 && test_random(seed, 0, 1))
        setup.nodes = ranks / 3;
    return setup;
}

static void draw_world(uint64_t *seed, world *w)
{
    int64_t lengths[16];
    const size_t n = test_lengths(seed, TOKENS, 16, lengths);
    const char *const text = families[test_random(seed, 0, COUNT_OF(families) - 1)];
    *w = (world){.options = cpb_options_default()};
    assert_int_equal(
        cpb_mask_create_text(text, n, lengths, NULL, NULL, &w->mask[0], NULL), CPB_OK);
    assert_int_equal(
        cpb_mask_create_text("documents", n, lengths, NULL, NULL, &w->mask[1], NULL),
        CPB_OK);
    w->weight[0] = test_random(seed, 1, 3);
    w->weight[1] = test_random(seed, 1, 3);
    w->masks = (cpb_masks){(size_t)test_random(seed, 1, 2),
                           (const cpb_mask *const *)w->mask, w->weight};
    w->options.ranks = (int32_t)test_random(seed, 1, MOST_RANKS);
    w->options.sizes = (cpb_sizes)test_random(seed, CPB_EQUAL, CPB_UNEVEN);
    w->options.chunk = test_random(seed, 1, 20);
    w->options.setup = draw_setup(seed, w->options.ranks);
    for (int32_t r = 0; r < w->options.ranks; r++)
        w->speeds[r] = (int32_t)test_random(seed, 1, 3);
    if (test_random(seed, 0, 1))
        w->options.setup.speeds = w->speeds;
    w->row = &cpb_balancers[test_random(seed, 0, (int64_t)cpb_n_balancers - 1)];
    assert_int_equal(cpb_row_run(w->row, &w->masks, &w->options,
                                 w->options.tolerance_ppm, INT64_MAX, &w->plan, NULL,
                                 NULL),
                     CPB_OK);
    assert_int_equal(cpb_score_plan(w->plan, &w->masks, &w->options.setup, NULL,
                                    &w->score, NULL, NULL, NULL),
                     CPB_OK);
}

static void free_world(world *w)
{
    cpb_plan_free(w->plan);
    cpb_mask_free(w->mask[0]);
    cpb_mask_free(w->mask[1]);
}

/* The floor of a rank: no less than those by what it receives or computes alone. */
static cpb_wide shard_floor(const world *w, int32_t rank, cpb_layer_cell *cells,
                            cpb_arena *scratch)
{
    const cpb_setup *const setup = &w->options.setup;
    const int32_t ranks = w->options.ranks;
    const cpb_own_runs shard = {rank, cpb_plan_runs(w->plan, rank),
                                cpb_plan_n_runs(w->plan, rank)};
    cpb_own_keys own;
    cpb_wide wire, compute, bare;
    assert_int_equal(
        cpb_own_keys_create(shard.runs, shard.n_runs, TOKENS, scratch, &own), CPB_OK);
    assert_int_equal(
        cpb_shard_compute_floor(&w->masks, setup, ranks, &shard, scratch, cells, &bare),
        CPB_OK);
    assert_int_equal(
        cpb_shard_wire_floor(&w->masks, setup, &own, scratch, cells, &wire), CPB_OK);
    assert_int_equal(cpb_shard_compute_floor(&w->masks, setup, ranks, &shard, scratch,
                                             cells, &compute),
                     CPB_OK);
    const cpb_wide floor =
        cpb_shard_step_floor(&w->masks, setup, ranks, rank, &own, cells);
    assert_true(bare <= compute && compute <= floor && wire <= floor);
    return floor;
}

/* The floor of a rank together with what enters its node: no less than that of the rank
 * alone. */
static cpb_wide node_floor(const world *w, int32_t rank, const cpb_layer_cell *cells,
                           cpb_arena *scratch, cpb_wide alone)
{
    const int32_t each = w->options.ranks / w->options.setup.nodes;
    const int32_t first = rank / each * each;
    cpb_range runs[TOKENS + MOST_RANKS];
    cpb_own_runs node = {rank, runs, 0};
    cpb_wide floor;
    for (int32_t r = first; r < first + each; r++)
        for (size_t i = 0; i < cpb_plan_n_runs(w->plan, r); i++)
            runs[node.n_runs++] = cpb_plan_runs(w->plan, r)[i];
    assert_int_equal(cpb_node_step_floor(&w->masks, &w->options.setup, w->options.ranks,
                                         &node, scratch, cells, &floor),
                     CPB_OK);
    assert_true(alone <= floor);
    return floor;
}

/* The largest floor of all ranks and nodes. */
static int64_t floor_of(const world *w)
{
    cpb_wide most = 0;
    for (int32_t r = 0; r < w->options.ranks; r++) {
        cpb_arena scratch = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_layer_cell cells[2] = {{.tokens = 0}};
        cpb_wide floor = shard_floor(w, r, cells, &scratch);
        if (w->options.setup.nodes)
            floor = node_floor(w, r, cells, &scratch, floor);
        cpb_arena_free(&scratch);
        most = floor > most ? floor : most;
    }
    return (int64_t)most;
}

/* Whether the rank that takes longest, or waits longest for what it receives, is what one
 * step waits for: a floor leaves nothing out then. */
static bool is_tight(const world *w)
{
    return w->masks.n == 1 && !w->options.setup.nodes &&
           w->options.setup.overlap == CPB_OVERLAP_IDEAL &&
           !w->options.setup.backward && w->score.receive_max >= w->score.send_max;
}

static void no_floor_passes_the_step(void **state)
{
    uint64_t seed = 1;
    int tight = 0, by_node = 0;
    (void)state;
    for (int i = 0; i < 800; i++) {
        world w;
        draw_world(&seed, &w);
        const int64_t floor = floor_of(&w);
        assert_true(floor <= w.score.step_time);
        if (is_tight(&w)) {
            assert_int_equal(floor, w.score.step_time);
            tight++;
        }
        by_node += w.options.setup.nodes > 1 && w.score.net_in_max > 0 &&
                   floor == w.score.step_time && floor > w.score.load_max;
        free_world(&w);
    }
    assert_true(tight > 20);
    assert_true(by_node > 10);
}

/* A plan is given up while it is scored only where it takes longer than the limit. */
static void steps_are_found_within_themselves(void **state)
{
    uint64_t seed = 3;
    int given_up = 0;
    (void)state;
    for (int i = 0; i < 800; i++) {
        world w;
        draw_world(&seed, &w);
        const int64_t limits[] = {w.score.step_time, w.score.step_time / 2};
        for (size_t k = 0; k < COUNT_OF(limits); k++) {
            cpb_step_figures step;
            assert_int_equal(cpb_step_within(w.plan, &w.masks, &w.options.setup,
                                             limits[k], NULL, &step, NULL),
                             CPB_OK);
            assert_true(step.time == w.score.step_time ||
                        (k && step.time == INT64_MAX));
            given_up += step.time == INT64_MAX;
        }
        free_world(&w);
    }
    assert_true(given_up > 400);
}

/* Whether a glance at what the row deals gives it up. */
static bool is_given_up(const world *w, int64_t limit)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    cpb_deal deal = {.arena = &arena};
    cpb_view view;
    bool passes;
    assert_int_equal(
        cpb_view_create(w->row, &w->masks, &w->options, &arena, &view, NULL), CPB_OK);
    assert_int_equal(w->row->run(&view, &deal, NULL), CPB_OK);
    assert_int_equal(cpb_glance_passes(&deal, &w->masks, &w->options.setup,
                                       w->options.ranks, limit, &passes),
                     CPB_OK);
    cpb_view_free(&view);
    cpb_arena_free(&arena);
    return passes;
}

/* No row that could win is given up, and some that cannot are for what single ranks and
 * nodes show. */
static void rows_are_given_up_only_where_they_lose(void **state)
{
    uint64_t seed = 2;
    int given_up = 0;
    (void)state;
    for (int i = 0; i < 500; i++) {
        world w;
        draw_world(&seed, &w);
        const int64_t step = w.score.step_time; /* load_max: without what it waits */
        assert_false(is_given_up(&w, step));
        assert_false(is_given_up(&w, INT64_MAX));
        given_up += is_given_up(&w, w.score.load_max + (step - w.score.load_max) / 2);
        free_world(&w);
    }
    assert_true(given_up > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_floor_passes_the_step),
        cmocka_unit_test(steps_are_found_within_themselves),
        cmocka_unit_test(rows_are_given_up_only_where_they_lose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
