// SPDX-License-Identifier: Apache-2.0
/* What queries cost that a rank holds next to each other, where q-tiles start anew at
 * every segment: each document causal and its tokens in their order. */
#ifndef CPB_SRC_HELD_H
#define CPB_SRC_HELD_H

#include "work.h"

/* A q-tile costs `q_tile`, and for each of its tiles `tile`, for a full one `full` more;
 * each query costs `token`. */
typedef struct cpb_held_prices {
    int64_t tile_q, tile_k;
    int q_bits, k_bits; /* tiles are 1 << bits, tile_k no shorter; q_bits -1: divide */
    int64_t q_tile, tile, full, token;
} cpb_held_prices;

/* The prices of both passes, or of tiles alone where these are the cost; false where a
 * stretch's cost depends on more: received keys, key tiles, the longest q-tile, or where
 * tiles run on from one segment to the next. */
bool cpb_held_prices_of(const cpb_setup *setup, cpb_held_prices *prices);

/* Cost of the queries [begin, end) of one document, counted from its begin. O(log tile). */
int64_t cpb_held_cost(const cpb_held_prices *prices, int64_t begin, int64_t end);

#endif
