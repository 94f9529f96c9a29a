// SPDX-License-Identifier: Apache-2.0
/* Head-tail: a range is cut into 2W pieces and rank r holds piece r and piece
 * 2W - 1 - r. What the range's length leaves over after division rotates over the ranks
 * from range to range. */
#ifndef CPB_SRC_FOLD_H
#define CPB_SRC_FOLD_H

#include <cpb/base.h>

typedef struct cpb_fold {
    cpb_range range;
    int32_t ranks;
    int32_t turn; /* the rank that gets the first spare token */
} cpb_fold;

/* The head and the tail of `rank`. Pieces differ by at most one token, and so do ranks
 * after any number of folds whose turns continue each other. */
void cpb_fold_pieces(const cpb_fold *fold, int32_t rank, cpb_range *head,
                     cpb_range *tail);

/* The turn for the range that follows. */
int32_t cpb_fold_next_turn(const cpb_fold *fold);

#endif
