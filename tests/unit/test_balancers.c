// SPDX-License-Identifier: Apache-2.0
/* Balancers: vectors of the originals, what `even` promises, batches of several rows. */
#include "planner_world.h"

#include "balance/balance.h"

/* Plan one text; fails the test where the planner refuses. */
static cpb_plan *plan_text(const char *text, cpb_options options)
{
    cpb_mask *mask;
    cpb_plan *plan;
    cpb_error error = {0};
    assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                     CPB_OK);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list};
    if (cpb_plan_create(&masks, &options, &plan, &error) != CPB_OK)
        fail_msg("%s", error.message);
    cpb_mask_free(mask);
    return plan;
}

static void assert_order(const char *text, cpb_options options, size_t n,
                         const int64_t *wanted)
{
    int64_t order[MOST];
    cpb_plan *const plan = plan_text(text, options);
    assert_int_equal(order_of(plan, order), n);
    assert_memory_equal(order, wanted, n * sizeof *order);
    cpb_plan_free(plan);
}

#define ASSERT_ORDER(text, options, ...)                                               \
    assert_order(text, options,                                                        \
                 sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t),             \
                 (const int64_t[]){__VA_ARGS__})

/* The examples in PyTorch's own documentation and the checks of its review threads. */
static void orders_are_those_of_the_originals(void **state)
{
    (void)state;
    ASSERT_ORDER("causal:8", options_of("head-tail", 4, -1), 0, 7, 1, 6, 2, 5, 3, 4);
    ASSERT_ORDER("causal:8", options_of("head-tail", 2, -1), 0, 1, 6, 7, 2, 3, 4, 5);
    ASSERT_ORDER("documents:4,12", options_of("per-document", 2, -1), /* rank 0 */ 0, 3,
                 4, 5, 6, 13, 14, 15, /* rank 1 */ 1, 2, 7, 8, 9, 10, 11, 12);
    ASSERT_ORDER("documents:4,12", options_of("per-document-legacy", 2, -1), 0, 3, 1, 2,
                 4, 5, 6, 13, 14, 15, 7, 8, 9, 10, 11, 12);
    ASSERT_ORDER("causal:6", options_of("contiguous", 3, -1), 0, 1, 2, 3, 4, 5);
    ASSERT_ORDER("causal:6", options_of("striped", 3, 1), 0, 3, 1, 4, 2, 5);
    ASSERT_ORDER("causal:8", options_of("striped", 2, 2), 0, 1, 4, 5, 2, 3, 6, 7);
    /* equal costs: PTRR keeps ascending ids and snakes back; min-heap takes the later
       chunk first */
    ASSERT_ORDER("documents:1,1,1,1,1,1,1,1", options_of("ptrr", 4, 1), 0, 7, 1, 6, 2,
                 5, 3, 4);
    ASSERT_ORDER("documents:1,1,1,1,1,1,1,1", options_of("min-heap", 4, 1), 3, 7, 2, 6,
                 1, 5, 0, 4);
}

/* A view of chunk costs alone. */
static cpb_view view_of(int64_t n, const int64_t *cost, int32_t ranks)
{
    return (cpb_view){
        .ranks = ranks,
        .tokens = n,
        .cap = INT64_MAX,
        .chunk = 1,
        .n_chunks = n,
        .cost = cost,
    };
}

static void assert_groups(cpb_balance_fn *run, const cpb_view *view,
                          const int32_t *owner)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    cpb_deal deal = {.arena = &arena};
    assert_int_equal(run(view, &deal, NULL), CPB_OK);
    assert_int_equal(deal.n, view->n_chunks);
    for (size_t i = 0; i < deal.n; i++)
        assert_int_equal(deal.pieces[i].rank, owner[deal.pieces[i].begin]);
    cpb_arena_free(&arena);
}

static void ptrr_deals_the_published_examples(void **state)
{
    static const int64_t published[] = {9,  14, 2,  20, 10, 15, 8,  14,
                                        16, 19, 15, 3,  12, 1,  12, 10};
    static const int64_t rows[] = {1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4};
    static const int32_t halves[] = {1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1};
    const cpb_view first = view_of(COUNT_OF(published), published, 4);
    const cpb_view second = view_of(COUNT_OF(rows), rows, 2);
    /* groups [3,12,13,14] [2,4,7,9] [1,8,11,15] [0,5,6,10] as published */
    const int32_t wanted[] = {3, 2, 1, 0, 1, 3, 3, 1, 2, 1, 3, 2, 0, 0, 0, 2};
    (void)state;
    assert_groups(cpb_balance_ptrr, &first, wanted);
    assert_groups(cpb_balance_ptrr, &second, halves);
}

static void min_heap_fills_the_least_loaded_rank_that_has_room(void **state)
{
    static const int64_t cost[] = {5, 1, 1, 1, 1, 5};
    const cpb_view view = view_of(COUNT_OF(cost), cost, 3);
    /* 5 (later first) to rank 0, 5 to rank 1, ones from the back to rank 2 until it is
       full, then to the least (load, rank) */
    const int32_t owner[] = {1, 1, 0, 2, 2, 0};
    (void)state;
    assert_groups(cpb_balance_min_heap, &view, owner);
}

/* Add the load of every rank to `load`. */
static void add_loads(const cpb_plan *plan, const cpb_masks *masks,
                      const cpb_setup *setup, int64_t *load)
{
    cpb_rank_score cells[16];
    cpb_score score;
    assert_true(cpb_plan_ranks(plan) <= (int32_t)COUNT_OF(cells));
    assert_int_equal(
        cpb_score_plan(plan, masks, setup, NULL, &score, cells, NULL, NULL), CPB_OK);
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        load[r] += cells[r].load;
}

/* Fixed labels give rank 0 the heaviest shard of each row; fresh ones cancel. */
static void relabelled_rows_sum_to_less_than_fixed_ones(void **state)
{
    enum { ROWS = 6, RANKS = 8 };
    int64_t largest[2] = {0, 0};
    (void)state;
    for (int relabel = 0; relabel < 2; relabel++) {
        uint64_t seed = 6;
        cpb_mask *mask[ROWS];
        const cpb_mask *list[ROWS];
        cpb_masks rows[ROWS];
        cpb_plan *plans[ROWS];
        cpb_options options = options_of("ptrr", RANKS, 128);
        int64_t load[RANKS] = {0};
        options.setup.cost = CPB_TILES;
        for (int i = 0; i < ROWS; i++) {
            int64_t lengths[9];
            const size_t n = test_lengths(&seed, 1 << 14, 9, lengths);
            assert_int_equal(cpb_mask_create_text("documents", n, lengths, NULL, NULL,
                                                  &mask[i], NULL),
                             CPB_OK);
            list[i] = mask[i];
            rows[i] = (cpb_masks){.n = 1, .mask = &list[i]};
        }
        assert_int_equal(
            cpb_plan_create_rows(ROWS, rows, &options, relabel, plans, NULL), CPB_OK);
        for (int i = 0; i < ROWS; i++) {
            assert_laws(plans[i], &options, &rows[i]);
            add_loads(plans[i], &rows[i], &options.setup, load);
            cpb_plan_free(plans[i]);
            cpb_mask_free(mask[i]);
        }
        for (int r = 0; r < RANKS; r++)
            largest[relabel] = load[r] > largest[relabel] ? load[r] : largest[relabel];
    }
    assert_true(largest[1] < largest[0]);
}

static cpb_mask *random_documents(uint64_t *seed, int64_t tokens)
{
    int64_t lengths[40];
    cpb_mask *mask;
    const size_t n = test_lengths(seed, tokens, COUNT_OF(lengths), lengths);
    assert_int_equal(
        cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL), CPB_OK);
    return mask;
}

static cpb_score score_of(const cpb_masks *masks, const cpb_options *options)
{
    cpb_plan *plan;
    cpb_score score;
    assert_int_equal(cpb_plan_create(masks, options, &plan, NULL), CPB_OK);
    assert_int_equal(
        cpb_score_plan(plan, masks, &options->setup, NULL, &score, NULL, NULL, NULL),
        CPB_OK);
    cpb_plan_free(plan);
    return score;
}

static void even_gives_slower_ranks_less(void **state)
{
    static const int32_t speeds[] = {100, 100, 90, 110, 100, 80, 100, 95};
    uint64_t seed = 8;
    (void)state;
    for (int i = 0; i < 20; i++) {
        cpb_mask *const mask = random_documents(&seed, 1 << 16);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        cpb_options options = options_of("even", COUNT_OF(speeds), -1);
        options.setup.speeds = speeds;
        const cpb_score score = score_of(&masks, &options);
        assert_true(score.load_bound <= score.load_max);
        assert_true(score.gap < 0.005);
        cpb_mask_free(mask);
    }
}

static void even_keeps_every_mask_balanced_not_only_their_sum(void **state)
{
    uint64_t seed = 9;
    (void)state;
    for (int i = 0; i < 10; i++) {
        cpb_mask *const full = random_documents(&seed, 1 << 17);
        cpb_mask *window;
        int64_t lengths[40], begin = 0;
        for (size_t d = 0; d < cpb_mask_n_documents(full); d++) {
            lengths[d] = cpb_mask_document_ends(full)[d] - begin;
            begin += lengths[d];
        }
        assert_int_equal(cpb_mask_create_text("window:4096", cpb_mask_n_documents(full),
                                              lengths, NULL, NULL, &window, NULL),
                         CPB_OK);
        const cpb_mask *const list[] = {full, window};
        const int64_t weight[] = {1, 3};
        const cpb_masks masks = {.n = 2, .mask = list, .weight = weight};
        const cpb_options options = options_of("even", 32, -1);
        cpb_plan *plan;
        assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
        for (size_t m = 0; m < 2; m++) {
            const cpb_masks one = {.n = 1, .mask = &list[m]};
            cpb_score score;
            assert_int_equal(cpb_score_plan(plan, &one, &options.setup, NULL, &score,
                                            NULL, NULL, NULL),
                             CPB_OK);
            assert_true(score.gap < 0.03);
        }
        cpb_plan_free(plan);
        cpb_mask_free(full);
        cpb_mask_free(window);
    }
}

/* Rows of few chunks each: alone none can be balanced, together they can. */
static void rows_planned_in_sequence_balance_their_sum(void **state)
{
    enum { ROWS = 8, RANKS = 16 };
    uint64_t seed = 10;
    cpb_mask *mask[ROWS];
    const cpb_mask *list[ROWS];
    cpb_masks rows[ROWS];
    cpb_plan *plans[ROWS];
    const cpb_options options = options_of("even", RANKS, 128);
    int64_t load[RANKS] = {0}, alone = 0, most = 0, total = 0;
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        mask[i] = random_documents(&seed, 1 << 13);
        list[i] = mask[i];
        rows[i] = (cpb_masks){.n = 1, .mask = &list[i]};
        alone += score_of(&rows[i], &options).load_max;
    }
    assert_int_equal(cpb_plan_create_rows(ROWS, rows, &options, false, plans, NULL),
                     CPB_OK);
    for (int i = 0; i < ROWS; i++) {
        add_loads(plans[i], &rows[i], &options.setup, load);
        cpb_plan_free(plans[i]);
        cpb_mask_free(mask[i]);
    }
    for (int r = 0; r < RANKS; r++) {
        most = load[r] > most ? load[r] : most;
        total += load[r];
    }
    assert_true(most < alone);
    assert_true((double)most * RANKS / (double)total < 1.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_those_of_the_originals),
        cmocka_unit_test(ptrr_deals_the_published_examples),
        cmocka_unit_test(min_heap_fills_the_least_loaded_rank_that_has_room),
        cmocka_unit_test(relabelled_rows_sum_to_less_than_fixed_ones),
        cmocka_unit_test(even_gives_slower_ranks_less),
        cmocka_unit_test(even_keeps_every_mask_balanced_not_only_their_sum),
        cmocka_unit_test(rows_planned_in_sequence_balance_their_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
