// SPDX-License-Identifier: Apache-2.0
/* The attention matrix in pieces of one colour. */
#include "strips.h"

#include "message.h"

#include <stdlib.h>

static int by_begin(const void *a, const void *b)
{
    const cli_owner *const x = a, *const y = b;
    return (x->tokens.begin > y->tokens.begin) - (x->tokens.begin < y->tokens.begin);
}

static void collect(const cpb_plan *plan, palette_groups groups, cli_owners *owners)
{
    const int64_t tokens = cpb_plan_tokens(plan);
    for (int32_t rank = 0; rank < cpb_plan_ranks(plan); rank++) {
        const cpb_range *const runs = cpb_plan_runs(plan, rank);
        const size_t n = cpb_plan_n_runs(plan, rank);
        for (size_t i = 0; i < n; i++) {
            const int64_t end = runs[i].end < tokens ? runs[i].end : tokens;
            if (runs[i].begin < end)
                owners->owner[owners->n++] =
                    (cli_owner){{runs[i].begin, end}, (size_t)rank / groups.size};
        }
    }
}

static void merge(cli_owners *owners)
{
    size_t n = 0;
    for (size_t i = 0; i < owners->n; i++)
        if (n && owners->owner[n - 1].group == owners->owner[i].group)
            owners->owner[n - 1].tokens.end = owners->owner[i].tokens.end;
        else
            owners->owner[n++] = owners->owner[i];
    owners->n = n;
}

bool owners_create(const cpb_plan *plan, palette_groups groups, cli_owners *owners,
                   cpb_error *error)
{
    size_t n = 0;
    for (int32_t rank = 0; rank < cpb_plan_ranks(plan); rank++)
        n += cpb_plan_n_runs(plan, rank);
    *owners = (cli_owners){.owner = malloc(n * sizeof *owners->owner)};
    if (!owners->owner)
        return fail_memory(error);
    collect(plan, groups, owners);
    qsort(owners->owner, owners->n, sizeof *owners->owner, by_begin);
    merge(owners);
    return true;
}

void owners_free(cli_owners *owners)
{
    free(owners->owner);
    *owners = (cli_owners){0};
}

/* The owner of a token. */
static size_t owner_of(const cli_owners *owners, int64_t token)
{
    size_t low = 0, high = owners->n;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (owners->owner[middle].tokens.begin <= token)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* What a row of a slice sees. Slices of a mask hold no query without a key, so the
 * diagonals stay inside the rectangle. */
static cli_strip whole(const cpb_slice *slice)
{
    const int64_t rows = slice->queries.end - slice->queries.begin;
    const bool left = slice->kind == CPB_INVERSE_CAUSAL || slice->kind == CPB_BI_CAUSAL;
    const bool right = slice->kind == CPB_CAUSAL || slice->kind == CPB_BI_CAUSAL;
    return (cli_strip){.first = slice->queries.begin,
                       .rows = rows,
                       .left = slice->keys.begin,
                       .right = slice->keys.end - (right ? rows - 1 : 0),
                       .left_steps = left,
                       .right_steps = right};
}

void strips_visit(const cli_owners *owners, const cpb_mask *mask, strip_visit *visit,
                  void *context)
{
    const cpb_slice *const slices = cpb_mask_slices(mask);
    for (size_t s = 0; s < cpb_mask_n_slices(mask); s++) {
        const cpb_range queries = slices[s].queries;
        const cli_strip slice = whole(&slices[s]);
        for (size_t i = owner_of(owners, queries.begin);
             i < owners->n && owners->owner[i].tokens.begin < queries.end; i++) {
            const cpb_range held = owners->owner[i].tokens;
            const int64_t first =
                held.begin > queries.begin ? held.begin : queries.begin;
            const int64_t end = held.end < queries.end ? held.end : queries.end;
            cli_strip strip = slice;
            strip.group = owners->owner[i].group;
            strip.first = first;
            strip.rows = end - first;
            strip.left += (first - queries.begin) * slice.left_steps;
            strip.right += (first - queries.begin) * slice.right_steps;
            visit(&strip, context);
        }
    }
}
