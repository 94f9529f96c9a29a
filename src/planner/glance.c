// SPDX-License-Identifier: Apache-2.0
/* Rows that cut sequences to shreds deal a hundred thousand pieces, and most of the time
 * that they cost `auto` went into making plans that were then given up at the first rank.
 * Here the same rank is looked at first. */
#include "glance.h"

#include "../read/shard_cost.h"

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

/* Weighted compute of one rank; the arena is emptied. */
static cpb_status compute_of(const cpb_masks *masks, const cpb_setup *setup,
                             const cpb_range *runs, size_t n, cpb_arena *scratch,
                             cpb_wide *compute)
{
    cpb_status status = CPB_OK;
    *compute = 0;
    for (size_t m = 0; m < masks->n && status == CPB_OK; m++) {
        cpb_shard_cost cost;
        status =
            cpb_shard_cost_of(masks->mask[m], setup, runs, n, NULL, scratch, &cost);
        if (status == CPB_OK)
            *compute +=
                (masks->weight ? masks->weight[m] : 1) * (cost.forward + cost.backward);
    }
    cpb_arena_free(scratch);
    return status;
}

cpb_status cpb_glance_passes(const cpb_deal *deal, const cpb_masks *masks,
                             const cpb_setup *setup, int32_t ranks, int64_t limit,
                             bool *passes)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    cpb_arena scratch = {.allocator = deal->arena->allocator};
    *passes = false;
    if (limit == INT64_MAX || setup->kernel == CPB_RECURRENT)
        return CPB_OK;
    cpb_range *const runs = cpb_arena_take(deal->arena, deal->n, sizeof *runs);
    if (!runs)
        return CPB_NO_MEMORY;
    const bool in_order = dealt_rank_by_rank(deal);
    for (size_t i = 0, end; i < deal->n && !*passes; i = end) {
        const int32_t rank = deal->pieces[i].rank;
        cpb_wide compute;
        end = in_order ? end_of(deal, i) : deal->n;
        const size_t n = runs_of(deal, i, end, rank, tokens, runs);
        const cpb_status status = compute_of(masks, setup, runs, n, &scratch, &compute);
        if (status != CPB_OK)
            return status;
        *passes = cpb_setup_slowed(setup, ranks, rank, compute) > limit;
    }
    return CPB_OK;
}
