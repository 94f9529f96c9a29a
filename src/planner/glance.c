// SPDX-License-Identifier: Apache-2.0
/* Rows that cut sequences to shreds deal a hundred thousand pieces, and most of the time
 * that they cost `auto` went into making plans that were then given up at the first rank.
 * Here the same rank is looked at first. */
#include "glance.h"

#include "../base/error.h"
#include "../read/shard_step.h"

/* A deal, and scratch for some of its ranks. */
typedef struct glance {
    const cpb_deal *deal;
    const cpb_masks *masks;
    const cpb_setup *setup;
    int32_t ranks;
    int64_t limit;
    cpb_range *runs;
    cpb_layer_cell *first; /* [masks] of the first rank */
    cpb_layer_cell *cells; /* [masks] of the rank looked at last */
    cpb_wide floor;        /* of the step, by what was looked at last */
    cpb_arena scratch;
} glance;

/* Where the pieces of a rank begin that were dealt rank by rank. */
static size_t first_of(const cpb_deal *deal, int32_t rank)
{
    size_t low = 0, high = deal->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (deal->pieces[middle].rank < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The runs of `n` ranks from `rank` on; where pieces are mixed, they are picked out. */
static cpb_own_runs shards_of(const glance *g, int32_t rank, int32_t n)
{
    const int64_t tokens = cpb_mask_tokens(g->masks->mask[0]);
    const bool mixed = g->deal->mixed;
    const size_t end = mixed ? g->deal->n : first_of(g->deal, rank + n);
    cpb_own_runs shards = {rank, g->runs, 0};
    for (size_t i = mixed ? 0 : first_of(g->deal, rank); i < end; i++) {
        const cpb_piece *const piece = &g->deal->pieces[i];
        if (piece->rank < rank || piece->rank >= rank + n)
            continue;
        const cpb_range held = {piece->begin, cpb_min(piece->end, tokens)};
        if (held.begin >= held.end)
            continue;
        if (shards.n_runs && g->runs[shards.n_runs - 1].end == held.begin)
            g->runs[shards.n_runs - 1].end = held.end;
        else
            g->runs[shards.n_runs++] = held;
    }
    return shards;
}

/* The first rank: what it receives is often enough. */
static cpb_status look_at_first(glance *g)
{
    const int64_t tokens = cpb_mask_tokens(g->masks->mask[0]);
    const cpb_own_runs shard = shards_of(g, 0, 1);
    cpb_own_keys own;
    cpb_status status;
    CPB_TRY(cpb_own_keys_create(shard.runs, shard.n_runs, tokens, &g->scratch, &own));
    CPB_TRY(cpb_shard_wire_floor(g->masks, g->setup, &own, &g->scratch, g->first,
                                 &g->floor));
    if (g->floor > g->limit)
        goto done;
    CPB_TRY(cpb_shard_compute_floor(g->masks, g->setup, g->ranks, &shard, &g->scratch,
                                    g->first, &g->floor));
    if (g->floor <= g->limit)
        g->floor =
            cpb_shard_step_floor(g->masks, g->setup, g->ranks, 0, &own, g->first);
done:
    return status;
}

/* What enters the first rank's node. */
static cpb_status look_at_node(glance *g)
{
    if (g->setup->nodes < 2 || g->floor > g->limit)
        return CPB_OK;
    const cpb_own_runs node = shards_of(g, 0, g->ranks / g->setup->nodes);
    cpb_arena_free(&g->scratch);
    return cpb_node_step_floor(g->masks, g->setup, g->ranks, &node, &g->scratch,
                               g->first, &g->floor);
}

/* What the ranks compute that are odd multiples of a span, and of its halves down to
 * `least`. Ranks far apart come first: a long document that makes its ranks slow is found
 * soon. Where pieces are mixed, this would look at all of them for each rank. */
static cpb_status look_at_others(glance *g, int64_t *span, int64_t least)
{
    cpb_status status = CPB_OK;
    for (; !g->deal->mixed && *span >= least; *span /= 2)
        for (int64_t rank = *span; rank < g->ranks; rank += 2 * *span) {
            if (g->floor > g->limit)
                return CPB_OK;
            const cpb_own_runs shard = shards_of(g, (int32_t)rank, 1);
            cpb_arena_free(&g->scratch);
            CPB_TRY(cpb_shard_compute_floor(g->masks, g->setup, g->ranks, &shard,
                                            &g->scratch, g->cells, &g->floor));
        }
done:
    return status;
}

/* A look at a node costs about as much as one at each of its ranks, so as many others come
 * before it. */
static cpb_status look(glance *g)
{
    int64_t span = 1;
    cpb_status status;
    while (2 * span < g->ranks)
        span *= 2;
    CPB_TRY(look_at_first(g));
    CPB_TRY(look_at_others(g, &span, cpb_max(1, g->setup->nodes)));
    CPB_TRY(look_at_node(g));
    CPB_TRY(look_at_others(g, &span, 1));
done:
    return status;
}

cpb_status cpb_glance_passes(const cpb_deal *deal, const cpb_masks *masks,
                             const cpb_setup *setup, int32_t ranks, int64_t limit,
                             bool *passes)
{
    glance g = {.deal = deal,
                .masks = masks,
                .setup = setup,
                .ranks = ranks,
                .limit = limit,
                .scratch = {.allocator = deal->arena->allocator}};
    *passes = false;
    if (limit == INT64_MAX || setup->kernel == CPB_RECURRENT)
        return CPB_OK;
    g.runs = cpb_arena_take(deal->arena, deal->n, sizeof *g.runs);
    g.first = cpb_arena_zeros(deal->arena, masks->n, sizeof *g.first);
    g.cells = cpb_arena_zeros(deal->arena, masks->n, sizeof *g.cells);
    const cpb_status status = g.runs && g.first && g.cells ? look(&g) : CPB_NO_MEMORY;
    cpb_arena_free(&g.scratch);
    *passes = g.floor > limit;
    return status;
}
