// SPDX-License-Identifier: Apache-2.0
/* How near the bound `even` gets and how long it takes, beside PTRR and min-heap: worst
 * over nine distributions of chunk costs. Prints Markdown tables; the first argument is
 * the number of repetitions, of which the fastest counts. Integers and a seed only, so
 * the gaps are the same everywhere. */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"

#include "balance/balance.h"
#include "balance/bound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 128, WINDOW = 4096, MOST_COLUMNS = 2, BYTES_EACH = 512 };

/* --- Distributions --------------------------------------------------------------- */

typedef enum kind { CAUSAL, WINDOWED, PREFIX, MIXED, SPARSE } kind;

typedef struct distribution {
    const char *name;
    kind kind;
    int64_t mean; /* of the documents; 0: Pareto; -1: one document */
} distribution;

static const distribution distributions[] = {
    {"log-normal 2k", CAUSAL, 2048}, {"log-normal 4k", CAUSAL, 4096},
    {"log-normal 8k", CAUSAL, 8192}, {"log-normal 16k", CAUSAL, 16384},
    {"Pareto", CAUSAL, 0},           {"window", WINDOWED, -1},
    {"prefix", PREFIX, 8192},        {"block-sparse", SPARSE, -1},
    {"mixed", MIXED, 8192},
};
enum { DISTRIBUTIONS = sizeof distributions / sizeof *distributions };

static int64_t document_length(const distribution *d, uint64_t *seed, int64_t tokens)
{
    if (d->mean < 0)
        return tokens;
    return d->mean ? log_normal(seed, d->mean) : pareto(seed);
}

/* Keys of query i of a document of this kind and prefix, never more than `widest`. */
static int64_t keys_of(kind k, int64_t i, int64_t prefix, int64_t widest)
{
    int64_t keys = i + 1;
    if (k == PREFIX && keys < prefix)
        keys = prefix;
    if (k == WINDOWED && keys > WINDOW)
        keys = WINDOW;
    return keys < widest ? keys : widest;
}

static void fill_documents(const distribution *d, int64_t n, int64_t widest,
                           uint64_t seed, int64_t *cost)
{
    static const kind mixture[] = {CAUSAL, PREFIX, WINDOWED};
    const int64_t tokens = n * BLOCK;
    int64_t begin = 0;
    for (int64_t document = 0; begin < tokens; document++) {
        int64_t length = document_length(d, &seed, tokens);
        if (length > tokens - begin)
            length = tokens - begin;
        const kind k = d->kind == MIXED ? mixture[document % 3] : d->kind;
        const int64_t prefix =
            length * (int64_t)(next_random(&seed) % 61) / 100; /* up to 60 % */
        for (int64_t i = 0; i < length; i++)
            cost[(begin + i) / BLOCK] += keys_of(k, i, prefix, widest);
        begin += length;
    }
}

/* A tenth of the blocks left of the diagonal, give or take the deviation of that. */
static void fill_sparse(int64_t n, uint64_t seed, int64_t *cost)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t root = 0;
        while ((root + 1) * (root + 1) * 100 <= 9 * i)
            root++;
        const int64_t blocks = i / 10 + root * random_normal(&seed) / ONE;
        const int64_t full = blocks < 0 ? 0 : blocks < i ? blocks : i;
        cost[i] = full * BLOCK * BLOCK + BLOCK * (BLOCK + 1) / 2;
    }
}

static void fill(size_t d, int64_t n, int64_t widest, int64_t *cost)
{
    const uint64_t seed = 1000003 * d + (uint64_t)n;
    memset(cost, 0, (size_t)n * sizeof *cost);
    if (distributions[d].kind == SPARSE && widest == INT64_MAX)
        fill_sparse(n, seed, cost);
    else
        fill_documents(&distributions[d], n, widest, seed, cost);
}

/* --- Measuring ------------------------------------------------------------------- */

static double gap_of(const cpb_view *view, const int64_t *cost, const cpb_deal *deal)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    const cpb_load_problem problem = {
        .n = view->n_chunks,
        .cost = cost,
        .ranks = view->ranks,
        .seats = cpb_seats_of(CPB_EQUAL, view->tokens, BLOCK, view->ranks, -1)};
    int64_t bound = 0, largest = 0;
    int64_t *const load = cpb_arena_zeros(&arena, (size_t)view->ranks, sizeof *load);
    if (!load)
        or_die(CPB_NO_MEMORY);
    or_die(cpb_load_bound(&problem, &arena, &bound));
    for (size_t i = 0; i < deal->n; i++)
        load[deal->pieces[i].rank] += cost[deal->pieces[i].begin / BLOCK];
    for (int32_t r = 0; r < view->ranks; r++)
        largest = load[r] > largest ? load[r] : largest;
    cpb_arena_free(&arena);
    return bound ? (double)largest / (double)bound - 1 : 0;
}

/* Memory that the caller keeps from plan to plan, as a training loop would: no run pays
 * for fresh pages. */
typedef struct kept {
    unsigned char *bytes;
    size_t used, size;
} kept;

static void *kept_take(void *context, size_t bytes)
{
    kept *const k = context;
    const size_t begin = (k->used + 63) / 64 * 64;
    if (bytes > k->size - begin)
        return NULL;
    k->used = begin + bytes;
    return k->bytes + begin;
}

static void kept_release(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

/* Gap under each column (one, where the view has none) and the fastest time. */
typedef struct figures {
    double gap[MOST_COLUMNS];
    double seconds;
} figures;

static figures measure(cpb_balance_fn *run, const cpb_view *view, int repetitions)
{
    figures result = {.seconds = 1e9};
    const size_t size =
        ((size_t)view->n_chunks + (size_t)view->ranks) * BYTES_EACH + 65536;
    kept memory = {.bytes = malloc(size), .size = size};
    if (!memory.bytes)
        or_die(CPB_NO_MEMORY);
    memset(memory.bytes, 0, size);
    for (int i = 0; i < repetitions; i++) {
        memory.used = 0;
        cpb_arena arena = {.allocator = {kept_take, kept_release, &memory}};
        cpb_deal deal = {.arena = &arena};
        const double begin = seconds_now();
        or_die(run(view, &deal, NULL));
        const double seconds = seconds_now() - begin;
        if (seconds < result.seconds)
            result.seconds = seconds;
        result.gap[0] = gap_of(view, view->cost, &deal);
        for (size_t c = 0; c < view->n_columns; c++)
            result.gap[c] =
                gap_of(view, view->columns + c * (size_t)view->n_chunks, &deal);
    }
    free(memory.bytes);
    return result;
}

static cpb_view view_of(int64_t n, int32_t ranks, const int64_t *cost)
{
    return (cpb_view){.ranks = ranks,
                      .tokens = n * BLOCK,
                      .sizes = CPB_EQUAL,
                      .cap = INT64_MAX,
                      .effort = CPB_EFFORT_DEFAULT,
                      .chunk = BLOCK,
                      .n_chunks = n,
                      .cost = cost};
}

static int64_t *costs_for(int64_t n)
{
    int64_t *const cost = malloc(MOST_COLUMNS * (size_t)n * sizeof *cost);
    if (!cost)
        or_die(CPB_NO_MEMORY);
    return cost;
}

static const struct {
    const char *name;
    cpb_balance_fn *run;
} balancers[] = {{"even", cpb_balance_even},
                 {"ptrr", cpb_balance_ptrr},
                 {"min-heap", cpb_balance_min_heap}};
enum { BALANCERS = sizeof balancers / sizeof *balancers };

static void keep_worst(figures *worst, figures one)
{
    for (size_t c = 0; c < MOST_COLUMNS; c++)
        worst->gap[c] = one.gap[c] > worst->gap[c] ? one.gap[c] : worst->gap[c];
    worst->seconds = one.seconds > worst->seconds ? one.seconds : worst->seconds;
}

static void print_row(int64_t n, int32_t ranks, int repetitions)
{
    int64_t *const cost = costs_for(n);
    figures worst[BALANCERS] = {{.seconds = 0}};
    size_t hardest = 0;
    for (size_t d = 0; d < DISTRIBUTIONS; d++) {
        fill(d, n, INT64_MAX, cost);
        const cpb_view view = view_of(n, ranks, cost);
        for (size_t b = 0; b < BALANCERS; b++) {
            const figures one = measure(balancers[b].run, &view, repetitions);
            if (b == 0 && one.gap[0] >= worst[0].gap[0])
                hardest = d;
            keep_worst(&worst[b], one);
        }
    }
    printf("| %lld | %d |", (long long)n, (int)ranks);
    for (size_t b = 0; b < BALANCERS; b++)
        printf(" %.1e | %.3f |", worst[b].gap[0], 1e3 * worst[b].seconds);
    printf(" %s |\n", distributions[hardest].name);
    fflush(stdout);
    free(cost);
}

static void print_table(int repetitions)
{
    static const struct {
        int64_t n;
        int32_t ranks;
    } rows[] = {{8192, 8},    {8192, 16},  {8192, 64},   {8192, 256},
                {8192, 1024}, {65536, 64}, {65536, 256}, {1024, 8},
                {1024, 32},   {1024, 64},  {256, 64},    {1024, 256}};
    printf("| chunks | W |");
    for (size_t b = 0; b < BALANCERS; b++)
        printf(" %s gap | ms |", balancers[b].name);
    printf(" hardest |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        print_row(rows[i].n, rows[i].ranks, repetitions);
}

/* One layer with every document causal to three with a window. */
static void print_two_masks(int64_t n, int32_t ranks, int repetitions)
{
    static const int64_t weights[] = {1, 3};
    int64_t *const columns = costs_for(n), *const sum = costs_for(n);
    printf(
        "\n| %lld chunks, W = %d | full gap | window gap | ms | full mask alone: full "
        "| window |\n|---|---|---|---|---|---|\n",
        (long long)n, (int)ranks);
    for (size_t d = 0; d < DISTRIBUTIONS; d++) {
        fill(d, n, INT64_MAX, columns);
        fill(d, n, WINDOW, columns + n);
        for (int64_t c = 0; c < n; c++)
            sum[c] = weights[0] * columns[c] + weights[1] * columns[n + c];
        cpb_view view = view_of(n, ranks, sum);
        view.n_columns = 2;
        view.columns = columns;
        view.weights = weights;
        const figures both = measure(cpb_balance_even, &view, repetitions);
        view.cost = columns;
        const figures alone = measure(cpb_balance_ptrr, &view, repetitions);
        printf("| %s | %.1e | %.1e | %.3f | %.1e | %.1e |\n", distributions[d].name,
               both.gap[0], both.gap[1], 1e3 * both.seconds, alone.gap[0],
               alone.gap[1]);
    }
    free(columns);
    free(sum);
}

static void print_curve(int repetitions)
{
    printf("\n| chunks | ms, W = 64 | ns per chunk | ms, 8 chunks per rank | ns per "
           "chunk |\n|---|---|---|---|---|\n");
    for (int64_t n = 1024; n <= 1024 * 1024; n *= 4) {
        int64_t *const cost = costs_for(n);
        fill(2, n, INT64_MAX, cost);
        const cpb_view few = view_of(n, 64, cost),
                       many = view_of(n, (int32_t)(n / 8), cost);
        const double a = measure(cpb_balance_even, &few, repetitions).seconds;
        const double b = measure(cpb_balance_even, &many, repetitions).seconds;
        printf("| %lld | %.3f | %.0f | %.3f | %.0f |\n", (long long)n, 1e3 * a,
               1e9 * a / (double)n, 1e3 * b, 1e9 * b / (double)n);
        fflush(stdout);
        free(cost);
    }
}

int main(int argc, char **argv)
{
    const int repetitions = argc > 1 ? atoi(argv[1]) : 5;
    print_table(repetitions);
    print_two_masks(1024, 32, repetitions);
    print_curve(repetitions < 3 ? repetitions : 3);
    return 0;
}
