// SPDX-License-Identifier: Apache-2.0
/* Counting tiles: rows come one by one, and every tile_q of them close a q-tile. */
#ifndef CPB_SRC_CHECK_TILING_H
#define CPB_SRC_CHECK_TILING_H

#include "exact.h"
#include "spans.h"

#include <cpb/cost.h>

/* Ranges of key tiles; room grows. */
typedef struct cpb_tile_list {
    cpb_range *at;
    size_t n;
    size_t room;
} cpb_tile_list;

/* Starts from cpb_tile_counter_start(). */
typedef struct cpb_tile_counter {
    int64_t tile_q;
    int64_t tile_k;
    cpb_pass price; /* of one q-tile, for `longest` */
    cpb_exact *exact;

    int64_t full; /* what was counted so far */
    int64_t partial;
    int64_t q_tiles;
    int64_t longest; /* the largest price of one q-tile */

    int64_t origin;      /* the key at which tile 0 begins */
    int64_t rows;        /* slots of the open q-tile so far */
    cpb_spans touched;   /* keys that some row of it sees */
    cpb_tile_list whole; /* tiles that every row of it sees completely */
    cpb_tile_list row;
    cpb_tile_list both;
} cpb_tile_counter;

cpb_tile_counter cpb_tile_counter_start(int64_t tile_q, int64_t tile_k,
                                        const cpb_pass *price, cpb_exact *exact,
                                        cpb_arena *arena);

/* Forget the counts, keep the memory. */
void cpb_tile_counter_clear(cpb_tile_counter *tiling);

/* The next slot is a query that sees these n ranges of keys: sorted, disjoint, apart,
 * none before the origin. CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_tile_counter_add(cpb_tile_counter *tiling, const cpb_range *keys,
                                size_t n, cpb_error *error);

/* The next `slots` slots see nothing. */
void cpb_tile_counter_skip(cpb_tile_counter *tiling, int64_t slots);

/* Close the open q-tile; the next row begins a new one, with key tiles that start at
 * `origin`. */
void cpb_tile_counter_restart(cpb_tile_counter *tiling, int64_t origin);

#endif
