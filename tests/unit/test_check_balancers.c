// SPDX-License-Identifier: Apache-2.0
/* Every plan that a balancer makes is proved, with all its figures. */
#include "check_world.h"

/* A claim that repeats a plan and its score word for word. */
typedef struct repeated {
    int64_t *first;
    cpb_score score;
    cpb_rank_score *ranks;
    int64_t *pairs;
    int64_t *loads;
    uint64_t hash;
    cpb_claim claim;
} repeated;

static void repeat_plan(repeated *f, const cpb_plan *plan, const cpb_masks *masks,
                        const cpb_setup *setup)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    f->first = calloc((size_t)ranks + 1, sizeof *f->first);
    f->ranks = calloc((size_t)ranks, sizeof *f->ranks);
    f->pairs = calloc((size_t)ranks, sizeof *f->pairs);
    assert_non_null(f->first);
    assert_non_null(f->ranks);
    f->loads = calloc((size_t)ranks, sizeof *f->loads);
    assert_non_null(f->pairs);
    assert_non_null(f->loads);
    assert_int_equal(
        cpb_score_plan(plan, masks, setup, NULL, &f->score, f->ranks, NULL, NULL),
        CPB_OK);
    for (int32_t r = 0; r < ranks; r++) {
        f->first[r + 1] = f->first[r] + (int64_t)cpb_plan_n_runs(plan, r);
        f->pairs[r] = f->ranks[r].pairs;
        f->loads[r] = f->ranks[r].load;
    }
    f->hash = cpb_plan_hash(plan);
    f->claim = (cpb_claim){
        .tokens = cpb_plan_tokens(plan),
        .padding = cpb_plan_padding(plan),
        .ranks = ranks,
        .first = f->first,
        .runs = cpb_plan_runs(plan, 0),
        .promise = *cpb_plan_promise(plan),
        .score = &f->score,
        .pairs = f->pairs,
        .loads = f->loads,
        .hash = &f->hash,
    };
}

static void forget_plan(repeated *f)
{
    free(f->first);
    free(f->ranks);
    free(f->pairs);
    free(f->loads);
}

/* Every plan that these options give is proved, with all its figures. */
static int64_t prove_plan(const cpb_masks *masks, const cpb_options *options,
                          const char *text)
{
    cpb_plan *plan = NULL;
    cpb_error error = {0};
    const cpb_status made = cpb_plan_create(masks, options, &plan, &error);
    if (made == CPB_UNSUPPORTED)
        return 0;
    if (made != CPB_OK)
        fail_msg("%s, %s: %s", text, options->balancer, error.message);
    repeated f;
    repeat_plan(&f, plan, masks, &options->setup);
    if (cpb_check_plan(&f.claim, masks, &options->setup, NULL, &error) != CPB_OK)
        fail_msg("%s, %s, %d ranks, kernel %d, cost %d, sizes %d, transport %d, nodes "
                 "%d: %s",
                 text, options->balancer, options->ranks, (int)options->setup.kernel,
                 (int)options->setup.cost, (int)options->sizes,
                 (int)options->setup.transport, options->setup.nodes, error.message);
    forget_plan(&f);
    cpb_plan_free(plan);
    return 1;
}

/* Draws everything but balancer, kernel and masks. */
static cpb_options random_options(uint64_t *seed)
{
    static const int64_t chunks[] = {-1, 1, 8, 16, 128, 37};
    cpb_options options = cpb_options_default();
    options.ranks = (int32_t)test_random(seed, 1, 8);
    options.setup = random_setup(seed, options.ranks);
    if (test_random(seed, 0, 1))
        options.setup.profile = cpb_setup_default().profile;
    options.chunk = chunks[test_random(seed, 0, (int64_t)COUNT_OF(chunks) - 1)];
    options.sizes = (cpb_sizes)test_random(seed, 0, 1);
    return options;
}

static int64_t prove_balancers(uint64_t *seed, const cpb_masks *masks, const char *text)
{
    int32_t speeds[DENSE_RANKS];
    int64_t proved = 0;
    for (size_t b = 0; cpb_balancer_name(b); b++)
        for (int round = 0; round < 12; round++) {
            cpb_options options = random_options(seed);
            options.balancer = cpb_balancer_name(b);
            options.setup.kernel = (cpb_kernel)(round % 3);
            if (test_random(seed, 0, 3) == 0)
                options.setup.speeds = random_speeds(seed, speeds);
            proved += prove_plan(masks, &options, text);
        }
    return proved;
}

static void every_balancer_on_every_family_is_proved(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (size_t i = 0; cpb_mask_family_example(i); i++) {
        const char *const text = cpb_mask_family_example(i);
        cpb_mask *mask = NULL;
        assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                         CPB_OK);
        const cpb_mask *const view[] = {mask};
        assert_true(prove_balancers(&seed, &(cpb_masks){1, view, NULL}, text) > 50);
        cpb_mask_free(mask);
    }
}

/* More ranks than one word of peers holds, all of which need rank 0 and nobody else. */
static void plans_for_many_ranks_are_proved(void **state)
{
    (void)state;
    static const int32_t ranks[] = {64, 65, 130};
    const cpb_slice hub = {{0, 2000}, {0, 5}, CPB_FULL};
    cpb_mask *mask = NULL;
    assert_int_equal(cpb_mask_create(2000, 1, &hub, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    const cpb_mask *const view[] = {mask};
    for (size_t i = 0; i < COUNT_OF(ranks); i++)
        for (int32_t nodes = 0; nodes <= 5; nodes += 5) {
            cpb_options options = cpb_options_default();
            options.ranks = ranks[i];
            options.balancer = "contiguous";
            options.setup.nodes = ranks[i] % 5 ? 0 : nodes;
            assert_int_equal(prove_plan(&(cpb_masks){1, view, NULL}, &options, "hub"),
                             1);
        }
    cpb_mask_free(mask);
}

static void every_balancer_on_random_masks_is_proved(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        uint64_t seed = round;
        const int64_t tokens = test_random(&seed, 1, round % 8 ? 60 : DENSE_TOKENS);
        cpb_mask *mask[DENSE_MASKS];
        int64_t weight[DENSE_MASKS];
        const size_t n = (size_t)test_random(&seed, 1, DENSE_MASKS);
        for (size_t m = 0; m < n; m++) {
            mask[m] = random_mask(&seed, tokens);
            weight[m] = test_random(&seed, 1, 4);
        }
        const cpb_masks masks = {n, (const cpb_mask *const *)mask, weight};
        assert_true(prove_balancers(&seed, &masks, "random masks") > 50);
        for (size_t m = 0; m < n; m++)
            cpb_mask_free(mask[m]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_balancer_on_every_family_is_proved),
        cmocka_unit_test(plans_for_many_ranks_are_proved),
        cmocka_unit_test(every_balancer_on_random_masks_is_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
