// SPDX-License-Identifier: Apache-2.0
/* Other first plans than those that grow from neighbours. */
#ifndef CPB_SRC_FRUGAL_STARTS_H
#define CPB_SRC_FRUGAL_STARTS_H

#include "frugal_improve.h"

/* Search from such plans too where there is much to gain, about `looks` swaps each, and put
 * the best in the place of the improver's; then look at layouts that load the busiest card
 * little. `kept` tells whether the improver's plan keeps the limits as a score counts loads,
 * before and after. `spare` is a board like the plan's. */
cpb_status cpb_try_starts(cpb_improver *improver, cpb_board *spare, int64_t looks,
                          bool *kept);

#endif
