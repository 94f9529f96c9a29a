// SPDX-License-Identifier: Apache-2.0
/* First plans of the balancer `frugal`. */
#ifndef CPB_SRC_FRUGAL_BUILD_H
#define CPB_SRC_FRUGAL_BUILD_H

#include "frugal_stock.h"

typedef struct cpb_recipe {
    int head; /* of an open document's begin a rank takes so many 64ths of its size */
    bool longest_first; /* open the densest document where it does not fit as a whole */
    int aim; /* above the goals, in quarters of what the tolerance allows; then the first
                rank is left with less, and fewer others have a part of what is dense */
} cpb_recipe;

/* Deal everything to the ranks by their sizes and goals, traffic counted.
 * O(atoms + ranks log atoms). */
cpb_status cpb_frugal_build(const cpb_recipe *recipe, cpb_stock *stock,
                            cpb_board *board);

#endif
