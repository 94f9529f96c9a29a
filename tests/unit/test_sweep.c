// SPDX-License-Identifier: Apache-2.0
/* Pieces of a sweep: quantiles against sorting, jobs in order, memory that ends. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "failing_malloc.h"
#include "pool.h"
#include "rows.h"
#include "spread.h"
#include "testing.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 33;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Zeros, whole numbers, tiny and huge ones, and some twice. */
static double random_value(void)
{
    switch (next_random() % 4) {
    case 0:
        return (double)(next_random() % 5);
    case 1:
        return (double)next_random() / 1e3;
    default:
        return ldexp((double)next_random(), (int)(next_random() % 80) - 60);
    }
}

static void quantiles_are_near_those_of_sorting(void **state)
{
    enum { MOST = 300 };
    (void)state;
    for (int round = 0; round < 200; round++) {
        double values[MOST];
        cli_spread spread = {0};
        const size_t n = 1 + next_random() % MOST;
        for (size_t i = 0; i < n; i++) {
            values[i] = random_value();
            assert_true(spread_add(&spread, values[i]));
        }
        qsort(values, n, sizeof *values, ascending);
        for (int percent = 1; percent <= 100; percent++) {
            const double exact = values[(n * (size_t)percent + 99) / 100 - 1];
            const double near = spread_quantile(&spread, percent);
            assert_true(near <= exact && near >= exact - exact / 256);
        }
        assert_true(spread_quantile(&spread, 100) == values[n - 1]);
        spread_free(&spread);
    }
}

static void quantiles_do_not_depend_on_the_order(void **state)
{
    enum { N = 500 };
    (void)state;
    double values[N];
    cli_spread up = {0}, down = {0};
    for (size_t i = 0; i < N; i++)
        values[i] = random_value();
    for (size_t i = 0; i < N; i++)
        assert_true(spread_add(&up, values[i]) && spread_add(&down, values[N - 1 - i]));
    for (int percent = 1; percent <= 100; percent++)
        assert_true(spread_quantile(&up, percent) == spread_quantile(&down, percent));
    spread_free(&up);
    spread_free(&down);
}

/* Jobs that take very different times, some of which fail. */
typedef struct jobs {
    int64_t started, taken;
    int64_t bad; /* fails when run; -1: none */
} jobs;

static bool start(void *context, int64_t job, void *slot, cpb_error *error)
{
    jobs *const all = context;
    (void)error;
    assert_int_equal(all->started++, job);
    *(int64_t *)slot = job;
    return true;
}

static bool run(void *context, int64_t job, void *slot, cpb_error *error)
{
    const jobs *const all = context;
    /* Jobs of very different lengths end out of order. */
    for (volatile int64_t i = 0; i < (job * 7919) % 50000;)
        i = i + 1;
    *(int64_t *)slot *= 3;
    snprintf(error->message, sizeof error->message, "job %d is bad", (int)job);
    return job != all->bad;
}

static bool take(void *context, int64_t job, void *slot, cpb_error *error)
{
    jobs *const all = context;
    (void)error;
    assert_int_equal(all->taken++, job);
    assert_int_equal(*(int64_t *)slot, 3 * job);
    return true;
}

static void keep_slot(void *slot)
{
    (void)slot;
}

static void jobs_are_taken_in_order_by_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 9; threads += 4)
        for (int64_t bad = -1; bad < 300; bad += 100) {
            cpb_error error = {.at = -1};
            jobs all = {.bad = bad};
            const pool_work work = {.context = &all,
                                    .end = 300,
                                    .threads = threads,
                                    .slot_bytes = sizeof(int64_t),
                                    .start = start,
                                    .run = run,
                                    .take = take,
                                    .free_slot = keep_slot};
            const pool_end end = pool_run(&work, &error);
            assert_int_equal(end, bad < 0 ? POOL_DONE : POOL_FAILED);
            if (bad < 0) {
                assert_int_equal(all.taken, 300);
                continue;
            }
            assert_true(all.taken <= bad && strstr(error.message, "is bad"));
        }
}

enum { N_WORDS = 17 };

/* A sweep whose allocations fail from the `ration`-th on; NULL of the words is its file. */
static bool sweep(const char *const said[N_WORDS], const char *path, int64_t ration,
                  cpb_error *error)
{
    enum { N = N_WORDS };
    cli_options options;
    char *words[N];
    for (size_t i = 0; i < N; i++)
        words[i] = strdup(said[i] ? said[i] : path);
    malloc_ration = ration;
    const bool good =
        options_read("sweep", USED_BY_SWEEP, N, words, &options, error) == 0 &&
        sweep_command.run(&options, error);
    malloc_ration = INT64_MAX;
    options_free(&options);
    for (size_t i = 0; i < N; i++)
        free(words[i]);
    return good;
}

static void every_allocation_may_fail(const char *const said[N_WORDS])
{
    char folder[] = "/tmp/cpb-test-sweep-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/rows.csv", folder);
    const int terminal = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(terminal >= 0 && nowhere >= 0);
    int failures = 0;
    cpb_error error = {.at = -1};
    dup2(nowhere, STDERR_FILENO);
    for (int64_t ration = 0; !sweep(said, path, ration, &error); ration++) {
        failures++;
        assert_non_null(strstr(error.message, "memory"));
    }
    dup2(terminal, STDERR_FILENO);
    assert_true(failures > 30);
    /* What was left by all these attempts is still one sweep. */
    cli_rows rows = {0};
    const json_t *object = NULL;
    int n = 0;
    assert_true(rows_open(path, &rows, &error));
    while (rows_next(&rows, &object, &error) && object)
        n++;
    assert_true(!object && !rows.torn);
    assert_int_equal(n, 12);
    rows_close(&rows);
    unlink(path);
    rmdir(folder);
    close(terminal);
    close(nowhere);
}

static void every_allocation_of_a_sweep_may_fail(void **state)
{
    (void)state;
    every_allocation_may_fail((const char *const[]){
        "sweep", "--sample", "builtin", "--tokens", "3000", "--count", "3", "--ranks",
        "2,3", "--threads", "1", "--mask", "window:9", "--balancer", "ptrr,even",
        "--output", NULL});
}

static void every_allocation_of_a_sweep_of_schedules_may_fail(void **state)
{
    (void)state;
    every_allocation_may_fail((const char *const[]){
        "sweep", "--sample", "builtin", "--tokens", "3000", "--count", "3", "--ranks",
        "2,3", "--threads", "1", "--budget", "4000", "--row", "auto,wlb", "--output",
        NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_near_those_of_sorting),
        cmocka_unit_test(quantiles_do_not_depend_on_the_order),
        cmocka_unit_test(jobs_are_taken_in_order_by_any_number_of_threads),
        cmocka_unit_test(every_allocation_of_a_sweep_may_fail),
        cmocka_unit_test(every_allocation_of_a_sweep_of_schedules_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
