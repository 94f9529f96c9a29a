// SPDX-License-Identifier: Apache-2.0
/* Cells: keys cut so finely that the same ranks lack each of them. */
#ifndef CPB_SRC_CELLS_H
#define CPB_SRC_CELLS_H

#include "traffic.h"

/* Keys that a rank needs, own ones too. */
typedef struct cpb_want {
    cpb_range keys;
    int32_t rank;
} cpb_want;

/* A growing list of wants; starts as {.arena = ...}. */
typedef struct cpb_wants {
    cpb_arena *arena;
    cpb_want *at;
    size_t n;
    size_t room;
} cpb_wants;

/* Append what `rank` needs: sorted, disjoint, apart, and not yet in the list. */
cpb_status cpb_wants_add(cpb_wants *list, int32_t rank, const cpb_ranges *needs);

/* Ranks that want some keys: distinct, in no order that matters. */
typedef struct cpb_key_group {
    int32_t n;
    const int32_t *ranks; /* [n] */
} cpb_key_group;

/* A longest range of keys of one owner that exactly the same ranks lack, one at least. */
typedef struct cpb_key_cell {
    cpb_range keys;
    int32_t owner;
    int32_t n_ranks;              /* that lack them */
    const cpb_key_group *wanting; /* these, and maybe the owner; cells share it */
} cpb_key_cell;

typedef struct cpb_key_cells {
    size_t n;
    cpb_key_cell *at; /* [n] keys ascending */
} cpb_key_cells;

/* Cut what ranks want of others into cells.
 * \param chosen [owners->ranks] whose keys count; or NULL: everybody's
 * O(wants + owners' runs + ranks of all groups). */
cpb_status cpb_cells_create(const cpb_wants *wants, const cpb_owners *owners,
                            const bool *chosen, cpb_arena *arena, cpb_key_cells *cells);

#endif
