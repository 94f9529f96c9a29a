// SPDX-License-Identifier: Apache-2.0
/* How fast attention by a plan is on one thread, beside the matrix products alone, how two
 * threads scale, and what a rank needs in memory.
 *   bench_attend [REPEATS]
 *   bench_attend serve TOKENS Q_HEADS KV_HEADS HEAD_DIM
 * The second form answers each line of standard input with the seconds of one forward pass,
 * for bench/python/attention.py. Times are of the thread's processor. */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"

#include "../src/attend/blas.h"

#include <cpb/attend.h>
#include <cpb/cpb.h>

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

enum { ROWS = 512, KEYS = 256, MOST_REPEATS = 64 }; /* of one product of the kernel */

typedef struct problem {
    cpb_attention shape;
    cpb_mask *mask;
    cpb_plan *plan;
    cpb_exchange *exchange;
} problem;

static cpb_attention shape_of(int64_t q_heads, int64_t kv_heads, int64_t head_dim)
{
    return (cpb_attention){.q_heads = q_heads,
                           .kv_heads = kv_heads,
                           .head_dim = head_dim,
                           .scale = 1 / sqrt((double)head_dim)};
}

static problem problem_of(const char *mask_text, int32_t ranks, const char *balancer,
                          cpb_attention shape)
{
    problem p = {.shape = shape};
    cpb_options options = cpb_options_default();
    const cpb_exchange_options flat = {.form = CPB_FLAT};
    options.ranks = ranks;
    options.balancer = balancer;
    or_die(cpb_mask_create_text(mask_text, 0, NULL, NULL, NULL, &p.mask, NULL));
    const cpb_mask *const mask = p.mask;
    const cpb_masks masks = {1, &mask, NULL};
    or_die(cpb_plan_create(&masks, &options, &p.plan, NULL));
    or_die(cpb_exchange_create(p.plan, p.mask, &flat, NULL, &p.exchange, NULL));
    return p;
}

static void problem_free(const problem *p)
{
    cpb_exchange_free(p->exchange);
    cpb_plan_free(p->plan);
    cpb_mask_free(p->mask);
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static float *random_floats(int64_t n)
{
    float *const x = malloc((size_t)n * sizeof *x);
    uint64_t seed = 1;
    if (!x)
        or_die(CPB_NO_MEMORY);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)((double)(next_random(&seed) >> 11) * 0x1p-52 - 1);
    return x;
}

/* --- One rank --------------------------------------------------------------------- */

typedef struct one_rank {
    const problem *problem;
    int repeats;
    double seconds[MOST_REPEATS]; /* `repeats` of them */
} one_rank;

/* One pass per repeat; without repeats, one per line of standard input. */
static cpb_status passes(one_rank *run, cpb_attend *attend, const cpb_link *link,
                         float *const array[4], cpb_error *error)
{
    char line[8];
    for (int i = 0;
         run->repeats ? i <= run->repeats : fgets(line, sizeof line, stdin) != NULL;
         i++) {
        cpb_attend_times times;
        const cpb_status status = cpb_attend_forward(
            attend, link, array[0], array[1], array[2], array[3], NULL, &times, error);
        if (status != CPB_OK)
            return status;
        if (run->repeats && i) /* the first one only warms up */
            run->seconds[i - 1] = times.compute;
        if (!run->repeats && (printf("%.9f\n", times.compute), fflush(stdout)))
            exit(1);
    }
    return CPB_OK;
}

static cpb_status run_rank(void *context, const cpb_link *link, cpb_error *error)
{
    one_rank *const run = context;
    const problem *const p = run->problem;
    cpb_attend *attend;
    cpb_status status = cpb_attend_create(p->plan, p->mask, p->exchange, link->rank,
                                          &p->shape, false, NULL, &attend, error);
    if (status != CPB_OK)
        return status;
    const cpb_attend_sizes s = cpb_attend_size(attend);
    float *const array[4] = {
        random_floats(s.queries * s.q_row), random_floats(s.keys * s.kv_row),
        random_floats(s.queries * s.q_row), random_floats(s.queries * s.lse_row)};
    status = passes(run, attend, link, array, error);
    for (size_t i = 0; i < 4; i++)
        free(array[i]);
    cpb_attend_free(attend);
    return status;
}

static double seconds_of_pass(const problem *p, int repeats)
{
    one_rank run = {.problem = p, .repeats = repeats};
    or_die(cpb_world_run(1, NULL, run_rank, &run, NULL, NULL));
    return median(run.seconds, (size_t)repeats);
}

/* --- Products alone --------------------------------------------------------------- */

typedef struct products {
    int dim, n;
    double seconds;
} products;

/* n times the two products of a piece: scores, and what they add to the results. */
static void *multiply(void *context)
{
    products *const p = context;
    float *const q = random_floats(ROWS * p->dim), *const k =
                                                       random_floats(KEYS * p->dim);
    float *const out = random_floats(ROWS * p->dim), *const scores =
                                                         random_floats(ROWS * KEYS);
    const double start = processor_seconds();
    for (int i = 0; i < p->n; i++) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, KEYS, p->dim, 1, q,
                    p->dim, k, p->dim, 0, scores, KEYS);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ROWS, p->dim, KEYS,
                    1e-3F, scores, KEYS, k, p->dim, 0, out, p->dim);
    }
    p->seconds = processor_seconds() - start;
    free(q);
    free(k);
    free(out);
    free(scores);
    return NULL;
}

static double flops(const products *p)
{
    return 4.0 * ROWS * KEYS * p->dim * p->n;
}

/* What two threads reach together, over what one does. */
static double scaling(int dim)
{
    products one = {.dim = dim, .n = 400}, two[2] = {one, one};
    pthread_t thread[2];
    multiply(&one);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&thread[i], NULL, multiply, &two[i]))
            or_die(CPB_NO_MEMORY);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return 2 * one.seconds / fmax(two[0].seconds, two[1].seconds);
}

/* --- Tables ----------------------------------------------------------------------- */

static void print_speeds(int repeats)
{
    static const int64_t heads[][3] = {{16, 16, 64}, {8, 8, 128}, {16, 4, 64}};
    enum { TOKENS = 8192 };
    printf("one rank, one thread, causal, %d tokens, forward; medians of %d\n\n"
           "| heads | attention GFLOP/s | products alone | share | two threads of "
           "products |\n|---|---|---|---|---|\n",
           TOKENS, repeats);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const problem p = problem_of("causal:8192", 1, "contiguous",
                                     shape_of(heads[i][0], heads[i][1], heads[i][2]));
        const double pairs = 0.5 * TOKENS * (TOKENS + 1.0);
        const double work = 4 * pairs * (double)(heads[i][0] * heads[i][2]);
        double alone[MOST_REPEATS], both[MOST_REPEATS];
        const double pass = seconds_of_pass(&p, repeats);
        for (int r = 0; r < repeats; r++) {
            products m = {.dim = (int)heads[i][2], .n = 400};
            multiply(&m);
            alone[r] = flops(&m) / m.seconds;
            both[r] = scaling((int)heads[i][2]);
        }
        const double products_alone = median(alone, (size_t)repeats);
        printf("| %lld/%lldx%lld | %.0f | %.0f | %.0f %% | %.2f |\n",
               (long long)heads[i][0], (long long)heads[i][1], (long long)heads[i][2],
               1e-9 * work / pass, 1e-9 * products_alone,
               100 * work / pass / products_alone, median(both, (size_t)repeats));
        problem_free(&p);
    }
}

static void print_memory(void)
{
    enum { RANKS = 8 };
    static const char documents[] = "documents:50000,3000,31000,800,29000,12000,5272";
    static const char *const balancers[] = {"contiguous", "head-tail", "frugal"};
    printf(
        "\nMiB of a rank at most, 128K tokens in 7 documents on %d ranks, 8/8x128, "
        "forward\n\n"
        "| balancer | own keys and values | received | scratch |\n|---|---|---|---|\n",
        RANKS);
    for (size_t b = 0; b < sizeof balancers / sizeof *balancers; b++) {
        const problem p =
            problem_of(documents, RANKS, balancers[b], shape_of(8, 8, 128));
        double own = 0, received = 0, scratch = 0;
        for (int32_t r = 0; r < RANKS; r++) {
            cpb_attend *attend;
            or_die(cpb_attend_create(p.plan, p.mask, p.exchange, r, &p.shape, false,
                                     NULL, &attend, NULL));
            const cpb_attend_sizes s = cpb_attend_size(attend);
            const double row = (double)s.kv_row * sizeof(float);
            own = fmax(own, (double)s.queries * row);
            received = fmax(received, (double)(s.keys - s.queries) * row);
            scratch = fmax(scratch, (double)s.scratch);
            cpb_attend_free(attend);
        }
        printf("| %s | %.1f | %.1f | %.2f |\n", balancers[b], own / 0x1p20,
               received / 0x1p20, scratch / 0x1p20);
        problem_free(&p);
    }
}

static int serve(char **number)
{
    char text[40];
    snprintf(text, sizeof text, "causal:%.20s", number[0]);
    const problem p =
        problem_of(text, 1, "contiguous",
                   shape_of(strtoll(number[1], NULL, 10), strtoll(number[2], NULL, 10),
                            strtoll(number[3], NULL, 10)));
    one_rank run = {.problem = &p};
    or_die(cpb_world_run(1, NULL, run_rank, &run, NULL, NULL));
    problem_free(&p);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && !strcmp(argv[1], "serve"))
        return serve(argv + 2);
    const long repeats = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    if (repeats < 1 || repeats > MOST_REPEATS) {
        fprintf(stderr, "repeats are %s; accepted are 1 to %d\n", argv[1],
                MOST_REPEATS);
        return 2;
    }
    cpb_blas_threads(1);
    print_speeds((int)repeats);
    print_memory();
    return 0;
}
