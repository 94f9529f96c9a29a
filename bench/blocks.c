// SPDX-License-Identifier: Apache-2.0
/* How long the block masks of all shards of a packed sequence take, by balancer and key
 * layout. Prints a Markdown table; the first argument is the number of repetitions, of
 * which the fastest counts. */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"

#include <cpb/cpb.h>

#include <string.h>

enum { BLOCK = 128, MEAN = 4096, MOST_DOCUMENTS = 1 << 13 };

typedef struct scene {
    cpb_mask *mask;
    cpb_plan *plan;
    int32_t ranks;
    cpb_keys **keys; /* [ranks], or the same one for all */
} scene;

/* What all ranks together took, and what came out. */
typedef struct outcome {
    double make, kv, q; /* seconds: stretches; kv tables; q tables */
    int64_t tiles, runs_max;
} outcome;

static cpb_mask *packed(int64_t tokens)
{
    static int64_t lengths[MOST_DOCUMENTS];
    uint64_t seed = 7;
    size_t n = 0;
    for (int64_t left = tokens; left > 0; left -= lengths[n++]) {
        const int64_t drawn = log_normal(&seed, MEAN);
        const bool last = n + 1 == MOST_DOCUMENTS;
        lengths[n] = last || drawn > left ? left : drawn;
    }
    cpb_mask *mask;
    or_die(cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL));
    return mask;
}

static void write_table(const cpb_shard_blocks *blocks, cpb_table table, int32_t *first,
                        int32_t *indices)
{
    or_die(cpb_shard_blocks_write_rows(blocks, table, first, indices, NULL));
}

/* The tables of one rank, in memory that is warm. */
static void measure_rank(const scene *s, int32_t rank, int32_t *first, int32_t *indices,
                         outcome *sum)
{
    const cpb_shard shard = {s->plan, s->mask, s->keys[rank], rank};
    const cpb_blocking blocking = {BLOCK, BLOCK, -1, -1};
    cpb_shard_blocks *blocks;
    const double start = seconds_now();
    or_die(cpb_shard_blocks_create(&shard, &blocking, NULL, &blocks, NULL));
    const double made = seconds_now();
    write_table(blocks, CPB_KV, first, indices);
    write_table(blocks, CPB_FULL_KV, first, indices);
    const double kv = seconds_now();
    write_table(blocks, CPB_Q, first, indices);
    write_table(blocks, CPB_FULL_Q, first, indices);
    sum->q += seconds_now() - kv;
    sum->kv += kv - made;
    sum->make += made - start;
    sum->tiles += cpb_shard_blocks_shape(blocks, CPB_KV).entries +
                  cpb_shard_blocks_shape(blocks, CPB_FULL_KV).entries;
    cpb_shard_blocks_free(blocks);
}

static outcome measure(const scene *s, int repetitions)
{
    const size_t blocks = (size_t)cpb_plan_tokens(s->plan) / BLOCK + 1;
    int32_t *const first = malloc(2 * blocks * sizeof *first);
    int32_t *const indices = malloc(blocks * blocks / 2 * sizeof *indices);
    outcome best = {.make = 1e9};
    if (!first || !indices)
        exit(1);
    for (int i = 0; i < repetitions; i++) {
        outcome sum = {0};
        for (int32_t rank = 0; rank < s->ranks; rank++) {
            const int64_t runs = (int64_t)cpb_plan_n_runs(s->plan, rank);
            measure_rank(s, rank, first, indices, &sum);
            sum.runs_max = runs > sum.runs_max ? runs : sum.runs_max;
        }
        if (sum.make + sum.kv < best.make + best.kv)
            best = sum;
    }
    free(first);
    free(indices);
    return best;
}

/* All keys in the plan's order, or held keys by position. */
static void lay_out(scene *s, bool held)
{
    cpb_exchange *exchange = NULL;
    if (held)
        or_die(cpb_exchange_create(s->plan, s->mask, NULL, NULL, &exchange, NULL));
    for (int32_t rank = 0; rank < s->ranks; rank++)
        if (held || rank == 0)
            or_die(cpb_keys_create(s->plan, exchange, rank,
                                   held ? CPB_ASCENDING : CPB_AS_ARRIVED, NULL,
                                   &s->keys[rank], NULL));
        else
            s->keys[rank] = s->keys[0];
    cpb_exchange_free(exchange);
}

static void measure_balancer(scene *s, const char *name, int repetitions)
{
    const cpb_masks masks = {.n = 1, .mask = (const cpb_mask *const *)&s->mask};
    cpb_options options = cpb_options_default();
    options.ranks = s->ranks;
    options.balancer = name;
    or_die(cpb_plan_create(&masks, &options, &s->plan, NULL));
    for (int held = 0; held <= 1; held++) {
        lay_out(s, held);
        const outcome best = measure(s, repetitions);
        printf("| %s | %s | %lld | %lld | %.2f | %.2f | %.2f |\n", name,
               held ? "held" : "all", (long long)best.runs_max, (long long)best.tiles,
               1e3 * best.make, 1e3 * best.kv, 1e3 * best.q);
        for (int32_t rank = 0; rank < (held ? s->ranks : 1); rank++)
            cpb_keys_free(s->keys[rank]);
    }
    cpb_plan_free(s->plan);
}

static void measure_all(int64_t tokens, int32_t ranks, int repetitions)
{
    scene s = {.mask = packed(tokens), .ranks = ranks};
    s.keys = calloc((size_t)ranks, sizeof(cpb_keys *));
    if (!s.keys)
        exit(1);
    printf(
        "%lldK tokens, %zu documents, %d ranks, all together, tables as compressed "
        "rows\n\n"
        "| balancer | keys | runs_max | tiles | rows, ms | kv tables, ms | q tables, "
        "ms |\n|---|---|---|---|---|---|---|\n",
        (long long)tokens >> 10, cpb_mask_n_documents(s.mask), ranks);
    for (size_t i = 0; cpb_balancer_name(i); i++)
        measure_balancer(&s, cpb_balancer_name(i), repetitions);
    printf("\n");
    free(s.keys);
    cpb_mask_free(s.mask);
}

int main(int argc, char **argv)
{
    const int repetitions = argc > 1 ? atoi(argv[1]) : 20;
    measure_all(1 << 20, 8, repetitions);
    measure_all(1 << 20, 64, repetitions);
    return 0;
}
