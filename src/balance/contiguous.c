// SPDX-License-Identifier: Apache-2.0
/* Rank r holds the r-th piece. Source: plain sharding; llama3's all-gather CP. */
#include "balance.h"

cpb_status cpb_balance_contiguous(const cpb_view *view, cpb_deal *deal,
                                  cpb_error *error)
{
    const int64_t positions = view->tokens + view->padding;
    (void)error;
    if (cpb_deal_reserve(deal, (size_t)view->ranks) != CPB_OK)
        return CPB_NO_MEMORY;
    for (int64_t r = 0; r < view->ranks; r++)
        cpb_deal_add(deal, (int32_t)r,
                     (cpb_range){r * positions / view->ranks,
                                 (r + 1) * positions / view->ranks});
    return CPB_OK;
}
