// SPDX-License-Identifier: Apache-2.0
/* Balancers and planner: vectors of the originals, laws over the tables. */
#include "testing.h"

#include "balance/balance.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 4096 };

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

static cpb_options options_of(const char *balancer, int32_t ranks, int64_t chunk)
{
    cpb_options options = cpb_options_default();
    options.balancer = balancer;
    options.ranks = ranks;
    options.chunk = chunk;
    return options;
}

static size_t order_of(const cpb_plan *plan, int64_t *order)
{
    size_t n = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t p = cpb_plan_runs(plan, r)[i].begin;
                 p < cpb_plan_runs(plan, r)[i].end; p++)
                order[n++] = p;
    return n;
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

/* What every plan keeps, whatever made it. */
static void assert_laws(const cpb_plan *plan, const cpb_options *options,
                        const cpb_masks *masks)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    const int64_t positions = tokens + cpb_plan_padding(plan);
    static uint8_t held[1 << 16];
    int64_t least = INT64_MAX, most = 0;
    memset(held, 0, (size_t)positions);
    assert_int_equal(cpb_plan_tokens(plan), tokens);
    for (int32_t r = 0; r < options->ranks; r++) {
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        int64_t size = 0;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++) {
            assert_true(runs[i].begin < runs[i].end && runs[i].begin >= 0 &&
                        runs[i].end <= positions);
            assert_true(i == 0 || runs[i - 1].end != runs[i].begin);
            for (int64_t p = runs[i].begin; p < runs[i].end; p++)
                assert_int_equal(held[p]++, 0);
            size += runs[i].end - runs[i].begin;
        }
        assert_int_equal(size, cpb_plan_size(plan, r));
        least = size < least ? size : least;
        most = size > most ? size : most;
    }
    for (int64_t p = 0; p < positions; p++)
        assert_int_equal(held[p], 1);

    if (options->sizes == CPB_EQUAL) {
        assert_int_equal(least * options->ranks, positions);
        assert_int_equal(most, least);
    } else {
        const cpb_promise *const promise = cpb_plan_promise(plan);
        assert_int_equal(positions, tokens);
        if (promise->granularity == 1)
            assert_true(most - least < promise->chunk || most - least <= 1);
        else
            assert_true(most <= ((tokens - 1) / promise->chunk / options->ranks + 1) *
                                    promise->chunk);
    }
}

/* Scores keep these for every plan, under every mask. */
static void assert_score_laws(const cpb_plan *plan, const cpb_masks *masks,
                              const cpb_setup *setup)
{
    static cpb_rank_score cells[64];
    static int64_t matrix[64 * 64];
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_score score;
    int64_t pairs = 0, receive = 0, send = 0, sum = 0;
    assert_int_equal(
        cpb_score_plan(plan, masks, setup, NULL, &score, cells, matrix, NULL), CPB_OK);
    for (int32_t r = 0; r < ranks; r++) {
        pairs += cells[r].pairs;
        receive += cells[r].receive;
        send += cells[r].send;
        assert_true(cells[r].own_pairs <= cells[r].pairs);
        for (int32_t s = 0; s < ranks; s++)
            sum += matrix[r * ranks + s];
        assert_int_equal(matrix[r * ranks + r], 0);
    }
    int64_t wanted = 0;
    for (size_t m = 0; m < masks->n; m++)
        wanted +=
            (masks->weight ? masks->weight[m] : 1) * cpb_mask_pairs(masks->mask[m]);
    assert_int_equal(pairs, wanted);
    assert_int_equal(receive, score.receive_total);
    assert_int_equal(send, score.receive_total);
    assert_int_equal(sum, score.receive_total);
    assert_true(score.load_bound <= score.load_max);
    assert_true(score.receive_max <= score.receive_total);
    assert_true(score.own_work >= 0 && score.own_work <= 1);
    if (ranks == 1)
        assert_int_equal(score.receive_total, 0);
}

static void every_balancer_keeps_the_laws_on_every_family(void **state)
{
    static const int32_t worlds[] = {1, 2, 3, 4, 7, 16, 61};
    uint64_t seed = 4;
    (void)state;
    for (size_t b = 0; cpb_balancer_name(b); b++) {
        for (size_t f = 0; cpb_mask_family_name(f); f++) {
            for (size_t w = 0; w < COUNT_OF(worlds); w++) {
                cpb_mask *mask;
                cpb_plan *plan, *again;
                cpb_error error = {0};
                cpb_options options = options_of(cpb_balancer_name(b), worlds[w],
                                                 test_random(&seed, 1, 20));
                options.sizes = (cpb_sizes)test_random(&seed, 0, 1);
                options.setup.kernel = (cpb_kernel)test_random(&seed, 0, 2);
                options.setup.cost = (cpb_cost)test_random(&seed, 0, 2);
                options.setup.transport = (cpb_transport)test_random(&seed, 0, 1);
                options.setup.nodes = test_random(&seed, 0, 1) ? worlds[w] : 0;
                assert_int_equal(cpb_mask_create_text(cpb_mask_family_example(f), 0,
                                                      NULL, NULL, NULL, &mask, NULL),
                                 CPB_OK);
                const cpb_mask *const list[] = {mask, mask};
                const int64_t weight[] = {1, 3};
                const cpb_masks masks = {.n = (size_t)test_random(&seed, 1, 2),
                                         .mask = list,
                                         .weight = weight};
                if (cpb_plan_create(&masks, &options, &plan, &error) != CPB_OK)
                    fail_msg("%s", error.message);
                assert_laws(plan, &options, &masks);
                assert_score_laws(plan, &masks, &options.setup);
                assert_int_equal(cpb_plan_create(&masks, &options, &again, NULL),
                                 CPB_OK);
                assert_true(cpb_plan_hash(plan) == cpb_plan_hash(again));
                cpb_plan_free(again);
                cpb_plan_free(plan);
                cpb_mask_free(mask);
            }
        }
    }
}

static void auto_is_never_slower_than_any_row(void **state)
{
    static const char *const families[] = {"documents", "window:100", "prefix:40",
                                           "documents-full", "chunked:200"};
    static const int32_t speeds[] = {4, 5, 3, 6, 4, 4, 7, 2, 4};
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 60; i++) {
        int64_t lengths[12];
        const size_t n = test_lengths(&seed, test_random(&seed, 1, 3000), 12, lengths);
        cpb_options options = options_of("auto", (int32_t)test_random(&seed, 1, 9), -1);
        cpb_mask *mask;
        cpb_score best, score;
        cpb_plan *plan;
        options.setup.overlap = (cpb_overlap)test_random(&seed, 0, 2);
        options.setup.kernel = (cpb_kernel)test_random(&seed, 0, 2);
        options.setup.transport = (cpb_transport)test_random(&seed, 0, 1);
        options.setup.nodes = test_random(&seed, 0, 1) ? options.ranks : 0;
        options.setup.profile.net_bytes_per_us >>= test_random(&seed, 0, 8);
        if (test_random(&seed, 0, 2) == 0)
            options.setup.speeds = speeds;
        assert_int_equal(cpb_mask_create_text(families[i % (int)COUNT_OF(families)], n,
                                              lengths, NULL, NULL, &mask, NULL),
                         CPB_OK);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
        assert_int_equal(
            cpb_score_plan(plan, &masks, &options.setup, NULL, &best, NULL, NULL, NULL),
            CPB_OK);
        cpb_plan_free(plan);
        for (size_t b = 0; cpb_balancer_name(b); b++) {
            options.balancer = cpb_balancer_name(b);
            assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
            assert_int_equal(cpb_score_plan(plan, &masks, &options.setup, NULL, &score,
                                            NULL, NULL, NULL),
                             CPB_OK);
            assert_true(best.step_time <= score.step_time);
            cpb_plan_free(plan);
        }
        cpb_mask_free(mask);
    }
}

static int64_t step_of_auto(const cpb_masks *masks, const cpb_options *options)
{
    cpb_score score;
    cpb_plan *plan;
    assert_int_equal(cpb_plan_create(masks, options, &plan, NULL), CPB_OK);
    assert_int_equal(
        cpb_score_plan(plan, masks, &options->setup, NULL, &score, NULL, NULL, NULL),
        CPB_OK);
    cpb_plan_free(plan);
    return score.step_time;
}

static void auto_takes_no_longer_at_four_times_the_tolerance(void **state)
{
    uint64_t seed = 8;
    int shorter = 0;
    (void)state;
    for (int i = 0; i < 40; i++) {
        int64_t lengths[24];
        const size_t n = test_lengths(&seed, 4000 + 500 * i, 24, lengths);
        cpb_options options = options_of("auto", (int32_t)test_random(&seed, 2, 9), -1);
        cpb_mask *mask;
        options.setup.overlap = (cpb_overlap)test_random(&seed, 0, 2);
        options.setup.profile.net_bytes_per_us >>= test_random(&seed, 0, 8);
        options.tolerance_ppm = 10000;
        assert_int_equal(
            cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL),
            CPB_OK);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        for (int64_t before = INT64_MAX; options.tolerance_ppm <= 640000;
             options.tolerance_ppm *= 4) {
            const int64_t step = step_of_auto(&masks, &options);
            assert_true(step <= before);
            shorter += options.tolerance_ppm > 10000 && step < before;
            before = step;
        }
        cpb_mask_free(mask);
    }
    assert_true(shorter > 0);
}

static void a_ring_takes_head_tail_and_nothing_else(void **state)
{
    cpb_mask *mask;
    (void)state;
    assert_int_equal(
        cpb_mask_create_text("causal:64", 0, NULL, NULL, NULL, &mask, NULL), CPB_OK);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list};
    for (size_t b = 0; cpb_balancer_name(b); b++) {
        cpb_options options = options_of(cpb_balancer_name(b), 4, -1);
        cpb_error error = {0};
        cpb_plan *plan;
        options.setup.transport = CPB_RING;
        const cpb_status status = cpb_plan_create(&masks, &options, &plan, &error);
        if (strcmp(options.balancer, "auto") == 0 ||
            strcmp(options.balancer, "head-tail") == 0) {
            assert_int_equal(status, CPB_OK);
            assert_string_equal(cpb_plan_balancer(plan), "head-tail");
        } else {
            assert_int_equal(status, CPB_UNSUPPORTED);
            assert_non_null(
                strstr(error.message, "a ring needs the layout of head-tail"));
        }
        cpb_plan_free(plan);
    }
    cpb_mask_free(mask);
}

static void options_that_cannot_be_met_are_refused_with_a_sentence(void **state)
{
    cpb_mask *mask;
    cpb_plan *plan;
    cpb_error error;
    (void)state;
    assert_int_equal(
        cpb_mask_create_text("causal:64", 0, NULL, NULL, NULL, &mask, NULL), CPB_OK);
    const cpb_mask *const list[] = {mask};
    const int64_t zero = 0;
    cpb_masks masks = {.n = 1, .mask = list};
    cpb_options options = options_of("haed-tail", 4, -1);
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_INVALID);
    assert_string_equal(
        error.message,
        "unknown balancer 'haed-tail', did you mean 'head-tail'? Accepted: contiguous, "
        "head-tail, per-document, per-document-legacy, ptrr, striped, min-heap, even, "
        "frugal, auto");
    options = options_of("ptrr", 0, -1);
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_INVALID);
    assert_string_equal(error.message, "0 ranks are outside 1 .. 65536");
    options = options_of("ptrr", 4, 0);
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_INVALID);
    assert_string_equal(error.message,
                        "a chunk of 0 tokens is outside 1 .. 1073741824");
    options = options_of("contiguous", 4, -1);
    options.cap = 15;
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_UNSUPPORTED);
    assert_string_equal(error.message,
                        "a cap of 15 tokens leaves 4 of 64 tokens without a place on 4 "
                        "ranks; the least that suffices is 16");
    options = options_of("ptrr", 4, 32);
    options.cap = 31;
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_UNSUPPORTED);
    assert_string_equal(error.message,
                        "ptrr gives rank 0 32 tokens, above the cap of 31");
    options = options_of("ptrr", 65536, 1 << 20);
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_TOO_LARGE);
    options = options_of("ptrr", 4, -1);
    masks.weight = &zero;
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, &error), CPB_INVALID);
    assert_string_equal(error.message, "the weight 0 of mask 0 is below 1");
    assert_null(plan);
    cpb_mask_free(mask);
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

static void every_failed_allocation_is_survived(void **state)
{
    static const char *const texts[] = {"documents:40,0,7,64,20", "global:120;g=5;n=9"};
    (void)state;
    for (size_t b = 0; cpb_balancer_name(b); b++) {
        cpb_mask *mask;
        cpb_status status = CPB_NO_MEMORY;
        assert_int_equal(
            cpb_mask_create_text(texts[b % 2], 0, NULL, NULL, NULL, &mask, NULL),
            CPB_OK);
        const cpb_mask *const list[] = {mask};
        const cpb_masks rows[] = {{.n = 1, .mask = list}, {.n = 1, .mask = list}};
        for (int64_t allowed = 0; status == CPB_NO_MEMORY; allowed++) {
            test_ration ration = {.left = allowed};
            cpb_error error = {0};
            cpb_options options = options_of(cpb_balancer_name(b), 3, 8);
            cpb_plan *plans[2];
            options.allocator = test_ration_allocator(&ration);
            options.setup.nodes = 3;
            options.peers = 2; /* all of them: counted, not refused */
            status = cpb_plan_create_rows(2, rows, &options, true, plans, &error);
            if (status == CPB_NO_MEMORY)
                assert_string_equal(error.message, "out of memory");
            cpb_plan_free(plans[0]);
            cpb_plan_free(plans[1]);
            assert_int_equal(ration.out, 0);
        }
        assert_int_equal(status, CPB_OK);
        cpb_mask_free(mask);
    }
}

static void the_default_choice_is_pytorchs(void **state)
{
    (void)state;
    assert_string_equal(cpb_balancer_pytorch_default(64, 4, true), "head-tail");
    assert_null(cpb_balancer_pytorch_default(60, 4, true));
    assert_null(cpb_balancer_pytorch_default(64, 4, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_those_of_the_originals),
        cmocka_unit_test(ptrr_deals_the_published_examples),
        cmocka_unit_test(min_heap_fills_the_least_loaded_rank_that_has_room),
        cmocka_unit_test(every_balancer_keeps_the_laws_on_every_family),
        cmocka_unit_test(auto_is_never_slower_than_any_row),
        cmocka_unit_test(auto_takes_no_longer_at_four_times_the_tolerance),
        cmocka_unit_test(a_ring_takes_head_tail_and_nothing_else),
        cmocka_unit_test(options_that_cannot_be_met_are_refused_with_a_sentence),
        cmocka_unit_test(relabelled_rows_sum_to_less_than_fixed_ones),
        cmocka_unit_test(even_gives_slower_ranks_less),
        cmocka_unit_test(even_keeps_every_mask_balanced_not_only_their_sum),
        cmocka_unit_test(rows_planned_in_sequence_balance_their_sum),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(the_default_choice_is_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
