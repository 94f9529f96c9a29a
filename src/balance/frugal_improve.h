// SPDX-License-Identifier: Apache-2.0
/* A plan is brought within its limits, as a score counts loads, and made cheaper. */
#ifndef CPB_SRC_FRUGAL_IMPROVE_H
#define CPB_SRC_FRUGAL_IMPROVE_H

#include "frugal_climb.h"
#include "frugal_count.h"
#include "frugal_heal.h"

/* Where ranks receive less than this part of all positions, there is little to gain. */
enum { CPB_LITTLE_TRAFFIC = 16 };

typedef struct cpb_improver {
    cpb_board *board; /* the plan */
    int64_t rounds;   /* of repair */
    int64_t looks;    /* what repairs may take is counted in */
    cpb_climb climb;
    cpb_healer healer;
    cpb_count count;
    int64_t *limit; /* [ranks] the goals' limits, tightened by what does not add up */
} cpb_improver;

cpb_status cpb_improver_create(cpb_board *board, int64_t rounds, int64_t looks,
                               cpb_improver *improver);

/* Count the loads as they are, into `count.load`: the largest above its limit. */
cpb_status cpb_improver_count(cpb_improver *improver, int64_t *excess);

/* Repair, look for swaps that help about `looks` times, and repair what that broke;
 * `kept` tells whether loads keep their limits as a score counts them. */
cpb_status cpb_improve(cpb_improver *improver, int64_t looks, bool *kept);

#endif
