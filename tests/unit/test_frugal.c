// SPDX-License-Identifier: Apache-2.0
/* The balancer `frugal`: cases whose best plan is known. */
#include "frugal_world.h"

#include <stdio.h>
#include <string.h>

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

/* Tokens move one by one with `varlen`, and it receives no more than with `flex`, though
 * tiles that start anew at each run make pieces of few tokens dear. */
static void windows_cost_no_more_by_token_than_by_chunk(void **state)
{
    static const int64_t lengths[] = {100000, 128000, 131072, 200000, 262144};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        cpb_mask *const mask = mask_of("window:8192", 1, &lengths[i]);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_options options = options_of("frugal", 16);
        const cpb_score by_chunk = score_of(&masks, &options);
        options.setup.kernel = CPB_VARLEN;
        const cpb_score by_token = score_of(&masks, &options);
        assert_true(by_token.receive_total <= by_chunk.receive_total);
        assert_true(by_token.receive_max <= by_chunk.receive_max);
        assert_true((double)by_token.load_max <=
                    limit_of(&by_token, 0.01) * (1 + 1e-9));
        cpb_mask_free(mask);
    }
}

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
        const int32_t ranks =
            (int32_t)(cpb_mask_tokens(mask) + test_random(&seed, 0, 9));
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

static int64_t busiest(const cpb_score *score)
{
    return score->send_max > score->receive_max ? score->send_max : score->receive_max;
}

/* Whether `min-heap` keeps the tolerance, and if so whether we send and receive no more. */
static bool compare_with_min_heap(int64_t question, int64_t answer, int64_t n,
                                  int32_t ranks, cpb_kernel kernel)
{
    int64_t lengths[65] = {question};
    for (int64_t i = 1; i <= n; i++)
        lengths[i] = answer;
    cpb_mask *const mask = mask_of("shared-question", (size_t)n + 1, lengths);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {1, list, NULL};
    cpb_options options = options_of("frugal", ranks);
    options.setup.kernel = kernel;
    const cpb_score ours = score_of(&masks, &options);
    options.balancer = "min-heap";
    const cpb_score theirs = score_of(&masks, &options);
    const bool keeps = (double)theirs.load_max <= limit_of(&ours, 0.01);
    assert_true(!keeps || busiest(&ours) <= busiest(&theirs));
    cpb_mask_free(mask);
    return keeps;
}

/* Where chunks of 512 divide the sizes, so that both hold the same numbers of tokens. */
static void a_shared_question_loads_no_rank_more_than_min_heap(void **state)
{
    int kept = 0;
    (void)state;
    for (int64_t question = 8192; question <= 65536; question *= 2)
        for (int64_t answer = 512; answer <= 8192; answer *= 4)
            for (int64_t n = 1; n <= 64; n *= 2)
                for (int32_t ranks = 2; ranks <= 8; ranks *= 2)
                    for (int k = CPB_FLEX; k <= CPB_VARLEN; k++)
                        if ((question + n * answer) % (512 * ranks) == 0)
                            kept += compare_with_min_heap(question, answer, n, ranks,
                                                          (cpb_kernel)k);
    assert_true(kept >= 200);
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
        cmocka_unit_test(one_causal_document_is_dealt_head_to_tail),
        cmocka_unit_test(one_causal_document_has_two_runs_on_any_grid),
        cmocka_unit_test(sliding_windows_are_dealt_in_two_runs),
        cmocka_unit_test(windows_cost_no_more_by_token_than_by_chunk),
        cmocka_unit_test(neighbours_share_documents),
        cmocka_unit_test(few_peers_are_looked_for),
        cmocka_unit_test(more_ranks_than_tokens_hold_one_each),
        cmocka_unit_test(a_shared_question_is_spread),
        cmocka_unit_test(a_shared_question_loads_no_rank_more_than_min_heap),
        cmocka_unit_test(documents_that_fit_stay_whole),
        cmocka_unit_test(tiny_documents_cost_hardly_any_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
