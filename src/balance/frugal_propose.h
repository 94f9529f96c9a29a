// SPDX-License-Identifier: Apache-2.0
/* What the climb tries. Choices come from the climb's seeded generator. */
#ifndef CPB_SRC_FRUGAL_PROPOSE_H
#define CPB_SRC_FRUGAL_PROPOSE_H

#include "frugal_swap.h"

/* 0 .. n - 1 */
int64_t cpb_pick(cpb_climb *climb, int64_t n);

/* A patch of a rank; -1 where it has none. */
int32_t cpb_pick_patch(cpb_climb *climb, int32_t rank);

/* Choose ends of a rank's patches and of another's to swap, within the limits; false where
 * what came up is not worth a try. */
bool cpb_propose(cpb_climb *climb, int32_t from, cpb_swap *s);

#endif
