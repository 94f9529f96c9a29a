// SPDX-License-Identifier: Apache-2.0
/* METIS 5, k-way with two constraints. */
#define _POSIX_C_SOURCE 200809L

#include "metis.h"

#include "../parts/draw.h"

#include "read/traffic.h"

#include <metis.h>
#include <string.h>

enum { MOST_CHUNKS = 16384, WEIGHTS = 2 };
#define LARGEST_SUM (INT64_C(1) << 30) /* of a weight over all vertices */

typedef struct graph {
    idx_t n;
    uint8_t *joined; /* [n][n] whether two chunks are neighbours */
    idx_t *first;    /* [n + 1] */
    idx_t *neighbour;
    idx_t *weight; /* [n][WEIGHTS] */
    idx_t *keys;   /* [n] */
} graph;

bool metis_is_here(void)
{
    return true;
}

static void *take(size_t n, size_t bytes)
{
    void *const memory = calloc(n ? n : 1, bytes);
    if (!memory)
        or_die(CPB_NO_MEMORY);
    return memory;
}

static cpb_range chunk_range(const cpb_mask *mask, int64_t chunk, idx_t c)
{
    const int64_t begin = c * chunk, end = begin + chunk,
                  tokens = cpb_mask_tokens(mask);
    return (cpb_range){begin, end < tokens ? end : tokens};
}

static void join_needs(graph *g, const cpb_mask *mask, int64_t chunk, idx_t c)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    cpb_ranges needs = {.arena = &arena};
    const cpb_range run = chunk_range(mask, chunk, c);
    or_die(cpb_needs_of(mask, &run, 1, &needs));
    for (size_t i = 0; i < needs.n; i++)
        for (int64_t k = needs.ranges[i].begin / chunk; k * chunk < needs.ranges[i].end;
             k++)
            if (k != c)
                g->joined[c * g->n + k] = g->joined[k * g->n + c] = 1;
    cpb_arena_free(&arena);
}

static void list_neighbours(graph *g)
{
    for (idx_t c = 0; c < g->n; c++) {
        g->first[c + 1] = g->first[c];
        for (idx_t k = 0; k < g->n; k++)
            g->first[c + 1] += g->joined[c * g->n + k];
    }
    g->neighbour = take((size_t)g->first[g->n], sizeof *g->neighbour);
    for (idx_t c = 0, i = 0; c < g->n; c++)
        for (idx_t k = 0; k < g->n; k++)
            if (g->joined[c * g->n + k])
                g->neighbour[i++] = k;
}

static graph graph_of(const cpb_mask *mask, int64_t chunk)
{
    const int64_t n = (cpb_mask_tokens(mask) + chunk - 1) / chunk;
    const int64_t unit = cpb_mask_pairs(mask) / LARGEST_SUM + 1;
    if (n > MOST_CHUNKS)
        or_die(CPB_TOO_LARGE);
    graph g = {.n = (idx_t)n,
               .joined = take((size_t)(n * n), 1),
               .first = take((size_t)n + 1, sizeof *g.first),
               .weight = take((size_t)n * WEIGHTS, sizeof *g.weight),
               .keys = take((size_t)n, sizeof *g.keys)};
    for (idx_t c = 0; c < g.n; c++) {
        const cpb_range run = chunk_range(mask, chunk, c);
        join_needs(&g, mask, chunk, c);
        g.keys[c] = g.weight[c * WEIGHTS] = (idx_t)(run.end - run.begin);
        g.weight[c * WEIGHTS + 1] = (idx_t)(cpb_mask_pairs_of(mask, run) / unit);
    }
    list_neighbours(&g);
    return g;
}

static void free_graph(graph *g)
{
    free(g->joined);
    free(g->first);
    free(g->neighbour);
    free(g->weight);
    free(g->keys);
}

double metis_partition(const cpb_mask *mask, int64_t chunk, int32_t ranks,
                       double tolerance, bool volume, int32_t *owner)
{
    graph g = graph_of(mask, chunk);
    idx_t options[METIS_NOPTIONS], weights = WEIGHTS, parts = ranks, objective = 0;
    real_t slack[WEIGHTS] = {(real_t)(1 + tolerance), (real_t)(1 + tolerance)};
    idx_t *const part = take((size_t)g.n, sizeof *part);

    METIS_SetDefaultOptions(options);
    options[METIS_OPTION_OBJTYPE] = volume ? METIS_OBJTYPE_VOL : METIS_OBJTYPE_CUT;
    options[METIS_OPTION_SEED] = 1;
    const double begin = cpu_seconds();
    if (ranks > 1 && METIS_PartGraphKway(&g.n, &weights, g.first, g.neighbour, g.weight,
                                         g.keys, NULL, &parts, NULL, slack, options,
                                         &objective, part) != METIS_OK)
        or_die(CPB_UNSUPPORTED);
    const double seconds = cpu_seconds() - begin;
    for (idx_t c = 0; c < g.n; c++)
        owner[c] = part[c];
    free(part);
    free_graph(&g);
    return seconds;
}
