// SPDX-License-Identifier: Apache-2.0
/* Attention by a plan equals dense attention in double, for every mask family, balancer,
 * form of exchange, number of ranks and shape. */
#include "testing.h"

#include "attend_world.h"

static const int32_t world_sizes[] = {1, 2, 3, 4, 7};

static const struct {
    int64_t q_heads, kv_heads, head_dim;
} shapes[] = {{1, 1, 8}, {2, 2, 5}, {4, 2, 16}, {6, 1, 3}};

static void solve(problem *p, uint64_t *seed, double limit, double limit_grad)
{
    const cpb_world_options options = {.at_once = (int32_t)test_random(seed, 0, 2)};
    cpb_error error = {.at = -1, .message = ""};
    problem_open(p, seed);
    const cpb_status status =
        cpb_world_run(cpb_plan_ranks(p->plan), &options, run_problem, p, NULL, &error);
    if (status != CPB_OK)
        print_message("%s\n", error.message);
    assert_int_equal(status, CPB_OK);
    assert_int_equal(p->bytes_in, p->bytes_out);
    assert_true(largest_error(p, p->got_out, p->out, q_row(p)) <= limit);
    assert_true(largest_error(p, p->got_lse, p->lse, p->shape.q_heads) <= limit);
    if (p->backward) {
        assert_true(largest_error(p, p->got_dq, p->dq, q_row(p)) <= limit_grad);
        assert_true(largest_error(p, p->got_dkv, p->dkv, kv_row(p)) <= limit_grad);
    }
    problem_close(p);
}

static cpb_attention any_shape(uint64_t *seed)
{
    const size_t i = (size_t)test_random(seed, 0, COUNT_OF(shapes) - 1);
    return (cpb_attention){shapes[i].q_heads, shapes[i].kv_heads, shapes[i].head_dim,
                           1 / sqrt((double)shapes[i].head_dim), CPB_FP32};
}

static cpb_exchange_options any_form(uint64_t *seed, int32_t ranks)
{
    static const cpb_form forms[] = {CPB_FLAT, CPB_TWO_LEVEL, CPB_RELAY};
    const cpb_form form = forms[test_random(seed, 0, 2)];
    return (cpb_exchange_options){
        form, form == CPB_TWO_LEVEL ? (ranks % 2 ? ranks : ranks / 2) : 0};
}

static cpb_plan *plan_by(const cpb_mask *mask, const char *balancer, int32_t ranks,
                         uint64_t *seed)
{
    const cpb_masks masks = {1, &mask, NULL};
    cpb_options options = cpb_options_default();
    cpb_plan *plan = NULL;
    options.ranks = ranks;
    options.balancer = balancer;
    options.chunk = test_random(seed, 1, 40);
    options.sizes = (cpb_sizes)test_random(seed, 0, 1);
    return cpb_plan_create(&masks, &options, &plan, NULL) == CPB_OK ? plan : NULL;
}

static void every_family_and_balancer(void **state)
{
    uint64_t seed = 1;
    int solved = 0;
    (void)state;
    for (size_t f = 0; cpb_mask_family_example(f); f++) {
        cpb_mask *const mask = text_mask(cpb_mask_family_example(f));
        for (size_t b = 0; cpb_balancer_name(b); b++) {
            const int32_t ranks =
                world_sizes[test_random(&seed, 0, COUNT_OF(world_sizes) - 1)];
            cpb_plan *const plan = plan_by(mask, cpb_balancer_name(b), ranks, &seed);
            if (!plan)
                continue;
            problem p = {.mask = mask,
                         .plan = plan,
                         .shape = any_shape(&seed),
                         .exchange = any_form(&seed, ranks),
                         .backward = test_random(&seed, 0, 1)};
            solve(&p, &seed, 1e-5, 1e-4);
            solved++;
            cpb_plan_free(plan);
        }
        cpb_mask_free(mask);
    }
    assert_true(solved > 100);
}

static void random_plans_and_empty_ranks(void **state)
{
    static const char *const texts[] = {"causal:1", "documents:0,3,0,61,1,0",
                                        "window-both:97;n=9", "full:130",
                                        "documents:40,41,39,1;window=7"};
    uint64_t seed = 2;
    (void)state;
    for (int round = 0; round < 40; round++) {
        cpb_mask *const mask = text_mask(texts[round % (int)COUNT_OF(texts)]);
        const int32_t ranks =
            world_sizes[test_random(&seed, 0, COUNT_OF(world_sizes) - 1)];
        cpb_plan *const plan = random_plan(&seed, cpb_mask_tokens(mask), ranks, 20);
        problem p = {.mask = mask,
                     .plan = plan,
                     .shape = any_shape(&seed),
                     .exchange = any_form(&seed, ranks),
                     .backward = true};
        solve(&p, &seed, 1e-5, 1e-4);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

static void dense_masks_and_queries_without_keys(void **state)
{
    enum { TOKENS = 560 };
    static uint8_t allowed[TOKENS * TOKENS];
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < TOKENS * TOKENS; i++)
            allowed[i] = (i / TOKENS) % 10 != 3 && (i % TOKENS) * 7 / TOKENS <= 5 &&
                         (i / TOKENS + i % TOKENS) % (round + 2) != 0;
        cpb_mask *mask = NULL;
        assert_int_equal(
            cpb_mask_create_dense(TOKENS, allowed, 0, NULL, NULL, &mask, NULL), CPB_OK);
        cpb_plan *const plan = plan_by(mask, "head-tail", 2, &seed);
        problem p = {.mask = mask,
                     .plan = plan,
                     .shape = {3, 1, 4, 0.3, CPB_FP32},
                     .backward = true};
        solve(&p, &seed, 1e-5, 1e-4);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

/* With these heads 128 queries are multiplied at once, and a tile holds at most 256. */
static void several_tiles_pieces_and_blocks(void **state)
{
    static const char *const texts[] = {"causal:700", "window:700;n=300",
                                        "window-both:700;n=200"};
    uint64_t seed = 5;
    (void)state;
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        cpb_mask *const mask = text_mask(texts[t]);
        cpb_plan *const plan = plan_by(mask, "contiguous", 1, &seed);
        problem p = {.mask = mask,
                     .plan = plan,
                     .shape = {4, 1, 64, 0.125, CPB_FP32},
                     .backward = true};
        solve(&p, &seed, 1e-5, 1e-4);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

/* With heads this long 128 keys are copied at once, own or received. */
static void several_chunks_of_keys(void **state)
{
    static const cpb_accumulate types[] = {CPB_FP64, CPB_FP32};
    uint64_t seed = 6;
    (void)state;
    for (int32_t ranks = 1; ranks <= 2; ranks++) {
        cpb_mask *const mask = text_mask("documents:290,10");
        cpb_plan *const plan = plan_by(mask, "contiguous", ranks, &seed);
        problem p = {.mask = mask,
                     .plan = plan,
                     .shape = {1, 1, 4096, 0.02, types[ranks - 1]},
                     .backward = true};
        solve(&p, &seed, 1e-5, 1e-4);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

static void double_sums_are_as_exact_as_floats_can_say(void **state)
{
    uint64_t seed = 4;
    (void)state;
    cpb_mask *const mask = text_mask("documents:300,81,119");
    cpb_plan *const plan = plan_by(mask, "ptrr", 3, &seed);
    problem p = {.mask = mask,
                 .plan = plan,
                 .shape = {4, 2, 24, 0.2, CPB_FP64},
                 .exchange = {CPB_RELAY, 0},
                 .backward = true};
    solve(&p, &seed, 1.2e-7, 3e-7);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_and_balancer),
        cmocka_unit_test(random_plans_and_empty_ranks),
        cmocka_unit_test(dense_masks_and_queries_without_keys),
        cmocka_unit_test(several_tiles_pieces_and_blocks),
        cmocka_unit_test(several_chunks_of_keys),
        cmocka_unit_test(double_sums_are_as_exact_as_floats_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
