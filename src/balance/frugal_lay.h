// SPDX-License-Identifier: Apache-2.0
/* Whole plans that are known beforehand, laid on a board with their traffic counted.
 * O(pieces log pieces + isles). */
#ifndef CPB_SRC_FRUGAL_LAY_H
#define CPB_SRC_FRUGAL_LAY_H

#include "frugal_board.h"

/* Rank r holds the r-th part. */
cpb_status cpb_lay_contiguous(cpb_board *board);

/* Rank r holds a part from the begin and one from the end, cut on the grid: the order of
 * head-tail, and where that would cut steps of the grid as near to it as may be. */
cpb_status cpb_lay_head_tail(cpb_board *board);

/* Ranks that together hold whole isles, as they follow each other, deal them in the order
 * of head-tail among themselves: documents of equal lengths to equal groups of ranks. Not
 * `laid` where that is out of balance, as it mostly is. */
cpb_status cpb_lay_groups(cpb_board *board, bool *laid);

/* Rank by rank from both ends of what is left: of what is cheap at the begin as little, in
 * whole steps, as keeps the rank's cost within most[rank], the rest from the end. A sliding
 * window gets contiguous parts, and each rank that needs one a piece of the ramp. */
cpb_status cpb_lay_two_ended(cpb_board *board, const int64_t *most, int64_t step);

/* What lays a plan where that makes sense: `laid` tells. */
typedef cpb_status cpb_lay_fn(cpb_board *board, bool *laid);

/* Documents that others read in equal parts over all ranks, the others whole where they fit.
 * Not where no document is read by others, or most are. */
cpb_lay_fn cpb_lay_spread;

/* Chunks of 512 tokens, costliest first: everything is spread, and little is cut. Only where
 * they divide the sizes. */
cpb_lay_fn cpb_lay_long_chunks;

/* As the balancer `even` deals chunks; `chunk` is a multiple of the grid. */
cpb_status cpb_lay_even(cpb_board *board, int64_t chunk);

/* As the balancer `per-document` deals tokens. */
cpb_status cpb_lay_per_document(cpb_board *board);

/* Pieces that cover everything, in any order. */
cpb_status cpb_lay_pieces(cpb_board *board, size_t n, const cpb_piece *pieces);

/* What a balancer deals, under a view of the same positions. */
cpb_status cpb_lay_dealt(cpb_board *board, cpb_balance_fn *balance,
                         const cpb_view *view);

#endif
