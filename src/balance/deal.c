// SPDX-License-Identifier: Apache-2.0
/* Pieces on their way from a balancer to a plan. */
#include "balance.h"

#include <assert.h>

cpb_status cpb_deal_reserve(cpb_deal *deal, size_t room)
{
    assert(!deal->pieces);
    deal->pieces = cpb_arena_take(deal->arena, room, sizeof *deal->pieces);
    deal->room = room;
    return deal->pieces ? CPB_OK : CPB_NO_MEMORY;
}

/* Dealing chunks in ascending order keeps every shard ascending, because a shard is its
 * pieces in the order dealt. */
cpb_status cpb_deal_chunks(cpb_deal *deal, const cpb_view *view, const int32_t *owner)
{
    const int64_t positions = view->tokens + view->padding;
    if (cpb_deal_reserve(deal, (size_t)view->n_chunks) != CPB_OK)
        return CPB_NO_MEMORY;
    for (int64_t c = 0; c < view->n_chunks; c++)
        cpb_deal_add(deal, owner[c],
                     (cpb_range){c * view->chunk,
                                 cpb_min((c + 1) * view->chunk, positions)});
    return CPB_OK;
}
