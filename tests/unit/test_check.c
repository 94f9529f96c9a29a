// SPDX-License-Identifier: Apache-2.0
/* Proofs: true claims pass, and every single lie is found. */
#include "check_world.h"

#include <math.h>

enum { ROUNDS = 1500 };

static const char *const counted_names[] = {
    "load_max",     "tiles",      "tiles_added", "receive_total",  "receive_max",
    "send_max",     "pair_max",   "net_in_max",  "net_out_max",    "runs_max",
    "segments_max", "memory_max", "step_time",   "relay_send_max", "send_max_bound",
};

static int64_t *counted_figure(cpb_score *score, size_t i)
{
    int64_t *const figures[] = {
        &score->load_max,      &score->tiles,          &score->tiles_added,
        &score->receive_total, &score->receive_max,    &score->send_max,
        &score->pair_max,      &score->net_in_max,     &score->net_out_max,
        &score->runs_max,      &score->segments_max,   &score->memory_max,
        &score->step_time,     &score->relay_send_max, &score->send_max_bound,
    };
    return figures[i];
}

static const char *const ratio_names[] = {"load_mean", "imbalance", "gap", "own_work"};

static double *ratio_figure(cpb_score *score, size_t i)
{
    double *const figures[] = {&score->load_mean, &score->imbalance, &score->gap,
                               &score->own_work};
    return figures[i];
}

static void the_recount_agrees_with_a_dense_matrix(void **state)
{
    static fixture f;
    int relayed = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        set_up(&f, seed, seed % 10 ? 48 : 290);
        assert_proved(&f, seed);
        relayed += f.dense.score.relay_send_max < f.dense.score.send_max;
        tear_down(&f);
    }
    assert_true(relayed > ROUNDS / 10);
}

static void lie_about_figures(fixture *f)
{
    static const int64_t steps[] = {-1, 1, -(INT64_C(1) << 32), INT64_C(1) << 32};
    cpb_score score = f->dense.score;
    f->claim.score = &score;
    for (size_t s = 0; s < COUNT_OF(steps); s++)
        for (size_t i = 0; i < COUNT_OF(counted_names); i++) {
            *counted_figure(&score, i) += steps[s];
            assert_names(f, counted_names[i]);
            *counted_figure(&score, i) -= steps[s];
        }
    for (int32_t step = -1; step <= 1; step += 2) {
        for (size_t i = 0; i < COUNT_OF(ratio_names); i++) {
            const double was = *ratio_figure(&score, i);
            *ratio_figure(&score, i) = was + step * 1e-3 * (1 + fabs(was));
            assert_names(f, ratio_names[i]);
            *ratio_figure(&score, i) = (double)NAN;
            assert_names(f, ratio_names[i]);
            *ratio_figure(&score, i) = (double)INFINITY;
            assert_names(f, ratio_names[i]);
            *ratio_figure(&score, i) = was;
        }
        score.peers_max += step;
        assert_names(f, "peers_max");
        score.peers_max -= step;
    }
    int64_t *const bounds[] = {&score.load_bound, &score.receive_bound,
                               &score.receive_max_bound};
    const int64_t reached[] = {score.load_max, score.receive_total, score.receive_max};
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        const int64_t was = *bounds[i];
        *bounds[i] = reached[i] + 1;
        assert_names(f, "_bound is stated as");
        *bounds[i] = -1;
        assert_names(f, "_bound is stated as -1, but is never negative");
        *bounds[i] = was;
    }
    f->claim.score = &f->dense.score;
}

static void lie_about_pairs_and_hash(fixture *f)
{
    for (int32_t r = 0; r < f->plan.ranks; r++)
        for (int64_t step = -1; step <= 1; step += 2) {
            f->dense.pairs[r] += step;
            assert_names(f, "pairs, a recount gives");
            f->dense.pairs[r] -= step;
            f->dense.loads[r] += step;
            assert_names(f, "states a load of");
            f->dense.loads[r] -= step;
        }
    for (int bit = 0; bit < 64; bit++) {
        f->hash ^= UINT64_C(1) << bit;
        assert_names(f, "the hash is stated as");
        f->hash ^= UINT64_C(1) << bit;
    }
}

static void assert_rejected(const fixture *f)
{
    const cpb_status status = check(f, NULL);
    assert_true(status == CPB_REFUTED || status == CPB_INVALID);
}

static void lie_about_runs(fixture *f)
{
    dense_plan *const plan = &f->plan;
    const int64_t n = plan->first[plan->ranks];
    for (int64_t i = 0; i < n; i++) {
        int64_t *const ends[] = {&plan->runs[i].begin, &plan->runs[i].end};
        for (size_t e = 0; e < 2; e++)
            for (int64_t step = -1; step <= 1; step += 2) {
                *ends[e] += step;
                assert_rejected(f);
                *ends[e] -= step;
            }
        const int64_t j = (i + 1) % n;
        const cpb_range swap = plan->runs[i];
        plan->runs[i] = plan->runs[j];
        plan->runs[j] = swap;
        if (i != j)
            assert_rejected(f);
        plan->runs[j] = plan->runs[i];
        plan->runs[i] = swap;
    }
    for (int32_t r = 0; r <= plan->ranks; r++)
        for (int64_t step = -1; step <= 1; step += 2) {
            if (r == plan->ranks && step > 0)
                continue; /* would promise more runs than there are */
            plan->first[r] += step;
            assert_rejected(f);
            plan->first[r] -= step;
        }
}

static void lie_about_sizes(fixture *f)
{
    int64_t *const numbers[] = {&f->claim.tokens, &f->claim.padding};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        for (int64_t step = -1; step <= 1; step += 2) {
            *numbers[i] += step;
            assert_rejected(f);
            *numbers[i] -= step;
        }
    f->claim.padding++;
    f->claim.tokens--;
    assert_rejected(f);
    f->claim.padding--;
    f->claim.tokens++;
    f->claim.promise.algorithm++;
    assert_rejected(f);
    f->claim.promise.algorithm--;
}

static void every_single_lie_is_found(void **state)
{
    static fixture f;
    (void)state;
    for (uint64_t seed = 5000; seed < 5040; seed++) {
        set_up(&f, seed, 40);
        lie_about_figures(&f);
        lie_about_pairs_and_hash(&f);
        lie_about_runs(&f);
        lie_about_sizes(&f);
        assert_proved(&f, seed);
        tear_down(&f);
    }
}

static int64_t hostile_number(uint64_t *seed)
{
    static const int64_t numbers[] = {
        INT64_MIN,          INT64_MIN + 1, -1,       0, 1, 2, 7, CPB_MAX_TOKENS,
        CPB_MAX_TOKENS + 1, INT64_MAX - 1, INT64_MAX};
    return test_random(seed, 0, 2) ? test_random(seed, -2, 50)
                                   : numbers[test_random(seed, 0, 10)];
}

static void break_something(uint64_t *s, fixture *f, cpb_score *score)
{
    cpb_claim *const claim = &f->claim;
    int64_t *const numbers[] = {
        &claim->tokens,
        &claim->padding,
        &claim->promise.chunk,
        &claim->promise.granularity,
        &claim->promise.cap,
        &f->dense.pairs[test_random(s, 0, claim->ranks - 1)],
        counted_figure(score, (size_t)test_random(s, 0, 12)),
        &score->load_bound,
        &f->plan.runs[test_random(s, 0, f->plan.first[f->plan.ranks] - 1)].begin,
        &f->plan.runs[test_random(s, 0, f->plan.first[f->plan.ranks] - 1)].end,
        &f->plan.first[test_random(s, 0, claim->ranks - 1)],
    };
    *numbers[test_random(s, 0, (int64_t)COUNT_OF(numbers) - 1)] = hostile_number(s);
}

static void absurd_claims_never_crash(void **state)
{
    static fixture f;
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        uint64_t s = seed;
        set_up(&f, seed % 50, 30);
        cpb_score score = f.dense.score;
        f.claim.score = &score;
        for (int64_t n = test_random(&s, 1, 4); n > 0; n--)
            break_something(&s, &f, &score);
        cpb_error error = {0};
        if (check(&f, &error) != CPB_OK)
            assert_true(strlen(error.message) > 0);
        (void)!cpb_check_plan(&f.claim, NULL, NULL, NULL, NULL);
        tear_down(&f);
    }
    cpb_claim claim = {.tokens = 4, .ranks = INT32_MIN, .promise = {.chunk = 1}};
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_REFUTED);
    claim.ranks = INT32_MAX;
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_REFUTED);
}

/* So many that no two arrays share a block of memory. */
static void fail_allocations_of_many_runs(void)
{
    enum { RUNS = 2000 };
    static cpb_range runs[RUNS];
    const int64_t first[] = {0, RUNS / 2, RUNS};
    for (int64_t i = 0; i < RUNS; i++) {
        const int64_t p = i < RUNS / 2 ? 2 * i : 2 * (i - RUNS / 2) + 1;
        runs[i] = (cpb_range){p, p + 1};
    }
    const cpb_claim claim = {.tokens = RUNS,
                             .ranks = 2,
                             .first = first,
                             .runs = runs,
                             .promise = {CPB_EQUAL, 1, 1, -1, CPB_ALGORITHM, 0}};
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t left = 0; status != CPB_OK; left++) {
        test_ration ration = {.left = left};
        const cpb_allocator allocator = test_ration_allocator(&ration);
        status = cpb_check_plan(&claim, NULL, NULL, &allocator, NULL);
        assert_true(status == CPB_OK || (status == CPB_NO_MEMORY && left < 10));
        assert_int_equal(ration.out, 0);
    }
}

static void every_allocation_may_fail(void **state)
{
    static fixture f;
    (void)state;
    set_up(&f, 80, 290);
    assert_true(f.dense.score.relay_send_max < f.dense.score.send_max);
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t left = 0; status != CPB_OK; left++) {
        test_ration ration = {.left = left};
        const cpb_allocator allocator = test_ration_allocator(&ration);
        status = cpb_check_plan(&f.claim, &f.masks, &f.setup, &allocator, NULL);
        assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
        assert_int_equal(ration.out, 0);
    }
    tear_down(&f);
    fail_allocations_of_many_runs();

    test_ration none = {0};
    const cpb_allocator allocator = test_ration_allocator(&none);
    const int64_t order[] = {1, 0};
    assert_int_equal(cpb_check_order(2, order, &allocator, NULL), CPB_NO_MEMORY);
}

static void as_many_ranks_as_there_may_be_are_proved(void **state)
{
    (void)state;
    static int64_t first[CPB_MAX_RANKS + 1];
    static cpb_range runs[CPB_MAX_RANKS];
    for (int64_t r = 0; r < CPB_MAX_RANKS; r++) {
        first[r + 1] = r + 1;
        runs[r] = (cpb_range){r, r + 1};
    }
    const cpb_claim claim = {.tokens = CPB_MAX_RANKS,
                             .ranks = CPB_MAX_RANKS,
                             .first = first,
                             .runs = runs,
                             .promise = {CPB_EQUAL, 1, 1, -1, CPB_ALGORITHM, 0}};
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recount_agrees_with_a_dense_matrix),
        cmocka_unit_test(every_single_lie_is_found),
        cmocka_unit_test(absurd_claims_never_crash),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(as_many_ranks_as_there_may_be_are_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
