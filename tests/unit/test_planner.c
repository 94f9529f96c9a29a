// SPDX-License-Identifier: Apache-2.0
/* The planner: laws over all balancers and families, `auto`, refusals. */
#include "planner_world.h"

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

static cpb_score score_of(const cpb_masks *masks, const cpb_options *options)
{
    cpb_score score;
    cpb_plan *plan;
    assert_int_equal(cpb_plan_create(masks, options, &plan, NULL), CPB_OK);
    assert_int_equal(
        cpb_score_plan(plan, masks, &options->setup, NULL, &score, NULL, NULL, NULL),
        CPB_OK);
    cpb_plan_free(plan);
    return score;
}

static int64_t busiest(const cpb_score *score, const cpb_setup *setup)
{
    const int64_t in = setup->nodes ? score->net_in_max : score->receive_max;
    const int64_t out = setup->nodes ? score->net_out_max : score->send_max;
    return in > out ? in : out;
}

/* The step counts first, then the busiest card, then everything received. */
static bool is_no_worse(const cpb_score *a, const cpb_score *b, const cpb_setup *setup)
{
    const int64_t x = busiest(a, setup), y = busiest(b, setup);
    if (a->step_time != b->step_time)
        return a->step_time < b->step_time;
    return x != y ? x < y : a->receive_total <= b->receive_total;
}

static void auto_is_never_worse_than_any_row(void **state)
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
        const cpb_score best = score_of(&masks, &options);
        for (size_t b = 0; cpb_balancer_name(b); b++) {
            options.balancer = cpb_balancer_name(b);
            const cpb_score score = score_of(&masks, &options);
            assert_true(is_no_worse(&best, &score, &options.setup));
        }
        cpb_mask_free(mask);
    }
}

/* Few peers are harder to keep at the tighter tolerances that `auto` tries first. */
static void auto_keeps_few_peers_where_frugal_does(void **state)
{
    uint64_t seed = 9;
    int kept = 0;
    (void)state;
    for (int i = 0; i < 60; i++) {
        int64_t lengths[12];
        const size_t n = test_lengths(&seed, 40000, 12, lengths);
        cpb_options options = options_of("frugal", 4, -1);
        cpb_mask *mask;
        cpb_plan *plan;
        options.setup.kernel = CPB_VARLEN;
        options.peers = 2;
        options.tolerance_ppm = 640000;
        assert_int_equal(
            cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL),
            CPB_OK);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        if (cpb_plan_create(&masks, &options, &plan, NULL) == CPB_OK) {
            const cpb_score frugal = score_of(&masks, &options);
            options.balancer = "auto";
            const cpb_score best = score_of(&masks, &options);
            assert_true(is_no_worse(&best, &frugal, &options.setup));
            cpb_plan_free(plan);
            kept++;
        }
        cpb_mask_free(mask);
    }
    assert_true(kept > 10);
}

/* Answers of equal lengths to one question, under an overlap that hides all traffic: many
 * rows take the same step, and they differ in what they send. */
static void of_ties_auto_takes_the_least_traffic(void **state)
{
    int64_t lengths[9];
    int ties = 0;
    (void)state;
    for (int64_t unit = 512; unit <= 4096; unit *= 2) {
        cpb_options options = options_of("auto", 8, -1);
        cpb_mask *mask;
        for (size_t i = 0; i < COUNT_OF(lengths); i++)
            lengths[i] = i ? unit : 8 * unit;
        options.setup.overlap = CPB_OVERLAP_IDEAL;
        options.setup.profile.net_bytes_per_us *= 1000;
        options.setup.profile.phase_latency = options.setup.profile.peer_latency = 0;
        assert_int_equal(cpb_mask_create_text("shared-question", COUNT_OF(lengths),
                                              lengths, NULL, NULL, &mask, NULL),
                         CPB_OK);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        const cpb_score best = score_of(&masks, &options);
        for (size_t b = 0; cpb_balancer_name(b); b++) {
            options.balancer = cpb_balancer_name(b);
            const cpb_score score = score_of(&masks, &options);
            assert_true(is_no_worse(&best, &score, &options.setup));
            ties += best.step_time == score.step_time &&
                    !is_no_worse(&score, &best, &options.setup);
        }
        cpb_mask_free(mask);
    }
    assert_true(ties >= 5);
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
            const int64_t step = score_of(&masks, &options).step_time;
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
        cmocka_unit_test(every_balancer_keeps_the_laws_on_every_family),
        cmocka_unit_test(auto_is_never_worse_than_any_row),
        cmocka_unit_test(auto_keeps_few_peers_where_frugal_does),
        cmocka_unit_test(of_ties_auto_takes_the_least_traffic),
        cmocka_unit_test(auto_takes_no_longer_at_four_times_the_tolerance),
        cmocka_unit_test(a_ring_takes_head_tail_and_nothing_else),
        cmocka_unit_test(options_that_cannot_be_met_are_refused_with_a_sentence),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(the_default_choice_is_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
