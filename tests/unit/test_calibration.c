// SPDX-License-Identifier: Apache-2.0
/* Fits against the conditions of an optimum, profiles against the times they gave, counts
 * of a shard against the score. */
#include "testing.h"

#include "calibration.h"
#include "csv.h"
#include "fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double random_real(uint64_t *seed)
{
    return (double)(test_next(seed) >> 11) / 9007199254740992.0;
}

/* --- Least squares ----------------------------------------------------------------- */

/* Of a convex problem exactly the optima have no slope along terms above 0 and none
 * downwards along terms at 0. */
static void assert_optimal(size_t rows, size_t terms, const double *a, const double *x)
{
    double scale = 0;
    for (size_t i = 0; i < rows * terms; i++)
        scale = fmax(scale, fabs(a[i]));
    for (size_t j = 0; j < terms; j++) {
        double slope = 0;
        for (size_t i = 0; i < rows; i++) {
            double left = -1;
            for (size_t k = 0; k < terms; k++)
                left += a[i * terms + k] * x[k];
            slope += left * a[i * terms + j];
        }
        assert_true(x[j] >= 0);
        assert_true(slope >= -1e-5 * scale * (double)rows);
        if (x[j] > 0)
            assert_true(slope <= 1e-5 * scale * (double)rows);
    }
}

static void fits_are_optimal(void **state)
{
    enum { MOST_ROWS = 30 };
    uint64_t seed = 1;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        double a[MOST_ROWS * FIT_MOST_TERMS], x[FIT_MOST_TERMS];
        const size_t rows = (size_t)test_random(&seed, 1, MOST_ROWS);
        const size_t terms = (size_t)test_random(&seed, 1, 7);
        const double zeros = random_real(&seed);
        for (size_t i = 0; i < rows * terms; i++)
            a[i] = random_real(&seed) < zeros ? 0 : random_real(&seed);
        const double left = fit_least_squares(rows, terms, a, x);
        assert_optimal(rows, terms, a, x);
        assert_true(left <= (double)rows && left >= 0);
    }
}

static void dependent_columns_do_not_blow_up(void **state)
{
    const double a[] = {1, 2, 3, 2, 4, 6, 3, 6, 9}; /* rows x (a, 2a, 3a) */
    double x[3];
    (void)state;
    assert_true(fit_least_squares(3, 3, a, x) < 3);
    assert_optimal(3, 3, a, x);
}

/* --- Profiles ---------------------------------------------------------------------- */

static const char *const masks[] = {
    "documents:3000,200,70,900", "window:4096;n=500",          "full:1500",
    "chunked:4096;n=32",         "documents:1,2,3,4,5,6,4000", "prefix:2000;p=300"};

/* A shard of alternating pieces beside the rest of the sequence. */
static size_t random_runs(uint64_t *seed, int64_t tokens, cpb_range *runs)
{
    size_t n = 0;
    for (int64_t at = 0; at < tokens && n < 8; n++) {
        runs[n].begin = at + test_random(seed, 0, 300);
        runs[n].end = runs[n].begin + test_random(seed, 1, 600);
        at = runs[n].end;
        if (at > tokens)
            break;
    }
    if (n && runs[0].begin >= tokens)
        runs[0] = (cpb_range){0, tokens};
    return n ? n : 1;
}

static cpb_plan *plan_of(int64_t tokens, size_t n, const cpb_range *runs)
{
    cpb_range all[20];
    const int64_t first[] = {0, (int64_t)n, 0};
    int64_t firsts[3], at = 0;
    size_t m = n;
    const cpb_promise promise = {CPB_UNEVEN, 1, 1, -1, CPB_ALGORITHM, 10000};
    cpb_plan *plan;
    memcpy(firsts, first, sizeof first);
    memcpy(all, runs, n * sizeof *runs);
    for (size_t i = 0; i < n; i++) {
        if (runs[i].begin > at)
            all[m++] = (cpb_range){at, runs[i].begin};
        at = runs[i].end;
    }
    if (at < tokens)
        all[m++] = (cpb_range){at, tokens};
    firsts[2] = (int64_t)m;
    assert_int_equal(
        cpb_plan_create_runs(tokens, 0, 2, firsts, all, &promise, NULL, &plan, NULL),
        CPB_OK);
    return plan;
}

/* Compute of rank 0 as the score prices it. */
static int64_t price(const cpb_mask *mask, const cpb_setup *setup, size_t n,
                     const cpb_range *runs)
{
    const cpb_masks one = {.n = 1, .mask = &mask};
    cpb_plan *const plan = plan_of(cpb_mask_tokens(mask), n, runs);
    cpb_rank_score ranks[2];
    cpb_score score;
    assert_int_equal(cpb_score_plan(plan, &one, setup, NULL, &score, ranks, NULL, NULL),
                     CPB_OK);
    cpb_plan_free(plan);
    return ranks[0].compute;
}

/* Of forward, or of backward alone. */
static int64_t price_of_pass(const cpb_mask *mask, cpb_setup setup, bool backward,
                             size_t n, const cpb_range *runs)
{
    setup.backward = false;
    const int64_t forward = price(mask, &setup, n, runs);
    setup.backward = true;
    return backward ? price(mask, &setup, n, runs) - forward : forward;
}

static size_t clip(size_t n, int64_t tokens, cpb_range *runs)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (runs[i].begin < tokens) {
            runs[kept] = runs[i];
            if (runs[kept].end > tokens)
                runs[kept].end = tokens;
            kept++;
        }
    return kept;
}

static void counts_of_a_shard_are_what_the_score_prices(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (int round = 0; round < 300; round++) {
        cpb_setup setup = cpb_setup_default();
        cpb_mask *mask;
        cpb_shard_counts c;
        cpb_range runs[9];
        assert_int_equal(
            cpb_mask_create_text(masks[test_random(&seed, 0, COUNT_OF(masks) - 1)], 0,
                                 NULL, NULL, NULL, &mask, NULL),
            CPB_OK);
        const int64_t tokens = cpb_mask_tokens(mask);
        const size_t n = clip(random_runs(&seed, tokens, runs), tokens, runs);
        setup.kernel = (cpb_kernel)test_random(&seed, CPB_FLEX, CPB_VARLEN);
        setup.profile = (cpb_profile){.model = setup.model,
                                      .tile_q = test_random(&seed, 1, 200),
                                      .tile_k = test_random(&seed, 1, 200),
                                      .forward = {1 + test_random(&seed, 0, 9), 11,
                                                  test_random(&seed, 0, 50),
                                                  test_random(&seed, 0, 90)},
                                      .received_key = test_random(&seed, 0, 7),
                                      .token = test_random(&seed, 0, 7)};
        assert_int_equal(cpb_count_shard(mask, &setup, n, runs, NULL, &c, NULL),
                         CPB_OK);
        const cpb_profile *const p = &setup.profile;
        assert_int_equal(price(mask, &setup, n, runs),
                         p->forward.full_tile * c.full_tiles +
                             p->forward.partial_tile * c.partial_tiles +
                             p->forward.q_tile * c.q_tiles +
                             p->forward.kv_tile *
                                 ((c.tokens + c.received + p->tile_k - 1) / p->tile_k) +
                             p->received_key * c.received + p->token * c.tokens);
        cpb_mask_free(mask);
    }
}

static void wrong_runs_of_a_shard_are_refused(void **state)
{
    static const struct {
        cpb_range runs[2];
        const char *sentence;
    } cases[] = {
        {{{0, 10}, {5, 20}}, "two runs hold position 5"},
        {{{0, 10}, {10, 10}},
         "run 1 is [10, 10); accepted are ranges that are not "
         "empty, in 0 .. 2147483647"},
        {{{-1, 10}, {10, 20}},
         "run 0 is [-1, 10); accepted are ranges that are not "
         "empty, in 0 .. 2147483647"},
    };
    const cpb_setup setup = cpb_setup_default();
    cpb_shard_counts c;
    cpb_error error;
    cpb_mask *mask;
    (void)state;
    assert_int_equal(
        cpb_mask_create_text("causal:100", 0, NULL, NULL, NULL, &mask, NULL), CPB_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(
            cpb_count_shard(mask, &setup, 2, cases[i].runs, NULL, &c, &error),
            CPB_INVALID);
        assert_string_equal(error.message, cases[i].sentence);
    }
    assert_int_equal(cpb_count_shard(mask, &setup, 0, NULL, NULL, &c, NULL), CPB_OK);
    assert_int_equal(c.full_tiles + c.partial_tiles + c.q_tiles + c.received + c.tokens,
                     0);
    cpb_mask_free(mask);
}

static void counting_survives_every_failed_allocation(void **state)
{
    const cpb_setup setup = cpb_setup_default();
    const cpb_range runs[] = {{300, 700}, {0, 100}, {800, 1000}};
    cpb_shard_counts c;
    cpb_mask *mask;
    cpb_status status = CPB_NO_MEMORY;
    (void)state;
    assert_int_equal(
        cpb_mask_create_text("documents:400,500,100", 0, NULL, NULL, NULL, &mask, NULL),
        CPB_OK);
    for (int64_t left = 0; status == CPB_NO_MEMORY; left++) {
        test_ration ration = {.left = left};
        const cpb_allocator allocator = test_ration_allocator(&ration);
        status = cpb_count_shard(mask, &setup, 3, runs, &allocator, &c, NULL);
        assert_int_equal(ration.out, 0);
        assert_true(left > 0 || status == CPB_NO_MEMORY);
    }
    assert_int_equal(status, CPB_OK);
    cpb_mask_free(mask);
}

/* Timings that a profile gives, from which it is found again. */
static void assert_same_pass(const cpb_pass *a, const cpb_pass *b)
{
    assert_int_equal(a->full_tile, b->full_tile);
    assert_int_equal(a->partial_tile, b->partial_tile);
    assert_int_equal(a->q_tile, b->q_tile);
    assert_int_equal(a->kv_tile, b->kv_tile);
}

static void a_profile_is_found_again_from_its_times(void **state)
{
    enum { EACH = 120 };
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 6; round++) {
        cpb_mask *made[COUNT_OF(masks)];
        cli_timing timing[EACH];
        cpb_range runs[EACH][9];
        cpb_setup setup = cpb_setup_default();
        cli_calibration found;
        cpb_error error;
        const int64_t full = test_random(&seed, 500000, 900000);
        for (size_t m = 0; m < COUNT_OF(masks); m++)
            assert_int_equal(
                cpb_mask_create_text(masks[m], 0, NULL, NULL, NULL, &made[m], NULL),
                CPB_OK);
        setup.kernel = (cpb_kernel)(round % 2);
        setup.profile = (cpb_profile){
            .model = setup.model,
            .tile_q = 64,
            .tile_k = 128,
            .forward = {full, full + test_random(&seed, 0, 200000), 819000, 40000},
            .backward = {2 * full, 2 * full + 100000, 91000, 777000},
            .received_key = test_random(&seed, 1000, 9000)};
        for (size_t i = 0; i < EACH; i++) {
            const size_t m = i % COUNT_OF(masks);
            const int64_t tokens = cpb_mask_tokens(made[m]);
            const size_t n = clip(random_runs(&seed, tokens, runs[i]), tokens, runs[i]);
            cpb_shard_counts c;
            assert_int_equal(
                cpb_count_shard(made[m], &setup, n, runs[i], NULL, &c, NULL), CPB_OK);
            timing[i] = (cli_timing){
                .line = (int64_t)i + 2,
                .us =
                    (double)price_of_pass(made[m], setup, i / 2 % 2, n, runs[i]) / 1e6,
                .backward = i / 2 % 2,
                .model = setup.model,
                .mask = m,
                .n_runs = n,
                .runs = runs[i],
                .received = c.received};
        }
        const cli_timings timings = {setup.kernel, EACH, timing, COUNT_OF(masks), made};
        assert_true(calibrate(&timings, &found, &error));
        const cpb_profile *const p = &setup.profile, *const q = &found.profile;
        assert_int_equal(q->tile_q, p->tile_q);
        assert_int_equal(q->tile_k, p->tile_k);
        assert_same_pass(&q->forward, &p->forward);
        assert_same_pass(&q->backward, &p->backward);
        assert_int_equal(q->received_key, p->received_key);
        assert_true(found.worst[CASE_FORWARD] < 1e-6);
        assert_true(found.worst[CASE_BACKWARD] < 1e-6);
        assert_int_equal(found.pairs_ranked, found.pairs);
        for (size_t m = 0; m < COUNT_OF(masks); m++)
            cpb_mask_free(made[m]);
    }
}

/* --- CSV --------------------------------------------------------------------------- */

/* The rows of a text as `field|field/field`, or the sentence. */
static const char *read_text(const char *text, char *out)
{
    cli_csv csv = {0};
    cpb_error error = {.at = -1};
    bool more = true;
    *out = '\0';
    csv.size = strlen(text);
    csv.bytes = strdup(text);
    assert_non_null(csv.bytes);
    while (more) {
        if (!csv_next(&csv, &more, &error)) {
            strcpy(out, error.message);
            break;
        }
        for (size_t i = 0; more && i < csv.n; i++)
            sprintf(out + strlen(out), "%s%s", i ? "|" : *out ? "/" : "", csv.field[i]);
    }
    csv_close(&csv);
    return out;
}

static void csv_is_read_as_the_standard_says(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"a,b\nc,d\n", "a|b/c|d"},
        {"a,b\r\n\r\n\n,\r\n", "a|b/|"},
        {"a", "a"},
        {"a,", "a|"},
        {"\"a,b\",\"\",\"c\"\"d\"\n\"\"\"\"", "a,b||c\"d/\""},
        {"\"two\nlines\",x\ny", "two\nlines|x/y"},
        {"a\n\"b", "line 2: a quote is opened and never closed"},
        {"\"a\nb\nc", "line 3: a quote is opened and never closed"},
        {"a\n\"b\"c", "line 2: text follows a closing quote"},
        {"a\rb", "line 1: a carriage return that ends no line"},
        {"a\"b,c", "a\"b|c"},
    };
    char out[200];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(read_text(cases[i][0], out), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_are_optimal),
        cmocka_unit_test(dependent_columns_do_not_blow_up),
        cmocka_unit_test(counts_of_a_shard_are_what_the_score_prices),
        cmocka_unit_test(wrong_runs_of_a_shard_are_refused),
        cmocka_unit_test(counting_survives_every_failed_allocation),
        cmocka_unit_test(a_profile_is_found_again_from_its_times),
        cmocka_unit_test(csv_is_read_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
