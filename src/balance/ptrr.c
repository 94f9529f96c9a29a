// SPDX-License-Identifier: Apache-2.0
/* Processing-time round robin: sort by cost, deal in a snake.
 *
 * Source: PyTorch's _PTRRLoadBalancer. Ties keep ascending chunk number, odd rows of the
 * deal run backwards, and a rank's chunks are put in ascending order. Where W does not
 * divide the chunks the last row is short, dealt in the same direction as if it were
 * full. */
#include "balance.h"

#include "../base/sort.h"

/* Stable and descending: ascending by what is missing to the largest key. */
static cpb_item *by_falling_cost(const cpb_view *view, cpb_arena *arena)
{
    const size_t n = (size_t)view->n_chunks;
    cpb_item *const items = cpb_arena_take(arena, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    if (!items || !spare)
        return NULL;
    int64_t most = 0;
    for (size_t c = 0; c < n; c++)
        most = view->cost[c] > most ? view->cost[c] : most;
    for (size_t c = 0; c < n; c++)
        items[c] = (cpb_item){(uint64_t)(most - view->cost[c]), (int64_t)c};
    cpb_sort(items, spare, n);
    return items;
}

cpb_status cpb_balance_ptrr(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    const int64_t ranks = view->ranks;
    const cpb_item *const items = by_falling_cost(view, deal->arena);
    int32_t *const owner =
        cpb_arena_take(deal->arena, (size_t)view->n_chunks, sizeof *owner);
    (void)error;
    if (!items || !owner)
        return CPB_NO_MEMORY;
    for (int64_t i = 0; i < view->n_chunks; i++) {
        const int64_t column = i % ranks;
        const bool backwards = i / ranks % 2;
        owner[items[i].value] = (int32_t)(backwards ? ranks - 1 - column : column);
    }
    return cpb_deal_chunks(deal, view, owner);
}
