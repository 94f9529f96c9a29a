// SPDX-License-Identifier: Apache-2.0
/* What a swap of the ends of two patches would change. */
#ifndef CPB_SRC_FRUGAL_RECKON_H
#define CPB_SRC_FRUGAL_RECKON_H

#include "frugal_swap.h"

/* Whether a swap can be reckoned: its isles are islands of which every query sees all
 * before itself, under all masks, and nobody counts peers. */
bool cpb_reckons(const cpb_board *board);

/* Add what traffic it would change; cpb_board_revert() takes that back. O(patches of both
 * isles). */
void cpb_reckon_flow(cpb_board *board, const cpb_swap *s);

/* How many runs more both ranks would have. */
int32_t cpb_reckon_runs(const cpb_board *board, const cpb_swap *s);

#endif
