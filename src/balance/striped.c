// SPDX-License-Identifier: Apache-2.0
/* Chunk i goes to rank i mod W. Source: Striped Attention (arXiv 2311.09431). */
#include "balance.h"

cpb_status cpb_balance_striped(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    int32_t *const owner =
        cpb_arena_take(deal->arena, (size_t)view->n_chunks, sizeof *owner);
    (void)error;
    if (!owner)
        return CPB_NO_MEMORY;
    for (int64_t c = 0; c < view->n_chunks; c++)
        owner[c] = (int32_t)(c % view->ranks);
    return cpb_deal_chunks(deal, view, owner);
}
