// SPDX-License-Identifier: Apache-2.0
/* Steps: ends of patches of two ranks change hands, as many positions one way as the other.
 * Sizes stay, and only the isles of these patches are counted anew. */
#ifndef CPB_SRC_FRUGAL_SWAP_H
#define CPB_SRC_FRUGAL_SWAP_H

#include "frugal_climb.h"

/* The end of a patch. */
typedef struct cpb_patch_end {
    int32_t id;
    bool tail;
} cpb_patch_end;

/* A piece of one isle, and which of the two ranks it belongs to. */
typedef struct cpb_lot {
    cpb_range piece;
    int32_t isle;
    int32_t of;
    int32_t patch; /* that it is an end of, or -1 */
} cpb_lot;

enum { CPB_SWAP_LOTS = CPB_LINKED_ISLES };

/* Pieces change hands between two ranks, as many positions one way as the other. */
typedef struct cpb_swap {
    int32_t rank[2];
    int32_t n;
    cpb_lot lot[CPB_SWAP_LOTS];
    int64_t shift; /* load that rank[0] loses */
} cpb_swap;

/* A tile, or what the grid allows of it. */
int64_t cpb_climb_tile(const cpb_view *view);

/* Of so many random swaps that relieve the rank furthest above its limit carry out the one
 * that does least harm for the load it moves. False where there is none, or when memory
 * ended. */
bool cpb_climb_relieve(cpb_climb *climb, int samples, cpb_swap *done);

/* The longest pieces that two patches can swap. */
int64_t cpb_swap_most(const cpb_board *board, cpb_patch_end a, cpb_patch_end b);

/* The load that a swap of `length` positions takes from the rank of `a`. */
int64_t cpb_swap_shift(const cpb_board *board, cpb_patch_end a, cpb_patch_end b,
                       int64_t length);

/* What the piece of `length` at an end costs in the original order. */
int64_t cpb_swap_cost(const cpb_board *board, cpb_patch_end a, int64_t length);
/* That piece as a lot of rank[of] of a swap. */
cpb_lot cpb_swap_lot(const cpb_board *board, cpb_patch_end a, int64_t length,
                     int32_t of);

cpb_swap cpb_swap_of(const cpb_board *board, cpb_patch_end a, cpb_patch_end b,
                     int64_t length);

/* How much load a rank may give to another so that none gets further above its limit. */
int64_t cpb_load_room(const cpb_climb *climb, int32_t from, int32_t to);

/* What the ranks of a swap are above their limits, the one or the other; 0 if neither. */
int64_t cpb_swap_excess(const cpb_climb *climb, const cpb_swap *s);

/* How a swap would change the worth. Every lot is an end of a patch. */
cpb_sum cpb_swap_change(cpb_climb *climb, const cpb_swap *s);

/* Carry a swap out; returns how the worth changes. */
cpb_sum cpb_swap_carry_out(cpb_climb *climb, const cpb_swap *s);

/* Undo what was just carried out. */
void cpb_swap_take_back(cpb_climb *climb, const cpb_swap *s);

#endif
