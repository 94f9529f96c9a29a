// SPDX-License-Identifier: Apache-2.0
/* Every kernel with every transport and balancer: refused with the reason, or told
 * honestly. And limits on peers, which balancers keep or refuse. */
#include "testing.h"

#include <string.h>

enum { RANKS = 4, MOST_DOCUMENTS = 5 };

static const char *const texts[] = {"documents", "causal", "documents-full",
                                    "window:50", "prefix:30"};

/* Random documents under one of the families; `causal` takes them as one. */
static cpb_mask *random_mask(uint64_t *seed)
{
    int64_t lengths[MOST_DOCUMENTS];
    cpb_mask *mask;
    cpb_error error = {0};
    const char *const text = texts[test_random(seed, 0, COUNT_OF(texts) - 1)];
    const size_t n =
        test_lengths(seed, test_random(seed, 1, 1500), MOST_DOCUMENTS, lengths);
    if (cpb_mask_create_text(text, n, lengths, NULL, NULL, &mask, &error) != CPB_OK)
        fail_msg("%s: %s", text, error.message);
    return mask;
}

/* How keys travel, and who may take part. */
typedef struct combination {
    cpb_transport transport;
    const char *refused;     /* what the sentence says; NULL: nobody is refused */
    const char *accepted[2]; /* who is not refused; auto then is the other */
} combination;

static const combination combinations[] = {
    {CPB_EXCHANGE, NULL, {NULL}},
    {CPB_ALLGATHER, NULL, {NULL}},
    {CPB_RING, "a ring needs the layout of head-tail", {"head-tail", "auto"}},
};

static bool is_refused(const combination *c, const char *balancer)
{
    if (!c->refused)
        return false;
    for (size_t i = 0; i < COUNT_OF(c->accepted); i++)
        if (strcmp(c->accepted[i], balancer) == 0)
            return false;
    return true;
}

/* Over all-gather and ring every rank gets every key that it does not hold, whoever
 * holds it; over the exchange at most that. */
static void assert_honest(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup)
{
    const int64_t tokens = cpb_plan_tokens(plan);
    const int32_t nodes = setup->nodes;
    cpb_score score;
    cpb_rank_score ranks[RANKS];
    int64_t total = 0, most = 0, in = 0;
    assert_int_equal(
        cpb_score_plan(plan, masks, setup, NULL, &score, ranks, NULL, NULL), CPB_OK);
    for (int32_t r = 0; r < RANKS; r++) {
        const int64_t remote = tokens - ranks[r].tokens;
        if (setup->transport == CPB_EXCHANGE)
            assert_true(ranks[r].receive <= remote);
        else
            assert_int_equal(ranks[r].receive, remote);
        total += ranks[r].receive;
        most = remote > most ? remote : most;
    }
    for (int32_t i = 0; i < nodes; i++) {
        int64_t held = 0;
        for (int32_t r = i * RANKS / nodes; r < (i + 1) * RANKS / nodes; r++)
            held += ranks[r].tokens;
        in = tokens - held > in ? tokens - held : in;
    }
    assert_int_equal(score.receive_total, total);
    assert_true(score.net_in_max <= in);
    if (setup->transport == CPB_EXCHANGE)
        return;
    assert_int_equal(score.receive_max, most);
    assert_int_equal(score.net_in_max, in);
}

static void check_combination(const combination *c, const cpb_masks *masks,
                              const cpb_options *options)
{
    cpb_plan *plan;
    cpb_error error = {0};
    const cpb_status status = cpb_plan_create(masks, options, &plan, &error);
    if (is_refused(c, options->balancer)) {
        assert_int_equal(status, CPB_UNSUPPORTED);
        assert_non_null(strstr(error.message, c->refused));
        assert_non_null(strstr(error.message, options->balancer));
        return;
    }
    if (status != CPB_OK)
        fail_msg("%s: %s", options->balancer, error.message);
    if (c->refused)
        assert_string_equal(cpb_plan_balancer(plan), c->accepted[0]);
    assert_honest(plan, masks, &options->setup);
    cpb_plan_free(plan);
}

static void every_combination_is_refused_with_the_reason_or_honest(void **state)
{
    (void)state;
    uint64_t seed = 1;
    cpb_options options = cpb_options_default();
    options.ranks = RANKS;
    for (int round = 0; round < 12; round++) {
        cpb_mask *const mask = random_mask(&seed);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        options.setup.nodes = (int32_t[]){0, 1, 2, 4}[round % 4];
        for (size_t c = 0; c < COUNT_OF(combinations); c++)
            for (int kernel = CPB_FLEX; kernel <= CPB_RECURRENT; kernel++)
                for (size_t b = 0; cpb_balancer_name(b); b++) {
                    options.balancer = cpb_balancer_name(b);
                    options.setup.kernel = (cpb_kernel)kernel;
                    options.setup.transport = combinations[c].transport;
                    check_combination(&combinations[c], &masks, &options);
                }
        cpb_mask_free(mask);
    }
}

static int64_t largest_shard(const cpb_plan *plan)
{
    int64_t largest = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        largest = cpb_plan_size(plan, r) > largest ? cpb_plan_size(plan, r) : largest;
    return largest;
}

/* Where a limit is said to be beyond any plan of the size of `refused`, it is beyond those
 * of all rows. */
static void assert_beyond_all(const cpb_masks *masks, cpb_options options,
                              int32_t limit, const cpb_plan *refused)
{
    options.peers = -1;
    for (size_t b = 0; cpb_balancer_name(b); b++) {
        cpb_score score;
        cpb_plan *plan;
        options.balancer = cpb_balancer_name(b);
        assert_int_equal(cpb_plan_create(masks, &options, &plan, NULL), CPB_OK);
        assert_int_equal(
            cpb_score_plan(plan, masks, &options.setup, NULL, &score, NULL, NULL, NULL),
            CPB_OK);
        assert_true(score.peers_max > limit ||
                    largest_shard(plan) > largest_shard(refused));
        cpb_plan_free(plan);
    }
}

/* With few peers allowed a row is refused exactly where its plan has more, and `auto`
 * takes the best of the others. */
static void peers_are_kept_or_refused(const cpb_masks *masks, cpb_options options,
                                      int *proved)
{
    cpb_score score;
    cpb_plan *plan;
    cpb_error error = {0};
    const int32_t limit = options.peers;
    int64_t best = INT64_MAX;
    for (size_t b = 0; cpb_balancer_name(b); b++) {
        options.balancer = cpb_balancer_name(b);
        const bool is_auto = !cpb_balancer_name(b + 1);
        options.peers = limit;
        const cpb_status status = cpb_plan_create(masks, &options, &plan, &error);
        if (status == CPB_OK) {
            assert_int_equal(cpb_score_plan(plan, masks, &options.setup, NULL, &score,
                                            NULL, NULL, NULL),
                             CPB_OK);
            assert_true(score.peers_max <= limit);
            assert_true(!is_auto || score.step_time <= best);
            best = score.step_time < best ? score.step_time : best;
            cpb_plan_free(plan);
            continue;
        }
        assert_int_equal(status, CPB_UNSUPPORTED);
        assert_non_null(strstr(error.message, "lets a rank talk to"));
        assert_true(!is_auto || best == INT64_MAX);
        options.peers = -1;
        if (is_auto)
            continue;
        assert_int_equal(cpb_plan_create(masks, &options, &plan, NULL), CPB_OK);
        assert_int_equal(
            cpb_score_plan(plan, masks, &options.setup, NULL, &score, NULL, NULL, NULL),
            CPB_OK);
        assert_true(score.peers_max > limit);
        if (b == 0 && strstr(error.message, "cannot be kept")) {
            assert_beyond_all(masks, options, limit, plan);
            ++*proved;
        }
        cpb_plan_free(plan);
    }
}

static void plans_keep_to_the_peers_that_are_allowed(void **state)
{
    (void)state;
    uint64_t seed = 2;
    int proved = 0;
    cpb_options options = cpb_options_default();
    options.ranks = RANKS;
    options.chunk = 64;
    for (int round = 0; round < 40; round++) {
        cpb_mask *const mask = random_mask(&seed);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {.n = 1, .mask = list};
        options.setup.kernel = (cpb_kernel)(round % 2);
        for (options.peers = 0; options.peers < RANKS; options.peers++)
            peers_are_kept_or_refused(&masks, options, &proved);
        cpb_mask_free(mask);
    }
    assert_true(proved > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_refused_with_the_reason_or_honest),
        cmocka_unit_test(plans_keep_to_the_peers_that_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
