// SPDX-License-Identifier: Apache-2.0
#include "held.h"

#include "../base/range.h"

/* Larger tiles are refused. */
enum { MOST_BITS = 16 };

bool cpb_held_prices_of(const cpb_setup *setup, cpb_held_prices *prices)
{
    const cpb_profile *const p = &setup->profile;
    const cpb_tiling tiling = cpb_setup_tiling(setup);
    const cpb_prices forward = cpb_setup_prices(setup, false);
    const cpb_prices backward =
        setup->backward ? cpb_setup_prices(setup, true) : (cpb_prices){0};
    *prices = (cpb_held_prices){
        .tile_q = tiling.tile_q, .tile_k = tiling.tile_k, .q_bits = -1, .tile = 1};
    for (int bits = 0; bits <= MOST_BITS; bits++) {
        if (prices->tile_k == INT64_C(1) << bits)
            prices->k_bits = bits;
        if (prices->tile_q == INT64_C(1) << bits)
            prices->q_bits = bits;
    }
    if (!prices->k_bits || prices->k_bits < prices->q_bits)
        prices->q_bits = -1;
    if (setup->kernel != CPB_VARLEN || setup->cost == CPB_PAIRS)
        return false;
    if (setup->cost == CPB_TILES)
        return true;
    prices->q_tile = forward.q_tile + backward.q_tile;
    prices->tile = forward.partial_tile + backward.partial_tile;
    prices->full = forward.full_tile + backward.full_tile - prices->tile;
    prices->token = forward.token + backward.token;
    return !p->rows_at_once && !forward.kv_tile && !forward.received_key &&
           !backward.kv_tile && !backward.received_key;
}

/* Sum of floor(i / 2^bits) over 0 <= i < n. */
static int64_t halved_sum(int64_t n, int bits)
{
    const int64_t whole = n >> bits;
    return ((whole * (whole - 1) / 2) << bits) + whole * (n - (whole << bits));
}

/* Sum of floor((a + tile_q i) / tile_k) over 0 <= i < n: this is asked most, so divisions
 * are avoided where tiles allow it. */
static int64_t tile_sum(const cpb_held_prices *p, int64_t n, int64_t a)
{
    if (p->q_bits < 0)
        return cpb_floor_sum(n, p->tile_k, a, p->tile_q);
    const int64_t first = a >> p->q_bits;
    return halved_sum(first + n, p->k_bits - p->q_bits) -
           halved_sum(first, p->k_bits - p->q_bits);
}

int64_t cpb_held_cost(const cpb_held_prices *p, int64_t begin, int64_t end)
{
    const int64_t q = p->tile_q, k = p->tile_k;
    const int64_t n = p->q_bits < 0 ? (end - begin) / q : (end - begin) >> p->q_bits;
    const int64_t rest = end - begin - n * q;
    int64_t tiles = tile_sum(p, n, begin + q + k - 1);
    int64_t cost = n * p->q_tile + (end - begin) * p->token;
    if (rest) {
        tiles += cpb_ceil_div(end, k);
        cost += p->q_tile;
    }
    if (p->full)
        cost += p->full * tile_sum(p, n, begin + 1);
    return cost + tiles * p->tile;
}
