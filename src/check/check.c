// SPDX-License-Identifier: Apache-2.0
/* The proofs: laws first, then a recount of everything stated. */
#include "recount.h"

#include "../base/error.h"
#include "../base/range.h"

#include <assert.h>

static cpb_status check_masks(const cpb_claim *claim, const cpb_masks *masks,
                              cpb_error *error)
{
    for (size_t m = 0; m < masks->n; m++) {
        if (cpb_mask_tokens(masks->mask[m]) != claim->tokens)
            return cpb_fail(error, CPB_INVALID, (int64_t)m,
                            "mask %zu has %lld tokens, but the plan has %lld", m,
                            (long long)cpb_mask_tokens(masks->mask[m]),
                            (long long)claim->tokens);
        if (masks->weight && masks->weight[m] < 1)
            return cpb_fail(error, CPB_INVALID, (int64_t)m,
                            "the weight of mask %zu is %lld, but is at least 1", m,
                            (long long)masks->weight[m]);
    }
    return CPB_OK;
}

/* Pairs of a mask, slice by slice: the keys of its queries grow or shrink evenly from
 * the first query to the last, so their mean is that of those two. */
static int64_t pairs_of_slices(const cpb_mask *mask)
{
    const cpb_slice *const slices = cpb_mask_slices(mask);
    int64_t pairs = 0;
    for (size_t i = 0; i < cpb_mask_n_slices(mask); i++) {
        const int64_t rows = cpb_range_length(slices[i].queries);
        const int64_t keys = cpb_range_length(slices[i].keys);
        const int64_t lost[] = {
            [CPB_FULL] = 0,
            [CPB_CAUSAL] = rows - 1,
            [CPB_INVERSE_CAUSAL] = rows - 1,
            [CPB_BI_CAUSAL] = 2 * (rows - 1),
        };
        pairs += rows * (2 * keys - lost[slices[i].kind]) / 2;
    }
    return pairs;
}

/* Every position is held exactly once, so the ranks together must have met each allowed
 * pair exactly once. */
static cpb_status check_all_pairs(cpb_recount *recount, cpb_error *error)
{
    for (size_t m = 0; m < recount->masks->n; m++) {
        const int64_t expected = pairs_of_slices(recount->masks->mask[m]);
        int64_t pairs = 0;
        for (int32_t r = 0; r < recount->claim->ranks; r++)
            pairs += cpb_recount_tally(recount, m, r)->pairs;
        if (pairs != expected)
            return cpb_fail(error, CPB_REFUTED, (int64_t)m,
                            "the ranks compute %lld pairs of mask %zu, which has %lld",
                            (long long)pairs, m, (long long)expected);
    }
    return CPB_OK;
}

static cpb_status check_figures(cpb_recount *recount, cpb_error *error)
{
    const size_t ranks = (size_t)recount->claim->ranks;
    cpb_outcome outcome = {
        .pairs = cpb_arena_take(recount->arena, ranks, sizeof *outcome.pairs),
        .loads = cpb_arena_take(recount->arena, ranks, sizeof *outcome.loads),
    };
    cpb_status status;
    if (!outcome.pairs || !outcome.loads)
        return cpb_fail_memory(error);
    CPB_TRY(cpb_setup_check(recount->setup, recount->claim->ranks, error));
    cpb_recount_scale(recount);
    CPB_TRY(cpb_recount_run(recount, error));
    CPB_TRY(check_all_pairs(recount, error));
    cpb_recount_price(recount, &outcome);
    if (recount->exact.lost) {
        status = cpb_fail(error, CPB_TOO_LARGE, -1,
                          "a figure of this plan is beyond %lld", (long long)INT64_MAX);
        goto done;
    }
    CPB_TRY(cpb_compare(recount->claim, &outcome, error));
done:
    return status;
}

cpb_status cpb_check_plan(const cpb_claim *claim, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          cpb_error *error)
{
    assert(setup || !masks);
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_holders holding = {0};
    cpb_status status;
    if (masks)
        CPB_TRY(check_masks(claim, masks, error));
    CPB_TRY(cpb_check_laws(claim, &arena, &holding, error));
    if (masks) {
        cpb_recount recount = {
            .claim = claim,
            .masks = masks,
            .setup = setup,
            .holding = &holding,
            .arena = &arena,
            .figures = claim->score || claim->loads,
        };
        CPB_TRY(check_figures(&recount, error));
    }
done:
    cpb_arena_free(&arena);
    return status;
}

/* Where an earlier entry has the same value. */
static int64_t first_with(const int64_t *order, int64_t value)
{
    int64_t i = 0;
    while (order[i] != value)
        i++;
    return i;
}

cpb_status cpb_check_order(int64_t n, const int64_t *order,
                           const cpb_allocator *allocator, cpb_error *error)
{
    if (n < 0)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "an order of %lld entries is stated, but it has at least 0",
                        (long long)n);
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_status status = CPB_OK;
    uint64_t *const seen = cpb_arena_zeros(&arena, (size_t)n / 64 + 1, sizeof *seen);
    if (!seen)
        status = cpb_fail_memory(error);
    for (int64_t i = 0; i < n && status == CPB_OK; i++) {
        const int64_t value = order[i];
        const uint64_t bit = UINT64_C(1) << ((uint64_t)value % 64);
        if (value < 0 || value >= n)
            status =
                cpb_fail(error, CPB_REFUTED, i, "entry %lld is %lld, outside 0 .. %lld",
                         (long long)i, (long long)value, (long long)(n - 1));
        else if (seen[value / 64] & bit)
            status = cpb_fail(error, CPB_REFUTED, i,
                              "entry %lld is %lld, which entry %lld is already",
                              (long long)i, (long long)value,
                              (long long)first_with(order, value));
        else
            seen[value / 64] |= bit;
    }
    cpb_arena_free(&arena);
    return status;
}
