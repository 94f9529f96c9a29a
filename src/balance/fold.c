// SPDX-License-Identifier: Apache-2.0
/* Where the pieces of a folded range begin, in closed form. */
#include "fold.h"

#include "../base/range.h"

/* Spare tokens are handed out one at a time to the ranks turn, turn + 1, .. mod W: the
 * first W go to tails, the rest to heads. Then piece sizes differ by at most one, and
 * how many spares lie before a piece is a count of ranks in a cyclic interval. */

/* How many of the `count` ranks turn, turn + 1, .. mod `ranks` are below `limit`;
 * count <= ranks. */
static int64_t below(int64_t turn, int64_t count, int64_t ranks, int64_t limit)
{
    const int64_t straight = cpb_max(0, cpb_min(turn + count, limit) - turn);
    const int64_t wrapped = cpb_max(0, cpb_min(turn + count - ranks, limit));
    return straight + wrapped;
}

void cpb_fold_pieces(const cpb_fold *fold, int32_t rank, cpb_range *head,
                     cpb_range *tail)
{
    const int64_t ranks = fold->ranks;
    const int64_t length = cpb_range_length(fold->range);
    const int64_t base = length / (2 * ranks);
    const int64_t spare = length % (2 * ranks);
    const int64_t tails = cpb_min(spare, ranks), heads = spare - tails;
    const int64_t turn = fold->turn;

    head->begin = fold->range.begin + rank * base + below(turn, heads, ranks, rank);
    head->end =
        fold->range.begin + (rank + 1) * base + below(turn, heads, ranks, rank + 1);
    tail->end = fold->range.end - rank * base - below(turn, tails, ranks, rank);
    tail->begin =
        fold->range.end - (rank + 1) * base - below(turn, tails, ranks, rank + 1);
}

int32_t cpb_fold_next_turn(const cpb_fold *fold)
{
    const int64_t spare = cpb_range_length(fold->range) % (2 * (int64_t)fold->ranks);
    return (int32_t)((fold->turn + spare) % fold->ranks);
}
