// SPDX-License-Identifier: Apache-2.0
/* What the loads sum to at least, however tokens are rearranged.
 *
 * Let n(q) be the key tiles that query q touches alone. A q-tile touches at least the
 * n(q) of each of its queries, hence at least their mean over tile_q queries, and every
 * query with a key lies in one q-tile: all ranks together visit at least
 * sum n(q) / tile_q tiles in at least (queries with a key) / tile_q q-tiles. With varlen
 * tiles, which start anew, both hold for each slice by itself. */
#include "work.h"

/* Sum of ceil(j / k) over 0 <= j < x. */
static cpb_wide ceil_sum(int64_t x, int64_t k)
{
    const int64_t last = cpb_max(0, x - 1), whole = last / k, rest = last % k;
    return (cpb_wide)k * whole * (whole + 1) / 2 + (cpb_wide)rest * (whole + 1);
}

/* Sum of floor(j / k) over 0 <= j < x. */
static cpb_wide floor_sum(int64_t x, int64_t k)
{
    const int64_t whole = x / k, rest = x % k;
    return (cpb_wide)k * whole * (whole - 1) / 2 + (cpb_wide)rest * whole;
}

/* Tiles that the queries of a slice touch, each query alone, on tiles that start at the
 * sequence's begin. */
static cpb_wide fixed_tiles(const cpb_slice *slice, int64_t k)
{
    const int64_t rows = cpb_range_length(slice->queries);
    const int64_t low = slice->keys.begin;
    const int64_t high = cpb_slice_high(slice, slice->queries.begin);
    const cpb_wide above = cpb_slice_high_slope(slice->kind)
                               ? ceil_sum(high + rows, k) - ceil_sum(high, k)
                               : (cpb_wide)rows * cpb_ceil_div(high, k);
    const cpb_wide below = cpb_slice_low_slope(slice->kind)
                               ? floor_sum(low + rows, k) - floor_sum(low, k)
                               : (cpb_wide)rows * (low / k);
    return above - below;
}

/* The same where tiles start at the best place for each query. */
static cpb_wide free_tiles(const cpb_slice *slice, int64_t k)
{
    const int64_t rows = cpb_range_length(slice->queries);
    const int64_t width = cpb_range_length(slice->keys);
    const int64_t least = width - rows + 1;
    switch (slice->kind) {
    case CPB_CAUSAL:
    case CPB_INVERSE_CAUSAL:
        return ceil_sum(width + 1, k) - ceil_sum(least, k);
    case CPB_BI_CAUSAL:
        return (cpb_wide)rows * cpb_ceil_div(least, k);
    case CPB_FULL:
    default:
        return (cpb_wide)rows * cpb_ceil_div(width, k);
    }
}

/* Queries that see a key; slices are sorted by their first query. */
static int64_t count_queries(const cpb_mask *mask)
{
    int64_t count = 0, reached = 0;
    for (size_t i = 0; i < mask->n_slices; i++) {
        const cpb_range queries = mask->slices[i].queries;
        count += cpb_max(0, queries.end - cpb_max(queries.begin, reached));
        reached = cpb_max(reached, queries.end);
    }
    return count;
}

typedef struct touched {
    cpb_wide tiles;   /* sum of n(q) */
    cpb_wide queries; /* queries with a key, per slice where tiles start anew */
} touched;

/* Neighbouring intervals of keys of one query share at most one tile, so a query in m
 * slices touches at least the sum over its slices minus m - 1. */
static touched touch(const cpb_mask *mask, const cpb_tiling *tiling)
{
    touched sum = {0, 0};
    cpb_wide rows = 0;
    for (size_t i = 0; i < mask->n_slices; i++) {
        const cpb_slice *const slice = &mask->slices[i];
        rows += cpb_range_length(slice->queries);
        sum.tiles += tiling->varlen ? free_tiles(slice, tiling->tile_k)
                                    : fixed_tiles(slice, tiling->tile_k);
    }
    sum.queries = tiling->varlen ? rows : count_queries(mask);
    sum.tiles -= rows - sum.queries;
    return sum;
}

static cpb_wide ceil_wide(cpb_wide a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t clipped(cpb_wide value)
{
    return value > CPB_MAX_COST ? CPB_MAX_COST : (int64_t)value;
}

static cpb_floor floor_of_pass(const cpb_mask *mask, const cpb_setup *setup,
                               bool backward)
{
    const cpb_tiling tiling = cpb_setup_profile_tiling(setup);
    const cpb_prices price = cpb_setup_prices(setup, backward);
    const int64_t tile = cpb_min(price.full_tile, price.partial_tile);
    const touched sum = touch(mask, &tiling);
    const int64_t most = cpb_mask_most_keys(mask);
    const cpb_wide total =
        ceil_wide(sum.tiles * tile + sum.queries * price.q_tile, tiling.tile_q) +
        (cpb_wide)price.token * mask->tokens +
        (cpb_wide)price.kv_tile * cpb_ceil_div(mask->tokens, tiling.tile_k);
    const cpb_wide query =
        most ? (cpb_wide)tile * cpb_ceil_div(most, tiling.tile_k) + price.q_tile : 0;
    return (cpb_floor){total, clipped(query)};
}

cpb_floor cpb_work_floor(const cpb_mask *mask, const cpb_setup *setup)
{
    const cpb_tiling tiling = cpb_setup_tiling(setup);
    if (setup->cost == CPB_PAIRS)
        return (cpb_floor){cpb_mask_pairs(mask), cpb_mask_most_keys(mask)};
    if (setup->cost == CPB_TILES)
        return (cpb_floor){ceil_wide(touch(mask, &tiling).tiles, tiling.tile_q),
                           cpb_ceil_div(cpb_mask_most_keys(mask), tiling.tile_k)};
    if (setup->kernel == CPB_RECURRENT) {
        const int64_t passes = setup->backward ? 2 : 1;
        const cpb_wide per_token = (cpb_wide)setup->profile.recurrent_token * passes;
        return (cpb_floor){
            per_token * mask->tokens,
            clipped(per_token + (cpb_wide)setup->profile.recurrent_run * passes)};
    }
    cpb_floor floor = floor_of_pass(mask, setup, false);
    if (setup->backward) {
        const cpb_floor added = floor_of_pass(mask, setup, true);
        floor.total += added.total;
        floor.query += added.query;
    }
    return floor;
}
