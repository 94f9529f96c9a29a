// SPDX-License-Identifier: Apache-2.0
/* Rows that cut sequences to shreds deal a hundred thousand pieces, and most of the time
 * that they cost `auto` went into making plans that were then given up at the first rank.
 * Here the same rank is looked at first. */
#include "glance.h"

#include "../base/error.h"
#include "../read/shard_step.h"

static bool dealt_rank_by_rank(const cpb_deal *deal)
{
    for (size_t i = 1; i < deal->n; i++)
        if (deal->pieces[i].rank < deal->pieces[i - 1].rank)
            return false;
    return true;
}

/* The runs of a rank among pieces i .. end - 1. */
static size_t runs_of(const cpb_deal *deal, size_t i, size_t end, int32_t rank,
                      int64_t tokens, cpb_range *runs)
{
    size_t n = 0;
    for (; i < end; i++) {
        const cpb_range piece = {deal->pieces[i].begin,
                                 cpb_min(deal->pieces[i].end, tokens)};
        if (deal->pieces[i].rank != rank || piece.begin >= piece.end)
            continue;
        if (n && runs[n - 1].end == piece.begin)
            runs[n - 1].end = piece.end;
        else
            runs[n++] = piece;
    }
    return n;
}

/* Where the pieces of the next rank begin. */
static size_t end_of(const cpb_deal *deal, size_t i)
{
    const int32_t rank = deal->pieces[i].rank;
    while (i < deal->n && deal->pieces[i].rank == rank)
        i++;
    return i;
}

/* The compute of one rank, received keys left out: a lower floor that is found sooner. */
static cpb_status compute_of(const cpb_masks *masks, const cpb_setup *setup,
                             int32_t ranks, const cpb_own_runs *shard,
                             cpb_arena *scratch, cpb_wide *floor)
{
    cpb_wide sum = 0;
    cpb_status status = CPB_OK;
    for (size_t m = 0; m < masks->n; m++) {
        cpb_shard_cost cost;
        CPB_TRY(cpb_shard_cost_of(masks->mask[m], setup, shard->runs, shard->n_runs,
                                  NULL, scratch, &cost));
        sum += (masks->weight ? masks->weight[m] : 1) * (cost.forward + cost.backward);
    }
    *floor = cpb_setup_slowed(setup, ranks, shard->rank, sum);
done:
    return status;
}

/* The runs of the next rank dealt, or, where pieces are mixed, of the first. */
static cpb_own_runs shard_at(const cpb_deal *deal, size_t i, size_t end, int64_t tokens,
                             cpb_range *runs)
{
    const int32_t rank = deal->pieces[i].rank;
    return (cpb_own_runs){rank, runs, runs_of(deal, i, end, rank, tokens, runs)};
}

cpb_status cpb_glance_passes(const cpb_deal *deal, const cpb_masks *masks,
                             const cpb_setup *setup, int32_t ranks, int64_t limit,
                             bool *passes)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    const bool in_order = dealt_rank_by_rank(deal);
    cpb_arena scratch = {.allocator = deal->arena->allocator};
    cpb_wide floor = 0;
    cpb_status status = CPB_OK;
    *passes = false;
    if (limit == INT64_MAX || setup->kernel == CPB_RECURRENT)
        return CPB_OK;
    cpb_range *const runs = cpb_arena_take(deal->arena, deal->n, sizeof *runs);
    if (!runs)
        return CPB_NO_MEMORY;
    for (size_t i = 0, end; i < deal->n && floor <= limit; i = end) {
        end = in_order ? end_of(deal, i) : deal->n;
        const cpb_own_runs shard = shard_at(deal, i, end, tokens, runs);
        CPB_TRY(compute_of(masks, setup, ranks, &shard, &scratch, &floor));
        cpb_arena_free(&scratch);
    }
    if (floor <= limit) {
        const size_t end = in_order ? end_of(deal, 0) : deal->n;
        const cpb_own_runs shard = shard_at(deal, 0, end, tokens, runs);
        CPB_TRY(cpb_shard_step_floor(masks, setup, ranks, &shard, &scratch, &floor));
    }
    *passes = floor > limit;
done:
    cpb_arena_free(&scratch);
    return status;
}
