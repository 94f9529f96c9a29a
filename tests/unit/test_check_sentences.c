// SPDX-License-Identifier: Apache-2.0
/* What a check says of a claim that does not hold. */
#include "check_world.h"

#include <math.h>

static void counterexamples_are_named(void **state)
{
    static fixture f;
    (void)state;
    set_up_small(&f);
    assert_proved(&f, 0);

    f.plan.runs[1] = (cpb_range){3, 8};
    assert_refuted(&f, "position 3 is held twice, by rank 0 and by rank 1");
    f.plan.runs[1] = (cpb_range){5, 8};
    assert_refuted(&f, "position 4 is held by no rank");
    f.plan.runs[1] = (cpb_range){4, 4};
    assert_refuted(&f, "run 0 of rank 1 is 4 .. 4, but runs are not empty and lie "
                       "inside 0 .. 8");
    f.plan.runs[1] = (cpb_range){4, 8};
    f.plan.first[1] = 2;
    assert_refuted(&f, "runs 0 and 1 of rank 0 continue each other at position 4 and "
                       "must be one");
    f.plan.first[1] = 0;
    f.plan.runs[0] = (cpb_range){4, 8};
    f.plan.runs[1] = (cpb_range){0, 4};
    assert_refuted(&f, "rank 0 holds 0 positions, but equal sizes give it 4");
    f.plan.first[1] = 1;
    f.plan.runs[0] = (cpb_range){0, 4};
    f.plan.runs[1] = (cpb_range){4, 8};

    f.claim.promise.cap = 3;
    assert_refuted(&f, "rank 0 holds 4 positions, more than the cap of 3");
    f.claim.promise.cap = -1;
    f.claim.promise.granularity = 16;
    assert_refuted(&f, "chunk 0 of 16 tokens is split at position 4 between rank 0 and "
                       "rank 1");
    f.claim.promise.granularity = 1;

    f.dense.pairs[1] = 25;
    assert_refuted(&f, "rank 1 states 25 pairs, a recount gives 26");
    f.dense.pairs[1] = 26;
    f.dense.score.send_max = 3;
    assert_refuted(&f, "send_max is stated as 3, a recount gives 4");
    f.dense.score.send_max = 4;
    f.dense.score.receive_bound = 5;
    assert_refuted(&f, "receive_bound is stated as 5, but a recount gives a "
                       "receive_total of only 4");
    f.claim.promise.tolerance_ppm = 0; /* then its bounds are for other plans */
    assert_refuted(&f, "send_max_bound is stated as 2, a recount gives 3");
    f.dense.score.send_max_bound = 3;
    assert_proved(&f, 0);
    f.claim.promise.tolerance_ppm = ANY_TOLERANCE;
    f.dense.score.receive_bound = 4;
    f.dense.score.send_max_bound = 2;
    assert_proved(&f, 0);
    tear_down(&f);
}

/* A claim about runs alone. */
static void assert_sentence(const cpb_claim *claim, const char *sentence)
{
    cpb_error error = {0};
    assert_int_equal(cpb_check_plan(claim, NULL, NULL, NULL, &error), CPB_REFUTED);
    assert_string_equal(error.message, sentence);
}

static void numbers_outside_their_limits_are_named(void **state)
{
    (void)state;
    const int64_t first[] = {0, 1};
    const cpb_range all = {0, CPB_MAX_TOKENS};
    const cpb_claim most = {
        .tokens = CPB_MAX_TOKENS,
        .ranks = 1,
        .first = first,
        .runs = &all,
        .promise = {CPB_EQUAL, 1, 1, CPB_MAX_TOKENS, CPB_ALGORITHM, 0}};
    assert_int_equal(cpb_check_plan(&most, NULL, NULL, NULL, NULL), CPB_OK);

    cpb_claim claim = most;
    claim.tokens = 4;
    claim.padding = CPB_MAX_TOKENS - 4;
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_OK);
    claim.padding++;
    assert_sentence(&claim,
                    "a padding of 1073741821 is stated, but 4 tokens leave room "
                    "for 0 .. 1073741820");
    claim.padding = -1;
    assert_sentence(&claim,
                    "a padding of -1 is stated, but 4 tokens leave room for 0 .. "
                    "1073741820");
    claim = most;
    claim.tokens++;
    assert_sentence(&claim,
                    "1073741825 tokens are stated, but a plan has 1 .. 1073741824");
    claim.tokens = 0;
    assert_sentence(&claim, "0 tokens are stated, but a plan has 1 .. 1073741824");
    claim = most;
    claim.ranks = 0;
    assert_sentence(&claim, "0 ranks are stated, but a plan has 1 .. 65536");
    claim.ranks = CPB_MAX_RANKS + 1;
    assert_sentence(&claim, "65537 ranks are stated, but a plan has 1 .. 65536");
    claim = most;
    claim.promise.cap--;
    assert_sentence(&claim, "rank 0 holds 1073741824 positions, more than the cap of "
                            "1073741823");
    claim.promise.cap = 0;
    assert_sentence(&claim,
                    "rank 0 holds 1073741824 positions, more than the cap of 0");
    claim.promise.cap = -2;
    assert_sentence(&claim,
                    "a cap of -2 is stated, but it is at least 0, or -1 for none");
    claim = most;
    claim.promise.chunk = 0;
    assert_sentence(&claim, "a chunk of 0 tokens is stated, but it holds at least 1");
    claim.promise.chunk = 8;
    claim.promise.granularity = 2;
    assert_sentence(&claim,
                    "a granularity of 2 is stated, but it is 1 or the chunk, 8");
}

static void broken_lists_of_runs_are_named(void **state)
{
    (void)state;
    int64_t first[] = {0, 1, 2};
    cpb_range runs[] = {{0, 4}, {4, 8}};
    cpb_claim claim = {.tokens = 6,
                       .padding = 2,
                       .ranks = 2,
                       .first = first,
                       .runs = runs,
                       .promise = {CPB_EQUAL, 1, 1, -1, CPB_ALGORITHM, 0}};
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_OK);
    first[0] = 1;
    assert_sentence(&claim, "the runs of rank 0 start at number 1, not at 0");
    first[0] = 0;
    first[1] = 3;
    assert_sentence(&claim,
                    "the runs of rank 1 end at number 2, before they start at 3");
    first[1] = 9;
    assert_sentence(&claim,
                    "the runs of rank 0 end at number 9, but 8 positions make at "
                    "most as many runs");
    first[1] = 1;
    runs[0].begin = -1;
    assert_sentence(&claim,
                    "run 0 of rank 0 is -1 .. 4, but runs are not empty and lie "
                    "inside 0 .. 8");
    runs[0].begin = 0;
    runs[1].end = 9;
    assert_sentence(&claim, "run 0 of rank 1 is 4 .. 9, but runs are not empty and lie "
                            "inside 0 .. 8");
    runs[1].end = 7;
    assert_sentence(&claim, "position 7 is held by no rank");
    runs[1].end = 8;
    claim.promise.sizes = CPB_UNEVEN;
    assert_sentence(
        &claim, "the sizes are uneven, yet there are 2 pads; accepted are none, or as "
                "many positions on every rank");
    claim.promise.sizes = CPB_EQUAL;
    claim.padding = 1;
    runs[1].end = 7;
    assert_sentence(&claim,
                    "equal sizes are stated, but 2 ranks do not divide 7 positions");
}

static void a_mask_of_other_tokens_is_invalid(void **state)
{
    static fixture f;
    cpb_error error;
    (void)state;
    set_up_small(&f);
    f.claim.tokens = 9;
    assert_int_equal(check(&f, &error), CPB_INVALID);
    assert_string_equal(error.message, "mask 0 has 8 tokens, but the plan has 9");
    assert_int_equal(cpb_check_plan(&f.claim, NULL, NULL, NULL, &error), CPB_REFUTED);
    tear_down(&f);
}

static void each_kind_of_statement_is_checked_alone(void **state)
{
    static fixture f;
    (void)state;
    set_up_small(&f);
    const cpb_claim all = f.claim;
    f.claim.score = NULL;
    f.claim.pairs = NULL;
    f.claim.hash = NULL;
    assert_proved(&f, 0);
    f.dense.loads[1]++;
    assert_names(&f, "rank 1 states a load of");
    f.dense.loads[1]--;

    f.claim.loads = NULL;
    assert_proved(&f, 0);
    f.claim.score = all.score;
    assert_proved(&f, 0);
    f.dense.score.runs_max = 2;
    assert_refuted(&f, "runs_max is stated as 2, a recount gives 1");
    f.claim.score = NULL;
    assert_proved(&f, 0);
    f.claim.pairs = all.pairs;
    assert_proved(&f, 0);
    f.dense.pairs[0]++;
    assert_names(&f, "rank 0 states 11 pairs");
    tear_down(&f);
}

/* No finite number is its quotient, whatever is stated. */
static void a_load_bound_of_zero_leaves_no_gap(void **state)
{
    static fixture f;
    (void)state;
    set_up_small(&f);
    f.dense.score.load_bound = 0;
    f.dense.score.gap = 1;
    assert_names(&f, "gap is stated as 1");
    f.dense.score.gap = (double)INFINITY;
    assert_names(&f, "gap is stated as");
    f.dense.score.gap = 0;
    assert_proved(&f, 0);
    tear_down(&f);
}

static void sums_that_leave_64_bits_are_too_large(void **state)
{
    static fixture f;
    cpb_error error;
    (void)state;
    set_up_small(&f);
    f.weight[0] = INT64_MAX / 2;
    f.masks.weight = f.weight;
    assert_int_equal(check(&f, &error), CPB_TOO_LARGE);
    tear_down(&f);
}

static void orders_are_permutations(void **state)
{
    (void)state;
    int64_t order[200];
    cpb_error error;
    uint64_t seed = 9;
    for (int64_t i = 0; i < 200; i++)
        order[i] = i * 7 % 200;
    assert_int_equal(cpb_check_order(200, order, NULL, &error), CPB_OK);
    assert_int_equal(cpb_check_order(0, order, NULL, &error), CPB_OK);
    for (int64_t i = 0; i < 200; i++) {
        const int64_t was = order[i];
        const int64_t other = test_random(&seed, 0, 199);
        order[i] = other == was ? (other + 1) % 200 : other;
        assert_int_equal(cpb_check_order(200, order, NULL, &error), CPB_REFUTED);
        assert_true(order[error.at] == order[i]);
        order[i] = was;
    }
    const int64_t twice[] = {2, 0, 2}, outside[] = {0, 3, 1},
                  below[] = {0, INT64_MIN, 1};
    assert_int_equal(cpb_check_order(3, twice, NULL, &error), CPB_REFUTED);
    assert_string_equal(error.message, "entry 2 is 2, which entry 0 is already");
    assert_int_equal(cpb_check_order(3, outside, NULL, &error), CPB_REFUTED);
    assert_string_equal(error.message, "entry 1 is 3, outside 0 .. 2");
    assert_int_equal(cpb_check_order(3, below, NULL, &error), CPB_REFUTED);
    assert_int_equal(error.at, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counterexamples_are_named),
        cmocka_unit_test(numbers_outside_their_limits_are_named),
        cmocka_unit_test(broken_lists_of_runs_are_named),
        cmocka_unit_test(a_mask_of_other_tokens_is_invalid),
        cmocka_unit_test(sums_that_leave_64_bits_are_too_large),
        cmocka_unit_test(each_kind_of_statement_is_checked_alone),
        cmocka_unit_test(a_load_bound_of_zero_leaves_no_gap),
        cmocka_unit_test(orders_are_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
