// SPDX-License-Identifier: Apache-2.0
/* Swaps that make a plan cheaper or bring loads within their limits. */
#ifndef CPB_SRC_FRUGAL_CLIMB_H
#define CPB_SRC_FRUGAL_CLIMB_H

#include "frugal_board.h"

/* What a plan is worth: lower is better. Keys in and out of each card count by their
 * fourth power, so that the busiest card counts most, and once more linearly, for the
 * total; then there is a price per run and a high one for loads above their limits. */
typedef struct cpb_climb {
    cpb_board *board;
    const int64_t *limit; /* [ranks] */
    int shift;            /* keys are scaled by 2^shift to some 16 bits */
    cpb_sum per_key;      /* the linear price of a scaled key */
    int64_t step;         /* pieces that change hands are multiples of it, or whole */
    uint64_t seed;
    int64_t steps;
    int32_t card; /* a busy one */
    int32_t rank; /* one with many peers */
    bool failed;  /* memory ended */
} cpb_climb;

/* Scale prices to the busiest card of the board as it is. */
void cpb_climb_start(cpb_climb *climb, cpb_board *board, const int64_t *limit);

/* What keys of the total are worth. */
cpb_sum cpb_climb_price(const cpb_climb *climb, int64_t keys);

/* The worth of the whole board. O(ranks). */
cpb_sum cpb_climb_worth(const cpb_climb *climb);

/* The largest load above its limit; at most 0 where all keep theirs. */
int64_t cpb_climb_excess(const cpb_climb *climb);

/* Try a swap and keep it if the worth rises by no more than `most`; true if kept. */
bool cpb_climb_step(cpb_climb *climb, cpb_sum most);

/* Try swaps and keep those that help, until `effort` patches were looked at. */
cpb_status cpb_climb_run(cpb_climb *climb, int64_t effort);

#endif
