// SPDX-License-Identifier: Apache-2.0
/* Steps that improve who holds what. None changes how many chunks a rank holds, and
 * none ever raises the highest level. */
#ifndef CPB_SRC_MOVES_H
#define CPB_SRC_MOVES_H

#include "../base/memory.h"
#include "../base/sort.h"

/* A chunk in a seat. */
typedef struct cpb_held {
    int64_t cost;
    int64_t chunk;
} cpb_held;

/* Who holds what: rank r has seats first[r] .. first[r + 1] - 1. Its *level* is what it
 * brought with it plus the costs that it holds; the highest one is to come down. */
typedef struct cpb_seating {
    int32_t ranks;
    int64_t *first; /* [ranks + 1] */
    cpb_held *held; /* [first[ranks]] */
    int64_t *level; /* [ranks] >= 0 */
    cpb_item *pool; /* [3 * ranks] scratch */
    cpb_held *hand; /* [2 * ranks] scratch */
    int64_t *spot;  /* [2 * ranks] scratch */
} cpb_seating;

/* Seat the n chunks of `rising` (ascending cost) at their owners. `ranks`, `level` and
 * `held` [n] are filled in by the caller, the rest here.
 * \param owner [chunks] of every chunk in `rising` */
cpb_status cpb_seating_fill(cpb_seating *seating, int64_t n, const cpb_item *rising,
                            const int32_t *owner, cpb_arena *arena);

/* Write the owners of all seated chunks. */
void cpb_seating_owners(const cpb_seating *seating, int32_t *owner);

/* Every rank gives up `size` (1 or 2) random chunks, and the hands are dealt anew, the
 * costliest hand to the rank that is lowest without its own. O(ranks). */
void cpb_redeal(cpb_seating *seating, int size, uint64_t *seed);

/* One exchange for every rank above `target`, highest first, with the best of the
 * `partners` lowest ranks; every rank takes part once.
 * \return whether all levels are within the target now. */
bool cpb_mend(cpb_seating *seating, int64_t target, int32_t partners);

#endif
