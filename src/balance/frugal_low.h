// SPDX-License-Identifier: Apache-2.0
/* Layouts that load the busiest card little. */
#ifndef CPB_SRC_FRUGAL_LOW_H
#define CPB_SRC_FRUGAL_LOW_H

#include "frugal_improve.h"

/* Put a layout in the place of the improver's plan where it keeps the limits as a score
 * counts loads and has less traffic through its busiest card, for at most twice the total;
 * `kept` is true then. `spare` is a board like the plan's. */
cpb_status cpb_take_lower(cpb_improver *improver, cpb_board *spare, bool *kept);

#endif
