// SPDX-License-Identifier: Apache-2.0
/* Step time of every row over the proved bound, for drawn lengths and files of lengths,
 * numbers of documents and ranks, networks and model shapes. Prints Markdown tables.
 *   bench_schedule [SEEDS] [FILE...]
 * A FILE holds document lengths, one a line. Lengths are drawn with replacement and cut at
 * the context. Figures are medians over the seeds; auto's worst stands beside it. */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"
#include "parts/packs.h"

#include <cpb/cpb.h>

#include <string.h>

enum { MOST_SEEDS = 64, MOST_SOURCES = 16, MOST_ROWS = 16, MOST_DOCUMENTS = 4096 };

/* Times of a layer at 400 TFLOP/s: work per token and tile, a micro-batch; bytes of a
 * key. */
typedef struct shape {
    int64_t token, tile, fixed; /* ps */
    int64_t key_bytes;
} shape;

static const shape small = {304000, 354000, 60000000, 2048}, /* 1B-like */
    base = {1090000, 708000, 150000000, 4096},               /* 8B-like */
    large = {4280000, 1416000, 400000000, 4096},             /* 70B-like */
    gathering = {1090000, 708000, 2000000000, 4096};         /* weights fetched anew */

/* One line of a table. */
typedef struct cell {
    const char *what;
    int64_t documents;
    int32_t ranks;
    int64_t budget, context;
    const shape *shape;
    int64_t net; /* bytes per us */
    cpb_overlap overlap;
    cpb_meet meet;
} cell;

enum { K = 1024 };
#define IDEAL CPB_OVERLAP_IDEAL
#define NONE CPB_OVERLAP_NONE

static const cell sizes[] = {
    {"", 256, 64, 16 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"", 1024, 64, 16 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"", 4096, 64, 16 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"", 4096, 512, 16 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"", 1024, 512, 16 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"", 4096, 4096, 16 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
};

static const cell changes[] = {
    {"1B-like model", 1024, 64, 16 * K, 128 * K, &small, 50000, IDEAL, CPB_MEET_STEP},
    {"70B-like model", 1024, 64, 16 * K, 128 * K, &large, 50000, IDEAL, CPB_MEET_STEP},
    {"12.5 GB/s", 1024, 64, 16 * K, 128 * K, &base, 12500, IDEAL, CPB_MEET_STEP},
    {"no overlap", 1024, 64, 16 * K, 128 * K, &base, 50000, NONE, CPB_MEET_STEP},
    {"12.5 GB/s, no overlap", 1024, 64, 16 * K, 128 * K, &base, 12500, NONE,
     CPB_MEET_STEP},
    {"context 32K", 1024, 64, 16 * K, 32 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"budget 8K", 1024, 64, 8 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"budget 32K", 1024, 64, 32 * K, 128 * K, &base, 50000, IDEAL, CPB_MEET_STEP},
    {"2 ms per micro-batch", 1024, 64, 16 * K, 128 * K, &gathering, 50000, IDEAL,
     CPB_MEET_STEP},
};

static cpb_domain domain_of(const cell *c)
{
    cpb_domain domain = cpb_domain_default();
    cpb_setup *const setup = &domain.setup;
    const cpb_pass pass = {c->shape->tile, c->shape->tile, c->shape->tile * 114 / 100,
                           0};
    domain.ranks = c->ranks;
    domain.budget = c->budget;
    domain.fixed = c->shape->fixed;
    domain.meet = c->meet;
    setup->kernel = CPB_VARLEN;
    setup->overlap = c->overlap;
    setup->model = (cpb_model){32, c->shape->key_bytes / 512, 128, 2};
    setup->profile = (cpb_profile){
        .name = "bench",
        .model = setup->model,
        .tile_q = 128,
        .tile_k = 128,
        .forward = pass,
        .backward = pass,
        .token = c->shape->token,
        .net_bytes_per_us = c->net,
    };
    return domain;
}

/* What a row reached with one seed; a gap below zero: it refused. */
typedef struct reached {
    double ratio, received, ms;
} reached;

static reached run(const int64_t *tokens, int64_t n, const cell *c, const char *row)
{
    const cpb_documents documents = {.n = n, .tokens = tokens};
    cpb_domain domain = domain_of(c);
    cpb_schedule *schedule;
    cpb_error error;
    reached r = {.ms = 1e9};
    domain.row = row;
    for (int repeat = 0; repeat < 3; repeat++) {
        const double start = cpu_seconds();
        const cpb_status status =
            cpb_schedule_create(&documents, &domain, &schedule, &error);
        const double ms = 1e3 * (cpu_seconds() - start);
        if (status == CPB_UNSUPPORTED)
            return (reached){-1, 0, 0};
        or_die(status);
        const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
        r.ratio = 1 + score->gap;
        r.received = (double)score->received / (double)score->tokens;
        r.ms = ms < r.ms ? ms : r.ms;
        cpb_schedule_free(schedule);
    }
    return r;
}

static size_t row_number(const char *name)
{
    size_t i = 0;
    while (strcmp(cpb_schedule_name(i), name) != 0)
        i++;
    return i;
}

static int64_t draw(const pack_source *source, const cell *c, uint64_t pack,
                    int64_t *tokens)
{
    uint64_t seed = pack * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)c->documents;
    int64_t sum = 0;
    seed = next_random(&seed);
    for (int64_t d = 0; d < c->documents; d++) {
        const int64_t length = source->draw
                                   ? source->draw(&seed, c->budget)
                                   : source->lengths[next_random(&seed) % source->n];
        tokens[d] = length < 1 ? 1 : length < c->context ? length : c->context;
        sum += tokens[d];
    }
    return sum;
}

static void print_line(const pack_source *source, const cell *c, size_t seeds)
{
    static double ratio[MOST_ROWS][MOST_SEEDS], received[MOST_ROWS][MOST_SEEDS],
        ms[MOST_ROWS][MOST_SEEDS], share[MOST_SEEDS];
    static int64_t tokens[MOST_DOCUMENTS];
    size_t n_rows = 0;
    for (size_t k = 0; k < seeds; k++) {
        share[k] =
            (double)draw(source, c, k, tokens) / (double)c->ranks / (double)c->budget;
        n_rows = 0;
        for (const char *row; (row = cpb_schedule_name(n_rows)); n_rows++) {
            const reached r = run(tokens, c->documents, c, row);
            ratio[n_rows][k] = r.ratio;
            received[n_rows][k] = r.received;
            ms[n_rows][k] = r.ms;
        }
    }
    printf("| %s%s%s | %s | %lld | %d | %.1f |", source->name, *c->what ? ", " : "",
           c->what, c->meet == CPB_MEET_STEP ? "step" : "micro",
           (long long)c->documents, c->ranks, median(share, seeds));
    for (size_t i = 1; i < n_rows; i++)
        printf(" %.3f |", median(ratio[i], seeds));
    const double middle = median(ratio[0], seeds);
    printf(" %.3f (%.3f) | %.2f | %.2f | %.2f | %.2f | %.2f |\n", middle,
           ratio[0][seeds - 1], median(received[0], seeds),
           median(received[row_number("free")], seeds),
           median(ms[row_number("free")], seeds), median(ms[row_number("flat")], seeds),
           median(ms[0], seeds));
}

static void print_head(void)
{
    printf("\n| data | meet | documents | ranks | micro-batches of tokens |");
    for (size_t i = 1; cpb_schedule_name(i); i++)
        printf(" %s |", cpb_schedule_name(i));
    printf(" auto (worst) | received | by free | free, ms | flat, ms | auto, ms |\n"
           "|---|---|---|---|---|");
    for (size_t i = 0; cpb_schedule_name(i); i++)
        printf("---|");
    printf("---|---|---|---|---|\n");
}

static void print_table(const pack_source *sources, size_t n, size_t seeds,
                        const cell *cells, size_t n_cells)
{
    print_head();
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < n_cells; i++)
            for (int meet = 0; meet < 2; meet++) {
                cell c = cells[i];
                c.meet = (cpb_meet)meet;
                print_line(&sources[s], &c, seeds);
            }
}

int main(int argc, char **argv)
{
    pack_source sources[MOST_SOURCES];
    size_t n = pack_sources_drawn(sources), seeds = 5;
    for (int i = 1; i < argc && n < MOST_SOURCES; i++) {
        if (argv[i][0] >= '1' && argv[i][0] <= '9')
            seeds = (size_t)atoi(argv[i]);
        else
            sources[n++] = pack_source_read(argv[i]);
    }
    seeds = seeds < MOST_SEEDS ? seeds : MOST_SEEDS;
    print_table(sources, n, seeds, sizes, sizeof sizes / sizeof *sizes);
    print_table(sources, n, seeds, changes, sizeof changes / sizeof *changes);
    for (size_t i = 0; i < n; i++)
        pack_source_free(&sources[i]);
    return 0;
}
