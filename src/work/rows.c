// SPDX-License-Identifier: Apache-2.0
/* Rows of q-tiles, priced in the original order. */
#include "rows.h"

#include "../base/error.h"

/* Tiles of 128 keys, which most kernels use. */
enum { COMMON_BITS = 7 };

/* Prices of one q-tile: what planning sums. */
typedef struct row_prices {
    int64_t full_tile, partial_tile, q_tile;
    int64_t token; /* per token, outside the rows */
} row_prices;

static row_prices prices_of(const cpb_setup *setup)
{
    if (setup->cost == CPB_TILES)
        return (row_prices){.full_tile = 1, .partial_tile = 1};
    if (setup->kernel == CPB_RECURRENT)
        return (row_prices){.token = setup->profile.recurrent_token *
                                     (setup->backward ? 2 : 1)};
    const cpb_prices forward = cpb_setup_prices(setup, false);
    row_prices sum = {forward.full_tile, forward.partial_tile, forward.q_tile,
                      forward.token};
    if (setup->backward) {
        const cpb_prices backward = cpb_setup_prices(setup, true);
        sum.full_tile += backward.full_tile;
        sum.partial_tile += backward.partial_tile;
        sum.q_tile += backward.q_tile;
        sum.token += backward.token;
    }
    return sum;
}

/* Rows under construction. Sums run modulo 2^64; `tiles` and `q_tiles` are exact, and
 * what they cost is checked at the end. */
typedef struct pricing {
    struct cpb_work *work;
    const cpb_tiling *tiling;
    row_prices price;
    uint64_t sum;
    int64_t full, nonempty, q_tiles;
} pricing;

static void add_row(pricing *p, cpb_tile_count count)
{
    const int64_t seen = count.nonempty > 0;
    p->full += count.full;
    p->nonempty += count.nonempty;
    p->q_tiles += seen;
    p->sum +=
        (uint64_t)count.full * (uint64_t)p->price.full_tile +
        (uint64_t)(count.nonempty - count.full) * (uint64_t)p->price.partial_tile +
        (uint64_t)seen * (uint64_t)p->price.q_tile;
    p->work->before[++p->work->n_rows] = (int64_t)p->sum;
}

/* The hot loop of planning: a stretch of whole q-tiles in one slice, key tiles a power of
 * two, no telling full from partial. The compiler sees shifts instead of divisions. */
static inline void add_plain_rows(pricing *p, const cpb_stretch *stretch, int shift)
{
    const uint64_t up = ((uint64_t)1 << shift) - 1;
    const uint64_t tile = (uint64_t)p->price.partial_tile;
    const uint64_t q_tile = (uint64_t)p->price.q_tile;
    const uint64_t low_step = (uint64_t)stretch->low_step;
    const uint64_t high_step = (uint64_t)stretch->high_step;
    uint64_t low = (uint64_t)stretch->low, high = (uint64_t)stretch->high + up;
    uint64_t tiles = 0, sum = p->sum;
    int64_t *const before = p->work->before + p->work->n_rows + 1;

    for (int64_t i = 0; i < stretch->n; i++) {
        const uint64_t count = (high >> shift) - (low >> shift);
        low += low_step;
        high += high_step;
        tiles += count;
        sum += count * tile + q_tile;
        before[i] = (int64_t)sum;
    }
    p->sum = sum;
    p->nonempty += (int64_t)tiles;
    p->q_tiles += stretch->n;
    p->work->n_rows += stretch->n;
}

static void price_stretch(void *context, const cpb_stretch *stretch)
{
    pricing *const p = context;
    if (stretch->slice && !p->tiling->split && p->tiling->k_bits) {
        if (p->tiling->k_bits == COMMON_BITS) /* a constant shift is a third faster */
            add_plain_rows(p, stretch, COMMON_BITS);
        else
            add_plain_rows(p, stretch, p->tiling->k_bits);
        return;
    }
    for (int64_t i = 0; i < stretch->n; i++)
        add_row(p, cpb_stretch_count(stretch, p->tiling, i));
}

/* Queries that the same slices hold. */
typedef struct zone {
    cpb_range queries;
    size_t first;           /* slice that may hold them */
    const cpb_slice *alone; /* holds them if nothing else does */
} zone;

/* The zone that begins at `q`; `first` is the first slice that may hold `q`. */
static zone zone_at(const cpb_mask *mask, size_t first, int64_t q)
{
    int64_t end = mask->tokens;
    const cpb_slice *holder = NULL;
    int holders = 0;
    for (size_t i = first; i < mask->n_slices; i++) {
        const cpb_slice *const slice = &mask->slices[i];
        if (slice->queries.begin > q) {
            end = cpb_min(end, slice->queries.begin);
            break;
        }
        if (slice->queries.end <= q)
            continue;
        end = cpb_min(end, slice->queries.end);
        holder = slice;
        holders++;
    }
    return (zone){{q, end}, first, holders == 1 ? holder : NULL};
}

/* Tiles of one q-tile summed over the slices that hold it, each with tiles of its own. */
static cpb_tile_count count_shared_row(const cpb_mask *mask, const cpb_tiling *tiling,
                                       size_t first, cpb_range rows)
{
    cpb_tile_count sum = {0, 0};
    for (size_t i = first;
         i < mask->n_slices && mask->slices[i].queries.begin <= rows.begin; i++) {
        const cpb_slice *const slice = &mask->slices[i];
        if (slice->queries.end <= rows.begin)
            continue;
        const cpb_stretch one = cpb_stretch_of(
            slice, rows.begin, cpb_range_length(rows), 1, slice->keys.begin);
        const cpb_tile_count count = cpb_stretch_count(&one, tiling, 0);
        sum.nonempty += count.nonempty;
        sum.full += count.full;
    }
    return sum;
}

static void price_shared(pricing *p, const cpb_mask *mask, const zone *s)
{
    const int64_t tile = p->tiling->tile_q, end = s->queries.end;
    for (int64_t q = s->queries.begin; q < end; q += tile)
        add_row(p, count_shared_row(mask, p->tiling, s->first,
                                    (cpb_range){q, cpb_min(q + tile, end)}));
}

static void price_alone(pricing *p, const cpb_slice *slice, cpb_range queries)
{
    const int64_t tile = p->tiling->tile_q, origin = slice->keys.begin;
    const int64_t n = cpb_range_length(queries) / tile;
    const int64_t rest = cpb_range_length(queries) % tile;
    if (n) {
        const cpb_stretch whole = cpb_stretch_of(slice, queries.begin, tile, n, origin);
        price_stretch(p, &whole);
    }
    if (rest) {
        const cpb_stretch last =
            cpb_stretch_of(slice, queries.end - rest, rest, 1, origin);
        price_stretch(p, &last);
    }
}

/* Rows start anew wherever a slice starts or ends. */
static void price_varlen(pricing *p, const cpb_mask *mask)
{
    size_t first = 0;
    for (int64_t q = 0; q < mask->tokens;) {
        while (first < mask->n_slices && mask->reach[first] <= q)
            first++;
        const zone s = zone_at(mask, first, q);
        for (int64_t row = p->work->n_rows; q < s.queries.end; q += p->tiling->tile_q)
            p->work->begin[row++] = (int32_t)q;
        if (s.alone)
            price_alone(p, s.alone, s.queries);
        else
            price_shared(p, mask, &s);
        q = s.queries.end;
    }
    p->work->begin[p->work->n_rows] = (int32_t)mask->tokens;
}

cpb_status cpb_work_price_rows(cpb_work *work, const cpb_setup *setup,
                               cpb_arena *memory, cpb_error *error)
{
    const cpb_tiling tiling = cpb_setup_tiling(setup);
    const cpb_mask *const mask = work->mask;
    const cpb_range whole = {0, mask->tokens};
    const size_t breaks = tiling.varlen ? 2 * mask->n_slices + 1 : 0;
    const size_t most = (size_t)cpb_ceil_div(mask->tokens, tiling.tile_q) + breaks + 1;
    cpb_arena scratch = {.allocator = memory->allocator};
    pricing p = {.work = work, .tiling = &tiling, .price = prices_of(setup)};
    cpb_status status = CPB_OK;

    work->tile_q = tiling.tile_q;
    work->token = p.price.token;
    work->before = cpb_arena_take(memory, most, sizeof *work->before);
    if (tiling.varlen)
        work->begin = cpb_arena_take(memory, most, sizeof *work->begin);
    if (!work->before || (tiling.varlen && !work->begin))
        return cpb_fail_memory(error);
    work->before[0] = 0;
    if (tiling.varlen)
        price_varlen(&p, mask);
    else
        status = cpb_tiles_visit(mask, &tiling, &whole, 1, &scratch, price_stretch, &p);
    cpb_arena_free(&scratch);
    if (status != CPB_OK)
        return cpb_fail_memory(error);

    const cpb_wide total = (cpb_wide)p.full * p.price.full_tile +
                           (cpb_wide)(p.nonempty - p.full) * p.price.partial_tile +
                           (cpb_wide)p.q_tiles * p.price.q_tile +
                           (cpb_wide)mask->tokens * p.price.token;
    if (total > CPB_MAX_COST)
        return cpb_fail(
            error, CPB_TOO_LARGE, -1,
            "the mask costs more than %lld units under this profile; use the "
            "cost pairs or a coarser profile",
            (long long)CPB_MAX_COST);
    return CPB_OK;
}
